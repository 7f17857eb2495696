// SPDX-License-Identifier: GPL-2.0-only
/* report_json.c - the numbers of a report: what is not known is null. */
#include "report_words.h"

#include <string.h>

#include "page.h"
#include "walk.h"

struct fields {
	struct writer *w;
	const struct spelling *spell;
	const struct report *r;
};

static void give_text(const struct fields *f, enum field field, const char *text)
{
	if (text && *text)
		f->spell->text(f->w, field, text, strlen(text));
	else
		f->spell->absent(f->w, field);
}

static void give(const struct fields *f, enum field field, uint64_t value)
{
	f->spell->number(f->w, field, value);
}

static void give_known(const struct fields *f, enum field field, bool known, uint64_t value)
{
	if (known)
		give(f, field, value);
	else
		f->spell->absent(f->w, field);
}

static void give_space(const struct fields *f, uint32_t netns)
{
	const struct report_space *s = report_space(f->r, netns);

	give(f, FIELD_NETNS, netns);
	if (s && s->away)
		give_text(f, FIELD_NETNS_NAME, s->name);
}

static void give_who(const struct fields *f, enum field field, const struct report_who *who,
		     uint32_t pid)
{
	if (who->known != REPORT_NAMED) {
		f->spell->absent(f->w, field);
		return;
	}
	f->spell->open(f->w, field, NEST_OBJECT);
	if (pid)
		give(f, FIELD_PID, pid);
	give_text(f, FIELD_NAME, who->name);
	give_text(f, FIELD_SCRIPT, who->script.text);
	give_text(f, FIELD_CONTAINER, who->place == REPORT_CONTAINER ? who->where.text : NULL);
	give_text(f, FIELD_UNIT, who->place == REPORT_UNIT ? who->where.text : NULL);
	f->spell->close(f->w, NEST_OBJECT);
}

static void begin(const struct fields *f, const char *event)
{
	f->spell->begin(f->w);
	f->spell->word(f->w, FIELD_EVENT, event);
}

static void give_reasons(const struct fields *f)
{
	for (int i = 0; i < REASONS; i++) {
		if (!f->r->reason[i])
			continue;
		begin(f, "report-reason");
		f->spell->word(f->w, FIELD_REASON, event_reason_name((enum close_reason)i));
		give(f, FIELD_LIVES, f->r->reason[i]);
		f->spell->end(f->w);
	}
	for (size_t i = 0; i < f->r->call_count; i++) {
		const struct report_call *c = &f->r->call[i];
		const char *name = inet_errno_name(c->error);

		begin(f, "report-call");
		f->spell->word(f->w, FIELD_CALL, event_kind_name(c->kind));
		if (name)
			f->spell->word(f->w, FIELD_ERROR, name);
		else
			give(f, FIELD_ERROR, (uint64_t)c->error);
		give(f, FIELD_FAILED_CALLS, c->count);
		f->spell->end(f->w);
	}
}

static void give_lengths(const struct fields *f)
{
	for (size_t i = 0; i < REPORT_LENGTHS; i++) {
		begin(f, "report-length");
		give(f, FIELD_AT_LEAST, i ? report_length_ns(i - 1) : 0);
		give_known(f, FIELD_BELOW, i < REPORT_LENGTHS - 1, report_length_ns(i));
		give(f, FIELD_LIVES, f->r->length[i][0] + f->r->length[i][1]);
		give(f, FIELD_FAILED, f->r->length[i][1]);
		f->spell->end(f->w);
	}
}

static void give_counts(const struct fields *f, const struct report_group *g)
{
	bool counted = !g->lives || g->uncounted < g->lives;

	give(f, FIELD_LIVES, g->lives);
	give(f, FIELD_FAILED, g->failed);
	give(f, FIELD_FAILED_CALLS, g->calls);
	give_known(f, FIELD_SENT_BYTES, counted, g->sent);
	give_known(f, FIELD_RECEIVED_BYTES, counted, g->received);
	give(f, FIELD_UNCOUNTED, g->uncounted);
}

