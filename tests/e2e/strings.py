# SPDX-License-Identifier: GPL-2.0-only
"""strings.py SOCKWATCH: names that are none, from every source, and what the program prints of them.

Runs in a mount and a network namespace of its own (strings.sh).  Each source is fed with each of HOSTILE as far as the kernel or the
file lets it through; each output is read by a parser that forgives nothing."""
import ctypes, html.parser, sqlite3, threading
from listing import *  # noqa: F403

BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
HOSTILE = [
    b'a"b', b"a\\b\\", b"a'b`c$d%s%n", b"\x01\x07\x08\x7f", b"\x1b[2J\x1b]0;t\x07", "\x9b31m\x85".encode(), b"\xff\xfe\x80",
    b"\xc0\xaf\xe0\x80\xaf", b"\xed\xa0\x80\xed\xb0\x80", "\u2028\u2029".encode(), BIDI[:6].encode(), BIDI[6:].encode(),
    "\u200b\u200d\u2060\ufeff\u3164".encode(), b"<b>&lt;</b>", b"</pre><script>", b"a\nb\rc\td e", b"\xf0\x9f\x90\xa7\xe6\x97\xa5", b"x\0y",
]
LONG = (b'"\x1b\xff\\\xe2\x80\xae' * 1000)[:4000]
TAGS = set(("html head meta title style body main h1 h2 h3 p ul li b br small pre figure figcaption details summary div table caption thead "
           "tbody tr th td svg defs pattern rect polyline span i").split())


# ---- judges ----

def judge_json(data):
    """Objects, one a line; nothing that a terminal obeys or turns around."""
    rows = []
    for line in data.split(b"\n")[:-1]:
        text = line.decode("utf-8", "strict")
        rows.append(json.loads(text, strict=True))
        assert all(c.isprintable() or c == "\ufffd" for c in text), ascii(text)
    assert not data or data.endswith(b"\n"), data[-80:]
    if shutil.which("jq"):
        result = subprocess.run(["jq", "-c", "."], input=data, capture_output=True, timeout=60)
        assert result.returncode == 0, result.stderr
        assert result.stdout.count(b"\n") == len(rows)
    return rows


def judge_text(data):
    text = data.decode("utf-8", "strict")
    bad = [c for c in text if c != "\n" and not c.isprintable()]
    assert not bad, "%s in %s" % (ascii(bad[:5]), ascii(text[:300]))
    assert not text or text.endswith("\n")
    return text.split("\n")[:-1]


class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.seen = set()

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)

    def handle_decl(self, decl):
        assert decl == "doctype html", decl

    def unknown_decl(self, data):
        raise AssertionError(data)


def judge_html(data):
    page = Page()
    page.feed(data.decode("utf-8", "strict"))
    page.close()
    assert page.seen <= TAGS, page.seen - TAGS


def judge_journal(data):
    fields = {}
    while data:
        name, sep, rest = data.partition(b"\n") if b"\n" in data and b"=" not in data.split(b"\n", 1)[0] else data.partition(b"=")
        assert re.fullmatch(rb"[A-Z][A-Z0-9_]*", name), name
        if sep == b"=":
            value, end, data = rest.partition(b"\n")
            assert end
        else:
            size = struct.unpack("<Q", rest[:8])[0]
            value, data = rest[8:8 + size], rest[8 + size + 1:]
            assert rest[8 + size:8 + size + 1] == b"\n"
        fields.setdefault(name, value)
    assert b"MESSAGE" in fields
    judge_text(fields[b"MESSAGE"] + b"\n")
    return fields


def run(*args, env=None, cwd=None, codes=(0,)):
    """What is on stderr is words, whole lines that a terminal may show."""
    result = subprocess.run([os.fsencode(SOCKWATCH), *[os.fsencode(a) for a in args]], capture_output=True, timeout=60,
                            env=env, cwd=cwd)
    assert result.returncode in codes, (args, result.returncode, result.stderr[-300:])
    for line in judge_text(result.stderr):
        assert line.startswith("sockwatch: "), ascii(line)
    return result


