// SPDX-License-Identifier: GPL-2.0-only
/* unix.c - `sockwatch ls -x` and `sockwatch who /run/app.sock`: Unix sockets, and who has them open. */
#include "commands.h"
#include "format.h"
#include "log.h"
#include "output.h"
#include "procinfo.h"
#include "rights.h"
#include "unix_writer.h"
#include "who_process.h"

#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (64u << 10)
/* By which columns are measured before the first is printed. */
#define FIRST_SOCKETS 64
/* Of the processes that have one open, so many are asked how they see its file. */
#define VIEWS 4

struct search {
	const struct options *options;
	struct unix_listing listing;
	const struct unix_socket **found;
	size_t count;
	struct process_set *known; /* what the listing's tasks point to */
	struct listing_style style;
	struct who_reader reader;
	struct writer *json;
	int64_t wall_offset_ns;
	struct buffer buffer;
	struct output output;
};

/* By the name that it was bound to, or the file that this is now. */
static bool is_asked(const struct options *o, unsigned int i, const struct unix_socket *s)
{
	return unix_listing_has_name(s, o->asked[i]) ||
	       (*o->asked[i] != '@' && procinfo_is_unix_file(s, o->asked[i]));
}

/* Sockets that nobody can name, and that talk to none who has a name, with --all only. */
static bool is_shown(const struct search *s, const struct unix_socket *socket)
{
	const struct unix_socket *peer = unix_listing_peer(&s->listing, socket);
	const struct options *o = s->options;

	if (!o->asked_count)
		return o->all || socket->name_len || socket->waits_at || (peer && peer->name_len);
	for (unsigned int i = 0; i < o->asked_count; i++) {
		if (is_asked(o, i, socket))
			return true;
	}
	return false;
}

static int find(struct search *s)
{
	const struct listing *who = &s->listing.who;

	s->found = calloc(who->socket_count + 1, sizeof(const struct unix_socket *));
	if (!s->found)
		return -1;
	for (size_t i = 0; i < who->socket_count; i++) {
		const struct unix_socket *socket = &s->listing.sockets[i];

		if (is_shown(s, socket) &&
		    unix_listing_matches(&s->listing, socket, &s->options->filter))
			s->found[s->count++] = socket;
	}
	return 0;
}

static void look_at_file(struct search *s, struct unix_socket *socket)
{
	const struct listing *who = &s->listing.who;
	uint32_t h = who->sockets[socket - s->listing.sockets].first, pids[VIEWS];
	size_t count = 0;

	if (socket->state == UNIX_CONNECTED)
		return;
	for (; h != LISTING_NONE && count < VIEWS; h = who->holders[h].next)
		pids[count++] = who->tasks[who->holders[h].task].process.pid;
	socket->file = (uint8_t)procinfo_unix_file(socket, pids, count);
}

static bool shows_netns(const struct search *s)
{
	for (size_t i = 0; i < s->count; i++) {
		if (s->found[i]->netns != s->style.own_netns)
			return true;
	}
	return false;
}

/* All that takes rights, but for what is read of a process when it is told. */
static int look(struct search *s)
{
	const struct options *o = s->options;
	bool scripts_only = o->format == FORMAT_TEXT && o->command != COMMAND_WHO &&
			    !filter_asks_details(&o->filter);

	if (take_unix_listing(&s->listing))
		return 1;
	s->known = command_know_tasks(o, &s->listing.who, scripts_only, NULL);
	s->style.own_netns = command_own_netns();
	listing_name_netns(&s->listing.who, s->style.own_netns, procinfo_netns_name);
	if (find(s)) {
		log_error("no memory");
		return 1;
	}
	for (size_t i = 0; i < s->count; i++)
		look_at_file(s, &s->listing.sockets[s->found[i] - s->listing.sockets]);
	return 0;
}

static int open_writer(struct search *s)
{
	const struct options *o = s->options;
	const struct writer_options w = {.wall_offset_ns = &s->wall_offset_ns};

	s->wall_offset_ns = kernel_wall_offset();
	s->style.user_name = procinfo_user;
	s->style.wall_offset_ns = s->wall_offset_ns;
	s->style.columns = output_columns(&s->output);
	s->style.color = output_has_color(&s->output, o->color);
	s->style.zone = command_zone();
	s->style.netns = shows_netns(s);
	if (o->format != FORMAT_TEXT) {
		s->json = format_writer(o, &w, true);
		if (!s->json)
			return -1;
	}
	return buffer_init(&s->buffer, BUFFER_BYTES);
}

static void write_rows(struct search *s, size_t count)
{
	const struct filter *f = &s->options->filter, *only = filter_asks_process(f) ? f : NULL;

	for (size_t i = 0; i < count; i++)
		unix_write_rows(&s->buffer, &s->style, &s->listing, s->found[i], only);
}

/* The head is as wide as the first rows, which are written for that, too. */
static void write_table(struct search *s)
{
	unix_begin(&s->style);
	write_rows(s, s->count < FIRST_SOCKETS ? s->count : FIRST_SOCKETS);
	s->buffer.len = 0;
	if (!s->options->no_header)
		unix_write_header(&s->buffer, &s->style);
	write_rows(s, s->count);
}

static bool find_process(void *ctx, uint32_t pid, struct who_process *ret)
{
	return who_read_process(&((struct search *)ctx)->reader, pid, ret);
}

static void print(struct search *s)
{
	bool asks_who = s->options->command == COMMAND_WHO;
	const struct who who = {
		.listing = &s->listing.who,
		.style = s->style,
		.own_netns = s->style.own_netns,
		.find_process = find_process,
		.ctx = s,
	};

	if (s->json) {
		for (size_t i = 0; i < s->count; i++)
			writer_unix(s->json, &s->buffer, &s->listing, s->found[i],
				    asks_who ? &who : NULL);
	} else if (asks_who) {
		who_write_unix(&s->buffer, &who, &s->listing, s->found, s->count);
	} else {
		write_table(s);
	}
}

static int run(struct search *s)
{
	const struct options *o = s->options;
	bool who = o->command == COMMAND_WHO;
	uint64_t keep = who && o->format == FORMAT_TEXT ? WHO_TO_READ : 0;

	if (output_open_report(&s->output, o->output_file) < 0 || look(s))
		return 1;
	rights_to_open(keep);
	if (rights_end(o, CONFINE_LISTING, keep))
		return 1;
	if (open_writer(s)) {
		log_error("no memory");
		return 1;
	}
	if (who && !s->count) {
		log_say("nobody %shas %s", s->listing.who.lacks ? "that this process may see " : "",
			o->asked[0]);
		return s->listing.who.lacks ? 1 : EXIT_NOT_FOUND;
	}
	print(s);
	if (s->buffer.failed) {
		log_error("no memory");
		return 1;
	}
	if (output_flush(&s->output, &s->buffer))
		output_finish(&s->output);
	return s->output.error ? output_complain(&s->output, s->buffer.len) : 0;
}

int command_unix(const struct options *options)
{
	struct search s = {.options = options, .reader.options = options};
	int code;

	unix_listing_init(&s.listing);
	code = run(&s);
	unix_listing_done(&s.listing);
	free(s.found);
	process_set_free(s.known);
	procinfo_done(&s.reader.process);
	writer_free(s.json);
	buffer_done(&s.buffer);
	output_close(&s.output);
	return code;
}
