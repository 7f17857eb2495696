# SPDX-License-Identifier: GPL-2.0-only
"""export.py SOCKWATCH [TEST...]: metrics of traffic that is known, over HTTP, and clients that mean no good."""
import http.client

from listing import *  # noqa: F403

LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
LINE = re.compile(r"([a-z_]+)(?:\{(.*)\})? (\S+)$")
LOW, HIGH = 40000, 40019


def begin(where, *args, name=None, command="export"):
    """One that has begun, and what it says of where it is."""
    inside_of = ["ip", "netns", "exec", name] if name else []
    process = subprocess.Popen([*inside_of, SOCKWATCH, command, *(["--netns", "self"] if name else []), "--listen", where, *args],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               start_new_session=True)
    started.append(process)
    watchers.append(process)
    line = first_line("the exporter's start", process, process.stderr)
    assert "metrics at " in line, line
    return process, line.split("metrics at ")[1].strip()


def ask(place, path="/metrics", accept=None, method="GET"):
    """(status, headers, text)"""
    if place.startswith("unix:"):
        connection = http.client.HTTPConnection("localhost", timeout=DEADLINE)
        connection.sock = socket.socket(socket.AF_UNIX)
        connection.sock.settimeout(DEADLINE)
        connection.sock.connect(place[5:])
    else:
        connection = http.client.HTTPConnection(place.split("//")[1].split("/")[0], timeout=DEADLINE)
    try:
        connection.request(method, path, headers={"Accept": accept} if accept else {})
        answer = connection.getresponse()
        return answer.status, dict(answer.getheaders()), answer.read().decode()
    finally:
        connection.close()


def parse(text):
    """{(name, ((label, value), ...)): number}; each line makes sense and stands there once, behind the type of its family."""
    values, family = {}, None
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            family = line.split()[2]
        if line.startswith("#"):
            continue
        found = LINE.match(line)
        assert found, "no sample: %r" % line
        name, labels, number = found.groups()
        assert family and name.startswith(family), "%s is not in %s" % (name, family)
        key = (name, tuple(sorted(LABEL.findall(labels or ""))))
        assert key not in values, "twice: %r" % line
        values[key] = float(number)
    return values


def values_of(place):
    status, _, text = ask(place)
    assert status == 200, (status, text)
    return parse(text)


def value(values, name, **labels):
    """The sum of all that has these labels; 0 where there is none."""
    wanted = set(labels.items())
    return sum(v for (n, l), v in values.items() if n == name and wanted <= set(l))


def settled(place, name, wanted, **labels):
    """The value once it is there, and that it stays."""
    return until("%s of %s" % (wanted, name), lambda: value(values_of(place), name, **labels), lambda v: v == wanted)


def sock_place(tag):
    return "unix:%s/%s.sock" % (work, tag)


# One server that accepts and reads until the peer has closed; and clients as they are asked for.
TRAFFIC = """
import errno
def server(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", port)); s.listen(64); return s
def life(port):
    c = socket.create_connection(("127.0.0.1", port)); a = l.accept()[0]; c.sendall(b"x" * 1000); got = 0
    while got < 1000: got += len(a.recv(1000))
    c.close(); a.recv(1); a.close()
def error(call):
    try: call(); return 0
    except OSError as e: return e.errno
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("%d %d")
l = server(8080); held = []
print("ready", flush=True)
for line in sys.stdin:
    word, n = line.split()
    for i in range(int(n)):
        if word == "life": life(8080)
        elif word == "refused": assert error(lambda: socket.create_connection(("127.0.0.1", 1))) == errno.ECONNREFUSED
        elif word == "conflict": assert error(lambda: socket.socket().bind(("127.0.0.1", 8080))) == errno.EADDRINUSE
        elif word == "denied": assert error(lambda: socket.create_connection(("127.0.0.1", 8080), 5)) == errno.EADDRNOTAVAIL
        elif word == "hold": held.append(socket.create_connection(("127.0.0.1", 8080))); held.append(l.accept()[0])
        elif word == "wait": held.append(socket.create_connection(("127.0.0.1", 8080)))
        elif word == "udp": u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.connect(("127.0.0.1", 53)); held.append(u)
    print("done", flush=True)
""" % (LOW, HIGH)


