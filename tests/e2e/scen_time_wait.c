// SPDX-License-Identifier: GPL-2.0-only
/* The end of TIME_WAIT, which only trampolines see. */
#include <signal.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

static _Noreturn void exec_features(int out)
{
	const char *argv[9] = {tracer_program, "features", "-o", "json"};

	tracer_add_kernel(argv, 4);
	dup2(out, STDOUT_FILENO);
	execv(tracer_program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

/* What `features` says of the hook: "attached" is all that counts. */
static bool is_covered(void)
{
	static char text[65536];
	size_t len = 0;
	char *hook, *end;
	ssize_t n = 1;
	int out[2];
	pid_t pid;

	must("pipe", pipe(out));
	pid = fork();
	if (pid == 0)
		exec_features(out[1]);
	close(out[1]);
	while (n > 0 && len < sizeof(text) - 1) {
		n = read(out[0], text + len, sizeof(text) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	close(out[0]);
	waitpid(pid, NULL, 0);
	hook = strstr(text, "\"hook\":\"fentry/inet_twsk_kill\"");
	if (!hook)
		scenario_fail("features does not list the hook of the end of TIME_WAIT");
	end = strchr(hook, '\n');
	if (end)
		*end = '\0';
	return strstr(hook, "\"status\":\"attached\"") != NULL;
}

/* A connection in a namespace of its own, known to the story. */
static struct pair connected_apart(void)
{
	struct pair p = pair_new("127.0.0.1");

	if (!is_covered())
		scenario_skip("features says that the end of TIME_WAIT is not seen");
	remote_own_netns(p.server);
	p.client = peer_fork(p.server, "sw-client");
	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	p.of_client.reason = "local-close";
	p.of_client.states = STATES_CLIENT_ACTIVE;
	return p;
}

static void check_end(struct tracer *t, const struct pair *p)
{
	const struct line *begin = expect_line(t, p->of_client.cookie, LINE_STATE, "TIME_WAIT"),
			  *end;

	end = expect_line(t, p->of_client.cookie, LINE_STATE, "CLOSE");
	if (strcmp(end->from, "TIME_WAIT") != 0)
		scenario_fail("it ends from %s", end->from);
	if (!end->has_after || end->time_ns < begin->time_ns)
		scenario_fail("its length is not told");
	/* Owner, ends and namespace, as of every other line. */
	expect_life(t, &p->of_client);
}

/* An orphan whose peer never closes: tcp_fin_timeout ends it. */
static void by_timeout(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected_apart();
	const struct line *end;

	must("tcp_fin_timeout",
	     remote_write_file(p.client, "/proc/sys/net/ipv4/tcp_fin_timeout", "1"));
	must("close", remote_close(p.client, p.conn));
	p.of_client.states = STATES_CLIENT_ACTIVE "/FIN_WAIT2";
	check_end(t, &p);
	end = expect_line(t, p.of_client.cookie, LINE_STATE, "CLOSE");
	if (end->after_ns < 500000000)
		scenario_fail("it lasts %llu ns, must be a second",
			      (unsigned long long)end->after_ns);
}

/* TIME_WAITs do not outlive their namespace. */
static void by_namespace(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected_apart();

	pair_close(&p, CLIENT_FIRST);
	expect_line(t, p.of_client.cookie, LINE_STATE, "TIME_WAIT");
	peer_end(p.client, SIGKILL);
	peer_end(p.server, SIGKILL);
	check_end(t, &p);
}

const struct scenario time_wait_scenarios[] = {
	{"time-wait-end-by-timeout", by_timeout},
	{"time-wait-end-by-namespace", by_namespace},
	{0},
};
