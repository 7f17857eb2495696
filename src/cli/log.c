// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "writer.h"

/* Two paths and what is said about them. */
#define TEXT_SIZE (2 * PATH_MAX + 512)

static bool is_quiet;
static void (*taker)(const char *text, size_t len);

void log_to(void (*fn)(const char *text, size_t len))
{
	taker = fn;
}

void log_set_quiet(bool quiet)
{
	is_quiet = quiet;
}

__attribute__((format(printf, 1, 0))) static void write_line(const char *format, va_list args)
{
	static const char head[] = "sockwatch: ";
	char text[TEXT_SIZE], line[sizeof(head) + 4 * TEXT_SIZE];
	int more = vsnprintf(text, sizeof(text), format, args);
	size_t len = sizeof(head) - 1;

	if (more < 0)
		return;
	memcpy(line, head, len);
	len += line_escape(line + len, text, strlen(text));
	if (taker) {
		taker(line + sizeof(head) - 1, len - (sizeof(head) - 1));
		return;
	}
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, len) < 0)
		return; /* nobody is left to tell */
}

void log_say(const char *format, ...)
{
	va_list args;

	if (is_quiet)
		return;
	va_start(args, format);
	write_line(format, args);
	va_end(args);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(format, args);
	va_end(args);
}
