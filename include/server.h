/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * server.h - which end of a connection is the server's.
 *
 * Owns: what an event or a listed socket tells of that.  Refuses to know: who asks.  Pure.
 */
#ifndef SOCKWATCH_SERVER_H
#define SOCKWATCH_SERVER_H

#include "event.h"
#include "listing.h"

enum server { SERVER_UNKNOWN, SERVER_LOCAL, SERVER_PEER };

/* O(states of a life). */
enum server server_of_event(const struct event *e);
enum server server_of_socket(const struct listing *l, const struct listing_socket *s);

#endif
