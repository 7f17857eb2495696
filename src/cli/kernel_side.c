// SPDX-License-Identifier: GPL-2.0-only
/* kernel_side.c - what the options ask of the kernel room, and its errors in words. */
#include "commands.h"
#include "log.h"
#include "look_source.h"
#include "procinfo.h"
#include "serve.h"
#include "units.h"
#include "wire_filter.h"
#include "wire_look.h"
#include "writer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static void close_directory(int fd)
{
	if (fd >= 0)
		close(fd);
}

/* Without it all that follows fails, each thing in words of its own. */
static int check_proc(void)
{
	if (access("/proc/self/stat", R_OK) == 0)
		return 0;
	log_error("cannot read /proc: %s; mount it: processes, namespaces and own descriptors are "
		  "found there",
		  strerror(errno));
	return -ENOENT;
}

int command_open_kernel(const struct options *options, struct kernel **ret)
{
	const int keep_dir = serve_directory(true);
	struct wire_filter_ports ports;
	struct wire_filter filter;
	/* Others count ports and queues of every socket, whatever they show. */
	const bool filtered =
		(options->command == COMMAND_TRACE || options->command == COMMAND_RECORD) &&
		filter_for_programs(&options->filter, &filter, &ports);
	const struct kernel_options wanted = {
		.ring_bytes = options->ring_bytes,
		.look_bytes = options->look_bytes,
		.hooks = options->hooks,
		.hooks_without = options->hooks_without,
		.btf_path = options->btf_file,
		.keep_dir = keep_dir,
		.no_trace = options->command == COMMAND_EPHEMERAL && !options->for_ns,
		.filter = filtered ? &filter : NULL,
		.filter_ports = &ports,
	};
	struct kernel_error error = {""};
	struct kernel *k = NULL;
	int code = 1;

	if (!check_proc()) {
		k = kernel_open(&wanted, &error);
		code = k ? 0 : errno == EBADMSG ? EXIT_USAGE : 1;
		if (!k)
			log_error("%s", error.text);
	}
	close_directory(keep_dir);
	if (k)
		*ret = k;
	return code;
}

/* Says what a look has left out. */
static int tell_missing(int err, const struct listing *l, const struct kernel_error *error)
{
	if (err || l->failed)
		log_error("%s", err ? error->text : "cannot look at every socket: no memory");
	else if (error->text[0])
		log_error("not everything is listed: %s", error->text);
	return !err && l->failed ? -ENOMEM : err;
}

int take_listing(const struct options *options, bool details, struct listing *l)
{
	const uint32_t wants = LOOK_W_V6ONLY |
			       (details ? LOOK_W_COOKIE | LOOK_W_QUEUES | LOOK_W_MAKER : 0) |
			       (options->command == COMMAND_WHO ? LOOK_W_BUCKET : 0);
	const int keep_dir = serve_directory(true);
	const struct look_options wanted = {
		.source = options->source,
		.btf_path = options->btf_file,
		.hooks_without = options->hooks_without,
		.may_want = wants,
		.keep_dir = keep_dir,
		.listener_of = -1,
	};
	const struct look_request request = {
		.tasks = true,
		.tcp = true,
		.udp = true,
		.wants = wants,
		.ranges = LOOK_RANGES_EPHEMERAL,
	};
	const struct look_sink sink = listing_look_sink(l);
	struct kernel_error error = {""};
	struct look_reader *reader;
	int err;

	listing_init(l);
	if (check_proc()) {
		close_directory(keep_dir);
		return -ENOENT;
	}
	reader = look_open(&wanted, &error);
	err = reader ? 0 : -errno;
	close_directory(keep_dir);
	if (reader && error.text[0])
		log_say("%s", error.text);
	l->time_ns = kernel_now();
	if (!err)
		err = look_take(reader, &request, &sink, &error);
	l->lacks = reader && look_lacks(reader)[0];
	look_close(reader);
	if (!err)
		listing_join(l);
	return tell_missing(err, l, &error);
}

int listing_exit_code(int err)
{
	return err == -EBADMSG ? EXIT_USAGE : err ? 1 : 0;
}

int take_unix_listing(struct unix_listing *l)
{
	const struct look_options wanted = {
		.source = LOOK_BY_PROC, .keep_dir = -1, .listener_of = -1};
	const struct look_request request = {.tasks = true, .unix_sockets = true};
	const struct look_sink sink = unix_listing_sink(l);
	struct kernel_error error = {""};
	struct look_reader *reader;
	int err = check_proc();

	if (err)
		return err;
	reader = look_open(&wanted, &error);
	err = reader ? 0 : -errno;
	l->who.time_ns = kernel_now();
	if (!err)
		err = look_take(reader, &request, &sink, &error);
	l->who.lacks = reader && look_lacks(reader)[0];
	look_close(reader);
	if (!err)
		unix_listing_join(l);
	return tell_missing(err, &l->who, &error);
}

uint32_t command_own_netns(void)
{
	const char *named = getenv("SOCKWATCH_NETNS");
	struct stat st;

	return stat(named && *named ? named : "/proc/self/ns/net", &st) == 0 ? (uint32_t)st.st_ino
									     : 0;
}

const char *command_zone(void)
{
	static char zone[4 * UNITS_ZONE_SIZE];
	struct timespec now = {0};
	char name[UNITS_ZONE_SIZE]; /* as TZ has it */

	clock_gettime(CLOCK_REALTIME, &now);
	zone[line_escape(zone, name,
			 units_format_zone(name, (uint64_t)now.tv_sec * NSEC_PER_SEC))] = '\0';
	return zone;
}

void command_want_tasks(const struct listing *l, const struct listing_socket *s, bool *wanted)
{
	/* In whose queue it waits is told, too. */
	if ((s->flags & LOOK_QUEUED) && s->listener)
		s = &l->sockets[s->listener - 1];
	for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next)
		wanted[l->holders[h].task] = true;
}

void command_say_refused(void)
{
	static unsigned long said;
	int err;
	unsigned long refused = procinfo_refused(&err);

	if (refused > said)
		log_error("%lu files of processes not read, what they tell is missing: %s",
			  refused - said, strerror(err));
	said = refused;
}

struct process_set *command_know_tasks(const struct options *options, struct listing *l,
				       bool scripts_only, const bool *wanted)
{
	struct process_set *set =
		process_set_new(SIZE_MAX, scripts_only ? NULL : procinfo_resolve_process, NULL);

	if (!set)
		return NULL;
	process_set_follow(set, procinfo_read_process, SIZE_MAX, !options->no_args);
	for (size_t i = 0; i < l->task_count; i++) {
		const struct process *p;

		if ((wanted && !wanted[i]) || l->tasks[i].resolved || /* from the past: it may have ended */
		    (scripts_only && !process_may_run_script(&l->tasks[i].process)))
			continue;
		p = process_intern(set, &l->tasks[i].process);
		process_resolve(set, p);
		if (p)
			l->tasks[i].process = *p;
	}
	command_say_refused();
	return set;
}
