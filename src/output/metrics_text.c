// SPDX-License-Identifier: GPL-2.0-only
#include "metrics_writer.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *metrics_content_type(enum metrics_format format)
{
	return format == METRICS_OPENMETRICS
		       ? "application/openmetrics-text; version=1.0.0; charset=utf-8"
		       : "text/plain; version=0.0.4; charset=utf-8";
}

enum metrics_format metrics_choose_format(const char *accept)
{
	static const char name[] = "application/openmetrics-text";
	const char *at = accept ? strstr(accept, name) : NULL, *end, *q;

	if (!at)
		return METRICS_PROMETHEUS;
	/* "q=0" refuses it. */
	end = at + strcspn(at, ",");
	q = strstr(at, "q=");
	if (q && q < end && strtod(q + 2, NULL) <= 0)
		return METRICS_PROMETHEUS;
	return METRICS_OPENMETRICS;
}

static const char *const type_words[][2] = {
	[METRIC_COUNTER] = {"counter", "counter"},
	[METRIC_GAUGE] = {"gauge", "gauge"},
	[METRIC_HISTOGRAM] = {"histogram", "histogram"},
	[METRIC_INFO] = {"gauge", "info"},
};

/* What a name ends with; in OpenMetrics a family is called without. */
static const char *suffix_of(const struct metric_family *f)
{
	return f->type == METRIC_COUNTER ? "_total" : f->type == METRIC_INFO ? "_info" : "";
}

static void write_head(struct buffer *out, const struct metric_family *f, enum metrics_format format)
{
	const char *suffix = format == METRICS_PROMETHEUS ? suffix_of(f) : "";

	buffer_print(out, "# HELP %s%s %s\n", f->name, suffix, f->help);
	buffer_print(out, "# TYPE %s%s %s\n", f->name, suffix, type_words[f->type][format]);
	if (format == METRICS_OPENMETRICS && f->unit)
		buffer_print(out, "# UNIT %s %s\n", f->name, f->unit);
}

/* Whole numbers as such; others to the nanosecond and better. */
static void write_number(struct buffer *out, double value)
{
	if (value == floor(value) && fabs(value) < 9e15)
		buffer_print(out, "%.0f\n", value);
	else
		buffer_print(out, "%.12g\n", value);
}

/* A value, of which `len` bytes are not the program's own. */
static void write_value(struct buffer *out, const char *value, size_t len)
{
	char escaped[4 * 256 + 2];
	size_t n = line_escape(escaped, value, len < 256 ? len : 256);

	for (size_t i = 0; i < n; i++) {
		if (escaped[i] == '\\' || escaped[i] == '"')
			buffer_append(out, "\\", 1);
		buffer_append(out, &escaped[i], 1);
	}
}

static void write_labels(struct buffer *out, const struct metric_family *f,
			 const struct metric_series *s, const char *le)
{
	const char *value = s->labels;
	char between = '{';

	for (unsigned int i = 0; i < METRIC_LABELS && f->label[i]; i++) {
		size_t len = strlen(value);

		if (len) {
			buffer_print(out, "%c%s=\"", between, f->label[i]);
			write_value(out, value, len);
			buffer_append(out, "\"", 1);
			between = ',';
		}
		value += len + 1;
	}
	if (le)
		buffer_print(out, "%cle=\"%s\"", between, le);
	if (le || between == ',')
		buffer_append(out, "}", 1);
	buffer_append(out, " ", 1);
}

static void write_histogram(struct buffer *out, const struct metric_family *f,
			    const struct metric_series *s)
{
	uint64_t count = 0;
	char le[32];

	for (unsigned int i = 0; i <= METRIC_BUCKETS; i++) {
		bool last = i == METRIC_BUCKETS || f->bound[i] <= 0;

		count += s->bucket[i];
		/* A whole number has a point, in either format the same. */
		if (last)
			strcpy(le, "+Inf");
		else
			snprintf(le, sizeof(le), f->bound[i] == floor(f->bound[i]) ? "%.1f" : "%g",
				 f->bound[i]);
		buffer_print(out, "%s_bucket", f->name);
		write_labels(out, f, s, le);
		buffer_print(out, "%" PRIu64 "\n", count);
		if (last)
			break;
	}
	buffer_print(out, "%s_sum", f->name);
	write_labels(out, f, s, NULL);
	write_number(out, s->value);
	buffer_print(out, "%s_count", f->name);
	write_labels(out, f, s, NULL);
	buffer_print(out, "%" PRIu64 "\n", count);
}

void metrics_write(struct buffer *out, struct metrics *m, enum metrics_format format)
{
	const struct metric_series *s;
	int before = -1;

	for (size_t i = 0; (s = metrics_sorted(m, i)); i++) {
		const struct metric_family *f = metric_family(s->metric);

		if ((int)s->metric != before)
			write_head(out, f, format);
		before = (int)s->metric;
		if (f->type == METRIC_HISTOGRAM) {
			write_histogram(out, f, s);
			continue;
		}
		buffer_print(out, "%s%s", f->name, suffix_of(f));
		write_labels(out, f, s, NULL);
		write_number(out, s->value);
	}
	if (format == METRICS_OPENMETRICS)
		buffer_print(out, "# EOF\n");
}
