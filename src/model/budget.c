// SPDX-License-Identifier: GPL-2.0-only
#include "budget_private.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define TIME_WAIT_MS 60000u /* TCP_TIMEWAIT_LEN */

static bool bit_get(const uint8_t *bits, unsigned int i)
{
	return bits[i / 8] >> i % 8 & 1;
}

static void bit_set(uint8_t *bits, unsigned int i)
{
	bits[i / 8] |= (uint8_t)(1u << i % 8);
}

static bool in_range(const struct port_range *r, unsigned int port)
{
	return port >= r->low && port <= r->high && !port_is_reserved(r, port);
}

bool budget_is_local(enum family family, const struct endpoint *local, const struct endpoint *peer)
{
	static const uint8_t one6[16] = {[15] = 1};

	if (family == FAMILY_IPV4)
		return local->addr[0] == 127 || peer->addr[0] == 127;
	return memcmp(local->addr, one6, 16) == 0 || memcmp(peer->addr, one6, 16) == 0;
}

/* A plain connect() may take over this minisock's four ends now (tcp_twsk_unique()). */
static bool is_reusable(const struct port_use *u, const struct port_range *r)
{
	if (!u->minisock || u->state != STATE_TIME_WAIT || u->never_reused)
		return false;
	if (r->tw_reuse == 0 ||
	    (r->tw_reuse == 2 && !budget_is_local(u->family, &u->local, &u->peer)))
		return false;
	return u->tw_age_ms >= r->tw_reuse_delay_ms;
}

/* ---- what each port is taken by ---- */

static void mark_port(struct budget_namespace *ns, unsigned int port, enum port_mark mark)
{
	if (ns->mark[port] < mark)
		ns->mark[port] = (uint8_t)mark;
}

static void mark_tcp(struct budget_namespace *ns, const struct port_use *u)
{
	unsigned int port = u->local.port;

	if (port >= ns->range.low && port <= ns->range.high)
		ns->in_use[u->minisock ? STATE_TIME_WAIT : u->state]++;
	if (!u->bucket_open)
		bit_set(ns->blocked_bits, port);
	if (u->state == STATE_LISTEN)
		bit_set(ns->listen_bits, port);
	if (u->state == STATE_CLOSE)
		bit_set(ns->bound_bits, port);
	mark_port(ns, port,
		  u->state == STATE_LISTEN ? PORT_LISTENING
		  : !u->bucket_open	   ? PORT_BOUND
		  : u->minisock		   ? PORT_TIME_WAIT
					   : PORT_CONNECTED);
}

static void mark_udp(struct budget_namespace *ns, const struct port_use *u)
{
	/*
	 * An unbound socket asks with the wildcard address: ipv4_rcv_saddr_equal(),
	 * ipv6_rcv_saddr_equal().  It shares no port by SO_REUSEADDR or SO_REUSEPORT, because both
	 * sides must set the option.
	 */
	if (!u->v6only)
		bit_set(ns->udp4_bits, u->local.port);
	bit_set(ns->udp6_bits, u->local.port);
	if (!u->peer.port)
		bit_set(ns->udp_open_bits, u->local.port);
	ns->udp_held += u->local.port >= ns->range.low && u->local.port <= ns->range.high;
}

static bool is_free(const struct budget_namespace *ns, unsigned int port)
{
	return in_range(&ns->range, port) && !bit_get(ns->blocked_bits, port);
}

/*
 * In a range of an odd number of ports connect() tries one port less: it begins at a random port of
 * low's parity and, past the end, goes on at low + 2 (5.10 to 7.3, ip_local_port_step_width or
 * not).  So it tries low only where it begins there, and then not high.  Where one of these two is
 * the last free port, chance decides; in a range of three ports it always begins at low. Sets how
 * many of `free` ports surely succeed, and how many more may.
 */
static void count_tried(const struct port_range *r, uint32_t free, bool low_free, bool high_free,
			uint32_t *ret_sure, uint32_t *ret_uncertain)
{
	unsigned int size = r->high - r->low + 1u;

	*ret_sure = free;
	*ret_uncertain = 0;
	if (size % 2 == 0 || size == 1)
		return;
	if (size == 3) {
		*ret_sure -= high_free;
		return;
	}
	*ret_uncertain = low_free || high_free;
	*ret_sure -= *ret_uncertain;
}

