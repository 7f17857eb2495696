// SPDX-License-Identifier: GPL-2.0-only
/* walk_socket.c - the fields of a listed socket in the contract's order. */
#include "listing_writer.h"
#include "walk.h"

#include <netinet/in.h>
#include <string.h>

struct socket_walk {
	struct writer *w;
	const struct spelling *spell;
	const struct listing *l;
	const struct listing_socket *s;
	char protocol[24];
	char interface[2][24];
};

static void walk_end(struct socket_walk *k, enum field field, const struct endpoint *end)
{
	const struct writer_options *o = &k->w->options;
	struct place place = {
		.family = (enum family)k->s->family, .mapped = k->s->mapped, .endpoint = end};
	char *number = k->interface[field == FIELD_PEER];

	if (place.family == FAMILY_IPV6 && end->ifindex && inet_is_link_local(end->addr)) {
		if (o->interface_name)
			place.interface = o->interface_name(o->ctx, k->s->netns, end->ifindex);
		if (!place.interface) {
			number[inet_format_number(number, end->ifindex)] = '\0';
			place.interface = number;
		}
	}
	k->spell->place(k->w, field, &place);
}

static void walk_task(struct socket_walk *k, enum field field, const struct listing_task *task)
{
	if (task)
		k->spell->process(k->w, field, &task->process);
	else
		k->spell->absent(k->w, field);
}

static void walk_common(struct socket_walk *k)
{
	const struct listing_socket *s = k->s;
	const char *protocol = inet_protocol_name(s->protocol);

	k->spell->time(k->w, FIELD_TIME, k->l->time_ns + (uint64_t)*k->w->options.wall_offset_ns);
	k->spell->word(k->w, FIELD_EVENT, "socket");
	if (!protocol) {
		k->protocol[inet_format_number(k->protocol, s->protocol)] = '\0';
		protocol = k->protocol;
	}
	k->spell->word(k->w, FIELD_PROTO, protocol);
	k->spell->word(k->w, FIELD_FAMILY, s->family == FAMILY_IPV4 ? "ipv4" : "ipv6");
	if (s->mapped)
		k->spell->flag(k->w, FIELD_MAPPED, true);
	k->spell->number(k->w, FIELD_NETNS, s->netns);
	if (s->cookie)
		k->spell->number(k->w, FIELD_COOKIE, s->cookie);
	else
		k->spell->absent(k->w, FIELD_COOKIE);
	walk_end(k, FIELD_LOCAL, &s->local);
	if (listing_has_peer(s))
		walk_end(k, FIELD_PEER, &s->peer);
	walk_task(k, FIELD_PROCESS, listing_owner(k->l, s));
}

static void walk_holders(struct socket_walk *k)
{
	k->spell->open(k->w, FIELD_HOLDERS, NEST_LIST);
	for (uint32_t h = k->s->first; h != LISTING_NONE; h = k->l->holders[h].next) {
		const struct listing_holder *holder = &k->l->holders[h];
		const struct process *p = &k->l->tasks[holder->task].process;

		k->spell->open(k->w, FIELD_NONE, NEST_OBJECT);
		k->spell->number(k->w, FIELD_PID, p->pid);
		k->spell->text(k->w, FIELD_NAME, p->name, strnlen(p->name, sizeof(p->name)));
		k->spell->number(k->w, FIELD_FD, holder->fd);
		k->spell->number(k->w, FIELD_UID, p->uid);
		k->spell->close(k->w, NEST_OBJECT);
	}
	k->spell->close(k->w, NEST_LIST);
}

static void walk_port(struct socket_walk *k, const struct services *services)
{
	const struct listing_netns *netns = listing_netns_of(k->l, k->s->netns);
	uint16_t port = k->s->local.port;
	const char *names;

	if (!port || k->s->protocol == IPPROTO_RAW || k->s->protocol == IPPROTO_ICMP ||
	    k->s->protocol == IPPROTO_ICMPV6)
		return;
	k->spell->word(k->w, FIELD_CLASS, port_class_name(port));
	if (netns && netns->high)
		k->spell->flag(k->w, FIELD_EPHEMERAL, port >= netns->low && port <= netns->high);
	else
		k->spell->absent(k->w, FIELD_EPHEMERAL);
	names = services ? services_find(services, port, k->s->protocol) : NULL;
	if (names)
		k->spell->text(k->w, FIELD_SERVICE, names, strlen(names));
	else
		k->spell->absent(k->w, FIELD_SERVICE);
}

void writer_socket(struct writer *w, struct buffer *out, const struct listing *l,
		   const struct listing_socket *s, const struct services *services)
{
	struct socket_walk k;
	const char *state = inet_state_name(listing_state(s));
	size_t start = out->len;

	k.w = w;
	k.spell = w->spelling;
	k.l = l;
	k.s = s;
	w->out = out;
	k.spell->begin(w);
	walk_common(&k);
	if (state)
		k.spell->word(w, FIELD_STATE, state);
	walk_task(&k, FIELD_BINDER, listing_binder(l, s));
	walk_holders(&k);
	if (s->since_ns)
		k.spell->time(w, FIELD_SINCE, s->since_ns + (uint64_t)*w->options.wall_offset_ns);
	k.spell->open(w, FIELD_QUEUE, NEST_OBJECT);
	k.spell->number(w, FIELD_RECEIVE, s->receive);
	k.spell->number(w, FIELD_SEND, s->send);
	if (s->state == STATE_LISTEN) {
		k.spell->number(w, FIELD_BACKLOG, s->backlog);
		k.spell->number(w, FIELD_DROPPED, s->dropped);
	}
	k.spell->close(w, NEST_OBJECT);
	walk_port(&k, services);
	k.spell->end(w);
	if (out->failed)
		out->len = start;
}
