#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# The agent's scenarios on the running kernel, with the hooks that the loader chooses here.
build=${BUILD:-build}
exec "$build/agent" --program "$build/sockwatch" "$@"
