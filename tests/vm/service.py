# SPDX-License-Identifier: GPL-2.0-only
"""The installed unit under a booted systemd: a Debian of its own, made with debootstrap, on a disk of QEMU's.

What is checked runs inside the machine (service.guest) and is said over the serial port; a machine that does not say
END is lost.
"""
import os
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import disk  # noqa: E402 pylint: disable=wrong-import-position

BOOT_S, LIMIT_S = 240, 400
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sockwatch"
CHECK = """[Unit]
Description=What the test asks of sockwatch-record
After=multi-user.target
[Service]
Type=simple
ExecStart=/bin/bash /check
StandardOutput=tty
StandardError=tty
TTYPath=/dev/ttyS1
[Install]
WantedBy=multi-user.target
"""


def mirror():
    """The one this system's apt reads its own release from, and the release."""
    words = Path("/etc/os-release").read_text(encoding="utf-8").split()
    release = next((w.split("=")[1] for w in words if w.startswith("VERSION_CODENAME=")), "")
    asked = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages"]
    said = subprocess.run(asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=False).stdout
    found = [line.split()[0] for line in said.splitlines() if line.split()[1:] == [release, "main"]]
    if not found:
        raise disk.Absent("no Debian mirror in this system's apt configuration")
    return found[0], release


def debian():
    """A tree with systemd, kept in the cache."""
    tree = CACHE / "systemd"
    if (tree / ".made").is_file():
        return tree
    if os.geteuid() or not shutil.which("debootstrap"):
        raise disk.Absent("needs root and debootstrap to make a Debian with systemd")
    where, release = mirror()
    shutil.rmtree(tree, ignore_errors=True)
    made = subprocess.run(["debootstrap", "--variant=minbase", "--include=systemd,systemd-sysv", release, tree, where],
                          stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    if made.returncode:
        raise disk.Absent("debootstrap cannot make a Debian with systemd here")
    shutil.rmtree(tree / "var/cache/apt", ignore_errors=True)
    shutil.rmtree(tree / "var/lib/apt/lists", ignore_errors=True)
    (tree / ".made").touch()
    return tree


def furnish(tree):
    here = Path(__file__).resolve().parent
    make = ["make", "-s", "-C", here.parents[1], "install", f"DESTDIR={tree}", "PREFIX=/usr", "STATIC=1", "SAN=",
            f"BUILD={disk.BUILD / 'x86_64'}"]
    subprocess.run(make, stdout=subprocess.DEVNULL, check=True)
    shutil.copy2(disk.guest("tools/connrate"), tree / "usr/bin/connrate")
    shutil.copy2(here / "service.guest", tree / "check")
    units = tree / "etc/systemd/system"
    (units / "check.service").write_text(CHECK)
    (units / "multi-user.target.wants").mkdir(exist_ok=True)
    (units / "multi-user.target.wants/check.service").symlink_to("../check.service")
    # A watchdog that a test can wait for; everything else is as installed.
    (units / "sockwatch-record.service.d").mkdir()
    (units / "sockwatch-record.service.d/test.conf").write_text("[Service]\nWatchdogSec=4\n")


def main(work):
    kernel, base = disk.find_kernel(), debian()
    tree, image = work / "tree", work / "image"
    subprocess.run(["cp", "-a", base, tree], check=True)
    furnish(tree)
    disk.make_disk(image, tree, 1024)
    shutil.rmtree(tree)
    machine = disk.boot(kernel, image, work, "init=/lib/systemd/systemd systemd.show_status=0", "BEGIN", BOOT_S)
    try:
        ended = machine.wait_for("\nEND", LIMIT_S)
    finally:
        machine.cut()
    print(*(line for line in machine.said().splitlines() if line.split(" ")[0] in ("PASS", "FAIL", "SKIP", "note:")),
          sep="\n")
    if not ended:
        print(f"LOST service: no END from the machine: {machine.last_words()}")


if __name__ == "__main__":
    disk.run("service", main)
