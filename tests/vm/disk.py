# SPDX-License-Identifier: GPL-2.0-only
"""Machines that boot a kernel of kernels.list from a disk of their own: what power.py and service.py share."""
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = Path(os.environ.get("BUILD", "build")).resolve() / "vm"
KERNEL = "x86_64-6.12"  # Debian's cloud kernels have NVMe and ext4 built in
BOOT_ATTEMPTS = 3
LONGEST_S = 3600
QEMU = "qemu-system-x86_64"
TOOLS = {QEMU: "qemu-system-x86", "mkfs.ext4": "e2fsprogs", "debugfs": "e2fsprogs", "e2fsck": "e2fsprogs"}


class Absent(Exception):
    """Why there can be no such machine here."""


def find_kernel():
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool, package in TOOLS.items():
        if not shutil.which(tool):
            raise Absent(f"no {tool} on this machine ({package})")
    said = subprocess.run([HERE / "fetch", KERNEL], stdout=subprocess.PIPE, text=True, check=False).stdout
    if not said.startswith("OK "):
        raise Absent(said.split(" ", 2)[-1].strip() or "tests/vm/fetch said nothing")
    return said.split()[2]


def guest(name):
    file = BUILD / "x86_64" / name
    if not file.is_file():
        raise Absent(f"no {file}: make vm-guest-x86_64")
    return file


def make_disk(image, tree, megabytes):
    with open(image, "wb") as disk:
        disk.truncate(megabytes << 20)
    subprocess.run(["mkfs.ext4", "-q", "-F", "-d", tree, image], check=True)


def last_line(console):
    """What a machine's console said last, of a kernel's end if that is there."""
    lines = console.read_text(errors="replace").splitlines() if console.is_file() else []
    panic = [line for line in lines if "Kernel panic" in line or "Oops" in line or "BUG:" in line]
    return (panic or lines or ["nothing"])[-1]


class Machine:
    """One boot. `results` is the file its second serial port goes to, `console` the first.

    Its clock goes by the instructions that it has run: where the host keeps it waiting, its seconds wait too. Its processors take
    turns in one thread, so that QEMU before 8.1 runs no breakpoint that another has taken away (stale_breakpoint() in run).
    """

    def __init__(self, kernel, image, work, words):
        self.results, self.console = work / "results", work / "console"
        for file in (self.results, self.console):
            file.write_text("")
        # A disk without a cache of its own: what the guest was told is on it is in the file, and only that.
        self.qemu = subprocess.Popen(
            [QEMU, "-accel", "tcg", "-icount", "shift=3", "-machine", "pc", "-smp", "2", "-m", "512", "-nodefaults",
             "-no-user-config", "-display", "none", "-no-reboot", "-serial", f"file:{self.console}", "-serial", f"file:{self.results}",
             "-drive", f"file={image},format=raw,if=none,id=disk", "-device", "nvme,drive=disk,serial=1",
             "-kernel", kernel, "-append", "root=/dev/nvme0n1 rw console=ttyS0 loglevel=4 panic=-1 oops=panic "
             f"random.trust_cpu=on mitigations=off VM_RESULTS=/dev/ttyS1 {words}"], stdin=subprocess.DEVNULL)

    def said(self):
        return self.results.read_text(errors="replace").replace("\r", "")

    def wait_until(self, test, seconds):
        """False where the machine ends before that, or says nothing for so long: a busy host's goes on, slowly."""
        size, since, begin = 0, time.monotonic(), time.monotonic()
        while not test(self.said()):
            now, said = time.monotonic(), self.results.stat().st_size + self.console.stat().st_size
            if said != size:
                size, since = said, now
            if self.qemu.poll() is not None or now - since > seconds or now - begin > LONGEST_S:
                return test(self.said())
            time.sleep(0.05)
        return True

    def wait_for(self, text, seconds):
        return self.wait_until(lambda said: text in said, seconds)

    def cut(self):
        self.qemu.kill()
        self.qemu.wait()

    def last_words(self):
        return " | ".join(self.said().splitlines()[-3:] + [last_line(self.console)])


def boot(kernel, image, work, words, begin, seconds=60):
    """A machine that has said `begin`. Emulation loses one now and then while its kernel still starts: tried again."""
    for attempt in range(1, BOOT_ATTEMPTS + 1):
        machine = Machine(kernel, image, work, words)
        if machine.wait_for(begin, seconds) or attempt == BOOT_ATTEMPTS:
            return machine
        machine.cut()
        print(f"# boot {attempt} of {BOOT_ATTEMPTS}: {machine.last_words()}", flush=True)


def run(name, test):
    """`test` with a folder of its own; a skip where there can be no machine."""
    folder = Path(tempfile.mkdtemp(dir=os.environ.get("TMPDIR", "/var/tmp")))  # /tmp may be memory
    try:
        test(folder)
    except Absent as why:
        print(f"SKIP {name}: {why}")
    finally:
        shutil.rmtree(folder)
