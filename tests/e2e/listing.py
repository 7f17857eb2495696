# SPDX-License-Identifier: GPL-2.0-only
"""listing.py: what the suites of listings share: namespaces, processes in them, sockwatch, ss and lsof, and the tests' end."""
import atexit, collections, json, os, re, shutil, signal, socket, struct, subprocess, sys, tempfile, time, traceback

from waiting import DEADLINE, first_line, until

SOCKWATCH = os.path.abspath(sys.argv[1])
HERE = os.path.dirname(os.path.abspath(__file__))
TEST_SECONDS = 120
SUITE = os.path.basename(sys.argv[0]).removesuffix(".py")
work = tempfile.mkdtemp(prefix="sockwatch-ls-")
os.chmod(work, 0o755)
# Traces of others on this machine must not answer here.
os.environ["SOCKWATCH_RUN"] = os.path.join(work, "run")
started, spaces = [], []
watchers = []  # traces and records, which end with the test that began them
words = {}  # what the last listing, and the helpers of a test, said on standard error


def cleanup():
    for process in started:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except OSError:
            pass
        process.wait()
    for name in spaces:
        for pid in subprocess.run(["ip", "netns", "pids", name], capture_output=True, text=True).stdout.split():
            try:
                os.kill(int(pid), signal.SIGKILL)
            except OSError:
                pass
        subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)
    shutil.rmtree(work, ignore_errors=True)


atexit.register(cleanup)


def too_long(*_):
    raise TimeoutError("took longer than %d seconds" % TEST_SECONDS)


signal.signal(signal.SIGALRM, too_long)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))


def space(name):
    name = "sw%d%s" % (os.getpid() % 10000, name)
    subprocess.run(["ip", "netns", "add", name], check=True)
    spaces.append(name)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    return name


def inode(name):
    return os.stat("/run/netns/" + name).st_ino


def helper_words():
    if "helpers" not in words:
        words["helpers"] = tempfile.TemporaryFile("w+", dir=work)
    return words["helpers"]


def start(name, *command, **more):
    """A process of its own group in a namespace; `ip netns exec` becomes the command."""
    process = subprocess.Popen(["ip", "netns", "exec", name, *command], start_new_session=True,
                               stdin=more.pop("stdin", subprocess.DEVNULL),
                               stdout=more.pop("stdout", subprocess.DEVNULL), stderr=helper_words(), **more)
    started.append(process)
    return process


def python(name, code, *args):
    """Runs code that prints a line when it is ready; returns the process and that line."""
    process = start(name, sys.executable, "-c", "import os,socket,sys,time,struct,array,signal\n" + code, *args,
                    stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True)
    return process, first_line("what a helper has made", process, process.stdout).strip()


def sockwatch(*args, **more):
    return subprocess.run([SOCKWATCH, *args], capture_output=True, text=True, timeout=60, **more)


def listed(*args):
    result = sockwatch("ls", "-o", "json", *args)
    words["listing"] = result.stderr
    assert result.returncode == 0, result.stderr
    return [json.loads(line) for line in result.stdout.splitlines()]


def inside(name, *command):
    return subprocess.run(["ip", "netns", "exec", name, *command], capture_output=True, text=True, timeout=60).stdout


def connect(name, port, host="127.0.0.1"):
    """A connection from inside a namespace, whose descriptor this process then holds."""
    home = os.open("/proc/self/ns/net", os.O_RDONLY)
    there = os.open("/run/netns/" + name, os.O_RDONLY)
    os.setns(there, 0x40000000)
    try:
        return until("port %d" % port, lambda: try_connect(host, port))
    finally:
        os.setns(home, 0x40000000)
        os.close(home)
        os.close(there)


def try_connect(host, port):
    try:
        return socket.create_connection((host, port), 5)
    except OSError:
        return None


if not hasattr(os, "setns"):
    import ctypes
    libc = ctypes.CDLL(None, use_errno=True)

    def setns(fd, kind):
        if libc.setns(fd, kind):
            raise OSError(ctypes.get_errno(), "setns")
    os.setns = setns

# ---- one form for ss and for ls ----
STATES = {"ESTAB": "ESTABLISHED", "FIN-WAIT-1": "FIN_WAIT1", "FIN-WAIT-2": "FIN_WAIT2", "UNCONN": ""}


def plain(address, port):
    address = address.strip("[]").split("%")[0].replace("::ffff:", "")
    return "%s:%s" % ("*" if address in ("0.0.0.0", "::", "*") else address, "*" if str(port) == "0" else port)


def from_ss(name):
    sockets, holders = collections.Counter(), set()
    for line in inside(name, "ss", "-tunaHpO").splitlines():
        word = line.split()
        key = (word[0], STATES.get(word[1], word[1].replace("-", "_")),
               plain(*word[4].rsplit(":", 1)), plain(*word[5].rsplit(":", 1)))
        sockets[key] += 1
        holders |= {(int(p), int(f)) for p, f in re.findall(r"pid=(\d+),fd=(\d+)", line)}
    return sockets, holders


