/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * table.h - every socket on the host, and who owns it.
 *
 * Owns: socket records between birth and destroy, their owners, ports, states and times.  It, not a hook,
 * decides who owns a socket:
 *
 *     bind, connect, listen, accept   name an owner (they ran in that process)
 *     a change of state               never does (current is whatever the CPU ran)
 *     a child before accept()         belongs to its listener's owner
 *
 * Refuses to know: libbpf, the clock (times arrive in facts), formats.  One thread.
 *
 *     struct table *t = table_new(1000000, processes, sink, ctx);
 *     table_apply(t, &fact);          // 0..n events reach the sink
 */
#ifndef SOCKWATCH_TABLE_H
#define SOCKWATCH_TABLE_H

#include "event.h"
#include "fact.h"
#include "port_range.h"

struct table;

struct table_stats {
	size_t sockets;		/* records now */
	uint64_t full;		/* sockets not kept because `max` was reached */
	uint64_t stale;		/* records replaced because their pointer was reused without a destroy */
	uint64_t unseen;	/* TCP sockets whose start was told and whose end was lost */
	size_t bytes;		/* of records and TIME_WAITs */
};

/* At most `max` sockets, allocated as needed, at most 256 bytes each.  NULL with errno. */
struct table *table_new(size_t max, struct process_set *processes, event_sink_fn sink, void *ctx);
void table_free(struct table *t);
/* Remembers at most so many TIME_WAITs, a power of two and no more than 262,144, which is the default; the oldest go first. */
void table_bound_time_waits(struct table *t, size_t max);
/* O(1) amortized.  Never fails: a fact that fits no record is shown with what it says itself. */
void table_apply(struct table *t, const struct fact *fact);
/*
 * A look at the kernel: table_seed_begin(), table_seed() for each record found, table_seed_end().  Live facts win: a seed fills only what
 * is unknown.  With `repair` set (facts of its time are applied then), what it did not find and no fact touched since `begin_ns` goes,
 * except where it could not look: table_seed_unseen(), as a look_sink. */
void table_seed_begin(struct table *t, uint64_t begin_ns);
void table_seed(struct table *t, const struct fact *seed);
void table_seed_unseen(struct table *t, uint32_t netns, unsigned int what);
void table_seed_end(struct table *t, bool repair, uint64_t *ret_added, uint64_t *ret_removed);
/* Some ends are told only by the fact that follows, for which they are held back: up to TABLE_HOLD_NS for a reset that most have not,
 * TABLE_LATE_NS for one that an error foretells, TABLE_ERRNO_NS for the errno of connect(), as late as its caller is kept from running.
 * Emits those due at now_ns; call when no fact comes.  UINT64_MAX emits all: call before the end.  True while an end is still held.
 * A failure that a program repeats is told at once, then with a count after a second at most. */
#define TABLE_HOLD_NS	 500000u
#define TABLE_LATE_NS	 50000000u
#define TABLE_ERRNO_NS	 1000000000u
bool table_release(struct table *t, uint64_t now_ns);
/* Gives back memory that a burst has left empty; for when little happens.  Thousands of steps at most where there is none: false. */
bool table_rest(struct table *t, uint64_t now_ns);

/*
 * Hands every life that goes on, at least min_age_ns old (those of unknown age too) and not handed out since its owner or
 * state last changed, as a close event that has not ended (EVENT_END_OPEN) at now_ns: the moment up to which facts were
 * applied, because what happened later is not known here.  The end of a life that was taken says so (`told`).
 * Begins with a zeroed slot; looks at `max` records at most, true when it was the last step.  Goes on, too, where `fn`
 * answered OPEN_LATER.
 */
enum open_answer {
	OPEN_TAKEN,
	OPEN_UNWANTED, /* not asked again until its owner or state changes */
	OPEN_LATER,    /* no room */
};
typedef enum open_answer (*open_sink_fn)(void *ctx, const struct event *life);
struct table_telling {
	size_t slot;
	uint64_t min_age_ns;
	bool again; /* those handed out before, too */
};
bool table_each_open(struct table *t, struct table_telling *telling, size_t max, uint64_t now_ns,
		     open_sink_fn fn, void *ctx);

