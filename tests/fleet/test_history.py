# SPDX-License-Identifier: GPL-2.0-only
"""`history --from`: the same answers as from the stores that were sent, for one host and for all."""
import http.server
import json
import os
import subprocess
import threading

import load
import rig
from suite import PROGRAM, Skip, check, complaint, main, make_stores, needs, same, sockwatch, wait_for

ASKED = [
    [],
    ["--since", "@1795730000", "--until", "@1795740000"],
    ["--since", "@1795737600"],
    ["--at", "@1795735000"],
    ["--failed"],
    ["--reason", "refused,timeout"],
    ["-p", "902,905-907"],
    ["-c", "web"],
    ["-c", "redis-server"],
    ["-U", "1002"],
    ["--port", "5432,8006"],
    ["-L", "8000-8010"],
    ["-D", "443,6379"],
    ["--addr", "10.0.3.7"],
    ["--addr", "10.0.0.0/21,::1"],
    ["--addr", "2001:db8::/125"],
    ["--addr", "10.96.0.10", "-t"],
    ["-u"],
    ["-4"],
    ["-6"],
    ["--netns", "4026532002"],
    ["--state", "time-wait,listen"],
    ["--events", "bind,connect"],
    ["--unit", "java"],
    ["--cgroup", "/system.slice"],
    ["--container", "web-12"],
    ["--args", "--port 800[1-4]"],
    ["--no-args"],
    ["-D", "443", "--since", "@1795730000", "--failed"],
]


def loaded(server, directory, hosts=3, lives=2500, *more):
    load.make(server)
    stores = make_stores(directory / "stores", hosts, lives, *more)
    for number, (store, *_) in enumerate(stores, 1):
        load.put(server, store, f"host-{number}")
    return [store for store, *_ in stores]


def words(text):
    return [" ".join(line.split()) for line in text.splitlines()]


@needs("chdb")
def test_one_host_is_its_store(directory):
    with rig.Current(directory / "server") as server:
        stores = loaded(server, directory)
        url, found = f"{server.url}/sockwatch", 0
        for options in ASKED:
            for number in (1, 2):
                both = []
                for place in (["--store", stores[number - 1]], ["--from", url, "--host", f"host-{number}"]):
                    ran = subprocess.run([PROGRAM, "history", *place, "-o", "json", *options], stdout=subprocess.PIPE,
                                         stderr=subprocess.PIPE, check=False)
                    check(ran.returncode in (0, 3), options, ran.stderr)
                    both.append((ran.returncode, [json.loads(line) for line in ran.stdout.splitlines()]))
                for event in both[1][1]:
                    same(event.pop("host"), f"host-{number}", "its host")
                same(len(both[1][1]), len(both[0][1]), f"objects with {options}")
                for here, there in zip(both[0][1], both[1][1]):
                    same(there, here, f"an object with {options}")
                same(both[1][0], both[0][0], f"exit code with {options}")
                found += len(both[0][1])
        check(found > 20000, "only", found, "objects were compared")


@needs("chdb")
def test_what_was_sent_is_the_store(directory):
    """By the sender itself, from a store to a database and back."""
    with rig.Current(directory / "server") as server:
        load.make(server)
        for number, (store, *_) in enumerate(make_stores(directory / "stores", 2, 3000), 1):
            sockwatch("ship", "--store", store, "--to", f"{server.url}/sockwatch", "--host", f"web-{number}", "--once")
            both = []
            for place in (["--store", store], ["--from", f"{server.url}/sockwatch", "--host", f"web-{number}"]):
                out = [json.loads(line) for line in sockwatch("history", *place, "-o", "json").splitlines()]
                both.append([{key: event[key] for key in event if key != "host"} for event in out])
            same(len(both[1]), len(both[0]), "objects")
            for here, there in zip(*both):
                same(there, here, "an object")
        same(server.value("SELECT count() FROM sockwatch.life"), "6000", "rows, each of which came once")


