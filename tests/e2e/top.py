# SPDX-License-Identifier: GPL-2.0-only
"""top.py SOCKWATCH: frames of sockwatch top in a pipe, and every key on a pseudo-terminal."""
import codecs, fcntl, pty, termios, threading
from listing import *  # noqa: F403
from screen import Screen

# Every 50 ms: a connection and its end, one refused, a bind of a port that is taken.
SCENE = """
server = socket.socket(); server.bind(("127.0.0.1", 4001)); server.listen(64)
kept = [socket.create_connection(("127.0.0.1", 4001)), server.accept()[0]]
print("ready", flush=True)
while True:
    a = socket.create_connection(("127.0.0.1", 4001)); b = server.accept()[0]
    a.send(b"x" * 1000); b.recv(2000); a.close(); b.close()
    try: socket.create_connection(("127.0.0.1", 4009))
    except OSError: pass
    try: socket.socket().bind(("127.0.0.1", 4001))
    except OSError: pass
    time.sleep(0.05)
"""


def scene(name):
    return python(name, SCENE)[0].pid


class Top:
    """sockwatch top on a pseudo-terminal, read by a thread, so that it never waits."""

    def __init__(self, *args, term="xterm-256color", rows=24, columns=80, **env):
        self.master, slave = pty.openpty()
        self.screen, self.raw, self.reads = Screen(rows, columns), b"", []
        self.set_size(rows, columns)
        self.modes = termios.tcgetattr(slave)
        self.slave = slave
        environment = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "LINES", "COLUMNS")}
        self.process = subprocess.Popen([SOCKWATCH, "top", *args], stdin=slave, stdout=slave, stderr=subprocess.PIPE, text=True,
                                        start_new_session=True, env={**environment, "TERM": term, **env},
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))  # ctrl-c is a signal then
        started.append(self.process)
        self.lock = threading.Lock()
        threading.Thread(target=self.read, daemon=True).start()

    def set_size(self, rows, columns):
        fcntl.ioctl(self.master, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def resize(self, rows, columns):
        with self.lock:
            self.screen.size(rows, columns)
            self.set_size(rows, columns)
        self.process.send_signal(signal.SIGWINCH)

    def read(self):
        decoder = codecs.getincrementaldecoder("utf-8")()
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            with self.lock:
                self.raw += data
                self.reads.append(time.monotonic())
                self.screen.feed(decoder.decode(data))

    def press(self, keys):
        os.write(self.master, keys.encode())

    def text(self):
        with self.lock:
            return self.screen.text()

    def see(self, *wanted, without=()):
        """The screen, once it has all that is wanted."""
        good = lambda text: all(re.search(w, text) for w in wanted) and not any(re.search(w, text) for w in without)
        return until("a screen with %s" % (wanted,), lambda: self.check() or self.text(), good)

    def check(self):
        assert self.process.poll() is None, "it ended with %s: %s" % (self.process.returncode, self.process.stderr.read())

    def drawn(self, since):
        """How often it was drawn: what came at once is one frame."""
        with self.lock:
            reads = [at for at in self.reads if at >= since]
        return sum(later - earlier > 0.1 for earlier, later in zip([since - 1] + reads, reads))

    def selected(self):
        with self.lock:
            return self.screen.reversed_rows()

    def end(self, key="q"):
        if key:
            self.press(key)
        said = self.process.communicate(timeout=60)[1]
        # Facts that are lost on a busy machine are told by 4.
        assert self.process.returncode in (0, 4), (self.process.returncode, said)
        assert termios.tcgetattr(self.slave)[3] == self.modes[3], "the terminal is not as it was"
        os.close(self.slave)
        os.close(self.master)
        return said


def of(name):
    return "--netns", "/run/netns/" + name


# ---- the terminal ----

@test
def every_key():
    name = space("keys")
    pid = scene(name)
    saved = os.path.join(work, "saved.json")
    t = Top(*of(name), "--output", saved)
    t.see(r"\[1 processes\]", r"NEW/1s +/10s +/60s +FAIL +OPEN", r"python3\[%d\]" % pid, "q quit")
    # Confined: keys are read, terminfo was, without a right.
    status = open("/proc/%d/status" % t.process.pid).read()
    assert re.search(r"CapEff:\t0+\n", status) and "NoNewPrivs:\t1" in status, status
    t.press("2")
    t.see(r"\[2 peers\]", r"OPEN PEER", r"127\.0\.0\.1:4001", r"127\.0\.0\.1:4009")
    t.press("3")
    t.see(r"\[3 failures\]", r"EADDRINUSE bind python3\[%d\].* 127\.0\.0\.1:4001" % pid, r"127\.0\.0\.1:4009")
    t.press("4")
    t.see(r"\[4 listeners\]", r"tcp 127\.0\.0\.1:4001 python3\[%d\]" % pid)
    t.press("5")
    t.see(r"\[5 ports\]", r"LEFT +TAKEN +TIME_WAIT", r"tcp 127\.0\.0\.1 -> 127\.0\.0\.1:4001")
    t.press("\r")
    t.see(r"range +\d+-\d+, \d+ usable")
    t.press("\x1b")
    t.see(r"\[5 ports\]")
    t.press("\t")
    t.see(r"\[1 processes\]")
    sort(t)
    detail(t, pid)
    move(t)
    pause(t)
    filters(t, pid)
    t.press("?")
    t.see("Keys", "no filter", "esc back")
    t.press("\x1b")
    t.see(r"\[1 processes\]")
    t.press("h")
    t.see("no record to look into|history -p|has nothing of")
    t.press("\x1b")
    t.press("w")
    t.see(r"\d+ rows of processes appended")
    rows = [json.loads(line) for line in open(saved)]
    assert [r for r in rows if r["view"] == "processes" and r["process"]["pid"] == pid and r["new"]["total"] > 0], rows
    # Neither redraws from nothing nor any other key does harm.
    t.press("\x0cxyz\x01\x1b[15~")
    t.see(r"\[1 processes\]", r"python3\[%d\]" % pid)
    t.end()
    assert b"\x1b[?1049l" in t.raw[-200:]


def sort(t):
    t.press("s")
    t.see(r"by NEW/1s")
    t.press("s")
    t.see(r"by /60s")
    t.press("S")
    t.see(r"by NEW/1s")
    t.press("r")
    t.see(r"by NEW/1s reversed")
    t.press("r")
    t.see(r"by NEW/1s", without=["reversed"])


def detail(t, pid):
    t.press("\r")
    t.see(r"new +\d+ in all; \S+/s in 1 s", r"last lives and failed calls", r"refused|ECONNREFUSED", r"parents", r"python3\[%d\]" % pid)
    until("its arguments", lambda: t.press("\x1b[6~") or t.text(),
          lambda text: "time.sleep(0.05)" in text.replace("\n    ", ""))
    t.press("\x1b[5~" * 9)
    t.see(r"in all; \S+/s in 1 s", "last lives")
    t.press("\x1b")
    t.see(r"\[1 processes\]")


def move(t):
    """Over the rows of peers, of which there are three or more: one row is marked, the one that was gone to."""
    t.press("2")
    t.see(r"\[2 peers\]", r"127\.0\.0\.1:4001", r"127\.0\.0\.1:4009")
    rows = lambda: [line for line in t.text().split("\n")[4:-1] if line.strip()]
    assert len(rows()) >= 3, rows()
    t.press(" ")
    t.see("PAUSED")
    for keys, row in (("\x1bOH", 0), ("j", 1), ("\x1bOB", 2), ("k", 1), ("\x1bOA", 0), ("\x1b[6~", -1), ("\x1b[5~", 0), ("\x1bOF", -1)):
        t.press(keys)
        wanted = 4 + (row if row >= 0 else len(rows()) - 1)
        until("row %d after %r" % (wanted, keys), lambda: t.check() or t.selected(), lambda marked: marked == [wanted])
    t.press("p1")
    t.see(r"\[1 processes\]", without=["PAUSED"])


def pause(t):
    clock = lambda: t.text()[:30]
    t.press(" ")
    before = t.see("PAUSED")[:30]
    # A key draws anew, and nothing has moved.
    deadline = time.monotonic() + 2.5
    while time.monotonic() < deadline:
        t.press("j")
        assert clock() == before, (before, t.text())
        time.sleep(0.2)
    t.press("p")
    t.see(r"\[1 processes\]", without=["PAUSED"])
    until("a clock that goes on", clock, lambda now: now != before)


def filters(t, pid):
    t.press("f-c noxx")
    t.see("f -c noxx\n|f -c noxx$")
    t.press("\x7f\r")
    t.see("filter -c nox\n", "nothing so far")
    t.press("/--bogus\r")
    t.see("--bogus.*no such option", "filter -c nox\n")
    t.press("f\x1b")
    t.press("f-p %d --port 4009\r" % pid)
    t.see("filter -p", r"python3\[%d\]" % pid)
    t.press("2")
    t.see(r"127\.0\.0\.1:4009", without=[r"127\.0\.0\.1:4001"])
    t.press("F1")
    t.see(r"\[1 processes\]", without=["filter -p"])
    t.press("f--netns /run/netns/%s\r" % spaces[-1])
    t.see("filter --n", r"python3\[%d\]" % pid)


@test
def its_size_is_followed():
    name = space("size")
    pid = scene(name)
    t = Top(*of(name))
    t.see(r"python3\[%d\]" % pid)
    for rows, columns in ((30, 120), (10, 40), (24, 80)):
        t.resize(rows, columns)
        text = t.see(r"\[1 processes\]", "q quit")
        assert len(text.split("\n")) == rows and text.split("\n")[-1].startswith("q quit"), text
    t.end()


@test
def without_colour():
    name = space("colour")
    scene(name)
    for term, env, coloured in (("xterm-256color", {}, True), ("xterm-256color", {"NO_COLOR": "1"}, False), ("vt100", {}, False)):
        t = Top(*of(name), "--view", "failures", term=term, **env)
        t.see(r"\[3 failures\]", "EADDRINUSE")
        if coloured:
            until("red", lambda: t.screen.colours)
        t.press("j")
        until("a row that is marked", t.selected)
        assert bool(t.screen.colours) == coloured, (term, t.screen.colours)
        t.end()


@test
def a_terminal_that_cannot_move_its_cursor():
    name = space("dumb")
    pid = scene(name)
    t = Top(*of(name), term="dumb")
    until("two frames", lambda: t.raw.count(b"[1 processes]"), lambda n: n >= 2)
    t.process.send_signal(signal.SIGINT)
    t.end(None)
    assert b"\x1b" not in t.raw and b"python3[%d]" % pid in t.raw, t.raw


@test
def ends_by_signals():
    name = space("signals")
    pid = scene(name)
    for stop in ("\x03", signal.SIGTERM):
        t = Top(*of(name))
        t.see(r"python3\[%d\]" % pid)
        if isinstance(stop, str):
            t.end(stop)
        else:
            t.process.send_signal(stop)
            t.end(None)


@test
def history_of_a_row():
    name = space("past")
    pid = scene(name)
    store = os.path.join(work, "past.store")
    subprocess.run([SOCKWATCH, "record", "--store", store, "--for", "2s", "-q", *of(name)], check=False, timeout=60)
    t = Top(*of(name), "--store", store)
    t.see(r"python3\[%d\]" % pid)
    t.press("h")
    t.see(r"history -p %d: \d+ rows" % pid, r"127\.0\.0\.1:4001", r"close")
    t.press("\x1b")
    t.see(r"\[1 processes\]")
    t.press("3")
    t.see("EADDRINUSE")
    t.press("h")
    t.see(r"history -p %d --failed: \d+ rows" % pid, r"! close   refused")  # its end
    t.press("\x1b4")
    t.see(r"tcp 127\.0\.0\.1:4001")
    t.press("h")
    t.see(r"history -L 4001 --netns %d: \d+ rows" % inode(name))
    t.end()


@test
def a_flood_leaves_the_screen():
    """As many connections as the host makes: a redraw a second and one a key, whole frames, and keys are heard."""
    t = Top("--ring", "256M")
    t.see(r"\[1 processes\]", "q quit")
    begin, keys = time.monotonic(), 0
    flood = subprocess.Popen([os.path.join(os.path.dirname(SOCKWATCH), "tools/connrate"), "--rate", "50000", "--seconds", "8"],
                             stdout=subprocess.PIPE, text=True)
    started.append(flood)
    while flood.poll() is None:
        for key, view in (("2", r"\[2 peers\]"), ("1", r"\[1 processes\]")):
            t.press(key)
            t.see(view, r"\Asockwatch top ", r"q quit 1-5 view .*\Z")
            keys += 1
        t.see(r"connrate\[\d+\]")
        time.sleep(0.5)
    made = json.loads(flood.stdout.read())["connections"]
    # Late and apart where the host is busy; one a batch of facts would be thousands.
    frames, took = t.drawn(begin), time.monotonic() - begin
    assert frames <= 2 * took + keys + 4, (frames, keys, took)
    total = lambda text: [int(n) for n in re.findall(r" (\d+) open  ", text)]
    assert total(t.text()), t.text()
    assert made > 1000, made
    t.see(r"\Asockwatch top ", r"/s in 1, 10, 60 s: new \S+ \S*[1-9]\S* ", r"q quit 1-5 view .*\Z")
    t.end()


# ---- frames in a pipe ----

@test
def frames_of_every_view():
    name = space("batch")
    pid = scene(name)
    wanted = {"processes": r"python3\[%d\]" % pid, "peers": r"127\.0\.0\.1:4001", "failures": r"EADDRINUSE bind python3\[%d\]" % pid,
              "listeners": r"tcp 127\.0\.0\.1:4001", "ports": r"-> 127\.0\.0\.1:4001"}
    for view, row in wanted.items():
        result = sockwatch("top", "--batch", "1", "--view", view, "-q", *of(name))
        assert result.returncode in (0, 4) and "\x1b" not in result.stdout, (view, result)
        lines = result.stdout.split("\n")
        assert " %s]" % view in lines[2] and lines[-1] == "" and any(re.search(row, line) for line in lines[4:]), (view, lines)
        result = sockwatch("top", "--batch", "1", "--view", view, "-q", "-o", "json", *of(name))
        rows = [json.loads(line) for line in result.stdout.splitlines()]
        assert rows and {r["view"] for r in rows} == {view}, (view, result)
    result = sockwatch("top", "--batch", "3", "-q", *of(name))
    assert result.stdout.count("[1 processes]") == 3, result.stdout


@test
def counts_are_those_of_the_trace():
    """What a burst of known size made, each once."""
    name = space("counts")
    process, _ = python(name, """
server = socket.socket(); server.bind(("127.0.0.1", 4001)); server.listen(64)
print("ready", flush=True)
sys.stdin.readline()
for i in range(50):
    a = socket.create_connection(("127.0.0.1", 4001)); b = server.accept()[0]
    a.sendall(b"x" * 100); assert b.recv(1000); a.close(); b.recv(1); b.close()
for i in range(7):
    try: socket.create_connection(("127.0.0.1", 4009))
    except OSError: pass
for i in range(5):
    try: socket.socket().bind(("127.0.0.1", 4001))
    except OSError: pass
print("done", flush=True); sys.stdin.readline()
""")
    out = os.path.join(work, "counts.json")
    top = subprocess.Popen([SOCKWATCH, "top", "--batch", "1000", "-o", "json", "--output", out, *of(name)], stderr=subprocess.PIPE,
                           text=True, start_new_session=True)
    started.append(top)
    first_line("that it traces", top, top.stderr)
    process.stdin.write("go\n"), process.stdin.flush()
    assert first_line("the burst", process, process.stdout).strip() == "done"

    def last():
        rows = {}
        for line in open(out):
            if line.endswith("\n"):
                row = json.loads(line)
                if row["process"] and row["process"]["pid"] == process.pid:
                    rows = row
        return rows and (rows["new"]["total"], rows["failed"]["total"], rows["sent_bytes"]["total"], rows["received_bytes"]["total"])

    until("the counts", last, lambda seen: seen == (107, 12, 5000, 5000))
    top.send_signal(signal.SIGINT)
    top.communicate(timeout=60)
    assert last() == (107, 12, 5000, 5000), last()


@test
def usage():
    for args, said in ((["--view", "sockets"], "neither processes"), (["--batch", "0"], "not a number"), (["-o", "json"], "needs --batch"),
                       (["--view", "ports", "--sort", "open", "--batch", "1"], "no such column"), (["--events", "bind"], "no such option")):
        result = sockwatch("top", *args)
        assert result.returncode == 2 and said in result.stderr and result.stderr.count("\n") == 1, (args, result)


run_tests()
