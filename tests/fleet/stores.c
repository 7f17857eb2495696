// SPDX-License-Identifier: GPL-2.0-only
/*
 * stores.c - stores of made-up hosts, written by src/store as `record` writes them.
 *
 *     build/tests/fleet/stores DIRECTORY HOSTS LIVES [--seed N] [--from SECONDS] [--span SECONDS] [--open N] [--bare] [--tame]
 *
 * DIRECTORY/host-01.store ... each get LIVES lives (of the hosts together: HOSTS x LIVES) which end between --from (Unix time;
 * 2026-11-26 20:00 UTC) and --span (8 h, so midnight lies in it) later, in the order of their ends. Beside them, unless --bare: some
 * rows of the port budget,
 * failed binds with holders, failed connects with ranges, listens, overflows, losses, lives that go on (--open, 3), processes with
 * every byte in their arguments, namespaces with names, IPv6 with scopes, UDP, lives without a process.
 * --tame: all names are words. The same arguments make the same rows. Prints one line a store: its path, lives, calls, losses, lives that go on.
 *
 * Every host talks to 10.0.3.7:5432 but each third; each fifth runs out of ports towards 10.0.9.9:6379.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "store_budget.h"

#define SEC	  1000000000ull
#define BOOT	  (1000 * SEC)
#define PROGRAMS  24
#define ARGS_MOST 300

static uint64_t seed = 1;

static uint64_t draw(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

static uint32_t below(uint32_t n)
{
	return (uint32_t)((draw() >> 16) % n);
}

struct host {
	unsigned int number;
	uint64_t cookie; /* of the last socket: the kernel counts */
	struct process process[PROGRAMS];
	struct program program[PROGRAMS], parent;
	char text[PROGRAMS][5][128], args[PROGRAMS][ARGS_MOST];
};

static void make_processes(struct host *h, bool tame)
{
	static const char *const names[] = {"nginx", "postgres",     "web-app", "java",
					    "curl",  "redis-server", "python3", "envoy",
					    "node",  "sshd",	     "cron",	"cu\xffrl \t\"'\\"};

	h->parent = (struct program){.pid = 1,
				     .start_ns = SEC,
				     .name = "systemd",
				     .exe = "/usr/lib/systemd/systemd",
				     .hash = 1};
	for (unsigned int i = 0; i < PROGRAMS; i++) {
		const char *name = tame && i % 12 == 11
					   ? "memcached"
					   : names[i % (sizeof(names) / sizeof(names[0]))];
		struct process *p = &h->process[i];
		struct program *r = &h->program[i];
		char(*text)[128] = h->text[i];

		*p = (struct process){.pid = 900 + i,
				      .tid = 900 + i + (i % 5 == 4),
				      .uid = i % 4 ? 1000 + i % 4 : 0,
				      .ruid = 0,
				      .cgroup_id = 70 + i,
				      .serial = h->number * 1000ull + i + 1};
		snprintf(p->name, sizeof(p->name), "%s", name);
		snprintf(text[0], sizeof(text[0]), "/usr/sbin/%s", name);
		*r = (struct program){.pid = p->pid,
				      .start_ns = (10 + i) * SEC + 1,
				      .exe = text[0],
				      .hash = 100 + i};
		snprintf(r->name, sizeof(r->name), "%s", name);
		if (i == 11 && !tame) {
			for (unsigned int byte = 0; byte < 256; byte++)
				h->args[i][byte] = (char)byte;
			r->args_len = 257; /* ends in NUL */
		} else {
			r->args_len = (uint32_t)snprintf(h->args[i], ARGS_MOST, "%s%c--port%c%u%c",
							 name, 0, 0, 8000 + i, 0);
		}
		if (i != 7) /* whose arguments nobody knows */
			r->args = h->args[i];
		r->args_cut = i == 8;
		p->program = r;
		p->parent[0] = &h->parent;
		p->parent_count = 1;
		p->parents_known = true;
		if (i % 3 == 0) {
			snprintf(text[1], sizeof(text[1]), "/system.slice/docker-%02u%062x.scope",
				 h->number, i);
			snprintf(text[2], sizeof(text[2]), "%02u%062x", h->number, i);
			snprintf(text[3], sizeof(text[3]), "%s-%u", "web", i);
			p->container = text[2];
			p->container_name = text[3];
			if (i % 2)
				p->pod = "default/web-0";
		} else {
			snprintf(text[1], sizeof(text[1]), "/system.slice/%s.service",
				 i == 11 ? "odd" : name);
			snprintf(text[4], sizeof(text[4]), "%s.service", i == 11 ? "odd" : name);
			p->unit = text[4];
		}
		p->cgroup = i == 10 ? NULL : text[1];
	}
}

