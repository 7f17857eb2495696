// SPDX-License-Identifier: GPL-2.0-only
/* What containers and pods are called, by files that somebody else wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "../../src/kernel/runtimes.h"
#include "json_scan.h"
#include "process.h"

#define ID  "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define UID "8f3b2c1d-1111-2222-3333-444455556666"

static char root[] = "/tmp/sockwatch-runtimes-XXXXXX";

static void make_file(const char *path, const char *text)
{
	char whole[512];
	FILE *f;

	snprintf(whole, sizeof(whole), "%s%s", root, path);
	for (char *p = whole + strlen(root) + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		mkdir(whole, 0700);
		*p = '/';
	}
	if (!text)
		return;
	f = fopen(whole, "w");
	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int setup(void **state)
{
	(void)state;
	strcpy(root + strlen(root) - 6, "XXXXXX");
	return mkdtemp(root) ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	return nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static void expect(const char *uid, const char *container, const char *pod)
{
	struct runtime_names names;

	runtimes_find(root, ID, uid, &names);
	assert_string_equal(names.container ? names.container : "-", container);
	assert_string_equal(names.pod ? names.pod : "-", pod);
	free(names.container);
	free(names.pod);
}

static void test_nothing(void **state)
{
	(void)state;
	expect(NULL, "-", "-");
}

static void test_docker(void **state)
{
	(void)state;
	make_file("/var/lib/docker/containers/" ID "/config.v2.json",
		  "{\"StreamConfig\":{},\"Config\":{\"Name\":\"no\",\"Env\":[\"A=\\\"b\"]},"
		  "\"ID\":\"" ID "\",\"Name\":\"/web\",\"Dead\":false,\"n\":-1.5e3}\n");
	expect(NULL, "web", "-");
}

static void test_containerd(void **state)
{
	(void)state;
	make_file("/run/containerd/io.containerd.runtime.v2.task/k8s.io/" ID "/config.json",
		  "{\"ociVersion\":\"1.1\",\"annotations\":{\"io.kubernetes.cri.container-name\":"
		  "\"app\","
		  "\"io.kubernetes.cri.sandbox-name\":\"shop-7d\","
		  "\"io.kubernetes.cri.sandbox-namespace\":\"prod\"}}");
	expect(UID, "app", "prod/shop-7d");
}

static void test_podman(void **state)
{
	(void)state;
	make_file("/var/lib/containers/storage/overlay-containers/containers.json",
		  "[{\"id\":\"ffff\",\"names\":[\"other\"]},"
		  "{\"id\":\"" ID
		  "\",\"names\":[\"db\",\"alias\"],\"metadata\":\"{\\\"x\\\":1}\"}]");
	expect(NULL, "db", "-");
}

static void test_pods_of_the_log(void **state)
{
	(void)state;
	make_file("/var/log/pods/prod_shop-7d_" UID "/x", NULL);
	expect(UID, "-", "prod/shop-7d");
	expect("8f3b2c1d_1111_2222_3333_444455556666", "-", "prod/shop-7d");
	expect("00000000-1111-2222-3333-444455556666", "-", "-");
}

/* Names that would move a terminal, broken files, links: nothing. */
static void test_hostile(void **state)
{
	static const char *const texts[] = {
		"{\"Name\":\"a\x1b[2J\"}",
		"{\"Name\":\"\"}",
		"{\"Name\":\"a\\u001b\"}",
		"{\"Name\":",
		"{\"Name\":{\"Name\":\"x\"}}",
		"[\"Name\",\"x\"]",
		"{\"N\\u0061me\":\"x\"}",
		"",
		"null",
		"{{{{{{{{{{{{{{{{{{{{{",
	};
	char deep[200];

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		make_file("/var/lib/docker/containers/" ID "/config.v2.json", texts[i]);
		expect(NULL, "-", "-");
	}
	memset(deep, '[', sizeof(deep));
	deep[sizeof(deep) - 1] = '\0';
	make_file("/var/lib/docker/containers/" ID "/config.v2.json", deep);
	expect(NULL, "-", "-");
}

static bool count_one(void *ctx, const struct json_at *at, struct json_text value)
{
	(void)at, (void)value;
	++*(int *)ctx;
	return true;
}

static void test_any_bytes(void **state)
{
	static const char good[] = "{\"a\":[1,\"x\",{\"b\":\"y\"}],\"c\":\"z\",\"d\":true}";
	int count = 0;

	(void)state;
	assert_true(json_scan(good, sizeof(good) - 1, count_one, &count));
	assert_int_equal(count, 3);
	srandom(4);
	for (int i = 0; i < 200000; i++) {
		size_t len = (size_t)random() % sizeof(good);
		char *text = malloc(len + 1);

		memcpy(text, good, len);
		for (int k = 0; k < i % 4 && len; k++)
			text[(size_t)random() % len] = "\"\\{}[]:,x\0"[random() % 10];
		json_scan(text, len, count_one, &count);
		free(text);
	}
}

static void check_pod(const char *path, const char *wanted)
{
	size_t len = 0;
	const char *found = pod_find(path, &len);

	assert_int_equal(len, strlen(wanted));
	if (found)
		assert_memory_equal(found, wanted, len);
}

static void test_pods_in_paths(void **state)
{
	size_t len;

	(void)state;
	check_pod("/kubepods/burstable/pod" UID "/" ID, UID);
	check_pod("/kubepods.slice/kubepods-burstable.slice/"
		  "kubepods-burstable-pod8f3b2c1d_1111_2222_3333_444455556666.slice/"
		  "cri-containerd-" ID ".scope",
		  "8f3b2c1d_1111_2222_3333_444455556666");
	check_pod("/system.slice/pod" UID, "");
	check_pod("/kubepods/podx", "");
	check_pod("/", "");
	assert_memory_equal(unit_find("/system.slice/a.service/b.scope/c", &len), "b.scope", 7);
	assert_int_equal(len, 7);
	assert_null(unit_find("/system.slice/.service", &len));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(test_nothing),   TEST(test_docker),	TEST(test_containerd),
		TEST(test_podman),    TEST(test_hostile),	TEST(test_pods_of_the_log),
		TEST(test_any_bytes), TEST(test_pods_in_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
