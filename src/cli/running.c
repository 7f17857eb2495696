// SPDX-License-Identifier: GPL-2.0-only
#include "running.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "kernel.h"
#include "log.h"
#include "serve.h"
#include "units.h"

#define IN_BYTES (256u << 10)

struct asking {
	void (*fn)(void *ctx, struct past_answer *answer);
	void *ctx;
	int fd;
	const uint8_t *out;
	size_t out_len, in_len;
	bool hello, end;
	uint8_t in[IN_BYTES];
	struct past_answer answer;
};

static int compare_traces(const void *a, const void *b)
{
	const struct running *x = a, *y = b;

	if (x->made.tv_sec != y->made.tv_sec)
		return x->made.tv_sec < y->made.tv_sec ? -1 : 1;
	return x->made.tv_nsec < y->made.tv_nsec ? -1 : x->made.tv_nsec > y->made.tv_nsec;
}

bool running_open(struct running_places *ret, const char *loss)
{
	ret->own = serve_directory(false);
	ret->recorder = serve_recorder(&ret->owner);
	if (ret->own >= 0 || ret->own == -ENOENT)
		return true;
	serve_say_refused(ret->own, loss);
	return false;
}

void running_close(struct running_places *p)
{
	if (p->own >= 0)
		close(p->own);
	if (p->recorder >= 0)
		close(p->recorder);
}

/* Adds those of a directory to the first `count`; the new count. */
static size_t add_from(int dir, uid_t owner, struct running *ret, size_t count)
{
	int fd = dir < 0 ? -1 : dup(dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return count;
	}
	while (count < RUNNING_MAX && (entry = readdir(d))) {
		struct running *t = &ret[count];
		struct stat st;

		if (strlen(entry->d_name) >= sizeof(t->name) ||
		    strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISSOCK(st.st_mode))
			continue;
		t->dir = dir;
		t->owner = owner;
		strcpy(t->name, entry->d_name);
		t->made = st.st_mtim;
		count++;
	}
	closedir(d);
	return count;
}

/* The unit's first: of others there may be too many. */
size_t running_find(const struct running_places *p, struct running *ret)
{
	size_t count = add_from(p->recorder, p->owner, ret, 0);

	count = add_from(p->own, geteuid(), ret, count);
	qsort(ret, count, sizeof(*ret), compare_traces);
	return count;
}

/* A descriptor, or -errno.  A socket file that nobody listens on any more is removed. */
static int connect_to(const struct running *of)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.15s", of->dir,
		 of->name);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	else if (!serve_trusts(fd, of->owner))
		err = -EPERM;
	if (err == -ECONNREFUSED)
		unlinkat(of->dir, of->name, 0);
	if (err)
		close(fd);
	return err ? err : fd;
}

/* 0 or -EBADMSG. */
static int take_answers(struct asking *k)
{
	size_t at = 0;

	while (!k->end) {
		long n = past_read(k->in + at, k->in_len - at, &k->answer);

		if (n == 0)
			break;
		if (n < 0 || (k->answer.kind == PAST_HELLO) == k->hello)
			return -EBADMSG;
		at += (size_t)n;
		k->hello = true;
		k->end = k->answer.kind == PAST_END;
		if (k->answer.kind != PAST_HELLO && !k->end)
			k->fn(k->ctx, &k->answer);
	}
	k->in_len -= at;
	memmove(k->in, k->in + at, k->in_len);
	return 0;
}