def look(*args, rows=None):
    """A listing as JSON and as text: as many rows in each, of namespaces in which nothing happens meanwhile."""
    if "--netns" not in args and "-L" not in args:
        args += ("--netns", "self")
    objects = judge_json(run("ls", "-o", "json", *args).stdout)
    lines = judge_text(run("ls", "-H", *args).stdout)
    want = sum(max(1, len(o["holders"])) for o in objects)
    assert len(lines) == want, "%d lines for %d rows" % (len(lines), want)
    if rows is not None:
        assert len(objects) >= rows, "%d of %d" % (len(objects), rows)
    return objects, lines


def who(port):
    judge_json(run("who", "-o", "json", str(port)).stdout)
    return judge_text(run("who", str(port)).stdout)


# ---- processes with sockets ----

HELPER = """
import ctypes, os, signal, socket, sys
port, uid, addr, name = int(sys.argv[1]), int(sys.argv[2]), sys.argv[3], bytes.fromhex(sys.argv[4])
s = socket.socket(socket.AF_INET6 if ":" in addr else socket.AF_INET)
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(socket.getaddrinfo(addr, port, type=socket.SOCK_STREAM)[0][4])
s.listen(256)
if name:
    ctypes.CDLL(None).prctl(15, name, 0, 0, 0)
if uid:
    os.setresuid(uid, uid, uid)
print("ready", flush=True)
signal.pause()
"""


def serve(port, uid=0, addr="127.0.0.1", comm=b"", args=(), netns=None):
    prefix = ["nsenter", "--net=" + netns] if netns else []
    process = subprocess.Popen([*prefix, sys.executable, "-c", HELPER, str(port), str(uid), addr, comm.hex(), *args],
                               stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, start_new_session=True)
    started.append(process)
    watchers.append(process)
    assert process.stdout.readline() == b"ready\n", "the server did not start"
    return process


def replace(path, data):
    """Other bytes in a file of /etc, for this mount namespace."""
    copy = os.path.join(work, path.replace("/", "_"))
    with open(copy, "wb") as file:
        file.write(data)
    os.chmod(copy, 0o644)
    if not os.path.exists(path):
        raise Skip(path + " is not there to be replaced")
    subprocess.run(["mount", "--bind", copy, os.path.realpath(path)], check=True)


def in_line(name):
    """A word of a file of words."""
    return not set(name) & set(b" \t\n\r\0#")


# ---- tests ----

@test
def services():
    names = [n for n in HOSTILE + [LONG] if in_line(n)]
    replace("/etc/services", b"".join(b"%s %d/tcp alias%d\n" % (n, 20000 + i, i) for i, n in enumerate(names)) +
            b"".join(n + b"\n" for n in HOSTILE))
    for i in range(len(names)):
        serve(20000 + i)
    objects, _ = look("--services", rows=len(names))
    told = {o["local"]["port"]: o["service"] for o in objects}
    assert told[20000] == 'a"b,alias0', told
    for i, name in enumerate(names):
        if name.isascii():
            assert told[20000 + i] == "%s,alias%d" % (name.decode(), i), (name, told[20000 + i])
    who(20000)
    run("ls", "-i", b":" + names[0], codes=(0, 2))


@test
def users():
    names = [n for n in HOSTILE + [LONG[:900]] if in_line(n) and b":" not in n]
    replace("/etc/passwd", b"root:x:0:0:root:/root:/bin/sh\n" +
            b"".join(b"%s:x:%d:0::/:\n" % (n, 30000 + i) for i, n in enumerate(names)))
    for i in range(len(names)):
        serve(20100 + i, uid=30000 + i)
    look(rows=len(names))
    for i in range(len(names)):
        assert any(", user " in line for line in who(20100 + i)), names[i]
    run("ls", "-U", names[0])
    run("ls", "-U", b"no\x1bbody\n", codes=(2,))


@test
def hosts():
    names = [n for n in HOSTILE + [LONG] if in_line(n)]
    replace("/etc/hosts", b"".join(b"127.0.1.%d %s\n" % (i + 1, n) for i, n in enumerate(names)))
    for i in range(len(names)):
        serve(20200, addr="127.0.1.%d" % (i + 1))
    _, lines = look("-r", "-L", "20200", rows=len(names))
    assert any('a"b:20200' in line for line in lines), lines


