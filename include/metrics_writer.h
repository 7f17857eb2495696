/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * metrics_writer.h - metrics as lines of text, as Prometheus reads them.
 *
 * Owns: both spellings: Prometheus' text format 0.0.4 and OpenMetrics 1.0.0.  Refuses to know: where values come from, HTTP.
 * A value of a label is escaped as a name is in text, so that a terminal may show the answer, then as the format wants it.
 */
#ifndef SOCKWATCH_METRICS_WRITER_H
#define SOCKWATCH_METRICS_WRITER_H

#include "metrics.h"
#include "writer.h"

enum metrics_format { METRICS_PROMETHEUS, METRICS_OPENMETRICS };

/* What HTTP calls it. */
const char *metrics_content_type(enum metrics_format format);
/* What an Accept header (NULL none) prefers: OpenMetrics only where it is named. */
enum metrics_format metrics_choose_format(const char *accept);
void metrics_write(struct buffer *out, struct metrics *m, enum metrics_format format);

#endif
