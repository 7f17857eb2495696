/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * who_writer.h - who has a port, in words.
 *
 * Owns: the words.  Refuses to know: /proc and how the sockets were found (callbacks say what is known of a process).
 * O(found^2), for the connections of one port.  One thread.
 *
 *     struct who who = {.listing = &l, .found = found, .count = n, .find_process = find, ...};
 *     who_write(&out, &who);
 */
#ifndef SOCKWATCH_WHO_WRITER_H
#define SOCKWATCH_WHO_WRITER_H

#include "event.h"
#include "listing_writer.h"
#include "redirect.h"

#define WHO_PARENTS 16

/* What is known of a process that runs; NULL, 0 and "": unknown. */
struct who_process {
	uint64_t started_ns; /* CLOCK_BOOTTIME */
	const char *command, *executable, *cgroup, *container, *unit;
	struct who_parent {
		uint32_t pid;
		char name[PROCESS_NAME_SIZE];
	} parent[WHO_PARENTS]; /* nearest first */
	size_t parents;
};

struct who {
	const struct listing *listing;
	const struct listing_socket **found; /* of `listing`: those with the port */
	size_t count;
	const struct event *taken; /* the call that was waited for, NULL: the port was held already */
	struct listing_style style; /* with user_name */
	uint32_t own_netns;
	/* False where it has ended; the strings stay until the next call. */
	bool (*find_process)(void *ctx, uint32_t pid, struct who_process *ret);
	const struct redirect *redirects; /* rules that take the port */
	size_t redirect_count;
	/* The namespace that has an address, or that is at a path; 0 unknown. */
	uint32_t (*home_of)(void *ctx, enum family family, const uint8_t addr[16]);
	uint32_t (*netns_at)(const char *path);
	/* How many socket units of systemd name the port, and the words of the first, into `size` bytes. */
	size_t (*socket_unit)(uint16_t protocol, uint16_t port, char *ret, size_t size);
	void *ctx;
};

/* Who is behind a rule; NULL unknown.  O(sockets). */
const struct listing_socket *who_behind_redirect(const struct who *who, const struct redirect *r);
/* Appends a rule as one line of fields; its namespace and `behind` may be NULL. */
void writer_redirect(struct writer *w, struct buffer *out, uint64_t time_ns,
		     const struct redirect *r, const struct listing_netns *netns,
		     const struct process *behind);

/* One of the sockets as JSON: what a listing tells, reach, range, what it is passed on to, and what frees the port. */
void writer_who(struct writer *w, struct buffer *out, const struct who *who,
		const struct listing_socket *s, const struct services *services);
/* Appends the answer for people.  Processes that have `found` open must be resolved. */
void who_write(struct buffer *out, const struct who *who);

#endif
