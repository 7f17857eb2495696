// SPDX-License-Identifier: GPL-2.0-only
#include "report_private.h"

#include <errno.h>
#include <string.h>

#include "units.h"

#define MINUTE (60 * NSEC_PER_SEC)
#define HOUR   (60 * MINUTE)
#define DAY    (24 * HOUR)

/* ---- time ---- */

/* Widths that people count in. */
static uint64_t width_of(uint64_t from_ns, uint64_t to_ns)
{
	static const uint64_t nice[] = {NSEC_PER_SEC,
					2 * NSEC_PER_SEC,
					5 * NSEC_PER_SEC,
					10 * NSEC_PER_SEC,
					15 * NSEC_PER_SEC,
					30 * NSEC_PER_SEC,
					MINUTE,
					2 * MINUTE,
					5 * MINUTE,
					10 * MINUTE,
					15 * MINUTE,
					30 * MINUTE,
					HOUR,
					2 * HOUR,
					3 * HOUR,
					6 * HOUR,
					12 * HOUR,
					DAY,
					2 * DAY,
					7 * DAY,
					14 * DAY,
					28 * DAY};
	uint64_t width = 0;

	for (size_t i = 0; i < sizeof(nice) / sizeof(nice[0]); i++) {
		width = nice[i];
		if (to_ns / width - from_ns / width < REPORT_BUCKETS)
			return width;
	}
	while (to_ns / width - from_ns / width >= REPORT_BUCKETS)
		width *= 2;
	return width;
}

static uint64_t begin_of(const struct report *r, size_t i)
{
	return r->begin_ns + i * r->bucket_ns;
}

static bool is_asked(const struct report *r, uint64_t ns)
{
	return ns >= r->from_ns && ns <= r->to_ns;
}

/* NULL for what happened before or after. */
static struct report_bucket *bucket_of(struct report *r, uint64_t ns)
{
	return is_asked(r, ns) ? &r->bucket[report_step(r, ns)] : NULL;
}

struct report *report_new(uint64_t from_ns, uint64_t to_ns)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return NULL;
	r->from_ns = from_ns;
	r->to_ns = to_ns;
	r->bucket_ns = width_of(from_ns, to_ns);
	r->begin_ns = from_ns / r->bucket_ns * r->bucket_ns;
	r->bucket_count = (size_t)((to_ns - r->begin_ns) / r->bucket_ns) + 1;
	return r;
}

void report_free(struct report *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < REPORT_KINDS; i++)
		report_table_done(&r->by[i]);
	for (size_t i = 0; i < r->space_count; i++)
		ports_free(r->space[i]);
	free(r);
}

void report_add_run(struct report *r, uint64_t started_ns, uint64_t ended_ns)
{
	uint64_t from = started_ns > r->from_ns ? started_ns : r->from_ns;
	uint64_t to = ended_ns < r->to_ns ? ended_ns : r->to_ns;

	if (from > to)
		return;
	r->recorded_ns += to - from;
	for (size_t i = report_step(r, from); i <= report_step(r, to); i++) {
		uint64_t begin = begin_of(r, i), end = begin + r->bucket_ns;

		begin = begin > from ? begin : from;
		end = end < to ? end : to;
		/* A run of no length was there, too. */
		r->bucket[i].recorded_ns += end > begin ? end - begin : 1;
	}
}

/* ---- a life ---- */

static bool is_listener(const struct event *e)
{
	bool listens = e->close.end == EVENT_END_OPEN && e->close.state == STATE_LISTEN;

	for (unsigned int i = 0; i < e->close.span_count; i++)
		listens |= e->close.spans[i].state == STATE_LISTEN;
	return listens;
}

static enum report_way way_of(const struct event *e)
{
	if (inet_is_udp(e->protocol))
		return REPORT_OUT; /* what has a peer called connect() */
	if (e->kind == EVENT_CONNECT)
		return REPORT_OUT;
	switch (e->close.span_count ? e->close.spans[0].state : STATE_NONE) {
	case STATE_SYN_SENT: return REPORT_OUT;
	case STATE_SYN_RECV:
	case STATE_NEW_SYN_RECV: return REPORT_IN;
	case STATE_NONE:
	case STATE_ESTABLISHED:
	case STATE_FIN_WAIT1:
	case STATE_FIN_WAIT2:
	case STATE_TIME_WAIT:
	case STATE_CLOSE:
	case STATE_CLOSE_WAIT:
	case STATE_LAST_ACK:
	case STATE_LISTEN:
	case STATE_CLOSING:
	case STATES: break;
	}
	return REPORT_WAY_UNKNOWN;
}

