// SPDX-License-Identifier: GPL-2.0-only
/* ports.c - a look at local ports, through the iterators of bpf/ports.bpf.c or, where there are none, by walking. */
#include "walk.h"
#include "wire_ports.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH 512

enum { LOOK_TASKS, LOOK_TCP, LOOK_UDP, LOOKS };

struct look {
	struct kernel *k;
	const struct kernel_ports_sink *sink;
	uint32_t only;	/* namespace, 0 all */
	int err[LOOKS]; /* the first of each */
	uint32_t ranges_unseen;
	struct wire_port *buffer; /* BATCH records */
	struct walk walk;	  /* instead, without iterators */
};

static const struct {
	const char *program, *walk, *words;
} looks[LOOKS] = {
	[LOOK_TASKS] = {"iter__task_file_ports", "walk__descriptor_ports",
			"the descriptors of processes"},
	[LOOK_TCP] = {"iter__tcp_ports", "walk__tcp_ports", "TCP sockets"},
	[LOOK_UDP] = {"iter__udp_ports", "walk__udp_ports", "UDP sockets"},
};

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

static const struct kernel_hook *row_of(const struct look *l, int look, struct bpf_link **ret)
{
	const char *program = l->k->untyped ? looks[look].walk : looks[look].program;

	for (size_t i = 0; i < l->k->hook_count; i++) {
		if (strcmp(l->k->hooks[i].program, program) == 0) {
			*ret = l->k->links[i];
			return &l->k->hooks[i];
		}
	}
	*ret = NULL;
	return NULL;
}

static int read_iterator(struct look *l, int look)
{
	char *bytes = (char *)l->buffer;
	size_t have = 0;
	struct bpf_link *link;
	ssize_t n;
	int fd;

	row_of(l, look, &link);
	if (!link)
		return -ENOTSUP;
	fd = bpf_iter_create(bpf_link__fd(link));
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

static int walk_tcp(struct look *l)
{
	int err = walk_table(&l->walk, WALK_LISTENERS, "walk__listeners_ports");

	return err < 0 ? err : walk_table(&l->walk, WALK_TCP, looks[LOOK_TCP].walk);
}

static int look_at(struct look *l, int look)
{
	int err;

	if (!l->k->untyped)
		err = read_iterator(l, look);
	else if (look == LOOK_TASKS)
		err = walk_descriptors(&l->walk, looks[look].walk);
	else
		err = look == LOOK_TCP ? walk_tcp(l)
				       : walk_table(&l->walk, WALK_UDP, looks[look].walk);
	if (err < 0 && !l->err[look])
		l->err[look] = err;
	return err;
}

/* What is seen of this namespace is told, what is not as well. */
static int look_here(void *ctx)
{
	struct look *l = ctx;
	uint32_t netns = netns_here();
	unsigned int unseen = l->err[LOOK_TASKS] || l->walk.refused ? UNSEEN_BOUND : 0;
	struct port_range range;
	int tcp, udp;

	if (!netns)
		return -ENOENT;
	if (!sysctls_read_here(l->k, &range)) {
		l->ranges_unseen++;
		l->sink->unseen(l->sink->ctx, netns, UNSEEN_RANGE);
		return 0;
	}
	l->sink->netns(l->sink->ctx, netns, &range);
	tcp = look_at(l, LOOK_TCP);
	udp = look_at(l, LOOK_UDP);
	unseen |= (tcp < 0 ? UNSEEN_TCP : 0) | (udp < 0 ? UNSEEN_UDP : 0);
	if (unseen)
		l->sink->unseen(l->sink->ctx, netns, unseen);
	return tcp < 0 && udp < 0 ? tcp : 0;
}

static void not_looked_at(void *ctx, uint32_t netns)
{
	const struct look *l = ctx;

	l->sink->unseen(l->sink->ctx, netns, UNSEEN_RANGE);
}

__attribute__((format(printf, 2, 3))) static void add_words(struct kernel_error *error,
							    const char *format, ...)
{
	size_t len = strlen(error->text), size = sizeof(error->text) - len;
	va_list args;

	if (len)
		len += (size_t)snprintf(error->text + len, size, "; ");
	if (len >= sizeof(error->text))
		return;
	va_start(args, format);
	vsnprintf(error->text + len, sizeof(error->text) - len, format, args);
	va_end(args);
}

/* What was left out, "" nothing. */
static void describe(struct look *l, const struct netns_unseen *unseen, struct kernel_error *error)
{
	walk_describe(&l->walk, unseen, error);
	for (int i = 0; i < LOOKS; i++) {
		struct bpf_link *link;
		const struct kernel_hook *row = row_of(l, i, &link);
		bool lacks = row && row->status != HOOK_ATTACHED;

		if (l->err[i])
			add_words(error, "%s could not be looked at (%s%s%s)", looks[i].words,
				  lacks ? row->hook : "", lacks ? ": " : "",
				  lacks ? row->why : strerror(-l->err[i]));
	}
	if (l->ranges_unseen)
		add_words(error,
			  "/proc/sys/net/ipv4 does not tell the range of ports of %u namespace%s",
			  l->ranges_unseen, l->ranges_unseen == 1 ? "" : "s");
}

static int look_at_one(struct look *l, struct netns_unseen *ret, struct kernel_error *error)
{
	struct netns_at at;
	char why[256];
	int err;

	if (!netns_find(l->only, 0, &at, ret)) {
		netns_describe(ret, why, sizeof(why));
		return kernel_fail(error, -ENOENT, "no network namespace %u can be seen%s%s",
				   l->only, why[0] ? ": " : "", why);
	}
	err = netns_visit(&at, look_here, l);
	*ret = (struct netns_unseen){0};
	if (err < 0)
		kernel_fail(error, err, "cannot look at the ports of %s: %s (%s)", at.path,
			    strerror(-err), walk_advice(err));
	return err;
}

static int look_at_each(struct look *l, struct netns_unseen *ret, struct kernel_error *error)
{
	const struct netns_visitor v = {.visit = look_here, .unseen = not_looked_at};
	int err = netns_each(&v, l, ret);

	if (err < 0)
		kernel_fail(error, err,
			    "cannot look at the ports of any network namespace: %s (%s)",
			    strerror(-err), walk_advice(err));
	return err;
}

int kernel_ports(struct kernel *k, uint32_t only, const struct kernel_ports_sink *sink,
		 struct kernel_error *error)
{
	struct look l = {.k = k, .sink = sink, .only = only};
	struct netns_unseen unseen = {0};
	int err;

	error->text[0] = '\0';
	l.buffer = malloc(BATCH * sizeof(*l.buffer));
	if (!l.buffer)
		return kernel_fail(error, -ENOMEM, "no memory");
	l.walk = (struct walk){.k = k, .fn = tell_walked, .ctx = &l};
	look_at(&l, LOOK_TASKS);
	err = only ? look_at_one(&l, &unseen, error) : look_at_each(&l, &unseen, error);
	if (err == -ENOTSUP)
		kernel_fail(error, err,
			    "cannot look at ports: the iterators do not load here; see sockwatch "
			    "features");
	if (err == 0)
		describe(&l, &unseen, error);
	free(l.walk.seen);
	free(l.buffer);
	return err;
}
