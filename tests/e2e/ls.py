#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""ls.py SOCKWATCH: compares `sockwatch ls` and `who` with ss and lsof.

Everything runs in network namespaces made here.  A look takes time and so do those of the others: what ss shows before and
after must be listed, and nothing may be listed that ss shows neither before nor after, but for what EXPLAINED says."""
from listing import *  # noqa: F403

EXPLAINED = """ls lists what ss -tuna leaves out: TCP sockets that are bound but neither listen nor connect (state CLOSE), and
MPTCP, SCTP, UDP-Lite, raw and ICMP sockets (ss has other letters for some).  lsof -i shows only one namespace."""

NAMESPACES = 20


# ---- servers ----

def start_nginx(name):
    conf = write("nginx.conf", """daemon off; pid %s/nginx.pid; error_log /dev/null; worker_processes 2;
        events {} http { access_log off; client_body_temp_path %s/b; proxy_temp_path %s/p; fastcgi_temp_path %s/f;
        uwsgi_temp_path %s/u; scgi_temp_path %s/s;
        server { listen 127.0.0.1:8080; listen [::]:8081 reuseport; return 200 ok; } }""" % ((work,) * 6))
    start(name, need("nginx"), "-c", conf, "-e", "/dev/null")
    return [8080, 8081]


def start_redis(name):
    start(name, need("redis-server"), "--port", "6379", "--bind", "127.0.0.1", "::1", "--save", "", "--dir", work)
    return [6379]


def start_postgres(name):
    base = "/usr/lib/postgresql"
    versions = sorted(os.listdir(base)) if os.path.isdir(base) else []
    if not versions:
        raise Skip("postgresql is not installed")
    binaries = os.path.join(base, versions[-1], "bin")
    data = os.path.join(work, "postgres")
    os.mkdir(data)
    shutil.chown(data, "postgres")
    subprocess.run(["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", binaries + "/initdb", "-D", data,
                    "-A", "trust", "--no-sync"], check=True, stdout=subprocess.DEVNULL, cwd="/")
    start(name, "setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", binaries + "/postgres", "-D", data,
          "-p", "5432", "-h", "127.0.0.1", "-k", "", cwd="/")
    return [5432]


def start_sshd(name):
    sshd = need("sshd")
    os.makedirs("/run/sshd", exist_ok=True)
    key = os.path.join(work, "hostkey")
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    start(name, sshd, "-D", "-f", write("sshd_config", "Port 2222\nHostKey %s\nPidFile none\n" % key))
    return [2222]


def start_inetd(name):
    start(name, need("inetd"), "-i", write("inetd.conf", "127.0.0.1:7001 stream tcp nowait root /bin/cat cat\n"))
    return [7001]


def start_xinetd(name):
    # It may not be installed beside another inetd: the Makefile unpacks it below the build directory.
    xinetd = need("xinetd", os.path.join(os.path.dirname(SOCKWATCH), "xinetd/usr/sbin"))
    conf = write("xinetd.conf", """service echocat
{
type = UNLISTED\n port = 7002\n bind = 127.0.0.1\n socket_type = stream\n protocol = tcp\n wait = no\n user = root
server = /bin/cat
}
""")
    start(name, xinetd, "-dontfork", "-f", conf, "-pidfile", os.path.join(work, "xinetd.pid"))
    return [7002]


def start_activated(name):
    program = need("systemd-socket-activate")
    service = write("service.py", "import socket,time\ns=socket.socket(fileno=3)\nc=s.accept()[0]\nc.send(b'hello')\n"
                    "time.sleep(600)\n")
    start(name, program, "-l", "127.0.0.1:7003", sys.executable, service)
    return [7003]


hosts = {}


def host():
    """The namespace with all servers."""
    if "main" in hosts:
        return hosts["main"]
    hosts["main"] = name = space("host")
    hosts["up"], hosts["missing"] = {}, {}
    for begin in (start_nginx, start_redis, start_postgres, start_sshd, start_inetd, start_xinetd, start_activated):
        what = begin.__name__[6:]
        try:
            ports = begin(name)
        except Skip as skip:
            hosts["missing"][what] = str(skip)
            continue
        for port in ports:
            until("%s on port %d" % (what, port), lambda: inside(name, "ss", "-tlnH"), lambda seen: ":%d " % port in seen)
        hosts["up"][what] = ports
    return name


def require(what):
    host()
    if what not in hosts["up"]:
        raise Skip(hosts["missing"][what])


# ---- tests ----
@test
def servers_equal_ss():
    name = host()
    held = [connect(name, p, "::1" if p == 8081 else "127.0.0.1") for w, ports in hosts["up"].items() for p in ports if w not in ("activated", "xinetd", "inetd")]
    count = compare(name)
    assert count >= len(held) * 2, count
    if hosts["missing"]:
        print("SKIP servers: " + "; ".join(hosts["missing"].values()))


@test
def servers_equal_lsof():
    need("lsof")
    assert compare_lsof(host()) >= 5


@test
def servers_equal_ss_through_proc():
    compare(host(), "--hooks", "proc")


@test
def every_namespace_equals_ss():
    made = [space("n%d" % i) for i in range(NAMESPACES)]
    for i, name in enumerate(made):
        python(name, """
