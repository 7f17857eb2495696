// SPDX-License-Identifier: GPL-2.0-only
#include "report_words.h"

#include <stdio.h>
#include <string.h>

#include "line.h"
#include "page.h"
#include "units.h"

#define INDENT 4

struct text {
	struct buffer *out;
	const struct report_page *page;
	const struct report *r;
	struct layout layout;
	struct line line;
	size_t start;
};

static void begin_table(struct text *t, const char *title, const struct layout_column *columns,
			size_t count)
{
	buffer_print(t->out, "\n%s\n", title);
	layout_init(&t->layout, columns, count, t->page->columns);
}

static void begin_row(struct text *t)
{
	t->line = (struct line){.out = t->out, .layout = &t->layout};
	t->start = t->out->len;
}

static void end_row(struct text *t)
{
	line_end(&t->line, t->start, INDENT);
}

static void put_number(struct text *t, uint64_t value)
{
	char digits[20];

	line_cell_right(&t->line, digits, inet_format_number(digits, value));
}

static void put_bytes(struct text *t, const struct report_group *g, uint64_t value)
{
	if (g->lives && g->uncounted == g->lives)
		line_cell_right(&t->line, "-", 1);
	else
		put_number(t, value);
}

static void put_header(struct text *t, size_t time)
{
	begin_row(t);
	line_header(&t->line, time, t->page->zone);
	end_row(t);
}

/* Rows are written twice: the first time tells how wide columns are. */
static void put_table(struct text *t, void (*rows)(struct text *t), size_t time)
{
	size_t begin = t->out->len;

	rows(t);
	t->out->len = begin;
	put_header(t, time);
	rows(t);
}

static void put_more(struct text *t, size_t count)
{
	if (count > REPORT_ROWS)
		buffer_print(t->out, "%zu more (-o json has them)\n", count - REPORT_ROWS);
}

/* ---- over time ---- */

static bool is_quiet(const struct report_bucket *b)
{
	return !b->opened && !b->closed && !b->failed && !b->calls && !b->lost;
}

static void put_bucket(struct text *t, size_t i, unsigned int known)
{
	const struct report_bucket *b = &t->r->bucket[i];
	const uint64_t values[] = {b->opened, b->closed,     b->failed,
				   b->calls,  b->time_waits, b->lost};
	char time[32];

	begin_row(t);
	line_cell(&t->line, NULL, time,
		  units_format_second(time, t->r->begin_ns + i * t->r->bucket_ns));
	for (size_t v = 0; v < sizeof(values) / sizeof(values[0]); v++) {
		if (known & PAGE_NOTHING)
			line_cell_right(&t->line, "-", 1);
		else
			put_number(t, values[v]);
	}
	line_cell_word(&t->line, NULL,
		       known & PAGE_NOTHING  ? "nobody recorded"
		       : known & PAGE_PARTLY ? "recorded in part"
		       : known & PAGE_LOSSY  ? "at least"
					     : "");
	end_row(t);
}

static void put_buckets(struct text *t)
{
	unsigned int before = PAGE_KNOWN;

	for (size_t i = 0; i < t->r->bucket_count; i++) {
		unsigned int known = report_known(t->r, i);

		/* A time of which nothing is known has one row, however long it is. */
		if ((known & PAGE_NOTHING)
			    ? !(before & PAGE_NOTHING)
			    : known || !is_quiet(&t->r->bucket[i]) || (before & PAGE_NOTHING))
			put_bucket(t, i, known);
		before = known;
	}
}

static void put_times(struct text *t)
{
	static const struct layout_column columns[] = {
		LAYOUT_LEFT("FROM", 19), LAYOUT_RIGHT("OPENED"),       LAYOUT_RIGHT("CLOSED"),
		LAYOUT_RIGHT("FAILED"),	 LAYOUT_RIGHT("FAILED CALLS"), LAYOUT_RIGHT("TIME_WAITS"),
		LAYOUT_RIGHT("LOST"),	 LAYOUT_LEFT("KNOWN", 5)};
	char title[128], step[32];

	step[units_format_duration(step, t->r->bucket_ns)] = '\0';
	snprintf(title, sizeof(title),
		 "over time, in steps of %s (those that are not listed had nothing)", step);
	begin_table(t, title, LAYOUT_OF(columns));
	put_table(t, put_buckets, 0);
}

/* ---- by what they have in common ---- */

static void put_words(struct text *t, const struct buffer *words)
{
	line_cell(&t->line, NULL, words->data, words->len);
}

static void put_groups(struct text *t, enum report_kind kind)
{
	const struct report_table *table = &t->r->by[kind];
	struct buffer words;

	if (buffer_init(&words, 256) < 0)
		t->out->failed = true;
	for (size_t i = 0; i < table->count && i < REPORT_ROWS && !words.failed; i++) {
		const struct report_group *g = &table->row[i];

		words.len = 0;
		if (kind == REPORT_BY_PROCESS) {
			words_who(&words, &g->key.who);
		} else {
			words_peer(&words, &g->key);
			words_space(&words, t->r, g->key.netns);
		}
		begin_row(t);
		put_number(t, g->lives);
		put_number(t, g->failed);
		put_number(t, g->calls);
		put_bytes(t, g, g->sent);
		put_bytes(t, g, g->received);
		put_words(t, &words);
		end_row(t);
	}
	buffer_done(&words);
}

