#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""unsent.py SOCKWATCH [CASE]: what `record` does with rows that a sender has not sent, and how `history` tells of those that went."""
import ctypes, json, os, signal, socket, sqlite3, subprocess, sys, tempfile, time, traceback

from waiting import DEADLINE, first_line, until

PROGRAM = os.path.abspath(sys.argv[1])
started = []


def record(store, *options):
    process = subprocess.Popen([PROGRAM, "record", "--store", store, "--netns", "self", *options], stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    started.append(process)
    first_line("a recorder that is ready", process, process.stderr, "sockwatch: tracing")
    return process


def stop(process):
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=DEADLINE)[1].decode()
    assert process.returncode == 0, (process.returncode, said)


def ask(store, sql):
    db = sqlite3.connect("file:%s?mode=ro" % store, uri=True)
    try:
        return db.execute(sql).fetchall()
    finally:
        db.close()


def one(store, sql):
    return ask(store, sql)[0][0]


def connect():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.create_connection(server.getsockname()):
        server.accept()[0].close()


def tell_sent(store, number, name=None):
    """As store_tell_sent() does."""
    line = "sockwatch-sent 1 %s %020d " % (name or one(store, "SELECT id FROM identity"), number)
    check = 0xcbf29ce484222325
    for byte in line.encode():
        check = (check ^ byte) * 0x100000001b3 % 2**64
    with open(store + "-sent", "w") as f:
        f.write(line + "%016x\n" % check)


def history(store, *options):
    out = subprocess.run([PROGRAM, "history", "--store", store, "--utc", *options], capture_output=True, text=True, timeout=60)
    assert out.returncode == 0, out.stderr
    return out.stdout


def a_confined_recorder_waits(work):
    """The directory is root's alone, and the recorder is not root any more: it hears of the sender all the same."""
    os.chmod(work, 0o700)
    store = os.path.join(work, "store")
    recorder = record(store, "--keep", "1s")
    connect()
    first = until("rows", lambda: one(store, "SELECT max(id) FROM life") or 0)
    tell_sent(store, 0)
    def look():
        connect()
        return one(store, "SELECT count(*) FROM life WHERE id<=%d" % first), one(store, "SELECT max(closed)-min(closed) FROM life")
    # What is older than a second is there after ten.
    until("rows of ten seconds", look, lambda seen: seen[1] > 10e9)
    kept = one(store, "SELECT min(id) FROM life")
    assert one(store, "SELECT count(*) FROM loss") == 0
    tell_sent(store, kept + 1)
    until("rows that were sent to go", look, lambda seen: one(store, "SELECT min(id) FROM life") > kept + 1)
    assert one(store, "SELECT min(id) FROM life") <= kept + 4, one(store, "SELECT min(id) FROM life")
    os.unlink(store + "-sent")
    until("rows to go that nobody wants", look, lambda seen: seen[1] < 5e9)
    stop(recorder)
    assert one(store, "SELECT count(*) FROM loss") == 0


def what_went_is_told(work):
    store = os.path.join(work, "store")
    recorder = record(store)
    for _ in range(3):
        connect()
    until("rows", lambda: one(store, "SELECT count(*) FROM life"), lambda n: n >= 3)
    stop(recorder)
    db = sqlite3.connect(store)
    last, at = db.execute("SELECT max(last),max(newest) FROM block").fetchone()
    db.execute("INSERT INTO loss VALUES(?,?,?,1234,0,0)", (last + 1, at, at - 3600 * 10**9))
    db.execute("INSERT INTO unsent VALUES(?,1,1234)", (last + 1,))
    db.execute("UPDATE block SET last=? WHERE last=?", (last + 1, last))
    db.commit()
    db.close()
    text = history(store)
    assert "1234 rows went before a sender had sent it, the oldest of " in text, text
    told = [e for e in map(json.loads, history(store, "-o", "json").splitlines()) if e["event"] == "lost"]
    assert len(told) == 1 and told[0]["unsent"] == told[0]["count"] == 1234, told
    assert ask(store, "SELECT what,count FROM losses") == [("unsent", 1234)]
    report = json.loads(subprocess.run([PROGRAM, "report", "--store", store, "-o", "json"], capture_output=True, text=True,
                                       timeout=60, check=True).stdout.splitlines()[0])
    assert report["lost"] == 0, report["lost"]


def options(work):
    store = os.path.join(work, "store")
    for bad in (["--keep", "7d", "--keep-unsent", "1MB"], ["--keep-unsent", "1GiB"], ["--keep", "7d", "--keep-unsent", "7d"]):
        out = subprocess.run([PROGRAM, "record", "--store", store, *bad], capture_output=True, text=True, timeout=60)
        assert out.returncode == 2 and "--keep-unsent" in out.stderr and out.stderr.count("\n") <= 2, (bad, out)


CASES = [a_confined_recorder_waits, what_went_is_told, options]


def run(case):
    name = "unsent-" + case.__name__.replace("_", "-")
    try:
        with tempfile.TemporaryDirectory() as work:
            case(work)
        print("PASS " + name)
        return 0
    except Exception as e:
        print("FAIL %s: %s" % (name, " ".join(str(e).split())))
        traceback.print_exc()
        return 1
    finally:
        for process in started:
            if process.poll() is None:
                process.kill()
                process.wait()


def main():
    probe = subprocess.run([PROGRAM, "features"], capture_output=True, text=True)
    if probe.returncode:
        print("SKIP unsent: " + (probe.stderr.strip().splitlines() or ["features fails"])[-1])
        return 0
    if ctypes.CDLL(None).unshare(0x40000000) or subprocess.run(["ip", "link", "set", "lo", "up"]).returncode:
        print("SKIP unsent: no network namespace")
        return 0
    with tempfile.TemporaryDirectory() as directory:
        os.environ["SOCKWATCH_RUN"] = directory
        failed = 0
        for case in CASES:
            if len(sys.argv) <= 2 or case.__name__.replace("_", "-") in sys.argv[2:]:
                failed |= run(case)
                sys.stdout.flush()
        return failed


sys.exit(main())
