// SPDX-License-Identifier: GPL-2.0-only
#include "fail.h"

#include <stdarg.h>
#include <stdio.h>

int kernel_fail(struct kernel_error *error, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
	for (char *p = error->text; *p; p++) {
		if (*p == '\n')
			*p = ' ';
	}
	return err;
}