static void count_ports(struct budget_namespace *ns)
{
	for (unsigned int port = ns->range.low; port <= ns->range.high; port++) {
		if (port_is_reserved(&ns->range, port)) {
			mark_port(ns, port, PORT_RESERVED);
			continue;
		}
		ns->usable++;
		ns->blocked += bit_get(ns->blocked_bits, port);
		ns->udp_free4 += !bit_get(ns->udp4_bits, port);
		ns->udp_free6 += !bit_get(ns->udp6_bits, port);
	}
	count_tried(&ns->range, ns->usable - ns->blocked, is_free(ns, ns->range.low),
		    is_free(ns, ns->range.high), &ns->available, &ns->uncertain);
}

/* ---- rows ---- */

/* It may be an outgoing connection: nobody listens on its port here, or takes datagrams from everybody. */
static bool may_be_outgoing(const struct budget_namespace *ns, const struct port_use *u)
{
	if (!ns || !u->peer.port || !budget_knows(ns, u->protocol))
		return false;
	if (u->protocol == IPPROTO_UDP)
		return !bit_get(ns->udp_open_bits, u->local.port);
	return u->state != STATE_LISTEN && u->state != STATE_CLOSE && !u->accepted &&
	       !bit_get(ns->listen_bits, u->local.port);
}

/* It surely is: what a bind() left in TIME_WAIT may be a server's that has ended. */
static bool is_outgoing(const struct budget_namespace *ns, const struct port_use *u)
{
	return may_be_outgoing(ns, u) && (!u->minisock || u->bucket_open);
}

/*
 * Its own bind() chose the port.  Another socket's bind() to a port that connect() had chosen does
 * not count.
 */
static bool is_bound_first(const struct budget_namespace *ns, const struct port_use *u)
{
	return u->protocol == IPPROTO_TCP && is_outgoing(ns, u) && !u->bucket_open &&
	       !bit_get(ns->bound_bits, u->local.port);
}

static int compare_spaces(const struct port_use *a, const struct port_use *b)
{
	int d = (a->netns > b->netns) - (a->netns < b->netns);

	return d ? d : (a->vrf > b->vrf) - (a->vrf < b->vrf);
}

static int compare_pairs(const struct port_use *a, const struct port_use *b)
{
	int d = compare_spaces(a, b);

	if (!d)
		d = (int)a->protocol - (int)b->protocol;
	if (!d)
		d = (int)a->family - (int)b->family;
	if (!d)
		d = memcmp(a->local.addr, b->local.addr, 16);
	if (!d)
		d = memcmp(a->peer.addr, b->peer.addr, 16);
	if (!d)
		d = (int)a->peer.port - (int)b->peer.port;
	return d;
}

static int compare_uses(const void *x, const void *y)
{
	const struct port_use *a = x, *b = y;
	int d = compare_pairs(a, b);

	return d ? d : (int)a->local.port - (int)b->local.port;
}

static int compare_rows(const void *x, const void *y)
{
	const struct budget_row *a = x, *b = y;
	bool a_known = budget_knows_left(a->ns, a->protocol);

	if (a_known != budget_knows_left(b->ns, b->protocol))
		return a_known ? -1 : 1;
	if (a->available != b->available)
		return a->available < b->available ? -1 : 1;
	return a->taken > b->taken ? -1 : a->taken < b->taken;
}

/* Fills a row from uses that are sorted by port. */
static void count_row(struct budget_row *row, const struct port_use *use, size_t count)
{
	const struct budget_namespace *ns = row->ns;
	bool low_free = is_free(ns, ns->range.low), high_free = is_free(ns, ns->range.high);
	unsigned int last = 0;

	for (size_t i = 0; i < count; i++) {
		const struct port_use *u = &use[i];

		if (!may_be_outgoing(ns, u))
			continue;
		row->in_use[u->minisock ? STATE_TIME_WAIT : u->state]++;
		row->selected |= u->selected;
		if (u->minisock) {
			uint32_t left =
				u->tw_age_ms < TIME_WAIT_MS ? TIME_WAIT_MS - u->tw_age_ms : 1;

			row->time_wait++;
			if (row->drain_ms < left)
				row->drain_ms = left;
		}
		if (!in_range(&ns->range, u->local.port) || u->local.port == last ||
		    (row->protocol == IPPROTO_TCP &&
		     (!is_free(ns, u->local.port) || is_reusable(u, &ns->range))))
			continue;
		last = u->local.port;
		low_free &= last != ns->range.low;
		high_free &= last != ns->range.high;
		row->taken++;
	}
	if (row->protocol == IPPROTO_UDP) {
		row->available = row->family == FAMILY_IPV4 ? ns->udp_free4 : ns->udp_free6;
		return;
	}
	count_tried(&ns->range, ns->usable - ns->blocked - row->taken, low_free, high_free,
		    &row->available, &row->uncertain);
}

