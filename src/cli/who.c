// SPDX-License-Identifier: GPL-2.0-only
/* who.c - `sockwatch who`: who has a port, or the moment somebody takes it. */
#include "ask.h"
#include "commands.h"
#include "forwarder.h"
#include "interfaces.h"
#include "log.h"
#include "names.h"
#include "look_source.h"
#include "output.h"
#include "procinfo.h"
#include "redirect_source.h"
#include "rights.h"
#include "table.h"
#include "who_process.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_NOBODY   3
#define DRAIN_MAX     4096
#define WAIT_MS	      100
#define MAX_PROCESSES 100000

/* One port, and who has it. */
struct page {
	struct filter_inet inet; /* its ports are not owned */
	struct units_range port; /* of inet, where it was not given */
	const struct listing_socket **found;
	size_t count;
	struct redirects redirects;
};

struct search {
	const struct options *options;
	struct ask ask;
	struct listing listing;
	struct page *pages, *page; /* `page` is the one at work */
	size_t page_count;
	struct services *services;
	struct output output;
	struct buffer buffer;
	struct who_reader reader;
	struct interfaces interfaces;
	struct process_set *known; /* what the listing's tasks point to */

	/* --wait */
	struct kernel *kernel;
	struct process_set *processes;
	struct table *table;
	uint64_t lost; /* facts, when it last looked */
	bool taken;
	struct event event; /* the first that took it */
};

/* Finds who has the port of the page at work. */
static int find_sockets(struct search *s)
{
	const struct filter *f = &s->options->filter;
	struct page *page = s->page;

	free(page->found);
	page->count = 0;
	page->found = calloc(s->listing.socket_count + 1, sizeof(const struct listing_socket *));
	if (!page->found) {
		log_error("no memory");
		return -ENOMEM;
	}
	for (size_t i = 0; i < s->listing.socket_count; i++) {
		const struct listing_socket *socket = &s->listing.sockets[i];

		if (socket->local.port && socket->protocol != IPPROTO_RAW &&
		    (!f->has_netns || socket->netns == f->netns) &&
		    filter_inet_match_local(&page->inet, socket))
			page->found[page->count++] = socket;
	}
	return 0;
}

static struct page *add_page(struct search *s)
{
	struct page *grown = realloc(s->pages, (s->page_count + 1) * sizeof(*grown));

	if (!grown) {
		log_error("no memory");
		return NULL;
	}
	s->pages = s->page = grown;
	s->page += s->page_count++;
	*s->page = (struct page){0};
	return s->page;
}

static bool has_page(const struct search *s, const struct listing_socket *socket)
{
	for (size_t i = 0; i < s->page_count; i++) {
		const struct page *p = &s->pages[i];

		if (p->port.low == socket->local.port &&
		    inet_is_udp(p->inet.protocol) == inet_is_udp(socket->protocol))
			return true;
	}
	return false;
}

/* A page for each port on which a process of the name waits for peers; said where there is none. */
static int find_ports(struct search *s)
{
	struct filter f = s->options->filter;

	f.listening = true;
	for (size_t i = 0; i < s->listing.socket_count; i++) {
		const struct listing_socket *socket = &s->listing.sockets[i];
		struct page *page;

		if (!listing_has_port(socket) || socket->protocol == IPPROTO_RAW ||
		    has_page(s, socket) || (f.has_netns && f.netns != socket->netns) ||
		    !filter_match_socket(&f, &s->listing, socket))
			continue;
		page = add_page(s);
		if (!page)
			return -ENOMEM;
		page->port = (struct units_range){socket->local.port, socket->local.port};
		page->inet.protocol = inet_is_udp(socket->protocol) ? IPPROTO_UDP : IPPROTO_TCP;
	}
	/* They move while they become more. */
	for (size_t i = 0; i < s->page_count; i++)
		s->pages[i].inet.ports = (struct units_ranges){&s->pages[i].port, 1};
	return 0;
}

static int make_pages(struct search *s)
{
	const struct options *o = s->options;

	if (o->filter.comm)
		return find_ports(s);
	while (s->page_count < o->asked_count) {
		struct page *page = add_page(s);

		if (!page)
			return -ENOMEM;
		page->inet = o->filter.inet[s->page_count - 1];
	}
	return 0;
}

/* Looks, and keeps the sockets that have the ports. */
static int look(struct search *s)
{
	int err;

	listing_done(&s->listing);
	err = take_listing(s->options, true, &s->listing);
	if (!err && !s->pages)
		err = make_pages(s);
	for (size_t i = 0; i < s->page_count && !err; i++) {
		s->page = &s->pages[i];
		err = find_sockets(s);
	}
	return err;
}

