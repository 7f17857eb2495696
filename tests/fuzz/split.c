// SPDX-License-Identifier: GPL-2.0-only
/* split.c - any bytes as a request to the helper, and as its answers to the reader. */
#include "split_wire.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

enum { REQUEST, HEAD, ITEMS, END, PROGRAM, NAMES, KINDS };

static void on_socket(void *ctx, const struct look_socket *s, const struct look_task *task,
		      uint32_t fd)
{
	size_t *count = ctx;

	(void)fd;
	++*count;
	MUST(s->family == FAMILY_IPV4 || s->family == FAMILY_IPV6);
	MUST(s->state < STATES && s->local.takes <= TAKES_UNKNOWN &&
	     s->peer.takes <= TAKES_UNKNOWN);
	MUST(s->mapped == true || s->mapped == false);
	if (task)
		MUST(task->process.pid && strlen(task->process.name) < PROCESS_NAME_SIZE);
}

static void on_netns(void *ctx, uint32_t netns, const struct port_range *range)
{
	size_t *count = ctx;

	(void)netns;
	*count += 1 + port_is_reserved(range, 65535);
}

static void on_unseen(void *ctx, uint32_t netns, unsigned int what)
{
	size_t *count = ctx;

	(void)netns, (void)what;
	++*count;
}

static bool is_known(void *ctx, uint64_t key, uint64_t sk)
{
	(void)ctx;
	return key == sk;
}

static void play_request(const uint8_t *data, size_t size)
{
	struct split_request q, again;
	struct look_request look;
	char text[65];
	uint8_t number[32] = {0};

	if (!split_request_is_good(data, size))
		return;
	memcpy(&q, data, sizeof(q));
	MUST(size == sizeof(q) && q.kind > SPLIT_NONE && q.kind < SPLIT_KINDS);
	if (q.kind == SPLIT_LOOK) {
		look = split_look_wanted(&q);
		MUST(look.ranges <= LOOK_RANGES_ALL);
		again = split_look_request(&look);
		MUST(memcmp(&again, &q, sizeof(q)) == 0);
	}
	MUST(q.kind != SPLIT_FILE || (q.number < SPLIT_FILES && q.flags <= SPLIT_F_RENAME));
	split_text_of(q.id, sizeof(q.id), false, text);
	MUST(strlen(text) == 64 && split_number_of(text, 64, number) &&
	     memcmp(number, q.id, sizeof(q.id)) == 0);
	split_text_of(q.pod, sizeof(q.pod), true, text);
	MUST(strlen(text) == 36 && split_number_of(text, 32, number) &&
	     memcmp(number, q.pod, sizeof(q.pod)) == 0);
}

static void play_texts(const uint8_t *data, size_t size, int kind)
{
	struct process_reading r = {0};
	struct split_look_end end;
	char *container = NULL, *pod = NULL;

	if (kind == END && split_take_end(data, size, &end) == 0)
		MUST(end.result <= 0 && strlen(end.error) < sizeof(end.error));
	if (kind == PROGRAM && split_take_program(data, size, &r) == 0) {
		MUST(r.args_len <= PROCESS_ARGS_MAX && strlen(r.name) < PROCESS_NAME_SIZE);
		MUST(!r.args || r.args[r.args_len] == '\0');
	}
	if (kind == NAMES && split_take_names(data, size, &container, &pod) == 0)
		MUST((!container || strlen(container) < size) && (!pod || strlen(pod) < size));
	free(r.exe);
	free(r.args);
	free(container);
	free(pod);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t count = 0, len;
	const struct look_sink sink = {.socket = on_socket,
				       .netns = on_netns,
				       .unseen = on_unseen,
				       .known = is_known,
				       .ctx = &count};
	struct input in = {data, size};
	struct look_task task = {0};
	int kind = input_8(&in) % KINDS;
	uint8_t *exact = input_bytes(&in, in.left, &len);

	switch (kind) {
	case REQUEST: play_request(exact, len); break;
	case HEAD:
		for (uint32_t of = 0; of <= SPLIT_KINDS; of++)
			split_answer_is_good(exact, len, of);
		break;
	case ITEMS:
		if (split_take_items(&task, exact, len, &sink) == 0)
			MUST(count <= 2 * len / sizeof(struct split_item_head));
		break;
	default: play_texts(exact, len, kind); break;
	}
	free(exact);
	return 0;
}
