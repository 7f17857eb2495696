// SPDX-License-Identifier: GPL-2.0-only
#include "top.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "failed_once.h"
#include "hash.h"
#include "units.h"

/* A row that nothing was counted in for so long goes. */
#define IDLE_NS (60 * NSEC_PER_SEC)

HASH_TYPE(top_index, struct top_row *);
HASH_FUNCTIONS(top_index, struct top_row *, *item, (*item)->hash)

struct top {
	struct process_set *processes;
	struct top_index index;
	size_t count[TOP_TABLES];
	struct top_row all, others[TOP_TABLES];
	uint64_t begin_ns;
	struct failed_once once;
};

struct top *top_new(struct process_set *processes, uint64_t now_ns)
{
	struct top *t = calloc(1, sizeof(*t));

	if (t) {
		t->processes = processes;
		t->begin_ns = now_ns;
	}
	return t;
}

static void free_row(struct top *t, struct top_row *row)
{
	process_release(t->processes, row->process);
	free(row);
}

void top_clear(struct top *t, uint64_t now_ns)
{
	for (struct top_row **i = NULL; (i = top_index_each(&t->index, i));)
		free_row(t, *i);
	top_index_done(&t->index);
	for (int view = 0; view < TOP_TABLES; view++)
		process_release(t->processes, t->others[view].process);
	*t = (struct top){.processes = t->processes, .begin_ns = now_ns};
}

void top_free(struct top *t)
{
	if (!t)
		return;
	top_clear(t, 0);
	free(t);
}

/* ---- rows ---- */

static uint32_t hash_key(const struct top_key *key)
{
	uint64_t word, hash = 0;

	_Static_assert(sizeof(*key) % sizeof(word) == 0, "the key is whole words");
	for (size_t at = 0; at < sizeof(*key); at += sizeof(word)) {
		memcpy(&word, (const char *)key + at, sizeof(word));
		hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
		hash ^= hash >> 29;
	}
	return hash_u64(hash);
}

static struct top_row *find(const struct top *t, const struct top_key *key, uint32_t hash)
{
	for (struct top_row **i = top_index_first(&t->index, hash); i;
	     i = top_index_next(&t->index, i)) {
		if ((*i)->hash == hash && memcmp(&(*i)->key, key, sizeof(*key)) == 0)
			return *i;
	}
	return NULL;
}

/* The row of the key, a new one if it may be; else the others. */
static struct top_row *get_row(struct top *t, const struct top_key *key)
{
	uint32_t hash = hash_key(key);
	struct top_row *row = find(t, key, hash);

	if (row)
		return row;
	if (t->count[key->view] >= TOP_ROWS || !(row = calloc(1, sizeof(*row))))
		return &t->others[key->view];
	row->key = *key;
	row->hash = hash;
	if (!top_index_add(&t->index, row)) {
		free(row);
		return &t->others[key->view];
	}
	t->count[key->view]++;
	return row;
}

static bool is_row(const struct top *t, const struct top_row *row)
{
	return row < t->others || row >= t->others + TOP_TABLES;
}

static void name_row(struct top *t, struct top_row *row, const struct event *e)
{
	if (!is_row(t, row))
		return;
	if (e->netns_name && !row->elsewhere) {
		row->elsewhere = true;
		strncpy(row->netns_name, e->netns_name, sizeof(row->netns_name) - 1);
	}
	/* A peer has many. */
	if (e->process && e->process != row->process && row->key.view != TOP_PEERS) {
		process_hold(e->process);
		process_release(t->processes, row->process);
		row->process = e->process;
	}
}

/* ---- counting ---- */

static void add(struct top_row *row, enum top_count count, uint64_t n, uint64_t time_ns)
{
	uint64_t second = time_ns / NSEC_PER_SEC;

	row->total[count] += n;
	if (time_ns > row->last_ns)
		row->last_ns = time_ns;
	if (second > row->second + TOP_SLOTS) {
		memset(row->slot, 0, sizeof(row->slot));
		row->second = second;
	}
	while (row->second < second) {
		row->second++;
		for (int c = 0; c < TOP_COUNTS; c++)
			row->slot[c][row->second % TOP_SLOTS] = 0;
	}
	if (row->second - second < TOP_SLOTS)
		row->slot[count][second % TOP_SLOTS] += n;
}

/* Whole seconds of the window that were watched, at least one. */
static uint64_t seconds_of(const struct top *t, enum top_window window, uint64_t second)
{
	static const uint64_t seconds[TOP_WINDOWS] = {1, 10, 60};
	uint64_t begin = t->begin_ns / NSEC_PER_SEC, watched = second > begin ? second - begin : 1;

	return watched < seconds[window] ? watched : seconds[window];
}

