// SPDX-License-Identifier: GPL-2.0-only
/* The budget against a naive model that searches as the kernel does, over random uses; and what a filter leaves of it. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget.h"
#include "filter.h"

#define MAX_USES  60
#define MAX_PORTS 10

static unsigned int random_below(uint64_t *seed, unsigned int n)
{
	*seed = *seed * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned int)(*seed >> 33) % n;
}

static void random_use(uint64_t *seed, struct port_use *u)
{
	static const enum tcp_state states[] = {STATE_ESTABLISHED, STATE_SYN_SENT, STATE_CLOSE_WAIT,
						STATE_FIN_WAIT1};

	*u = (struct port_use){
		.netns = 1 + random_below(seed, 2), .protocol = IPPROTO_TCP, .family = FAMILY_IPV4};
	u->vrf = u->netns == 2 && random_below(seed, 2) ? 9 : 0;
	u->local.port = (uint16_t)(38 + random_below(seed, 14));
	u->local.addr[0] = random_below(seed, 2) ? 10 : 127;
	u->peer.addr[0] = random_below(seed, 2) ? 10 : 127;
	u->peer.port = (uint16_t)(80 + random_below(seed, 2));
	u->bucket_open = random_below(seed, 5) != 0;
	u->minisock = random_below(seed, 3) == 0;
	u->state = states[random_below(seed, 4)];
	if (u->minisock) {
		u->state = random_below(seed, 4) ? STATE_TIME_WAIT : STATE_FIN_WAIT2;
		u->tw_age_ms = random_below(seed, 3) * 700;
		u->never_reused = random_below(seed, 5) == 0;
	} else if (!u->bucket_open && random_below(seed, 2)) {
		u->state = random_below(seed, 2) ? STATE_LISTEN : STATE_CLOSE;
		u->peer = (struct endpoint){0};
	}
}

/* __inet_hash_connect() and __inet_check_established(), word for word. */
static bool may_connect(const struct port_use *uses, size_t count, const struct port_range *r,
			const struct budget_namespace *ns, const struct endpoint *local,
			const struct endpoint *peer, unsigned int port)
{
	if (port_is_reserved(r, port))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct port_use *u = &uses[i];
		bool loopback = u->local.addr[0] == 127 || u->peer.addr[0] == 127;
		bool reuse = r->tw_reuse == 1 || (r->tw_reuse == 2 && loopback);

		if (u->netns != ns->netns || u->vrf != ns->vrf || u->local.port != port)
			continue;
		if (!u->bucket_open)
			return false;
		if (memcmp(u->local.addr, local->addr, 16) != 0 ||
		    memcmp(u->peer.addr, peer->addr, 16) != 0 || u->peer.port != peer->port)
			continue;
		if (!(u->minisock && u->state == STATE_TIME_WAIT && reuse && !u->never_reused &&
		      u->tw_age_ms >= r->tw_reuse_delay_ms))
			return false;
	}
	return true;
}

/* The search of __inet_hash_connect() from one of its random places; the offset of the port it takes, or -1. */
static int search(unsigned int free, unsigned int size, unsigned int begin)
{
	unsigned int remaining = size > 1 ? size & ~1u : size;

	for (unsigned int pass = 0; pass < 2 && (pass == 0 || remaining > 1); pass++) {
		unsigned int at = begin + pass;

		for (unsigned int i = 0; i < remaining; i += 2, at += 2) {
			if (at >= size)
				at -= remaining;
			if (free >> at & 1)
				return (int)at;
		}
	}
	return -1;
}

/* How many connects in a row succeed where chance is against us, or for us. */
static unsigned int connect_all(unsigned int free, unsigned int size, bool lucky,
				int8_t memo[1 << MAX_PORTS])
{
	unsigned int remaining = size > 1 ? size & ~1u : size, best = lucky ? 0 : MAX_PORTS + 1;

	if (memo[free] >= 0)
		return (unsigned int)memo[free];
	for (unsigned int begin = 0; begin < remaining; begin += 2) {
		int taken = search(free, size, begin);
		unsigned int n =
			taken < 0 ? 0 : 1 + connect_all(free & ~(1u << taken), size, lucky, memo);

		if (lucky ? n > best : n < best)
			best = n;
	}
	memo[free] = (int8_t)best;
	return best;
}

