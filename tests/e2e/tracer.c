// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "scenario.h"
#include "skipped.h"
#include "tracer.h"

#define MAX_TRACERS   24
#define MAX_LINES     2000000
#define READ_SIZE     65536
#define MAX_BAD_SHOWN 5
#define SHOWN_LAST    20
#define MOST_BEHIND   12

const char *tracer_program, *tracer_hooks, *tracer_btf;

static struct tracer *tracers, *shared;
static struct skipped skipped; /* by the shared one */

static bool make_room(struct tracer *t)
{
	size_t cap = t->cap ? t->cap * 2 : 256;
	struct line **grown;

	if (t->count < t->cap)
		return true;
	grown = cap <= MAX_LINES ? realloc(t->line, cap * sizeof(*grown)) : NULL;
	if (!grown) {
		snprintf(t->bad, sizeof(t->bad), "too many lines for one scenario");
		return false;
	}
	t->line = grown;
	t->cap = cap;
	return true;
}

/* False when the line breaks the contract by itself, and is shown then, or cannot be kept. */
static bool keep_line(struct tracer *t, const char *text)
{
	struct line *line = calloc(1, sizeof(*line));
	bool good;

	if (!line)
		scenario_fail("out of memory");
	t->total++;
	good = line_parse(line, text) == 0;
	if (!good) {
		if (t->bad_count++ < MAX_BAD_SHOWN)
			scenario_show(line);
		snprintf(t->bad, sizeof(t->bad), "%s", line->why);
	} else {
		t->last_ns = line->time_ns;
		t->kind[line->kind]++;
		t->lost += line->lost_count;
		t->lost_sockets += line->lost_sockets;
		t->lost_processes += line->lost_processes;
	}
	if (t->count_only || !make_room(t)) {
		line_done(line);
		free(line);
		return good && t->count_only;
	}
	t->line[t->count++] = line;
	return good;
}

/* Cuts what was read into lines; the rest waits for more. */
static void cut_lines(struct tracer *t)
{
	char *start = t->partial, *end = t->partial + t->partial_len, *newline;
	bool good = true;

	while ((newline = memchr(start, '\n', (size_t)(end - start)))) {
		*newline = '\0';
		if (strlen(start) != (size_t)(newline - start))
			scenario_fail("a NUL in the output");
		good &= keep_line(t, start);
		start = newline + 1;
	}
	t->partial_len = (size_t)(end - start);
	memmove(t->partial, start, t->partial_len);
	if (!good)
		scenario_fail("an unusable line: %s", t->bad);
	if (t->partial_len >= READ_SIZE)
		scenario_fail("a line longer than %d bytes", READ_SIZE);
}

static void read_out(struct tracer *t)
{
	ssize_t n = read(t->out, t->partial + t->partial_len, READ_SIZE);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(t->out);
		t->out = -1;
		t->is_cut = t->partial_len > 0;
		return;
	}
	t->partial_len += (size_t)n;
	cut_lines(t);
}

static bool has_ready_line(const struct tracer *t)
{
	const char *at = t->words;

	while ((at = strstr(at, "sockwatch: tracing"))) {
		if ((at == t->words || at[-1] == '\n') && strchr(at, '\n'))
			return true;
		at++;
	}
	return false;
}

static void read_err(struct tracer *t)
{
	char rest[1024];
	size_t room = sizeof(t->words) - 1 - t->words_len;
	ssize_t n = room ? read(t->err, t->words + t->words_len, room)
			 : read(t->err, rest, sizeof(rest));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		close(t->err);
		t->err = -1;
		return;
	}
	if (room)
		t->words_len += (size_t)n;
	t->words[t->words_len] = '\0';
	t->ready = t->ready || has_ready_line(t);
}

bool tracer_pump(int fd, uint64_t deadline)
{
	struct pollfd p[2 * MAX_TRACERS + 1] = {{.fd = fd, .events = POLLIN}};
	struct tracer *of[2 * MAX_TRACERS + 1];
	nfds_t n = 1;

	for (struct tracer *t = tracers; t; t = t->next) {
		of[n] = t;
		p[n++] = (struct pollfd){.fd = t->stopped ? -1 : t->out, .events = POLLIN};
		of[n] = t;
		p[n++] = (struct pollfd){.fd = t->err, .events = POLLIN};
	}
	if (poll(p, n, deadline_left(deadline)) < 0 && errno != EINTR)
		scenario_fail("poll: %s", strerror(errno));
	for (nfds_t i = 1; i < n; i++) {
		if (p[i].fd < 0 || !p[i].revents)
			continue;
		if (i % 2)
			read_out(of[i]);
		else
			read_err(of[i]);
	}
	return fd >= 0 && p[0].revents;
}

