// SPDX-License-Identifier: GPL-2.0-only
/*
 * A port that changes hands without a call that tells so: a bind() that fails then names who has it open now, and who bound
 * it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "expect.h"
#include "listed.h"
#include "scenario.h"

/* One for each scenario, see scen_holders.c. */
static unsigned int port = 5711;

struct shape {
	const char *address;
	int family, type, protocol;
};
static const struct shape shapes[] = {
	{"127.0.0.1", AF_INET, SOCK_STREAM, 0},
	{"0.0.0.0", AF_INET, SOCK_DGRAM, 0},
	{"::", AF_INET6, SOCK_STREAM, 0},
	{"::1", AF_INET6, SOCK_DGRAM, 0},
	{"127.0.0.2", AF_INET, SOCK_STREAM, IPPROTO_MPTCP},
};
#define SHAPES (sizeof(shapes) / sizeof(shapes[0]))

struct scene {
	const struct shape *shape;
	struct peer *binder, *heir, *origin; /* `origin` starts those that fail */
	int held;
};

static void do_socket(struct call *c)
{
	c->result = socket((int)c->arg[0], (int)c->arg[1], (int)c->arg[2]);
}

static int socket_of(struct peer *p, const struct shape *s)
{
	struct call c = {.arg = {s->family, s->type, s->protocol}};

	peer_call(p, do_socket, &c);
	return (int)(c.result < 0 ? -c.error : c.result);
}

static bool bind_here(struct peer *p, int fd, const struct shape *s)
{
	int err = remote_bind(p, fd, address_of(s->address, port));

	if (err == 0 && s->type == SOCK_STREAM)
		must("listen", remote_listen(p, fd, 5));
	return err == 0;
}

/* In a namespace of its own.  False: the kernel has no such sockets. */
static bool scene_new(struct scene *s, const struct shape *shape)
{
	*s = (struct scene){.shape = shape, .origin = peer_start("sw-origin")};
	port++;
	remote_own_netns(s->origin);
	s->binder = peer_fork(s->origin, "sw-binder");
	remote_survive(s->binder);
	s->held = socket_of(s->binder, shape);
	if (s->held >= 0 && bind_here(s->binder, s->held, shape))
		return true;
	if (shape->family == AF_INET && !shape->protocol)
		scenario_fail("cannot bind to %s", shape->address);
	return false;
}

/* A bind() by a process of its own, because the same failure again is only counted; the line that tells it. */
static const struct line *refused(struct scene *s)
{
	char name[16];
	struct shape shape;
	struct peer *late;
	int err, fd;

	snprintf(name, sizeof(name), "sw-late-%u", port);
	late = peer_fork(s->origin, name);
	shape = *s->shape;
	shape.protocol = 0; /* MPTCP has its ports in common with TCP */
	fd = (int)must("socket", socket_of(late, &shape));
	err = remote_bind(late, fd, address_of(s->shape->address, port));
	if (err != -EADDRINUSE)
		scenario_fail("bind gave %d", err);
	return expect_line(tracer_shared(), remote_cookie(late, fd), LINE_BIND, NULL);
}

static void check_holder(struct scene *s, pid_t pid, const char *name, pid_t bound_by, bool ended)
{
	const struct line *l = refused(s);
	char binder[40];

	for (int i = 1; expect_older(l, i); i++)
		l = refused(s);
	snprintf(binder, sizeof(binder), "\"bound_by\":{\"pid\":%d,", (int)bound_by);
	if (strcmp(l->error, "EADDRINUSE") == 0 && l->holder_count == 1 && l->holder.known &&
	    l->holder.pid == (uint32_t)pid && (!name || strcmp(l->holder.name, name) == 0) &&
	    (bound_by ? strstr(l->text, binder) != NULL : !strstr(l->text, "\"bound_by\"")) &&
	    (strstr(l->text, "\"ended\":true") != NULL) == ended &&
	    !strstr(l->text, "\"holders_as_of\""))
		return;
	scenario_show(l);
	scenario_fail("%s: the holder must be %d %s, bound by %d%s", s->shape->address, (int)pid,
		      name ? name : "", (int)bound_by, ended ? ", ended" : "");
}

static void each_shape(void (*play)(struct scene *s))
{
	for (size_t i = 0; i < SHAPES; i++) {
		struct scene s;

		if (scene_new(&s, &shapes[i]))
			play(&s);
	}
}

