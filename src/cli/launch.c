// SPDX-License-Identifier: GPL-2.0-only
#include "launch.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "log.h"
#include "output.h"

#define GRACE_MS   5000
#define LOOK_MS	   50
#define NOT_FOUND  127
#define NO_PROGRAM 126

/* To the starter: BEGIN, or a signal; below 0 one that the terminal has sent to its group. */
#define BEGIN 0

struct told {
	enum { TOLD_READY, TOLD_FAILED, TOLD_ENDED } what;
	int value; /* pid, errno, status */
};

/* ---- the command, before it is one ---- */

/* An errno: whether execvp() will find something to run. */
static int find(const char *name)
{
	const char *path = getenv("PATH") ?: "/bin:/usr/bin";
	char file[PATH_MAX];
	int err = ENOENT;

	if (!*name)
		return ENOENT;
	for (bool more = true; more;) {
		size_t len = strcspn(path, ":");
		struct stat st;
		bool runs;

		more = !strchr(name, '/') && path[len];
		snprintf(file, sizeof(file), "%.*s%s%s", strchr(name, '/') ? 0 : (int)len, path,
			 strchr(name, '/') || !len ? "" : "/", name);
		runs = stat(file, &st) < 0 || S_ISREG(st.st_mode);
		if (runs && access(file, X_OK) == 0)
			return 0;
		if (!runs || errno == EACCES)
			err = EACCES;
		path += len + more;
	}
	return err;
}

/* What was changed since the program began is set back. */
static _Noreturn void become_command(int gate, const struct options *o)
{
	ssize_t n;
	int err;
	char go;

	do
		n = recv(gate, &go, 1, 0);
	while (n < 0 && errno == EINTR);
	if (n != 1)
		_exit(0);
	if (o->callers_zone)
		setenv("TZ", o->callers_zone, 1);
	else
		unsetenv("TZ");
	output_leave_standard();
	execvp(o->run[0], o->run);
	err = errno;
	send(gate, &err, sizeof(err), MSG_NOSIGNAL);
	_exit(err == ENOENT ? NOT_FOUND : NO_PROGRAM);
}

/* ---- the starter ---- */

static bool tell(int fd, int what, int value)
{
	const struct told told = {.what = what, .value = value};

	return send(fd, &told, sizeof(told), MSG_NOSIGNAL) == sizeof(told);
}

/* They are the command's; it has the terminal's itself. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
}

/* What the caller has open for the command is not held open by who waits for it. */
static void close_others(int fd, int gate)
{
	unsigned int low = (unsigned int)(fd < gate ? fd : gate);
	unsigned int high = (unsigned int)(fd < gate ? gate : fd);

	if (low > STDERR_FILENO + 1)
		close_range(STDERR_FILENO + 1, low - 1, 0);
	if (high > low + 1)
		close_range(low + 1, high - 1, 0);
	close_range(high + 1, ~0U, 0);
}

static void let_run(int fd, int gate)
{
	char go = 1;
	int err;

	/* The end of the socket is a program that runs: it was closed by execve(). */
	if (send(gate, &go, 1, MSG_NOSIGNAL) == 1 &&
	    recv(gate, &err, sizeof(err), MSG_WAITALL) == sizeof(err))
		tell(fd, TOLD_FAILED, err);
}

static void pass_on(pid_t pid, int number)
{
	/* From the terminal: to all of its group, and a command may have made one of its own. */
	if (number <= -_NSIG || (number < 0 && getpgid(pid) == getpgrp()))
		return;
	kill(pid, abs(number));
}

/* Until the command has ended; without the reader it is left alone. */
static void serve_reader(int fd, int gate, pid_t pid)
{
	struct pollfd fds[] = {{.fd = fd, .events = POLLIN},
			       {.fd = (int)syscall(SYS_pidfd_open, pid, 0), .events = POLLIN}};
	int order, status;

	tell(fd, fds[1].fd < 0 ? TOLD_FAILED : TOLD_READY, fds[1].fd < 0 ? errno : (int)pid);
	while (fds[1].fd >= 0) {
		if (poll(fds, 2, -1) < 0)
			continue;
		if (fds[1].revents) {
			waitpid(pid, &status, 0);
			tell(fd, TOLD_ENDED, status);
			return;
		}
		if (!fds[0].revents)
			continue;
		if (recv(fd, &order, sizeof(order), 0) != sizeof(order))
			return;
		if (order == BEGIN)
			let_run(fd, gate);
		else
			pass_on(pid, order);
	}
}