static void check_row(const struct budget_row *row, const struct port_use *uses, size_t count,
		      const struct port_range *r, int round)
{
	int8_t memo[1 << MAX_PORTS];
	unsigned int free = 0, size = r->high - r->low + 1u, least, most;

	for (unsigned int i = 0; i < size; i++)
		free |= (unsigned int)may_connect(uses, count, r, row->ns, &row->local, &row->peer,
						  r->low + i)
			<< i;
	memset(memo, -1, sizeof(memo));
	least = connect_all(free, size, false, memo);
	memset(memo, -1, sizeof(memo));
	most = connect_all(free, size, true, memo);
	if (row->available != least || row->available + row->uncertain != most)
		fail_msg("round %d, free %#x of %u: %u available and %u more, the model says %u to "
			 "%u",
			 round, free, size, row->available, row->uncertain, least, most);
}

static void agrees_with_the_naive_model(void **state)
{
	uint64_t seed = 1;
	size_t rows = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct port_range r = {.low = 40,
				       .high = (uint16_t)(40 + random_below(&seed, MAX_PORTS)),
				       .tw_reuse = (uint8_t)random_below(&seed, 3),
				       .tw_reuse_delay_ms = 1000};
		size_t count = random_below(&seed, MAX_USES);
		struct port_use uses[MAX_USES];
		struct budget *b = budget_new();

		if (random_below(&seed, 2))
			r.reserved[42 / 8] |= 1u << 42 % 8;
		budget_add_namespace(b, 1, &r);
		budget_add_namespace(b, 2, &r);
		for (size_t i = 0; i < count; i++) {
			random_use(&seed, &uses[i]);
			budget_add(b, &uses[i]);
		}
		assert_int_equal(budget_finish(b), 0);
		for (size_t i = 0; i < b->row_count; i++) {
			check_row(&b->row[i], uses, count, &r, round);
			assert_true(i == 0 || b->row[i - 1].available <= b->row[i].available);
		}
		rows += b->row_count;
		budget_free(b);
	}
	assert_true(rows > 3000);
}

/* What a server has left, or still has, is no outgoing connection, although nobody listens any more. */
static void a_server_that_has_ended_connects_to_nobody(void **state)
{
	const struct port_range range = {.low = 40000, .high = 40009};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_TIME_WAIT,
			     .minisock = true,
			     .local = {.addr = {127, 0, 0, 1}, .port = 40005},
			     .peer = {.addr = {127, 0, 0, 1}, .port = 41000}};
	struct budget *b = budget_new();

	(void)state;
	budget_add_namespace(b, 1, &range);
	budget_add(b, &u); /* bind() gave the port: a server's, or not known */
	u.minisock = false;
	u.state = STATE_ESTABLISHED;
	u.accepted = true;
	u.peer.port = 41001;
	budget_add(b, &u);
	u.accepted = false;
	u.peer.port = 80;
	budget_add(b, &u); /* a client that was bound first */
	u.bucket_open = true;
	u.minisock = true;
	u.state = STATE_TIME_WAIT;
	u.local.port = 40006;
	u.peer.port = 81;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->row_count, 2);
	for (size_t i = 0; i < b->row_count; i++)
		assert_in_range(b->row[i].peer.port, 80, 81);
	assert_int_equal(b->ns[0]->blocked, 1);
	budget_free(b);
}

static void counts_processes(void **state)
{
	struct port_range r = {.low = 40, .high = 49};
	struct process a = {.pid = 5}, c = {.pid = 6};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED};
	struct budget *b = budget_new();

	(void)state;
	budget_add_namespace(b, 1, &r);
	u.peer.port = 80;
	u.owner = &a;
	u.bucket_open = true;
	for (u.local.port = 40; u.local.port < 43; u.local.port++)
		budget_add(b, &u);
	u.owner = &c;
	u.bucket_open = false;
	budget_add(b, &u);
	u.local.port = 60; /* outside */
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->process_count, 2);
	assert_int_equal(b->process[0].process->pid, 5);
	assert_int_equal(b->process[0].held, 3);
	assert_int_equal(b->process[1].held, 1);
	assert_int_equal(b->process[1].bound_before_connect, 1);
	assert_int_equal(b->ns[0]->blocked, 1);
	assert_int_equal(b->ns[0]->mark[43], PORT_BOUND);
	assert_int_equal(b->row[0].available, 6);
	budget_free(b);
}

