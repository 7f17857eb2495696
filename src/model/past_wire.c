// SPDX-License-Identifier: GPL-2.0-only
#include "past_wire.h"

#include <errno.h>
#include <string.h>

_Static_assert((int)STATUS_TEXTS <= (int)PAST_TEXTS, "past_answer has room for each");

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

static uint8_t *write_text(struct past_life *l, uint8_t *to, enum past_text which,
			   const char *text, size_t len)
{
	if (!text || len > PAST_TEXT_MAX)
		return to;
	l->texts |= (uint8_t)(1u << which);
	l->len[which] = (uint16_t)len;
	memcpy(to, text, len);
	return to + len;
}

static uint8_t *write_word(struct past_life *l, uint8_t *to, enum past_text which, const char *text)
{
	return write_text(l, to, which, text, text ? strlen(text) : 0);
}

static uint8_t *write_program(struct past_life *l, uint8_t *to, const struct program *program)
{
	bool cut = program->args && (program->args_cut || program->args_len > PAST_TEXT_MAX);
	size_t len = program->args_len < PAST_TEXT_MAX ? program->args_len : PAST_TEXT_MAX;

	l->flags |= PAST_F_PROGRAM | (cut ? PAST_F_ARGS_CUT : 0);
	l->start_ns = program->start_ns;
	to = write_word(l, to, PAST_EXE, program->exe);
	return write_text(l, to, PAST_ARGS, program->args, len);
}

/* Returns where the texts end. */
static uint8_t *write_process(struct past_life *l, uint8_t *to, const struct process *p)
{
	l->flags |= PAST_F_PROCESS;
	l->pid = p->pid;
	l->tid = p->tid;
	l->uid = p->uid;
	l->ruid = p->ruid;
	l->cgroup_id = p->cgroup_id;
	memcpy(l->name, p->name, strnlen(p->name, sizeof(l->name) - 1));
	to = write_word(l, to, PAST_CGROUP, p->cgroup);
	to = write_word(l, to, PAST_CONTAINER, p->container);
	to = write_word(l, to, PAST_CONTAINER_NAME, p->container_name);
	to = write_word(l, to, PAST_POD, p->pod);
	to = write_word(l, to, PAST_UNIT, p->unit);
	return p->program ? write_program(l, to, p->program) : to;
}

size_t past_write_life(uint8_t *out, const struct event *e)
{
	bool ended = e->close.end == EVENT_END_SEEN;
	uint8_t *end = out + sizeof(struct past_life);
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
		end = write_process(&l, end, e->process);
	l.head.size = (uint16_t)(end - out);
	memcpy(out, &l, sizeof(l));
	return l.head.size;
}

size_t past_write_status(uint8_t *out, const struct status *status)
{
	uint8_t *end = out + sizeof(struct past_status);
	struct past_status s = {.head = {.kind = PAST_STATUS}, .pid = status->pid};

	memcpy(s.number, status->number, sizeof(s.number));
	memcpy(s.lost, status->lost, sizeof(s.lost));
	for (int i = 0; i < STATUS_TEXTS; i++) {
		size_t len = status->text[i] ? strlen(status->text[i]) : 0;

		if (!status->text[i] || len > PAST_TEXT_MAX)
			continue;
		s.texts |= 1u << i;
		s.len[i] = (uint16_t)len;
		memcpy(end, status->text[i], len);
		end += len;
	}
	s.head.size = (uint16_t)(end - out);
	memcpy(out, &s, sizeof(s));
	return s.head.size;
}

