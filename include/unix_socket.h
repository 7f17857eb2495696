/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unix_socket.h - a Unix socket as the kernel has it.
 *
 * Owns: the record.  Refuses to know: where it comes from, who has it open (unix_listing.h).
 */
#ifndef SOCKWATCH_UNIX_SOCKET_H
#define SOCKWATCH_UNIX_SOCKET_H

#include <stdbool.h>
#include <stdint.h>

/* sun_path. */
#define UNIX_NAME_MAX 108
#define UNIX_NONE     UINT32_MAX

enum unix_state { UNIX_UNCONNECTED, UNIX_LISTEN, UNIX_CONNECTED };

/* Whether the file that it was bound to is still found at its path. */
enum unix_file {
	UNIX_FILE_UNKNOWN,
	UNIX_FILE_THERE,
	UNIX_FILE_MISSING, /* neither from here nor by who has it open: nobody can connect by that path */
};

struct unix_socket {
	uint64_t inode;	      /* what descriptors lead to */
	uint64_t cookie;      /* 0 unknown */
	uint64_t peer_inode;  /* 0 none or unknown */
	uint64_t waits_at;    /* inode of the listener in whose queue it is, 0 none or unknown */
	uint32_t netns;
	uint32_t receive, send; /* bytes; a listener's receive counts connections */
	uint32_t backlog;	/* of a listener */
	uint32_t file_inode, file_device; /* of what it was bound to, as the kernel has them; 0, 0 none or unknown */
	uint32_t peer;	      /* index, UNIX_NONE; from unix_listing_join() on */
	uint32_t first_client, next_client; /* whose peer or listener it is, likewise; UNIX_NONE at the end */
	uint8_t type;	      /* SOCK_ */
	uint8_t state;	      /* enum unix_state */
	uint8_t file;	      /* enum unix_file */
	bool whole;	      /* sock_diag told it: /proc knows neither peers nor queues */
	bool peer_closed;
	uint8_t name_len;     /* 0: it has none */
	char name[UNIX_NAME_MAX]; /* any bytes; an abstract name begins with NUL */
};

#endif