/* Rules that take the port; what could not be read is said. */
static void find_redirects(struct search *s)
{
	const struct filter *f = &s->options->filter;
	const struct filter_inet *inet = &s->page->inet;
	struct redirect_search search = {
		.protocol = inet->protocol,
		.netns = f->has_netns ? f->netns : 0,
	};
	struct kernel_error error = {""};

	if (inet->ports.count != 1 || inet->ports.item[0].low != inet->ports.item[0].high)
		return;
	search.port = (uint16_t)inet->ports.item[0].low;
	if (inet->has_host) {
		search.family = inet->host.family;
		memcpy(search.to.addr, inet->host.addr, sizeof(search.to.addr));
	}
	redirects_find(&search, &s->page->redirects, &error);
	if (error.text[0])
		log_error("%s", error.text);
}

static uint32_t home_of(void *ctx, enum family family, const uint8_t addr[16])
{
	return redirects_home(&((struct search *)ctx)->page->redirects, family, addr);
}

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	return interfaces_of(&((struct search *)ctx)->interfaces, netns, ifindex);
}

static bool find_process(void *ctx, uint32_t pid, struct who_process *ret)
{
	return who_read_process(&((struct search *)ctx)->reader, pid, ret);
}

static struct who who_of(struct search *s)
{
	struct who who = {
		.listing = &s->listing,
		.found = s->page->found,
		.count = s->page->count,
		.taken = s->taken ? &s->event : NULL,
		.style = {.interface_name = interface_name,
			  .ctx = s,
			  .user_name = procinfo_user,
			  .wall_offset_ns = kernel_wall_offset(),
			  .columns = output_columns(&s->output),
			  .zone = command_zone()},
		.find_process = find_process,
		.redirects = s->page->redirects.found,
		.redirect_count = s->page->redirects.count,
		.home_of = home_of,
		.netns_at = procinfo_netns_at,
		.socket_unit = procinfo_socket_unit,
		.ctx = s,
	};

	who.own_netns = command_own_netns();
	return who;
}

/* Those of rules too, which may have no socket. */
static void add_netns(struct search *s)
{
	uint32_t own = command_own_netns();

	for (size_t i = 0; i < s->page->redirects.count; i++) {
		if (s->page->redirects.found[i].netns != own)
			listing_add_away(&s->listing, s->page->redirects.found[i].netns);
	}
}

static void write_redirects(struct search *s, struct writer *w)
{
	const struct who who = who_of(s);

	for (size_t i = 0; i < s->page->redirects.count; i++) {
		const struct redirect *r = &s->page->redirects.found[i];
		const struct listing_socket *behind = who_behind_redirect(&who, r);
		const struct listing_task *task =
			behind ? listing_owner(&s->listing, behind) : NULL;

		writer_redirect(w, &s->buffer, s->listing.time_ns, r,
				listing_netns_of(&s->listing, r->netns),
				task ? &task->process : NULL);
	}
}

static void write_json(struct search *s)
{
	int64_t offset = kernel_wall_offset();
	struct writer_options options = {
		.wall_offset_ns = &offset, .interface_name = interface_name, .ctx = s};
	struct writer *w = writer_json_new(&options);
	const struct who who = who_of(s);

	if (!w) {
		s->buffer.failed = true;
		return;
	}
	if (!s->services)
		s->services = names_services();
	write_redirects(s, w);
	for (size_t i = 0; i < s->page->count; i++)
		writer_who(w, &s->buffer, &who, s->page->found[i], s->services);
	/* It let go of the port before it could be looked at. */
	if (s->page->count == 0 && s->taken)
		writer_event(w, &s->buffer, &s->event);
	writer_free(w);
}

static void write_text(struct search *s)
{
	const struct who who = who_of(s);

	who_write(&s->buffer, &who);
}

/* ---- --wait ---- */

static void on_event(void *ctx, const struct event *e)
{
	struct search *s = ctx;
	const struct filter *f = &s->options->filter;
	struct listing_socket socket = {
		.local = e->local,
		.protocol = e->protocol,
		.family = (uint8_t)e->family,
		.mapped = e->mapped,
	};
	bool takes = e->kind == EVENT_BIND || e->kind == EVENT_LISTEN || e->kind == EVENT_CONNECT;

	if (s->taken || !takes || e->error || !e->has_local || !e->local.port ||
	    (f->has_netns && e->netns != f->netns) ||
	    !filter_inet_match_local(&((struct search *)ctx)->page->inet, &socket))
		return;
	s->taken = true;
	s->event = *e;
	s->event.process = NULL;
	if (e->process) {
		process_resolve(s->processes, e->process);
		s->event.process = process_hold(e->process);
	}
}

