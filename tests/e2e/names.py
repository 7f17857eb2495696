# SPDX-License-Identifier: GPL-2.0-only
"""names.py golden|SOCKWATCH: -o ecs and -o otel against the published names (tests/names), and against -o json of the same.

Each line is turned back into the object that -o json has, so that nothing is missing and nothing is told otherwise.  The program
runs in a network namespace of its own (names.sh), with traffic on loopback."""
import datetime, ipaddress, json, pathlib, re, signal, socket, subprocess, sys, tempfile

from traffic import find_refused, find_taken, talk

TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z")
STATES = {"established": "ESTABLISHED", "syn_sent": "SYN_SENT", "syn_received": "SYN_RECV", "fin_wait_1": "FIN_WAIT1",
          "fin_wait_2": "FIN_WAIT2", "time_wait": "TIME_WAIT", "closed": "CLOSE", "close_wait": "CLOSE_WAIT",
          "last_ack": "LAST_ACK", "listen": "LISTEN", "closing": "CLOSING"}
# Of ECS, what an event of a category may be.
TYPES = {"network": {"access", "allowed", "connection", "denied", "end", "info", "protocol", "start"},
         "host": {"access", "change", "end", "info", "start"}}


def read_names(name):
    rows = [line.split() for line in pathlib.Path(f"tests/names/{name}.txt").read_text().splitlines() if line[0] != "#"]
    names = {row[0]: (row[1], row[2:]) for row in rows}
    assert len(names) == len(rows), "a name twice"
    return names


def is_address(value):
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


def is_text(value):
    return isinstance(value, str)


def is_texts(value):
    return isinstance(value, list) and all(map(is_text, value))


FITS = {"keyword": lambda v: is_text(v) or is_texts(v), "long": is_int, "date": lambda v: is_text(v) and TIME.fullmatch(v), "ip": is_address,
        "string": is_text, "int": is_int, "string[]": is_texts, "boolean": lambda v: isinstance(v, bool),
        "map": lambda v: isinstance(v, dict), "nanoseconds": lambda v: is_text(v) and v.isdigit()}


def complain(names, name, value):
    """What is wrong with a name and its value, if anything."""
    if name not in names:
        return [f"{name} is no published name"]
    kind, words = names[name]
    if not FITS[kind](value):
        return [f"{name} is {value!r}, no {kind}"]
    given = value if isinstance(value, list) else [value]
    return [f"{name} is {word!r}, none of {words}" for word in given if words and word not in words]


def flat(row, before=""):
    for key, value in row.items():
        if isinstance(value, dict):
            yield from flat(value, before + key + ".")
        else:
            yield before + key, value


def once(pairs):
    """An object, none of whose keys is there twice."""
    assert len({k for k, _ in pairs}) == len(pairs), [k for k, _ in pairs]
    return dict(pairs)


def read_line(line):
    return json.loads(line, object_pairs_hook=once)


# ---- back to -o json ----

def end(address, port, more):
    return {"addr": address, "port": port, **more}


def whole(row):
    return {k: v for k, v in row.items() if v is not None}


class Ecs:
    names = read_names("ecs")

    @classmethod
    def complaints(cls, row):
        own = {k: v for k, v in row.items() if k != "sockwatch"}
        found = [c for name, value in flat(own) for c in complain(cls.names, name, value)]
        found += [f"no {n}" for n in ("@timestamp", "ecs.version", "event.kind", "event.category", "event.type", "event.action")
                  if n not in dict(flat(row))]
        for category in row["event"]["category"]:
            found += [f"{t} is no type of {category}" for t in row["event"]["type"] if t not in TYPES[category]]
        return found

    @staticmethod
    def back(row):
        own, event = row.get("sockwatch", {}), row["event"]
        out = {k: v for k, v in own.items() if k not in ("local", "peer", "process")}
        network = row.get("network", {})
        out.update(whole({"time": row["@timestamp"], "event": event["action"], "duration_ns": event.get("duration"),
                          "reason": event.get("reason"), "error": row.get("error", {}).get("code"), "proto": network.get("transport"),
                          "family": "ipv6" if own.get("mapped") else network.get("type")}))
        if "start" in event:
            out["opened" if event["action"] in ("close", "open") else "since"] = event["start"]
        serves = "server" in row and network.get("direction") != "egress"
        local, peer = ("destination", "source") if serves else ("source", "destination")
        for name, where, count in (("local", local, "sent_bytes"), ("peer", peer, "received_bytes")):
            place = row.get(where, {})
            assert place.get("ip") == place.get("address"), place
            if "ip" in place:
                out[name] = end(place["ip"], place["port"], own.get(name, {}))
            if "bytes" in place:
                out[count] = place["bytes"]
        for role, where in (("server", "destination"), ("client", "source")):
            assert row.get(role, row.get(where)) == row.get(where), (role, row)
        if "process" in row:
            out["process"] = Ecs.process(row, row["process"], own.get("process", {}))
        return out

    @staticmethod
    def process(row, p, own):
        pod = row.get("orchestrator", {})
        name = pod.get("resource", {}).get("id") or pod and f"{pod['namespace']}/{pod['resource']['name']}"
        assert row["user"]["id"] == p["user"]["id"], row["user"]
        if "parent" in p:
            assert p["parent"] == whole(own["parents"][0]), (p["parent"], own["parents"][0])
        return whole({"pid": p["pid"], "tid": p["thread"]["id"], "start": p.get("start"), "name": p["name"], "uid": int(p["user"]["id"]),
                      "ruid": int(p["real_user"]["id"]) if "real_user" in p else None, "exe": p.get("executable"),
                      "args": p.get("args"), "container": row.get("container", {}).get("id"),
                      "container_name": row.get("container", {}).get("name"), "pod": name or None, **own})


