// SPDX-License-Identifier: GPL-2.0-only
#include "split_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What each kind of request may say; what is not named is 0. */
static const struct rule {
	bool netns, pid, value, names;
	uint32_t number_max, flags_max;
	bool wants;
} rules[SPLIT_KINDS] = {
	[SPLIT_LOOK] = {.netns = true,
			.pid = true,
			.value = true,
			.number_max = UINT16_MAX,
			.flags_max = SPLIT_L_TASKS | SPLIT_L_TCP | SPLIT_L_UDP | SPLIT_L_RANGES |
				     SPLIT_L_ASKED,
			.wants = true},
	[SPLIT_RANGE] = {.netns = true, .pid = true},
	[SPLIT_OVERFLOWS] = {.netns = true, .pid = true},
	[SPLIT_FOLDS] = {.number_max = 1},
	[SPLIT_PROGRAM] = {.pid = true},
	[SPLIT_CGROUPS] = {.pid = true},
	[SPLIT_CGROUP_PATH] = {.value = true},
	[SPLIT_NAMES] = {.names = true},
	[SPLIT_INTERFACE] = {.netns = true, .number_max = UINT32_MAX},
	[SPLIT_FILE] = {.number_max = SPLIT_FILES - 1, .flags_max = SPLIT_F_RENAME},
};

static bool is_zero(const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (bytes[i])
			return false;
	}
	return true;
}

static uint32_t ranges_of(uint32_t flags)
{
	return (flags & SPLIT_L_RANGES) >> 3;
}

bool split_request_is_good(const void *data, size_t size)
{
	struct split_request q;
	const struct rule *r;

	if (size != sizeof(q))
		return false;
	memcpy(&q, data, sizeof(q));
	if (q.kind == SPLIT_NONE || q.kind >= SPLIT_KINDS)
		return false;
	r = &rules[q.kind];
	if ((q.netns && !r->netns) || (q.pid && !r->pid) || (q.value && !r->value) ||
	    (q.wants && !r->wants) || q.number > r->number_max || q.flags > r->flags_max)
		return false;
	if (q.kind == SPLIT_LOOK && ranges_of(q.flags) > LOOK_RANGES_ALL)
		return false;
	return r->names || (is_zero(q.id, sizeof(q.id)) && is_zero(q.pod, sizeof(q.pod)));
}

struct split_request split_look_request(const struct look_request *q)
{
	return (struct split_request){
		.kind = SPLIT_LOOK,
		.netns = q->netns,
		.pid = q->pid,
		.number = q->port,
		.flags = (q->tasks ? SPLIT_L_TASKS : 0u) | (q->tcp ? SPLIT_L_TCP : 0u) |
			 (q->udp ? SPLIT_L_UDP : 0u) | (uint32_t)q->ranges << 3 |
			 (q->asked_only ? SPLIT_L_ASKED : 0u),
		.wants = q->wants,
		.value = q->until_ns,
	};
}

struct look_request split_look_wanted(const struct split_request *q)
{
	return (struct look_request){
		.tasks = q->flags & SPLIT_L_TASKS,
		.tcp = q->flags & SPLIT_L_TCP,
		.udp = q->flags & SPLIT_L_UDP,
		.wants = q->wants,
		.netns = q->netns,
		.pid = q->pid,
		.port = (uint16_t)q->number,
		.ranges = (enum look_ranges)ranges_of(q->flags),
		.asked_only = q->flags & SPLIT_L_ASKED,
		.until_ns = q->value,
	};
}

bool split_answer_is_good(const void *data, size_t size, uint32_t kind)
{
	struct split_head h;

	if (size < sizeof(h))
		return false;
	memcpy(&h, data, sizeof(h));
	return h.kind == kind && h.size == size - sizeof(h) && h.more <= 1 && h.result <= 0;
}

/* ---- items ---- */

static bool is_text(const char *text, size_t size)
{
	return memchr(text, '\0', size) != NULL;
}

static bool is_endpoint(const struct endpoint *e)
{
	return e->takes <= TAKES_UNKNOWN;
}

/* Memory of another process: a bool there may be any byte. */
static bool is_socket(const struct look_socket *s)
{
	const uint8_t *mapped = (const uint8_t *)&s->mapped;

	return (s->family == FAMILY_IPV4 || s->family == FAMILY_IPV6) && s->state < STATES &&
	       *mapped <= 1 && is_endpoint(&s->local) && is_endpoint(&s->peer);
}

const struct split_item_head *split_item(const uint8_t *data, size_t size)
{
	static const size_t sizes[] = {
		[SPLIT_I_TASK] = sizeof(struct split_task),
		[SPLIT_I_SOCKET] = sizeof(struct split_socket),
		[SPLIT_I_NETNS] = sizeof(struct split_netns),
		[SPLIT_I_UNSEEN] = sizeof(struct split_unseen),
		[SPLIT_I_NAME] = sizeof(struct split_name),
	};
	const struct split_item_head *h = (const struct split_item_head *)data;

	if (size < sizeof(*h) || h->type < SPLIT_I_TASK || h->type > SPLIT_I_NAME ||
	    h->size != sizes[h->type] || h->size > size)
		return NULL;
	switch ((enum split_item_type)h->type) {
	case SPLIT_I_TASK:
		return is_text(((const struct split_task *)h)->name, PROCESS_NAME_SIZE) ? h : NULL;
	case SPLIT_I_SOCKET: return is_socket(&((const struct split_socket *)h)->socket) ? h : NULL;
	case SPLIT_I_NAME:
		return is_text(((const struct split_name *)h)->name, NETNS_NAME_SIZE) ? h : NULL;
	case SPLIT_I_NETNS:
	case SPLIT_I_UNSEEN: break;
	}
	return h;
}

