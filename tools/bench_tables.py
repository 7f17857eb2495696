# SPDX-License-Identifier: GPL-2.0-only
"""What watching costs this machine, in tables and in ten minutes at most: as text, and with --json FILE as JSON.

Rates drift, so each round of a tool stands between two of the bare machine, the tools take turns, and beside what is left of the
rate stands what the kernel itself counts of the programs' time (kernel.bpf_stats_enabled).  A figure is the median, and in
brackets the lowest and the highest."""
import contextlib
import json
import os
import re
import statistics
import time

import bench_listing
import bench_services
import bench_top
from bench_processes import set_stats

MINUTES = 10
PACED = 20000           # connections a second, and as many, while the kernel counts; it slows the programs
SLOW = 5000             # a second: few facts a wake-up
CATCH_UP_S = 1          # what was told so far is written down
AFTER_S = 200           # what comes after the rates takes as long
WORDS = {"empty": "empty program", "sockwatch-record": "record", "sockwatch-nothing": "trace, a filter that matches nothing",
         "sockwatch-text": "trace, text", "sockwatch-json": "trace -o json to a file", "sockwatch-life": "trace --events close",
         "tcplife": "tcplife", "tcpstates": "tcpstates"}
ORDER = ("empty", "sockwatch-record", "sockwatch-nothing", "sockwatch-text", "sockwatch-json", "tcplife", "tcpstates")
IDLE = ("sockwatch-record", "sockwatch-text", "sockwatch-json", "tcplife", "tcpstates")


class Figure:
    """Several measurements of one thing."""

    def __init__(self, values, digits=2, scale=1.0):
        self.values = [value * scale for value in values if value is not None]
        self.digits = digits

    def __str__(self):
        if not self.values:
            return "-"
        low, middle, high = (f"{n:,.{self.digits}f}" for n in
                             (min(self.values), statistics.median(self.values), max(self.values)))
        return middle if low == high else f"{middle} ({low}-{high})"

    def json(self):
        if not self.values:
            return None
        return {"median": statistics.median(self.values), "low": min(self.values), "high": max(self.values),
                "values": self.values}


