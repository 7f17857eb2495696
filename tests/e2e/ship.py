# SPDX-License-Identifier: GPL-2.0-only
"""ship.py SOCKWATCH [TEST...]: see ship.sh."""
import ctypes
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
import traceback

import waiting
from fleet_server import Server

SOCKWATCH = os.path.abspath(sys.argv[1])
WORK = tempfile.mkdtemp(prefix="sockwatch-ship-")
SAMPLE = WORK + "/sample"
NOBODY = 65534
# What the kernel told nobody: not the sender's fault.
LOST = 4
TABLES = ("life", "call", "holder", "loss", "budget")
# Retries wait for a minute at most, twice.
LONG = 150
FAULTS_SECONDS = float(os.environ.get("FAULTS_SECONDS", "8"))
started = []


class Skip(Exception):
    pass


def begin(*words, env=None):
    process = subprocess.Popen([SOCKWATCH, *words], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                               env=dict(os.environ, **(env or {})))
    process.said = ""

    def read():
        for line in process.stderr:
            process.said += line
    process.reader = threading.Thread(target=read, daemon=True)
    process.reader.start()
    started.append(process)
    return process


def end(process, number=signal.SIGTERM, seconds=LONG):
    if process.poll() is None and number:
        process.send_signal(number)
    process.wait(seconds)
    process.reader.join(10)
    return process.returncode


def says(process, words, count=1):
    return waiting.until(f"{words!r} {count} times", lambda: process.said, lambda said: said.count(words) >= count, LONG)


def once(store, server, *more, code=0, env=None):
    process = begin("ship", "--store", store, "--to", server.url, "--once", *more, env=env)
    end(process, None)
    assert process.returncode == code, f"{process.returncode}, not {code}: {process.said}"
    return process.said


def connect(count):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        for _ in range(count):
            with socket.create_connection(listener.getsockname()) as client:
                listener.accept()[0].close()
                client.recv(1)


def record(store, *more):
    """Of this network namespace, which is the test's own."""
    process = begin("record", "--store", store, "--netns", "self", *more)
    says(process, "sockwatch: tracing")
    return process


def count(store, table):
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        return db.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def sample(name):
    """A store of real lives, of which a test has a copy: in a directory of its own."""
    if not os.path.exists(SAMPLE):
        process = record(SAMPLE)
        connect(60)
        for _ in range(3):
            with socket.create_server(("127.0.0.1", 0)) as held, socket.socket() as other:
                assert other.connect_ex(("127.0.0.1", 9)) or True
                try:
                    other.close()
                    socket.create_server(held.getsockname())
                except OSError:
                    pass
        end(process)
        assert count(SAMPLE, "life") >= 120, count(SAMPLE, "life")
    os.mkdir(f"{WORK}/{name}")
    shutil.copy(SAMPLE, f"{WORK}/{name}/store")
    return f"{WORK}/{name}/store"


def assert_all(store, server):
    """Each number of each table is there, once."""
    with sqlite3.connect(f"file:{store}?mode=ro", uri=True) as db:
        for table in TABLES:
            wanted = [(row[0], 1) for row in db.execute(f"SELECT {'call' if table == 'holder' else 'id'} FROM {table} ORDER BY 1")]
            found = server.numbers(table) if wanted else []
            assert found == wanted, f"{table}: {found[:5]}... {len(found)}, not {len(wanted)}"


# ---- each row once ----


def test_once():
    store, server = sample("once"), Server()
    said = once(store, server, "--host", "web 1", "--rows", "50")
    assert "rows sent so far, none waits" in said, said
    assert_all(store, server)
    columns = dict(zip(server.columns["life"], server.lines("life")[0][0]))
    assert columns["host"] == "web 1" and len(columns["store"]) == 32, columns
    with open("/etc/machine-id", encoding="ascii") as file:
        assert columns["machine_id"] == file.read().strip(), columns
    assert len(server.connections) == 1, server.connections
    inserts = server.inserts
    once(store, server)
    assert server.inserts == inserts, "something was sent again"
    server.close()


