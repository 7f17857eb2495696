/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * status.h - how a running trace or recorder fares: what it has seen and told, what it lost and why.
 *
 * Owns: the record.  Refuses to know: who asks, and how it is shown (status_writer.h) or sent (past_wire.h).
 */
#ifndef SOCKWATCH_STATUS_H
#define SOCKWATCH_STATUS_H

#include <stdint.h>

/* What is lost for each cause, in facts, but for the last three: sockets not kept, rows not written, and what processes did. */
enum status_loss {
	STATUS_LOST_RING,     /* the ring buffer was full */
	STATUS_LOST_SHARE,    /* ... a user's share of it */
	STATUS_LOST_CALLS,    /* too many calls under way at once */
	STATUS_LOST_FOLDS,    /* failed calls, too different to be counted together */
	STATUS_LOST_WITHHELD, /* the kernel ran no program for them */
	STATUS_LOST_ENDS,     /* ends of sockets that were not told */
	STATUS_LOST_SOCKETS,
	STATUS_LOST_ROWS,
	STATUS_LOST_PROCESSES,
	STATUS_LOSSES,
};

enum status_number {
	STATUS_SINCE_NS, /* CLOCK_BOOTTIME: tracing since */
	STATUS_SOCKETS,	 /* in the table */
	STATUS_TABLE_BYTES,
	STATUS_RING_BYTES,
	STATUS_TOLD,	      /* events shown or rows stored */
	STATUS_FILE_BYTES,    /* of what it writes to, without a store's log; 0 no file */
	STATUS_WAITING_BYTES, /* of a store's queue */
	STATUS_REPAIRS,	      /* looks after a loss */
	STATUS_NUMBERS,
};

enum status_text {
	STATUS_COMMAND, /* "record" */
	STATUS_VERSION,
	STATUS_HOOKS,  /* "tracepoints" */
	STATUS_FILE,   /* of a store, or --output; NULL stdout */
	STATUS_UNSEEN, /* what no hook tells here: "binds, ..."; NULL nothing */
	STATUS_STUCK,  /* why the file takes nothing now; NULL it does */
	STATUS_TEXTS,
};

/* Of a record that is sent to a fleet's database, by whichever process.  Times are CLOCK_REALTIME. */
struct status_sending {
	const char *to;
	const char *why;    /* it is not taken now; NULL it is */
	uint64_t rows;	    /* taken so far */
	uint64_t waiting;   /* not yet */
	uint64_t oldest_ns; /* when the first of these was, 0 not known */
	uint64_t sent_ns;   /* when rows were taken last, 0 never */
	uint64_t failures;  /* tries that were not taken */
};

struct status {
	uint32_t pid;
	uint64_t lost[STATUS_LOSSES];
	uint64_t number[STATUS_NUMBERS];
	const char *text[STATUS_TEXTS]; /* NULL: not known, or none */
	const struct status_sending
		*sending; /* NULL: it is not; the asker finds it beside the store */
};

/* Facts, sockets and rows; what processes did is no event. */
static inline uint64_t status_lost(const struct status *s)
{
	uint64_t sum = 0;

	for (int i = 0; i < STATUS_LOST_PROCESSES; i++)
		sum += s->lost[i];
	return sum;
}

#endif
