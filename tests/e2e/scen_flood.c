// SPDX-License-Identifier: GPL-2.0-only
/* Calls that fail in a loop: every one is counted, few are told, and nobody else's facts are lost for them. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "features.h"
#include "pair.h"
#include "scenario.h"

#define PORT	 4799
#define HOLDERS	 100
#define LISTED	 64
#define ROUNDS	 6
#define CALLS	 4000 /* a round */
#define FRESH	 1000 /* of them with a socket of their own */
#define NOBODY	 65534
#define MS_ROUND 10000
#define APART	 1000 /* ports: more than are counted apart */
#define CHILDREN 300  /* processes that fail once: more than are counted together beside these */
#define SPENT	 300  /* calls: more than an allowance */
#define MS_SPENT 100  /* for which that is */
#define MS_APART 200000 /* that all of them may take: an emulated machine may be silent for 300 s */
#define BRIEF	 8000 /* lives: more than a ring of 1 MiB holds the facts of */
#define FLOODS	 10   /* of these lives: more than 16 MiB hold */
#define BLOCKS	 200  /* connections whose lines no pipe holds */
#define FORKERS	 4    /* processes on one CPU */
#define FORKS	 500  /* of each, one after the other */
#define OFTEN                                                                                      \
	1000 /* connections: more facts than a flood leaves room for in the ring, fewer than in 16 MiB */

static struct sockaddr_in flooded(void)
{
	return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(PORT)};
}

/* arg[0]: SOCK_STREAM or SOCK_DGRAM.  Stays open until the process ends. */
static void hold_many(struct call *c)
{
	struct sockaddr_in at = flooded();
	int one = 1;

	for (int i = 0; i < HOLDERS; i++) {
		int fd = socket(AF_INET, (int)c->arg[0], 0);

		c->result = setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one));
		if (c->result == 0)
			c->result = bind(fd, (struct sockaddr *)&at, sizeof(at));
		if (c->result < 0)
			return;
	}
}

/* The CPU of that number among those that this process may use; false when there are not so many. */
static bool find_cpu(unsigned int number, cpu_set_t *ret)
{
	cpu_set_t all;

	if (sched_getaffinity(0, sizeof(all), &all) < 0)
		return false;
	CPU_ZERO(ret);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &all) || number-- > 0)
			continue;
		CPU_SET(cpu, ret);
		return true;
	}
	return false;
}

/* arg[0]: the number of the CPU. */
static void stay_on_cpu(struct call *c)
{
	cpu_set_t one;

	c->result = -1;
	c->error = ENOENT;
	if (!find_cpu((unsigned int)c->arg[0], &one))
		return;
	c->result = sched_setaffinity(0, sizeof(one), &one);
	c->error = errno;
}

static void put_on_cpu(struct peer *p, unsigned int number)
{
	struct call call = {.arg = {number}};

	peer_call(p, stay_on_cpu, &call);
	must("sched_setaffinity", call.result < 0 ? -call.error : call.result);
}

static void become_nobody(struct call *c)
{
	c->result = setuid(NOBODY);
}

/* One round; the result is how many failed as they must. */
static void flood_round(struct call *c)
{
	struct sockaddr_in at = flooded();
	int fd = socket(AF_INET, (int)c->arg[0], 0);

	c->result = 0;
	for (int i = 0; i < CALLS; i++) {
		if (i < FRESH) {
			close(fd);
			fd = socket(AF_INET, (int)c->arg[0], 0);
		}
		c->result +=
			bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0 && errno == EADDRINUSE;
	}
	close(fd);
}

static void flood_long(struct call *c)
{
	long sum = 0;

	for (int i = 0; i < 4; i++) {
		flood_round(c);
		sum += c->result;
	}
	c->result = sum;
}

struct told {
	uint64_t failures, first_ns, last_ns;
	unsigned int lines, with_holders;
};

