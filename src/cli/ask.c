// SPDX-License-Identifier: GPL-2.0-only
#include "ask.h"

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
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"
#include "past.h"
#include "past_wire.h"
#include "procinfo.h"
#include "serve.h"
#include "store.h"

/* A trace greets once it has drained its ring.  All hung traces delay a listing by this once. */
#define FIRST_NS (NSEC_PER_SEC / 10)
#define ALL_NS	 NSEC_PER_SEC
#define TRACES	 16
#define IN_BYTES (256u << 10)
/* tcp_fin_timeout and TIME_WAIT are a minute each; longer ones are rare. */
#define LEFT_NS (300 * NSEC_PER_SEC)

struct trace {
	char name[16]; /* of the socket: its pid */
	struct timespec made;
};

struct asking {
	struct past *past;
	int fd;
	const uint8_t *out;
	size_t out_len, in_len;
	bool hello, end, no_args;
	uint8_t in[IN_BYTES];
	struct past_answer answer;
};

/* ---- running traces ---- */

static int compare_traces(const void *a, const void *b)
{
	const struct trace *x = a, *y = b;

	if (x->made.tv_sec != y->made.tv_sec)
		return x->made.tv_sec < y->made.tv_sec ? -1 : 1;
	return x->made.tv_nsec < y->made.tv_nsec ? -1 : x->made.tv_nsec > y->made.tv_nsec;
}

