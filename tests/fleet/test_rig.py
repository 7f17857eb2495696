# SPDX-License-Identifier: GPL-2.0-only
"""What the tests of a fleet take for granted of their servers, their proxy and their stores."""
import gzip
import http.client
import json

import proxy
import rig
from suite import check, main, make_stores, needs, same, sockwatch, wait_for

TABLE = "CREATE TABLE f.t (a UInt64, b String) ENGINE = ReplacingMergeTree ORDER BY a SETTINGS non_replicated_deduplication_window = 100"
INSERT = "INSERT INTO f.t (a, b) FORMAT TabSeparated"


def failing(server, sql, **more):
    try:
        server.query(sql, **more)
    except rig.Failed as failed:
        return failed.status, failed.code
    return 200, 0


@needs("chdb")
def test_current_speaks_as_clickhouse(directory):
    with rig.Current(directory, user="u", password="p'w") as server:
        server.query("CREATE DATABASE f")
        server.query(TABLE)
        for _ in range(2):
            server.query(INSERT, data="1\tone\n2\tt\\two\n", settings={"insert_deduplication_token": "x", "async_insert": 0})
        server.query(INSERT, data="3\tthree\n", settings={"insert_deduplication_token": "x", "async_insert": 1, "wait_for_async_insert": 1})
        same(server.rows("SELECT a FROM t ORDER BY a", database="f"), [("1",), ("2",)], "the same token counts once")
        same(server.value("SELECT b FROM f.t WHERE a = {a:UInt64} AND b = {b:String}", a=2, b="t\\two"), "t\\two", "parameters, which are escaped")
        same(server.value("SELECT {x:String}", x="1'; DROP TABLE f.t; --"), "1\\'; DROP TABLE f.t; --", "a hostile parameter")
        same(failing(server, "SELECT 1; SELECT 2"), (400, 62), "two statements")
        same(failing(server, "SELECT * FROM f.nothing"), (404, 60), "no such table")
        same(failing(server, "SELECT 1", database="nothing"), (404, 81), "no such database")
        same(failing(server, "SELECT 1", settings={"nothing": 1}), (404, 115), "no such setting")
        same(failing(server, INSERT, data="x\tone\n")[0], 400, "what cannot be parsed")
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("GET", "/?query=TRUNCATE%20TABLE%20f.t", headers={"X-ClickHouse-User": "u", "X-ClickHouse-Key": "p'w"})
        same(connection.getresponse().headers["X-ClickHouse-Exception-Code"], "164", "GET changes nothing")
        server.query("SELECT 1", settings={"max_threads": 1})
        server.password = "wrong"
        same(failing(server, "SELECT 1"), (403, 516), "a wrong password")
        server.password = "p'w"
        server.kill()
        server.start()
        same(server.value("SELECT count() FROM f.t"), "2", "rows after a kill")


@needs("chdb")
def test_current_takes_gzip(directory):
    with rig.Current(directory) as server:
        server.query("CREATE DATABASE f")
        server.query(TABLE)
        connection = http.client.HTTPConnection("127.0.0.1", server.port)
        connection.request("POST", "/?query=INSERT+INTO+f.t+FORMAT+TabSeparated", body=gzip.compress(b"7\tseven\n"),
                           headers={"Content-Encoding": "gzip"})
        same(connection.getresponse().read(), b"", "an insert's answer")
        connection.request("POST", "/?enable_http_compression=1", body="SELECT b FROM f.t", headers={"Accept-Encoding": "gzip"})
        answer = connection.getresponse()
        same(answer.headers["Content-Encoding"], "gzip", "the answer's encoding")
        same(gzip.decompress(answer.read()), b"seven\n", "the answer")
        last = [line for line in server.requests() if line["query"].startswith("INSERT")][-1]
        same((last["rows"], last["bytes"], last["packed"] > 8), (1, 8, True), "the log")


@needs("clickhouse")
def test_old_runs_alone(directory):
    with rig.Old(directory, user="u", password="p") as server:
        same(server.value("SELECT version()").split(".")[0], "18", "its version")
        server.query("CREATE DATABASE f")
        server.query("CREATE TABLE f.t (a UInt64, b String) ENGINE = ReplacingMergeTree ORDER BY a")
        same(failing(server, INSERT, data="1\tx\n", settings={"insert_deduplication_token": "x"})[0], 404, "a setting it does not know")
        between = proxy.Proxy(server.port, rate=0, old=True)
        own, server.port = server.port, between.port
        for _ in range(2):
            server.query(INSERT, data="1\tx\n", settings={"insert_deduplication_token": "x", "async_insert": 0})
        server.port = own
        same(server.value("SELECT count() FROM f.t FINAL"), "1", "rows")
        server.password = "wrong"
        same(failing(server, "SELECT 1")[0], 401, "a wrong password")
        server.password = "p"
        server.kill()
        server.start()
        same(server.value("SELECT count() FROM f.t FINAL"), "1", "rows after a kill")


@needs("chdb")
def test_faults_happen_and_count(directory):
    with rig.Current(directory) as server:
        server.query("CREATE DATABASE f")
        server.query(TABLE)
        own = server.port
        for kind in proxy.KINDS:
            before = int(server.value("SELECT count() FROM f.t"))
            between = proxy.Proxy(own, rate=1, faults=1, only=[kind])
            server.port, tries = between.port, 0
            while True:
                tries += 1
                try:
                    server.query(INSERT, data=f"{before}\tx\n", settings={"insert_deduplication_token": kind, "async_insert": 0})
                    break
                except (rig.Failed, OSError, http.client.HTTPException):
                    server.port = own
                    if tries == 1 and kind in ("drop-answer", "reset-answer", "500-after"):
                        wait_for("the batch", lambda: int(server.value("SELECT count() FROM f.t")) == before + 1)
                    elif tries == 1:
                        same(int(server.value("SELECT count() FROM f.t")), before, f"rows after {kind}")
                    server.port = between.port
            server.port = own
            same((tries, between.state()["kinds"]), (1 if kind == "delay" else 2, {kind: 1}), kind)
            same(int(server.value("SELECT count() FROM f.t")), before + 1, f"rows after {kind} and another try")
            between.close()


def test_stores_are_stores(directory):
    first = make_stores(directory / "a", 2, 500)
    make_stores(directory / "b", 2, 500)
    for path, lives, calls, losses, goes_on in first:
        again = path.replace("/a/", "/b/")
        out = sockwatch("history", "--store", path, "-o", "json")
        events = [json.loads(line) for line in out.splitlines()]
        others = [json.loads(line) for line in sockwatch("history", "--store", again, "-o", "json").splitlines()]
        for event in events + others:
            if event.get("end") == "unknown":  # what the recorder left open: it ran when the store was made
                del event["time"]
        same(others, events, "two runs")
        count = lambda kind: sum(event["event"] == kind for event in events)  # noqa: E731
        same((count("close"), count("lost")), (lives + goes_on, losses), path)
        same(len(events), lives + calls + losses + goes_on, path)
        check(any(event.get("holders") for event in events), "no holders in", path)


main("rig", dict(globals()))
