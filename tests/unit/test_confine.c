// SPDX-License-Identifier: GPL-2.0-only
/* Each case runs in a child, which ends with the line that was wrong; confining is for good. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../src/cli/confine.h"

#define UNKNOWN_CALL 999
#define CHILD(condition)                                                                           \
	do {                                                                                       \
		if (!(condition))                                                                  \
			child_fail(__LINE__, #condition);                                          \
	} while (0)

static char base[32], inside[64], outside[64];

static void child_fail(int line, const char *what)
{
	fprintf(stderr, "line %d: %s (errno %d)\n", line, what, errno);
	_exit(1);
}

static int make_base(void **state)
{
	(void)state;
	strcpy(base, "/tmp/confine.XXXXXX");
	assert_non_null(mkdtemp(base));
	snprintf(inside, sizeof(inside), "%s/inside", base);
	snprintf(outside, sizeof(outside), "%s/outside", base);
	assert_int_equal(chmod(base, 0755) | mkdir(inside, 0755) | mkdir(outside, 0755), 0);
	return 0;
}

static int remove_base(void **state)
{
	char command[64];

	(void)state;
	snprintf(command, sizeof(command), "rm -rf %s", base);
	return system(command);
}

/* 77: this kernel cannot do it. */
static void in_child(void (*run)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		run();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	if (WEXITSTATUS(status) == 77)
		skip();
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void confine_as(struct confine wish)
{
	struct confine_result result;

	confine_try(&wish, &result);
	/* landlock_create_ruleset() for its version. */
	if (result.missing == CONFINE_LANDLOCK && syscall(444, NULL, 0, 1) < 0)
		_exit(77);
	if (result.missing)
		child_fail(__LINE__, result.why);
}

/* The line of /proc/self/status, in hexadecimal. */
static uint64_t status_of(const char *name)
{
	FILE *file = fopen("/proc/self/status", "re");
	unsigned long long value = UINT64_MAX;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (strncmp(line, name, strlen(name)) == 0)
			sscanf(line + strlen(name), ":%llx", &value);
	}
	if (file)
		fclose(file);
	return value;
}

static void nothing_is_left(void)
{
	confine_as((struct confine){.keep = 0});
	CHILD(status_of("CapEff") == 0);
	CHILD(status_of("CapPrm") == 0);
	CHILD(status_of("CapInh") == 0);
	CHILD(status_of("CapAmb") == 0);
	CHILD(geteuid() != 0 || status_of("CapBnd") == 0);
	CHILD(status_of("NoNewPrivs") == 1);
	CHILD(prctl(PR_GET_DUMPABLE) == 0);
}

static void capabilities_are_given_away(void **state)
{
	(void)state;
	in_child(nothing_is_left);
}

static void one_is_left(void)
{
	confine_as((struct confine){.keep = 1ull << CAP_NET_ADMIN, .become = "nobody"});
	CHILD(geteuid() != 0 && getuid() != 0 && getegid() != 0 && getgroups(0, NULL) == 0);
	CHILD(status_of("CapEff") == 1ull << CAP_NET_ADMIN);
	CHILD(status_of("CapPrm") == 1ull << CAP_NET_ADMIN);
	CHILD(status_of("CapBnd") == 0);
	CHILD(setuid(0) < 0 && errno == EPERM);
}

static void another_user_keeps_what_it_needs(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(one_is_left);
}

static void unknown_user(void)
{
	confine_as((struct confine){.become = "no such user, surely"});
	CHILD(geteuid() == 65534);
}

static void who_is_not_there_is_nobody(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	in_child(unknown_user);
}

static void *touch(void *ctx)
{
	*(char *)ctx = 1;
	return NULL;
}

/* What every set forbids and what every set needs. */
static void check_common(bool is_helper)
{
	char *const argv[] = {"true", NULL};
	pthread_t thread;
	char touched = 0;
	int fd;

	CHILD(execve("/bin/true", argv, argv) < 0 && errno == EPERM);
	CHILD(ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 && errno == EPERM);
	CHILD(kill(getppid(), SIGTERM) < 0 && (errno == EPERM || errno == ENOSYS));
	CHILD(syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) < 0 && errno == ENOSYS);
	CHILD(syscall(SYS_clone3, NULL, 0) < 0 && errno == ENOSYS);
	CHILD(syscall(UNKNOWN_CALL) < 0 && errno == ENOSYS);
	CHILD(syscall(SYS_init_module, 0, 0, 0) < 0 && errno == EPERM);
	CHILD(syscall(SYS_unshare, 0) < 0 ? !is_helper && errno == EPERM : is_helper);
	CHILD(syscall(SYS_bpf, 0, NULL, 0) < 0 && (is_helper || errno == EPERM));
	CHILD(socket(AF_PACKET, SOCK_RAW, 0) < 0 && errno == ENOSYS);
	CHILD(mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
	      MAP_FAILED);
	fd = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
	CHILD(fd >= 0 && close(fd) == 0);
	CHILD(pthread_create(&thread, NULL, touch, &touched) == 0);
	CHILD(pthread_join(thread, NULL) == 0 && touched);
}

/* Whether a socket of the family can be had. */
static bool has_socket(int family)
{
	int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	CHILD(fd >= 0 || errno == ENOSYS || errno == EPERM);
	return fd >= 0 && close(fd) == 0;
}

