// SPDX-License-Identifier: GPL-2.0-only
/* Processes that are more than their first thread: it has ended, or others have descriptors or a namespace of their own. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "listed.h"
#include "remote.h"
#include "scenario.h"

#define THREADS 4

static struct listed ls;

static const char *const sources[] = {"auto", "proc"};

enum shape {
	LEADER_ENDS,  /* and all others share its descriptors */
	OWN_TABLE,    /* one thread has the listener alone */
	COPIED_TABLE, /* one thread has a copy of the table, in which the listener is too */
	OWN_NETNS,    /* one thread is in another namespace, and listens there */
};

/* What the child tells before it settles. */
struct told {
	long port; /* -errno */
	uint64_t netns, cookie;
};

/* ---- the child ---- */

static enum shape shape;
static int ready; /* where it tells */
static int listener = -1;

static int make_listener(void)
{
	struct address any = address_of("127.0.0.1", 0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&any.ss, any.len) < 0 || listen(fd, 4) < 0)
		return -errno;
	return fd;
}

static void tell(void)
{
	struct address at = {.len = sizeof(at.ss)};
	struct told told = {0};
	struct stat st = {0};
	socklen_t len = sizeof(told.cookie);

	if (listener >= 0)
		getsockname(listener, (struct sockaddr *)&at.ss, &at.len);
	stat("/proc/thread-self/ns/net", &st);
	told.netns = st.st_ino;
	told.port = listener < 0 ? listener : (long)address_port(&at);
	if (listener >= 0 && getsockopt(listener, SOL_SOCKET, SO_COOKIE, &told.cookie, &len) < 0)
		told.port = -errno;
	if (write(ready, &told, sizeof(told)) != sizeof(told))
		_exit(1);
}

static void *differ(void *ctx)
{
	int how = shape == OWN_NETNS ? CLONE_NEWNET : shape == LEADER_ENDS ? 0 : CLONE_FILES;

	prctl(PR_SET_NAME, "sw-a-thread");
	if (how && unshare(how) < 0)
		listener = -errno;
	else if (listener < 0)
		listener = make_listener();
	tell();
	for (;;)
		pause();
	return ctx;
}

static void *idle(void *ctx)
{
	for (;;)
		pause();
	return ctx;
}

__attribute__((noreturn)) static void be_child(void)
{
	pthread_t thread;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "sw-headless");
	listener = shape == LEADER_ENDS || shape == COPIED_TABLE ? make_listener() : -1;
	for (int i = 1; i < THREADS; i++)
		pthread_create(&thread, NULL, idle, NULL);
	if (pthread_create(&thread, NULL, differ, NULL))
		_exit(1);
	if (shape == LEADER_ENDS)
		syscall(SYS_exit, 0);
	for (;;)
		pause();
}

/* In the peer: arg[0] is the shape; `text` gives back what the child told. */
static void do_headless(struct call *c)
{
	int told[2];

	_Static_assert(sizeof(struct told) <= sizeof(c->text), "it fits");
	shape = (enum shape)c->arg[0];
	c->result = pipe2(told, O_CLOEXEC) ? -1 : fork();
	c->error = errno;
	if (c->result == 0) {
		ready = told[1];
		be_child();
	}
	if (c->result < 0)
		return;
	close(told[1]);
	if (read(told[0], c->text, sizeof(struct told)) != sizeof(struct told)) {
		c->result = -1;
		c->error = EPIPE;
	}
	close(told[0]);
}

/* ---- the story ---- */

struct headless {
	struct peer *parent;
	pid_t pid;
	struct told told;
};

static void wait_until_ended(pid_t pid)
{
	uint64_t deadline = deadline_in(5000);
	char path[64], text[256];

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	for (;;) {
		int fd = open(path, O_RDONLY | O_CLOEXEC);
		ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

		if (fd >= 0)
			close(fd);
		text[n < 0 ? 0 : n] = '\0';
		if (strstr(text, ") Z "))
			return;
		if (!deadline_left(deadline))
			scenario_fail("the first thread of %d does not end: %s", pid, text);
		usleep(1000);
	}
}

static struct headless headless(enum shape of)
{
	struct call c = {.arg = {of}};
	struct headless h = {0};

	if (!netns_inode())
		scenario_skip("no /proc");
	h.parent = peer_start("sw-parent");
	remote_own_netns(h.parent);
	peer_call(h.parent, do_headless, &c);
	h.pid = (pid_t)must("a process of several threads", c.result < 0 ? -c.error : c.result);
	memcpy(&h.told, c.text, sizeof(h.told));
	must("unshare and listen", h.told.port);
	if (of == LEADER_ENDS)
		wait_until_ended(h.pid);
	return h;
}

/* Held by the process, once, and it owns the socket under its own name. */
static void check_row(const struct headless *h, const char *source)
{
	const struct row *r;

	listed_take(&ls, source, h->told.netns);
	r = listed_find(&ls, "tcp", "LISTEN", (unsigned int)h->told.port);
	if (!r)
		scenario_fail("%s: no listener", source);
	if (r->holders != 1 || r->holder[0] != h->pid)
		scenario_fail("%s: %u holders, the first %d; must be %d alone", source, r->holders,
			      r->holders ? r->holder[0] : 0, h->pid);
	if (!r->process.known || r->process.pid != (uint32_t)h->pid ||
	    strcmp(r->process.name, "sw-headless") != 0)
		scenario_fail("%s: owned by %s[%u], must be sw-headless[%d]", source,
			      r->process.name, r->process.pid, h->pid);
}

static void check_words(const struct headless *h, const char *source)
{
	static const char *const words[] = {"sw-headless[", "command", "executable", "started"};
	const char *out;
	char port[32];

	snprintf(port, sizeof(port), "tcp/127.0.0.1:%ld", h->told.port);
	out = listed_who(source, h->told.netns, port);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (!strstr(out, words[i]))
			scenario_fail("who, %s: does not say %s: %s", source, words[i], out);
	}
	if (strstr(out, "held also by"))
		scenario_fail("who, %s: says it twice: %s", source, out);
}

/* A trace that begins now knows whose it is. */
static void check_seed(const struct headless *h)
{
	static const char *const none[] = {NULL};
	struct tracer *t = tracer_open(none);
	const struct line *l;

	kill(h->pid, SIGKILL);
	l = expect_line(t, h->told.cookie, LINE_CLOSE, NULL);
	if (!l->process.known || l->process.pid != (uint32_t)h->pid ||
	    strcmp(l->process.name, "sw-headless") != 0)
		scenario_fail("trace: closed by %s[%u], must be sw-headless[%d]", l->process.name,
			      l->process.pid, h->pid);
}

static void play(enum shape of)
{
	struct headless h = headless(of);

	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		check_row(&h, sources[i]);
		check_words(&h, sources[i]);
	}
	check_seed(&h);
}

static void leader_ended(void)
{
	play(LEADER_ENDS);
}

static void own_table(void)
{
	play(OWN_TABLE);
}

static void copied_table(void)
{
	play(COPIED_TABLE);
}

static void own_netns(void)
{
	play(OWN_NETNS);
}

const struct scenario headless_scenarios[] = {
	{"thread-leader-ended", leader_ended},
	{"thread-own-descriptors", own_table},
	{"thread-copied-descriptors", copied_table},
	{"thread-own-namespace", own_netns},
	{0},
};
