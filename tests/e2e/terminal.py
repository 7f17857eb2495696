# SPDX-License-Identifier: GPL-2.0-only
"""terminal.py SOCKWATCH: what a pseudo-terminal is given: no line wider than it, and nothing missing that a pipe or JSON has."""
import datetime, fcntl, pty, select, termios, threading, unicodedata
from listing import *  # noqa: F403

WIDTHS = (80, 100, 120, 200)
COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# Two servers, a process whose name has a space, a wildcard that takes a port from it, and IPv6 at its longest.
SCENE = """
import ctypes
def name(text): ctypes.CDLL(None).prctl(15, text, 0, 0, 0)
def make(family, addr, port=0):
    s = socket.socket(family); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind((addr, port)); s.listen(); return s
name(b"Web Content")
long = "fd00:1111:2222:3333:4444:5555:6666:7777"
four, six = make(socket.AF_INET, "127.0.0.1", 4001), make(socket.AF_INET6, long, 4002)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp.bind(("127.0.0.1", 4003))
kept = [socket.create_connection(("127.0.0.1", 4001)), four.accept()[0],
        socket.create_connection((long, 4002)), six.accept()[0]]
print("ready", flush=True)
for line in sys.stdin:
    name(b"a 1")
    for family, addr, port in ((socket.AF_INET, "0.0.0.0", 4001), (socket.AF_INET6, "::", 4002)):
        try: socket.socket(family).bind((addr, port))
        except OSError: pass
    for target in (("127.0.0.1", 4001), (long, 4002)):
        a = socket.create_connection(target); b = (six if ":" in target[0] else four).accept()[0]; a.close(); b.close()
    try: socket.create_connection(("127.0.0.1", 4009))
    except OSError: pass
    print("done", flush=True)
"""


def scene(name):
    subprocess.run(["ip", "-n", name, "addr", "add", "fd00:1111:2222:3333:4444:5555:6666:7777/64", "dev", "lo", "nodad"],
                   check=True)
    return python(name, SCENE)[0]


def act(process):
    process.stdin.write("go\n")
    process.stdin.flush()
    assert first_line("what the scene does", process, process.stdout).strip() == "done"


class Terminal:
    """A program on a pseudo-terminal, read by a thread, so that it never waits."""

    def __init__(self, columns, *args):
        self.master, slave = pty.openpty()
        self.text, self.reading = b"", True
        self.resize(columns, None)
        self.process = subprocess.Popen([SOCKWATCH, *args], stdout=slave, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                        text=True, start_new_session=True)
        started.append(self.process)
        os.close(slave)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def resize(self, columns, process):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", 24, columns, 0, 0))
        if process:
            process.send_signal(signal.SIGWINCH)

    def read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            self.text += data

    def end(self, stop=None):
        if stop:
            self.process.send_signal(stop)
        said = self.process.communicate(timeout=60)[1]
        self.reader.join(60)
        os.close(self.master)
        assert self.process.returncode in (0, 3), (self.process.returncode, said)
        return self.lines()

    def lines(self):
        return COLOUR.sub("", self.text.decode()).replace("\r\n", "\n").split("\n")[:-1]


def width(line):
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in line)


def records(lines, columns):
    """Each with what went on in the lines below it."""
    out = []
    for line in lines:
        assert width(line) <= columns, (columns, line)
        assert line == line.rstrip(), line
        if line.startswith("   ") and out:
            out[-1] += ("" if out[-1].endswith("->") else " ") + line.strip()
        else:
            out.append(line)
    return out


def squeeze(lines):
    return re.sub(r"\s+", "", "".join(lines))


def end_of(e):
    if e["addr"] == "::" and e.get("v6only") is False:
        return "*:%d" % e["port"]
    return ("[%s]:%d" if ":" in e["addr"] else "%s:%d") % (e["addr"], e["port"])


def owner(p):
    return ('"%s"[%d]' if p["name"] == "a 1" else "%s[%d]") % (p["name"], p["pid"])


def on_terminal(columns, *args):
    return Terminal(columns, *args).end()


def expect_event(records, e):
    """A line says all that JSON says of it: owner, ends, error, reason, holders."""
    want = [owner(e["process"])] + [end_of(e[k]) for k in ("local", "peer") if k in e]
    want += [e[k] for k in ("error", "reason") if k in e]
    for holder in e.get("holders", []):
        want += [owner(holder["process"]), end_of(holder["local"]), "held by"]
    found = [r for r in records if e["event"] in r.split() and all(w in r for w in want)]
    assert found, (want, records)
    failed = "error" in e or e.get("reason") in ("refused", "peer-reset", "local-reset", "timeout")
    assert ("! " + e["event"] in found[0]) == failed, found[0]


