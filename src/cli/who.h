/* SPDX-License-Identifier: GPL-2.0-only */
/* who.h - what `sockwatch who` found, shared by its search (who.c) and its words (who_text.c). */
#ifndef SOCKWATCH_WHO_H
#define SOCKWATCH_WHO_H

#include "event.h"
#include "listing_writer.h"

struct who {
	const struct listing *listing;
	const struct listing_socket **found;
	size_t count;
	struct listing_style style;
	uint32_t own_netns;
};

/* Appends the answer for people. */
void who_write(struct buffer *out, const struct who *who);
/* "nginx[901]", or "an unknown process" for NULL. */
void who_write_name(struct buffer *out, const struct process *process);
/* Appends what there is to say about one process, "  process    nginx[901], user root ...". */
void who_write_process(struct buffer *out, const struct who *who, uint32_t pid, const char *name,
		       uint32_t uid);

#endif
