// SPDX-License-Identifier: GPL-2.0-only
/* metrics_look.c - gauges: what sockets and ports a look has found, who listens, how the program itself fares. */
#include "metrics_private.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* From here on a port may have been chosen by the kernel, where the range is not known: the lowest of all defaults. */
#define PERHAPS_EPHEMERAL 32768

/* ---- sockets ---- */

enum { UNCONN = STATES, SHOWN_STATES };

struct name_count {
	bool used;
	char name[PROCESS_NAME_SIZE];
	uint64_t all, in[SHOWN_STATES];
};

static uint32_t hash_name(const char *name)
{
	return metrics_hash(name, strlen(name), 0);
}

HASH_TYPE(name_counts, struct name_count);
HASH_FUNCTIONS(name_counts, struct name_count, item->used, hash_name(item->name))

/* UDP without a peer has no state of its own; ss says UNCONN. */
static int state_of(const struct port_use *u)
{
	if (u->minisock)
		return STATE_TIME_WAIT;
	if (u->protocol == IPPROTO_UDP)
		return u->peer.port ? STATE_ESTABLISHED : UNCONN;
	return u->state;
}

static const char *state_name(int state)
{
	return state == UNCONN ? "UNCONN" : inet_state_name((enum tcp_state)state);
}

/* Without memory it is not counted. */
static void count_name(struct name_counts *names, const char *name, int state)
{
	struct name_count *c = name_counts_first(names, hash_name(name)), added = {.used = true};

	while (c && strcmp(c->name, name) != 0)
		c = name_counts_next(names, c);
	memcpy(added.name, name, strnlen(name, sizeof(added.name) - 1));
	if (!c && !(c = name_counts_add(names, added)))
		return;
	c->all++;
	c->in[state]++;
}

static int compare_names(const void *x, const void *y)
{
	const struct name_count *a = x, *b = y;

	if (a->all != b->all)
		return a->all < b->all ? 1 : -1;
	return strcmp(a->name, b->name);
}

static void set_names(struct metrics *m, struct name_counts *names)
{
	struct name_count *sorted = calloc(names->count + 1, sizeof(*sorted));
	size_t count = 0;

	for (struct name_count *c = NULL; sorted && (c = name_counts_each(names, c));)
		sorted[count++] = *c;
	if (count > 1)
		qsort(sorted, count, sizeof(*sorted), compare_names);
	for (size_t i = 0; i < count; i++) {
		const char *name = i < METRICS_PROCESSES ? sorted[i].name : "other";

		for (int state = 1; state < SHOWN_STATES; state++) {
			const char *const labels[] = {name, state_name(state), NULL};

			if (sorted[i].in[state])
				metrics_set(m, METRIC_PROCESS_SOCKETS, (double)sorted[i].in[state],
					    labels);
		}
	}
	free(sorted);
}

static void set_sockets(struct metrics *m, const struct budget *b)
{
	uint64_t in[2][SHOWN_STATES] = {{0}};
	struct name_counts names = {0};

	for (size_t i = 0; i < b->use_count; i++) {
		const struct port_use *u = &b->use[i];
		int state = state_of(u);

		if (!budget_shows(b, u->selected))
			continue;
		in[u->protocol == IPPROTO_UDP][state]++;
		count_name(&names, u->owner ? u->owner->name : "unknown", state);
	}
	for (int udp = 0; udp < 2; udp++) {
		for (int state = 1; state < SHOWN_STATES; state++) {
			const char *const labels[] = {udp ? "udp" : "tcp", state_name(state), NULL};

			if (in[udp][state] || (!udp && state < STATE_NEW_SYN_RECV))
				metrics_set(m, METRIC_SOCKETS, (double)in[udp][state], labels);
		}
	}
	set_names(m, &names);
	name_counts_done(&names);
}

/* ---- ports ---- */

/* What is told of a namespace. */
struct space {
	const struct budget_namespace *ns;
	const struct process *process; /* in it, best one in a container; NULL none */
	uint32_t fewest[2];	       /* ports left towards any destination: TCP, UDP */
};

