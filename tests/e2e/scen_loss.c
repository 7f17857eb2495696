// SPDX-License-Identifier: GPL-2.0-only
/*
 * What does not fit into the ring is counted, said, and repaired by a fresh look: sockets whose end
 * went unseen leave, and those that came unseen are known.
 */
#include <dirent.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "listed.h"
#include "pair.h"
#include "past_wire.h"
#include "scenario.h"

#define KEPT	    8
#define FILL	    1500 /* connections: several times what the small ring holds */
#define REST_MS	    1000
#define THREADS_MAX 8
#define TURN_MAX_MS 50

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
static bool has_told(const struct tracer *t, const void *ctx)
{
	(void)ctx;
	return t->lost > 0;
}

static void wait_told(struct tracer *t)
{
	tracer_await(t, 20000, "a lost event although the ring overflowed", has_told, NULL);
}

/* A host that fills the small ring by itself can show nothing here. */
static void wait_accepted(struct tracer *t, const struct pair *p)
{
	uint64_t deadline = deadline_in(5000);

	while (expect_count(t, p->of_child.cookie) < 2) {
		if (t->lost > 0)
			scenario_skip("the host's own traffic overflows a ring of 1 MiB");
		if (deadline_left(deadline) == 0)
			scenario_fail("no lines of a child; %s", tracer_saw(t, 0));
		tracer_pump(-1, deadline);
	}
	expect_line(t, p->of_child.cookie, LINE_ACCEPT, NULL);
}