def test_killed_in_an_insert():
    store, server = sample("killed"), Server()
    for number in range(4):
        server.hold, before = threading.Event(), server.inserts
        process = begin("ship", "--store", store, "--to", server.url, "--rows", "40")
        waiting.until("an insert", lambda: server.inserts, lambda n: n > before)
        end(process, signal.SIGKILL)
        server.hold.set()
        server.hold = None
        assert number or not server.numbers("run")
    once(store, server)
    assert_all(store, server)
    server.close()


def test_server_away():
    store, server = sample("away"), Server()
    port = server.port
    server.close()
    process = begin("ship", "--store", store, "--to", server.url)
    said = says(process, "trying again")
    # What differed from one try to the next would be said each time.
    assert "does not answer" in said and str(port) in said and " ms" not in said, said
    time.sleep(1)
    server = Server(port=port)
    says(process, "again", 2)
    waiting.until("all rows", lambda: len(server.numbers("life")), lambda n: n == count(store, "life"), LONG)
    assert process.said.count("trying again") == 1, process.said
    # Lives are all there; what else there is may be under way.
    assert end(process) == 0
    once(store, server)
    assert_all(store, server)
    server.close()


def test_follows():
    store, server = WORK + "/follows", Server()
    recorder = record(store)
    process = begin("ship", "--store", store, "--to", server.url)
    for _ in range(2):
        connect(20)
        waiting.until("rows in the store", lambda: count(store, "life"), lambda n: n >= 40)
        waiting.until("all lives", lambda: len(server.numbers("life")), lambda n: n >= 40, LONG)
    end(recorder)
    # Runs go once a minute, and at the end of what --once sends.
    end(process)
    once(store, server)
    assert_all(store, server)
    runs = [dict(zip(server.columns["run"], columns)) for columns, _ in server.lines("run")]
    assert max(runs, key=lambda run: int(run["revision"]))["stopped"][:10] != "0000000000", runs
    server.close()


def test_store_not_there_yet():
    store, server = WORK + "/later", Server()
    process = begin("ship", "--store", store, "--to", server.url)
    says(process, "waiting for it")
    recorder = record(store)
    connect(5)
    waiting.until("lives", lambda: len(server.numbers("life")), lambda n: n >= 10, LONG)
    end(recorder)
    assert end(process) == 0
    assert "no such store" in once(WORK + "/never", server, code=1)
    server.close()


# ---- what is said ----


def test_refusals():
    cases = [((403, 516, "Authentication failed"), "does not let user 'default' in"),
             ((401, 0, "Code: 193, e.displayText() = wrong password"), "does not let user 'default' in"),
             ((403, 497, "Not enough privileges"), "GRANT INSERT ON fleet.*"),
             ((404, 60, "Unknown table"), "there is no table fleet.life"),
             ((404, 81, "Unknown database"), "there is no database 'fleet'"),
             ((404, 16, "No such column in table: has"), "is not as this sockwatch's schema clickhouse makes it: No such column"),
             ((404, 0, "<html>nginx"), "no ClickHouse is at this place"),
             ((302, 0, ""), "answers 302")]
    store, server = sample("refused"), Server()
    for answer, words in cases:
        server.always = answer
        said = once(store, server, code=1)
        lines = [line for line in said.splitlines() if "sending " not in line and "rows sent so far" not in line]
        assert len(lines) == 1 and words in lines[0], said
    server.always = None
    once(store, server)
    assert_all(store, server)
    server.close()


def test_refusal_is_said_once():
    store, server = sample("said"), Server()
    server.always = (404, 60, "Unknown table")
    process = begin("ship", "--store", store, "--to", server.url)
    says(process, "no table")
    inserts = server.inserts
    time.sleep(3)
    assert server.inserts == inserts == 1, "it is hammered"
    assert end(process, seconds=10) == 0
    assert process.said.count("no table") == 1, process.said
    server.close()


def test_retry_after():
    store, server = sample("busy"), Server()
    server.answers.extend([(503, 202, "Too many queries", {"Retry-After": "2"}), (429, 0, "slower", {"Retry-After": "1"}), (500, 252, "Too many parts")])
    began = time.monotonic()
    said = once(store, server)
    assert time.monotonic() - began >= 3, "it did not wait as long as it was asked to"
    assert "Too many queries" in said and "again" in said, said
    assert_all(store, server)
    server.close()


