// SPDX-License-Identifier: GPL-2.0-only
/* report_html.c - the report as a page: what happened first, then who, to whom and why, then ports; each chart as numbers, too. */
#include "report_words.h"

#include <stdio.h>
#include <string.h>

#include "page.h"
#include "units.h"

struct html {
	struct buffer *out;
	const struct report_page *page;
	const struct report *r;
	uint8_t known[REPORT_BUCKETS];
	struct buffer words; /* of a cell, escaped for a line */
};

#define PUT(h, literal) buffer_append((h)->out, literal, sizeof(literal) - 1)

static void put_words(struct html *h)
{
	page_put_lines(h->out, h->words.data, h->words.len);
	h->out->failed |= h->words.failed;
	h->words.len = 0;
}

static void put_cell(struct html *h)
{
	PUT(h, "<td class=\"t\">");
	put_words(h);
	PUT(h, "</td>");
}

static void put_bytes(struct html *h, const struct report_group *g, uint64_t value)
{
	if (g->lives && g->uncounted == g->lives) {
		PUT(h, "<td class=\"n\">unknown</td>");
		return;
	}
	if (value < 100000)
		page_number(h->out, value);
	else if (value < 100000000)
		buffer_print(h->out, "<td class=\"n\">%.1f MB</td>", (double)value / 1e6);
	else
		buffer_print(h->out, "<td class=\"n\">%.1f GB</td>", (double)value / 1e9);
}

static void put_more(struct html *h, size_t count)
{
	if (count > REPORT_ROWS)
		buffer_print(h->out, "<p class=\"soft\">%zu more; -o json has them.</p>\n",
			     count - REPORT_ROWS);
}

/* ---- the head ---- */

static void put_tile(struct html *h, uint64_t value, const char *words)
{
	buffer_print(h->out, "<li><b>%llu</b> %s</li>", (unsigned long long)value, words);
}

static void say(struct buffer *out, const char *line, size_t len)
{
	buffer_print(out, "<p class=\"note\">");
	page_put_lines(out, line, len);
	buffer_print(out, "</p>\n");
}

static void put_head(struct html *h)
{
	const struct report *r = h->r;

	PUT(h, "<h1>Connections of this host</h1>\n<p>");
	words_span(&h->words, h->page);
	put_words(h);
	PUT(h, "<br><span class=\"soft\">recorded in ");
	page_put(h->out, h->page->store, strlen(h->page->store));
	PUT(h, "; each end of a connection that is on this host is counted</span></p>\n<ul "
	       "class=\"tiles\">");
	put_tile(h, r->lives, "connections");
	put_tile(h, r->failed, "of these failed");
	put_tile(h, r->calls, "calls failed");
	put_tile(h, r->open, "still open");
	put_tile(h, r->exhausted, "times no port was left");
	put_tile(h, r->lost, "events lost");
	PUT(h, "</ul>\n");
	words_unknown(h->page, say, h->out);
}

/* ---- over time ---- */

static void put_bars(struct html *h, const char *title, const struct page_series *series,
		     size_t count, uint64_t line, const char *line_words)
{
	const struct page_bars bars = {.title = title,
				       .begin_ns = h->r->begin_ns,
				       .step_ns = h->r->bucket_ns,
				       .count = h->r->bucket_count,
				       .known = h->known,
				       .series = series,
				       .series_count = count,
				       .line = line,
				       .line_words = line_words};

	page_put_bars(h->out, &bars);
}

static void put_times(struct html *h)
{
	uint64_t opened[REPORT_BUCKETS], failed[REPORT_BUCKETS], calls[REPORT_BUCKETS];
	const struct page_series begun[] = {{"s1", "connections opened", opened}};
	const struct page_series bad[] = {{"s3", "connections that failed", failed},
					  {"s2", "calls that failed", calls}};

	for (size_t i = 0; i < h->r->bucket_count; i++) {
		opened[i] = h->r->bucket[i].opened;
		failed[i] = h->r->bucket[i].failed;
		calls[i] = h->r->bucket[i].calls;
	}
	PUT(h, "<h2>Over time</h2>\n");
	put_bars(h, "Connections opened", begun, 1, 0, NULL);
	put_bars(h, "Failures", bad, 2, 0, NULL);
}

