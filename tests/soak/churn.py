# SPDX-License-Identifier: GPL-2.0-only
"""A trace and a record beside a host that never rests: 2,000 connections a second, processes, programs and namespaces that
come and go.  Memory is stated after a tenth and a half of the time and at its end, and is flat from the half on; the tables
equal the kernel's then, and what is not in the store was counted as lost.  SOAK_SECONDS (600) makes it shorter; below 300 no
TIME_WAITs are made, which need two minutes, two fifths of that, to be flat.
"""
import json
import os
import re
import shutil
import signal
import socket
import sqlite3
import struct
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build")).resolve()
SOCKWATCH = BUILD / "sockwatch"
SECONDS = int(os.environ.get("SOAK_SECONDS", 600))
RATE, HELD, DEADLINE_S = 2000, 400, 60
MIB = 1 << 20
# A leak of 8 bytes a connection is more in ten minutes.
GROWTH = 4 * MIB
work = Path(tempfile.mkdtemp())
OWN_NETNS = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def verdict(good, name, why=""):
    print(f"PASS {name}" if good else f"FAIL {name}: {why}", flush=True)


def until(condition, why, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            sys.exit(f"FAIL churn: waited {seconds} s in vain: {why}")
        time.sleep(0.05)
    return found


class Watcher:
    """A command that watches, and its resident memory by the second."""

    def __init__(self, name, *arguments):
        self.name, self.words, self.samples = name, work / f"{name}.words", []
        with open(self.words, "w", encoding="utf-8") as err:
            self.process = subprocess.Popen([SOCKWATCH, name, *arguments], stdout=subprocess.DEVNULL, stderr=err)
        until(lambda: "sockwatch: tracing" in self.said() or self.process.poll() is not None, f"{name} is not ready")
        if self.process.poll() is not None:
            print(f"SKIP churn: {self.said().strip()}")
            sys.exit(0)

    def said(self):
        return self.words.read_text(encoding="utf-8")

    def sample(self):
        with open(f"/proc/{self.process.pid}/statm", encoding="ascii") as f:
            self.samples.append(int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE"))

    def judge(self):
        """What waits to be read on a busy host comes and goes: the least of a while is what is kept."""
        n = len(self.samples)
        whiles = self.samples[n // 10:n // 5 + 1], self.samples[n * 2 // 5:n // 2 + 1], self.samples[-(n // 10 + 1):]
        early, half, kept = map(min, whiles)
        print(f"note: {self.name}: {early / MIB:.1f} {half / MIB:.1f} {kept / MIB:.1f} MB after {SECONDS // 10}, {SECONDS // 2} and "
              f"{SECONDS} s, of the last {table_of(self.process.pid) / MIB:.1f} its table", flush=True)
        verdict(kept <= half + GROWTH, f"churn_{self.name}_is_flat",
                f"{kept / MIB:.1f} MB at the end, {half / MIB:.1f} at the half: {self.samples}")

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(DEADLINE_S)


def churn(stop, rounds):
    """Processes, programs, names and namespaces, each with a connection of its own; a round that failed is the last."""
    code = ("import socket; s = socket.create_server(('127.0.0.1', 0)); c = socket.create_connection(s.getsockname());"
            "s.accept()[0].close()")
    while not stop.is_set():
        if len(rounds) % 10 == 0:  # a second of nothing but processes
            subprocess.run([BUILD / "tools/forkrate", "1"], stdout=subprocess.DEVNULL, check=True)
        subprocess.run([*OWN_NETNS, sys.executable, "-S", "-c", code], check=True)
        subprocess.run(["sh", "-c", "for i in 1 2 3 4 5 6 7 8; do (exec true); done"], check=True)
        rounds.append(time.monotonic())
        stop.wait(0.1)


def cookies_in(pid):
    said = subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ss", "-Htane"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return {int(word[3:], 16) for line in said.splitlines() if not line.startswith("TIME-WAIT")
            for word in line.split() if word.startswith("sk:")}


def known_to(pid, cookies):
    """Those of which the table of this process has a life that goes on; see include/past_wire.h."""
    found = set()
    with socket.socket(socket.AF_UNIX) as s:
        s.settimeout(DEADLINE_S)
        s.connect(f"{os.environ.get('SOCKWATCH_RUN', '/run/sockwatch')}/{pid}")
        version = int(re.search(r"define PAST_VERSION\s+(\d+)", Path("include/past_wire.h").read_text(encoding="utf-8"))[1])
        s.sendall(struct.pack("=IHHII", 0x53504b57, version, 16, len(cookies), 0) + struct.pack(f"={len(cookies)}Q", *cookies))
        stream = s.makefile("rb")
        while True:
            kind, size, _ = struct.unpack("=HHI", stream.read(8))
            rest = stream.read(size - 8)
            if kind == 3:
                return found
            # cookie, since, netns, pid, tid, uid, cgroup, protocol, two ports, family, flags
            if kind == 2 and not rest[47 + 8] & 1:
                found.add(struct.unpack_from("=Q", rest)[0])


def open_in(store, pid):
    inode = os.stat(f"/proc/{pid}/ns/net").st_ino
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        return {row[0] & (1 << 64) - 1 for row in db.execute(
            "SELECT cookie FROM open WHERE netns IN (SELECT id FROM netns WHERE inode=?)", (inode,))}


def table_of(pid):
    said = subprocess.run([SOCKWATCH, "status", "--json"], stdout=subprocess.PIPE, text=True, check=False).stdout
    return sum(line["table_bytes"] for line in map(json.loads, said.splitlines()) if line["pid"] == pid)


def lost_of(words):
    last = words.strip().splitlines()[-1].replace(",", "").split()
    return int(last[last.index("facts") - 1]) if "facts" in last else 0


def main():
    holder = subprocess.Popen([*OWN_NETNS, sys.executable, "-B", "tests/e2e/many.py", str(HELD)], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, text=True)
    assert "ready" in holder.stdout.readline()
    room = subprocess.Popen([*OWN_NETNS, "cat"], stdin=subprocess.PIPE)
    store = work / "store"
    watchers = [Watcher("trace", "-o", "json"), Watcher("record", "--store", store)]
    stop, rounds = threading.Event(), []
    thread = threading.Thread(target=churn, args=(stop, rounds))
    try:
        until(lambda: Path(f"/proc/{room.pid}/comm").read_text(encoding="ascii").strip() == "cat", "no namespace")
        thread.start()
        generator = subprocess.Popen(
            ["nsenter", f"--net=/proc/{room.pid}/ns/net", BUILD / "tools/connrate", "--netns", "self", "--rate", str(RATE),
             "--seconds", str(min(SECONDS, 600)), *([] if SECONDS >= 300 else ["--reset"])],
            stdout=subprocess.PIPE, text=True)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end and generator.poll() is None:
            for w in watchers:
                w.sample()
            time.sleep(1)
        made = json.loads(generator.communicate(timeout=DEADLINE_S)[0])
        went_on = thread.is_alive()
        stop.set()
        thread.join()
        verdict(went_on and rounds, "churn_of_processes_went_on", f"ended after {len(rounds)} rounds")
        for w in watchers:
            w.judge()
        kernel = cookies_in(holder.pid)
        verdict(len(kernel) >= HELD and known_to(watchers[0].process.pid, kernel) == kernel, "churn_trace_equals_ss",
                f"of {len(kernel)} sockets {len(known_to(watchers[0].process.pid, kernel))} are known")
        until(lambda: open_in(store, holder.pid) == kernel and not open_in(store, room.pid), "the store differs from ss", 30)
        verdict(True, "churn_record_equals_ss")
        codes = [w.end() for w in watchers]
        lost = [lost_of(w.said()) for w in watchers]
        verdict(all(code == (4 if n else 0) for code, n in zip(codes, lost)), "churn_is_counted",
                f"codes {codes}, lost {lost}: {watchers[0].said()[-300:]}")
        inode = os.stat(f"/proc/{room.pid}/ns/net").st_ino
        with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
            kept, told, sockets = db.execute(
                "SELECT count(*),count(nullif(cookie,0)),count(DISTINCT nullif(cookie,0)) FROM lives WHERE netns=? AND "
                "? IN (local_port,peer_port) AND peer_port>0", (inode, made["port"])).fetchone()
        # Each socket lives once here.
        verdict(told == sockets, "churn_no_life_is_told_twice", f"{told} lives of {sockets} sockets, {lost[1]} facts lost")
        # Of a life whose facts were lost in its middle the two parts are told.
        verdict(abs(2 * made["connections"] - kept) <= 2 * lost[1], "churn_is_in_the_store",
                f"{kept} lives of {made['connections']} connections, {lost[1]} facts lost")
        print(f"note: {made['connections']} connections, {made['rate']:.0f}/s, {len(rounds)} rounds of processes; lost {lost}; "
              f"{store.stat().st_size / MIB:.0f} MB stored", flush=True)
    finally:
        stop.set()
        for p in [w.process for w in watchers] + [holder, room]:
            p.kill()
            p.wait()
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