static void set_fewest(struct metrics *m, const struct space *s, const char *name, bool udp)
{
	const char *const labels[] = {name, udp ? "udp" : "tcp", NULL};

	if (budget_knows_left(s->ns, udp ? IPPROTO_UDP : IPPROTO_TCP))
		metrics_set(m, METRIC_PORTS_AVAILABLE_MIN, s->fewest[udp], labels);
	/* It is there before the first failure. */
	metrics_add(m, METRIC_EXHAUSTED, 0, labels);
}

static void set_namespace(struct metrics *m, const struct space *s)
{
	const struct budget_namespace *ns = s->ns;
	const char *name = metrics_netns(m, ns->netns, ns->name, s->process);
	struct metric_netns *kept = metrics_find_netns(m, ns->netns);
	const char *const low[] = {name, "low", NULL}, *const high[] = {name, "high", NULL};

	if (kept)
		kept->seen = true;
	if (ns->unseen & UNSEEN_RANGE)
		return;
	if (kept) {
		kept->low = ns->range.low;
		kept->high = ns->range.high;
	}
	metrics_set(m, METRIC_PORTS, ns->usable, low);
	if (budget_knows_left(ns, IPPROTO_TCP))
		metrics_set(m, METRIC_PORTS_BOUND, ns->blocked, low);
	metrics_set(m, METRIC_RANGE_PORT, ns->range.low, low);
	metrics_set(m, METRIC_RANGE_PORT, ns->range.high, high);
	set_fewest(m, s, name, false);
	set_fewest(m, s, name, true);
}

static void set_destination(struct metrics *m, const struct budget_row *row)
{
	char source[INET_ADDRESS_SIZE + 1 + NETNS_NAME_SIZE], destination[INET_ENDPOINT_SIZE];
	const struct metric_netns *ns = metrics_find_netns(m, row->ns->netns);
	const char *labels[] = {ns ? ns->name : NULL,
				row->protocol == IPPROTO_UDP ? "udp" : "tcp", source, destination,
				NULL};
	size_t len;

	if (!ns)
		return;
	len = inet_format_address(source, row->family, false, row->local.addr);
	/* As ss has it. */
	if (row->ns->vrf) {
		size_t name = strnlen(budget_vrf(row->ns), NETNS_NAME_SIZE - 1);

		source[len++] = '%';
		memcpy(source + len, budget_vrf(row->ns), name);
		len += name;
	}
	source[len] = '\0';
	destination[inet_format_endpoint(destination, row->family, false, &row->peer, NULL)] = '\0';
	metrics_set(m, METRIC_DESTINATION_AVAILABLE, row->available, labels);
	metrics_set(m, METRIC_DESTINATION_USED, row->taken, labels);
}

static int compare_spaces(const void *x, const void *y)
{
	const struct space *a = x, *b = y;

	/* The observer's own has its place whatever others do. */
	if (!a->ns->name != !b->ns->name)
		return a->ns->name ? 1 : -1;
	if (a->fewest[0] != b->fewest[0])
		return a->fewest[0] < b->fewest[0] ? -1 : 1;
	return a->ns->number < b->ns->number ? -1 : a->ns->number > b->ns->number;
}

static void set_namespaces(struct metrics *m, const struct budget *b)
{
	struct space *spaces = calloc(b->ns_count + 1, sizeof(*spaces));

	for (size_t i = 0; spaces && i < b->ns_count; i++) {
		const struct budget_namespace *ns = b->ns[i];

		spaces[ns->number] = (struct space){ns, NULL, {ns->available, ns->udp_free4}};
	}
	for (size_t i = 0; spaces && i < b->row_count; i++) {
		const struct budget_row *row = &b->row[i];
		uint32_t *least = &spaces[row->ns->number].fewest[row->protocol == IPPROTO_UDP];

		if (row->available < *least)
			*least = row->available;
	}
	/* What is told of a namespace is told of its VRFs, too. */
	for (size_t i = 0; spaces && i < b->ns_count; i++) {
		const struct budget_namespace *ns = b->ns[i];
		const struct budget_namespace *of = budget_find_namespace(b, ns->netns, 0);

		if (ns->vrf && of && spaces[ns->number].fewest[0] < spaces[of->number].fewest[0])
			spaces[of->number].fewest[0] = spaces[ns->number].fewest[0];
	}
	for (size_t i = 0; spaces && i < b->process_count; i++) {
		const struct process **p = &spaces[b->process[i].ns->number].process;

		if (!*p || (!(*p)->container && b->process[i].process->container))
			*p = b->process[i].process;
	}
	if (spaces && b->ns_count > 1)
		qsort(spaces, b->ns_count, sizeof(*spaces), compare_spaces);
	for (size_t i = 0; spaces && i < b->ns_count; i++) {
		if (!spaces[i].ns->vrf && budget_shows(b, spaces[i].ns->selected))
			set_namespace(m, &spaces[i]);
	}
	free(spaces);
}