static void udp_ports_are_counted_by_family(void **state)
{
	struct port_range r = {.low = 40, .high = 49};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_UDP,
			     .family = FAMILY_IPV6,
			     .v6only = true,
			     .local.port = 41};
	struct budget *b = budget_new();

	(void)state;
	budget_add_namespace(b, 1, &r);
	budget_add(b, &u);
	u.v6only = false;
	u.local.port = 42;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->ns[0]->udp_free4, 9);
	assert_int_equal(b->ns[0]->udp_free6, 8);
	assert_int_equal(b->row_count, 0);
	budget_free(b);
}

/* A row a destination, and what is left is the same for all: whoever has a port has it. */
static void udp_rows_share_what_is_left(void **state)
{
	struct port_range r = {.low = 40, .high = 48};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_UDP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .local = {.addr = {127, 0, 0, 1}},
			     .peer = {.addr = {127, 0, 0, 1}, .port = 53}};
	struct budget *b = budget_new();

	(void)state;
	budget_add_namespace(b, 1, &r);
	for (u.local.port = 40; u.local.port < 43; u.local.port++)
		budget_add(b, &u);
	u.peer.port = 54;
	budget_add(b, &u);
	u.local.port = 46; /* a server and its connected socket: SO_REUSEADDR */
	budget_add(b, &u);
	u.peer = (struct endpoint){0};
	u.state = STATE_CLOSE;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->row_count, 2);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(b->row[i].protocol, IPPROTO_UDP);
		assert_int_equal(b->row[i].available, 4);
		assert_int_equal(b->row[i].uncertain, 0);
		assert_int_equal(b->row[i].in_use[STATE_ESTABLISHED],
				 b->row[i].peer.port == 53 ? 3 : 1);
	}
	assert_int_equal(b->ns[0]->in_use[STATE_ESTABLISHED], 0);
	assert_int_equal(b->ns[0]->udp_held, 6);
	budget_free(b);
}

/* One process in two namespaces is two rows. */
static void counts_a_process_by_namespace(void **state)
{
	struct port_range r = {.low = 40, .high = 49};
	struct process p = {.pid = 5};
	struct port_use u = {.protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .local.port = 41,
			     .peer.port = 80,
			     .owner = &p};
	struct budget *b = budget_new();

	(void)state;
	for (u.netns = 1; u.netns <= 2; u.netns++) {
		budget_add_namespace(b, u.netns, &r);
		budget_add(b, &u);
	}
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->process_count, 2);
	assert_true(b->process[0].ns != b->process[1].ns);
	assert_int_equal(b->process[0].held, 1);
	budget_free(b);
}

static bool matches(const struct port_use *u, void (*set)(struct filter *))
{
	struct filter f;
	bool ret;

	filter_init(&f);
	set(&f);
	assert_true(filter_asks_socket(&f));
	ret = filter_match_use(&f, u);
	filter_done(&f);
	return ret;
}

static void ask_tcp(struct filter *f)
{
	f->tcp = true;
}
static void ask_udp(struct filter *f)
{
	f->udp = true;
}
static void ask_4(struct filter *f)
{
	f->ipv4 = true;
}
static void ask_6(struct filter *f)
{
	f->ipv6 = true;
}
static void ask_pid(struct filter *f)
{
	assert_int_equal(units_parse_ranges("5", 9, &f->pids), 0);
}
static void ask_pid_6(struct filter *f)
{
	assert_int_equal(units_parse_ranges("6", 9, &f->pids), 0);
}
static void ask_comm(struct filter *f)
{
	f->comm = strdup("cur");
}
static void ask_user(struct filter *f)
{
	f->has_uid = true;
	f->uid = 33;
}
static void ask_cgroup(struct filter *f)
{
	f->cgroup = strdup("/a");
}
static void ask_container(struct filter *f)
{
	f->container = strdup("4f");
}
static void ask_remote(struct filter *f)
{
	assert_int_equal(units_parse_ranges("443", 65535, &f->peer_ports), 0);
}
static void ask_local(struct filter *f)
{
	assert_int_equal(units_parse_ranges("40000-40003", 65535, &f->local_ports), 0);
}
static void ask_port(struct filter *f)
{
	assert_int_equal(units_parse_ranges("1,443", 65535, &f->ports), 0);
}
static void ask_addr(struct filter *f)
{
	assert_int_equal(filter_add_cidr(f, "10.0.0.0/24"), 0);
}
static void ask_addr_6(struct filter *f)
{
	assert_int_equal(filter_add_cidr(f, "2001:db8::/32"), 0);
}
static void ask_time_wait(struct filter *f)
{
	f->states = 1u << STATE_TIME_WAIT;
}
static void ask_established(struct filter *f)
{
	f->states = 1u << STATE_ESTABLISHED;
}

