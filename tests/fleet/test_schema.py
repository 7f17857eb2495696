# SPDX-License-Identifier: GPL-2.0-only
"""What `sockwatch schema clickhouse` prints: a current server takes it, its views say what those of a store say, a row counts once."""
import datetime
import re
import sqlite3

import load
import rig
from suite import check, main, make_stores, needs, same, sockwatch, wait_for

VIEWS = ("lives", "open_lives", "calls", "holders", "losses", "budgets", "runs", "life_states")
OF_THE_FLEET = ["host", "machine_id", "store", "received_at"]
TIMES = {"opened", "closed", "last_seen", "seen_since", "time", "since", "started", "last_alive", "stopped"}


def local_columns(store, view):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        return [row[1] for row in db.execute(f"PRAGMA table_info({view})")]


def local_rows(store, view, order):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        db.text_factory = bytes
        return [[value if value is None or isinstance(value, bytes) else str(value).encode() for value in row]
                for row in db.execute(f"SELECT * FROM {view} ORDER BY {order}")]


UNESCAPED = {b"t": b"\t", b"n": b"\n", b"r": b"\r", b"0": b"\0", b"b": b"\b", b"f": b"\f", b"'": b"'", b"\\": b"\\"}


def fleet_rows(server, view, columns, order, where="1"):
    text = server.query(f"SELECT {', '.join(columns)} FROM sockwatch.{view} WHERE {where} ORDER BY {order}")
    unescape = lambda part: re.sub(rb"\\(.)", lambda m: UNESCAPED[m.group(1)], part, flags=re.S)  # noqa: E731
    return [[None if part == b"\\N" else unescape(part) for part in line.split(b"\t")]
            for line in text.encode(errors="surrogateescape").split(b"\n") if line]


def as_ms(text):
    moment = datetime.datetime.strptime(text.decode()[:23], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=datetime.timezone.utc)
    return round(moment.timestamp() * 1000)


def alike(column, here, there):
    """SQLite's views round to milliseconds, the fleet's have all nine digits."""
    if column in TIMES and here is not None and there is not None:
        return abs(as_ms(here) - as_ms(there)) <= 1
    return here == there


@needs("chdb")
def test_it_is_taken_twice(directory):
    with rig.Current(directory) as server:
        for _ in range(2):
            load.make(server, "--ttl", "30d")
        load.make(server, "--table-prefix", "sw_", "--database", "other", "--ttl", "36h")
        tables = {row[0] for row in server.rows("SELECT name FROM system.tables WHERE database = 'sockwatch'")}
        same(tables, set(load.TABLES) | set(VIEWS) | {"minutes"}, "tables")
        same({row[0] for row in server.rows("SELECT name FROM system.tables WHERE database = 'other'")}, {"sw_" + name for name in tables},
             "tables with a prefix")
        made = server.value("SHOW CREATE TABLE sockwatch.life FORMAT TabSeparatedRaw")
        for part in ("PARTITION BY toDate(closed)", "toIntervalDay(30)", "non_replicated_deduplication_window = 10000", "ttl_only_drop_parts = 1",
                     "ReplacingMergeTree"):
            check(part in made, "no", part, "in", made)
        check("toIntervalHour(36)" in server.value("SHOW CREATE TABLE other.sw_life FORMAT TabSeparatedRaw"), "no 36 hours")


@needs("chdb")
def test_a_cluster_has_replicas_and_one_name(directory):
    """Without a keeper no server here can run it, so its words are parsed."""
    sql = sockwatch("schema", "clickhouse", "--cluster", "main", "--ttl", "7d", "--database", "net")
    with rig.Current(directory) as server:
        statements = [part for part in sql.split(";\n") if part.strip()]
        for statement in statements:
            server.query("EXPLAIN AST " + re.sub(r"(?m)^--.*\n", "", statement).strip())
    same(sql.count("ReplicatedReplacingMergeTree('/clickhouse/tables/{shard}/net/"), len(load.TABLES), "replicated tables")
    same(sql.count("ENGINE = Distributed('main', 'net', "), len(load.TABLES), "distributed tables")
    same(sum("CREATE" in part and "ON CLUSTER 'main'" not in part for part in statements), 0, "statements for one server only")
    check("non_replicated" not in sql and "replicated_deduplication_window = 10000" in sql, "the wrong window")


@needs("chdb")
def test_views_are_those_of_a_store(directory):
    with rig.Current(directory / "server") as server:
        load.make(server)
        stores = make_stores(directory / "stores", 5, 1500)
        for number, (store, *_) in enumerate(stores):
            load.put(server, store, f"host-{number}")
        for view in VIEWS:
            columns = local_columns(stores[0][0], view)
            there = [row[0] for row in server.rows(f"DESCRIBE TABLE sockwatch.{view}")]
            same(there, columns + OF_THE_FLEET, f"columns of {view}")
            order = {"holders": "call, place", "life_states": "life, place"}.get(view, "id")
            for number in (0, 4):
                here = local_rows(stores[number][0], view, order)
                found = fleet_rows(server, view, columns, order, f"host = 'host-{number}'")
                same(len(found), len(here), f"rows of {view}")
                check(here, "no rows in", view)
                for mine, its in zip(here, found):
                    for column, a, b in zip(columns, mine, its):
                        check(alike(column, a, b), f"{view}.{column} of row {mine[0]}: {b!r}, not {a!r}")


