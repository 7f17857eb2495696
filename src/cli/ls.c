// SPDX-License-Identifier: GPL-2.0-only
/* ls.c - `sockwatch ls`: every socket and everyone who holds it. */
#include "ask.h"
#include "by.h"
#include "commands.h"
#include "format.h"
#include "interfaces.h"
#include "listing_writer.h"
#include "log.h"
#include "names.h"
#include "output.h"
#include "procinfo.h"
#include "rights.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#define BUFFER_BYTES (256u << 10)
/* Enough to be worth a thread. */
#define PART_SOCKETS 4096
#define RESOLVE_MS   1000
/* By which columns are measured before the first is printed. */
#define FIRST_SOCKETS 64

struct ls {
	const struct options *options;
	struct ask ask;
	struct listing listing;
	struct process_set *known; /* what the listing's tasks point to */
	struct listing_style style;
	struct writer *json, *second_json;
	struct groups *groups; /* NULL: rows */
	struct services *services;
	struct names *names;
	struct buffer buffer, second_buffer;
	struct interfaces interfaces;
	struct output output;
	int64_t wall_offset_ns;
	bool filtered; /* there is a condition at all */
};

static bool is_listed(const struct ls *s, const struct listing_socket *socket)
{
	return (s->options->all || listing_has_port(socket)) &&
	       (!s->filtered || filter_match_socket(&s->options->filter, &s->listing, socket));
}

static const char *host_name(void *ctx, enum family family, const uint8_t addr[16])
{
	return names_find(((struct ls *)ctx)->names, family, addr);
}

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	return interfaces_of(&((struct ls *)ctx)->interfaces, netns, ifindex);
}

static void want_name(struct ls *s, const struct listing_socket *socket, const struct endpoint *end)
{
	if (!inet_is_any((enum family)socket->family, end->addr))
		names_want(s->names, socket->mapped ? FAMILY_IPV4 : (enum family)socket->family,
			   socket->mapped ? end->addr + 12 : end->addr);
}

/* After the look, so that a slow server makes names missing and not the listing wrong. */
static void resolve(struct ls *s)
{
	s->names = names_new();
	if (!s->names)
		return;
	for (size_t i = 0; i < s->listing.socket_count; i++) {
		const struct listing_socket *socket = &s->listing.sockets[i];

		if (!is_listed(s, socket))
			continue;
		want_name(s, socket, &socket->local);
		if (listing_has_peer(socket))
			want_name(s, socket, &socket->peer);
	}
	names_ask(s->names, RESOLVE_MS);
	s->style.host_name = host_name;
}

static int open_writer(struct ls *s)
{
	const struct options *o = s->options;
	struct writer_options w = {
		.wall_offset_ns = &s->wall_offset_ns, .interface_name = interface_name, .ctx = s};

	s->wall_offset_ns = kernel_wall_offset();
	s->style.user_name = procinfo_user;
	s->style.interface_name = interface_name;
	s->style.ctx = s;
	s->style.wall_offset_ns = s->wall_offset_ns;
	s->style.columns = output_columns(&s->output);
	s->style.color = output_has_color(&s->output, o->color);
	s->style.zone = command_zone();
	if (o->format != FORMAT_TEXT || o->services)
		s->services = names_services();
	if (o->services)
		s->style.services = s->services;
	if (o->format != FORMAT_TEXT) {
		s->json = format_writer(o, &w, true);
		w.goes_on = true;
		s->second_json = format_writer(o, &w, true);
		if (!s->json || !s->second_json)
			return -ENOMEM;
	}
	return buffer_init(&s->buffer, BUFFER_BYTES) ? -ENOMEM
						     : buffer_init(&s->second_buffer, BUFFER_BYTES);
}

/* A run of sockets as lines. */
struct part {
	struct ls *ls;
	struct writer *json;
	struct buffer *buffer;
	size_t from, to;
};

static void *print_part(void *ctx)
{
	struct part *p = ctx;
	struct ls *s = p->ls;
	const struct filter *f = &s->options->filter, *only = filter_asks_process(f) ? f : NULL;

	for (size_t i = p->from; i < p->to; i++) {
		const struct listing_socket *socket = &s->listing.sockets[i];

		if (!is_listed(s, socket))
			continue;
		if (p->json)
			writer_socket(p->json, p->buffer, &s->listing, socket, s->services);
		else
			listing_write_rows(p->buffer, &s->style, &s->listing, socket, only);
	}
	return NULL;
}

static bool print_both(struct ls *s, size_t from)
{
	size_t left = s->listing.socket_count - from;
	size_t middle = from + (left < PART_SOCKETS ? left : PART_SOCKETS);
	size_t end = from + (left < 2 * PART_SOCKETS ? left : 2 * PART_SOCKETS);
	struct part first = {s, s->json, &s->buffer, from, middle};
	struct part second = {s, s->second_json, &s->second_buffer, middle, end};
	pthread_t thread;
	/* Rows for people ask for users' names, which are looked up by one thread. */
	bool started =
		s->json && middle < end && pthread_create(&thread, NULL, print_part, &second) == 0;

	print_part(&first);
	if (started)
		pthread_join(thread, NULL);
	else
		print_part(&second);
	return output_flush(&s->output, &s->buffer) && output_flush(&s->output, &s->second_buffer);
}