class Otel:
    names = read_names("otel")

    @classmethod
    def complaints(cls, row):
        found = [c for name, value in row.items() for c in complain(cls.names, name, value)]
        found += [f"no {n}" for n in ("Timestamp", "EventName", "Resource", "Attributes") if n not in row]
        found += [c for name, value in row["Resource"].items() for c in complain(cls.names, name, value)]
        return found + [c for name, value in row["Attributes"].items() if not name.startswith("sockwatch.")
                        for c in complain(cls.names, name, value)]

    @staticmethod
    def states_back(value, key=""):
        if isinstance(value, dict):
            return {k: Otel.states_back(v, k) for k, v in value.items()}
        if isinstance(value, list):
            return [Otel.states_back(v) for v in value]
        return STATES.get(value, value) if key in ("state", "from", "to", "substate") else value

    @staticmethod
    def back(row):
        a = row["Attributes"]
        own = {k[len("sockwatch."):]: v for k, v in a.items() if k.startswith("sockwatch.")}
        out = Otel.states_back({k: v for k, v in own.items() if k.split(".")[0] not in ("local", "peer", "process")})
        seconds, ns = divmod(int(row["Timestamp"]), 10**9)
        event = row["EventName"].removeprefix("sockwatch.")
        out.update(whole({"time": datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc).strftime(f"%Y-%m-%dT%H:%M:%S.{ns:09d}Z"),
                          "event": event, "error": a.get("error.type"), "proto": a.get("network.transport"),
                          "family": "ipv6" if own.get("mapped") else a.get("network.type")}))
        if "network.connection.state" in a:
            out["to" if event == "state" else "state"] = STATES[a["network.connection.state"]]
        for name in ("local", "peer"):
            more = {k.split(".")[1]: v for k, v in own.items() if k.startswith(name + ".")}
            if name == "local" and "network.interface.name" in a:
                more["interface"] = a["network.interface.name"]
            if f"network.{name}.address" in a:
                out[name] = end(a[f"network.{name}.address"], a[f"network.{name}.port"], more)
        for role in ("client", "server"):
            address = a.get(f"{role}.address")
            assert address in (None, a.get("network.local.address"), a.get("network.peer.address")), (role, address)
        if "process.pid" in a:
            out["process"] = Otel.process(a, {k.split(".")[1]: v for k, v in own.items() if k.startswith("process.")})
        return out

    @staticmethod
    def process(a, own):
        pod = f"{a['k8s.namespace.name']}/{a['k8s.pod.name']}" if "k8s.pod.name" in a else a.get("k8s.pod.uid")
        if "process.parent_pid" in a:
            assert a["process.parent_pid"] == own["parents"][0]["pid"], own
        if "process.executable.path" in a:
            assert a["process.executable.path"].endswith(a["process.executable.name"]), a["process.executable.name"]
        return whole({"pid": a["process.pid"], "tid": a["thread.id"], "start": a.get("process.creation.time"), "name": a["process.title"],
                      "uid": a["process.user.id"], "ruid": a.get("process.real_user.id"), "exe": a.get("process.executable.path"),
                      "args": a.get("process.command_args"), "container": a.get("container.id"), "container_name": a.get("container.name"),
                      "pod": pod, **own})


FORMATS = {"ecs": Ecs, "otel": Otel}


def expected(row):
    """What -o json says, without the schema's number and without what has a published name and is unknown."""
    row = {k: v for k, v in row.items() if k != "schema" and not (v is None and k in ("process", "opened", "duration_ns"))}
    if row.get("process"):
        row["process"] = whole(row["process"])
    return row


def without_times(value):
    """Of two traces of one event: each looks at the clock for itself."""
    if isinstance(value, dict):
        return {k: without_times(v) for k, v in value.items()
                if not k.endswith("_ns") and k not in ("ns", "time", "since", "opened", "start", "rtt_us", "holders_as_of")}
    return [without_times(v) for v in value] if isinstance(value, list) else value


# ---- tests ----

def verdict(name, failures):
    print(f"FAIL {name}: {failures[0]}"[:900].replace("\n", " ") if failures else f"PASS {name}", flush=True)


