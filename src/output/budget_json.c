// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "budget_walk.h"
#include "process_json.h"
#include "units.h"

unsigned int budget_percent(const struct budget_row *row)
{
	uint32_t usable = row->ns->usable;

	return usable ? (unsigned int)((uint64_t)(usable - row->available - row->uncertain) * 100 /
				       usable)
		      : 100;
}

static void put_time(struct buffer *out, const char *key, uint64_t boottime_ns, int64_t offset_ns)
{
	struct units_clock_cache clock;
	char text[UNITS_RFC3339_SIZE];

	units_clock_init(&clock);
	units_format_rfc3339(text, &clock, boottime_ns + (uint64_t)offset_ns);
	buffer_print(out, "\"%s\":\"%s\"", key, text);
}

static void put_end(struct buffer *out, const char *key, enum family family, bool mapped,
		    const struct endpoint *e, bool port)
{
	char addr[INET_ADDRESS_SIZE];
	size_t len = inet_format_address(addr, family, mapped, e->addr);

	buffer_print(out, "\"%s\":{\"addr\":\"%.*s\"", key, (int)len, addr);
	if (port)
		buffer_print(out, ",\"port\":%u", e->port);
	buffer_print(out, "}");
}

static void put_states(struct buffer *out, const uint64_t in_use[STATES])
{
	const char *comma = "";

	buffer_print(out, "\"in_use\":{");
	for (int i = 1; i < STATES; i++) {
		if (!in_use[i])
			continue;
		buffer_print(out, "%s\"%s\":%llu", comma, inet_state_name((enum tcp_state)i),
			     (unsigned long long)in_use[i]);
		comma = ",";
	}
	buffer_print(out, "}");
}

static void put_number(struct buffer *out, const char *key, bool known, uint32_t value)
{
	if (known)
		buffer_print(out, ",\"%s\":%u", key, value);
	else
		buffer_print(out, ",\"%s\":null", key);
}

/* -1 is not known, and null. */
static void put_decimal(struct buffer *out, const char *key, double value)
{
	if (value < 0)
		buffer_print(out, ",\"%s\":null", key);
	else
		buffer_print(out, ",\"%s\":%.3f", key, value);
}

static void put_begin(struct buffer *out, const struct budget_report *r, const char *event)
{
	buffer_print(out, "{");
	put_time(out, "time", r->time_ns, r->wall_offset_ns);
	buffer_print(out, ",\"event\":\"%s\"", event);
}

static void put_failure(struct buffer *out, const struct budget_report *r,
			const struct watch_failure *f)
{
	buffer_print(out, ",\"first_failure\":{");
	put_time(out, "time", f->time_ns, r->wall_offset_ns);
	buffer_print(out, ",\"error\":\"%s\"", inet_errno_name(f->error));
	if (f->has_peer) {
		buffer_print(out, ",");
		put_end(out, "peer", f->family, f->mapped, &f->peer, true);
	}
	buffer_print(out, ",\"process\":");
	if (f->has_process)
		process_json(out, &f->process, r->wall_offset_ns);
	else
		buffer_print(out, "null");
	buffer_print(out, "}");
}

struct json {
	struct buffer *out;
	const struct budget_report *report;
};

static void put_watched(struct buffer *out, const struct budget_report *r,
			const struct watch_namespace *seen)
{
	if (!r->watch) {
		buffer_print(out, ",\"failures\":null,\"first_failure\":null");
		return;
	}
	buffer_print(out, ",\"failures\":%llu", (unsigned long long)(seen ? seen->failures : 0));
	if (seen && seen->failures)
		put_failure(out, r, &seen->first);
	else
		buffer_print(out, ",\"first_failure\":null");
	if (seen && seen->latency.count)
		buffer_print(
			out,
			",\"connect_ns\":{\"count\":%llu,\"mean\":%llu,\"first\":%llu,\"last\":%"
			"llu,\"max\":%llu}",
			(unsigned long long)seen->latency.count,
			(unsigned long long)(seen->latency.sum_ns / seen->latency.count),
			(unsigned long long)(seen->latency.first_sum_ns /
					     seen->latency.first_count),
			(unsigned long long)seen->latency.last_ns,
			(unsigned long long)seen->latency.max_ns);
}