@needs("chdb")
def test_a_row_sent_again_counts_once(directory):
    with rig.Current(directory / "server") as server:
        load.make(server)
        (store, lives, *_), = make_stores(directory / "stores", 1, 3000)
        ask = "SELECT count(), sum(sent_bytes), sum(ns) FROM sockwatch.lives AS l, (SELECT sum(ns) AS ns FROM sockwatch.life_states) AS s"
        minutes = "SELECT sum(lives), sum(sent_bytes), count() FROM sockwatch.minutes"
        load.put(server, store, "a")
        once = server.value(ask), server.value(minutes), [server.value(f"SELECT count() FROM sockwatch.{view}") for view in VIEWS]
        same(once[1].split("\t")[0], str(lives), "lives of all minutes")
        load.put(server, store, "a")
        same(server.value("SELECT count() FROM sockwatch.life"), str(lives), "rows after the same token")
        load.put(server, store, "a", token=False)  # as after the window of tokens
        same(server.value("SELECT count() FROM sockwatch.life"), str(2 * lives), "rows without a token")
        same((server.value(ask), server.value(minutes), [server.value(f"SELECT count() FROM sockwatch.{view}") for view in VIEWS]), once,
             "what the views say")


@needs("chdb")
def test_what_is_open_no_more_is_gone(directory):
    with rig.Current(directory / "server") as server:
        load.make(server)
        (store, *_), = make_stores(directory / "stores", 1, 10, "--open", 4)
        load.put(server, store, "a", tables=("open",))
        same(server.value("SELECT count() FROM sockwatch.open_lives"), "4", "lives that go on")
        one = server.value("SELECT min(id) FROM sockwatch.open")
        identity = server.value("SELECT any(store) FROM sockwatch.open")
        server.query("INSERT INTO sockwatch.open (host, machine_id, store, id, gone, revision) FORMAT TabSeparated",
                     data=f"a\tm-a\t{identity}\t{one}\t1\t2\n")
        same(server.value("SELECT count() FROM sockwatch.open_lives"), "3", "lives that go on after one ended")


@needs("chdb")
def test_questions_find_their_way(directory):
    """A view by its own columns: time by partitions and the key, ports and addresses by indexes over what it shows."""
    with rig.Current(directory / "server") as server:
        load.make(server)
        (store, *_), = make_stores(directory / "stores", 1, 20000, "--bare")
        load.put(server, store, "a")
        plan = server.query("EXPLAIN indexes = 1 SELECT count() FROM sockwatch.lives WHERE peer_addr = '10.0.3.7' AND peer_port = 5432 "
                            "AND local_port = 40000 AND last_seen >= '2026-11-27 02:00:00'")
        for name in ("view_peer_port", "view_peer_addr", "view_local_port"):
            check(name in plan, name, "is not used:", plan)
        parts = re.findall(r"Parts: (\d+)/(\d+)", plan)
        check(any(int(used) < int(of) for used, of in parts), "no part is left out:", plan)


@needs("chdb")
def test_old_days_go(directory):
    with rig.Current(directory / "server") as server:
        load.make(server, "--ttl", "20000d")
        now = int(server.value("SELECT toUnixTimestamp(now())"))
        (old, *_), = make_stores(directory / "old", 1, 200, "--from", now - 40 * 86400, "--span", 3600)
        (new, *_), = make_stores(directory / "new", 1, 300, "--from", now - 7200, "--span", 3600)
        load.put(server, old, "old")
        load.put(server, new, "new")
        same(server.value("SELECT count() FROM sockwatch.lives"), "500", "lives before")
        server.query("ALTER TABLE sockwatch.life MODIFY TTL toDateTime(closed) + INTERVAL 30 DAY")
        server.query("OPTIMIZE TABLE sockwatch.life FINAL")
        wait_for("the old day to go", lambda: server.value("SELECT count() FROM sockwatch.lives") == "300")


@needs("clickhouse")
def test_a_server_of_2018_takes_the_reduced_tables(directory):
    with rig.Old(directory / "server") as server:
        server.script(load.reduced(sockwatch("schema", "clickhouse", "--ttl", "30d")))
        (store, lives, calls, losses, _), = make_stores(directory / "stores", 1, 2000)
        for _ in range(2):
            for table in load.TABLES:
                columns, data = load.rows(store, table, "a")
                if data:
                    server.query(f"INSERT INTO sockwatch.{table} ({columns}) FORMAT TabSeparated", data=data)
        for table, count in (("life", lives), ("call", calls), ("loss", losses)):
            same(server.value(f"SELECT count() FROM sockwatch.{table} FINAL"), str(count), table)
        same(server.value("SELECT count() FROM sockwatch.life"), str(2 * lives), "rows before they are merged")


main("schema", dict(globals()))
