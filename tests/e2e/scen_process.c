// SPDX-License-Identifier: GPL-2.0-only
/* What a process ran and whose child it was, also of one that is gone before anybody can look. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "expect.h"
#include "json.h"
#include "scenario.h"

#define ARGS_MAX 4096

/* What the next child gets behind its port; a peer has it because it is forked later. */
static const char *const *more_args;
static pid_t wanted_pid; /* 0: any */

int process_connect_and_exit(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
				 .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
				 .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0;
}

/* A fork with the number that is wanted. */
static pid_t fork_as(pid_t pid)
{
	struct clone_args args = {.exit_signal = SIGCHLD};

	if (!pid)
		return fork();
	args.set_tid = (uintptr_t)&pid;
	args.set_tid_size = 1;
	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void exec_connect(long port)
{
	char number[16];
	const char *argv[64] = {"short-lived", "--connect", number};
	int n = 3;

	snprintf(number, sizeof(number), "%ld", port);
	for (int i = 0; more_args && more_args[i]; i++)
		argv[n++] = more_args[i];
	execv("/proc/self/exe", (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* The peer's child forks one that runs the program; all but the peer are gone at the end.  The pids of both. */
static void do_short_life(struct call *c)
{
	int pipes[2];
	pid_t pids[2] = {0, 0};
	int status = -1;

	/* A peer's children are nobody's to wait for. */
	signal(SIGCHLD, SIG_DFL);
	if (pipe(pipes) < 0)
		return;
	pids[0] = fork();
	if (pids[0] == 0) {
		pid_t child;

		prctl(PR_SET_NAME, "sw-middle");
		child = fork_as(wanted_pid);
		if (child == 0)
			exec_connect(c->arg[0]);
		if (write(pipes[1], &child, sizeof(child)) != sizeof(child) || child < 0)
			_exit(1);
		waitpid(child, &status, 0);
		_exit(status != 0);
	}
	waitpid(pids[0], &status, 0);
	if (read(pipes[0], &pids[1], sizeof(pids[1])) != sizeof(pids[1]))
		status = -1;
	close(pipes[0]);
	close(pipes[1]);
	c->arg[1] = pids[0];
	c->arg[2] = pids[1];
	c->result = status;
}

struct life {
	struct peer *parent;
	pid_t middle, pid;
	const struct json_node *process, *args;
};

static struct json doc;

static const struct line *find_connect(const struct tracer *t, pid_t pid)
{
	for (size_t i = t->count; i-- > 0;) {
		if (t->line[i]->kind == LINE_CONNECT && t->line[i]->process.pid == (uint32_t)pid)
			return t->line[i];
	}
	return NULL;
}

static bool is_connected(const struct tracer *t, const void *ctx)
{
	return find_connect(t, *(const pid_t *)ctx) != NULL;
}

/* One that lives as long as its connect() takes, and what the line says of it. */
static struct life short_life(const char *const *args)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server");
	int listener = (int)must("socket", remote_socket(server, AF_INET, 0));
	struct address at;
	struct life life;
	struct call c;

	must("bind", remote_bind(server, listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(server, listener, 5));
	more_args = args;
	life.parent = peer_start("sw-parent");
	at = remote_local(server, listener);
	c = (struct call){.arg = {(long)address_port(&at)}};
	peer_call(life.parent, do_short_life, &c);
	if (c.result != 0 && wanted_pid && c.arg[2] <= 0)
		scenario_skip("no process can be given a number here");
	if (c.result != 0)
		scenario_fail("the short-lived process failed: status %ld", c.result);
	life.middle = (pid_t)c.arg[1];
	life.pid = (pid_t)c.arg[2];
	tracer_await(t, 5000, "the connect line of the short-lived process", is_connected,
		     &life.pid);
	scenario_show(find_connect(t, life.pid));
	if (json_parse(&doc, find_connect(t, life.pid)->text,
		       strlen(find_connect(t, life.pid)->text)) < 0)
		scenario_fail("%s", doc.why);
	life.process = json_get(&doc, json_root(&doc), "process");
	life.args = json_get(&doc, life.process, "args");
	return life;
}

static const char *text_of(const struct json_node *object, const char *key)
{
	const struct json_node *node = json_get(&doc, object, key);

	return node && node->type == JSON_STRING ? node->text : "(none)";
}

static void expect_text(const struct json_node *object, const char *key, const char *wanted)
{
	if (strcmp(text_of(object, key), wanted) != 0)
		scenario_fail("%s is %s and not %s", key, text_of(object, key), wanted);
}

/* Behind name, --connect and port. */
static void expect_args(const struct life *life, const char *const *wanted)
{
	const struct json_node *arg;
	int i = 0;

	if (!life->args || life->args->type != JSON_ARRAY)
		scenario_fail("args is no list");
	for (arg = json_first(&doc, life->args); arg; arg = json_next(&doc, arg), i++) {
		const char *is = i < 3 ? NULL : wanted[i - 3];

		if (i == 0 && strcmp(arg->text, "short-lived") != 0)
			scenario_fail("args begins with %s", arg->text);
		if (i >= 3 && (!is || strcmp(arg->text, is) != 0))
			scenario_fail("argument %d is '%s' and not '%s'", i, arg->text,
				      is ? is : "(none)");
	}
	if (i < 3 || wanted[i - 3])
		scenario_fail("args has %d of its arguments", i);
}

static void expect_parent(const struct json_node *parent, pid_t pid, const char *name)
{
	const struct json_node *number = json_get(&doc, parent, "pid");

	if (!number || number->number != (uint64_t)pid)
		scenario_fail("parent is %llu and not %d",
			      number ? (unsigned long long)number->number : 0, (int)pid);
	if (name)
		expect_text(parent, "name", name);
}

/* A part of a file system: the agent's root is another one than that of its mount namespace. */
static bool has_root_of_its_own(void)
{
	FILE *f = fopen("/proc/self/mountinfo", "re");
	char line[1024], root[256], at[256];
	bool own = false;

	while (f && fgets(line, sizeof(line), f))
		own |= sscanf(line, "%*d %*d %*s %255s %255s", root, at) == 2 &&
		       strcmp(at, "/") == 0 && strcmp(root, "/") != 0;
	if (f)
		fclose(f);
	return own;
}

/* The kernel tells a path from the root of the mount namespace. */
static void expect_exe(const struct json_node *process, const char *exe)
{
	const char *told = text_of(process, "exe");
	size_t len = strlen(told), own = strlen(exe);
	size_t before = len > own && has_root_of_its_own() ? len - own : 0;

	if (strcmp(told + before, exe) != 0)
		scenario_fail("exe is %s and not %s", told, exe);
}

/* Program, arguments and the whole chain, although nobody of it but the peer is there any more. */
static void complete(void)
{
	static const char *const args[] = {"https://example.org/?a=b c", NULL};
	struct life life = short_life(args);
	const struct json_node *parent = json_first(&doc, json_get(&doc, life.process, "parents"));
	char exe[4096];
	ssize_t n = readlink("/proc/self/exe", exe, sizeof(exe) - 1);

	exe[must("readlink", n)] = '\0';
	expect_exe(life.process, exe);
	expect_text(life.process, "name", "exe"); /* the last part of what was given to exec() */
	expect_args(&life, args);
	if (strlen(text_of(life.process, "start")) < 20)
		scenario_fail("start is %s", text_of(life.process, "start"));
	expect_parent(parent, life.middle, "sw-middle");
	parent = json_next(&doc, parent);
	expect_parent(parent, life.parent->pid, "sw-parent");
	expect_parent(json_next(&doc, parent), getpid(), NULL);
}

static void hostile_args(void)
{
	static const char *const args[] = {
		"", "\n\r\t\x1b[2J", "\"},{\"", "\xff\xc3(", "'; rm *", "", NULL};
	static const char *const shown[] = {
		"", "\n\r\t\x1b[2J", "\"},{\"", "\xef\xbf\xbd\xef\xbf\xbd(", "'; rm *", "", NULL};
	struct life life = short_life(args);

	expect_args(&life, shown);
}

/* 10 KiB of them: as many bytes as are kept, and it says that there are more. */
static void long_args(void)
{
	static char filler[10240];
	const char *const args[] = {filler, NULL};
	const struct json_node *arg, *cut;
	struct life life;
	size_t bytes = 0;

	memset(filler, 'x', sizeof(filler) - 1);
	life = short_life(args);
	cut = json_get(&doc, life.process, "args_cut");
	if (!cut || !cut->truth)
		scenario_fail("args_cut is missing");
	for (arg = json_first(&doc, life.args); arg; arg = json_next(&doc, arg))
		bytes += strlen(arg->text) + (json_next(&doc, arg) != NULL);
	if (bytes != ARGS_MAX)
		scenario_fail("%zu bytes of arguments and not %d", bytes, ARGS_MAX);
}

/* The number of a process that has ended, given again at once. */
static void number_again(void)
{
	static const char *const one[] = {"one", NULL}, *const two[] = {"two", NULL};
	struct life first = short_life(one);
	pid_t pid = first.pid;

	expect_args(&first, one);
	tracer_forget(tracer_shared());
	wanted_pid = pid;
	first = short_life(two);
	wanted_pid = 0;
	if (first.pid != pid)
		scenario_fail("the second has number %d and not %d", (int)first.pid, (int)pid);
	expect_args(&first, two);
}

/* A child whose parent has ended when it connects, to arg[0].  The pids of both. */
static void do_orphan(struct call *c)
{
	char port[16];
	int pipes[2], status = -1;
	pid_t pids[2] = {0, 0};

	signal(SIGCHLD, SIG_DFL);
	snprintf(port, sizeof(port), "%ld", c->arg[0]);
	if (pipe(pipes) < 0)
		return;
	pids[0] = fork();
	if (pids[0] == 0) {
		const pid_t parent = getpid();

		prctl(PR_SET_NAME, "sw-middle");
		pids[1] = fork();
		if (pids[1] == 0) {
			for (int i = 0; i < 5000 && getppid() == parent; i++)
				usleep(1000);
			pids[1] = getpid();
			status = getppid() == parent || process_connect_and_exit(port);
			_exit(write(pipes[1], &pids[1], sizeof(pids[1])) < 0 || status);
		}
		_exit(0);
	}
	waitpid(pids[0], &status, 0);
	close(pipes[1]);
	if (read(pipes[0], &pids[1], sizeof(pids[1])) != sizeof(pids[1]))
		status = -1;
	close(pipes[0]);
	c->arg[1] = pids[0];
	c->arg[2] = pids[1];
	c->result = status;
}

/* Its parents are who they were, by the names that they had. */
static void orphan(void)
{
	struct tracer *t = tracer_shared();
	struct peer *server = peer_start("sw-server"), *first = peer_start("sw-parent");
	int listener = (int)must("socket", remote_socket(server, AF_INET, 0));
	const struct json_node *process, *parent;
	struct address at;
	struct call c;
	pid_t pid;

	must("bind", remote_bind(server, listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(server, listener, 5));
	at = remote_local(server, listener);
	c = (struct call){.arg = {(long)address_port(&at)}};
	peer_call(first, do_orphan, &c);
	if (c.result != 0)
		scenario_fail("the orphan failed: status %ld", c.result);
	pid = (pid_t)c.arg[2];
	tracer_await(t, 5000, "the connect line of the orphan", is_connected, &pid);
	scenario_show(find_connect(t, pid));
	if (json_parse(&doc, find_connect(t, pid)->text, strlen(find_connect(t, pid)->text)) < 0)
		scenario_fail("%s", doc.why);
	process = json_get(&doc, json_root(&doc), "process");
	expect_text(process, "name", "sw-middle");
	parent = json_first(&doc, json_get(&doc, process, "parents"));
	expect_parent(parent, (pid_t)c.arg[1], "sw-middle");
	expect_parent(json_next(&doc, parent), first->pid, "sw-parent");
}

/* ---- what it is called when it holds a port ---- */

static void do_rename(struct call *c)
{
	c->result = prctl(PR_SET_NAME, c->text);
}

static void do_exec(struct call *c)
{
	int in[2];

	(void)c;
	/* The descriptor of its control channel stays open: it ends when the agent does. */
	if (pipe(in) == 0)
		dup2(in[0], STDIN_FILENO);
	execl("/proc/self/exe", "handed-over", "--linger", NULL);
}

static const struct json_node *holder_of_failed_bind(struct peer *other, struct address at)
{
	struct tracer *t = tracer_shared();
	int fd = (int)must("socket", remote_socket(other, AF_INET, 0));
	const struct line *line;

	if (remote_bind(other, fd, at) != -EADDRINUSE)
		scenario_fail("bind was to fail with EADDRINUSE");
	line = expect_line(t, remote_cookie(other, fd), LINE_BIND, NULL);
	scenario_show(line);
	if (json_parse(&doc, line->text, strlen(line->text)) < 0)
		scenario_fail("%s", doc.why);
	return json_get(&doc, json_first(&doc, json_get(&doc, json_root(&doc), "holders")),
			"process");
}

static int hold_port(struct peer *p, struct address *ret)
{
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));

	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(p, fd, 5));
	*ret = remote_local(p, fd);
	return fd;
}

/* The bind has the name of then, the holder that of now. */
static void renamed(void)
{
	struct tracer *t = tracer_shared();
	struct peer *p = peer_start("sw-before");
	struct call c = {.text = "sw-after"};
	struct address at;
	int fd = hold_port(p, &at);
	const struct json_node *holder;

	peer_call(p, do_rename, &c);
	holder = holder_of_failed_bind(peer_start("sw-other"), at);
	expect_text(holder, "name", "sw-after");
	if (strcmp(expect_line(t, remote_cookie(p, fd), LINE_BIND, NULL)->process.name,
		   "sw-before") != 0)
		scenario_fail("the bind is not by sw-before");
}

/* bind, listen, then another program: the same process, by the name of now. */
static void handed_to_program(void)
{
	struct peer *p = peer_start("sw-before");
	struct call c = {0};
	const struct json_node *holder, *pid;
	struct address at;

	hold_port(p, &at);
	peer_begin(p, do_exec, &c);
	for (uint64_t until = deadline_in(5000); deadline_left(until) > 0;) {
		char path[64], name[32] = "";
		FILE *f;

		snprintf(path, sizeof(path), "/proc/%d/comm", (int)p->pid);
		f = fopen(path, "r");
		if (f) {
			if (!fgets(name, sizeof(name), f))
				name[0] = '\0';
			fclose(f);
		}
		if (strcmp(name, "exe\n") == 0)
			break;
		tracer_pump(-1, deadline_in(5));
	}
	holder = holder_of_failed_bind(peer_start("sw-other"), at);
	pid = json_get(&doc, holder, "pid");
	expect_text(holder, "name", "exe");
	if (!pid || pid->number != (uint64_t)p->pid)
		scenario_fail("another process holds it");
}

const struct scenario process_scenarios[] = {
	{"process-short-lived", complete},
	{"process-args-hostile", hostile_args},
	{"process-args-long", long_args},
	{"process-number-again", number_again},
	{"process-orphan", orphan},
	{"process-renamed", renamed},
	{"process-handed-to-program", handed_to_program},
	{0},
};