static void loses_and_repairs(void)
{
	char port[8];
	const char *const args[] = {"--ring", "1M", "--port", port, NULL};
	struct pair first = pair_new("127.0.0.1"), old[KEPT], new;
	struct peer *busy = peer_start("sw-busy");
	struct tracer *t;

	pair_listen(&first);
	snprintf(port, sizeof(port), "%u", address_port(&first.listen_at));
	t = tracer_open(args);
	for (int i = 0; i < KEPT; i++) {
		old[i] = first;
		make(&old[i]);
		wait_accepted(t, &old[i]);
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

#define CHURN_LISTENERS 16
#define CHURN_ROUNDS	10 /* twice what one user may have of the small ring */
#define CHURN_STOPS	5

/* Listeners and connections that come and go in the order that a small allocator reuses best. */
static void churn_once(struct call *c)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct linger off = {.l_onoff = 1};
	int listener[CHURN_LISTENERS], fd[CHURN_LISTENERS][8];

	for (int i = 0; i < CHURN_LISTENERS; i++) {
		struct sockaddr_storage to;
		socklen_t len = sizeof(to);

		listener[i] = socket(AF_INET, SOCK_STREAM, 0);
		if (bind(listener[i], (struct sockaddr *)&at, sizeof(at)) < 0 ||
		    listen(listener[i], 16) < 0 ||
		    getsockname(listener[i], (struct sockaddr *)&to, &len) < 0)
			c->result = -1;
		for (int k = 0; k < 8; k += 2) {
			fd[i][k] = socket(AF_INET, SOCK_STREAM, 0);
			if (connect(fd[i][k], (struct sockaddr *)&to, len) < 0)
				c->result = -1;
			fd[i][k + 1] = accept(listener[i], NULL, NULL);
			setsockopt(fd[i][k], SOL_SOCKET, SO_LINGER, &off, sizeof(off));
		}
	}
	for (int i = 0; i < CHURN_LISTENERS; i++) {
		int again;

		for (int k = 0; k < 4; k++)
			close(fd[i][k]);
		close(listener[i]);
		again = socket(AF_INET, SOCK_STREAM, 0);
		bind(again, (struct sockaddr *)&at, sizeof(at));
		for (int k = 4; k < 8; k++)
			close(fd[i][k]);
		close(again);
	}
}

static void do_churn(struct call *c)
{
	for (long i = 0; i < c->arg[0] && c->result == 0; i++)
		churn_once(c);
}

/* Loss in many places at once must neither break nor mislead the tables. */
static void survives(void)
{
	static const char *const args[] = {"--ring", "1M", NULL};
	struct peer *busy = peer_start("sw-busy");
	struct tracer *t = tracer_open(args);
	int code;

	t->count_only = true;
	for (int i = 0; i < 2 * CHURN_STOPS; i++) {
		bool stops = i % 2 == 0;
		struct call c = {.arg = {stops ? CHURN_ROUNDS : CHURN_ROUNDS / 4}};

		kill(t->pid, stops ? SIGSTOP : SIGCONT);
		peer_call(busy, do_churn, &c);
		if (c.result < 0)
			scenario_fail("connections fail: %s", strerror(c.error));
	}
	code = tracer_wait_exit(t, SIGINT);
	if (code != 4 || !t->lost)
		scenario_fail("exit code %d with %llu lost; it said: %s", code,
			      (unsigned long long)t->lost, t->words);
}

static bool has_told_every_end(const struct tracer *t, const void *ctx)
{
	(void)ctx;
	return t->kind[LINE_CLOSE] >= 2 * FILL;
}

/* What is not read waits in memory: more than the ring holds, less than --ring. */
static void waits(void)
{
	static const char *const args[] = {"--ring", "64M", NULL};
	struct peer *busy = peer_start("sw-busy");
	struct tracer *t = tracer_open(args);

	t->count_only = true;
	t->stopped = true;
	fill(busy);
	if (t->kind[LINE_CLOSE] > FILL)
		scenario_fail("%llu ends were told although nobody read",
			      (unsigned long long)t->kind[LINE_CLOSE]);
	t->stopped = false;
	tracer_wait(t, 20000, has_told_every_end, NULL);
	tracer_wait_exit(t, SIGINT);
	/* The kernel may have run no program for some. */
	if (strstr(t->words, "ring buffer") || t->kind[LINE_CLOSE] < FILL)
		scenario_fail("%llu of %d ends were told; it said: %s",
			      (unsigned long long)t->kind[LINE_CLOSE], 2 * FILL, t->words);
}

struct work {
	unsigned long long ran_ms;
	unsigned long long slept; /* times that it gave its processor back by itself */
};

static struct work work_of(pid_t pid, const char *tid)
{
	unsigned long long user, system;
	char path[64], line[512] = "";
	struct work w = {0};
	const char *rest;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/stat", (int)pid, tid);
	f = fopen(path, "re");
	rest = f && fgets(line, sizeof(line), f) ? strrchr(line, ')') : NULL;
	if (!rest || sscanf(rest + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu",
			    &user, &system) != 2)
		scenario_fail("%s cannot be read", path);
	fclose(f);
	w.ran_ms = (user + system) * 1000 / (unsigned long long)sysconf(_SC_CLK_TCK);
	snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, tid);
	f = fopen(path, "re");
	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "voluntary_ctxt_switches: %llu", &w.slept);
	if (f)
		fclose(f);
	return w;
}

struct work_of_thread {
	char tid[16];
	struct work before;
};

static size_t list_threads(pid_t pid, struct work_of_thread *list, size_t max)
{
	struct dirent *entry;
	char path[32];
	size_t count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	dir = opendir(path);
	if (!dir)
		scenario_fail("%s cannot be read", path);
	while ((entry = readdir(dir)) && count < max) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(list[count].tid, sizeof(list[count].tid), "%.15s", entry->d_name);
		list[count].before = work_of(pid, list[count].tid);
		count++;
	}
	closedir(dir);
	return count;
}

/*
 * While nobody reads and nothing more has room there is nothing to do.  How long a thread ran does not tell: a guest counts the time
 * that it waits for its processor, too.  How long it ran each time does: who has nothing to do and does not rest gives nothing back.
 */