/* The oldest first: it has seen most. */
static size_t find_traces(int dir, struct trace *ret)
{
	int fd = dup(dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;
	size_t count = 0;

	if (!d) {
		if (fd >= 0)
			close(fd);
		return 0;
	}
	while (count < TRACES && (entry = readdir(d))) {
		struct trace *t = &ret[count];
		struct stat st;

		if (strlen(entry->d_name) >= sizeof(t->name) ||
		    strspn(entry->d_name, "0123456789") != strlen(entry->d_name) ||
		    fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0 ||
		    !S_ISSOCK(st.st_mode))
			continue;
		strcpy(t->name, entry->d_name);
		t->made = st.st_mtim;
		count++;
	}
	closedir(d);
	qsort(ret, count, sizeof(*ret), compare_traces);
	return count;
}

/* A descriptor, or -errno.  A socket file that nobody listens on any more is removed. */
static int connect_to(int dir, const char *name)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err = 0;

	if (fd < 0)
		return -errno;
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%.15s", dir, name);
	if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) < 0)
		err = -errno;
	else if (!serve_trusts(fd))
		err = -EPERM;
	if (err == -ECONNREFUSED)
		unlinkat(dir, name, 0);
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
		if (k->no_args) {
			k->answer.program.args = NULL;
			k->answer.program.args_len = 0;
			k->answer.program.args_cut = false;
		}
		if (k->answer.kind == PAST_LIFE)
			past_apply(k->past, &k->answer.life, 0);
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
static int talk_until(struct asking *k, uint64_t begin_ns)
{
	while (!k->end) {
		uint64_t now = kernel_now(), end = begin_ns + (k->hello ? ALL_NS : FIRST_NS);
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

static void ask_trace(const struct ask *a, struct past *p, int dir, const char *name,
		      const uint8_t *question, size_t len)
{
	struct asking *k = calloc(1, sizeof(*k));
	uint64_t begin = kernel_now();
	int err = k ? connect_to(dir, name) : -ENOMEM;

	if (err >= 0) {
		k->past = p;
		k->no_args = a->no_args;
		k->fd = err;
		k->out = question;
		k->out_len = len;
		err = talk_until(k, begin);
		close(k->fd);
	}
	if (k && err < 0)
		say_failed(name, err);
	free(k);
}

/*
 * The question about every socket of which something is unknown; returns its length, 0 when there
 * is none.
 */
static size_t make_question(const struct past *p, uint8_t **ret)
{
	struct past_question q = {.magic = PAST_MAGIC, .version = PAST_VERSION, .size = sizeof(q)};
	size_t len = sizeof(q);
	uint8_t *bytes = malloc(sizeof(q) + 8 * p->listing->socket_count);

	for (uint32_t i = 0; bytes && i < p->listing->socket_count && q.count < PAST_COOKIES_MAX;
	     i++) {
		uint64_t cookie = past_wants(p, i);

		if (!cookie)
			continue;
		memcpy(bytes + len, &cookie, sizeof(cookie));
		len += sizeof(cookie);
		q.count++;
	}
	*ret = bytes;
	if (!bytes || !q.count)
		return 0;
	memcpy(bytes, &q, sizeof(q));
	return len;
}

/*
 * Keeps those that greet: all get the time of one, however many hang.  They are left at once and asked one after the
 * other, since a trace that is held while another is waited for keeps other listings from it.
 */
static size_t drop_silent(int dir, struct trace *traces, size_t count)
{
	struct pollfd fds[TRACES];
	uint64_t now = kernel_now(), end = now + FIRST_NS;
	size_t silent = 0, kept = 0;

	for (size_t i = 0; i < count; i++) {
		int fd = connect_to(dir, traces[i].name);

		if (fd < 0) {
			say_failed(traces[i].name, fd);
			continue;
		}
		fds[silent] = (struct pollfd){.fd = fd, .events = POLLIN};
		traces[silent++] = traces[i];
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
			traces[kept++] = traces[i];
			continue;
		}
		close(fds[i].fd);
		say_failed(traces[i].name, -ETIMEDOUT);
	}
	return kept;
}

static void ask_traces(const struct ask *a, struct past *p, int dir, struct trace *traces,
		       size_t count)
{
	uint64_t begin = kernel_now();

	if (count > 1)
		count = drop_silent(dir, traces, count);
	for (size_t i = 0; i < count && kernel_now() - begin < ALL_NS; i++) {
		uint8_t *question;
		size_t len = make_question(p, &question);

		if (len)
			ask_trace(a, p, dir, traces[i].name, question, len);
		free(question);
	}
}

/* ---- a store ---- */

struct reading {
	struct past *past;
	int64_t offset_ns;
};

static bool on_stored(void *ctx, const struct event *life)
{
	struct reading *r = ctx;

	past_apply(r->past, life, r->offset_ns);
	return r->past->unknown > 0;
}

static bool on_left(void *ctx, const struct event *life)
{
	struct reading *r = ctx;

	past_apply(r->past, life, r->offset_ns);
	return r->past->left_unknown > 0;
}

static uint64_t wall_now(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * NSEC_PER_SEC + (uint64_t)t.tv_nsec;
}

static int ask_store(struct ask *a, struct past *p)
{
	struct reading r = {.past = p, .offset_ns = kernel_wall_offset()};
	struct store_error error = {""};
	char boot_id[64];
	int err = 0;

	command_boot_id(boot_id, sizeof(boot_id));
	if (!boot_id[0])
		return 0;
	if (p->left_unknown)
		err = store_read_past(a->store, boot_id, false, wall_now() - LEFT_NS, on_left, &r,
				      &error);
	if (!err && p->unknown)
		err = store_read_past(a->store, boot_id, true, 0, on_stored, &r, &error);
	if (err)
		log_error("%s: %s", a->store_file, error.text);
	return err ? 1 : 0;
}

/* ---- both ---- */

void command_boot_id(char *out, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

int ask_open(struct ask *a, const struct options *options)
{
	struct store_error error = {""};

	*a = (struct ask){.store_file = options->store_file, .no_args = options->no_args};
	if (!options->store_file)
		return 0;
	a->store = store_reader_open(options->store_file, wall_now(), &error);
	if (a->store && a->no_args)
		store_reader_leave_out_args(a->store);
	if (a->store)
		return 0;
	log_error("%s", error.text);
	return EXIT_USAGE;
}

/* Who left a socket may have ended since. */
static void find_ended(struct listing *l, size_t first)
{
	for (size_t i = first; i < l->task_count; i++) {
		const struct process *p = &l->tasks[i].process;

		l->tasks[i].ended = !procinfo_lives(p->pid, p->program ? p->program->start_ns : 0);
	}
}

int ask_fill(struct ask *a, struct listing *l)
{
	struct trace traces[TRACES];
	int dir = serve_directory(false), code = 0;
	size_t count = dir < 0 ? 0 : find_traces(dir, traces), tasks = l->task_count;
	struct past past;

	if (dir < 0 && dir != -ENOENT)
		serve_say_refused(dir, "what running traces have seen is missing here");
	if (count || a->store) {
		if (past_init(&past, l)) {
			log_error("no memory");
			code = 1;
		} else {
			ask_traces(a, &past, dir, traces, count);
			if (a->store)
				code = ask_store(a, &past);
			past_done(&past);
			find_ended(l, tasks);
		}
	}
	if (dir >= 0)
		close(dir);
	return code;
}

void ask_close(struct ask *a)
{
	store_reader_close(a->store);
	a->store = NULL;
}