static void set_of_history(void)
{
	confine_as((struct confine){.calls = CONFINE_HISTORY});
	check_common(false);
	CHILD(!has_socket(AF_UNIX) && !has_socket(AF_INET));
	CHILD(open("/tmp/none", O_WRONLY | O_CREAT, 0600) < 0 && errno == ENOSYS);
	CHILD(open("/dev/null", O_RDWR) < 0 && errno == ENOSYS);
	CHILD(open("/tmp/none", O_RDONLY | O_CREAT, 0600) < 0 && errno == ENOSYS);
	CHILD(unlink(inside) < 0 && errno == EPERM);
	CHILD(rename(inside, outside) < 0 && errno == EPERM);
}

static void set_of_listing(void)
{
	confine_as((struct confine){.calls = CONFINE_LISTING});
	check_common(false);
	CHILD(has_socket(AF_UNIX) && has_socket(AF_INET) && !has_socket(AF_NETLINK));
	CHILD(open("/dev/null", O_RDWR) < 0 && errno == ENOSYS);
	CHILD(listen(0, 1) < 0 && errno == EPERM);
}

static void set_of_reader(void)
{
	int fd;

	confine_as((struct confine){.calls = CONFINE_READER, .opens_to_write = true});
	check_common(false);
	CHILD(has_socket(AF_UNIX) && !has_socket(AF_INET) && !has_socket(AF_NETLINK));
	fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CHILD(fd >= 0 && close(fd) == 0);
}

static void set_of_helper(void)
{
	confine_as((struct confine){.calls = CONFINE_HELPER});
	check_common(true);
	CHILD(has_socket(AF_NETLINK));
}

static void set_of_sender(void)
{
	int pair[2];

	confine_as((struct confine){.calls = CONFINE_SENDER});
	check_common(false);
	CHILD(has_socket(AF_UNIX) && has_socket(AF_INET) && has_socket(AF_INET6));
	CHILD(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
	CHILD(listen(pair[0], 1) < 0 && errno == EPERM);
	CHILD(accept(pair[0], NULL, NULL) < 0 && errno == EPERM);
	CHILD(open("/dev/null", O_RDWR) < 0 && errno == ENOSYS);
	CHILD(unlink(inside) < 0);
}

static void each_set_has_what_it_needs(void **state)
{
	(void)state;
	in_child(set_of_history);
	in_child(set_of_listing);
	in_child(set_of_reader);
	in_child(set_of_helper);
	in_child(set_of_sender);
}

static bool can_write(const char *directory, const char *name)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", directory, name);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	if (fd >= 0)
		close(fd);
	return fd >= 0 && unlink(path) == 0;
}

static void one_place(void)
{
	const char *const write_below[] = {"/none/such", inside, NULL};
	const char *const read_below[] = {base, NULL};
	int fd;

	confine_as((struct confine){
		.files = true, .write_below = write_below, .read_below = read_below});
	CHILD(can_write(inside, "file"));
	CHILD(!can_write(outside, "file") && errno == EACCES);
	fd = open(outside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CHILD(fd >= 0 && close(fd) == 0);
	CHILD(open("/etc/passwd", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES);
}

static void no_place(void)
{
	int fd;

	confine_as((struct confine){.files = true});
	CHILD(!can_write(inside, "file") && errno == EACCES);
	fd = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	CHILD(fd >= 0 && close(fd) == 0);
	CHILD(mkdir(inside, 0700) < 0);
}

static void places_are_all_there_is(void **state)
{
	(void)state;
	in_child(one_place);
	in_child(no_place);
}

/* errno of a connection to a port of loopback at which nobody listens, or 0. */
static int try_port(uint16_t port)
{
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(port),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? errno : 0;

	close(fd);
	return err;
}

static void one_port(void)
{
	struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons(47123)};
	int fd;

	/* Ports are Landlock's since its version 4. */
	if (syscall(444, NULL, 0, 1) < 4)
		_exit(77);
	confine_as((struct confine){.files = true, .connects = 1});
	CHILD(try_port(1) == ECONNREFUSED || try_port(1) == 0);
	CHILD(try_port(53) != EACCES);
	CHILD(try_port(2) == EACCES);
	CHILD(try_port(80) == EACCES);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	CHILD(bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0 && errno == EACCES);
	close(fd);
}

static void no_port(void)
{
	if (syscall(444, NULL, 0, 1) < 4)
		_exit(77);
	confine_as((struct confine){.files = true});
	CHILD(try_port(1) == EACCES);
	CHILD(try_port(53) == EACCES);
}

static void a_port_is_all_there_is(void **state)
{
	(void)state;
	in_child(one_port);
	in_child(no_port);
}

/* A system call of Landlock's that fails, as on a kernel without it. */
static void no_landlock(void)
{
	const struct confine wish = {.files = true};
	const struct rlimit none = {0};
	struct confine_result result;

	/* The rules need a descriptor. */
	CHILD(setrlimit(RLIMIT_NOFILE, &none) == 0);
	confine_try(&wish, &result);
	CHILD(result.missing == CONFINE_LANDLOCK && strstr(result.why, "Landlock: "));
	CHILD(confine(&wish, false, 0) == 0);
	CHILD(confine(&wish, true, CONFINE_LANDLOCK) == -EPERM);
}

static void what_cannot_be_had_is_said(void **state)
{
	(void)state;
	in_child(no_landlock);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities_are_given_away),
		cmocka_unit_test(another_user_keeps_what_it_needs),
		cmocka_unit_test(who_is_not_there_is_nobody),
		cmocka_unit_test(each_set_has_what_it_needs),
		cmocka_unit_test(places_are_all_there_is),
		cmocka_unit_test(a_port_is_all_there_is),
		cmocka_unit_test(what_cannot_be_had_is_said),
	};

	return cmocka_run_group_tests(tests, make_base, remove_base);
}
