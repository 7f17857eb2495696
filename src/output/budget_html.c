// SPDX-License-Identifier: GPL-2.0-only
/*
 * budget_html.c - one page that needs nothing else: a map of each range as SVG, the use over the time watched, and the
 * report.  Whatever processes are called stays text.
 */
#include <netinet/in.h>
#include <string.h>

#include "walk_budget.h"
#include "units.h"

#define MAP_COLUMNS 400 /* ports of one parity a line */
#define MAP_CELL    3
#define CHART_W	    1200
#define CHART_H	    240

static const char head[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>sockwatch: local "
	"ports</title>\n"
	"<meta name=\"viewport\" content=\"width=device-width\"><style>\n"
	"body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:1240px;padding:0 "
	"1rem;color:#1b1f24;"
	"background:#fff}\n"
	"h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2rem}pre{overflow-x:auto;background:#"
	"f5f6f8;padding:1rem;"
	"border-radius:6px;font-size:13px}\n"
	"svg{max-width:100%;height:auto;border:1px solid #d5d9df}.key "
	"span{display:inline-block;margin-right:1.2rem}"
	".key "
	"i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;vertical-align:-.1em;"
	"border:1px solid #9aa2ad}\n"
	".m0{fill:#eef0f3;background:#eef0f3}.m1{fill:#5b6470;background:#5b6470}.m2{fill:#f0b429;"
	"background:#f0b429}"
	".m3{fill:#3b82c4;background:#3b82c4}.m4{fill:#b8384e;background:#b8384e}.m5{fill:#2f8f5b;"
	"background:#2f8f5b}\n"
	"text{font:12px system-ui,sans-serif;fill:#444c56}\n"
	"@media(prefers-color-scheme:dark){body{background:#14171b;color:#dfe3e8}pre{background:#"
	"1e2329}"
	".m0{fill:#262c33;background:#262c33}text{fill:#aab2bd}svg{border-color:#3a424c}}\n"
	"</style></head><body>\n";

static const char *const mark_names[PORT_MARKS] = {
	"free",	    "reserved", "TIME_WAIT", "connected", "bound: taken from every destination",
	"listening"};

static void put_escaped(struct buffer *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '<': buffer_print(out, "&lt;"); break;
		case '>': buffer_print(out, "&gt;"); break;
		case '&': buffer_print(out, "&amp;"); break;
		default: buffer_append(out, &text[i], 1);
		}
	}
}

/* Ports of one parity, in lines of equal marks. */
static unsigned int put_parity(struct buffer *out, const struct budget_namespace *ns,
			       unsigned int parity, unsigned int y)
{
	unsigned int first = ns->range.low + parity;

	for (unsigned int line = first; line <= ns->range.high;
	     line += MAP_COLUMNS * 2, y += MAP_CELL) {
		unsigned int i = 0;

		while (i < MAP_COLUMNS && line + i * 2 <= ns->range.high) {
			unsigned int begin = i;
			uint8_t mark = ns->mark[line + i * 2];

			while (i < MAP_COLUMNS && line + i * 2 <= ns->range.high &&
			       ns->mark[line + i * 2] == mark)
				i++;
			buffer_print(out,
				     "<rect class=\"m%u\" x=\"%u\" y=\"%u\" width=\"%u\" "
				     "height=\"%u\"/>",
				     mark, begin * MAP_CELL, y, (i - begin) * MAP_CELL, MAP_CELL);
		}
	}
	return y;
}

static void put_map(struct buffer *out, const struct budget_namespace *ns)
{
	unsigned int size = ns->range.high - ns->range.low + 1u;
	unsigned int lines = (size / 2 + MAP_COLUMNS) / MAP_COLUMNS;
	unsigned int height = 2 * (lines * MAP_CELL + 22);
	unsigned int y;

	buffer_print(out, "<h2>Namespace %u, ports %u to %u</h2><p class=\"key\">", ns->netns,
		     ns->range.low, ns->range.high);
	for (unsigned int m = 0; m < PORT_MARKS; m++)
		buffer_print(out, "<span><i class=\"m%u\"></i>%s</span>", m, mark_names[m]);
	buffer_print(out,
		     "</p>\n<svg role=\"img\" aria-label=\"ports of the range\" viewBox=\"0 0 %u "
		     "%u\" width=\"%u\">",
		     MAP_COLUMNS * MAP_CELL, height, MAP_COLUMNS * MAP_CELL);
	buffer_print(
		out,
		"<text x=\"4\" y=\"14\">%s ports, from %u on: connect() tries these first</text>",
		ns->range.low % 2 ? "odd" : "even", ns->range.low);
	y = put_parity(out, ns, 0, 20);
	buffer_print(out, "<text x=\"4\" y=\"%u\">%s ports, from %u on</text>", y + 16,
		     ns->range.low % 2 ? "even" : "odd", ns->range.low + 1u);
	put_parity(out, ns, 1, y + 22);
	buffer_print(out, "</svg>\n");
}

