// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "safe_file.h"

#define STRANGER 65534
#define WRITE	 (O_WRONLY | O_CREAT | O_APPEND)

static char base[32];
static const char *why;

static int make_base(void **state)
{
	(void)state;
	strcpy(base, "/tmp/safe.XXXXXX");
	assert_non_null(mkdtemp(base));
	assert_int_equal(chdir(base), 0);
	assert_int_equal(mkdir("sticky", 0700) | chmod("sticky", 01777), 0);
	assert_int_equal(mkdir("open", 0700) | chmod("open", 0777), 0);
	assert_int_equal(mkdir("mine", 0700), 0);
	return 0;
}

static int remove_base(void **state)
{
	char command[64];

	(void)state;
	assert_int_equal(chdir("/"), 0);
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

static void give(const char *path)
{
	if (geteuid())
		skip();
	assert_int_equal(lchown(path, STRANGER, STRANGER), 0);
}

/* Opens and writes, as a log does. */
static int put(const char *path)
{
	int fd = safe_open(path, WRITE, 0640, &why);

	if (fd < 0)
		return fd;
	assert_int_equal(write(fd, "x", 1), 1);
	assert_int_equal(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	assert_null(why);
	return 0;
}

static void assert_refused(const char *path, const char *text)
{
	assert_int_equal(put(path), -EACCES);
	assert_non_null(why);
	if (!strstr(why, text))
		fail_msg("not '%s' but '%s'", text, why);
}

static off_t size_of(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 ? st.st_size : -1;
}

static void test_own_files_everywhere(void **state)
{
	struct stat st;

	(void)state;
	umask(0);
	assert_int_equal(put("mine/new"), 0);
	assert_int_equal(stat("mine/new", &st), 0);
	assert_int_equal(st.st_mode & 07777, 0640);
	assert_int_equal(put("mine/new"), 0);
	assert_int_equal(size_of("mine/new"), 2);
	assert_int_equal(put("sticky/new"), 0);
	assert_int_equal(put("sticky/new"), 0);
	assert_int_equal(put("mine/../sticky//./new"), 0);
	assert_int_equal(size_of("sticky/new"), 3);
	assert_int_equal(put("beside"), 0);
}

static void test_links_of_strangers_only_where_none_can_write(void **state)
{
	(void)state;
	write_file("mine/secret", "secret");
	assert_int_equal(symlink("../mine/secret", "sticky/own"), 0);
	assert_int_equal(put("sticky/own"), 0);
	assert_int_equal(symlink("../mine/secret", "sticky/log"), 0);
	give("sticky/log");
	assert_refused("sticky/log", "symbolic link of another user");
	assert_int_equal(symlink("../mine/missing", "sticky/new"), 0);
	give("sticky/new");
	assert_refused("sticky/new", "symbolic link of another user");
	assert_int_equal(size_of("mine/missing"), -1);
	assert_int_equal(symlink("../mine", "sticky/directory"), 0);
	give("sticky/directory");
	assert_refused("sticky/directory/secret", "symbolic link of another user");
	assert_int_equal(size_of("mine/secret"), 7);
	/* Who may write there is who owns it. */
	assert_int_equal(symlink("secret", "mine/link"), 0);
	give("mine/link");
	assert_int_equal(put("mine/link"), 0);
	/* By way of a link of ours. */
	assert_int_equal(symlink("sticky", "way"), 0);
	assert_refused("way/log", "symbolic link of another user");
	give("sticky");
	assert_int_equal(put("sticky/log"), 0); /* the directory's owner can do worse */
}

static void test_files_of_strangers(void **state)
{
	(void)state;
	write_file("sticky/theirs", "");
	assert_int_equal(chmod("sticky/theirs", 0666), 0);
	give("sticky/theirs");
	assert_refused("sticky/theirs", "file of another user");
	assert_int_equal(mkfifo("sticky/pipe", 0666), 0);
	give("sticky/pipe");
	assert_refused("sticky/pipe", "file of another user");
	assert_int_equal(size_of("sticky/theirs"), 0);
	write_file("mine/theirs", "");
	give("mine/theirs");
	assert_int_equal(put("mine/theirs"), 0);
}

static void test_a_second_name(void **state)
{
	(void)state;
	write_file("mine/secret", "secret");
	assert_int_equal(link("mine/secret", "sticky/name"), 0);
	assert_refused("sticky/name", "another name");
	assert_int_equal(link("mine/secret", "mine/name"), 0);
	assert_int_equal(put("mine/name"), 0);
}

static void test_a_directory_that_keeps_nothing(void **state)
{
	(void)state;
	write_file("open/old", "");
	assert_refused("open/old", "may rename");
	assert_refused("open/new", "may rename");
	assert_int_equal(size_of("open/new"), -1);
	assert_int_equal(mkdir("open/below", 0700), 0);
	assert_int_equal(put("open/below/new"), 0);
}

static void test_what_open_says(void **state)
{
	char path[PATH_MAX + 100];
	int fd;

	(void)state;
	assert_int_equal(put(""), -ENOENT);
	assert_int_equal(put("mine/no/file"), -ENOENT);
	assert_int_equal(put("mine"), -EISDIR);
	assert_int_equal(put("mine/"), -EISDIR);
	write_file("mine/file", "");
	assert_int_equal(put("mine/file/"), -ENOTDIR);
	assert_int_equal(put("mine/file/below"), -ENOTDIR);
	assert_int_equal(symlink("b", "a") | symlink("a", "b"), 0);
	assert_int_equal(put("a"), -ELOOP);
	memset(path, 'x', sizeof(path));
	path[sizeof(path) - 1] = '\0';
	assert_int_equal(put(path), -ENAMETOOLONG);
	path[300] = '\0';
	assert_int_equal(put(path), -ENAMETOOLONG);
	assert_int_equal(safe_open("mine/none", O_WRONLY, 0, &why), -ENOENT);
	assert_int_equal(safe_open("mine/file", WRITE | O_EXCL, 0600, &why), -EEXIST);
	assert_int_equal(symlink("none", "mine/dangling"), 0);
	assert_int_equal(safe_open("mine/dangling", WRITE | O_EXCL, 0600, &why), -EEXIST);
	assert_int_equal(put("mine/dangling"), 0);
	assert_int_equal(size_of("mine/none"), 1);
	snprintf(path, sizeof(path), "%s/mine/file", base);
	assert_int_equal(put(path), 0);
	assert_int_equal(put("/dev/null"), 0);
	fd = open("mine/file", O_WRONLY | O_APPEND | O_CLOEXEC);
	snprintf(path, sizeof(path), "/dev/fd/%d", fd);
	assert_int_equal(put(path), 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	assert_int_equal(put(path), 0);
	assert_int_equal(size_of("mine/file"), 3);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_own_files_everywhere, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_links_of_strangers_only_where_none_can_write,
						make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_files_of_strangers, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_a_second_name, make_base, remove_base),
		cmocka_unit_test_setup_teardown(test_a_directory_that_keeps_nothing, make_base,
						remove_base),
		cmocka_unit_test_setup_teardown(test_what_open_says, make_base, remove_base),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
