// SPDX-License-Identifier: GPL-2.0-only
/* redirect.c - rules that take a port without a socket: in words, and as fields. */
#include <string.h>

#include "walk.h"
#include "who_private.h"

/* ---- fields ---- */

static const char *kind_name(enum redirect_kind kind)
{
	switch (kind) {
	case REDIRECT_DNAT: return "dnat";
	case REDIRECT_LOCAL: return "redirect";
	case REDIRECT_TPROXY: return "tproxy";
	case REDIRECT_IPVS: return "ipvs";
	}
	return "";
}

static void walk_end(struct writer *w, enum field field, const struct redirect *r,
		     const struct endpoint *end)
{
	const struct place place = {.family = r->family, .endpoint = end};

	w->spelling->place(w, field, &place);
}

void writer_redirect(struct writer *w, struct buffer *out, uint64_t time_ns,
		     const struct redirect *r, const struct listing_netns *netns,
		     const struct process *behind)
{
	const struct spelling *spell = w->spelling;
	size_t start = out->len;

	w->out = out;
	spell->begin(w);
	spell->time(w, FIELD_TIME, time_ns + (uint64_t)*w->options.wall_offset_ns);
	spell->word(w, FIELD_EVENT, "redirect");
	spell->word(w, FIELD_PROTO, inet_protocol_name(r->protocol));
	if (r->family)
		spell->word(w, FIELD_FAMILY, r->family == FAMILY_IPV4 ? "ipv4" : "ipv6");
	spell->number(w, FIELD_NETNS, r->netns);
	if (netns && netns->away && netns->name[0])
		spell->text(w, FIELD_NETNS_NAME, netns->name, strlen(netns->name));
	else if (netns && netns->away)
		spell->absent(w, FIELD_NETNS_NAME);
	spell->number(w, FIELD_PORT, r->port);
	if (r->has_to)
		walk_end(w, FIELD_FOR, r, &r->to);
	spell->word(w, FIELD_KIND, kind_name(r->kind));
	spell->text(w, FIELD_RULE, r->rule, strlen(r->rule));
	if (r->has_addr) {
		walk_end(w, FIELD_TARGET, r, &r->target);
	} else if (r->has_port) {
		spell->open(w, FIELD_TARGET, NEST_OBJECT);
		spell->number(w, FIELD_PORT, r->target.port);
		spell->close(w, NEST_OBJECT);
	} else {
		spell->absent(w, FIELD_TARGET);
	}
	spell->flag(w, FIELD_CONDITIONAL, r->conditional);
	if (behind)
		spell->process(w, FIELD_BEHIND, behind, TELL_WHOLE);
	else
		spell->absent(w, FIELD_BEHIND);
	spell->end(w);
	if (out->failed)
		out->len = start;
}

/* ---- words ---- */

static void say_place(struct buffer *out, const struct redirect *r)
{
	char text[INET_ENDPOINT_SIZE];
	struct endpoint target = r->target;

	if (!r->has_target) {
		buffer_print(out, "to what the rule computes");
	} else if (!r->has_addr) {
		buffer_print(out, "to port %u%s", target.port,
			     r->kind == REDIRECT_DNAT ? " of the same address" : " of this host");
	} else {
		target.port = r->has_port ? target.port : r->port;
		inet_format_endpoint(text, r->family, false, &target, NULL);
		buffer_print(out, "to %s", text);
	}
}

static const char *verb_of(enum redirect_kind kind)
{
	return kind == REDIRECT_TPROXY ? "hands its connections" : "sends its packets";
}

static void say_conditions(struct buffer *out, const struct redirect *r)
{
	char text[INET_ENDPOINT_SIZE];

	buffer_print(out, "  %-11s ", "takes");
	if (r->from_outside != r->from_here)
		buffer_print(out, "what %s", r->from_here ? "this host sends" : "arrives");
	else
		buffer_print(out, "what arrives and what this host sends");
	if (r->has_to) {
		inet_format_endpoint(text, r->family, false, &r->to, NULL);
		buffer_print(out, ", to %s", text);
	}
	buffer_print(out, "%s\n",
		     r->conditional ? ", under more conditions, which are not judged here" : "");
}

void who_say_redirect(struct buffer *out, const struct who *who, const struct redirect *r,
		      bool listens)
{
	const struct listing_socket *behind = who_behind_redirect(who, r);

	buffer_print(out, "%s port %u: %s", inet_protocol_name(r->protocol), r->port,
		     listens ? "a rule comes before the socket: " : "nobody listens; ");
	buffer_escape_line(out, r->rule, strlen(r->rule));
	buffer_print(out, ", %s ", verb_of(r->kind));
	say_place(out, r);
	who_say_netns(out, who, r->netns);
	buffer_print(out, "\n");
	say_conditions(out, r);
	if (behind)
		who_say_behind(out, who, behind);
}

const struct listing_socket *who_behind_redirect(const struct who *who, const struct redirect *r)
{
	uint16_t port = r->has_port ? r->target.port : r->port;
	bool away = r->has_addr && r->kind != REDIRECT_LOCAL;
	uint32_t netns = away ? who->home_of(who->ctx, r->family, r->target.addr) : r->netns;

	/* 127.0.0.1 is in every namespace: the rule's own is meant. */
	if (away && !netns && r->family == FAMILY_IPV4 && r->target.addr[0] == 127)
		netns = r->netns;
	if (!netns || !r->has_target)
		return NULL;
	return forwarder_behind(who->listing, netns, r->protocol, r->family,
				r->has_addr ? r->target.addr : NULL, port);
}
