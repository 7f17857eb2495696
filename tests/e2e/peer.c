// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peer.h"
#include "scenario.h"
#include "tracer.h"

struct message {
	call_fn fn; /* NULL: fork, with the new control descriptor attached */
	bool in_thread;
	struct call call;
};

static struct peer *peers;

static void serve(int control);

uint64_t netns_inode(void)
{
	struct stat st;

	return stat("/proc/self/ns/net", &st) == 0 ? st.st_ino : 0;
}

static void run(struct message *m)
{
	m->call.tid = (pid_t)syscall(SYS_gettid);
	errno = 0;
	m->call.result = 0;
	m->fn(&m->call);
	m->call.error = m->call.result < 0 ? errno : 0;
}

static void *run_in_thread(void *arg)
{
	prctl(PR_SET_NAME, "not-the-leader");
	run(arg);
	return NULL;
}

/* The child of fork(): nothing but its control channel and the standard descriptors stays open in a
 * new peer; one forked by a peer (`inherit`) keeps its parent's sockets. */
static void become_peer(int control, const char *name, bool inherit)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, name);
	signal(SIGPIPE, SIG_IGN);
	signal(SIGCHLD, SIG_IGN);
	if (!inherit) {
		syscall(SYS_close_range, 3, control - 1, 0);
		syscall(SYS_close_range, control + 1, ~0U, 0);
	}
	serve(control);
	_exit(0);
}

static void serve_fork(int old_control, int control, struct message *m)
{
	pid_t pid = fork();

	if (pid == 0) {
		close(old_control);
		become_peer(control, m->call.text, true);
	}
	close(control);
	m->call.result = pid;
	m->call.error = pid < 0 ? errno : 0;
}

/* Receives a message and the descriptor it may carry (-1 none). */
static ssize_t receive(int control, struct message *m, int *ret_fd)
{
	_Alignas(struct cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {m, sizeof(*m)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	const struct cmsghdr *c;
	ssize_t n;

	do {
		n = recvmsg(control, &msg, MSG_CMSG_CLOEXEC);
	} while (n < 0 && errno == EINTR);
	*ret_fd = -1;
	c = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	if (c && c->cmsg_type == SCM_RIGHTS)
		memcpy(ret_fd, CMSG_DATA(c), sizeof(int));
	return n;
}

static void serve(int control)
{
	struct message m = {.fn = NULL};
	int fd;

	while (receive(control, &m, &fd) == sizeof(m)) {
		if (!m.fn) {
			serve_fork(control, fd, &m);
		} else if (m.in_thread) {
			pthread_t thread;

			if (pthread_create(&thread, NULL, run_in_thread, &m) == 0)
				pthread_join(thread, NULL);
		} else {
			run(&m);
		}
		if (send(control, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
			break;
	}
}

static struct peer *add_peer(const char *name, pid_t pid, int control, bool child)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p)
		scenario_fail("out of memory");
	snprintf(p->name, sizeof(p->name), "%.15s", name);
	p->pid = p->tid = pid;
	p->uid = getuid();
	p->control = control;
	p->child = child;
	p->netns = netns_inode();
	p->next = peers;
	peers = p;
	return p;
}

struct peer *peer_start(const char *name)
{
	struct peer *p;
	int pair[2];
	pid_t pid;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		scenario_fail("socketpair: %s", strerror(errno));
	fflush(NULL);
	pid = fork();
	if (pid == 0)
		become_peer(pair[1], name, false);
	close(pair[1]);
	if (pid < 0)
		scenario_fail("fork: %s", strerror(errno));
	p = add_peer(name, pid, pair[0], true);
	p->control_inside = pair[1];
	return p;
}

static void send_descriptor(struct peer *p, const struct message *m, int fd)
{
	_Alignas(struct cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {0};
	struct cmsghdr *c = (struct cmsghdr *)(void *)ancillary;
	struct message copy = *m;
	struct iovec iov = {&copy, sizeof(copy)};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary,
		.msg_controllen = sizeof(ancillary),
	};

	c->cmsg_len = CMSG_LEN(sizeof(int));
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(p->control, &msg, MSG_NOSIGNAL) != sizeof(copy))
		scenario_fail("%s does not listen: %s", p->name, strerror(errno));
	p->busy = true;
}

struct peer *peer_fork(struct peer *parent, const char *name)
{
	struct message m = {.fn = NULL};
	struct call done;
	struct peer *p;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		scenario_fail("socketpair: %s", strerror(errno));
	snprintf(m.call.text, sizeof(m.call.text), "%s", name);
	send_descriptor(parent, &m, pair[1]);
	close(pair[1]);
	peer_finish(parent, &done);
	if (done.result < 0)
		scenario_fail("fork in %s: %s", parent->name, strerror(done.error));
	p = add_peer(name, (pid_t)done.result, pair[0], false);
	p->netns = parent->netns;
	return p;
}

void peer_begin(struct peer *p, call_fn fn, const struct call *call)
{
	struct message m = {.fn = fn, .in_thread = p->in_thread, .call = *call};

	if (p->busy)
		scenario_fail("%s is busy", p->name);
	if (send(p->control, &m, sizeof(m), MSG_NOSIGNAL) != sizeof(m))
		scenario_fail("%s does not listen: %s", p->name, strerror(errno));
	p->busy = true;
}

bool peer_poll(struct peer *p, struct call *ret, unsigned int ms)
{
	uint64_t deadline = deadline_in(ms);
	struct message m;

	while (!tracer_pump(p->control, deadline)) {
		if (deadline_left(deadline) == 0)
			return false;
	}
	if (recv(p->control, &m, sizeof(m), 0) != sizeof(m))
		scenario_fail("%s died", p->name);
	p->busy = false;
	p->tid = m.call.tid ? m.call.tid : p->pid;
	*ret = m.call;
	return true;
}

void peer_finish(struct peer *p, struct call *ret)
{
	if (!peer_poll(p, ret, 10000))
		scenario_fail("a call in %s does not return", p->name);
}

void peer_call(struct peer *p, call_fn fn, struct call *call)
{
	peer_begin(p, fn, call);
	peer_finish(p, call);
}

/* The channel's other end closes when the process is gone; a peer's own child is reaped by that
 * peer. */
void peer_end(struct peer *p, int signal)
{
	if (p->gone)
		return;
	p->gone = true;
	if (signal)
		kill(p->pid, signal);
	else
		shutdown(p->control, SHUT_WR);
	if (p->child) {
		waitpid(p->pid, NULL, 0);
	} else {
		struct pollfd end = {.fd = p->control, .events = 0};

		poll(&end, 1, deadline_left(deadline_in(5000)));
	}
}

/* Newest first, so that a forked peer goes before the parent that reaps it. */
void peers_stop(void)
{
	while (peers) {
		struct peer *p = peers;

		peers = p->next;
		peer_end(p, SIGKILL);
		close(p->control);
		free(p);
	}
}