/* The heir has every descriptor of the binder. */
static void inherit(struct scene *s, int signal)
{
	s->heir = peer_fork(s->binder, "sw-heir");
	remote_survive(s->heir);
	check_holder(s, s->binder->pid, s->binder->name, 0, false);
	peer_end(s->binder, signal);
	check_holder(s, s->heir->pid, s->heir->name, s->binder->pid, true);
}

static void inherit_exit(struct scene *s)
{
	inherit(s, 0);
}

static void inherit_kill(struct scene *s)
{
	inherit(s, SIGKILL);
}

static void fork_and_exit(void)
{
	each_shape(inherit_exit);
}

static void fork_and_kill(void)
{
	each_shape(inherit_kill);
}

/* The binder lives on without it. */
static void inherit_close(struct scene *s)
{
	s->heir = peer_fork(s->binder, "sw-heir");
	remote_survive(s->heir); /* has its name once it answers */
	must("close", remote_close(s->binder, s->held));
	check_holder(s, s->heir->pid, s->heir->name, s->binder->pid, false);
}

static void fork_and_close(void)
{
	each_shape(inherit_close);
}

/* A process that did not descend from the binder gets it over a Unix socket. */
static int send_to_heir(struct scene *s)
{
	int pair[2];

	remote_socketpair(s->origin, pair);
	s->heir = peer_fork(s->origin, "sw-heir");
	s->binder = peer_fork(s->origin, "sw-passer");
	port++;
	s->held = (int)must("socket", socket_of(s->binder, s->shape));
	if (!bind_here(s->binder, s->held, s->shape))
		scenario_fail("cannot bind to %s", s->shape->address);
	must("sendmsg", remote_pass(s->binder, pair[0], s->held));
	return pair[1];
}

/* Whoever sent it has no more to do with it, and nobody else has it yet. */
static void check_nobody(struct scene *s)
{
	const struct line *l = refused(s);
	char binder[40], asked[16];
	const char *words;

	snprintf(asked, sizeof(asked), "%s/%u", s->shape->type == SOCK_STREAM ? "tcp" : "udp",
		 port);
	words = listed_who("auto", s->origin->netns, asked);
	if (!strstr(words, "may be on its way over a Unix socket"))
		scenario_fail("%s: who says %s", s->shape->address, words);
	for (int i = 1; expect_older(l, i); i++)
		l = refused(s);
	snprintf(binder, sizeof(binder), "\"bound_by\":{\"pid\":%d,", (int)s->binder->pid);
	if (l->holder_count == 1 && !l->holder.known && strstr(l->text, "\"unheld\":true") &&
	    strstr(l->text, binder))
		return;
	scenario_show(l);
	scenario_fail("%s: nobody has it open", s->shape->address);
}

static void send_and_end(struct scene *s)
{
	int over = send_to_heir(s);

	peer_end(s->binder, SIGKILL);
	check_nobody(s);
	must("recvmsg", remote_take(s->heir, over));
	check_holder(s, s->heir->pid, s->heir->name, s->binder->pid, true);
}

static void in_flight(void)
{
	each_shape(send_and_end);
}

static void pass_and_end(struct scene *s)
{
	int over = send_to_heir(s); /* which makes the heir */

	must("recvmsg", remote_take(s->heir, over));
	check_holder(s, s->binder->pid, s->binder->name, 0, false);
	peer_end(s->binder, SIGKILL);
	check_holder(s, s->heir->pid, s->heir->name, s->binder->pid, true);
}

static void pass_rights(void)
{
	each_shape(pass_and_end);
}

/* arg[0]: a process, arg[1]: its descriptor.  Takes it without its help. */
static void do_getfd(struct call *c)
{
	long pidfd = syscall(SYS_pidfd_open, c->arg[0], 0);

	c->result = pidfd < 0 ? -1 : syscall(SYS_pidfd_getfd, pidfd, c->arg[1], 0);
}