static void on_process(void *ctx, const struct process_fact *fact)
{
	process_follow(((struct search *)ctx)->processes, fact);
}

static void on_fact(void *ctx, const struct fact *fact)
{
	table_apply(((struct search *)ctx)->table, fact);
}

/* 0, or the exit code after saying why. */
static int open_trace(struct search *s)
{
	const struct look_request request = table_look_request();
	struct kernel_error error = {""};
	struct look_sink sink;
	uint64_t added, removed;
	int code = command_open_kernel(s->options, &s->kernel);

	if (code)
		return code;
	s->processes = process_set_new(MAX_PROCESSES, kernel_resolve_process, s->kernel);
	if (s->processes)
		process_set_follow(s->processes, procinfo_read_process, MAX_PROCESSES,
				   !s->options->no_args);
	s->table =
		s->processes ? table_new(s->options->max_sockets, s->processes, on_event, s) : NULL;
	if (!s->table) {
		log_error("no memory");
		return 1;
	}
	if (kernel_attach(s->kernel, &error) < 0 || kernel_start(s->kernel, &error) < 0) {
		log_error("%s", error.text);
		return 1;
	}
	kernel_follow_processes(s->kernel, on_process, s);
	table_seed_begin(s->table, kernel_now());
	sink = table_look_sink(s->table);
	look_take(kernel_look(s->kernel), &request, &sink, &error);
	table_seed_end(s->table, false, &added, &removed);
	return 0;
}

/* Who took the port may be among the facts that found no room. */
static int look_after_loss(struct search *s)
{
	uint64_t by_kind[WIRE_KINDS], lost = kernel_lost(s->kernel, by_kind);

	if (lost == s->lost)
		return 0;
	s->lost = lost;
	return look(s);
}

/* Between the first look and the hooks the port may have been taken: so the hooks come first, then a look.
 * 0, or the exit code. */
static int wait_for(struct search *s)
{
	uint16_t protocol = s->page->inet.protocol;
	/* The trace knows TCP and UDP; anything else is looked for. */
	bool poll = protocol == IPPROTO_SCTP;
	int code = open_trace(s), err;

	if (code)
		return code;
	err = look(s);
	if (!err && !s->page->count)
		log_say("waiting for somebody to take %s", s->options->asked[0]);
	while (!err && !s->page->count && !s->taken && !output_stop) {
		if (kernel_drain(s->kernel, DRAIN_MAX, on_fact, s) < DRAIN_MAX) {
			table_release(s->table, kernel_now());
			if (!s->taken)
				kernel_wait(s->kernel, WAIT_MS);
			if (!s->taken)
				err = poll ? look(s) : look_after_loss(s);
		}
	}
	if (!err && s->taken)
		err = look(s);
	for (size_t i = 0; i < s->page->count && s->taken; i++) {
		struct listing_socket *socket =
			&s->listing.sockets[s->page->found[i] - s->listing.sockets];

		if (socket->cookie && socket->cookie == s->event.cookie)
			socket->since_ns = s->event.time_ns;
	}
	return err ? 1 : 0;
}

static bool has_forwarder(const struct search *s)
{
	const struct listing *l = &s->listing;

	for (size_t i = 0; i < s->page->count; i++) {
		for (uint32_t h = s->page->found[i]->first; h != LISTING_NONE;
		     h = l->holders[h].next) {
			const struct process *p = &l->tasks[l->holders[h].task].process;

			if (forwarder_read(p->name, NULL).kind == FORWARDER_DOCKER)
				return true;
		}
	}
	return false;
}

/* Those that have a port; where it may be passed on, all. */
static struct process_set *know_tasks(struct search *s, bool all)
{
	bool *wanted = all ? NULL : calloc(s->listing.task_count + 1, sizeof(*wanted));
	struct process_set *known;

	for (size_t at = 0; wanted && at < s->page_count; at++) {
		const struct page *page = &s->pages[at];

		for (size_t i = 0; i < page->count; i++)
			command_want_tasks(&s->listing, page->found[i], wanted);
	}
	known = command_know_tasks(s->options, &s->listing, false, wanted);
	free(wanted);
	return known;
}

