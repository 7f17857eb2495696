// SPDX-License-Identifier: GPL-2.0-only
#include "inet.h"

#include <netinet/in.h>
#include <string.h>
#include <strings.h>

#define IPV6_GROUPS 8

static const char *const state_names[STATES] = {
	[STATE_ESTABLISHED] = "ESTABLISHED",
	[STATE_SYN_SENT] = "SYN_SENT",
	[STATE_SYN_RECV] = "SYN_RECV",
	[STATE_FIN_WAIT1] = "FIN_WAIT1",
	[STATE_FIN_WAIT2] = "FIN_WAIT2",
	[STATE_TIME_WAIT] = "TIME_WAIT",
	[STATE_CLOSE] = "CLOSE",
	[STATE_CLOSE_WAIT] = "CLOSE_WAIT",
	[STATE_LAST_ACK] = "LAST_ACK",
	[STATE_LISTEN] = "LISTEN",
	[STATE_CLOSING] = "CLOSING",
	[STATE_NEW_SYN_RECV] = "NEW_SYN_RECV",
};

/* What ss calls them where that is more than a dash for an underscore. */
static const struct {
	const char *name;
	enum tcp_state state;
} state_aliases[] = {
	{"ESTAB", STATE_ESTABLISHED},	 {"FIN_WAIT_1", STATE_FIN_WAIT1},
	{"FIN_WAIT_2", STATE_FIN_WAIT2}, {"LISTENING", STATE_LISTEN},
	{"CLOSED", STATE_CLOSE},	 {"UNCONN", STATE_CLOSE},
};

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
				  "25262728293031323334353637383940414243444546474849"
				  "50515253545556575859606162636465666768697071727374"
				  "75767778798081828384858687888990919293949596979899";

const char *inet_state_name(enum tcp_state state)
{
	return (unsigned int)state < STATES ? state_names[state] : NULL;
}

enum tcp_state inet_state_parse(const char *name, size_t len)
{
	char word[16];

	if (len >= sizeof(word))
		return STATE_NONE;
	for (size_t i = 0; i < len; i++)
		word[i] = name[i] == '-' ? '_' : name[i];
	word[len] = '\0';
	if (strlen(word) != len)
		return STATE_NONE;

	for (unsigned int i = STATE_ESTABLISHED; i < STATES; i++)
		if (strcasecmp(word, state_names[i]) == 0)
			return (enum tcp_state)i;
	for (size_t i = 0; i < sizeof(state_aliases) / sizeof(state_aliases[0]); i++)
		if (strcasecmp(word, state_aliases[i].name) == 0)
			return state_aliases[i].state;
	return STATE_NONE;
}

const char *inet_protocol_name(unsigned int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP: return "tcp";
	case IPPROTO_UDP: return "udp";
	case IPPROTO_MPTCP: return "mptcp";
	case IPPROTO_SCTP: return "sctp";
	case IPPROTO_DCCP: return "dccp";
	case IPPROTO_UDPLITE: return "udplite";
	case IPPROTO_ICMP: return "icmp";
	case IPPROTO_ICMPV6: return "icmp6";
	case IPPROTO_RAW: return "raw";
	default: return NULL;
	}
}

bool inet_is_udp(unsigned int protocol)
{
	return protocol == IPPROTO_UDP || protocol == IPPROTO_UDPLITE;
}

const char *inet_errno_name(int number)
{
	return number > 0 ? strerrorname_np(number) : NULL;
}

