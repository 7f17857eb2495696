// SPDX-License-Identifier: GPL-2.0-only
/* writer.c - what every writer has besides the walk. */
#include "walk.h"

#include <stdlib.h>

void writer_header(struct writer *w, struct buffer *out)
{
	size_t start = out->len;

	w->out = out;
	if (w->spelling->header)
		w->spelling->header(w);
	if (out->failed)
		out->len = start;
}

unsigned int writer_widths(struct writer *w)
{
	return w->spelling->widths ? w->spelling->widths(w) : 0;
}

void writer_resize(struct writer *w, unsigned int columns)
{
	w->options.columns = columns;
}

void writer_free(struct writer *w)
{
	if (w && w->spelling->free)
		w->spelling->free(w);
	free(w);
}
