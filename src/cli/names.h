/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * names.h - names of ports and hosts.
 *
 * Owns: /etc/services, and questions to the resolver's servers that never wait longer than told.  Refuses to know: listings.
 */
#ifndef SOCKWATCH_NAMES_H
#define SOCKWATCH_NAMES_H

#include "inet.h"
#include "services.h"

/* /etc/services, parsed; NULL when it cannot be read.  The caller frees it. */
struct services *names_services(void);

struct names;

/* NULL without memory. */
struct names *names_new(void);
void names_free(struct names *n);
/* Asks for the name of an address, once; nothing is sent yet.  IPv4 in the first four bytes. */
void names_want(struct names *n, enum family family, const uint8_t addr[16]);
/* /etc/hosts first, then all servers' answers at once, at most `timeout_ms` in all. */
void names_ask(struct names *n, int timeout_ms);
/* The answer, NULL without one; lives as long as `n`. */
const char *names_find(const struct names *n, enum family family, const uint8_t addr[16]);

#endif
