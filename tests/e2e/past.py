#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""past.py SOCKWATCH: what `ls` and `who` learn from a running trace, a running record and a store, and from none that hangs,
lies or belongs to somebody else."""
import datetime, select, sqlite3

from listing import *  # noqa: F403

RUN = os.environ["SOCKWATCH_RUN"]
VERSION = 4  # PAST_VERSION
# A listener, a connection that is left by its client's end and one that goes on; prints the client's pid and both ports.
LIVES = """
l = socket.socket(); l.bind(("127.0.0.1", 4950)); l.listen()
r, w = os.pipe()
pid = os.fork()
if pid == 0:
    open("/proc/self/comm", "w").write("leaver")
    c = socket.create_connection(("127.0.0.1", 4950))
    os.write(w, b"%d" % c.getsockname()[1]); c.close(); c = None
    os._exit(0)
a = l.accept()[0]; a.recv(1); a.close(); os.waitpid(pid, 0)
c = socket.create_connection(("127.0.0.1", 4950)); b = l.accept()[0]
print(pid, os.read(r, 9).decode(), c.getsockname()[1], flush=True); time.sleep(600)"""


def watcher(*command, **more):
    """A trace or a record that is ready."""
    process = subprocess.Popen([SOCKWATCH, *command], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.PIPE, text=True, start_new_session=True, **more)
    started.append(process)
    watchers.append(process)
    first_line("a %s that is ready" % command[0], process, process.stderr, "sockwatch: tracing")
    return process


def trace(**more):
    return watcher("trace", "--events", "lost", **more)


def end(process, how=signal.SIGINT):
    process.send_signal(how)
    process.send_signal(signal.SIGCONT)
    process.wait(timeout=DEADLINE)


def lives(name):
    process, line = python(name, LIVES)
    leaver, left, kept = map(int, line.split())
    return process, leaver, left, kept


def row_of(name, port, *args):
    rows = [r for r in listed("--netns", "/run/netns/" + name, "-L", str(port), *args)]
    return rows[0] if rows else None


def moment(row):
    return datetime.datetime.fromisoformat(row["since"][:26] + "+00:00").timestamp()


def check_known(name, leaver, left, kept, begin, *args):
    """A trace that has no processor for a tenth of a second is left out of a look: each is taken until it was heard."""
    row = until("the maker of a TIME_WAIT", lambda: row_of(name, left, *args),
                lambda r: r and r["state"] == "TIME_WAIT" and r["process"])
    assert row["process"]["pid"] == leaver and row["process"]["name"] == "leaver" and row["holders"] == [], row
    for port in (left, kept, 4950):
        row = until("since when port %d is held" % port, lambda: row_of(name, port, *args), lambda r: r and "since" in r)
        assert begin - 0.1 <= moment(row) <= time.time() + 0.1, (port, row, begin)
    until("the rows of the leaver", lambda: listed("--netns", "/run/netns/" + name, "-c", "leaver", *args),
          lambda rows: len(rows) == 1)
    line = re.compile(r"^leaver +%d +root +- +tcp +TIME_WAIT .* \d{4}-\d\d-\d\d \d\d:\d\d:\d\d$" % leaver, re.M)
    until("the leaver's line", lambda: sockwatch("ls", "-H", "--netns", "/run/netns/" + name, "-L", str(left), *args).stdout,
          line.search)
    words = until("words on the leaver", lambda: sockwatch("who", "127.0.0.1:%d" % left, *args).stdout,
                  lambda w: "left by     leaver[%d], ended, user root" % leaver in w and "since  " in w)
    assert "TIME_WAIT" in words and "no process has it open any more" in words and "freed by    itself" in words, words
    line = re.compile(r"^  since +\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+, \S+ ago$", re.M)
    until("words on the listener", lambda: sockwatch("who", "127.0.0.1:4950", *args).stdout, line.search)


def check_unknown(name, left, kept, *args, made=None):
    """`made`: between these two moments; then the kernel may have told a trace when a TIME_WAIT began."""
    row = row_of(name, left, *args)
    assert row["process"] is None, row
    assert "since" not in row or (made and made[0] - 0.01 <= moment(row) <= made[1] + 0.01), (row, made)
    assert all("since" not in row_of(name, port, *args) for port in (kept, 4950))


def sockets():
    return [name for name in os.listdir(RUN) if name not in ("types", "types-reach", "types-trace")]  # the kernel's types, kept by whoever looked


@test
def a_running_trace_knows():
    name, begin = space("trace"), time.time()
    tracer = trace()
    assert str(tracer.pid) in os.listdir(RUN) and os.stat(RUN).st_mode & 0o777 == 0o700
    _, leaver, left, kept = lives(name)
    check_known(name, leaver, left, kept, begin)
    check_known(name, leaver, left, kept, begin, "--hooks", "proc")
    end(tracer)
    assert sockets() == [], sockets()
    check_unknown(name, left, kept)


@test
def what_is_older_than_the_trace_stays_unknown():
    name, begin = space("old"), time.time()
    _, leaver, left, kept = lives(name)
    made = (begin, time.time())
    tracer = trace()
    # A TIME_WAIT is known by its cookie, which other traces of this host give to every socket.
    check_unknown(name, left, kept, made=made)
    end(tracer)


@test
def the_kernel_tells_when_a_time_wait_began():
    """From Linux 6.14 on, and where the socket has a cookie: whose it was stays unknown."""
    name, begin = space("stamp"), time.time()
    other = trace(env={**os.environ, "SOCKWATCH_RUN": os.path.join(work, "other")})
    _, leaver, left, kept = lives(name)
    made = (begin, time.time())
    tracer = trace()
    check_unknown(name, left, kept, made=made)
    end(tracer)
    end(other)


@test
def a_running_record_knows():
    name, begin = space("record"), time.time()
    recorder = watcher("record", "--store", os.path.join(work, "running.store"))
    _, leaver, left, kept = lives(name)
    check_known(name, leaver, left, kept, begin)
    end(recorder)


@test
def a_store_knows():
    name, begin, store = space("store"), time.time(), os.path.join(work, "past.store")
    recorder = watcher("record", "--store", store)
    process, leaver, left, kept = lives(name)
    # Stopped traces do not answer: the store alone must know.
    until("the row of the end", lambda: sockwatch("history", "--store", store, "-c", "leaver", "--netns", str(inode(name)),
                                                  "--events", "close"), lambda result: result.returncode == 0)
    os.environ["SOCKWATCH_RUN"] = os.path.join(work, "nobody")
    try:
        check_unknown(name, left, kept)
        until("the open lives", lambda: row_of(name, kept, "--store", store), lambda r: r and "since" in r)
        check_known(name, leaver, left, kept, begin, "--store", store)
        end(recorder)
        check_known(name, leaver, left, kept, begin, "--store", store)
        other_boot(store)
        check_unknown(name, left, kept, "--store", store)
    finally:
        os.environ["SOCKWATCH_RUN"] = RUN


def other_boot(store):
    """As a store that was carried over a boot: the same cookies are other sockets."""
    with sqlite3.connect(store) as db:
        assert db.execute("UPDATE boot SET name='00000000-0000-0000-0000-000000000000'").rowcount == 1
    db.close()


@test
def a_socket_used_again_is_another_life():
    name, store = space("again"), os.path.join(work, "again.store")
    tracer, recorder = trace(), watcher("record", "--store", store)
    process, line = python(name, """
