# SPDX-License-Identifier: GPL-2.0-only
"""scrape.py SOCKWATCH [TEST...]: a Prometheus scrapes the exporter under traffic in a network namespace; what it answers is compared
with the traffic's own counts, its rules and every query of the dashboard are asked."""
import urllib.parse

from listing import *  # noqa: F403

SECONDS = int(os.environ.get("PROMETHEUS_SECONDS", "15"))
DIST = os.path.join(HERE, "../../dist/prometheus")
UNPACKED = os.path.abspath(os.path.join(os.environ.get("BUILD", "build"), "prometheus/usr/bin"))
# Lives, refusals and conflicts at a steady pace, which it counts itself; 40 of 100 ports of one destination stay taken.
TRAFFIC = """
open("/proc/sys/net/ipv4/ip_local_port_range", "w").write("40000 40099")
def server(port):
    s = socket.socket(); s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1); s.bind(("127.0.0.1", port)); s.listen(64); return s
l, web = server(5432), server(8080)
kept = [socket.create_connection(("127.0.0.1", 5432)) for _ in range(40)]
print("ready", flush=True)
seconds = float(sys.stdin.readline())
end, lives, refused, conflicts = time.monotonic() + seconds, 0, 0, 0
while time.monotonic() < end:
    if lives < 20:
        c = socket.create_connection(("127.0.0.1", 8080)); a = web.accept()[0]; c.sendall(b"x" * 500); a.recv(500); c.close(); a.recv(1); a.close(); lives += 1
    try: socket.create_connection(("127.0.0.1", 1))
    except ConnectionRefusedError: refused += 1
    try: socket.socket().bind(("127.0.0.1", 8080))
    except OSError: conflicts += 1
    time.sleep(0.05)
print(lives, refused, conflicts, flush=True)
sys.stdin.readline()
"""
CONFIG = """
global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: ["%s/sockwatch.rules.yml"]
scrape_configs: [{job_name: sockwatch, static_configs: [{targets: ["127.0.0.1:9435"]}]}]
"""


def api(name, path, **parameters):
    text = inside(name, "curl", "-s", "http://127.0.0.1:9090/api/v1/%s?%s" % (path, urllib.parse.urlencode(parameters)))
    return json.loads(text)["data"] if text.startswith("{") else None


def query(name, expr):
    """{labels: number}"""
    data = api(name, "query", query=expr)
    assert data is not None, "no answer to %s" % expr
    return {tuple(sorted(r["metric"].items())): float(r["value"][1]) for r in data["result"]}


def one(name, expr):
    found = query(name, expr)
    return next(iter(found.values())) if len(found) == 1 else None


def begin():
    """The namespace with all in it, after the traffic, and what that counted."""
    prometheus = need("prometheus", UNPACKED)
    name = space("prom")
    traffic = python(name, TRAFFIC)[0]
    exporter = subprocess.Popen(["ip", "netns", "exec", name, SOCKWATCH, "export", "--netns", "self"], stdin=subprocess.DEVNULL,
                                stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True)
    started.append(exporter)
    assert "127.0.0.1:9435/metrics" in first_line("the exporter's start", exporter, exporter.stderr)
    config = write("prometheus.yml", CONFIG % os.path.abspath(DIST))
    start(name, prometheus, "--config.file", config, "--storage.tsdb.path", os.path.join(work, "tsdb"),
          "--web.listen-address", "127.0.0.1:9090", "--log.level", "error")
    until("a scrape", lambda: api(name, "query", query="up") and one(name, 'up{job="sockwatch"}'), lambda v: v == 1)
    # Who asked before it listened was refused, too.
    before = until("the first counts", lambda: one(name, REFUSED), lambda v: v is not None)
    traffic.stdin.write("%d\n" % SECONDS)
    traffic.stdin.flush()
    counted = first_line("the end of the traffic", traffic, traffic.stdout, seconds=DEADLINE + SECONDS).split()
    return name, exporter, dict(zip(("lives", "refused", "conflicts"), map(int, counted)), before=before)


REFUSED = 'sockwatch_closes_total{proto="tcp",reason="refused"}'


def settled(expr, wanted):
    until("%s of %s" % (wanted, expr), lambda: one(name, expr), lambda v: v == wanted)


