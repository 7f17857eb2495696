// SPDX-License-Identifier: GPL-2.0-only
#include "budget_look.h"

#include "ask.h"
#include "commands.h"
#include "log.h"
#include "look_source.h"
#include "owner.h"
#include "procinfo.h"
#include "wire_look.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* -p and its like are met by any holder, as in a listing. */
struct wish {
	const struct filter *filter;
	struct process_set *processes;
	struct port_use use;
};

static bool is_unwanted(void *ctx, const struct process *holder)
{
	struct wish *wish = ctx;

	process_resolve(wish->processes, holder);
	wish->use.owner = holder;
	return !filter_match_use(wish->filter, &wish->use);
}

/* By the rule: who was seen making it while that process has it open, else one of those who have. */
static const struct process *owner_of(struct budget_look *l, const struct look_socket *s)
{
	const struct process *seen, *owner = NULL;

	if (s->flags & LOOK_MINISOCK) {
		owner = table_time_wait_owner(l->session->table, s->local.port, s->cookie);
	} else {
		seen = table_owner(l->session->table, s->sk, s->cookie);
		if (!owner_look_choose(l->held, s->sk, seen ? seen->pid : 0, &owner))
			owner = seen;
	}
	process_resolve(l->session->processes, owner);
	return owner;
}

/* It lives as long as the look. */
static const struct process *keep(struct budget_look *l, uint64_t sk, const struct process *p)
{
	if (p && !owner_look_knows(l->held, sk))
		owner_look_add(l->held, sk, p, 0, false);
	return p;
}

/* Its place in the listing and one; 0: nobody can be asked about it, or it was met before. */
static uint32_t keep_left(struct budget_look *l, const struct look_socket *s)
{
	const struct look_sink sink = listing_look_sink(&l->left);
	size_t before = l->left.socket_count;

	if (!s->cookie)
		return 0;
	sink.socket(sink.ctx, s, NULL, 0);
	l->budget->failed |= l->left.failed;
	return l->left.socket_count > before ? (uint32_t)l->left.socket_count : 0;
}

static void take_use(struct budget_look *l, const struct look_socket *s, struct port_use use)
{
	const struct process *owner = owner_of(l, s);

	if (l->budget->partial) {
		struct wish wish = {
			.filter = l->filter, .processes = l->session->processes, .use = use};

		use.owner = owner;
		use.owner_selected = filter_match_use(l->filter, &use);
		use.selected =
			use.owner_selected || !owner_look_each(l->held, s->sk, is_unwanted, &wish);
	}
	use.owner = keep(l, s->sk, owner);
	use.owner_ended = process_has_ended(owner);
	if (l->asks && use.minisock && !owner)
		use.left = keep_left(l, s);
	budget_add(l->budget, &use);
}

static bool keep_bound(struct budget_look *l, const struct look_socket *s)
{
	size_t cap = l->bound_cap ? l->bound_cap * 2 : 64;
	struct look_socket *grown;

	if (l->bound_count == l->bound_cap) {
		grown = realloc(l->bound, cap * sizeof(*grown));
		if (!grown)
			return false;
		l->bound = grown;
		l->bound_cap = cap;
	}
	l->bound[l->bound_count++] = *s;
	return true;
}

static void on_socket(void *ctx, const struct look_socket *s, const struct look_task *task,
		      uint32_t fd)
{
	struct budget_look *l = ctx;
	struct port_use use;
	bool known, kept;

	(void)fd;
	if (!look_port_use(&use, s))
		return;
	if (!task) {
		take_use(l, s, use);
		return;
	}
	known = owner_look_knows(l->held, s->sk);
	kept = owner_look_add(l->held, s->sk, &task->process, task->parent, s->flags & LOOK_MAKER);
	/* Namespaces are read next and find all but those that are only bound. */
	if (kept && !known && use.protocol == IPPROTO_TCP && use.state == STATE_CLOSE)
		kept = keep_bound(l, s);
	if (!kept)
		l->budget->failed = true;
}

static void on_netns(void *ctx, uint32_t netns, const struct port_range *range)
{
	struct budget_look *l = ctx;

	budget_add_namespace(l->budget, netns, range);
}

static void on_unseen(void *ctx, uint32_t netns, unsigned int what)
{
	struct budget_look *l = ctx;

	if (!netns)
		l->elsewhere_unseen = true;
	else if (netns != LOOK_EVERY_NETNS)
		budget_add_unseen(l->budget, netns, what);
	for (size_t i = 0; netns == LOOK_EVERY_NETNS && i < l->budget->ns_count; i++)
		budget_add_unseen(l->budget, l->budget->ns[i]->netns, what);
}

