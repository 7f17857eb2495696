// SPDX-License-Identifier: GPL-2.0-only
/* The end of TIME_WAIT, which only trampolines see. */
#include <signal.h>
#include <stdint.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "features.h"
#include "pair.h"
#include "scenario.h"

/* A connection in a namespace of its own, known to the story. */
static struct pair connected_apart(void)
{
	struct pair p = pair_new("127.0.0.1");

	if (!features_attached("fentry/inet_twsk_kill"))
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
	expect_time_wait(t, p.of_client.cookie, 1);
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
