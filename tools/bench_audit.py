# SPDX-License-Identifier: GPL-2.0-only
"""Holds what a tracer wrote against what connrate says it did.

Owns: the knowledge of connrate's connection (ten state changes, one connect, one accept, two ends closed)
and of three output formats.  Streams: a line is looked at once and forgotten, a socket costs one integer.
"""
import collections
import json
import re

# A connection of connrate's, end by end.  The client closes first, always.
CLIENT = ("CLOSE>SYN_SENT", "SYN_SENT>ESTABLISHED", "ESTABLISHED>FIN_WAIT1", "FIN_WAIT1>FIN_WAIT2",
          "FIN_WAIT2>end")
SERVER = ("LISTEN>SYN_RECV", "SYN_RECV>ESTABLISHED", "ESTABLISHED>CLOSE_WAIT", "CLOSE_WAIT>LAST_ACK",
          "LAST_ACK>CLOSE")
# The kernel enters TIME_WAIT by FIN_WAIT2 to CLOSE; a tracer may show either name.
ALIAS = {"FIN_WAIT2>CLOSE": "FIN_WAIT2>end", "FIN_WAIT2>TIME_WAIT": "FIN_WAIT2>end"}
# On some kernels the child has no cookie of its own in this one, so it proves nothing about one socket.
NO_COOKIE = "LISTEN>SYN_RECV"

EVENT = re.compile(rb'"event":\s*"(\w+)"')
IDENTITY = re.compile(rb'"netns":\s*(\d+),\s*"cookie":\s*(\d+)')
PROCESS = re.compile(rb'"process":\s*(?:null|\{"pid":\s*(\d+))')
CHANGE = re.compile(rb'"from":\s*"(\w+)",\s*"to":\s*"(\w+)"')
COUNT = re.compile(rb'"count":\s*(\d+)')


class Audit:
    """What was found; `missing` is what connrate did and the file does not show."""

    def __init__(self):
        self.lines = 0          # all, whoever caused them
        self.events = 0         # of connrate's connections
        self.expected = 0
        self.items = {}         # name -> (found, expected or None, repeats: those that came twice for one socket)
        self.said_lost = 0      # by lost events in the stream
        self.owner = collections.Counter()      # right, wrong, unknown
        self.notes = []

    @property
    def missing(self):
        return sum(max(0, want - got + twice) for got, want, twice in self.items.values() if want is not None)

    def compare(self, found, expected, repeats=None):
        repeats = repeats or {}
        for name in list(expected) + sorted(set(found) - set(expected)):
            self.items[name] = (found.get(name, 0), expected.get(name), repeats.get(name, 0))
        self.expected = sum(expected.values())
        self.events = sum(found.values())

    def report(self):
        out = ["    %-28s %10s %10s %8s %8s" % ("of connrate's connections", "written", "made", "missing", "twice")]
        for name, (got, want, twice) in self.items.items():
            out.append("    %-28s %10d %10s %8s %8d" % (name, got, "-" if want is None else want,
                                                        "-" if want is None else want - got + twice, twice))
        if self.owner:
            out.append("    owner: " + ", ".join("%s %d" % kv for kv in sorted(self.owner.items())))
        return out + ["    " + note for note in self.notes]


def expected_changes(made):
    return {change: made for change in CLIENT + SERVER}


