/* SPDX-License-Identifier: GPL-2.0-only */
/* schema.h - for schema.c and schema_views.c only. */
#ifndef SOCKWATCH_SHIP_SCHEMA_PRIVATE_H
#define SOCKWATCH_SHIP_SCHEMA_PRIVATE_H

#include <stdio.h>

#include "ship_schema.h"

const char *schema_prefix(const struct ship_schema *s);
void schema_put_cluster(FILE *out, const struct ship_schema *s);
void schema_put_views(FILE *out, const struct ship_schema *s);
/*
 * Writes an expression over the columns of `table`, which are called as in `row` ("l." or ""): $name is the column or NULL, @name the
 * text of an address or NULL, as the local views have them.
 */
void schema_put_expression(FILE *out, enum copy_table table, const char *row, const char *text);

#endif
