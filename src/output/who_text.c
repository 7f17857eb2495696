// SPDX-License-Identifier: GPL-2.0-only
/* who_text.c - the answer of `sockwatch who` in words. */
#include "listing_port.h"
#include "who_private.h"

#include <stdlib.h>
#include <string.h>

#include "title.h"
#include "units.h"

#define TEXT_MAX  240

static void say_user(struct buffer *out, const struct who *who, uint32_t uid)
{
	const char *user = who->style.user_name(uid);

	if (user) {
		buffer_print(out, ", user ");
		buffer_escape_line(out, user, strnlen(user, TEXT_MAX));
		buffer_print(out, "\n");
	} else {
		buffer_print(out, ", uid %u\n", uid);
	}
}

static void say_parents(struct buffer *out, const struct who_process *p)
{
	if (!p->parents)
		return;
	buffer_print(out, "  %-11s ", "parents");
	for (size_t i = 0; i < p->parents; i++) {
		buffer_print(out, "%s", i ? " < " : "");
		who_say_process(out, p->parent[i].name, p->parent[i].pid);
	}
	buffer_print(out, "\n");
}

/* A moment of CLOCK_BOOTTIME, and how long ago that is; nothing when it is not known. */
static void say_moment(struct buffer *out, const struct who *who, const char *word, uint64_t ns)
{
	char text[40];

	if (!ns)
		return;
	units_format_second(text, ns + (uint64_t)who->style.wall_offset_ns);
	buffer_print(out, "  %-11s %s %s, ", word, text, who->style.zone);
	units_format_duration(text, who->listing->time_ns > ns ? who->listing->time_ns - ns : 0);
	buffer_print(out, "%s ago\n", text);
}

void who_say_whole_process(struct buffer *out, const struct who *who,
			   const struct process *process, const struct listing_socket *s)
{
	struct who_process p = {0};

	buffer_print(out, "  %-11s ", "process");
	who_say_process(out, process->name, process->pid);
	say_user(out, who, process->uid);
	if (!who->find_process(who->ctx, process->pid, &p)) {
		buffer_print(out, "  %-11s it has ended\n", "");
		return;
	}
	who_say_line(out, "command", p.command);
	if (s && (s->state == STATE_LISTEN || inet_is_udp(s->protocol)))
		who_say_forwarder(out, who, process, p.command, s);
	who_say_line(out, "executable", p.executable);
	say_moment(out, who, "started", p.started_ns);
	say_parents(out, &p);
	who_say_line(out, "unit", p.unit);
	who_say_line(out, "container", p.container);
	if (!p.unit && !p.container)
		who_say_line(out, "cgroup", p.cgroup);
}

/* ---- sockets ---- */

static const char *scope_of(const struct listing_socket *s, bool own_netns)
{
	switch (listing_reach(s)) {
	case REACH_HERE: return own_netns ? "from this host only" : "from within its namespace only";
	case REACH_LINK: return "reachable from the same link only";
	case REACH_ADDRESS: return "reachable through that address";
	case REACH_EVERYWHERE: break;
	}
	if (s->family == FAMILY_IPV4)
		return "reachable from everywhere over IPv4";
	if (s->local.takes == TAKES_IPV6)
		return "reachable from everywhere over IPv6 only";
	return s->local.takes == TAKES_BOTH
		       ? "reachable from everywhere"
		       : "reachable from everywhere over IPv6; over IPv4 is not known";
}

/* Something that takes the port for itself, and not one connection of many. */
static bool is_primary(const struct listing_socket *s)
{
	return !listing_has_peer(s);
}

static void say_name(struct buffer *out, const struct who *who, const struct listing_socket *s)
{
	const char *protocol = inet_protocol_name(s->protocol);
	char name[LISTING_NAME_SIZE];
	size_t len = listing_format_name(name, &who->style, s);

	buffer_print(out, "%s %.*s", protocol ? protocol : "?", (int)len, name);
}

static void say_kernel(struct buffer *out, const struct who *who, const struct listing_socket *s)
{
	const char *device = NULL;

	if (s->kernel_device && who->style.interface_name)
		device = who->style.interface_name(who->style.ctx, s->netns, s->kernel_device);
	buffer_print(out, "; the kernel itself holds it");
	if (!device)
		return;
	buffer_print(out, ", for the interface ");
	buffer_escape_line(out, device, strlen(device));
}

static void say_primary(struct buffer *out, const struct who *who, const struct listing_socket *s)
{
	bool stateful = listing_state(s) != STATE_NONE;

	say_name(out, who, s);
	if (s->state == STATE_LISTEN || !stateful)
		buffer_print(out, ": %s, %s", stateful ? "listens" : "receives",
			     scope_of(s, s->netns == who->own_netns));
	else
		buffer_print(out, ": bound, but does not listen: nobody can connect");
	who_say_netns(out, who, s->netns);
	if (s->flags & LOOK_KERNEL)
		say_kernel(out, who, s);
	else if (s->first == LISTING_NONE && who->listing->lacks)
		buffer_print(out, "; who holds it is not known without root's rights");
	else if (s->first == LISTING_NONE)
		buffer_print(out, "; no process that can be seen from here holds it: it may be on "
				  "its way over a Unix socket");
	buffer_print(out, "\n");
}

