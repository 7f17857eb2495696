// SPDX-License-Identifier: GPL-2.0-only
/* status.c - `sockwatch status`: who traces and records here, since when, and what was lost. */
#include "commands.h"
#include "log.h"
#include "rights.h"
#include "running.h"
#include "ship.h"
#include "status_writer.h"

#include <stdio.h>
#include <string.h>

/* One that is busy with a burst is still there. */
#define GREET_NS (2 * NSEC_PER_SEC)

struct asking {
	struct writer *json;
	struct buffer out;
	int64_t wall_offset_ns;
	size_t told;
};

/* What a recorder has written is sent by a process of its own, or by another: the file beside the store knows. */
static bool find_sending(const struct status *status, struct ship_tally *tally,
			 struct status_sending *ret)
{
	const char *command = status->text[STATUS_COMMAND], *file = status->text[STATUS_FILE];

	if (!command || !file || strcmp(command, "record") != 0 || ship_read_tally(file, tally) < 0)
		return false;
	*ret = (struct status_sending){
		.to = tally->place,
		.why = tally->why[0] ? tally->why : NULL,
		.rows = tally->rows,
		.waiting = tally->waiting,
		.oldest_ns = tally->oldest_ns,
		.sent_ns = tally->sent_ns,
		.failures = tally->failures,
	};
	return true;
}

static void on_status(void *ctx, const struct status *status)
{
	struct asking *a = ctx;
	struct status whole = *status;
	struct status_sending sending;
	struct ship_tally tally;

	if (find_sending(status, &tally, &sending))
		whole.sending = &sending;
	if (a->json)
		writer_status(a->json, &a->out, &whole, kernel_now());
	else
		status_write_text(&a->out, &whole, kernel_now(), a->wall_offset_ns);
	a->told++;
}

/* Returns how many run, whether they answer or not. */
static size_t ask_all(struct asking *a, const struct running_places *places)
{
	struct running list[RUNNING_MAX];
	size_t count = running_find(places, list);
	size_t alive = running_keep_alive(list, count, GREET_NS);

	for (size_t i = 0; i < alive; i++)
		running_ask_status(&list[i], GREET_NS, on_status, a);
	return count;
}

static int print(struct asking *a, size_t running)
{
	if (a->out.failed) {
		log_error("no memory");
		return 1;
	}
	if (fwrite(a->out.data, 1, a->out.len, stdout) != a->out.len || fflush(stdout) != 0) {
		log_error("cannot write to stdout");
		return 1;
	}
	if (a->told)
		return 0;
	log_say(running ? "none that runs has answered"
			: "no sockwatch traces or records here; a store's past is asked with "
			  "sockwatch history --store FILE");
	return EXIT_NOT_FOUND;
}

int command_status(const struct options *options)
{
	struct asking a = {.wall_offset_ns = kernel_wall_offset()};
	const struct writer_options w = {.wall_offset_ns = &a.wall_offset_ns};
	struct running_places places;
	bool open = running_open(&places, "who runs here is not known");
	int code = 1;

	if (!open || rights_end(options, CONFINE_LISTING, 0)) {
		running_close(&places);
		return 1;
	}
	if (options->format == FORMAT_JSON)
		a.json = writer_json_new(&w);
	if ((options->format == FORMAT_JSON && !a.json) || buffer_init(&a.out, 4096) < 0) {
		log_error("no memory");
	} else {
		code = print(&a, ask_all(&a, &places));
	}
	running_close(&places);
	writer_free(a.json);
	buffer_done(&a.out);
	return code;
}
