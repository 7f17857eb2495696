# SPDX-License-Identifier: GPL-2.0-only
"""faults.py: each command with one allocation, descriptor, mapping, program, link or write that fails, and with all of them from one on.

The Nth call fails, N spread over as many as a run makes. A run that fails must never be a crash, a hang or silence: it ends with
code 1 and says why, or with 4 and says what was lost, or goes on; and what it then shows without a word is all there is.
FAULTS_SECONDS bounds each pair of a command and a kind (default 0.5); FAULTS_ALL=1 takes every N; FAULTS_ONLY='ls alloc' one pair.
"""
import errno
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time

from waiting import until

BUILD = os.path.abspath(os.environ.get("BUILD", "build"))
SOCKWATCH = BUILD + "/sockwatch"
INJECT = BUILD + "/tests/faults/inject"
SECONDS = float(os.environ.get("FAULTS_SECONDS", 0.5))
LEAST = 3  # positions, however slow the machine is
LIMIT = 60  # seconds until a run hangs
work = sys.argv[1]
KINDS = {"alloc": errno.ENOMEM, "fd": errno.EMFILE, "map": errno.ENOMEM, "load": errno.EPERM, "link": errno.EPERM,
         "file": errno.ENOSPC}


def spread(count):
    """1 ... count, each once, evenly over all however few are taken."""
    bits = max(1, count.bit_length())
    for i in range(1 << bits):
        at = int(format(i, "0%db" % bits)[::-1], 2)
        if at < count:
            yield at + 1


class Run:
    def __init__(self, command, kind, first, last, act=None, ready=None):
        self.kind, self.first, self.last = kind, first, last
        arguments = [INJECT, "-k", kind, "-n", "%d-%d" % (first, last), "-e", str(KINDS[kind]), "-t", str(LIMIT),
                     "-r", work + "/report"] + [SOCKWATCH] + command
        if os.path.exists(work + "/report"):
            os.unlink(work + "/report")
        self.words = ""
        with open(work + "/out", "w") as out, open(work + "/err", "w") as err:
            self.process = subprocess.Popen(arguments, stdout=out, stderr=err)
            try:
                if act:
                    until("a start, or an end", lambda: self.process.poll() is not None or ready in self.read("err"),
                          seconds=LIMIT)
                    if ready in self.read("err"):
                        act()
                    self.process.send_signal(signal.SIGINT)
                code = self.process.wait(LIMIT + 10)
            finally:
                self.process.kill()
        if code == 77:
            raise Skip(self.read("err").strip())
        report = self.read("report").split()
        if len(report) < 6:
            sys.exit("FAIL inject: code %d, %r" % (code, self.read("err")))
        self.count, self.hits, self.how, self.code = int(report[1]), int(report[3]), report[4], int(report[5])
        self.failed = " ".join(report[6:])
        self.out, self.words = self.read("out"), self.read("err")

    @staticmethod
    def read(name):
        with open(work + "/" + name, errors="backslashreplace") as f:
            return f.read()

    def said(self):
        """Lines that complain, without those of every run."""
        return [line for line in self.words.splitlines()
                if not any(usual in line for usual in ("sockwatch: tracing ", ", none lost"))
                or "not seen" in line]

    def __str__(self):
        return "%s %d-%d: %s %d [%s] %r" % (self.kind, self.first, self.last, self.how, self.code, self.failed,
                                            self.words[-600:])


class Skip(Exception):
    pass


# ---- sockets that are there ----
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
listener = socket.create_server(("127.0.0.1", 7701))
client = socket.create_connection(("127.0.0.1", 7701))
server = listener.accept()[0]
datagram = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
datagram.bind(("127.0.0.1", 7702))
number = 0


def act():
    """A failed bind and a life, at ports of their own."""
    global number
    number += 1
    port = 8000 + number % 20000
    with socket.create_server(("127.0.0.77", port)) as s:
        with socket.create_connection(("127.0.0.77", port)) as c:
            s.accept()[0].close()
            c.recv(1)


def port_of_act():
    return 8000 + number % 20000


def parse(run):
    """Its objects; an unfinished one is wrong."""
    if run.out and not run.out.endswith("\n"):
        raise ValueError("half a line: %r" % run.out[-80:])
    return [json.loads(line) for line in run.out.splitlines()]


def row(o):
    process = o.get("process") or {}
    return (o["proto"], o["local"]["port"], (o.get("peer") or {}).get("port"), o.get("state"), process.get("pid"),
            process.get("name"))


# What a run that ends with 0 and complains of nothing must show: the same as one in which nothing fails.
def rows_of_listing(run):
    return sorted(str(row(o)) for o in parse(run) if o.get("state") != "TIME_WAIT")  # which goes by itself


def rows_of_text(run):
    """Without the user: where /etc/passwd cannot be read, numbers say it as well."""
    lines = [line.split() for line in run.out.splitlines()]
    user = [next((i for i, word in enumerate(words) if word.isdigit()), 1) + 1 for words in lines]  # behind the PID
    return sorted(" ".join(words[:i] + words[i + 1:]) for i, words in zip(user, lines) if "TIME_WAIT" not in words)