# ---- the tests ----

@test
def trace_at_every_width():
    name = space("trace")
    process = scene(name)
    json_file = os.path.join(work, "trace.json")
    whole = subprocess.Popen([SOCKWATCH, "trace", "--netns", name, "-o", "json", "--output", json_file], stderr=subprocess.PIPE,
                             text=True, start_new_session=True)
    started.append(whole)
    shown = {columns: Terminal(columns, "trace", "--netns", name) for columns in WIDTHS}
    pipe_file = os.path.join(work, "trace.txt")
    pipe = subprocess.Popen([SOCKWATCH, "trace", "--netns", name, "--output", pipe_file], stderr=subprocess.PIPE, text=True,
                            start_new_session=True)
    started.append(pipe)
    for p in [whole, pipe, *(t.process for t in shown.values())]:
        first_line("that it traces", p, p.stderr)
    act(process)
    ended = lambda: [e for e in map(json.loads, open(json_file)) if e["event"] == "close"]
    until("the lives", lambda: len(ended()) >= 5)
    time_of_last = lambda t: sum(" close " in line for line in t.lines())
    for t in shown.values():
        until("the last line", lambda: time_of_last(t) >= len(ended()))
    whole.send_signal(signal.SIGINT)
    pipe.send_signal(signal.SIGINT)
    whole.communicate(timeout=60), pipe.communicate(timeout=60)
    events = [json.loads(line) for line in open(json_file)]
    assert {"state", "connect", "accept"} <= {e["event"] for e in events}
    wanted = [e for e in events if e["event"] in ("bind", "listen", "close") or "error" in e]
    assert {e.get("error") for e in wanted} >= {"EADDRINUSE", "ECONNREFUSED"}, wanted
    lines = open(pipe_file).read().split("\n")[:-1]
    assert "\x1b" not in "".join(lines) and len(lines) == 1 + len(wanted), (len(wanted), lines)
    for columns, t in shown.items():
        found = records(t.end(signal.SIGINT), columns)
        assert len(found) == 1 + len(wanted), (columns, len(wanted), [r[:60] for r in found], [e["event"] for e in wanted])
        for e in wanted:
            expect_event(found, e)
    # The result is in the first line, at 80 columns too.
    for line in shown[80].lines():
        assert "! bind" not in line or "EADDRINUSE" in line, line


