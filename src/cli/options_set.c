/* SPDX-License-Identifier: GPL-2.0-only */
/* options_set.c - a value as given, checked and stored. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "metrics.h"
#include "options_place.h"
#include "options_set.h"

#define PID_MAX	    4194304 /* PID_MAX_LIMIT, include/linux/threads.h */
#define SOCKETS_MAX 16777216
#define RING_MIN    (UINT64_C(1) << 20)
#define RING_MAX    (UINT64_C(1) << 30)

const char *options_row_name(const struct options_row *row)
{
	static char name[32];

	if (row->name)
		snprintf(name, sizeof(name), "--%s", row->name);
	else
		snprintf(name, sizeof(name), "-%c", row->key);
	return name;
}

/* Says that `word`, cut where very long, is `why`. */
static int refuse_word(const struct options_row *row, const char *word, const char *why)
{
	const char *name = options_row_name(row);

	return options_complain("%s '%.*s': %s; write for example %s %s", name,
				(int)strnlen(word, 100), word, why, name, row->example);
}

static int refuse(const struct options_row *row, const char *arg)
{
	return refuse_word(row, arg, row->why);
}

/* err is 0 or negative, as the model returns it. */
static int check(const struct options_row *row, const char *arg, int err)
{
	if (err == -ENOMEM) {
		options_complain("%s: no memory to keep the value", options_row_name(row));
		return ENOMEM;
	}
	return err ? refuse(row, arg) : 0;
}

static void *field_of(struct options_parse *p, const struct options_row *row)
{
	return (char *)p->options + row->field;
}

int set_nothing(struct options_parse *p, const struct options_row *row, const char *arg)
{
	(void)p, (void)row, (void)arg;
	return 0;
}

int set_help(struct options_parse *p, const struct options_row *row, const char *arg)
{
	(void)row, (void)arg;
	p->help = true;
	return ECANCELED;
}

int set_version(struct options_parse *p, const struct options_row *row, const char *arg)
{
	(void)row, (void)arg;
	p->version = true;
	return ECANCELED;
}

int set_flag(struct options_parse *p, const struct options_row *row, const char *arg)
{
	(void)arg;
	*(bool *)field_of(p, row) = true;
	return 0;
}

int set_json(struct options_parse *p, const struct options_row *row, const char *arg)
{
	(void)row, (void)arg;
	p->options->format = FORMAT_JSON;
	return 0;
}

int set_word(struct options_parse *p, const struct options_row *row, const char *arg)
{
	for (unsigned int i = 0; row->words[i]; i++) {
		if (!strcmp(arg, row->words[i])) {
			*(unsigned int *)field_of(p, row) = i;
			return 0;
		}
	}
	return refuse(row, arg);
}

int set_format(struct options_parse *p, const struct options_row *row, const char *arg)
{
	static const char *const formats[] = {
		[FORMAT_TEXT] = "text", [FORMAT_JSON] = "json", [FORMAT_HTML] = "html",
		[FORMAT_ECS] = "ecs",	[FORMAT_OTEL] = "otel",
	};

	for (unsigned int i = 0; row->words[i]; i++) {
		if (strcmp(arg, row->words[i]) != 0)
			continue;
		for (unsigned int f = 0; f < sizeof(formats) / sizeof(formats[0]); f++) {
			if (!strcmp(arg, formats[f]))
				p->options->format = (enum options_format)f;
		}
		return 0;
	}
	return refuse(row, arg);
}

/* "auto", "tracepoints,-cgroup/sendmsg4", "-fexit/inet_bind,-fexit/inet6_bind" */
int set_hooks(struct options_parse *p, const struct options_row *row, const char *arg)
{
	size_t len = strcspn(arg, ",");

	p->options->hooks = HOOKS_AUTO;
	p->options->hooks_without = NULL;
	if (*arg != '-') {
		while (row->words[p->options->hooks] &&
		       (strncmp(arg, row->words[p->options->hooks], len) != 0 ||
			row->words[p->options->hooks][len] != '\0'))
			p->options->hooks++;
		if (!row->words[p->options->hooks])
			return refuse(row, arg);
		arg += arg[len] ? len + 1 : len;
	}
	for (const char *at = arg; *at; at += strcspn(at, ","), at += *at != '\0') {
		if (at[0] != '-' || at[1] == '\0' || at[1] == ',')
			return refuse(row, at);
	}
	if (*arg)
		p->options->hooks_without = arg + 1;
	return 0;
}

