# SPDX-License-Identifier: GPL-2.0-only
"""Hosts whose senders are killed, and what must have arrived of their stores."""
import atexit
import os
import random
import signal
import sqlite3
import subprocess
import threading
import time

from suite import PROGRAM, check, same

# Of each table what names a row, and what is added up over all of them.
SUMS = {"life": ("id", "closed", "cookie", "sent"), "call": ("id", "at", "cookie"), "loss": ("id", "at", "count"),
        "holder": ("call", "place", "local_port"), "budget": ("id", "at", "available")}
TIMES = ("closed", "at")


class Host:
    """A store and the sender that follows it, which is started again as often as it is killed."""

    def __init__(self, store, name, url, *options):
        self.store, self.name = store, name
        self.command = [PROGRAM, "ship", "--store", store, "--to", url, "--host", name, *options]
        self.process, self.kills, self.words = None, 0, os.path.dirname(store) + f"/{name}.words"
        # A test that fails leaves nothing behind.
        atexit.register(self.kill)

    def start(self, *more):
        with open(self.words, "ab") as words:
            self.process = subprocess.Popen(self.command + list(more), stdin=subprocess.DEVNULL, stdout=words, stderr=words)
        return self

    def kill(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
            self.kills += 1

    def stop(self):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
            self.process.wait(60)

    def finish(self, seconds=600):
        """The rest, by --once, as often as a minute without an answer makes it give up."""
        deadline = time.monotonic() + seconds
        while True:
            self.start("--once")
            self.process.wait(seconds)
            if self.process.returncode == 0:
                return
            check(time.monotonic() < deadline, f"{self.name} sends nothing: {self.said()}")

    def said(self):
        with open(self.words, encoding="utf-8", errors="replace") as words:
            return words.read()[-600:]


class Trouble(threading.Thread):
    """Kills senders, and the server, at times of their own, until it is told to stop."""

    def __init__(self, hosts, seed, every, server=None, server_every=0, pause=0):
        super().__init__(daemon=True)
        self.hosts, self.random, self.every, self.server = hosts, random.Random(seed), every, server
        self.server_every, self.pause, self.over = server_every, pause, threading.Event()
        self.servers, self.pauses, self.failure = 0, 0, None

    def run(self):
        try:
            next_server = time.monotonic() + self.server_every
            while not self.over.wait(self.random.uniform(0, 2 * self.every)):
                host = self.random.choice(self.hosts)
                host.kill()
                host.start()
                if self.server and time.monotonic() >= next_server:
                    self.trouble_server()
                    next_server = time.monotonic() + self.server_every
        except Exception as error:  # pylint: disable=broad-except
            self.failure = error

    def trouble_server(self):
        if self.pause and self.random.random() < 0.3:
            self.server.process.send_signal(signal.SIGSTOP)
            self.over.wait(self.pause)
            self.server.process.send_signal(signal.SIGCONT)
            self.pauses += 1
            return
        self.server.kill()
        self.over.wait(self.random.uniform(0, 1))
        self.server.start()
        self.servers += 1

    def stop(self):
        self.over.set()
        self.join()
        if self.failure:
            raise self.failure


def store_id(store):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        return db.execute("SELECT id FROM identity").fetchone()[0]


def local_sums(store):
    """By table: rows, and sums as exact numbers."""
    ret = {}
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        for table, columns in SUMS.items():
            source = "holder AS h JOIN call AS c ON c.id = h.call" if table == "holder" else table
            rows = db.execute(f"SELECT {', '.join(('h.' if table == 'holder' else '') + name for name in columns)} FROM {source}").fetchall()
            ret[table] = (len(rows), *(sum(row[i] or 0 for row in rows) for i in range(len(columns))))
    return ret


def text_time(name):
    """Nanoseconds of a time that is a text, as the reduced tables have it."""
    return f"(toUInt64(substring({name}, 1, 10)) * 1000000000 + toUInt64(substring({name}, 12, 9)))"


def fleet_sums(server, store, old=False, final=True):
    ret = {}
    for table, columns in SUMS.items():
        if table == "budget" and old and not server.value("EXISTS TABLE sockwatch.budget").startswith("1"):
            continue
        wide = "toDecimal128({}, 0)" if old else "toInt128({})"
        what = [wide.format((text_time(name) if old else f"toUnixTimestamp64Nano({name})") if name in TIMES else name) for name in columns]
        row = server.rows(f"SELECT count(), {', '.join(f'sum({part})' for part in what)} FROM sockwatch.{table} "
                          f"{'FINAL ' if final else ''}WHERE store = '{store}'")[0]
        ret[table] = tuple(int(float(part)) if "." in part else int(part) for part in row)
    return ret


def assert_all_once(server, stores, old=False):
    """Each row of each store is there, once, with FINAL; returns how many rows more there are without it."""
    more = 0
    for store in stores:
        name, here = store_id(store), local_sums(store)
        there = fleet_sums(server, name, old)
        for table, sums in there.items():
            same(sums, here[table], f"{table} of {store}")
        unmerged = fleet_sums(server, name, old, final=False)
        more += sum(unmerged[table][0] - there[table][0] for table in there)
    return more
