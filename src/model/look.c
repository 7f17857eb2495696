// SPDX-License-Identifier: GPL-2.0-only
/* look.c - what a look found, as the table, a listing and a budget take it. */
#include "look.h"

#include "budget.h"
#include "fact.h"
#include "listing.h"
#include "table.h"
#include "wire_look.h"

#include <netinet/in.h>
#include <string.h>

void look_complete(struct look_socket *s)
{
	const uint8_t v6only = WIRE_O_V6ONLY | WIRE_O_V4_TOO;
	bool v6 = s->family == FAMILY_IPV6;
	/* These never take IPv4, whatever their option says. */
	bool never = s->protocol == IPPROTO_RAW || s->protocol == IPPROTO_ICMPV6;

	/* One that failed to connect may still show the other end. */
	if (s->state == STATE_CLOSE && (s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_MPTCP))
		s->peer = (struct endpoint){0};
	s->mapped = v6 && (inet_is_mapped(s->peer.addr) || inet_is_mapped(s->local.addr));
	if (!s->mapped && !s->peer.port)
		s->local.takes = inet_takes((enum family)s->family, s->local.addr,
					    never || (s->options & (v6only | WIRE_O_KNOWN)),
					    never || (s->options & WIRE_O_V6ONLY));
}

/* ---- the table ---- */

static bool is_traced(const struct look_socket *s)
{
	if (s->state == STATE_NEW_SYN_RECV)
		return false;
	if (s->protocol == IPPROTO_TCP || s->protocol == IPPROTO_MPTCP)
		return true;
	return inet_is_udp(s->protocol);
}

static uint8_t fact_flags(const struct look_socket *s)
{
	if (s->flags & LOOK_DEAD)
		return WIRE_F_NO_FILE | WIRE_F_ORPHAN;
	return s->flags & LOOK_QUEUED ? WIRE_F_NO_FILE : 0;
}

/* A socket as a seed fact; false for what a table does not keep. */
static bool make_fact(struct fact *ret, const struct look_socket *s, const struct look_task *task,
		      uint32_t fd)
{
	bool minisock = s->flags & LOOK_MINISOCK;

	if (!is_traced(s))
		return false;
	*ret = (struct fact){
		.kind = task ? WIRE_SEED_FILE : WIRE_SEED_SOCKET,
		.flags = fact_flags(s),
		.options = s->options,
		.netns = s->netns,
		.device = s->local.ifindex,
		.time_ns = s->since_ns > s->time_ns ? s->since_ns : s->time_ns,
		.sk = s->sk,
		.cookie = s->cookie,
		.family = (enum family)s->family,
		.to = minisock ? STATE_TIME_WAIT : (enum tcp_state)s->state,
		.protocol = s->protocol,
		.local = s->local,
		.peer = s->peer,
		.has_task = task != NULL,
		.socket_uid = s->uid,
		.vrf = s->vrf,
		.fd = fd,
	};
	if (s->family != FAMILY_IPV6 || !inet_is_link_local(s->local.addr))
		ret->local.ifindex = 0;
	if (s->family != FAMILY_IPV6 || !inet_is_link_local(s->peer.addr))
		ret->peer.ifindex = 0;
	if (s->flags & LOOK_QUEUED)
		ret->listener = s->listener.sk;
	ret->options &= (uint8_t)~WIRE_O_V4_TOO; /* the same bit */
	if (s->flags & LOOK_KERNEL)
		ret->options |= WIRE_O_KERNEL;
	ret->kernel_device = s->kernel_device;
	if (s->flags & LOOK_BUCKET_OPEN)
		ret->options |= WIRE_O_SHARES_PORT;
	if (task) {
		ret->task = task->process;
		ret->parent = task->parent;
		ret->arg = s->flags & LOOK_MAKER ? 1 : 0;
	} else if (minisock && s->since_ns) {
		ret->arg = (uint32_t)((ret->time_ns - s->since_ns) / 1000000) + 1;
	}
	return true;
}

static void seed_table(void *ctx, const struct look_socket *s, const struct look_task *task,
		       uint32_t fd)
{
	struct fact fact;

	/* Without a descriptor it is the kernel's own, which ends without a hook: the table would keep it for ever. */
	if (!task && inet_is_udp(s->protocol))
		return;
	if (make_fact(&fact, s, task, fd))
		table_seed(ctx, &fact);
}

static void not_seen(void *ctx, uint32_t netns, unsigned int what)
{
	table_seed_unseen(ctx, netns, what);
}

struct look_sink table_look_sink(struct table *t)
{
	return (struct look_sink){.socket = seed_table, .unseen = not_seen, .ctx = t};
}

