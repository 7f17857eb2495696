// SPDX-License-Identifier: GPL-2.0-only
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#include "ship_case.h"
#include "store_case.h"

#define LINES_MAX  60000
#define TOKENS_MAX 20000
#define RAW_MAX	   (64u << 20)

struct model model;
struct ship_now ship_case_now;
struct ship_step ship_case_step;

static struct line lines[LINES_MAX];
static size_t line_count;
static struct token {
	char *text;
	uLong sum;
} tokens[TOKENS_MAX];
static size_t token_count;
static bool days_are_apart = true;

void model_clear(void)
{
	for (size_t i = 0; i < line_count; i++) {
		free(lines[i].table);
		free(lines[i].text);
	}
	for (size_t i = 0; i < token_count; i++)
		free(tokens[i].text);
	line_count = token_count = 0;
	days_are_apart = true;
	model = (struct model){0};
	ship_case_now = (struct ship_now){.steady_ns = SEC, .wall_ns = WALL};
}

int ship_case_teardown(void **state)
{
	static const char *const endings[] = {"-ship",	    "-ship-wal", "-ship-shm",
					      "-ship-lock", "-sent",	 "-copy"};
	char name[100];

	for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
		snprintf(name, sizeof(name), "%s%s", path, endings[i]);
		unlink(name);
	}
	model_clear();
	return store_teardown(state);
}

size_t model_lines(const char *table, const struct line **ret, size_t most)
{
	size_t count = 0;

	for (size_t i = 0; i < line_count; i++) {
		if (!strcmp(lines[i].table, table) && count++ < most && ret)
			ret[count - 1] = &lines[i];
	}
	return count;
}

const char *model_column(const struct line *line, unsigned int column)
{
	static char text[LINE_MAX_BYTES];
	const char *at = line->text;

	while (column-- > 0) {
		at = strchr(at, '\t');
		assert_non_null(at);
		at++;
	}
	snprintf(text, sizeof(text), "%.*s", (int)strcspn(at, "\t"), at);
	return text;
}

bool model_days_are_apart(void)
{
	return days_are_apart;
}

/* ---- the server ---- */

static char *unescape(const char *from, size_t len)
{
	char *text = malloc(len + 1), *to = text;

	for (size_t i = 0; i < len; i++) {
		unsigned int byte;

		if (from[i] == '%' && sscanf(from + i + 1, "%2x", &byte) == 1) {
			*to++ = (char)byte;
			i += 2;
		} else {
			*to++ = from[i];
		}
	}
	*to = '\0';
	return text;
}

/* NULL where it is not there. */
static char *parameter(const char *target, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = strchr(target, '?'); at; at = strchr(at, '&')) {
		at++;
		if (!strncmp(at, name, len) && at[len] == '=')
			return unescape(at + len + 1, strcspn(at + len + 1, "&"));
	}
	return NULL;
}

static char *expand(const struct ship_http_request *r)
{
	char *raw = malloc(RAW_MAX + 1);
	z_stream z = {.next_in = (Bytef *)(uintptr_t)r->body,
		      .avail_in = (uInt)r->len,
		      .next_out = (Bytef *)raw,
		      .avail_out = RAW_MAX};

	assert_true(r->gzip);
	assert_int_equal(inflateInit2(&z, 15 + 16), Z_OK);
	assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
	raw[z.total_out] = '\0';
	assert_int_equal(strlen(raw), z.total_out);
	inflateEnd(&z);
	return raw;
}

/* The same token must not come with other rows. */
static bool knows_token(char *text, uLong sum)
{
	for (size_t i = 0; i < token_count && text; i++) {
		if (strcmp(tokens[i].text, text) != 0)
			continue;
		if (tokens[i].sum != sum)
			fail_msg("%s came with other rows", text);
		free(text);
		return true;
	}
	assert_true(token_count < TOKENS_MAX);
	if (text)
		tokens[token_count++] = (struct token){text, sum};
	return false;
}

static void take_line(const char *table, const char *text)
{
	for (size_t i = 0; i < line_count; i++) {
		if (!strcmp(lines[i].text, text) && !strcmp(lines[i].table, table)) {
			lines[i].count++;
			return;
		}
	}
	assert_true(line_count < LINES_MAX);
	lines[line_count++] = (struct line){strdup(table), strdup(text), 1};
}

/* Of the time behind the number, which lives, calls and losses have. */
static long day_of(const char *line)
{
	const char *at = line;

	for (int i = 0; i < 4; i++)
		at = strchr(at, '\t') + 1;
	return atol(at) / 86400;
}

