// SPDX-License-Identifier: GPL-2.0-only
/* past.c - any bytes as a tracer's answer to a listing: what is taken is written again as the same, and shown. */
#include "past_wire.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "listing_writer.h"
#include "past.h"
#include "status_writer.h"

#define SOCKETS 4

/* A TIME_WAIT, a connection and two more, with cookies from 1 on. */
static void make_listing(struct listing *l)
{
	const struct listing_task task = {.process = {.pid = 9, .tid = 9, .name = "cat"}};
	uint32_t owner;

	listing_init(l);
	owner = listing_add_task(l, &task);
	for (uint64_t i = 1; i <= SOCKETS; i++) {
		struct listing_socket s = {
			.key = i,
			.cookie = i,
			.netns = 1,
			.protocol = IPPROTO_TCP,
			.family = i == 4 ? FAMILY_IPV6 : FAMILY_IPV4,
			.state = i == 1 ? STATE_TIME_WAIT : STATE_ESTABLISHED,
			.local = {.port = 80},
			.peer = {.port = 81},
		};

		MUST(listing_add_holder(l, owner, 3, true, &s) != LISTING_NONE);
	}
	listing_join(l);
}

static void check_same(const struct past_answer *a)
{
	uint8_t *bytes = malloc(PAST_RECORD_MAX);
	struct past_answer *b = malloc(sizeof(*b));
	size_t len;

	MUST(bytes && b);
	len = past_write_life(bytes, &a->life);
	MUST(past_read(bytes, len, b) == (long)len && b->kind == PAST_LIFE);
	MUST(a->life.cookie == b->life.cookie && a->life.netns == b->life.netns);
	MUST(a->life.has_peer == b->life.has_peer && !a->life.process == !b->life.process);
	MUST(memcmp(&a->life.local, &b->life.local, sizeof(a->life.local)) == 0);
	if (a->life.process) {
		for (int i = 0; i < PAST_TEXTS; i++)
			MUST(strcmp(a->text[i], b->text[i]) == 0);
		MUST(!a->process.program == !b->process.program);
		MUST(strcmp(a->process.name, b->process.name) == 0);
	}
	free(bytes);
	free(b);
}

static void print(const struct listing *l)
{
	int64_t offset = 0;
	struct writer_options options = {.wall_offset_ns = &offset};
	struct listing_style style = {0};
	struct writer *w = writer_json_new(&options);
	struct buffer out;

	MUST(w && buffer_init(&out, 64) == 0);
	listing_begin(&style);
	for (size_t i = 0; i < l->socket_count; i++) {
		out.len = 0;
		listing_write_rows(&out, &style, l, &l->sockets[i], NULL);
		must_be_text(out.data, out.len, 1, false);
		out.len = 0;
		writer_socket(w, &out, l, &l->sockets[i], NULL);
		must_be_json(out.data, out.len);
	}
	writer_free(w);
	buffer_done(&out);
}

static void print_status(const struct status *s)
{
	int64_t offset = 0;
	struct writer *w = writer_json_new(&(struct writer_options){.wall_offset_ns = &offset});
	struct buffer out;

	MUST(w && buffer_init(&out, 64) == 0);
	writer_status(w, &out, s, 0);
	must_be_json(out.data, out.len);
	out.len = 0;
	status_write_text(&out, s, 0, 0);
	MUST(!out.failed);
	writer_free(w);
	buffer_done(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	struct past_answer *answer = malloc(sizeof(*answer));
	struct past_question question;
	struct listing l;
	struct past past;
	bool listed = false;
	long n = 1;

	MUST(answer);
	if (size >= sizeof(question)) {
		memcpy(&question, data, sizeof(question));
		past_check_question(&question);
	}
	while (in.left && n > 0) {
		struct input rest = in;
		size_t len;
		uint8_t *exact = input_bytes(&rest, rest.left, &len);

		n = past_read(exact, len, answer);
		free(exact);
		MUST(n == -EBADMSG || (n >= 0 && (size_t)n <= in.left));
		if (n > 0 && answer->kind == PAST_LIFE) {
			check_same(answer);
			if (!listed) { /* as large as a host's: not for inputs that hold nothing */
				make_listing(&l);
				MUST(past_init(&past, &l) == 0);
				listed = true;
			}
			past_apply(&past, &answer->life, 0);
		}
		if (n > 0 && answer->kind == PAST_STATUS)
			print_status(&answer->status);
		if (n > 0) {
			in.at += n;
			in.left -= (size_t)n;
		}
	}
	if (listed) {
		print(&l);
		past_done(&past);
		listing_done(&l);
	}
	free(answer);
	return 0;
}
