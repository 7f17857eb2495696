# SPDX-License-Identifier: GPL-2.0-only
"""report.py SOCKWATCH: a record of connections, failures, conflicts and a range used up, and what report says of it."""
import html.parser, sqlite3
from listing import *  # noqa: F403

NAME = "import ctypes; ctypes.CDLL(None).prctl(15, %r, 0, 0, 0)\n"
SERVE = NAME % b"sw-server" + """
server = socket.create_server(("127.0.0.1", 7000), backlog=64)
print("ready", flush=True)
while True:
    s, _ = server.accept()
    while s.recv(1000):
        pass
    s.close()
"""
CLIENT = NAME % b"sw-client" + """
for i in range(40):
    c = socket.create_connection(("127.0.0.1", 7000))
    c.sendall(b"x" * 100)
    c.close()
for i in range(7):
    try:
        socket.create_connection(("127.0.0.1", 1))
    except ConnectionRefusedError:
        pass
print("done", flush=True)
"""
TAKER = NAME % b"sw-taker" + """
for i in range(5):
    try:
        socket.create_server(("127.0.0.1", 7000))
    except OSError:
        pass
print("done", flush=True)
"""
# Ten ports, and fourteen connections that stay.
SHORT = NAME % b"sw-short" + """
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("41000 41009")
server, kept, failed = socket.create_server(("127.0.0.1", 7001), backlog=64), [], 0
for i in range(14):
    try:
        kept.append(socket.create_connection(("127.0.0.1", 7001)))
    except OSError:
        failed += 1
        time.sleep(0.3)  # how many ports are used is looked at for a tenth of the time at most
print(len(kept), failed, flush=True)
"""
FAILURES = {"local-reset", "peer-reset", "refused", "timeout", "unreachable", "port-exhausted", "aborted", "abandoned", "keepalive",
            "user-timeout"}
store = os.path.join(work, "store")
name = space("report")


def record():
    process = subprocess.Popen([SOCKWATCH, "record", "--store", store, "--netns", name], stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, start_new_session=True)
    started.append(process)
    first_line("what a recorder says", process, process.stderr)
    return process


def history(*args):
    return [json.loads(line) for line in sockwatch("history", "--store", store, "-o", "json", *args).stdout.splitlines()]


def stop(process):
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == 0, process.stderr.read()


def run_and_end(code, comm, closes):
    """Until the record has what it did."""
    process, said = python(name, code)
    process.wait(timeout=60)
    until("the lives of " + comm, lambda: len(history("-c", comm)) >= closes)
    return said


def report(*args, code=0):
    result = sockwatch("report", "--store", store, *args)
    assert result.returncode == code, (result.returncode, result.stderr)
    return result.stdout


def rows(event, *args):
    return [r for r in map(json.loads, report("-o", "json", *args).splitlines()) if r["event"] == event]


def make():
    """Two runs of a recorder, and three seconds and more between them."""
    first = record()
    server, _ = python(name, SERVE)
    run_and_end(CLIENT, "sw-client", 47)
    run_and_end(TAKER, "sw-taker", 2)
    kept, failed = run_and_end(SHORT, "sw-short", 10).split()
    until("the server's lives", lambda: len(history("-c", "sw-server", "--events", "close")) >= 40)
    stop(first)
    end = time.time()
    until("a gap in the record", lambda: time.time() > end + 6)
    second = record()
    until("the server is seen", lambda: history("-c", "sw-server", "--at", "now"))
    run_and_end(NAME % b"sw-late" + 'c = socket.create_connection(("127.0.0.1", 7000)); c.close(); print("done", flush=True)', "sw-late", 1)
    stop(second)
    return int(kept), int(failed)


kept, exhausted = make()


@test
def what_was_done_is_counted():
    processes = {(r["process"] or {}).get("name"): r for r in rows("report-process")}
    client, taker, short = (processes[n] for n in ("sw-client", "sw-taker", "sw-short"))
    assert (client["lives"], client["failed"], client["failed_calls"]) == (47, 7, 0), client
    assert client["sent_bytes"] == 4000, client
    assert (taker["lives"], taker["failed_calls"]) == (0, 5), taker
    assert exhausted == 4 and kept == 10, (kept, exhausted)
    # Ten at each end, and those that found no port.
    assert short["lives"] == 24, short
    peers = {(r["peer"]["addr"], r["peer"].get("port"), r["way"]): r for r in rows("report-peer")}
    assert peers["127.0.0.1", 7000, "out"]["lives"] == 41, peers
    assert peers["127.0.0.1", 1, "out"]["failed"] == 7, peers
    assert peers["127.0.0.1", None, "in"]["lives"] == 51, peers


@test
def ports_and_conflicts():
    port = next(r for r in rows("report-port") if r["port"] == 7000)
    assert (port["lives"], port["failed_calls"]) == (41, 5), port
    assert port["process"]["name"] == "sw-server", port
    conflict, = rows("report-conflict")
    assert (conflict["port"], conflict["failed_calls"], conflict["state"]) == (7000, 5, "LISTEN"), conflict
    assert (conflict["process"]["name"], conflict["holder"]["name"]) == ("sw-taker", "sw-server"), conflict


@test
def the_budget_as_far_as_it_is_known():
    ports, = rows("report-ports")
    assert (ports["range"]["low"], ports["range"]["high"]) == (41000, 41009), ports
    assert ports["exhausted"] == exhausted and ports["distinct"] == 10 and ports["max"] == 10, ports
    assert None in ports["in_use"], ports
    # Without the call that told the range it is not known.
    ports, = rows("report-ports", "-c", "sw-client")
    assert ports["range"] is None and ports["distinct"] >= 1, ports