/* ---- by what they have in common ---- */

static void put_groups(struct html *h, enum report_kind kind, const char *caption, const char *name)
{
	const struct report_table *t = &h->r->by[kind];
	const char *const columns[] = {
		name,	       "Share",		 ">Connections", ">Failed", ">Failed calls",
		">Sent bytes", ">Received bytes"};
	uint64_t most = 0;

	for (size_t i = 0; i < t->count; i++)
		most = most > t->row[i].lives ? most : t->row[i].lives;
	page_table_begin(h->out, caption, columns, sizeof(columns) / sizeof(columns[0]));
	for (size_t i = 0; i < t->count && i < REPORT_ROWS; i++) {
		const struct report_group *g = &t->row[i];

		if (kind == REPORT_BY_PROCESS) {
			words_who(&h->words, &g->key.who);
		} else {
			words_peer(&h->words, &g->key);
			words_space(&h->words, h->r, g->key.netns);
		}
		PUT(h, "<tr>");
		put_cell(h);
		page_bar(h->out, "s1", g->lives, most);
		page_number(h->out, g->lives);
		page_number(h->out, g->failed);
		page_number(h->out, g->calls);
		put_bytes(h, g, g->sent);
		put_bytes(h, g, g->received);
		PUT(h, "</tr>\n");
	}
	page_table_end(h->out);
	put_more(h, t->count);
}

static void put_common(struct html *h)
{
	PUT(h, "<h2>Who, and to whom</h2>\n");
	if (!h->r->by[REPORT_BY_PROCESS].count)
		PUT(h, "<p>None.</p>\n");
	if (h->r->by[REPORT_BY_PROCESS].count)
		put_groups(h, REPORT_BY_PROCESS, "By process", "Process");
	if (h->r->by[REPORT_BY_PEER].count)
		put_groups(h, REPORT_BY_PEER, "By peer", "Peer");
}

/* ---- why, how long ---- */

static void put_reason(struct html *h, const char *class, uint64_t count, uint64_t most, bool bad)
{
	PUT(h, "<tr>");
	put_cell(h);
	page_bar(h->out, class, count, most);
	page_number(h->out, count);
	buffer_print(h->out, "<td>%s</td></tr>\n", bad ? "failure" : "");
}

static void put_why(struct html *h)
{
	static const char *const reasons[] = {"Reason", "Share", ">Connections", "Is it a failure"};
	static const char *const calls[] = {"Call and error", "Share", ">Times", "Is it a failure"};
	uint64_t most = 0;

	PUT(h, "<h2>Why they ended</h2>\n");
	for (int i = 0; i < REASONS; i++)
		most = most > h->r->reason[i] ? most : h->r->reason[i];
	page_table_begin(h->out, "Why connections ended", reasons, 4);
	for (int i = 0; i < REASONS; i++) {
		bool bad = event_reason_is_failure((enum close_reason)i);

		if (!h->r->reason[i])
			continue;
		buffer_print(&h->words, "%s", event_reason_name((enum close_reason)i));
		put_reason(h, bad ? "s3" : "s1", h->r->reason[i], most, bad);
	}
	page_table_end(h->out);
	if (!h->r->call_count)
		return;
	page_table_begin(h->out, "Calls that failed", calls, 4);
	for (size_t i = 0; i < h->r->call_count; i++) {
		words_call(&h->words, &h->r->call[i]);
		put_reason(h, "s2", h->r->call[i].count, h->r->call[0].count, true);
	}
	page_table_end(h->out);
}

