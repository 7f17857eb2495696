/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_place.h - a place to listen at, as people write it: PORT (of 127.0.0.1), ADDRESS:PORT, [ADDRESS]:PORT for IPv6, unix:/PATH.
 *
 * Owns: its spelling.  Refuses to know: sockets.  Pure.
 */
#ifndef SOCKWATCH_OPTIONS_PLACE_H
#define SOCKWATCH_OPTIONS_PLACE_H

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>

#define PLACE_PATH_MAX sizeof(((struct sockaddr_un *)0)->sun_path)

union place_address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
};

/* Its length; 0: it makes no sense, *ret holds anything. */
socklen_t place_parse(const char *where, union place_address *ret);

#endif
