#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""A proxy between a sender and a ClickHouse that makes faults: each INSERT meets one with a chance of --rate, --faults of them
in all, by a seed, so that a run can be had again.

    tests/fleet/proxy.py --to PORT [--port N] [--seed N] [--rate 0.2] [--faults N] [--only KIND,...] [--old]

KIND:
    drop-answer    the server has the batch, its answer goes nowhere
    drop-request   the server gets half of the request, then nobody hears of it
    reset-before   a reset in place of an answer; the server has heard nothing
    reset-answer   the server has the batch; half of its answer, then a reset
    delay          up to a second later
    500            the server has heard nothing
    500-after      the server has the batch, the answer says 500
    503            with Retry-After: 1; the server has heard nothing
    429            likewise
    silence        the server has heard nothing and no answer comes until the client goes, or --silence seconds (not among those by default)

--old takes settings off the URL that a server of 2018 does not know. Says "listening PORT"; at SIGTERM, what it did, as JSON.
"""
import argparse
import json
import random
import signal
import socket
import struct
import sys
import threading
import time
import urllib.parse

KINDS = ["drop-answer", "drop-request", "reset-before", "reset-answer", "delay", "500", "500-after", "503", "429"]
UNKNOWN_TO_OLD = ("insert_deduplication_token", "async_insert", "wait_for_async_insert", "insert_deduplicate", "deduplicate_",
                  "async_insert_", "wait_for_async_insert_", "input_format_", "date_time_input_format", "http_")


class Gone(Exception):
    pass


class Stream:
    """Reads lines and counted bytes of one connection."""

    def __init__(self, sock):
        self.sock, self.buffer = sock, b""

    def more(self):
        data = self.sock.recv(1 << 16)
        if not data:
            raise Gone()
        self.buffer += data

    def head(self):
        while b"\r\n\r\n" not in self.buffer:
            self.more()
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        return head

    def exactly(self, n):
        while len(self.buffer) < n:
            self.more()
        ret, self.buffer = self.buffer[:n], self.buffer[n:]
        return ret

    def line(self):
        while b"\r\n" not in self.buffer:
            self.more()
        ret, self.buffer = self.buffer.split(b"\r\n", 1)
        return ret + b"\r\n"

    def body(self, head, is_answer):
        """As it came, framing and all."""
        fields = {}
        for line in head.split(b"\r\n")[1:]:
            name, _, value = line.partition(b":")
            fields[name.strip().lower()] = value.strip()
        if b"chunked" in fields.get(b"transfer-encoding", b"").lower():
            ret = b""
            while True:
                size = self.line()
                n = int(size.split(b";")[0], 16)
                ret += size + (self.exactly(n + 2) if n else b"")
                if n == 0:
                    while True:
                        line = self.line()
                        ret += line
                        if line == b"\r\n":
                            return ret
        if b"content-length" in fields:
            return self.exactly(int(fields[b"content-length"]))
        if not is_answer:
            return b""
        try:
            while True:
                self.more()
        except Gone:
            ret, self.buffer = self.buffer, b""
            return ret


class Proxy:
    def __init__(self, to, port=0, seed=1, rate=0.2, faults=None, only=None, old=False, silence=60, insert_only=True):
        self.to, self.rate, self.left, self.old, self.silence = to, rate, faults, old, silence
        self.kinds, self.insert_only = list(only or KINDS), insert_only
        self.random, self.lock = random.Random(seed), threading.Lock()
        self.counts, self.requests, self.inserts, self.unreachable = {}, 0, 0, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.listen, daemon=True).start()

    def state(self):
        with self.lock:
            return {"requests": self.requests, "inserts": self.inserts, "unreachable": self.unreachable,
                    "faults": sum(self.counts.values()), "kinds": dict(self.counts)}

    def close(self):
        self.listener.close()

    def listen(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def choose(self, insert):
        with self.lock:
            self.requests += 1
            self.inserts += insert
            if (self.insert_only and not insert) or self.left == 0 or self.random.random() >= self.rate:
                return None
            if self.left is not None:
                self.left -= 1
            kind = self.random.choice(self.kinds)
            self.counts[kind] = self.counts.get(kind, 0) + 1
            return kind

    def modern_to_old(self, head):
        line, rest = head.split(b"\r\n", 1)
        method, target, version = line.decode("latin-1").split(" ", 2)
        path, _, query = target.partition("?")
        kept = [part for part in query.split("&")
                if not any(urllib.parse.unquote(part).startswith(name) for name in UNKNOWN_TO_OLD)]
        return f"{method} {path}?{'&'.join(kept)} {version}".encode("latin-1") + b"\r\n" + rest

    def serve(self, client):
        server = None
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            asked = Stream(client)
            while True:
                head = asked.head()
                if b"100-continue" in head.lower():
                    client.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
                    head = b"\r\n".join(line for line in head.split(b"\r\n") if not line.lower().startswith(b"expect:"))
                body = asked.body(head, False)
                first = head.split(b"\r\n")[0].decode("latin-1")
                insert = "insert+into" in first.lower() or "insert%20into" in first.lower() or body[:6].lower() == b"insert"
                kind = self.choose(insert)
                if self.old:
                    head = self.modern_to_old(head)
                whole = head + b"\r\n\r\n" + body
                if kind == "reset-before":
                    return self.reset(client)
                if kind in ("500", "503", "429"):
                    client.sendall(self.refusal(kind))
                    continue
                if kind == "silence":
                    client.settimeout(self.silence)
                    client.recv(1)
                    return None
                if kind == "delay":
                    with self.lock:
                        pause = self.random.random()
                    time.sleep(pause)
                for attempt in (0, 1):  # the server may have closed what was kept open
                    if server is None:
                        try:
                            server = socket.create_connection(("127.0.0.1", self.to))
                        except OSError:
                            with self.lock:
                                self.unreachable += 1
                            return self.reset(client)
                        told, attempt = Stream(server), 1
                    try:
                        if kind == "drop-request":
                            server.sendall(whole[:max(len(head) // 2, len(whole) // 2)])
                            self.reset(server)
                            return self.reset(client)
                        server.sendall(whole)
                        answer = told.head()
                        while answer.split(b" ", 2)[1][:1] == b"1":
                            answer = told.head()
                        break
                    except (Gone, OSError):
                        server.close()
                        server = None
                        if attempt == 1:
                            return self.reset(client)
                answer += b"\r\n\r\n" + told.body(answer, True)
                if kind == "drop-answer":
                    return None
                if kind == "reset-answer":
                    client.sendall(answer[:len(answer) // 2])
                    return self.reset(client)
                if kind == "500-after":
                    answer = self.refusal("500")
                client.sendall(answer)
        except (Gone, OSError, ValueError):
            return None
        finally:
            for sock in (client, server):
                if sock is not None:
                    sock.close()

    @staticmethod
    def refusal(kind):
        words = {"500": "Code: 999. DB::Exception: a fault on purpose", "503": "busy", "429": "too many"}[kind].encode() + b"\n"
        name = {"500": "Internal Server Error", "503": "Service Unavailable", "429": "Too Many Requests"}[kind]
        return (f"HTTP/1.1 {kind} {name}\r\nContent-Length: {len(words)}\r\n" +
                ("" if kind == "500" else "Retry-After: 1\r\n") + "\r\n").encode() + words

    @staticmethod
    def reset(sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        sock.close()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--to", type=int, required=True)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=0.2)
    parser.add_argument("--faults", type=int)
    parser.add_argument("--only", type=lambda words: words.split(","))
    parser.add_argument("--old", action="store_true")
    parser.add_argument("--silence", type=float, default=60)
    proxy = Proxy(**vars(parser.parse_args()))
    print(f"listening {proxy.port}", flush=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(print(json.dumps(proxy.state()), flush=True)))
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
