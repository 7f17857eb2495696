# SPDX-License-Identifier: GPL-2.0-only
"""fleet_server.py: takes inserts as ClickHouse does, on a loopback port of its own, and fails as it is told.

    server = Server()                    # Server(tls=(certificate, key))
    server.answers.append((503, 252, "busy", {"Retry-After": "1"}))      # to the next insert, which is not taken
    server.hold = threading.Event()      # inserts are taken, and answered once it is set
    server.lines("life")                 # rows as lists of columns, each with how often it was taken
"""
import collections
import gzip
import http.server
import re
import ssl
import threading
import urllib.parse

COLUMNS = re.compile(r"INSERT INTO `(\w+)`\.`(\w+)` \(([\w,]+)\) FORMAT TabSeparated$")


class Request(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.owner.take(self, dict(urllib.parse.parse_qsl(urllib.parse.urlsplit(self.path).query)), body)

    def reply(self, status, code=0, text="", headers=()):
        body = text.encode()
        self.send_response(status)
        if code:
            self.send_header("X-ClickHouse-Exception-Code", str(code))
        for name, value in dict(headers).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Listener(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        """Senders are killed on purpose."""


class Server:
    def __init__(self, tls=None, port=0):
        self.answers, self.hold, self.lock = collections.deque(), None, threading.Lock()
        self.always = None  # an answer to each insert
        self.rows, self.columns, self.tokens = {}, {}, {}
        self.inserts, self.connections, self.headers, self.parameters = 0, set(), {}, []
        self.listener = Listener(("127.0.0.1", port), Request)
        self.listener.owner = self
        self.port, self.scheme = self.listener.server_address[1], "http"
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.listener.socket = context.wrap_socket(self.listener.socket, server_side=True)
            self.scheme = "https"
        threading.Thread(target=self.listener.serve_forever, args=(0.05,), daemon=True).start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.port}/fleet"

    def close(self):
        if self.hold:
            self.hold.set()
        self.listener.shutdown()
        self.listener.server_close()

    def take(self, request, parameters, body):
        with self.lock:
            self.inserts += 1
            self.connections.add(request.client_address)
            self.headers = dict(request.headers.items())
            self.parameters.append(parameters)
            refused = self.answers.popleft() if self.answers else self.always
            if not refused:
                self.insert(parameters, body)
        if self.hold:
            self.hold.wait(60)
        request.reply(*(refused or (200,)))

    def insert(self, parameters, body):
        database, table, columns = COLUMNS.match(parameters["query"]).groups()
        assert database == "fleet", database
        token = parameters.get("insert_deduplication_token")
        if token in self.tokens:
            assert self.tokens[token] == body, f"{token} came with other bytes"
            return
        if token:
            self.tokens[token] = body
        self.columns[table] = columns.split(",")
        for line in gzip.decompress(body).decode(errors="surrogateescape").split("\n")[:-1]:
            key = (table, line)
            self.rows[key] = self.rows.get(key, 0) + 1

    def lines(self, table):
        with self.lock:
            return [(line.split("\t"), count) for (name, line), count in self.rows.items() if name == table]

    def numbers(self, table):
        """Of rows, each with how often it was taken."""
        number = "call" if table == "holder" else "id"
        return sorted((int(dict(zip(self.columns[table], line))[number]), count) for line, count in self.lines(table))
