// SPDX-License-Identifier: GPL-2.0-only
/* top_detail.c - what a row of top is about, in a column, at length, and as JSON. */
#include "top_private.h"

#include <stdio.h>
#include <string.h>

#include "inet.h"
#include "process_json.h"
#include "title.h"
#include "units.h"

/* ---- names ---- */

static size_t put(char *out, const char *word)
{
	size_t len = strlen(word);

	memcpy(out, word, len);
	return len;
}

static size_t put_process(char *out, const struct top_row *row)
{
	const struct top_key *key = &row->key;

	if (row->process)
		return title_format(out, row->process, true);
	if (key->pid)
		return title_owner(out, key->name, key->pid);
	return put(out, key->view == TOP_PROCESSES && key->kind ? "the kernel" : "unknown");
}

static size_t put_end(char *out, const struct top_row *row)
{
	const struct top_key *key = &row->key;
	struct endpoint end = {.port = key->port, .takes = row->takes, .ifindex = key->ifindex};
	char number[16];

	memcpy(end.addr, key->addr, sizeof(end.addr));
	snprintf(number, sizeof(number), "%u", key->ifindex);
	if (!key->family)
		return put(out, "-");
	/* Any port. */
	if (!key->port && key->view != TOP_LISTENERS)
		return inet_format_address(out, (enum family)key->family, key->mapped, key->addr);
	return inet_format_endpoint(out, (enum family)key->family, key->mapped, &end,
				    key->ifindex ? number : NULL);
}

static size_t put_netns(char *out, const struct top_row *row)
{
	size_t len;

	if (!row->elsewhere)
		return 0;
	len = put(out, " @");
	if (row->netns_name[0])
		return len + text_escape(out + len, row->netns_name, strlen(row->netns_name));
	return len + inet_format_number(out + len, row->key.netns);
}

static const char *protocol_name(uint16_t protocol)
{
	const char *name = inet_protocol_name(protocol);

	return name ? name : "other";
}

static const char *failure_name(int error, enum close_reason reason, enum event_kind kind)
{
	const char *name = error ? inet_errno_name(error) : NULL;

	if (error)
		return name ? name : "error";
	return kind == EVENT_OVERFLOW || reason >= REASONS ? "queue-full"
							   : event_reason_name(reason);
}

static size_t put_failure(char *out, const struct top_row *row)
{
	const struct top_key *key = &row->key;
	enum event_kind kind = (enum event_kind)key->kind;
	size_t len = put(out, failure_name(key->error, (enum close_reason)key->reason, kind));

	out[len++] = ' ';
	len += put(out + len, event_kind_name(kind));
	out[len++] = ' ';
	len += put_process(out + len, row);
	out[len++] = ' ';
	len += put_end(out + len, row);
	return len + put_netns(out + len, row);
}

static size_t put_ports(char *out, const struct top_shown *s)
{
	const struct budget_row *row = s->ports;
	size_t len = 0;

	if (!row) {
		len += put(out, "tcp, nobody talks from here");
	} else {
		len += put(out, protocol_name(row->protocol));
		out[len++] = ' ';
		len += inet_format_address(out + len, row->family, false, row->local.addr);
		len += put(out + len, " -> ");
		len += inet_format_endpoint(out + len, row->family, false, &row->peer, NULL);
	}
	if (s->ns->vrf) {
		len += put(out + len, " %");
		len += text_escape(out + len, budget_vrf(s->ns), strlen(budget_vrf(s->ns)));
	}
	if (!s->ns->name)
		return len;
	len += put(out + len, " @");
	if (s->ns->name[0])
		return len + text_escape(out + len, s->ns->name, strlen(s->ns->name));
	return len + inet_format_number(out + len, s->ns->netns);
}

size_t top_name(char *out, const struct top_shown *s)
{
	const struct top_row *row = s->row;
	size_t len = 0;

	if (!row)
		return put_ports(out, s);
	if (s->others)
		return put(out, "(others, for which there is no room)");
	switch ((enum top_view)row->key.view) {
	case TOP_PROCESSES: return put_process(out, row);
	case TOP_PEERS: len = put_end(out, row); return len + put_netns(out + len, row);
	case TOP_FAILURES: return put_failure(out, row);
	case TOP_LISTENERS:
		len = put(out, protocol_name(row->key.protocol));
		out[len++] = ' ';
		len += put_end(out + len, row);
		out[len++] = ' ';
		len += put_process(out + len, row);
		return len + put_netns(out + len, row);
	case TOP_PORTS:
	case TOP_VIEWS: break;
	}
	return 0;
}

