/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * peer.h - a process or thread that makes socket calls when told to, so that a scenario is one
 * straight story although it plays in several processes.
 *
 * Owns: child processes and their control channels.  Refuses to know: what the calls are.
 * A peer is a fork without exec, so a function's address means the same on both sides.  A peer runs
 * one call at a time; peer_begin() lets the story go on while the call blocks.
 *
 *     struct peer *p = peer_start("client");
 *     struct call c = {.arg = {AF_INET, SOCK_STREAM, 0}};
 *     peer_call(p, call_socket, &c);		// c.result, c.error as in the peer
 *     peers_stop();				// the runner does this after each scenario
 */
#ifndef E2E_PEER_H
#define E2E_PEER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

struct call {
	long arg[6];
	struct sockaddr_storage addr;
	socklen_t addr_len;
	char text[64];
	long result; /* -1 with error set, else what the call returned */
	int error;
	pid_t tid; /* of the thread that ran it */
};
typedef void (*call_fn)(struct call *call);

struct peer {
	pid_t pid;
	char name[64];	/* as JSON must show it */
	uint64_t netns; /* inode, 0 where /proc is not mounted */
	bool in_thread; /* set: calls run in a thread of another name, which ends with the call */
	pid_t tid;	/* of the thread that ran the last call */
	uid_t uid;	/* the agent's; a scenario that changes it says so here */
	int control;
	int control_inside; /* the other end's number in the process */
	bool child;	    /* of the agent itself, not of a peer */
	bool busy, gone;
	struct peer *next;
};

/* A new process named `name`, in the agent's namespaces; ends the scenario on failure. */
struct peer *peer_start(const char *name);
/* A peer forked by `parent`, with its descriptors. */
struct peer *peer_fork(struct peer *parent, const char *name);
/* Kills `p` (signal 0: asks it to exit) and waits until it is gone. */
void peer_end(struct peer *p, int signal);
void peers_stop(void);

void peer_call(struct peer *p, call_fn fn, struct call *call);
void peer_begin(struct peer *p, call_fn fn, const struct call *call);
/* Waits for the answer to peer_begin(); ends the scenario after 10 s. */
void peer_finish(struct peer *p, struct call *ret);
/* Likewise with `ms` to wait; false when there is no answer yet. */
bool peer_poll(struct peer *p, struct call *ret, unsigned int ms);

/* The inode of the caller's network namespace, 0 unknown. */
uint64_t netns_inode(void);

#endif