static int make_rows(struct budget *b)
{
	size_t cap = 0;

	if (b->use_count)
		qsort(b->use, b->use_count, sizeof(*b->use), compare_uses);
	for (size_t i = 0, n; i < b->use_count; i += n) {
		const struct port_use *first = &b->use[i];
		struct budget_namespace *ns = budget_space_of(b, first);
		struct budget_row row = {.ns = ns, .churn_per_s = -1, .exhausted_in_s = -1};
		bool wanted = false;

		for (n = 0; i + n < b->use_count && compare_pairs(first, first + n) == 0; n++)
			wanted |= is_outgoing(ns, first + n);
		if (!wanted)
			continue;
		if (b->row_count == cap) {
			struct budget_row *grown;

			cap = cap ? cap * 2 : 64;
			grown = realloc(b->row, cap * sizeof(*grown));
			if (!grown)
				return -ENOMEM;
			b->row = grown;
		}
		row.protocol = first->protocol;
		row.family = first->family;
		row.local = first->local;
		row.local.port = 0;
		row.peer = first->peer;
		row.first_use = i;
		row.use_count = n;
		count_row(&row, first, n);
		b->row[b->row_count++] = row;
	}
	return 0;
}

/* ---- processes ---- */

/* The number of one that has ended may be that of another by now; what runs is the one with its number. */
static uint64_t began(const struct port_use *u)
{
	return u->owner_ended && u->owner->program ? u->owner->program->start_ns : 0;
}

static int compare_owners(const void *x, const void *y)
{
	const struct port_use *a = *(const struct port_use *const *)x;
	const struct port_use *b = *(const struct port_use *const *)y;

	if (a->owner->pid != b->owner->pid)
		return a->owner->pid > b->owner->pid ? 1 : -1;
	if (a->owner_ended != b->owner_ended)
		return a->owner_ended ? 1 : -1;
	if (began(a) != began(b))
		return began(a) > began(b) ? 1 : -1;
	return compare_spaces(a, b);
}

static int compare_processes(const void *x, const void *y)
{
	const struct budget_process *a = x, *b = y;

	return a->held > b->held ? -1 : a->held < b->held;
}

static int make_processes(struct budget *b)
{
	const struct port_use **owned = calloc(b->use_count + 1, sizeof(*owned));
	const struct port_use *last = NULL;
	size_t count = 0;

	b->process = calloc(b->use_count + 1, sizeof(*b->process));
	if (!owned || !b->process) {
		free(owned);
		return -ENOMEM;
	}
	for (size_t i = 0; i < b->use_count; i++) {
		if (b->use[i].owner)
			owned[count++] = &b->use[i];
	}
	qsort(owned, count, sizeof(*owned), compare_owners);
	for (size_t i = 0; i < count; i++) {
		const struct port_use *u = owned[i];
		const struct budget_namespace *ns = budget_space_of(b, u);
		struct budget_process *p;

		if (!ns || u->local.port < ns->range.low || u->local.port > ns->range.high)
			continue;
		if (!last || compare_owners(&last, &u) != 0)
			b->process[b->process_count++] =
				(struct budget_process){.process = u->owner,
							.ns = ns,
							.ended = u->owner_ended,
							.churn_per_s = -1};
		last = u;
		p = &b->process[b->process_count - 1];
		p->selected |= u->owner_selected;
		p->held++;
		p->time_wait += u->minisock;
		p->bound_before_connect += is_bound_first(ns, u);
	}
	free(owned);
	qsort(b->process, b->process_count, sizeof(*b->process), compare_processes);
	return 0;
}

