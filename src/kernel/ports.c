// SPDX-License-Identifier: GPL-2.0-only
/* ports.c - a look at local ports, through the iterators of bpf/ports.bpf.c or, where there are none, by walking. */
#include "walk.h"
#include "wire_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define BATCH 512

struct look {
	struct kernel *k;
	const struct kernel_ports_sink *sink;
	uint32_t only; /* namespace, 0 all */
	int fd_links[3];
	struct wire_port *buffer; /* BATCH records */
	struct walk walk;	  /* instead, without iterators */
};

enum { LOOK_TASKS, LOOK_TCP, LOOK_UDP };

static const char *const programs[] = {"iter__task_file_ports", "iter__tcp_ports",
				       "iter__udp_ports"};

static void read_end(struct endpoint *e, struct port_use *u, const __u8 addr[16])
{
	if (u->family == FAMILY_IPV4)
		memcpy(e->addr, addr, 4);
	else
		memcpy(e->addr, addr, 16);
}

/* A v4-mapped connection lies among the IPv4 ones in the kernel's tables too. */
static void unmap(struct port_use *u)
{
	if (u->family != FAMILY_IPV6 || !inet_is_mapped(u->local.addr))
		return;
	u->family = FAMILY_IPV4;
	u->mapped = true;
	memmove(u->local.addr, u->local.addr + 12, 4);
	memset(u->local.addr + 4, 0, 12);
	memmove(u->peer.addr, u->peer.addr + 12, 4);
	memset(u->peer.addr + 4, 0, 12);
}

/* False for a record that is not to be believed. */
static bool decode(struct port_found *ret, const struct wire_port *w)
{
	struct port_use *u = &ret->use;

	*ret = (struct port_found){.sk = w->sk, .cookie = w->cookie};
	if ((w->family != AF_INET && w->family != AF_INET6) || w->state >= STATES ||
	    w->substate >= STATES)
		return false;
	u->netns = w->netns;
	u->protocol = w->protocol;
	u->family = w->family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6;
	u->v6only = u->family == FAMILY_IPV6 && (w->options & WIRE_O_V6ONLY);
	u->bucket_open = (w->flags & WIRE_P_BUCKET) && w->fastreuse < 0 && w->fastreuseport < 0;
	u->never_reused = w->flags & WIRE_P_NO_TIMESTAMPS;
	u->minisock = w->state == STATE_TIME_WAIT;
	u->state = u->minisock ? (enum tcp_state)w->substate : (enum tcp_state)w->state;
	u->tw_age_ms = w->tw_age_ms;
	read_end(&u->local, u, w->local);
	read_end(&u->peer, u, w->peer);
	u->local.port = w->local_port;
	u->peer.port = ntohs(w->peer_port_be);
	unmap(u);
	ret->has_task = (w->flags & WIRE_P_TASK) && w->task.pid;
	if (!ret->has_task)
		return true;
	ret->maker = w->flags & WIRE_P_MAKER;
	ret->parent = w->task.parent;
	ret->task.pid = w->task.pid;
	ret->task.tid = w->task.tid;
	ret->task.uid = w->task.uid;
	ret->task.ruid = w->task.ruid;
	ret->task.cgroup_id = w->task.cgroup_id;
	memcpy(ret->task.name, w->task.name, strnlen(w->task.name, PROCESS_NAME_SIZE - 1));
	return true;
}

static void tell(struct look *l, const struct wire_port *w)
{
	struct port_found found;

	/* A closed TCP socket without a bucket holds nothing; a bucket of a VRF is not where plain sockets look. */
	if (!w->local_port || w->l3mdev || (l->only && l->only != w->netns) ||
	    (w->protocol == IPPROTO_TCP && !(w->flags & WIRE_P_BUCKET)))
		return;
	if (decode(&found, w))
		l->sink->found(l->sink->ctx, &found);
	else
		l->k->malformed++;
}

static int read_iterator(struct look *l, int link_fd)
{
	char *bytes = (char *)l->buffer;
	size_t have = 0;
	ssize_t n;
	int fd = link_fd < 0 ? -1 : bpf_iter_create(link_fd);

	if (link_fd < 0)
		return 0;
	if (fd < 0)
		return -errno;
	while ((n = read(fd, bytes + have, BATCH * sizeof(*l->buffer) - have)) != 0) {
		size_t count;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			break;
		have += (size_t)n;
		count = have / sizeof(*l->buffer);
		for (size_t i = 0; i < count; i++)
			tell(l, &l->buffer[i]);
		have -= count * sizeof(*l->buffer);
		memmove(bytes, bytes + count * sizeof(*l->buffer), have);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

static void tell_walked(void *ctx, const struct wire_walk *found)
{
	for (uint32_t i = 0; i < found->count && i < WALK_RECORDS; i++)
		tell(ctx, &found->port[i]);
}

static int look_at_tables(struct look *l)
{
	int err;

	if (!l->k->untyped) {
		err = read_iterator(l, l->fd_links[LOOK_TCP]);
		return err < 0 ? err : read_iterator(l, l->fd_links[LOOK_UDP]);
	}
	err = walk_table(&l->walk, WALK_LISTENERS, "walk__listeners_ports");
	if (!err)
		err = walk_table(&l->walk, WALK_TCP, "walk__tcp_ports");
	return err < 0 ? err : walk_table(&l->walk, WALK_UDP, "walk__udp_ports");
}

static int look_here(void *ctx)
{
	struct look *l = ctx;
	struct port_range range;
	struct stat st;

	if (stat("/proc/thread-self/ns/net", &st) < 0)
		return -errno;
	if ((l->only && l->only != (uint32_t)st.st_ino) || !sysctls_read_here(l->k, &range))
		return 0;
	l->sink->netns(l->sink->ctx, (uint32_t)st.st_ino, &range);
	return look_at_tables(l);
}

static int find_links(struct look *l)
{
	for (int i = 0; i < 3 && !l->k->untyped; i++) {
		l->fd_links[i] = -1;
		for (size_t row = 0; row < l->k->hook_count; row++) {
			if (l->k->links[row] && strcmp(l->k->hooks[row].program, programs[i]) == 0)
				l->fd_links[i] = bpf_link__fd(l->k->links[row]);
		}
	}
	if (l->k->untyped)
		return 0;
	return l->fd_links[LOOK_TCP] < 0 || l->fd_links[LOOK_TASKS] < 0 ? -ENOTSUP : 0;
}

int kernel_ports(struct kernel *k, uint32_t only, const struct kernel_ports_sink *sink,
		 struct kernel_error *error)
{
	struct look l = {.k = k, .sink = sink, .only = only};
	int err = find_links(&l);

	if (err < 0)
		return kernel_fail(error, err,
				   "cannot look at ports: the iterators do not load here; see "
				   "sockwatch features");
	l.buffer = malloc(BATCH * sizeof(*l.buffer));
	if (!l.buffer)
		return kernel_fail(error, -ENOMEM, "no memory");
	l.walk = (struct walk){.k = k, .fn = tell_walked, .ctx = &l};
	err = k->untyped ? walk_descriptors(&l.walk, "walk__descriptor_ports")
			 : read_iterator(&l, l.fd_links[LOOK_TASKS]);
	if (err == 0)
		err = only ? places_in_netns(only, 0, look_here, &l)
			   : places_each_netns(look_here, &l);
	free(l.walk.seen);
	free(l.buffer);
	if (err < 0)
		kernel_fail(error, err,
			    "cannot look at the ports of every network namespace: %s (%s)",
			    strerror(-err), walk_advice(err));
	return err;
}