static struct report_group *count(struct report *r, enum report_kind kind,
				  const struct report_key *key)
{
	struct report_group *g = report_count(&r->by[kind], key);

	r->no_memory |= !g;
	return g;
}

static struct report_group *count_process(struct report *r, const struct event *e)
{
	struct report_key key;

	memset(&key, 0, sizeof(key));
	report_name(&key.who, e->process, e->kernel);
	return count(r, REPORT_BY_PROCESS, &key);
}

static struct report_group *count_peer(struct report *r, const struct event *e)
{
	struct report_key key;

	if (!e->has_peer)
		return NULL;
	memset(&key, 0, sizeof(key));
	key.netns = e->netns;
	key.protocol = e->protocol;
	key.family = (uint8_t)e->family;
	key.mapped = e->mapped;
	key.way = (uint8_t)way_of(e);
	if (key.way == REPORT_OUT)
		key.port = e->peer.port;
	memcpy(key.addr, e->peer.addr, sizeof(key.addr));
	return count(r, REPORT_BY_PEER, &key);
}

static struct report_group *count_port(struct report *r, const struct event *e)
{
	struct report_key key;

	if (!e->has_local || !e->local.port)
		return NULL;
	memset(&key, 0, sizeof(key));
	key.netns = e->netns;
	key.protocol = e->protocol;
	key.port = e->local.port;
	return count(r, REPORT_BY_PORT, &key);
}

static void note_waiting(struct report_group *port, const struct event *e)
{
	if (!port || (!e->process && !e->kernel))
		return;
	report_name(&port->holder, e->process, e->kernel);
	port->holder_pid = e->process ? e->process->pid : 0;
}

static bool has_failed(const struct event *e)
{
	return e->close.end == EVENT_END_SEEN && event_reason_is_failure(e->close.reason);
}

static void add_life(struct report_group *g, const struct event *e)
{
	if (!g)
		return;
	g->lives++;
	g->failed += has_failed(e);
	if (e->close.counted) {
		g->sent += e->close.sent_bytes;
		g->received += e->close.received_bytes;
	} else {
		g->uncounted++;
	}
}

uint64_t report_length_ns(size_t i)
{
	static const uint64_t bound[REPORT_LENGTHS - 1] = {NSEC_PER_SEC / 10000,
							   NSEC_PER_SEC / 1000,
							   NSEC_PER_SEC / 100,
							   NSEC_PER_SEC / 10,
							   NSEC_PER_SEC,
							   10 * NSEC_PER_SEC,
							   MINUTE,
							   10 * MINUTE,
							   HOUR,
							   6 * HOUR,
							   DAY};

	return i < REPORT_LENGTHS - 1 ? bound[i] : UINT64_MAX;
}

/* Sixteen of each power of two. */
static size_t length_place(uint64_t ns)
{
	unsigned int power = ns < 16 ? 4 : 63 - (unsigned int)__builtin_clzll(ns);

	return ns < 16 ? ns : power * 16 + ((ns >> (power - 4)) & 15);
}

uint64_t report_quantile_ns(const struct report *r, unsigned int percent)
{
	uint64_t all = 0, sum = 0, wanted;
	const size_t places = sizeof(r->lengths) / sizeof(r->lengths[0]);

	for (size_t i = 0; i < places; i++)
		all += r->lengths[i];
	wanted = all / 100 * percent + (all % 100 * percent + 99) / 100;
	for (size_t i = 0; all && i < places; i++) {
		sum += r->lengths[i];
		if (sum >= wanted)
			return i < 16 ? i : ((16 + i % 16 + 1) << (i / 16 - 4)) - 1;
	}
	return 0;
}