/* ---- at length ---- */

static void draw_words(struct draw *d, const char *head, const char *text, size_t len)
{
	buffer_print(&d->line, "%-11s", head);
	buffer_escape_line(&d->line, text, len);
	draw_line(d, TOP_PLAIN);
}

static void draw_word(struct draw *d, const char *head, const char *text)
{
	if (text)
		draw_words(d, head, text, strlen(text));
}

static void put_args(struct draw *d, const struct program *program)
{
	for (uint32_t at = 0; program->args && at < program->args_len;) {
		const char *arg = program->args + at;
		size_t len = strnlen(arg, program->args_len - at);

		buffer_escape_line(&d->line, arg, len);
		buffer_append(&d->line, " ", 1);
		at += (uint32_t)len + 1;
	}
}

/* A line each, or they would fill the screen. */
static void draw_parents(struct draw *d, const struct process *p)
{
	d->whole = false;
	for (uint32_t i = 0; i < p->parent_count; i++) {
		char owner[OWNER_SIZE];
		size_t len = title_owner(owner, p->parent[i]->name, p->parent[i]->pid);

		buffer_print(&d->line, "%-11s%.*s  ", i ? "" : "parents", (int)len, owner);
		put_args(d, p->parent[i]);
		draw_line(d, TOP_PLAIN);
	}
	d->whole = true;
	if (!p->parent_count)
		draw_word(d, "parents", p->parents_known ? "none" : "unknown");
}

static void draw_process(struct draw *d, const struct process *p)
{
	if (!p)
		return;
	draw_parents(d, p);
	buffer_print(&d->line, "%-11s%u", "user", p->uid);
	draw_line(d, TOP_PLAIN);
	draw_word(d, "unit", p->unit);
	draw_word(d, "container", p->container_name ? p->container_name : p->container);
	draw_word(d, "pod", p->pod);
	draw_word(d, "cgroup", p->cgroup);
	draw_word(d, "executable", p->program ? p->program->exe : NULL);
	if (!p->program || !p->program->args)
		return;
	buffer_print(&d->line, "%-11s", "arguments");
	put_args(d, p->program);
	draw_line(d, TOP_PLAIN);
}

static void draw_counts(struct draw *d, const struct top_row *row)
{
	static const char *const names[] = {"new", "failed", "sent", "received"};

	for (int c = 0; c < TOP_COUNTS; c++) {
		buffer_print(&d->line, "%-11s%llu in all;", names[c],
			     (unsigned long long)row->total[c]);
		for (int w = 0; w < TOP_WINDOWS; w++) {
			static const char *const windows[] = {"1", "10", "60"};
			char text[32];

			draw_amount(text, sizeof(text),
				    top_rate(d->f->top, row, (enum top_count)c, (enum top_window)w,
					     d->f->now_ns));
			buffer_print(&d->line, " %s/s in %s s%s", text, windows[w],
				     w + 1 < TOP_WINDOWS ? "," : "");
		}
		draw_line(d, TOP_PLAIN);
	}
}

static void put_life_ends(struct draw *d, const struct top_life *life)
{
	char end[INET_ENDPOINT_SIZE];
	size_t len;

	if (life->has_local) {
		len = inet_format_endpoint(end, life->family, life->mapped, &life->local, NULL);
		buffer_print(&d->line, " %.*s", (int)len, end);
	}
	if (life->has_peer) {
		len = inet_format_endpoint(end, life->family, life->mapped, &life->peer, NULL);
		buffer_print(&d->line, " -> %.*s", (int)len, end);
	}
}

