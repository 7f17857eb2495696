# SPDX-License-Identifier: GPL-2.0-only
"""What an answer of `sockwatch export` takes under floods: a scrape a second, its time and its size, and the host's rate beside that
of a recorder that nobody scrapes."""
import contextlib
import os
import socket
import statistics
import subprocess
import sys
import threading
import time

NAMESPACES = 500
PROCESSES = 5000
# Each of them listens and waits; named like nobody else.
HOLDERS = """
import os, socket, sys
for i in range(int(sys.argv[1])):
    if os.fork() == 0:
        open("/proc/self/comm", "w").write("holder-%d" % i)
        s = socket.socket(); s.bind(("127.0.0.1", 0)); s.listen()
        sys.stdin.read(); os._exit(0)
print("ready", flush=True)
sys.stdin.read()
"""


class Exporter:
    def __init__(self, opt, parts):
        self.place = os.path.join(opt.folder, "metrics.sock")
        self.parts, self.times, self.sizes, self.stopped = parts, [], [], threading.Event()
        self.process = subprocess.Popen([opt.sockwatch, "export", "--listen", "unix:" + self.place], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        line = self.process.stderr.readline()
        if "metrics at" not in line:
            raise parts.Failed(line.strip())
        threading.Thread(target=self.scrape_on, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stopped.set()
        self.process.terminate()
        self.process.wait(self.parts.READY_S)
        with contextlib.suppress(OSError):
            os.unlink(self.place)

    def scrape(self):
        begin, size = time.monotonic(), 0
        with socket.socket(socket.AF_UNIX) as s:
            s.connect(self.place)
            s.sendall(b"GET /metrics HTTP/1.0\r\n\r\n")
            while part := s.recv(1 << 16):
                size += len(part)
        return time.monotonic() - begin, size

    def scrape_on(self):
        while not self.stopped.wait(1):
            try:
                took, size = self.scrape()
            except OSError:
                return
            self.times.append(took)
            self.sizes.append(size)


@contextlib.contextmanager
def namespaces(count):
    names = ["swb%d-%d" % (os.getpid() % 10000, i) for i in range(count)]
    made = []
    try:
        for name in names:
            subprocess.run(["ip", "netns", "add", name], check=True)
            made.append(name)
        yield
    finally:
        for name in made:
            subprocess.run(["ip", "netns", "del", name], check=False)


@contextlib.contextmanager
def holders(count):
    process = subprocess.Popen([sys.executable, "-c", HOLDERS, str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        process.stdout.readline()
        yield
    finally:
        process.stdin.close()
        process.wait(60)


def row(what, exporter, rate):
    times = exporter.times or [float("nan")]
    print("%-28s %9s %9.1f %9.1f %9.0f" % (what, "%.0f" % rate if rate else "-", 1e3 * statistics.median(times), 1e3 * max(times),
                                          max(exporter.sizes or [0]) / 1e3), flush=True)


def bench(opt, _, parts):
    print("== scrape: an answer of export a second, %d s each: connections/s, ms median and highest, kB" % opt.seconds)
    print("%-28s %9s %9s %9s %9s" % ("", "conn/s", "median", "highest", "kB"))
    try:
        bare = parts.connrate(opt)["rate"]
        print("%-28s %9.0f" % ("bare", bare))
        with Exporter(opt, parts) as exporter:
            row("idle", wait(exporter, opt), 0)
        with Exporter(opt, parts) as exporter:
            rate = parts.connrate(opt)["rate"]
            row("%d connections/s" % opt.rate, exporter, rate)
        with namespaces(NAMESPACES), Exporter(opt, parts) as exporter:
            row("%d namespaces" % NAMESPACES, wait(exporter, opt), 0)
        with holders(PROCESSES), Exporter(opt, parts) as exporter:
            row("%d processes that listen" % PROCESSES, wait(exporter, opt), 0)
        with namespaces(NAMESPACES), holders(PROCESSES), Exporter(opt, parts) as exporter:
            row("all three", exporter, parts.connrate(opt)["rate"])
    except parts.Failed as error:
        print("scrape: %s" % error)
    print()


def wait(exporter, opt):
    time.sleep(opt.seconds + 1)
    return exporter
