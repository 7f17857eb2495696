# SPDX-License-Identifier: GPL-2.0-only
"""The power goes at random moments while a recorder writes to a disk: QEMU is killed, and with it the guest's memory,
its page cache too. The next boot goes on with the same disk and store.

The guest's generator says over the serial port which connection ended when. After each cut a copy of the disk gets its
journal replayed; the store on it must be whole, and have both ends of every connection that ended after the recorder was
ready and more than a second before the last word. (QEMU keeps the order of its writes; a disk that forgets what it
said was flushed is not tried.) CUTS makes it longer.
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
from collections import Counter
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import disk  # noqa: E402 pylint: disable=wrong-import-position

CUTS = int(os.environ.get("CUTS", 5))
RATE, READY_S, LONGEST_S, SECOND = 100, 180, 8.0, 1_000_000_000


def times_of(said):
    """When the recorder was ready, None before, and the connections that ended since: (port, destination, when)."""
    ready, ended = None, []
    for line in said.split("\n")[:-1]:
        words = line.split()
        if words[:1] == ["READY"]:
            ready = int(words[1])
        elif ready and len(words) == 3 and words[0].isdigit() and words[2].isdigit():
            ended.append((int(words[0]), words[1], int(words[2])))
    return ready, ended


def has_run(said, seconds):
    """So much of the guest's time went by since it was ready."""
    ready, ended = times_of(said)
    return bool(ended) and ended[-1][2] - ready >= seconds * SECOND


def due_of(said):
    """(client port, destination) of what must be stored by now, by the guest's own clock: how many, and how long ago the last."""
    _, ended = times_of(said)
    last = max((when for _, _, when in ended), default=0)
    due = [(port, to, last - when) for port, to, when in ended if when <= last - SECOND]
    return Counter((port, to) for port, to, _ in due), {(port, to): age for port, to, age in due}


def take_store(image, work):
    """The store as a machine would find it: on a copy, with the journal replayed."""
    copy, out = work / "copy", work / "taken"
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir()
    subprocess.run(["cp", "--sparse=always", image, copy], check=True)
    subprocess.run(["e2fsck", "-fy", copy], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    subprocess.run(["debugfs", "-R", f"rdump /store {out}", copy], stderr=subprocess.DEVNULL, check=True)
    return out / "store" / "lives"


def judge(store, due, ages):
    db = sqlite3.connect(store)
    said = db.execute("PRAGMA integrity_check").fetchone()[0]
    if said != "ok":
        return f"damaged: {said}"
    ended = "closed IS NOT NULL AND peer_port > 0"
    clients = Counter(db.execute(f"SELECT local_port, peer_addr FROM lives WHERE comm = 'connrate' AND {ended}"))
    servers = Counter(db.execute(f"SELECT peer_port, local_addr FROM lives WHERE comm = 'connrate-server' AND {ended}"))
    db.close()
    lost = [due - there for there in (clients, servers)]
    ago = sorted(ages[key] // 1_000_000 for key in lost[0] | lost[1] if key in ages)
    where = f"ended {', '.join(map(str, ago))} ms before the last word" if ago else "are of an earlier cut"
    return (f"of {due.total()} connections {lost[0].total()} clients and {lost[1].total()} servers are missing, which {where}"
            if any(lost) else "")


def main(work):
    kernel = disk.find_kernel()
    tree, image = work / "tree", work / "image"
    for name in ("dev", "proc", "sys", "tmp", "run", "sbin", "store"):
        (tree / name).mkdir(parents=True)
    for name, to in (("init", "sbin/init"), ("sockwatch", "sockwatch"), ("tools/connrate", "connrate")):
        shutil.copy2(disk.guest(name), tree / to)
    disk.make_disk(image, tree, 192)
    due, bad = Counter(), ""
    for cut in range(1, CUTS + 1):
        machine = disk.boot(kernel, image, work, f"VM_CUT={RATE}", "BEGIN", READY_S)
        try:
            ready = machine.wait_for("READY", READY_S)
            if ready:
                seconds = random.uniform(0.5, LONGEST_S)
                machine.wait_until(lambda said, seconds=seconds: has_run(said, seconds), READY_S)
        finally:
            machine.cut()
        if not ready:
            bad = f"cut {cut}: no recorder came up: {machine.last_words()}"
            break
        ended, ages = due_of(machine.said())
        due += ended
        if why := judge(take_store(image, work), due, ages):
            bad = f"cut {cut}: {why}"
            break
    print(f"FAIL power-cut-{CUTS}-times: {bad}" if bad else f"PASS power-cut-{CUTS}-times")
    enough = due.total() > RATE * CUTS // 4
    print("PASS power-cut-demanded" if enough else f"FAIL power-cut-demanded: {due.total()} connections only")
    print(f"note: {due.total()} connections demanded after {CUTS} cuts")


if __name__ == "__main__":
    disk.run("power", main)
