// SPDX-License-Identifier: GPL-2.0-only
/* The hook table in words and as JSON, for a choice that is made up. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "features_writer.h"
#include "golden.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const struct kernel_hook hooks[] = {
	{.fact = "state",
	 .hook = "tp_btf/inet_sock_set_state",
	 .tier = TIER_BOTH,
	 .covers = "changes of state of TCP",
	 .misses = "",
	 .status = HOOK_ATTACHED},
	{.fact = "state", /* a second copy that is there is not told of */
	 .hook = "tp_btf/inet_sock_set_state",
	 .tier = TIER_BOTH,
	 .covers = "those on top of others",
	 .misses = "",
	 .status = HOOK_ATTACHED,
	 .nested = NESTED_STATE,
	 .twin = -1},
	{.fact = "bind",
	 .hook = "fexit/inet_bind",
	 .tier = TIER_TRAMPOLINES,
	 .covers = "binds, IPv4",
	 .misses = "binds by the kernel",
	 .status = HOOK_ATTACHED},
	{.fact = "bind", /* misses what the row above misses: said once */
	 .hook = "fexit/inet6_bind",
	 .tier = TIER_TRAMPOLINES,
	 .covers = "binds, IPv6",
	 .misses = "binds by the kernel",
	 .status = HOOK_ATTACHED},
	{.fact = "bind", /* one that lacks is */
	 .hook = "fexit/inet6_bind",
	 .tier = TIER_TRAMPOLINES,
	 .covers = "those on top of others",
	 .misses = "",
	 .status = HOOK_FAILED,
	 .why = "No space left on device",
	 .nested = NESTED_BIND6,
	 .twin = -1},
	{.fact = "listen",
	 .hook = "fexit/inet_listen",
	 .tier = TIER_TRAMPOLINES,
	 .covers = "listens",
	 .misses = "",
	 .status = HOOK_REPLACED,
	 .why = "Operation not permitted"},
	{.fact = "listen",
	 .hook = "tp/syscalls/sys_exit_listen",
	 .tier = TIER_TRACEPOINTS,
	 .covers = "listens",
	 .misses = "listens of io_uring",
	 .status = HOOK_FAILED,
	 .why = "no \"tracefs\"\n\x1b[1m here"},
	{.fact = "time-wait",
	 .hook = "fentry/inet_twsk_kill",
	 .tier = TIER_TRAMPOLINES,
	 .covers = "ends of TIME_WAIT",
	 .misses = "",
	 .status = HOOK_UNUSED},
	{.fact = "send",
	 .hook = "fexit/udp_sendmsg",
	 .tier = TIER_TRAMPOLINES,
	 .covers = "ports that a send chose",
	 .misses = "all",
	 .status = HOOK_UNUSED},
};

static void expect(void (*write)(struct buffer *, const struct features *),
		   const struct features *f, const char *golden)
{
	struct buffer out = {0};

	write(&out, f);
	assert_false(out.failed);
	assert_true(golden_matches(golden, out.data, out.len));
	buffer_done(&out);
}

static void test_whole_table(void **state)
{
	const struct features f = {
		.version = "1.2.3",
		.kernel = "6.1.0",
		.machine = "x86_64",
		.tier = TIER_BOTH,
		.cgroup_place = "/sys/fs/cgroup/uni fied",
		.tracefs_place = "private mount",
		.btf_place = "/a \"file\"\x01",
		.hooks = hooks,
		.hook_count = COUNT(hooks),
	};

	(void)state;
	expect(features_write_text, &f, "features.txt");
	expect(features_write_json, &f, "features.json");
}

static void test_nothing_mounted(void **state)
{
	const struct features f = {
		.version = "1.2.3",
		.kernel = "5.10.0",
		.machine = "aarch64",
		.tier = TIER_TRACEPOINTS,
		.btf_place = "/sys/kernel/btf/vmlinux",
	};

	(void)state;
	expect(features_write_text, &f, "features-bare.txt");
	expect(features_write_json, &f, "features-bare.json");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_table),
		cmocka_unit_test(test_nothing_mounted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