static void rests(void)
{
	static const char *const args[] = {"--ring", "1M", NULL};
	struct peer *busy = peer_start("sw-busy");
	struct tracer *t = tracer_open(args);
	struct work_of_thread threads[THREADS_MAX];
	struct work after[THREADS_MAX];
	uint64_t deadline;
	size_t count;

	t->count_only = true;
	t->stopped = true;
	fill(busy);
	count = list_threads(t->pid, threads, THREADS_MAX);
	for (deadline = deadline_in(REST_MS); deadline_left(deadline) > 0;)
		tracer_pump(-1, deadline);
	for (size_t i = 0; i < count; i++)
		after[i] = work_of(t->pid, threads[i].tid);
	t->stopped = false;
	wait_told(t);
	tracer_end(t, SIGINT, 4);
	for (size_t i = 0; i < count; i++) {
		unsigned long long ran_ms = after[i].ran_ms - threads[i].before.ran_ms;
		unsigned long long slept = after[i].slept - threads[i].before.slept;

		if (ran_ms > REST_MS / 4 && ran_ms / (slept + 1) > TURN_MAX_MS)
			scenario_fail("a thread ran for %llu of %d ms and rested %llu times",
				      ran_ms, REST_MS, slept);
	}
}

/* ---- ten losses in a row ---- */

#define LOSSES	    10
#define LOSSES_BRIEF 3
#define REPAIR_MS   1000 /* the contract's second */
#define COOKIES_MAX (2 * KEPT * (LOSSES + 1) + 1)

struct told {
	uint64_t cookie[COOKIES_MAX];
	size_t count;
};

static void tell_cookies(struct told *told, const struct pair *p)
{
	told->cookie[told->count++] = p->of_client.cookie;
	told->cookie[told->count++] = p->of_child.cookie;
}

/* The trace may have to be read before it answers. */
static bool read_whole(int fd, void *to, size_t size)
{
	uint64_t deadline = deadline_in(10000);
	size_t done = 0;

	while (done < size && deadline_left(deadline) > 0) {
		ssize_t n = 0;

		if (!tracer_pump(fd, deadline))
			continue;
		n = read(fd, (char *)to + done, size - done);
		if (n <= 0)
			break;
		done += (size_t)n;
	}
	return done == size;
}

/* What the trace's table has of these cookies, as a listing asks it. */
static int ask(const struct tracer *t, const struct told *told)
{
	const struct past_question q = {.magic = PAST_MAGIC,
					.version = PAST_VERSION,
					.size = sizeof(q),
					.count = (uint32_t)told->count};
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	const size_t bytes = told->count * sizeof(told->cookie[0]);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(at.sun_path, sizeof(at.sun_path), "%s/%d", getenv("SOCKWATCH_RUN"), (int)t->pid);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0 ||
	    write(fd, &q, sizeof(q)) != sizeof(q) ||
	    write(fd, told->cookie, bytes) != (ssize_t)bytes)
		scenario_fail("the trace does not answer: %s", strerror(errno));
	return fd;
}

struct known {
	struct past_life life[COOKIES_MAX];
	size_t count;
};

static void take_known(const struct tracer *t, const struct told *told, struct known *ret)
{
	char text[PAST_RECORD_MAX];
	struct past_head head = {0};
	int fd = ask(t, told);

	ret->count = 0;
	while (read_whole(fd, &head, sizeof(head)) && head.kind != PAST_END) {
		struct past_life life = {.head = head};
		size_t rest = head.size - sizeof(head), fixed = sizeof(life) - sizeof(head);

		if (head.kind != PAST_LIFE) {
			if (!read_whole(fd, text, rest))
				break;
			continue;
		}
		if (!read_whole(fd, (char *)&life + sizeof(head), fixed) ||
		    !read_whole(fd, text, rest - fixed))
			break;
		if (!(life.flags & PAST_F_ENDED) && ret->count < COOKIES_MAX)
			ret->life[ret->count++] = life;
	}
	close(fd);
	if (head.kind != PAST_END)
		scenario_fail("the trace's answer is cut");
}

static bool is_known(const struct known *known, const struct row *row)
{
	for (size_t i = 0; i < known->count; i++) {
		if (known->life[i].local_port == row->local.port &&
		    known->life[i].peer_port == row->peer.port)
			return true;
	}
	return false;
}