bool past_check_question(const struct past_question *q)
{
	if (q->magic != PAST_MAGIC || q->version != PAST_VERSION || q->size != sizeof(*q))
		return false;
	return q->subject == PAST_OF_STATUS ? q->count == 0
					    : q->subject == PAST_OF_LIVES && q->count > 0 &&
						      q->count <= PAST_COOKIES_MAX;
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

static size_t text_bytes(const struct past_life *l)
{
	size_t sum = 0;

	for (int i = 0; i < PAST_TEXTS; i++)
		sum += l->len[i];
	return sum;
}

/* What a bit does not announce is not there, and only arguments have NULs. */
static bool check_texts(const struct past_life *l, const uint8_t *texts)
{
	for (int i = 0; i < PAST_TEXTS; i++) {
		if (l->len[i] > PAST_TEXT_MAX || (l->len[i] && !(l->texts >> i & 1)) ||
		    (i != PAST_ARGS && memchr(texts, '\0', l->len[i])))
			return false;
		texts += l->len[i];
	}
	return is_zero(l->pad, sizeof(l->pad)) && !(l->texts >> PAST_TEXTS);
}

static bool check_process(const struct past_life *l, const uint8_t *texts)
{
	const uint8_t of_program = 1u << PAST_EXE | 1u << PAST_ARGS;

	if (!check_texts(l, texts))
		return false;
	if (!(l->flags & PAST_F_PROGRAM) && (l->start_ns || (l->texts & of_program)))
		return false;
	if ((l->flags & PAST_F_ARGS_CUT) && !(l->texts >> PAST_ARGS & 1))
		return false;
	if (!(l->flags & PAST_F_PROCESS))
		return !(l->flags & PAST_F_PROGRAM) && !l->texts && !l->pid && !l->tid && !l->uid &&
		       !l->ruid && !l->cgroup_id && is_zero(l->name, sizeof(l->name));
	return l->pid && !l->name[sizeof(l->name) - 1];
}

static bool check_life(const struct past_life *l, const uint8_t *texts)
{
	bool v4 = l->family == FAMILY_IPV4;

	if (!l->cookie || !l->netns || (l->flags & ~PAST_FLAGS) ||
	    (!v4 && l->family != FAMILY_IPV6))
		return false;
	if (l->head.size != sizeof(*l) + text_bytes(l))
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
	const char *text[PAST_TEXTS];

	*p = (struct process){.pid = l->pid,
			      .tid = l->tid,
			      .uid = l->uid,
			      .ruid = l->ruid,
			      .cgroup_id = l->cgroup_id};
	memcpy(p->name, l->name, sizeof(p->name));
	for (int i = 0; i < PAST_TEXTS; i++) {
		memcpy(ret->text[i], texts, l->len[i]);
		ret->text[i][l->len[i]] = '\0';
		texts += l->len[i];
		text[i] = l->texts >> i & 1 ? ret->text[i] : NULL;
	}
	p->cgroup = text[PAST_CGROUP];
	p->container = text[PAST_CONTAINER];
	p->container_name = text[PAST_CONTAINER_NAME];
	p->pod = text[PAST_POD];
	p->unit = text[PAST_UNIT];
	ret->program = (struct program){.pid = l->pid,
					.start_ns = l->start_ns,
					.exe = text[PAST_EXE],
					.args = text[PAST_ARGS],
					.args_len = l->len[PAST_ARGS],
					.args_cut = l->flags & PAST_F_ARGS_CUT};
	memcpy(ret->program.name, l->name, sizeof(l->name));
	p->program = l->flags & PAST_F_PROGRAM ? &ret->program : NULL;
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

static bool read_status(const uint8_t *data, struct past_answer *ret)
{
	const uint8_t *text = data + sizeof(struct past_status);
	struct past_status s;
	size_t size = sizeof(s);

	memcpy(&s, data, sizeof(s));
	for (int i = 0; i < STATUS_TEXTS; i++)
		size += s.len[i];
	if (!s.pid || s.texts >> STATUS_TEXTS || !is_zero(s.pad, sizeof(s.pad)) ||
	    size != s.head.size)
		return false;
	ret->status = (struct status){.pid = s.pid};
	memcpy(ret->status.number, s.number, sizeof(s.number));
	memcpy(ret->status.lost, s.lost, sizeof(s.lost));
	for (int i = 0; i < STATUS_TEXTS; text += s.len[i], i++) {
		bool there = s.texts >> i & 1;

		if (s.len[i] > PAST_TEXT_MAX || (s.len[i] && !there) ||
		    memchr(text, '\0', s.len[i]))
			return false;
		memcpy(ret->text[i], text, s.len[i]);
		ret->text[i][s.len[i]] = '\0';
		ret->status.text[i] = there ? ret->text[i] : NULL;
	}
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
	case PAST_STATUS:
		good = h.size >= sizeof(struct past_status) && read_status(data, ret);
		break;
	case PAST_KINDS: break;
	}
	if (!good)
		return -EBADMSG;
	ret->kind = (enum past_kind)h.kind;
	return h.size;
}
