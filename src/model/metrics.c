// SPDX-License-Identifier: GPL-2.0-only
#include "metrics_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define IDLE_NS	   3600000000000ull
#define OTHER	   "other"
#define VALUE_MAX  128 /* of a label; the rest is cut */
#define LABELS_MAX (METRIC_LABELS * (VALUE_MAX + 1))
#define SPACES_MAX 4096
#define SHORT_ID   12 /* of a container, as people write it */

HASH_FUNCTIONS(metric_index, struct metric_series *, *item, (*item)->hash)
HASH_FUNCTIONS(metric_spaces, struct metric_netns, item->inode, hash_u64(item->inode))

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	for (struct metric_series **i = NULL; (i = metric_index_each(&m->index, i));)
		free(*i);
	metric_index_done(&m->index);
	metric_spaces_done(&m->spaces);
	free(m->sorted);
	free(m);
}

/* ---- series ---- */

struct labels {
	size_t len;
	bool apart; /* one is left out without which the value makes no sense */
	char text[LABELS_MAX];
};

static void join_labels(const struct metrics *m, const struct metric_family *f,
			const char *const *values, const char *other, struct labels *ret)
{
	bool ended = !values;

	ret->len = 0;
	ret->apart = false;
	for (unsigned int i = 0; i < metric_label_count(f); i++) {
		const char *name = f->label[i], *value = ended ? NULL : values[i];
		size_t len;

		ended |= !value;
		if (other && !strcmp(name, other)) {
			value = OTHER;
			ret->apart |= f->merge == MERGE_APART;
		}
		if (m->options.without &&
		    m->options.without & metric_label_parse(name, strlen(name))) {
			value = NULL;
			ret->apart |= f->merge == MERGE_APART;
		}
		len = value ? strnlen(value, VALUE_MAX) : 0;
		if (len)
			memcpy(ret->text + ret->len, value, len);
		ret->text[ret->len + len] = '\0';
		ret->len += len + 1;
	}
}

static uint32_t hash_series(enum metric metric, const struct labels *labels)
{
	return metrics_hash(labels->text, labels->len, metric);
}

static struct metric_series *find(const struct metrics *m, enum metric metric, uint32_t hash,
				  const struct labels *labels)
{
	for (struct metric_series **i = metric_index_first(&m->index, hash); i;
	     i = metric_index_next(&m->index, i)) {
		if ((*i)->hash == hash && (*i)->metric == metric &&
		    (*i)->labels_len == labels->len &&
		    memcmp((*i)->labels, labels->text, labels->len) == 0)
			return *i;
	}
	return NULL;
}

/* Lines that it takes: a histogram's buckets, the last of them without an end, its sum and its count. */
static size_t samples_of(enum metric metric)
{
	const struct metric_family *f = metric_family(metric);

	return f->type == METRIC_HISTOGRAM ? metric_bucket_count(f) + 3 : 1;
}

static struct metric_series *make(struct metrics *m, enum metric metric, uint32_t hash,
				  const struct labels *labels)
{
	struct metric_series *s;

	if (m->samples + samples_of(metric) > METRICS_SAMPLES)
		return NULL;
	s = calloc(1, sizeof(*s) + labels->len);
	if (!s)
		return NULL;
	s->metric = metric;
	s->hash = hash;
	s->labels_len = (uint16_t)labels->len;
	memcpy(s->labels, labels->text, labels->len);
	if (!metric_index_add(&m->index, s)) {
		free(s);
		return NULL;
	}
	m->samples += samples_of(metric);
	m->count[metric]++;
	return s;
}

static struct metric_series *get_or_make(struct metrics *m, enum metric metric,
					 const struct labels *labels, bool others)
{
	const struct metric_family *f = metric_family(metric);
	uint32_t hash = hash_series(metric, labels);
	struct metric_series *s = find(m, metric, hash, labels);

	/* The last place is for all others. */
	if (s || (f->most && !others && m->count[metric] + 1 >= f->most))
		return s;
	return make(m, metric, hash, labels);
}