@needs("chdb")
def test_other_formats_say_it_too(directory):
    with rig.Current(directory / "server") as server:
        (store,) = loaded(server, directory, 1, 800)
        url = f"{server.url}/sockwatch"
        for options in (["--utc"], ["--utc", "-v", "--failed"]):
            here, there = (words(sockwatch("history", *place, *options)) for place in (["--store", store], ["--from", url]))
            same(there[0].split()[0], "HOST", "the first column")
            same({line.split()[0] for line in there[1:]}, {"host-1"}, "hosts")
            there = [line.split(" ", 1)[1] for line in there]
            # The recorders ran when the stores were made, not when their lives were: what they left open stands elsewhere.
            same(sorted(there), sorted(here), f"lines with {options}")
        counts = [sorted(json.dumps({key: group[key] for key in group if key not in ("per_s", "schema")}, sort_keys=True)
                         for group in map(json.loads, sockwatch("history", *place, "-o", "json", "--by", "comm,peer,reason").splitlines()))
                  for place in (["--store", store], ["--from", url])]
        same(counts[1], counts[0], "groups")
        for name in ("ecs", "otel"):
            here, there = ([json.loads(line) for line in sockwatch("history", *place, "-o", name).splitlines()]
                           for place in (["--store", store], ["--from", url]))
            for event in there:
                if name == "ecs":
                    same(event["host"].pop("name"), "host-1", "host.name")
                    event["host"].pop("hostname")
                    check(event["host"].pop("os") == {"type": "linux"} and not event.pop("host"), "more of the host in", event)
                else:
                    same(event["Resource"].pop("host.name"), "host-1", "host.name")
                    same(event["Resource"].pop("os.type"), "linux", "os.type")
            same(there, here, name)
        groups = [json.loads(line) for line in sockwatch("history", "--from", url, "-o", "json", "--by", "host").splitlines()]
        same([group["group"] for group in groups], [{"host": "host-1"}], "groups by host")


@needs("chdb")
def test_all_hosts_in_the_order_of_time(directory):
    with rig.Current(directory / "server") as server:
        stores = loaded(server, directory, 4, 1500)
        url = f"{server.url}/sockwatch"
        out = [json.loads(line) for line in sockwatch("history", "--from", url, "--host", "*", "-o", "json").splitlines()]
        same(["schema" in event for event in out], [True] + [False] * (len(out) - 1), "which objects tell the schema's number")
        ended = [event["time"] for event in out if event["event"] != "open"]
        same(ended, sorted(ended), "times")
        for number, store in enumerate(stores, 1):
            here = [json.loads(line) for line in sockwatch("history", "--store", store, "-o", "json").splitlines()]
            there = [event for event in out if event.get("host") == f"host-{number}"]
            for event in there + here:
                event.pop("schema", None)
                event.pop("host", None)
            same(there, here, f"objects of host {number}")
        text = words(sockwatch("history", "--from", url, "--utc", "--count", "7"))
        same(len(text), 8, "lines with --count 7 and the head")
        times = [" ".join(line.split()[1:3]) for line in text[1:]]
        same(times, sorted(times), "times of lines")


@needs("chdb")
def test_what_goes_on_goes_on(directory):
    with rig.Current(directory / "server") as server:
        now = int(server.value("SELECT toUnixTimestamp(now())"))
        loaded(server, directory, 2, 50, "--from", now - 3600, "--span", 3500, "--open", 4)
        url = f"{server.url}/sockwatch"
        kinds = lambda *more: [json.loads(line)["event"] for line in sockwatch("history", "--from", url, "-o", "json", *more).splitlines()]  # noqa: E731
        same(kinds().count("open"), 0, "lives that go on though no recorder runs")
        columns, _ = load.rows(str(directory / "stores/host-01.store"), "run", "x")
        names = [name.strip() for name in columns.split(",")]
        chosen = ", ".join({"stopped": "fromUnixTimestamp64Nano(toInt64(0), 'UTC')", "alive": "now64(9)", "revision": "revision + 1",
                            "has": "bitAnd(has, bitNot(toUInt64(32)))"}.get(name, name) for name in names)
        same(names.index("stopped") - 3, 5, "the bit of `stopped`")
        server.query(f"INSERT INTO sockwatch.run ({columns}) SELECT {chosen} FROM sockwatch.run WHERE host = 'host-1'")
        same(kinds().count("open"), 4, "lives that go on")
        same(kinds("--host", "host-2").count("open"), 0, "lives that go on elsewhere")
        text = words(sockwatch("history", "--from", url, "--utc", "--host", "host-1"))
        places = [place for place, line in enumerate(text) if " open " in line]
        check(len(places) == 4 and places[-1] < len(text) - 10, "open lives do not stand where they began, but at", places, "of", len(text))