static struct endpoint four(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port)
{
	return (struct endpoint){.addr = {a, b, c, d}, .port = port};
}

/* What most sockets of a host have. */
static struct event socket_of(struct host *h, enum event_kind kind, uint64_t time_ns)
{
	struct event e = {.kind = kind,
			  .time_ns = time_ns,
			  .protocol = IPPROTO_TCP,
			  .family = FAMILY_IPV4,
			  .has_local = true,
			  .netns = 4026531833,
			  .cookie = h->cookie += 1 + below(4)};

	e.local = four(10, 1, (uint8_t)h->number, 4, (uint16_t)(32768 + below(28000)));
	e.process = &h->process[below(PROGRAMS)];
	return e;
}

static struct event life(struct host *h, uint64_t time_ns)
{
	static const uint16_t ports[] = {443, 80, 53, 6379, 9092, 11211};
	static const uint8_t reasons[] = {
		REASON_LOCAL_CLOSE, REASON_LOCAL_CLOSE, REASON_LOCAL_CLOSE, REASON_PEER_CLOSE,
		REASON_PEER_CLOSE,  REASON_PEER_RESET,	REASON_LOCAL_RESET, REASON_REFUSED,
		REASON_TIMEOUT,	    REASON_UNKNOWN};
	struct event e = socket_of(h, EVENT_CLOSE, time_ns);
	struct event_close *c = &e.close;
	uint32_t kind = below(100);

