// SPDX-License-Identifier: GPL-2.0-only
#include "past_wire.h"

#include <errno.h>
#include <string.h>

size_t past_write_hello(uint8_t *out)
{
	const struct past_hello h = {
		.head = {.kind = PAST_HELLO, .size = sizeof(h)},
		.magic = PAST_MAGIC,
		.version = PAST_VERSION,
	};

	memcpy(out, &h, sizeof(h));
	return sizeof(h);
}

size_t past_write_end(uint8_t *out)
{
	const struct past_head h = {.kind = PAST_END, .size = sizeof(h)};

	memcpy(out, &h, sizeof(h));
	return sizeof(h);
}

static void write_process(struct past_life *l, uint8_t *texts, const struct process *p)
{
	size_t cgroup = p->cgroup ? strlen(p->cgroup) : 0;
	size_t container = p->container ? strlen(p->container) : 0;

	l->flags |= PAST_F_PROCESS;
	l->pid = p->pid;
	l->tid = p->tid;
	l->uid = p->uid;
	l->ruid = p->ruid;
	l->cgroup_id = p->cgroup_id;
	memcpy(l->name, p->name, strnlen(p->name, sizeof(l->name) - 1));
	if (p->cgroup && cgroup <= PAST_TEXT_MAX) {
		l->flags |= PAST_F_CGROUP;
		l->cgroup_len = (uint16_t)cgroup;
		memcpy(texts, p->cgroup, cgroup);
		texts += cgroup;
	}
	if (p->container && container <= PAST_TEXT_MAX) {
		l->flags |= PAST_F_CONTAINER;
		l->container_len = (uint16_t)container;
		memcpy(texts, p->container, container);
	}
}

size_t past_write_life(uint8_t *out, const struct event *e)
{
	bool ended = e->close.end == EVENT_END_SEEN;
	struct past_life l = {
		.head = {.kind = PAST_LIFE},
		.cookie = e->cookie,
		.since_ns = ended ? e->time_ns : e->close.opened_ns,
		.netns = e->netns,
		.protocol = e->protocol,
		.local_port = e->local.port,
		.family = (uint8_t)e->family,
		.flags = ended ? PAST_F_ENDED : 0,
	};

	memcpy(l.local, e->local.addr, sizeof(l.local));
	if (e->has_peer) {
		l.flags |= PAST_F_PEER;
		l.peer_port = e->peer.port;
		memcpy(l.peer, e->peer.addr, sizeof(l.peer));
	}
	if (e->process)
		write_process(&l, out + sizeof(l), e->process);
	l.head.size = (uint16_t)(sizeof(l) + l.cgroup_len + l.container_len);
	memcpy(out, &l, sizeof(l));
	return l.head.size;
}

bool past_check_question(const struct past_question *q)
{
	return q->magic == PAST_MAGIC && q->version == PAST_VERSION && q->size == sizeof(*q) &&
	       q->count > 0 && q->count <= PAST_COOKIES_MAX && !q->reserved;
}

static bool is_zero(const void *data, size_t len)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len; i++) {
		if (p[i])
			return false;
	}
	return true;
}

/* What a flag does not announce is not there. */
static bool check_process(const struct past_life *l, const uint8_t *texts)
{
	bool cgroup = l->flags & PAST_F_CGROUP, container = l->flags & PAST_F_CONTAINER;

	if (!(l->flags & PAST_F_PROCESS))
		return !cgroup && !container && !l->cgroup_len && !l->container_len && !l->pid &&
		       !l->tid && !l->uid && !l->ruid && !l->cgroup_id &&
		       is_zero(l->name, sizeof(l->name));
	return l->pid && !l->name[sizeof(l->name) - 1] && (cgroup || !l->cgroup_len) &&
	       (container || !l->container_len) && l->cgroup_len <= PAST_TEXT_MAX &&
	       l->container_len <= PAST_TEXT_MAX &&
	       !memchr(texts, '\0', (size_t)l->cgroup_len + l->container_len);
}

