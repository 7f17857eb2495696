// SPDX-License-Identifier: GPL-2.0-only
#include "by.h"

#include "log.h"

#define MAX_GROUPS 100000
#define MAX_BYTES  (UINT64_C(32) << 20)

/* Of a ceiling, what a record has for its store: an eighth of what grows (options_memory.c). */
static uint64_t max_bytes(const struct options *o)
{
	uint64_t bytes = o->memory_bytes ? (o->memory_bytes - OPTIONS_MEMORY_BASE) / 8 : MAX_BYTES;

	return bytes < MAX_BYTES ? bytes : MAX_BYTES;
}

int by_open(const struct options *options, struct groups **ret)
{
	*ret = NULL;
	if (!options->by.count)
		return 0;
	*ret = groups_new(&options->by, MAX_GROUPS, max_bytes(options));
	if (*ret)
		return 0;
	log_error("no memory");
	return 1;
}

void by_write(const struct options *options, struct groups *g, const struct group_style *style,
	      struct buffer *out)
{
	const struct group *rest = groups_rest(g);

	if (options->format == FORMAT_JSON)
		group_write_json(out, g, style);
	else
		group_write_text(out, g, style);
	if (rest->count)
		log_error(
			"%llu %s found no room in a group of their own: they are counted together",
			(unsigned long long)rest->count, style->sockets ? "sockets" : "events");
}
