/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps.h - every map but two of connect() (asked.h), two of failed calls (fold.h) and two of second copies (told.h), with its
 * note: key, value, who writes, what happens when full.
 * Definitions are weak, so that bpftool merges them when the objects are linked.
 */
#ifndef SOCKWATCH_BPF_MAPS_H
#define SOCKWATCH_BPF_MAPS_H

#include "compat.h"
#include "wire.h"

/* All facts to user space, where a thread moves them to memory.  Written by submit.h only.  Full: the fact is dropped and counted
 * in `lost`. The sizes are set by the loader (--ring). */
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 21);
} facts SEC(".maps") __weak;
const volatile __u64 ring_bytes SEC(".rodata") __weak = 0; /* its size */
const volatile __u64 all_bytes SEC(".rodata") __weak = 0;  /* with that of the memory */
/* What was moved out of the ring and not read.  The thread adds before it moves, so that what waits is never told too low. */
__u64 moved_bytes SEC(".bss") __weak;

enum call_kind {
	CALL_BIND = 1,
	CALL_LISTEN,
	CALL_CONNECT,
	CALL_UNTOLD, /* a connect() that its exit is silent about */
};

/* Whether a UDP socket had a port when the call began. */
enum udp_port { UDP_HAS_PORT = 1, UDP_NO_PORT };

/* What a system call's entry leaves for its exit. */
struct call {
	__u64 sk;
	__u8 kind;   /* enum call_kind */
	__u8 state;  /* of the socket at entry */
	__u8 opened; /* the socket went to SYN_SENT during the call */
	__u8 udp;    /* enum udp_port: 0 for other protocols */
	__u32 backlog;
	__u8 address[28]; /* sockaddr_in or sockaddr_in6 as the caller gave it */
	__u32 pad1;
};

/* Key: pid_tgid of a thread inside bind, listen or connect (trampolines: UDP only).  Value: struct
 * call.  Written by the entry, removed by the exit.  Full (more threads blocked in connect than
 * entries): the call is counted in calls_full; its states still show.  Each entry takes 120 bytes of the kernel, used or not; the
 * loader takes fewer where no call that may wait for long is followed. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 16384);
	__type(key, __u64);
	__type(value, struct call);
} calls SEC(".maps") __weak;

/* Value: the cookie of a listener with SO_REUSEPORT or IP_TRANSPARENT, inherited by the children the kernel clones from
 * it: the only way to tell whose child it is where the clone no longer carries its listener's
 * cookie (6.16 on).  Lives and dies with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, __u64);
} listener_of SEC(".maps") __weak;

/* What was last reported of a UDP socket that sends without being connected. */
struct sent {
	__u64 sk; /* its address, see before_send() */
	__u32 port;
	__u32 pad0;
};

/* Value: struct sent.  Written by the first send only, so that every other one costs a lookup.
 * Without memory for it the port is not reported.  Lives and dies with the socket. */
struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sent);
} sent_from SEC(".maps") __weak;

/* Failed calls that each user may tell one by one in FOLD_NS; more are counted in `folded`, so that no user fills the ring. */
#define FOLD_CALLS 256
#define FOLD_NS	   100000000

/* Bytes that one user has had, from this position of the ring on. */
struct share {
	__u64 since_pos;
	__u64 bytes;
};

/* What one user has had: failed calls since since_ns (fold.h), and shares of the ring, and of it and the memory behind it, while
 * they were more than half full (submit.h); two CPUs may let some more through. */
struct allowance {
	__u64 since_ns;
	__u64 calls;
	struct share ring, all;
};
#define NOBODYS ((__u32)-1)

/* Key: uid, real for calls, the socket's for bytes; NOBODYS for minisocks.  Full: who was longest without begins anew. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 1024);
	__type(key, __u32);
	__type(value, struct allowance);
} allowances SEC(".maps") __weak;

/* Facts that found the ring full, by kind.  Written here, read by the loader. */
#define LOST_KINDS 16 /* a power of two, so that any kind can be bounded by a mask */
_Static_assert(WIRE_KINDS <= LOST_KINDS, "each kind has a counter");
__u64 lost[LOST_KINDS] SEC(".bss") __weak;
__u64 over_share SEC(".bss") __weak; /* of them, those that found their user's share used up */
__u64 calls_full SEC(".bss") __weak;

/* The reader sleeps and wants to be woken with the next fact.  It sets this, the fact that wakes it
 * clears it. */
__u32 reader_asleep SEC(".bss") __weak;

#endif