/* All that takes rights, but for what is read of a process when it is told. */
static void look_up(struct search *s)
{
	static const uint8_t none[16];
	bool elsewhere = false;

	for (size_t at = 0; at < s->page_count; at++) {
		s->page = &s->pages[at];
		find_redirects(s);
		/* Where addresses of containers may be asked for, they are read here. */
		elsewhere |= s->page->redirects.count || has_forwarder(s);
		if (s->page->redirects.count || has_forwarder(s))
			redirects_home(&s->page->redirects, FAMILY_IPV4, none);
		for (size_t i = 0; i < s->page->count; i++)
			interfaces_want(&s->interfaces, s->page->found[i]);
		add_netns(s);
	}
	listing_name_netns(&s->listing, command_own_netns(), procinfo_netns_name);
	s->known = know_tasks(s, elsewhere);
}

/* 0, or the exit code. */
static int find(struct search *s)
{
	const struct options *o = s->options;
	uint64_t keep = o->format == FORMAT_JSON ? 0 : WHO_TO_READ;
	/* Who waits wants to know at once that a file is wrong. */
	int code = o->wait ? ask_open(&s->ask, o) : 0;

	if (!code && output_open_report(&s->output, o->output_file) < 0)
		code = 1;
	if (!code)
		code = listing_exit_code(look(s));
	if (!code && o->wait && !s->page->count)
		code = wait_for(s);
	if (code)
		return code;
	look_up(s);
	/* A thread of its reads what the kernel tells. */
	kernel_close(s->kernel);
	s->kernel = NULL;
	rights_to_open(keep);
	if (!o->wait)
		code = ask_open(&s->ask, o);
	if (!code)
		code = rights_end(o, CONFINE_LISTING, keep);
	return code ? code : ask_fill(&s->ask, &s->listing);
}

/* How the page at work is called; lives until the next call. */
static const char *page_name(const struct search *s)
{
	static char name[32];

	if (s->options->asked_count)
		return s->options->asked[s->page - s->pages];
	snprintf(name, sizeof(name), "%s/%u", inet_protocol_name(s->page->inet.protocol),
		 (unsigned int)s->page->port.low);
	return name;
}

/* False: nobody has the port of the page at work. */
static bool write_page(struct search *s)
{
	if (!s->page->count && !s->taken && !s->page->redirects.count) {
		if (!output_stop)
			log_say("nobody %shas %s",
				s->listing.lacks ? "that this process may see " : "", page_name(s));
		return false;
	}
	if (s->options->format != FORMAT_JSON && s->buffer.len)
		buffer_print(&s->buffer, "\n");
	if (s->options->format == FORMAT_JSON)
		write_json(s);
	else
		write_text(s);
	return true;
}

static int run(struct search *s)
{
	int code = find(s);
	size_t had = 0;

	if (code)
		return code;
	if (buffer_init(&s->buffer, 4096)) {
		log_error("no memory");
		return 1;
	}
	for (size_t i = 0; i < s->page_count; i++) {
		s->page = &s->pages[i];
		had += write_page(s);
	}
	if (!s->page_count && !output_stop)
		log_say("no process whose name begins with '%s' waits for peers on a port; "
			"sockwatch ls -c "
			"NAME lists every socket",
			s->options->filter.comm);
	if (s->buffer.failed) {
		log_error("no memory");
		return 1;
	}
	if (!had && output_stop)
		return EXIT_NOBODY;
	if (output_flush(&s->output, &s->buffer))
		output_finish(&s->output);
	if (s->output.error)
		return output_complain(&s->output, s->buffer.len);
	return had ? 0 : s->listing.lacks ? 1 : EXIT_NOBODY;
}

int command_who(const struct options *options)
{
	struct search s = {.options = options, .reader.options = options};
	int code;

	output_catch_signals();
	if (options->unix_sockets)
		return command_unix(options);
	code = run(&s);
	ask_close(&s.ask);
	table_free(s.table);
	process_set_free(s.processes);
	kernel_close(s.kernel);
	listing_done(&s.listing);
	for (size_t i = 0; i < s.page_count; i++) {
		free(s.pages[i].found);
		redirects_done(&s.pages[i].redirects);
	}
	free(s.pages);
	procinfo_done(&s.reader.process);
	interfaces_end(&s.interfaces);
	process_set_free(s.known);
	services_free(s.services);
	buffer_done(&s.buffer);
	output_close(&s.output);
	return code;
}