n = int(sys.argv[1])
keep = []
for family, host in ((socket.AF_INET, "127.0.0.1"), (socket.AF_INET6, "::1")):
    l = socket.socket(family); l.bind((host, 4000 + n)); l.listen(5 + n); keep.append(l)
    for k in range(n % 5 + 2):
        c = socket.socket(family); c.connect((host, 4000 + n)); keep.append(c)
        if k: keep.append(l.accept()[0])
    u = socket.socket(family, socket.SOCK_DGRAM); u.bind((host, 5000 + n)); keep.append(u)
    v = socket.socket(family, socket.SOCK_DGRAM); v.connect((host, 5000 + n)); keep.append(v)
w = socket.socket(socket.AF_INET6); w.bind(("::", 4100)); w.listen(); keep.append(w)
c = socket.create_connection(("127.0.0.1", 4100)); keep += [c, w.accept()[0]]
t = socket.create_connection(("127.0.0.1", 4000 + n)); time.sleep(0.05); t.close()
l = keep[0]
for _ in range(2):
    a = l.accept()[0]; a.close()
print("ready", flush=True); sys.stdin.read()""", str(i))
    for name in made:
        assert compare(name) >= 12
    for name in made[:3]:
        compare(name, "--hooks", "proc")
    rows = listed()
    assert {inode(n) for n in made} <= {r["netns"] for r in rows}


@test
def forty_thousand_sockets():
    name = space("many")
    process = start(name, sys.executable, HERE + "/many.py", "40000", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    line = first_line("the sockets of many.py", process, process.stdout).split()
    assert line and line[0] == "ready", "cannot hold 40,000 sockets: %s" % line
    rows = listed("--netns", "/run/netns/" + name, "--state", "established")
    assert len(rows) == 40000, len(rows)
    assert all(len(r["holders"]) == 1 for r in rows)
    assert compare(name) > 40000
    if shutil.which("lsof"):
        assert compare_lsof(name) > 39000
    # Every later look would go through its descriptors.
    process.stdin.close()
    process.wait(timeout=DEADLINE)


@test
def inetd_holds_the_port_and_its_service_the_connection():
    require("inetd")
    roles("inetd", 7001)


@test
def xinetd_holds_the_port_and_its_service_the_connection():
    require("xinetd")
    roles("xinetd", 7002)


def roles(server, port):
    name = host()
    row = listener(name, port)
    assert names(row) == [server] and row["process"]["name"] == server, row
    peer = connect(name, port)
    peer.send(b"x")
    assert peer.recv(1) == b"x"
    rows = [r for r in listed("--netns", "/run/netns/" + name, "-L", str(port)) if r["state"] == "ESTABLISHED"]
    assert len(rows) == 1 and names(rows[0]) == ["cat"] * len(names(rows[0])) and names(rows[0]), rows
    assert rows[0]["process"]["name"] == "cat"
    binder = rows[0]["binder"]
    assert binder is None or binder["name"] == server, binder
    assert names(listener(name, port)) == [server]
    words = sockwatch("who", "127.0.0.1:%d" % port, "--netns", name).stdout
    assert "%s[" % server in words and "served by   cat[" in words and "started by the holder of the port" in words, words


@test
def socket_activation_shows_the_service():
    require("activated")
    name = host()
    assert names(listener(name, 7003)) == ["systemd-socket-"], listener(name, 7003)
    peer = connect(name, 7003)
    assert peer.recv(5) == b"hello"
    row = listener(name, 7003)
    assert names(row) and names(row)[0].startswith("python"), row
    assert row["binder"] is None, "after execve() nobody knows: %s" % row["binder"]


@test
def passed_by_scm_rights():
    name = space("scm")
    maker, line = python(name, """