static void a_filter_asks_each_socket(void **state)
{
	struct process p = {
		.pid = 5, .uid = 33, .name = "curl", .cgroup = "/a/b", .container = "4f1a"};
	struct port_use tcp = {.protocol = IPPROTO_TCP,
			       .family = FAMILY_IPV4,
			       .state = STATE_ESTABLISHED,
			       .local = {{10, 0, 0, 1}, 40001},
			       .peer = {{192, 0, 2, 1}, 443},
			       .owner = &p};
	struct port_use mapped = tcp, waiting = tcp, six = tcp, unknown = tcp, udp = tcp;
	void (*const met[])(struct filter *) = {
		ask_tcp,    ask_4,     ask_pid,	 ask_comm,	ask_user, ask_cgroup,
		ask_remote, ask_local, ask_port, ask_container, ask_addr, ask_established};
	void (*const not_met[])(struct filter *) = {ask_udp, ask_6, ask_pid_6, ask_addr_6,
						    ask_time_wait};

	(void)state;
	mapped.mapped = true;
	waiting.minisock = true;
	waiting.state = STATE_FIN_WAIT2; /* counted and shown as TIME_WAIT */
	unknown.owner = NULL;
	udp.protocol = IPPROTO_UDP;
	six.family = FAMILY_IPV6;
	memcpy(six.local.addr, "\x20\x01\x0d\xb8", 4);
	for (size_t i = 0; i < sizeof(met) / sizeof(*met); i++) {
		if (!matches(&tcp, met[i]))
			fail_msg("condition %zu is met", i);
	}
	for (size_t i = 0; i < sizeof(not_met) / sizeof(*not_met); i++) {
		if (matches(&tcp, not_met[i]))
			fail_msg("condition %zu is not met", i);
	}
	assert_true(matches(&mapped, ask_6) && matches(&mapped, ask_4));
	assert_true(matches(&mapped, ask_addr));
	assert_true(matches(&waiting, ask_time_wait));
	assert_true(matches(&six, ask_addr_6) && matches(&six, ask_6));
	assert_true(matches(&udp, ask_udp) && !matches(&udp, ask_tcp));
	assert_false(matches(&unknown, ask_pid));
	assert_true(matches(&unknown, ask_tcp));
	udp.peer.port = 0;
	udp.state = STATE_CLOSE;
	assert_false(matches(&udp, ask_established));
}

/* Numbers stay those of all sockets; a row stays when one of them is asked for. */
static void selecting_changes_no_number(void **state)
{
	struct port_range r = {.low = 40, .high = 49};
	struct process a = {.pid = 5}, c = {.pid = 6};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .bucket_open = true,
			     .peer.port = 80};
	struct budget *b = budget_new();

	(void)state;
	b->partial = true;
	budget_add_namespace(b, 1, &r);
	budget_add_namespace(b, 2, &r);
	for (u.local.port = 40; u.local.port < 44; u.local.port++) {
		u.owner = u.local.port < 43 ? &a : &c;
		u.selected = u.owner_selected = u.owner == &c;
		budget_add(b, &u);
	}
	u.peer.port = 81;
	u.selected = u.owner_selected = false;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->row_count, 2);
	for (size_t i = 0; i < 2; i++) {
		const struct budget_row *row = &b->row[i];

		assert_int_equal(budget_shows(b, row->selected), row->peer.port == 80);
		assert_int_equal(row->available, row->peer.port == 80 ? 6 : 9);
		assert_int_equal(row->in_use[STATE_ESTABLISHED], row->peer.port == 80 ? 4 : 1);
		assert_int_equal(budget_shows(b, b->process[i].selected),
				 b->process[i].process->pid == 6);
		assert_int_equal(budget_shows(b, b->ns[i]->selected), b->ns[i]->netns == 1);
	}
	b->partial = false;
	assert_true(budget_shows(b, b->ns[1]->selected));
	budget_free(b);
}