static void put_processes(struct text *t)
{
	put_groups(t, REPORT_BY_PROCESS);
}

static void put_peers(struct text *t)
{
	put_groups(t, REPORT_BY_PEER);
}

static void put_common(struct text *t)
{
	static const struct layout_column processes[] = {
		LAYOUT_RIGHT("LIVES"), LAYOUT_RIGHT("FAILED"),	 LAYOUT_RIGHT("FAILED CALLS"),
		LAYOUT_RIGHT("SENT"),  LAYOUT_RIGHT("RECEIVED"), LAYOUT_LEFT("PROCESS", 10)};
	static const struct layout_column peers[] = {
		LAYOUT_RIGHT("LIVES"), LAYOUT_RIGHT("FAILED"),	 LAYOUT_RIGHT("FAILED CALLS"),
		LAYOUT_RIGHT("SENT"),  LAYOUT_RIGHT("RECEIVED"), LAYOUT_LEFT("PEER", 10)};

	if (t->r->by[REPORT_BY_PROCESS].count) {
		begin_table(t, "by process", LAYOUT_OF(processes));
		put_table(t, put_processes, SIZE_MAX);
		put_more(t, t->r->by[REPORT_BY_PROCESS].count);
	}
	if (t->r->by[REPORT_BY_PEER].count) {
		begin_table(t, "by peer", LAYOUT_OF(peers));
		put_table(t, put_peers, SIZE_MAX);
		put_more(t, t->r->by[REPORT_BY_PEER].count);
	}
}

/* ---- why ---- */

static void put_reasons(struct text *t)
{
	for (int i = 0; i < REASONS; i++) {
		if (!t->r->reason[i])
			continue;
		begin_row(t);
		put_number(t, t->r->reason[i]);
		line_cell_word(&t->line, NULL,
			       event_reason_is_failure((enum close_reason)i) ? "!" : "");
		line_cell_word(&t->line, NULL, event_reason_name((enum close_reason)i));
		end_row(t);
	}
}

static void put_calls(struct text *t)
{
	struct buffer words;

	if (buffer_init(&words, 64) < 0)
		t->out->failed = true;
	for (size_t i = 0; i < t->r->call_count && !words.failed; i++) {
		words.len = 0;
		words_call(&words, &t->r->call[i]);
		begin_row(t);
		put_number(t, t->r->call[i].count);
		line_cell_word(&t->line, NULL, "!");
		put_words(t, &words);
		end_row(t);
	}
	buffer_done(&words);
}

static void put_lengths(struct text *t)
{
	for (size_t i = 0; i < REPORT_LENGTHS; i++) {
		struct buffer words;

		if (!t->r->length[i][0] && !t->r->length[i][1])
			continue;
		if (buffer_init(&words, 32) < 0) {
			t->out->failed = true;
			return;
		}
		words_length(&words, i);
		begin_row(t);
		put_number(t, t->r->length[i][0] + t->r->length[i][1]);
		put_number(t, t->r->length[i][1]);
		put_words(t, &words);
		end_row(t);
		buffer_done(&words);
	}
}

static void put_why(struct text *t)
{
	static const struct layout_column reasons[] = {LAYOUT_RIGHT("LIVES"), LAYOUT_LEFT("", 1),
						       LAYOUT_LEFT("REASON", 10)};
	static const struct layout_column calls[] = {LAYOUT_RIGHT("CALLS"), LAYOUT_LEFT("", 1),
						     LAYOUT_LEFT("FAILED", 10)};
	static const struct layout_column lengths[] = {
		LAYOUT_RIGHT("LIVES"), LAYOUT_RIGHT("FAILED"), LAYOUT_LEFT("LENGTH", 10)};
	char half[32], most[32], title[128];

	begin_table(t, "why connections ended (! nobody asked for it)", LAYOUT_OF(reasons));
	put_table(t, put_reasons, SIZE_MAX);
	if (t->r->call_count) {
		begin_table(t, "calls that failed", LAYOUT_OF(calls));
		put_table(t, put_calls, SIZE_MAX);
	}
	if (!report_quantile_ns(t->r, 50))
		return;
	half[units_format_duration(half, report_quantile_ns(t->r, 50))] = '\0';
	most[units_format_duration(most, report_quantile_ns(t->r, 99))] = '\0';
	snprintf(title, sizeof(title), "how long they lived: half at most %s, 99 of 100 at most %s",
		 half, most);
	begin_table(t, title, LAYOUT_OF(lengths));
	put_table(t, put_lengths, SIZE_MAX);
}