	e.has_peer = true;
	e.passive = kind < 40;
	if (kind < 12 && h->number % 3) {
		e.peer = four(10, 0, 3, 7, 5432);
		e.process = &h->process[2];
	} else if (kind < 40) { /* a client comes */
		e.local.port = (uint16_t)(8000 + (e.process - h->process));
		e.peer = four(10, 2, (uint8_t)below(4), (uint8_t)below(250),
			      (uint16_t)(32768 + below(28000)));
	} else {
		e.peer = four(10, 0, (uint8_t)below(6), (uint8_t)(1 + below(20)), ports[below(6)]);
	}
	if (kind >= 95) {
		e.family = FAMILY_IPV6;
		memcpy(e.local.addr, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\4", 16);
		memcpy(e.peer.addr, "\x20\1\xd\xb8\0\0\0\0\0\0\0\0\0\0\0", 16);
		e.peer.addr[15] = (uint8_t)below(9);
		e.local.ifindex = 2;
	} else if (kind == 94) {
		e.family = FAMILY_IPV6;
		e.mapped = true;
		memcpy(e.local.addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\1\0\4", 16);
		memcpy(e.peer.addr, "\0\0\0\0\0\0\0\0\0\0\xff\xff\x0a\0\3\x9", 16);
	} else if (kind == 93) {
		e.process = NULL;
	} else if (kind == 92) {
		e.netns = 4026532000 + h->number;
		e.netns_name = "blue";
	} else if (kind == 90) { /* one that stays long comes to port 8018 */
		e.local.port = 8018;
		e.peer = four(10, 2, 0, (uint8_t)(1 + below(9)), (uint16_t)(32768 + below(28000)));
		e.process = &h->process[18];
	} else if (kind == 91) {
		e.has_asked = true;
		e.asked = four(10, 96, 0, 10, 80);
	}
	c->duration_ns =
		kind < 90 ? below(2000000000) : (uint64_t)below(3000) * SEC + below(1000000000);
	if (kind != 89)
		c->opened_ns = e.time_ns - c->duration_ns;
	else
		c->duration_ns = UINT64_MAX;
	c->end = kind == 88 ? EVENT_END_UNSEEN : EVENT_END_SEEN;
	if (kind == 87) {
		e.protocol = IPPROTO_UDP;
		return e;
	}
	c->counted = kind != 86;
	if (c->counted) {
		c->sent_bytes = 100 + below(60000);
		c->received_bytes = below(10) ? below(900000) : (uint64_t)below(4000) << 20;
		c->retransmits = below(20) ? 0 : below(9);
		c->rtt_us = 80 + below(30000);
	}
	c->reason = reasons[below(sizeof(reasons))];
	if (c->reason == REASON_REFUSED)
		e.error = ECONNREFUSED;
	if (c->reason == REASON_TIMEOUT) {
		e.error = ETIMEDOUT;
		c->silent = true;
		c->last_heard_ns = 15 * SEC;
		c->unacked_bytes = 517;
		c->syns = 0;
	}
	if (c->reason == REASON_LOCAL_RESET)
		c->how = HOW_LINGER;
	c->time_wait = c->reason == REASON_LOCAL_CLOSE;
	if (c->end == EVENT_END_SEEN && c->duration_ns != UINT64_MAX) {
		uint64_t set_up = c->duration_ns / 100;

		c->span_count = 3;
		c->spans[0] =
			(struct event_span){e.passive ? STATE_SYN_RECV : STATE_SYN_SENT, set_up};
		c->spans[1] = (struct event_span){STATE_ESTABLISHED, c->duration_ns - 2 * set_up};
		c->spans[2] = (struct event_span){c->time_wait ? STATE_FIN_WAIT1 : STATE_LAST_ACK,
						  set_up};
	}
	return e;
}

static bool put(struct store *s, const struct event *e, int64_t offset)
{
	for (int i = 0; i < 60000; i++) {
		if (store_event(s, e, offset))
			return true;
		store_pulse(s, e->time_ns + (uint64_t)i * SEC);
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
	return false;
}

struct made {
	uint64_t lives, calls, losses, open;
};

/* What is not a life; one of a kind each time. */
static bool put_other(struct store *s, struct host *h, uint64_t time_ns, int64_t offset,
		      struct made *made)
{
	struct event e = socket_of(h, EVENT_BIND, time_ns);
	struct event_holder holder = {.process = &h->process[0],
				      .protocol = IPPROTO_TCP,
				      .family = FAMILY_IPV4,
				      .state = STATE_LISTEN,
				      .since_ns = time_ns - 100 * SEC,
				      .why = WHY_LISTENING | WHY_WILDCARD};
	struct event_holder other = {.protocol = IPPROTO_TCP,
				     .family = FAMILY_IPV6,
				     .has_peer = true,
				     .state = STATE_ESTABLISHED,
				     .kernel = true,
				     .why = WHY_OUTGOING};
	struct event_holder holders[2];
	struct event_trouble trouble = {
		.has_holders = true, .holders = holders, .holder_count = 2, .holders_more = 3};

	holder.local.port = 80;
	other.local.port = 80;
	holders[0] = holder;
	holders[1] = other;
	if (h->number % 5 == 0 && below(2)) {
		e.kind = EVENT_CONNECT;
		e.has_peer = true;
		e.peer = four(10, 0, 9, 9, 6379);
		e.process = &h->process[6];
		e.error = EADDRNOTAVAIL;
		e.connect.autobind = true;
		trouble = (struct event_trouble){.has_range = true,
						 .low = 32768,
						 .high = 60999,
						 .reserved = 4,
						 .used = 28228};
		e.trouble = &trouble;
	} else {
		switch (below(5)) {
		case 0:
			e.local = four(0, 0, 0, 0, 80);
			e.error = EADDRINUSE;
			e.trouble = &trouble;
			break;
		case 1:
			e.kind = EVENT_LISTEN;
			e.local = four(0, 0, 0, 0, 8080);
			e.listen.backlog = 511;
			break;
		case 2:
			e.kind = EVENT_LOST;
			e.protocol = 0;
			e.lost = (struct event_lost){
				.count = 42, .since_ns = time_ns - SEC, .added = 3, .removed = 4};
			made->losses++;
			return put(s, &e, offset);
		case 3:
			e.kind = EVENT_OVERFLOW;
			e.local = four(0, 0, 0, 0, 8080);
			e.overflow =
				(struct event_overflow){.waiting = 129, .limit = 128, .dropped = 7};
			break;
		default:
			e.kind = EVENT_CONNECT;
			e.has_peer = true;
			e.peer = four(10, 0, 3, 7, 5432);
			e.error = ENETUNREACH;
			break;
		}
	}
	made->calls++;
	return put(s, &e, offset);
}

/* Two destinations, one of which some hosts have used up, or nearly. */
static bool put_budget(struct store *s, struct host *h, uint64_t time_ns, int64_t offset)
{
	static struct budget_namespace ns = {.netns = 4026531833, .usable = 28228};
	struct budget_row row = {.ns = &ns, .protocol = IPPROTO_TCP, .family = FAMILY_IPV4};
	uint32_t left = h->number % 5 == 0 ? 40 : 3000, rest = h->number % 5 % 3;

	ns.range.low = 32768;
	ns.range.high = 60999;
	ns.range.reserved_count = 4;
	row.local = four(10, 1, (uint8_t)h->number, 4, 0);
	row.peer = four(10, 0, 9, 9, 6379);
	row.taken = rest ? 200 + below(100) : 28228 - below(left);
	row.available = 28228 - row.taken;
	row.time_wait = row.taken / 2;
	row.drain_ms = 59000;
	if (!store_budget(s, &row, time_ns, &h->process[6], row.taken - 9, offset))
		return false;
	row.peer = four(10, 0, 3, 7, 5432);
	row.taken = 90 + below(20);
	row.available = 28228 - row.taken - 3;
	row.uncertain = 3;
	row.time_wait = 0;
	row.drain_ms = 0;
	return store_budget(s, &row, time_ns, NULL, 0, offset);
}

struct wanted {
	unsigned int hosts, open;
	uint64_t lives, from_ns, span_ns;
	bool bare, tame;
};

static int make_store(const char *path, unsigned int number, const struct wanted *w,
		      struct made *made)
{
	char boot[64];
	struct store_error error = {""};
	struct store_options options = {
		.path = path, .queue_bytes = 64 << 20, .now_ns = w->from_ns, .boot_id = boot};
	int64_t offset = (int64_t)(w->from_ns - BOOT);
	uint64_t next_other = w->lives / 50 + 1;
	struct host *h = calloc(1, sizeof(*h));
	struct store *s;
	struct store_stats stats;
	bool ok = true;

	if (!h)
		return -ENOMEM;
	snprintf(boot, sizeof(boot), "%08x-0000-4000-8000-%012x", number, number);
	s = store_open(&options, &error);
	if (!s) {
		fprintf(stderr, "%s\n", error.text);
		free(h);
		return -EIO;
	}
	h->number = number;
	make_processes(h, w->tame);
	for (uint64_t i = 0; ok && i < w->lives; i++) {
		uint64_t cell = w->span_ns / w->lives;
		uint64_t time_ns = BOOT + i * cell + draw() % cell;
		struct event e = life(h, time_ns);

		ok = put(s, &e, offset);
		made->lives++;
		if (ok && !w->bare && (i + 1) % next_other == 0)
			ok = put_other(s, h, time_ns, offset, made) &&
			     (made->calls % 2 || put_budget(s, h, time_ns, offset));
	}
	for (unsigned int i = 0; ok && !w->bare && i < w->open; i++) {
		struct event e = life(h, BOOT + w->span_ns);

		e.close = (struct event_close){.end = EVENT_END_OPEN,
					       .state = STATE_ESTABLISHED,
					       .opened_ns = BOOT + w->span_ns / 2 + i,
					       .duration_ns = w->span_ns / 2 - i};
		e.protocol = IPPROTO_TCP;
		e.cookie = 1000 + i;
		ok = store_open_life(s, &e, offset);
		made->open++;
	}
	store_close(s, &stats);
	free(h);
	if (!ok || stats.dropped || stats.stored < made->lives) {
		fprintf(stderr, "%s: %s\n", path, stats.why[0] ? stats.why : "rows were not taken");
		return -EIO;
	}
	return 0;
}

static const char *option(int argc, char **argv, const char *name, const char *otherwise)
{
	for (int i = 4; i + 1 < argc; i++)
		if (!strcmp(argv[i], name))
			return argv[i + 1];
	return otherwise;
}

int main(int argc, char **argv)
{
	struct wanted w = {0};
	uint64_t began;

	if (argc < 4) {
		fprintf(stderr, "usage: stores DIRECTORY HOSTS LIVES [--seed N] [--from SECONDS] "
				"[--span SECONDS] [--open N] [--bare] [--tame]\n");
		return 2;
	}
	w.hosts = (unsigned int)strtoul(argv[2], NULL, 10);
	w.lives = strtoull(argv[3], NULL, 10);
	w.from_ns = strtoull(option(argc, argv, "--from", "1795723200"), NULL, 10) * SEC;
	w.span_ns = strtoull(option(argc, argv, "--span", "28800"), NULL, 10) * SEC;
	w.open = (unsigned int)strtoul(option(argc, argv, "--open", "3"), NULL, 10);
	for (int i = 4; i < argc; i++) {
		w.bare |= !strcmp(argv[i], "--bare");
		w.tame |= !strcmp(argv[i], "--tame");
	}
	began = strtoull(option(argc, argv, "--seed", "1"), NULL, 10);
	mkdir(argv[1], 0755);
	for (unsigned int i = 1; i <= w.hosts; i++) {
		char path[4096];
		struct made made = {0};

		seed = (began * 1000003 + i) * 0x9e3779b97f4a7c15ull | 1;
		snprintf(path, sizeof(path), "%s/host-%02u.store", argv[1], i);
		if (make_store(path, i, &w, &made) < 0)
			return 1;
		printf("%s %llu %llu %llu %llu\n", path, (unsigned long long)made.lives,
		       (unsigned long long)made.calls, (unsigned long long)made.losses,
		       (unsigned long long)made.open);
	}
	return 0;
}
