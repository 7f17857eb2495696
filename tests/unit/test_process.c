/* SPDX-License-Identifier: GPL-2.0-only */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define HEX  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define HEX2 "fedcba9876543210fedcba9876543210fedcba9876543210fedcba9876543210"

static const struct process nginx = {
	.pid = 901, .tid = 902, .uid = 33, .ruid = 1000, .cgroup_id = 4711, .name = "nginx"};

static void count_resolve(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			  struct process_place *ret)
{
	++*(int *)ctx;
	assert_int_equal(cgroup_id, 4711);
	assert_null(cgroup);
	if (pid == 901) {
		ret->cgroup = strdup("/system.slice/nginx.service");
		ret->container = strdup("web");
	}
}

static void test_same_key_same_entry(void **state)
{
	int resolved = 0;
	struct process_set *set = process_set_new(8, count_resolve, &resolved);
	const struct process *first = process_intern(set, &nginx);

	(void)state;
	assert_non_null(first);
	assert_ptr_equal(process_intern(set, &nginx), first);
	assert_int_equal(resolved, 0);
	process_resolve(set, first);
	process_resolve(set, first);
	assert_int_equal(resolved, 1);
	assert_int_equal(process_set_count(set), 1);
	assert_int_equal(first->pid, 901);
	assert_int_equal(first->tid, 902);
	assert_int_equal(first->uid, 33);
	assert_int_equal(first->ruid, 1000);
	assert_int_equal(first->cgroup_id, 4711);
	assert_string_equal(first->name, "nginx");
	assert_string_equal(first->cgroup, "/system.slice/nginx.service");
	assert_string_equal(first->container, "web");
	process_set_free(set);
}

static void test_each_field_tells_apart(void **state)
{
	struct process_set *set = process_set_new(100, NULL, NULL);
	const struct process *first = process_intern(set, &nginx);
	struct process other[] = {nginx, nginx, nginx, nginx, nginx, nginx};

	(void)state;
	other[0].pid++;
	other[1].tid++;
	other[2].uid++;
	other[3].cgroup_id++;
	other[4].name[4] = 'y';
	other[5].ruid++;
	for (size_t i = 0; i < 6; i++)
		assert_ptr_not_equal(process_intern(set, &other[i]), first);
	assert_int_equal(process_set_count(set), 7);
	process_set_free(set);
}

static void test_rubbish_behind_the_name(void **state)
{
	struct process_set *set = process_set_new(8, NULL, NULL);
	struct process key = nginx;
	const struct process *p;

	(void)state;
	key.name[7] = 'z';
	key.cgroup = "ignored";
	assert_ptr_equal(process_intern(set, &nginx), process_intern(set, &key));
	memset(key.name, 'x', sizeof(key.name));
	p = process_intern(set, &key);
	assert_string_equal(p->name, "xxxxxxxxxxxxxxx");
	assert_null(p->cgroup);
	process_set_free(set);
}

static void test_last_reference_ends_it(void **state)
{
	int resolved = 0;
	struct process_set *set = process_set_new(8, count_resolve, &resolved);
	const struct process *p = process_intern(set, &nginx);

	(void)state;
	process_resolve(set, p);
	assert_ptr_equal(process_hold(p), p);
	process_intern(set, &nginx);
	process_release(set, p);
	process_release(set, p);
	assert_int_equal(process_set_count(set), 1);
	assert_int_equal(p->pid, 901);
	process_release(set, p);
	assert_int_equal(process_set_count(set), 0);
	p = process_intern(set, &nginx);
	assert_non_null(p);
	process_resolve(set, p);
	assert_int_equal(resolved, 2);
	process_set_free(set);
}

static void test_null(void **state)
{
	struct process_set *set = process_set_new(8, NULL, NULL);

	(void)state;
	assert_null(process_hold(NULL));
	process_release(set, NULL);
	process_set_free(set);
	process_set_free(NULL);
}

static void test_full_set(void **state)
{
	struct process_set *set = process_set_new(2, NULL, NULL);
	struct process a = nginx, b = nginx, c = nginx;
	struct process_stats stats;
	const struct process *held;

	(void)state;
	b.pid = 2;
	c.pid = 3;
	held = process_intern(set, &a);
	assert_non_null(held);
	assert_non_null(process_intern(set, &b));
	errno = 0;
	assert_null(process_intern(set, &c));
	assert_int_equal(errno, ENOSPC);
	process_get_stats(set, &stats);
	assert_int_equal(stats.unnamed, 1);
	assert_ptr_equal(process_intern(set, &a), held);
	process_release(set, held);
	process_release(set, held);
	assert_non_null(process_intern(set, &c));
	process_set_free(set);
}