static void take_task(struct look_task *task, const struct split_task *t)
{
	*task = (struct look_task){
		.process = {.pid = t->pid,
			    .tid = t->tid,
			    .uid = t->uid,
			    .ruid = t->ruid,
			    .cgroup_id = t->cgroup_id},
		.parent = t->parent,
		.started_ns = t->started_ns,
	};
	strcpy(task->process.name, t->name);
}

static bool take_socket(const struct look_task *task, const struct split_socket *s,
			const struct look_sink *sink)
{
	if (s->held && !task->process.pid)
		return false;
	if (s->held)
		sink->socket(sink->ctx, &s->socket, task, s->head.number);
	else if (!sink->known || !sink->known(sink->ctx, s->socket.key, s->socket.sk))
		sink->socket(sink->ctx, &s->socket, NULL, 0);
	return true;
}

/* False: it is of no look. */
static bool take_item(struct look_task *task, const struct split_item_head *h,
		      const struct look_sink *sink)
{
	switch ((enum split_item_type)h->type) {
	case SPLIT_I_TASK: take_task(task, (const struct split_task *)h); return true;
	case SPLIT_I_SOCKET: return take_socket(task, (const struct split_socket *)h, sink);
	case SPLIT_I_NETNS:
		if (sink->netns)
			sink->netns(sink->ctx, h->number, &((const struct split_netns *)h)->range);
		return true;
	case SPLIT_I_UNSEEN:
		if (sink->unseen)
			sink->unseen(sink->ctx, h->number, ((const struct split_unseen *)h)->what);
		return true;
	case SPLIT_I_NAME: break;
	}
	return false;
}

int split_take_items(struct look_task *task, const uint8_t *data, size_t size,
		     const struct look_sink *sink)
{
	while (size) {
		const struct split_item_head *h = split_item(data, size);

		if (!h || !take_item(task, h, sink))
			return -EBADMSG;
		data += h->size;
		size -= h->size;
	}
	return 0;
}

int split_take_end(const uint8_t *data, size_t size, struct split_look_end *ret)
{
	struct split_look_end end;

	if (size != sizeof(end))
		return -EBADMSG;
	memcpy(&end, data, sizeof(end));
	if (end.result > 0 || end.missed_rings > 1 || !is_text(end.error, sizeof(end.error)))
		return -EBADMSG;
	*ret = end;
	return 0;
}

/* ---- texts ---- */

int split_take_program(const uint8_t *data, size_t size, struct process_reading *ret)
{
	struct split_program p;

	if (size < sizeof(p))
		return -EBADMSG;
	memcpy(&p, data, sizeof(p));
	data += sizeof(p);
	if (p.exe_len > SPLIT_TEXT_MAX || p.args_len > PROCESS_ARGS_MAX || p.args_cut > 1 ||
	    size - sizeof(p) != (size_t)p.exe_len + p.args_len || !is_text(p.name, sizeof(p.name)))
		return -EBADMSG;
	*ret = (struct process_reading){
		.parent = p.parent,
		.start_ns = p.start_ns,
		.exe = p.exe_len ? strndup((const char *)data, p.exe_len) : NULL,
		.args = p.args_len ? calloc(1, (size_t)p.args_len + 1) : NULL,
	};
	strcpy(ret->name, p.name);
	if (ret->args) {
		memcpy(ret->args, data + p.exe_len, p.args_len);
		ret->args_len = p.args_len;
		ret->args_cut = p.args_cut;
	}
	return 0;
}

int split_take_names(const uint8_t *data, size_t size, char **ret_container, char **ret_pod)
{
	struct split_names n;

	if (size < sizeof(n))
		return -EBADMSG;
	memcpy(&n, data, sizeof(n));
	data += sizeof(n);
	if (n.container_len > SPLIT_TEXT_MAX || n.pod_len > SPLIT_TEXT_MAX ||
	    size - sizeof(n) != (size_t)n.container_len + n.pod_len)
		return -EBADMSG;
	*ret_container = n.container_len ? strndup((const char *)data, n.container_len) : NULL;
	*ret_pod = n.pod_len ? strndup((const char *)data + n.container_len, n.pod_len) : NULL;
	return 0;
}

static int digit_of(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool split_number_of(const char *text, size_t digits, uint8_t *ret)
{
	size_t n = 0;

	for (; *text && n < digits; text++) {
		int digit = digit_of(*text);

		if (digit < 0 && *text != '-' && *text != '_')
			return false;
		if (digit < 0)
			continue;
		ret[n / 2] = (uint8_t)(n % 2 ? ret[n / 2] | digit : digit << 4);
		n++;
	}
	return n == digits && !*text;
}

void split_text_of(const uint8_t *number, size_t bytes, bool grouped, char *out)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < bytes; i++) {
		if (grouped && (i == 4 || i == 6 || i == 8 || i == 10))
			*out++ = '-';
		*out++ = digits[number[i] >> 4];
		*out++ = digits[number[i] & 15];
	}
	*out = '\0';
}
