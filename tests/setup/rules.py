# SPDX-License-Identifier: GPL-2.0-only
"""rules.py PROMTOOL: what dist/prometheus asks of Prometheus; rules.sh tells more."""
import subprocess, sys, tempfile
from prometheus import *  # noqa: F403

PROMTOOL = sys.argv[1]


def ask(name, *args):
    done = subprocess.run([PROMTOOL, *args], capture_output=True, text=True, timeout=120)
    verdict(name, done.returncode and f"promtool {' '.join(map(str, args))}: {done.stdout}{done.stderr}")
    return done


def unknown(text):
    """Names that no metric has, and labels by which none of its series is found."""
    found = []
    for name, matchers in re.findall(r"\b((?:sockwatch|process)_[a-z0-9_]+)(?:\{([^}]*)\})?", text):
        if name not in METRICS:
            found.append(f"no metric {name}")
            continue
        labels = set(re.findall(r'(\w+)\s*(?:=~|!~|!=|=)\s*"', matchers))
        found += [f"{name} has no label {x}" for x in labels - METRICS[name] - EVERYWHERE]
    return found


def whole(dashboard):
    """What Grafana would show wrongly, or not at all."""
    every = list(panels(dashboard))
    ids = [p["id"] for p in every]
    found = [f"panel {i} is there twice" for i in set(ids) if ids.count(i) > 1]
    variables = {v["name"]: v for v in dashboard["templating"]["list"]}
    if variables["datasource"]["type"] != "datasource":
        found.append("the datasource is no variable")
    cells = set()
    for p in every:
        at = p["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        if mine & cells or at["x"] + at["w"] > 24:
            found.append(f"{p['title']} lies over another, or beyond the edge")
        cells |= mine
        for where in [p] * (p["type"] != "row") + p.get("targets", []):
            if where["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                found.append(f"{p['title']} asks {where['datasource']}")
        for expr in (t["expr"] for t in p.get("targets", [])):
            found += [f"{p['title']}: no variable {v}" for v in re.findall(r"\$(\w+)", expr) if v not in variables and v != "__rate_interval"]
    return found


def tested():
    """Rules of which no test says that they fire."""
    tests = (TESTS / "rules.test.yml").read_text()
    fired = set(re.findall(r"alertname: (\w+)\n +eval_time: \w+\n +exp_alerts:\n", tests))
    rules = re.findall(r"- alert: (\w+)", RULES)
    return [r for r in rules if r not in fired] + [f"{r} twice" for r in rules if rules.count(r) > 1]


ask("rules_are_understood", "check", "rules", DIST / "sockwatch.rules.yml")
ask("rules_say_what_they_must", "test", "rules", TESTS / "rules.test.yml")
verdict("each_rule_is_seen_to_fire", tested())
ask("scrape_configuration_is_understood", "check", "config", DIST / "scrape.yml")
with tempfile.TemporaryDirectory() as work:
    file = pathlib.Path(work, "queries.yml")
    rules = [{"record": f"panel:{i}", "expr": expand(expr)} for i, (_, expr) in enumerate(queries())]
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = ask("queries_of_the_dashboard_are_understood", "check", "rules", file)
    verdict("each_query_was_read", f"SUCCESS: {len(rules)} rules" not in done.stdout + done.stderr and done.stdout + done.stderr)
    file.write_text(json.dumps({"groups": [{"name": "bad", "rules": [{"record": "panel:0", "expr": "sum by ((up)"}]}]}))
    verdict("a_query_that_is_none_is_refused", not subprocess.run([PROMTOOL, "check", "rules", file], capture_output=True).returncode and "it is not")
verdict("dashboard_is_whole", whole(DASHBOARD))
variables = " ".join(v["definition"] for v in DASHBOARD["templating"]["list"] if "definition" in v)
asked = " ".join(expand(expr) for _, expr in queries()) + " " + variables
verdict("each_name_of_the_rules_is_a_metric", unknown(RULES))
verdict("each_name_of_the_dashboard_is_a_metric", unknown(asked))
verdict("each_name_of_the_tests_is_a_metric", unknown((TESTS / "rules.test.yml").read_text()))
verdict("a_name_that_is_none_is_refused", len(unknown('sockwatch_nothing + sockwatch_sockets{port="1"}')) != 2 and "it is not")
shown = set(re.findall(r"\bsockwatch_\w+", asked + RULES))
verdict("each_metric_is_shown", [m for m in METRICS if m.startswith("sockwatch_") and m not in shown and not m.endswith(("_sum", "_count"))])