class Traffic:
    def __init__(self, tag):
        self.name = space(tag)
        self.process = python(self.name, TRAFFIC)[0]

    def make(self, word, n):
        self.process.stdin.write("%s %d\n" % (word, n))
        self.process.stdin.flush()
        assert first_line(word, self.process, self.process.stdout).strip() == "done"


@test
def counts_equal_the_traffic():
    traffic = Traffic("count")
    _, place = begin(sock_place("count"), name=traffic.name)
    before = values_of(place)
    assert value(before, "sockwatch_connects_total", proto="tcp", family="ipv4") == 0, before
    traffic.make("life", 7)
    traffic.make("refused", 5)
    traffic.make("conflict", 3)
    traffic.make("udp", 2)
    settled(place, "sockwatch_closes_total", 7, reason="peer-close", proto="tcp")
    settled(place, "sockwatch_closes_total", 7, reason="local-close", proto="tcp")
    settled(place, "sockwatch_closes_total", 5, reason="refused", proto="tcp")
    # The same failure again is told with a count within a second.
    settled(place, "sockwatch_bind_conflicts_total", 3)
    after = values_of(place)
    for name, wanted, labels in (
            ("sockwatch_connects_total", 12, {"proto": "tcp", "family": "ipv4"}),
            ("sockwatch_connects_total", 2, {"proto": "udp", "family": "ipv4"}),
            ("sockwatch_connect_errors_total", 5, {"errno": "ECONNREFUSED"}),
            ("sockwatch_accepts_total", 7, {"proto": "tcp"}),
            ("sockwatch_bind_errors_total", 3, {"errno": "EADDRINUSE"}),
            ("sockwatch_bind_conflicts_total", 3, {"why": "listening"}),
            ("sockwatch_sent_bytes_total", 7000, {"proto": "tcp"}),
            ("sockwatch_received_bytes_total", 7000, {"proto": "tcp"}),
            ("sockwatch_time_waits_total", 7, {"comm": "python3"}),
            ("sockwatch_connect_duration_seconds_count", 7, {"family": "ipv4"}),
            ("sockwatch_port_search_duration_seconds_count", 12, {}),
            ("sockwatch_life_duration_seconds_count", 19, {"proto": "tcp"}),
            ("sockwatch_lost_total", 0, {})):
        assert value(after, name, **labels) == wanted, (name, labels, value(after, name, **labels), wanted)


@test
def sockets_equal_ss():
    traffic = Traffic("ss")
    _, place = begin(sock_place("ss"), name=traffic.name)
    traffic.make("life", 4)
    traffic.make("hold", 3)

    def compare_states():
        rows = [line.split()[0] for line in inside(traffic.name, "ss", "-tanH").splitlines()]
        theirs = collections.Counter(STATES.get(row, row.replace("-", "_")) for row in rows)
        values = values_of(place)
        ours = {dict(l)["state"]: v for (n, l), v in values.items() if n == "sockwatch_sockets" and ("proto", "tcp") in l and v}
        return theirs, ours
    until("the same states as ss", compare_states, lambda both: both[0] == both[1])
    values = values_of(place)
    assert value(values, "sockwatch_process_sockets", comm="python3", state="ESTABLISHED") == 6, values
    assert value(values, "sockwatch_process_sockets", comm="python3", state="TIME_WAIT") == 4, values
    assert value(values, "sockwatch_listeners", port="8080", address="127.0.0.1", comm="python3") == 1, values


@test
def ports_equal_ephemeral():
    traffic = Traffic("ports")
    _, place = begin(sock_place("ports"), name=traffic.name)
    traffic.make("hold", 6)

    def both():
        rows = [json.loads(line) for line in inside(traffic.name, SOCKWATCH, "ephemeral", "--netns", "self", "-o", "json").splitlines()]
        theirs = min(r["available"] for r in rows if r["event"] == "budget" and r["proto"] == "tcp")
        values = values_of(place)
        return theirs, value(values, "sockwatch_ephemeral_ports_available_min", proto="tcp"), \
            value(values, "sockwatch_ephemeral_destination_ports_available", destination="127.0.0.1:8080", source="127.0.0.1")
    assert until("the same as ephemeral", both, lambda b: b[0] == b[1] == b[2])[0] == 14
    values = values_of(place)
    assert value(values, "sockwatch_ephemeral_ports") == 20 and value(values, "sockwatch_ephemeral_range_port", end="low") == LOW, values
    assert value(values, "sockwatch_ephemeral_exhausted_total", proto="tcp") == 0
    traffic.make("hold", 14)
    traffic.make("denied", 3)
    settled(place, "sockwatch_ephemeral_exhausted_total", 3, proto="tcp")
    settled(place, "sockwatch_ephemeral_ports_available_min", 0, proto="tcp")
    # Nothing that changes with each connection is a label.
    values = values_of(place)
    pids = {str(p) for p in range(traffic.process.pid - 2, traffic.process.pid + 3)}
    for name, labels in values:
        for label, text in labels:
            assert text not in pids, (name, labels)
            assert not (text.isdigit() and LOW <= int(text) <= HIGH), (name, labels)
            assert label != "destination" or text == "127.0.0.1:8080", (name, labels)


