// SPDX-License-Identifier: GPL-2.0-only
/* What there is no room for is counted like any loss: sockets beyond --sockets, what processes did while nobody read. */
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "remote.h"
#include "scenario.h"
#include "tracer.h"

#define ROOM	 16
#define FORKS	 4500 /* with their ends more than the ring of processes holds */
#define FORK_MAX 6600 /* records that it does hold, at most */

static bool has_told_sockets(const struct tracer *t, const void *ctx)
{
	(void)ctx;
	return t->lost_sockets > 0;
}

static void many_sockets(struct call *c)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};

	for (int i = 0; i < 4 * ROOM && c->result == 0; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		c->result = bind(fd, (struct sockaddr *)&at, sizeof(at));
		c->result |= listen(fd, 1);
	}
}

/* A full table is told like any loss, counted and with exit code 4. */
static void table_full(void)
{
	static const char *const args[] = {"--sockets", "16", NULL};
	struct peer *busy = peer_start("sw-many");
	struct tracer *t = tracer_open(args);
	struct call c = {0};

	t->count_only = true;
	peer_call(busy, many_sockets, &c);
	if (c.result < 0)
		scenario_fail("listeners cannot be made: %s", strerror(c.error));
	tracer_await(t, 20000, "sockets without room in a lost event", has_told_sockets, NULL);
	tracer_end(t, SIGINT, 4);
	if (t->lost_sockets < 3 * ROOM || !strstr(t->words, "table of 16 sockets is full"))
		scenario_fail("%llu sockets without room were told, at least %d had none; it said: "
			      "%s",
			      (unsigned long long)t->lost_sockets, 3 * ROOM, t->words);
}

static void fork_often(struct call *c)
{
	for (volatile long i = 0; i < c->arg[0] && c->result == 0; i++) {
		/* An emulated machine takes long to copy memory. */
		pid_t pid = vfork();

		if (pid == 0)
			_exit(0);
		c->result |= pid < 0 ? -1 : 0;
		waitpid(pid, NULL, 0);
	}
}

static bool has_told_processes(const struct tracer *t, const void *ctx)
{
	(void)ctx;
	return t->lost_processes > 0;
}

/* What processes did and nobody read is counted, told and no exit code of 0. */
static void processes_lost(void)
{
	struct peer *busy = peer_start("sw-forks");
	struct tracer *t = tracer_open(NULL);
	struct call c = {.arg = {FORKS}};

	t->count_only = true;
	kill(t->pid, SIGSTOP);
	peer_begin(busy, fork_often, &c);
	while (!peer_poll(busy, &c, 120000))
		scenario_fail("%d processes take too long", FORKS);
	kill(t->pid, SIGCONT);
	if (c.result < 0)
		scenario_fail("no more processes can be made");
	tracer_await(t, 20000, "processes in a lost event", has_told_processes, NULL);
	tracer_end(t, SIGINT, 4);
	/* Each tells its begin and its end; what others did is in the count, too. */
	if (t->lost_processes < 2 * FORKS - FORK_MAX ||
	    !strstr(t->words, "changes of processes not followed"))
		scenario_fail("%llu changes of processes were told as lost, at least %d were; it "
			      "said: %s",
			      (unsigned long long)t->lost_processes, 2 * FORKS - FORK_MAX,
			      t->words);
}

const struct scenario room_scenarios[] = {
	{"room-of-processes", processes_lost},
	{"room-of-sockets", table_full},
	{0},
};
