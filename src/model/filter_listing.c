/* SPDX-License-Identifier: GPL-2.0-only */
/* filter_listing.c - the filter on sockets of a listing, and lsof's -i. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "filter.h"

#define WORD_MAX 256

/* ---- [46][protocol][@host][:ports] ---- */

static bool take_protocol(const char **text, uint16_t *ret)
{
	static const struct {
		const char *name;
		uint16_t protocol;
	} protocols[] = {
		{"udplite", IPPROTO_UDPLITE}, {"tcp", IPPROTO_TCP},   {"udp", IPPROTO_UDP},
		{"mptcp", IPPROTO_MPTCP},     {"sctp", IPPROTO_SCTP},
	};
	size_t len = strcspn(*text, "@:");

	if (len == 0)
		return true;
	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (len == strlen(protocols[i].name) &&
		    strncasecmp(*text, protocols[i].name, len) == 0) {
			*text += len;
			*ret = protocols[i].protocol;
			return true;
		}
	}
	return false;
}

static bool parse_host(const char *word, const struct filter_names *names, struct filter_inet *ret)
{
	bool want_ipv6 = ret->version == 6;

	ret->has_host = true;
	ret->host = (struct filter_cidr){.family = FAMILY_IPV4, .bits = 32};
	if (inet_pton(AF_INET, word, ret->host.addr) == 1)
		return true;
	if (inet_pton(AF_INET6, word, ret->host.addr) == 1) {
		ret->host.family = FAMILY_IPV6;
		ret->host.bits = 128;
		if (inet_is_mapped(ret->host.addr)) {
			memmove(ret->host.addr, ret->host.addr + 12, 4);
			memset(ret->host.addr + 4, 0, 12);
			ret->host.family = FAMILY_IPV4;
			ret->host.bits = 32;
		}
		return true;
	}
	if (!names || !names->address_of)
		return false;
	if (!want_ipv6 && names->address_of(names->ctx, word, false, ret->host.addr))
		return true;
	ret->host.family = FAMILY_IPV6;
	ret->host.bits = 128;
	return ret->version != 4 && names->address_of(names->ctx, word, true, ret->host.addr);
}

/* "@host", "@[ipv6]", "@ipv6": an IPv6 address without brackets ends where a colon cannot go on. */
static bool take_host(const char **text, const struct filter_names *names, struct filter_inet *ret)
{
	char word[WORD_MAX];
	const char *end;
	size_t len;

	if (**text != '@')
		return true;
	++*text;
	if (**text == '[') {
		end = strchr(*text, ']');
		if (!end || (size_t)(end - *text - 1) >= sizeof(word))
			return false;
		len = (size_t)(end - *text - 1);
		memcpy(word, *text + 1, len);
		word[len] = '\0';
		*text = end + 1;
		return parse_host(word, names, ret);
	}
	len = strlen(*text);
	if (len >= sizeof(word))
		return false;
	memcpy(word, *text, len + 1);
	if (inet_pton(AF_INET6, word, ret->host.addr) != 1) {
		/* The last colon leads to the ports. */
		char *colon = strrchr(word, ':');

		if (colon)
			*colon = '\0';
		len = strlen(word);
	}
	*text += len;
	return len > 0 && parse_host(word, names, ret);
}

static int take_ports(const char *text, const struct filter_names *names, struct filter_inet *ret)
{
	char word[WORD_MAX];

	if (!*text)
		return 0;
	if (*text++ != ':' || !*text)
		return -EINVAL;
	while (*text) {
		size_t len = strcspn(text, ",");
		int err, port;

		if (len == 0 || len >= sizeof(word))
			return -EINVAL;
		memcpy(word, text, len);
		word[len] = '\0';
		err = units_parse_ranges(word, 65535, &ret->ports);
		if (err == -EINVAL && names && names->port_of) {
			port = names->port_of(names->ctx, word, ret->protocol);
			if (port >= 0) {
				word[inet_format_number(word, (uint64_t)port)] = '\0';
				err = units_parse_ranges(word, 65535, &ret->ports);
			}
		}
		if (err)
			return err == -ENOMEM ? err : -EINVAL;
		text += len;
		if (*text == ',' && !*++text)
			return -EINVAL;
	}
	return 0;
}

