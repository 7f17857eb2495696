# SPDX-License-Identifier: GPL-2.0-only
"""Recorders killed by SIGKILL at random moments, from their first instant on, each on the store of the one before.

One generator runs all the time and keeps a log: which connection ended when, by its own clock. After every kill the
store must be whole, and have both ends of every connection of that log that ended while a recorder was ready and more
than a second before it was killed. KILLS makes it shorter or longer; bounded to four minutes.
"""
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build")).resolve()
KILLS = int(os.environ.get("KILLS", 50))
RATE = 1500
LONGEST_S, LIMIT_S, DEADLINE_S = 3.0, 240, 20
SECOND = 1_000_000_000


def verdict(good, name, why):
    print(f"PASS {name}" if good else f"FAIL {name}: {why}", flush=True)


class Generator:
    """connrate in a network namespace of its own, and what it says of its connections."""

    def __init__(self, work):
        self.log = work / "log"
        self.process = subprocess.Popen([BUILD / "tools/connrate", "--rate", str(RATE), "--seconds", "600", "--log",
                                         self.log], stdout=subprocess.DEVNULL)
        end = time.monotonic() + DEADLINE_S
        while not (self.log.is_file() and self.log.stat().st_size):
            if time.monotonic() > end or self.process.poll() is not None:
                sys.exit("FAIL generator: no connection in 20 s")
            time.sleep(0.02)
        self.netns = os.stat(f"/proc/{self.process.pid}/ns/net").st_ino
        sockets = (line.split() for line in Path(f"/proc/{self.process.pid}/net/tcp").read_text().splitlines()[1:])
        self.port = next(int(words[1].split(":")[1], 16) for words in sockets if words[3] == "0A")
        self.lines = open(self.log, encoding="ascii")
        self.rest = ""

    def new(self):
        """(client port, destination, time of the end) of each connection that ended since the last call."""
        *lines, self.rest = (self.rest + self.lines.read()).split("\n")
        for line in lines:
            port, destination, ended = line.split()
            yield int(port), destination, int(ended)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        self.process.wait(DEADLINE_S)


class Judge:
    """What must be in the store, and what is."""

    def __init__(self, store, generator):
        self.store, self.generator = store, generator
        self.due, self.clients, self.servers = Counter(), Counter(), Counter()
        self.last, self.ended = 0, []

    def demand(self, ready_ns, until_ns):
        self.ended += self.generator.new()
        due = Counter((port, to) for port, to, ended in self.ended if ready_ns <= ended <= until_ns)
        self.due += due
        self.ended = []
        return due.total()

    def look(self):
        """What is wrong with the store, "" nothing; and the end of the last life in it."""
        db = sqlite3.connect(f"file:{self.store}?mode=ro", uri=True)
        said = db.execute("PRAGMA quick_check").fetchone()[0]
        newest = 0
        if said == "ok" and not db.execute("SELECT 1 FROM sqlite_schema").fetchone() and not self.due:
            return "", 0  # killed before it had made its tables
        rows = db.execute(
            "SELECT l.id, l.local_port, l.peer_port, v.local_addr, v.peer_addr, l.closed FROM life l JOIN lives v USING(id)"
            " WHERE l.id > ? AND v.netns = ? AND v.closed IS NOT NULL AND ? IN (l.local_port, l.peer_port)",
            (self.last, self.generator.netns, self.generator.port))
        for number, local_port, peer_port, local, peer, closed in rows:
            self.last, newest = max(self.last, number), max(newest, closed)
            if peer_port == self.generator.port:
                self.clients[local_port, peer] += 1
            elif peer_port:
                self.servers[peer_port, local] += 1
        db.close()
        if said != "ok":
            return f"damaged: {said}", newest
        lost = [(self.due - there).total() for there in (self.clients, self.servers)]
        return (f"{lost[0]} clients and {lost[1]} servers are missing" if any(lost) else ""), newest


def kill_one(work, store):
    """A recorder's life. When it said that it traces (None: it did not come to that) and when it was killed."""
    words = work / "words"
    with open(words, "w", encoding="utf-8") as err:
        recorder = subprocess.Popen([BUILD / "sockwatch", "record", "--store", store], stderr=err)
    moment, ready = time.monotonic() + random.uniform(0.0, LONGEST_S), None
    while time.monotonic() < moment and recorder.poll() is None:
        if ready is None and "sockwatch: tracing" in words.read_text(encoding="utf-8"):
            ready = time.time_ns()
        time.sleep(0.002)
    killed = time.time_ns()
    gone = recorder.poll() is not None
    recorder.kill()
    recorder.wait()
    return ready, killed, f"it ended by itself: {words.read_text(encoding='utf-8')}" if gone else ""


def main():
    work = Path(tempfile.mkdtemp())
    generator = Generator(work)
    store, began, bad, demanded, ready_ones, oldest_ms = work / "store", time.monotonic(), [], 0, 0, 0
    judge = Judge(store, generator)
    kills = 0
    try:
        while kills < KILLS and time.monotonic() - began < LIMIT_S:
            ready, killed, why = kill_one(work, store)
            kills += 1
            ready_ones += ready is not None
            demanded += judge.demand(ready or killed, killed - SECOND)
            newest = 0
            if not why and store.is_file() and store.stat().st_size:
                why, newest = judge.look()
            if newest and ready and killed - ready > SECOND:
                oldest_ms = max(oldest_ms, (killed - newest) // 1000000)
            if why:
                bad.append(f"{kills}: {why}")
                break
    finally:
        generator.stop()
        shutil.rmtree(work)
    verdict(not bad and kills == KILLS, f"killed_{KILLS}_times", f"kill {'; '.join(bad) or f'{kills} is the last'}")
    verdict(demanded > KILLS * RATE / 10, "connections_were_demanded", f"{demanded} by {ready_ones} recorders")
    print(f"note: {demanded} connections demanded of {ready_ones} recorders that were ready, of {kills}; "
          f"the youngest life in a store was {oldest_ms} ms old at most")


if __name__ == "__main__":
    main()