/* ---- ports ---- */

static void put_ports(struct text *t)
{
	const struct report_table *table = &t->r->by[REPORT_BY_PORT];
	struct buffer words;

	if (buffer_init(&words, 256) < 0)
		t->out->failed = true;
	for (size_t i = 0; i < table->count && i < REPORT_ROWS && !words.failed; i++) {
		const struct report_group *g = &table->row[i];

		words.len = 0;
		words_port(&words, t->r, &g->key);
		begin_row(t);
		put_words(t, &words);
		put_number(t, g->lives);
		put_number(t, g->failed);
		put_number(t, g->calls);
		put_number(t, g->dropped + g->dropping);
		words.len = 0;
		words_who(&words, &g->holder);
		put_words(t, &words);
		end_row(t);
	}
	buffer_done(&words);
}

static void put_conflicts(struct text *t)
{
	const struct report_table *table = &t->r->by[REPORT_BY_CONFLICT];
	struct buffer words;
	char time[32];

	if (buffer_init(&words, 256) < 0)
		t->out->failed = true;
	for (size_t i = 0; i < table->count && i < REPORT_ROWS && !words.failed; i++) {
		const struct report_group *g = &table->row[i];

		begin_row(t);
		line_cell(&t->line, NULL, time, units_format_second(time, g->last_ns));
		put_number(t, g->calls);
		words.len = 0;
		words_port(&words, t->r, &g->key);
		put_words(t, &words);
		words.len = 0;
		words_who(&words, &g->key.who);
		put_words(t, &words);
		words.len = 0;
		words_holder(&words, g);
		put_words(t, &words);
		end_row(t);
	}
	buffer_done(&words);
}

static void put_space(struct text *t, const struct report_space *s)
{
	char time[32];

	buffer_print(t->out, "\nlocal ports");
	words_space(t->out, t->r, s->netns);
	buffer_print(t->out, ": ");
	if (s->has_range) {
		time[units_format_second(time, s->range_ns)] = '\0';
		buffer_print(t->out,
			     "range %u-%u, %u reserved, told by a call at %s%s; of it %u seen in "
			     "use, at most %u in "
			     "one step; times no port was found: %llu\n",
			     s->low, s->high, s->reserved, time,
			     s->ranges_differ ? " (others told another one)" : "", s->distinct,
			     s->in_use_most, (unsigned long long)s->exhausted);
		return;
	}
	buffer_print(t->out,
		     "the range is not known (only a call that finds no port tells it); %u ports "
		     "seen in use, at "
		     "most %u in one step; times no port was found: %llu\n",
		     s->distinct, s->in_use_most, (unsigned long long)s->exhausted);
}

static void put_all_ports(struct text *t)
{
	static const struct layout_column ports[] = {
		LAYOUT_LEFT("PORT", 10), LAYOUT_RIGHT("ACCEPTED"),
		LAYOUT_RIGHT("FAILED"),	 LAYOUT_RIGHT("CONFLICTS"),
		LAYOUT_RIGHT("DROPPED"), LAYOUT_LEFT("WAITED FOR BY", 10)};
	static const struct layout_column conflicts[] = {
		LAYOUT_LEFT("LAST", 19), LAYOUT_RIGHT("TIMES"), LAYOUT_LEFT("PORT", 10),
		LAYOUT_LEFT("WANTED BY", 10), LAYOUT_LEFT("HELD BY", 10)};

	if (t->r->by[REPORT_BY_PORT].count) {
		begin_table(t, "ports at which somebody waits, or wanted to", LAYOUT_OF(ports));
		put_table(t, put_ports, SIZE_MAX);
		put_more(t, t->r->by[REPORT_BY_PORT].count);
	}
	if (t->r->by[REPORT_BY_CONFLICT].count) {
		begin_table(t, "conflicts: the port was taken", LAYOUT_OF(conflicts));
		put_table(t, put_conflicts, 0);
		put_more(t, t->r->by[REPORT_BY_CONFLICT].count);
	}
	for (size_t i = 0; i < t->r->space_count; i++)
		put_space(t, t->r->space[i]);
}

static void say(struct buffer *out, const char *line, size_t len)
{
	buffer_print(out, "note         ");
	buffer_append(out, line, len);
	buffer_print(out, "\n");
}

void report_write_text(struct buffer *out, const struct report_page *page)
{
	const struct report *r = page->report;
	struct text t = {.out = out, .page = page, .r = r};

	words_span(out, page);
	buffer_print(out,
		     "\nconnections  %llu: %llu failed, %llu still open\nfailed calls %llu\nlost   "
		     "      %llu\n",
		     (unsigned long long)r->lives, (unsigned long long)r->failed,
		     (unsigned long long)r->open, (unsigned long long)r->calls,
		     (unsigned long long)r->lost);
	words_unknown(page, say, out);
	put_times(&t);
	put_common(&t);
	put_why(&t);
	put_all_ports(&t);
}
