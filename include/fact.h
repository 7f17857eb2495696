/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fact.h - a wire record, checked and in host order.
 *
 * Owns: the only reader of include/wire.h in user space.  Refuses to know: where the bytes came from.
 * Pure and thread-safe.
 *
 *     struct fact f;
 *     if (fact_decode(&f, data, size) < 0) count_malformed();
 */
#ifndef SOCKWATCH_FACT_H
#define SOCKWATCH_FACT_H

#include "inet.h"
#include "process.h"
#include "wire_closed.h"
#include "wire_process.h"

struct fact {
	enum wire_kind kind;
	uint8_t flags;		/* enum wire_flag */
	uint8_t options;	/* enum wire_option */
	uint32_t netns;
	uint32_t device;	/* interface the socket is bound to, 0 any */
	uint32_t vrf;		/* that of the VRF its port is bound in, 0 none or not known */
	uint64_t time_ns;
	uint64_t sk;
	uint64_t cookie;
	uint64_t listener;	/* cookie; of a seed that waits for accept(): `sk`; 0 unknown */
	enum family family;
	enum tcp_state from, to;
	uint16_t protocol;
	uint16_t error;
	struct endpoint local, peer; /* ifindex where link-local */
	bool has_task;
	struct process task;	/* valid where has_task; strings NULL */
	uint32_t socket_uid;	/* of who made the socket; INET_NO_UID unknown, which it is without WIRE_O_KNOWN */
	uint32_t fd, parent;	/* seeds */
	uint32_t kernel_device;	/* seeds: the interface that the kernel made the socket for, 0 none or unknown */
	int result;		/* 0 or a negative errno */
	/*
	 * Failed calls that the kernel side counted together: the first at since_ns (0: not
	 * counted), and `repeated` more.
	 */
	uint64_t since_ns, repeated;
	uint32_t arg;
	bool counted;
	uint64_t sent_bytes, received_bytes;
	uint32_t retransmits, rtt_us;
	uint32_t unacked_bytes, last_heard_ms, user_timeout_ms; /* see struct wire_closed */
	uint16_t syns;
	uint8_t probes, end; /* enum wire_end */
};

/* Calls that failed with several local ends or peers, counted together: neither is known. */
static inline bool fact_is_of_various(const struct fact *f)
{
	return (f->flags & WIRE_F_VARIOUS) &&
	       (f->kind == WIRE_BIND || f->kind == WIRE_LISTEN || f->kind == WIRE_CONNECT ||
		f->kind == WIRE_ACCEPT);
}

/*
 * Reads one record of `size` bytes at `data` (any alignment).  0, or -EBADMSG when the size does not
 * fit its kind, a kind, family, protocol or state is no known number, a change of state lacks an end, or a
 * result or error is no errno; `ret` is untouched then.  A task with pid 0 counts as none.
 */
int fact_decode(struct fact *ret, const void *data, size_t size);

/* ---- processes ---- */

struct process_fact {
	enum wire_process_kind kind;
	uint32_t pid, parent;	/* never 0; 0 unknown */
	uint64_t time_ns;
	uint64_t start_ns, parent_start_ns;
	uint64_t cgroup_id;
	char name[PROCESS_NAME_SIZE];
	/* EXEC only; NULL what could not be read. */
	const char *args;	/* each ended by NUL, any bytes */
	size_t args_len;
	bool args_cut;
	char exe[WIRE_PATH_MAX + 2], cgroup[WIRE_PATH_MAX + 2]; /* paths; "" unknown */
};

/*
 * Reads one record of processes, as fact_decode() does.  `args` points into `data`.  -EBADMSG when the lengths do not make
 * up the size, a kind or flag is no known one, a path is no list of names, or the pid is 0; `ret` is untouched then.
 */
int process_fact_decode(struct process_fact *ret, const void *data, size_t size);

#endif
