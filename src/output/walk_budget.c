// SPDX-License-Identifier: GPL-2.0-only
#include "walk_budget.h"

#include <netinet/in.h>
#include <string.h>

unsigned int budget_percent(const struct budget_row *row)
{
	uint32_t usable = row->ns->usable;

	return usable ? (unsigned int)((uint64_t)(usable - row->available - row->uncertain) * 100 /
				       usable)
		      : 100;
}

bool budget_has_ports(const struct budget_namespace *ns)
{
	for (int i = 1; i < STATES; i++) {
		if (ns->in_use[i])
			return true;
	}
	return false;
}

static const struct watch_namespace *seen_of(const struct budget_report *r,
					     const struct budget_namespace *ns)
{
	return r->watch && !ns->vrf ? budget_watch_namespace(r->watch, ns->netns) : NULL;
}

static bool shows_namespace(const struct budget_report *r, const struct budget_namespace *ns)
{
	const struct watch_namespace *seen = seen_of(r, ns);

	return budget_shows(r->budget, ns->selected || (seen && seen->selected));
}

static void walk_namespaces(const struct budget_report *r, const struct budget_visitor *v,
			    void *ctx)
{
	const struct budget *b = r->budget;
	size_t count = 0;

	for (size_t i = 0; i < b->ns_count; i++)
		count += shows_namespace(r, b->ns[i]);
	if (count && v->begin)
		v->begin(ctx, BUDGET_NAMESPACES, count);
	for (size_t i = 0; i < b->ns_count; i++) {
		if (shows_namespace(r, b->ns[i]))
			v->space(ctx, b->ns[i], seen_of(r, b->ns[i]));
	}
}

static void walk_rows(const struct budget *b, const struct budget_visitor *v, void *ctx)
{
	size_t count = 0;

	for (size_t i = 0; i < b->row_count; i++)
		count += budget_shows(b, b->row[i].selected);
	if (count && v->begin)
		v->begin(ctx, BUDGET_ROWS, count);
	for (size_t i = 0, n = 0; i < b->row_count; i++) {
		if (budget_shows(b, b->row[i].selected))
			v->row(ctx, n++, &b->row[i]);
	}
}

static void walk_processes(const struct budget *b, const struct budget_visitor *v, void *ctx)
{
	size_t count = 0;

	for (size_t i = 0; i < b->process_count; i++)
		count += budget_shows(b, b->process[i].selected);
	if (count && v->begin)
		v->begin(ctx, BUDGET_PROCESSES, count);
	for (size_t i = 0, n = 0; i < b->process_count; i++) {
		if (budget_shows(b, b->process[i].selected))
			v->process(ctx, n++, &b->process[i]);
	}
}

void budget_walk(const struct budget_report *r, const struct budget_visitor *v, void *ctx)
{
	walk_namespaces(r, v, ctx);
	if (v->row)
		walk_rows(r->budget, v, ctx);
	if (v->process)
		walk_processes(r->budget, v, ctx);
}

/* ---- fields ---- */

static void give_time(struct writer *w, uint64_t boottime_ns)
{
	w->spelling->time(w, FIELD_TIME, boottime_ns + (uint64_t)*w->options.wall_offset_ns);
}

static void give_number(struct writer *w, enum field field, bool known, uint64_t value)
{
	if (known)
		w->spelling->number(w, field, value);
	else
		w->spelling->absent(w, field);
}

/* Less than 0 is not known. */
static void give_decimal(struct writer *w, enum field field, double value)
{
	if (value < 0)
		w->spelling->absent(w, field);
	else
		w->spelling->decimal(w, field, value);
}

static void give_begin(const struct budget_fields *f, const char *event,
		       const struct budget_namespace *ns)
{
	struct writer *w = f->w;

	w->spelling->begin(w);
	give_time(w, f->report->time_ns);
	w->spelling->word(w, FIELD_EVENT, event);
	w->spelling->number(w, FIELD_NETNS, ns->netns);
	if (ns->name && ns->name[0])
		w->spelling->text(w, FIELD_NETNS_NAME, ns->name, strlen(ns->name));
	else if (ns->name)
		w->spelling->absent(w, FIELD_NETNS_NAME);
	if (ns->vrf)
		w->spelling->text(w, FIELD_VRF, budget_vrf(ns), strlen(budget_vrf(ns)));
}

static void walk_failure(struct writer *w, const struct watch_failure *f)
{
	const struct spelling *spell = w->spelling;
	const struct place peer = {.family = f->family, .mapped = f->mapped, .endpoint = &f->peer};

	spell->open(w, FIELD_FIRST_FAILURE, NEST_OBJECT);
	give_time(w, f->time_ns);
	spell->word(w, FIELD_ERROR, inet_errno_name(f->error));
	if (f->has_peer)
		spell->place(w, FIELD_PEER, &peer);
	if (f->has_process)
		spell->process(w, FIELD_PROCESS, &f->process, TELL_WHOLE);
	else
		spell->absent(w, FIELD_PROCESS);
	spell->close(w, NEST_OBJECT);
}

