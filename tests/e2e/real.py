#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""real.py hostile PORT: connects under a name that tries to break out of any output.
real.py check TRUTH EVENTS: compares what real.sh did with what the tracer printed."""
import ctypes
import json
import socket
import sys

HOSTILE = b'\x1b[2J"\\\n\xff\xc3'
SHOWN = '\x1b[2J"\\\n\ufffd\ufffd'
PR_SET_NAME = 15


def hostile(port):
    ctypes.CDLL(None).prctl(PR_SET_NAME, HOSTILE, 0, 0, 0)
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"GET / HTTP/1.0\r\n\r\n")
        while s.recv(4096):
            pass


def no_duplicates(pairs):
    keys = [key for key, _ in pairs]
    if len(set(keys)) != len(keys):
        raise ValueError("a key occurs twice")
    return dict(pairs)


def read_events(path):
    """Every line, each read by the strict reader of the standard library."""
    events = []
    with open(path, "rb") as lines:
        for number, line in enumerate(lines, 1):
            try:
                if not line.endswith(b"\n"):
                    raise ValueError("no newline at the end")
                events.append(json.loads(line.decode("utf-8"), object_pairs_hook=no_duplicates))
            except ValueError as why:
                print(f"FAIL real-json: line {number}: {why}: {line!r}")
                return None
    print("PASS real-json")
    return events


class Life:
    """All events of one cookie."""

    def __init__(self, events):
        self.events = events

    def only(self, kind):
        found = [e for e in self.events if e["event"] == kind]
        if len(found) != 1:
            raise ValueError(f"{len(found)} {kind} events")
        return found[0]

    def check_owner(self, event, pids, name):
        process = event["process"]
        if process is None or process["pid"] not in pids or process["name"] != name:
            raise ValueError(f"{event['event']} names {process}, must be {name} {sorted(pids)}")

    def check_ports(self, local, peer):
        for event in self.events:
            if event["event"] == "state" and event["from"] == "CLOSE":
                continue
            ports = event["local"]["port"], event["peer"]["port"]
            if ports != (local, peer):
                raise ValueError(f"{event['event']} has ports {ports}, must be {(local, peer)}")


def lives_of(events):
    by_cookie = {}
    for event in events:
        if event["event"] != "lost":
            by_cookie.setdefault(event["cookie"], []).append(event)
    return [Life(e) for e in by_cookie.values()]


def find_life(lives, kind, test):
    found = [l for l in lives if any(e["event"] == kind and test(e) for e in l.events)]
    if len(found) != 1:
        raise ValueError(f"{len(found)} sockets with such a {kind} event")
    return found[0]


def check_connection(lives, pid, name, port, server_pids, server_name):
    client = find_life(lives, "connect",
                       lambda e: e["process"] and e["process"]["pid"] == pid and e["peer"]["port"] == port)
    connect = client.only("connect")
    source = connect["local"]["port"]
    if source == 0 or connect["autobind"] is not True:
        raise ValueError(f"connect shows port {source}, autobind {connect['autobind']}")
    for event in client.events:
        client.check_owner(event, {pid}, name)
    client.check_ports(source, port)
    client.only("close")
    server = find_life(lives, "accept",
                       lambda e: e["local"]["port"] == port and e["peer"]["port"] == source)
    accept = server.only("accept")
    server.check_owner(accept, server_pids, server_name)
    for event in server.events[server.events.index(accept):]:
        server.check_owner(event, {accept["process"]["pid"]}, server_name)
    server.check_ports(port, source)
    server.only("close")


def worker_pids(lives, master, port):
    """nginx's workers are whom its master handed the listener: every acceptor that is not the master."""
    pids = set()
    for life in lives:
        for event in life.events:
            if event["event"] == "accept" and event["local"]["port"] == port and event["process"]:
                pids.add(event["process"]["pid"])
    pids.discard(master)
    return pids


def report(name, test, *arguments):
    try:
        test(*arguments)
        print(f"PASS {name}")
        return True
    except (ValueError, KeyError, TypeError) as why:
        print(f"FAIL {name}: {type(why).__name__}: {why}")
        return False


def check_listener(lives, pid, name, port):
    """nginx listens twice on its socket, the second time to set the backlog."""
    life = find_life(lives, "listen", lambda e: e["local"]["port"] == port)
    life.only("bind")
    for event in life.events:
        life.check_owner(event, {pid}, name)
    if life.only("close")["reason"] != "local-close":
        raise ValueError("the listener's reason is " + life.only("close")["reason"])


def check(truth_path, events_path):
    events = read_events(events_path)
    if events is None:
        return 1
    with open(truth_path, encoding="ascii") as lines:
        truth = [(kind, int(pid), int(port)) for kind, pid, port in map(str.split, lines)]
    lives = lives_of(events)
    nginx, redis = truth[0], truth[1]
    workers = worker_pids(lives, nginx[1], nginx[2])
    servers = {nginx[2]: (workers, "nginx"), redis[2]: ({redis[1]}, "redis-server")}
    good = report("real-nginx-listener", check_listener, lives, nginx[1], "nginx", nginx[2])
    good &= report("real-redis-listener", check_listener, lives, redis[1], "redis-server", redis[2])
    for number, (kind, pid, port) in enumerate(truth[2:], 1):
        name = SHOWN if kind == "hostile" else kind
        good &= report(f"real-{kind}-{number}", check_connection, lives, pid, name, port,
                       *servers[port])
    lost = sum(e["count"] for e in events if e["event"] == "lost")
    if lost or not 1 <= len(workers) <= 2:
        print(f"FAIL real-counts: {lost} events lost, workers {sorted(workers)}")
        good = False
    return 0 if good else 1


if __name__ == "__main__":
    if sys.argv[1] == "hostile":
        hostile(int(sys.argv[2]))
    else:
        sys.exit(check(sys.argv[2], sys.argv[3]))
