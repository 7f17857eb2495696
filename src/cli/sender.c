// SPDX-License-Identifier: GPL-2.0-only
#include "sender.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "confine.h"
#include "log.h"
#include "moment.h"
#include "rights.h"
#include "ship_schema.h"
#include "units.h"

#define MACHINE_ID "/etc/machine-id"
/* What the unit has from systemd. */
#define CREDENTIAL "sockwatch-ship.password"

/* ---- who and where ---- */

/* The first line of a file; -errno. */
static int read_line(const char *path, char *ret, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, ret, size - 1);
	if (n < 0)
		n = -errno;
	close(fd);
	if (n < 0)
		return (int)n;
	if ((size_t)n == size - 1)
		return -E2BIG;
	ret[n] = '\0';
	ret[strcspn(ret, "\r\n")] = '\0';
	return 0;
}

int sender_read_password(const char *path, char *ret, size_t size)
{
	int err = read_line(path, ret, size);

	if (err < 0)
		log_error("the password: cannot read %s: %s", path, strerror(-err));
	else if (!ret[0])
		log_error("the password: %s is empty", path);
	return err < 0 || !ret[0] ? 1 : 0;
}

static void find_host(struct sender *s, const struct options *o)
{
	if (o->fleet.host)
		snprintf(s->host, sizeof(s->host), "%s", o->fleet.host);
	else if (gethostname(s->host, sizeof(s->host) - 1) < 0 || !s->host[0])
		strcpy(s->host, "unknown");
	/* An image without one, or none that may be read. */
	if (read_line(MACHINE_ID, s->machine_id, sizeof(s->machine_id)) < 0)
		s->machine_id[0] = '\0';
}

int sender_begin(struct sender *s, const struct options *o)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX] = "";

	*s = (struct sender){0};
	find_host(s, o);
	if (credentials)
		snprintf(path, sizeof(path), "%s/" CREDENTIAL, credentials);
	if (o->fleet.password_file)
		return sender_read_password(o->fleet.password_file, s->password,
					    sizeof(s->password));
	return path[0] && access(path, F_OK) == 0
		       ? sender_read_password(path, s->password, sizeof(s->password))
		       : 0;
}

int sender_open(struct sender *s, const struct options *o, bool (*go_on)(void *ctx), void *ctx)
{
	struct ship_error error = {""};
	struct ship_options wanted = {
		.store = o->store_file,
		.prefix = o->fleet.table_prefix,
		.host = s->host,
		.machine_id = s->machine_id,
		.user = o->fleet.user,
		.password = s->password,
		.ca_file = o->fleet.ca_file,
		.no_args = o->no_args,
		.batch_rows = o->fleet.rows,
		.go_on = go_on,
		.ctx = ctx,
	};

	ship_place_parse(o->fleet.to, &s->to);
	if (!s->to.database[0])
		strcpy(s->to.database, SHIP_DATABASE);
	wanted.to = s->to;
	s->ship = ship_open(&wanted, &error);
	if (!s->ship)
		log_error("%s", error.text);
	else if (ship_untold(s->ship))
		log_error("%s-sent: %s; the recorder does not know what is sent, and keeps nothing "
			  "longer for it",
			  o->store_file, ship_untold(s->ship));
	return s->ship ? 0 : 1;
}

/* ---- rights ---- */

static void find_directory(const char *file, char ret[PATH_MAX])
{
	char *slash;

	if (!realpath(file, ret) && snprintf(ret, PATH_MAX, "%s", file) >= PATH_MAX)
		strcpy(ret, ".");
	slash = strrchr(ret, '/');
	if (!slash)
		strcpy(ret, ".");
	else
		slash[slash == ret] = '\0';
}

int sender_confine(const struct sender *s, const struct options *o, const char *user)
{
	char store[PATH_MAX], ca[PATH_MAX] = ".";
	/* SQLite mixes its random numbers from /dev/urandom. */
	const char *const reads[] = {store, RIGHTS_OF_SERVERS, "/dev/urandom",
				     o->fleet.ca_file ? ca : NULL, NULL};
	const char *const writes[] = {ship_directory(s->ship), NULL};
	const struct confine wish = {.calls = CONFINE_SENDER,
				     .become = user,
				     .files = true,
				     .read_below = reads,
				     .write_below = writes,
				     .connects = s->to.port};

	find_directory(o->store_file, store);
	if (o->fleet.ca_file)
		find_directory(o->fleet.ca_file, ca);
	/* The file of the zone is read now. */
	tzset();
	return confine(&wish, o->strict, CONFINE_LANDLOCK) < 0 ? 1 : 0;
}

/* ---- the way ---- */

enum ship_state sender_step(struct sender *s, bool flush, uint64_t *ret_pause_ns)
{
	struct ship_now now = {.steady_ns = moment(CLOCK_BOOTTIME),
			       .wall_ns = moment(CLOCK_REALTIME),
			       .flush = flush};
	struct ship_step step;
	enum ship_state state;

	/* Early after the boot there may be none. */
	if (getrandom(&now.random, sizeof(now.random), GRND_NONBLOCK) < 0)
		now.random = now.wall_ns * 0x9e3779b97f4a7c15ull;
	state = ship_step(s->ship, &now, &step);
	*ret_pause_ns = step.pause_ns;
	if (step.news && state == SHIP_IDLE && step.words[0] && flush)
		log_error("%s", step.words);
	else if (step.news && state == SHIP_IDLE && step.words[0])
		log_say("%s; waiting for it", step.words);
	else if (step.news && step.words[0])
		log_error("%s%s", step.words, state == SHIP_REFUSED ? "" : "; trying again");
	else if (step.news)
		log_say("sending to %s again", s->to.place);
	return state;
}

void sender_close(struct sender *s)
{
	ship_close(s->ship);
	explicit_bzero(s->password, sizeof(s->password));
	s->ship = NULL;
}