static void add_length(struct report *r, const struct event *e)
{
	uint64_t ns = e->close.duration_ns;
	size_t i = 0;

	if (ns == UINT64_MAX || e->close.end != EVENT_END_SEEN)
		return;
	while (ns >= report_length_ns(i))
		i++;
	r->length[i][has_failed(e)]++;
	r->lengths[length_place(ns)]++;
}

static void add_ports(struct report *r, const struct event *e, bool listener)
{
	struct report_space *s;
	uint64_t seen_ns = 0;

	if (!e->has_local || !e->local.port || inet_is_udp(e->protocol) || !(s = r->here))
		return;
	for (unsigned int i = 0; i < e->close.span_count; i++)
		seen_ns += e->close.spans[i].ns;
	if (e->close.opened_ns)
		seen_ns = e->time_ns - e->close.opened_ns;
	ports_use(r, s, e->local.port, e->time_ns > seen_ns ? e->time_ns - seen_ns : 0, e->time_ns);
	ports_mark(s, e->local.port,
		   listener		? MARK_LISTENING
		   : !e->has_peer	? MARK_BOUND
		   : e->close.time_wait ? MARK_TIME_WAIT
					: MARK_CONNECTED);
}

static void add_connection_times(struct report *r, const struct event *e)
{
	const struct event_close *c = &e->close;
	struct report_bucket *b = c->opened_ns ? bucket_of(r, c->opened_ns) : NULL;

	if (b)
		b->opened++;
	b = c->end == EVENT_END_SEEN ? bucket_of(r, e->time_ns) : NULL;
	if (!b)
		return;
	b->closed++;
	b->failed += has_failed(e);
	b->time_waits += c->time_wait;
	b->exhausted += c->reason == REASON_PORT_EXHAUSTED;
}

static void add_close(struct report *r, const struct event *e)
{
	bool listener = is_listener(e);

	add_ports(r, e, listener);
	if (listener)
		note_waiting(count_port(r, e), e);
	if (!e->has_peer)
		return;
	r->lives++;
	r->older += !e->close.opened_ns;
	r->open += e->close.end == EVENT_END_OPEN;
	r->unseen += e->close.end == EVENT_END_UNSEEN;
	r->failed += has_failed(e);
	r->time_waits += e->close.end == EVENT_END_SEEN && e->close.time_wait;
	if (e->close.end == EVENT_END_SEEN)
		r->reason[e->close.reason]++;
	if (e->close.end == EVENT_END_SEEN && e->close.reason == REASON_PORT_EXHAUSTED) {
		struct report_space *s = r->here;

		r->exhausted++;
		if (s)
			s->exhausted++;
	}
	add_connection_times(r, e);
	add_length(r, e);
	add_life(count_process(r, e), e);
	add_life(count_peer(r, e), e);
	if (way_of(e) == REPORT_IN)
		add_life(count_port(r, e), e);
}

/* ---- calls ---- */

static void count_call(struct report *r, const struct event *e, uint64_t times)
{
	struct report_call *c = r->call;

	while (c < r->call + r->call_count && (c->kind != e->kind || c->error != e->error))
		c++;
	if (c == r->call + REPORT_CALLS) {
		r->calls_more += times;
		return;
	}
	if (c == r->call + r->call_count) {
		*c = (struct report_call){.kind = e->kind, .error = e->error};
		r->call_count++;
	}
	c->count += times;
}

static void add_conflict(struct report *r, const struct event *e, uint64_t times)
{
	const struct event_trouble *t = e->trouble;
	struct report_group *g = count_port(r, e);
	struct report_key key;

	if (!g)
		return;
	g->calls += times;
	memset(&key, 0, sizeof(key));
	report_name(&key.who, e->process, e->kernel);
	key.netns = e->netns;
	key.protocol = e->protocol;
	key.port = e->local.port;
	g = count(r, REPORT_BY_CONFLICT, &key);
	if (!g)
		return;
	g->calls += times;
	g->last_ns = g->last_ns > e->time_ns ? g->last_ns : e->time_ns;
	if (t && t->has_holders && t->holder_count) {
		const struct event_holder *h = &t->holders[0];

		report_name(&g->holder, h->process, h->kernel);
		g->holder_pid = h->process ? h->process->pid : 0;
		g->holder_state = (uint8_t)h->state;
	}
}

