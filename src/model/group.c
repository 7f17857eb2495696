// SPDX-License-Identifier: GPL-2.0-only
/*
 * group.c - a key is a value behind another: a letter that says whether it is known, its text, NUL.
 *
 *     "=curl\0" "=127.0.0.1\0" "?\0" "-\0"
 */
#include "group.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "hash.h"
#include "server.h"

#define KEY_MAX (GROUP_MAX * (GROUP_TEXT_MAX + 2))

static const struct {
	const char *name, *also;
	bool is_number;
} fields[GROUP_FIELDS] = {
	[GROUP_COMM] = {"comm", NULL, false},
	[GROUP_PID] = {"pid", NULL, true},
	[GROUP_UNIT] = {"unit", NULL, false},
	[GROUP_CONTAINER] = {"container", NULL, false},
	[GROUP_USER] = {"user", "uid", true},
	[GROUP_PROTO] = {"proto", NULL, false},
	[GROUP_LOCAL] = {"local", NULL, false},
	[GROUP_PEER] = {"peer", NULL, false},
	[GROUP_PORT] = {"port", NULL, true},
	[GROUP_LOCAL_PORT] = {"local-port", NULL, true},
	[GROUP_PEER_PORT] = {"peer-port", "remote-port", true},
	[GROUP_REASON] = {"reason", NULL, false},
	[GROUP_ERROR] = {"error", "errno", false},
	[GROUP_RESULT] = {"result", NULL, false},
	[GROUP_STATE] = {"state", NULL, false},
	[GROUP_NETNS] = {"netns", NULL, true},
	[GROUP_EVENT] = {"event", "kind", false},
	[GROUP_HOST] = {"host", NULL, false},
};

const char *group_field_name(enum group_field field)
{
	return fields[field].name;
}

bool group_field_is_number(enum group_field field)
{
	return fields[field].is_number;
}

static bool is_word(const char *name, const char *word, size_t len)
{
	return name && strlen(name) == len && memcmp(name, word, len) == 0;
}

static enum group_field field_parse(const char *word, size_t len)
{
	enum group_field field = 0;

	while (field < GROUP_FIELDS && !is_word(fields[field].name, word, len) &&
	       !is_word(fields[field].also, word, len))
		field++;
	return field;
}

int group_parse(struct group_by *ret, const char *list, const char **ret_bad)
{
	struct group_by by = {0};

	for (;; list++) {
		size_t len = strcspn(list, ",");
		enum group_field field = field_parse(list, len);
		bool is_new = field < GROUP_FIELDS && by.count < GROUP_MAX;

		for (size_t i = 0; i < by.count; i++)
			is_new &= by.field[i] != field;
		if (!is_new) {
			*ret_bad = list;
			return -EINVAL;
		}
		by.field[by.count++] = field;
		list += len;
		if (!*list)
			break;
	}
	*ret = by;
	return 0;
}

/* ---- keys ---- */

struct key {
	char text[KEY_MAX];
	size_t len;
};

static void put(struct key *k, enum group_known known, const char *text, size_t len)
{
	static const char letter[] = {
		[GROUP_KNOWN] = '=', [GROUP_UNKNOWN] = '?', [GROUP_ABSENT] = '-'};

	len = len > GROUP_TEXT_MAX ? GROUP_TEXT_MAX : len;
	k->text[k->len++] = letter[known];
	memcpy(k->text + k->len, text, len);
	k->len += len;
	k->text[k->len++] = '\0';
}

static void put_unknown(struct key *k)
{
	put(k, GROUP_UNKNOWN, "", 0);
}

static void put_absent(struct key *k)
{
	put(k, GROUP_ABSENT, "", 0);
}

static void put_number(struct key *k, uint64_t value)
{
	char text[20];

	put(k, GROUP_KNOWN, text, inet_format_number(text, value));
}

/* NULL: it does not apply. */
static void put_text(struct key *k, const char *text)
{
	if (text)
		put(k, GROUP_KNOWN, text, strlen(text));
	else
		put_absent(k);
}

static void put_protocol(struct key *k, uint16_t protocol)
{
	const char *name = inet_protocol_name(protocol);

	if (name)
		put_text(k, name);
	else
		put_number(k, protocol);
}

static void put_error(struct key *k, int error)
{
	const char *name = inet_errno_name(error);

	if (!error || name)
		put_text(k, error ? name : NULL);
	else
		put_number(k, (uint64_t)error);
}

static void put_state(struct key *k, enum tcp_state state)
{
	put_text(k, state == STATE_NONE ? NULL : inet_state_name(state));
}

static void put_address(struct key *k, enum family family, bool mapped, const uint8_t addr[16])
{
	char text[INET_ENDPOINT_SIZE];

	put(k, GROUP_KNOWN, text, inet_format_address(text, family, mapped, addr));
}