static _Noreturn void start(int fd, const struct options *o)
{
	const struct sigaction usual = {.sa_handler = SIG_DFL};
	struct sigaction callers;
	int gate[2], err = find(o->run[0]);
	pid_t pid = -1;

	/* Where it is ignored there is no status to be had. */
	sigaction(SIGCHLD, &usual, &callers);
	if (!err && socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, gate) < 0)
		err = errno;
	if (!err && (pid = fork()) < 0)
		err = errno;
	if (pid == 0) {
		sigaction(SIGCHLD, &callers, NULL);
		close(gate[0]);
		close(fd);
		become_command(gate[1], o);
	}
	ignore_signals();
	if (err) {
		tell(fd, TOLD_FAILED, err);
		_exit(1);
	}
	close_others(fd, gate[0]);
	serve_reader(fd, gate[0], pid);
	_exit(0);
}

/* ---- the reader ---- */

/* False: there is nothing yet. */
static bool take_told(struct launch *l, int flags)
{
	struct told told;
	ssize_t n = l->fd < 0 ? 0 : recv(l->fd, &told, sizeof(told), flags);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n != sizeof(told)) {
		/* The starter was killed: nobody knows what becomes of the command. */
		l->failed = ECHILD;
		l->ended = true;
		return true;
	}
	switch (told.what) {
	case TOLD_READY: l->pid = told.value; break;
	case TOLD_FAILED: l->failed = told.value; break;
	case TOLD_ENDED:
		l->status = told.value;
		l->ended = true;
		break;
	}
	return true;
}

int launch_open(struct launch *l, const struct options *options)
{
	int pair[2];

	*l = (struct launch){.name = options->run[0], .fd = -1, .epoll = -1};
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		l->failed = errno;
		return launch_exit_code(l);
	}
	l->starter = fork();
	l->failed = l->starter < 0 ? errno : 0;
	if (l->starter == 0) {
		close(pair[0]);
		start(pair[1], options);
	}
	close(pair[1]);
	l->fd = pair[0];
	while (!l->failed && !l->pid && !l->ended)
		take_told(l, 0);
	return l->failed ? launch_exit_code(l) : 0;
}

static bool order(const struct launch *l, int what)
{
	return send(l->fd, &what, sizeof(what), MSG_NOSIGNAL) == sizeof(what);
}

bool launch_begin(struct launch *l)
{
	l->begun = order(l, BEGIN);
	return l->begun;
}

int launch_wait_fd(struct launch *l, int also)
{
	struct epoll_event event = {.events = EPOLLIN};

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0 || epoll_ctl(l->epoll, EPOLL_CTL_ADD, l->fd, &event) < 0 ||
	    (also >= 0 && epoll_ctl(l->epoll, EPOLL_CTL_ADD, also, &event) < 0))
		return -1;
	return l->epoll;
}

bool launch_has_ended(struct launch *l)
{
	while (!l->ended && take_told(l, MSG_DONTWAIT))
		;
	return l->ended;
}

void launch_end(struct launch *l, int signal, bool from_terminal)
{
	struct pollfd fd = {.fd = l->fd, .events = POLLIN};
	int stops = output_stop;
	bool killed = false;

	if (!l->begun || launch_has_ended(l))
		return;
	order(l, from_terminal ? -signal : signal);
	/* What a broken disk or file server holds up does not end when it is killed. */
	for (int ms = 0; !launch_has_ended(l) && ms < 2 * GRACE_MS; ms += LOOK_MS) {
		if (!killed && (ms >= GRACE_MS || output_stop != stops)) {
			log_error("%s[%d] goes on after signal %d: killed", l->name, (int)l->pid,
				  signal);
			killed = order(l, SIGKILL);
		}
		poll(&fd, 1, LOOK_MS);
	}
	l->failed = l->ended ? l->failed : ETIMEDOUT;
}

int launch_exit_code(const struct launch *l)
{
	if (l->failed == ETIMEDOUT || (l->failed == ECHILD && l->begun)) {
		log_error(
			"%s[%d] is followed no longer: it does not end, or what waited for it has",
			l->name, (int)l->pid);
		return 1;
	}
	if (l->failed) {
		log_error("cannot start %s: %s", l->name, strerror(l->failed));
		return l->failed == ENOENT ? NOT_FOUND : NO_PROGRAM;
	}
	return WIFSIGNALED(l->status) ? 128 + WTERMSIG(l->status) : WEXITSTATUS(l->status);
}

void launch_close(struct launch *l)
{
	if (l->epoll >= 0)
		close(l->epoll);
	if (l->fd >= 0)
		close(l->fd);
	while (l->starter > 0 && waitpid(l->starter, NULL, 0) < 0 && errno == EINTR)
		;
	*l = (struct launch){.fd = -1, .epoll = -1};
}
