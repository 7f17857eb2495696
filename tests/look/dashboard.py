# SPDX-License-Identifier: GPL-2.0-only
"""dashboard.py: the Grafana dashboard as one page without Grafana: each panel in its place, drawn from the answers of a Prometheus.

    page = draw(dashboard, lambda expr: [(labels, [(seconds, number), ...]), ...])
"""
import html
import re

STYLE = """:root { color-scheme: light dark; --ink: #1a1a1a; --dim: #595959; --ground: #fff; --line: #d0d0d0; }
@media screen and (prefers-color-scheme: dark) { :root { --ink: #e6e6e6; --dim: #a6a6a6; --ground: #16181c; --line: #3a3d44; } }
body { background: var(--ground); color: var(--ink); font: 13px/1.4 sans-serif; margin: 12px; }
main { display: grid; grid-template-columns: repeat(24, 1fr); gap: 8px; }
section { border: 1px solid var(--line); border-radius: 4px; padding: 6px 8px; min-width: 0; overflow: hidden; }
h1 { font-size: 18px; } h2 { font-size: 15px; grid-column: 1 / -1; margin: 8px 0 0; } h3 { font-size: 13px; margin: 0 0 4px; }
p { margin: 0; } p.number { font-size: 26px; } p.legend { color: var(--dim); font-size: 11px; overflow-wrap: anywhere; }
svg { width: 100%; height: 120px; } table { font-size: 11px; border-collapse: collapse; } td { padding: 0 8px 0 0; overflow-wrap: anywhere; }
caption { text-align: left; color: var(--dim); }
@media (max-width: 800px) { section { grid-column: 1 / -1 !important; } }"""
COLORS = ("#1f77b4", "#d9770f", "#2ca02c", "#c62828", "#8250b4", "#8c564b", "#c2509f", "#757575", "#8a8a14", "#128fa0")


def expand(expr):
    return re.sub(r"\$(instance|netns)\b", ".*", expr.replace("$__rate_interval", "20s").replace("$__range", "1h"))


def legend(text, labels):
    if not text or text == "__auto":
        return ", ".join("%s=%s" % pair for pair in sorted(labels.items()) if pair[0] not in ("__name__", "job", "instance")) or "value"
    return re.sub(r"\{\{\s*(\w+)\s*\}\}", lambda m: labels.get(m[1], ""), text)


def spell(value):
    return "%.4g" % value


def chart(title, series):
    times = [t for _, points in series for t, _ in points]
    values = [v for _, points in series for _, v in points if v == v]
    if not values:
        return '<p class="legend">nothing</p>'
    left, right, top = min(times), max(times) or 1, max(max(values), 1e-12)
    lines = []
    for i, (_, points) in enumerate(series):
        at = " ".join("%.1f,%.1f" % (300 * (t - left) / ((right - left) or 1), 100 - 95 * v / top) for t, v in points if v == v)
        lines.append('<polyline fill="none" stroke="%s" stroke-width="1.5" points="%s"/>' % (COLORS[i % len(COLORS)], at))
    names = "; ".join("%s %s" % (html.escape(name), spell(points[-1][1])) for name, points in series[:10])
    return '<svg viewBox="0 0 300 102" preserveAspectRatio="none" role="img" aria-label="%s">%s</svg><p class="legend">up to %s: %s</p>' % (
        html.escape(title), "".join(lines), spell(top), names)


def table(title, series):
    rows = "".join("<tr><td>%s</td><td>%s</td></tr>" % (html.escape(name), spell(points[-1][1])) for name, points in series[:12])
    return "<table><caption>%s</caption>%s</table>" % (html.escape(title), rows or "<tr><td>nothing</td></tr>")


def panel(p, ask):
    series = [(legend(t.get("legendFormat"), labels), points) for t in p.get("targets", []) for labels, points in ask(expand(t["expr"]))]
    if p["type"] == "stat":
        body = '<p class="number">%s</p>' % (spell(series[0][1][-1][1]) if series else "-")
    else:
        body = (table if p["type"] == "table" else chart)(p["title"], series)
    at = p["gridPos"]
    return '<section style="grid-column: %d / span %d"><h3>%s</h3>%s</section>' % (at["x"] + 1, at["w"], html.escape(p["title"]), body)


def draw(dashboard, ask):
    parts = ["<h2>%s</h2>" % html.escape(p["title"]) if p["type"] == "row" else panel(p, ask)
             for p in sorted(dashboard["panels"], key=lambda p: (p["gridPos"]["y"], p["gridPos"]["x"]))]
    return '<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>%s</title>' \
        "<style>%s</style><h1>%s</h1><main>%s</main></html>\n" % (dashboard["title"], STYLE, dashboard["title"], "".join(parts))