static void insert(const struct ship_http_request *r, const char *query)
{
	char *raw = expand(r), *token = parameter(r->target, "insert_deduplication_token"),
	     *rest = raw, *line;
	char table[64];
	long day = -1;
	bool is_timed;

	assert_int_equal(sscanf(query, "INSERT INTO `fleet`.`%63[a-z_]`", table), 1);
	is_timed = !strcmp(table, "life") || !strcmp(table, "call") || !strcmp(table, "loss");
	if (!model.old && strcmp(table, "run") != 0 && strcmp(table, "open") != 0)
		assert_non_null(token);
	if (knows_token(token, crc32(0, r->body, (uInt)r->len)) && !model.ignores_tokens) {
		free(raw);
		return;
	}
	model.inserts++;
	while ((line = strsep(&rest, "\n")) && *line) {
		if (is_timed && day >= 0 && day != day_of(line))
			days_are_apart = false;
		if (is_timed)
			day = day_of(line);
		take_line(table, line);
	}
	free(raw);
}

/* ---- instead of src/ship/http.c ---- */

struct ship_http *__wrap_ship_http_open(const struct ship_http_options *o,
					struct ship_error *error);
void __wrap_ship_http_do(struct ship_http *h, const struct ship_http_request *r,
			 struct ship_http_answer *ret);
void __wrap_ship_http_close(struct ship_http *h);

struct ship_http *__wrap_ship_http_open(const struct ship_http_options *o, struct ship_error *error)
{
	(void)error;
	assert_string_equal(o->place, "http://db:8123");
	return (struct ship_http *)&model;
}

void __wrap_ship_http_close(struct ship_http *h)
{
	(void)h;
}

void __wrap_ship_http_do(struct ship_http *h, const struct ship_http_request *r,
			 struct ship_http_answer *ret)
{
	enum fault fault = model.fault ? model.fault() : FAULT_NONE;
	char *query = parameter(r->target, "query");

	(void)h;
	assert_non_null(query);
	model.requests++;
	snprintf(model.last_query, sizeof(model.last_query), "%s", query);
	snprintf(model.last_target, sizeof(model.last_target), "%s", r->target);
	*ret = (struct ship_http_answer){.status = 200};
	if (model.answer)
		*ret = model.answer(query);
	if (model.old && strstr(r->target, "insert_deduplication_token"))
		*ret = (struct ship_http_answer){
			.status = 500, .code = 115, .text = "Unknown setting"};
	if (ret->status == 0)
		ret->status = 200;
	if (ret->status == 200 && (fault == FAULT_NONE || fault == FAULT_UNANSWERED))
		insert(r, query);
	if (fault == FAULT_LOST || fault == FAULT_UNANSWERED)
		*ret = (struct ship_http_answer){.failure = SHIP_HTTP_UNREACHED,
						 .text = "the connection ended"};
	else if (fault == FAULT_BUSY)
		*ret = (struct ship_http_answer){.status = 503, .retry_after_ns = 3 * SEC};
	else if (fault == FAULT_BROKEN)
		*ret = (struct ship_http_answer){
			.status = 500, .code = 252, .text = "Too many parts"};
	free(query);
}

/* ---- what is sent ---- */

static const struct line *got_lives[FOUND_MAX];

void record(uint64_t from, uint64_t to, double every)
{
	struct store *s = OPEN();

	for (uint64_t i = from; i <= to; i++) {
		struct event e = life((double)i * every - 0.5, (double)i * every,
				      (uint16_t)(i % 60000 + 1), i);

		assert_true(store_event(s, &e, OFFSET));
	}
	store_close(s, NULL);
}

void assert_lives(uint64_t count, unsigned int times)
{
	static unsigned int seen[FOUND_MAX];
	size_t n = model_lines("life", got_lives, FOUND_MAX);

	assert_int_equal(n, count);
	memset(seen, 0, sizeof(seen));
	for (size_t i = 0; i < n; i++) {
		uint64_t cookie = strtoull(model_column(got_lives[i], 3 + 9), NULL, 10);

		assert_in_range(cookie, 1, count);
		seen[cookie] += got_lives[i]->count;
	}
	for (uint64_t i = 1; i <= count; i++) {
		if (seen[i] != times)
			fail_msg("life %llu is there %u times", (unsigned long long)i, seen[i]);
	}
}

/* ---- the sender ---- */

struct ship *ship_case_open(struct ship_options o)
{
	struct ship_error error = {""};
	struct ship *s;

	o.store = path;
	o.host = "host-a";
	o.machine_id = "0123";
	o.prefix = "";
	assert_true(ship_place_parse("http://db:8123/fleet", &o.to));
	s = ship_open(&o, &error);
	if (!s)
		fail_msg("ship_open: %s", error.text);
	return s;
}

bool ship_case_flush(struct ship *s, unsigned int most)
{
	ship_case_now.flush = true;
	for (unsigned int i = 0; i < most; i++) {
		enum ship_state state = ship_step(s, &ship_case_now, &ship_case_step);

		ship_case_now.random =
			ship_case_now.random * 6364136223846793005u + 1442695040888963407u;
		ship_case_now.steady_ns += ship_case_step.pause_ns + 1000;
		ship_case_now.wall_ns += ship_case_step.pause_ns + 1000;
		if (state == SHIP_IDLE)
			return ship_is_done(s);
	}
	return false;
}