a, b = socket.socketpair(socket.AF_UNIX)
pid = os.fork()
if pid == 0:
    a.close()
    fd = array.array("i", b.recvmsg(1, 100)[1][0][2])[0]
    b.send(b"got"); time.sleep(600)
s = socket.socket(); s.bind(("127.0.0.1", 4500)); s.listen()
a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
a.recv(3)
print(os.getpid(), pid, flush=True)
sys.stdin.readline(); s.close(); print("closed", flush=True); time.sleep(600)""")
    first, second = map(int, line.split())
    row = listener(name, 4500)
    assert {h["process"]["pid"] for h in row["holders"]} == {first, second}, row
    assert row["binder"]["pid"] == first and row["process"]["pid"] == first, row
    maker.stdin.write("\n")
    maker.stdin.flush()
    assert maker.stdout.readline().strip() == "closed"
    row = listener(name, 4500)
    assert [h["process"]["pid"] for h in row["holders"]] == [second] and row["binder"] is None, row


@test
def in_flight_over_a_unix_socket():
    name = space("flight")
    python(name, """
a, b = socket.socketpair(socket.AF_UNIX)
s = socket.socket(); s.bind(("127.0.0.1", 4600)); s.listen()
a.sendmsg([b"x"], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [s.fileno()]))])
s.close(); print("ready", flush=True); time.sleep(600)""")
    row = listener(name, 4600)
    assert row and row["holders"] == [] and row["process"] is None, row


@test
def its_maker_has_died():
    name = space("orphan")
    _, line = python(name, """
s = socket.socket(); s.bind(("0.0.0.0", 4700)); s.listen()
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        print(os.getpid(), flush=True); time.sleep(600)
    os._exit(0)
os.wait(); sys.stdin.close(); os._exit(0)""")
    row = until("the maker's end", lambda: listener(name, 4700), lambda r: r and len(r["holders"]) == 1)
    assert row["holders"][0]["process"]["pid"] == int(line) and row["binder"] is None, row
    assert row["process"]["pid"] == int(line), row


@test
def bound_but_not_listening():
    name = space("bound")
    process, _ = python(name, """
s = socket.socket(); s.bind(("127.0.0.1", 4800)); n = socket.socket()
print("ready", flush=True); time.sleep(600)""")
    where = ("--netns", "/run/netns/" + name)
    rows = listed(*where)
    assert len(rows) == 1 and rows[0]["state"] == "CLOSE" and rows[0]["local"]["port"] == 4800, rows
    assert rows[0]["holders"][0]["process"]["pid"] == process.pid
    assert len(listed(*where, "-a")) == 2
    answer = sockwatch("who", "tcp/4800", "--netns", name)
    assert answer.returncode == 0 and "bound, but does not listen" in answer.stdout, answer


@test
def waiting_for_accept_belongs_to_the_listener():
    name = space("queue")
    process, _ = python(name, """
