#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-only
# What is said to be left is proven by connecting until the kernel says no.
exec python3 "$(dirname "$0")/budget.py" "${BUILD:-build}/sockwatch" "$@"
