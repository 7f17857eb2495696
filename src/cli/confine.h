/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * confine.h - gives rights away for good: capabilities, the user, system calls, places to write.
 *
 * Owns: in which order that is done, and what each set of system calls holds.  Refuses to know: what a command does.  Capabilities
 * and Landlock are a thread's: before the first thread is started, which then has the same.
 *
 *     const struct confine wish = {.calls = CONFINE_HISTORY, .files = true};
 *     if (confine(&wish, options->strict, CONFINE_LANDLOCK) < 0)
 *             return 1;
 */
#ifndef SOCKWATCH_CONFINE_H
#define SOCKWATCH_CONFINE_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

/* Which system calls are left.  None of them starts a program, traces one or makes memory executable. */
enum confine_calls {
	CONFINE_ANY,	 /* no filter */
	CONFINE_HISTORY, /* reads files, writes to what is open; no socket */
	CONFINE_LISTING, /* that, asks traces over AF_UNIX and name servers over UDP */
	CONFINE_READER,	 /* reads facts, prints, stores, serves over AF_UNIX */
	CONFINE_HELPER,	 /* looks: bpf(), namespaces, tracing by perf, netlink */
	CONFINE_SENDER,	 /* that of HISTORY, and asks a server over TCP, and for its address */
};

struct confine {
	/* Capabilities that it has and keeps: 1 << CAP_BPF ...  The bounding set is emptied. */
	uint64_t keep;
	/* From uid 0 this user, else `nobody`, else 65534; NULL: stays who it is. */
	const char *become;
	enum confine_calls calls;
	/* The terminal that it has open may be set up, for keys. */
	bool terminal;
	/* Else files are opened for reading only, and none is renamed. */
	bool opens_to_write;
	/* Landlock: what is changed, and read, only below these places, NULL at their end.  No list: nothing is changed, all read. */
	bool files;
	const char *const *write_below;
	const char *const *read_below;
	/* Landlock: connections over TCP to this port and to name servers; 0 none.  None is listened at. */
	uint16_t connects;
};

/* Parts that may not be had. */
enum {
	CONFINE_CAPABILITIES = 1 << 0,
	CONFINE_USER = 1 << 1,
	CONFINE_NO_NEW_PRIVS = 1 << 2,
	CONFINE_SECCOMP = 1 << 3,
	CONFINE_LANDLOCK = 1 << 4,
};

struct confine_result {
	unsigned int missing; /* CONFINE_CAPABILITIES ... */
	char why[256];	      /* of each, for one line; "" */
};

/*
 * Does as much of it as can be done; what cannot is in *ret.  The process dumps no core and is not traced any more by others
 * of its user: /proc/PID is root's from then on, what it opens of /proc/self stays its own.  A call that is refused fails with EPERM
 * where it is known to be dangerous, else ENOSYS, and the kernel logs it (audit, type 1326).
 */
void confine_try(const struct confine *wish, struct confine_result *ret);

/*
 * Says what is missing but for `unsaid` (CONFINE_LANDLOCK ...).  0, or -EPERM where something is missing, `unsaid` or
 * not, and `strict`; both after one line.
 */
int confine_say(const struct confine_result *r, bool strict, unsigned int unsaid);

/* confine_try(), then confine_say(). */
int confine(const struct confine *wish, bool strict, unsigned int unsaid);

/*
 * From root into the owner of a directory in which nobody else may write, with all rights that he has; who is not root, and where it is
 * root's, stays who it is.  0 or -errno.
 */
int confine_become_owner(const char *directory);

/* Goes on with these capabilities, of those that it has, until confine(); empties the bounding set. */
void confine_keep(uint64_t keep);

#endif