def test_old_server():
    store, server = sample("old"), Server()
    take = server.insert

    def insert(parameters, body):
        if "async_insert" in parameters:
            raise KeyError
        take(parameters, body)

    original = server.take

    def refuse(request, parameters, body):
        if "async_insert" in parameters:
            request.reply(500, 0, "Code: 115, e.displayText() = DB::Exception: Unknown setting async_insert")
        else:
            original(request, parameters, body)
    server.take, server.insert = refuse, insert
    said = once(store, server)
    assert "older than the settings" in said, said
    assert_all(store, server)
    server.close()


def test_stops_while_the_server_hangs():
    store, server = sample("hangs"), Server()
    server.hold = threading.Event()
    process = begin("ship", "--store", store, "--to", server.url)
    waiting.until("an insert", lambda: server.inserts)
    began = time.monotonic()
    assert end(process, seconds=30) == 0
    assert time.monotonic() - began < 20
    server.close()
    server = Server()
    once(store, server)
    assert_all(store, server)
    server.close()


def test_one_sender():
    store, server = sample("two"), Server()
    process = begin("ship", "--store", store, "--to", server.url)
    waiting.until("an insert", lambda: server.inserts)
    assert "another sockwatch sends" in once(store, server, code=1)
    end(process)
    server.close()


# ---- passwords and certificates ----


def test_password():
    store, server = sample("password"), Server()
    secret = WORK + "/secret"
    with open(secret, "w", encoding="utf-8") as file:
        file.write("pass word\nrest\n")
    server.hold = threading.Event()
    process = begin("ship", "--store", store, "--to", server.url, "--as", "writer", "--password-file", secret)
    waiting.until("an insert", lambda: server.inserts)
    assert server.headers["X-ClickHouse-User"] == "writer" and server.headers["X-ClickHouse-Key"] == "pass word", server.headers
    with open(f"/proc/{process.pid}/cmdline", "rb") as file:
        assert b"pass word" not in file.read()
    server.hold.set()
    server.hold = None
    end(process)
    os.mkdir(WORK + "/credentials")
    shutil.copy(secret, WORK + "/credentials/sockwatch-ship.password")
    connect(1)
    os.unlink(store + "-ship")
    once(store, server, env={"CREDENTIALS_DIRECTORY": WORK + "/credentials"})
    assert server.headers["X-ClickHouse-Key"] == "pass word", server.headers
    assert "cannot read" in once(store, server, "--password-file", WORK + "/none", code=1)
    with open(secret, "w", encoding="utf-8"):
        pass
    assert "is empty" in once(store, server, "--password-file", secret, code=1)
    server.close()