/* Against a naive model: a count of references by pid. */
static void test_random_operations(void **state)
{
	enum { PIDS = 300 };
	struct process_set *set = process_set_new(200, NULL, NULL);
	const struct process *entry[PIDS] = {NULL};
	unsigned int references[PIDS] = {0};
	size_t alive = 0;

	(void)state;
	srandom(1);
	for (int round = 0; round < 100000; round++) {
		unsigned int i = random() % PIDS;
		struct process key = {.pid = i, .tid = i, .name = "worker"};

		if (random() % 2) {
			const struct process *p = process_intern(set, &key);

			if (!references[i] && alive == 200) {
				assert_null(p);
				continue;
			}
			assert_non_null(p);
			assert_true(!references[i] || p == entry[i]);
			assert_int_equal(p->pid, i);
			alive += references[i]++ == 0;
			entry[i] = p;
		} else if (references[i]) {
			process_release(set, entry[i]);
			alive -= --references[i] == 0;
		}
		assert_int_equal(process_set_count(set), alive);
	}
	process_set_free(set);
}

static void test_container(void **state)
{
	static const struct {
		const char *path, *id;
	} cases[] = {
		{"", NULL},
		{"/", NULL},
		{"/system.slice/ssh.service", NULL},
		{"/system.slice/docker-" HEX ".scope", HEX},
		{"/docker/" HEX, HEX},
		{"docker/" HEX, HEX},
		{"/docker/" HEX "/", HEX},
		{"/user.slice/user-1000.slice/user@1000.service/app.slice/docker-" HEX ".scope",
		 HEX},
		{"/kubepods.slice/kubepods-pod1.slice/cri-containerd-" HEX ".scope", HEX},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" HEX ".scope", HEX},
		{"/kubepods.slice/kubepods-pod1.slice/crio-" HEX ".scope/container", HEX},
		{"/kubepods.slice/kubepods-pod1.slice/crio-conmon-" HEX ".scope", NULL},
		{"/kubepods/burstable/pod2f0e9d3c-1111-2222-3333-444455556666/" HEX, HEX},
		{"/kubepods/besteffort/pod1/crio-" HEX, HEX},
		{"/kubepods/besteffort/pod1/crio-conmon-" HEX, NULL},
		{"/system.slice/containerd.service/kubepods-pod1.slice:cri-containerd:" HEX, HEX},
		{"/machine.slice/libpod-" HEX ".scope", HEX},
		{"/machine.slice/libpod-" HEX ".scope/container", HEX},
		{"/machine.slice/libpod-conmon-" HEX ".scope", NULL},
		{"/system.slice/web.service/libpod-payload-" HEX, HEX},
		{"/system.slice/nerdctl-" HEX ".scope", HEX},
		{"/default/" HEX, HEX},
		{"/k8s.io/" HEX "/init", HEX},
		{"/lxc.payload.web", "web"},
		{"/lxc.payload.web/system.slice/nginx.service", "web"},
		{"/lxc.payload/web/init.scope", "web"},
		{"/lxc/101/ns/system.slice", "101"},
		{"/lxc.monitor.web", NULL},
		{"/lxc", NULL},
		{"/lxc/", NULL},
		{"/lxc.payload.", NULL},
		{"/lxc.payload.web/docker/" HEX, HEX},
		{"/docker/" HEX "/docker/" HEX2, HEX2},
		{"/docker/" HEX "/system.slice/docker-" HEX2 ".scope", HEX2},
		{"/docker/" HEX "/machine.slice/libpod-conmon-" HEX2 ".scope", HEX},
		{"/docker/" HEX "0", NULL},
		{"/docker/0123456789abcdef", NULL},
		{"/docker/buildkit", NULL},
		{"/docker-" HEX ".slice", NULL},
		{"/docker-" HEX ".scope2", NULL},
		{"/docker-0123456789ABCDEF0123456789abcdef0123456789abcdef0123456789abcdef.scope",
		 NULL},
		{"/notdocker-" HEX ".scope", NULL},
		{"/.scope", NULL},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t len = 12345;
		const char *id = container_find(cases[i].path, &len);

		if (!cases[i].id && (id || len != 12345))
			fail_msg("%s: found %s", cases[i].path, id);
		if (cases[i].id &&
		    (!id || len != strlen(cases[i].id) || strncmp(id, cases[i].id, len)))
			fail_msg("%s: %s is not %s", cases[i].path, id ? id : "none", cases[i].id);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_same_key_same_entry),
		cmocka_unit_test(test_each_field_tells_apart),
		cmocka_unit_test(test_rubbish_behind_the_name),
		cmocka_unit_test(test_last_reference_ends_it),
		cmocka_unit_test(test_null),
		cmocka_unit_test(test_full_set),
		cmocka_unit_test(test_random_operations),
		cmocka_unit_test(test_container),
	};

	return cmocka_run_group_tests_name("process", tests, NULL, NULL);
}
