#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""scarce.py SOCKWATCH [CASE]: rows of the view `budgets`, against ports that this test has taken until the kernel said no.

Each case runs in a network namespace of its own with a range of twenty ports and prints PASS, FAIL or SKIP.
"""
import ctypes, datetime, errno, os, signal, socket, sqlite3, subprocess, sys, tempfile, time, traceback

from waiting import DEADLINE, first_line, until

PROGRAM = os.path.abspath(sys.argv[1])
LOW, HIGH = 40000, 40019
CLONE_NEWNET = 0x40000000
STATE = {"keep": [], "work": ""}


class Skip(Exception):
    pass


def listen(addr, port, family=socket.AF_INET):
    s = socket.socket(family)
    s.bind((addr, port))
    s.listen(1000)
    STATE["keep"].append(s)


def connect(addr, port, count, family=socket.AF_INET):
    """How many of `count` connects got a port."""
    for done in range(count):
        s = socket.socket(family)
        STATE["keep"].append(s)
        try:
            s.connect((addr, port))
        except OSError as e:
            assert e.errno == errno.EADDRNOTAVAIL, e
            return done
    return count


def hog(name, addr, port, count):
    """A process of that name, with so many connections."""
    ready, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        with open("/proc/self/comm", "w") as f:
            f.write(name)
        os.write(write, b"%d" % connect(addr, port, count))
        signal.pause()
    STATE["keep"].append(pid)
    os.close(write)
    got = int(os.read(ready, 9))
    assert got == count, (got, count)
    return pid


class Recorder:
    def __init__(self, *options):
        self.store = os.path.join(STATE["work"], "store-%d" % os.getpid())
        self.process = subprocess.Popen([PROGRAM, "record", "--store", self.store, "--netns", "self", *options],
                                        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        STATE["keep"].append(self.process)
        first_line("a recorder that is ready", self.process, self.process.stderr, "sockwatch: tracing")

    def ask(self, sql):
        db = sqlite3.connect("file:%s?mode=ro" % self.store, uri=True)
        db.row_factory = sqlite3.Row
        try:
            return [dict(row) for row in db.execute(sql)]
        finally:
            db.close()

    def budgets(self, least):
        return until("%d rows of budgets" % least, lambda: self.ask("SELECT * FROM budgets ORDER BY id"),
                     lambda rows: len(rows) >= least)

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        said = self.process.communicate(timeout=DEADLINE)[1].decode()
        # 4: something was lost, which what was told before does not show.
        assert self.process.returncode in (0, 4), (self.process.returncode, said)
        return said


def exhausted():
    """A destination without a port left, one that is half used, and one that nobody need know of."""
    for addr in ("127.0.0.1", "127.0.0.2", "127.0.0.3"):
        listen(addr, 80)
    pid = hog("port-hog", "127.0.0.1", 80, 12)
    assert connect("127.0.0.1", 80, 100) == 8
    hog("other", "127.0.0.2", 80, 10)
    assert connect("127.0.0.3", 80, 1) == 1
    began = datetime.datetime.now(datetime.timezone.utc)
    recorder = Recorder()
    rows = recorder.budgets(2)
    recorder.stop()
    one, two = recorder.ask("SELECT * FROM budgets ORDER BY id")  # and no third
    same = {"proto": "tcp", "family": "ipv4", "low": LOW, "high": HIGH, "reserved": 0, "usable": 20, "bound": 0,
            "time_wait": 0, "uncertain": 0, "peer_port": 80, "netns": os.stat("/proc/self/ns/net").st_ino}
    for row in (one, two):
        assert {key: row[key] for key in same} == same, row
        at = datetime.datetime.fromisoformat(row["time"] + "+00:00")
        assert began - datetime.timedelta(seconds=1) <= at <= began + datetime.timedelta(seconds=DEADLINE), row
    assert (one["local_addr"], one["peer_addr"], one["used"], one["available"]) == ("127.0.0.1", "127.0.0.1", 20, 0), one
    assert (one["comm"], one["pid"], one["held"], one["uid"]) == ("port-hog", pid, 12, 0), one
    assert one["exe"] and os.path.basename(one["exe"]).startswith("python"), one
    assert (two["peer_addr"], two["used"], two["available"], two["comm"], two["held"]) == \
        ("127.0.0.2", 10, 10, "other", 10), two
    assert rows == [one, two], rows


def bound_and_reserved():
    """Ports that no connect() gets are not this destination's, and told apart."""
    with open("/proc/sys/net/ipv4/ip_local_reserved_ports", "w") as f:
        f.write("40000-40003")
    listen("127.0.0.1", 80)
    for port in (40004, 40005):
        listen("127.0.0.9", port)
    assert connect("127.0.0.1", 80, 100) == 14
    recorder = Recorder()
    row = recorder.budgets(1)[0]
    assert (row["usable"], row["reserved"], row["used"], row["bound"], row["available"]) == (16, 4, 14, 2, 0), row
    assert row["held"] == 14 and row["pid"] == os.getpid(), row
    recorder.stop()