s = socket.socket(); s.bind(("127.0.0.1", 4850)); s.listen(7)
c = [socket.create_connection(("127.0.0.1", 4850)) for _ in range(3)]
print("ready", flush=True); time.sleep(600)""")
    rows = listed("--netns", "/run/netns/" + name, "-L", "4850")
    queued = [r for r in rows if r["state"] == "ESTABLISHED"]
    assert len(queued) == 3 and all(not r["holders"] and r["process"]["pid"] == process.pid for r in queued), queued
    assert listener(name, 4850)["queue"] == {"receive": 3, "send": 0, "backlog": 7, "dropped": 0}


@test
def processes_that_vanish_during_the_look():
    name = space("vanish")
    stay, _ = python(name, "s=socket.socket(); s.bind(('127.0.0.1',4900)); s.listen(); print('ready',flush=True)\n"
                     "while True:\n p=os.fork()\n if p==0:\n  t=socket.socket(); t.bind(('127.0.0.1',0)); t.listen(); os._exit(0)\n"
                     " os.waitpid(p,0)\n")
    for way in ["auto"] * 25 + ["proc"] * 5:
        rows = [r for r in listed("--netns", "/run/netns/" + name, "--hooks", way) if r["local"]["port"] == 4900]
        assert len(rows) == 1 and stay.pid in {h["process"]["pid"] for h in rows[0]["holders"]}, (way, rows)


@test
def without_privilege_what_anybody_sees():
    """Whether somebody has a port is not known where not all can be seen: 1, not 3."""
    for args in (["ls"], ["ls", "--hooks", "proc"], ["who", "80"], ["ls", "-o", "json"]):
        copy = shutil.copy(SOCKWATCH, os.path.join(work, "sockwatch"))
        result = subprocess.run(["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", copy, *args],
                                capture_output=True, text=True)
        nobody = "nobody that this process may see has 80" in result.stderr
        assert result.returncode == nobody and (args[0] == "who" or not nobody), result
        assert "not everything is listed: " in result.stderr and "CAP_SYS_ADMIN" in result.stderr, result.stderr


@test
def other_protocols():
    name = space("proto")
    process, line = python(name, """
made, keep = [], []
def make(word, *args, port=0, bind=None):
    try:
        s = socket.socket(*args)
        if bind: s.bind(bind)
        keep.append(s); made.append(word)
    except OSError: pass
open("/proc/sys/net/ipv4/ping_group_range", "w").write("0 0")
make("udplite", socket.AF_INET, socket.SOCK_DGRAM, 136, bind=("127.0.0.1", 4001))
make("raw", socket.AF_INET, socket.SOCK_RAW, 1)
make("raw", socket.AF_INET, socket.SOCK_RAW, 6)
make("icmp", socket.AF_INET, socket.SOCK_DGRAM, 1, bind=("127.0.0.1", 77))
make("mptcp", socket.AF_INET, socket.SOCK_STREAM, 262, bind=("127.0.0.1", 4002))
make("sctp", socket.AF_INET, socket.SOCK_STREAM, 132, bind=("127.0.0.1", 4003))
print(" ".join(made), flush=True); time.sleep(600)""")
    rows = listed("--netns", "/run/netns/" + name)
    assert sorted(r["proto"] for r in rows if r["holders"]) == sorted(line.split()), (line, rows)
    assert all(r["holders"][0]["process"]["pid"] == process.pid for r in rows if r["holders"])
    for word in {"mptcp", "sctp", "udplite", "icmp"} - set(line.split()):
        print("SKIP other_protocols %s: this kernel makes no such socket" % word)


@test
def time_wait_has_a_row_and_an_explanation():
    name = space("tw")
    _, port = python(name, """
l = socket.socket(); l.bind(("127.0.0.1", 4950)); l.listen()
c = socket.create_connection(("127.0.0.1", 4950)); a = l.accept()[0]
p = c.getsockname()[1]; c.close(); a.recv(1); a.close(); print(p, flush=True); time.sleep(600)""")
    row = until("TIME_WAIT", lambda: listed("--netns", "/run/netns/" + name, "-L", port, "--state", "time-wait"))[0]
    assert row["holders"] == [] and row["process"] is None, row
    answer = sockwatch("who", "127.0.0.1:" + port, "--netns", name)
    assert answer.returncode == 0 and "TIME_WAIT" in answer.stdout and "itself, within 60 s" in answer.stdout, answer.stdout
    rows = sockwatch("ls", "-H", "-nP", "--netns", name, "-i", "@127.0.0.1:" + port).stdout
    assert re.search(r"^- +- +- +- +tcp +TIME_WAIT +%s +127.0.0.1:%s->127.0.0.1:4950 +-$" % (name, port), rows, re.M), rows


@test
def who_says_who():
    name = space("who")
    process, _ = python(name, """
