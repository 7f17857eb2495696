/* SPDX-License-Identifier: GPL-2.0-only */
/* look_private.h - one look and its sources, for src/kernel/look*.c and walk.c only. */
#ifndef SOCKWATCH_LOOK_PRIVATE_H
#define SOCKWATCH_LOOK_PRIVATE_H

#include "inodes.h"
#include "look_beside.h"
#include "kernel_private.h"
#include "look_source.h"
#include "wire_filter.h"
#include "wire_look.h"

/* No program reads the last: those before it are so many. */
enum look_part { LOOK_TASKS, LOOK_TCP, LOOK_UDP, LOOK_UNIX, LOOK_PARTS, LOOK_PROGRAMS = LOOK_UNIX };

/*
 * Where a look comes from.  Every function returns 0 or -errno (-ENOTSUP: no program for it).  each_task() hands out what
 * descriptors lead to, each_netns() what the tables lead to of the namespace that this thread is in, whose inode is `netns`.
 */
struct look_source {
	const char *name;
	int (*open)(struct look_reader *r, struct kernel_error *error);
	void (*begin)(struct look_reader *r); /* a look begins; NULL: nothing is to be prepared */
	int (*each_task)(struct look_reader *r);
	int (*each_netns)(struct look_reader *r, uint32_t netns, enum look_part part);
	void (*close)(struct look_reader *r); /* also of what was not opened, or in part */
	const char *program[LOOK_PARTS];      /* the row that tells why a part fails; NULL none */
	bool beside;	   /* namespaces are read beside the tasks, into r->tables */
	bool tables_first; /* descriptors lead to what the tables have shown */
};

extern const struct look_source look_iterators, look_walk, look_proc;

/* Interfaces that receive through a UDP socket which the kernel made for them. */
struct look_devices {
	struct look_device {
		uint16_t port;
		uint32_t ifindex;
	} * item;
	size_t count;
};

struct look_reader {
	struct look_options options;
	const struct look_source *source;
	void *state; /* of the source */
	struct kernel_hook hooks[LOOK_HOOKS];
	size_t hook_count;
	uint64_t malformed;
	char lacks[128]; /* capabilities without which something is not seen; "" none */

	/* Of the look that goes on. */
	const struct look_request *request;
	const struct look_sink *sink;
	uint64_t time_ns;      /* of the last read */
	struct look_task task; /* of the records that follow a LOOK_FIRST */
	bool has_task;
	struct seen_files {
		uint64_t files;
		uint32_t pid, tid;
	} * seen; /* of threads that are not the first */
	size_t seen_count;
	struct look_socket *kernels; /* its UDP sockets, whose devices are asked for last */
	size_t kernel_count;
	struct reach_bpf *reach; /* NULL: not loaded */
	bool no_reach;		 /* it was tried already */
	struct look_ring {
		uint64_t ring; /* kernel address */
		uint32_t pid, tid, fd;
	} * rings;
	struct look_space {
		uint32_t inode, pid, tid, fd;
	} * spaces;	      /* namespaces behind descriptors, of any kind */
	struct inodes toured; /* network namespaces that the tour entered, or was refused */
	size_t ring_count, space_count;
	bool rings_missed;		 /* the table of one could not be read */
	struct look_listener *listeners; /* of TCP */
	struct look_socket *queued;	 /* connections whose listener is asked for at the end */
	size_t listener_count, queued_count;
	struct look_devices devices; /* of the namespace that sock_diag or /proc/net is asked in */
	struct look_beside tables;
	int tour_err;
	int err[LOOK_PARTS]; /* the first of each */
	struct netns_unseen unseen;
	uint32_t ranges_unseen, refused; /* processes whose descriptors may not be looked at */
	char refused_path[64];		 /* of the first */
};

/* The time that the request gave is over. */
static inline bool look_is_late(const struct look_reader *r)
{
	return r->request->until_ns && kernel_now() > r->request->until_ns;
}

/* look_decode.c */
/* Hands out whole records of `data` and returns how many bytes they were; -EBADMSG. */
ssize_t look_take_records(struct look_reader *r, const char *data, size_t len);
/* Hands out a socket that a ring holds. */
int look_tell_registered(struct look_reader *r, const struct wire_look_first *w);

/* look_reach.c */
void look_reach_begin(struct look_reader *r);
/* Hands out what rings hold, and connections that wait for accept(), once all other sockets are known. */
void look_reach(struct look_reader *r);
void look_reach_done(struct look_reader *r);
/* Descriptor `fd` of a thread is a ring. */
void look_note_ring(struct look_reader *r, uint64_t ring, uint32_t pid, uint32_t tid, uint32_t fd);
/* Descriptor `fd` of a thread is a namespace of some kind. */
void look_note_space(struct look_reader *r, uint64_t inode, uint32_t pid, uint32_t tid,
		     uint32_t fd);
/* True: it waits for accept(), and is handed out by look_reach(). */
bool look_note_queued(struct look_reader *r, const struct look_socket *s);

/* look_hooks.c */
void look_init_hooks(struct look_reader *r);
/* The row of a program; what became of it is said there. */
struct kernel_hook *look_hook(struct look_reader *r, const char *program);
bool look_leaves_out(const struct look_reader *r, const char *hook);

/* look_devices.c */
/* Those of the namespace that this thread is in; what cannot be read is left out.  O(interfaces). */
void look_read_devices(struct look_devices *ret);
void look_devices_done(struct look_devices *d);
/* One with this port, the first of several; 0 none. */
uint32_t look_device_of(const struct look_devices *d, uint16_t port);
/* Keeps a socket until its device is known.  False: it is to be handed out as it is. */
bool look_hold_back(struct look_reader *r, const struct look_socket *s);
/* Hands out what was held back. */
void look_tell_kernels(struct look_reader *r);

/* look_tables.c */
/* `path` is /proc/PID or /proc/PID/task/TID.  Other than 0 ends the look. */
typedef int (*look_table_fn)(struct look_reader *r, const char *path, uint32_t pid, uint32_t tid);
/* Each table of descriptors of each process once, with a thread that has it. */
int look_each_table(struct look_reader *r, look_table_fn fn);

/* look_net.c */
/* One file of /proc/net of the namespace that this thread is in; -ENOENT where the kernel has none. */
int look_read_net(struct look_reader *r, uint32_t netns, uint16_t protocol, bool v6);
/* Hands out a socket that sock_diag or /proc/net tells, with what follows from it. */
void look_tell_net(struct look_reader *r, struct look_socket *s);

/* look_unix.c: Unix sockets of this thread's namespace. */
int look_read_unix(struct look_reader *r, uint32_t netns);

#endif
