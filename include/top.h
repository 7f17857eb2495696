/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * top.h - who does how much: counts of events by process, peer, failure and listener, and how many a second in the last 1, 10 and
 * 60 seconds.
 *
 * Owns: the rows, at most TOP_ROWS a table; what finds no room is counted in one more row, the others.  Refuses to know: the clock
 * (CLOCK_BOOTTIME is an argument), words, terminals.  One thread.
 *
 *     struct top *t = top_new(processes, now_ns);
 *     top_event(t, event);                                  // each
 *     top_tick(t, now_ns);                                  // once a second
 *     top_take(t, TOP_PROCESSES, now_ns, &list);
 *     top_sort(&list, TOP_BY_NEW_10S, false);
 *     top_free(t);
 */
#ifndef SOCKWATCH_TOP_H
#define SOCKWATCH_TOP_H

#include "budget.h"
#include "event.h"

#define TOP_ROWS  1024
#define TOP_LIVES 5
/* Seconds that are kept: 60 whole ones, and the one that goes on. */
#define TOP_SLOTS 64

enum top_view {
	TOP_PROCESSES,
	TOP_PEERS,
	TOP_FAILURES,
	TOP_LISTENERS,
	TOP_TABLES,
	TOP_PORTS = TOP_TABLES, /* made of a budget, not of events */
	TOP_VIEWS,
};

/* NEW: connect() and accept(), those that failed too.  FAILED: calls and lives; of a listener, full queues. */
enum top_count { TOP_NEW, TOP_FAILED, TOP_SENT, TOP_RECEIVED, TOP_COUNTS };
enum top_window { TOP_1S, TOP_10S, TOP_60S, TOP_WINDOWS };

enum top_column {
	TOP_BY_NEW_1S,
	TOP_BY_NEW_10S,
	TOP_BY_NEW_60S,
	TOP_BY_FAILED_1S,
	TOP_BY_FAILED_10S,
	TOP_BY_FAILED_60S,
	TOP_BY_FAILED,	 /* in all */
	TOP_BY_SENT,	 /* a second, in the last 10 */
	TOP_BY_RECEIVED, /* likewise */
	TOP_BY_OPEN,
	TOP_BY_LAST,
	TOP_BY_LEFT,
	TOP_BY_USED,
	TOP_BY_TIME_WAIT,
	TOP_COLUMNS,
};

/* What a row stands for.  Whole bytes are compared: begin with zeroes. */
struct top_key {
	uint8_t view, family, mapped, kind; /* kind: enum event_kind of a failure */
	uint16_t protocol, port;
	uint32_t netns, pid;
	int32_t error;	 /* of a failure: errno, or 0 and */
	uint32_t reason; /* enum close_reason */
	uint32_t ifindex;
	uint32_t zero;
	uint8_t addr[16];
	char name[PROCESS_NAME_SIZE];
};

/* A life that has ended, or a call that failed. */
struct top_life {
	uint64_t time_ns, duration_ns; /* UINT64_MAX unknown */
	enum event_kind kind;
	uint16_t protocol;
	enum family family;
	bool mapped, has_local, has_peer, counted;
	struct endpoint local, peer;
	int error;
	enum close_reason reason;
	uint64_t sent_bytes, received_bytes;
	uint32_t pid; /* 0 unknown */
	char name[PROCESS_NAME_SIZE];
};

struct top_row {
	struct top_key key;
	uint32_t hash;
	const struct process *process; /* the last; NULL unknown */
	char netns_name[NETNS_NAME_SIZE];
	bool elsewhere; /* in another namespace than the observer's */
	uint8_t takes; /* of a listener, as of its end */
	uint64_t total[TOP_COUNTS];
	uint64_t open, open_next; /* sockets when last looked at */
	uint64_t last_ns;	  /* of what was counted; 0: nothing */
	uint64_t second;	  /* of the newest slot */
	uint64_t slot[TOP_COUNTS][TOP_SLOTS];
	struct top_life life[TOP_LIVES];
	unsigned int lives; /* so far; the last is life[(lives - 1) % TOP_LIVES] */
};

struct top;

/* NULL with errno.  `processes` must outlive it. */
struct top *top_new(struct process_set *processes, uint64_t now_ns);
void top_free(struct top *t);
/* Forgets everything, as after another filter. */
void top_clear(struct top *t, uint64_t now_ns);
/* O(1). */
void top_event(struct top *t, const struct event *event);
/* Lets rows go that have long been idle, and of a full table the lesser half.  Ends the lives of pointers to rows. */
void top_tick(struct top *t, uint64_t now_ns);

/* What is open now: begin, each life that goes on (EVENT_END_OPEN), end. */
void top_open_begin(struct top *t);
void top_open(struct top *t, const struct event *life);
void top_open_end(struct top *t);

/* Of everything that was counted: a row without a key. */
const struct top_row *top_all(const struct top *t);
/* A second, over the whole seconds of the window that were watched. */
double top_rate(const struct top *t, const struct top_row *row, enum top_count count,
		enum top_window window, uint64_t now_ns);

/* A line of a view, as it was when it was taken. */
struct top_shown {
	const struct top_row *row; /* NULL: of the budget */
	bool others;		   /* what found no room */
	const struct budget_row *ports; /* NULL: of no destination yet */
	const struct budget_namespace *ns;
	double value[TOP_COLUMNS];
};
struct top_list {
	struct top_shown *item;
	size_t count, cap;
};
/* False without memory. */
bool top_list_add(struct top_list *list, struct top_shown item);
/* Rows live until the next top_tick() or top_clear().  Without memory fewer: false. */
bool top_take(const struct top *t, enum top_view view, uint64_t now_ns, struct top_list *list);
/* Likewise of a finished budget, as long as that lives. */
bool top_take_ports(const struct budget *budget, struct top_list *list);
/* The most first, of what is LEFT the least; `reverse`: the other way round. */
void top_sort(struct top_list *list, enum top_column column, bool reverse);
void top_list_done(struct top_list *list);

#endif