@test
def trace_follows_the_terminal():
    name = space("resize")
    process = scene(name)
    t = Terminal(200, "trace", "--netns", name, "-v")
    first_line("that it traces", t.process, t.process.stderr)
    for columns in (200, 80, 120):
        t.resize(columns, t.process)
        before = len(t.lines())
        act(process)
        until("the lives", lambda: sum(" close " in line for line in t.lines()[before:]) >= 5)
        lines = t.lines()[before:]
        assert max(map(width, lines)) <= columns, (columns, lines)
        assert any(width(line) > columns * 2 // 3 for line in lines), (columns, lines)
    t.end(signal.SIGINT)


@test
def brief_unless_asked_for():
    name = space("brief")
    process = scene(name)
    runs = {}
    for key, args in {"brief": [], "-v": ["-v"], "state": ["--events", "state"], "accept": ["--events", "accept"]}.items():
        runs[key] = subprocess.Popen([SOCKWATCH, "trace", "--netns", name, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                     text=True, start_new_session=True)
        started.append(runs[key])
    for run in runs.values():
        first_line("that it traces", run, run.stderr)
    act(process)
    until("the last end", lambda: not [s for s in listed("--netns", name) if s.get("state") in ("FIN_WAIT2", "LAST_ACK")])
    kinds = {}
    for key, run in runs.items():
        run.send_signal(signal.SIGINT)
        lines = run.communicate(timeout=60)[0].split("\n")[1:-1]
        kinds[key] = collections.Counter(line[18:].split()[0] for line in lines)
    assert set(kinds["brief"]) == {"bind", "close"}, kinds
    assert set(kinds["-v"]) == {"bind", "connect", "accept", "state", "close"}, kinds
    assert set(kinds["state"]) == {"state"} and set(kinds["accept"]) == {"accept"}, kinds


@test
def listings_at_every_width():
    name = space("ls")
    scene(name)
    for args in (["ls", "--netns", name], ["ephemeral", "--netns", name], ["features"]):
        whole = sockwatch(*args).stdout.split("\n")[:-1]
        assert not COLOUR.search("".join(whole))
        for columns in WIDTHS:
            lines = on_terminal(columns, *args)
            records(lines, columns)
            assert squeeze(lines) == squeeze(whole), (columns, args, lines, whole)
    rows = records(on_terminal(80, "ls", "--netns", name), 80)
    for s in listed("--netns", name):
        ends = [end_of(s[k]) for k in ("local", "peer") if k in s]
        assert any("->".join(ends) in r and str(s["process"]["pid"]) in r and "Web Content" in r for r in rows), (ends, rows)


@test
def who_at_every_width():
    name = space("who")
    scene(name)
    for columns in (40, *WIDTHS):
        lines = on_terminal(columns, "who", "4002", "--netns", name)
        text = " ".join(records(lines, columns))
        s = [s for s in listed("--netns", name, "-L", "4002") if s["state"] == "LISTEN"][0]
        assert squeeze([owner(s["process"])]) in squeeze([text]) and squeeze([end_of(s["local"])]) in squeeze([text]), text
        assert "reachable through that address" in text and "python3" in text, text


@test
def history_at_every_width():
    name, store = space("history"), os.path.join(work, "store")
    recorder = subprocess.Popen([SOCKWATCH, "record", "--store", store], stderr=subprocess.PIPE, text=True, start_new_session=True)
    started.append(recorder)
    watchers.append(recorder)
    first_line("that it records", recorder, recorder.stderr)
    process = scene(name)
    act(process)
    ask = ["history", "--store", store, "--netns", name, "--utc"]
    read = lambda *more: [json.loads(line) for line in sockwatch(*ask, "-o", "json", *more).stdout.splitlines()]
    until("the lives", lambda: sum(e["event"] == "close" for e in read()) >= 5)
    until("what is open", lambda: sum(e["event"] == "open" for e in read()) >= 7)
    whole = [line for line in sockwatch(*ask).stdout.split("\n")[1:-1]]
    # In the order of the times that are shown; what is open stands where it opened.
    times = [line[:26] for line in whole]
    assert times == sorted(times), times
    for e in (e for e in read() if e["event"] == "open"):
        opened = e["opened"][:26].replace("T", " ")
        assert any(line.startswith(opened) and end_of(e["local"]) in line for line in whole), (opened, whole)
    assert sockwatch(*ask).stdout.startswith("TIME (UTC)")
    for columns in WIDTHS:
        found = records(on_terminal(columns, *ask), columns)
        for e in read():
            if e["event"] != "open":
                expect_event(found, e)


@test
def one_zone_everywhere():
    """The zone stands at the head, and times are in it; --utc makes it UTC, wherever it stands."""
    name = space("zone")
    scene(name)
    env = {**os.environ, "TZ": "XYZ-5:30"}
    begin = time.time()
    for args, utc in ((["ls"], False), (["ls", "--utc"], True), (["who", "4001"], False), (["who", "--utc", "4001"], True)):
        out = sockwatch(*args, "--netns", name, env=env).stdout
        zone = "UTC" if utc else "XYZ"
        if args[0] == "ls":
            assert "SINCE (%s)" % zone in out.split("\n")[0], out
        else:
            said = re.search(r"started +(\S+ \S+) (\S+),", out)
            assert said and said[2] == zone, out
            moment = datetime.datetime.strptime(said[1], "%Y-%m-%d %H:%M:%S").replace(tzinfo=datetime.timezone.utc).timestamp()
            assert abs(moment - begin - (0 if utc else 19800)) < TEST_SECONDS, (said[1], begin)
    store = os.path.join(work, "zone.store")
    sockwatch("record", "--store", store, "--for", "1s", "-q")
    for args in (["--since", "yesterday"], ["--since", "2 hours ago", "--until", "now"], ["--since", "@%d" % begin],
                 ["--since", "-1h30min"], ["--since", "today"], ["--since", time.strftime("%Y-%m-%d", time.gmtime(begin - 86400))]):
        out = sockwatch("history", "--store", store, *args, env=env)
        assert out.returncode in (0, 3) and "not a time" not in out.stderr, (args, out)


run_tests()