static void take_and_end(struct scene *s)
{
	struct call c = {.arg = {s->binder->pid, s->held}};

	s->heir = peer_fork(s->origin, "sw-heir");
	peer_call(s->heir, do_getfd, &c);
	if (c.result < 0 && (c.error == EPERM || c.error == ENOSYS))
		scenario_skip("pidfd_getfd: %s", strerror(c.error));
	must("pidfd_getfd", c.result < 0 ? -c.error : c.result);
	peer_end(s->binder, SIGKILL);
	check_holder(s, s->heir->pid, s->heir->name, s->binder->pid, true);
}

static void pidfd_getfd_(void)
{
	each_shape(take_and_end);
}

/* ---- exec ---- */

/* What the kernel calls a program that was started as /proc/self/exe. */
#define EXEC_NAME "exe"

/* Until a process has its new name whole: the kernel writes it byte by byte over the one before. */
static void wait_for_name(pid_t pid, const char *name)
{
	uint64_t deadline = deadline_in(5000);
	char path[32], got[16];

	snprintf(path, sizeof(path), "/proc/%d/comm", (int)pid);
	do {
		FILE *file = fopen(path, "re");

		if (!file || !fgets(got, sizeof(got), file))
			scenario_fail("cannot read %s", path);
		fclose(file);
		got[strcspn(got, "\n")] = '\0';
		if (strcmp(got, name) == 0)
			return;
	} while (deadline_left(deadline));
	scenario_fail("%s is %s, must become %s", path, got, name);
}

/* A child binds the address of the call, of family, type and protocol arg[0] to arg[2], then runs another program. */
static void do_bind_and_exec(struct call *c)
{
	int hold[2];

	c->result = pipe2(hold, O_CLOEXEC) ? -1 : fork();
	if (c->result)
		return; /* hold[1] closes with this peer, and the program ends at that */
	dup2(hold[0], STDIN_FILENO);
	if (bind(socket((int)c->arg[0], (int)c->arg[1], (int)c->arg[2]),
		 (struct sockaddr *)&c->addr, c->addr_len) == 0)
		execl("/proc/self/exe", "lingering", "--linger", NULL);
	_exit(127);
}

static void bind_and_exec(struct scene *s)
{
	struct call c = {.arg = {s->shape->family, s->shape->type, s->shape->protocol}};
	struct address at;

	port++;
	at = address_of(s->shape->address, port);
	c.addr = at.ss;
	c.addr_len = at.len;
	peer_call(s->binder, do_bind_and_exec, &c);
	must("fork", c.result < 0 ? -c.error : c.result);
	wait_for_name((pid_t)c.result, EXEC_NAME);
	check_holder(s, (pid_t)c.result, EXEC_NAME, 0, false);
}

static void exec_renames(void)
{
	each_shape(bind_and_exec);
}

/* ---- a stranger gets the number ---- */

/* A child with the process id arg[0], which lives as long as its parent. */
static void do_fork_as(struct call *c)
{
	pid_t want = (pid_t)c->arg[0];
	struct clone_args args = {
		.exit_signal = SIGCHLD, .set_tid = (uint64_t)(uintptr_t)&want, .set_tid_size = 1};

	c->result = syscall(SYS_clone3, &args, sizeof(args));
	if (c->result)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	prctl(PR_SET_NAME, "sw-stranger");
	for (;;)
		pause();
}

static void number_used_again(void)
{
	uint64_t deadline = deadline_in(5000);
	struct scene s;
	struct call c;
	int over;

	if (!scene_new(&s, &shapes[0]))
		return;
	over = send_to_heir(&s);
	must("recvmsg", remote_take(s.heir, over));
	peer_end(s.binder, SIGKILL);
	do { /* its parent may not have been told yet */
		c = (struct call){.arg = {s.binder->pid}};
		peer_call(s.origin, do_fork_as, &c);
	} while (c.result < 0 && c.error == EEXIST && deadline_left(deadline));
	if (c.result < 0)
		scenario_skip("clone3 with a chosen process id: %s", strerror(c.error));
	check_holder(&s, s.heir->pid, s.heir->name, s.binder->pid, true);
}

const struct scenario handover_scenarios[] = {
	{"handover-fork-exit", fork_and_exit},
	{"handover-fork-kill", fork_and_kill},
	{"handover-fork-close", fork_and_close},
	{"handover-rights", pass_rights},
	{"handover-in-flight", in_flight},
	{"handover-getfd", pidfd_getfd_},
	{"handover-exec", exec_renames},
	{"handover-number", number_used_again},
	{0},
};