l = socket.socket(); l.bind(("0.0.0.0", 4960)); l.listen()
m = socket.socket(); m.bind(("127.0.0.1", 4961)); m.listen()
c = socket.create_connection(("127.0.0.1", 4960)); a = l.accept()[0]
print("ready", flush=True); time.sleep(600)""")
    out = inside(name, SOCKWATCH, "who", "4960", "--netns", "self")
    for words in ("tcp 0.0.0.0:4960: listens, reachable from everywhere over IPv4", "python", "[%d]" % process.pid, "user root", "parents",
                  "connections 1: 1 ESTABLISHED"):
        assert words in out, (words, out)
    assert "from this host only" in inside(name, SOCKWATCH, "who", "127.0.0.1:4961", "--netns", "self")
    assert "in network namespace " + name in sockwatch("who", "4960").stdout
    nobody = sockwatch("who", "127.0.0.1:4962", "--netns", name)
    assert nobody.returncode == 3 and nobody.stdout == "", nobody
    assert json.loads(sockwatch("who", "4961", "--netns", name, "-o", "json").stdout.splitlines()[0])["local"]["port"] == 4961


def wait_for(port, code, meanwhile=lambda name, waiter: None):
    """Only in a namespace of its own: whoever else runs this suite takes the same port elsewhere."""
    name = space("wait" + port[-4:])
    waiter = subprocess.Popen([SOCKWATCH, "who", "--wait", port, "--netns", name], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, start_new_session=True)
    started.append(waiter)
    first_line("one that waits", waiter, waiter.stderr, "sockwatch: waiting")
    meanwhile(name, waiter)
    process, _ = python(name, code)
    waiter.send_signal(signal.SIGCONT)
    out, words = waiter.communicate(timeout=DEADLINE)
    assert waiter.returncode == 0 and "[%d]" % process.pid in out and "parents" in out, (waiter.returncode, out, words)
    return out


@test
def who_waits_until_somebody_takes_it():
    out = wait_for("tcp/4970", "s=socket.socket(); s.bind(('127.0.0.1',4970)); print('r',flush=True); time.sleep(600)")
    assert re.search(r"^taken at \d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S+, bind\(\) by python", out), out


@test
def who_waits_for_udp():
    wait_for("udp/4971", "u=socket.socket(2,2); u.bind(('127.0.0.1',4971)); print('r',flush=True); time.sleep(600)")


@test
def who_waits_in_its_namespace_only():
    def elsewhere(name, waiter):
        python(space("elsewhere"), "s=socket.socket(); s.bind(('127.0.0.1',4972)); print('r',flush=True); time.sleep(600)")
    wait_for("tcp/4972", "s=socket.socket(); s.bind(('127.0.0.1',4972)); print('r',flush=True); time.sleep(600)", elsewhere)


@test
def who_waits_although_events_are_lost():
    def flood(name, waiter):
        # More than its ring buffer holds while it does not read.
        waiter.send_signal(signal.SIGSTOP)
        _, line = python(name, """
a = ("127.0.0.1", 0)
for _ in range(400000):
    u = socket.socket(2, 2); u.bind(a); u.close()
print("r", flush=True); time.sleep(600)""")
    out = wait_for("tcp/4973", "s=socket.socket(); s.bind(('127.0.0.1',4973)); print('r',flush=True); time.sleep(600)", flood)
    assert "tcp 127.0.0.1:4973: bound, but does not listen" in out, out


@test
def a_group_of_listeners_on_one_port():
    name = space("group")
    _, line = python(name, """
pids = []
def one(show):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    s.bind(("127.0.0.1", 4990)); s.listen()
    if show: os.write(1, b"%d %d\\n" % (os.getppid(), os.getpid()))
    return s
keep = one(False)
if os.fork() == 0:
    keep.close(); other = one(True)
time.sleep(600)""")
    pids = sorted(map(int, line.split()))
    rows = [r for r in listed("--netns", name, "-L", "4990") if r["state"] == "LISTEN"]
    assert len(rows) == 2 and sorted(r["process"]["pid"] for r in rows) == pids, rows
    assert all(len(r["holders"]) == 1 and r["binder"]["pid"] == r["process"]["pid"] for r in rows), rows
    words = sockwatch("who", "4990", "--netns", name).stdout
    assert all("[%d], user root" % pid in words for pid in pids), words


@test
def ports_are_explained():
    name = space("class")
    inside(name, "sh", "-c", "echo 5000 5010 >/proc/sys/net/ipv4/ip_local_port_range")
    python(name, """