@needs("chdb")
def test_much_takes_little_memory(directory):
    """85,000 lives in 30 seconds and 30,000 in a day: seconds, minutes and hours."""
    with rig.Current(directory / "server") as server:
        load.make(server)
        (dense, *_), = make_stores(directory / "dense", 1, 85000, "--bare", "--span", 30)
        (wide, *_), = make_stores(directory / "wide", 1, 30000, "--bare", "--span", 80000)
        for store, host in ((dense, "dense"), (wide, "wide")):
            for first in range(0, 85001, 50000):
                columns, data = load.rows(store, "life", host, first, first + 49999)
                if data:
                    server.query(f"INSERT INTO sockwatch.life ({columns}) FORMAT TabSeparated", data=data)
        before = len(server.requests())
        reader, writer = os.pipe()
        process = subprocess.Popen([PROGRAM, "history", "--from", f"{server.url}/sockwatch", "-o", "json"], stdout=writer)
        os.close(writer)
        last, count = "", 0
        with os.fdopen(reader) as out:
            for line in out:
                event = json.loads(line)
                check(event["time"] >= last, event["time"], "comes after", last)
                last = event["time"]
                count += 1
        _, status, usage = os.wait4(process.pid, 0)
        same((status, count), (0, 115000), "exit status and lives")
        check(usage.ru_maxrss < 160 * 1024, usage.ru_maxrss >> 10, "MiB were resident")
        asked = [request for request in server.requests()[before:] if " FROM sockwatch.life FINAL" in request["query"]]
        check(10 < len(asked) < 100, len(asked), "questions for lives")


@needs("chdb")
def test_what_users_type_is_no_sql(directory):
    evil = ["x'; DROP TABLE sockwatch.life; --", "a\\", "tab\there", "new\nline", "back`tick\"quote", "{q1:String}", "\\'", "ünï", "'"]
    with rig.Current(directory / "server") as server:
        load.make(server)
        (store, *_), = make_stores(directory / "stores", 1, 60)
        for host in evil:
            for table in load.TABLES:
                columns, data = load.rows(store, table, host.replace("\\", "\\\\").replace("\t", "\\t").replace("\n", "\\n"))
                if data:
                    server.query(f"INSERT INTO sockwatch.{table} ({columns}) FORMAT TabSeparated", data=data)
        url = f"{server.url}/sockwatch"
        for word in evil:
            before = len(server.requests())
            out = [json.loads(line) for line in sockwatch("history", "--from", url, "-o", "json", "--host", word).splitlines()]
            check(len(out) > 60, len(out), "objects of host", word)
            same({event["host"] for event in out}, {word}, "their host")
            for option in ("-c", "--unit", "--container", "--cgroup", "--args"):
                value = "/" + word if option == "--cgroup" else word
                if option == "--args" and "\\" in word:
                    continue
                ran = subprocess.run([PROGRAM, "history", "--from", url, "-o", "json", option, value], stdout=subprocess.PIPE,
                                     stderr=subprocess.PIPE, check=False)
                check(ran.returncode in (0, 3) or (option == "--args" and ran.returncode == 2), option, word, ran.stderr)
            for request in server.requests()[before:]:
                same(request["status"], 200, request["query"])
                check(request["query"].startswith("SELECT "), "not a question:", request["query"])
                check(len(word) < 4 or word in ("{q1:String}",) or word not in request["query"], word, "stands in", request["query"])
        check(int(server.value("SELECT count() FROM sockwatch.life")) == 60 * len(evil), "rows are gone")