@test
def queues_of_listeners():
    traffic = Traffic("queue")
    _, place = begin(sock_place("queue"), name=traffic.name)
    traffic.make("wait", 5)
    settled(place, "sockwatch_accept_queue_length", 5, port="8080", comm="python3")
    assert value(values_of(place), "sockwatch_accept_queue_limit", port="8080") == 64


@test
def namespaces_by_name():
    traffic = Traffic("named")
    _, place = begin(sock_place("named"))
    until("the namespace by its name", lambda: value(values_of(place), "sockwatch_ephemeral_ports", netns=traffic.name), lambda v: v == 20)


@test
def over_http():
    process, place = begin("127.0.0.1:0")
    assert re.match(r"http://127.0.0.1:\d+/metrics$", place), place
    status, headers, text = ask(place)
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4"), headers
    parse(text)
    status, headers, text = ask(place, accept="application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5")
    assert headers["Content-Type"].startswith("application/openmetrics-text; version=1.0.0"), headers
    assert text.endswith("# EOF\n") and "# TYPE sockwatch_connects counter" in text
    parse(text)
    check_health(place)
    assert ask(place, "/metrics", method="HEAD")[0::2] == (200, "")
    assert ask(place, "/")[0] == 404 and ask(place, "/metrics/x")[0] == 404
    assert ask(place, method="POST")[0] == 405
    # Who parses has no right left.
    status = content("/proc/%d/status" % process.pid)
    assert re.search(r"^CapEff:\s*0+$", status, re.M) and re.search(r"^NoNewPrivs:\s*1$", status, re.M), status
    said = subprocess.run([SOCKWATCH, "status", "-o", "json"], capture_output=True, text=True).stdout
    assert [json.loads(line)["command"] for line in said.splitlines()] == ["export"], said
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0


def check_health(place):
    """Well, or what is said is true: others on this host may make it lose."""
    status, _, text = ask(place, "/healthz")
    lost = value(values_of(place), "sockwatch_lost_total") - value(values_of(place), "sockwatch_lost_total", cause="withheld")
    assert (status, text) == (200, "ok\n") or (status == 503 and lost > 0), (status, text, lost)


def content(path):
    with open(path) as file:
        return file.read()