static struct told told_of(const struct tracer *t, const struct peer *flooder)
{
	struct told told = {0};

	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->kind != LINE_BIND || l->process.pid != (uint32_t)flooder->pid)
			continue;
		if (!told.lines++)
			told.first_ns = l->time_ns;
		told.last_ns = l->time_ns;
		told.failures += l->repeated ? l->repeated : 1;
		if (l->holder_count == 0)
			continue;
		told.with_holders++;
		if (l->holder_count == LISTED && l->holders_more == HOLDERS - LISTED)
			continue;
		scenario_show(l);
		scenario_fail("%u holders and %llu more, must be %u and %u", l->holder_count,
			      (unsigned long long)l->holders_more, LISTED, HOLDERS - LISTED);
	}
	return told;
}

static void check_told(struct tracer *t, const struct peer *flooder, uint64_t made)
{
	uint64_t deadline = deadline_in(10000), seconds;
	struct told told = told_of(t, flooder);

	while (told.failures < made && deadline_left(deadline)) {
		tracer_pump(-1, deadline);
		told = told_of(t, flooder);
	}
	seconds = (told.last_ns - told.first_ns) / 1000000000 + 1;
	if (told.failures != made || t->lost)
		scenario_fail("%llu failures told in %u lines, %llu were made; %llu facts lost: %s",
			      (unsigned long long)told.failures, told.lines,
			      (unsigned long long)made, (unsigned long long)t->lost, t->words);
	/* A second has the line that begins it, at most one more for what came late, and the count. */
	if (!told.with_holders || told.lines > 3 * (seconds + 1))
		scenario_fail("%u lines, %u with holders, in %llu seconds", told.lines,
			      told.with_holders, (unsigned long long)seconds);
}

/*
 * A bystander's connections are told from end to end meanwhile.  He stays on another CPU: the kernel runs no program for him
 * where the flooder was interrupted in it.
 */
static void flood(int type)
{
	struct peer *holder = peer_start("sw-holder"), *flooder;
	struct call call = {.arg = {type}}, done;
	cpu_set_t other;
	struct tracer *t;
	struct pair pair;
	uint64_t made = 0;

	if (!find_cpu(1, &other))
		scenario_skip("only one CPU");
	remote_own_netns(holder);
	peer_call(holder, hold_many, &call);
	must("hold", call.result < 0 ? -call.error : call.result);
	flooder = peer_fork(holder, "sw-flooder");
	peer_call(flooder, become_nobody, &call);
	must("setuid", call.result < 0 ? -call.error : call.result);
	put_on_cpu(flooder, 0);
	t = tracer_open(NULL);
	for (int i = 0; i < ROUNDS; i++) {
		call = (struct call){.arg = {type}};
		peer_begin(flooder, flood_round, &call);
		pair = pair_new("127.0.0.1");
		put_on_cpu(pair.server, 1);
		put_on_cpu(pair.client, 1);
		pair_whole_life(t, &pair, ACCEPT_ADDRESS, CLIENT_FIRST);
		if (!peer_poll(flooder, &done, (unsigned int)deadline_left(deadline_in(MS_ROUND))))
			scenario_fail("%d calls of bind take more than %d ms", CALLS, MS_ROUND);
		made += (uint64_t)done.result;
	}
	if (made != (uint64_t)ROUNDS * CALLS)
		scenario_fail("%llu of %d calls failed", (unsigned long long)made, ROUNDS * CALLS);
	check_told(t, flooder, made);
	tracer_end(t, SIGINT, 0);
}

static void tcp(void)
{
	flood(SOCK_STREAM);
}

static void udp(void)
{
	flood(SOCK_DGRAM);
}

static int fail_at(int fd, unsigned int i)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(0xc0000201)}};

	at.sin_port = htons((uint16_t)(1 + i));
	return bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0;
}

/* Not as long as a slow machine is waited for: the program's own time. */
static long ms_since(const struct timespec *begin)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - begin->tv_sec) * 1000 + (now.tv_nsec - begin->tv_nsec) / 1000000;
}

static bool is_over(const struct timespec *begin)
{
	return ms_since(begin) >= MS_SPENT - MS_SPENT / 10;
}

/*
 * Binds that fail each in its own way, by many processes, while there is no allowance left: it begins anew with the first call
 * after its time.  The result is how many failed, arg[0] how many of the processes found time to.
 */