/* One that has ended is not the one that has its number now, and what was learnt late is chosen, too. */
static void owners_may_be_learnt_later(void **state)
{
	static const struct program old = {.pid = 7, .start_ns = 5},
				    older = {.pid = 7, .start_ns = 3};
	static const struct process lives = {.pid = 7}, left[] = {{.pid = 7, .program = &old},
								  {.pid = 7, .program = &older}};
	struct port_range r = {.low = 40, .high = 49};
	struct port_use u = {.netns = 1,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .bucket_open = true,
			     .local.port = 40,
			     .peer.port = 80,
			     .owner = &lives};
	struct budget *b = budget_new();

	(void)state;
	b->partial = true;
	budget_add_namespace(b, 1, &r);
	budget_add(b, &u);
	u.owner = NULL;
	u.minisock = true;
	u.state = STATE_TIME_WAIT;
	for (uint16_t port = 44; port > 40; port--) {
		u.local.port = port;
		u.left = port;
		budget_add(b, &u);
	}
	assert_int_equal(budget_finish(b), 0);
	assert_int_equal(b->process_count, 1);
	assert_false(b->row[0].selected);
	for (size_t i = 0; i < b->use_count; i++) {
		struct port_use *use = &b->use[i];

		if (!use->left || use->left == 44)
			continue;
		use->owner = use->left == 43 ? &left[1] : &left[0];
		use->owner_ended = use->selected = use->owner_selected = true;
	}
	assert_int_equal(budget_count_owners(b), 0);
	assert_int_equal(b->process_count, 3);
	assert_true(b->row[0].selected && b->ns[0]->selected);
	assert_int_equal(b->row[0].time_wait, 4);
	for (size_t i = 0; i < 3; i++) {
		const struct budget_process *p = &b->process[i];

		assert_int_equal(p->ended, p->process != &lives);
		assert_int_equal(p->selected, p->ended);
		assert_int_equal(p->held, p->process == &left[0] ? 2 : 1);
		assert_int_equal(p->time_wait, p->process == &lives ? 0 : p->held);
	}
	budget_free(b);
}

/* What a reader who runs out of ports needs is not below what has plenty; what is not known is not called full or empty. */
static void the_worst_namespace_comes_first(void **state)
{
	static const unsigned int taken[] = {0, 5, 2, 5, 0};
	static const uint32_t order[] = {2, 4, 3, 1, 5};
	struct port_range r = {.low = 40, .high = 49};
	struct port_use u = {.protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .bucket_open = true,
			     .peer.port = 80};
	struct budget *b = budget_new();

	(void)state;
	for (u.netns = 1; u.netns <= 5; u.netns++) {
		budget_add_namespace(b, u.netns, &r);
		for (unsigned int i = 0; i < taken[u.netns - 1]; i++) {
			u.local.port = (uint16_t)(40 + i);
			budget_add(b, &u);
		}
	}
	budget_add_unseen(b, 5, UNSEEN_TCP);
	assert_int_equal(budget_finish(b), 0);
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(b->ns[i]->netns, order[i]);
	assert_int_equal(b->ns[0]->left, 5);
	budget_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_naive_model),
		cmocka_unit_test(a_server_that_has_ended_connects_to_nobody),
		cmocka_unit_test(counts_processes),
		cmocka_unit_test(udp_ports_are_counted_by_family),
		cmocka_unit_test(udp_rows_share_what_is_left),
		cmocka_unit_test(counts_a_process_by_namespace),
		cmocka_unit_test(a_filter_asks_each_socket),
		cmocka_unit_test(selecting_changes_no_number),
		cmocka_unit_test(owners_may_be_learnt_later),
		cmocka_unit_test(the_worst_namespace_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