def sockwatch_json(path, run, kinds):
    """`run` is connrate's own report, `kinds` the events asked for."""
    audit = Audit()
    found = collections.Counter()
    sockets = {}        # cookie -> two bits for each item, saturating
    shift = {}          # item -> where its two bits are
    netns, client, server = run["netns"], str(run["client_pid"]).encode(), str(run["server_pid"]).encode()
    with open(path, "rb", buffering=1 << 20) as lines:
        for line in lines:
            audit.lines += 1
            kind = EVENT.search(line)
            if audit.lines % 1000 == 1 or kind is None or line[-2:] != b"}\n":
                try:
                    json.loads(line)
                except ValueError as error:
                    found["malformed"] += 1
                    audit.notes.append("line %d: %s" % (audit.lines, error)) if found["malformed"] < 4 else None
                    continue
            name = kind.group(1).decode() if kind else "no event"
            identity = IDENTITY.search(line)
            if name == "lost":
                audit.said_lost += int(COUNT.search(line).group(1))
            if identity is None or int(identity.group(1)) != netns:
                continue
            if name == "state":
                change = CHANGE.search(line)
                name = b">".join(change.groups()).decode() if change else "state?"
                name = ALIAS.get(name, name)
            found[name] += 1
            if name in ("connect", "accept"):
                pid = PROCESS.search(line)
                pid = pid and pid.group(1)
                audit.owner["unknown" if pid is None else
                            "right" if pid == (client if name == "connect" else server) else "wrong"] += 1
            cookie = int(identity.group(2))
            if cookie and name != NO_COOKIE:
                at = shift.setdefault(name, 2 * len(shift))
                bits = sockets.get(cookie, 0)
                sockets[cookie] = bits + (1 << at) if bits >> at & 3 < 3 else bits
    expected = {}
    if "connect" in kinds:
        expected["connect"] = run["connections"]
    if "accept" in kinds:
        expected["accept"] = run["accepted"]
    if "state" in kinds:
        expected.update(expected_changes(run["connections"]))
        # The listener's own: to LISTEN and back.
        expected.update({"CLOSE>LISTEN": 1, "LISTEN>CLOSE": 1})
    if "close" in kinds:
        expected["close"] = 2 * run["connections"] + 1
    repeats = collections.Counter()
    for bits, count in collections.Counter(sockets.values()).items():
        for name, at in shift.items():
            repeats[name] += count * max(0, (bits >> at & 3) - 1)
    audit.compare(found, expected, repeats)
    whole_lives(audit, sockets, shift, kinds)
    return audit


def whole_lives(audit, sockets, shift, kinds):
    """Says how many sockets have every event of a life exactly once, and what the others look like."""
    ends = {"client": ("connect", CLIENT), "server": ("accept", SERVER)}
    patterns = collections.Counter(sockets.values())
    tally = collections.Counter()
    odd = []
    for bits, count in patterns.most_common():
        counts = {name: bits >> at & 3 for name, at in shift.items() if bits >> at & 3}
        if "listen" in counts or "CLOSE>LISTEN" in counts:
            continue
        end = "client" if any(name in counts for name in ("connect",) + CLIENT) else \
              "server" if any(name in counts for name in ("accept",) + SERVER) else "unknown"
        tally[end] += count
        if end == "unknown":
            continue
        first, changes = ends[end]
        want = [name for name in (first, "close") if name in kinds]
        want += [name for name in changes if name != NO_COOKIE] if "state" in kinds else []
        holes = [name for name in want if name not in counts]
        twice = [name for name in counts if counts[name] > 1]
        if not holes and not twice:
            tally[end + " whole"] += count
        elif len(odd) < 8:
            odd.append("%d %s sockets: %s" % (count, end, "; ".join(
                (["without " + ", ".join(holes)] if holes else []) +
                (["more than once " + ", ".join(twice)] if twice else []))))
    audit.notes.append("sockets seen: " + ", ".join("%s %d" % kv for kv in sorted(tally.items())))
    audit.notes += odd


def columns(path, run, parse):
    """A table of columns, one line an event; `parse` gives (pid, local port, remote port, item) or None."""
    audit = Audit()
    found = collections.Counter()
    with open(path, errors="replace") as lines:
        for line in lines:
            audit.lines += 1
            row = parse(line.split())
            if row is None:
                continue
            pid, local, remote, item = row
            if run["port"] not in (local, remote):
                continue
            found[item] += 1
            right = run["server_pid"] if local == run["port"] else run["client_pid"]
            audit.owner["right" if pid == right else "wrong"] += 1
    return audit, found


def tcpstates(path, run, _kinds):
    def parse(f):
        # SKADDR PID COMM LADDR LPORT RADDR RPORT OLDSTATE -> NEWSTATE MS
        if len(f) < 11 or f[-3] != "->" or not f[1].isdigit():
            return None
        change = f[-4] + ">" + f[-2]
        return int(f[1]), int(f[-7]), int(f[-5]), ALIAS.get(change, change)

    audit, found = columns(path, run, parse)
    audit.compare(found, {**expected_changes(run["connections"]), "CLOSE>LISTEN": 1, "LISTEN>CLOSE": 1})
    return audit


def tcplife(path, run, _kinds):
    def parse(f):
        # PID COMM LADDR LPORT RADDR RPORT TX_KB RX_KB MS
        if len(f) < 9 or not f[0].isdigit():
            return None
        return int(f[0]), int(f[-6]), int(f[-4]), "server" if int(f[-6]) == run["port"] else "client"

    audit, found = columns(path, run, parse)
    audit.compare(found, {"client": run["connections"], "server": run["accepted"]})
    return audit