/* Rows of other namespaces say so: 127.0.0.1:80 is another place there. */
static bool shows_netns(const struct ls *s)
{
	for (size_t i = 0; i < s->listing.socket_count; i++) {
		const struct listing_socket *socket = &s->listing.sockets[i];

		if (socket->netns != s->style.own_netns && is_listed(s, socket))
			return true;
	}
	return false;
}

/* Rows of what waits for peers tell all of a process: of those that have such a socket. */
static struct process_set *know_tasks(struct ls *s)
{
	const struct options *o = s->options;
	bool all = o->format != FORMAT_TEXT || filter_asks_details(&o->filter) || o->by.count;
	struct process_set *known;
	bool *wanted;

	if (all || !o->filter.listening)
		return command_know_tasks(o, &s->listing, !all, NULL);
	wanted = calloc(s->listing.task_count + 1, sizeof(*wanted));
	if (!wanted)
		return NULL;
	for (size_t i = 0; i < s->listing.socket_count; i++) {
		if (is_listed(s, &s->listing.sockets[i]))
			command_want_tasks(&s->listing, &s->listing.sockets[i], wanted);
	}
	known = command_know_tasks(o, &s->listing, false, wanted);
	free(wanted);
	return known;
}

/*
 * All that takes rights, before anything is read that others have written.  Whose a socket is that nobody has open any more is
 * known only then: it may be listed.
 */
static void look_up(struct ls *s)
{
	const struct options *o = s->options;

	s->known = know_tasks(s);
	for (size_t i = 0; i < s->listing.socket_count; i++)
		interfaces_want(&s->interfaces, &s->listing.sockets[i]);
	s->style.own_netns = command_own_netns();
	if (filter_asks_process(&o->filter) || shows_netns(s))
		listing_name_netns(&s->listing, s->style.own_netns, procinfo_netns_name);
}

/* The head is as wide as the first rows, which are written for that, too. */
static void write_header(struct ls *s)
{
	size_t count = s->listing.socket_count;
	struct part first = {
		.ls = s, .buffer = &s->buffer, .to = count < FIRST_SOCKETS ? count : FIRST_SOCKETS};

	listing_begin(&s->style);
	print_part(&first);
	s->buffer.len = 0;
	if (!s->options->no_header)
		listing_write_header(&s->buffer, &s->style);
}

static void print_listeners(struct ls *s)
{
	const struct listing *l = &s->listing;
	const struct listing_socket **found =
		calloc(l->socket_count + 1, sizeof(const struct listing_socket *));
	size_t count = 0;

	if (!found) {
		s->buffer.failed = true;
		return;
	}
	for (size_t i = 0; i < l->socket_count; i++) {
		if (is_listed(s, &l->sockets[i]))
			found[count++] = &l->sockets[i];
	}
	listing_write_listeners(&s->buffer, &s->style, l, found, count, s->options->no_header);
	output_flush(&s->output, &s->buffer);
	free(found);
}

static void print(struct ls *s)
{
	if (!s->json && s->options->filter.listening) {
		print_listeners(s);
		return;
	}
	if (!s->json)
		write_header(s);
	if (!s->listing.socket_count)
		output_flush(&s->output, &s->buffer);
	for (size_t i = 0; i < s->listing.socket_count; i += 2 * PART_SOCKETS) {
		if (!print_both(s, i))
			return;
	}
}

static void print_groups(struct ls *s)
{
	const struct group_style style = {
		.sockets = true, .columns = s->style.columns, .no_header = s->options->no_header};

	for (size_t i = 0; i < s->listing.socket_count; i++) {
		const struct listing_socket *socket = &s->listing.sockets[i];

		if (is_listed(s, socket))
			groups_add_socket(s->groups, &s->listing, socket);
	}
	by_write(s->options, s->groups, &style, &s->buffer);
	output_flush(&s->output, &s->buffer);
}

static int run(struct ls *s)
{
	const struct options *o = s->options;
	int code;

	if (output_open_report(&s->output, o->output_file) < 0)
		return 1;
	code = listing_exit_code(
		take_listing(o, o->format != FORMAT_TEXT || o->filter.listening, &s->listing));
	if (code)
		return code;
	s->filtered = o->filter.has_netns || filter_asks_socket(&o->filter);
	look_up(s);
	rights_to_open(0);
	code = ask_open(&s->ask, o);
	if (code || rights_end(o, CONFINE_LISTING, 0))
		return code ? code : 1;
	code = ask_fill(&s->ask, &s->listing);
	if (open_writer(s)) {
		log_error("no memory");
		return 1;
	}
	if (by_open(o, &s->groups))
		return 1;
	if (o->resolve && !s->json)
		resolve(s);
	s->style.netns = shows_netns(s);
	if (s->groups)
		print_groups(s);
	else
		print(s);
	if (s->buffer.failed || s->second_buffer.failed) {
		log_error("no memory");
		return 1;
	}
	if (!code)
		output_finish(&s->output);
	if (s->output.error)
		return output_complain(&s->output, s->buffer.len + s->second_buffer.len);
	return code;
}

int command_ls(const struct options *options)
{
	struct ls s = {.options = options};
	int code;

	output_catch_signals();
	if (options->unix_sockets)
		return command_unix(options);
	code = run(&s);
	ask_close(&s.ask);
	listing_done(&s.listing);
	process_set_free(s.known);
	writer_free(s.json);
	writer_free(s.second_json);
	groups_free(s.groups);
	services_free(s.services);
	names_free(s.names);
	interfaces_end(&s.interfaces);
	buffer_done(&s.buffer);
	buffer_done(&s.second_buffer);
	output_close(&s.output);
	return code;
}