/* The label under which a family counts what it has no room for; NULL: it does not. */
static const char *other_label(const struct metric_family *f)
{
	for (unsigned int i = 0; i < metric_label_count(f); i++) {
		if (!strcmp(f->label[i], "comm") || !strcmp(f->label[i], "netns"))
			return metric_label_count(f) <= 2 ? f->label[i] : NULL;
	}
	return NULL;
}

/* NULL: there is no room, which is counted, or it is not to be told. */
static struct metric_series *get(struct metrics *m, enum metric metric, const char *const *values)
{
	const struct metric_family *f = metric_family(metric);
	struct metric_series *s;
	struct labels labels;

	join_labels(m, f, values, NULL, &labels);
	if (labels.apart)
		return NULL;
	s = get_or_make(m, metric, &labels, false);
	if (s)
		return s;
	m->dropped++;
	if (!other_label(f))
		return NULL;
	join_labels(m, f, values, other_label(f), &labels);
	return labels.apart ? NULL : get_or_make(m, metric, &labels, true);
}

static void drop(struct metrics *m, struct metric_series *s)
{
	struct metric_series **i = metric_index_first(&m->index, s->hash);

	while (*i != s)
		i = metric_index_next(&m->index, i);
	metric_index_remove(&m->index, i);
	m->samples -= samples_of(s->metric);
	m->count[s->metric]--;
	free(s);
}

/* ---- values ---- */

void metrics_add(struct metrics *m, enum metric metric, double more, const char *const *labels)
{
	struct metric_series *s = get(m, metric, labels);

	if (!s)
		return;
	s->value += more;
	s->touched_ns = m->now_ns;
}

static void observe(struct metrics *m, enum metric metric, uint64_t ns, const char *const *labels)
{
	const struct metric_family *f = metric_family(metric);
	struct metric_series *s = get(m, metric, labels);
	double seconds = (double)ns / 1e9;
	unsigned int i = 0;

	if (!s)
		return;
	while (i < metric_bucket_count(f) && seconds > f->bound[i])
		i++;
	s->bucket[i]++;
	s->value += seconds;
	s->touched_ns = m->now_ns;
}

void metrics_set(struct metrics *m, enum metric metric, double value, const char *const *labels)
{
	enum metric_merge merge = metric_family(metric)->merge;
	struct metric_series *s = get(m, metric, labels);

	if (!s)
		return;
	if (s->seen && merge == MERGE_SUM)
		s->value += value;
	else if (!s->seen || value < s->value)
		s->value = value;
	s->seen = s->level = true;
}

void metrics_gauges_begin(struct metrics *m)
{
	for (struct metric_series **i = NULL; (i = metric_index_each(&m->index, i));)
		(*i)->seen = false;
}

static int compare_series(const void *x, const void *y)
{
	const struct metric_series *a = *(struct metric_series *const *)x;
	const struct metric_series *b = *(struct metric_series *const *)y;
	size_t len = a->labels_len < b->labels_len ? a->labels_len : b->labels_len;

	if (a->metric != b->metric)
		return a->metric < b->metric ? -1 : 1;
	return memcmp(a->labels, b->labels, len);
}

/* False without memory: nothing is told. */
static bool list(struct metrics *m)
{
	struct metric_series **grown = realloc(m->sorted, (m->index.count + 1) * sizeof(*grown));

	m->sorted_count = 0;
	if (!grown)
		return false;
	m->sorted = grown;
	for (struct metric_series **i = NULL; (i = metric_index_each(&m->index, i));)
		m->sorted[m->sorted_count++] = *i;
	return true;
}

static void sweep(struct metrics *m)
{
	if (!list(m))
		return;
	for (size_t i = 0; i < m->sorted_count; i++) {
		struct metric_series *s = m->sorted[i];

		if (s->fixed || (s->level ? s->seen : m->now_ns - s->touched_ns < IDLE_NS))
			continue;
		drop(m, s);
	}
	m->sorted_count = 0;
}