def dns_server(names, stop):
    """Answers question number i (127.0.2.i+1) with names[i] in labels as long as they may be, then with more than fits."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind(("127.0.0.1", 53))
    s.settimeout(0.2)
    while not stop.is_set():
        try:
            ask, peer = s.recvfrom(1500)
        except TimeoutError:
            continue
        i = int(ask[13:13 + ask[12]]) - 1
        name = names[i % len(names)]
        labels = b"".join(bytes([len(name[k:k + 63])]) + name[k:k + 63] for k in range(0, len(name), 63)) + b"\0"
        s.sendto(ask[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + ask[12:] + b"\xc0\x0c\0\x0c\0\1\0\0\0\5" +
                 struct.pack(">H", len(labels)) + labels, peer)


@test
def dns_answers():
    replace("/etc/hosts", b"\n")
    replace("/etc/resolv.conf", b"nameserver 127.0.0.1\n")
    names, stop = [n for n in HOSTILE] + [LONG[:240], LONG[:1000]], threading.Event()
    server = threading.Thread(target=dns_server, args=(names, stop))
    server.start()
    try:
        for i in range(len(names)):
            serve(20300, addr="127.0.2.%d" % (i + 1))
        _, lines = look("-r", "-L", "20300", rows=len(names))
    finally:
        stop.set()
        server.join()
    assert any('a"b:20300' in line for line in lines), lines


@test
def commands_and_arguments():
    for i, name in enumerate(HOSTILE):
        serve(20400 + i, comm=name.split(b"\0")[0], args=[name.replace(b"\0", b" "), LONG])
    objects, _ = look(rows=len(HOSTILE))
    assert any(o["process"] and o["process"]["name"] == 'a"b' for o in objects), objects[:1]
    for i in range(len(HOSTILE)):
        assert any(line.startswith("  command ") for line in who(20400 + i))
    judge_text(run("ephemeral").stdout)
    judge_json(run("ephemeral", "-o", "json").stdout)
    judge_html(run("ephemeral", "-o", "html").stdout)
    run("ls", "-c", HOSTILE[0])


def connect_to_itself(port):
    """A client whose process has a hostile name, and the ports it chooses."""
    code = """
import ctypes, socket, sys
for name in sys.argv[2:]:
    ctypes.CDLL(None).prctl(15, bytes.fromhex(name), 0, 0, 0)
    c = socket.create_connection(("127.0.0.1", int(sys.argv[1])))
    c.close()
    s = socket.socket()
    try:
        s.bind(("127.0.0.1", int(sys.argv[1])))
    except OSError:
        pass
