# SPDX-License-Identifier: GPL-2.0-only
"""What a fleet's record costs: bytes of a life in ClickHouse, CPU of its sender, inserts and parts of 1,000 hosts, and what follows for
hosts with 100 lives a second.  The server is libchdb behind tests/fleet/server.js (make deps-fleet), which takes one request at a time."""
import concurrent.futures
import os
import pathlib
import statistics
import subprocess
import sys
import time

HOSTS, LIVES = 20, 25000          # for bytes and CPU
MANY, MANY_LIVES = 1000, 100      # for inserts and parts
HOT, FLEET = 100, 500             # lives a second of one host, hosts: for the arithmetic
BATCH_S = 5


def rig_of(opt):
    here = pathlib.Path(__file__).resolve().parents[1]
    os.environ.setdefault("BUILD", str(pathlib.Path(opt.sockwatch).resolve().parent))
    os.environ["SOCKWATCH"] = opt.sockwatch
    sys.path.insert(0, str(here / "tests/fleet"))
    import rig
    import load
    import suite
    return rig, load, suite


def send(opt, server, store, host):
    """Seconds of CPU and wall, and its peak of memory in KiB."""
    began = time.monotonic()
    process = subprocess.Popen([opt.sockwatch, "ship", "--store", store, "--to", server.url + "/sockwatch", "--host", host, "--once", "-q"])
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError("ship ended with %d" % process.returncode)
    return usage.ru_utime + usage.ru_stime, time.monotonic() - began, usage.ru_maxrss


def number(server, sql):
    return float(server.value(sql))


def timed(server, sql):
    took = []
    for _ in range(3):
        began = time.monotonic()
        server.query(sql)
        took.append(time.monotonic() - began)
    return statistics.median(took)


def measure_size(opt, rig, load, suite, folder):
    with rig.Current(folder / "server") as server:
        load.make(server)
        stores = suite.make_stores(folder / "stores", HOSTS, LIVES, "--tame")
        local = sum(os.path.getsize(store) for store, *_ in stores) / (HOSTS * LIVES)
        cpu, wall, peak = zip(*(send(opt, server, store, "host-%02d" % i) for i, (store, *_) in enumerate(stores)))
        inserts = [line for line in server.requests() if line["query"].startswith("INSERT INTO `sockwatch`.`life`")]
        lives = number(server, "SELECT count() FROM sockwatch.life")
        server.query("OPTIMIZE TABLE sockwatch.life FINAL")
        active = "FROM system.parts WHERE active AND database = 'sockwatch' AND table = 'life'"
        size = number(server, "SELECT sum(bytes_on_disk) " + active) / lives
        raw = number(server, "SELECT sum(data_uncompressed_bytes) " + active) / lives
        columns = server.rows("SELECT name, round(data_compressed_bytes / %d, 2) AS bytes FROM system.columns WHERE database = 'sockwatch' "
                              "AND table = 'life' ORDER BY data_compressed_bytes DESC LIMIT 10" % lives)
        wire = sum(line["packed"] for line in inserts) / lives
        asked = {
            "who talks to a port": timed(server, "SELECT host, comm, count() FROM sockwatch.lives WHERE peer_addr = '10.0.3.7' AND "
                                                 "peer_port = 5432 GROUP BY host, comm"),
            "all minutes": timed(server, "SELECT count(), sum(lives) FROM sockwatch.minutes"),
        }
    print("bytes a life: %.0f in a store, %.0f on the wire (gzip), %.0f in ClickHouse (%.0f uncompressed); %d lives of %d hosts"
          % (local, wire, size, raw, lives, HOSTS))
    print("  most of them: " + ", ".join("%s %s" % row for row in columns))
    print("ship: %.2f us of CPU a life, %.0f lives/s, %.0f MiB at most; %d inserts of lives, the server took %.1f us a life"
          % (sum(cpu) * 1e6 / lives, lives / sum(wall), max(peak) / 1024, len(inserts),
             sum(line["ms"] for line in inserts) * 1000 / lives))
    print("asked of %d lives: %s" % (lives, ", ".join("%s %.0f ms" % (name, took * 1000) for name, took in asked.items())))
    return {"store": local, "wire": wire, "clickhouse": size, "raw": raw, "cpu_us": sum(cpu) * 1e6 / lives}


def measure_many(opt, rig, load, suite, folder):
    with rig.Current(folder / "server", parallel=True) as server:
        load.make(server)
        stores = [store for store, *_ in suite.make_stores(folder / "stores", MANY, MANY_LIVES, "--tame", "--open", 1)]
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda each: send(opt, server, each[1], "host-%04d" % each[0]), enumerate(stores)))
        took = time.monotonic() - began
        inserts = [line for line in server.requests() if line["query"].startswith("INSERT")]
        parts = number(server, "SELECT max(n) FROM (SELECT count() AS n FROM system.parts WHERE active AND database = 'sockwatch' GROUP BY table, partition)")
        total = number(server, "SELECT count() FROM system.parts WHERE active AND database = 'sockwatch'")
        rows = number(server, "SELECT count() FROM sockwatch.lives")
    each = statistics.mean(line["ms"] for line in inserts)
    print("%d hosts, 16 at a time: %d inserts in %.0f s, %.0f ms each at the server, which waits for others; %.0f lives, %d parts then, at most %d in a day of a table"
          % (MANY, len(inserts), took, each, rows, total, parts))
    if rows != MANY * MANY_LIVES:
        print("  MISSING: %d lives were recorded" % (MANY * MANY_LIVES))
    return {"inserts": len(inserts), "insert_ms": each, "parts": total}


def bench(opt, _, parts):
    rig, load, suite = rig_of(opt)
    why = rig.missing("chdb") or (None if os.path.exists(suite.STORES) else "no build/tests/fleet/stores")
    if why:
        print("== fleet: %s\n" % why)
        return
    print("== fleet: %d hosts x %d lives, and %d hosts x %d" % (HOSTS, LIVES, MANY, MANY_LIVES), flush=True)
    folder = pathlib.Path(opt.folder)
    try:
        size = measure_size(opt, rig, load, suite, folder / "size")
        measure_many(opt, rig, load, suite, folder / "many")
    except (RuntimeError, OSError, AssertionError, rig.Failed) as error:
        print("fleet: %s\n" % error)
        return
    day = 86400
    print("a host with %d lives/s: %.1f%% of a CPU to send, %.0f kB/s on the wire, %.1f GB a day in ClickHouse, %d rows each %d s"
          % (HOT, HOT * size["cpu_us"] / 1e4, HOT * size["wire"] / 1e3, HOT * day * size["clickhouse"] / 1e9, HOT * BATCH_S, BATCH_S))
    print("%d of them: %d lives/s, %.0f inserts/s of lives, %.1f MB/s on the wire, %.2f TB a day; at 1 life/s each: %.1f GB a day\n"
          % (FLEET, FLEET * HOT, FLEET / BATCH_S, FLEET * HOT * size["wire"] / 1e6, FLEET * HOT * day * size["clickhouse"] / 1e12,
             FLEET * day * size["clickhouse"] / 1e9), flush=True)
