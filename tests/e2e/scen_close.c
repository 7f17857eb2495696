// SPDX-License-Identifier: GPL-2.0-only
/* Orderly ends: who closed first, TIME_WAIT, and descriptors that vanish without close(). */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

static void connect_pair(struct pair *p)
{
	pair_listen(p);
	pair_connect(p);
	pair_accept(p, ACCEPT_ADDRESS);
	pair_know(p);
	p->of_client.reason = "local-close";
	p->of_child.reason = "peer-close";
	p->of_client.states = STATES_CLIENT_ACTIVE;
	p->of_child.states = STATES_CHILD_PASSIVE;
}

static struct pair connected(void)
{
	struct pair p = pair_new("127.0.0.1");

	connect_pair(&p);
	return p;
}

/* What is left to do once the client's socket is on its way out. */
static void server_follows(struct pair *p)
{
	pair_follow(p, CLIENT_FIRST);
	must("close", remote_close(p->server, p->listener));
}

/* Both directions end while the client still has its descriptor: a full TIME_WAIT. */
static void time_wait_by_shutdown(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();

	must("shutdown", remote_shutdown(p.client, p.conn, SHUT_WR));
	server_follows(&p);
	if (must("receive", remote_receive(p.client, p.conn, 1)) != 0)
		scenario_fail("the stream does not end");
	p.of_client.states = STATES_CLIENT_ACTIVE "/-";
	pair_check(t, &p);
	must("close", remote_close(p.client, p.conn));
	pair_check(t, &p);
}

/* close() first, the peer's FIN much later: an orphan whose minisock is still in FIN_WAIT2. */
static void time_wait_by_close(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();

	must("close", remote_close(p.client, p.conn));
	expect_line(t, p.of_client.cookie, LINE_STATE, "TIME_WAIT");
	server_follows(&p);
	p.of_client.states = STATES_CLIENT_ACTIVE "/FIN_WAIT2";
	pair_check(t, &p);
}

/* The other side keeps sending after a shutdown: FIN_WAIT2 holds until it ends. */
static void half_closed(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();

	must("shutdown", remote_shutdown(p.client, p.conn, SHUT_WR));
	expect_line(t, p.of_client.cookie, LINE_STATE, "FIN_WAIT2");
	must("send", remote_send(p.server, p.child, 5000));
	if (must("receive", remote_receive(p.client, p.conn, 5000)) != 5000)
		scenario_fail("too little came through a half-closed connection");
	server_follows(&p);
	must("receive", remote_receive(p.client, p.conn, 1));
	must("close", remote_close(p.client, p.conn));
	p.of_client.counted = p.of_child.counted = true;
	p.of_client.received = p.of_child.sent = 5000;
	pair_check(t, &p);
}

static void by_process_end(int signal)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();

	peer_end(p.client, signal);
	server_follows(&p);
	pair_check(t, &p);
}

static void by_exit(void)
{
	by_process_end(0);
}

static void by_kill(void)
{
	by_process_end(SIGKILL);
}

static void by_dup2(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();

	must("dup2", remote_dup2(p.client, STDERR_FILENO, p.conn));
	server_follows(&p);
	pair_check(t, &p);
}

/* Becomes the agent's own program, which waits for the end of its input: the control channel. */
static void do_exec(struct call *c)
{
	char name[] = "agent", option[] = "--linger";
	char *const argv[] = {name, option, NULL};

	fcntl((int)c->arg[0], F_SETFD, FD_CLOEXEC);
	dup2((int)c->arg[1], STDIN_FILENO);
	c->result = execv("/proc/self/exe", argv);
}

static void by_exec(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();
	struct call c = {.arg = {p.conn, p.client->control_inside}};

	if (access("/proc/self/exe", X_OK) < 0)
		scenario_skip("no /proc/self/exe");
	peer_begin(p.client, do_exec, &c);
	server_follows(&p);
	pair_check(t, &p);
}

/* A socket passed to a forked child lives until the last of the two lets go; the owner stays who
 * connected. */
static void by_last_holder(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();
	struct peer *heir = peer_fork(p.client, "sw-heir");

	peer_end(p.client, SIGKILL);
	peer_end(heir, 0);
	server_follows(&p);
	pair_check(t, &p);
}

static void do_socketpair(struct call *c)
{
	int ends[2];

	c->result = socketpair(AF_UNIX, SOCK_DGRAM, 0, ends);
	c->arg[0] = ends[0];
	c->arg[1] = ends[1];
}

static void do_pass(struct call *c)
{
	_Alignas(struct cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(char[]){'x'}, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	struct cmsghdr *header = (struct cmsghdr *)(void *)ancillary;
	int fd = (int)c->arg[1];

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(header), &fd, sizeof(fd));
	c->result = sendmsg((int)c->arg[0], &msg, 0);
}

/* The result is the descriptor that came. */
static void do_take(struct call *c)
{
	_Alignas(struct cmsghdr) char ancillary[CMSG_SPACE(sizeof(int))] = {0};
	struct iovec iov = {(char[1]){0}, 1};
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = ancillary,
		.msg_controllen = sizeof(ancillary),
	};
	int fd;

	c->result = recvmsg((int)c->arg[0], &msg, 0);
	if (c->result < 0 || !CMSG_FIRSTHDR(&msg))
		return;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	c->result = fd;
}