def make_certificates():
    run = lambda *words: subprocess.run(words, check=True, cwd=WORK, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # noqa: E731
    if not shutil.which("openssl"):
        raise Skip("no openssl on this machine")
    run("openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", "ca.key", "-out", "ca.pem", "-subj", "/CN=ca", "-days", "2")
    run("openssl", "req", "-newkey", "rsa:2048", "-nodes", "-keyout", "key.pem", "-out", "csr.pem", "-subj", "/CN=db")
    with open(WORK + "/names", "w", encoding="ascii") as file:
        file.write("subjectAltName=IP:127.0.0.1,DNS:localhost\n")
    run("openssl", "x509", "-req", "-in", "csr.pem", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-out", "cert.pem", "-extfile", "names",
        "-days", "2")


def test_tls():
    make_certificates()
    store, server = sample("tls"), Server(tls=(WORK + "/cert.pem", WORK + "/key.pem"))
    said = once(store, server, code=1)
    assert "is not trusted" in said and "--ca" in said, said
    assert not server.inserts
    once(store, server, "--ca", WORK + "/ca.pem")
    assert_all(store, server)
    assert "cannot read the certificates" in once(store, server, "--ca", WORK + "/none.pem", code=1)
    server.close()


# ---- rights ----


def status(pid):
    try:
        with open(f"/proc/{pid}/status", encoding="ascii", errors="replace") as file:
            return dict(line.rstrip("\n").split(":\t", 1) for line in file if ":\t" in line)
    except (ProcessLookupError, FileNotFoundError):
        return {}


def assert_no_rights(pid):
    seen = status(pid)
    caps = {name: int(seen[name], 16) for name in ("CapEff", "CapPrm", "CapInh", "CapAmb", "CapBnd")}
    assert not any(caps.values()) and seen["NoNewPrivs"] == "1" and seen["Seccomp"] == "2", (caps, seen["NoNewPrivs"], seen["Seccomp"])


def refused_calls():
    try:
        log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    except OSError:
        return None
    lines = []
    try:
        while True:
            try:
                lines.append(os.read(log, 8192))
            except BlockingIOError:
                return [line for line in lines if b"type=1326" in line and b'comm="sockwatch"' in line]
            except BrokenPipeError:
                pass
    finally:
        os.close(log)


def has_landlock():
    return ctypes.CDLL(None).syscall(444, None, ctypes.c_size_t(0), ctypes.c_uint32(1)) > 0


def test_no_rights():
    """Held in an insert it has none, as another user where the store is another's; and nothing that it needs is refused."""
    store, server = sample("rights"), Server()
    os.chmod(WORK, 0o755)
    os.chown(os.path.dirname(store), NOBODY, NOBODY)
    os.chown(store, NOBODY, NOBODY)
    before = refused_calls()
    server.hold = threading.Event()
    process = begin("ship", "--store", store, "--to", f"http://localhost:{server.port}/fleet", "--once", *(["--strict"] if has_landlock() else []))
    waiting.until("an insert", lambda: server.inserts)
    assert_no_rights(process.pid)
    assert status(process.pid)["Uid"].split() == [str(NOBODY)] * 4, status(process.pid)["Uid"]
    server.hold.set()
    end(process, None)
    assert process.returncode == 0, process.said
    assert_all(store, server)
    assert {os.stat(f"{os.path.dirname(store)}/{name}").st_uid for name in os.listdir(os.path.dirname(store))} == {NOBODY}
    after = refused_calls()
    assert before is None or after is None or set(after) <= set(before), [line for line in after if line not in before][:3]
    server.close()


def test_as_the_unit_does():
    """A user of its own, who may read the recorder's store by a group, write FILE-sent, and whose FILE-ship lies elsewhere."""
    user, group = 4002, 5001
    place, state, server = WORK + "/recorder", WORK + "/state", Server()
    os.chmod(WORK, 0o755)
    os.mkdir(place)
    os.chown(place, 0, group)
    os.chmod(place, 0o2750)
    os.mkdir(state, 0o750)
    os.chown(state, user, group)
    os.symlink(state + "/store-ship", place + "/store-ship")
    with open(place + "/store-sent", "wb"):
        pass
    os.chown(place + "/store-sent", 0, group)
    os.chmod(place + "/store-sent", 0o660)
    recorder = record(place + "/store", "--keep", "16MiB")
    sender = subprocess.Popen(["setpriv", "--reuid", str(user), "--regid", str(group), "--clear-groups", "--inh-caps=-all", "--bounding-set=-all",
                               "--no-new-privs", SOCKWATCH, "ship", "--store", place + "/store", "--to", server.url],
                              stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    started.append(sender)
    connect(20)
    waiting.until("lives", lambda: len(server.numbers("life")), lambda n: n >= 40, LONG)
    assert_no_rights(sender.pid)
    sender.terminate()
    said = sender.communicate(timeout=LONG)[1]
    assert sender.returncode == 0 and "-sent:" not in said, said
    assert end(recorder) in (0, LOST), recorder.said
    with open(place + "/store-sent", encoding="ascii") as file:
        assert int(file.read().split()[3]) >= 40
    assert sorted(os.listdir(place)) == ["store", "store-lock", "store-sent", "store-ship"], os.listdir(place)
    assert {os.stat(f"{state}/{name}").st_uid for name in os.listdir(state)} == {user} and "store-ship" in os.listdir(state)
    server.close()


def test_no_store_without_rights():
    """The store of another user is refused with the reason, and left alone."""
    store, server = sample("theirs"), Server()
    os.chmod(os.path.dirname(store), 0o755)
    os.chmod(store, 0o600)
    process = subprocess.run(["setpriv", "--reuid", str(NOBODY), "--clear-groups", SOCKWATCH, "ship", "--store", store, "--to", server.url, "--once"],
                             stderr=subprocess.PIPE, text=True, check=False, timeout=LONG)
    assert process.returncode == 1 and "cannot write to" in process.stderr and os.listdir(os.path.dirname(store)) == ["store"], process.stderr
    server.close()


def test_full_disk():
    """The server has taken it and the cursor cannot be told: once it can, nothing is lost and nothing sent again."""
    place = WORK + "/small"
    os.mkdir(place)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8m", "none", place], stderr=subprocess.DEVNULL, check=False).returncode:
        raise Skip("no tmpfs can be mounted")
    try:
        shutil.copy(sample("full"), place + "/store")
        store, server = place + "/store", Server()
        server.hold = threading.Event()
        process = begin("ship", "--store", store, "--to", server.url)
        waiting.until("an insert", lambda: server.inserts)
        with open(place + "/filler", "wb", buffering=0) as filler:
            try:
                while filler.write(bytes(4096)):
                    pass
            except OSError:
                pass
        server.hold.set()
        server.hold = None
        said = says(process, "full")
        assert "disk is full; trying again" in said, said
        assert server.inserts == 1, "the server has it, and it is sent again"
        os.unlink(place + "/filler")
        waiting.until("all lives", lambda: len(server.numbers("life")), lambda n: n == count(store, "life"), LONG)
        end(process)
        once(store, server)
        assert_all(store, server)
        server.close()
    finally:
        subprocess.run(["umount", "-l", place], check=False)


def spread(most):
    """1 ... most, each once, evenly over all however few are taken."""
    bits = max(1, most.bit_length())
    for i in range(1 << bits):
        at = int(format(i, f"0{bits}b")[::-1], 2)
        if at < most:
            yield at + 1


def test_failing_calls():
    """The Nth allocation, descriptor or write fails: never a crash or a hang, silence neither; and then all is there once."""
    inject = os.path.join(os.path.dirname(SOCKWATCH), "tests/faults/inject")
    if not os.path.exists(inject):
        raise Skip("no inject: make build/tests/faults/inject build/tests/faults/preload.so")
    store, server = sample("faulty"), Server()
    report = WORK + "/report"
    for kind, code in (("alloc", 12), ("fd", 24), ("file", 28)):
        over, runs, hits, places = time.monotonic() + FAULTS_SECONDS, 0, 0, None
        while runs < 4 or time.monotonic() < over:
            # The first finds out how many there are.
            number = next(places, None) if places else 1000000
            if number is None:
                break
            for ending in ("-ship", "-ship-wal", "-ship-shm"):
                if runs % 10 == 0 and os.path.exists(store + ending):
                    os.unlink(store + ending)
            run = subprocess.run([inject, "-k", kind, "-n", f"{number}-{number}", "-e", str(code), "-t", "90", "-r", report, SOCKWATCH, "ship",
                                  "--store", store, "--to", server.url, "--once", "--rows", "30"],
                                 stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False, timeout=LONG)
            if run.returncode == 77:
                raise Skip(run.stderr.strip())
            with open(report, encoding="utf-8", errors="replace") as file:
                words = file.read().split()
            found, hit, how, ended = int(words[1]), int(words[3]), words[4], int(words[5])
            said = [line for line in run.stderr.splitlines() if "sending " not in line and "rows sent so far" not in line]
            assert how == "exit" and ended in (0, 1), (kind, number, words, run.stderr)
            assert ended == 0 or said, (kind, number, words, "it said nothing")
            runs, hits, places = runs + 1, hits + hit, places or spread(found)
        assert hits >= 3, (kind, runs, hits)
        print(f"# {kind}: {runs} runs, {hits} calls failed, of {found}", flush=True)
    once(store, server)
    assert_all(store, server)
    server.close()


# ---- record --to ----


def children(pid):
    with open(f"/proc/{pid}/task/{pid}/children", encoding="ascii") as file:
        return [int(word) for word in file.read().split()]


def courier(process):
    """The one of its children that has no capability."""
    return waiting.until("the child without rights", lambda: [pid for pid in children(process.pid) if status(pid).get("CapPrm", "1").strip("0") == ""])[0]


def test_record_to():
    store, server = WORK + "/to", Server()
    process = record(store, "--to", server.url, "--host", "here", "--listen", f"unix:{WORK}/metrics")
    assert "sending to" in process.said, process.said
    child = courier(process)
    assert_no_rights(child)
    connect(30)
    waiting.until("lives", lambda: len(server.numbers("life")), lambda n: n >= 60, LONG)
    shown = json.loads(subprocess.run([SOCKWATCH, "status", "-o", "json"], stdout=subprocess.PIPE, check=True).stdout.splitlines()[-1])
    assert shown["sending"]["to"] == server.url.rsplit("/", 1)[0] and shown["sending"]["rows"] >= 60 and shown["sending"]["why"] is None, shown
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(LONG)
        client.connect(WORK + "/metrics")
        client.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
        text = b""
        while more := client.recv(65536):
            text += more
    metrics = dict(line.rsplit(" ", 1) for line in text.decode().splitlines() if line.startswith("sockwatch_ship_"))
    assert float(metrics["sockwatch_ship_rows_total"]) >= 60 and float(metrics["sockwatch_ship_failures_total"]) == 0, metrics
    assert {"sockwatch_ship_batches_total", "sockwatch_ship_waiting_rows", "sockwatch_ship_lag_seconds"} <= set(metrics), metrics
    connect(30)
    assert end(process) in (0, LOST), process.said
    assert_all(store, server)
    with open(store + "-sent", encoding="ascii") as file:
        told = int(file.read().split()[3])
    assert told == max(number for number, _ in server.numbers("life") + server.numbers("call")), told
    assert not status(child), "the child is still there"
    server.close()


def test_record_to_goes_on_alone():
    store, server = WORK + "/alone", Server()
    process = record(store, "--to", server.url)
    os.kill(courier(process), signal.SIGKILL)
    says(process, "the process that sends has ended")
    connect(10)
    waiting.until("lives in the store", lambda: count(store, "life"), lambda n: n >= 20)
    assert end(process) == 1, process.said
    once(store, server)
    assert_all(store, server)
    server.close()


def test_record_is_killed():
    store, server = WORK + "/dead", Server()
    process = record(store, "--to", server.url)
    child = courier(process)
    connect(10)
    waiting.until("lives in the store", lambda: count(store, "life"), lambda n: n >= 20)
    end(process, signal.SIGKILL)
    waiting.until("the child's end", lambda: status(child), lambda seen: not seen or seen["State"][0] == "Z")
    once(store, server)
    assert_all(store, server)
    server.close()


def test_record_to_nowhere():
    """What cannot begin ends the recorder with one line; a server that is away does not."""
    process = begin("record", "--store", WORK + "/nowhere", "--to", "http://127.0.0.1:9/x", "--password-file", WORK + "/none")
    assert end(process, None) == 1, process.said
    assert process.said.count("\n") == 1 and "cannot read" in process.said, process.said
    process = record(WORK + "/nowhere", "--to", "http://127.0.0.1:9/x")
    says(process, "does not answer")
    connect(3)
    assert end(process) in (0, LOST), process.said


def main():
    # Hosts have other sockets, which come and go meanwhile.
    if ctypes.CDLL(None).unshare(0x40000000) or subprocess.run(["ip", "link", "set", "lo", "up"], check=False).returncode:
        print("SKIP ship: no network namespace")
        return
    os.environ["SOCKWATCH_RUN"] = WORK + "/run"
    failed, wanted = 0, sys.argv[2:]
    for name, test in list(globals().items()):
        if not name.startswith("test_") or (wanted and name[5:] not in wanted):
            continue
        try:
            test()
            print("PASS", name[5:], flush=True)
        except Skip as why:
            print(f"SKIP {name[5:]}: {why}", flush=True)
        except Exception as error:  # pylint: disable=broad-except
            failed += 1
            print(f"FAIL {name[5:]}: {str(error)[:600] or type(error).__name__}".replace("\n", " | "), flush=True)
            traceback.print_exc(file=sys.stdout)
        finally:
            for process in started:
                if process.poll() is None:
                    process.kill()
                    process.wait()
            started.clear()
    shutil.rmtree(WORK, ignore_errors=True)
    sys.exit(1 if failed else 0)


main()