try:
    name, exporter, counted = begin()
except Skip as skip:
    print("SKIP scrape: %s" % skip)
    sys.exit(0)


@test
def counts_equal_the_traffic():
    # Prometheus and who asks it are in this namespace, too: they connect to other ports and are told apart by name or by reason.
    assert counted["lives"] == 20 and counted["refused"] > SECONDS and counted["conflicts"] == counted["refused"], counted
    settled(REFUSED, counted["before"] + counted["refused"])
    settled('sockwatch_connect_errors_total{errno="ECONNREFUSED"}', counted["before"] + counted["refused"])
    settled("sum(sockwatch_bind_conflicts_total)", counted["conflicts"])
    settled('sockwatch_bind_errors_total{errno="EADDRINUSE"}', counted["conflicts"])
    settled('sockwatch_process_sockets{comm="python3",state="TIME_WAIT"}', 20)
    settled('sockwatch_time_waits_total{comm="python3"}', 20)
    settled('sockwatch_process_sockets{comm="python3",state="ESTABLISHED"}', 80)
    settled('sockwatch_ephemeral_ports_available_min{proto="tcp"}', 60)
    settled('sockwatch_ephemeral_destination_ports_used{destination="127.0.0.1:5432"}', 40)
    settled("sum(sockwatch_lost_total)", 0)


@test
def rates_are_those_of_the_traffic():
    """Over the span that Prometheus has seen: what it adds up is what happened, but for the first scrape."""
    total = one(name, "increase(%s[1h])" % REFUSED)
    assert 0.7 * counted["refused"] < total < 1.5 * counted["refused"], (total, counted)


@test
def a_conflict_is_told():
    def firing():
        return {a["labels"]["alertname"] for a in api(name, "alerts")["alerts"] if a["state"] == "firing"}
    fired = until("the alert of a conflict", firing, lambda f: "SockwatchBindConflict" in f)
    assert not fired & {"SockwatchFactsLost", "SockwatchPortsExhausted"}, fired
    rules = [r for g in api(name, "rules")["groups"] for r in g["rules"]]
    assert len(rules) >= 9 and not [r for r in rules if r["health"] == "err"], rules


@test
def every_query_of_the_dashboard_answers():
    dashboard = json.load(open(os.path.join(DIST, "sockwatch.dashboard.json")))
    asked, answered, empty = 0, 0, []
    panels = list(dashboard["panels"])
    for panel in panels:
        panels.extend(panel.get("panels", []))
        for target in panel.get("targets", []):
            expr = re.sub(r"\$(instance|netns)\b", ".*", target["expr"].replace("$__rate_interval", "1m"))
            data = api(name, "query", query=expr)
            assert data is not None, "%s: no answer to %s" % (panel["title"], expr)
            asked += 1
            answered += bool(data["result"])
            if not data["result"]:
                empty.append(panel["title"])
    # Empty is what did not happen here: exhaustion, overflows, a store.
    assert asked >= 20 and answered >= asked * 0.6, (asked, answered, empty)


@test
def the_dashboard_as_a_page():
    """For tests/look, which names the file."""
    if "DASHBOARD_PAGE" not in os.environ:
        return
    sys.path.insert(0, os.path.join(HERE, "../look"))
    from dashboard import draw
    now = time.time()

    def ask(expr):
        data = api(name, "query_range", query=expr, start=now - SECONDS, end=now, step=max(1, SECONDS // 60))
        return [(s["metric"], [(float(t), float(v)) for t, v in s["values"]]) for s in data["result"]]
    page = draw(json.load(open(os.path.join(DIST, "sockwatch.dashboard.json"))), ask)
    assert page.count("<polyline") >= 20, page
    with open(os.environ["DASHBOARD_PAGE"], "w") as file:
        file.write(page)


@test
def promtool_likes_the_metrics():
    promtool = need("promtool", UNPACKED)
    text = inside(name, "curl", "-s", "http://127.0.0.1:9435/metrics")
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True)
    assert checked.returncode == 0 and not checked.stderr.strip(), checked.stdout + checked.stderr


@test
def a_recorder_that_is_dead_is_told():
    exporter.send_signal(signal.SIGINT)
    assert exporter.wait(DEADLINE) == 0
    settled('up{job="sockwatch"}', 0)


run_tests()