int set_file(struct options_parse *p, const struct options_row *row, const char *arg)
{
	if (!*arg)
		return refuse(row, arg);
	*(const char **)field_of(p, row) = arg;
	return 0;
}

int set_pids(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, units_parse_ranges(arg, PID_MAX, field_of(p, row)));
}

int set_ports(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, options_add_ports(field_of(p, row), arg));
}

/* A condition of one value; giving two is not "both", as for lists it is "any". */
static int set_text(struct options_parse *p, const struct options_row *row, const char *arg,
		    size_t len)
{
	char **text = field_of(p, row);

	if (*text)
		return refuse_word(row, arg, "given a second time, takes only one value");
	*text = strndup(arg, len);
	return check(row, arg, *text ? 0 : -ENOMEM);
}

int set_args(struct options_parse *p, const struct options_row *row, const char *arg)
{
	if (p->options->filter.args)
		return refuse_word(row, arg, "given a second time, takes only one value");
	return check(row, arg, filter_set_args(&p->options->filter, arg));
}

int set_name(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return *arg ? set_text(p, row, arg, strlen(arg)) : refuse(row, arg);
}

/* Accepts what users copy: the path as in /proc/PID/cgroup or below the usual mount point. */
int set_cgroup(struct options_parse *p, const struct options_row *row, const char *arg)
{
	static const char mount[] = "/sys/fs/cgroup";
	const char *path = arg;
	size_t len;

	if (!strncmp(path, mount, strlen(mount)) &&
	    (!path[strlen(mount)] || path[strlen(mount)] == '/'))
		path += strlen(mount);
	else if (*path != '/')
		return refuse(row, arg);
	len = strlen(path);
	while (len > 0 && path[len - 1] == '/')
		len--;
	return set_text(p, row, path, len);
}

int set_addr(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, filter_add_cidr(&p->options->filter, arg));
}

/* Shows the one word of the list that is wrong. */
static int check_list(const struct options_row *row, const char *bad)
{
	char word[64];

	snprintf(word, sizeof(word), "%.*s", (int)strcspn(bad, ","), bad);
	return refuse(row, word);
}

int set_state(struct options_parse *p, const struct options_row *row, const char *arg)
{
	const char *bad;

	return filter_add_states(&p->options->filter, arg, &bad) ? check_list(row, bad) : 0;
}

/* lsof's -sTCP:LISTEN,ESTABLISHED. */
int set_tcp_state(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return strncasecmp(arg, "tcp:", 4) ? refuse(row, arg) : set_state(p, row, arg + 4);
}

int set_events(struct options_parse *p, const struct options_row *row, const char *arg)
{
	const char *bad;

	return filter_add_kinds(&p->options->filter, arg, &bad) ? check_list(row, bad) : 0;
}

int set_user(struct options_parse *p, const struct options_row *row, const char *arg)
{
	struct filter *f = &p->options->filter;
	uint64_t number;
	int err = 0;

	if (f->has_uid)
		return refuse_word(row, arg, "given a second time, takes only one value");
	if (units_parse_number(arg, 0, UINT32_MAX - 1, &number) == 0)
		f->uid = (uint32_t)number;
	else
		err = options_find_user(arg, &f->uid);
	if (err) {
		refuse_word(row, arg, err == -ENOENT ? row->why : strerror(-err));
		return -err;
	}
	f->has_uid = true;
	return 0;
}

int set_netns(struct options_parse *p, const struct options_row *row, const char *arg)
{
	struct filter *f = &p->options->filter;
	uint64_t number;
	int err = 0;

	if (f->has_netns)
		return refuse_word(row, arg, "given a second time, takes only one value");
	if (units_parse_number(arg, 1, UINT32_MAX, &number) == 0)
		f->netns = (uint32_t)number;
	else
		err = options_find_netns(arg, &f->netns);
	if (err) {
		char why[160];

		snprintf(why, sizeof(why), "%s (%s)", row->why,
			 err == -EINVAL ? "a file, but no such namespace" : strerror(-err));
		refuse_word(row, arg, why);
		return -err;
	}
	f->has_netns = true;
	return 0;
}

