// SPDX-License-Identifier: GPL-2.0-only
#include "golden.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct text {
	char *data;
	size_t len;
};

static bool text_read(const char *path, struct text *ret)
{
	FILE *file = fopen(path, "r");
	size_t cap = 1 << 20;

	if (!file)
		return false;
	ret->data = malloc(cap);
	ret->len = ret->data ? fread(ret->data, 1, cap, file) : 0;
	fclose(file);
	return ret->data != NULL;
}

static bool text_write(const char *path, const char *data, size_t len)
{
	FILE *file = fopen(path, "w");
	bool ok;

	if (!file)
		return false;
	ok = fwrite(data, 1, len, file) == len;
	return fclose(file) == 0 && ok;
}

/* Takes the next line off `text`, newline included. */
static struct text next_line(struct text *text)
{
	char *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
	struct text line = {text->data, end ? (size_t)(end - text->data) + 1 : text->len};

	text->data += line.len;
	text->len -= line.len;
	return line;
}

static void print_line(char mark, int number, struct text line)
{
	fprintf(stderr, "%c %3d ", mark, number);
	for (size_t i = 0; i < line.len; i++) {
		unsigned char c = (unsigned char)line.data[i];

		if (c == '\n')
			break;
		if (c < ' ' || c == 0x7f)
			fprintf(stderr, "<%02x>", c);
		else
			fputc(c, stderr);
	}
	fputs(line.len ? "\n" : "(no line)\n", stderr);
}

static void print_difference(const char *path, struct text want, struct text got)
{
	fprintf(stderr, "--- %s\n+++ what the test produced (UPDATE_GOLDEN=1 accepts it)\n", path);
	for (int number = 1; want.len || got.len; number++) {
		struct text a = next_line(&want);
		struct text b = next_line(&got);

		if (a.len == b.len && memcmp(a.data, b.data, a.len) == 0)
			continue;
		print_line('-', number, a);
		print_line('+', number, b);
	}
}

bool golden_matches(const char *name, const char *data, size_t len)
{
	struct text want = {0};
	char path[128];
	char *got;
	bool same;

	snprintf(path, sizeof(path), "tests/golden/%s", name);
	if (getenv("UPDATE_GOLDEN"))
		return text_write(path, data, len);
	if (!text_read(path, &want)) {
		fprintf(stderr, "%s: %s (UPDATE_GOLDEN=1 writes it)\n", path, strerror(errno));
		return false;
	}
	same = want.len == len && memcmp(want.data, data, len) == 0;
	/* What differs may hold any byte. */
	got = same ? NULL : malloc(len + 1);
	if (got) {
		memcpy(got, data, len);
		print_difference(path, want, (struct text){got, len});
	}
	free(got);
	free(want.data);
	return same;
}