l = socket.socket(); l.bind(("127.0.0.1", 4950)); l.listen()
m = socket.socket(); m.bind(("127.0.0.1", 4951)); m.listen()
c = socket.socket(); c.connect(("127.0.0.1", 4950)); a = l.accept()[0]
p = c.getsockname()[1]
c.shutdown(socket.SHUT_RDWR); a.recv(1); a.close()
print(p, flush=True)
sys.stdin.readline()
socket.socket.connect  # AF_UNSPEC ends the association, and the socket connects elsewhere under the same cookie
import ctypes
libc = ctypes.CDLL(None); libc.connect(c.fileno(), struct.pack("H14x", 0), 16)
c.connect(("127.0.0.1", 4951)); b = m.accept()[0]
print(c.getsockname()[1], flush=True); time.sleep(600)""", )
    first = until("TIME_WAIT", lambda: row_of(name, int(line)), lambda r: r and r["state"] == "TIME_WAIT" and "since" in r)
    process.stdin.write("\n")
    process.stdin.flush()
    port = int(process.stdout.readline())
    second = until("the second life", lambda: row_of(name, port), lambda r: r and "since" in r)
    assert second["cookie"] == first["cookie"] and second["state"] == "ESTABLISHED", (first, second)
    assert moment(second) >= moment(first), (first, second)
    again = row_of(name, int(line))
    assert abs(moment(again) - moment(first)) < 0.01 and again["process"]["pid"] == process.pid, (first, again)
    end(tracer)
    end(recorder)


@test
def the_one_that_knows_more_is_asked():
    name, begin = space("two"), time.time()
    old = trace()
    _, leaver, left, kept = lives(name)
    made = (begin, time.time())
    young = trace()
    check_known(name, leaver, left, kept, begin)
    end(old)
    # The young one need not have seen when it began to be told.
    check_unknown(name, left, kept, made=made)
    end(young)


@test
def one_that_was_killed_is_forgotten():
    name = space("stale")
    tracer = trace()
    end(tracer, signal.SIGKILL)
    assert sockets() == [str(tracer.pid)]
    _, leaver, left, kept = lives(name)
    check_unknown(name, left, kept)
    assert sockets() == [], "what nobody listens on is removed"
    write("run/name", "of no process")
    check_unknown(name, left, kept)
    os.unlink(RUN + "/name")


@test
def one_that_hangs_does_not_hold_up_a_listing():
    name, begin = space("hang"), time.time()
    tracer = trace()
    _, leaver, left, kept = lives(name)
    tracer.send_signal(signal.SIGSTOP)
    start_at = time.monotonic()
    result = sockwatch("ls", "--netns", "/run/netns/" + name)
    took = time.monotonic() - start_at
    assert result.returncode == 0 and ":4950 " in result.stdout, result
    assert "process %d does not answer in time" % tracer.pid in result.stderr and took < 5, (took, result.stderr)
    tracer.send_signal(signal.SIGCONT)
    check_known(name, leaver, left, kept, begin)
    end(tracer)


@test
def many_that_hang_are_waited_for_at_once():
    name, begin, count = space("mute"), time.time(), 10
    os.makedirs(RUN, 0o700, exist_ok=True)
    mute = [socket.socket(socket.AF_UNIX) for _ in range(count)]
    for i, s in enumerate(mute):
        s.bind("%s/%d" % (RUN, 5000000 + i))
        s.listen()
        s.settimeout(DEADLINE)
    tracer = trace()  # the youngest, after all that hang
    _, leaver, left, kept = lives(name)

    def all_are_open():
        """The last is connected to while none of the others has been given up; the knowledge of the real trace is there."""
        asker = subprocess.Popen([SOCKWATCH, "ls", "-o", "json", "--netns", "/run/netns/" + name, "-L", str(left)],
                                 stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        started.append(asker)
        peers = [s.accept()[0] for s in mute]
        poll = select.poll()
        for peer in peers:
            poll.register(peer, 0)  # POLLHUP: the other end is closed
        ended = poll.poll(0)
        out, said = asker.communicate(timeout=DEADLINE)
        for peer in peers:
            peer.close()
        assert asker.returncode == 0 and out, (asker.returncode, out, said, ended)
        row = json.loads(out)
        return not ended, asker.returncode, said.count("does not answer in time"), (row["process"] or {}).get("pid")

    # Where this process gets no processor for a while, they are given up before it looks.
    until("ten connections at once, and what the trace knows", all_are_open, lambda seen: seen == (True, 0, count, leaver))
    for i, s in enumerate(mute):
        s.close()
        os.unlink("%s/%d" % (RUN, 5000000 + i))
    end(tracer)


def talk(path, send, uid=0):
    """What a peer gets that runs as `uid`."""
    code = "import os,socket,sys\nos.setgid(%d); os.setuid(%d)\ns=socket.socket(socket.AF_UNIX); s.settimeout(20)\n" \
           "try:\n s.connect(sys.argv[1]); s.sendall(bytes.fromhex(sys.argv[2]))\n b=b''\n" \
           " while True:\n  d=s.recv(65536)\n  if not d: break\n  b+=d\n print(b.hex())\n" \
           "except (PermissionError, BrokenPipeError, ConnectionResetError) as e: print('' if 'b' in dir() else type(e).__name__)\n" % (uid, uid)
    return subprocess.run([sys.executable, "-c", code, path, send.hex()], capture_output=True, text=True, timeout=60).stdout.strip()


@test
def only_root_may_ask():
    tracer = trace()
    path = "%s/%d" % (RUN, tracer.pid)
    question = struct.pack("=IHHIIQ", 0x53504b57, VERSION, 16, 1, 0, 1)
    hello = "010010000000000057" if sys.byteorder == "little" else ""
    assert talk(path, question).startswith(hello) and talk(path, question), talk(path, question)
    assert talk(path, question, 65534) == "PermissionError"
    os.chmod(RUN, 0o755)
    os.chmod(path, 0o777)
    assert talk(path, question, 65534) in ("", "ConnectionResetError", "BrokenPipeError")
    name = space("other")
    _, leaver, left, kept = lives(name)
    check_unknown(name, left, kept)  # nor is anybody asked where others can put a socket
    os.chmod(RUN, 0o700)
    end(tracer)


@test
def bad_questions_end_and_the_trace_goes_on():
    tracer = trace()
    path = "%s/%d" % (RUN, tracer.pid)
    head = lambda count, version=VERSION, size=16, rest=0: struct.pack("=IHHII", 0x53504b57, version, size, count, rest)
    for bad in (b"\0" * 16, head(0), head(1000001), head(1, VERSION + 1), head(1, VERSION, 15), head(1, VERSION, 16, 9), head(1) + b"\0" * 8,
                head(1) + b"\1" * 17, b"GET / HTTP/1.0\r\n\r\n"):
        answer = talk(path, bad)
        assert len(answer) <= 32, (bad, answer)
    slow = socket.socket(socket.AF_UNIX)
    slow.connect(path)
    slow.send(b"WKP")
    name, begin = space("slow"), time.time()
    _, leaver, left, kept = lives(name)
    check_known(name, leaver, left, kept, begin)  # one that stays silent is dropped
    slow.close()
    end(tracer)
    assert tracer.returncode == 0


@test
def liars_are_not_believed():
    name = space("liar")
    _, leaver, left, kept = lives(name)
    os.makedirs(RUN, 0o700, exist_ok=True)
    path = RUN + "/%d" % os.getpid()
    hello = struct.pack("=HHIIHH", 1, 16, 0, 0x53504b57, VERSION, 0)
    good = sockwatch("ls", "--netns", "/run/netns/" + name).stdout
    for answer, words in ((b"\xff" * 64, "another version"), (struct.pack("=HHIIHH", 1, 16, 0, 0x53504b57, 9, 0), "another version"),
                          (hello + b"\2\0\x70\0" + b"\0" * 300, "another version"), (hello + hello, "another version"),
                          (hello, ""), (b"", "")):
        # One that gets no processor in time is told so, whatever it would have said.
        code, out, said = until("what is said of %r" % answer, lambda: lie(path, name, answer), lambda r: "in time" not in r[2])
        assert code == 0 and out == good and words in said, (answer, out, said)


def lie(path, name, answer):
    server = socket.socket(socket.AF_UNIX)
    server.bind(path)
    server.listen()
    asker = subprocess.Popen([SOCKWATCH, "ls", "--netns", "/run/netns/" + name], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    started.append(asker)
    peer = server.accept()[0]
    try:
        peer.recv(65536)
        peer.sendall(answer)
    except OSError:
        pass
    peer.close()
    out, said = asker.communicate(timeout=DEADLINE)
    server.close()
    os.unlink(path)
    return asker.returncode, out, said


@test
def what_is_no_store_is_refused():
    text = write("text", "not a store\n" * 100)
    for args in (["ls"], ["who", "80"], ["ls", "-o", "json"]):
        for file in (text, os.path.join(work, "missing")):
            result = sockwatch(*args, "--store", file)
            assert result.returncode == 2 and result.stdout == "" and result.stderr.count("\n") == 1, result
            assert file in result.stderr, result.stderr
    assert open(text).read() == "not a store\n" * 100 and not os.path.exists(os.path.join(work, "missing"))


@test
def many_sockets_are_told_while_the_trace_goes_on():
    name = space("many")
    tracer = trace()
    process = start(name, sys.executable, HERE + "/many.py", "4000", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    first_line("the sockets of many.py", process, process.stdout, "ready")
    rows = until("since when each is there", lambda: listed("--netns", "/run/netns/" + name, "--state", "established"),
                 lambda rows: all("since" in r for r in rows))
    assert len(rows) == 4000, len(rows)
    end(tracer)
    assert tracer.returncode == 0, "events were lost"


@test
def every_command_names_the_namespace():
    name, store = space("named"), os.path.join(work, "named.store")
    text, lines = os.path.join(work, "named.txt"), os.path.join(work, "named.json")
    running = [watcher("record", "--store", store), watcher("trace", "-v", "--output", text),
               watcher("trace", "-o", "json", "--output", lines)]
    _, _, _, kept = lives(name)
    place, mine = "127.0.0.1:%d" % kept, lambda o: o.get("netns") == inode(name)
    until("the connection", lambda: open(text).read(), lambda t: place in t)
    assert row_of(name, kept)["netns_name"] == name
    spaces = [json.loads(l) for l in sockwatch("ephemeral", "-o", "json").stdout.splitlines()]
    assert {o.get("netns_name") for o in filter(mine, spaces)} == {name}, spaces
    assert "network namespace %s %d\n" % (name, inode(name)) in sockwatch("ephemeral").stdout
    for process in running:
        end(process)
    check_names(name, mine, place, open(text).read(), open(lines).read())
    words = ["history", "--store", store]
    check_names(name, mine, place, sockwatch(*words).stdout, sockwatch(*words, "-o", "json").stdout)


def check_names(name, mine, place, text, lines):
    rows = [r for r in text.splitlines() if place + " " in r and ":4950 " in r]
    wrong = [r for r in rows if not r.endswith("netns " + name)]
    assert rows and not wrong, wrong
    events = [json.loads(l) for l in lines.splitlines()]
    assert any(map(mine, events)) and {e["netns_name"] for e in filter(mine, events)} == {name}, lines
    own = os.stat("/proc/self/ns/net").st_ino
    assert not any("netns_name" in e for e in events if e.get("netns") == own), lines


def status(code=0):
    result = sockwatch("status", "-o", "json")
    assert result.returncode == code, result
    return {o["pid"]: o for o in map(json.loads, result.stdout.splitlines())}


@test
def status_tells_of_each_that_runs():
    name, store, log = space("status"), os.path.join(work, "status.store"), os.path.join(work, "status.json")
    result = sockwatch("status")
    assert result.returncode == 3 and result.stdout == "" and "no sockwatch traces or records here" in result.stderr, result
    begin, recorder = time.time(), watcher("record", "--store", store)
    tracer = watcher("trace", "-o", "json", "--output", os.path.basename(log), cwd=work)
    lives(name)
    told = until("what both have told", status, lambda s: s[recorder.pid]["told"] >= 3 and s[tracer.pid]["told"] >= 5)
    assert sorted(told) == sorted((recorder.pid, tracer.pid)), told
    for process, command, file in ((recorder, "record", store), (tracer, "trace", log)):
        o = told[process.pid]
        assert (o["event"], o["command"], o["file"], o["stuck"]) == ("status", command, file, None), o
        assert begin <= moment(o) <= time.time() and o["file_bytes"] > 0 and o["sockets"] > 0 and o["lost"]["count"] == 0, o
    words = sockwatch("status")
    assert words.returncode == 0 and words.stderr == "", words
    for line in (r"record\[%d\] since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \(.*s\), sockwatch " % recorder.pid, "  into     %s, " % re.escape(store),
                 r"trace\[%d\] since " % tracer.pid, r"  lost     none$", r"  hooks    tr"):
        assert re.search("^" + line, words.stdout, re.M), (line, words.stdout)
    end(recorder)
    assert list(status()) == [tracer.pid]
    end(tracer)
    status(3)


@test
def status_counts_what_was_lost():
    name = space("lossy")
    tracer = watcher("trace", "--ring", "1M", "--events", "lost")
    tracer.send_signal(signal.SIGSTOP)
    hung = sockwatch("status")
    assert hung.returncode == 3 and "process %d does not answer in time" % tracer.pid in hung.stderr, hung
    process, _ = python(name, """
