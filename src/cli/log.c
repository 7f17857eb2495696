// SPDX-License-Identifier: GPL-2.0-only
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static bool is_quiet;

void log_set_quiet(bool quiet)
{
	is_quiet = quiet;
}

__attribute__((format(printf, 1, 0))) static void write_line(const char *format, va_list args)
{
	char line[1024] = "sockwatch: ";
	int len = 11, more = vsnprintf(line + len, sizeof(line) - 12, format, args);

	if (more < 0)
		return;
	len += more < (int)sizeof(line) - 12 ? more : (int)sizeof(line) - 13;
	line[len++] = '\n';
	if (write(STDERR_FILENO, line, (size_t)len) < 0)
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