static void put_lengths(struct html *h)
{
	static const char *const columns[] = {"Length", "Share", ">Connections",
					      ">Of these failed"};
	const struct report *r = h->r;
	uint64_t most = 0;
	char half[32], tenth[32], last[32];

	PUT(h, "<h2>How long they lived</h2>\n");
	if (!report_quantile_ns(r, 50)) {
		PUT(h, "<p>No length is known.</p>\n");
		return;
	}
	half[units_format_duration(half, report_quantile_ns(r, 50))] = '\0';
	tenth[units_format_duration(tenth, report_quantile_ns(r, 90))] = '\0';
	last[units_format_duration(last, report_quantile_ns(r, 99))] = '\0';
	buffer_print(
		h->out,
		"<p>Half of them lived for at most %s, nine of ten at most %s, 99 of 100 at most "
		"%s.</p>\n",
		half, tenth, last);
	for (size_t i = 0; i < REPORT_LENGTHS; i++)
		most = most > r->length[i][0] + r->length[i][1] ? most
								: r->length[i][0] + r->length[i][1];
	page_table_begin(h->out, "How long connections lived", columns, 4);
	for (size_t i = 0; i < REPORT_LENGTHS; i++) {
		uint64_t all = r->length[i][0] + r->length[i][1];

		words_length(&h->words, i);
		PUT(h, "<tr>");
		put_cell(h);
		page_bar(h->out, "s1", all, most);
		page_number(h->out, all);
		page_number(h->out, r->length[i][1]);
		PUT(h, "</tr>\n");
	}
	page_table_end(h->out);
}

/* ---- ports ---- */

static void put_ports(struct html *h)
{
	static const char *const columns[] = {
		"Port", "Waited for by", ">Accepted", ">Of these failed", ">Conflicts", ">Dropped"};
	const struct report_table *t = &h->r->by[REPORT_BY_PORT];

	PUT(h, "<h2>Ports and conflicts</h2>\n");
	if (!t->count) {
		PUT(h, "<p>Nobody was seen to wait at a port.</p>\n");
		return;
	}
	page_table_begin(h->out, "Ports at which somebody waits, or wanted to", columns, 6);
	for (size_t i = 0; i < t->count && i < REPORT_ROWS; i++) {
		const struct report_group *g = &t->row[i];

		PUT(h, "<tr>");
		words_port(&h->words, h->r, &g->key);
		put_cell(h);
		words_who(&h->words, &g->holder);
		put_cell(h);
		page_number(h->out, g->lives);
		page_number(h->out, g->failed);
		page_number(h->out, g->calls);
		page_number(h->out, g->dropped + g->dropping);
		PUT(h, "</tr>\n");
	}
	page_table_end(h->out);
	put_more(h, t->count);
}

static void put_conflicts(struct html *h)
{
	static const char *const columns[] = {"Port", "Wanted by", "Held by (told last)", ">Times",
					      "Last"};
	const struct report_table *t = &h->r->by[REPORT_BY_CONFLICT];
	char time[32];

	if (!t->count) {
		PUT(h, "<p>No bind() or listen() found its port taken.</p>\n");
		return;
	}
	page_table_begin(h->out, "Conflicts: the port was taken", columns, 5);
	for (size_t i = 0; i < t->count && i < REPORT_ROWS; i++) {
		const struct report_group *g = &t->row[i];

		PUT(h, "<tr>");
		words_port(&h->words, h->r, &g->key);
		put_cell(h);
		words_who(&h->words, &g->key.who);
		put_cell(h);
		words_holder(&h->words, g);
		put_cell(h);
		page_number(h->out, g->calls);
		time[units_format_second(time, g->last_ns)] = '\0';
		buffer_print(h->out, "<td>%s</td></tr>\n", time);
	}
	page_table_end(h->out);
	put_more(h, t->count);
}

static void put_range(struct html *h, const struct report_space *s)
{
	char time[32];

	if (!s->has_range) {
		buffer_print(h->out,
			     "<p class=\"note\">The range of local ports is not known: only a call "
			     "that finds no "
			     "port tells it, and none did. Counted are all TCP ports; %u were seen "
			     "in use.</p>\n",
			     s->distinct);
		return;
	}
	time[units_format_second(time, s->range_ns)] = '\0';
	buffer_print(
		h->out,
		"<p>Range %u to %u, %u of it reserved, as a call told that found no port at %s%s. "
		"Of its ports %u were seen in use; times no port was found: %llu.</p>\n",
		s->low, s->high, s->reserved, time,
		s->ranges_differ ? "; others told another range" : "", s->distinct,
		(unsigned long long)s->exhausted);
}

