/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_names.c - ports and hosts given by name: /etc/services and /etc/hosts, read here and not through the name service's
 * plugins, which the static program cannot load and which may block.
 */
#include <fcntl.h>
#include <limits.h>
#include <linux/nsfs.h>
#include <pwd.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "log.h"
#include "names.h"
#include "options_table.h"

#define SPACE "\t \n"

static int port_of(void *ctx, const char *name, uint16_t protocol)
{
	struct services *s = names_services();
	int port = s ? services_port(s, name, protocol) : -1;

	(void)ctx;
	services_free(s);
	return port;
}

static bool address_of(void *ctx, const char *name, bool ipv6, uint8_t ret[16])
{
	FILE *file = fopen("/etc/hosts", "re");
	char line[1024];
	bool found = false;

	(void)ctx;
	while (file && !found && fgets(line, sizeof(line), file)) {
		char *save = NULL, *address, *word;

		line[strcspn(line, "#")] = '\0';
		address = strtok_r(line, SPACE, &save);
		while (address && !found && (word = strtok_r(NULL, SPACE, &save)))
			found = strcasecmp(word, name) == 0 &&
				inet_pton(ipv6 ? AF_INET6 : AF_INET, address, ret) == 1;
	}
	if (file)
		fclose(file);
	return found;
}

int options_add_ports(struct units_ranges *ports, const char *list)
{
	char item[64], number[16];
	int err = 0;

	for (const char *at = list; !err; at++) {
		size_t len = strcspn(at, ",");
		int port;

		if (!len || len >= sizeof(item))
			return -EINVAL;
		memcpy(item, at, len);
		item[len] = '\0';
		err = units_parse_ranges(item, UINT16_MAX, ports);
		port = err == -EINVAL && !strchr("0123456789-+", *item) ? port_of(NULL, item, 0)
									: -1;
		if (port >= 0) {
			snprintf(number, sizeof(number), "%d", port);
			err = units_parse_ranges(number, UINT16_MAX, ports);
		}
		at += len;
		if (!*at)
			break;
	}
	return err;
}

static const struct filter_names names = {.port_of = port_of, .address_of = address_of};

int options_add_inet(struct options *o, const char *text)
{
	return filter_add_inet(&o->filter, text, &names);
}

int options_complain(const char *format, ...)
{
	char line[512];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	log_error("%s", line);
	return EINVAL;
}

/*
 * Reads the file itself and not through getpwnam(), which would load the name service's plugins,
 * something that the static program cannot do.
 */
int options_find_user(const char *name, uint32_t *ret_uid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;
	bool found = false;

	if (!file)
		return -errno;
	while (!found && (user = fgetpwent(file))) {
		found = !strcmp(user->pw_name, name);
		if (found)
			*ret_uid = user->pw_uid;
	}
	fclose(file);
	return found ? 0 : -ENOENT;
}

/* 0 or -errno; -EINVAL when it is no network namespace. */
static int read_netns(const char *path, uint32_t *ret_inode)
{
	/* Not blocking: a user may name a pipe by mistake. */
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	struct stat st;
	int err = 0;

	if (fd < 0)
		return -errno;
	if (ioctl(fd, NS_GET_NSTYPE) != CLONE_NEWNET)
		err = -EINVAL;
	else if (fstat(fd, &st))
		err = -errno;
	else
		*ret_inode = (uint32_t)st.st_ino;
	close(fd);
	return err;
}

/* A name without a slash is first what `ip netns` calls by it, then a file here. */
int options_find_netns(const char *arg, uint32_t *ret_inode)
{
	int err;

	if (!strcmp(arg, "self"))
		return read_netns("/proc/self/ns/net", ret_inode);
	if (!strchr(arg, '/') && strlen(arg) <= NAME_MAX) {
		char path[sizeof("/run/netns/") + NAME_MAX];

		snprintf(path, sizeof(path), "/run/netns/%s", arg);
		err = read_netns(path, ret_inode);
		if (err != -ENOENT && err != -EINVAL)
			return err;
	}
	return read_netns(arg, ret_inode);
}