static bool holds(const struct listing *l, const struct listing_socket *s, uint32_t pid)
{
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		if (l->tasks[l->holders[h].task].process.pid == pid)
			return true;
	}
	return false;
}

static bool same_holders(const struct listing *l, const struct listing_socket *a,
			 const struct listing_socket *b)
{
	for (uint32_t h = a->first; h != LISTING_NONE; h = l->holders[h].next) {
		if (!holds(l, b, l->tasks[l->holders[h].task].process.pid))
			return false;
	}
	return a->first != LISTING_NONE && a->holder_count == b->holder_count &&
	       a->netns == b->netns;
}

static void say_holders(struct buffer *out, const struct listing *l, const struct listing_socket *s,
			const struct listing_task *first)
{
	const struct listing_task *binder = listing_binder(l, s);
	unsigned int shown = 0;

	if (binder && binder != first) {
		buffer_print(out, "  %-11s ", "bound by");
		who_say_process(out, binder->process.name, binder->process.pid);
		buffer_print(out, "\n");
	}
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		const struct listing_task *task = &l->tasks[l->holders[h].task];

		if (task == first)
			continue;
		if (shown++ == WHO_SHOWN)
			break;
		if (shown == 1)
			buffer_print(out, "  %-11s ", "held also by");
		else
			buffer_print(out, ", ");
		who_say_process(out, task->process.name, task->process.pid);
	}
	if (shown > WHO_SHOWN)
		buffer_print(out, " and %u more", s->holder_count - 1 - WHO_SHOWN);
	if (shown)
		buffer_print(out, "\n");
}

static bool serves_here(const struct who *who, const struct listing_socket *primary,
			const struct listing_socket *s)
{
	return !is_primary(s) && listing_serves(primary, s) && who->count > 0;
}

/*
 * Connections of the listener, and processes that serve them without holding the port: inetd's services.  What merely has the
 * port may have come to another listener, by TPROXY or a program.
 */
static void say_connections(struct buffer *out, const struct who *who,
			    const struct listing_socket *primary)
{
	const struct listing *l = who->listing;
	size_t by_state[STATES] = {0}, all = 0, servers = 0;

	for (size_t i = 0; i < who->count; i++) {
		const struct listing_socket *s = who->found[i];

		if (!serves_here(who, primary, s) || !listing_may_serve(l, primary, s))
			continue;
		all++;
		by_state[s->state]++;
	}
	if (primary->state != STATE_LISTEN)
		return;
	buffer_print(out, "  %-11s %zu", "connections", all);
	for (unsigned int i = 0, n = 0; i < STATES; i++) {
		if (by_state[i])
			buffer_print(out, "%s%zu %s", n++ ? ", " : ": ", by_state[i],
				     inet_state_name((enum tcp_state)i));
	}
	buffer_print(out, "\n");
	if (primary->receive && !listing_knows_limit(primary))
		buffer_print(out, "  %-11s %u, the limit is not known\n", "queue",
			     primary->receive);
	else if (primary->receive || primary->dropped)
		buffer_print(out, "  %-11s %u of %u%s, %u dropped\n", "queue", primary->receive,
			     primary->backlog, listing_is_full(primary) ? ", full" : "",
			     primary->dropped);
	for (size_t i = 0; i < who->count; i++) {
		const struct listing_socket *s = who->found[i];
		const struct listing_task *task = who_someone(l, s);

		if (!serves_here(who, primary, s) || !task || holds(l, primary, task->process.pid))
			continue;
		if (servers++ == WHO_SHOWN) {
			buffer_print(out, "  %-11s ... and more\n", "");
			return;
		}
		buffer_print(out, "  %-11s ",
			     listing_may_serve(l, primary, s) ? "served by" : "on its port");
		who_say_process(out, task->process.name, task->process.pid);
		buffer_print(out, holds(l, primary, task->parent)
					  ? ", started by the holder of the port: "
					  : ": ");
		say_name(out, who, s);
		buffer_print(out, "\n");
	}
}

/* The process may have ended, and another have its number: nothing is asked of /proc. */
static void say_left(struct buffer *out, const struct who *who, const struct listing_socket *s)
{
	const struct process *p = &who->listing->tasks[s->owner].process;

	buffer_print(out, "  %-11s ", "left by");
	who_say_process(out, p->name, p->pid);
	if (who->listing->tasks[s->owner].ended)
		buffer_print(out, ", ended");
	say_user(out, who, p->uid);
	who_say_line(out, "container", p->container);
	if (!p->container)
		who_say_line(out, "cgroup", p->cgroup);
}

