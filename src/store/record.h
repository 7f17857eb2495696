/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * record.h - what waits in memory to become a row, and what a row packs into few numbers.
 *
 * Owns: layouts that only src/store knows.  Pure and thread-safe.
 */
#ifndef SOCKWATCH_STORE_RECORD_H
#define SOCKWATCH_STORE_RECORD_H

#include "event.h"
#include "record_process.h"

/* life.facts and call.facts; the views in schema.c take it apart again. */
#define FACTS_PROTOCOL	   0x1ff
#define FACTS_IPV6	   (1u << 9)
#define FACTS_MAPPED	   (1u << 10)
#define FACTS_HAS_LOCAL	   (1u << 11)
#define FACTS_HAS_PEER	   (1u << 12)
#define FACTS_COUNTED	   (1u << 13)
#define FACTS_TIME_WAIT	   (1u << 14)
#define FACTS_OPENED	   (1u << 15) /* the start was seen */
#define FACTS_END_SHIFT	   16	      /* 2 bits: enum event_end */
#define FACTS_REASON_SHIFT 18	      /* 4 bits: enum close_reason */
#define FACTS_AUTOBIND	   (1u << 22)
#define FACTS_STATE_SHIFT  23 /* 4 bits: enum tcp_state of a life that goes on */
#define FACTS_TAKES_SHIFT  27 /* 2 bits: enum takes */
#define FACTS_KERNEL	   (1u << 29)
#define FACTS_ASKED	   (1u << 30) /* a program changed the destination */
#define FACTS_NO_SOURCE	   (1u << 31) /* connect() for want of an address to send from */
#define FACTS_HOW_SHIFT	   32 /* 3 bits: enum close_how */
#define FACTS_TIME_WAIT_UNKNOWN (1ull << 35)
#define FACTS_SILENT	   (1ull << 36) /* when the peer was last heard is known */
#define FACTS_MAX	   ((1ull << 37) - 1)

/*
 * How long a life was, in powers of ten seconds: 0 below 1 s, 1 below 10 s ... 7 any longer.  A life of scale n that
 * touches T ended before T + 10^n s, so few rows are looked at, whatever else the store holds.
 */
#define SCALES 8
unsigned int scale_of(uint64_t ns);
/* The longest life of a scale, UINT64_MAX for the last. */
uint64_t scale_max_ns(unsigned int scale);

/* States and times as bytes: (state << 4 | n), then n bytes of nanoseconds, highest first. */
#define SPANS_BYTES (EVENT_MAX_STATES * 9)
size_t spans_pack(uint8_t *out, const struct event_close *close);
/* Unreadable bytes end the list. */
void spans_unpack(struct event_close *close, const uint8_t *bytes, size_t len);

#define ASKED_BYTES 18

enum record_kind {
	RECORD_LIFE,
	RECORD_OPEN,
	RECORD_CALL,
	RECORD_LOST,
	RECORD_PROCESS,
	RECORD_SWEEP,
	RECORD_TROUBLE, /* of the call before it, or how often it was repeated */
	RECORD_HOLDER,	/* of the trouble before it */
	RECORD_NETNS,	/* what a namespace is called from here on */
	RECORD_BUDGET,
};

/* trouble.known */
#define TROUBLE_HOLDERS	 1u
#define TROUBLE_RANGE	 2u
#define TROUBLE_REPEATED 4u /* and nothing else */
#define TROUBLE_AS_OF	 8u /* the holders are those of an earlier time */
#define TROUBLE_QUEUE	 16u /* and nothing else: of an overflow */

#define NO_SLOT 0 /* no process known */

struct record {
	uint16_t size; /* with what follows, a multiple of 8 */
	uint8_t kind;
	uint64_t facts;
	uint32_t netns;
	uint32_t slot;	  /* of the process, see record_process */
	uint64_t time_ns; /* CLOCK_REALTIME */
	uint64_t boot_ns; /* CLOCK_BOOTTIME */
	uint64_t cookie;
	union { /* by kind */
		struct {
			uint64_t lived_ns;
			uint64_t sent, received;
			uint32_t retransmits, rtt_us;
			uint64_t heard_ns;
			uint32_t unacked, syns;
			bool told; /* as one that goes on, before */
		} life; /* RECORD_LIFE, RECORD_OPEN */
		struct {
			uint8_t event; /* enum event_kind */
			uint32_t number; /* listen: backlog; overflow: dropped */
			uint32_t follow; /* records of its trouble behind it */
		} call;
		struct record_lost {
			uint64_t count, since_ns; /* CLOCK_REALTIME */
			uint64_t added, removed;
		} lost;
		struct {
			uint32_t known;
			uint32_t used, unprivileged_from; /* TROUBLE_QUEUE: waiting, and how many may */
			uint16_t low, high, reserved;
			uint64_t more; /* holders not kept; TROUBLE_REPEATED: how often the call was repeated */
			uint64_t took_ns; /* TROUBLE_REPEATED: from the first to the last time; TROUBLE_AS_OF: from then to the call;
					     TROUBLE_QUEUE: 0 where it began */
		} trouble;
		struct {
			uint8_t state;	   /* enum tcp_state */
			uint32_t why;	   /* bit per enum holder_why */
			uint64_t since_ns; /* CLOCK_REALTIME, 0 unknown */
		} holder;
		struct {
			uint16_t low, high, reserved;
			uint32_t usable, used, time_wait, available, uncertain, drain_ms, held;
		} budget;
		struct {
			uint64_t since_boot_ns, alive_ns; /* see store_sweep() */
		} sweep;
	};
	uint16_t error;
	uint16_t local_port, peer_port;
	uint16_t spans; /* bytes behind the record */
	uint32_t local_if, peer_if;
	uint8_t local[16], peer[16], asked[16];
	uint16_t asked_port;
	uint16_t pad[3];
	/* spans[] */
};

struct record_netns {
	uint16_t size;
	uint8_t kind;
	bool away; /* it has `name`, "" none; false: the recorder's own, or not known */
	uint32_t netns;
	uint64_t time_ns; /* CLOCK_REALTIME */
	char name[NETNS_NAME_SIZE];
};

#endif