def rows_of_trace(run):
    objects = [o for o in parse(run) if o["event"] != "lost"]
    return sorted({o["event"] for o in objects if port_of_act() in (o["local"]["port"], (o.get("peer") or {}).get("port"))})


def rows_of_history(run):
    return sorted({"%s %s" % (o["event"], o["local"]["port"]) for o in parse(run)})


def rows_of_budget(run):
    return sorted({str((o["event"], o.get("bound"), (o.get("process") or {}).get("pid"), o.get("held"))) for o in parse(run)
                   if o["event"] != "budget"})


def rows_of_store(run):
    path = work + "/store"
    if not os.path.exists(path):
        return []
    db = sqlite3.connect("file:%s?mode=ro" % path, uri=True)
    said = db.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        raise ValueError("the store is damaged: %s" % said)
    if not db.execute("SELECT 1 FROM sqlite_schema WHERE name='life'").fetchone():
        return []
    rows = db.execute("SELECT count(*) FROM life WHERE local_port=? OR peer_port=?", (port_of_act(), port_of_act()))
    return [rows.fetchone()[0] >= 2]


def fresh_store():
    for end in ("", "-wal", "-shm", "-journal", "-lock"):
        if os.path.exists(work + "/store" + end):
            os.unlink(work + "/store" + end)


READY = "sockwatch: tracing"
COMMANDS = {
    "ls": (["ls", "-o", "json", "--netns", "self"], rows_of_listing, None, None),
    "ls_proc": (["ls", "-o", "json", "--netns", "self", "--hooks", "proc"], rows_of_listing, None, None),
    "ls_text": (["ls", "--netns", "self"], rows_of_text, None, None),
    "who": (["who", "7701", "-o", "json"], rows_of_listing, None, None),
    "ephemeral": (["ephemeral", "-o", "json", "--netns", "self"], rows_of_budget, None, None),
    "history": (["history", "--store", work + "/past", "-o", "json"], rows_of_history, None, None),
    "trace": (["trace", "-o", "json", "--netns", "self"], rows_of_trace, act, None),
    "record": (["record", "--store", work + "/store"], rows_of_store, act, fresh_store),
    "ephemeral_for": (["ephemeral", "-o", "json", "--netns", "self", "--for", "300ms"], rows_of_budget, None, None),
}


def judge(run, rows, usual, usual_code):
    """What is wrong with a run; "" nothing."""
    if run.how != "exit" or run.code not in (0, 1, 4, usual_code):
        return "ended badly"
    if any(not line.startswith("sockwatch: ") for line in run.words.splitlines()):
        return "words that are not the program's own"
    try:
        seen = rows(run)
    except (ValueError, KeyError, sqlite3.Error) as e:
        return "unreadable output: %r" % e
    if run.said():
        return "" if len(run.said()) <= 8 else "too many words"
    if run.code in (1, 4) and run.code != usual_code:
        return "fails without a word"
    return "" if seen == usual else "shows %r in place of %r, without a word" % (seen, usual)


def positions(count):
    """(first, last): one alone, or that and all that follow."""
    for i, at in enumerate(spread(count)):
        if os.environ.get("FAULTS_ALL") or i % 2 == 0:
            yield at, at
        if os.environ.get("FAULTS_ALL") or i % 2:
            yield at, 1 << 62


def try_pair(name, kind):
    command, rows, acting, before = COMMANDS[name]
    test = "%s_without_one_%s" % (name, kind)
    if before:
        before()
    sound = Run(command, kind, 0, 0, acting, READY)
    usual = rows(sound)
    if sound.said() or not usual or sound.code not in (0, 3):
        print("FAIL %s: nothing fails, and it shows %r: %s" % (test, usual, sound), flush=True)
        return
    began, done, bad = time.monotonic(), 0, []
    for first, last in positions(sound.count):
        if done >= LEAST and time.monotonic() - began > SECONDS and not os.environ.get("FAULTS_ALL"):
            break
        if before:
            before()
        run = Run(command, kind, first, last, acting, READY)
        why = judge(run, rows, usual, sound.code)
        if why:
            bad.append("%s: %s" % (why, run))
            if os.environ.get("FAULTS_ALL"):
                print("note: %s %s" % (name, bad[-1]), flush=True)
        done += 1
    if bad:
        print("FAIL %s: %d of %d runs: %s" % (test, len(bad), done, " | ".join(bad[:3])), flush=True)
    elif done:
        print("PASS %s" % test, flush=True)
        print("note: %s: %d runs, %d calls" % (test, done, sound.count), flush=True)


def main():
    os.environ["SOCKWATCH_RUN"] = work + "/run"
    COMMANDS["past"] = (["record", "--store", work + "/past"], None, act, None)
    Run(COMMANDS["past"][0], "alloc", 0, 0, act, READY)
    only = os.environ.get("FAULTS_ONLY", "").split()
    for name in COMMANDS:
        for kind in KINDS:
            if name == "past" or (only and (name != only[0] or kind not in only[1:])):
                continue
            if name == "history" and kind in ("load", "link"):
                continue
            try:
                try_pair(name, kind)
            except Skip as e:
                print("SKIP %s_without_one_%s: %s" % (name, kind, e), flush=True)


main()