/*
 * What is known now, in steps: lives that go on (EVENT_END_OPEN) and TIME_WAITs (ended, time_ns is when they
 * were entered; owners that nobody saw are NULL), each as a close event, if its cookie is `wanted`.  What comes or goes between
 * two steps may be missed.  Begins with a zeroed struct; looks at `max` records at most, false when it was the last step.
 */
struct table_steps {
	size_t slot;
	uint64_t number;
};
bool table_each_known(struct table *t, struct table_steps *steps, size_t max,
		bool (*wanted)(void *ctx, uint64_t cookie), event_sink_fn fn, void *ctx);

/*
 * Which connections find no room: fills `list` with listeners to look at, in a round that begins with a zeroed struct; let the
 * kernel answer (wire_listener.h), and hand it back: overflows that begin or have ended are told.  0 listeners: the round is
 * over.  O(65536) a round and O(1) for each listener.
 */
struct wire_listener;
struct table_round {
	uint32_t port, seen;
};
size_t table_listeners(const struct table *t, struct table_round *round, struct wire_listener *list, size_t max);
void table_listeners_seen(struct table *t, const struct wire_listener *list, size_t count,
			  uint64_t now_ns);
/* After a round, from *at 0 on: namespaces whose counter ListenOverflows (UINT64_MAX not known) tells of queues full between two looks. */
bool table_uncounted(const struct table *t, size_t *at, uint32_t *ret_netns, uint32_t *ret_pid);
void table_counted(struct table *t, uint32_t netns, uint64_t overflows, uint64_t now_ns);
void table_round_end(struct table *t);
/* Each that listens, as an overflow event with its queue as of the last round; a limit of 0: not known. */
void table_each_listener(const struct table *t, event_sink_fn fn, void *ctx);

/*
 * What facts do not tell, the table asks: who has a port open, because descriptors are handed over without a fact; what ports
 * a namespace has.  A question is about the last failed call, whose event waits for the answer and goes out before any
 * other; without an answer it goes out with what is known, by the next call at the latest, and says so.  Where nobody takes
 * questions none is asked, and events do not wait.
 *
 *     table_apply(t, &fact);
 *     if (table_question(t, &q)) ...look, table_answer...()...
 */
enum question_kind { QUESTION_HOLDERS, QUESTION_RANGE };
struct table_question {
	enum question_kind kind;
	uint32_t netns;
	uint32_t pid; /* a process that may be in it */
	uint16_t protocol, port; /* QUESTION_HOLDERS */
};
void table_take_questions(struct table *t);
bool table_question(const struct table *t, struct table_question *ret); /* false: none waits for an answer */
/* QUESTION_RANGE; NULL: not known. */
void table_answer_range(struct table *t, const struct port_range *range);
/*
 * QUESTION_HOLDERS: what a look at this port found, as seed facts (look.h has a sink), and then what of it is complete.
 * The owners of sockets in the way are chosen anew.  O(1) a fact, O(TIME_WAITs on the port) at the end.
 */
#define ANSWER_DESCRIPTORS 1u
#define ANSWER_TABLES	   2u /* what no descriptor leads to: TIME_WAITs, the kernel's own, what is in flight */
#define ANSWER_RINGS	   4u /* what rings of io_uring hold: nobody else can have open what no descriptor leads to */
void table_answer_begin(struct table *t, uint64_t now_ns);
void table_answer(struct table *t, const struct fact *seed);
void table_answer_end(struct table *t, unsigned int complete);

/* Who left the minisock with this cookie (0: unknown) on `port`; NULL when that was not seen.  No reference is taken. */
const struct process *table_time_wait_owner(const struct table *t, uint16_t port, uint64_t cookie);
/* The owner of a socket, by the kernel's address; likewise. */
const struct process *table_owner(const struct table *t, uint64_t sk, uint64_t cookie);

void table_get_stats(const struct table *t, struct table_stats *ret);

#endif