def compare(name, format, text, json_text, change=expected):
    rows, wanted = [read_line(x) for x in text.splitlines()], [read_line(x) for x in json_text.splitlines()]
    verdict(f"{name}-{format}-names", [c for row in rows for c in FORMATS[format].complaints(row)])
    try:
        got, want = [change(FORMATS[format].back(r)) for r in rows], [change(expected(r)) for r in wanted]
    except (KeyError, AssertionError, ValueError) as error:
        return verdict(f"{name}-{format}-facts", [f"{type(error).__name__}: {error}"])
    if change is not expected:
        got, want = (sorted(x, key=lambda r: json.dumps(r, sort_keys=True)) for x in (got, want))
    failures = [f"{b} instead of {a}" for a, b in zip(want, got) if a != b]
    failures += [f"{len(got)} lines of {len(want)}"] if len(got) != len(want) or not got else []
    return verdict(f"{name}-{format}-facts", failures)


def golden():
    for format in FORMATS:
        compare("golden", format, pathlib.Path(f"tests/golden/events.{format}").read_text(), pathlib.Path("tests/golden/events.json").read_text())
    row = read_line(pathlib.Path("tests/golden/events.ecs").read_text().splitlines()[0])
    for name, change in (("a-name-that-is-none", {"nobody": {"knows": 1}}), ("another-type", {"source": {"port": "80"}}),
                         ("a-word-that-is-none", {"network": {"direction": "up"}})):
        verdict(f"refuses-{name}", [] if Ecs.complaints({**row, **change}) else ["it does not"])


def run(*args):
    return subprocess.run([PROGRAM, *args], capture_output=True, text=True, timeout=120).stdout


def start(*args, **streams):
    process = subprocess.Popen([PROGRAM, *args], stderr=subprocess.PIPE, text=True, **streams)
    for line in process.stderr:
        if line.startswith("sockwatch: tracing"):
            return process
    raise SystemExit(f"FAIL {args[0]}-starts: it ended with {process.wait()}")


def stop(process):
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)


def traffic():
    """Connections of IPv4, IPv6 and mapped addresses, a port that is taken, a peer that refuses, UDP.  Returns what stays open."""
    server = socket.create_server(("::", 0), family=socket.AF_INET6, dualstack_ipv6=True)
    port = server.getsockname()[1]
    find_taken(socket.AF_INET, "127.0.0.1", port)
    for address in ("127.0.0.1", "::1"):
        talk(server, address)
    find_refused()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(("127.0.0.1", port))
    stays = socket.create_connection(("127.0.0.1", port))
    return server, udp, stays, server.accept()[0]


def real():
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    with tempfile.TemporaryDirectory() as work:
        store, traces = f"{work}/store", []
        record = start("record", "--store", store, "--netns", "self")
        for format in ("json", *FORMATS):
            with open(f"{work}/{format}", "w") as file:
                traces.append(start("trace", "-o", format, "--netns", "self", stdout=file))
        kept = traffic()
        listed = {f: run("ls", "-o", f, "--netns", "self") for f in ("json", *FORMATS)}
        for trace in (*traces, record):
            stop(trace)
        told = {f: pathlib.Path(work, f).read_text() for f in ("json", *FORMATS)}
        kinds = {json.loads(line)["event"] for line in told["json"].splitlines()}
        verdict("each-kind-of-event", [f"no {k}" for k in ("bind", "listen", "connect", "accept", "state", "close") if k not in kinds])
        for format in FORMATS:
            compare("trace", format, told[format], told["json"], without_times)
            compare("ls", format, listed[format], listed["json"], without_times)
            compare("history", format, run("history", "--store", store, "-o", format), run("history", "--store", store, "-o", "json"))
            at = run("history", "--store", store, "-o", format, "--reason", "refused")
            outcome = json.loads(at or "{}").get("event", {}).get("outcome") if format == "ecs" else json.loads(at or "{}").get("SeverityText")
            verdict(f"a-refusal-is-a-failure-{format}", [] if outcome in ("failure", "WARN") else [f"{outcome!r}: {at[:300]}"])
        ends = {}
        for r in (json.loads(line) for line in told["ecs"].splitlines()):
            if r.get("source", {}).get("port") and "destination" in r:
                ends.setdefault(r["sockwatch"]["cookie"], set()).add((r["source"]["port"], r["destination"]["port"]))
        verdict("a-connection-keeps-its-source", [f"{c}: {e}" for c, e in ends.items() if len(e) > 1] + ([] if ends else ["no connection"]))
        host = {f: [json.loads(line) for line in told[f].splitlines()] for f in FORMATS}
        verdict("host-of-a-trace", [r for r in host["ecs"] if r["host"]["name"] != socket.gethostname()] +
                [r for r in host["otel"] if r["Resource"]["host.name"] != socket.gethostname()])
        bad = subprocess.run([PROGRAM, "ls", "-o", "ecs", "--by", "comm"], capture_output=True, text=True, timeout=60)
        verdict("groups-have-no-such-names", [] if bad.returncode == 2 and "--by" in bad.stderr else [bad.stderr])
        for format in FORMATS:
            rows = [read_line(line) for line in run("ls", "-x", "-a", "-o", format).splitlines()]
            verdict(f"unix-{format}-names", [c for r in rows for c in FORMATS[format].complaints(r)] + ([] if rows else ["none listed"]))
        del kept


if sys.argv[1] == "golden":
    golden()
else:
    PROGRAM = sys.argv[1]
    real()
