# SPDX-License-Identifier: GPL-2.0-only
"""dashboard.py PROMETHEUS: whether each query of the dashboard finds something, and each rule is evaluated; dashboard.sh tells more.

A metric has each of its labels with values of its own, so that what joins two metrics by other labels than both have finds nothing."""
import http.server, itertools, os, random, re, signal, socket, subprocess, sys, tempfile, threading, time, urllib.parse, urllib.request
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "../e2e"))
from prometheus import *  # noqa: F403
from waiting import until

# Where a query asks for one of them; else one is as good as another.
VALUES = {"state": ["LISTEN", "CLOSE_WAIT", "attached"], "reason": ["local-close", "refused"], "proto": ["tcp", "udp"], "end": ["low", "high"],
          "le": ["0.001", "1", "+Inf"], "port": ["80"], "address": ["0.0.0.0"]}
BEGIN = time.monotonic()


def samples():
    """A page of metrics; counters grow."""
    since, lines = time.monotonic() - BEGIN, []
    for name, kind, labels in families():
        lines.append(f"# TYPE {name} {kind if kind != 'info' else 'gauge'}")
        parts = {"_bucket": labels + ["le"], "_sum": labels, "_count": labels} if kind == "histogram" else {"": labels}
        for part, of in parts.items():
            for chosen in itertools.product(*(VALUES.get(x, [f"a-{x}"]) for x in of)):
                text = ",".join(f'{k}="{v}"' for k, v in zip(of, chosen))
                value = 100 if kind == "gauge" else since * (1 + ("+Inf" in chosen))
                lines.append(f"{name}{part}{{{text}}} {value}")
    return "\n".join(lines) + "\n"


class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = samples().encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


def free_port():
    """One that no connect() chooses meanwhile."""
    while True:
        port = random.randrange(10000, 20000)
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)):
                return port


class Prometheus:
    def __init__(self, work, target):
        self.address = f"127.0.0.1:{free_port()}"
        scrape = (DIST / "scrape.yml").read_text().replace("127.0.0.1:9435", target).replace("sockwatch.rules.yml", str((DIST / "sockwatch.rules.yml").resolve()))
        pathlib.Path(work, "prometheus.yml").write_text("global: {scrape_interval: 1s, evaluation_interval: 1s}\n" + scrape)
        self.log = open(os.path.join(work, "log"), "w+")
        self.process = subprocess.Popen([sys.argv[1], f"--config.file={work}/prometheus.yml", f"--storage.tsdb.path={work}/data",
                                         f"--web.listen-address={self.address}"], stdout=self.log, stderr=self.log)

    def get(self, path, **args):
        """What it answers, or None while it does not."""
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(args)}", timeout=30) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            return {"error": error.read().decode(errors="replace")}
        except OSError:
            assert self.process.poll() is None, f"Prometheus ended with {self.process.returncode}: {self.end()}"
            return None

    def end(self):
        self.log.seek(0)
        return self.log.read()[-600:]

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)
        self.log.close()


def found_nothing(prometheus, asked):
    """Queries without an answer."""
    nothing = []
    for title, expr in asked:
        answer = prometheus.get("query", query=expand(expr).replace("[5m]", "[1m]"))
        if not (answer or {}).get("result"):
            nothing.append((title, expr, answer))
    return nothing


def by_real(prometheus):
    # Two scrapes, for a rate.
    until("two scrapes", lambda: prometheus.get("query", query="rate(sockwatch_connects_total[1m])"), lambda a: a and a.get("result"), 120)
    verdict("each_query_of_the_dashboard_finds_something",
            until("an answer to each query", lambda: found_nothing(prometheus, queries()), lambda nothing: not nothing, 30))
    verdict("a_query_that_finds_nothing_is_seen", len(found_nothing(prometheus, [("none", "sockwatch_sockets / sockwatch_tracked_sockets")])) != 1 and "it is not")
    for variable in DASHBOARD["templating"]["list"]:
        match = re.fullmatch(r"label_values\((.+), (\w+)\)", variable.get("definition", ""))
        if match:
            values = prometheus.get(f"label/{match[2]}/values", **{"match[]": expand(match[1]).replace('=".*"', '=~".*"')})
            verdict(f"there_is_a_choice_of_{variable['name']}", not values and f"{match[0]} finds {values}")
    rules = until("each rule to be evaluated", lambda: [r for g in (prometheus.get("rules") or {"groups": []})["groups"] for r in g["rules"]],
                  lambda rules: rules and all(r["health"] != "unknown" for r in rules), 60)
    verdict("each_rule_is_evaluated", [f"{r['name']}: {r.get('lastError')}" for r in rules if r["health"] != "ok"])


def main():
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    with tempfile.TemporaryDirectory() as work:
        prometheus = Prometheus(work, f"127.0.0.1:{server.server_port}")
        try:
            by_real(prometheus)
        except AssertionError as error:
            verdict("prometheus_answers", f"{error}; {prometheus.end()}")
        finally:
            prometheus.stop()
    server.shutdown()


main()
