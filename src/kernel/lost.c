// SPDX-License-Identifier: GPL-2.0-only
#include "lost.h"

#include <string.h>

#define TRIES 16

static void read_wants(uint64_t want[KERNEL_WANTS], lost_count_fn count, void *ctx)
{
	for (unsigned int i = 0; i < KERNEL_WANTS; i++)
		want[i] = count(ctx, WIRE_KINDS + i);
}

void lost_read(struct lost *ret, lost_count_fn count, void *ctx)
{
	uint64_t after[KERNEL_WANTS];

	read_wants(after, count, ctx);
	for (int i = 0; i < TRIES; i++) {
		memcpy(ret->want, after, sizeof(after));
		for (unsigned int kind = 0; kind < WIRE_KINDS; kind++)
			ret->by_kind[kind] = count(ctx, kind);
		read_wants(after, count, ctx);
		if (memcmp(after, ret->want, sizeof(after)) == 0)
			return;
	}
}
