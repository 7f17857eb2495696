// SPDX-License-Identifier: GPL-2.0-only
#include "writer.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int buffer_init(struct buffer *b, size_t cap)
{
	*b = (struct buffer){.data = malloc(cap ? cap : 1), .cap = cap ? cap : 1};
	if (!b->data) {
		b->cap = 0;
		b->failed = true;
		return -ENOMEM;
	}
	return 0;
}

void buffer_done(struct buffer *b)
{
	free(b->data);
	*b = (struct buffer){.failed = true};
}

static bool grow(struct buffer *b, size_t more)
{
	size_t cap = b->cap ? b->cap : 64;
	char *data;

	if (more > SIZE_MAX / 2 - b->len)
		return false;
	while (cap - b->len < more)
		cap *= 2;
	data = realloc(b->data, cap);
	if (!data)
		return false;
	b->data = data;
	b->cap = cap;
	return true;
}

char *buffer_grow(struct buffer *b, size_t more)
{
	b->failed = b->failed || !grow(b, more);
	return b->failed ? NULL : b->data + b->len;
}

void buffer_append(struct buffer *b, const void *bytes, size_t len)
{
	char *p = buffer_reserve(b, len);

	if (!p || !len)
		return;
	memcpy(p, bytes, len);
	b->len += len;
}

void buffer_print(struct buffer *b, const char *format, ...)
{
	va_list args, again;
	char *p;
	int len;

	va_start(args, format);
	va_copy(again, args);
	p = buffer_reserve(b, 256);
	len = p ? vsnprintf(p, 256, format, args) : -1;
	if (len >= 256) {
		p = buffer_reserve(b, (size_t)len + 1);
		if (p)
			vsnprintf(p, (size_t)len + 1, format, again);
	}
	if (p && len > 0)
		b->len += (size_t)len;
	va_end(again);
	va_end(args);
}
