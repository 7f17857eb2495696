// SPDX-License-Identifier: GPL-2.0-only
/* split_ask.c - the reader's side: requests to the helper, and what is taken from its answers. */
#include "fail.h"
#include "split_private.h"
#include "wire.h"

#include <errno.h>
#include <net/if.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct channel {
	int fd;
	pthread_mutex_t lock; /* from a request to the end of its answer */
	_Alignas(8) uint8_t data[sizeof(struct split_head) + SPLIT_MESSAGE_MAX];
};

static struct channel channels[SPLIT_CHANNELS] = {
	{.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER},
	{.fd = -1, .lock = PTHREAD_MUTEX_INITIALIZER},
};
static bool is_used;
static volatile bool is_lost;

/* What a message of an answer says, aligned to 8; -EBADMSG when it makes no sense. */
typedef int (*take_fn)(void *ctx, const uint8_t *data, size_t size, bool more);

void split_use(const int fds[SPLIT_CHANNELS])
{
	for (int i = 0; i < SPLIT_CHANNELS; i++)
		channels[i].fd = fds[i];
	is_used = true;
	is_lost = false;
}

void split_stop(void)
{
	for (int i = 0; i < SPLIT_CHANNELS; i++) {
		if (channels[i].fd >= 0)
			close(channels[i].fd);
		channels[i].fd = -1;
	}
}

bool split_is_used(void)
{
	return is_used;
}

bool split_is_lost(void)
{
	return is_lost;
}

/* Its other threads may be in a call with either socket: these are closed by split_stop(). */
static int lose(void)
{
	is_lost = true;
	for (int i = 0; i < SPLIT_CHANNELS; i++)
		shutdown(channels[i].fd, SHUT_RDWR);
	return -EPIPE;
}

/* Of the descriptors that came with a message the first; there is no other. */
static int descriptor_of(struct msghdr *m)
{
	const struct cmsghdr *c = CMSG_FIRSTHDR(m);
	int fd = -1;

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS &&
	    c->cmsg_len == CMSG_LEN(sizeof(fd)))
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* The size of the message, or -1. */
static ssize_t receive(struct channel *c, int *ret_fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	struct iovec part = {.iov_base = c->data, .iov_len = sizeof(c->data)};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = &control,
			   .msg_controllen = sizeof(control)};
	ssize_t n;
	int fd;

	do
		n = recvmsg(c->fd, &m, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	fd = n < 0 ? -1 : descriptor_of(&m);
	if (ret_fd && fd >= 0)
		*ret_fd = fd;
	else if (fd >= 0)
		close(fd);
	return n < 0 || m.msg_flags & (MSG_TRUNC | MSG_CTRUNC) ? -1 : n;
}