/* No one listens: connections keep the port.  `more` others have the same state and owner. */
static void say_leftover(struct buffer *out, const struct who *who, const struct listing_socket *s,
			 size_t more)
{
	const struct listing_netns *netns = listing_netns_of(who->listing, s->netns);
	const struct listing_task *task = who_someone(who->listing, s);
	const char *state = inet_state_name(listing_state(s));
	bool ephemeral = netns && s->local.port >= netns->low && s->local.port <= netns->high;
	enum direction direction = listing_direction(s);

	say_name(out, who, s);
	buffer_print(out, ": held by %s connection%s%s%s%s%s; nobody listens on the port",
		     direction == DIRECTION_OUTGOING ? "an outgoing" : "a", state ? " in " : "",
		     state ? state : "",
		     direction == DIRECTION_ACCEPTED ? " that was accepted here" : "",
		     listing_is_to_itself(s) ? ", connected to itself" : "",
		     task ? "" : ", no process has it open any more");
	who_say_netns(out, who, s->netns);
	buffer_print(out, "\n");
	if (more)
		buffer_print(out, "  %-11s %zu more connection%s like it\n", "", more,
			     more == 1 ? "" : "s");
	if (task)
		who_say_whole_process(out, who, &task->process, s);
	else if (who_is_left(s))
		say_left(out, who, s);
	say_moment(out, who, "since", s->since_ns);
	if (ephemeral)
		buffer_print(
			out,
			"  %-11s in the ephemeral range %u-%u: any connect() may be given it\n",
			"port", netns->low, netns->high);
	who_say_frees(out, who, s);
}

static bool has_primary(const struct who *who, const struct listing_socket *s)
{
	for (size_t i = 0; i < who->count; i++) {
		if (is_primary(who->found[i]) && serves_here(who, who->found[i], s))
			return true;
	}
	return false;
}

static bool is_alike(const struct listing *l, const struct listing_socket *a,
		     const struct listing_socket *b)
{
	return a->state == b->state && a->netns == b->netns && a->protocol == b->protocol &&
	       listing_direction(a) == listing_direction(b) &&
	       listing_is_to_itself(a) == listing_is_to_itself(b) &&
	       who_someone(l, a) == who_someone(l, b) && a->owner == b->owner;
}

static void say_taken(struct buffer *out, const struct who *who, const struct event *e)
{
	char time[20];

	units_format_second(time, e->time_ns + (uint64_t)who->style.wall_offset_ns);
	buffer_print(out, "taken at %s %s, %s() by ", time, who->style.zone, event_kind_name(e->kind));
	if (e->process)
		who_say_process(out, e->process->name, e->process->pid);
	else
		buffer_print(out, "an unknown process");
	buffer_print(out, "\n");
}

static void say_sockets(struct buffer *out, const struct who *who)
{
	bool *done = calloc(who->count + 1, sizeof(*done));

	for (size_t i = 0; done && i < who->count; i++) {
		const struct listing_socket *s = who->found[i];
		const struct listing_task *task = who_someone(who->listing, s);

		if (!is_primary(s) || done[i])
			continue;
		say_primary(out, who, s);
		for (size_t j = i + 1; j < who->count; j++) {
			if (!is_primary(who->found[j]) || done[j] ||
			    !same_holders(who->listing, s, who->found[j]))
				continue;
			say_primary(out, who, who->found[j]);
			done[j] = true;
		}
		if (task)
			who_say_whole_process(out, who, &task->process, s);
		else if (who_is_left(s))
			say_left(out, who, s);
		say_moment(out, who, "since", s->since_ns);
		say_holders(out, who->listing, s, task);
		say_connections(out, who, s);
		who_say_frees(out, who, s);
	}
	for (size_t i = 0; done && i < who->count; i++) {
		const struct listing_socket *s = who->found[i];
		size_t more = 0;

		if (done[i] || is_primary(s) || has_primary(who, s))
			continue;
		for (size_t j = i + 1; j < who->count; j++) {
			const struct listing_socket *other = who->found[j];

			if (done[j] || is_primary(other) || !is_alike(who->listing, s, other))
				continue;
			done[j] = true;
			more++;
		}
		say_leftover(out, who, s, more);
	}
	free(done);
}

static bool listens_too(const struct who *who, const struct redirect *r)
{
	for (size_t i = 0; i < who->count; i++) {
		const struct listing_socket *s = who->found[i];

		if (is_primary(s) && s->netns == r->netns &&
		    inet_is_udp(s->protocol) == inet_is_udp(r->protocol))
			return true;
	}
	return false;
}

void who_write(struct buffer *out, const struct who *who)
{
	const struct event *taken = who->taken;
	size_t start = out->len;

	if (taken)
		say_taken(out, who, taken);
	for (size_t i = 0; i < who->redirect_count; i++)
		who_say_redirect(out, who, &who->redirects[i], listens_too(who, &who->redirects[i]));
	say_sockets(out, who);
	if (taken && taken->process && who->count == 0)
		who_say_whole_process(out, who, taken->process, NULL);
	layout_fold(out, start, who->style.columns, WHO_INDENT);
}