@test
def hostile_clients():
    process, place = begin("127.0.0.1:0")
    address = ("127.0.0.1", int(place.split(":")[2].split("/")[0]))
    idle = [socket.create_connection(address, DEADLINE) for _ in range(20)]
    for s in idle[::2]:
        s.sendall(b"GET /metrics HT")
    # They have their places for a while only.
    assert until("an answer beside twenty that wait", lambda: answer_of(address, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
                 lambda text: text.startswith(b"HTTP/1.1 "))
    for s in idle:
        s.close()
    import random
    dice = random.Random(16)
    for i in range(150):
        request = bytes(dice.randrange(256) for _ in range(dice.randrange(400))) if i % 2 else \
            b"GET /" + b"a" * dice.randrange(40000) + b" HTTP/1.%d\r\nX: " % dice.randrange(3) + b"y" * dice.randrange(40000) + b"\r\n\r\n"
        try:
            with socket.create_connection(address, DEADLINE) as s:
                s.sendall(request)
                s.shutdown(socket.SHUT_WR)
        except OSError:
            pass
    assert until("an answer after them", lambda: answer_of(address, b"GET /healthz HTTP/1.0\r\n\r\n"), lambda text: text.startswith(b"HTTP/1."))
    # One that asks a thousand times and reads nothing.
    with socket.create_connection(address, DEADLINE) as s:
        s.setblocking(False)
        try:
            for _ in range(1000):
                s.send(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
        except BlockingIOError:
            pass
        assert ask(place)[0] == 200
    resident = int(re.search(r"VmRSS:\s*(\d+)", content("/proc/%d/status" % process.pid)).group(1))
    assert resident < 64000, "%d kB" % resident
    assert process.poll() is None


def answer_of(address, request):
    try:
        with socket.create_connection(address, 2) as s:
            s.sendall(request)
            return s.recv(4096)
    except OSError as error:
        return str(error).encode()


@test
def a_loss_is_no_health():
    process, place = begin(sock_place("loss"), "--ring", "1M")
    check_health(place)
    process.send_signal(signal.SIGSTOP)
    for _ in range(30000):
        s = socket.socket()
        s.bind(("127.0.0.1", 0))
        s.close()
    process.send_signal(signal.SIGCONT)
    lost = until("a loss", lambda: value(values_of(place), "sockwatch_lost_total"))
    status, _, text = ask(place, "/healthz")
    assert status == 503 and "lost" in text, (status, text)
    until("a repair", lambda: value(values_of(place), "sockwatch_repairs_total"))
    process.send_signal(signal.SIGINT)
    code = process.wait(DEADLINE)
    assert code == 4 and lost > 0, (code, lost)


@test
def a_socket_left_behind_is_taken_over():
    place = sock_place("left")
    process, _ = begin(place)
    again = sockwatch("export", "--listen", place)
    assert again.returncode == 1 and "in use" in again.stderr, again.stderr
    assert ask(place)[0] == 200, "the first one still answers"
    process.kill()
    process.wait(DEADLINE)
    _, place = begin(place)
    assert ask(place)[0] == 200
    mode = os.stat(place[5:]).st_mode & 0o777
    assert mode == 0o660, oct(mode)
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen()
    taken = sockwatch("export", "--listen", "127.0.0.1:%d" % held.getsockname()[1])
    assert taken.returncode == 1 and "sockwatch who" in taken.stderr, taken.stderr


@test
def a_socket_of_systemd():
    held = socket.socket()
    held.bind(("127.0.0.1", 0))
    held.listen()
    code = "import os,sys; os.dup2(int(sys.argv[1]), 3); os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS='1'); " \
           "os.execv(sys.argv[2], sys.argv[2:])"
    process = subprocess.Popen([sys.executable, "-c", code, str(held.fileno()), SOCKWATCH, "export"], stdin=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, pass_fds=[held.fileno()], start_new_session=True)
    started.append(process)
    watchers.append(process)
    line = first_line("the exporter's start", process, process.stderr)
    assert ":%d/metrics" % held.getsockname()[1] in line, line
    assert ask("http://127.0.0.1:%d/metrics" % held.getsockname()[1])[0] == 200


@test
def a_recorder_serves_too():
    traffic = Traffic("record")
    store = os.path.join(work, "store")
    process, place = begin(sock_place("record"), "--store", store, name=traffic.name, command="record")
    traffic.make("life", 5)
    settled(place, "sockwatch_closes_total", 5, reason="local-close")
    until("rows in the store", lambda: value(values_of(place), "sockwatch_store_rows_total"), lambda v: v >= 10)
    assert value(values_of(place), "sockwatch_store_bytes") > 0
    process.send_signal(signal.SIGINT)
    assert process.wait(DEADLINE) == 0
    found = sockwatch("history", "--store", store, "-o", "json", "--reason", "local-close", "--netns", str(inode(traffic.name)))
    assert len(found.stdout.splitlines()) == 5, found.stdout + found.stderr


@test
def labels_left_out():
    traffic = Traffic("labels")
    _, place = begin(sock_place("labels"), "--without-labels", "comm,address", name=traffic.name)
    traffic.make("life", 2)
    settled(place, "sockwatch_time_waits_total", 2)
    values = values_of(place)
    assert not [l for _, l in values if "comm" in dict(l) or "address" in dict(l)], values
    assert value(values, "sockwatch_listeners", port="8080") == 1
    bad = sockwatch("export", "--without-labels", "reason")
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1, bad.stderr


run_tests()