"""
    subprocess.run([sys.executable, "-c", code, str(port), *[n.split(b"\0")[0].hex() for n in HOSTILE]], check=True,
                   timeout=60)


def traced(*args):
    """What a trace says of connections and failed binds by processes with such names."""
    serve(20500, comm=b'li\x1b"\\\xff')
    process = subprocess.Popen([SOCKWATCH, "trace", "--netns", "self", *args], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True)
    started.append(process)
    line = process.stderr.readline()
    assert line.startswith(b"sockwatch: tracing"), line
    connect_to_itself(20500)
    end = socket.create_connection(("127.0.0.1", 20500))
    end.close()
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    judge_text(line + err)
    assert process.returncode in (0, 4), (process.returncode, err[-300:])
    return out


@test
def events():
    rows = judge_json(traced("-o", "json"))
    names = {r["process"]["name"] for r in rows if r.get("process")}
    assert 'a"b' in names and "a\\b\\" in names, names
    assert any(r.get("error") == "EADDRINUSE" and r["holders"] for r in rows), "no failed bind"


def events_in_names_of_others(form, process, error):
    rows = judge_json(traced("-o", form))
    names = {process(r) for r in rows}
    assert 'a"b' in names and "a\\b\\" in names, names
    assert any(error(r) == "EADDRINUSE" for r in rows), "no failed bind"
    judge_json(run("ls", "-o", form).stdout)


@test
def events_in_ecs():
    events_in_names_of_others("ecs", lambda r: r.get("process", {}).get("name"), lambda r: r.get("error", {}).get("code"))


@test
def events_in_otel():
    events_in_names_of_others("otel", lambda r: r["Attributes"].get("process.title"), lambda r: r["Attributes"].get("error.type"))


@test
def events_in_text():
    lines = judge_text(traced())
    assert any(' a"b[' in line for line in lines) and any("EADDRINUSE" in line for line in lines), lines[:5]


@test
def events_in_the_journal():
    folder = os.path.join(work, "journal")
    os.mkdir(folder)
    os.makedirs("/run/systemd/journal", exist_ok=True)
    subprocess.run(["mount", "--bind", folder, "/run/systemd/journal"], check=True)
    receiver = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    receiver.bind("/run/systemd/journal/socket")
    receiver.settimeout(0.2)
    entries, stop = [], threading.Event()

    def receive():
        while not stop.is_set():
            try:
                entries.append(receiver.recv(1 << 16))
            except TimeoutError:
                pass
    thread = threading.Thread(target=receive)
    thread.start()
    try:
        traced("--journal")
        until("entries", lambda: any(b"EADDRINUSE" in e for e in entries))
    finally:
        stop.set()
        thread.join()
    names = {judge_journal(e).get(b"SOCKWATCH_COMM") for e in entries}
    assert b'a"b' in names and b"a\nb\rc\td e" in names, names


@test
def namespaces():
    folder = os.path.join(work, "netns")
    os.mkdir(folder)
    os.makedirs("/run/netns", exist_ok=True)
    subprocess.run(["mount", "--bind", folder, "/run/netns"], check=True)
    names = [n.replace(b"/", b"_").split(b"\0")[0] for n in HOSTILE] + [LONG[:255].replace(b"/", b"_")]
    for i, name in enumerate(names):
        path = b"/run/netns/" + name
        open(path, "w").close()
        subprocess.run([b"unshare", b"--net=" + path, b"ip", b"link", b"set", b"lo", b"up"], check=True)
        serve(20600 + i, netns=path.decode("utf-8", "surrogateescape"))
    try:
        for i, name in enumerate(names):
            assert any("in network namespace" in line for line in who(20600 + i)), name
            look("--netns", name, rows=1)
    finally:
        settle()
        for name in names:
            subprocess.run([b"umount", b"-l", b"/run/netns/" + name], check=True)
            os.unlink(b"/run/netns/" + name)
    run("ls", "--netns", b"no\x1b[31m\nsuch", codes=(2,))
    run("ls", "--netns", LONG, codes=(2,))


@test
def interfaces():
    # What dev_valid_name() takes: no slash, colon or space, of which the kernel's Latin-1 has one more.
    names = [n for n in HOSTILE if in_line(n) and not set(n) & set(b"/:%\xa0") and len(n) < 16]
    # Every machine can rename its loopback interface; others need a module of the kernel.
    now, told = b"lo", []
    for name in [*names, b"lo"]:
        for command in ([b"set", now, b"down"], [b"set", now, b"name", name], [b"set", name, b"up"]):
            subprocess.run([b"ip", b"link", *command], check=True)
        now = name
        subprocess.run([b"ip", b"addr", b"replace", b"fe80::1/64", b"dev", name, b"nodad"], check=True)
        serve(20700, addr="fe80::1%1")
        told += [o["local"]["interface"] for o in look("-L", "20700", rows=1)[0]]
        who(20700)
        settle()
    assert 'a"b' in told and told[-1] == "lo" and len(told) == len(names) + 1, told


@test
def cgroups():
    mounts = [line.split() for line in open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape")]
    place = next((m[1] for m in mounts if m[2] == "cgroup2"), None)
    if not place:
        raise Skip("no cgroup2 is mounted")
    made = []
    try:
        for i, name in enumerate(n.replace(b"/", b"_") for n in HOSTILE + [LONG[:240]]):
            path = os.fsencode(place) + b"/sw%d" % os.getpid() + name.split(b"\0")[0].replace(b"\n", b"_")
            try:
                os.mkdir(path)
            except OSError as error:
                raise Skip("no cgroup can be made in %s: %s" % (place, error)) from None
            made.append(path)
            process = serve(20800 + i)
            with open(path + b"/cgroup.procs", "w") as file:
                file.write(str(process.pid))
        objects, _ = look(rows=len(made))
        told = [o["process"]["cgroup"] or "" for o in objects if o["process"]]
        assert any(t.endswith('a"b') for t in told), told
        for i in range(len(made)):
            assert any(line.startswith("  cgroup ") for line in who(20800 + i)), i
        traced("-o", "json", "--cgroup", b"/" + os.path.basename(made[0]))
    finally:
        settle()
        for path in made:
            until("an empty cgroup", lambda: not open(path + b"/cgroup.procs").read())
            os.rmdir(path)


def answer(listener, rows):
    """A tracer's answer about each TIME_WAIT: who left it has a hostile name, cgroup, container, unit, executable, arguments."""
    client, _ = listener.accept()
    with client:
        client.recv(1 << 16)
        out = struct.pack("<HHIIHH", 1, 16, 0, 0x53504b57, 4, 0)
        for i, row in enumerate(rows):
            name = HOSTILE[i % len(HOSTILE)].split(b"\0")[0]
            # cgroup, container, its name, pod, unit, executable, arguments
            texts = name * 10, LONG[:1000], name, name, name, b"/" + name, name + b"\0" + LONG[:900]
            ends = [socket.inet_aton(row[e]["addr"]) for e in ("local", "peer")]
            life = struct.pack("<QQIIIIQHHHBB16s16s15sxQIB5x7H", row["cookie"] or 1, 9, row["netns"], 99, 99, 7, 0, 6,
                               row["local"]["port"], row["peer"]["port"], 4, 31, *ends, name[:15], 5, 7, 127, *map(len, texts))
            out += struct.pack("<HHI", 2, 8 + len(life) + sum(map(len, texts)), 0) + life + b"".join(texts)
        client.sendall(out + struct.pack("<HHI", 3, 8, 0))


