/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * netlink.h - as much of rtnetlink as a test network needs.
 *
 * Owns: requests with their acknowledgement, in the caller's network namespace.  Each returns 0, or
 * -1 with errno. Thread-safe.
 *
 *     netlink_veth_add("east", "west", pid);	// west appears in the namespace of pid
 *     netlink_address_add("east", "10.77.0.1", 24);
 *     netlink_link_up("east");
 */
#ifndef E2E_NETLINK_H
#define E2E_NETLINK_H

#include <stddef.h>
#include <sys/types.h>

/* Messages of any protocol of netlink, to which one answer comes: the acknowledgement, or what was wrong first. */
int netlink_transact(int protocol, const void *request, size_t size);
int netlink_link_up(const char *interface);
int netlink_link_down(const char *interface);
int netlink_veth_add(const char *name, const char *other, pid_t other_netns_of);
/* `kind`: "vxlan", "geneve", or "wireguard", whose port the kernel chooses.  EOPNOTSUPP where the kernel has none. */
int netlink_tunnel_add(const char *name, const char *kind, unsigned int port);
/* EOPNOTSUPP where the kernel has none. */
int netlink_vrf_add(const char *name);
/* Without duplicate address detection, so that an IPv6 address works at once. */
int netlink_address_add(const char *interface, const char *address, unsigned int prefix);
/* IPv4: whoever goes there gets EHOSTUNREACH. */
int netlink_route_unreachable(const char *network, unsigned int prefix);
/* What goes there arrives here, although no interface has the address. */
int netlink_route_local(const char *network, unsigned int prefix);

#endif
