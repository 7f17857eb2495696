# SPDX-License-Identifier: GPL-2.0-only
"""What `sockwatch top` on a terminal costs beside `trace -q`, which shows nothing: both count the same facts."""
import fcntl
import os
import pty
import signal
import statistics
import struct
import termios
import threading
import time

WORDS = {"trace": "trace -q", "top": "top, 80x24"}
GAP_S = 0.1  # what comes at once is one frame


class Watcher:
    """A trace or top from exec to its end; the with statement leaves no process behind."""

    def __init__(self, opt, parts, name):
        self.parts, self.frames, self.last, self.cpu, self.code = parts, 0, 0.0, 0.0, None
        self.run = os.path.join(opt.folder, "run")
        argv = [opt.sockwatch, name] + (["-q"] if name == "trace" else []) + (["--hooks", opt.hooks] if opt.hooks else [])
        self.pid, self.master = pty.fork()
        if self.pid == 0:
            fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
            environment = {key: value for key, value in os.environ.items() if key not in ("LINES", "COLUMNS")}
            if name == "trace":
                os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            try:
                os.execve(argv[0], argv, {**environment, "TERM": "xterm-256color", "SOCKWATCH_RUN": self.run})
            finally:
                os._exit(127)
        threading.Thread(target=self.read, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.code is None:
            os.kill(self.pid, signal.SIGKILL)
            os.waitpid(self.pid, 0)
        os.close(self.master)

    def read(self):
        while True:
            try:
                if not os.read(self.master, 65536):
                    return
            except OSError:
                return
            now = time.monotonic()
            self.frames += now - self.last > GAP_S
            self.last = now

    def wait_ready(self):
        """It answers `ls` from then on."""
        deadline = time.monotonic() + self.parts.READY_S
        while not os.path.exists(os.path.join(self.run, str(self.pid))):
            pid, status = os.waitpid(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
            if pid or time.monotonic() > deadline:
                raise self.parts.Failed("sockwatch was not ready (exit %s)" % self.code)
            time.sleep(0.01)
        self.cpu_ready = self.parts.cpu_seconds(self.pid)

    def finish(self):
        os.kill(self.pid, signal.SIGINT)
        deadline = time.monotonic() + self.parts.READY_S
        while self.code is None and time.monotonic() < deadline:
            pid, status, usage = os.wait4(self.pid, os.WNOHANG)
            if pid:
                self.code = os.waitstatus_to_exitcode(status)
                self.cpu = usage.ru_utime + usage.ru_stime - self.cpu_ready
            else:
                time.sleep(0.01)
        if self.code is None:
            raise self.parts.Failed("sockwatch did not end after SIGINT")


def measure(opt, parts, is_late=lambda seconds: False):
    """By name, of each round: connections a second, microseconds of CPU for each, frames a second, exit code."""
    found = {name: [] for name in WORDS}
    for _ in range(opt.rounds):
        for name, rounds in found.items():
            if is_late(opt.seconds + 10):
                return found
            time.sleep(parts.SETTLE_S)
            with Watcher(opt, parts, name) as watcher:
                watcher.wait_ready()
                frames = watcher.frames
                run = parts.connrate(opt)
                frames = watcher.frames - frames
                watcher.finish()
            rounds.append((run["rate"], watcher.cpu * 1e6 / max(1, run["connections"]), frames / opt.seconds, watcher.code))
    return found


def bench(opt, _, parts):
    print("== top: %d connections/s for %d s, %d rounds: median" % (opt.rate, opt.seconds, opt.rounds))
    print("%-17s %9s %8s %9s %s" % ("", "conn/s", "us/conn", "frames/s", "exit"))
    try:
        found = measure(opt, parts)
    except parts.Failed as error:
        print("top: %s\n" % error)
        return
    for name, rounds in found.items():
        rate, cost, frames = (statistics.median(values) for values in list(zip(*rounds))[:3])
        print("%-17s %9.0f %8.2f %9.1f %s" % (WORDS[name], rate, cost, frames if name == "top" else 0,
                                              ",".join(str(code) for *_, code in rounds)))
    costs = [statistics.median(cost for _, cost, *_ in found[name]) for name in ("top", "trace")]
    print("top takes %.2f times the CPU of trace -q\n" % (costs[0] / costs[1] if costs[1] else 0), flush=True)
