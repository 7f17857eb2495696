// SPDX-License-Identifier: GPL-2.0-only
/* units.c - what people write for durations, sizes, times, lists, addresses and filters, and what a filter then matches. */
#include "units.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"
#include "fuzz.h"
#include "port_range.h"

#define UNTOUCHED 0x5aa5a55a12344321ull

static void read_numbers(const char *text)
{
	uint64_t value = UNTOUCHED, ns;
	char out[32];
	size_t len;

	if (units_parse_duration(text, &value) == 0) {
		len = units_format_duration(out, value);
		MUST(len > 0 && len < sizeof(out));
	} else {
		MUST(value == UNTOUCHED);
	}
	value = UNTOUCHED;
	if (units_parse_size(text, &value))
		MUST(value == UNTOUCHED);
	value = UNTOUCHED;
	if (units_parse_number(text, 3, 1000, &value))
		MUST(value == UNTOUCHED);
	else
		MUST(value >= 3 && value <= 1000);
	value = UNTOUCHED;
	if (units_parse_time(text, 1795176000ull * NSEC_PER_SEC, &value)) {
		MUST(value == UNTOUCHED);
	} else {
		struct units_clock_cache cache;
		char date[UNITS_RFC3339_SIZE];

		units_clock_init(&cache);
		units_format_rfc3339(date, &cache, value);
		/* What is printed is read back as the same. */
		MUST(units_parse_time(date, 0, &ns) == 0 && ns == value);
	}
}

static void read_ranges(const char *text)
{
	struct units_ranges ranges = {0};

	if (units_parse_ranges(text, 65535, &ranges) == 0) {
		MUST(ranges.count > 0);
		for (size_t i = 0; i < ranges.count; i++) {
			MUST(ranges.item[i].low <= ranges.item[i].high &&
			     ranges.item[i].high <= 65535);
			MUST(units_ranges_match(&ranges, ranges.item[i].low));
		}
	}
	units_ranges_done(&ranges);
}

static void read_port_files(const char *text)
{
	struct port_range range = {.low = 1, .high = 10};

	if (port_range_parse(text, &range) == 0)
		MUST(range.low <= range.high);
	if (port_range_parse_reserved(text, &range) == 0)
		MUST(range.reserved_count <= range.high - range.low + 1);
}

static int port_of(void *ctx, const char *name, uint16_t protocol)
{
	(void)ctx;
	return strlen(name) + protocol > 12 ? -1 : 80;
}

static bool address_of(void *ctx, const char *name, bool ipv6, uint8_t ret[16])
{
	(void)ctx;
	memset(ret, 1, ipv6 ? 16 : 4);
	return name[0] == 'h';
}

static void add(struct filter *f, uint8_t what, const char *text)
{
	static const struct filter_names names = {.port_of = port_of, .address_of = address_of};
	const char *bad = NULL;

	switch (what % 6) {
	case 0: filter_add_cidr(f, text); break;
	case 1:
		if (filter_add_states(f, text, &bad))
			MUST(bad >= text && bad <= text + strlen(text));
		break;
	case 2:
		if (filter_add_kinds(f, text, &bad))
			MUST(bad >= text && bad <= text + strlen(text));
		break;
	case 3: filter_add_inet(f, text, &names); break;
	case 4:
		free(f->cgroup);
		f->cgroup = strdup(text);
		break;
	case 5:
		free(f->container);
		f->container = strdup(text);
		break;
	}
	for (size_t i = 0; i < f->cidr_count; i++)
		MUST(f->cidr[i].bits <= (f->cidr[i].family == FAMILY_IPV4 ? 32 : 128));
}

static void match(const struct filter *f)
{
	static const struct process process = {
		.pid = 9, .name = "cat", .cgroup = "/a/b", .container = "4f1e"};
	struct event e = {.kind = EVENT_CLOSE,
			  .protocol = IPPROTO_TCP,
			  .family = FAMILY_IPV6,
			  .mapped = true,
			  .has_local = true,
			  .has_peer = true,
			  .local = {.addr = {[10] = 0xff, 0xff, 127, 0, 0, 1}, .port = 80},
			  .peer = {.addr = {[10] = 0xff, 0xff, 10, 0, 0, 1}, .port = 4000},
			  .process = &process};
	struct listing_socket s = {
		.protocol = IPPROTO_TCP, .family = FAMILY_IPV4, .local.port = 80};

	filter_match(f, &e);
	for (size_t i = 0; i < f->inet_count; i++)
		filter_inet_match_local(&f->inet[i], &s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct filter filter;

	filter_init(&filter);
	while (in.left) {
		uint8_t what = input_8(&in);
		char *text = input_string(&in, strnlen((const char *)in.at, in.left));

		input_8(&in);
		switch (what >> 5) {
		case 0: read_numbers(text); break;
		case 1: read_ranges(text); break;
		case 2: read_port_files(text); break;
		default: add(&filter, what, text); break;
		}
		free(text);
	}
	match(&filter);
	filter_done(&filter);
	return 0;
}
