#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-2.0-only
# The kernel matrix's part in the test run: the runner's own judgement, then the oldest and the newest x86_64 kernel.
here=${0%/*}
"$here/judge"
judged=$?
"$here/run" --short && exit "$judged"