static bool send_request(struct channel *c, const struct split_request *q)
{
	ssize_t n;

	do
		n = send(c->fd, q, sizeof(*q), MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n == (ssize_t)sizeof(*q);
}

/* What the helper says of it, or -EPIPE. */
static int ask_on(struct channel *c, const struct split_request *q, take_fn take, void *ctx,
		  int *ret_fd)
{
	const uint8_t *content = c->data + sizeof(struct split_head);
	struct split_head head = {.more = 1};

	if (is_lost || c->fd < 0 || !send_request(c, q))
		return lose();
	while (head.more) {
		ssize_t n = receive(c, ret_fd);

		if (n < 0 || !split_answer_is_good(c->data, (size_t)n, q->kind))
			return lose();
		memcpy(&head, c->data, sizeof(head));
		if ((head.more || head.result == 0) && take &&
		    take(ctx, content, head.size, head.more) < 0)
			return lose();
	}
	return head.result;
}

static int ask(const struct split_request *q, take_fn take, void *ctx, int *ret_fd)
{
	struct channel *c = &channels[q->kind == SPLIT_LOOK ? SPLIT_LOOKS : SPLIT_ASKS];
	int err;

	pthread_mutex_lock(&c->lock);
	err = ask_on(c, q, take, ctx, ret_fd);
	pthread_mutex_unlock(&c->lock);
	return err;
}

/* ---- answers of one size ---- */

struct fixed {
	void *to;
	size_t size;
};

static int take_fixed(void *ctx, const uint8_t *data, size_t size, bool more)
{
	const struct fixed *f = ctx;

	if (more || size != f->size)
		return -EBADMSG;
	memcpy(f->to, data, size);
	return 0;
}

static int ask_fixed(const struct split_request *q, void *ret, size_t size)
{
	struct fixed f = {ret, size};

	return ask(q, take_fixed, &f, NULL);
}

bool split_port_range(uint32_t netns, uint32_t pid, struct port_range *ret)
{
	return ask_fixed(&(struct split_request){.kind = SPLIT_RANGE, .netns = netns, .pid = pid},
			 ret, sizeof(*ret)) == 0;
}

uint64_t split_listen_overflows(uint32_t netns, uint32_t pid)
{
	const struct split_request q = {.kind = SPLIT_OVERFLOWS, .netns = netns, .pid = pid};
	uint64_t count;

	return ask_fixed(&q, &count, sizeof(count)) == 0 ? count : UINT64_MAX;
}

bool split_misses(uint64_t *ret, size_t count)
{
	return ask_fixed(&(struct split_request){.kind = SPLIT_MISSES}, ret,
			 count * sizeof(*ret)) == 0;
}

int split_run_listeners(void)
{
	return ask_fixed(&(struct split_request){.kind = SPLIT_LISTENERS}, NULL, 0);
}

void split_detach(void)
{
	ask_fixed(&(struct split_request){.kind = SPLIT_DETACH}, NULL, 0);
}

int split_file(unsigned int file, enum split_file_do what, int *ret_fd)
{
	const struct split_request q = {.kind = SPLIT_FILE, .number = file, .flags = what};
	int fd = -1, err = ask(&q, NULL, NULL, &fd);

	if (ret_fd)
		*ret_fd = fd;
	return err;
}

/* ---- texts ---- */

struct text {
	char *to;
	size_t size, len; /* with a NUL */
};

static int take_text(void *ctx, const uint8_t *data, size_t size, bool more)
{
	struct text *t = ctx;

	if (more || size >= t->size)
		return -EBADMSG;
	memcpy(t->to, data, size);
	t->to[size] = '\0';
	t->len = size;
	return 0;
}

ssize_t split_cgroups(uint32_t pid, char *out, size_t size)
{
	const struct split_request q = {.kind = SPLIT_CGROUPS, .pid = pid};
	struct text text = {.to = out, .size = size};
	int err = ask(&q, take_text, &text, NULL);

	return err < 0 ? err : (ssize_t)text.len;
}

char *split_cgroup_path(uint64_t id)
{
	const struct split_request q = {.kind = SPLIT_CGROUP_PATH, .value = id};
	char path[SPLIT_TEXT_MAX];
	struct text text = {.to = path, .size = sizeof(path)};

	return ask(&q, take_text, &text, NULL) == 0 ? strdup(path) : NULL;
}

void split_interface(uint32_t netns, uint32_t ifindex, char *out)
{
	const struct split_request q = {.kind = SPLIT_INTERFACE, .netns = netns, .number = ifindex};
	struct text text = {.to = out, .size = IF_NAMESIZE};

	if (ask(&q, take_text, &text, NULL) < 0)
		out[0] = '\0';
}

static int take_program(void *ctx, const uint8_t *data, size_t size, bool more)
{
	return more ? -EBADMSG : split_take_program(data, size, ctx);
}

int split_program(uint32_t pid, struct process_reading *ret)
{
	return ask(&(struct split_request){.kind = SPLIT_PROGRAM, .pid = pid}, take_program, ret,
		   NULL);
}

struct names {
	char *container, *pod;
};

static int take_names(void *ctx, const uint8_t *data, size_t size, bool more)
{
	struct names *n = ctx;

	return more ? -EBADMSG : split_take_names(data, size, &n->container, &n->pod);
}

void split_names(const char *id, const char *pod_uid, char **ret_container, char **ret_pod)
{
	struct split_request q = {.kind = SPLIT_NAMES};
	struct names n = {0};

	if (split_number_of(id, 2 * sizeof(q.id), q.id) &&
	    (!pod_uid || split_number_of(pod_uid, 2 * sizeof(q.pod), q.pod)))
		ask(&q, take_names, &n, NULL);
	*ret_container = n.container;
	*ret_pod = n.pod;
}

/* ---- many ---- */

struct folds {
	size_t count;
	struct wire_fold fold[FOLD_SLOTS];
};

static int take_folds(void *ctx, const uint8_t *data, size_t size, bool more)
{
	struct folds *f = ctx;
	size_t count = size / sizeof(f->fold[0]);

	(void)more;
	if (size % sizeof(f->fold[0]) || count > FOLD_SLOTS - f->count)
		return -EBADMSG;
	memcpy(&f->fold[f->count], data, size);
	f->count += count;
	return 0;
}

/* Told when the answer has ended, because who is told asks more. */
void split_folds(unsigned int which, split_fold_fn fn, void *ctx)
{
	struct folds *f = calloc(1, sizeof(*f));

	if (f)
		ask(&(struct split_request){.kind = SPLIT_FOLDS, .number = which}, take_folds, f,
		    NULL);
	for (size_t i = 0; f && i < f->count; i++)
		fn(ctx, &f->fold[i]);
	free(f);
}

struct given {
	split_name_fn fn;
	void *ctx;
};

static int take_namespaces(void *ctx, const uint8_t *data, size_t size, bool more)
{
	const struct given *g = ctx;

	(void)more;
	while (size) {
		const struct split_item_head *h = split_item(data, size);

		if (!h || h->type != SPLIT_I_NAME)
			return -EBADMSG;
		g->fn(g->ctx, h->number, ((const struct split_name *)h)->name);
		data += h->size;
		size -= h->size;
	}
	return 0;
}

void split_namespaces(split_name_fn fn, void *ctx)
{
	struct given g = {fn, ctx};

	ask(&(struct split_request){.kind = SPLIT_NAMESPACES}, take_namespaces, &g, NULL);
}

/* ---- a look ---- */

struct look {
	const struct look_sink *sink;
	struct look_task task;
	struct split_look_end end;
};

static int take_look(void *ctx, const uint8_t *data, size_t size, bool more)
{
	struct look *l = ctx;

	return more ? split_take_items(&l->task, data, size, l->sink)
		    : split_take_end(data, size, &l->end);
}

int split_look(const struct look_request *request, const struct look_sink *sink,
	       struct kernel_error *error, struct split_looked *ret)
{
	const struct split_request q = split_look_request(request);
	struct look l = {.sink = sink};
	int err = ask(&q, take_look, &l, NULL);

	*ret = (struct split_looked){.missed_rings = l.end.missed_rings || err,
				     .malformed = l.end.malformed};
	if (err == 0)
		err = l.end.result;
	else
		return kernel_fail(error, err, "cannot look at sockets: the helper has ended");
	memcpy(error->text, l.end.error, sizeof(l.end.error));
	return err;
}