keep = []
for port in (80, 5005, 5011, 50000):
    s = socket.socket(); s.bind(("127.0.0.1", port)); s.listen(); keep.append(s)
print("ready", flush=True); time.sleep(600)""")
    rows = {r["local"]["port"]: (r["class"], r["ephemeral"], r["service"]) for r in listed("--netns", name)}
    assert rows[80][:2] == ("system", False) and "http" in rows[80][2].split(","), rows
    assert rows[5005][:2] == ("user", True) and rows[5011][:2] == ("user", False) and rows[50000][:2] == ("dynamic", False), rows


@test
def containers_and_units():
    root, name = cgroup_root(), space("cgroup")
    number = "%064x" % (0xabcdef << 200 | os.getpid())
    cases = {"docker-%s.scope" % number: number, "cri-containerd-%s.scope" % number: number, "libpod-%s.scope" % number: number,
             "crio-%s.scope" % number: number, "lxc.payload.sw%d" % os.getpid(): "sw%d" % os.getpid(),
             "sw%d.service" % os.getpid(): None}
    for port, (directory, container) in enumerate(cases.items(), 4100):
        place = os.path.join(root, directory)
        try:
            os.mkdir(place)
        except OSError as error:
            raise Skip("cgroups cannot be made: %s" % error)
        try:
            process, _ = python(name, """
open(sys.argv[1] + "/cgroup.procs", "w").write("0")
s = socket.socket(); s.bind(("127.0.0.1", int(sys.argv[2]))); s.listen()
print("ready", flush=True); sys.stdin.read()""", place, str(port))
            for way in ("auto", "proc"):
                row = listed("--netns", name, "-L", str(port), "--hooks", way)[0]
                assert row["process"]["container"] == container, (way, directory, row)
                assert row["process"]["cgroup"] == "/" + directory, row
            if container:
                found = [r["local"]["port"] for r in listed("--netns", name, "--container", container[:12]) if r["local"]["port"] == port]
                assert found == [port], found
            words = sockwatch("who", str(port), "--netns", name).stdout
            assert ("container   " + container if container else "unit        " + directory) in words, words
            process.stdin.close()
            process.wait(timeout=DEADLINE)
        finally:
            until("the end of a cgroup", lambda: gone(place))


@test
def names_never_block():
    name = space("dns")
    python(name, """
# Answers for 127.9.8.7 only; every other question stays without an answer.
d = socket.socket(2, 2); d.bind(("127.0.0.1", 53))
l = socket.socket(); l.bind(("127.9.8.7", 4980)); l.listen()
m = socket.socket(); m.bind(("127.9.8.8", 4981)); m.listen()
print("ready", flush=True)
while True:
    q, a = d.recvfrom(512)
    if b"\\x017\\x018\\x019\\x03127" in q:
        d.sendto(q[:2] + b"\\x81\\x80\\0\\1\\0\\1\\0\\0\\0\\0" + q[12:] +
                 b"\\xc0\\x0c\\0\\x0c\\0\\1\\0\\0\\0\\x3c\\0\\x0f\\5seven\\7example\\0", a)""")
    resolv = write("resolv.conf", "nameserver 127.0.0.1\n")
    begin = time.monotonic()
    out = inside(name, "unshare", "-m", "sh", "-c", "mount --bind %s /etc/resolv.conf && exec %s ls -r --netns self" %
                 (resolv, SOCKWATCH))
    assert "seven.example:4980" in out and "127.9.8.8:4981" in out, out
    assert time.monotonic() - begin < 20, "no server's silence may hold up a listing"


@test
def lsof_words():
    name = space("words")
    python(name, """
