// SPDX-License-Identifier: GPL-2.0-only
/*
 * socket_units.c - the socket units of systemd that name a port, from their files.
 *
 *     [Socket]
 *     ListenStream=0.0.0.0:8080
 *     Service=web.service
 *
 * A file in /etc hides one of the same name further down; NAME.socket.d/ adds to it.  Whether a unit is running is not asked:
 * the caller knows that systemd holds the port.
 */
#include "procinfo.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX_BYTES 65536
#define NAME_BYTES     256

static const char *const directories[] = {
	"/etc/systemd/system",		 "/run/systemd/system",	    "/run/systemd/generator",
	"/usr/local/lib/systemd/system", "/usr/lib/systemd/system", "/lib/systemd/system",
};

struct unit {
	bool listens; /* on the port that is asked for */
	char service[NAME_BYTES];
};

/* "8080", "0.0.0.0:8080", "[::]:8080" */
static bool names_port(const char *value, uint16_t port)
{
	const char *colon = strrchr(value, ':');
	const char *digits = colon ? colon + 1 : value;
	char *end;
	unsigned long number = strtoul(digits, &end, 10);

	return isdigit((unsigned char)*digits) && *end == '\0' && number == port;
}

static void read_line(struct unit *u, char *line, const char *listen, uint16_t port)
{
	char *value = strchr(line, '=');
	size_t key;

	if (!value)
		return;
	key = (size_t)(value - line);
	while (key && isspace((unsigned char)line[key - 1]))
		key--;
	value += 1 + strspn(value + 1, " \t");
	if (key == strlen(listen) && !strncmp(line, listen, key)) {
		/* An empty value takes back what came before. */
		u->listens = *value ? u->listens || names_port(value, port) : false;
	} else if (key == 7 && !strncmp(line, "Service", key)) {
		snprintf(u->service, sizeof(u->service), "%s", value);
	}
}

static void read_unit_file(struct unit *u, int dir, const char *name, const char *listen,
			   uint16_t port)
{
	int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	char *text = fd >= 0 ? malloc(FILE_MAX_BYTES) : NULL, *save = NULL;
	struct stat st;
	ssize_t n;

	if (text && fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		n = read(fd, text, FILE_MAX_BYTES - 1);
		text[n > 0 ? n : 0] = '\0';
		for (char *line = strtok_r(text, "\n", &save); line;
		     line = strtok_r(NULL, "\n", &save)) {
			size_t len = strlen(line);

			while (len && isspace((unsigned char)line[len - 1]))
				line[--len] = '\0';
			read_line(u, line + strspn(line, " \t"), listen, port);
		}
	}
	free(text);
	if (fd >= 0)
		close(fd);
}

static bool ends_with(const char *name, const char *end)
{
	size_t len = strlen(name), more = strlen(end);

	return len > more && !strcmp(name + len - more, end);
}

/* What NAME.socket.d/ in any directory adds. */
static void read_additions(struct unit *u, const char *name, const char *listen, uint16_t port)
{
	char path[NAME_BYTES + 64];

	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		struct dirent *entry;
		DIR *dir;

		snprintf(path, sizeof(path), "%s/%.255s.d", directories[i], name);
		dir = opendir(path);
		while (dir && (entry = readdir(dir))) {
			if (ends_with(entry->d_name, ".conf"))
				read_unit_file(u, dirfd(dir), entry->d_name, listen, port);
		}
		if (dir)
			closedir(dir);
	}
}

static bool is_hidden(size_t directory, const char *name)
{
	char path[NAME_BYTES + 64];

	for (size_t i = 0; i < directory; i++) {
		snprintf(path, sizeof(path), "%s/%.255s", directories[i], name);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* The unit that is started: Service=, else of the same name; with Accept=yes an instance for each connection. */
static void format_unit(char *ret, size_t size, const char *name, const struct unit *u)
{
	size_t stem = strlen(name) - strlen(".socket");

	if (u->service[0])
		snprintf(ret, size, "%s starts %s", name, u->service);
	else
		snprintf(ret, size, "%s starts %.*s.service", name, (int)stem, name);
}

size_t procinfo_socket_unit(uint16_t protocol, uint16_t port, char *ret, size_t size)
{
	const char *listen = protocol == IPPROTO_UDP ? "ListenDatagram" : "ListenStream";
	size_t count = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < sizeof(directories) / sizeof(directories[0]); i++) {
		DIR *dir = opendir(directories[i]);
		struct dirent *entry;

		while (dir && (entry = readdir(dir))) {
			struct unit u = {0};

			if (!ends_with(entry->d_name, ".socket") || is_hidden(i, entry->d_name))
				continue;
			read_unit_file(&u, dirfd(dir), entry->d_name, listen, port);
			read_additions(&u, entry->d_name, listen, port);
			if (u.listens && !count++)
				format_unit(ret, size, entry->d_name, &u);
		}
		if (dir)
			closedir(dir);
	}
	return count;
}