void metrics_gauges_end(struct metrics *m, uint64_t now_ns)
{
	if (now_ns > m->now_ns)
		m->now_ns = now_ns;
	metrics_set(m, METRIC_SERIES_DROPPED, (double)m->dropped, NULL);
	/* Itself too. */
	metrics_set(m, METRIC_SERIES, 0, NULL);
	sweep(m);
	metrics_set(m, METRIC_SERIES, (double)m->samples, NULL);
}

const struct metric_series *metrics_sorted(struct metrics *m, size_t i)
{
	if (i == 0 && list(m))
		qsort(m->sorted, m->sorted_count, sizeof(struct metric_series *), compare_series);
	return i < m->sorted_count ? m->sorted[i] : NULL;
}

/* ---- namespaces ---- */

enum { RANK_INODE, RANK_GIVEN, RANK_CONTAINER, RANK_POD, RANK_OWN };

/* The best of what people call it; `name` is NULL for the observer's own. */
static void name_netns(const struct metrics *m, struct metric_netns *s, const char *name,
		       const struct process *p)
{
	const char *best = name;
	size_t most = sizeof(s->name) - 1;

	s->rank = RANK_GIVEN;
	if (!name) {
		best = m->options.own_netns_name;
		s->rank = RANK_OWN;
	} else if (p && p->pod) {
		best = p->pod;
		s->rank = RANK_POD;
	} else if (p && p->container) {
		best = p->container_name ? p->container_name : p->container;
		most = p->container_name ? most : SHORT_ID;
		s->rank = RANK_CONTAINER;
	} else if (!name[0]) {
		s->name[inet_format_number(s->name, s->inode)] = '\0';
		s->rank = RANK_INODE;
		return;
	}
	memcpy(s->name, best, strnlen(best, most));
}

struct metric_netns *metrics_find_netns(const struct metrics *m, uint32_t netns)
{
	struct metric_netns *s = metric_spaces_first(&m->spaces, hash_u64(netns));

	while (s && s->inode != netns)
		s = metric_spaces_next(&m->spaces, s);
	return s;
}

const char *metrics_netns(struct metrics *m, uint32_t netns, const char *name,
			  const struct process *process)
{
	static struct metric_netns beside;
	struct metric_netns *s = metrics_find_netns(m, netns), now = {.inode = netns};

	name_netns(m, &now, name, process);
	if (!s && netns && m->spaces.count < SPACES_MAX)
		s = metric_spaces_add(&m->spaces, now);
	if (!s) {
		beside = now;
		s = &beside;
	}
	if (now.rank > s->rank) {
		s->rank = now.rank;
		memcpy(s->name, now.name, sizeof(s->name));
	}
	return s->name;
}

void metrics_sweep_netns(struct metrics *m)
{
	struct metric_spaces kept = {0};

	for (struct metric_netns *s = NULL; (s = metric_spaces_each(&m->spaces, s));) {
		if (s->seen && metric_spaces_add(&kept, *s))
			metric_spaces_first(&kept, hash_u64(s->inode))->seen = false;
	}
	metric_spaces_done(&m->spaces);
	m->spaces = kept;
}

/* ---- events ---- */

static const char *family_name(const struct event *e)
{
	return e->family == FAMILY_IPV4 || e->mapped ? "ipv4" : "ipv6";
}

static const char *protocol_name(const struct event *e)
{
	const char *name = inet_protocol_name(e->protocol);

	return name ? name : OTHER;
}

static const char *comm_of(const struct event *e)
{
	return e->process ? e->process->name : e->kernel ? "kernel" : "unknown";
}

static void count_error(struct metrics *m, enum metric metric, const struct event *e, double times)
{
	const char *name = inet_errno_name(e->error);

	if (e->error)
		metrics_add(m, metric, times, (const char *const[]){name ? name : OTHER, NULL});
}