@test
def the_same_as_history_says():
    head, = rows("report")
    lives = [r for r in history() if r["event"] in ("close", "open") and r.get("peer")]
    ended = [r for r in lives if r["event"] == "close" and r.get("end") != "unseen"]
    assert head["lives"] == len(lives), (head, len(lives))
    assert head["failed"] == sum(r["reason"] in FAILURES for r in ended), head
    told = collections.Counter(r["reason"] for r in ended)
    assert {r["reason"]: r["lives"] for r in rows("report-reason")} == told, told
    assert sum(r["lives"] for r in rows("report-length")) == sum(r.get("duration_ns") is not None for r in ended)
    steps = rows("report-step")
    assert sum(r["begun"] or 0 for r in steps) == sum(r.get("opened") is not None for r in lives), steps
    assert sum(r["closed"] or 0 for r in steps) == len(ended), steps


@test
def what_nobody_recorded_is_not_zero():
    steps = rows("report-step")
    gap = [r for r in steps if r["begun"] is None]
    assert 3 <= len(gap) <= len(steps) - 4, steps
    assert all(r["recorded_ns"] == 0 and r["failed"] is None for r in gap)
    assert "nobody recorded" in report(), report()
    assert 'class="gap"' in report("-o", "html") and "of the rest nothing is known" in report("-o", "html")


@test
def every_spelling_has_the_numbers():
    head, = rows("report")
    text, page = report(), report("-o", "html")
    assert re.search(r"^connections +%d: %d failed, %d still open$" % (head["lives"], head["failed"], head["open"]), text, re.M), text
    assert re.search(r"^ +47 +7 +0 +4000 +0 sw-client$", text, re.M), text
    assert re.search(r" 5 tcp 7000 +(?:in \S+ +)?sw-taker +sw-server\[\d+\] LISTEN$", text, re.M), text
    assert "<b>%d</b> connections" % head["lives"] in page and "sw-taker" in page
    found = []

    class Page(html.parser.HTMLParser):
        def handle_starttag(self, tag, attrs):
            if tag in ("script", "link", "img", "iframe", "a") or any(k.startswith("on") or k in ("src", "href") for k, _ in attrs):
                found.append(tag)

    Page().feed(page)
    assert not found and page.count("</html>") == 1, found


@test
def filters_and_times():
    assert rows("report", "-c", "sw-client")[0]["lives"] == 47
    assert rows("report", "-c", "sw-client")[0]["chosen"] is True and rows("report")[0]["chosen"] is False
    assert rows("report", "--reason", "refused")[0]["lives"] == 7
    assert rows("report", "-D", "7000", "-c", "sw-late")[0]["lives"] == 1
    report("--since", "now", code=3)
    report("--until", "2020-01-01", code=3)
    begin = min(r["time"] for r in history())
    assert rows("report", "--since", "@%d" % (time.time() - 86400))[0]["since"] < begin
    assert sockwatch("report", "--store", store, "--at", "now").returncode == 2
    assert sockwatch("report", "--store", os.path.join(work, "none")).returncode == 1


@test
def a_file_is_replaced():
    path = os.path.join(work, "page.html")
    for _ in range(2):
        report("-o", "html", "--output", path)
        text = open(path, encoding="utf-8").read()
        assert text.startswith("<!doctype html>") and text.count("</html>") == 1, text[:100]


def peak_kb(path, *args):
    process = subprocess.Popen([SOCKWATCH, "report", "--store", path, "-o", "json", *args], stdout=subprocess.PIPE)
    head = json.loads(process.stdout.readline())
    process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    assert status == 0, status
    return usage.ru_maxrss, head["lives"]


@test
def memory_does_not_grow_with_the_record():
    copy = os.path.join(work, "large")
    db = sqlite3.connect(store)
    other = sqlite3.connect(copy)
    db.backup(other)
    db.close()
    columns = ",".join(r[1] for r in other.execute("PRAGMA table_info(life)") if r[1] != "id")
    small, few = peak_kb(copy)
    other.execute("INSERT INTO life(%s) SELECT %s FROM life,(WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<1500) "
                  "SELECT i FROM n)" % (columns, columns.replace("peer,", "i<<8,", 1)))
    opened = [r[1] for r in other.execute("PRAGMA table_info(open)") if r[1] != "id"]
    values = {"closed": "life.closed", "key": "1000000+i", "run": "(SELECT max(id) FROM run)", "since_boot": "0"}
    other.execute("INSERT INTO open(%s) SELECT %s FROM (SELECT * FROM life ORDER BY id LIMIT 1) AS life,(WITH RECURSIVE n(i) AS "
                  "(SELECT 1 UNION ALL SELECT i+1 FROM n WHERE i<60000) SELECT i FROM n)" % (
                      ",".join(opened), ",".join(values.get(c, "life." + c) for c in opened)))
    other.execute("UPDATE block SET last=(SELECT max(id) FROM life),earliest=0 WHERE first=(SELECT max(first) FROM block)")
    other.commit()
    other.close()
    large, many = peak_kb(copy)
    assert many > 100000 and few < 1000, (few, many)
    assert large < small + 24000, "%d kB for %d lives, %d kB for %d" % (small, few, large, many)
    # A span asks the index of long lives, too.
    large, many = peak_kb(copy, "--until", "now")
    assert many > 100000 and large < small + 24000, "%d kB for %d lives with --until" % (large, many)
    # history sorts, and has no right to make a file for that.
    for words_of in ([], ["-o", "json"]):
        told = sockwatch("history", "--store", copy, "-q", "-c", "sw-", *words_of)
        assert told.returncode == 0 and told.stdout.count("\n") > 100000, (words_of, told.returncode, told.stderr)


run_tests()
