/* SPDX-License-Identifier: GPL-2.0-only */
/* record_process.h - a process as it lies in the queue and in its row. */
#ifndef SOCKWATCH_STORE_RECORD_PROCESS_H
#define SOCKWATCH_STORE_RECORD_PROCESS_H

#include "process.h"

/* What is known of a process in words, in this order behind its record. */
enum process_text {
	TEXT_CGROUP,
	TEXT_CONTAINER,
	TEXT_CONTAINER_NAME,
	TEXT_POD,
	TEXT_UNIT,
	TEXT_EXE,
	TEXT_ARGS, /* with NULs */
	TEXT_PARENTS, /* parents_pack() */
	TEXTS,
};

/* From here on `slot` means this process. */
struct record_process {
	uint16_t size;
	uint8_t kind;
	bool args_cut;
	uint8_t has; /* bit per enum process_text */
	uint32_t slot;
	uint32_t pid, tid, uid, ruid;
	uint64_t cgroup_id;
	uint64_t start_boot_ns; /* CLOCK_BOOTTIME, 0 unknown */
	uint64_t start_ns;	/* CLOCK_REALTIME, likewise */
	uint64_t program;	/* its hash, 0 unknown */
	char name[PROCESS_NAME_SIZE];
	uint16_t len[TEXTS];
	/* the texts */
};

/* Parents as bytes: pid (4), start (8, CLOCK_REALTIME), flags (1), name and arguments each behind its length (1). */
#define PARENT_ARGS 128 /* bytes kept of each */
#define PARENTS_BYTES (PROCESS_PARENTS * (4 + 8 + 1 + 1 + PROCESS_NAME_SIZE + 1 + PARENT_ARGS))
size_t parents_pack(uint8_t *out, const struct process *p, int64_t wall_offset_ns);
/* Fills `parent` of a zeroed `ret` with memory of their own (program_copy()); unreadable bytes end the list. */
void parents_unpack(struct process *ret, const uint8_t *bytes, size_t len);

#endif