int set_duration(struct options_parse *p, const struct options_row *row, const char *arg)
{
	uint64_t ns;

	if (units_parse_duration(arg, &ns) || ns == 0)
		return refuse(row, arg);
	*(uint64_t *)field_of(p, row) = ns;
	return 0;
}

int set_count(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, units_parse_number(arg, 1, UINT64_MAX, &p->options->count));
}

int set_batch(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, units_parse_number(arg, 1, UINT64_MAX, &p->options->batch));
}

int set_fail_at(struct options_parse *p, const struct options_row *row, const char *arg)
{
	char digits[8];
	size_t len = strlen(arg);
	uint64_t percent;

	if (len && arg[len - 1] == '%')
		len--;
	if (!len || len >= sizeof(digits))
		return refuse(row, arg);
	memcpy(digits, arg, len);
	digits[len] = '\0';
	if (units_parse_number(digits, 1, 100, &percent))
		return refuse(row, arg);
	p->options->fail_at = (uint32_t)percent;
	return 0;
}

int set_sockets(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, units_parse_number(arg, 1, SOCKETS_MAX, &p->options->max_sockets));
}

int set_ring(struct options_parse *p, const struct options_row *row, const char *arg)
{
	uint64_t bytes, rounded = RING_MIN;

	if (units_parse_size(arg, &bytes) || bytes > RING_MAX)
		return refuse(row, arg);
	while (rounded < bytes)
		rounded *= 2;
	if (bytes <= RING_MIN / 2)
		return refuse(row, arg);
	p->options->ring_bytes = rounded;
	return 0;
}

int set_size(struct options_parse *p, const struct options_row *row, const char *arg)
{
	uint64_t bytes;

	if (units_parse_size(arg, &bytes) || bytes < row->least || (row->most && bytes > row->most))
		return refuse(row, arg);
	*(uint64_t *)field_of(p, row) = bytes;
	return 0;
}

int set_inet(struct options_parse *p, const struct options_row *row, const char *arg)
{
	if (!arg) {
		p->inet_open = true;
		return 0;
	}
	return check(row, arg, options_add_inet(p->options, arg));
}

/* A duration or a size: their units differ in case only for months and mebibytes, and there are no months. */
int set_keep(struct options_parse *p, const struct options_row *row, const char *arg)
{
	struct options *o = p->options;
	uint64_t ns = 0, bytes = 0;

	if (units_parse_duration(arg, &ns) && units_parse_size(arg, &bytes))
		return refuse(row, arg);
	if (ns == 0 && bytes < KEEP_MIN)
		return refuse(row, arg);
	o->keep_ns = ns;
	o->keep_bytes = bytes;
	return 0;
}

int set_keep_files(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return check(row, arg, units_parse_number(arg, 1, 10000, &p->options->keep_files));
}

int set_listen(struct options_parse *p, const struct options_row *row, const char *arg)
{
	union place_address address;

	if (!place_parse(arg, &address))
		return refuse(row, arg);
	p->options->listen = arg;
	return 0;
}

int set_labels(struct options_parse *p, const struct options_row *row, const char *arg)
{
	for (size_t len; *arg; arg += len + (arg[len] == ',')) {
		uint32_t bit;

		len = strcspn(arg, ",");
		bit = metric_label_parse(arg, len);
		if (!bit)
			return refuse(row, arg);
		p->options->without_labels |= bit;
	}
	return 0;
}

static int parse_time(const struct options_row *row, const char *arg, uint64_t *ret)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_REALTIME, &now);
	return check(row, arg,
		     units_parse_time(arg,
				      (uint64_t)now.tv_sec * NSEC_PER_SEC + (uint64_t)now.tv_nsec,
				      ret));
}

int set_time(struct options_parse *p, const struct options_row *row, const char *arg)
{
	return parse_time(row, arg, field_of(p, row));
}

int set_at(struct options_parse *p, const struct options_row *row, const char *arg)
{
	int err = parse_time(row, arg, &p->options->since_ns);

	p->options->until_ns = p->options->since_ns;
	p->options->has_at = true;
	return err;
}

int set_by(struct options_parse *p, const struct options_row *row, const char *arg)
{
	const char *bad;

	return group_parse(&p->options->by, arg, &bad) ? check_list(row, bad) : 0;
}

int set_reason(struct options_parse *p, const struct options_row *row, const char *arg)
{
	const char *bad;

	return filter_add_reasons(&p->options->filter, arg, &bad) ? check_list(row, bad) : 0;
}
