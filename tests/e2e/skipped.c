// SPDX-License-Identifier: GPL-2.0-only
#include "skipped.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/perf_event.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#define MAX_CPUS 256
#define LOOKS	 1000

/* The runs as they were between two counts of the changes. */
struct sight {
	uint64_t before, ran, after;
};

static int counter[MAX_CPUS], counters, stats = -1;

static int bpf(int command, union bpf_attr *attr)
{
	return (int)syscall(SYS_bpf, command, attr, sizeof(*attr));
}

/* Of a file system of its own: tracefs may be mounted nowhere. */
static uint64_t tracepoint_id(void)
{
	int context = fsopen("tracefs", FSOPEN_CLOEXEC), root = -1, fd = -1;
	char text[32] = "";

	if (context >= 0 && fsconfig(context, FSCONFIG_CMD_CREATE, NULL, NULL, 0) == 0)
		root = fsmount(context, FSMOUNT_CLOEXEC, 0);
	if (root >= 0)
		fd = openat(root, "events/sock/inet_sock_set_state/id", O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && read(fd, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(fd);
	close(root);
	close(context);
	return strtoull(text, NULL, 10);
}

static uint64_t changes(void)
{
	uint64_t sum = 0, value;

	for (int i = 0; i < counters; i++) {
		if (read(counter[i], &value, sizeof(value)) == sizeof(value))
			sum += value;
	}
	return sum;
}

static bool get_info(int fd, struct bpf_prog_info *ret)
{
	union bpf_attr attr = {.info = {.bpf_fd = (uint32_t)fd,
					.info_len = sizeof(*ret),
					.info = (uint64_t)(uintptr_t)ret}};

	*ret = (struct bpf_prog_info){0};
	return bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0;
}

/* Of the second copy: the first misses more. */
static int open_program(uint32_t id)
{
	union bpf_attr attr = {.prog_id = id};
	struct bpf_prog_info info;
	int fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);

	if (fd < 0)
		return -1;
	if (get_info(fd, &info) &&
	    (strncmp(info.name, "again__inet_sock_set_state", BPF_OBJ_NAME_LEN - 1) == 0 ||
	     strncmp(info.name, "raw_again__inet_sock_set_state", BPF_OBJ_NAME_LEN - 1) == 0))
		return fd;
	close(fd);
	return -1;
}

static uint32_t program_id(int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC);
	char text[1024];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	const char *at;

	close(fd);
	text[n < 0 ? 0 : n] = '\0';
	at = strstr(text, "prog_id:");
	return at && strstr(text, "prog_jited:") ? (uint32_t)strtoul(at + 8, NULL, 10) : 0;
}

static int find_program(pid_t tracer)
{
	struct dirent *entry;
	int found = -1;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", tracer);
	d = opendir(path);
	while (d && found < 0 && (entry = readdir(d))) {
		uint32_t id = program_id(dirfd(d), entry->d_name);

		found = id ? open_program(id) : -1;
	}
	if (d)
		closedir(d);
	return found;
}

/* Runs, and what was missed where the program ran already. */
static uint64_t runs(const struct skipped *s)
{
	struct bpf_prog_info info;

	return s->program >= 0 && get_info(s->program, &info) ? info.run_cnt + info.recursion_misses
							      : 0;
}

/* Again until no change came between, which would hide one that was skipped. */
static struct sight look(const struct skipped *s)
{
	struct sight seen = {0};

	for (int i = 0; i < LOOKS; i++) {
		seen.before = changes();
		seen.ran = runs(s);
		seen.after = changes();
		if (seen.before == seen.after)
			break;
	}
	return seen;
}

static void open_counters(void)
{
	union bpf_attr attr = {.enable_stats = {.type = BPF_STATS_RUN_TIME}};
	struct perf_event_attr event = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(event), .config = tracepoint_id()};

	stats = bpf(BPF_ENABLE_STATS, &attr);
	while (counters < MAX_CPUS && stats >= 0 && event.config) {
		int fd = (int)syscall(SYS_perf_event_open, &event, -1, counters, -1,
				      PERF_FLAG_FD_CLOEXEC);

		if (fd < 0)
			break;
		counter[counters++] = fd;
	}
}

void skipped_begin(struct skipped *s, pid_t tracer)
{
	struct sight seen;

	if (stats < 0)
		open_counters();
	s->program = find_program(tracer);
	seen = look(s);
	s->changes = seen.after;
	s->runs = seen.ran;
}

int64_t skipped_count(const struct skipped *s)
{
	struct sight seen = look(s);

	/* Never run: rather not found. */
	if (!counters || seen.ran == s->runs)
		return 0;
	return (int64_t)(seen.before - s->changes) - (int64_t)(seen.ran - s->runs);
}

void skipped_end(struct skipped *s)
{
	if (s->program >= 0)
		close(s->program);
	s->program = -1;
}