@test
def answers_of_a_trace():
    server = socket.create_server(("127.0.0.1", 20900))
    for _ in HOSTILE:
        client = socket.create_connection(("127.0.0.1", 20900))
        accepted = server.accept()[0]
        # The cookie is made when it is asked for, before the end.
        client.getsockopt(socket.SOL_SOCKET, 57, 8)
        client.close()
        accepted.close()
    server.close()

    def leftovers():
        rows = [r for r in judge_json(run("ls", "-o", "json", "--state", "time-wait").stdout) if r["peer"]["port"] == 20900]
        return rows if len(rows) == len(HOSTILE) else None
    rows = until("TIME_WAITs", leftovers)
    folder = os.environ["SOCKWATCH_RUN"]
    os.makedirs(folder, 0o700, exist_ok=True)
    os.chmod(folder, 0o700)
    for args, judge in ((["ls", "-o", "json"], judge_json), (["ls"], judge_text), (["who", "20900"], judge_text),
                        (["who", "-o", "json", str(rows[0]["local"]["port"])], judge_json),
                        (["who", str(rows[0]["local"]["port"])], judge_text)):
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(folder + "/77")
        listener.listen(4)
        thread = threading.Thread(target=answer, args=(listener, rows), daemon=True)
        thread.start()
        told = judge(run(*args, codes=(0, 3)).stdout)
        listener.close()
        os.unlink(folder + "/77")
        if args == ["ls", "-o", "json"]:
            names = {r["process"]["name"] for r in told if r.get("process")}
            assert 'a"b' in names, names


def stored():
    """A store of connections by processes with hostile names."""
    path = os.path.join(work, "store%d" % len(os.listdir(work)))
    serve(21000)
    process = subprocess.Popen([SOCKWATCH, "record", "--store", path, "--netns", "self"], stderr=subprocess.PIPE,
                               start_new_session=True)
    started.append(process)
    line = process.stderr.readline()
    while line and not line.startswith(b"sockwatch: tracing"):
        line = process.stderr.readline()
    assert line, "record did not start"
    connect_to_itself(21000)
    process.send_signal(signal.SIGINT)
    judge_text(process.communicate(timeout=60)[1])
    return path


def history(path, *args, codes=(0,)):
    judge_json(run("history", "--store", path, "-o", "json", *args, codes=codes).stdout)
    judge_json(run("report", "--store", path, "-o", "json", *args).stdout)
    judge_text(run("report", "--store", path, *args).stdout)
    judge_html(run("report", "--store", path, "-o", "html", *args).stdout)
    return judge_text(run("history", "--store", path, *args, codes=codes).stdout)