double top_rate(const struct top *t, const struct top_row *row, enum top_count count,
		enum top_window window, uint64_t now_ns)
{
	uint64_t now = now_ns / NSEC_PER_SEC, n = seconds_of(t, window, now), sum = 0;

	for (uint64_t s = now - n; s < now; s++) {
		if (s <= row->second && row->second - s < TOP_SLOTS)
			sum += row->slot[count][s % TOP_SLOTS];
	}
	return (double)sum / (double)n;
}

const struct top_row *top_all(const struct top *t)
{
	return &t->all;
}

/* ---- keys ---- */

static struct top_key key_of_process(const struct event *e)
{
	struct top_key key = {.view = TOP_PROCESSES};

	if (e->process) {
		key.pid = e->process->pid;
		memcpy(key.name, e->process->name, sizeof(key.name));
	} else {
		key.kind = e->kernel;
	}
	return key;
}

static void set_end(struct top_key *key, const struct event *e, const struct endpoint *end)
{
	key->family = (uint8_t)e->family;
	key->mapped = e->mapped;
	key->netns = e->netns;
	key->ifindex = end->ifindex;
	memcpy(key->addr, end->addr, sizeof(key->addr));
}

static bool passed(const struct event_close *c, enum tcp_state state)
{
	for (unsigned int i = 0; i < c->span_count; i++) {
		if (c->spans[i].state == state)
			return true;
	}
	return false;
}

/* The port of a peer that came is its own choice; where nobody saw who began, it may be. */
static struct top_key key_of_peer(const struct event *e)
{
	struct top_key key = {.view = TOP_PEERS};

	set_end(&key, e, &e->peer);
	if (e->kind == EVENT_CONNECT ||
	    (e->kind == EVENT_CLOSE && passed(&e->close, STATE_SYN_SENT)))
		key.port = e->peer.port;
	return key;
}

static struct top_key key_of_listener(const struct event *e)
{
	struct top_key key = {
		.view = TOP_LISTENERS, .protocol = e->protocol, .port = e->local.port};

	set_end(&key, e, &e->local);
	return key;
}

/* Who, what, and where to; a port that the kernel chose tells nothing apart. */
static struct top_key key_of_failure(const struct event *e, enum close_reason reason)
{
	struct top_key key = key_of_process(e);

	key.view = TOP_FAILURES;
	key.kind = (uint8_t)e->kind;
	key.protocol = e->protocol;
	key.error = e->kind == EVENT_CLOSE ? 0 : e->error;
	key.reason = key.error ? 0 : (uint32_t)reason;
	if (e->has_peer && e->kind != EVENT_BIND) {
		set_end(&key, e, &e->peer);
		key.port = key_of_peer(e).port;
	} else if (e->has_local) {
		set_end(&key, e, &e->local);
		key.port = e->local.port;
	}
	return key;
}

/* ---- events ---- */

static void keep_life(struct top_row *row, const struct event *e, enum close_reason reason)
{
	struct top_life *life = &row->life[row->lives++ % TOP_LIVES];

	*life = (struct top_life){
		.time_ns = e->time_ns,
		.duration_ns = UINT64_MAX,
		.kind = e->kind,
		.protocol = e->protocol,
		.family = e->family,
		.mapped = e->mapped,
		.has_local = e->has_local,
		.has_peer = e->has_peer,
		.local = e->local,
		.peer = e->peer,
		.error = e->error,
		.reason = reason,
	};
	if (e->kind == EVENT_CLOSE) {
		life->duration_ns = e->close.duration_ns;
		life->counted = e->close.counted;
		life->sent_bytes = e->close.sent_bytes;
		life->received_bytes = e->close.received_bytes;
	}
	if (e->process) {
		life->pid = e->process->pid;
		memcpy(life->name, e->process->name, sizeof(life->name));
	}
}

static void count(struct top *t, const struct top_key *key, const struct event *e,
		  const uint64_t n[TOP_COUNTS], enum close_reason reason)
{
	struct top_row *row = get_row(t, key);

	name_row(t, row, e);
	for (int c = 0; c < TOP_COUNTS; c++) {
		if (n[c])
			add(row, (enum top_count)c, n[c], e->time_ns);
	}
	if (e->kind == EVENT_CLOSE || n[TOP_FAILED])
		keep_life(row, e, reason);
}

