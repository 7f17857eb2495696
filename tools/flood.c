// SPDX-License-Identifier: GPL-2.0-only
/*
 * flood - what a host can do to a tracer, in a network namespace of its own.
 *
 *     flood processes SECONDS        processes that end at once, as many as one loop makes
 *     flood renames SECONDS          one process takes a new name again and again, and binds a socket under each 64th
 *     flood binds SECONDS HOLDERS    bind() to a port that HOLDERS sockets share, which fails
 *     flood namespaces COUNT         namespaces with a listener in each, until standard input ends; says "ready COUNT"
 *
 * Prints how many it made.  All but the last run as nobody: what they cost must be their own.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOBODY	   65534
#define PORT	   4799
#define NAME_EVERY 64
#define LOOK_EVERY 64 /* at the clock */

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void become_nobody(void)
{
	if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
		die("nobody");
}

/* The child has this stack until it ends. */
static __attribute__((noinline)) pid_t short_life(void)
{
	pid_t pid = vfork();

	if (pid == 0)
		_exit(0);
	return pid;
}

static long processes(double end)
{
	long made = 0;

	become_nobody();
	while (made % LOOK_EVERY || now() < end) {
		pid_t pid = short_life();

		if (pid < 0)
			die("vfork");
		waitpid(pid, NULL, 0);
		made++;
	}
	return made;
}

static int bound(unsigned int port, int share)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &share, sizeof(share));
	if (fd < 0 || bind(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		die("bind");
	return fd;
}

static long renames(double end)
{
	char name[32];
	long made = 0;

	become_nobody();
	while (made % LOOK_EVERY || now() < end) {
		snprintf(name, sizeof(name), "name-%ld", made);
		prctl(PR_SET_NAME, name);
		if (made++ % NAME_EVERY == 0)
			close(bound(0, 0));
	}
	return made;
}

static long binds(double end, long holders)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(PORT)};
	long made = 0;
	int fd;

	for (long i = 0; i < holders; i++)
		bound(PORT, 1);
	become_nobody();
	fd = socket(AF_INET, SOCK_STREAM, 0);
	while (made % LOOK_EVERY || now() < end) {
		if (bind(fd, (struct sockaddr *)&at, sizeof(at)) == 0 || errno != EADDRINUSE)
			die("a bind that must fail");
		made++;
	}
	return made;
}

static long namespaces(long count)
{
	char byte;

	for (long i = 0; i < count; i++) {
		if (i && unshare(CLONE_NEWNET) < 0)
			die("a namespace");
		if (listen(bound(PORT, 0), 1) < 0)
			die("listen");
	}
	printf("ready %ld\n", count);
	fflush(stdout);
	while (read(STDIN_FILENO, &byte, 1) > 0)
		;
	return count;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	long number = argc > 2 ? atol(argv[2]) : 0, made;
	double end = now() + (double)number;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (unshare(CLONE_NEWNET) < 0)
		die("a namespace");
	if (strcmp(what, "processes") == 0)
		made = processes(end);
	else if (strcmp(what, "renames") == 0)
		made = renames(end);
	else if (strcmp(what, "binds") == 0 && argc > 3)
		made = binds(end, atol(argv[3]));
	else if (strcmp(what, "namespaces") == 0)
		made = namespaces(number);
	else
		return 2;
	printf("%ld\n", made);
	return 0;
}