int tracer_add_kernel(const char **argv, int n)
{
	if (tracer_hooks) {
		argv[n++] = "--hooks";
		argv[n++] = tracer_hooks;
	}
	if (tracer_btf) {
		argv[n++] = "--btf";
		argv[n++] = tracer_btf;
	}
	return n;
}

static void exec_program(int out, int err, const char *const *args)
{
	const char *argv[32] = {tracer_program, "trace", "-o", "json"};
	int n = tracer_add_kernel(argv, 4);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGPIPE, SIG_DFL);
	while (args && *args && n < 31)
		argv[n++] = *args++;
	argv[n] = NULL;
	if (dup2(out, STDOUT_FILENO) < 0 || dup2(err, STDERR_FILENO) < 0)
		_exit(126);
	execv(tracer_program, (char *const *)(uintptr_t)argv);
	dprintf(STDERR_FILENO, "cannot run %s: %s\n", tracer_program, strerror(errno));
	_exit(127);
}

struct tracer *tracer_spawn(const char *const *args)
{
	struct tracer *t = calloc(1, sizeof(*t));
	int out[2], err[2], count = 0;

	for (const struct tracer *other = tracers; other; other = other->next)
		count++;
	if (!t || count == MAX_TRACERS || !(t->partial = malloc(2 * READ_SIZE)) ||
	    pipe2(out, O_CLOEXEC) < 0 || pipe2(err, O_CLOEXEC) < 0)
		scenario_fail("cannot start a tracer: %s", strerror(errno));
	fflush(NULL);
	t->pid = fork();
	if (t->pid < 0)
		scenario_fail("fork: %s", strerror(errno));
	if (t->pid == 0)
		exec_program(out[1], err[1], args);
	close(out[1]);
	close(err[1]);
	t->out = out[0];
	t->err = err[0];
	fcntl(t->out, F_SETFL, O_NONBLOCK);
	fcntl(t->err, F_SETFL, O_NONBLOCK);
	t->next = tracers;
	tracers = t;
	return t;
}

__attribute__((noreturn)) static void give_up(const struct tracer *t)
{
	if (tracer_hooks && strstr(t->words, "cannot be used on this kernel"))
		scenario_skip("%s", t->words);
	scenario_fail("the tracer did not get ready; it said: %s", t->words);
}

struct tracer *tracer_open(const char *const *args)
{
	struct tracer *t = tracer_spawn(args);
	uint64_t deadline = deadline_in(20000);

	while (!t->ready) {
		if (t->err < 0 || deadline_left(deadline) == 0)
			give_up(t);
		tracer_pump(-1, deadline);
	}
	return t;
}

void tracer_forget(struct tracer *t)
{
	for (size_t i = 0; i < t->count; i++) {
		line_done(t->line[i]);
		free(t->line[i]);
	}
	t->count = 0;
	t->bad_count = 0;
}

void tracer_close(struct tracer *t)
{
	struct tracer **at = &tracers;

	if (!t)
		return;
	while (*at && *at != t)
		at = &(*at)->next;
	if (*at)
		*at = t->next;
	if (!t->ended) {
		kill(t->pid, SIGKILL);
		waitpid(t->pid, &t->status, 0);
	}
	if (t->out >= 0)
		close(t->out);
	if (t->err >= 0)
		close(t->err);
	tracer_forget(t);
	if (t == shared) {
		shared = NULL;
		skipped_end(&skipped);
	}
	free(t->line);
	free(t->partial);
	free(t);
}

void tracer_close_all(void)
{
	while (tracers)
		tracer_close(tracers);
}

void tracer_settle(void)
{
	struct tracer *t = tracers, *next;

	for (; t; t = next) {
		next = t->next;
		if (t != shared || t->out < 0 || t->err < 0)
			tracer_close(t);
		else
			tracer_forget(t);
	}
}

int tracer_wait_exit(struct tracer *t, int signal)
{
	uint64_t deadline = deadline_in(10000);

	if (signal)
		kill(t->pid, signal);
	while (t->err >= 0 || (t->out >= 0 && !t->stopped)) {
		if (deadline_left(deadline) == 0)
			scenario_fail("the tracer did not end; it said: %s", t->words);
		tracer_pump(-1, deadline);
	}
	/* Both pipes are closed, so the process is past its last write. */
	if (waitpid(t->pid, &t->status, 0) != t->pid)
		scenario_fail("waitpid: %s", strerror(errno));
	t->ended = true;
	if (!WIFEXITED(t->status))
		scenario_fail("the tracer died of signal %d; it said: %s", WTERMSIG(t->status),
			      t->words);
	/* It waits half a second for a reader who takes nothing, and says so. */
	if (strstr(t->words, "has stopped reading") && WEXITSTATUS(t->status) == 4)
		scenario_skip("this machine is so busy that nobody read for half a second: %s", t->words);
	if (t->is_cut)
		scenario_fail("the output ends within a line; it said: %s", t->words);
	return WEXITSTATUS(t->status);
}