bool inet_is_mapped(const uint8_t addr[16])
{
	static const uint8_t prefix[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(addr, prefix, sizeof(prefix)) == 0;
}

bool inet_is_link_local(const uint8_t addr[16])
{
	return addr[0] == 0xfe && (addr[1] & 0xc0) == 0x80;
}

bool inet_is_any(enum family family, const uint8_t addr[16])
{
	static const uint8_t zero[16];

	return memcmp(addr, zero, family == FAMILY_IPV4 ? 4 : 16) == 0;
}

static char *put_byte(char *p, unsigned int value)
{
	if (value >= 100) {
		*p++ = (char)('0' + value / 100);
		value %= 100;
		memcpy(p, digit_pairs + 2 * value, 2);
		return p + 2;
	}
	if (value >= 10) {
		memcpy(p, digit_pairs + 2 * value, 2);
		return p + 2;
	}
	*p++ = (char)('0' + value);
	return p;
}

static char *put_ipv4(char *p, const uint8_t addr[4])
{
	p = put_byte(p, addr[0]);
	for (int i = 1; i < 4; i++) {
		*p++ = '.';
		p = put_byte(p, addr[i]);
	}
	return p;
}

static char *put_group(char *p, unsigned int group)
{
	static const char hex[] = "0123456789abcdef";

	if (group >= 0x1000)
		*p++ = hex[group >> 12];
	if (group >= 0x100)
		*p++ = hex[group >> 8 & 15];
	if (group >= 0x10)
		*p++ = hex[group >> 4 & 15];
	*p++ = hex[group & 15];
	return p;
}

static unsigned int ipv6_group(const uint8_t addr[16], int i)
{
	return (unsigned int)addr[2 * i] << 8 | addr[2 * i + 1];
}

/* RFC 5952 4.2: the longest run of two or more zero groups, the first of equals.  Returns its
 * length. */
static int longest_zero_run(const uint8_t addr[16], int *ret_start)
{
	int best = 0;

	for (int i = 0; i < IPV6_GROUPS; i++) {
		int n = 0;

		while (i + n < IPV6_GROUPS && ipv6_group(addr, i + n) == 0)
			n++;
		if (n > best) {
			best = n;
			*ret_start = i;
		}
		i += n;
	}
	return best >= 2 ? best : 0;
}

static char *put_ipv6(char *p, const uint8_t addr[16])
{
	int start = IPV6_GROUPS;
	int run;

	/* RFC 5952 section 5: a known IPv4 part is written as such. */
	if (inet_is_mapped(addr)) {
		memcpy(p, "::ffff:", 7);
		return put_ipv4(p + 7, addr + 12);
	}
	run = longest_zero_run(addr, &start);
	for (int i = 0; i < IPV6_GROUPS;) {
		if (run && i == start) {
			*p++ = ':';
			*p++ = ':';
			i += run;
			continue;
		}
		if (i > 0 && !(run && i == start + run))
			*p++ = ':';
		p = put_group(p, ipv6_group(addr, i++));
	}
	return p;
}

static char *put_address(char *p, enum family family, bool mapped, const uint8_t addr[16])
{
	if (family == FAMILY_IPV4)
		return put_ipv4(p, addr);
	return mapped ? put_ipv4(p, addr + 12) : put_ipv6(p, addr);
}

size_t inet_format_address(char *out, enum family family, bool mapped, const uint8_t addr[16])
{
	char *end = put_address(out, family, mapped, addr);

	*end = '\0';
	return (size_t)(end - out);
}

enum takes inet_takes(enum family family, const uint8_t addr[16], bool known, bool v6only)
{
	if (family != FAMILY_IPV6 || !inet_is_any(family, addr))
		return TAKES_NONE;
	if (!known)
		return TAKES_UNKNOWN;
	return v6only ? TAKES_IPV6 : TAKES_BOTH;
}

size_t inet_format_endpoint(char *out, enum family family, bool mapped, const struct endpoint *e,
			    const char *interface)
{
	bool bracketed = family == FAMILY_IPV6 && !mapped && e->takes != TAKES_BOTH;
	char *p = out;

	if (bracketed)
		*p++ = '[';
	if (e->takes == TAKES_BOTH)
		*p++ = '*';
	else
		p = put_address(p, family, mapped, e->addr);
	if (bracketed && interface) {
		size_t len = strnlen(interface, INET_INTERFACE_MAX);

		*p++ = '%';
		memcpy(p, interface, len);
		p += len;
	}
	if (bracketed)
		*p++ = ']';
	if (e->takes == TAKES_UNKNOWN)
		*p++ = '?';
	*p++ = ':';
	p += inet_format_number(p, e->port);
	*p = '\0';
	return (size_t)(p - out);
}

/* log10 from log2, which is right but where a power of ten lies between two powers of two. */
static unsigned int count_digits(uint64_t value)
{
	/* clang-format off */
	static const uint64_t power[] = {
		0, 10u, 100u, 1000u, 10000u, 100000u, 1000000u, 10000000u, 100000000u, 1000000000u,
		10000000000u, 100000000000u, 1000000000000u, 10000000000000u, 100000000000000u,
		1000000000000000u, 10000000000000000u, 100000000000000000u, 1000000000000000000u,
		10000000000000000000u,
	};
	/* clang-format on */
	unsigned int bits = 64 - (unsigned int)__builtin_clzll(value | 1);
	unsigned int digits = bits * 1233 >> 12;

	return digits + (value >= power[digits]);
}

size_t inet_format_number(char *out, uint64_t value)
{
	unsigned int len = count_digits(value);
	char *p = out + len;

	while (value >= 100) {
		p -= 2;
		memcpy(p, digit_pairs + 2 * (value % 100), 2);
		value /= 100;
	}
	if (value >= 10)
		memcpy(p - 2, digit_pairs + 2 * value, 2);
	else
		p[-1] = (char)('0' + value);
	return len;
}

char *inet_put_padded(char *p, uint32_t value, unsigned int digits)
{
	char *end = p + digits, *at = end;

	for (; at - p >= 2; value /= 100) {
		at -= 2;
		memcpy(at, digit_pairs + 2 * (value % 100), 2);
	}
	if (at > p)
		*p = (char)('0' + value % 10);
	return end;
}
