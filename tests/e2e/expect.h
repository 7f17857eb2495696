/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * expect.h - the whole life of one socket as the tracer must tell it.
 *
 * Owns: the comparison of what was printed for a cookie with what the story knows to be true.
 * Refuses to know: how the socket got there.
 *
 *     struct expect x = {.label = "client", .cookie = c, .owner = owner_of(p), .calls = "connect",
 *         .states = "CLOSE>SYN_SENT>ESTABLISHED>FIN_WAIT1>FIN_WAIT2>TIME_WAIT", .reason =
 * "local-close", ...}; expect_life(tracer_shared(), &x);
 *
 * `states` is the chain of every state line, `to` joined to the next `from`; '|' separates chains
 * that are all right
 * ("A>B|A>C"); a leading LISTEN may be left out by the tracer; TIME_WAIT stands for any way into
 * it, TIME_WAIT/FIN_WAIT2 and TIME_WAIT/- for one of them.  `calls` are the events beside state and
 * close, in order.  A socket with a reason must end in exactly one close line, the last of its
 * lines.
 */
#ifndef E2E_EXPECT_H
#define E2E_EXPECT_H

#include "remote.h"
#include "tracer.h"

struct owner {
	pid_t pid, tid;
	pid_t or_tid; /* 0: `tid` alone; else this one is right too */
	uid_t uid;
	char name[64];
};

enum whose_port {
	PORT_ANY = -1,
	PORT_NOT_AUTO,
	PORT_AUTO,
};

struct expect {
	const char *label;
	uint64_t cookie;
	uint64_t netns;		    /* 0: not checked */
	const char *proto;	    /* NULL: "tcp" */
	struct owner owner;	    /* pid 0: nobody, process null */
	struct owner before;	    /* pid not 0: owner of the lines before the accept line */
	bool before_or_null;	    /* those lines may also have no owner */
	bool before_free;	    /* those lines and `listener` may say anything */
	bool listener_named;	    /* the accept line names `before` as its listener */
	const char *calls;	    /* "bind listen", "connect", "accept", ""; '|' as in states */
	const char *states;	    /* NULL: not checked */
	const char *reason;	    /* NULL: still open; "a|b": either */
	struct address bound;	    /* of bind, listen and LISTEN lines; len 0: no such lines */
	struct address local, peer; /* of all others; peer.len 0: there must be none */
	const char *error;	    /* of the connect line */
	int autobind;		    /* enum whose_port, of the connect line */
	bool counted;		    /* sent and received are known */
	uint64_t sent, received;
	bool seeded;	     /* older than the tracer: no opened, first after_ns unknown */
	bool portless;	     /* lines may have no local port */
	bool close_optional; /* a life that never began may end without a close line */
};

struct owner owner_of(const struct peer *p);

/* Waits for the end (or, without a reason, for the last state), lets everything older arrive,
 * compares; ends the scenario at a difference. */
void expect_life(struct tracer *t, const struct expect *x);
/* Several at once: one wait for what is in flight. */
void expect_lives(struct tracer *t, const struct expect *const *x, size_t count);

/* The first line of `cookie` with this kind (and `to`, where not NULL), waiting for it; ends the
 * scenario without. */
const struct line *expect_line(struct tracer *t, uint64_t cookie, enum line_kind kind,
			       const char *to);
/* Waits for a TIME_WAIT, and skips where the kernel keeps the orphan itself, for `fin_timeout` seconds. */
void expect_time_wait(struct tracer *t, uint64_t cookie, unsigned int fin_timeout);
/*
 * Whether a failed bind's holders are those of before because the tracer did not look in time, and another may fail, the `tries`th:
 * after a rest, each longer than the last, since what looks take is budgeted.
 */
bool expect_older(const struct line *l, int tries);
/* Fails when any line belongs to `cookie`; call it behind a fence. */
void expect_no_line(struct tracer *t, uint64_t cookie);
size_t expect_count(const struct tracer *t, uint64_t cookie);
/* The cookie on a line with these ends, waiting for it: for a socket without a descriptor. */
uint64_t expect_cookie_of(struct tracer *t, const struct address *local,
			  const struct address *peer);
/* Shows up to 60 of the cookie's lines with a failure. */
void expect_show(const struct tracer *t, uint64_t cookie);

#endif
