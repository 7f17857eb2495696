/* SPDX-License-Identifier: GPL-2.0-only */
/* sample_events.h - one event of every shape that a writer may meet, for the golden files. */
#ifndef SAMPLE_EVENTS_H
#define SAMPLE_EVENTS_H

#include "event.h"

#define SAMPLE_MSEC  1000000ull
#define SAMPLE_SEC   1000000000ull
#define SAMPLE_BEGIN (3600 * SAMPLE_SEC + 123456789) /* an hour after boot */

extern const struct event sample_events[];
extern const size_t sample_event_count;
extern const struct process sample_nginx;

#endif