l = socket.socket(); l.bind(("127.0.0.1", 80)); l.listen()
u = socket.socket(2, 2); u.bind(("127.0.0.1", 53)); print("ready", flush=True); time.sleep(600)""")
    def ports(*args):
        return sorted(r["local"]["port"] for r in listed("--netns", "/run/netns/" + name, *args))
    assert ports("-i") == [53, 80] and ports("-i", ":80") == [80] and ports("-i:80") == [80]
    assert ports("-iTCP") == [80] and ports("-i4udp@127.0.0.1:1-60") == [53] and ports("-i", "6") == []
    assert ports("-iTCP:80") == [80] and ports("-iTCP@127.0.0.1:80") == [80] and ports("-iUDP:80") == []
    assert ports("-iTCP", "-sTCP:LISTEN") == [80] and ports("-sTCP:ESTABLISHED") == [] and ports("-i", "-sTCP:listen") == [80]
    assert ports("-t") == [80] and ports("-u") == [53] and ports("-tuna") == [53, 80] and ports("-aP4") == [53, 80]
    for wrong in ("-sLISTEN", "-sUDP:Idle", "-sTCP:", "-sTCP:ASLEEP", "-iTCP:", "-iTCP80"):
        result = sockwatch("ls", wrong)
        assert result.returncode == 2 and result.stderr.count("\n") == 1 and result.stdout == "", (wrong, result)
    assert ports("-itcp", "-i", ":53") == [53, 80] and ports("-nPi", "@localhost:http") == [80]
    bad = sockwatch("ls", "-i", "tcp@nowhere.invalid:x")
    assert bad.returncode == 2 and bad.stderr.count("\n") == 1, bad
    text = sockwatch("ls", "--services", "--netns", "/run/netns/" + name).stdout
    assert "127.0.0.1:http" in text and "127.0.0.1:domain" in text, text


@test
def listeners_are_grouped_by_their_reach():
    one, two = space("left"), space("right")
    made = {}
    for name in (one, two):
        made[name], _ = python(name, """
keep = []
for family, host, port, only in ((2, "127.0.0.1", 9002, None), (2, "0.0.0.0", 9003, None), (10, "::", 9004, 0), (10, "::", 9005, 1)):
    s = socket.socket(family)
    if only is not None: s.setsockopt(41, 26, only)
    s.bind((host, port)); s.listen(port - 9000); keep.append(s)
u = socket.socket(2, socket.SOCK_DGRAM); u.bind(("127.0.0.1", 9006))
print("ready", flush=True); sys.stdin.read()""", "the argument")
    lines = sockwatch("ls", "-l", "--local-port", "9002-9006").stdout.splitlines()
    outside, here = lines.index("Reachable from outside:"), lines.index("Only from here:")
    assert 0 < outside < here, lines
    for name in (one, two):
        mine = [(word.split(), at) for at, word in enumerate(lines) if " %s " % name in word]
        where = {words[1]: at > here for words, at in mine}
        assert where == {"127.0.0.1:9002": True, "0.0.0.0:9003": False, "*:9004": False, "[::]:9005": False,
                         "127.0.0.1:9006": True}, lines
        for words, _ in mine:
            port = int(words[1].rsplit(":", 1)[1])
            assert words[3] == ("0/%d" % (port - 9000) if port != 9006 else "0"), words
            assert words[4].startswith("python3[%d]" % made[name].pid) and words[5] == "root", words
            assert words[-2:] == ["the", "argument"], words
    assert len(lines) == 13, lines
    assert len(sockwatch("ls", "-lH", "--local-port", "9002-9006").stdout.splitlines()) == 10


@test
def what_frees_a_port_frees_it():
    name = space("frees")
    process, _ = python(name, """
s = socket.socket(); s.bind(("127.0.0.1", 9010)); s.listen(); s.set_inheritable(True)
if os.fork() == 0: signal.pause()
print("ready", flush=True); signal.pause()""")
    ask = ("who", "127.0.0.1:9010", "--netns", name)
    row, = [json.loads(line) for line in sockwatch(*ask, "-o", "json").stdout.splitlines()]
    held = sorted(h["process"]["pid"] for h in row["holders"])
    assert row["reach"] == "namespace" and row["range"]["low"] < row["range"]["high"], row
    for holder in row["holders"]:
        assert all(holder[key] == row[key] for key in ("local", "state")) and "peer" not in holder, row
    assert row["frees"]["how"] == "kill" and len(held) == 2 and process.pid in held, row
    assert row["frees"]["command"].split()[0] == "kill", row["frees"]
    assert sorted(int(pid) for pid in row["frees"]["command"].split()[1:]) == held, row["frees"]
    text = sockwatch(*ask).stdout
    assert text.splitlines()[-1] == "  freed by    " + row["frees"]["command"], text
    subprocess.run(row["frees"]["command"], shell=True, check=True)
    until("a free port", lambda: sockwatch(*ask), lambda result: result.returncode == 3)


run_tests()