/* One step of writing and reading; 0 or -errno, -EAGAIN among them. */
static int talk(struct asking *k)
{
	ssize_t n;

	if (k->out_len) {
		n = send(k->fd, k->out, k->out_len, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (n > 0) {
			k->out += n;
			k->out_len -= (size_t)n;
		}
	}
	n = recv(k->fd, k->in + k->in_len, sizeof(k->in) - k->in_len, 0);
	if (n == 0)
		return -EPIPE;
	if (n < 0)
		return errno == EINTR ? -EAGAIN : -errno;
	k->in_len += (size_t)n;
	return take_answers(k);
}

/* Until it has told all, or the time is over: -ETIMEDOUT. */
static int talk_until(struct asking *k, uint64_t begin_ns, uint64_t greet_ns)
{
	while (!k->end) {
		uint64_t now = kernel_now(),
			 end = begin_ns + greet_ns + (k->hello ? RUNNING_NS : 0);
		struct pollfd fd = {.fd = k->fd, .events = POLLIN};
		int err = talk(k);

		if (err && err != -EAGAIN)
			return err;
		if (k->end || !err)
			continue;
		if (now >= end)
			return -ETIMEDOUT;
		if (k->out_len)
			fd.events |= POLLOUT;
		poll(&fd, 1, (int)((end - now) / 1000000) + 1);
	}
	return 0;
}

static void say_failed(const char *name, int err)
{
	/* EAGAIN: so many wait for its answer that there is no place for one more. */
	if (err == -ETIMEDOUT || err == -EAGAIN)
		log_say("the trace of process %s does not answer in time: what it has seen may be "
			"missing here",
			name);
	else if (err == -EBADMSG)
		log_say("the trace of process %s is of another version of sockwatch: what it has "
			"seen is missing here",
			name);
}

int running_ask(const struct running *of, const void *question, size_t len, uint64_t greet_ns,
		void (*fn)(void *ctx, struct past_answer *answer), void *ctx)
{
	struct asking *k = calloc(1, sizeof(*k));
	uint64_t begin = kernel_now();
	int err = k ? connect_to(of) : -ENOMEM;

	if (err >= 0) {
		k->fn = fn;
		k->ctx = ctx;
		k->fd = err;
		k->out = question;
		k->out_len = len;
		err = talk_until(k, begin, greet_ns);
		close(k->fd);
	}
	if (k && err < 0)
		say_failed(of->name, err);
	free(k);
	return err;
}

/*
 * Keeps those that greet: all get the time of one, however many hang.  They are left at once and asked one after the
 * other, since a trace that is held while another is waited for keeps other listings from it.
 */
size_t running_keep_alive(struct running *list, size_t count, uint64_t greet_ns)
{
	struct pollfd fds[RUNNING_MAX];
	uint64_t now = kernel_now(), end = now + greet_ns;
	size_t silent = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		int fd = connect_to(&list[i]);

		if (fd < 0) {
			say_failed(list[i].name, fd);
			continue;
		}
		fds[silent] = (struct pollfd){.fd = fd, .events = POLLIN};
		list[silent++] = list[i];
	}
	count = silent;
	for (; silent && now < end; now = kernel_now()) {
		poll(fds, count, (int)((end - now) / 1000000) + 1);
		for (size_t i = 0; i < count; i++) {
			if (fds[i].fd < 0 || !fds[i].revents)
				continue;
			close(fds[i].fd);
			fds[i].fd = -1;
			silent--;
		}
	}
	for (size_t i = 0; i < count; i++) {
		if (fds[i].fd < 0) {
			list[kept++] = list[i];
			continue;
		}
		close(fds[i].fd);
		say_failed(list[i].name, -ETIMEDOUT);
	}
	return kept;
}

struct status_taker {
	void (*fn)(void *ctx, const struct status *status);
	void *ctx;
};

static void take_status(void *ctx, struct past_answer *answer)
{
	const struct status_taker *t = ctx;

	if (answer->kind == PAST_STATUS)
		t->fn(t->ctx, &answer->status);
}

int running_ask_status(const struct running *of, uint64_t greet_ns,
		       void (*fn)(void *ctx, const struct status *status), void *ctx)
{
	const struct past_question question = {.magic = PAST_MAGIC,
					       .version = PAST_VERSION,
					       .size = sizeof(question),
					       .subject = PAST_OF_STATUS};
	struct status_taker taker = {fn, ctx};

	return running_ask(of, &question, sizeof(question), greet_ns, take_status, &taker);
}

struct search {
	char *path;
	size_t size;
	bool found;
};

static void on_status(void *ctx, const struct status *status)
{
	struct search *s = ctx;
	const char *const *text = status->text;

	if (s->found || !text[STATUS_COMMAND] || !text[STATUS_FILE] ||
	    strcmp(text[STATUS_COMMAND], "record") != 0)
		return;
	s->found = (size_t)snprintf(s->path, s->size, "%s", text[STATUS_FILE]) < s->size;
}

bool running_store(char *ret, size_t size)
{
	struct search s = {.path = ret, .size = size};
	struct running list[RUNNING_MAX];
	struct running_places places;
	size_t count;

	running_open(&places, "a recorder that runs is not found");
	count = running_find(&places, list);
	for (size_t i = 0; i < count && !s.found; i++)
		running_ask_status(&list[i], RUNNING_NS, on_status, &s);
	running_close(&places);
	return s.found;
}
