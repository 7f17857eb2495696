# SPDX-License-Identifier: GPL-2.0-only
"""prometheus.py: what dist/prometheus has, and the metrics that it may ask for."""
import json, pathlib, re

DIST, TESTS = pathlib.Path("dist/prometheus"), pathlib.Path("tests/prometheus")
RULES, DASHBOARD = (DIST / "sockwatch.rules.yml").read_text(), json.loads((DIST / "sockwatch.dashboard.json").read_text())
# What Prometheus adds itself.
OF_PROMETHEUS = {"up": set()}
EVERYWHERE = {"job", "instance"}


def families():
    """(name, kind, labels) of the table in docs/metrics.md, which test_metrics compares with the program."""
    rows = [line.split("|") for line in pathlib.Path("docs/metrics.md").read_text().splitlines() if line.startswith("| `")]
    return [(row[1].strip(" `"), row[2].strip(), row[3].replace(",", " ").replace("-", " ").split()) for row in rows]


def read_metrics():
    """Each name with its labels."""
    metrics = dict(OF_PROMETHEUS)
    for name, kind, labels in families():
        parts = ("_bucket", "_sum", "_count") if kind == "histogram" else ("",)
        for part in parts:
            metrics[name + part] = set(labels) | ({"le"} if part == "_bucket" else set())
    return metrics


METRICS = read_metrics()


def verdict(name, why):
    print(f"FAIL {name}: {why}"[:800].replace("\n", " ") if why else f"PASS {name}", flush=True)


def panels(of):
    for panel in of["panels"]:
        yield panel
        yield from panels(panel) if panel.get("panels") else ()


def queries():
    return [(p["title"], t["expr"]) for p in panels(DASHBOARD) for t in p.get("targets", [])]


def expand(expr):
    """As Grafana fills in what the user has chosen."""
    return re.sub(r"\$(instance|netns)\b", ".*", expr.replace("$__rate_interval", "5m"))
