/* SPDX-License-Identifier: GPL-2.0-only */
/* top_private.h - a frame under construction; between top_text.c and top_detail.c. */
#ifndef SOCKWATCH_OUTPUT_TOP_PRIVATE_H
#define SOCKWATCH_OUTPUT_TOP_PRIVATE_H

#include <netinet/in.h>

#include "top_writer.h"

struct draw {
	struct buffer *out, line; /* the line is not cut yet */
	const struct top_frame *f;
	uint8_t *style;
	size_t lines, limit; /* drawn so far, and at most; 0: no bound */
	size_t skip;	     /* so many lines stand above what is shown */
	bool over;	     /* there are more than have room */
	bool whole;	     /* what is too wide goes on in the next line, else it is cut */
};

/* Ends the line; what is below the frame is left out. */
void draw_line(struct draw *d, enum top_style style);
/* "0", "0.1", "12", "9999", "12k". */
void draw_amount(char *out, size_t size, double value);
void draw_detail(struct draw *d);

#endif
