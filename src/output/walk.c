// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"

#include <stdlib.h>
#include <string.h>

/* Made-up words and names that must live as long as the walk. */
struct walk {
	struct writer *w;
	const struct spelling *spell;
	const struct event *e;
	char protocol[24];
	char error[24];
	char interface[2][24];
};

static void walk_time(struct walk *walk, enum field field, uint64_t boottime_ns)
{
	walk->spell->time(walk->w, field, boottime_ns + (uint64_t)*walk->w->options.wall_offset_ns);
}

static void walk_state(struct walk *walk, enum field field, enum tcp_state state)
{
	const char *name = inet_state_name(state);

	if (name)
		walk->spell->word(walk->w, field, name);
	else
		walk->spell->absent(walk->w, field);
}

static const char *interface_name(struct walk *walk, uint32_t ifindex, char number[24])
{
	const struct writer_options *o = &walk->w->options;
	const char *name = NULL;

	if (o->interface_name)
		name = o->interface_name(o->ctx, walk->e->netns, ifindex);
	if (name)
		return name;
	number[inet_format_number(number, ifindex)] = '\0';
	return number;
}

static void walk_place_of(struct walk *walk, enum field field, enum family family, bool mapped,
			  const struct endpoint *endpoint)
{
	struct place place = {.family = family, .mapped = mapped, .endpoint = endpoint};

	if (family == FAMILY_IPV6 && endpoint->ifindex && inet_is_link_local(endpoint->addr))
		place.interface = interface_name(walk, endpoint->ifindex,
						 walk->interface[field == FIELD_PEER]);
	walk->spell->place(walk->w, field, &place);
}

static void walk_place(struct walk *walk, enum field field, const struct endpoint *endpoint)
{
	walk_place_of(walk, field, walk->e->family, walk->e->mapped, endpoint);
}

static void walk_error(struct walk *walk)
{
	const char *name = inet_errno_name(walk->e->error);

	if (!name) {
		walk->error[0] = 'E';
		walk->error[1 + inet_format_number(walk->error + 1, (unsigned int)walk->e->error)] =
			'\0';
		name = walk->error;
	}
	walk->spell->word(walk->w, FIELD_ERROR, name);
}

static void walk_socket(struct walk *walk)
{
	const struct spelling *spell = walk->spell;
	const struct event *e = walk->e;
	struct writer *w = walk->w;
	const char *protocol = inet_protocol_name(e->protocol);

	if (!protocol) {
		walk->protocol[inet_format_number(walk->protocol, e->protocol)] = '\0';
		protocol = walk->protocol;
	}
	spell->word(w, FIELD_PROTO, protocol);
	spell->word(w, FIELD_FAMILY, e->family == FAMILY_IPV4 ? "ipv4" : "ipv6");
	if (e->mapped)
		spell->flag(w, FIELD_MAPPED, true);
	spell->number(w, FIELD_NETNS, e->netns);
	if (e->cookie)
		spell->number(w, FIELD_COOKIE, e->cookie);
	else
		spell->absent(w, FIELD_COOKIE);
	if (e->has_local)
		walk_place(walk, FIELD_LOCAL, &e->local);
	if (e->has_peer)
		walk_place(walk, FIELD_PEER, &e->peer);
	if (e->process)
		spell->process(w, FIELD_PROCESS, e->process);
	else
		spell->absent(w, FIELD_PROCESS);
	if (e->error)
		walk_error(walk);
	if (e->repeated) {
		spell->number(w, FIELD_REPEATED, e->repeated);
		walk_time(walk, FIELD_SINCE, e->since_ns);
	}
}

static void walk_holder(struct walk *walk, const struct event_holder *h)
{
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	spell->open(w, FIELD_NONE, NEST_OBJECT);
	if (h->process)
		spell->process(w, FIELD_HOLDER_PROCESS, h->process);
	else
		spell->absent(w, FIELD_HOLDER_PROCESS);
	walk_place_of(walk, FIELD_HOLDER_LOCAL, h->family, h->mapped, &h->local);
	if (h->has_peer)
		walk_place_of(walk, FIELD_HOLDER_PEER, h->family, h->mapped, &h->peer);
	if (h->state != STATE_NONE)
		walk_state(walk, FIELD_HOLDER_STATE, h->state);
	if (h->since_ns)
		walk_time(walk, FIELD_HOLDER_SINCE, h->since_ns);
	spell->open(w, FIELD_WHY, NEST_LIST);
	for (unsigned int bit = 0; bit < HOLDER_WHYS; bit++) {
		if (h->why >> bit & 1)
			spell->word(w, FIELD_NONE, event_why_name(bit));
	}
	spell->close(w, NEST_LIST);
	spell->close(w, NEST_OBJECT);
}

static void walk_trouble(struct walk *walk)
{
	const struct event_trouble *trouble = walk->e->trouble;
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	if (trouble->has_holders) {
		spell->open(w, FIELD_HOLDERS, NEST_LIST);
		for (size_t i = 0; i < trouble->holder_count; i++)
			walk_holder(walk, &trouble->holders[i]);
		spell->close(w, NEST_LIST);
		if (trouble->holders_more)
			spell->number(w, FIELD_MORE, trouble->holders_more);
	}
	if (trouble->has_range) {
		spell->open(w, FIELD_RANGE, NEST_OBJECT);
		spell->number(w, FIELD_LOW, trouble->low);
		spell->number(w, FIELD_HIGH, trouble->high);
		spell->number(w, FIELD_RESERVED, trouble->reserved);
		spell->close(w, NEST_OBJECT);
		spell->number(w, FIELD_USED, trouble->used);
	}
	if (trouble->unprivileged_from) {
		spell->word(w, FIELD_MISSING, "CAP_NET_BIND_SERVICE");
		spell->number(w, FIELD_UNPRIVILEGED_FROM, trouble->unprivileged_from);
	}
}