/* Marks of a report in the classes of a page. */
static void put_map(struct html *h, const struct report_space *s)
{
	static const struct page_key keys[] = {{"m0", "not seen in use"},
					       {"m3", "a connection"},
					       {"m2", "a connection that left a TIME_WAIT"},
					       {"m4", "bound"},
					       {"m5", "listening"}};
	static const uint8_t class_of[REPORT_MARKS] = {[MARK_UNSEEN] = 0,
						       [MARK_CONNECTED] = 3,
						       [MARK_TIME_WAIT] = 2,
						       [MARK_BOUND] = 4,
						       [MARK_LISTENING] = 5};
	uint8_t mark[65536];
	unsigned int low = s->has_range ? s->low : 65535, high = s->has_range ? s->high : 0;
	char words[96];

	for (unsigned int port = 0; port < 65536; port++) {
		mark[port] = class_of[s->mark[port]];
		if (s->has_range || !mark[port])
			continue;
		low = low < port ? low : port;
		high = port;
	}
	if (low > high)
		return;
	/* Without a range, the thousands in which any was seen. */
	if (!s->has_range) {
		low = low / 1000 * 1000;
		high = high / 1000 < 65 ? high / 1000 * 1000 + 999 : 65535;
	}
	snprintf(words, sizeof(words), "TCP ports %u to %u: %u of them seen in use", low, high,
		 s->distinct);
	buffer_print(h->out,
		     "<figure><figcaption>TCP ports %u to %u <small>%u a line</small></figcaption>",
		     low, high, PAGE_MAP_COLUMNS);
	page_keys(h->out, keys, sizeof(keys) / sizeof(keys[0]));
	page_map(h->out, mark, low, high, 1, words);
	PUT(h, "</figure>\n");
}

static void put_space(struct html *h, const struct report_space *s)
{
	uint64_t in_use[REPORT_BUCKETS];
	const struct page_series series[] = {{"s4", "TCP ports in use at some time in it", in_use}};
	uint64_t all = s->has_range ? s->high - s->low + 1u : 0;
	uint64_t size = all > s->reserved ? all - s->reserved : 0;
	char words[64];

	for (size_t i = 0; i < h->r->bucket_count; i++)
		in_use[i] = s->in_use[i];
	PUT(h, "<h3>Local ports");
	words_space(&h->words, h->r, s->netns);
	put_words(h);
	PUT(h, "</h3>\n");
	put_range(h, s);
	snprintf(words, sizeof(words), "%llu ports of the range may be taken",
		 (unsigned long long)size);
	put_bars(h, "Ports in use", series, 1, size, words);
	put_map(h, s);
}

static void put_budget(struct html *h)
{
	uint64_t left[REPORT_BUCKETS], exhausted[REPORT_BUCKETS];
	const struct page_series waits[] = {
		{"s2", "TIME_WAITs left by connections that closed", left}};
	const struct page_series none[] = {{"s3", "times no port was left", exhausted}};

	PUT(h, "<h2>The budget of ports</h2>\n");
	for (size_t i = 0; i < h->r->bucket_count; i++) {
		left[i] = h->r->bucket[i].time_waits;
		exhausted[i] = h->r->bucket[i].exhausted;
	}
	if (h->r->exhausted)
		put_bars(h, "No port was left", none, 1, 0, NULL);
	if (h->r->time_waits)
		put_bars(h, "Left in TIME_WAIT", waits, 1, 0, NULL);
	for (size_t i = 0; i < h->r->space_count; i++) {
		if (h->r->space[i]->distinct || h->r->space[i]->has_range)
			put_space(h, h->r->space[i]);
	}
}

void report_write_html(struct buffer *out, const struct report_page *page)
{
	struct html h = {.out = out, .page = page, .r = page->report};

	for (size_t i = 0; i < h.r->bucket_count; i++)
		h.known[i] = (uint8_t)report_known(h.r, i);
	if (buffer_init(&h.words, 256) < 0)
		out->failed = true;
	page_begin(out, "sockwatch: connections");
	put_head(&h);
	put_times(&h);
	put_common(&h);
	put_why(&h);
	put_lengths(&h);
	put_ports(&h);
	put_conflicts(&h);
	put_budget(&h);
	page_end(out);
	buffer_done(&h.words);
}