/* Sockets on this port that the kernel lists; how many of them the table does not know. */
static unsigned int count_listed(const struct listed *kernel, unsigned int port,
				 const struct known *known, unsigned int *ret_unknown)
{
	unsigned int count = 0;

	*ret_unknown = 0;
	for (unsigned int i = 0; i < kernel->count; i++) {
		const struct row *row = &kernel->row[i];

		if ((row->local.port != port && row->peer.port != port) ||
		    strcmp(row->proto, "tcp") != 0 || strcmp(row->state, "TIME_WAIT") == 0)
			continue;
		count++;
		*ret_unknown += !is_known(known, row);
	}
	return count;
}

/* The kernel's own list of the port, and the table's, must be equal; the last ends may be on their way. */
static void compare_with_kernel(const struct tracer *t, const struct pair *p,
				const struct told *told)
{
	static struct listed kernel;
	static struct known known;
	uint64_t deadline = deadline_in(5000);
	unsigned int listed, unknown;

	do {
		listed_take_proc(&kernel, p->server->pid);
		take_known(t, told, &known);
		listed = count_listed(&kernel, address_port(&p->listen_at), &known, &unknown);
		if (listed == known.count && !unknown)
			return;
		tracer_pump(-1, deadline_in(20));
	} while (deadline_left(deadline) > 0);
	scenario_fail("the kernel lists %u sockets on the port, the table has %zu; %u of the "
		      "kernel's are unknown to it",
		      listed, known.count, unknown);
}

static bool has_told_more(const struct tracer *t, const void *ctx)
{
	return t->lost > *(const uint64_t *)ctx;
}

/* While it stands still, more happens than the ring holds: ends and births go unseen.  Returns how many
 * milliseconds of the contract's second the repair left, 0 none. */
static int lose(struct tracer *t, struct peer *busy, struct pair old[KEPT], struct told *told)
{
	uint64_t before = t->lost, deadline;

	kill(t->pid, SIGSTOP);
	fill(busy);
	for (int i = 0; i < KEPT; i++) {
		drop(&old[i]);
		make(&old[i]);
		tell_cookies(told, &old[i]);
	}
	kill(t->pid, SIGCONT);
	deadline = deadline_in(REPAIR_MS);
	/* It comes with the repair, and the repair before is rested from nine times as long as its look took. */
	tracer_await(t, 60000, "a lost event although the ring overflowed", has_told_more, &before);
	return deadline_left(deadline);
}

static void ten_times(void)
{
	static const char *const args[] = {"--ring", "1M", NULL};
	struct pair first = pair_new("127.0.0.1"), old[KEPT];
	struct peer *busy = peer_start("sw-busy");
	static struct told told;
	struct tracer *t;
	const int losses = scenario_is_brief() ? LOSSES_BRIEF : LOSSES;
	int late = 0;

	told.count = 0;
	pair_listen(&first);
	t = tracer_open(args);
	t->count_only = true;
	for (int i = 0; i < KEPT; i++) {
		old[i] = first;
		make(&old[i]);
		tell_cookies(&told, &old[i]);
	}
	told.cookie[told.count++] = old[0].of_listener.cookie;
	for (int i = 0; i < losses; i++) {
		int left_ms = lose(t, busy, old, &told);

		scenario_note("loss %d: repaired %d ms before its time, %llu facts lost so far",
			      i + 1, left_ms, (unsigned long long)t->lost);
		late += left_ms == 0;
		compare_with_kernel(t, &first, &told);
	}
	tracer_end(t, SIGINT, 4);
	/* Some may meet other work of the host. */
	if (late > losses / 2)
		scenario_fail("%d of %d losses were repaired later than after %u ms", late, losses,
			      REPAIR_MS);
}

const struct scenario loss_scenarios[] = {
	{"loss-ten-times", ten_times},
	{"loss-none-while-nobody-reads", waits},
	{"loss-rests-while-nobody-reads", rests},
	{"loss-survived", survives},
	{"loss-repaired", loses_and_repairs},
	{0},
};
