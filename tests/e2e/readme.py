# SPDX-License-Identifier: GPL-2.0-only
"""readme.py SOCKWATCH [--print]: runs each example of README.md that shows what a command prints, on servers of its own, and compares the
shape: every line of the README, in its order, with other numbers, times and widths. --print shows what comes instead of comparing."""
from listing import *  # noqa: F403

os.environ["TZ"] = "UTC"  # as it is written there
README = os.path.join(HERE, "../../README.md")
PROMPT = "    # sockwatch "
# A life, a bind that fails and a connection that is refused; no more ports than connections may take, towards one server.
SCENE = """
import subprocess, time
kept = []
def served():  # the server's end of a connection holds the port too, until it has closed
    rows = [row.split() for row in open("/proc/net/tcp")]
    return any(row[1].endswith(":1F90") and row[3] != "0A" for row in rows[1:])
def act():
    subprocess.run(["curl", "-s", "-o", "/dev/null", "http://127.0.0.1:8080/"])
    while served(): time.sleep(0.01)
    for call in (lambda: socket.socket().bind(("127.0.0.1", 8080)), lambda: socket.create_connection(("127.0.0.1", 5433))):
        try: call()
        except OSError: pass
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("40000 40099")
for _ in range(95): kept.append(socket.create_connection(("127.0.0.1", 6379)))
print("ready", flush=True)
for line in sys.stdin:
    act(); print("done", flush=True)
"""


def examples():
    """Each block of README.md that begins with a prompt: the command, and the lines it is said to print."""
    found, inside_block = [], False
    for line in open(README, encoding="utf-8"):
        if line.startswith(PROMPT):
            found.append((line[len(PROMPT):].split("   # ")[0].split(), []))
            inside_block = True
        elif inside_block and line.startswith("    "):
            found[-1][1].append(line.strip())
        else:
            inside_block = False
    return found


def shape(line):
    """A pattern of the same words: numbers and their units, and the spaces between columns, may differ."""
    words = []
    for word in line.split():
        word = re.sub(r"\d+(?:\\\.\d+|,\d+)*", r"[\\d.,]+", re.escape(word))
        words.append(re.sub(r"(\[\\d\.,\]\+)(ns|us|ms|s|m|h|d|B|kB|KiB|MB|MiB)(?![a-zA-Z])", r"\1(?:ns|us|ms|s|m|h|d|[kKM]?i?B)", word))
    return re.compile(r"\s*" + r"\s+".join(words) + r"\s*$")


def missing(lines, printed):
    """The first line of the README that is not among what was printed behind those before it."""
    rest = iter(printed)
    for line in lines:
        pattern = shape(line)
        if not any(pattern.match(other) for other in rest):
            return line
    return None


def command_of(words):
    here = ["--netns", "self"] if words[0] in ("trace", "ls", "who", "history", "ephemeral") else []
    store = ["--store", os.path.join(work, "store")] if words[0] in ("history", "report") else []
    return [SOCKWATCH, words[0], *here, *store, *words[1:]]


def act():
    scene.stdin.write("go\n")
    scene.stdin.flush()
    assert first_line("what the scene does", scene, scene.stdout).strip() == "done"


def content(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def traced(words, lines):
    """What `trace` prints of the acts, until all of it is there."""
    out, err = os.path.join(work, "out"), os.path.join(work, "err")
    with open(out, "w") as stdout, open(err, "w") as stderr:
        process = subprocess.Popen(["ip", "netns", "exec", name, *command_of(words)], stdin=subprocess.DEVNULL, stdout=stdout,
                                   stderr=stderr, start_new_session=True)
    started.append(process)
    until("the trace's start", lambda: "sockwatch: tracing" in content(err))
    acts = 0

    def told():
        """A busy machine's answer about a holder may come too late, and says so: then it is asked again."""
        nonlocal acts
        seen = plain_lines(content(out))
        if acts <= sum("; as of " in line for line in seen):
            acts += 1
            act()
        return missing(lines, seen) is None
    try:
        until("the lines of the README", told)
    except AssertionError:
        pass  # the caller says what is missing
    process.send_signal(signal.SIGINT)
    process.wait(DEADLINE)
    return plain_lines(content(out))


# In a tree that is another's root for all that run here: where that is, which the kernel tells of a program that it starts.
ROOT = next((m[3] for m in map(str.split, open("/proc/self/mountinfo")) if m[4] == "/" and m[3] != "/"), "")


def plain_lines(text):
    return text.replace(work, "/etc/nginx").replace((ROOT or work) + "/", "/").splitlines()


def printed(words, lines):
    if words[0] == "trace" and "--" not in words:
        return traced(words, lines)

    def look():
        return plain_lines(inside(name, *command_of(words)))
    try:  # a record is written within a second
        return until("the lines of the README", look, lambda seen: missing(lines, seen) is None)
    except AssertionError:
        return look()


def check(words, lines):
    def one():
        seen = printed(words, lines)
        first = missing(lines, seen)
        assert first is None, "the README has %r; printed: %r" % (first, seen)
    one.__name__ = re.sub(r"[^a-z0-9]+", "_", " ".join(words).lower()).strip("_")
    return one


name = space("readme")
conf = write("nginx.conf", """daemon off; pid %s/nginx.pid; error_log /dev/null; worker_processes 1;
    events {} http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f;
    uwsgi_temp_path %s/u; scgi_temp_path %s/s; server { listen 8080; return 200 ok; } }""" % ((work,) * 6))
try:
    start(name, need("nginx"), "-c", conf)
    start(name, need("redis-server"), "--port", "6379", "--bind", "127.0.0.1", "--save", "", "--dir", work)
    need("curl")
except Skip as skip:
    print("SKIP readme: %s" % skip)
    sys.exit(0)
for port in (8080, 6379):
    until("port %d" % port, lambda: listener(name, port))
start(name, SOCKWATCH, "record", "--store", os.path.join(work, "store"), "--netns", "self")
until("the recorder", lambda: "recording" in inside(name, SOCKWATCH, "status") or "record" in inside(name, SOCKWATCH, "status"))
scene = python(name, SCENE)[0]
act()
if sys.argv[2:] == ["--print"]:
    for words, _ in examples():
        print("    # sockwatch " + " ".join(words), *("    " + line for line in printed(words, ["never"] if words[0] == "trace" else [])), sep="\n")
    sys.exit(0)
for words, lines in examples():
    test(check(words, lines))
run_tests()
