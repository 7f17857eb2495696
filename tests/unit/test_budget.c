// SPDX-License-Identifier: GPL-2.0-only
/* The budget against a naive model that asks for each port in turn, over random uses. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget.h"

#define MAX_USES 60

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
			uint32_t netns, const struct endpoint *local, const struct endpoint *peer,
			unsigned int port)
{
	if (port_is_reserved(r, port))
		return false;
	for (size_t i = 0; i < count; i++) {
		const struct port_use *u = &uses[i];
		bool loopback = u->local.addr[0] == 127 || u->peer.addr[0] == 127;
		bool reuse = r->tw_reuse == 1 || (r->tw_reuse == 2 && loopback);

		if (u->netns != netns || u->local.port != port)
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

static unsigned int connect_all(const struct port_use *uses, size_t count,
				const struct port_range *r, uint32_t netns,
				const struct endpoint *local, const struct endpoint *peer)
{
	unsigned int n = 0;

	for (unsigned int port = r->low; port <= r->high; port++)
		n += may_connect(uses, count, r, netns, local, peer, port);
	return n;
}

static void agrees_with_the_naive_model(void **state)
{
	uint64_t seed = 1;
	size_t rows = 0;

	(void)state;
	for (int round = 0; round < 3000; round++) {
		struct port_range r = {.low = 40,
				       .high = 49,
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
			const struct budget_row *row = &b->row[i];
			unsigned int n = connect_all(uses, count, &r, row->ns->netns, &row->local,
						     &row->peer);

			if (row->available != n)
				fail_msg("round %d, row %zu: %u available, the model says %u",
					 round, i, row->available, n);
			assert_true(i == 0 || b->row[i - 1].available <= row->available);
		}
		rows += b->row_count;
		budget_free(b);
	}
	assert_true(rows > 3000);
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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_naive_model),
		cmocka_unit_test(counts_processes),
		cmocka_unit_test(udp_ports_are_counted_by_family),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
