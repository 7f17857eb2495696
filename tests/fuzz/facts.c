// SPDX-License-Identifier: GPL-2.0-only
/*
 * facts.c - any sequence of wire records through decoder, table and writers.  Records come as they are, or short, with few
 * sockets, ports, addresses and processes, so that facts meet.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../src/model/table_private.h"
#include "writer.h"

#define MAX_FACTS   400
#define MAX_SOCKETS 24
#define SECOND	    1000000000ull

struct world {
	struct input in;
	struct process_set *processes;
	struct table *table;
	struct writer *json, *ecs, *otel, *text, *journal;
	struct buffer out;
	uint64_t now_ns;
	int64_t wall_offset_ns;
	bool color, folded, looking;
	unsigned int facts;
};

/* ---- what comes out ---- */

static void check_close(const struct event *e)
{
	const struct event_close *c = &e->close;

	MUST(c->span_count <= EVENT_MAX_STATES);
	MUST(c->reason < REASONS);
	if (c->duration_ns != UINT64_MAX)
		MUST(c->duration_ns <= e->time_ns);
}

static void check_trouble(const struct event_trouble *t)
{
	MUST(!t->holder_count || t->holders);
	if (t->has_range) {
		MUST(t->low <= t->high);
		MUST(t->used <= (uint32_t)(t->high - t->low) + 1);
	}
}

/* Of a record on a terminal: what goes on is indented. */
static size_t lines_of(const struct buffer *out)
{
	size_t lines = 0;

	for (size_t i = 0; i < out->len; i++) {
		if (out->data[i] != '\n')
			continue;
		MUST(i + 1 == out->len || out->data[i + 1] == ' ');
		lines++;
	}
	return lines;
}

static void on_event(void *ctx, const struct event *e)
{
	struct world *w = ctx;

	MUST(e->kind < EVENT_KINDS);
	if (e->kind == EVENT_CLOSE)
		check_close(e);
	if (e->trouble)
		check_trouble(e->trouble);
	w->out.len = 0;
	writer_event(w->json, &w->out, e);
	MUST(w->out.len && memchr(w->out.data, '\n', w->out.len) == w->out.data + w->out.len - 1);
	must_be_json(w->out.data, w->out.len);
	w->out.len = 0;
	writer_event(w->ecs, &w->out, e);
	writer_event(w->otel, &w->out, e);
	must_be_json(w->out.data, w->out.len);
	w->out.len = 0;
	writer_event(w->text, &w->out, e);
	must_be_text(w->out.data, w->out.len, w->folded ? lines_of(&w->out) : 1, w->color);
	w->out.len = 0;
	writer_event(w->journal, &w->out, e);
	must_be_journal(w->out.data, w->out.len);
}

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct world *w = ctx;

	on_event(w, life);
	return w->facts++ % 3 ? OPEN_TAKEN : OPEN_LATER;
}

/* ---- the table's invariants ---- */

/* Its neighbours in the chain of its port know it. */
static void check_chain(const struct table *t, const struct socket *s, uint32_t slot)
{
	if (!s->chained)
		return;
	if (s->prev_port == NO_SLOT)
		MUST(t->port[s->chained] == slot);
	else
		MUST(table_slot(t, s->prev_port)->next_port == slot &&
		     table_slot(t, s->prev_port)->chained == s->chained);
	if (s->next_port != NO_SLOT)
		MUST(table_slot(t, s->next_port)->prev_port == slot &&
		     table_slot(t, s->next_port)->chained == s->chained);
}

static void check_table(const struct table *t)
{
	struct table_stats stats;
	size_t count = 0;

	table_get_stats(t, &stats);
	for (size_t i = 0; i < t->index.size; i++) {
		uint32_t slot = t->index.place[i].slot;
		const struct socket *s;

		if (slot == NO_SLOT)
			continue;
		MUST(slot < table_slots(t));
		s = table_slot(t, slot);
		MUST(s->sk && table_find(t, s->sk) == s);
		MUST(s->span_count <= SPANS && s->state < STATES);
		MUST(s->family == FAMILY_IPV4 || s->family == FAMILY_IPV6);
		check_chain(t, s, slot);
		count++;
	}
	MUST(count == stats.sockets && count <= MAX_SOCKETS);
	for (int what = 0; what < HELD_FOR_KINDS; what++)
		MUST(t->held[what].count <= HELD_MAX);
}

/* ---- records ---- */

static void short_address(uint8_t out[16], unsigned int which, bool ipv6)
{
	static const uint8_t v4[4][4] = {{0}, {127, 0, 0, 1}, {10, 0, 0, 1}, {10, 0, 0, 2}};
	static const uint8_t v6[4][16] = {
		{0}, {[15] = 1}, {0xfe, 0x80, [15] = 9}, {[10] = 0xff, 0xff, 127, 0, 0, 1}};

	if (ipv6)
		memcpy(out, v6[which & 3], 16);
	else
		memcpy(out, v4[which & 3], 4);
}