/* What it is in is known once its cgroup is; the kernel is in nothing. */
static void put_process(struct key *k, enum group_field field, const struct process *p, bool kernel)
{
	const char *container = p ? p->container_name ?: p->container : NULL;

	if (!p && kernel)
		put_text(k, field == GROUP_COMM ? "kernel" : NULL);
	else if (!p || (field == GROUP_COMM && !p->name[0]))
		put_unknown(k);
	else if (field == GROUP_COMM)
		put_text(k, p->name);
	else if (field == GROUP_PID)
		put_number(k, p->pid);
	else if (field == GROUP_USER)
		put_number(k, p->uid);
	else if (field == GROUP_UNIT && (p->unit || p->cgroup))
		put_text(k, p->unit);
	else if (field == GROUP_CONTAINER && (container || p->cgroup))
		put_text(k, container);
	else
		put_unknown(k);
}

/* ---- events ---- */

static void put_port(struct key *k, enum server server, bool has_local, uint16_t local,
		     bool has_peer, uint16_t peer)
{
	if (server == SERVER_LOCAL && has_local)
		put_number(k, local);
	else if (server == SERVER_PEER && has_peer)
		put_number(k, peer);
	else
		put_unknown(k);
}

static void put_event_state(struct key *k, const struct event *e)
{
	switch (e->kind) {
	case EVENT_LISTEN:
	case EVENT_OVERFLOW: put_state(k, STATE_LISTEN); return;
	case EVENT_STATE: put_state(k, e->state.to); return;
	case EVENT_CLOSE:
		if (e->close.end == EVENT_END_OPEN)
			put_state(k, e->close.state);
		else if (e->close.time_wait_unknown || e->close.end == EVENT_END_UNSEEN)
			put_unknown(k);
		else
			put_state(k, e->close.time_wait ? STATE_TIME_WAIT : STATE_CLOSE);
		return;
	case EVENT_BIND:
	case EVENT_CONNECT:
	case EVENT_ACCEPT:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	put_absent(k);
}

static void put_reason(struct key *k, const struct event *e)
{
	enum close_reason reason = event_reason(e);

	if (reason == REASONS || (e->kind == EVENT_CLOSE && e->close.end == EVENT_END_OPEN))
		put_absent(k);
	else if (reason == REASON_UNKNOWN)
		put_unknown(k);
	else
		put_text(k, event_reason_name(reason));
}

static void put_of_event(struct key *k, enum group_field field, const struct event *e)
{
	switch (field) {
	case GROUP_COMM:
	case GROUP_PID:
	case GROUP_UNIT:
	case GROUP_CONTAINER:
	case GROUP_USER: put_process(k, field, e->process, e->kernel); return;
	case GROUP_PROTO: put_protocol(k, e->protocol); return;
	case GROUP_LOCAL:
		if (!e->has_local)
			break;
		put_address(k, e->family, e->mapped, e->local.addr);
		return;
	case GROUP_PEER:
		if (!e->has_peer)
			break;
		put_address(k, e->family, e->mapped, e->peer.addr);
		return;
	case GROUP_PORT:
		put_port(k, server_of_event(e), e->has_local, e->local.port, e->has_peer,
			 e->peer.port);
		return;
	case GROUP_LOCAL_PORT:
		if (!e->has_local)
			break;
		put_number(k, e->local.port);
		return;
	case GROUP_PEER_PORT:
		if (!e->has_peer)
			break;
		put_number(k, e->peer.port);
		return;
	case GROUP_REASON: put_reason(k, e); return;
	case GROUP_ERROR: put_error(k, e->error); return;
	case GROUP_RESULT:
		if (e->error)
			put_error(k, e->error);
		else
			put_reason(k, e);
		return;
	case GROUP_STATE: put_event_state(k, e); return;
	case GROUP_NETNS:
		if (e->netns)
			put_number(k, e->netns);
		else
			put_unknown(k);
		return;
	case GROUP_EVENT: put_text(k, event_kind_name(e->kind)); return;
	case GROUP_HOST: put_text(k, e->host); return;
	case GROUP_FIELDS: break;
	}
	put_absent(k);
}

/* ---- sockets ---- */

static void put_of_socket(struct key *k, enum group_field field, const struct listing *l,
			  const struct listing_socket *s)
{
	const struct listing_task *owner = listing_owner(l, s);

	switch (field) {
	case GROUP_COMM:
	case GROUP_PID:
	case GROUP_UNIT:
	case GROUP_CONTAINER:
	case GROUP_USER:
		put_process(k, field, owner ? &owner->process : NULL, s->flags & LOOK_KERNEL);
		return;
	case GROUP_PROTO: put_protocol(k, s->protocol); return;
	case GROUP_LOCAL: put_address(k, (enum family)s->family, s->mapped, s->local.addr); return;
	case GROUP_PEER:
		if (!listing_has_peer(s))
			break;
		put_address(k, (enum family)s->family, s->mapped, s->peer.addr);
		return;
	case GROUP_PORT:
		put_port(k, server_of_socket(l, s), true, s->local.port, listing_has_peer(s),
			 s->peer.port);
		return;
	case GROUP_LOCAL_PORT: put_number(k, s->local.port); return;
	case GROUP_PEER_PORT:
		if (!listing_has_peer(s))
			break;
		put_number(k, s->peer.port);
		return;
	case GROUP_STATE: put_state(k, listing_state(s)); return;
	case GROUP_NETNS: put_number(k, s->netns); return;
	case GROUP_EVENT: put_text(k, "socket"); return;
	case GROUP_HOST: put_absent(k); return;
	case GROUP_REASON:
	case GROUP_ERROR:
	case GROUP_RESULT:
	case GROUP_FIELDS: break;
	}
	put_absent(k);
}

/* ---- groups ---- */

struct slot {
	struct group *group;
	uint32_t hash;
};
HASH_TYPE(group_index, struct slot);
HASH_FUNCTIONS(group_index, struct slot, item->group != NULL, item->hash)

struct groups {
	struct group_by by;
	size_t max, max_bytes, bytes;
	struct group_index index;
	struct group rest;
	const struct group **sorted;
};

struct groups *groups_new(const struct group_by *by, size_t max, size_t max_bytes)
{
	struct groups *g = calloc(1, sizeof(*g));

	if (g) {
		g->by = *by;
		g->max = max;
		g->max_bytes = max_bytes;
	}
	return g;
}

void groups_clear(struct groups *g)
{
	for (struct slot *s = NULL; (s = group_index_each(&g->index, s));)
		free(s->group);
	group_index_done(&g->index);
	free(g->sorted);
	g->sorted = NULL;
	g->bytes = 0;
	g->rest = (struct group){0};
}

void groups_free(struct groups *g)
{
	if (!g)
		return;
	groups_clear(g);
	free(g);
}

static uint32_t hash_of(const struct key *k)
{
	uint64_t hash = 0;

	for (size_t i = 0; i < k->len; i++)
		hash = (hash ^ (unsigned char)k->text[i]) * 0x100000001b3ull;
	return hash_u64(hash);
}

/* `rest` where there is no room. */
static struct group *find(struct groups *g, const struct key *k)
{
	size_t bytes = sizeof(struct group) + k->len;
	struct slot new = {.hash = hash_of(k)};

	for (struct slot *s = group_index_first(&g->index, new.hash); s;
	     s = group_index_next(&g->index, s)) {
		if (s->group->key_len == k->len && memcmp(s->group->key, k->text, k->len) == 0)
			return s->group;
	}
	/* A place in the index is at most half full, and moves to one twice as large. */
	if (g->index.count == g->max || g->bytes + bytes + 6 * sizeof(new) > g->max_bytes)
		return &g->rest;
	new.group = malloc(bytes);
	if (!new.group || !group_index_add(&g->index, new)) {
		free(new.group);
		return &g->rest;
	}
	*new.group = (struct group){.key = (const char *)(new.group + 1), .key_len = k->len};
	memcpy(new.group + 1, k->text, k->len);
	g->bytes += bytes + 6 * sizeof(new);
	return new.group;
}

void groups_add_event(struct groups *g, const struct event *e)
{
	uint64_t times = e->repeated ? e->repeated : 1;
	struct key key = {.len = 0};
	struct group *group;

	if (e->kind == EVENT_LOST)
		return;
	for (size_t i = 0; i < g->by.count; i++)
		put_of_event(&key, g->by.field[i], e);
	group = find(g, &key);
	group->count += times;
	if (filter_is_failure(e))
		group->failed += times;
	if (e->kind != EVENT_CLOSE)
		return;
	group->lives++;
	if (!e->close.counted)
		return;
	group->sent += e->close.sent_bytes;
	group->received += e->close.received_bytes;
}

void groups_add_socket(struct groups *g, const struct listing *l, const struct listing_socket *s)
{
	struct key key = {.len = 0};
	struct group *group;

	for (size_t i = 0; i < g->by.count; i++)
		put_of_socket(&key, g->by.field[i], l, s);
	group = find(g, &key);
	group->count++;
	/* A listener's queue has connections in it. */
	if (s->state == STATE_LISTEN)
		return;
	group->sent += s->send;
	group->received += s->receive;
}

static int compare(const void *a, const void *b)
{
	const struct group *x = *(const struct group *const *)a;
	const struct group *y = *(const struct group *const *)b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int order;

	if (x->count != y->count)
		return x->count < y->count ? 1 : -1;
	order = memcmp(x->key, y->key, len);
	return order ? order : (x->key_len > y->key_len) - (x->key_len < y->key_len);
}

const struct group *const *groups_sort(struct groups *g, size_t *ret_count)
{
	size_t n = 0;

	free(g->sorted);
	g->sorted = calloc(g->index.count + 1, sizeof(*g->sorted));
	if (!g->sorted)
		return NULL;
	for (struct slot *s = NULL; (s = group_index_each(&g->index, s));)
		g->sorted[n++] = s->group;
	qsort(g->sorted, n, sizeof(*g->sorted), compare);
	*ret_count = n;
	return g->sorted;
}

const struct group *groups_rest(const struct groups *g)
{
	return &g->rest;
}

const struct group_by *groups_by(const struct groups *g)
{
	return &g->by;
}

enum group_known group_value(const char **at, const char **ret_text)
{
	char letter = **at;

	*ret_text = *at + 1;
	*at += strlen(*at) + 1;
	return letter == '=' ? GROUP_KNOWN : letter == '?' ? GROUP_UNKNOWN : GROUP_ABSENT;
}
