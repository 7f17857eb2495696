#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# -o ecs and -o otel: each name is a published one, and they tell what -o json tells; names.py tells more.
here=$(dirname "$(readlink -f "$0")")
cd "$here/../.." || exit 1
python3 -B "$here/names.py" golden
[ "$(id -u)" = 0 ] || { echo "SKIP names-real: needs root"; exit 0; }
exec unshare -n python3 -B "$here/names.py" "$PWD/${BUILD:-build}/sockwatch"