l = socket.socket(); l.bind(("127.0.0.1", 4950)); l.listen(64)
for i in range(6000):
    c = socket.create_connection(("127.0.0.1", 4950)); a = l.accept()[0]
    c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close(); a.close()
print("made", flush=True)""")
    tracer.send_signal(signal.SIGCONT)
    lost = until("the loss, and its repair", status, lambda s: s[tracer.pid]["repairs"] > 0)[tracer.pid]["lost"]
    assert lost["count"] == sum(lost[cause] for cause in ("ring", "share", "calls", "folds", "withheld", "ends", "sockets", "rows"))
    assert lost["count"] > 0 and lost["ring"] + lost["share"] > 0, lost
    words = sockwatch("status").stdout
    assert re.search(r"^  lost     \d+, the table was looked up anew", words, re.M) and "--ring" in words, words
    tracer.send_signal(signal.SIGINT)
    said = tracer.stderr.read()
    assert tracer.wait(timeout=DEADLINE) == 4, said
    assert int(re.search(r"(\d+) facts lost", said)[1]) >= lost["count"], (lost, said)


@test
def history_finds_the_recorder_that_runs():
    if os.path.exists("/var/lib/sockwatch/store"):
        raise Skip("this host has a store where records are kept")
    name, store = space("found"), os.path.join(work, "found.store")
    nobody = sockwatch("history", "4950")
    assert nobody.returncode == 2 and nobody.stderr.count("\n") == 1 and "--store FILE" in nobody.stderr, nobody
    tracer, recorder = trace(), watcher("record", "--store", os.path.basename(store), cwd=work)
    lives(name)
    found = until("the record", lambda: sockwatch("history", "4950", "--netns", str(inode(name)), "--json"),
                  lambda r: r.returncode == 0 and '"close"' in r.stdout)
    assert any(o["process"]["name"] == "leaver" for o in map(json.loads, found.stdout.splitlines())), found.stdout
    end(recorder)
    end(tracer)
    assert sockwatch("history", "4950").returncode == 2


@test
def who_takes_several_ports_and_names():
    name = space("names")
    process, _ = python(name, """
