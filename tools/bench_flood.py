# SPDX-License-Identifier: GPL-2.0-only
"""Failed binds in a loop by nobody, against a port with many holders, beside a bystander: what they cost the tracer and hide."""
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import time

PORT, HOLDERS, BINDS, NOBODY = 4000, 2000, 30000, 65534
HELD_BY_ONE = 500   # open files that any system allows


def hold(count):
    """Child processes that listen on PORT, and return once they do."""
    pids = []
    while count > 0:
        done, into = os.pipe()
        pid = os.fork()
        if pid == 0:
            held = []
            for _ in range(min(count, HELD_BY_ONE)):
                held.append(socket.socket())
                held[-1].setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
                held[-1].bind(("0.0.0.0", PORT))
                held[-1].listen()
            os.write(into, b".")
            signal.pause()
        os.close(into)
        if os.read(done, 1) != b".":
            raise SystemExit("bench: a holder failed")
        os.close(done)
        pids.append(pid)
        count -= HELD_BY_ONE
    return pids


def flood(binds):
    """The calling process is nobody's afterwards."""
    os.setuid(NOBODY)
    mine, failed = socket.socket(), 0
    for _ in range(binds):
        try:
            mine.bind(("0.0.0.0", PORT))
        except OSError:
            failed += 1
    if failed != binds:
        raise SystemExit("bench: only %d binds failed" % failed)


def connect(listener):
    with socket.create_connection(listener.getsockname()), listener.accept()[0]:
        pass


def scene(holders, binds):
    """In a namespace of its own; says on stdout what was made."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    pids = hold(holders)
    print("ready", flush=True)
    sys.stdin.readline()
    begin, connections = time.monotonic(), 0
    flooder = os.fork()
    if flooder == 0:
        flood(binds)
        os._exit(0)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        while os.waitpid(flooder, os.WNOHANG)[0] == 0:
            connect(listener)
            connections += 1
            time.sleep(0.0005)
    print(json.dumps({"seconds": time.monotonic() - begin, "connections": connections, "bystander": os.getpid(),
                      "flooder": flooder}), flush=True)
    sys.stdin.readline()
    for pid in pids:
        os.kill(pid, signal.SIGKILL)


def read_output(path, made):
    told = {"failures": 0, "lives": 0, "lines": 0, "bytes": 0}
    with open(path, "rb") as file:
        for line in file:
            # Of gigabytes only what matters is parsed.
            if b'"error":"EADDRINUSE"' in line[:600]:
                event = json.loads(line)
                if event["process"] and event["process"]["pid"] == made["flooder"]:
                    told["failures"] += event.get("repeated", 1)
                    told["lines"] += 1
                    told["bytes"] += len(line)
            elif b'"event":"close"' in line and b'"pid":%d,' % made["bystander"] in line:
                told["lives"] += 1
    return told


def measure(opt, running_class, tool):
    argv = ["unshare", "-n", sys.executable, "-B", os.path.abspath(__file__), str(HOLDERS), str(BINDS)]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as stage:
        if stage.stdout.readline() != "ready\n":
            raise SystemExit("bench: the scene of the flood failed")
        with running_class(tool, opt.folder) as running:
            running.wait_ready()
            stage.stdin.write("\n")
            stage.stdin.flush()
            made = json.loads(stage.stdout.readline())
            time.sleep(1.2)  # what is repeated is told within a second
            running.finish()
            told = read_output(running.path, made)
        stage.stdin.write("\n")
        stage.stdin.flush()
    # The lives of both ends, of one process.
    lives = 2 * made["connections"] + 1
    print("%-17s %8.2f %9.2f %9d %8d %12d %10.1f %9d %9d %7.3f" %
          (tool.name, made["seconds"], running.cpu * 1e6 / BINDS, told["failures"], told["lines"], told["bytes"],
           told["bytes"] / BINDS, lives, told["lives"], told["lives"] / lives), flush=True)
    os.unlink(running.path)


def bench(opt, tools, running_class, failed):
    print("== flood: %d binds that fail against %d holders; a bystander's connections meanwhile" % (BINDS, HOLDERS))
    print("%-17s %8s %9s %9s %8s %12s %10s %9s %9s %7s" %
          ("", "seconds", "CPU us/b", "told", "lines", "bytes", "bytes/bind", "lives", "told", "ratio"))
    for _ in range(opt.rounds):
        for tool in tools:
            try:
                measure(opt, running_class, tool)
            except failed as error:
                print("%-17s %s" % (tool.name, error), flush=True)
    print()


if __name__ == "__main__":
    scene(int(sys.argv[1]), int(sys.argv[2]))