/* Once, while looks go on to leave something out. */
static void say_unseen(struct budget_look *l, const char *what)
{
	if (what[0] && !l->unseen_said)
		log_error("not everything is counted: %s", what);
	l->unseen_said = what[0] != '\0';
}

/* A finished budget of now; NULL after saying why. */
struct budget *budget_look_take(struct budget_look *l)
{
	const struct look_sink sink = {
		.socket = on_socket, .netns = on_netns, .unseen = on_unseen, .ctx = l};
	const struct filter *f = l->filter;
	const struct look_request request = {
		.tasks = true,
		.tcp = true,
		.udp = true,
		.wants = LOOK_W_OPTIONS | LOOK_W_BUCKET | LOOK_W_MAKER,
		.netns = f->has_netns ? f->netns : 0,
		.ranges = LOOK_RANGES_ALL,
	};
	struct kernel_error error = {""};
	struct port_use use;
	int err;

	l->budget = budget_new();
	l->elsewhere_unseen = false;
	owner_look_free(l->held);
	l->held = owner_look_new(l->session->processes);
	l->bound_count = 0;
	listing_done(&l->left);
	listing_init(&l->left);
	if (l->budget)
		l->budget->partial = filter_asks_socket(f);
	err = l->budget && l->held
		      ? look_take(kernel_look(l->session->kernel), &request, &sink, &error)
		      : -ENOMEM;
	for (size_t i = 0; err == 0 && i < l->bound_count; i++) {
		if (look_port_use(&use, &l->bound[i]))
			take_use(l, &l->bound[i], use);
	}
	if (err == 0)
		err = budget_finish(l->budget);
	if (err == 0) {
		say_unseen(l, error.text);
		return l->budget;
	}
	log_error("%s", err != -ENOMEM && error.text[0] ? error.text : "no memory");
	budget_free(l->budget);
	l->budget = NULL;
	return NULL;
}

static void take_maker(struct budget_look *l, struct port_use *use)
{
	uint32_t maker = l->left.sockets[use->left - 1].owner;

	if (maker == LISTING_NONE)
		return;
	use->owner = &l->left.tasks[maker].process;
	use->owner_ended = l->left.tasks[maker].ended;
	if (l->budget->partial)
		use->owner_selected = filter_match_use(l->filter, use);
	use->selected |= use->owner_selected;
}

int budget_look_ask(struct budget_look *l)
{
	struct ask ask = {.no_args = l->session->options->no_args};
	int code;

	if (!l->left.socket_count)
		return 0;
	listing_join(&l->left);
	code = ask_fill(&ask, &l->left);
	for (size_t i = 0; i < l->budget->use_count; i++) {
		if (l->budget->use[i].left)
			take_maker(l, &l->budget->use[i]);
	}
	if (!code && budget_count_owners(l->budget)) {
		log_error("no memory");
		code = 1;
	}
	return code;
}

void budget_look_done(struct budget_look *l)
{
	budget_free(l->budget);
	l->budget = NULL;
	listing_done(&l->left);
	owner_look_free(l->held);
	free(l->bound);
}

/* Of an interface that has gone, its number. */
static char *name_of_vrf(const struct budget_namespace *ns)
{
	const char *name = procinfo_interface_name(ns->netns, ns->vrf);
	char number[16];

	snprintf(number, sizeof(number), "%u", ns->vrf);
	return strdup(name ? name : number);
}

/* Elsewhere 127.0.0.1:80 is another place.  One without a name is the container's of a process in it. */
void budget_look_name(struct budget *b)
{
	uint32_t own = command_own_netns();

	for (size_t i = 0; i < b->ns_count; i++) {
		struct budget_namespace *ns = b->ns[i];
		char name[NETNS_NAME_SIZE];

		if (ns->vrf && !ns->vrf_name)
			ns->vrf_name = name_of_vrf(ns);
		if (ns->netns == own || ns->name)
			continue;
		procinfo_netns_name(ns->netns, NULL, name, sizeof(name));
		for (size_t p = 0; p < b->process_count && !name[0]; p++) {
			const char *container = b->process[p].process->container;

			if (b->process[p].ns == ns && container)
				snprintf(name, sizeof(name), "%.12s", container);
		}
		ns->name = strdup(name);
	}
}