def filtered():
    listen("127.0.0.1", 80)
    listen("127.0.0.1", 81)
    assert connect("127.0.0.1", 80, 15) == 15
    assert connect("127.0.0.1", 81, 5) == 5
    recorder = Recorder("-D", "81")
    rows = recorder.budgets(1)
    recorder.stop()
    assert recorder.ask("SELECT * FROM budgets") == rows, rows
    assert [(row["peer_port"], row["used"], row["available"]) for row in rows] == [(81, 5, 15)], rows


def ipv6():
    listen("::1", 80, socket.AF_INET6)
    assert connect("::1", 80, 100, socket.AF_INET6) == 20
    recorder = Recorder()
    row = recorder.budgets(1)[0]
    assert (row["family"], row["used"], row["available"]) == ("ipv6", 20, 0), row
    assert (row["local_addr"], row["peer_addr"]) == ("0000:0000:0000:0000:0000:0000:0000:0001",) * 2, row
    recorder.stop()


def none_in_use():
    """Who talks to nobody has no row, and what happens is recorded all the same."""
    recorder = Recorder()
    listen("127.0.0.1", 80)
    assert connect("127.0.0.1", 80, 3) == 3
    until("three open connections", lambda: recorder.ask("SELECT count(*) AS n FROM open_lives WHERE peer_port=80")[0]["n"],
          lambda n: n == 3)
    recorder.stop()
    assert not recorder.ask("SELECT * FROM budgets WHERE used=0")


def once_a_minute():
    """No look where nothing has happened, and the next one with the next thing that does."""
    listen("127.0.0.1", 80)
    assert connect("127.0.0.1", 80, 15) == 15
    recorder = Recorder()
    first = recorder.budgets(1)[0]
    until("a minute to pass in the record", lambda: recorder.ask(
        "SELECT (SELECT alive FROM run)-(SELECT min(at) FROM budget) AS ns")[0]["ns"], lambda ns: ns > 63e9, 120)
    rows = recorder.budgets(1)
    if rows != [first] and recorder.ask("SELECT count(*) AS n FROM loss")[0]["n"]:
        raise Skip("facts were lost meanwhile: anything may have happened")
    assert rows == [first], rows
    assert connect("127.0.0.1", 80, 1) == 1
    last = recorder.budgets(2)[-1]
    assert (first["used"], last["used"]) == (15, 16), (first, last)
    recorder.stop()


CASES = [once_a_minute, exhausted, bound_and_reserved, filtered, ipv6, none_in_use]


def run(name, case):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET):
        print("SKIP %s: no network namespace: %s" % (name, os.strerror(ctypes.get_errno())))
        return 0
    try:
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
        with open("/proc/sys/net/ipv4/ip_local_port_range", "w") as f:
            f.write("%d %d" % (LOW, HIGH))
        case()
        print("PASS " + name)
        return 0
    except Skip as e:
        print("SKIP %s: %s" % (name, e))
        return 0
    except Exception as e:
        print("FAIL %s: %s" % (name, " ".join(str(e).split())))
        traceback.print_exc()
        return 1
    finally:
        for kept in STATE["keep"]:
            if isinstance(kept, int):
                os.kill(kept, signal.SIGKILL)
                os.waitpid(kept, 0)
            elif isinstance(kept, subprocess.Popen) and kept.poll() is None:
                kept.kill()
                kept.wait()


def main():
    failed, idle = 0, []
    with tempfile.TemporaryDirectory() as STATE["work"]:
        os.environ["SOCKWATCH_RUN"] = STATE["work"]
        probe = subprocess.run([PROGRAM, "features"], capture_output=True, text=True)
        if probe.returncode:
            print("SKIP scarce: " + (probe.stderr.strip().splitlines() or ["features fails"])[-1])
            return 0
        for case in CASES:
            name = case.__name__.replace("_", "-")
            if len(sys.argv) > 2 and name not in sys.argv[2:]:
                continue
            sys.stdout.flush()
            pid = os.fork()
            if pid == 0:
                code = run("scarce-" + name, case)
                sys.stdout.flush()
                os._exit(code)
            if case is once_a_minute:  # others need not wait for the minute
                idle.append(pid)
            else:
                failed |= os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        for pid in idle:
            failed |= os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    return failed


sys.exit(main())
