#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only
"""unix.py SOCKWATCH: compares `sockwatch ls -x` and `who PATH` with ss, on sockets made here, in namespaces made here."""
from listing import *  # noqa: F403

UNIX = "import socket as S\nkeep=[]\ndef u(kind=S.SOCK_STREAM, name=None, backlog=None):\n" \
       " s=S.socket(S.AF_UNIX, kind); keep.append(s)\n" \
       " if name is not None: s.bind(name)\n" \
       " if backlog is not None: s.listen(backlog)\n return s\n"
READY = "\nprint(' '.join(str(os.fstat(s.fileno()).st_ino) for s in keep), flush=True)\nsys.stdin.read()"


def place(name):
    return os.path.join(work, name)


def holder(name, code, *args):
    """Runs code in a namespace; returns the process and the inodes of its sockets."""
    process, line = python(name, UNIX + code + READY, *args)
    return process, [int(word) for word in line.split()]


def rows(*args):
    return {row["inode"]: row for row in listed("-x", *args)}


def row_of(name, inode, *args):
    return rows("--netns", "/run/netns/" + name, "-a", *args)[inode]


def pids(row):
    return [h["process"]["pid"] for h in row["holders"]]


def from_ss(name):
    """inode: type, receive queue, send queue, holders."""
    kinds = {"u_str": "stream", "u_dgr": "dgram", "u_seq": "seqpacket"}
    found = {}
    for line in inside(name, "ss", "-xlpHO").splitlines():
        before, _, after = line.partition(" users:")
        word = before.split()
        found[int(word[-3])] = (kinds[word[0]], word[1], int(word[2]), int(word[3]),
                                sorted((int(p), int(f)) for p, f in re.findall(r"pid=(\d+),fd=(\d+)", after)))
    return found


@test
def listeners_equal_ss():
    name = space("ss")
    process, made = holder(name, """
d = sys.argv[1]
l = u(name=d + "/stream", backlog=7)
u().connect(d + "/stream"); u().connect(d + "/stream")
u(S.SOCK_SEQPACKET, d + "/seq", 3)
u(S.SOCK_DGRAM, d + "/dgram")
u(name=b"\\0abstract", backlog=9)
u(name=d + "/bound")
if os.fork() == 0: signal.pause()
""", work)
    ours = rows("--netns", "/run/netns/" + name, "-a")
    theirs = from_ss(name)
    assert set(theirs) <= set(ours) and set(made) <= set(ours), (theirs, sorted(ours), made)
    for inode, (kind, state, receive, send, holders) in theirs.items():
        row = ours[inode]
        listens = row.get("state") == "LISTEN"
        assert row["type"] == kind and listens == (state == "LISTEN"), row
        if listens:
            assert (row["queue"]["receive"], row["queue"]["backlog"]) == (receive, send), row
        assert sorted((h["process"]["pid"], h["fd"]) for h in row["holders"]) == holders, (row, holders)
        assert row["process"]["pid"] == process.pid and row["netns"] == os.stat("/run/netns/" + name).st_ino, row
    assert len([r for r in ours.values() if r.get("state") == "LISTEN"]) == 3
    listening = rows("--netns", "/run/netns/" + name, "-l")
    assert set(listening) == {made[0], made[3], made[4], made[5]}, sorted(listening)


@test
def peers_are_named():
    name = space("peers")
    path = place("peers")
    server, made = holder(name, "l = u(name=sys.argv[1], backlog=7); g = u(S.SOCK_DGRAM, sys.argv[1] + '.dgram')\n"
                          "print('', flush=True); sys.stdin.readline(); keep.append(l.accept()[0])", path)
    client, ends = holder(name, "u().connect(sys.argv[1]); u().connect(sys.argv[1]); "
                          "u(S.SOCK_DGRAM).connect(sys.argv[1] + '.dgram')", path)
    first = row_of(name, ends[0])
    assert first["peer"]["waits"] is True and first["peer"]["process"]["pid"] == server.pid, first["peer"]
    server.stdin.write("\n")
    server.stdin.flush()
    made = [int(word) for word in first_line("what is accepted", server, server.stdout).split()]
    listener, accepted, first = row_of(name, made[0]), row_of(name, made[2]), row_of(name, ends[0])
    assert first["peer"] == {"path": path, "inode": made[2], "process": first["peer"]["process"]}, first["peer"]
    assert first["peer"]["process"]["pid"] == server.pid
    assert accepted["peer"]["inode"] == ends[0] and accepted["peer"]["process"]["pid"] == client.pid
    assert row_of(name, ends[1])["peer"] == {"path": path, "inode": made[0], "waits": True,
                                             "process": first["peer"]["process"]}
    assert {(p["inode"], p["process"]["pid"], p.get("waits", False)) for p in listener["peers"]} == \
        {(ends[0], client.pid, False), (ends[1], client.pid, True)}, listener["peers"]
    assert [p["inode"] for p in row_of(name, made[1])["peers"]] == [ends[2]]
    said = sockwatch("who", path).stdout
    assert "peers       1: python3[%d]" % client.pid in said and "waiting     1: python3[%d]" % client.pid in said, said
    text = sockwatch("ls", "-x", "--netns", "/run/netns/" + name).stdout
    assert "waits for python3[%d] %s" % (server.pid, path) in text and "2 connected" in text, text
    client.kill()
    client.wait()
    after = until("the end of the client", lambda: row_of(name, made[2]), lambda row: "peer" not in row)
    assert after["state"] == "ESTABLISHED", after
    assert re.search(r"ESTABLISHED.*%s +closed" % path, sockwatch("ls", "-x", path).stdout)


