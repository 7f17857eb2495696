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

static int counter[MAX_CPUS], counters, stats = -1;
static pid_t watched;
static uint64_t changes_before, runs_before;

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

/* Runs of the program with this id, and what it missed where it ran already, if it is the second copy: the first misses more. */
static uint64_t runs_of(uint32_t id)
{
	struct bpf_prog_info info = {0};
	union bpf_attr attr = {.prog_id = id};
	int fd = bpf(BPF_PROG_GET_FD_BY_ID, &attr);
	bool is_it;

	if (fd < 0)
		return 0;
	attr = (union bpf_attr){.info = {.bpf_fd = (uint32_t)fd,
					 .info_len = sizeof(info),
					 .info = (uint64_t)(uintptr_t)&info}};
	is_it = bpf(BPF_OBJ_GET_INFO_BY_FD, &attr) == 0 &&
		(strncmp(info.name, "again__inet_sock_set_state", BPF_OBJ_NAME_LEN - 1) == 0 ||
		 strncmp(info.name, "raw_again__inet_sock_set_state", BPF_OBJ_NAME_LEN - 1) == 0);
	close(fd);
	return is_it ? info.run_cnt + info.recursion_misses : 0;
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

static uint64_t runs(void)
{
	struct dirent *entry;
	uint64_t sum = 0;
	char path[64];
	DIR *d;

	snprintf(path, sizeof(path), "/proc/%d/fdinfo", watched);
	d = opendir(path);
	while (d && !sum && (entry = readdir(d))) {
		uint32_t id = program_id(dirfd(d), entry->d_name);

		sum = id ? runs_of(id) : 0;
	}
	if (d)
		closedir(d);
	return sum;
}

void skipped_begin(pid_t tracer)
{
	union bpf_attr attr = {.enable_stats = {.type = BPF_STATS_RUN_TIME}};
	struct perf_event_attr event = {
		.type = PERF_TYPE_TRACEPOINT, .size = sizeof(event), .config = tracepoint_id()};

	if (stats < 0)
		stats = bpf(BPF_ENABLE_STATS, &attr);
	while (counters < MAX_CPUS && stats >= 0 && event.config) {
		int fd = (int)syscall(SYS_perf_event_open, &event, -1, counters, -1,
				      PERF_FLAG_FD_CLOEXEC);

		if (fd < 0)
			break;
		counter[counters++] = fd;
	}
	watched = tracer;
	runs_before = runs();
	changes_before = changes();
}

uint64_t skipped_count(void)
{
	uint64_t changed = changes() - changes_before, ran = runs() - runs_before;

	/* Never run: rather not found. */
	return counters && ran && changed > ran ? changed - ran : 0;
}
