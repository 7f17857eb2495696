/* SPDX-License-Identifier: GPL-2.0-only */
/* process_private.h - the processes behind the interned entries, for src/model/process.c and leader.c only. */
#ifndef SOCKWATCH_MODEL_PROCESS_PRIVATE_H
#define SOCKWATCH_MODEL_PROCESS_PRIVATE_H

#include "hash.h"
#include "process.h"

/* Bytes that several share. */
struct words {
	uint32_t references;
	uint32_t len;
	char bytes[]; /* and a NUL */
};

/* The program comes first, so that the pointer users hold is the counted one's. */
struct counted_program {
	struct program program;
	uint32_t references;
	struct words *exe, *args;
};

/* A process from fork() to the end of its last thread, and as long as an entry names it. */
struct leader {
	uint32_t pid;
	uint32_t references; /* entries, and one while it lives */
	uint32_t version;    /* counts what was seen to change it */
	uint8_t parent_count;
	bool parents_known;
	bool known; /* followed from its beginning, or read */
	bool listed; /* has the number */
	bool past;   /* named, and known from before a loss: its end is still told */
	bool ended;
	uint64_t start_ns; /* 0 unknown */
	uint64_t cgroup_id;
	struct words *cgroup; /* path of cgroup_id; NULL unknown */
	struct process_place place; /* of place_cgroup_id, where it was asked for */
	uint64_t place_cgroup_id;
	struct counted_program *program;
	struct counted_program *parent[PROCESS_PARENTS];
};

/* All arguments and paths together. */
#define TEXT_MAX ((size_t)64 << 20)

struct leader_place {
	struct leader *leader;
};
HASH_TYPE(leader_index, struct leader_place);

struct leaders {
	struct leader_index index; /* those that live, by pid */
	struct leader_index past;  /* several of a pid */
	process_read_fn read;
	void *ctx;
	size_t count, max, text_bytes, text_max;
	size_t most; /* of `count` since memory was given back */
	uint64_t full;
	bool args;
};

/* The process that has this number now, with a reference; NULL without room.  O(1). */
struct leader *leader_of(struct leaders *l, uint32_t pid);
void leader_release(struct leaders *l, struct leader *leader);
/* Asks what it is, unless that is known or it has ended. */
void leader_read(struct leaders *l, struct leader *leader);
void leaders_follow(struct leaders *l, const struct process_fact *f);
/* True when few are left of many, or an index became smaller. */
bool leaders_rest(struct leaders *l);
/* Forgets what those that live are. */
void leaders_forget(struct leaders *l);
void leaders_done(struct leaders *l);

struct counted_program *program_hold(struct counted_program *p);
void program_release(struct leaders *l, struct counted_program *p);

#endif
