// SPDX-License-Identifier: GPL-2.0-only
/*
 * rows.c - a store's rows as an INSERT takes them, written apart from the sender, so that tests of the schema and of what reads from
 * it stand on their own.
 *
 *     build/tests/fleet/rows STORE TABLE HOST [FIRST LAST]
 *
 * The first line is the list of columns, the others are TabSeparated.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "store_copy.h"

struct printer {
	enum copy_table table;
	const char *host, *store;
	uint64_t rows;
};

static void put_bytes(const uint8_t *bytes, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (bytes[i]) {
		case '\t': fputs("\\t", stdout); break;
		case '\n': fputs("\\n", stdout); break;
		case '\\': fputs("\\\\", stdout); break;
		case '\0': fputs("\\0", stdout); break;
		default: putchar(bytes[i]); break;
		}
	}
}

static void put_address(const struct copy_value *v)
{
	const uint8_t *b = v->bytes;

	if (!v->known)
		fputs("::", stdout);
	else if (v->len == 4)
		printf("::ffff:%u.%u.%u.%u", b[0], b[1], b[2], b[3]);
	else
		for (int i = 0; i < 16; i += 2)
			printf("%s%02x%02x", i ? ":" : "", b[i], b[i + 1]);
}

static bool on_row(void *ctx, const struct copy_value *values)
{
	struct printer *p = ctx;
	size_t count;
	const struct copy_column *columns = copy_columns(p->table, &count);

	printf("%s\tm-%s\t%s", p->host, p->host, p->store);
	for (size_t i = 0; i < count; i++) {
		uint64_t number = values[i].known ? (uint64_t)values[i].number : 0;

		putchar('\t');
		switch (columns[i].kind) {
		case COPY_NUMBER: printf("%" PRIu64, number); break;
		case COPY_TIME:
			printf("%010" PRIu64 ".%09" PRIu64, number / 1000000000,
			       number % 1000000000);
			break;
		case COPY_TEXT:
		case COPY_BYTES:
			if (values[i].known)
				put_bytes(values[i].bytes, values[i].len);
			break;
		case COPY_ADDRESS: put_address(&values[i]); break;
		}
	}
	if (p->table == COPY_OPEN)
		fputs("\t0", stdout);
	if (p->table == COPY_OPEN || p->table == COPY_RUN)
		fputs("\t1", stdout);
	putchar('\n');
	p->rows++;
	return true;
}

int main(int argc, char **argv)
{
	struct store_error error = {""};
	struct store_reader *r =
		argc >= 4 ? store_reader_open(argv[1], 1795795200000000000, &error) : NULL;
	struct printer p = {.table = COPY_TABLES};
	size_t count;
	const struct copy_column *columns;

	if (!r) {
		fprintf(stderr, "%s\n",
			argc >= 4 ? error.text : "usage: rows STORE TABLE HOST [FIRST LAST]");
		return 2;
	}
	for (enum copy_table t = 0; t < COPY_TABLES; t++) {
		if (!strcmp(argv[2], copy_name(t)))
			p.table = t;
	}
	if (p.table == COPY_TABLES)
		return 2;
	p.host = argv[3];
	p.store = store_id(r);
	columns = copy_columns(p.table, &count);
	fputs("host, machine_id, store", stdout);
	for (size_t i = 0; i < count; i++)
		printf(", %s", columns[i].name);
	printf("%s%s\n", p.table == COPY_OPEN ? ", gone" : "",
	       p.table == COPY_OPEN || p.table == COPY_RUN ? ", revision" : "");
	if (store_copy(r, p.table, argc > 5 ? strtoull(argv[4], NULL, 10) : 0,
		       argc > 5 ? strtoull(argv[5], NULL, 10) : INT64_MAX, on_row, &p,
		       &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	store_reader_close(r);
	return fflush(stdout) ? 1 : 0;
}
