// SPDX-License-Identifier: GPL-2.0-only
/*
 * budget_html.c - one page that needs nothing else: a map of each range as SVG, the use over the time watched, and the
 * report.  Whatever processes are called stays text.
 */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "units.h"
#include "walk_budget.h"

#define CHART_W 1200
#define CHART_H 240

static const struct page_key marks[PORT_MARKS] = {{"m0", "free"},
						  {"m1", "reserved"},
						  {"m2", "TIME_WAIT"},
						  {"m3", "connected"},
						  {"m4", "bound: taken from every destination"},
						  {"m5", "listening"}};

/* Ports of one parity. */
static void put_half(struct buffer *out, const struct budget_namespace *ns, unsigned int low,
		     const char *more)
{
	const char *parity = low % 2 ? "odd" : "even";
	char words[64];

	if (low > ns->range.high)
		return;
	snprintf(words, sizeof(words), "%s ports from %u on", parity, low);
	buffer_print(out, "<p class=\"soft\">%s%s</p>\n", words, more);
	page_map(out, ns->mark, low, ns->range.high, 2, words);
}

static void put_map(struct buffer *out, const struct budget_namespace *ns)
{
	buffer_print(out, "<h2>Namespace %u", ns->netns);
	if (ns->vrf) {
		buffer_print(out, ", VRF ");
		page_put_lines(out, budget_vrf(ns), strlen(budget_vrf(ns)));
	}
	buffer_print(out, ", ports %u to %u</h2>\n", ns->range.low, ns->range.high);
	page_keys(out, marks, PORT_MARKS);
	put_half(out, ns, ns->range.low, ": connect() tries these first");
	put_half(out, ns, ns->range.low + 1u, "");
}

static void put_line(struct buffer *out, const struct budget_report *r, uint64_t most,
		     const char *class, int what)
{
	uint64_t begin = r->sample[0].time_ns,
		 length = r->sample[r->sample_count - 1].time_ns - begin;

	buffer_print(out, "<polyline class=\"%s\" points=\"", class);
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
	static const struct page_key keys[] = {{"s1", "sockets with a port of a range"},
					       {"s2", "of these in TIME_WAIT"},
					       {"s3", "left for the destination that has least"}};
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
	buffer_print(out, "<h2>Use while watched, %s</h2>\n", text);
	page_keys(out, keys, sizeof(keys) / sizeof(keys[0]));
	buffer_print(out,
		     "<span class=\"most\">%llu at the top</span><svg class=\"plot\" role=\"img\" "
		     "aria-label=\"use over time, at most %llu\" viewBox=\"0 0 %u %u\" "
		     "preserveAspectRatio=\"none\">",
		     (unsigned long long)most, (unsigned long long)most, CHART_W, CHART_H);
	put_line(out, r, most, "l1", 0);
	put_line(out, r, most, "l2", 1);
	put_line(out, r, most, "l3", 2);
	buffer_print(out, "</svg><p class=\"axis\"><span>0</span><span>%s</span></p>\n", text);
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
	page_begin(out, "sockwatch: local ports");
	buffer_print(out, "<h1>Local ports at %s</h1>\n<pre tabindex=\"0\">", time);
	plain.map = false;
	plain.columns = 0;
	if (buffer_init(&text, 1u << 14) == 0) {
		budget_write_text(&text, &plain);
		page_put_lines(out, text.data, text.len);
	}
	out->failed |= text.failed;
	buffer_done(&text);
	buffer_print(out, "</pre>\n");
	put_chart(out, r);
	budget_walk(r, &visitor, &maps);
	page_end(out);
}
