// SPDX-License-Identifier: GPL-2.0-only
/* split_serve.c - the helper's side: one request after the other, each answered by the function that does it in one process. */
#include "kernel_private.h"
#include "procinfo.h"
#include "runtimes.h"
#include "split_private.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* An answer that is being made; two threads of a look add to one. */
struct answer {
	int fd;
	uint32_t kind;
	pthread_mutex_t lock;
	bool failed;	       /* the reader has ended */
	struct look_task task; /* told last */
	size_t len;
	_Alignas(8) uint8_t data[sizeof(struct split_head) + SPLIT_MESSAGE_MAX];
};

struct server {
	struct kernel *k;
	split_file_fn file;
	void *ctx;
	const int *fds;
	struct answer asks, looks;
};

/* ---- answers ---- */

static void answer_begin(struct answer *a, int fd, uint32_t kind)
{
	a->fd = fd;
	a->kind = kind;
	a->failed = false;
	a->task = (struct look_task){0};
	a->len = 0;
}

static void answer_send(struct answer *a, int result, bool more, int fd)
{
	const struct split_head head = {
		.kind = a->kind, .size = (uint32_t)a->len, .result = result, .more = more};
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = a->data, .iov_len = sizeof(head) + a->len};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	memcpy(a->data, &head, sizeof(head));
	if (fd >= 0) {
		m.msg_control = &control;
		m.msg_controllen = sizeof(control);
		control.head = (struct cmsghdr){.cmsg_level = SOL_SOCKET,
						.cmsg_type = SCM_RIGHTS,
						.cmsg_len = CMSG_LEN(sizeof(fd))};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	do
		n = a->failed ? 0 : sendmsg(a->fd, &m, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	a->failed |= n < 0;
	a->len = 0;
}

/* Room in the message that is made, of `size` bytes at most SPLIT_MESSAGE_MAX; one that is full goes. */
static void *answer_room(struct answer *a, size_t size)
{
	uint8_t *room;

	if (a->len + size > SPLIT_MESSAGE_MAX)
		answer_send(a, 0, true, -1);
	room = a->data + sizeof(struct split_head) + a->len;
	a->len += size;
	return room;
}

static void answer_add(struct answer *a, const void *data, size_t size)
{
	memcpy(answer_room(a, size), data, size);
}

static void answer_item(struct answer *a, enum split_item_type type, size_t size, uint32_t number,
			void *item)
{
	*(struct split_item_head *)item = (struct split_item_head){
		.type = (uint16_t)type, .size = (uint16_t)size, .number = number};
	answer_add(a, item, size);
}

static void answer_text(struct answer *a, const char *text)
{
	answer_add(a, text ? text : "", text ? strnlen(text, SPLIT_TEXT_MAX - 1) : 0);
}

/* ---- looks ---- */

static void tell_task(struct answer *a, const struct look_task *task)
{
	const struct process *p = &task->process;
	struct split_task t = {
		.pid = p->pid,
		.tid = p->tid,
		.uid = p->uid,
		.ruid = p->ruid,
		.parent = task->parent,
		.cgroup_id = p->cgroup_id,
		.started_ns = task->started_ns,
	};

	if (memcmp(&a->task, task, sizeof(*task)) == 0)
		return;
	memcpy(&a->task, task, sizeof(*task));
	memcpy(t.name, p->name, strnlen(p->name, sizeof(t.name) - 1));
	answer_item(a, SPLIT_I_TASK, sizeof(t), 0, &t);
}

static void on_socket(void *ctx, const struct look_socket *socket, const struct look_task *task,
		      uint32_t fd)
{
	struct answer *a = ctx;
	struct split_socket s = {.held = task != NULL, .socket = *socket};

	pthread_mutex_lock(&a->lock);
	if (task)
		tell_task(a, task);
	answer_item(a, SPLIT_I_SOCKET, sizeof(s), fd, &s);
	pthread_mutex_unlock(&a->lock);
}

static void on_netns(void *ctx, uint32_t netns, const struct port_range *range)
{
	struct answer *a = ctx;
	struct split_netns n = {.range = *range};

	pthread_mutex_lock(&a->lock);
	answer_item(a, SPLIT_I_NETNS, sizeof(n), netns, &n);
	pthread_mutex_unlock(&a->lock);
}

static void on_unseen(void *ctx, uint32_t netns, unsigned int what)
{
	struct answer *a = ctx;
	struct split_unseen u = {.what = what};

	pthread_mutex_lock(&a->lock);
	answer_item(a, SPLIT_I_UNSEEN, sizeof(u), netns, &u);
	pthread_mutex_unlock(&a->lock);
}

static void answer_look(struct server *s, const struct split_request *q)
{
	const struct look_request request = split_look_wanted(q);
	const struct look_sink sink = {
		.socket = on_socket, .netns = on_netns, .unseen = on_unseen, .ctx = &s->looks};
	struct look_reader *look = kernel_look(s->k);
	struct kernel_error error = {""};
	struct split_look_end end = {0};

	end.result = look_take(look, &request, &sink, &error);
	end.malformed = look_malformed(look);
	end.missed_rings = look_missed_rings(look);
	memcpy(end.error, error.text, sizeof(end.error));
	if (s->looks.len)
		answer_send(&s->looks, 0, true, -1);
	answer_add(&s->looks, &end, sizeof(end));
	answer_send(&s->looks, 0, false, -1);
}

/* ---- the rest ---- */

static int answer_range(struct server *s, const struct split_request *q)
{
	struct port_range range;

	if (!kernel_port_range(s->k, q->netns, q->pid, &range))
		return -ENOENT;
	answer_add(&s->asks, &range, sizeof(range));
	return 0;
}

static int answer_misses(struct server *s)
{
	for (size_t i = 0; i < s->k->hook_count; i++) {
		uint64_t misses = missed_of(s->k, i);

		answer_add(&s->asks, &misses, sizeof(misses));
	}
	return 0;
}

static void tell_fold(void *ctx, const struct wire_fold *fold)
{
	answer_add(ctx, fold, sizeof(*fold));
}

static void tell_name(void *ctx, uint32_t inode, const char *name)
{
	struct split_name n = {0};

	memcpy(n.name, name, strnlen(name, sizeof(n.name) - 1));
	answer_item(ctx, SPLIT_I_NAME, sizeof(n), inode, &n);
}

static int answer_program(struct answer *a, uint32_t pid)
{
	struct process_reading r = {0};
	struct split_program p = {0};
	int err;
	unsigned long refused = procinfo_refused(&err);
	bool read = procinfo_read_process(NULL, pid, &r);

	if (procinfo_refused(&err) > refused) {
		free(r.exe);
		free(r.args);
		return -err;
	}
	if (!read)
		return -ESRCH;
	p.parent = r.parent;
	p.start_ns = r.start_ns;
	p.exe_len = r.exe ? (uint32_t)strnlen(r.exe, SPLIT_TEXT_MAX) : 0;
	p.args_len = r.args ? (uint32_t)r.args_len : 0;
	p.args_cut = r.args_cut;
	memcpy(p.name, r.name, strnlen(r.name, sizeof(p.name) - 1));
	answer_add(a, &p, sizeof(p));
	answer_add(a, r.exe ? r.exe : "", p.exe_len);
	answer_add(a, r.args ? r.args : "", p.args_len);
	free(r.exe);
	free(r.args);
	return 0;
}

static int answer_cgroups(struct answer *a, uint32_t pid)
{
	char text[SPLIT_TEXT_MAX];
	ssize_t n = procinfo_cgroups(pid, text, sizeof(text));

	if (n < 0)
		return (int)n;
	answer_add(a, text, (size_t)n);
	return 0;
}

static int answer_cgroup_path(struct server *s, uint64_t id)
{
	char *path = places_path_of(s->k, id);

	if (!path)
		return -ENOENT;
	answer_text(&s->asks, path);
	free(path);
	return 0;
}

static int answer_names(struct answer *a, const struct split_request *q)
{
	static const uint8_t none[sizeof(q->pod)];
	char id[2 * sizeof(q->id) + 1], pod[2 * sizeof(q->pod) + 5];
	struct runtime_names names;
	struct split_names n = {0};
	const bool has_pod = memcmp(q->pod, none, sizeof(none)) != 0;

	split_text_of(q->id, sizeof(q->id), false, id);
	split_text_of(q->pod, sizeof(q->pod), true, pod);
	runtimes_find("", id, has_pod ? pod : NULL, &names);
	n.container_len = names.container ? (uint32_t)strnlen(names.container, SPLIT_TEXT_MAX) : 0;
	n.pod_len = names.pod ? (uint32_t)strnlen(names.pod, SPLIT_TEXT_MAX) : 0;
	answer_add(a, &n, sizeof(n));
	answer_add(a, names.container ? names.container : "", n.container_len);
	answer_add(a, names.pod ? names.pod : "", n.pod_len);
	free(names.container);
	free(names.pod);
	return 0;
}

static int answer_one(struct server *s, const struct split_request *q, int *ret_fd)
{
	struct answer *a = &s->asks;
	uint64_t count;

	switch ((enum split_kind)q->kind) {
	case SPLIT_RANGE: return answer_range(s, q);
	case SPLIT_LISTENERS: return kernel_run_listeners(s->k);
	case SPLIT_OVERFLOWS:
		count = kernel_listen_overflows(q->netns, q->pid);
		answer_add(a, &count, sizeof(count));
		return 0;
	case SPLIT_MISSES: return answer_misses(s);
	case SPLIT_FOLDS: fold_take(s->k, q->number, tell_fold, a); return 0;
	case SPLIT_DETACH: kernel_detach(s->k); return 0;
	case SPLIT_PROGRAM: return answer_program(a, q->pid);
	case SPLIT_CGROUPS: return answer_cgroups(a, q->pid);
	case SPLIT_CGROUP_PATH: return answer_cgroup_path(s, q->value);
	case SPLIT_NAMES: return answer_names(a, q);
	case SPLIT_INTERFACE:
		answer_text(a, kernel_interface_name(s->k, q->netns, q->number));
		return 0;
	case SPLIT_NAMESPACES: procinfo_each_given(tell_name, a); return 0;
	case SPLIT_FILE:
		return s->file ? s->file(s->ctx, q->number, (enum split_file_do)q->flags, ret_fd)
			       : -ENOTSUP;
	case SPLIT_NONE:
	case SPLIT_LOOK:
	case SPLIT_KINDS: break;
	}
	return -EINVAL;
}

static void answer_ask(struct server *s, const struct split_request *q)
{
	int fd = -1, err = answer_one(s, q, &fd);

	if (err < 0)
		s->asks.len = 0;
	answer_send(&s->asks, err, false, fd);
	if (fd >= 0)
		close(fd);
}

/* ---- life ---- */

/* 1 with a request, 0 at the end of the reader, -EBADMSG. */
static int next_request(int fd, bool look, struct split_request *ret)
{
	struct iovec part = {.iov_base = ret, .iov_len = sizeof(*ret)};
	struct msghdr m = {.msg_iov = &part, .msg_iovlen = 1};
	ssize_t n;

	do
		n = recvmsg(fd, &m, 0);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return 0;
	return !(m.msg_flags & MSG_TRUNC) && split_request_is_good(ret, (size_t)n) &&
			       (ret->kind == SPLIT_LOOK) == look
		       ? 1
		       : -EBADMSG;
}

static void *serve_looks(void *ctx)
{
	struct server *s = ctx;
	struct split_request q;
	int got;

	while ((got = next_request(s->fds[SPLIT_LOOKS], true, &q)) > 0) {
		answer_begin(&s->looks, s->fds[SPLIT_LOOKS], q.kind);
		answer_look(s, &q);
	}
	/* Ends the other loop. */
	if (got < 0)
		shutdown(s->fds[SPLIT_ASKS], SHUT_RDWR);
	return NULL;
}

int split_serve(struct kernel *k, const int fds[SPLIT_CHANNELS], split_file_fn file, void *ctx)
{
	static struct server s;
	struct split_request q;
	pthread_t looks;
	int got;

	s = (struct server){.k = k, .file = file, .ctx = ctx, .fds = fds};
	pthread_mutex_init(&s.looks.lock, NULL);
	kernel_leave_rings(k);
	if (pthread_create(&looks, NULL, serve_looks, &s))
		return -EAGAIN;
	pthread_detach(looks); /* it ends with the process */
	while ((got = next_request(fds[SPLIT_ASKS], false, &q)) > 0) {
		answer_begin(&s.asks, fds[SPLIT_ASKS], q.kind);
		answer_ask(&s, &q);
	}
	return got;
}