struct look_request table_look_request(void)
{
	return (struct look_request){
		.tasks = true,
		.tcp = true,
		.wants = LOOK_W_COOKIE | LOOK_W_OPTIONS | LOOK_W_BUCKET | LOOK_W_MAKER,
	};
}

static void answer_table(void *ctx, const struct look_socket *s, const struct look_task *task,
			 uint32_t fd)
{
	struct fact fact;

	if (make_fact(&fact, s, task, fd))
		table_answer(ctx, &fact);
}

struct look_sink table_answer_sink(struct table *t)
{
	return (struct look_sink){.socket = answer_table, .ctx = t};
}

/* ---- a listing ---- */

static uint32_t task_of(struct listing *l, const struct look_task *task)
{
	const struct listing_task *last = l->task_count ? &l->tasks[l->task_count - 1] : NULL;

	/* Sockets of one task come one after the other; its threads are one task unless their descriptors differ. */
	if (last && last->process.tid == task->process.tid && last->started_ns == task->started_ns)
		return (uint32_t)(l->task_count - 1);
	return listing_add_task(l, &(struct listing_task){.process = task->process,
							  .parent = task->parent,
							  .started_ns = task->started_ns});
}

static void list_socket(void *ctx, const struct look_socket *s, const struct look_task *task,
			uint32_t fd)
{
	struct listing *l = ctx;
	const struct listing_socket socket = {
		.key = s->key,
		.sk = s->sk,
		.cookie = s->cookie,
		.netns = s->netns,
		.receive = s->receive,
		.send = s->send,
		.backlog = s->backlog,
		.dropped = s->dropped,
		.protocol = s->protocol,
		.family = s->family,
		/* Half-open: what ss and netstat call SYN_RECV. */
		.state = s->state == STATE_NEW_SYN_RECV ? STATE_SYN_RECV : s->state,
		.flags = s->flags & (LOOK_DEAD | LOOK_QUEUED | LOOK_KERNEL | LOOK_BUCKET_OPEN |
				     LOOK_ACCEPTED | LOOK_LIMITLESS),
		.kernel_device = s->kernel_device,
		.listener =
			s->listener.sk ? listing_find(l, s->listener.key, s->listener.sk) + 1 : 0,
		.mapped = s->mapped,
		.local = s->local,
		.peer = s->peer,
	};
	uint32_t index;

	if (!task) {
		listing_add_loose(l, &socket);
		return;
	}
	index = task_of(l, task);
	if (index != LISTING_NONE)
		listing_add_holder(l, index, fd, s->flags & LOOK_MAKER, &socket);
}

static bool is_listed(void *ctx, uint64_t key, uint64_t sk)
{
	return listing_find(ctx, key, sk) != LISTING_NONE;
}

static void expect_listed(void *ctx, uint64_t key, uint64_t sk)
{
	listing_expect(ctx, key, sk);
}

/* Namespaces are the other thread's while the look goes on; tasks and sockets are this one's. */
static void list_netns(void *ctx, uint32_t netns, const struct port_range *range)
{
	listing_add_netns(ctx, &(struct listing_netns){
				       .inode = netns, .low = range->low, .high = range->high});
}

struct look_sink listing_look_sink(struct listing *l)
{
	return (struct look_sink){
		.socket = list_socket,
		.netns = list_netns,
		.known = is_listed,
		.expect = expect_listed,
		.ctx = l,
	};
}

/* ---- a budget ---- */

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

bool look_port_use(struct port_use *ret, const struct look_socket *s)
{
	/* A closed TCP socket without a bucket holds nothing. */
	if (!s->local.port ||
	    (s->protocol == IPPROTO_TCP ? !(s->flags & LOOK_BUCKET) : s->protocol != IPPROTO_UDP))
		return false;
	*ret = (struct port_use){
		.netns = s->netns,
		.vrf = s->vrf,
		.protocol = s->protocol,
		.family = (enum family)s->family,
		.v6only = s->family == FAMILY_IPV6 && (s->options & WIRE_O_V6ONLY),
		.bucket_open = s->flags & LOOK_BUCKET_OPEN,
		.accepted = s->flags & LOOK_ACCEPTED,
		.never_reused = s->flags & LOOK_NEVER_REUSED,
		.minisock = s->flags & LOOK_MINISOCK,
		.state = (enum tcp_state)s->state,
		.tw_age_ms = s->age_ms,
		.local = s->local,
		.peer = s->peer,
	};
	ret->local.ifindex = ret->peer.ifindex = 0;
	unmap(ret);
	return true;
}
