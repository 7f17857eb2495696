/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * group.h - events, or sockets of a listing, counted by what they have in common.
 *
 * Owns: the fields that can be asked for, a value of each of an event or socket, and a bounded number of groups.  Refuses to know: formats,
 * where events come from.  One thread.
 *
 *     struct group_by by = {0};
 *     group_parse(&by, "comm,peer", &bad);
 *     struct groups *g = groups_new(&by, 100000, 32 << 20);
 *     groups_add_event(g, event);                       // any number
 *     const struct group *const *list = groups_sort(g);
 *
 * What is not known is a group of its own, and so is what does not apply (the reason of a bind()).  Nothing is guessed.
 */
#ifndef SOCKWATCH_GROUP_H
#define SOCKWATCH_GROUP_H

#include "event.h"
#include "listing.h"

enum group_field {
	GROUP_COMM,
	GROUP_PID,
	GROUP_UNIT,
	GROUP_CONTAINER,
	GROUP_USER, /* the number of the effective one */
	GROUP_PROTO,
	GROUP_LOCAL, /* addresses */
	GROUP_PEER,
	GROUP_PORT, /* the server's, where it is known which end that is */
	GROUP_LOCAL_PORT,
	GROUP_PEER_PORT,
	GROUP_REASON,
	GROUP_ERROR,
	GROUP_RESULT, /* either */
	GROUP_STATE,
	GROUP_NETNS,
	GROUP_EVENT,
	GROUP_HOST, /* of a fleet */
	GROUP_FIELDS,
};

/* Of one table: there must be room for counts, too. */
#define GROUP_MAX 6
/* Bytes of a value; what is behind them does not tell groups apart. */
#define GROUP_TEXT_MAX 255

struct group_by {
	enum group_field field[GROUP_MAX];
	size_t count; /* 0: no groups */
};

/* "comm,peer"; errno, kind and peer-address, too.  -EINVAL with *ret_bad at the word that is none, was there, or is one too many. */
int group_parse(struct group_by *ret, const char *list, const char **ret_bad);
const char *group_field_name(enum group_field field);
bool group_field_is_number(enum group_field field);

struct group {
	uint64_t count;		 /* events, or sockets */
	uint64_t failed;	 /* of them, as --failed has it */
	uint64_t lives;		 /* of them, that have ended or go on */
	uint64_t sent, received; /* bytes of these lives; of sockets: what waits in their queues */
	const char *key;	 /* for group_value(); NULL: those that found no room */
	size_t key_len;
};

enum group_known { GROUP_KNOWN, GROUP_UNKNOWN, GROUP_ABSENT };
/* Goes through the values of a group in the order of the fields: *at begins with its key.  Text is NUL-terminated, any other bytes. */
enum group_known group_value(const char **at, const char **ret_text);

struct groups;

/* At most so many groups, and bytes of them; NULL with errno. */
struct groups *groups_new(const struct group_by *by, size_t max, size_t max_bytes);
void groups_free(struct groups *g);
/* Begins anew. */
void groups_clear(struct groups *g);
/* O(fields).  Processes must be resolved.  EVENT_LOST is left out. */
void groups_add_event(struct groups *g, const struct event *e);
/* The listing must be joined. */
void groups_add_socket(struct groups *g, const struct listing *l, const struct listing_socket *s);
/* The largest count first, then by key; the array is `g`'s until the next call of any.  NULL without memory.  O(n log n). */
const struct group *const *groups_sort(struct groups *g, size_t *ret_count);
/* What found no room for a group of its own; count 0: there was room. */
const struct group *groups_rest(const struct groups *g);
const struct group_by *groups_by(const struct groups *g);

#endif