static void walk_change(struct walk *walk)
{
	const struct event *e = walk->e;

	walk_state(walk, FIELD_FROM, e->state.from);
	walk_state(walk, FIELD_TO, e->state.to);
	if (e->state.after_known)
		walk->spell->number(walk->w, FIELD_AFTER_NS, e->state.after_ns);
	if (e->state.substate != STATE_NONE)
		walk_state(walk, FIELD_SUBSTATE, e->state.substate);
}

static void walk_spans(struct walk *walk, const struct event_close *close)
{
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	spell->open(w, FIELD_STATES, NEST_LIST);
	for (unsigned int i = 0; i < close->span_count; i++) {
		spell->open(w, FIELD_NONE, NEST_OBJECT);
		walk_state(walk, FIELD_STATE, close->spans[i].state);
		spell->number(w, FIELD_NS, close->spans[i].ns);
		spell->close(w, NEST_OBJECT);
	}
	spell->close(w, NEST_LIST);
}

static void walk_close(struct walk *walk)
{
	const struct event_close *close = &walk->e->close;
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	if (close->opened_ns)
		walk_time(walk, FIELD_OPENED, close->opened_ns);
	else
		spell->absent(w, FIELD_OPENED);
	/* Unknown where the end was not seen, too: a repair knows only that the socket is gone. */
	if (close->opened_ns && close->duration_ns != UINT64_MAX)
		spell->number(w, FIELD_DURATION_NS, close->duration_ns);
	else
		spell->absent(w, FIELD_DURATION_NS);
	if (close->counted) {
		spell->number(w, FIELD_SENT_BYTES, close->sent_bytes);
		spell->number(w, FIELD_RECEIVED_BYTES, close->received_bytes);
		spell->number(w, FIELD_RETRANSMITS, close->retransmits);
		if (close->rtt_us)
			spell->number(w, FIELD_RTT_US, close->rtt_us);
	}
	if (close->end != EVENT_END_OPEN)
		spell->word(w, FIELD_REASON, event_reason_name(close->reason));
	else
		walk_state(walk, FIELD_STATE, close->state);
	if (close->end == EVENT_END_UNSEEN)
		spell->word(w, FIELD_END, "unknown");
	if (close->time_wait)
		spell->flag(w, FIELD_TIME_WAIT, true);
	walk_spans(walk, close);
}

static void walk_lost(struct walk *walk)
{
	const struct event_lost *lost = &walk->e->lost;
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	spell->number(w, FIELD_COUNT, lost->count);
	walk_time(walk, FIELD_SINCE, lost->since_ns);
	spell->open(w, FIELD_REPAIRED, NEST_OBJECT);
	spell->number(w, FIELD_ADDED, lost->added);
	spell->number(w, FIELD_REMOVED, lost->removed);
	spell->close(w, NEST_OBJECT);
}

/* A life that goes on is told as one that ended, but for its end. */
static bool is_open(const struct event *e)
{
	return e->kind == EVENT_CLOSE && e->close.end == EVENT_END_OPEN;
}

static void walk_event(struct walk *walk)
{
	const struct event *e = walk->e;

	walk_time(walk, FIELD_TIME, e->time_ns);
	walk->spell->word(walk->w, FIELD_EVENT, is_open(e) ? "open" : event_kind_name(e->kind));
	if (e->kind != EVENT_LOST)
		walk_socket(walk);

	switch (e->kind) {
	case EVENT_BIND:
		if (e->bind.autobind)
			walk->spell->flag(walk->w, FIELD_AUTOBIND, true);
		break;
	case EVENT_LISTEN: walk->spell->number(walk->w, FIELD_BACKLOG, e->listen.backlog); break;
	case EVENT_CONNECT:
		/* A call that failed before it had a port says nothing about who would have chosen
		 * it. */
		if (!e->error || e->local.port)
			walk->spell->flag(walk->w, FIELD_AUTOBIND, e->connect.autobind);
		break;
	case EVENT_ACCEPT:
		if (e->accept.listener)
			walk->spell->process(walk->w, FIELD_LISTENER, e->accept.listener);
		break;
	case EVENT_STATE: walk_change(walk); break;
	case EVENT_CLOSE: walk_close(walk); break;
	case EVENT_LOST: walk_lost(walk); break;
	case EVENT_KINDS: break;
	}
	if (e->trouble)
		walk_trouble(walk);
}

void writer_event(struct writer *w, struct buffer *out, const struct event *event)
{
	struct walk walk;
	size_t start = out->len;

	walk.w = w;
	walk.spell = w->spelling;
	walk.e = event;
	w->out = out;
	w->spelling->begin(w);
	walk_event(&walk);
	w->spelling->end(w);
	if (out->failed)
		out->len = start;
}

void writer_header(struct writer *w, struct buffer *out)
{
	size_t start = out->len;

	w->out = out;
	w->spelling->header(w);
	if (out->failed)
		out->len = start;
}

void writer_free(struct writer *w)
{
	if (w && w->spelling->free)
		w->spelling->free(w);
	free(w);
}
