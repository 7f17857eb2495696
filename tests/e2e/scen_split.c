// SPDX-License-Identifier: GPL-2.0-only
/* A trace is two processes: what either may do, and that neither outlives the other. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

/* DAC_READ_SEARCH, NET_ADMIN, SYS_PTRACE, SYS_ADMIN, SYS_NICE, PERFMON, BPF */
#define HELPER_KEEPS                                                                               \
	(1ull << 2 | 1ull << 12 | 1ull << 19 | 1ull << 21 | 1ull << 23 | 1ull << 38 | 1ull << 39)
#define END_MS 10000

/* The number behind `key` in a process's status; false where there is none, or no such process. */
static bool read_status(pid_t pid, const char *key, int base, unsigned long long *ret)
{
	char path[32], line[256];
	size_t len = strlen(key);
	bool found = false;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	file = fopen(path, "re");
	while (file && !found && fgets(line, sizeof(line), file)) {
		found = strncmp(line, key, len) == 0 && line[len] == ':';
		if (found)
			*ret = strtoull(line + len + 1, NULL, base);
	}
	if (file)
		fclose(file);
	return found;
}

static unsigned long long status_of(pid_t pid, const char *key, int base)
{
	unsigned long long value;

	if (!read_status(pid, key, base, &value))
		scenario_fail("process %d has no %s", (int)pid, key);
	return value;
}

/* The one child; 0: there is none. */
static pid_t helper_of(const struct tracer *t)
{
	DIR *dir = opendir("/proc");
	const struct dirent *entry;
	unsigned long long parent;
	pid_t found = 0;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 0 && read_status(pid, "PPid", 10, &parent) &&
		    parent == (unsigned long long)t->pid)
			found = pid;
	}
	if (dir)
		closedir(dir);
	return found;
}

static struct tracer *open_two(pid_t *ret_helper)
{
	struct tracer *t = tracer_open(NULL);

	*ret_helper = helper_of(t);
	if (!*ret_helper)
		scenario_fail("there is no second process; it said: %s", t->words);
	return t;
}

static void each_has_its_rights(void)
{
	static const char *const sets[] = {"CapInh", "CapPrm", "CapEff", "CapBnd"};
	unsigned long long ours = status_of(getpid(), "CapEff", 16), filter;
	pid_t helper;
	struct tracer *t = open_two(&helper);

	for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
		if (status_of(t->pid, sets[i], 16))
			scenario_fail("the reader has %s %llx", sets[i],
				      status_of(t->pid, sets[i], 16));
	}
	if (status_of(helper, "CapEff", 16) != (ours & HELPER_KEEPS))
		scenario_fail("the helper has %llx", status_of(helper, "CapEff", 16));
	if (getuid() == 0 &&
	    (status_of(t->pid, "Uid", 10) == 0 || status_of(helper, "Uid", 10) != 0))
		scenario_fail("the reader is user %llu, the helper %llu",
			      status_of(t->pid, "Uid", 10), status_of(helper, "Uid", 10));
	if (!status_of(t->pid, "NoNewPrivs", 10) || !status_of(helper, "NoNewPrivs", 10))
		scenario_fail("they could gain rights");
	if (read_status(getpid(), "Seccomp", 10, &filter) &&
	    (status_of(t->pid, "Seccomp", 10) != 2 || status_of(helper, "Seccomp", 10) != 2))
		scenario_fail("they may make any system call");
	tracer_end(t, SIGINT, 0);
	if (kill(helper, 0) == 0)
		scenario_fail("the helper goes on after the end");
	tracer_close(t);
}

static bool is_failed_bind(const struct tracer *t, const void *ctx)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->kind == LINE_BIND &&
		    t->line[i]->local.port == *(const unsigned int *)ctx && t->line[i]->error[0] &&
		    t->line[i]->holder_count)
			return true;
	}
	return false;
}

/* Signals that a terminal or a service manager sends to both are the reader's to follow. */
static void the_helper_waits_for_the_reader(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	pid_t helper;
	struct tracer *t = open_two(&helper);
	struct pair p = pair_new("127.0.0.1");
	int fd;

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		kill(helper, signals[i]);
	pair_listen(&p);
	fd = (int)must("socket", remote_socket(p.client, AF_INET, 0));
	if (remote_bind(p.client, fd, p.connect_to) == 0)
		scenario_fail("the port was free");
	tracer_await(t, END_MS, "a failed bind and its holder", is_failed_bind,
		     &(unsigned int){address_port(&p.connect_to)});
	tracer_end(t, SIGINT, 0);
	tracer_close(t);
}

/* One that nobody waits for stays as a zombie, which has no descriptors any more. */
static bool is_alive(pid_t pid)
{
	char path[32], target[256];

	snprintf(path, sizeof(path), "/proc/%d/exe", (int)pid);
	return readlink(path, target, sizeof(target)) >= 0;
}

static void await_end_of(pid_t pid)
{
	uint64_t deadline = deadline_in(END_MS);

	while (is_alive(pid)) {
		if (!deadline_left(deadline))
			scenario_fail("process %d goes on", (int)pid);
		tracer_pump(-1, deadline_in(10));
	}
}

static void a_killed_reader_leaves_no_helper(void)
{
	pid_t helper;
	struct tracer *t = open_two(&helper);

	kill(t->pid, SIGKILL);
	tracer_close(t);
	await_end_of(helper);
}

static void a_killed_helper_ends_the_reader(void)
{
	pid_t helper;
	struct tracer *t = open_two(&helper);

	kill(helper, SIGKILL);
	tracer_end(t, 0, 1);
	if (!strstr(t->words, "has ended"))
		scenario_fail("it did not say why: %s", t->words);
	tracer_close(t);
}

const struct scenario split_scenarios[] = {
	{"split-each-has-its-rights", each_has_its_rights},
	{"split-helper-waits-for-the-reader", the_helper_waits_for_the_reader},
	{"split-killed-reader", a_killed_reader_leaves_no_helper},
	{"split-killed-helper", a_killed_helper_ends_the_reader},
	{0},
};