class Other(http.server.BaseHTTPRequestHandler):
    """No ClickHouse, though it says 200."""

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<html>hello</html>\n")

    def log_message(self, *_):
        pass


@needs("chdb")
def test_failures_are_one_line(directory):
    with rig.Current(directory / "server", user="reader", password="p w") as server:
        (directory / "password").write_text("p w\n")
        (directory / "wrong").write_text("no\n")
        right = ["--as", "reader", "--password-file", directory / "password"]
        place = f"{server.url}/sockwatch"

        def says(words_wanted, *args, code=1):
            said = complaint("history", *args, code=code)
            same(said.count("\n"), 1, f"lines of {said!r}")
            for word in words_wanted:
                check(word in said, f"{word!r} is not in {said!r}")

        says(["no database 'sockwatch'", "schema"], "--from", place, *right)
        load.make(server)
        says(["nothing found", "no host has sent"], "--from", place, *right, code=3)
        says(["nothing found", "no host 'web-9'"], "--from", place, "--host", "web-9", *right, code=3)
        says(["'reader'"], "--from", place, "--as", "reader", "--password-file", directory / "wrong")
        says(["'default'"], "--from", place)
        says(["password", "No such file"], "--from", place, "--as", "reader", "--password-file", directory / "none")
        server.query("DROP TABLE sockwatch.call")
        says(["sockwatch.call", "schema"], "--from", place, *right)
        server.kill()
        says(["127.0.0.1", "does not answer"], "--from", place, *right)
    other = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Other)
    threading.Thread(target=other.serve_forever, daemon=True).start()
    said = complaint("history", "--from", f"http://127.0.0.1:{other.server_port}/sockwatch")
    check("clickhouse" in said.lower(), said)
    other.shutdown()


@needs("chdb")
def test_over_tls(directory):
    made = subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=test", "-addext",
                           "subjectAltName=IP:127.0.0.1", "-keyout", directory / "key", "-out", directory / "cert"],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if made.returncode:
        raise Skip("openssl makes no certificate here")
    with rig.Current(directory / "server", tls=(directory / "key", directory / "cert", directory / "cert")) as server:
        (store,) = loaded(server, directory, 1, 100)
        place = f"{server.url}/sockwatch"
        out = sockwatch("history", "--from", place, "--ca", directory / "cert", "-o", "json")
        same(len(out.splitlines()), len(sockwatch("history", "--store", store, "-o", "json").splitlines()), "objects")
        check("trusted" in complaint("history", "--from", place, code=1), "a certificate that nobody vouches for is taken")
        check("/none:" in complaint("history", "--from", place, "--ca", directory / "none", code=1), "no word of the missing file")


@needs("chdb")
def test_it_has_no_rights_and_stops_when_told(directory):
    with rig.Current(directory / "server") as server:
        loaded(server, directory, 1, 100)
        server.process.send_signal(19)  # SIGSTOP: it takes the connection and says nothing
        process = subprocess.Popen([PROGRAM, "history", "--from", f"{server.url}/sockwatch"], stdout=subprocess.DEVNULL)
        # the third and fourth field of a line: the other end, ESTABLISHED
        wait_for("its connection", lambda: any(line.split()[2:4] == [f"0100007F:{server.port:04X}", "01"]
                                               for line in open("/proc/net/tcp", encoding="ascii")))
        status = dict(line.rstrip("\n").split(":\t", 1) for line in open(f"/proc/{process.pid}/status", encoding="ascii") if ":\t" in line)
        rights = {name: status[name].strip() for name in ("CapEff", "CapPrm", "CapBnd", "NoNewPrivs", "Seccomp")}
        process.terminate()
        same(process.wait(30), 0, "exit code")
        none = "0" * 16
        same(rights, {"CapEff": none, "CapPrm": none, "CapBnd": none, "NoNewPrivs": "1", "Seccomp": "2"}, "rights while it asks")
        server.process.send_signal(18)


main("history", dict(globals()))
