/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * inet.h - the words of the internet sockets API: families, addresses, endpoints, states, and
 * their names.
 *
 * Owns: value types without pointers and constant name tables.  Refuses to know: sockets, processes,
 * the resolver.  Thread-safe: nothing here is mutable.
 *
 *     char text[INET_ENDPOINT_SIZE];
 *     inet_format_endpoint(text, FAMILY_IPV4, false, &e, NULL);   // "127.0.0.1:80"
 */
#ifndef SOCKWATCH_INET_H
#define SOCKWATCH_INET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family {
	FAMILY_IPV4 = 4,
	FAMILY_IPV6 = 6,
};

/* TCP states with the kernel's numbers (include/net/tcp_states.h). */
enum tcp_state {
	STATE_NONE = 0,
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RECV,
	STATE_FIN_WAIT1,
	STATE_FIN_WAIT2,
	STATE_TIME_WAIT,
	STATE_CLOSE,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
	STATE_NEW_SYN_RECV,
	STATES,
};

/* No user: which one is not known. */
#define INET_NO_UID UINT32_MAX

/* What a socket that is bound to :: takes. */
enum takes {
	TAKES_NONE,    /* it is not bound to :: */
	TAKES_IPV6,    /* IPV6_V6ONLY */
	TAKES_BOTH,    /* IPv4 too */
	TAKES_UNKNOWN,
};

struct endpoint {
	uint8_t addr[16];  /* network order; IPv4 in the first 4 bytes, rest 0; mapped as ::ffff:a.b.c.d */
	uint16_t port;	   /* host order, 0 none */
	uint8_t takes;	   /* enum takes, of local ends without a peer */
	uint32_t ifindex;  /* scope of a link-local address, 0 none */
};

/* Longest "[addr%interface]:port" with NUL.  An interface name has 15 bytes and is 60 once all are escaped. */
#define INET_INTERFACE_MAX 60
/* Of a network namespace, with a zero at its end: any bytes. */
#define NETNS_NAME_SIZE	   64
#define INET_ENDPOINT_SIZE 128
#define INET_ADDRESS_SIZE  64

/* "ESTABLISHED"; NULL for a number that is no state.  The kernel's names, as lsof writes them. */
const char *inet_state_name(enum tcp_state state);

/* Accepts the kernel's names in any case, ss's spelling ("time-wait", "estab", "syn-recv",
 * "fin-wait-1", "listening"); STATE_NONE when unknown. */
enum tcp_state inet_state_parse(const char *name, size_t len);

/* "tcp", "mptcp", "udp", "sctp"...; NULL when unknown.  protocol is an IPPROTO_ number. */
const char *inet_protocol_name(unsigned int protocol);

/* UDP and UDP-Lite: sockets that bind and connect, but have no states. */
bool inet_is_udp(unsigned int protocol);

/* "ECONNREFUSED" for 111; NULL when libc knows no name.  number is positive. */
const char *inet_errno_name(int number);

/* True for ::ffff:0:0/96. */
bool inet_is_mapped(const uint8_t addr[16]);
/* True for fe80::/10. */
bool inet_is_link_local(const uint8_t addr[16]);
/* True for 0.0.0.0 (first four bytes) or ::. */
bool inet_is_any(enum family family, const uint8_t addr[16]);

/*
 * Writes the address alone ("fe80::1", "127.0.0.1"; RFC 5952 for IPv6) and returns its length.
 * `mapped` prints the last four bytes as IPv4; an unspecified :: on a mapped socket prints 0.0.0.0.
 * Never allocates; `out` holds INET_ADDRESS_SIZE bytes.
 */
size_t inet_format_address(char *out, enum family family, bool mapped, const uint8_t addr[16]);

/* What a socket without a peer takes at `addr`; `known`: whether it has IPV6_V6ONLY is. */
enum takes inet_takes(enum family family, const uint8_t addr[16], bool known, bool v6only);

/* Writes "127.0.0.1:80", "[::1]:80", "[fe80::1%eth0]:80", "*:80" for :: that takes IPv4 too ("[::]?:80": not known) and returns the length; `interface` is copied as
 * it is, up to INET_INTERFACE_MAX bytes, and may be NULL.  `out` holds INET_ENDPOINT_SIZE bytes. */
size_t inet_format_endpoint(char *out, enum family family, bool mapped, const struct endpoint *e,
			    const char *interface);

/* Decimal digits of `value` without NUL; returns how many (at most 20).  Hot path. */
size_t inet_format_number(char *out, uint64_t value);
/* The last `digits` of them, zeros first; returns their end. */
char *inet_put_padded(char *out, uint32_t value, unsigned int digits);

#endif