def from_ls(name, *args):
    sockets, holders, explained = collections.Counter(), set(), 0
    for row in listed("--netns", "/run/netns/" + name, *args):
        if row["proto"] not in ("tcp", "udp"):
            continue
        if row["proto"] == "tcp" and row["state"] == "CLOSE":
            explained += 1
            continue
        peer = row.get("peer", {"addr": "*", "port": 0})
        sockets[(row["proto"], row.get("state", ""), plain(row["local"]["addr"], row["local"]["port"]),
                 plain(peer["addr"], peer["port"]))] += 1
        holders |= {(h["process"]["pid"], h["fd"]) for h in row["holders"]}
    return sockets, holders, explained


def compare(name, *args):
    """Resolvers of servers open UDP sockets for a moment: what ls alone shows must be shown by it alone again."""
    alone = None
    for _ in range(3):
        before, ours, after = from_ss(name), from_ls(name, *args), from_ss(name)
        missing = (before[0] & after[0]) - ours[0]
        assert not missing, "ss shows, ls does not: %s" % list(missing)[:5]
        lost = (before[1] & after[1]) - ours[1]
        assert not lost, "holders that ls does not show: %s" % list(lost)[:5]
        more = set(ours[0] - (before[0] | after[0])) | (ours[1] - (before[1] | after[1]))
        alone = more if alone is None else alone & more
        if not alone:
            return sum(ours[0].values())
    raise AssertionError("ls shows three times, ss never does: %s" % list(alone)[:5])


def compare_lsof(name):
    def look():
        pairs, pid = set(), 0
        for line in inside(name, "lsof", "-i", "-nP", "-Fpf").splitlines():
            if line[0] == "p":
                pid = int(line[1:])
            elif line[0] == "f" and line[1:].isdigit():
                pairs.add((pid, int(line[1:])))
        return pairs
    before, ours, after = look(), {h for h in from_ls(name)[1] if h[1] < 10000}, look()  # lsof cuts longer ones: "*001"
    assert (before & after) <= ours, "lsof shows, ls does not: %s" % list((before & after) - ours)[:5]
    assert ours <= (before | after), "ls shows, lsof does not: %s" % list(ours - (before | after))[:5]
    return len(ours)


def listener(name, port):
    return next((r for r in listed("--netns", "/run/netns/" + name, "-L", str(port))
                 if r.get("state") == "LISTEN"), None)


def names(row):
    return sorted(h["process"]["name"] for h in row["holders"])


class Skip(Exception):
    pass


def write(path, text):
    with open(os.path.join(work, path), "w") as file:
        file.write(text)
    return os.path.join(work, path)


def cgroup_root():
    place = os.path.join(work, "cgroup")
    os.makedirs(place, exist_ok=True)
    if os.path.ismount(place):
        return place
    if subprocess.run(["mount", "-t", "cgroup2", "none", place], stderr=subprocess.DEVNULL).returncode:
        raise Skip("no cgroup2")
    atexit.register(subprocess.run, ["umount", place])
    return place


def gone(place):
    try:
        os.rmdir(place)
    except OSError:
        return False
    return True


def need(program, *places):
    found = shutil.which(program, path=os.pathsep.join([*places, os.environ["PATH"], "/usr/sbin", "/sbin"]))
    if not found:
        raise Skip(program + " is not installed")
    return found


tests = []


def test(function):
    tests.append(function)
    return function


def settle():
    """Ends the watchers; returns what they, the last listing and the helpers said, for a test that failed."""
    said = [words.pop("listing", "")]
    for process in watchers:
        if process.poll() is None:
            process.send_signal(signal.SIGCONT)
            process.terminate()
        try:
            said.append(process.communicate(timeout=DEADLINE)[1])
        except subprocess.TimeoutExpired:
            process.kill()
            said.append("does not end")
    watchers.clear()
    if "helpers" in words:
        with words.pop("helpers") as file:
            file.seek(0)
            said.append(file.read())
    return " | ".join(" ".join(text.split()) for text in said if text)


def where(error):
    """The line of the test itself."""
    calls = [c for c in traceback.extract_tb(error.__traceback__) if os.path.basename(c.filename) == SUITE + ".py"]
    return "line %s" % " of line ".join(str(c.lineno) for c in reversed(calls)) if calls else ""


def run_tests():
    only = sys.argv[2:]
    for function in tests:
        if only and function.__name__ not in only:
            continue
        signal.alarm(TEST_SECONDS)
        failed = None
        try:
            function()
            print("PASS %s_%s" % (SUITE, function.__name__), flush=True)
        except Skip as skip:
            print("SKIP %s_%s: %s" % (SUITE, function.__name__, skip), flush=True)
        except Exception as error:
            failed = "%s: %s (%s)" % (type(error).__name__, str(error).replace("\n", " ")[:900], where(error))
        signal.alarm(0)
        said = settle()
        if failed:
            print("FAIL %s_%s: %s; said: %s" % (SUITE, function.__name__, failed, said[-600:]), flush=True)
