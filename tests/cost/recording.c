// SPDX-License-Identifier: GPL-2.0-only
/*
 * recording.c - four seconds of one host: services, clients that come and go, connections to others, refusals, ports in use,
 * UDP.  Each actor follows a script of steps, and takes turns with the others.
 */
#include "recording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "inet.h"
#include "wire_closed.h"
#include "wire_process.h"

#define COUNT(array)  (sizeof(array) / sizeof((array)[0]))
#define ACTORS	      256
#define SERVICES      8
#define SK_BASE	      0xffff888100000000ull
#define SK_STEP	      0x940u
#define FIRST_PORT    32768u
#define FIRST_PID     10000u
#define FIRST_SERVICE 700u
#define LONG_LIVED    16u

enum end { CLIENT, SERVER };

/* Kinds of steps beside those of facts. */
enum { FORK = WIRE_KINDS, EXEC, EXIT };

struct step {
	uint8_t kind; /* enum wire_kind, or one of the three above; 0 ends the script */
	uint8_t end;
	uint8_t from, to;
	int16_t error;
	uint8_t flags;
};

#define S(name) STATE_##name
#define GONE	(WIRE_F_FIN_RECEIVED | WIRE_F_ORPHAN | WIRE_F_SHUTDOWN)

#define CONNECTED_HERE                                                                             \
	{WIRE_OPEN, CLIENT, S(CLOSE), S(SYN_SENT), 0, 0},                                          \
		{WIRE_CONNECT, CLIENT, 0, S(SYN_SENT), 0, WIRE_F_OPENED},                          \
		{WIRE_STATE, SERVER, S(LISTEN), S(SYN_RECV), 0, 0},                                \
		{WIRE_STATE, SERVER, S(SYN_RECV), S(ESTABLISHED), 0, 0},                           \
		{WIRE_STATE, CLIENT, S(SYN_SENT), S(ESTABLISHED), 0, 0},                           \
		{WIRE_ACCEPT, SERVER, 0, S(ESTABLISHED), 0, 0},                                    \
		{WIRE_STATE, CLIENT, S(ESTABLISHED), S(FIN_WAIT1), 0, 0},                          \
		{WIRE_STATE, SERVER, S(ESTABLISHED), S(CLOSE_WAIT), 0, 0},                         \
		{WIRE_STATE, CLIENT, S(FIN_WAIT1), S(FIN_WAIT2), 0, 0},                            \
		{WIRE_STATE, SERVER, S(CLOSE_WAIT), S(LAST_ACK), 0, 0},                            \
		{WIRE_TIME_WAIT, CLIENT, S(FIN_WAIT2), S(TIME_WAIT), 0, 0},                        \
		{WIRE_CLOSED, CLIENT, S(FIN_WAIT2), S(CLOSE), 0, GONE},                            \
		{WIRE_DESTROY, CLIENT, 0, S(CLOSE), 0, 0},                                         \
		{WIRE_CLOSED, SERVER, S(LAST_ACK), S(CLOSE), 0, GONE},                             \
	{                                                                                          \
		WIRE_DESTROY, SERVER, 0, S(CLOSE), 0, 0                                            \
	}

static const struct step visit[] = {
	{FORK, CLIENT, 0, 0, 0, 0},
	{EXEC, CLIENT, 0, 0, 0, 0},
	CONNECTED_HERE,
	{EXIT, CLIENT, 0, 0, 0, 0},
	{0},
};
static const struct step request[] = {CONNECTED_HERE, {0}};
static const struct step outgoing[] = {
	{WIRE_OPEN, CLIENT, S(CLOSE), S(SYN_SENT), 0, 0},
	{WIRE_CONNECT, CLIENT, 0, S(SYN_SENT), 0, WIRE_F_OPENED},
	{WIRE_STATE, CLIENT, S(SYN_SENT), S(ESTABLISHED), 0, 0},
	{WIRE_STATE, CLIENT, S(ESTABLISHED), S(CLOSE_WAIT), 0, 0},
	{WIRE_STATE, CLIENT, S(CLOSE_WAIT), S(LAST_ACK), 0, 0},
	{WIRE_CLOSED, CLIENT, S(LAST_ACK), S(CLOSE), 0, GONE},
	{WIRE_DESTROY, CLIENT, 0, S(CLOSE), 0, 0},
	{0},
};
static const struct step incoming[] = {
	{WIRE_STATE, SERVER, S(LISTEN), S(SYN_RECV), 0, 0},
	{WIRE_STATE, SERVER, S(SYN_RECV), S(ESTABLISHED), 0, 0},
	{WIRE_ACCEPT, SERVER, 0, S(ESTABLISHED), 0, 0},
	{WIRE_RESET_RECEIVED, SERVER, 0, S(ESTABLISHED), 0, 0},
	{WIRE_CLOSED, SERVER, S(ESTABLISHED), S(CLOSE), ECONNRESET, 0},
	{WIRE_DESTROY, SERVER, 0, S(CLOSE), 0, 0},
	{0},
};
static const struct step refused[] = {
	{WIRE_OPEN, CLIENT, S(CLOSE), S(SYN_SENT), 0, 0},
	{WIRE_CONNECT, CLIENT, 0, S(SYN_SENT), 0, WIRE_F_OPENED},
	{WIRE_CLOSED, CLIENT, S(SYN_SENT), S(CLOSE), ECONNREFUSED, 0},
	{WIRE_CONNECT, CLIENT, 0, S(CLOSE), -ECONNREFUSED, WIRE_F_OPENED},
	{WIRE_DESTROY, CLIENT, 0, S(CLOSE), 0, 0},
	{0},
};
/* The port of a service, by somebody else. */
static const struct step taken[] = {
	{WIRE_BIND, CLIENT, 0, S(CLOSE), -EADDRINUSE, 0},
	{WIRE_DESTROY, CLIENT, 0, S(CLOSE), 0, 0},
	{0},
};
static const struct step question[] = {
	{WIRE_CONNECT, CLIENT, 0, S(CLOSE), 0, 0},
	{WIRE_DESTROY, CLIENT, 0, S(CLOSE), 0, 0},
	{0},
};
static const struct step service[] = {
	{WIRE_BIND, SERVER, 0, S(CLOSE), 0, 0},
	{WIRE_OPEN, SERVER, S(CLOSE), S(LISTEN), 0, 0},
	{WIRE_LISTEN, SERVER, 0, S(LISTEN), 0, 0},
	{0},
};

