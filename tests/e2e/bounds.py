# SPDX-License-Identifier: GPL-2.0-only
"""bounds.py NAME... - floods and faults against a trace and a record with a ceiling of memory.

Each ends with both alive, below the ceiling (resident and in the kernel, together), with every event of a bystander told, and
with what was lost counted in `lost` events as in the last line.  FLOOD_SECONDS and FLOOD_SIZE (a share of the full size in
percent) make them shorter; what this machine cannot have is skipped with the reason.
"""
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

BUILD = Path(os.environ.get("BUILD", "build")).resolve()
SOCKWATCH = BUILD / "sockwatch"
SECONDS = float(os.environ.get("FLOOD_SECONDS", 10))
SIZE = int(os.environ.get("FLOOD_SIZE", 100))
CEILING = 96 << 20
MIB = 1 << 20
DEADLINE_S = 120
BYSTANDER = """
import os, socket, sys, time
server = socket.create_server(("127.0.0.1", 0))
print(server.getsockname()[1], flush=True)
os.set_blocking(0, False)
made = 0
while True:
    client = socket.create_connection(server.getsockname())
    accepted = server.accept()[0]
    client.close()
    accepted.recv(1)
    accepted.close()
    made += 1
    try:
        word = os.read(0, 1)
        if word == b"": break
        made = 0
        print("begun", flush=True)
    except BlockingIOError: pass
    time.sleep(0.01)
print(made, flush=True)
"""
work = Path(tempfile.mkdtemp())
NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
own_netns = ["unshare", "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]


def verdict(good, name, why=""):
    print(f"PASS {name}" if good else f"FAIL {name}: {why}", flush=True)


def until(condition, why, seconds=DEADLINE_S):
    end = time.monotonic() + seconds
    while not (found := condition()):
        if time.monotonic() > end:
            raise RuntimeError(f"waited {seconds} s in vain: {why}")
        time.sleep(0.02)
    return found


class Skip(Exception):
    """What this machine cannot have."""


class Watcher:
    """A trace or a record, and the most memory that it had."""

    def __init__(self, command, *arguments, memory=CEILING):
        self.words, self.out = work / f"{command}.words", work / f"{command}.out"
        with open(self.words, "w", encoding="utf-8") as err, open(self.out, "w", encoding="utf-8") as out:
            self.process = subprocess.Popen([SOCKWATCH, command, *arguments, "--memory", str(memory)], stdout=out,
                                            stderr=err)
        self.most, self.helper, self.code = 0, 0, None
        self.watching = threading.Thread(target=self.watch)
        self.watching.start()
        until(lambda: "sockwatch: tracing" in self.said() or self.process.poll() is not None, f"{command} is not ready")
        if self.process.poll() is not None:
            raise Skip(self.said().strip())
        self.ready = self.most

    def said(self):
        return self.words.read_text(encoding="utf-8")

    def memory(self):
        """Bytes, resident, of its helper what it does not share, and of what the kernel keeps for its descriptors."""
        place = f"/proc/{self.process.pid}"
        with open(f"{place}/statm", encoding="ascii") as f:
            size = int(f.read().split()[1]) * resource.getpagesize()
        with open(f"{place}/task/{self.process.pid}/children", encoding="ascii") as f:
            helpers = f.read().split()
        for helper in helpers:
            with open(f"/proc/{helper}/statm", encoding="ascii") as f:
                resident, shared = f.read().split()[1:3]
            own = (int(resident) - int(shared)) * resource.getpagesize()
            self.helper = max(self.helper, own)
            size += own
        for entry in os.listdir(f"{place}/fdinfo"):
            try:
                with open(f"{place}/fdinfo/{entry}", encoding="ascii") as f:
                    size += sum(int(line.split()[1]) for line in f if line.startswith("memlock:"))
            except OSError:
                pass
        # The rings are in both counts.
        return size

    def watch(self):
        while self.process.poll() is None:
            try:
                self.most = max(self.most, self.memory())
            except OSError:
                pass
            time.sleep(0.1)

    def alive(self):
        return self.process.poll() is None

    def end(self):
        self.process.send_signal(signal.SIGINT)
        self.code = self.process.wait(DEADLINE_S)
        self.watching.join()
        return self.code

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        self.watching.join()


class Bystander:
    """Connects to itself, a hundred times a second, and counts."""

    def __init__(self):
        self.process = subprocess.Popen([*own_netns, sys.executable, "-c", BYSTANDER], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, text=True)
        self.port = int(self.process.stdout.readline())

    def begin(self):
        """Counts from now on."""
        self.process.stdin.write("b")
        self.process.stdin.flush()
        self.process.stdout.readline()

    def end(self):
        self.process.stdin.close()
        made = int(self.process.stdout.readline())
        self.process.wait(DEADLINE_S)
        return made


def lost_of(lines, words):
    """What `lost` events counted, of which without room, and what the last line says of facts and sockets."""
    lost = [line for line in lines if line["event"] == "lost"]
    last = words.strip().splitlines()[-1].split()
    # "sockwatch: 7 events shown, 8 facts lost, 9 sockets not kept, 5 of them withheld ..., 4 changes of processes ..."
    at = {word: i for i, word in enumerate(last)}
    facts = int(last[at["facts"] - 1]) if "facts" in at else 0
    rest = int(last[at["sockets"] - 1]) if "sockets" in at else 0
    changes = int(last[at["changes"] - 1]) if "changes" in at else 0
    return (sum(line["count"] for line in lost), sum(line.get("withheld", 0) for line in lost),
            facts + rest + changes)


def flood(name, run):
    """Runs it between a start and an end of all."""
    bystander = Bystander()
    watchers = []
    try:
        store = work / f"{name}.store"
        watchers += [Watcher("trace", "-o", "json", "--events", "close", "--port", str(bystander.port))]
        watchers += [Watcher("record", "--store", store, "--port", str(bystander.port))]
        bystander.begin()
        began = time.monotonic()
        said = run(watchers)
        took = time.monotonic() - began
        made = bystander.end()
        good = [w.alive() for w in watchers]
        codes = [w.end() for w in watchers]
        verdict(all(good) and all(code in (0, 4) for code in codes), f"{name}_is_survived",
                f"alive {good}, codes {codes}: {watchers[0].said()[-300:]} {watchers[1].said()[-300:]}")
        verdict(all(w.most <= CEILING for w in watchers), f"{name}_stays_below_the_ceiling",
                f"{[round(w.most / MIB, 1) for w in watchers]} MB of {CEILING / MIB:.0f}")
        lines = [json.loads(line) for line in watchers[0].out.read_text(encoding="utf-8").splitlines()]
        closes = sum(line["event"] == "close" for line in lines)
        told, withheld, last = lost_of(lines, watchers[0].said())
        # What the kernel runs no program for nobody can tell; those between the start and the count are more.
        verdict(closes >= 2 * made - withheld, f"{name}_hides_nothing_of_a_bystander",
                f"{closes} ends told of {made} connections, {withheld} withheld: {watchers[0].said()[-400:]}")
        verdict(told == last and (codes[0] == 4) == (last > 0), f"{name}_is_counted",
                f"{told} in lost events, {last} in the last line, code {codes[0]}")
        print(f"note: {name}: {said}, {took:.1f} s; of {CEILING // MIB} MB trace {watchers[0].most / MIB:.1f}, record "
              f"{watchers[1].most / MIB:.1f} (ready {watchers[0].ready / MIB:.1f}, {watchers[1].ready / MIB:.1f}); "
              f"{last} lost, {withheld} of it withheld", flush=True)
    finally:
        for w in watchers:
            w.kill()
        bystander.process.kill()
        bystander.process.wait()


def generate(*arguments, **more):
    """Starts a generator and waits for its end; what it printed last."""
    done = subprocess.run([str(a) for a in arguments], stdout=subprocess.PIPE, text=True, check=False,
                          timeout=SECONDS + DEADLINE_S, **more)
    if done.returncode:
        raise Skip(f"{arguments[0]} ended with {done.returncode}")
    return done.stdout.strip().splitlines()[-1]


def held(command, ready):
    """Starts what holds many things, until the block ends."""
    process = subprocess.Popen([str(a) for a in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    said = process.stdout.readline()
    if ready not in said:
        process.kill()
        process.wait()
        raise Skip(f"{' '.join(map(str, command))} said {said!r}")
    return process, said


def release(process):
    process.stdin.close()
    process.wait(DEADLINE_S)


def room_for(size, each):
    """As many of these as a third of the free memory holds."""
    with open("/proc/meminfo", encoding="ascii") as f:
        free = next(int(line.split()[1]) for line in f if line.startswith("MemAvailable"))
    return max(1, min(size * SIZE // 100, free // 3 // each))


def sockets(_watchers):
    count = room_for(1000000, 7)
    process, _ = held([*own_netns, "env", "MANY_UID=65534", sys.executable, "-B", "tests/e2e/many.py", count], "ready")
    release(process)
    return f"{count} sockets"


def namespaces(_watchers):
    count = room_for(5000, 400)
    process, _ = held([BUILD / "tools/flood", "namespaces", count], "ready")
    release(process)
    return f"{count} namespaces"


def lives(_watchers):
    """Of nobody's, as fast as can be."""
    out = generate(*own_netns, *NOBODY, BUILD / "tools/connrate", "--netns", "self", "--seconds", int(SECONDS))
    made = json.loads(out)
    return f"{made['connections']} connections, {made['rate']:.0f}/s"


def rated(kind, *more):
    """As fast as this machine can: one loop for each of its processors."""
    def run(_watchers):
        command = [str(a) for a in (BUILD / "tools/flood", kind, int(SECONDS), *more)]
        loops = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count())]
        said = [loop.communicate(timeout=SECONDS + DEADLINE_S)[0] for loop in loops]
        if any(loop.returncode for loop in loops):
            raise Skip(f"{command} ended with {[loop.returncode for loop in loops]}")
        made = sum(map(int, said))
        return f"{made} {kind} by {len(loops)} loops, {made / int(SECONDS):.0f}/s"
    return run


FLOODS = {"sockets": sockets, "lives": lives, "processes": rated("processes"), "namespaces": namespaces,
          "binds": rated("binds", 2000), "renames": rated("renames")}


# ---- faults: it stands still, is frozen, has little memory ----

def load():
    """Many times what a ring of 1 MiB holds, however slow the machine."""
    return subprocess.Popen([BUILD / "tools/connrate", "--rate", "5000", "--seconds", "100", "--reset", "--connections",
                             str(int(SECONDS * 5000))], stdout=subprocess.DEVNULL)


def stand_still(name, stop, go):
    """The table is the kernel's again, and what was not read is counted."""
    def run(watchers):
        process = load()
        for w in watchers:
            stop(w)
        time.sleep(SECONDS)
        process.wait(DEADLINE_S)
        for w in watchers:
            go(w)
        until(lambda: '"lost"' in watchers[0].out.read_text(encoding="utf-8"), "no lost event", 30)
        return f"{SECONDS:.0f} s under 5,000 connections/s"

    bystander = Bystander()
    watchers = []
    try:
        watchers += [Watcher("trace", "-o", "json", "--events", "close", "--port", str(bystander.port), "--ring", "1M")]
        said = run(watchers)
        made = bystander.end()
        alive = watchers[0].alive()
        code = watchers[0].end()
        lines = [json.loads(line) for line in watchers[0].out.read_text(encoding="utf-8").splitlines()]
        told, withheld, last = lost_of(lines, watchers[0].said())
        verdict(alive and code == 4, f"{name}_is_survived", f"code {code}: {watchers[0].said()[-300:]}")
        verdict(told == last and last > 0, f"{name}_is_counted", f"{told} in lost events, {last} in the last line")
        closes = sum(line["event"] == "close" for line in lines)
        verdict(closes > 0, f"{name}_goes_on", f"{closes} ends told of {made} connections")
        verdict(watchers[0].most <= CEILING, f"{name}_stays_below_the_ceiling", f"{watchers[0].most / MIB:.1f} MB")
        print(f"note: {name}: {said}; {last} lost, {withheld} of it withheld; {watchers[0].most / MIB:.1f} MB, of them the "
              f"helper {watchers[0].helper / MIB:.1f}", flush=True)
    finally:
        for w in watchers:
            go(w)
            w.kill()
        bystander.process.kill()
        bystander.process.wait()


def sigstop(name="sigstop"):
    stand_still(name, lambda w: w.process.send_signal(signal.SIGSTOP),
                lambda w: w.process.send_signal(signal.SIGCONT))


def look():
    """Two looks at a host with more sockets than there is room for, the second after a loss."""
    count = room_for(1000000, 7)
    process, _ = held([*own_netns, sys.executable, "-B", "tests/e2e/many.py", count], "ready")
    print(f"note: look: {count} sockets", flush=True)
    try:
        sigstop("look")
    finally:
        release(process)


def group(controller):
    """A cgroup of the test's own where this controller is mounted, of either version: (directory, version 2)."""
    with open("/proc/self/mounts", encoding="utf-8") as f:
        mounts = [line.split() for line in f]
    for _, place, kind, options, *_ in mounts:
        two = kind == "cgroup2"
        if not two and (kind != "cgroup" or controller not in options.split(",")):
            continue
        if two and controller == "memory" and "memory" not in Path(place, "cgroup.subtree_control").read_text(
                encoding="ascii").split():
            continue
        directory = Path(place, f"sockwatch-bounds-{os.getpid()}")
        try:
            directory.mkdir()
        except OSError:
            continue
        return directory, two
    raise Skip(f"no cgroup with {controller} can be made here")


def leave(directory):
    until(lambda: not (directory / "cgroup.procs").read_text(encoding="ascii").strip(), "the cgroup is not left", 20)
    directory.rmdir()


def freezer():
    directory, two = group("freezer")
    names = ("cgroup.freeze", "1", "0") if two else ("freezer.state", "FROZEN", "THAWED")

    def put(word):
        def do(w):
            if w.alive() and word == names[1]:
                (directory / "cgroup.procs").write_text(str(w.process.pid), encoding="ascii")
            (directory / names[0]).write_text(word, encoding="ascii")
        return do

    try:
        stand_still("freezer", put(names[1]), put(names[2]))
    finally:
        leave(directory)


def memory_max():
    """A recorder that may have 64 MB, beside more than it can keep: it is not killed, and says what it lost."""
    directory, two = group("memory")
    (directory / ("memory.max" if two else "memory.limit_in_bytes")).write_text(str(64 * MIB), encoding="ascii")
    store = work / "little.store"
    inside = ["sh", "-c", 'echo $$ >"$0/cgroup.procs" && exec "$@"', str(directory)]
    words = work / "little.words"
    with open(words, "w", encoding="utf-8") as err:
        recorder = subprocess.Popen([*inside, SOCKWATCH, "record", "--store", store, "--memory", "60M"], stderr=err)
    try:
        until(lambda: "sockwatch: tracing" in words.read_text(encoding="utf-8") or recorder.poll() is not None, "ready")
        # Facts and rows of twice what it may have.
        made = json.loads(generate(BUILD / "tools/connrate", "--seconds", int(SECONDS)))
        alive = recorder.poll() is None
        recorder.send_signal(signal.SIGINT)
        code = recorder.wait(DEADLINE_S)
        last = words.read_text(encoding="utf-8").strip().splitlines()[-1]
        verdict(alive and code in (0, 4), "memory_max_is_survived", f"code {code}: {last}")
        kept = subprocess.run(["sqlite3", "-readonly", store, "SELECT count(*) FROM lives WHERE closed IS NOT NULL"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout
        verdict(int(kept) >= 2 * made["connections"] or code == 4, "memory_max_loses_nothing_silently",
                f"{kept.strip()} lives of {made['connections']} connections, code {code}: {last}")
        print(f"note: memory.max: {made['connections']} connections, {kept.strip()} lives kept; {last}", flush=True)
    finally:
        recorder.kill()
        recorder.wait()
        leave(directory)


FAULTS = {"sigstop": sigstop, "look": look, "freezer": freezer, "memory_max": memory_max}


def main():
    try:
        for name in sys.argv[1:] or [*FLOODS, *FAULTS]:
            try:
                FAULTS[name]() if name in FAULTS else flood(f"flood_of_{name}", FLOODS[name])
            except Skip as why:
                print(f"SKIP {name}: {why}", flush=True)
            except (RuntimeError, OSError, subprocess.SubprocessError) as why:
                verdict(False, name, repr(why))
    finally:
        shutil.rmtree(work)


if __name__ == "__main__":
    main()