bool tracer_is_withheld(const struct tracer *t)
{
	static const char lost[] = "losing events: ", withheld[] = "the kernel left ";
	const char *at = strstr(t->words, lost);
	bool any = at != NULL;

	for (; at; at = strstr(at, lost)) {
		at += sizeof(lost) - 1;
		if (strncmp(at, withheld, sizeof(withheld) - 1) != 0)
			return false;
	}
	return any;
}

void tracer_end(struct tracer *t, int signal, int code)
{
	int status = tracer_wait_exit(t, signal);

	if (status != code && !(code == 0 && status == 4 && tracer_is_withheld(t)))
		scenario_fail("the tracer's exit code is %d, not %d; it said: %s", status, code,
			      t->words);
}

struct tracer *tracer_shared(void)
{
	if (!shared) {
		struct tracer *t = tracer_open(NULL);

		shared = t;
		skipped_begin(&skipped, t->pid);
	}
	return shared;
}

unsigned int tracer_times_withheld(void)
{
	unsigned int times = 0;

	for (const struct tracer *t = tracers; t; t = t->next) {
		for (const char *at = t->words; (at = strstr(at, "the kernel left ")); at++)
			times++;
	}
	return times;
}

int64_t tracer_skipped(void)
{
	return shared ? skipped_count(&skipped) : 0;
}

/* The process state of /proc: R under load, S when it has read all there is. */
static char state_of(pid_t pid)
{
	char path[32], text[256] = "";
	const char *at;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	at = strrchr(text, ')');
	return at && at[1] ? at[2] : '-';
}

const char *tracer_saw(const struct tracer *t, size_t from)
{
	static char text[1024];
	const char *last = t->count > from ? t->line[t->count - 1]->text : NULL;

	snprintf(text, sizeof(text),
		 "saw %zu lines meanwhile, %zu before, %llu events lost, the tracer in state %c; "
		 "the last line: %.300s; it said: %.400s",
		 t->count - from, from, (unsigned long long)t->lost, state_of(t->pid),
		 last ? last : "none", t->words);
	return text;
}

static uint64_t wall_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

bool tracer_wait(struct tracer *t, unsigned int ms,
		 bool (*seen)(const struct tracer *, const void *), const void *ctx)
{
	uint64_t deadline = deadline_in(ms), end = deadline_in(MOST_BEHIND * ms);
	uint64_t begin_ns = wall_now(), total = t->total;

	while (!seen(t, ctx)) {
		if (deadline_left(deadline) == 0 || t->out < 0)
			return false;
		tracer_pump(-1, deadline);
		if (t->total == total || t->last_ns >= begin_ns)
			continue;
		total = t->total;
		deadline = deadline_in(ms) < end ? deadline_in(ms) : end;
	}
	return true;
}

void tracer_await(struct tracer *t, unsigned int ms, const char *what,
		  bool (*seen)(const struct tracer *, const void *), const void *ctx)
{
	size_t from = t->count;
	char saw[1024];

	if (tracer_wait(t, ms, seen, ctx))
		return;
	snprintf(saw, sizeof(saw), "%s", tracer_saw(t, from));
	for (size_t i = t->count > SHOWN_LAST ? t->count - SHOWN_LAST : 0; i < t->count; i++)
		scenario_show(t->line[i]);
	scenario_fail("waited %u ms in vain for %s, which %s; %s", ms, what,
		      tracer_wait(t, ms, seen, ctx) ? "came later" : "did not come later either",
		      saw);
}

struct marker {
	size_t from;
	uint64_t cookie;
};

static bool has_bind(const struct tracer *t, const void *ctx)
{
	const struct marker *m = ctx;

	for (size_t i = m->from; i < t->count; i++) {
		if (t->line[i]->kind == LINE_BIND && t->line[i]->cookie == m->cookie)
			return true;
	}
	return false;
}

void tracer_fence(struct tracer *t)
{
	struct sockaddr_in any = {.sin_family = AF_INET};
	struct marker m = {.from = t->count};
	socklen_t len = sizeof(m.cookie);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any, sizeof(any)) < 0 ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &m.cookie, &len) < 0)
		scenario_fail("cannot make a marker: %s", strerror(errno));
	close(fd);
	tracer_await(t, 5000, "the bind event of a marker socket", has_bind, &m);
}