/* The descriptor travels by SCM_RIGHTS and who sent it is gone: with `taken` its receiver lets go of it, else it is never
 * taken out, and ends with the socket it waits in. */
static void passed_on(bool taken)
{
	struct tracer *t = tracer_shared();
	struct peer *heir = peer_start("sw-heir");
	struct call ends = {.arg = {0}}, c;
	struct pair p = pair_new("127.0.0.1");

	peer_call(heir, do_socketpair, &ends);
	must("socketpair", ends.result < 0 ? -ends.error : 0);
	p.client = peer_fork(heir, "sw-client");
	connect_pair(&p);
	c = (struct call){.arg = {ends.arg[0], p.conn}};
	peer_call(p.client, do_pass, &c);
	must("sendmsg", c.result < 0 ? -c.error : 0);
	peer_end(p.client, SIGKILL);
	if (taken) {
		c = (struct call){.arg = {ends.arg[1]}};
		peer_call(heir, do_take, &c);
		must("close",
		     remote_close(heir, (int)must("recvmsg", c.result < 0 ? -c.error : c.result)));
	} else {
		must("close", remote_close(heir, (int)ends.arg[1]));
	}
	server_follows(&p);
	pair_check(t, &p);
}

static void by_receiver(void)
{
	passed_on(true);
}

static void in_flight(void)
{
	passed_on(false);
}

struct barrier {
	atomic_int waiting;
};

static void do_shutdown_at_once(struct call *c)
{
	struct barrier *b = (struct barrier *)c->arg[1];

	atomic_fetch_add(&b->waiting, 1);
	while (atomic_load(&b->waiting) < 2)
		;
	c->result = shutdown((int)c->arg[0], SHUT_WR);
}

static bool try_simultaneous(struct tracer *t, struct pair *p, struct barrier *b)
{
	const struct expect *lives[2] = {&p->of_client, &p->of_child};
	struct call client, server;
	bool met = false;

	pair_connect(p);
	pair_accept(p, ACCEPT_ADDRESS);
	pair_know(p);
	atomic_store(&b->waiting, 0);
	client = (struct call){.arg = {p->conn, (long)b}};
	server = (struct call){.arg = {p->child, (long)b}};
	peer_begin(p->client, do_shutdown_at_once, &client);
	peer_begin(p->server, do_shutdown_at_once, &server);
	must("shutdown", remote_finish(p->client));
	must("shutdown", remote_finish(p->server));
	must("close", remote_close(p->client, p->conn));
	must("close", remote_close(p->server, p->child));
	p->of_client.states = STATES_CLIENT_ACTIVE
		"|" STATES_CLIENT_PASSIVE "|CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>CLOSING>TIME_WAIT";
	p->of_child.states = STATES_CHILD_ACTIVE
		"|" STATES_CHILD_PASSIVE "|SYN_RECV>ESTABLISHED>FIN_WAIT1>CLOSING>TIME_WAIT";
	p->of_client.reason = p->of_child.reason = "local-close|peer-close";
	expect_lives(t, lives, 2);
	for (size_t i = 0; i < t->count; i++)
		met |= t->line[i]->kind == LINE_STATE && strcmp(t->line[i]->to, "CLOSING") == 0;
	tracer_forget(t);
	return met;
}

static void simultaneous(void)
{
	struct tracer *t = tracer_shared();
	struct barrier *b =
		mmap(NULL, sizeof(*b), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	bool met = false;
	struct pair p;

	if (b == MAP_FAILED)
		scenario_fail("mmap failed");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		scenario_skip("one processor");
	p = pair_new("127.0.0.1");
	pair_listen(&p);
	for (int i = 0; i < 100 && !met; i++)
		met = try_simultaneous(t, &p, b);
	munmap(b, sizeof(*b));
	if (!met)
		scenario_skip("two processes did not meet in 100 tries");
}

/* Payload in many calls, larger than any buffer, counted to the byte. */
static void bytes(long from_client, long from_server)
{
	struct tracer *t = tracer_shared();
	struct pair p = connected();

	pair_talk(&p, from_client, from_server);
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

static void bytes_few(void)
{
	bytes(1, 2);
}

static void bytes_none(void)
{
	bytes(0, 0);
}

static void bytes_one_way(void)
{
	bytes(12345, 0);
}

static void bytes_many(void)
{
	bytes(60001, 50003);
}

const struct scenario close_scenarios[] = {
	{"close-time-wait-by-shutdown", time_wait_by_shutdown},
	{"close-time-wait-by-close", time_wait_by_close},
	{"close-half-closed", half_closed},
	{"close-by-exit", by_exit},
	{"close-by-kill", by_kill},
	{"close-by-dup2", by_dup2},
	{"close-by-exec", by_exec},
	{"close-by-last-holder", by_last_holder},
	{"close-by-receiver", by_receiver},
	{"close-in-flight", in_flight},
	{"close-simultaneous", simultaneous},
	{"bytes-none", bytes_none},
	{"bytes-few", bytes_few},
	{"bytes-one-way", bytes_one_way},
	{"bytes-many", bytes_many},
	{0},
};
