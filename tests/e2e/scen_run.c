// SPDX-License-Identifier: GPL-2.0-only
/* How the tracer starts, ends and behaves towards whoever reads it. */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"
#include "skipped.h"

/* What happened before the signal is printed although the reader has not read it yet. */
static void ends_by(int signal)
{
	struct tracer *t = tracer_open(NULL);
	struct pair p = pair_new("127.0.0.1");
	size_t close_lines = 0;

	pair_listen(&p);
	pair_connect(&p);
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	must("SO_LINGER", remote_linger_reset(p.client, p.conn));
	must("close", remote_close(p.client, p.conn));
	tracer_end(t, signal, 0);
	for (size_t i = 0; i < t->count; i++)
		close_lines += t->line[i]->kind == LINE_CLOSE &&
			       (t->line[i]->cookie == p.of_client.cookie ||
				t->line[i]->cookie == p.of_child.cookie);
	if (close_lines == 2)
		return;
	expect_show(t, p.of_client.cookie);
	expect_show(t, p.of_child.cookie);
	scenario_fail("%zu of 2 close lines were printed before the end", close_lines);
}

static void ends_by_sigint(void)
{
	ends_by(SIGINT);
}

static void ends_by_sigterm(void)
{
	ends_by(SIGTERM);
}

static void ends_after_time(void)
{
	static const char *const args[] = {"--for", "1s", NULL};

	tracer_end(tracer_open(args), 0, 0);
}

static void bind_some(struct peer *p)
{
	int fd = (int)must("socket", remote_socket(p, AF_INET, 0));

	must("bind", remote_bind(p, fd, address_of("127.0.0.1", 0)));
	must("close", remote_close(p, fd));
}

static void ends_after_count(void)
{
	static const char *const args[] = {"--count", "7", NULL};
	struct tracer *t = tracer_open(args);
	struct peer *p = peer_start("sw-client");

	for (int i = 0; i < 10; i++)
		bind_some(p);
	tracer_end(t, 0, 0);
	if (t->total != 7)
		scenario_fail("%llu lines, must be 7", (unsigned long long)t->total);
}

/* As in `sockwatch | head`: no complaint, no failure. */
static void reader_goes(void)
{
	struct tracer *t = tracer_open(NULL);
	struct peer *p = peer_start("sw-client");
	size_t words = t->words_len;
	uint64_t deadline = deadline_in(5000);

	close(t->out);
	t->out = -1;
	while (t->err >= 0) {
		if (deadline_left(deadline) == 0)
			scenario_fail("the tracer goes on without a reader");
		bind_some(p);
		tracer_pump(-1, deadline_in(10));
	}
	tracer_end(t, 0, 0);
	if (t->words_len != words)
		scenario_fail("the tracer says: %s", t->words + words);
}

/* `count` connections within one process, each reset at its end so that none lingers. */
static void do_many(struct call *c)
{
	struct linger off = {.l_onoff = 1};
	struct sockaddr *addr = (struct sockaddr *)&c->addr;

	for (long i = 0; i < c->arg[1] && c->result == 0; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0), child = -1;

		if (fd < 0 || connect(fd, addr, c->addr_len) < 0 ||
		    (child = accept((int)c->arg[0], NULL, NULL)) < 0)
			c->result = -1;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
		close(fd);
		close(child);
	}
}

#define MANY 2000

struct tally {
	uint64_t connects, accepts, closes;
};

static struct tally tally(const struct tracer *t)
{
	return (struct tally){t->kind[LINE_CONNECT], t->kind[LINE_ACCEPT], t->kind[LINE_CLOSE]};
}

/* The reader sleeps through far more than a pipe holds.  All lines come late, or what is missing is
 * counted. */