static int compare_owned_ports(const void *x, const void *y)
{
	const struct port_use *a = *(const struct port_use *const *)x;
	const struct port_use *b = *(const struct port_use *const *)y;
	int d = compare_owners(x, y);

	return d ? d : (int)a->local.port - (int)b->local.port;
}

const struct process *budget_row_owner(const struct budget *b, const struct budget_row *row,
				       uint32_t *ret_held)
{
	const struct port_use **owned = calloc(row->use_count, sizeof(*owned));
	const struct process *most = NULL;
	uint32_t held = 0;
	size_t count = 0;

	for (size_t i = 0; owned && i < row->use_count; i++) {
		const struct port_use *u = &b->use[row->first_use + i];

		if (u->owner && may_be_outgoing(row->ns, u) &&
		    in_range(&row->ns->range, u->local.port))
			owned[count++] = u;
	}
	if (count)
		qsort(owned, count, sizeof(*owned), compare_owned_ports);
	*ret_held = 0;
	for (size_t i = 0; i < count; i++) {
		bool same = i > 0 && compare_owners(&owned[i - 1], &owned[i]) == 0;

		if (!same)
			held = 0;
		held += !same || owned[i - 1]->local.port != owned[i]->local.port;
		if (held > *ret_held) {
			*ret_held = held;
			most = owned[i]->owner;
		}
	}
	free(owned);
	return most;
}

/* The one with fewest ports left first; where that is not known behind those where it is. */
static int compare_namespaces(const void *x, const void *y)
{
	const struct budget_namespace *a = *(struct budget_namespace *const *)x;
	const struct budget_namespace *b = *(struct budget_namespace *const *)y;
	bool a_known = budget_knows_left(a, IPPROTO_TCP);

	if (a_known != budget_knows_left(b, IPPROTO_TCP))
		return a_known ? -1 : 1;
	if (a_known && a->left != b->left)
		return a->left < b->left ? -1 : 1;
	return a->number < b->number ? -1 : a->number > b->number;
}

static void sort_namespaces(struct budget *b)
{
	for (size_t i = 0; i < b->ns_count; i++)
		b->ns[i]->left = b->ns[i]->usable - b->ns[i]->blocked;
	for (size_t i = 0; i < b->row_count; i++) {
		struct budget_namespace *ns = b->ns[b->row[i].ns->number];

		if (budget_knows_left(ns, b->row[i].protocol) && b->row[i].available < ns->left)
			ns->left = b->row[i].available;
	}
	if (b->ns_count)
		qsort(b->ns, b->ns_count, sizeof(*b->ns), compare_namespaces);
}

int budget_finish(struct budget *b)
{
	int err;

	budget_add_vrfs(b);
	for (size_t i = 0; i < b->use_count; i++) {
		const struct port_use *u = &b->use[i];
		struct budget_namespace *ns = budget_space_of(b, u);

		if (ns && u->protocol == IPPROTO_TCP)
			mark_tcp(ns, u);
		else if (ns)
			mark_udp(ns, u);
		if (ns)
			ns->selected |= u->selected;
	}
	for (size_t i = 0; i < b->ns_count; i++) {
		if (!(b->ns[i]->unseen & UNSEEN_RANGE))
			count_ports(b->ns[i]);
	}
	err = b->failed ? -ENOMEM : make_rows(b);
	if (!err)
		err = make_processes(b);
	if (b->row_count)
		qsort(b->row, b->row_count, sizeof(*b->row), compare_rows);
	sort_namespaces(b);
	return err;
}

int budget_count_owners(struct budget *b)
{
	for (size_t i = 0; i < b->row_count; i++) {
		struct budget_row *row = &b->row[i];

		for (size_t n = 0; n < row->use_count; n++) {
			const struct port_use *u = &b->use[row->first_use + n];

			row->selected |= u->selected && may_be_outgoing(row->ns, u);
		}
	}
	for (size_t i = 0; i < b->use_count; i++) {
		struct budget_namespace *ns = budget_space_of(b, &b->use[i]);

		if (ns)
			ns->selected |= b->use[i].selected;
	}
	free(b->process);
	b->process = NULL;
	b->process_count = 0;
	return make_processes(b);
}