static void put_namespace(void *ctx, const struct budget_namespace *ns,
			  const struct watch_namespace *seen)
{
	const struct json *j = ctx;
	struct buffer *out = j->out;
	bool range = !(ns->unseen & UNSEEN_RANGE), left = budget_knows_left(ns, IPPROTO_TCP);

	put_begin(out, j->report, "namespace");
	buffer_print(out, ",\"netns\":%u,\"range\":", ns->netns);
	if (range)
		buffer_print(out, "{\"low\":%u,\"high\":%u,\"reserved\":%u,\"step\":%u},",
			     ns->range.low, ns->range.high, ns->range.reserved_count,
			     ns->range.step);
	else
		buffer_print(out, "null,");
	if (budget_knows(ns, IPPROTO_TCP))
		put_states(out, ns->in_use);
	else
		buffer_print(out, "\"in_use\":null");
	put_number(out, "usable", range, ns->usable);
	put_number(out, "bound", left, ns->blocked);
	put_number(out, "available", left, ns->available);
	put_number(out, "uncertain", left, ns->uncertain);
	if (budget_knows_left(ns, IPPROTO_UDP))
		buffer_print(out, ",\"udp_available\":{\"ipv4\":%u,\"ipv6\":%u}", ns->udp_free4,
			     ns->udp_free6);
	else
		buffer_print(out, ",\"udp_available\":{\"ipv4\":null,\"ipv6\":null}");
	put_number(out, "tcp_tw_reuse", range, ns->range.tw_reuse);
	put_watched(out, j->report, seen);
	buffer_print(out, "}\n");
}

static void put_row(void *ctx, size_t i, const struct budget_row *row)
{
	const struct json *j = ctx;
	struct buffer *out = j->out;
	bool left = budget_knows_left(row->ns, row->protocol);

	(void)i;
	put_begin(out, j->report, "budget");
	buffer_print(out, ",\"netns\":%u,\"proto\":\"%s\",\"family\":\"%s\",", row->ns->netns,
		     row->protocol == IPPROTO_UDP ? "udp" : "tcp",
		     row->family == FAMILY_IPV4 ? "ipv4" : "ipv6");
	put_end(out, "local", row->family, false, &row->local, false);
	buffer_print(out, ",");
	put_end(out, "peer", row->family, false, &row->peer, true);
	buffer_print(out, ",");
	put_states(out, row->in_use);
	put_number(out, "available", left, row->available);
	put_number(out, "uncertain", left, row->uncertain);
	put_decimal(out, "time_wait_drain_s", row->drain_ms / 1000.0);
	put_decimal(out, "churn_per_s", row->churn_per_s);
	put_decimal(out, "exhausted_in_s", row->exhausted_in_s);
	buffer_print(out, "}\n");
}

static void put_process_row(void *ctx, size_t i, const struct budget_process *p)
{
	const struct json *j = ctx;
	struct buffer *out = j->out;

	(void)i;
	put_begin(out, j->report, "process");
	buffer_print(out, ",\"netns\":%u,\"process\":", p->ns->netns);
	process_json(out, p->process, j->report->wall_offset_ns);
	put_number(out, "held", !p->ns->unseen, p->held);
	put_number(out, "time_wait", budget_knows(p->ns, IPPROTO_TCP), p->time_wait);
	put_decimal(out, "churn_per_s", p->churn_per_s);
	put_number(out, "bound_before_connect", budget_knows_left(p->ns, IPPROTO_TCP),
		   p->bound_before_connect);
	buffer_print(out, "}\n");
}

void budget_write_json(struct buffer *out, const struct budget_report *r)
{
	static const struct budget_visitor visitor = {
		.space = put_namespace, .row = put_row, .process = put_process_row};
	struct json json = {.out = out, .report = r};

	budget_walk(r, &visitor, &json);
}