static void add_failure(struct report *r, const struct event *e)
{
	uint64_t times = e->repeated ? e->repeated : 1;
	bool exhausted = event_reason(e) == REASON_PORT_EXHAUSTED;
	struct report_bucket *b = bucket_of(r, e->time_ns);
	struct report_group *g;

	ports_take_range(r, e);
	/* Its life, which ends for the same reason, is counted. */
	if (exhausted && !inet_is_udp(e->protocol))
		return;
	g = count_process(r, e);
	exhausted |= e->trouble && e->trouble->has_range;
	r->calls += times;
	r->exhausted += exhausted ? times : 0;
	if (b) {
		b->calls += times;
		b->exhausted += exhausted ? times : 0;
	}
	if (g)
		g->calls += times;
	g = e->kind == EVENT_CONNECT ? count_peer(r, e) : NULL;
	if (g)
		g->calls += times;
	count_call(r, e, times);
	if (exhausted) {
		struct report_space *s = r->here;

		if (s)
			s->exhausted += times;
	}
	if (e->error == EADDRINUSE && (e->kind == EVENT_BIND || e->kind == EVENT_LISTEN))
		add_conflict(r, e, times);
}

static void add_call(struct report *r, const struct event *e)
{
	struct report_space *s;

	if (e->error) {
		add_failure(r, e);
		return;
	}
	if (e->kind == EVENT_LISTEN ||
	    (e->kind == EVENT_BIND && inet_is_udp(e->protocol) && !e->bind.autobind))
		note_waiting(count_port(r, e), e);
	if (!e->has_local || !e->local.port || inet_is_udp(e->protocol) || !(s = r->here))
		return;
	ports_mark(s, e->local.port, e->kind == EVENT_LISTEN ? MARK_LISTENING : MARK_BOUND);
}

static void add_overflow(struct report *r, const struct event *e)
{
	struct report_group *g = count_port(r, e);

	if (!g)
		return;
	note_waiting(g, e);
	g->dropping = e->overflow.ended ? 0 : e->overflow.dropped;
	g->dropped += e->overflow.ended ? e->overflow.dropped : 0;
}

static void add_loss(struct report *r, const struct event *e)
{
	uint64_t since =
		e->lost.since_ns && e->lost.since_ns < e->time_ns ? e->lost.since_ns : e->time_ns;
	struct report_bucket *b = bucket_of(r, e->time_ns);

	r->losses++;
	r->lost += e->lost.count;
	if (b)
		b->lost += e->lost.count;
	if (e->time_ns < r->from_ns || since > r->to_ns)
		return;
	for (size_t i = report_step(r, since); i <= report_step(r, e->time_ns); i++)
		r->bucket[i].lossy = true;
}

void report_add(struct report *r, const struct event *e)
{
	r->here = e->kind == EVENT_LOST ? NULL : ports_space(r, e);
	switch (e->kind) {
	case EVENT_CLOSE: add_close(r, e); break;
	case EVENT_BIND:
	case EVENT_LISTEN:
	case EVENT_CONNECT:
	case EVENT_ACCEPT: add_call(r, e); break;
	case EVENT_OVERFLOW: add_overflow(r, e); break;
	case EVENT_LOST:
		if (!e->lost.unsent)
			add_loss(r, e);
		break;
	case EVENT_STATE:
	case EVENT_KINDS: break;
	}
}

/* ---- the end ---- */

static int by_count(const void *a, const void *b)
{
	const struct report_call *x = a, *y = b;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	return x->kind != y->kind ? (int)x->kind - (int)y->kind : x->error - y->error;
}

int report_finish(struct report *r)
{
	for (size_t i = 0; i < REPORT_KINDS; i++)
		r->no_memory |= report_sort(&r->by[i]) < 0;
	qsort(r->call, r->call_count, sizeof(r->call[0]), by_count);
	for (size_t i = 0; i < r->space_count; i++)
		ports_count(r->space[i], r->bucket_count);
	return r->no_memory ? -ENOMEM : 0;
}