@test
def texts_of_a_store():
    path = stored()
    lines = history(path)
    assert any(' a"b[' in line for line in lines), lines[:5]
    db = sqlite3.connect(path)
    ids = [r[0] for r in db.execute("SELECT id FROM process")]
    names = [n.decode("utf-8", "surrogateescape") for n in HOSTILE]
    for i, row in enumerate(ids):
        name = HOSTILE[i % len(HOSTILE)]
        db.execute("UPDATE OR IGNORE process SET name=CAST(? AS TEXT),cgroup=CAST(? AS TEXT),container=CAST(? AS TEXT) WHERE id=?",
                   (name, name, LONG, row))
    db.execute("UPDATE run SET version=?", (names[4],))
    db.commit()
    db.close()
    assert len(history(path)) == len(lines)


@test
def a_schema_of_a_store():
    for i, name in enumerate([b'q"\x1b[31m', "\u202e\u2066".encode(), b"a\nb", LONG[:400]]):
        path = stored() if i == 0 else path
        copy = shutil.copy(path, path + "-%d" % i)
        db = sqlite3.connect(copy)
        db.execute("PRAGMA writable_schema=ON")
        db.execute("INSERT INTO sqlite_master VALUES('table',CAST(? AS TEXT),CAST(? AS TEXT),0,CAST(? AS TEXT))",
                   (name, name, b"CREATE TABLE " + name + b"("))
        db.commit()
        db.close()
        assert run("history", "--store", copy, codes=(1, 2)).stderr, name


@test
def paths_and_words():
    for word in [n.split(b"\0")[0] for n in HOSTILE] + [LONG]:
        for args, codes in (([word], (2,)), (["ls", word], (0, 2)), (["ls", b"--" + word], (2,)), (["ls", b"-" + word], (2, 0)),
                            (["who", word], (2, 3)), (["ls", "-i", word], (0, 2)), (["trace", "--events", word], (2,)),
                            (["trace", "--hooks", b"auto,-" + word], (2,)), (["ls", "--btf", b"/no/" + word], (2,)),
                            (["history", "--store", b"/no/" + word], (1, 2)), (["ls", "--store", b"/no/" + word], (1, 2)),
                            (["record", "--store", b"/no/" + word], (1, 2)), (["ls", "--netns", word], (2,)),
                            (["ls", "--addr", word], (2,)), (["trace", "--for", word], (2,))):
            run(*args, codes=codes)
    for word in HOSTILE[:6]:
        run("trace", "--output", b"/no/" + word, codes=(1, 2))


@test
def environment():
    serve(21100)
    for word in HOSTILE + [LONG]:
        value = word.split(b"\0")[0]
        env = {**os.environb, **{k: value for k in (b"TZ", b"NOTIFY_SOCKET", b"SOCKWATCH_RUN", b"NO_COLOR", b"COLUMNS", b"TERM",
                                                    b"LANG", b"WATCHDOG_USEC")}}
        # A relative run directory is made where the program runs.
        judge_text(run("ls", env=env, cwd=work).stdout)
        judge_json(run("ls", "-o", "json", env=env, cwd=work).stdout)


@test
def places_of_mounts():
    for i, name in enumerate([b'c"\\\x1b[1m\n\xff', BIDI.encode()]):
        place = os.fsencode(work) + b"/mount" + name
        os.mkdir(place)
        for line in open("/proc/self/mounts", encoding="utf-8", errors="surrogateescape"):
            if line.split()[2] == "cgroup2":
                subprocess.run([b"umount", b"-l", os.fsencode(line.split()[1]).decode("unicode_escape").encode("latin1")],
                               capture_output=True)
        if subprocess.run([b"mount", b"-t", b"cgroup2", b"none", place], capture_output=True).returncode:
            raise Skip("cgroup2 cannot be mounted")
        judge_text(run("features").stdout)
        rows = judge_json(run("features", "-o", "json").stdout)
        assert rows[0]["event"] == "host", rows[0]


subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
run_tests()