int filter_add_inet(struct filter *f, const char *text, const struct filter_names *names)
{
	struct filter_inet inet = {0}, *grown;
	int err = 0;

	if (*text == '4' || *text == '6')
		inet.version = (uint8_t)(*text++ - '0');
	if (!take_protocol(&text, &inet.protocol) || !take_host(&text, names, &inet))
		err = -EINVAL;
	if (!err)
		err = take_ports(text, names, &inet);
	grown = err ? NULL : realloc(f->inet, (f->inet_count + 1) * sizeof(*grown));
	if (!grown) {
		units_ranges_done(&inet.ports);
		return err ? err : -ENOMEM;
	}
	f->inet = grown;
	f->inet[f->inet_count++] = inet;
	return 0;
}

/* ---- matching ---- */

static bool match_end(const struct filter_inet *inet, const struct listing_socket *s,
		      const struct endpoint *end)
{
	const uint8_t *addr = end->addr;
	bool ipv4 = s->family == FAMILY_IPV4 || s->mapped;

	if (inet->ports.count && !units_ranges_match(&inet->ports, end->port))
		return false;
	if (!inet->has_host)
		return true;
	if (inet->host.family == FAMILY_IPV4)
		return ipv4 && filter_cidr_contains(&inet->host, s->mapped ? addr + 12 : addr);
	return s->family == FAMILY_IPV6 && filter_cidr_contains(&inet->host, addr);
}

static bool match_inet(const struct filter_inet *inet, const struct listing_socket *s)
{
	bool mptcp = inet->protocol == IPPROTO_TCP && s->protocol == IPPROTO_MPTCP;

	if (inet->protocol && inet->protocol != s->protocol && !mptcp)
		return false;
	if (inet->version == 4 && s->family != FAMILY_IPV4 && !s->mapped)
		return false;
	if (inet->version == 6 && s->family != FAMILY_IPV6)
		return false;
	return match_end(inet, s, &s->local) ||
	       (listing_has_peer(s) && match_end(inet, s, &s->peer));
}

/* Whether a wildcard stands for `host` too; where that is not known it may. */
static bool covers(const struct listing_socket *s, const struct filter_cidr *host)
{
	if (host->family == FAMILY_IPV6)
		return s->family == FAMILY_IPV6 && !s->mapped;
	return s->family == FAMILY_IPV4 || s->mapped || s->local.takes != TAKES_IPV6;
}

bool filter_inet_match_local(const struct filter_inet *inet, const struct listing_socket *s)
{
	struct filter_inet any = *inet;
	struct listing_socket local = *s;

	/* Only one end counts here. */
	local.peer = local.local;
	if (any.has_host && inet_is_any((enum family)s->family, s->local.addr)) {
		any.has_host = false;
		if (!covers(s, &inet->host))
			return false;
	}
	return match_inet(&any, &local);
}

static bool match_holders(const struct filter *f, const struct listing *l,
			  const struct listing_socket *s)
{
	const struct listing_task *owner;

	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
		if (filter_match_process(f, &l->tasks[l->holders[h].task].process))
			return true;
	}
	owner = s->first == LISTING_NONE ? listing_owner(l, s) : NULL;
	return owner && filter_match_process(f, &owner->process);
}

bool filter_match_socket(const struct filter *f, const struct listing *l,
			 const struct listing_socket *s)
{
	struct event event = {
		.kind = EVENT_STATE,
		.protocol = s->protocol,
		.family = (enum family)s->family,
		.mapped = s->mapped,
		.has_local = true,
		.has_peer = listing_has_peer(s),
		.netns = s->netns,
		.local = s->local,
		.peer = s->peer,
	};
	bool found = f->inet_count == 0;

	if (f->listening &&
	    (inet_is_udp(s->protocol) ? event.has_peer : listing_state(s) != STATE_LISTEN))
		return false;
	for (size_t i = 0; i < f->inet_count && !found; i++)
		found = match_inet(&f->inet[i], s);
	if (!found)
		return false;
	event.state.from = event.state.to = listing_state(s);
	return filter_match_ends(f, &event) && (!filter_asks_process(f) || match_holders(f, l, s));
}
