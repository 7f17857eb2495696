/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * log.h - words on stderr, one line each.  The only place that writes them; --quiet silences
 * log_say(), never log_error().  What is in the arguments (paths, names, a library's words) is escaped here.
 */
#ifndef SOCKWATCH_LOG_H
#define SOCKWATCH_LOG_H

#include <stdbool.h>
#include <stddef.h>

void log_set_quiet(bool quiet);
/* "sockwatch: <text>\n" in one write, so that lines of several processes do not mix. */
__attribute__((format(printf, 1, 2))) void log_say(const char *format, ...);
__attribute__((format(printf, 1, 2))) void log_error(const char *format, ...);
/* What is said goes there instead, escaped and without the head; NULL: to stderr again. */
void log_to(void (*fn)(const char *text, size_t len));

#endif
