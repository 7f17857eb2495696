// SPDX-License-Identifier: GPL-2.0-only
#include "listing_port.h"

#include <stdlib.h>
#include <string.h>

/* TCP_TIMEWAIT_LEN of include/net/tcp.h. */
#define TIME_WAIT_NS 60000000000u

static bool is_loopback(const struct listing_socket *s)
{
	static const uint8_t one[16] = {[15] = 1};

	if (s->family == FAMILY_IPV4 || s->mapped)
		return s->local.addr[s->mapped ? 12 : 0] == 127;
	return memcmp(s->local.addr, one, sizeof(one)) == 0;
}

enum reach listing_reach(const struct listing_socket *s)
{
	if (inet_is_any((enum family)s->family, s->local.addr))
		return REACH_EVERYWHERE;
	if (is_loopback(s))
		return REACH_HERE;
	return s->family == FAMILY_IPV6 && inet_is_link_local(s->local.addr) ? REACH_LINK
									     : REACH_ADDRESS;
}

/* ---- what frees it ---- */

static bool equal(const char *a, const char *b)
{
	return a && b && strcmp(a, b) == 0;
}

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Each process once. */
static void find_pids(struct frees *f, const struct listing *l, const struct listing_socket *s)
{
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		uint32_t pid = l->tasks[l->holders[h].task].process.pid;
		size_t at = 0;

		while (at < f->pids && at < FREES_PIDS && f->pid[at] != pid)
			at++;
		if (at < f->pids && at < FREES_PIDS)
			continue;
		if (f->pids < FREES_PIDS)
			f->pid[f->pids] = pid;
		f->pids++;
	}
}

/* What every holder is in; NULL where they differ.  Process 1 is left out. */
static const struct process *find_common(const struct listing *l, const struct listing_socket *s,
					 bool *ret_container, bool *ret_unit, bool *ret_main)
{
	const struct process *first = NULL;

	*ret_container = *ret_unit = true;
	*ret_main = false;
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		const struct listing_task *task = &l->tasks[l->holders[h].task];
		const struct process *p = &task->process;

		if (p->pid == 1)
			continue;
		first = first ? first : p;
		*ret_container &= equal(p->container, first->container);
		*ret_unit &= equal(p->unit, first->unit);
		*ret_main |= task->parent == 1;
	}
	*ret_container &= first != NULL;
	*ret_unit &= first != NULL;
	return first;
}

/* Process 1 has it for a socket unit, or is not to be ended. */
static bool has_first(const struct listing *l, const struct listing_socket *s)
{
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		if (l->tasks[l->holders[h].task].process.pid == 1)
			return true;
	}
	return false;
}

/* A user's own runtime, or one in a container: the host's client does not ask it. */
static bool is_anothers(const char *cgroup)
{
	size_t len;
	const char *id = container_find(cgroup, &len);
	char *outer = strndup(cgroup, id ? (size_t)(id - cgroup) : 0);
	bool is_inner = !outer || container_find(outer, &len);

	free(outer);
	return is_inner || strstr(cgroup, "/user@");
}

/* By the runtime's own words in the cgroup; of others no command is known. */
static bool find_container(struct frees *f, const struct process *p)
{
	const char *cgroup = p->cgroup ? p->cgroup : "";

	f->container = p->container_name ? p->container_name : p->container;
	f->how = FREES_CONTAINER;
	if (p->pod) {
		f->how = FREES_POD;
		f->container = p->pod;
		return strchr(p->pod, '/') != NULL;
	}
	if (is_anothers(cgroup))
		return false;
	if (strstr(cgroup, "libpod"))
		f->runtime = RUNTIME_PODMAN;
	else if (strstr(cgroup, "docker"))
		f->runtime = RUNTIME_DOCKER;
	else if (strstr(cgroup, "lxc"))
		f->runtime = RUNTIME_LXC;
	else
		return false;
	return true;
}

/* A service, and no session: that would end its user's shells, too. */
static bool find_unit(struct frees *f, const struct process *p, bool has_main)
{
	const char *end = strrchr(p->unit, '.');
	const char *manager = p->cgroup ? strstr(p->cgroup, "/user@") : NULL;
	char *behind = NULL;
	unsigned long uid = manager ? strtoul(manager + strlen("/user@"), &behind, 10) : 0;

	if (!end || strcmp(end, ".service") != 0 || begins(p->unit, "user@"))
		return false;
	if (manager && begins(behind, ".service/")) {
		f->of_user = true;
		f->uid = (uint32_t)uid;
	} else if (!has_main) {
		return false;
	}
	f->how = FREES_UNIT;
	f->unit = p->unit;
	return true;
}

static void find_holders(struct frees *f, const struct listing *l, const struct listing_socket *s)
{
	bool same_container, same_unit, has_main, found = false;
	const struct process *p = find_common(l, s, &same_container, &same_unit, &has_main);

	find_pids(f, l, s);
	if (has_first(l, s)) {
		f->how = FREES_SYSTEMD;
		if (same_unit && !same_container)
			f->unit = p->unit;
		else if (p)
			f->how = FREES_UNKNOWN;
		return;
	}
	if (same_container)
		found = find_container(f, p);
	else if (same_unit)
		found = find_unit(f, p, has_main);
	if (!found)
		f->how = f->pids <= FREES_PIDS ? FREES_KILL : FREES_UNKNOWN;
}

void listing_frees(struct frees *ret, const struct listing *l, const struct listing_socket *s)
{
	*ret = (struct frees){.socket = s};
	if (s->first != LISTING_NONE) {
		find_holders(ret, l, s);
	} else if ((s->flags & LOOK_QUEUED) && s->listener) {
		listing_frees(ret, l, &l->sockets[s->listener - 1]);
	} else if (s->state == STATE_TIME_WAIT) {
		uint64_t age =
			s->since_ns && l->time_ns > s->since_ns ? l->time_ns - s->since_ns : 0;

		ret->how = FREES_WAIT;
		ret->wait_ns = age < TIME_WAIT_NS ? TIME_WAIT_NS - age : 0;
	} else if (s->state == STATE_SYN_RECV || (s->flags & LOOK_DEAD)) {
		ret->how = FREES_PEER;
	}
}
