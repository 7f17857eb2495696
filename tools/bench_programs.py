# SPDX-License-Identifier: GPL-2.0-only
"""Time in each of a tool's programs for a connection, both ends, as the kernel counts it (kernel.bpf_stats_enabled): counting
alone adds to each run what a run of the empty program shows."""
import json
import re
import statistics
import subprocess

from bench_processes import set_stats
from bench_tables import PACED, WORDS

TOOLS = ("empty", "sockwatch-record", "sockwatch-nothing", "sockwatch-text")
LEAST = 0.01    # runs a connection: what has fewer belongs to other work of the host


def held(pid, parts):
    """Nanoseconds and runs so far by program, of those that the process has open."""
    ids = {int(n) for n in re.findall(r"^prog_id:\s*(\d+)", parts.fdinfo(pid), re.M)}
    said = subprocess.run(["bpftool", "-j", "prog", "show"], stdout=subprocess.PIPE, check=True).stdout
    return {prog["id"]: (prog.get("name", "?"), prog.get("run_time_ns", 0), prog.get("run_cnt", 0))
            for prog in json.loads(said) if prog["id"] in ids}


def one_round(opt, tool, parts):
    """By the program's name: nanoseconds and runs a connection."""
    with parts.Running(tool, opt.folder) as running:
        running.wait_ready()
        before = held(running.pid, parts)
        made = parts.connrate(opt, rate=PACED, connections=PACED)["connections"]
        after = held(running.pid, parts)
        running.finish()
    return {name: ((ns - before[number][1]) / made, (runs - before[number][2]) / made)
            for number, (name, ns, runs) in after.items() if number in before}


def bench(opt, tools, parts):
    stats = set_stats("1")
    if stats is None:
        raise SystemExit("bench: the kernel does not count programs' time here")
    found = {}
    try:
        for _ in range(opt.rounds):
            for tool in tools:
                if tool.name in TOOLS:
                    found.setdefault(tool.name, []).append(one_round(opt, tool, parts))
    finally:
        set_stats(stats)
    print("| tool | program | us a connection | runs a connection | us a run |\n|---|---|---|---|---|")
    for tool, rounds in found.items():
        rows = []
        for name in set().union(*rounds):
            ns, runs = (statistics.median(one.get(name, (0, 0))[k] for one in rounds) for k in (0, 1))
            if runs >= LEAST:
                rows.append((ns / 1000, runs, name))
        rows = [(sum(row[0] for row in rows), sum(row[1] for row in rows), "all of them"), *sorted(rows, reverse=True)]
        for us, runs, name in rows:
            print(f"| {WORDS[tool]} | {name} | {us:.2f} | {runs:.1f} | {us / runs:.3f} |")