static void reader_sleeps(void)
{
	char port[8];
	const char *const args[] = {"--port", port, NULL};
	struct peer *p = peer_start("sw-busy");
	int listener = (int)must("socket", remote_socket(p, AF_INET, 0)), code;
	struct address at;
	struct call c;
	struct tracer *t;
	struct tally n;

	must("bind", remote_bind(p, listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(p, listener, 64));
	at = remote_local(p, listener);
	snprintf(port, sizeof(port), "%u", address_port(&at));
	t = tracer_open(args);
	t->count_only = true;
	t->stopped = true;
	c = (struct call){.arg = {listener, MANY}, .addr = at.ss, .addr_len = at.len};
	peer_begin(p, do_many, &c);
	while (!peer_poll(p, &c, 60000))
		scenario_fail("%d connections take too long", MANY);
	if (c.result < 0)
		scenario_fail("connections fail: %s", strerror(c.error));
	t->stopped = false;
	code = tracer_wait_exit(t, SIGINT);
	n = tally(t);
	if (code != (t->lost ? 4 : 0))
		scenario_fail("exit code %d with %llu lost; it said: %s", code,
			      (unsigned long long)t->lost, t->words);
	if (t->lost == 0 && (n.connects != MANY || n.accepts != MANY || n.closes != 2 * MANY))
		scenario_fail("nothing lost, but %llu connects, %llu accepts, %llu closes of %d",
			      (unsigned long long)n.connects, (unsigned long long)n.accepts,
			      (unsigned long long)n.closes, MANY);
	/* A lost fact takes at most the state line and the close line that it would have made. */
	if (n.connects + n.accepts + n.closes + 2 * t->lost < 4 * MANY)
		scenario_fail("%llu lost facts do not explain the lines that are missing",
			      (unsigned long long)t->lost);
	if (n.connects > MANY || n.accepts > MANY || n.closes > 2 * MANY)
		scenario_fail("more lines than happenings");
}

/* Two tracers see the same and do not disturb each other. */
static void two_at_once(void)
{
	struct tracer *a = tracer_open(NULL), *b = tracer_open(NULL);
	struct pair p = pair_new("127.0.0.1");

	pair_whole_life(a, &p, ACCEPT_ADDRESS, CLIENT_FIRST);
	pair_check(b, &p);
	tracer_end(a, SIGINT, 0);
	tracer_end(b, SIGINT, 0);
}

/* Whoever excuses a loss by what the kernel skipped must not miss one because the host goes on while it counts. */
static void skipped_is_exact(void)
{
	static const char *const args[] = {"--events", "lost", NULL};
	struct tracer *t = tracer_open(args);
	struct peer *p = peer_start("sw-busy");
	int listener = (int)must("socket", remote_socket(p, AF_INET, 0));
	struct skipped s;
	struct address at;
	struct call c;

	must("bind", remote_bind(p, listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(p, listener, 64));
	at = remote_local(p, listener);
	for (int i = 0; i < 20; i++) {
		int64_t count;

		c = (struct call){.arg = {listener, 20}, .addr = at.ss, .addr_len = at.len};
		skipped_begin(&s, t->pid);
		peer_begin(p, do_many, &c);
		count = skipped_count(&s);
		peer_finish(p, &c);
		skipped_end(&s);
		if (c.result < 0)
			scenario_fail("connections fail: %s", strerror(c.error));
		if (count < 0)
			scenario_fail("%lld runs that no change of state explains",
				      (long long)-count);
	}
}

static void usage_error(void)
{
	static const char *const wrong[][3] = {
		{"--port", "70000", NULL},   {"--for", "10", NULL},
		{"--events", "birth", NULL}, {"--no-such-option", NULL, NULL},
		{"--count", "-1", NULL},     {"--addr", "1.2.3", NULL},
		{"--state", "ASLEEP", NULL}, {"--hooks", "auto,-fexit/nothing", NULL},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct tracer *t = tracer_spawn(wrong[i]);
		int code = tracer_wait_exit(t, 0);

		if (code != 2 || t->total != 0 || t->words_len == 0)
			scenario_fail(
				"%s %s: exit code %d, must be 2 with a word on stderr; it said: %s",
				wrong[i][0], wrong[i][1] ? wrong[i][1] : "", code, t->words);
		tracer_close(t);
	}
}

const struct scenario run_scenarios[] = {
	{"run-ends-by-sigint", ends_by_sigint},
	{"run-reader-sleeps", reader_sleeps},
	{"run-two-at-once", two_at_once},
	{"run-skipped-is-exact", skipped_is_exact},
	{0},
};

const struct scenario ending_scenarios[] = {
	{"run-ends-by-sigterm", ends_by_sigterm},
	{"run-ends-after-time", ends_after_time},
	{"run-ends-after-count", ends_after_count},
	{"run-reader-goes", reader_goes},
	{"run-usage-error", usage_error},
	{0},
};
