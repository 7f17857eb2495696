// SPDX-License-Identifier: GPL-2.0-only
/* who_forwarder.c - a port that its holder only passes on: to whom, in words and as fields. */
#include <stdlib.h>
#include <string.h>

#include "walk.h"
#include "who_private.h"

#define TEXT_MAX 240

/* What the program passes it on to. */
struct forwarding {
	struct forwarder f;
	uint32_t netns;			      /* 0 unknown */
	const struct listing_socket *behind;  /* who listens there, NULL unknown */
	const struct listing_socket *session; /* of SSH */
	char unit[TEXT_MAX];		      /* the socket unit, "" none or not known */
};

static struct forwarding find(const struct who *who, const struct process *process,
			      const char *command, const struct listing_socket *s)
{
	struct forwarding to = {.f = forwarder_read(process->name, command)};
	const struct forwarder *f = &to.f;

	switch (f->kind) {
	case FORWARDER_NONE:
		if (process->pid != 1 ||
		    who->socket_unit(s->protocol, s->local.port, to.unit, sizeof(to.unit)) != 1)
			to.unit[0] = '\0';
		break;
	case FORWARDER_DOCKER:
		to.netns = f->has_target ? who->home_of(who->ctx, f->family, f->target.addr) : 0;
		if (to.netns)
			to.behind = forwarder_behind(who->listing, to.netns, s->protocol, f->family,
						     f->target.addr, f->target.port);
		break;
	case FORWARDER_NAMESPACE:
		to.netns = f->path[0] ? who->netns_at(f->path) : 0;
		if (to.netns)
			to.behind = forwarder_behind(who->listing, to.netns, s->protocol,
						     FAMILY_IPV4, NULL, s->local.port);
		break;
	case FORWARDER_SSH:
		to.session = forwarder_session(who->listing, process->pid, s->local.port);
		break;
	case FORWARDER_ROOTLESS: break;
	}
	return to;
}

void who_say_forwarder(struct buffer *out, const struct who *who, const struct process *process,
		       const char *command, const struct listing_socket *s)
{
	const struct forwarding to = find(who, process, command, s);
	char end[INET_ENDPOINT_SIZE];

	switch (to.f.kind) {
	case FORWARDER_NONE: who_say_line(out, "unit", to.unit); return;
	case FORWARDER_DOCKER:
		if (!to.f.has_target)
			return;
		inet_format_endpoint(end, to.f.family, false, &to.f.target, NULL);
		buffer_print(out, "  %-11s %s\n", "forwards to", end);
		break;
	case FORWARDER_ROOTLESS:
		who_say_line(out, "forwards to",
			     "a rootless container; which one its command does not say");
		return;
	case FORWARDER_NAMESPACE:
		buffer_print(out, "  %-11s another network namespace", "forwards to");
		if (to.netns)
			who_say_netns(out, who, to.netns);
		buffer_print(out, "\n");
		break;
	case FORWARDER_SSH:
		if (!to.session)
			return;
		inet_format_endpoint(end, (enum family)to.session->family, to.session->mapped,
				     &to.session->peer, NULL);
		buffer_print(out, "  %-11s the SSH session of %s (remote forwarding)\n",
			     "forwards to", end);
		return;
	}
	if (to.behind)
		who_say_behind(out, who, to.behind);
}

/* The same of a socket of the listing, by the arguments that are resolved. */
static struct forwarding find_of(const struct who *who, const struct listing_socket *s)
{
	const struct listing_task *task = who_someone(who->listing, s);
	const struct program *program = task ? task->process.program : NULL;
	size_t len = program && program->args ? program->args_len : 0;
	struct forwarding to = {.f.kind = FORWARDER_NONE};
	char *command = calloc(len + 1, 1);

	for (size_t i = 0; command && i < len; i++)
		command[i] = program->args[i] || i + 1 == len ? program->args[i] : ' ';
	if (task && command)
		to = find(who, &task->process, len ? command : NULL, s);
	free(command);
	return to;
}

const struct listing_socket *
who_behind_forwarder(const struct who *who, const struct listing_socket *s, bool *ret_published)
{
	const struct forwarding to = find_of(who, s);

	*ret_published = to.f.kind == FORWARDER_DOCKER;
	return to.behind;
}

static void walk_target(struct writer *w, enum family family, bool mapped,
			const struct endpoint *end)
{
	const struct place place = {.family = family, .mapped = mapped, .endpoint = end};

	w->spelling->place(w, FIELD_FORWARDS_TO, &place);
}

void walk_forwarder(struct writer *w, const struct who *who, const struct listing_socket *s)
{
	const struct forwarding to = find_of(who, s);
	const struct listing_task *task = to.behind ? who_someone(who->listing, to.behind) : NULL;
	const struct spelling *spell = w->spelling;

	if (to.unit[0])
		spell->text(w, FIELD_SOCKET_UNIT, to.unit, strlen(to.unit));
	if (to.f.kind == FORWARDER_NONE)
		return;
	if (to.session) {
		walk_target(w, (enum family)to.session->family, to.session->mapped,
			    &to.session->peer);
	} else if (to.f.kind == FORWARDER_DOCKER && to.f.has_target) {
		walk_target(w, to.f.family, false, &to.f.target);
	} else if (to.netns) {
		spell->open(w, FIELD_FORWARDS_TO, NEST_OBJECT);
		spell->number(w, FIELD_NETNS, to.netns);
		spell->close(w, NEST_OBJECT);
	} else {
		spell->absent(w, FIELD_FORWARDS_TO);
	}
	if (to.f.kind == FORWARDER_SSH)
		return;
	if (task)
		spell->process(w, FIELD_BEHIND, &task->process, TELL_SHORT);
	else
		spell->absent(w, FIELD_BEHIND);
}
