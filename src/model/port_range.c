// SPDX-License-Identifier: GPL-2.0-only
#include "port_range.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "units.h"

int port_range_parse(const char *text, struct port_range *ret)
{
	char *end;
	unsigned long low = strtoul(text, &end, 10), high;

	if (end == text)
		return -EINVAL;
	text = end;
	high = strtoul(text, &end, 10);
	if (end == text || low == 0 || low > high || high > UINT16_MAX)
		return -EINVAL;
	ret->low = (uint16_t)low;
	ret->high = (uint16_t)high;
	return 0;
}

int port_range_parse_reserved(const char *text, struct port_range *ret)
{
	struct units_ranges list = {0};
	char line[65536 * 6];
	size_t len = strcspn(text, "\n");

	if (len >= sizeof(line))
		return -EINVAL;
	memcpy(line, text, len);
	line[len] = '\0';
	if (len > 0 && units_parse_ranges(line, UINT16_MAX, &list) < 0)
		return -EINVAL;
	memset(ret->reserved, 0, sizeof(ret->reserved));
	ret->reserved_count = 0;
	for (size_t i = 0; i < list.count; i++) {
		for (uint64_t port = list.item[i].low; port <= list.item[i].high; port++) {
			if (port_is_reserved(ret, (unsigned int)port))
				continue;
			ret->reserved[port / 8] |= (uint8_t)(1u << port % 8);
			ret->reserved_count += port >= ret->low && port <= ret->high;
		}
	}
	units_ranges_done(&list);
	return 0;
}