static uint16_t short_port(unsigned int which)
{
	static const uint16_t ports[] = {0, 80, 32768, 32769, 40000, 60999, 1, 65535};

	return htons(ports[which & 7]);
}

static void short_task(struct wire_task *t, unsigned int which)
{
	t->pid = which & 7;
	t->tid = t->pid + (which >> 3 & 1);
	t->uid = which >> 4 & 1 ? 1000 : 0;
	t->cgroup_id = which >> 5 & 1;
	t->fd = which & 3;
	strcpy(t->name, which >> 6 & 1 ? "a\"\\\n\x1b[1m\xff" : "cat");
}

static uint64_t step_time(struct world *w, uint8_t step)
{
	uint64_t by = 1ull << (step & 31);

	/* Processors do not take turns: a record may be a little older than the one before it. */
	if (step & 0x80)
		return w->now_ns - (by & 0xffff);
	return w->now_ns += by;
}

/* Eleven bytes of input. */
static size_t short_record(struct world *w, uint8_t kind, struct wire_call *ret)
{
	static const uint16_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP, IPPROTO_MPTCP, IPPROTO_SCTP};
	static const int16_t errors[] = {
		0, 0, -EADDRINUSE, -EADDRNOTAVAIL, -EACCES, -ECONNREFUSED, -EINPROGRESS, -EAGAIN};
	struct input *in = &w->in;
	uint8_t sk = input_8(in), shape = input_8(in), ends = input_8(in), peer = input_8(in);
	uint8_t states = input_8(in), result = input_8(in);
	struct wire_fact *f = &ret->fact;
	bool ipv6 = shape & 1;

	f->kind = kind;
	f->size = kind == WIRE_CLOSED ? sizeof(struct wire_closed) : sizeof(*ret);
	if (kind == WIRE_STATE || kind == WIRE_DESTROY || kind == WIRE_RESET_RECEIVED ||
	    kind == WIRE_RESET_SENT || kind == WIRE_TIME_WAIT || kind == WIRE_TIME_WAIT_END ||
	    kind == WIRE_ASKED)
		f->size = sizeof(*f);
	f->sk = sk & 15 ? 0xffff888000000000ull + (sk & 15) * 0x940u : 0;
	f->cookie = sk >> 4 & 3 ? (sk & 15) + (sk >> 4 & 3) * 16u : 0;
	f->listener = sk >> 6 ? (sk >> 6) * 16u + 1 : 0;
	f->family = ipv6 ? AF_INET6 : AF_INET;
	f->protocol = protocols[shape >> 1 & 3];
	f->netns = 4026531840u + (shape >> 3 & 1);
	f->ifindex = shape >> 4 & 1;
	f->options = input_8(in);
	f->flags = input_8(in);
	f->from = (states & 15) % STATES;
	f->to = (states >> 4) % STATES;
	f->local_port_be = short_port(ends);
	f->peer_port_be = short_port(peer);
	short_address(f->local, ends >> 3, ipv6);
	short_address(f->peer, peer >> 3, ipv6);
	f->error = (uint16_t)-errors[result >> 3 & 7];
	if (f->size == sizeof(*ret)) {
		ret->result = errors[result & 7];
		ret->arg = result >> 6;
		short_task(&ret->task, input_8(in));
	}
	f->time_ns = step_time(w, input_8(in));
	return f->size;
}

static void apply(struct world *w, const void *record, size_t size)
{
	struct fact f, untouched;
	uint8_t *exact = exact_copy(record, size);

	memset(&f, 0xa5, sizeof(f));
	untouched = f;
	if (fact_decode(&f, exact, size) < 0) {
		MUST(memcmp(&f, &untouched, sizeof(f)) == 0);
	} else if (w->looking && (f.kind == WIRE_SEED_FILE || f.kind == WIRE_SEED_SOCKET)) {
		table_seed(w->table, &f);
	} else {
		table_apply(w->table, &f);
	}
	free(exact);
}

/* ---- what the table asks ---- */

static void resolve(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
		    struct process_place *ret)
{
	(void)ctx, (void)cgroup;
	ret->cgroup = cgroup_id ? strdup("/a\"b\n\xe2\x80\xae/docker") : NULL;
	ret->container = pid & 1 ? strdup("4f1e\x1b") : NULL;
}

static void answer_range(struct table *t, const struct table_question *q)
{
	struct port_range range = {.low = 32768, .high = 60999, .unprivileged_from = 1024};

	if (q->netns & 1)
		range.high = 32769;
	table_answer_range(t, q->pid != 7 ? &range : NULL);
}