class Tables:
    """What was measured, printed as Markdown as soon as it is complete and kept for JSON."""

    def __init__(self, opt):
        self.opt, self.all, self.left_out = opt, {}, []
        self.end = time.monotonic() + MINUTES * 60

    def is_late(self, seconds):
        return time.monotonic() + seconds > self.end

    def add(self, name, title, columns, rows):
        self.all[name] = {"title": title, "columns": columns, "rows": [
            [cell.json() if isinstance(cell, Figure) else cell for cell in row] for row in rows]}
        print(f"\n### {title}\n\n| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
        for row in rows:
            print("| " + " | ".join(str(cell) for cell in row) + " |")
        print(flush=True)

    def leave_out(self, what):
        self.left_out.append(what)
        print(f"left out: {what}", flush=True)


def counted(opt, running, parts):
    """Nanoseconds and runs of a tool's programs for each connection, by the kernel's own count; None where it cannot be asked."""
    keys = "run_time_ns", "run_cnt"
    before = set_stats("1")
    if before is None:
        return None
    try:
        begin = [parts.fdinfo_sum(running.pid, key) for key in keys]
        made = parts.connrate(opt, rate=PACED, connections=PACED)["connections"]
        return [(parts.fdinfo_sum(running.pid, key) - n) / made for key, n in zip(keys, begin)] if made else None
    finally:
        set_stats(before)


def measure_rates(tables, tools, parts):
    """Rounds of every tool, as Row of tools/bench with what is measured here."""
    opt, rows = parts.at_rate(tables.opt, 0), []

    def idle(row, running):
        row.idle_kib = parts.status_number(running.pid, "VmRSS")
        row.kernel_idle = parts.fdinfo_sum(running.pid, "memlock")
        row.counted = counted(opt, running, parts)
        time.sleep(CATCH_UP_S)
        running.cpu_ready = parts.cpu_seconds(running.pid)

    def loaded(row, running):
        row.kernel_loaded = parts.fdinfo_sum(running.pid, "memlock")

    took = 0
    for number in range(opt.rounds):
        if number and tables.is_late(took + AFTER_S):
            tables.leave_out(f"rounds {number + 1} to {opt.rounds} of the rates")
            break
        took = time.monotonic()
        rows += parts.series(opt, tools, details=False, rounds=1, idle=idle, loaded=loaded)
        took = time.monotonic() - took
    return rows


def of(rows, name, read):
    """None of a round that could not tell."""
    found = []
    for row in rows:
        if row.name == name:
            try:
                found.append(read(row))
            except (TypeError, ZeroDivisionError):
                found.append(None)
    return found


def lives(row):
    """Of both ends of every connection."""
    return 2 * row.run["connections"]


def tell_rates(tables, rows):
    names = [name for name in ORDER if any(row.name == name for row in rows)]
    empty_ratio = statistics.median(of(rows, "empty", lambda row: row.ratio) or [0])
    empty_ns = statistics.median([n for n in of(rows, "empty", lambda row: row.counted[0]) if n] or [0])
    bare = statistics.median(rate for row in rows for rate in row.beside)
    tables.add("programs", "Time inside all programs a connection, both ends (kernel.bpf_stats_enabled)",
               ["tool", "us a connection", "times the empty program's", "runs a connection"],
               [[WORDS[name], Figure(of(rows, name, lambda row: row.counted[0]), 2, 1e-3),
                 Figure(of(rows, name, lambda row: row.counted[0] / empty_ns), 1),
                 Figure(of(rows, name, lambda row: row.counted[1]), 1)] for name in names])
    tables.add("rates", f"Host connection rate left, unpaced ({bare:,.0f} connections/s bare)",
               ["tool", "of the bare rate", "of the empty program's", "said lost", "skipped by the kernel"],
               [[WORDS[name], Figure(of(rows, name, lambda row: row.ratio)),
                 Figure(of(rows, name, lambda row: row.ratio / empty_ratio)),
                 Figure(of(rows, name, lambda row: row.running.said_lost()), 0),
                 Figure(of(rows, name, lambda row: row.running.skipped), 0)] for name in names])
    tables.add("memory", "Memory, MB (RSS: resident; kernel: its maps and programs)",
               ["tool", "RSS idle", "kernel idle", "RSS under load, most", "kernel under load", "RSS afterwards"],
               [[WORDS[name], Figure(of(rows, name, lambda row: row.idle_kib), 1, 1024 / 1e6),
                 Figure(of(rows, name, lambda row: row.kernel_idle), 1, 1e-6),
                 Figure(of(rows, name, lambda row: row.running.rss_kib), 1, 1024 / 1e6),
                 Figure(of(rows, name, lambda row: row.kernel_loaded), 1, 1e-6),
                 Figure(of(rows, name, lambda row: row.running.rss_end_kib), 1, 1024 / 1e6)]
                for name in names if name in IDLE])
    unpaced = statistics.median(of(rows, "sockwatch-record", lambda row: row.run["rate"]) or [0])
    return {f"{unpaced:,.0f}/s, unpaced": of(rows, "sockwatch-record", lambda row: row.running.cpu * 1e6 / lives(row))}


def tell_cpu(tables, tools, parts, found):
    opt = parts.at_rate(tables.opt, SLOW)
    recorder = [tool for tool in tools if tool.name == "sockwatch-record"]
    slow = []
    for _ in range(opt.rounds if recorder else 0):
        if tables.is_late(60):
            tables.leave_out(f"rounds of record at {SLOW:,} connections/s")
            break
        row = parts.traced(opt, recorder[0])
        slow.append(row.running.cpu * 1e6 / lives(row))
    found = {f"{SLOW:,}/s": slow, **found}
    tables.add("cpu", "CPU of the recorder a life", ["connections", "us a life"],
               [[pace, Figure(values)] for pace, values in found.items()])


def tell_top(tables, parts):
    opt = parts.at_rate(tables.opt, PACED)
    try:
        found = bench_top.measure(opt, parts, tables.is_late)
    except parts.Failed as error:
        tables.leave_out(f"top: {error}")
        return
    if not all(found.values()):
        tables.leave_out("top")
        return
    trace = statistics.median(cost for _, cost, *_ in found["trace"])
    tables.add("top", f"top on a terminal, {PACED:,} connections/s",
               ["command", "us CPU a connection", "of trace -q's", "frames/s"],
               [[bench_top.WORDS[name], Figure([cost for _, cost, *_ in rounds]), Figure([cost / trace for _, cost, *_ in rounds]),
                 Figure([frames for _, _, frames, _ in rounds], 1) if name == "top" else "-"] for name, rounds in found.items()])


def tell_listings(tables):
    rows = []
    for size in bench_listing.SIZES:
        if tables.is_late(10 + size / 1000):
            tables.leave_out(f"listings of {size:,} sockets")
            continue
        found = bench_listing.measure_size(tables.opt, size, tables.is_late)
        if not found:
            tables.leave_out(f"listings of {size:,} sockets: so many cannot be held here, or there is no ss")
            continue
        ss = statistics.median(wall for wall, _ in found["ss -tanp"])
        for word, times in found.items():
            rows.append([f"{size:,}", word, Figure([wall for wall, _ in times], 1, 1e3),
                         Figure([ss / wall for wall, _ in times], 1), Figure([cpu for _, cpu in times], 1, 1e3)])
    tables.add("listings", "Listings", ["sockets", "command", "ms", "times as fast as ss -tanp", "ms CPU"], rows)


def tell_start(tables, tools, parts):
    rows = []
    if tables.is_late(60):
        tables.leave_out("the start")
        return
    chosen = [tool for tool in tools if tool.name in ("sockwatch-record", "sockwatch-json", "tcplife", "tcpstates")]
    for tool, ready, first in parts.starts(tables.opt, chosen):
        rows.append([WORDS[tool.name], Figure(ready, 0), Figure(first, 0)])
    tables.add("start", "From exec to ready and to the first event, 1,000 connections/s meanwhile",
               ["tool", "ready, ms", "first event, ms"], rows)


def tell_services(tables, tools, parts):
    recorder = [tool for tool in tools if tool.name == "sockwatch-record"]
    rows = []

    @contextlib.contextmanager
    def recording():
        with parts.Running(recorder[0], tables.opt.folder) as running:
            running.wait_ready()
            yield
            running.finish()

    if not recorder or tables.is_late(60):
        tables.leave_out("services")
        return
    for name, bare, traced in bench_services.measure(tables.opt, recording, tables.is_late):
        for what, times in ("", bare), (", record", traced):
            rows.append([name + what] + [Figure([n[i] for n in times], digits) for i, digits in enumerate((0, 2, 2))])
    tables.add("services", f"Servers with a connection for each request, {bench_services.CLIENTS} clients",
               ["server, client", "requests/s", "p50, ms", "p99, ms"], rows)


def machine(opt):
    with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as file:
        model = re.search(r"^model name\s*:\s*(.*)", file.read(), re.M)
    return {"date": time.strftime("%Y-%m-%d %H:%M"), "processors": os.cpu_count(), "kernel": os.uname().release,
            "model": model.group(1) if model else os.uname().machine, "load": os.getloadavg()[0],
            "rounds": opt.rounds, "seconds": opt.seconds}


def bench(opt, tools, parts):
    tables = Tables(opt)
    here = machine(opt)
    print("tables: {model}, {processors} processors, Linux {kernel}; {rounds} rounds of {seconds} s".format(**here))
    if here["load"] > 0.5:
        print(f"tables: something else runs here (load {here['load']:.1f}): these figures say little")
    chosen = [tool for name in ORDER for tool in tools if tool.name == name]
    rows = measure_rates(tables, chosen, parts)
    unpaced = tell_rates(tables, rows) if rows else {}
    tell_cpu(tables, chosen, parts, unpaced)
    tell_top(tables, parts)
    tell_start(tables, chosen, parts)
    tell_services(tables, chosen, parts)
    tell_listings(tables)
    if opt.json:
        with open(opt.json, "w", encoding="ascii") as file:
            json.dump({"machine": here, "tables": tables.all, "left_out": tables.left_out}, file, indent=1)
            file.write("\n")
        print(f"tables: {opt.json} has the same and every single measurement")
