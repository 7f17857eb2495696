// SPDX-License-Identifier: GPL-2.0-only
#include "ask.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"
#include "moment.h"
#include "past.h"
#include "procinfo.h"
#include "running.h"
#include "serve.h"
#include "store.h"

/* tcp_fin_timeout and TIME_WAIT are a minute each; longer ones are rare. */
#define LEFT_NS (300 * NSEC_PER_SEC)

/* ---- running traces ---- */

struct asking {
	struct past *past;
	bool no_args;
};

static void on_answer(void *ctx, struct past_answer *answer)
{
	const struct asking *k = ctx;

	if (answer->kind != PAST_LIFE)
		return;
	if (k->no_args) {
		answer->program.args = NULL;
		answer->program.args_len = 0;
		answer->program.args_cut = false;
	}
	past_apply(k->past, &answer->life, 0);
}

/*
 * The question about every socket of which something is unknown; returns its length, 0 when there
 * is none.
 */
static size_t make_question(const struct past *p, uint8_t **ret)
{
	struct past_question q = {.magic = PAST_MAGIC, .version = PAST_VERSION, .size = sizeof(q)};
	size_t len = sizeof(q);
	uint8_t *bytes = malloc(sizeof(q) + 8 * p->listing->socket_count);

	for (uint32_t i = 0; bytes && i < p->listing->socket_count && q.count < PAST_COOKIES_MAX;
	     i++) {
		uint64_t cookie = past_wants(p, i);

		if (!cookie)
			continue;
		memcpy(bytes + len, &cookie, sizeof(cookie));
		len += sizeof(cookie);
		q.count++;
	}
	*ret = bytes;
	if (!bytes || !q.count)
		return 0;
	memcpy(bytes, &q, sizeof(q));
	return len;
}

/* The oldest first: it has seen most. */
static void ask_traces(const struct ask *a, struct past *p, struct running *traces, size_t count)
{
	struct asking asking = {.past = p, .no_args = a->no_args};
	uint64_t begin = kernel_now();

	if (count > 1)
		count = running_keep_alive(traces, count, RUNNING_GREET_NS);
	for (size_t i = 0; i < count && kernel_now() - begin < RUNNING_NS; i++) {
		uint8_t *question;
		size_t len = make_question(p, &question);

		if (len)
			running_ask(&traces[i], question, len, RUNNING_GREET_NS, on_answer,
				    &asking);
		free(question);
	}
}

/* ---- a store ---- */

struct reading {
	struct past *past;
	int64_t offset_ns;
};

static bool on_stored(void *ctx, const struct event *life)
{
	struct reading *r = ctx;

	past_apply(r->past, life, r->offset_ns);
	return r->past->unknown > 0;
}

static bool on_left(void *ctx, const struct event *life)
{
	struct reading *r = ctx;

	past_apply(r->past, life, r->offset_ns);
	return r->past->left_unknown > 0;
}

static int ask_store(struct ask *a, struct past *p)
{
	struct reading r = {.past = p, .offset_ns = kernel_wall_offset()};
	struct store_error error = {""};
	char boot_id[64];
	int err = 0;

	command_boot_id(boot_id, sizeof(boot_id));
	if (!boot_id[0])
		return 0;
	if (p->left_unknown)
		err = store_read_past(a->store, boot_id, false, moment(CLOCK_REALTIME) - LEFT_NS,
				      on_left, &r, &error);
	if (!err && p->unknown)
		err = store_read_past(a->store, boot_id, true, 0, on_stored, &r, &error);
	if (err)
		log_error("%s: %s", a->store_file, error.text);
	return err ? 1 : 0;
}

/* ---- both ---- */

void command_boot_id(char *out, size_t size)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : read(fd, out, size - 1);

	if (fd >= 0)
		close(fd);
	out[n > 0 ? n : 0] = '\0';
	out[strcspn(out, "\n")] = '\0';
}

int ask_open(struct ask *a, const struct options *options)
{
	struct store_error error = {""};

	*a = (struct ask){.store_file = options->store_file, .no_args = options->no_args};
	if (!options->store_file)
		return 0;
	a->store = store_reader_open(options->store_file, moment(CLOCK_REALTIME), &error);
	if (a->store && a->no_args)
		store_reader_leave_out_args(a->store);
	if (a->store)
		return 0;
	log_error("%s", error.text);
	return EXIT_USAGE;
}

/* Who left a socket may have ended since. */
static void find_ended(struct listing *l, size_t first)
{
	for (size_t i = first; i < l->task_count; i++) {
		const struct process *p = &l->tasks[i].process;

		l->tasks[i].ended = !procinfo_lives(p->pid, p->program ? p->program->start_ns : 0);
	}
}

int ask_fill(struct ask *a, struct listing *l)
{
	struct running traces[RUNNING_MAX];
	struct running_places places;
	size_t count, tasks = l->task_count;
	int code = 0;
	struct past past;

	running_open(&places, "what running traces have seen is missing here");
	count = running_find(&places, traces);
	if (count || a->store) {
		if (past_init(&past, l)) {
			log_error("no memory");
			code = 1;
		} else {
			ask_traces(a, &past, traces, count);
			if (a->store)
				code = ask_store(a, &past);
			past_done(&past);
			find_ended(l, tasks);
		}
	}
	running_close(&places);
	return code;
}

void ask_close(struct ask *a)
{
	store_reader_close(a->store);
	a->store = NULL;
}
