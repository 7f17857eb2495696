// SPDX-License-Identifier: GPL-2.0-only
#include "rights.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "serve.h"
#include "ship_http.h"

/* CAP_CHOWN: what SQLite makes beside a store of another user must be his. */
#define TO_OPEN (1ull << CAP_DAC_READ_SEARCH | 1ull << CAP_DAC_OVERRIDE | 1ull << CAP_CHOWN)
/* In a directory of another user. */
#define TO_RENAME (1ull << CAP_DAC_OVERRIDE | 1ull << CAP_FOWNER)

/* A file's directory as it is named, and where links lead. */
struct place {
	char named[PATH_MAX], real[PATH_MAX];
};

static void cut_name(char path[PATH_MAX])
{
	char *slash = strrchr(path, '/');

	if (!slash)
		strcpy(path, ".");
	else
		slash[slash == path] = '\0';
}

static void find_place(struct place *p, const char *file)
{
	*p = (struct place){0};
	if (strlen(file) >= sizeof(p->named))
		return;
	strcpy(p->named, file);
	cut_name(p->named);
	if (realpath(file, p->real))
		cut_name(p->real);
	else
		strcpy(p->real, p->named);
}

static bool is_ours(const char *directory)
{
	struct stat st;

	return stat(directory, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & 0300) == 0300;
}

void rights_to_open(uint64_t keep)
{
	confine_keep(keep | TO_OPEN);
}

int rights_end(const struct options *o, enum confine_calls calls, uint64_t keep)
{
	struct place output, store, ca;
	const char *const writes[] = {output.named, output.real, NULL};
	const char *const listing[] = {serve_path(), o->output_file ? output.named : NULL,
				       output.real, NULL};
	/* SQLite mixes its random numbers from there. */
	const char *const reads[] = {store.named, store.real, "/dev/urandom", NULL};
	const char *const servers[] = {RIGHTS_OF_SERVERS, "/dev/urandom",
				       o->fleet.ca_file ? ca.named : NULL, ca.real, NULL};
	struct ship_place from;
	/* Landlock would keep it from what only a tracer may read of a process (/proc/PID/exe), whatever capabilities it has. */
	struct confine wish = {
		.calls = calls, .keep = keep, .files = !(keep & 1ull << CAP_SYS_PTRACE)};

	/* The file of the zone is read now. */
	tzset();
	if (o->output_file) {
		find_place(&output, o->output_file);
		wish.opens_to_write = true;
		wish.write_below = writes;
		if (!is_ours(output.named) || !is_ours(output.real))
			wish.keep |= TO_RENAME;
	}
	if (calls == CONFINE_LISTING)
		wish.write_below = listing;
	if (calls == CONFINE_HISTORY) {
		find_place(&store, o->store_file);
		wish.read_below = reads;
	}
	if (calls == CONFINE_SENDER && ship_place_parse(o->fleet.from, &from)) {
		if (o->fleet.ca_file)
			find_place(&ca, o->fleet.ca_file);
		wish.read_below = servers;
		wish.connects = from.port;
	}
	/* A kernel without Landlock is no news to who asks once. */
	return confine(&wish, o->strict, CONFINE_LANDLOCK) < 0;
}