static void fail_apart(struct call *c)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0), status;
	struct timespec all;
	unsigned int apart = 0;

	clock_gettime(CLOCK_MONOTONIC, &all);
	signal(SIGCHLD, SIG_DFL);
	c->result = 0;
	while (c->arg[0] < CHILDREN && ms_since(&all) < MS_APART) {
		struct timespec begin;

		poll(NULL, 0, MS_SPENT + MS_SPENT / 10);
		clock_gettime(CLOCK_MONOTONIC, &begin);
		for (int i = 0; i < SPENT; i++)
			c->result += fail_at(fd, 0);
		/* What ends too late may have been told by itself. */
		while (c->arg[0] < CHILDREN && !is_over(&begin)) {
			if (apart < APART) {
				c->result += fail_at(fd, apart + 1);
				apart += !is_over(&begin);
				continue;
			}
			if (fork() == 0)
				_exit(!fail_at(fd, 0));
			c->result += wait(&status) > 0 && status == 0;
			c->arg[0] += !is_over(&begin);
		}
	}
}

static bool is_flood(const char *error)
{
	return strcmp(error, "EADDRNOTAVAIL") == 0 || strcmp(error, "EADDRINUSE") == 0;
}

static uint64_t failures_of(const struct tracer *t)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->kind == LINE_BIND && is_flood(t->line[i]->error))
			sum += t->line[i]->repeated ? t->line[i]->repeated : 1;
	}
	return sum;
}

static bool has_told_all(const struct tracer *t, const void *ctx)
{
	return failures_of(t) + t->lost >= (uint64_t) * (const long *)ctx;
}

/* While the tracer stands still there are more different failures than can be counted: that is said, not that the ring is full. */
static void different(void)
{
	struct peer *flooder = peer_start("sw-flooder");
	struct call call = {0};
	struct tracer *t;
	uint64_t told;

	remote_own_netns(flooder);
	peer_call(flooder, become_nobody, &call);
	must("setuid", call.result < 0 ? -call.error : call.result);
	t = tracer_open(NULL);
	kill(t->pid, SIGSTOP);
	peer_begin(flooder, fail_apart, &call);
	while (!peer_poll(flooder, &call, 60000))
		scenario_fail("the calls take too long");
	kill(t->pid, SIGCONT);
	if (call.arg[0] < CHILDREN)
		scenario_skip("fewer calls fail here in a second than each user may tell");
	tracer_await(t, 20000, "every failure told or counted as lost", has_told_all, &call.result);
	tracer_end(t, SIGINT, 4);
	told = failures_of(t);
	/* By tracepoints a call has two programs, which the kernel may both leave out. */
	if (told > (uint64_t)call.result || told + t->lost < (uint64_t)call.result ||
	    t->lost > 2 * ((uint64_t)call.result - told))
		scenario_fail("%llu failures told, %llu lost, %ld were made",
			      (unsigned long long)told, (unsigned long long)t->lost, call.result);
	if (!strstr(t->words, "failed calls were too different") || strstr(t->words, "ring buffer"))
		scenario_fail("it does not say what was full, but: %s", t->words);
}

/* Two that take each other's place while the kernel runs a program for one: what was not told is counted. */
static void two_at_once(void)
{
	struct peer *flooder[2] = {peer_start("sw-flooder"), NULL};
	struct call call = {.arg = {SOCK_STREAM}}, done;
	struct tracer *t;
	uint64_t told;
	long made = 0;

	remote_own_netns(flooder[0]);
	put_on_cpu(flooder[0], 0);
	peer_call(flooder[0], hold_many, &call);
	must("hold", call.result < 0 ? -call.error : call.result);
	flooder[1] = peer_fork(flooder[0], "sw-flooder-2");
	t = tracer_open(NULL);
	for (int i = 0; i < 2; i++) {
		call = (struct call){.arg = {SOCK_STREAM}};
		peer_begin(flooder[i], flood_long, &call);
	}
	for (int i = 0; i < 2; i++) {
		while (!peer_poll(flooder[i], &done, 60000))
			scenario_fail("the calls take too long");
		made += done.result;
	}
	tracer_await(t, 25000, "every failure told or counted as lost", has_told_all, &made);
	tracer_end(t, SIGINT, t->lost ? 4 : 0);
	told = failures_of(t);
	/* By tracepoints a call has two programs, which may both be missed. */
	if (told > (uint64_t)made || t->lost > 2 * ((uint64_t)made - told))
		scenario_fail("%llu told, %llu lost, %ld made", (unsigned long long)told,
			      (unsigned long long)t->lost, made);
}

