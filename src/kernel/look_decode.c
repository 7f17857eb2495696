// SPDX-License-Identifier: GPL-2.0-only
/* look_decode.c - the only reader of include/wire_look.h. */
#include "look_private.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Records between the one taken and the one expected. */
#define AHEAD 8

static uint16_t flags_of(const struct wire_look *w)
{
	static const struct {
		uint8_t wire;
		uint16_t look;
	} pairs[] = {
		{LOOK_F_MAKER, LOOK_MAKER},	  {LOOK_F_DEAD, LOOK_DEAD},
		{LOOK_F_QUEUED, LOOK_QUEUED},	  {LOOK_F_KERNEL, LOOK_KERNEL},
		{LOOK_F_MINISOCK, LOOK_MINISOCK}, {LOOK_F_NO_TIMESTAMPS, LOOK_NEVER_REUSED},
		{LOOK_F_BUCKET, LOOK_BUCKET},	  {LOOK_F_ACCEPTED, LOOK_ACCEPTED},
	};
	uint16_t flags = 0;

	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++)
		flags |= w->flags & pairs[i].wire ? pairs[i].look : 0;
	if ((flags & LOOK_BUCKET) && w->fastreuse < 0 && w->fastreuseport < 0)
		flags |= LOOK_BUCKET_OPEN;
	return flags;
}

/* True when the bytes say what a socket can be. */
static bool decode(struct look_socket *s, const struct wire_look *w)
{
	if ((w->family != AF_INET && w->family != AF_INET6) || w->state >= STATES)
		return false;
	*s = (struct look_socket){
		.key = w->socket,
		.sk = w->sk,
		.cookie = w->cookie,
		.netns = w->netns,
		.vrf = (uint32_t)w->l3mdev,
		.uid = w->uid,
		.protocol = w->type == SOCK_RAW ? IPPROTO_RAW : w->protocol,
		.family = w->family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.state = w->state,
		.flags = flags_of(w),
		.options = w->options,
	};
	if (s->state == STATE_NEW_SYN_RECV) {
		s->listener.sk = s->key;
		s->key = 0;
	}
	if (s->flags & LOOK_MINISOCK) {
		s->since_ns = w->since_ns;
		s->age_ms = w->age_ms;
	} else {
		s->receive = w->receive;
		s->backlog = w->backlog;
		*(s->state == STATE_LISTEN ? &s->dropped : &s->send) = w->send;
	}
	memcpy(s->local.addr, w->local, sizeof(w->local));
	memcpy(s->peer.addr, w->peer, sizeof(w->peer));
	s->local.port = w->local_port;
	s->peer.port = ntohs(w->peer_port_be);
	s->local.ifindex = s->peer.ifindex = w->ifindex;
	look_complete(s);
	return true;
}

/*
 * Threads share the descriptors of their process, which the first thread shows.  Where it has ended each of the others shows
 * them: one is enough.  Without memory they are told again.
 */
static bool is_repeated(struct look_reader *r, const struct wire_look_first *w)
{
	struct seen_files *grown;

	if (w->tid == w->pid)
		return false;
	for (size_t i = r->seen_count; i-- > 0;) {
		if (r->seen[i].pid == w->pid && r->seen[i].files == w->files)
			return r->seen[i].tid != w->tid;
	}
	grown = realloc(r->seen, (r->seen_count + 1) * sizeof(*grown));
	if (!grown)
		return false;
	r->seen = grown;
	r->seen[r->seen_count++] =
		(struct seen_files){.files = w->files, .pid = w->pid, .tid = w->tid};
	return false;
}

static void take_task(struct look_reader *r, const struct wire_look_first *w)
{
	struct process *p = &r->task.process;

	r->has_task = w->pid != 0 && !is_repeated(r, w);
	r->task = (struct look_task){.parent = w->parent, .started_ns = w->started_ns};
	p->pid = w->pid;
	p->tid = w->tid;
	p->uid = w->uid;
	p->ruid = w->ruid;
	p->cgroup_id = w->cgroup_id;
	memcpy(p->name, w->name, strnlen(w->name, sizeof(p->name) - 1));
}

/* False when the bytes make no sense. */
static bool take_record(struct look_reader *r, const struct wire_look *w)
{
	const struct look_sink *sink = r->sink;
	struct look_socket socket;

	if (w->kind == LOOK_NONE || w->kind > LOOK_SPACE)
		return false;
	if (w->size != (w->kind == LOOK_FIRST ? sizeof(struct wire_look_first) : sizeof(*w)))
		return false;
	if (w->kind == LOOK_RING || w->kind == LOOK_SPACE) {
		(w->kind == LOOK_RING ? look_note_ring : look_note_space)(
			r, w->sk, (uint32_t)(w->socket >> 32), (uint32_t)w->socket, w->fd);
		return true;
	}
	if (w->kind == LOOK_FIRST)
		take_task(r, (const struct wire_look_first *)w);
	if (w->kind == LOOK_LOOSE && sink->known && sink->known(sink->ctx, w->socket, w->sk))
		return true;
	if (!decode(&socket, w)) {
		r->malformed++;
		return true;
	}
	socket.time_ns = r->time_ns;
	if (look_note_queued(r, &socket))
		return true;
	if (w->kind == LOOK_LOOSE && (w->flags & LOOK_F_KERNEL) && look_hold_back(r, &socket))
		return true;
	if (w->kind == LOOK_LOOSE)
		sink->socket(sink->ctx, &socket, NULL, 0);
	else if (r->has_task)
		sink->socket(sink->ctx, &socket, &r->task, w->fd);
	return true;
}

int look_tell_registered(struct look_reader *r, const struct wire_look_first *w)
{
	struct look_socket socket;

	take_task(r, w);
	if (!decode(&socket, &w->look)) {
		r->malformed++;
		return 0;
	}
	socket.time_ns = r->time_ns;
	/* Before 5.12 a ring's workers are kernel threads with the descriptors of their process. */
	if (r->has_task)
		r->sink->socket(r->sink->ctx, &socket, &r->task, LOOK_NO_FD);
	return 0;
}

/* Where a record most likely lies: waiting for memory is most of what taking one costs. */
static void expect_record(const struct look_reader *r, const char *data, size_t at, size_t len)
{
	const struct wire_look *w = (const struct wire_look *)(data + at);

	if (r->sink->expect && at + sizeof(*w) <= len)
		r->sink->expect(r->sink->ctx, w->socket, w->sk);
}

ssize_t look_take_records(struct look_reader *r, const char *data, size_t len)
{
	size_t at = 0;

	while (len - at >= sizeof(struct wire_look)) {
		const struct wire_look *w = (const struct wire_look *)(data + at);

		if (w->size > len - at)
			break;
		expect_record(r, data, at + AHEAD * sizeof(*w), len);
		if (!take_record(r, w))
			return -EBADMSG;
		at += w->size;
	}
	return (ssize_t)at;
}