static void give_protocol(const struct fields *f, const struct report_key *key)
{
	const char *name = inet_protocol_name(key->protocol);

	give_space(f, key->netns);
	if (name)
		f->spell->word(f->w, FIELD_PROTO, name);
	else
		give(f, FIELD_PROTO, key->protocol);
}

static void give_peer(const struct fields *f, const struct report_key *key)
{
	struct endpoint end = {.port = key->port};
	const struct place place = {.family =
					    key->family == FAMILY_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4,
				    .mapped = key->mapped,
				    .endpoint = &end,
				    .no_port = key->way != REPORT_OUT};

	memcpy(end.addr, key->addr, sizeof(end.addr));
	give_protocol(f, key);
	f->spell->place(f->w, FIELD_PEER, &place);
	if (key->way == REPORT_WAY_UNKNOWN)
		f->spell->absent(f->w, FIELD_WAY);
	else
		f->spell->word(f->w, FIELD_WAY, key->way == REPORT_OUT ? "out" : "in");
}

static void give_group(const struct fields *f, enum report_kind kind, const struct report_group *g)
{
	switch (kind) {
	case REPORT_BY_PROCESS:
		begin(f, "report-process");
		give_who(f, FIELD_PROCESS, &g->key.who, 0);
		f->spell->flag(f->w, FIELD_KERNEL, g->key.who.known == REPORT_KERNEL);
		give_counts(f, g);
		break;
	case REPORT_BY_PEER:
		begin(f, "report-peer");
		give_peer(f, &g->key);
		give_counts(f, g);
		break;
	case REPORT_BY_PORT:
		begin(f, "report-port");
		give_protocol(f, &g->key);
		give(f, FIELD_PORT, g->key.port);
		give_who(f, FIELD_PROCESS, &g->holder, g->holder_pid);
		give_counts(f, g);
		give(f, FIELD_DROPPED, g->dropped + g->dropping);
		break;
	case REPORT_BY_CONFLICT:
		begin(f, "report-conflict");
		give_protocol(f, &g->key);
		give(f, FIELD_PORT, g->key.port);
		give_who(f, FIELD_PROCESS, &g->key.who, 0);
		give(f, FIELD_FAILED_CALLS, g->calls);
		f->spell->time(f->w, FIELD_LAST, g->last_ns);
		give_who(f, FIELD_HOLDER, &g->holder, g->holder_pid);
		if (g->holder_state)
			f->spell->word(f->w, FIELD_STATE,
				       inet_state_name((enum tcp_state)g->holder_state));
		else
			f->spell->absent(f->w, FIELD_STATE);
		break;
	case REPORT_KINDS: return;
	}
	f->spell->end(f->w);
}

static void give_ports(const struct fields *f, const struct report_space *s)
{
	begin(f, "report-ports");
	give_space(f, s->netns);
	if (s->has_range) {
		f->spell->open(f->w, FIELD_RANGE, NEST_OBJECT);
		give(f, FIELD_LOW, s->low);
		give(f, FIELD_HIGH, s->high);
		give(f, FIELD_RESERVED, s->reserved);
		f->spell->time(f->w, FIELD_TIME, s->range_ns);
		f->spell->close(f->w, NEST_OBJECT);
	} else {
		f->spell->absent(f->w, FIELD_RANGE);
	}
	give(f, FIELD_EXHAUSTED, s->exhausted);
	give_known(f, FIELD_USED, s->has_range, s->used);
	give(f, FIELD_DISTINCT, s->distinct);
	give(f, FIELD_MAX, s->in_use_most);
	f->spell->open(f->w, FIELD_IN_USE, NEST_LIST);
	for (size_t i = 0; i < f->r->bucket_count; i++)
		give_known(f, FIELD_NONE, !(report_known(f->r, i) & PAGE_NOTHING), s->in_use[i]);
	f->spell->close(f->w, NEST_LIST);
	f->spell->end(f->w);
}