@test
def a_file_that_was_removed_or_replaced():
    name = space("file")
    path = place("file.sock")
    old, made = holder(name, "u(name=sys.argv[1], backlog=1)", path)
    assert row_of(name, made[0])["file"] == "there"
    os.rename(path, path + ".old")
    _, other = holder(name, "u(name=sys.argv[1], backlog=1)", path)
    assert row_of(name, made[0])["file"] == "missing" and row_of(name, other[0])["file"] == "there"
    os.unlink(path + ".old")
    assert row_of(name, made[0])["file"] == "missing"
    said = sockwatch("who", path).stdout
    assert said.count("listens") == 2 and said.count("is not at its path any more") == 1, said
    assert "%s (no file)" % path in sockwatch("ls", "-xl", path).stdout
    os.symlink(path, path + ".link")
    linked = [json.loads(line) for line in sockwatch("who", path + ".link", "-o", "json").stdout.splitlines()]
    assert [row["inode"] for row in linked] == other, linked


@test
def a_file_in_another_root():
    name = space("root")
    root = place("root")
    os.makedirs(root + "/run")
    os.symlink("/run", root + "/link")
    _, made = holder(name, "os.chroot(sys.argv[1]); u(name='/link/in.sock', backlog=1); u(name='/run/gone.sock', backlog=1);"
                     " os.unlink('/run/gone.sock'); os.chdir('/run'); u(name='near.sock', backlog=1)", root)
    assert row_of(name, made[0])["file"] == "there"
    assert row_of(name, made[1])["file"] == "missing"
    assert row_of(name, made[2])["file"] is None  # whose directory was meant is not known


@test
def hostile_names():
    name = space("names")
    evil = b"\x1b[2J\n\xff\xe2\x80\xae@'\" x"
    _, made = holder(name, "n = bytes.fromhex(sys.argv[1]); u(name=b'\\0' + n + b'\\0', backlog=1);"
                     "u(name=sys.argv[2].encode() + n, backlog=1); os.chdir(sys.argv[2]); u(name='@near', backlog=1)",
                     evil.hex(), work + "/")
    for inode, key in ((made[0], "abstract"), (made[1], "path")):
        value = row_of(name, inode)["local"][key]
        assert "\x1b[2J\n�" in value, repr(value)
    assert row_of(name, made[0])["local"]["abstract"].endswith("x\0")
    assert row_of(name, made[2])["local"] == {"path": "@near"}
    text = subprocess.run([SOCKWATCH, "ls", "-xl", "--netns", "/run/netns/" + name], capture_output=True).stdout
    assert b"\x1b" not in text and b"\xff" not in text and len(text.splitlines()) == 4, text
    assert b"@\\x1b[2J\\x0a\\xff" in text and b"./@near" in text, text
    said = sockwatch("who", "@other").stderr
    assert "nobody has @other" in said, said


@test
def a_descriptor_that_was_passed():
    name = space("passed")
    path = place("passed")
    server, made = holder(name, """
a, b = S.socketpair(S.AF_UNIX)
l = u(name=sys.argv[1], backlog=1)
n = os.fstat(l.fileno()).st_ino
a.sendmsg([b"x"], [(S.SOL_SOCKET, S.SCM_RIGHTS, array.array("i", [l.fileno()]))])
l.close(); keep.clear()
print(n, os.getpid(), flush=True)
sys.stdin.readline()
pid = os.fork()
if pid == 0:
    b.recvmsg(1, 100); print(os.getpid(), flush=True); signal.pause()
b.close(); sys.stdin.read()
""", path)
    inode = made[0]
    row = row_of(name, inode)
    assert row["holders"] == [] and row["process"] is None and row["state"] == "LISTEN" and row["file"] is not None, row
    said = sockwatch("who", path).stdout
    assert "on its way over another Unix socket" in said, said
    server.stdin.write("\n")
    server.stdin.flush()
    child = int(first_line("who received it", server, server.stdout))
    row = row_of(name, inode)
    assert pids(row) == [child] and row["process"]["pid"] == child, row


@test
def other_namespaces_are_named():
    one, two = space("one"), space("two")
    inodes = {}
    for name in (one, two):
        _, made = holder(name, "u(name=b'\\0same', backlog=1)")
        inodes[name] = made[0]
    found = rows("@same")
    assert {found[inodes[n]]["netns_name"] for n in (one, two)} == {one, two}, found
    assert all(one in line or two in line for line in sockwatch("ls", "-xl", "@same").stdout.splitlines()[1:])
    assert "in network namespace %s " % one in sockwatch("who", "@same", "--netns", one).stdout
    assert two not in sockwatch("who", "@same", "--netns", one).stdout


@test
def conditions():
    name = space("cond")
    process, made = holder(name, "u(name=b'\\0cond', backlog=1); S.socketpair(S.AF_UNIX); u()")
    assert set(rows("-p", str(process.pid), "-a")) >= set(made)
    assert list(rows("-p", str(process.pid))) == made[:1]
    assert not rows("-p", str(process.pid), "-c", "nobody")
    assert list(rows("-U", "0", "-l", "-p", str(process.pid))) == made[:1]
    for words in (("ls", "-x", "--port", "80"), ("ls", "-tx"), ("who", "/run/x", "80"), ("who", "80", "/run/x"),
                  ("who", "--wait", "@x"), ("ls", "-x", "--state", "listen")):
        result = sockwatch(*words)
        assert result.returncode == 2 and len(result.stderr.splitlines()) == 1, (words, result)
    assert sockwatch(place("none")).returncode == 3


run_tests()
