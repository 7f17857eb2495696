// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does not fit into the ring is counted, said, and repaired by a fresh look: sockets whose end
 * went unseen leave, and those that came unseen are known.
 */
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "pair.h"
#include "scenario.h"

#define KEPT 8
#define FILL 3000 /* connections: several times what the small ring holds */

static void do_fill(struct call *c)
{
	struct linger off = {.l_onoff = 1};

	for (long i = 0; i < c->arg[1] && c->result == 0; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (fd < 0 || connect(fd, (struct sockaddr *)&c->addr, c->addr_len) < 0)
			c->result = -1;
		setsockopt(fd, SOL_SOCKET, SO_LINGER, &off, sizeof(off));
		shutdown(fd, SHUT_RDWR);
		close(fd);
		fd = accept((int)c->arg[0], NULL, NULL);
		close(fd);
	}
}

/* Connections of a process with itself, on a listener no other traffic uses. */
static void fill(struct peer *p)
{
	int listener = (int)must("socket", remote_socket(p, AF_INET, 0));
	struct address at;
	struct call c;

	must("bind", remote_bind(p, listener, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(p, listener, 16));
	at = remote_local(p, listener);
	c = (struct call){.arg = {listener, FILL}, .addr = at.ss, .addr_len = at.len};
	peer_begin(p, do_fill, &c);
	while (!peer_poll(p, &c, 60000))
		scenario_fail("%d connections take too long", FILL);
	if (c.result < 0)
		scenario_fail("connections fail: %s", strerror(c.error));
}

static void make(struct pair *p)
{
	pair_connect(p);
	pair_accept(p, ACCEPT_ADDRESS);
	pair_know(p);
}

static void drop(struct pair *p)
{
	must("close", remote_close(p->client, p->conn));
	must("receive", remote_receive(p->server, p->child, 1));
	must("close", remote_close(p->server, p->child));
}

/* Waits until the loss is told, which is also when it has been repaired. */
static void wait_told(struct tracer *t)
{
	uint64_t deadline = deadline_in(20000);

	while (t->lost == 0) {
		if (deadline_left(deadline) == 0)
			scenario_fail("no lost event although the ring overflowed; it said: %s",
				      t->words);
		tracer_pump(-1, deadline);
	}
}

static void loses_and_repairs(void)
{
	char port[8];
	const char *const args[] = {"--ring", "1M", "--port", port, NULL};
	struct pair first = pair_new("127.0.0.1"), old[KEPT], new = first;
	struct peer *busy = peer_start("sw-busy");
	struct tracer *t;

	pair_listen(&first);
	snprintf(port, sizeof(port), "%u", address_port(&first.listen_at));
	t = tracer_open(args);
	for (int i = 0; i < KEPT; i++) {
		old[i] = first;
		make(&old[i]);
		expect_line(t, old[i].of_child.cookie, LINE_ACCEPT, NULL);
	}
	kill(t->pid, SIGSTOP);
	fill(busy);
	for (int i = 0; i < KEPT; i++)
		drop(&old[i]);
	new = first;
	make(&new);
	kill(t->pid, SIGCONT);
	wait_told(t);
	for (int i = 0; i < KEPT; i++) {
		expect_line(t, old[i].of_client.cookie, LINE_CLOSE, NULL);
		expect_line(t, old[i].of_child.cookie, LINE_CLOSE, NULL);
	}
	drop(&new);
	/* Born unseen, found by the look: its end has an owner, who is its holder. */
	if (expect_line(t, new.of_client.cookie, LINE_CLOSE, NULL)->process.pid !=
		    (uint32_t) new.client->pid ||
	    expect_line(t, new.of_child.cookie, LINE_CLOSE, NULL)->process.pid !=
		    (uint32_t) new.server->pid) {
		expect_show(t, new.of_client.cookie);
		expect_show(t, new.of_child.cookie);
		scenario_fail("a socket found by the repair has not its holder as owner");
	}
	tracer_end(t, SIGINT, 4);
}

const struct scenario loss_scenarios[] = {
	{"loss-repaired", loses_and_repairs},
	{0},
};