void metrics_look(struct metrics *m, const struct budget *b)
{
	set_sockets(m, b);
	set_namespaces(m, b);
	for (size_t i = 0, told = 0; i < b->row_count && told < METRICS_SCARCEST; i++) {
		const struct budget_row *row = &b->row[i];

		if (!budget_shows(b, row->selected) || !budget_knows_left(row->ns, row->protocol))
			continue;
		set_destination(m, row);
		told++;
	}
	metrics_sweep_netns(m);
}

/* ---- listeners ---- */

static bool is_ephemeral(const struct metric_netns *ns, uint16_t port)
{
	return ns && ns->low ? port >= ns->low && port <= ns->high : port >= PERHAPS_EPHEMERAL;
}

void metrics_listener(struct metrics *m, const struct event *e)
{
	const char *space = metrics_netns(m, e->netns, e->netns_name, e->process);
	const char *protocol = inet_protocol_name(e->protocol);
	char address[INET_ENDPOINT_SIZE], port[8];
	const char *labels[] = {space, protocol ? protocol : "other", address, port,
				e->process ? e->process->name : e->kernel ? "kernel" : "unknown"};
	struct endpoint local = e->local;

	/* As `ls -l` has it: * is both. */
	local.port = 0;
	address[inet_format_endpoint(address, e->family, e->mapped, &local, NULL)] = '\0';
	*strrchr(address, ':') = '\0';
	if (is_ephemeral(metrics_find_netns(m, e->netns), e->local.port))
		memcpy(port, "dynamic", sizeof("dynamic"));
	else
		port[inet_format_number(port, e->local.port)] = '\0';
	metrics_set(m, METRIC_LISTENERS, 1, labels);
	if (!e->overflow.limit)
		return;
	metrics_set(m, METRIC_ACCEPT_QUEUE_LENGTH, e->overflow.waiting, labels);
	metrics_set(m, METRIC_ACCEPT_QUEUE_LIMIT, e->overflow.limit, labels);
}

/* ---- itself ---- */

void metrics_status(struct metrics *m, const struct status *s)
{
	static const char *const causes[STATUS_LOSSES] = {
		[STATUS_LOST_RING] = "ring",	   [STATUS_LOST_SHARE] = "share",
		[STATUS_LOST_CALLS] = "calls",	   [STATUS_LOST_FOLDS] = "folds",
		[STATUS_LOST_WITHHELD] = "withheld", [STATUS_LOST_ENDS] = "ends",
		[STATUS_LOST_SOCKETS] = "sockets", [STATUS_LOST_ROWS] = "rows",
		[STATUS_LOST_PROCESSES] = "processes",
	};
	const uint64_t *n = s->number;

	for (int i = 0; i < STATUS_LOSSES; i++)
		metrics_set(m, METRIC_LOST, (double)s->lost[i],
			    (const char *const[]){causes[i], NULL});
	metrics_set(m, METRIC_REPAIRS, (double)n[STATUS_REPAIRS], NULL);
	metrics_set(m, METRIC_TRACKED_SOCKETS, (double)n[STATUS_SOCKETS], NULL);
	metrics_set(m, METRIC_TABLE_BYTES, (double)n[STATUS_TABLE_BYTES], NULL);
	metrics_set(m, METRIC_RING_BYTES, (double)n[STATUS_RING_BYTES], NULL);
	metrics_set(m, METRIC_BUILD, 1, (const char *const[]){s->text[STATUS_VERSION], NULL});
	if (!s->number[STATUS_FILE_BYTES])
		return;
	metrics_set(m, METRIC_STORE_BYTES, (double)n[STATUS_FILE_BYTES], NULL);
	metrics_set(m, METRIC_STORE_QUEUE_BYTES, (double)n[STATUS_WAITING_BYTES], NULL);
	metrics_set(m, METRIC_STORE_ROWS, (double)n[STATUS_TOLD], NULL);
}
