# SPDX-License-Identifier: GPL-2.0-only
"""The installed unit under a booted systemd: a Debian of its own, made with debootstrap, on a disk of QEMU's.

What is checked runs inside the machine (service.guest) and is said over the serial port; a machine that does not say
END is lost.
"""
import shutil
import subprocess
import sys
from pathlib import Path

sys.dont_write_bytecode = True
sys.path.insert(0, str(Path(__file__).resolve().parent))
import disk  # noqa: E402 pylint: disable=wrong-import-position

SILENCE_S = 300  # a machine that says nothing for so long has come to an end
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


def debian():
    """A tree with systemd, kept in the cache."""
    made = subprocess.run([disk.HERE / "fetch", "--debian", "own", "systemd", "systemd-sysv"], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, check=False)
    if made.returncode:
        raise disk.Absent(f"no Debian with systemd: {made.stderr.strip()}")
    return made.stdout.strip()


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
    machine = disk.boot(kernel, image, work, "init=/lib/systemd/systemd systemd.show_status=0", "BEGIN", SILENCE_S)
    try:
        ended = machine.wait_for("\nEND", SILENCE_S)
    finally:
        machine.cut()
    print(*(line for line in machine.said().splitlines() if line.split(" ")[0] in ("PASS", "FAIL", "SKIP", "note:")),
          sep="\n")
    if not ended:
        print(f"LOST service: no END from the machine: {machine.last_words()}")


if __name__ == "__main__":
    disk.run("service", main)