static void draw_life(struct draw *d, const struct top_life *life)
{
	struct units_clock_cache cache;
	char text[64], owner[OWNER_SIZE];
	bool failed = life->error || life->kind == EVENT_OVERFLOW ||
		      (life->kind == EVENT_CLOSE && event_reason_is_failure(life->reason));

	units_clock_init(&cache);
	units_format_clock(text, &cache, life->time_ns + (uint64_t)d->f->wall_offset_ns);
	buffer_print(
		&d->line, "  %.12s %s %s %s", text, event_kind_name(life->kind),
		failure_name(life->kind == EVENT_CLOSE ? 0 : life->error, life->reason, life->kind),
		protocol_name(life->protocol));
	put_life_ends(d, life);
	if (life->pid) {
		size_t len = title_owner(owner, life->name, life->pid);

		buffer_print(&d->line, " %.*s", (int)len, owner);
	}
	if (life->duration_ns != UINT64_MAX) {
		units_format_duration(text, life->duration_ns);
		buffer_print(&d->line, " after %s", text);
	}
	if (life->counted)
		buffer_print(&d->line, ", sent %llu received %llu",
			     (unsigned long long)life->sent_bytes,
			     (unsigned long long)life->received_bytes);
	draw_line(d, failed ? TOP_RED : TOP_PLAIN);
}

static void draw_budget(struct draw *d, const struct top_shown *s)
{
	const struct budget_namespace *ns = s->ns;

	buffer_print(&d->line, "%-11s%u-%u, %u usable, %u of them bound", "range", ns->range.low,
		     ns->range.high, ns->usable, ns->blocked);
	draw_line(d, TOP_PLAIN);
	if (!s->ports)
		return;
	buffer_print(&d->line, "%-11s%u taken, %u in TIME_WAIT", "ports", s->ports->taken,
		     s->ports->time_wait);
	draw_line(d, TOP_PLAIN);
	for (int state = STATE_ESTABLISHED; state < STATES; state++) {
		if (!s->ports->in_use[state])
			continue;
		buffer_print(&d->line, "  %-13s%llu", inet_state_name((enum tcp_state)state),
			     (unsigned long long)s->ports->in_use[state]);
		draw_line(d, TOP_PLAIN);
	}
}

void draw_detail(struct draw *d)
{
	const struct top_frame *f = d->f;
	const struct top_shown *s;
	const struct top_row *row;
	char *name = buffer_reserve(&d->line, TOP_NAME_SIZE);

	if (f->selected >= f->list->count)
		return;
	s = &f->list->item[f->selected];
	row = s->row;
	if (name)
		d->line.len += top_name(name, s);
	draw_line(d, TOP_BOLD);
	if (!row) {
		draw_budget(d, s);
		return;
	}
	draw_counts(d, row);
	buffer_print(&d->line, "%-11s%llu", "open", (unsigned long long)row->open);
	draw_line(d, TOP_PLAIN);
	buffer_print(&d->line, "%s",
		     row->lives ? "last lives and failed calls, the newest first"
				: "no life has ended and no call failed so far");
	draw_line(d, TOP_BOLD);
	for (unsigned int i = 0; i < TOP_LIVES && i < row->lives; i++)
		draw_life(d, &row->life[(row->lives - 1 - i) % TOP_LIVES]);
	draw_process(d, row->process);
}

/* ---- JSON ---- */

static void json_word(struct buffer *out, const char *key, const char *text, size_t len)
{
	char *p;

	buffer_print(out, ",\"%s\":\"", key);
	p = buffer_reserve(out, 6 * len + 1);
	if (p)
		out->len += json_escape(p, text, len);
	buffer_print(out, "\"");
}

static void json_end(struct buffer *out, const char *name, enum family family, bool mapped,
		     const uint8_t addr[16], uint16_t port)
{
	char text[INET_ADDRESS_SIZE];
	size_t len = inet_format_address(text, family, mapped, addr);

	buffer_print(out, ",\"%s\":{\"addr\":\"%.*s\"", name, (int)len, text);
	if (port)
		buffer_print(out, ",\"port\":%u", port);
	buffer_print(out, "}");
}

static void json_rates(struct buffer *out, const char *name, const struct top_frame *f,
		       const struct top_row *row, enum top_count count)
{
	buffer_print(out, ",\"%s\":{\"total\":%llu,\"per_s\":[", name,
		     (unsigned long long)row->total[count]);
	for (int w = 0; w < TOP_WINDOWS; w++)
		buffer_print(out, "%s%.2f", w ? "," : "",
			     top_rate(f->top, row, count, (enum top_window)w, f->now_ns));
	buffer_print(out, "]}");
}

