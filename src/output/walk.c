// SPDX-License-Identifier: GPL-2.0-only
#include "walk.h"
#include "who_private.h"

#include <netinet/in.h>
#include <string.h>

/*
 * An event is less than 64 KiB in JSON, which is what many who read lines have room for.  Holders that do not fit are counted
 * like those beyond the table's own bound: two short processes, two ends and their words are no more than HOLDER_MAX.
 */
#define EVENT_MAX  65536
#define HOLDER_MAX 6144

/* Bytes of a container's id, as Docker shows it. */
#define CONTAINER_SHOWN 12

/* What an event and a listed socket tell alike. */
struct subject {
	uint16_t protocol;
	enum family family;
	bool mapped;
	uint32_t netns;
	const char *netns_name;		     /* as of an event */
	uint64_t cookie;		     /* 0 unknown */
	const struct endpoint *local, *peer; /* NULL none */
	const struct endpoint *asked;	     /* NULL: the same */
	const struct process *process;	     /* NULL unknown */
	enum telling telling;
};

/* Made-up words and names that must live as long as the walk. */
struct walk {
	struct writer *w;
	const struct spelling *spell;
	const struct event *e; /* NULL: a listed socket */
	size_t start;	       /* of what is written of it */
	struct subject subject;
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
		name = o->interface_name(o->ctx, walk->subject.netns, ifindex);
	if (name)
		return name;
	number[inet_format_number(number, ifindex)] = '\0';
	return number;
}

static void walk_place(struct walk *walk, enum field field, enum family family, bool mapped,
		       const struct endpoint *endpoint)
{
	struct place place = {.family = family, .mapped = mapped, .endpoint = endpoint};

	if (family == FAMILY_IPV6 && endpoint->ifindex && inet_is_link_local(endpoint->addr))
		place.interface = interface_name(walk, endpoint->ifindex,
						 walk->interface[field == FIELD_PEER]);
	walk->spell->place(walk->w, field, &place);
}