static bool check_life(const struct past_life *l, const uint8_t *texts)
{
	bool v4 = l->family == FAMILY_IPV4;

	if (!l->cookie || !l->netns || (l->flags & ~PAST_FLAGS) ||
	    (!v4 && l->family != FAMILY_IPV6))
		return false;
	if (l->head.size != sizeof(*l) + l->cgroup_len + l->container_len)
		return false;
	if (v4 && (!is_zero(l->local + 4, 12) || !is_zero(l->peer + 4, 12)))
		return false;
	if (!(l->flags & PAST_F_PEER) && (l->peer_port || !is_zero(l->peer, sizeof(l->peer))))
		return false;
	return check_process(l, texts);
}

static void read_process(const struct past_life *l, const uint8_t *texts, struct past_answer *ret)
{
	struct process *p = &ret->process;

	*p = (struct process){.pid = l->pid,
			      .tid = l->tid,
			      .uid = l->uid,
			      .ruid = l->ruid,
			      .cgroup_id = l->cgroup_id};
	memcpy(p->name, l->name, sizeof(p->name));
	memcpy(ret->cgroup, texts, l->cgroup_len);
	ret->cgroup[l->cgroup_len] = '\0';
	memcpy(ret->container, texts + l->cgroup_len, l->container_len);
	ret->container[l->container_len] = '\0';
	p->cgroup = l->flags & PAST_F_CGROUP ? ret->cgroup : NULL;
	p->container = l->flags & PAST_F_CONTAINER ? ret->container : NULL;
	ret->life.process = p;
}

static bool read_life(const uint8_t *data, struct past_answer *ret)
{
	struct past_life l;
	struct event *e = &ret->life;

	memcpy(&l, data, sizeof(l));
	if (!check_life(&l, data + sizeof(l)))
		return false;
	*e = (struct event){
		.kind = EVENT_CLOSE,
		.time_ns = l.since_ns,
		.protocol = l.protocol,
		.family = (enum family)l.family,
		.has_local = true,
		.has_peer = l.flags & PAST_F_PEER,
		.netns = l.netns,
		.cookie = l.cookie,
		.local.port = l.local_port,
		.peer.port = l.peer_port,
	};
	memcpy(e->local.addr, l.local, sizeof(l.local));
	memcpy(e->peer.addr, l.peer, sizeof(l.peer));
	e->close.end = l.flags & PAST_F_ENDED ? EVENT_END_SEEN : EVENT_END_OPEN;
	e->close.time_wait = l.flags & PAST_F_ENDED;
	e->close.opened_ns = l.flags & PAST_F_ENDED ? 0 : l.since_ns;
	if (l.flags & PAST_F_PROCESS)
		read_process(&l, data + sizeof(l), ret);
	return true;
}

static bool read_hello(const uint8_t *data, size_t size)
{
	struct past_hello h;

	if (size != sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	return h.magic == PAST_MAGIC && h.version == PAST_VERSION && !h.pad;
}

long past_read(const uint8_t *data, size_t len, struct past_answer *ret)
{
	struct past_head h;
	bool good = false;

	if (len < sizeof(h))
		return 0;
	memcpy(&h, data, sizeof(h));
	if (h.reserved || h.size < sizeof(h) || h.size > PAST_RECORD_MAX || !h.kind ||
	    h.kind >= PAST_KINDS)
		return -EBADMSG;
	if (h.size > len)
		return 0;
	switch ((enum past_kind)h.kind) {
	case PAST_HELLO: good = read_hello(data, h.size); break;
	case PAST_LIFE: good = h.size >= sizeof(struct past_life) && read_life(data, ret); break;
	case PAST_END: good = h.size == sizeof(h); break;
	case PAST_KINDS: break;
	}
	if (!good)
		return -EBADMSG;
	ret->kind = (enum past_kind)h.kind;
	return h.size;
}
