/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * split_wire.h - what the process that reads facts and the helper with rights say to each other over a socketpair.
 *
 * One message is one datagram (SOCK_SEQPACKET).  A request is numbers only, of one size.  An answer is a head and
 * `size` bytes; `more` says that another message of the same answer follows.
 *
 *     reader                          helper
 *       |-- LOOK tcp|udp|tasks ------------>|
 *       |<-- more: task, socket, socket ... |   any number of messages
 *       |<-- end: what was left out --------|
 *
 * Both are one program at one time: records have the layout of memory.  Owns: layouts, and the checks of what comes.
 * Neither side believes the other: the helper because the reader parses what strangers write, the reader because a number
 * out of range would be an index.
 * Refuses to know: sockets and who answers (split.h).  Pure.
 */
#ifndef SOCKWATCH_SPLIT_WIRE_H
#define SOCKWATCH_SPLIT_WIRE_H

#include "look.h"

enum split_kind {
	SPLIT_NONE,
	SPLIT_LOOK,	   /* a look: items, then struct split_look_end */
	SPLIT_RANGE,	   /* netns, pid: struct port_range */
	SPLIT_LISTENERS,   /* the list is in memory that the programs share: nothing */
	SPLIT_OVERFLOWS,   /* netns, pid: uint64_t */
	SPLIT_MISSES,	   /* runs that the kernel left out: uint64_t a hook */
	SPLIT_FOLDS,	   /* number 0 or 1: struct wire_fold each */
	SPLIT_DETACH,	   /* nothing */
	SPLIT_PROGRAM,	   /* pid: struct split_program, path, arguments */
	SPLIT_CGROUPS,	   /* pid: the lines of its cgroup file */
	SPLIT_CGROUP_PATH, /* value, a cgroup's id: its path */
	SPLIT_NAMES,	   /* id, pod: struct split_names, container's and pod's */
	SPLIT_INTERFACE,   /* netns, number: its name */
	SPLIT_NAMESPACES,  /* items */
	SPLIT_FILE, /* number of a file, flags what is to be done with it: perhaps a descriptor */
	SPLIT_KINDS,
};

#define SPLIT_MESSAGE_MAX (32u << 10)
#define SPLIT_TEXT_MAX	  8192
#define SPLIT_FILES	  8

enum split_look_flag {
	SPLIT_L_TASKS = 1 << 0,
	SPLIT_L_TCP = 1 << 1,
	SPLIT_L_UDP = 1 << 2,
	SPLIT_L_RANGES = 3 << 3, /* enum look_ranges */
	SPLIT_L_ASKED = 1 << 5,
};

/* POINT: opens nothing (O_PATH).  RENAME: to the name that it is to have. */
enum split_file_do { SPLIT_F_OPEN = 1, SPLIT_F_POINT, SPLIT_F_REMOVE, SPLIT_F_RENAME };

/* Fields that a kind has no use for are 0. */
struct split_request {
	uint32_t kind;
	uint32_t netns, pid;
	uint32_t number;
	uint32_t flags, wants;
	uint64_t value; /* LOOK: until_ns */
	uint8_t id[32], pod[16];
};

struct split_head {
	uint32_t kind; /* of the request */
	uint32_t size;
	int32_t result; /* 0 or -errno */
	uint32_t more;	/* 0 or 1 */
};

enum split_item_type { SPLIT_I_TASK = 1, SPLIT_I_SOCKET, SPLIT_I_NETNS, SPLIT_I_UNSEEN, SPLIT_I_NAME };

/* A part of an answer that has many; `size` bytes with this head, a multiple of 8. */
struct split_item_head {
	uint16_t type, size;
	uint32_t number; /* SOCKET: descriptor; NETNS, UNSEEN, NAME: inode */
};
struct split_task {
	struct split_item_head head;
	uint32_t pid, tid, uid, ruid, parent, pad;
	uint64_t cgroup_id, started_ns;
	char name[PROCESS_NAME_SIZE];
};
struct split_socket {
	struct split_item_head head;
	uint32_t held, pad; /* by the task told last, else a table leads to it */
	struct look_socket socket;
};
struct split_netns {
	struct split_item_head head;
	struct port_range range;
};
struct split_unseen {
	struct split_item_head head;
	uint32_t what, pad;
};
struct split_name {
	struct split_item_head head;
	char name[NETNS_NAME_SIZE];
};

struct split_look_end {
	uint64_t malformed;
	uint32_t missed_rings;
	int32_t result; /* 0 or -errno: with the error */
	char error[512];
};
struct split_program {
	uint64_t start_ns;
	uint32_t parent, exe_len, args_len, args_cut;
	char name[PROCESS_NAME_SIZE];
};
struct split_names {
	uint32_t container_len, pod_len;
};

/* `size` bytes are a request, with nothing in it but what its kind wants. */
bool split_request_is_good(const void *data, size_t size);
/* The request of a look and back; what it does not say is 0. */
struct split_request split_look_request(const struct look_request *q);
struct look_request split_look_wanted(const struct split_request *q);

/* `size` bytes are an answer to `kind`, as far as the head tells. */
bool split_answer_is_good(const void *data, size_t size, uint32_t kind);

/* The item at the begin of `size` bytes, aligned to 8: whole, of a known type, with nothing in it that cannot be; NULL: it is none. */
const struct split_item_head *split_item(const uint8_t *data, size_t size);
/* Hands the items of a look to `sink`, known() is asked here.  `task`: the one told last, pid 0 none yet.  0, or -EBADMSG; what came
 * before the bad one was handed out. */
int split_take_items(struct look_task *task, const uint8_t *data, size_t size,
		     const struct look_sink *sink);
/* 0, or -EBADMSG with *ret as it was. */
int split_take_end(const uint8_t *data, size_t size, struct split_look_end *ret);
int split_take_program(const uint8_t *data, size_t size, struct process_reading *ret);
/* malloc()ed, NULL unknown. */
int split_take_names(const uint8_t *data, size_t size, char **ret_container, char **ret_pod);

/* "64 hex digits" and "8-4-4-4-12" (or '_') as numbers; false: it is none. */
bool split_number_of(const char *text, size_t digits, uint8_t *ret);
/* Back; `out` holds 37 or 65 bytes. */
void split_text_of(const uint8_t *number, size_t bytes, bool grouped, char *out);

#endif