/* A TIME_WAIT, and a socket that may be in the table. */
static void answer_holders(struct table *t, const struct table_question *q, uint64_t now_ns)
{
	struct fact f = {.kind = WIRE_SEED_SOCKET,
			 .netns = q->netns,
			 .sk = 0xffff888000001000ull,
			 .cookie = 18,
			 .family = FAMILY_IPV4,
			 .to = STATE_TIME_WAIT,
			 .protocol = IPPROTO_TCP,
			 .local = {.addr = {127, 0, 0, 1}, .port = q->port},
			 .peer = {.addr = {127, 0, 0, 1}, .port = 9}};

	table_answer_begin(t, now_ns);
	if (q->pid & 1)
		table_answer(t, &f);
	f.kind = WIRE_SEED_FILE;
	f.to = STATE_LISTEN;
	f.protocol = q->protocol;
	f.peer.port = 0;
	f.has_task = true;
	for (uint32_t i = 0; i < (q->pid & 4 ? 3 : 0); i++) {
		f.task = (struct process){.pid = i + 1, .tid = i + 1};
		f.parent = i;
		f.cookie = i & 1 ? 0 : f.cookie;
		table_answer(t, &f);
	}
	table_answer_end(t, q->pid & 3);
}

static void answer(struct world *w)
{
	struct table_question q;

	if ((w->in.left & 31) == 31 || !table_question(w->table, &q))
		return; /* the next fact may come without an answer */
	switch (q.kind) {
	case QUESTION_RANGE: answer_range(w->table, &q); break;
	case QUESTION_HOLDERS: answer_holders(w->table, &q, w->now_ns); break;
	}
	MUST(!table_question(w->table, &q));
}

static bool wanted(void *ctx, uint64_t cookie)
{
	(void)ctx;
	return cookie & 1;
}

/* ---- steps ---- */

static void control(struct world *w, uint8_t what)
{
	struct table_telling telling;
	struct table_steps steps = {0};
	uint64_t added, removed;

	switch (what % 6) {
	case 0:
		table_seed_begin(w->table, w->now_ns);
		w->looking = true;
		break;
	case 1:
		if (w->looking)
			table_seed_end(w->table, input_8(&w->in) & 1, &added, &removed);
		w->looking = false;
		break;
	case 2: table_release(w->table, w->now_ns); break;
	case 3:
		telling = (struct table_telling){.min_age_ns = input_8(&w->in) * SECOND};
		while (!table_each_open(w->table, &telling, 3, w->now_ns, on_open, w))
			;
		break;
	case 4:
		while (table_each_known(w->table, &steps, 3, wanted, on_event, w))
			;
		break;
	case 5: check_table(w->table); break;
	}
}

static void step(struct world *w)
{
	uint8_t op = input_8(&w->in);
	struct wire_call record = {0};
	size_t size;

	if (op >= 0xf0) {
		uint8_t *raw = input_bytes(&w->in, input_8(&w->in), &size);

		apply(w, raw, size);
		free(raw);
	} else if (op >= 0xe0) {
		control(w, op & 15);
	} else {
		size = short_record(w, (uint8_t)(op % (WIRE_KINDS - 1) + 1), &record);
		apply(w, &record, size);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.in = {data, size}, .now_ns = 1000 * SECOND};
	struct writer_options options = {.wall_offset_ns = &w.wall_offset_ns};
	uint8_t look = input_8(&w.in);

	w.color = options.color = look & 1;
	options.columns = look & 2 ? 20 + input_8(&w.in) : 0;
	w.folded = options.columns > 0;
	options.dates = look & 4;
	options.zone = "UTC";
	w.processes = process_set_new(look & 16 ? 4 : 1000, resolve, NULL);
	w.table = table_new(look & 32 ? 3 : MAX_SOCKETS, w.processes, on_event, &w);
	w.json = writer_json_new(&options);
	w.ecs = writer_ecs_new(&options);
	w.otel = writer_otel_new(&options);
	w.text = writer_text_new(&options);
	w.journal = writer_journal_new(&options);
	MUST(w.processes && w.table && w.json && w.ecs && w.otel && w.text && w.journal &&
	     !buffer_init(&w.out, 256));
	if (look & 64)
		table_take_questions(w.table);
	while (w.in.left && w.facts++ < MAX_FACTS) {
		step(&w);
		answer(&w);
	}
	check_table(w.table);
	table_release(w.table, UINT64_MAX);
	table_free(w.table);
	MUST(process_set_count(w.processes) == 0);
	process_set_free(w.processes);
	writer_free(w.json);
	writer_free(w.ecs);
	writer_free(w.otel);
	writer_free(w.text);
	writer_free(w.journal);
	buffer_done(&w.out);
	return 0;
}