static bool is_failure(const struct event *e, enum close_reason reason)
{
	switch (e->kind) {
	case EVENT_BIND:
	case EVENT_LISTEN:
	case EVENT_CONNECT:
	case EVENT_ACCEPT: return e->error != 0;
	case EVENT_CLOSE: return event_reason_is_failure(reason);
	case EVENT_OVERFLOW: return !e->overflow.ended;
	case EVENT_STATE:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return false;
}

/* What an accepted connection came to has its address, or none; it may be one of MPTCP where the connection is none. */
static struct top_row *find_listener(const struct top *t, const struct event *e)
{
	const uint16_t protocols[] = {e->protocol, IPPROTO_MPTCP};
	struct top_row *row = NULL;

	for (size_t i = 0; i < 2 && !row; i++) {
		struct top_key key = key_of_listener(e);

		key.protocol = protocols[i];
		row = find(t, &key, hash_key(&key));
		if (row)
			break;
		memset(key.addr, 0, sizeof(key.addr));
		key.mapped = false;
		key.ifindex = 0;
		row = find(t, &key, hash_key(&key));
	}
	return row;
}

/* Its process is who listens. */
static void count_listener(struct top *t, const struct event *e, const uint64_t n[TOP_COUNTS])
{
	struct top_row *row = find_listener(t, e);

	for (int c = 0; row && c < TOP_COUNTS; c++) {
		if (n[c])
			add(row, (enum top_count)c, n[c], e->time_ns);
	}
	if (row && n[TOP_FAILED])
		keep_life(row, e, REASONS);
}

void top_event(struct top *t, const struct event *e)
{
	enum close_reason reason = event_reason(e);
	uint64_t times = e->repeated ? e->repeated : 1, n[TOP_COUNTS] = {0};
	struct top_key key;

	if (e->kind == EVENT_LOST || e->kind == EVENT_STATE ||
	    (e->kind == EVENT_CLOSE && e->close.end == EVENT_END_OPEN))
		return;
	n[TOP_NEW] = e->kind == EVENT_CONNECT || e->kind == EVENT_ACCEPT ? times : 0;
	n[TOP_FAILED] = is_failure(e, reason) ? times : 0;
	if (failed_before(&t->once, e))
		n[TOP_FAILED] = 0;
	if (e->kind == EVENT_CLOSE && e->close.counted) {
		n[TOP_SENT] = e->close.sent_bytes;
		n[TOP_RECEIVED] = e->close.received_bytes;
	}
	for (int c = 0; c < TOP_COUNTS; c++)
		add(&t->all, (enum top_count)c, n[c], e->time_ns);
	if (e->kind == EVENT_ACCEPT || e->kind == EVENT_OVERFLOW)
		count_listener(t, e, n);
	if (n[TOP_FAILED]) {
		const uint64_t failed[TOP_COUNTS] = {[TOP_FAILED] = times};

		key = key_of_failure(e, reason);
		count(t, &key, e, failed, reason);
	}
	if (!n[TOP_NEW] && !n[TOP_FAILED] && e->kind != EVENT_CLOSE)
		return;
	key = key_of_process(e);
	count(t, &key, e, n, reason);
	if (!e->has_peer)
		return;
	key = key_of_peer(e);
	count(t, &key, e, n, reason);
}

/* ---- what is open ---- */

void top_open_begin(struct top *t)
{
	for (struct top_row **i = NULL; (i = top_index_each(&t->index, i));)
		(*i)->open_next = 0;
	for (int view = 0; view < TOP_TABLES; view++)
		t->others[view].open_next = 0;
	t->all.open_next = 0;
}

static struct top_row *count_open(struct top *t, const struct top_key *key, const struct event *e)
{
	struct top_row *row = get_row(t, key);

	name_row(t, row, e);
	row->open_next++;
	return row;
}

void top_open(struct top *t, const struct event *e)
{
	bool waits = e->close.state == STATE_LISTEN ||
		     (inet_is_udp(e->protocol) && !e->has_peer && e->local.port);
	struct top_key key;

	if (waits) {
		key = key_of_listener(e);
		count_open(t, &key, e)->takes = e->local.takes;
	}
	if (!e->has_peer)
		return;
	key = key_of_process(e);
	count_open(t, &key, e);
	key = key_of_peer(e);
	count_open(t, &key, e);
	t->all.open_next++;
}

void top_open_end(struct top *t)
{
	for (struct top_row **i = NULL; (i = top_index_each(&t->index, i));)
		(*i)->open = (*i)->open_next;
	for (int view = 0; view < TOP_TABLES; view++)
		t->others[view].open = t->others[view].open_next;
	t->all.open = t->all.open_next;
}

/* ---- rows that go ---- */

static void remove_row(struct top *t, struct top_row *row)
{
	struct top_row **i = top_index_first(&t->index, row->hash);

	while (i && *i != row)
		i = top_index_next(&t->index, i);
	if (i)
		top_index_remove(&t->index, i);
	t->count[row->key.view]--;
	free_row(t, row);
}

struct weighed {
	struct top_row *row;
	uint64_t weight;
};

/* What was counted in the seconds that are kept; sockets that are open count as one. */
static uint64_t weigh(const struct top_row *row, uint64_t now_ns)
{
	uint64_t weight = row->open != 0, now = now_ns / NSEC_PER_SEC;

	for (uint64_t s = now < TOP_SLOTS ? 0 : now - TOP_SLOTS + 1; s <= now; s++) {
		if (s <= row->second && row->second - s < TOP_SLOTS)
			weight += row->slot[TOP_NEW][s % TOP_SLOTS] +
				  row->slot[TOP_FAILED][s % TOP_SLOTS];
	}
	return weight;
}

static int by_weight(const void *a, const void *b)
{
	const struct weighed *x = a, *y = b;

	return (x->weight > y->weight) - (x->weight < y->weight);
}

/* Room for who comes next: it may do more than most. */
static void thin(struct top *t, enum top_view view, uint64_t now_ns)
{
	struct weighed *list = calloc(t->count[view], sizeof(*list));
	size_t count = 0;

	if (!list)
		return;
	for (struct top_row **i = NULL; (i = top_index_each(&t->index, i));) {
		if ((*i)->key.view == view)
			list[count++] = (struct weighed){*i, weigh(*i, now_ns)};
	}
	qsort(list, count, sizeof(*list), by_weight);
	for (size_t i = 0; i < count / 2; i++)
		remove_row(t, list[i].row);
	free(list);
}

static bool is_idle(const struct top_row *row, uint64_t now_ns)
{
	return !row->open && !row->open_next && row->last_ns + IDLE_NS < now_ns;
}

void top_tick(struct top *t, uint64_t now_ns)
{
	struct top_row *idle[64];
	size_t n;

	/* An index that loses an item moves others. */
	do {
		n = 0;
		for (struct top_row **i = NULL; n < 64 && (i = top_index_each(&t->index, i));) {
			if (is_idle(*i, now_ns))
				idle[n++] = *i;
		}
		for (size_t i = 0; i < n; i++)
			remove_row(t, idle[i]);
	} while (n == 64);
	for (int view = 0; view < TOP_TABLES; view++) {
		if (t->count[view] > TOP_ROWS / 4 * 3)
			thin(t, (enum top_view)view, now_ns);
	}
}

/* ---- lists ---- */

static struct top_shown show(const struct top *t, const struct top_row *row, uint64_t now_ns)
{
	struct top_shown s = {.row = row, .others = !is_row(t, row)};

	for (int w = 0; w < TOP_WINDOWS; w++) {
		s.value[TOP_BY_NEW_1S + w] = top_rate(t, row, TOP_NEW, (enum top_window)w, now_ns);
		s.value[TOP_BY_FAILED_1S + w] =
			top_rate(t, row, TOP_FAILED, (enum top_window)w, now_ns);
	}
	s.value[TOP_BY_FAILED] = (double)row->total[TOP_FAILED];
	s.value[TOP_BY_SENT] = top_rate(t, row, TOP_SENT, TOP_10S, now_ns);
	s.value[TOP_BY_RECEIVED] = top_rate(t, row, TOP_RECEIVED, TOP_10S, now_ns);
	s.value[TOP_BY_OPEN] = (double)row->open;
	s.value[TOP_BY_LAST] = (double)row->last_ns;
	return s;
}

/* A listener is there while a socket listens. */
static bool is_shown(const struct top_row *row)
{
	return row->key.view != TOP_LISTENERS || row->open;
}

bool top_take(const struct top *t, enum top_view view, uint64_t now_ns, struct top_list *list)
{
	const struct top_row *others = &t->others[view];
	bool ok = true;

	list->count = 0;
	for (struct top_row **i = NULL; ok && (i = top_index_each(&t->index, i));) {
		if ((*i)->key.view == view && is_shown(*i))
			ok = top_list_add(list, show(t, *i, now_ns));
	}
	if (ok && (others->last_ns || others->open))
		ok = top_list_add(list, show(t, others, now_ns));
	return ok;
}
