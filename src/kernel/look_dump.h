/* SPDX-License-Identifier: GPL-2.0-only */
/* look_dump.h - the answer of sock_diag to a dump, for look_proc.c, which reads it, and look_unix.c. */
#ifndef SOCKWATCH_LOOK_DUMP_H
#define SOCKWATCH_LOOK_DUMP_H

#include "look_private.h"

/* `take` has each message (a struct nlmsghdr) that is as long as its own head. */
struct look_dump {
	uint32_t netns;
	uint16_t protocol; /* of the internet */
	bool waiting;	   /* of Unix sockets: clients that no accept() has taken */
	size_t head;
	void (*take)(struct look_reader *r, const struct look_dump *d, const void *message);
};
/* 0 or -errno. */
int look_receive(struct look_reader *r, int fd, const struct look_dump *d, void *buffer,
		 size_t size);

#endif