/* The result is how many began and ended. */
static void fork_often(struct call *c)
{
	int status;

	signal(SIGCHLD, SIG_DFL);
	c->result = 0;
	for (int i = 0; i < FORKS; i++) {
		pid_t pid = fork();

		if (pid == 0)
			_exit(0);
		c->result += pid > 0 && waitpid(pid, &status, 0) == pid;
	}
}

/* Linux 7.0 and newer preempt a task in a tracepoint: what others of its CPU do there meanwhile is followed, too. */
static void processes(void)
{
	struct peer *forker[FORKERS];
	struct call call = {0}, done;
	struct tracer *t;
	uint64_t made = 0;

	for (int i = 0; i < FORKERS; i++) {
		forker[i] = peer_start("sw-forker");
		put_on_cpu(forker[i], 0);
	}
	t = tracer_open(NULL);
	for (int i = 0; i < FORKERS; i++)
		peer_begin(forker[i], fork_often, &call);
	for (int i = 0; i < FORKERS; i++) {
		while (!peer_poll(forker[i], &done, 60000))
			scenario_fail("the calls take too long");
		made += (uint64_t)done.result;
	}
	tracer_wait_exit(t, SIGINT);
	/* Two copies of a program may both be left out, once in some thousand times. */
	if (made != FORKERS * FORKS || t->lost_processes > 2 * made / 500)
		scenario_fail("of %llu processes %llu changes were not followed; it said: %s",
			      (unsigned long long)made, (unsigned long long)t->lost_processes,
			      t->words);
}

/* ---- lives that end at once, whose facts fill the ring ---- */

/* arg[0]: SOCK_STREAM is refused, SOCK_DGRAM bound and closed.  The result is how many went that way. */
static void live_briefly(struct call *c)
{
	struct sockaddr_in at = flooded();

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->result = 0;
	for (int i = 0; i < BRIEF; i++) {
		int fd = socket(AF_INET, (int)c->arg[0], 0);

		if (c->arg[0] == SOCK_STREAM)
			c->result += connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 &&
				     errno == ECONNREFUSED;
		else
			c->result += bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0;
		close(fd);
	}
}

static bool has_told_loss(const struct tracer *t, const void *ctx)
{
	(void)ctx;
	return t->lost > 0;
}

static struct peer *start_flooder(void)
{
	struct peer *flooder = peer_start("sw-flooder");
	struct call call = {0};

	remote_own_netns(flooder);
	peer_call(flooder, become_nobody, &call);
	must("setuid", call.result < 0 ? -call.error : call.result);
	return flooder;
}

static void flood_briefly(struct peer *flooder, int type)
{
	struct call call = {.arg = {type}};

	peer_begin(flooder, live_briefly, &call);
	while (!peer_poll(flooder, &call, 60000))
		scenario_fail("%d sockets take too long", BRIEF);
	if (call.result != BRIEF)
		scenario_fail("%ld of %d calls went as they must", call.result, BRIEF);
}

/* While the tracer stands still, nobody fills what he may of its ring; root's connection comes after that. */
static void fill_ring(int type)
{
	static const char *const args[] = {"--ring", "1M", NULL};
	struct peer *flooder = start_flooder();
	struct tracer *t = tracer_open(args);
	struct pair pair = pair_new("127.0.0.1");

	kill(t->pid, SIGSTOP);
	flood_briefly(flooder, type);
	pair_listen(&pair);
	pair_connect(&pair);
	pair_accept(&pair, ACCEPT_ADDRESS);
	pair_know(&pair);
	pair_close(&pair, CLIENT_FIRST);
	kill(t->pid, SIGCONT);
	pair_check(t, &pair);
	tracer_await(t, 20000, "a lost event although the ring overflowed", has_told_loss, NULL);
	tracer_end(t, SIGINT, 4);
	if (!strstr(t->words, "share of the ring buffer"))
		scenario_fail("it does not say whose facts were lost, but: %s", t->words);
}