/* What is most worth knowing first: how the ports lie to each other comes last. */
static const char *conflict_of(const struct event_trouble *trouble)
{
	static const uint32_t order[] = {
		WHY_REUSEPORT_USER,  WHY_TIME_WAIT,	  WHY_LISTENING,       WHY_OUTGOING,
		WHY_REUSEPORT_HERE,  WHY_REUSEPORT_THERE, WHY_REUSEADDR_HERE, WHY_REUSEADDR_THERE,
		WHY_DUAL_STACK,	     WHY_WILDCARD};
	uint32_t why = trouble && trouble->holder_count ? trouble->holders[0].why : 0;

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		if (why & order[i])
			return event_why_name((unsigned int)__builtin_ctz(order[i]));
	}
	return trouble && trouble->holder_count ? "same-address" : "unknown";
}

/* A failure that is repeated is told without its holders: it is the one told before. */
static const char *name_conflict(struct metrics *m, const struct event *e)
{
	uint64_t place = (uint64_t)e->netns << 32 | (uint32_t)e->protocol << 16 | e->local.port;
	struct metric_conflict *c = &m->conflict[hash_u64(place) % METRIC_CONFLICTS];
	bool same = c->why && c->netns == e->netns && c->protocol == e->protocol &&
		    c->port == e->local.port;

	if (e->trouble || !same)
		*c = (struct metric_conflict){e->netns, e->protocol, e->local.port,
					      conflict_of(e->trouble)};
	return c->why;
}

static void count_bind(struct metrics *m, const struct event *e, double times)
{
	count_error(m, METRIC_BIND_ERRORS, e, times);
	if (e->error == EADDRINUSE && !event_is_exhaustion(e))
		metrics_add(m, METRIC_BIND_CONFLICTS, times,
			    (const char *const[]){name_conflict(m, e), NULL});
}

/* It was no connection before it ended. */
static bool is_attempt(const struct event_close *c)
{
	bool tried = false;

	for (unsigned int i = 0; i < c->span_count; i++) {
		if (c->spans[i].state == STATE_ESTABLISHED)
			return false;
		tried |= c->spans[i].state == STATE_SYN_SENT;
	}
	return tried;
}

static void count_close(struct metrics *m, const struct event *e, bool told)
{
	const char *const labels[] = {protocol_name(e), event_reason_name(e->close.reason), NULL};

	if (e->close.end == EVENT_END_OPEN)
		return;
	metrics_add(m, METRIC_CLOSES, 1, labels);
	if (!told && is_attempt(&e->close))
		count_error(m, METRIC_CONNECT_ERRORS, e, 1);
	if (e->close.duration_ns != UINT64_MAX)
		observe(m, METRIC_LIFE_DURATION, e->close.duration_ns, labels);
	if (e->close.time_wait)
		metrics_add(m, METRIC_TIME_WAITS, 1, (const char *const[]){comm_of(e), NULL});
	if (!e->close.counted)
		return;
	metrics_add(m, METRIC_SENT_BYTES, (double)e->close.sent_bytes, labels);
	metrics_add(m, METRIC_RECEIVED_BYTES, (double)e->close.received_bytes, labels);
	metrics_add(m, METRIC_RETRANSMITS, e->close.retransmits, NULL);
}