void walk_process_or_null(struct writer *w, enum field field, const struct process *process,
			  enum telling telling)
{
	if (process)
		w->spelling->process(w, field, process, telling);
	else
		w->spelling->absent(w, field);
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

/* One without a name is its container's. */
void walk_netns(struct writer *w, uint32_t netns, const char *name, const struct process *process)
{
	size_t len = name ? strlen(name) : 0;

	w->spelling->number(w, FIELD_NETNS, netns);
	if (!name)
		return;
	if (!len && process && process->container) {
		name = process->container;
		len = strnlen(name, CONTAINER_SHOWN);
	}
	if (len)
		w->spelling->text(w, FIELD_NETNS_NAME, name, len);
	else
		w->spelling->absent(w, FIELD_NETNS_NAME);
}

static void walk_subject(struct walk *walk)
{
	const struct spelling *spell = walk->spell;
	const struct subject *s = &walk->subject;
	struct writer *w = walk->w;
	const char *protocol = inet_protocol_name(s->protocol);

	if (!protocol) {
		walk->protocol[inet_format_number(walk->protocol, s->protocol)] = '\0';
		protocol = walk->protocol;
	}
	spell->word(w, FIELD_PROTO, protocol);
	spell->word(w, FIELD_FAMILY, s->family == FAMILY_IPV4 ? "ipv4" : "ipv6");
	if (s->mapped)
		spell->flag(w, FIELD_MAPPED, true);
	walk_netns(w, s->netns, s->netns_name, s->process);
	if (s->cookie)
		spell->number(w, FIELD_COOKIE, s->cookie);
	else
		spell->absent(w, FIELD_COOKIE);
	if (s->local)
		walk_place(walk, FIELD_LOCAL, s->family, s->mapped, s->local);
	if (s->peer)
		walk_place(walk, FIELD_PEER, s->family, s->mapped, s->peer);
	if (s->asked)
		walk_place(walk, FIELD_ASKED, s->family, s->mapped, s->asked);
	walk_process_or_null(walk->w, FIELD_PROCESS, s->process, s->telling);
}

static void walk_socket(struct walk *walk)
{
	const struct event *e = walk->e;
	bool asks = e->kind == EVENT_CONNECT || e->kind == EVENT_CLOSE;

	walk->subject = (struct subject){
		.protocol = e->protocol,
		.family = e->family,
		.mapped = e->mapped,
		.netns = e->netns,
		.netns_name = e->netns_name,
		.cookie = e->cookie,
		.local = e->has_local ? &e->local : NULL,
		.peer = e->has_peer ? &e->peer : NULL,
		.asked = e->has_asked && asks ? &e->asked : NULL,
		.process = e->process,
		.telling = e->kind == EVENT_STATE || e->kind == EVENT_OVERFLOW ? TELL_SHORT
									       : TELL_WHOLE,
	};
	walk_subject(walk);
	if (e->kernel)
		walk->spell->flag(walk->w, FIELD_KERNEL, true);
	if (e->error)
		walk_error(walk);
	if (e->repeated) {
		walk->spell->number(walk->w, FIELD_REPEATED, e->repeated);
		walk_time(walk, FIELD_SINCE, e->since_ns);
	}
}

/* Beside a process that is null: nobody is looked for.  `device` is the interface that receives through it, 0 none or unknown. */
static void walk_kernel(struct walk *walk, uint32_t device)
{
	const struct writer_options *o = &walk->w->options;
	const char *name = NULL;

	walk->spell->flag(walk->w, FIELD_KERNEL, true);
	if (device && o->interface_name)
		name = o->interface_name(o->ctx, walk->subject.netns, device);
	if (name)
		walk->spell->text(walk->w, FIELD_DEVICE, name, strlen(name));
}

static void walk_holder(struct walk *walk, const struct event_holder *h)
{
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	spell->open(w, FIELD_NONE, NEST_OBJECT);
	walk_process_or_null(walk->w, FIELD_PROCESS, h->process, TELL_SHORT);
	if (h->kernel)
		walk_kernel(walk, h->kernel_device);
	else if (h->unheld)
		spell->flag(w, FIELD_UNHELD, true);
	walk_place(walk, FIELD_LOCAL, h->family, h->mapped, &h->local);
	if (h->has_peer)
		walk_place(walk, FIELD_PEER, h->family, h->mapped, &h->peer);
	if (h->state != STATE_NONE)
		walk_state(walk, FIELD_STATE, h->state);
	if (h->since_ns)
		walk_time(walk, FIELD_SINCE, h->since_ns);
	if (h->bound_by)
		spell->process(w, FIELD_BOUND_BY, h->bound_by, TELL_SHORT);
	if (h->ended)
		spell->flag(w, FIELD_ENDED, true);
	spell->open(w, FIELD_WHY, NEST_LIST);
	for (unsigned int bit = 0; bit < HOLDER_WHYS; bit++) {
		if (h->why >> bit & 1)
			spell->word(w, FIELD_NONE, event_why_name(bit));
	}
	spell->close(w, NEST_LIST);
	spell->close(w, NEST_OBJECT);
}

static bool has_room(const struct walk *walk)
{
	return walk->w->out->len - walk->start < EVENT_MAX - HOLDER_MAX - walk->w->more;
}

static void walk_trouble(struct walk *walk)
{
	const struct event_trouble *trouble = walk->e->trouble;
	const struct spelling *spell = walk->spell;
	uint64_t more = trouble->holders_more;
	struct writer *w = walk->w;
	size_t n = 0;

	if (trouble->has_holders) {
		spell->open(w, FIELD_HOLDERS, NEST_LIST);
		for (; n < trouble->holder_count && has_room(walk); n++)
			walk_holder(walk, &trouble->holders[n]);
		spell->close(w, NEST_LIST);
		more += trouble->holder_count - n;
		if (more)
			spell->number(w, FIELD_MORE, more);
		if (trouble->holders_as_of_ns)
			walk_time(walk, FIELD_AS_OF, trouble->holders_as_of_ns);
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

static void walk_failure(struct walk *walk, const struct event_close *close)
{
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	if (close->how != HOW_UNKNOWN)
		spell->word(w, FIELD_HOW, event_how_name(close->how));
	if (close->syns)
		spell->number(w, FIELD_SYNS, close->syns);
	if (close->silent) {
		spell->number(w, FIELD_LAST_HEARD_NS, close->last_heard_ns);
		spell->number(w, FIELD_UNACKED_BYTES, close->unacked_bytes);
	}
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
	walk_failure(walk, close);
	if (close->end == EVENT_END_UNSEEN)
		spell->word(w, FIELD_END, "unknown");
	if (close->time_wait)
		spell->flag(w, FIELD_TIME_WAIT, true);
	else if (close->time_wait_unknown)
		spell->absent(w, FIELD_TIME_WAIT);
	walk_spans(walk, close);
}

static void walk_some(struct walk *walk, enum field field, uint64_t number)
{
	if (number)
		walk->spell->number(walk->w, field, number);
}

static void walk_lost(struct walk *walk)
{
	const struct event_lost *lost = &walk->e->lost;
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	spell->number(w, FIELD_COUNT, lost->count);
	walk_some(walk, FIELD_WITHHELD, lost->withheld);
	walk_some(walk, FIELD_SOCKETS, lost->sockets);
	walk_some(walk, FIELD_PROCESSES, lost->processes);
	walk_some(walk, FIELD_UNSENT, lost->unsent);
	walk_time(walk, FIELD_SINCE, lost->since_ns);
	spell->open(w, FIELD_REPAIRED, NEST_OBJECT);
	spell->number(w, FIELD_ADDED, lost->added);
	spell->number(w, FIELD_REMOVED, lost->removed);
	spell->close(w, NEST_OBJECT);
}

static void walk_overflow(struct walk *walk)
{
	const struct event_overflow *o = &walk->e->overflow;
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;

	spell->word(w, FIELD_PHASE, o->ended ? "end" : "begin");
	if (o->ended)
		walk_time(walk, FIELD_SINCE, o->since_ns);
	spell->number(w, FIELD_DROPPED, o->dropped);
	spell->open(w, FIELD_QUEUE, NEST_OBJECT);
	spell->number(w, FIELD_RECEIVE, o->waiting);
	spell->number(w, FIELD_BACKLOG, o->limit);
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
	if (e->host)
		walk->spell->text(walk->w, FIELD_HOST, e->host, strlen(e->host));
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
		if (e->connect.no_source)
			walk->spell->word(walk->w, FIELD_MISSING, "source-address");
		break;
	case EVENT_ACCEPT:
		if (e->accept.listener)
			walk->spell->process(walk->w, FIELD_LISTENER, e->accept.listener,
					     TELL_SHORT);
		break;
	case EVENT_STATE: walk_change(walk); break;
	case EVENT_CLOSE: walk_close(walk); break;
	case EVENT_LOST: walk_lost(walk); break;
	case EVENT_OVERFLOW: walk_overflow(walk); break;
	case EVENT_KINDS: break;
	}
	if (e->trouble)
		walk_trouble(walk);
}

/* ---- a listed socket ---- */

static const struct process *process_of(const struct listing_task *task)
{
	return task ? &task->process : NULL;
}

/* What each holder has: the socket's own ends, state and since, as a failed bind's holders have theirs. */
static void walk_held(struct walk *walk, const struct listing_socket *s)
{
	const char *state = inet_state_name(listing_state(s));

	walk_place(walk, FIELD_LOCAL, (enum family)s->family, s->mapped, &s->local);
	if (listing_has_peer(s))
		walk_place(walk, FIELD_PEER, (enum family)s->family, s->mapped, &s->peer);
	if (state)
		walk->spell->word(walk->w, FIELD_STATE, state);
	if (s->since_ns)
		walk_time(walk, FIELD_SINCE, s->since_ns);
}

/* In the order of walk_holder(). */
void walk_open_by(struct writer *w, const struct listing *l, const struct listing_socket *s,
		  struct walk *walk)
{
	const struct spelling *spell = w->spelling;

	/* A TIME_WAIT is held by nobody, whoever looks. */
	if (s->first == LISTING_NONE && l->lacks && s->state != STATE_TIME_WAIT &&
	    !(s->flags & LOOK_KERNEL)) {
		spell->absent(w, FIELD_HOLDERS);
		return;
	}
	spell->open(w, FIELD_HOLDERS, NEST_LIST);
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		spell->open(w, FIELD_NONE, NEST_OBJECT);
		walk_process_or_null(w, FIELD_PROCESS, &l->tasks[l->holders[h].task].process, TELL_SHORT);
		if (l->holders[h].fd == LOOK_NO_FD)
			spell->absent(w, FIELD_FD);
		else
			spell->number(w, FIELD_FD, l->holders[h].fd);
		if (walk)
			walk_held(walk, s);
		spell->close(w, NEST_OBJECT);
	}
	spell->close(w, NEST_LIST);
}

static void walk_port(struct walk *walk, const struct listing_netns *netns,
		      const struct listing_socket *s, const struct services *services)
{
	const struct spelling *spell = walk->spell;
	struct writer *w = walk->w;
	uint16_t port = s->local.port;
	const char *names;

	if (!port || s->protocol == IPPROTO_RAW || s->protocol == IPPROTO_ICMP ||
	    s->protocol == IPPROTO_ICMPV6)
		return;
	spell->word(w, FIELD_CLASS, port_class_name(port));
	if (netns && netns->high)
		spell->flag(w, FIELD_EPHEMERAL, port >= netns->low && port <= netns->high);
	else
		spell->absent(w, FIELD_EPHEMERAL);
	names = services ? services_find(services, port, s->protocol) : NULL;
	if (names)
		spell->text(w, FIELD_SERVICE, names, strlen(names));
	else
		spell->absent(w, FIELD_SERVICE);
}

/* `who`: what the words of `who` tell besides; NULL: a row of a listing. */
static void write_socket(struct writer *w, struct buffer *out, const struct listing *l,
			 const struct listing_socket *s, const struct services *services,
			 const struct who *who)
{
	const struct spelling *spell = w->spelling;
	const char *state = inet_state_name(listing_state(s));
	const struct listing_task *owner = listing_owner(l, s);
	const struct listing_netns *netns = listing_netns_of(l, s->netns);
	size_t start = out->len;
	struct walk walk;

	walk.w = w;
	walk.spell = spell;
	walk.e = NULL;
	walk.start = start;
	walk.subject = (struct subject){
		.protocol = s->protocol,
		.family = (enum family)s->family,
		.mapped = s->mapped,
		.netns = s->netns,
		.netns_name = netns && netns->away ? netns->name : NULL,
		.cookie = s->cookie,
		.local = &s->local,
		.peer = listing_has_peer(s) ? &s->peer : NULL,
		.process = process_of(owner),
	};
	w->out = out;
	if (w->roles)
		w->server = server_of_socket(l, s);
	spell->begin(w);
	walk_time(&walk, FIELD_TIME, l->time_ns);
	spell->word(w, FIELD_EVENT, "socket");
	walk_subject(&walk);
	if (s->flags & LOOK_KERNEL)
		walk_kernel(&walk, s->kernel_device);
	if (owner && owner->ended)
		spell->flag(w, FIELD_ENDED, true);
	if (state)
		spell->word(w, FIELD_STATE, state);
	walk_process_or_null(w, FIELD_BINDER, process_of(listing_binder(l, s)), TELL_SHORT);
	walk_open_by(w, l, s, &walk);
	if (s->since_ns)
		walk_time(&walk, FIELD_SINCE, s->since_ns);
	spell->open(w, FIELD_QUEUE, NEST_OBJECT);
	spell->number(w, FIELD_RECEIVE, s->receive);
	spell->number(w, FIELD_SEND, s->send);
	if (s->state == STATE_LISTEN && listing_knows_limit(s)) {
		spell->number(w, FIELD_BACKLOG, s->backlog);
		spell->number(w, FIELD_DROPPED, s->dropped);
	} else if (s->state == STATE_LISTEN) {
		spell->absent(w, FIELD_BACKLOG);
		spell->absent(w, FIELD_DROPPED);
	}
	spell->close(w, NEST_OBJECT);
	walk_port(&walk, netns, s, services);
	if (who)
		walk_who(w, who, s);
	spell->end(w);
	if (out->failed)
		out->len = start;
}

void writer_socket(struct writer *w, struct buffer *out, const struct listing *l,
		   const struct listing_socket *s, const struct services *services)
{
	write_socket(w, out, l, s, services, NULL);
}

void writer_who(struct writer *w, struct buffer *out, const struct who *who,
		const struct listing_socket *s, const struct services *services)
{
	write_socket(w, out, who->listing, s, services, who);
}

void writer_event(struct writer *w, struct buffer *out, const struct event *event)
{
	struct walk walk;
	size_t start = out->len;

	walk.w = w;
	walk.spell = w->spelling;
	walk.e = event;
	walk.start = start;
	w->out = out;
	if (w->roles)
		w->server = server_of_event(event);
	w->spelling->begin(w);
	walk_event(&walk);
	w->spelling->end(w);
	if (out->failed)
		out->len = start;
}