static void connects(void)
{
	fill_ring(SOCK_STREAM);
}

static void udp_lives(void)
{
	fill_ring(SOCK_DGRAM);
}

/* Connections to the listener arg[0], at `addr`, arg[1] of them. */
static void connect_often(struct call *c)
{
	for (c->result = 0; c->result < c->arg[1]; c->result++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		if (connect(fd, (struct sockaddr *)&c->addr, c->addr_len) < 0)
			break;
		shutdown(fd, SHUT_RDWR);
		close(accept((int)c->arg[0], NULL, NULL));
		close(fd);
	}
}

static void make_often(struct pair *pair, long count)
{
	struct call call = {.arg = {pair->listener, count},
			    .addr = pair->listen_at.ss,
			    .addr_len = pair->listen_at.len};

	peer_begin(pair->server, connect_often, &call);
	while (!peer_poll(pair->server, &call, 60000))
		scenario_fail("%ld connections take too long", count);
	if (call.result != count)
		scenario_fail("%ld of %ld connections were made", call.result, count);
}

/* While nobody reads, nobody fills what he may of the memory behind the ring; root's facts come after that, more than the ring holds. */
static void fill_memory(void)
{
	char port[8];
	const char *const args[] = {"--ring", "16M", "--port", port, NULL};
	struct peer *flooder = start_flooder();
	struct pair pair = pair_new("127.0.0.1");
	struct tracer *t;

	pair_listen(&pair);
	snprintf(port, sizeof(port), "%u", address_port(&pair.listen_at));
	t = tracer_open(args);
	t->count_only = true;
	t->stopped = true;
	make_often(&pair, BLOCKS);
	for (int i = 0; i < FLOODS; i++)
		flood_briefly(flooder, SOCK_DGRAM);
	make_often(&pair, OFTEN);
	t->stopped = false;
	tracer_await(t, 60000, "a lost event although the memory overflowed", has_told_loss, NULL);
	tracer_wait_exit(t, SIGINT);
	if (!strstr(t->words, "share of the ring buffer"))
		scenario_fail("it does not say whose facts were lost, but: %s", t->words);
	/* The kernel may have run no program for some. */
	if (t->kind[LINE_CLOSE] < 2 * (BLOCKS + OFTEN) * 98 / 100)
		scenario_fail("%llu of %d ends of root's were told; it said: %s",
			      (unsigned long long)t->kind[LINE_CLOSE], 2 * (BLOCKS + OFTEN),
			      t->words);
}

/* What nobody asked for takes no room. */
static void left_out(void)
{
	static const char *const args[] = {"--ring", "1M", "-D", "1", NULL};
	struct pair pair = pair_new("127.0.0.1");
	unsigned int major = 0, minor = 0;
	struct utsname kernel;
	struct tracer *t;

	uname(&kernel);
	sscanf(kernel.release, "%u.%u", &major, &minor);
	if (!features_attached("tp_btf/inet_sock_set_state") || (major == 5 && minor < 12))
		scenario_skip("programs decide by ports from Linux 5.12 with BTF on");
	/* What it leaves in TIME_WAIT takes nobody else's room. */
	remote_own_netns(pair.server);
	pair_listen(&pair);
	t = tracer_open(args);
	kill(t->pid, SIGSTOP);
	make_often(&pair, BRIEF);
	kill(t->pid, SIGCONT);
	tracer_end(t, SIGINT, 0);
}

const struct scenario flood_scenarios[] = {
	{"flood-of-memory", fill_memory},
	{"flood-of-others", left_out},
	{"flood-of-binds", tcp},
	{"flood-of-udp-binds", udp},
	{"flood-of-connects", connects},
	{"flood-by-two", two_at_once},
	{"flood-of-udp-lives", udp_lives},
	{"flood-of-processes", processes},
	{0},
};

/* Takes thousands of processes. */
const struct scenario flood_apart_scenarios[] = {{"flood-of-different", different}, {0}};
