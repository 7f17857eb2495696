# SPDX-License-Identifier: GPL-2.0-only
"""schema.py golden|SOCKWATCH: each line of JSON against the schema of its command, closed: no key may be without a description.

The program runs in a network namespace of its own (schema.sh), with traffic on loopback: each kind of event, a port that is
taken, a peer that refuses, UDP.
"""
import glob, json, pathlib, re, signal, socket, subprocess, sys, tempfile
import jsonschema

from traffic import find_refused, find_taken, talk
from waiting import until

DIRECTORY = pathlib.Path("docs/schema").resolve()
# The file of each command; what --by prints, and Unix sockets, have one of their own.
FILES = {"trace": "event", "history": "event", "ls": "listing", "who": "listing", "ephemeral": "ephemeral",
         "features": "features", "status": "status", "report": "report", "top": "top"}
GOLDEN = {"events": "event", "replay": "event", "listing": "listing", "budget": "ephemeral", "budget-chosen": "ephemeral",
          "features": "features", "features-bare": "features", "status": "status", "status-calm": "status", "status-refused": "status", "status-sent": "status", "groups": "group",
          "report": "report", "top": "top"}


def closed(schema):
    """The same, without room for keys that it does not have."""
    if isinstance(schema, list):
        return [closed(s) for s in schema]
    if not isinstance(schema, dict):
        return schema
    schema = {k: closed(v) for k, v in schema.items()}
    if schema.get("type") == "object" and "properties" in schema and "oneOf" not in schema:
        schema["additionalProperties"] = False
    return schema


def load(name):
    return json.loads((DIRECTORY / f"{name}.json").read_text())


TYPES = closed(load("types"))


def keys(name):
    return set(re.findall(r'"(\w+)"', (DIRECTORY / f"{name}.json").read_text()))


class Schema:
    def __init__(self, name):
        jsonschema.Draft202012Validator.check_schema(load(name))
        whole = closed(load(name))
        base = f"{DIRECTORY.as_uri()}/"
        self.kinds = {}
        for kind in whole["oneOf"]:
            kind = kind["$ref"].rsplit("/", 1)[1]
            schema = {**whole, "oneOf": [{"$ref": f"#/$defs/{kind}"}]}
            resolver = jsonschema.RefResolver(f"{base}{name}.json", schema, {f"{base}types.json": TYPES})
            self.kinds[kind] = jsonschema.Draft202012Validator(schema, resolver=resolver)

    def complaints(self, line):
        row = json.loads(line)
        if row.get("event") not in self.kinds:
            return [f"no event {row.get('event')}"]
        found = list(self.kinds[row["event"]].iter_errors(row))
        while found and any(e.context for e in found):  # what is behind "not valid under any of"
            found = [c for e in found for c in (e.context or [e])]
        return [f"{row['event']} {'/'.join(map(str, e.absolute_path))}: {e.message[:200]}" for e in found]


SCHEMAS = {name: Schema(name) for name in {*FILES.values(), "group", "unix"}}


def verdict(name, failures):
    print(f"FAIL {name}: {failures}"[:600] if failures else f"PASS {name}", flush=True)


def check(name, schema, text, *wanted):
    lines = text.splitlines()
    failures = [c for line in lines for c in SCHEMAS[schema].complaints(line)]
    kinds = {json.loads(line)["event"] for line in lines}
    failures += [f"no {kind} in {len(lines)} lines" for kind in wanted if kind not in kinds]
    told = [i for i, line in enumerate(lines) if "schema" in json.loads(line)]
    if lines and told != [0]:
        failures.append(f"the schema's number is in lines {told[:9]}, not in the first alone")
    verdict(name, failures)


def golden():
    for name, schema in GOLDEN.items():
        lines = pathlib.Path(f"tests/golden/{name}.json").read_text()
        failures = [c for line in lines.splitlines() for c in SCHEMAS[schema].complaints(line)]
        verdict(f"golden-{name}", failures)
    left = {n for n in glob.glob("tests/golden/*.json")} - {f"tests/golden/{n}.json" for n in (*GOLDEN, "cost")}
    verdict("each-golden-file-has-a-schema", left)
    for command, schema in FILES.items():
        page = pathlib.Path(f"docs/man/sockwatch-{command}.man").read_text()
        section = re.search(r"^\.SH JSON\n(.*?)(?=^\.SH|\Z)", page, re.M | re.S)[1]
        names = set(re.findall(r"[a-z]\w+", " ".join(re.findall(r"^\.IR? (.*)", section, re.M))))
        verdict(f"page-of-{command}-names-keys-that-exist", names - keys(schema) - keys("types"))
    # A schema that lets all pass would do so here, too.
    row = json.loads(pathlib.Path("tests/golden/status-calm.json").read_text())
    for name, change in (("a-key-more", {"new": 1}), ("another-type", {"pid": "1"}), ("time-with-a-zone", {"time": "2026-11-20T11:00:00+01:00"})):
        verdict(f"refuses-{name}", not SCHEMAS["status"].complaints(json.dumps({**row, **change})) and "it does not")
    del row["lost"]
    verdict("refuses-a-key-less", not SCHEMAS["status"].complaints(json.dumps(row)) and "it does not")


