/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netfilter.h - one rule that leads packets elsewhere, in the caller's network namespace.
 *
 * Owns: the messages.  Each returns 0, or -1 with errno; EOPNOTSUPP and the like where the kernel lacks a part.
 *
 *     netfilter_tproxy(AF_INET, 80, "127.0.0.1", 15080);	// connections for port 80 go to that listener
 */
#ifndef E2E_NETFILTER_H
#define E2E_NETFILTER_H

/* The listener at `to` needs IP_TRANSPARENT. */
int netfilter_tproxy(int family, unsigned int port, const char *to, unsigned int to_port);
/* By iptables-legacy: what arrives for `port` goes to `to_port` here.  The table nat is written anew. */
int netfilter_legacy_redirect(unsigned int port, unsigned int to_port);
/* By IPVS: connections for `addr` go round to one server. */
int netfilter_ipvs(const char *addr, unsigned int port, const char *to, unsigned int to_port);

#endif
