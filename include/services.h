/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * services.h - what is known about a port number: its class by IANA, and its names in /etc/services.
 *
 * Owns: the parsed table of services.  Refuses to know: files (the text is given) and namespaces.  Read-only after parsing.
 *
 *     struct services *s = services_parse(text, len);
 *     services_find(s, 80, IPPROTO_TCP);                      // "http,www"
 */
#ifndef SOCKWATCH_SERVICES_H
#define SOCKWATCH_SERVICES_H

#include <stddef.h>
#include <stdint.h>

/* RFC 6335, 6: "system" 0-1023, "user" 1024-49151, "dynamic" 49152-65535. */
const char *port_class_name(uint16_t port);

struct services;

/* services(5): lines "name port/protocol alias... # comment"; others are skipped.  NULL without memory. */
struct services *services_parse(const char *text, size_t len);
void services_free(struct services *s);
/* Every name and alias of the port, separated by commas; NULL none.  MPTCP counts as TCP, UDP-Lite as UDP.  O(log n). */
const char *services_find(const struct services *s, uint16_t port, uint16_t protocol);
/* The port that a name or alias stands for, -1 unknown; protocol 0: any.  O(n). */
int services_port(const struct services *s, const char *name, uint16_t protocol);

#endif