def run(*args):
    return subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=120)


def start(*args, **streams):
    """A trace or record that is attached."""
    process = subprocess.Popen([PROGRAM, *args], stderr=subprocess.PIPE, text=True, **streams)
    for line in process.stderr:
        if line.startswith("sockwatch: tracing"):
            return process
    raise SystemExit(f"FAIL {args[0]}-starts: it ended with {process.wait()}")


def traffic():
    """Returns sockets that stay open."""
    server = socket.socket()
    server.bind(("127.0.0.1", 0))
    server.listen(5)
    port = server.getsockname()[1]
    for family, address in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::")):
        find_taken(family, address, port)
    talk(server, "127.0.0.1")
    find_refused()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.sendto(b"x", ("127.0.0.1", port))
    stays = socket.create_connection(("127.0.0.1", port))
    return server, udp, stays, server.accept()[0]


def unix(work):
    """Sockets of each kind, with a name of either kind and without, of which one waits for accept()."""
    server = socket.socket(socket.AF_UNIX)
    server.bind(f"{work}/sock")
    server.listen()
    clients = [socket.socket(socket.AF_UNIX) for _ in range(2)]
    for client in clients:
        client.connect(f"{work}/sock")
    abstract = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    abstract.bind("\0sockwatch-schema")
    return server, *clients, server.accept()[0], abstract, *socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def stop(process):
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return out


def real():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as work:
        store, out, running = f"{work}/store", f"{work}/out", []
        with open(out, "w") as file:
            trace = start("trace", "-o", "json", "--netns", "self", stdout=file)
        record = start("record", "--store", store, "--netns", "self")
        tops = {view: (f"{work}/{view}", event) for view, event in
                (("processes", "top-process"), ("peers", "top-peer"), ("failures", "top-failure"), ("listeners", "top-listener"),
                 ("ports", "top-ports"))}
        for view, (file, _) in tops.items():
            with open(file, "w") as frames:
                running.append(start("top", "--batch", "1000", "-o", "json", "--view", view, "--netns", "self", stdout=frames))
        by = start("trace", "-o", "json", "--by", "comm,pid,local-port,reason,state,netns", "--netns", "self", stdout=subprocess.PIPE)
        with open(f"{work}/intervals", "w") as file:
            intervals = start("trace", "-o", "json", "--by", "event", "--interval", "200ms", "--netns", "self", stdout=file)
        kept = traffic()
        port = str(kept[0].getsockname()[1])
        for process, (view, (file, event)) in zip(running, tops.items()):
            until("a row of " + view, lambda: pathlib.Path(file).read_text(), lambda text: f'"event":"{event}"' in text and text[-1] == "\n")
            stop(process)
            check("top-of-" + view, "top", pathlib.Path(file).read_text(), event)
        check("trace-by", "group", stop(by), "group")
        stop(intervals)
        check("trace-by-interval", "group", pathlib.Path(f"{work}/intervals").read_text(), "group")
        check("ls-by", "group", run("ls", "-o", "json", "--netns", "self", "--by", "comm,user,unit,container,local,proto").stdout, "group")
        check("ls", "listing", run("ls", "-o", "json", "--netns", "self").stdout, "socket")
        check("ls-of-all", "listing", run("ls", "-o", "json", "-a").stdout, "socket")
        check("who", "listing", run("who", "-o", "json", port).stdout, "socket")
        held = unix(work)
        check("ls-of-unix", "unix", run("ls", "-x", "-a", "-o", "json").stdout, "socket")
        check("who-of-unix", "unix", run("who", "-o", "json", held[0].getsockname()).stdout, "socket")
        check("status", "status", run("status", "-o", "json").stdout, "status")
        check("ephemeral", "ephemeral", run("ephemeral", "-o", "json", "--netns", "self").stdout, "namespace", "budget", "process")
        check("ephemeral-of-all", "ephemeral", run("ephemeral", "-o", "json").stdout, "namespace")
        stop(trace)
        check("trace", "event", pathlib.Path(out).read_text(), "bind", "listen", "connect", "accept", "state", "close")
        stop(record)
        check("history", "event", run("history", "--store", store, "-o", "json").stdout, "bind", "listen", "close")
        check("features", "features", run("features", "-o", "json").stdout, "host", "hook")
        check("history-by", "group", run("history", "--store", store, "-o", "json", "--by", "comm,peer,port,result,event").stdout, "group")
        check("report", "report", run("report", "--store", store, "-o", "json").stdout, "report", "report-step", "report-process",
              "report-peer", "report-port", "report-conflict", "report-reason", "report-call", "report-length", "report-ports")


if sys.argv[1] == "golden":
    golden()
else:
    PROGRAM = sys.argv[1]
    real()