static void json_row(struct buffer *out, const struct top_frame *f, const struct top_shown *s)
{
	const struct top_row *row = s->row;
	const struct top_key *key = &row->key;

	if (s->others)
		buffer_print(out, ",\"others\":true");
	if (!s->others && key->view != TOP_PEERS) {
		buffer_print(out, ",\"process\":");
		if (row->process)
			process_json(out, row->process, TELL_SHORT, f->wall_offset_ns);
		else
			buffer_print(out, "null");
	}
	if (!s->others && key->view == TOP_FAILURES) {
		const char *what = failure_name(key->error, (enum close_reason)key->reason,
						(enum event_kind)key->kind);

		json_word(out, "call", event_kind_name((enum event_kind)key->kind),
			  strlen(event_kind_name((enum event_kind)key->kind)));
		json_word(out, key->error ? "error" : "reason", what, strlen(what));
	}
	if (!s->others && (key->view == TOP_FAILURES || key->view == TOP_LISTENERS))
		json_word(out, "proto", protocol_name(key->protocol),
			  strlen(protocol_name(key->protocol)));
	if (key->family) {
		buffer_print(out, ",\"netns\":%u", key->netns);
		json_end(out,
			 key->view == TOP_LISTENERS ||
					 (key->view == TOP_FAILURES &&
					  (key->kind == EVENT_BIND || key->kind == EVENT_LISTEN ||
					   key->kind == EVENT_OVERFLOW))
				 ? "local"
				 : "peer",
			 (enum family)key->family, key->mapped, key->addr, key->port);
	}
	json_rates(out, "new", f, row, TOP_NEW);
	json_rates(out, "failed", f, row, TOP_FAILED);
	json_rates(out, "sent_bytes", f, row, TOP_SENT);
	json_rates(out, "received_bytes", f, row, TOP_RECEIVED);
	buffer_print(out, ",\"open\":%llu", (unsigned long long)row->open);
}

static void json_ports(struct buffer *out, const struct top_shown *s)
{
	const struct budget_row *row = s->ports;
	uint16_t protocol = row ? row->protocol : IPPROTO_TCP;

	buffer_print(out, ",\"netns\":%u", s->ns->netns);
	if (s->ns->vrf)
		json_word(out, "vrf", budget_vrf(s->ns), strlen(budget_vrf(s->ns)));
	json_word(out, "proto", protocol_name(protocol), strlen(protocol_name(protocol)));
	if (row) {
		json_end(out, "local", row->family, false, row->local.addr, 0);
		json_end(out, "peer", row->family, false, row->peer.addr, row->peer.port);
		buffer_print(out, ",\"taken\":%u,\"time_wait\":%u", row->taken, row->time_wait);
	}
	if (budget_knows_left(s->ns, protocol))
		buffer_print(out, ",\"available\":%.0f", s->value[TOP_BY_LEFT]);
	else
		buffer_print(out, ",\"available\":null");
}

void top_write_json(struct buffer *out, const struct top_frame *f, bool *begun)
{
	static const char *const events[TOP_VIEWS] = {[TOP_PROCESSES] = "top-process",
						      [TOP_PEERS] = "top-peer",
						      [TOP_FAILURES] = "top-failure",
						      [TOP_LISTENERS] = "top-listener",
						      [TOP_PORTS] = "top-ports"};
	struct units_clock_cache cache;
	char time[UNITS_RFC3339_SIZE];

	units_clock_init(&cache);
	units_format_rfc3339(time, &cache, f->now_ns + (uint64_t)f->wall_offset_ns);
	for (size_t i = 0; i < f->list->count; i++) {
		const struct top_shown *s = &f->list->item[i];

		buffer_print(out, "{\"time\":\"%s\",\"event\":\"%s\",\"view\":\"%s\"", time,
			     events[f->view], top_view_name(f->view));
		if (s->row)
			json_row(out, f, s);
		else
			json_ports(out, s);
		if (!*begun)
			buffer_print(out, ",\"schema\":%d", WRITER_SCHEMA);
		*begun = true;
		buffer_print(out, "}\n");
	}
}
