#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# Outputs in JSON of every command, and the golden files, against docs/schema; schema.py tells more.
here=$(dirname "$(readlink -f "$0")")
python3 -W ignore -c 'import jsonschema' 2>/dev/null || PATH=/usr/bin:/bin
python3 -W ignore -c 'import jsonschema; jsonschema.Draft202012Validator' 2>/dev/null || { echo "SKIP schema: no python3-jsonschema"; exit 0; }
cd "$here/../.." || exit 1
python3 -W ignore -B "$here/schema.py" golden
[ "$(id -u)" = 0 ] || { echo "SKIP schema-real: needs root"; exit 0; }
exec unshare -n python3 -W ignore -B "$here/schema.py" "$PWD/${BUILD:-build}/sockwatch"
