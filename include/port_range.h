/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * port_range.h - what a network namespace says about local ports: the range connect() chooses from, and what is kept out of it.
 *
 * Owns: one value type.  Refuses to know: where the numbers come from (/proc/sys/net/ipv4 of the namespace).  Pure.
 *
 *     if (port_is_reserved(&range, 40000)) ...
 */
#ifndef SOCKWATCH_PORT_RANGE_H
#define SOCKWATCH_PORT_RANGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct port_range {
	uint16_t low, high;	    /* net.ipv4.ip_local_port_range; low 0: unknown */
	uint16_t reserved_count;    /* reserved ports inside the range */
	uint32_t unprivileged_from; /* net.ipv4.ip_unprivileged_port_start, up to 65536 */
	uint32_t step;		    /* net.ipv4.ip_local_port_step_width (7.1 on); 0 where there is none */
	uint8_t tw_reuse;	    /* net.ipv4.tcp_tw_reuse: 0 no, 1 everywhere, 2 on loopback */
	uint32_t tw_reuse_delay_ms; /* net.ipv4.tcp_tw_reuse_delay; 1000 where there is none */
	uint8_t reserved[8192];	    /* net.ipv4.ip_local_reserved_ports, a bit each */
};

static inline bool port_is_reserved(const struct port_range *r, unsigned int port)
{
	return r->reserved[port / 8] >> port % 8 & 1;
}

/*
 * Reads the words of the files: "32768\t60999", "8080,9000-9100".  0 or -EINVAL with *ret as it was.  The second
 * counts what is inside [low, high], so it comes second.
 */
int port_range_parse(const char *text, struct port_range *ret);
int port_range_parse_reserved(const char *text, struct port_range *ret);

#endif
