/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "../../src/cli/options.h"

#define MIB (UINT64_C(1) << 20)

/* What the program takes by itself, whatever it is told to keep: measured, see docs/performance.md. */
#define PROGRAM (16 * MIB)
/* Of a socket with its places in two indexes, of a TIME_WAIT while its ring grows, of a process: bytes at most. */
#define SOCKET	  400
#define TIME_WAIT 168
#define PROCESS	  1024

static uint64_t allowed(const struct options *o)
{
	return PROGRAM + o->ring_bytes + o->ring_bytes / 8 + o->max_sockets * SOCKET +
	       o->max_time_waits * TIME_WAIT + (o->max_processes + o->max_followed) * PROCESS +
	       o->max_text_bytes + o->look_bytes + (o->command == COMMAND_RECORD ? o->queue_bytes : 0);
}

static void parse(struct options *o, const char *command, const char *size, const char *sockets)
{
	const char *const words[] = {"sockwatch", command, "--memory",	  size,
				     "--sockets", sockets, "--store=/x/s"};
	char word[7][16], *argv[7];

	for (int i = 0; i < 7; i++) {
		snprintf(word[i], sizeof(word[i]), "%s", words[i]);
		argv[i] = word[i];
	}
	assert_int_equal(options_parse(o->command == COMMAND_RECORD ? 7 : 6, argv, o), OPTIONS_RUN);
}

static void test_all_stays_below_the_ceiling(void **state)
{
	static const char *const sizes[] = {"48M", "64M", "100M", "1G", "64G"};

	(void)state;
	for (int record = 0; record < 2; record++) {
		for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
			struct options o = {.command = record ? COMMAND_RECORD : COMMAND_TRACE};

			parse(&o, record ? "record" : "trace", sizes[i], "16777216");
			assert_true(allowed(&o) <= o.memory_bytes);
			/* And none is left without room. */
			assert_true(o.ring_bytes >= MIB && o.queue_bytes >= MIB && o.look_bytes >= MIB);
			assert_int_equal(o.ring_bytes & (o.ring_bytes - 1), 0);
			assert_int_equal(o.max_time_waits & (o.max_time_waits - 1), 0);
			assert_true(o.max_sockets >= 10000 && o.max_processes >= 1000);
			options_done(&o);
		}
	}
}

static void test_a_lower_limit_stays(void **state)
{
	struct options o = {.command = COMMAND_TRACE};

	(void)state;
	parse(&o, "trace", "64G", "5");
	assert_int_equal(o.max_sockets, 5);
	assert_int_equal(o.ring_bytes, 64 * MIB);
	assert_int_equal(o.max_time_waits, 1 << 18);
	options_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_stays_below_the_ceiling),
		cmocka_unit_test(test_a_lower_limit_stays),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