open("/proc/self/comm", "w").write("sw-names")
l = [socket.socket() for _ in range(2)]
for i, s in enumerate(l): s.bind(("127.0.0.1", 4960 + i)); s.listen()
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 4961))
c = socket.create_connection(("127.0.0.1", 4960)); print("made", flush=True); time.sleep(600)""")
    where = ("--netns", "/run/netns/" + name)

    def ports(*args):
        result = sockwatch("who", *args, *where, "-o", "json")
        return result.returncode, [(o["proto"], o["local"]["port"], o["state"] if "state" in o else None)
                                   for o in map(json.loads, result.stdout.splitlines())], result.stderr
    code, seen, said = ports("sw-names")
    assert code == 0 and said == "", said
    assert sorted(set(seen), key=str) == [("tcp", 4960, "ESTABLISHED"), ("tcp", 4960, "LISTEN"), ("tcp", 4961, "LISTEN"), ("udp", 4961, None)], seen
    code, seen, said = ports("tcp/4961", "4962", "4960")
    assert code == 0 and said == "sockwatch: nobody has 4962\n" and seen[0] == ("tcp", 4961, "LISTEN") and len(seen) == 3, (seen, said)
    assert ports("4962", "4963")[0] == 3
    text = sockwatch("who", "sw-names", *where).stdout
    assert text.count("  process     sw-names[%d]" % process.pid) == 3 and "\n\n" in text, text
    none = sockwatch("who", "sw-nobody", *where)
    assert none.returncode == 3 and none.stdout == "" and "'sw-nobody' waits for peers" in none.stderr, none
    rows = [(o["proto"], o["local"]["port"]) for o in listed("-l", *where)]
    assert sorted(rows) == [("tcp", 4960), ("tcp", 4961), ("udp", 4961)], rows


run_tests()
