# SPDX-License-Identifier: GPL-2.0-only
"""What record costs servers that have a connection for each request: nginx under wrk, and redis under its own benchmark.

Rounds without and with record in turn, in a network namespace of their own."""
import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import time

from bench_listing import inside, own_netns

PORT = 8080
CLIENTS = 50
MS = {"us": 1e-3, "ms": 1.0, "s": 1e3}
NGINX = """daemon off; pid %(folder)s/nginx.pid; error_log %(folder)s/nginx.log; worker_processes 1;
events { worker_connections 4096; }
http {
	access_log off; keepalive_timeout 0;
	client_body_temp_path %(folder)s; proxy_temp_path %(folder)s; fastcgi_temp_path %(folder)s;
	uwsgi_temp_path %(folder)s; scgi_temp_path %(folder)s;
	server { listen 127.0.0.1:%(port)d backlog=4096; location / { return 200 "ok"; } }
}
"""


def nginx_command(folder):
    path = os.path.join(folder, "nginx.conf")
    with open(path, "w", encoding="ascii") as file:
        file.write(NGINX % {"folder": folder, "port": PORT})
    return ["nginx", "-e", folder + "/nginx.log", "-c", path]


def redis_command(folder):
    return ["redis-server", "--port", str(PORT), "--bind", "127.0.0.1", "--save", "", "--dir", folder,
            "--tcp-backlog", "4096"]


def ask_nginx(seconds):
    """Requests a second, and milliseconds for the middle one and one in a hundred."""
    told = run(["wrk", "-t1", "-c%d" % CLIENTS, "-d%ds" % seconds, "--latency", "-H", "Connection: close",
                "http://127.0.0.1:%d/" % PORT])
    late = {percent: float(n) * MS[unit] for percent, n, unit in re.findall(r"^\s+(\d+)%\s+([\d.]+)(us|ms|s)$", told, re.M)}
    return float(re.search(r"^Requests/sec:\s*([\d.]+)", told, re.M).group(1)), late["50"], late["99"]


def ask_redis(seconds):
    """The same; it takes a number of requests, which keeps it busy for about so long."""
    told = run(["redis-benchmark", "-p", str(PORT), "-k", "0", "-c", str(CLIENTS), "-n", str(seconds * 8000), "-t", "get", "--csv"])
    row = dict(zip(*(re.findall(r'"([^"]*)"', line) for line in told.strip().splitlines()[-2:])))
    return float(row["rps"]), float(row["p50_latency_ms"]), float(row["p99_latency_ms"])


SERVICES = {"nginx, wrk": ("nginx", "wrk", nginx_command, ask_nginx),
            "redis, redis-benchmark -k 0": ("redis-server", "redis-benchmark", redis_command, ask_redis)}


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                          check=True).stdout


@contextlib.contextmanager
def serving(command):
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = time.monotonic() + 10
        while True:
            try:
                socket.create_connection(("127.0.0.1", PORT)).close()
                break
            except OSError:
                if process.poll() is not None or time.monotonic() > deadline:
                    raise SystemExit("bench: %s does not serve" % command[0]) from None
                time.sleep(0.05)
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def prepare_netns():
    for name, value in (("ip_local_port_range", "1024 65535"), ("tcp_tw_reuse", "1")):
        with open("/proc/sys/net/ipv4/" + name, "w", encoding="ascii") as file:
            file.write(value)


def measure(opt, recording, is_late):
    """For each service that is here its name, and what ask_...() returned without and with record."""
    for name, (server, client, command, ask) in SERVICES.items():
        if not shutil.which(server) or not shutil.which(client):
            print("services: no %s or no %s here, left out" % (server, client))
            continue
        bare, traced = [], []
        with own_netns() as netns, inside(netns):
            prepare_netns()
            with serving(command(opt.folder)):
                for _ in range(opt.rounds):
                    if traced and is_late(30):
                        break
                    bare.append(ask(opt.seconds))
                    with recording():
                        traced.append(ask(opt.seconds))
        yield name, bare, traced