/* Which of them how often. */
static const struct step *const plays[] = {
	request,  request, request, request,  request, request, visit,	  visit,
	outgoing, visit,   request, incoming, refused, taken,	question, question,
};

struct actor {
	const struct step *script, *next;
	uint64_t cookie[2];
	uint32_t pid; /* of the client */
	uint16_t port, service;
	uint8_t number;
};

struct play {
	struct recording *out;
	uint32_t processes, ports;
	uint64_t time_ns, cookies;
	struct actor actor[ACTORS];
};

void recording_append(struct recording *r, const void *bytes, size_t len)
{
	if (r->len + len > r->cap) {
		r->cap = 2 * (r->len + len);
		r->data = realloc(r->data, r->cap);
		if (!r->data)
			abort();
	}
	memcpy(r->data + r->len, bytes, len);
	r->len += len;
}

const struct recorded *recording_next(const struct recording *r, size_t *at)
{
	const struct recorded *e = (const void *)(r->data + *at);

	if (*at == r->len)
		return NULL;
	*at += sizeof(*e) + (e->size + 7) / 8 * 8;
	return e;
}

static void put(struct play *p, const void *bytes, uint32_t size, bool process)
{
	static const uint8_t zero[8];
	const struct recorded head = {.time_ns = p->time_ns, .size = size, .process = process};

	recording_append(p->out, &head, sizeof(head));
	recording_append(p->out, bytes, size);
	recording_append(p->out, zero, (8 - size % 8) % 8);
	p->out->facts += !process;
	p->time_ns += RECORDED_STEP_NS;
}

/* ---- processes ---- */

static void put_process(struct play *p, const struct actor *a, uint8_t kind)
{
	/* Arguments, executable, cgroup: see wire_process.h. */
	static const char texts[] = "curl\0-s\0-o\0/dev/null\0http://127.0.0.1/status?verbose=1\0"
				    "curl\0bin\0usr\0"
				    "session-3.scope\0user-1000.slice\0user.slice";
	static const uint16_t exe_len = 13, cgroup_len = 43;
	struct {
		struct wire_process head;
		char text[sizeof(texts)];
	} b = {.head = {.kind = kind,
			.size = sizeof(b.head),
			.pid = a->pid,
			.time_ns = p->time_ns,
			.start_ns = a->pid * 1000000ull,
			.parent = 2000,
			.parent_start_ns = 2000,
			.cgroup_id = 4242,
			.name = "bash"}};

	if (kind == WIRE_PROCESS_EXEC) {
		b.head.flags = WIRE_PROCESS_ARGS | WIRE_PROCESS_EXE | WIRE_PROCESS_CGROUP;
		strcpy(b.head.name, "curl");
		memcpy(b.text, texts, sizeof(texts));
		b.head.args_len = sizeof(texts) - exe_len - cgroup_len;
		b.head.exe_len = exe_len;
		b.head.cgroup_len = cgroup_len;
		b.head.size = sizeof(b.head) + sizeof(texts);
	}
	put(p, &b, b.head.size, true);
}

/* ---- sockets ---- */

/* One in four speaks IPv6. */
static void fill_ends(struct wire_fact *f, const struct actor *a, const struct step *s)
{
	static const uint8_t here6[16] = {[15] = 1}, far6[16] = {0x20, 1, 0xd, 0xb8, [15] = 7};
	static const uint8_t here4[16] = {127, 0, 0, 1}, far4[16] = {192, 0, 2, 7};
	const bool v6 = a->number % 4 == 3, far = a->script == outgoing || a->script == incoming;
	const uint8_t *here = v6 ? here6 : here4, *there = far ? (v6 ? far6 : far4) : here;
	const uint16_t port = htons(a->port), service_port = htons(a->service);

	f->family = v6 ? AF_INET6 : AF_INET;
	f->protocol = a->script == question ? IPPROTO_UDP : IPPROTO_TCP;
	f->netns = RECORDED_NETNS;
	if (a->script == service || a->script == taken) {
		f->local_port_be = service_port;
		return;
	}
	memcpy(f->local, here, 16);
	memcpy(f->peer, there, 16);
	f->local_port_be = s->end == CLIENT ? port : service_port;
	f->peer_port_be = s->end == CLIENT ? service_port : port;
	if (s->kind == WIRE_OPEN)
		f->local_port_be = 0;
}