static void walk_latency(struct writer *w, const struct watch_latency *l)
{
	const struct spelling *spell = w->spelling;

	spell->open(w, FIELD_CONNECT_NS, NEST_OBJECT);
	spell->number(w, FIELD_COUNT, l->count);
	spell->number(w, FIELD_MEAN, l->sum_ns / l->count);
	spell->number(w, FIELD_FIRST, l->first_sum_ns / l->first_count);
	spell->number(w, FIELD_LAST, l->last_ns);
	spell->number(w, FIELD_MAX, l->max_ns);
	spell->close(w, NEST_OBJECT);
}

void walk_namespace(void *fields, const struct budget_namespace *ns,
		    const struct watch_namespace *seen)
{
	const struct budget_report *r = ((struct budget_fields *)fields)->report;
	struct writer *w = ((struct budget_fields *)fields)->w;
	const struct spelling *spell = w->spelling;
	bool range = !(ns->unseen & UNSEEN_RANGE), left = budget_knows_left(ns, IPPROTO_TCP);
	bool udp = budget_knows_left(ns, IPPROTO_UDP);

	give_begin(fields, "namespace", ns);
	if (range) {
		spell->open(w, FIELD_RANGE, NEST_OBJECT);
		spell->number(w, FIELD_LOW, ns->range.low);
		spell->number(w, FIELD_HIGH, ns->range.high);
		spell->number(w, FIELD_RESERVED, ns->range.reserved_count);
		spell->number(w, FIELD_STEP, ns->range.step);
		spell->close(w, NEST_OBJECT);
	} else {
		spell->absent(w, FIELD_RANGE);
	}
	if (budget_knows(ns, IPPROTO_TCP))
		spell->states(w, FIELD_IN_USE, ns->in_use);
	else
		spell->absent(w, FIELD_IN_USE);
	give_number(w, FIELD_USABLE, range, ns->usable);
	give_number(w, FIELD_BOUND, left, ns->blocked);
	give_number(w, FIELD_AVAILABLE, left, ns->available);
	give_number(w, FIELD_UNCERTAIN, left, ns->uncertain);
	spell->open(w, FIELD_UDP_AVAILABLE, NEST_OBJECT);
	give_number(w, FIELD_IPV4, udp, ns->udp_free4);
	give_number(w, FIELD_IPV6, udp, ns->udp_free6);
	spell->close(w, NEST_OBJECT);
	give_number(w, FIELD_TW_REUSE, range, ns->range.tw_reuse);
	give_number(w, FIELD_FAILURES, r->watch && !ns->vrf, seen ? seen->failures : 0);
	if (seen && seen->failures)
		walk_failure(w, &seen->first);
	else
		spell->absent(w, FIELD_FIRST_FAILURE);
	if (seen && seen->latency.count)
		walk_latency(w, &seen->latency);
	spell->end(w);
}

void walk_row(void *fields, size_t i, const struct budget_row *row)
{
	struct writer *w = ((struct budget_fields *)fields)->w;
	const struct spelling *spell = w->spelling;
	const struct place local = {
		.family = row->family, .endpoint = &row->local, .no_port = true};
	const struct place peer = {.family = row->family, .endpoint = &row->peer};
	bool left = budget_knows_left(row->ns, row->protocol);

	(void)i;
	give_begin(fields, "budget", row->ns);
	spell->word(w, FIELD_PROTO, row->protocol == IPPROTO_UDP ? "udp" : "tcp");
	spell->word(w, FIELD_FAMILY, row->family == FAMILY_IPV4 ? "ipv4" : "ipv6");
	spell->place(w, FIELD_LOCAL, &local);
	spell->place(w, FIELD_PEER, &peer);
	spell->states(w, FIELD_IN_USE, row->in_use);
	give_number(w, FIELD_AVAILABLE, left, row->available);
	give_number(w, FIELD_UNCERTAIN, left, row->uncertain);
	spell->decimal(w, FIELD_DRAIN_S, row->drain_ms / 1000.0);
	give_decimal(w, FIELD_CHURN, row->churn_per_s);
	give_decimal(w, FIELD_EXHAUSTED_S, row->exhausted_in_s);
	spell->end(w);
}

void walk_process(void *fields, size_t i, const struct budget_process *p)
{
	struct writer *w = ((struct budget_fields *)fields)->w;

	(void)i;
	give_begin(fields, "process", p->ns);
	w->spelling->process(w, FIELD_PROCESS, p->process, TELL_WHOLE);
	if (p->ended)
		w->spelling->flag(w, FIELD_ENDED, true);
	give_number(w, FIELD_HELD, !p->ns->unseen, p->held);
	give_number(w, FIELD_TIME_WAIT, budget_knows(p->ns, IPPROTO_TCP), p->time_wait);
	give_decimal(w, FIELD_CHURN, p->churn_per_s);
	give_number(w, FIELD_BOUND_FIRST, budget_knows_left(p->ns, IPPROTO_TCP),
		    p->bound_before_connect);
	w->spelling->end(w);
}

void budget_write_json(struct buffer *out, const struct budget_report *r)
{
	static const struct budget_visitor visitor = {
		.space = walk_namespace, .row = walk_row, .process = walk_process};
	int64_t offset_ns = r->wall_offset_ns;
	struct writer_options options = {.wall_offset_ns = &offset_ns};
	struct budget_fields json = {.w = writer_json_new(&options), .report = r};

	if (!json.w) {
		out->failed = true;
		return;
	}
	json.w->out = out;
	budget_walk(r, &visitor, &json);
	writer_free(json.w);
}
