/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host.h - the processes of a small host, and sockets for them, for listings that are made up.
 *
 *     listing_add_task(&l, &host_tasks[NGINX]);
 *     s = tcp4(10, STATE_LISTEN, LOOPBACK, 80, 0, 0);
 */
#ifndef SOCKWATCH_TEST_HOST_H
#define SOCKWATCH_TEST_HOST_H

#include "listing.h"

#define HOST	 4026531840u /* its network namespace */
#define LOOPBACK 0x7f000001u

enum { INIT, INETD, CAT, NGINX, WORKER, STRANGER, HOST_TASKS };

extern const struct listing_task host_tasks[HOST_TASKS];

/* A socket whose key and cookie are `key`; addresses in host order. */
struct listing_socket tcp4(uint64_t key, enum tcp_state state, uint32_t local, uint16_t port,
			   uint32_t peer, uint16_t peer_port);

#endif