static void fill_task(struct wire_task *t, const struct actor *a, uint8_t end)
{
	t->pid = t->tid = end == SERVER ? FIRST_SERVICE + a->service % SERVICES : a->pid;
	t->uid = t->ruid = end == SERVER ? 33 : 1000;
	t->cgroup_id = end == SERVER ? 1717 : 4242;
	strcpy(t->name, end == SERVER ? "nginx" : a->script == visit ? "curl" : "python3");
}

static uint16_t size_of(uint8_t kind)
{
	switch (kind) {
	case WIRE_CLOSED: return sizeof(struct wire_closed);
	case WIRE_OPEN:
	case WIRE_BIND:
	case WIRE_LISTEN:
	case WIRE_CONNECT:
	case WIRE_ACCEPT: return sizeof(struct wire_call);
	default: return sizeof(struct wire_fact);
	}
}

static void put_fact(struct play *p, struct actor *a, const struct step *s)
{
	union {
		struct wire_fact fact;
		struct wire_call call;
		struct wire_closed closed;
	} r = {.fact = {.kind = s->kind,
			.flags = s->flags,
			.size = size_of(s->kind),
			.time_ns = p->time_ns,
			.sk = SK_BASE + (a->number * 2u + s->end) * SK_STEP,
			.from = s->from,
			.to = s->to}};

	if (!a->cookie[s->end] && s->from != S(LISTEN))
		a->cookie[s->end] = ++p->cookies;
	r.fact.cookie = a->cookie[s->end];
	fill_ends(&r.fact, a, s);
	/* The services were the first to have cookies. */
	if (s->from == S(LISTEN))
		r.fact.listener = a->service % SERVICES + 1;
	if (s->kind == WIRE_TIME_WAIT)
		r.fact.listener = SK_BASE + 0x10000000u + p->cookies * 0x100;
	if (s->kind == WIRE_CLOSED) {
		r.fact.error = (uint16_t)s->error;
		r.closed.sent_bytes = 78 + p->cookies % 4096;
		r.closed.received_bytes = 612 + p->cookies % 65536;
		r.closed.rtt_us = 25 + (uint32_t)(p->cookies % 200);
		r.closed.end = WIRE_E_TW_TOLD | (s->from == S(ESTABLISHED) ? WIRE_E_KNOWN : 0);
	} else if (r.fact.size == sizeof(r.call)) {
		fill_task(&r.call.task, a, s->end);
		r.fact.options = WIRE_O_KNOWN;
		r.call.result = s->error;
		r.call.socket_uid = r.call.task.uid;
		r.call.arg = s->kind == WIRE_LISTEN ? 511 : a->script == question;
	}
	put(p, &r, r.fact.size, false);
}

static void begin(struct play *p, struct actor *a, const struct step *script)
{
	a->script = a->next = script;
	a->cookie[CLIENT] = a->cookie[SERVER] = 0;
	a->port = (uint16_t)(FIRST_PORT + p->ports++ % 28000);
	a->pid = script == visit ? FIRST_PID + p->processes++ : 2000 + p->ports % LONG_LIVED;
	a->service = script == question ? 53 : (uint16_t)(8080 + p->ports % SERVICES);
}

static void step(struct play *p, struct actor *a)
{
	const struct step *s = a->next++;

	switch (s->kind) {
	case FORK: put_process(p, a, WIRE_PROCESS_FORK); break;
	case EXEC: put_process(p, a, WIRE_PROCESS_EXEC); break;
	case EXIT: put_process(p, a, WIRE_PROCESS_EXIT); break;
	default: put_fact(p, a, s);
	}
}

void recording_make(struct recording *r, uint64_t begin_ns)
{
	struct play *p = calloc(1, sizeof(*p));
	uint32_t chance = 1, started = 0;

	if (!p)
		abort();
	p->out = r;
	p->time_ns = begin_ns;
	for (unsigned int i = 0; i < ACTORS; i++)
		p->actor[i].number = (uint8_t)i;
	for (unsigned int i = 0; i < SERVICES; i++) {
		struct actor *a = &p->actor[i];

		begin(p, a, service);
		a->service = (uint16_t)(8080 + i);
		while (a->next->kind)
			step(p, a);
	}
	while (r->facts < RECORDED_FACTS) {
		struct actor *a;

		chance = chance * 1664525u + 1013904223u;
		a = &p->actor[SERVICES + (chance >> 16) % (ACTORS - SERVICES)];
		if (!a->next || !a->next->kind)
			begin(p, a, plays[started++ % COUNT(plays)]);
		step(p, a);
	}
	free(p);
}