static void put_line(struct buffer *out, const struct budget_report *r, uint64_t most,
		     const char *color, int what)
{
	uint64_t begin = r->sample[0].time_ns,
		 length = r->sample[r->sample_count - 1].time_ns - begin;

	buffer_print(out, "<polyline fill=\"none\" stroke=\"%s\" stroke-width=\"2\" points=\"",
		     color);
	for (size_t i = 0; i < r->sample_count; i++) {
		const struct budget_sample *s = &r->sample[i];
		uint64_t value = what == 0 ? s->in_use : what == 1 ? s->time_wait : s->available;

		buffer_print(out, "%llu,%llu ",
			     (unsigned long long)(length ? (s->time_ns - begin) * (CHART_W - 20) /
									   length +
								   10
							 : 10),
			     (unsigned long long)(CHART_H - 20 - value * (CHART_H - 50) / most));
	}
	buffer_print(out, "\"/>");
}

static void put_chart(struct buffer *out, const struct budget_report *r)
{
	uint64_t most = 1;
	char text[32];

	if (r->sample_count < 2)
		return;
	for (size_t i = 0; i < r->sample_count; i++) {
		const struct budget_sample *s = &r->sample[i];

		most = most < s->in_use ? s->in_use : most;
		most = most < s->available ? s->available : most;
	}
	text[units_format_duration(text, r->watched_ns)] = '\0';
	buffer_print(out,
		     "<h2>Use while watched, %s</h2><p class=\"key\"><span><i "
		     "style=\"background:#3b82c4\"></i>sockets "
		     "with a port of a range</span><span><i style=\"background:#f0b429\"></i>of "
		     "these in TIME_WAIT</span>"
		     "<span><i style=\"background:#b8384e\"></i>left for the destination that has "
		     "least</span></p>\n",
		     text);
	buffer_print(
		out,
		"<svg role=\"img\" aria-label=\"use over time\" viewBox=\"0 0 %u %u\" width=\"%u\">"
		"<text x=\"10\" y=\"18\">%llu</text><text x=\"10\" y=\"%u\">0</text>",
		CHART_W, CHART_H, CHART_W, (unsigned long long)most, CHART_H - 4);
	put_line(out, r, most, "#3b82c4", 0);
	put_line(out, r, most, "#f0b429", 1);
	put_line(out, r, most, "#b8384e", 2);
	buffer_print(out, "</svg>\n");
}

struct maps {
	struct buffer *out;
	size_t shown;
};

static void count_maps(void *ctx, enum budget_part part, size_t count)
{
	struct maps *maps = ctx;

	if (part == BUDGET_NAMESPACES)
		maps->shown = count;
}

static void put_namespace(void *ctx, const struct budget_namespace *ns,
			  const struct watch_namespace *seen)
{
	const struct maps *maps = ctx;

	(void)seen;
	if (budget_knows_left(ns, IPPROTO_TCP) && (maps->shown == 1 || budget_has_ports(ns)))
		put_map(maps->out, ns);
}

void budget_write_html(struct buffer *out, const struct budget_report *r)
{
	static const struct budget_visitor visitor = {.begin = count_maps, .space = put_namespace};
	struct maps maps = {.out = out};
	struct budget_report plain = *r;
	struct units_clock_cache clock;
	char time[UNITS_RFC3339_SIZE];
	struct buffer text;

	units_clock_init(&clock);
	units_format_rfc3339(time, &clock, r->time_ns + (uint64_t)r->wall_offset_ns);
	buffer_append(out, head, sizeof(head) - 1);
	buffer_print(out, "<h1>Local ports at %s</h1>\n<pre>", time);
	plain.map = false;
	plain.columns = 0;
	if (buffer_init(&text, 1u << 14) == 0) {
		budget_write_text(&text, &plain);
		put_escaped(out, text.data, text.len);
	}
	out->failed |= text.failed;
	buffer_done(&text);
	buffer_print(out, "</pre>\n");
	put_chart(out, r);
	budget_walk(r, &visitor, &maps);
	buffer_print(out, "</body></html>\n");
}