static void give_steps(const struct fields *f)
{
	for (size_t i = 0; i < f->r->bucket_count; i++) {
		const struct report_bucket *b = &f->r->bucket[i];
		bool known = !(report_known(f->r, i) & PAGE_NOTHING);

		f->spell->begin(f->w);
		f->spell->time(f->w, FIELD_TIME, f->r->begin_ns + i * f->r->bucket_ns);
		f->spell->word(f->w, FIELD_EVENT, "report-step");
		give(f, FIELD_RECORDED_NS, b->recorded_ns);
		give_known(f, FIELD_BEGUN, known, b->opened);
		give_known(f, FIELD_CLOSED, known, b->closed);
		give_known(f, FIELD_FAILED, known, b->failed);
		give_known(f, FIELD_FAILED_CALLS, known, b->calls);
		give_known(f, FIELD_TIME_WAITS, known, b->time_waits);
		give_known(f, FIELD_EXHAUSTED, known, b->exhausted);
		give(f, FIELD_LOST, b->lost);
		f->spell->flag(f->w, FIELD_LOSSY, b->lossy);
		f->spell->end(f->w);
	}
}

static void give_folded(const struct fields *f)
{
	static const enum field field_of[REPORT_KINDS] = {FIELD_PROCESSES, FIELD_PEERS, FIELD_PORTS,
							  FIELD_CONFLICTS};

	f->spell->open(f->w, FIELD_FOLDED, NEST_OBJECT);
	for (size_t i = 0; i < REPORT_KINDS; i++) {
		f->spell->open(f->w, field_of[i], NEST_OBJECT);
		give(f, FIELD_ROWS, f->r->by[i].folded);
		give(f, FIELD_MAY_LACK, f->r->by[i].may_lack);
		f->spell->close(f->w, NEST_OBJECT);
	}
	f->spell->close(f->w, NEST_OBJECT);
}

static void give_head(const struct fields *f, const struct report_page *page)
{
	const struct report *r = f->r;
	bool lengths = report_quantile_ns(r, 50) > 0;

	f->spell->begin(f->w);
	f->spell->time(f->w, FIELD_TIME, r->to_ns);
	f->spell->word(f->w, FIELD_EVENT, "report");
	f->spell->time(f->w, FIELD_SINCE, r->from_ns);
	f->spell->time(f->w, FIELD_UNTIL, r->to_ns);
	give(f, FIELD_STEP_NS, r->bucket_ns);
	give(f, FIELD_RECORDED_NS, r->recorded_ns);
	give_text(f, FIELD_STORE, page->store);
	f->spell->flag(f->w, FIELD_CHOSEN, page->chosen);
	give(f, FIELD_LIVES, r->lives);
	give(f, FIELD_FAILED, r->failed);
	give(f, FIELD_OPEN_NOW, r->open);
	give(f, FIELD_UNSEEN, r->unseen);
	give(f, FIELD_OLDER, r->older);
	give(f, FIELD_FAILED_CALLS, r->calls);
	give(f, FIELD_TIME_WAITS, r->time_waits);
	give(f, FIELD_EXHAUSTED, r->exhausted);
	give(f, FIELD_LOST, r->lost);
	give_known(f, FIELD_HALF_NS, lengths, report_quantile_ns(r, 50));
	give_known(f, FIELD_NINETY_NINE_NS, lengths, report_quantile_ns(r, 99));
	give_folded(f);
	give(f, FIELD_NAMESPACES_MORE, r->spaceless);
	f->spell->end(f->w);
}

void report_write_json(struct buffer *out, const struct report_page *page)
{
	int64_t offset_ns = 0;
	struct fields f = {
		.w = writer_json_new(&(struct writer_options){.wall_offset_ns = &offset_ns}),
		.r = page->report};

	if (!f.w) {
		out->failed = true;
		return;
	}
	f.w->out = out;
	f.spell = f.w->spelling;
	give_head(&f, page);
	give_steps(&f);
	for (int kind = 0; kind < REPORT_KINDS; kind++) {
		for (size_t i = 0; i < f.r->by[kind].count; i++)
			give_group(&f, (enum report_kind)kind, &f.r->by[kind].row[i]);
	}
	give_reasons(&f);
	give_lengths(&f);
	for (size_t i = 0; i < f.r->space_count; i++)
		give_ports(&f, f.r->space[i]);
	writer_free(f.w);
}