void metrics_event(struct metrics *m, const struct event *e)
{
	const char *const call[] = {protocol_name(e), family_name(e), NULL};
	double times = e->repeated ? (double)e->repeated : 1;
	uint64_t search_ns = port_search_event(&m->search, e);
	bool told = failed_before(&m->once, e);

	if (e->time_ns > m->now_ns)
		m->now_ns = e->time_ns;
	if (search_ns != PORT_SEARCH_NONE)
		observe(m, METRIC_PORT_SEARCH_DURATION, search_ns, NULL);
	if (event_is_exhaustion(e)) {
		const char *space = metrics_netns(m, e->netns, e->netns_name, e->process);

		metrics_add(m, METRIC_EXHAUSTED, times,
			    (const char *const[]){space, protocol_name(e), NULL});
	}
	switch (e->kind) {
	case EVENT_BIND:
	case EVENT_LISTEN: count_bind(m, e, times); break;
	case EVENT_CONNECT:
		metrics_add(m, METRIC_CONNECTS, times, call);
		count_error(m, METRIC_CONNECT_ERRORS, e, times);
		break;
	case EVENT_ACCEPT:
		metrics_add(m, METRIC_ACCEPTS, times, call);
		count_error(m, METRIC_ACCEPT_ERRORS, e, times);
		break;
	case EVENT_STATE:
		if (e->state.from == STATE_SYN_SENT && e->state.to == STATE_ESTABLISHED &&
		    e->state.after_known)
			observe(m, METRIC_CONNECT_DURATION, e->state.after_ns,
				(const char *const[]){family_name(e), NULL});
		break;
	case EVENT_CLOSE: count_close(m, e, told); break;
	case EVENT_OVERFLOW:
		if (e->overflow.ended)
			metrics_add(m, METRIC_ACCEPT_QUEUE_DROPS, (double)e->overflow.dropped,
				    (const char *const[]){comm_of(e), NULL});
		break;
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
}

/* ---- begin ---- */

/* A rate needs a series before its first increase. */
static void make_fixed(struct metrics *m, enum metric metric, const char *first, const char *second)
{
	struct metric_series *s = get(m, metric, (const char *const[]){first, second, NULL});

	if (s)
		s->fixed = true;
}

static void make_errors(struct metrics *m, enum metric metric, const char *const *names)
{
	while (*names)
		make_fixed(m, metric, *names++, NULL);
}

static void make_first(struct metrics *m)
{
	static const char *const of_connect[] = {"ECONNREFUSED", "ETIMEDOUT",	 "EADDRNOTAVAIL",
						 "ENETUNREACH",	 "EHOSTUNREACH", NULL};
	static const char *const of_accept[] = {"EMFILE", "ENFILE", NULL};
	static const char *const of_bind[] = {"EADDRINUSE", "EACCES", "EADDRNOTAVAIL", NULL};
	static const char *const families[] = {"ipv4", "ipv6"};
	static const char *const protocols[] = {"tcp", "udp"};

	make_errors(m, METRIC_CONNECT_ERRORS, of_connect);
	make_errors(m, METRIC_ACCEPT_ERRORS, of_accept);
	make_errors(m, METRIC_BIND_ERRORS, of_bind);
	for (int i = 0; i < 2; i++) {
		make_fixed(m, METRIC_CONNECTS, "tcp", families[i]);
		make_fixed(m, METRIC_ACCEPTS, "tcp", families[i]);
		make_fixed(m, METRIC_CONNECT_DURATION, families[i], NULL);
		make_fixed(m, METRIC_SENT_BYTES, protocols[i], NULL);
		make_fixed(m, METRIC_RECEIVED_BYTES, protocols[i], NULL);
		make_fixed(m, METRIC_LIFE_DURATION, protocols[i], NULL);
	}
	for (int reason = 0; reason < REASONS; reason++)
		make_fixed(m, METRIC_CLOSES, "tcp", event_reason_name((enum close_reason)reason));
	for (unsigned int why = 0; why < HOLDER_WHYS; why++)
		make_fixed(m, METRIC_BIND_CONFLICTS, event_why_name(why), NULL);
	make_fixed(m, METRIC_RETRANSMITS, NULL, NULL);
	make_fixed(m, METRIC_PORT_SEARCH_DURATION, NULL, NULL);
}

struct metrics *metrics_new(const struct metrics_options *options, uint64_t now_ns)
{
	struct metrics *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->options = *options;
	m->now_ns = now_ns;
	make_first(m);
	return m;
}
