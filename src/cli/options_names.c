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

static const struct filter_names names = {.port_of = port_of, .address_of = address_of};

int options_add_inet(struct options *o, const char *text)
{
	return filter_add_inet(&o->filter, text, &names);
}

static int refuse(const char *text)
{
	return options_complain("'%.*s': not a port; write for example 8080, udp/53, "
				"127.0.0.1:5432 or [::1]:80",
				(int)strnlen(text, 100), text);
}

/* "::1", "[::1]", "fe80::1:80": whether the last group is a port cannot be told. */
static bool is_bare_ipv6(const char *text)
{
	char word[INET6_ADDRSTRLEN + 2];
	uint8_t address[16];
	size_t len = strlen(text);

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	return inet_pton(AF_INET6, word, address) == 1;
}

/* [PROTO/][ADDR:]PORT, turned into what lsof's -i takes.  Complains by itself. */
static int set_port(struct options *o, const char *text)
{
	const char *slash = strchr(text, '/'), *rest = slash ? slash + 1 : text;
	const char *colon = strrchr(rest, ':');
	const struct filter_inet *inet;
	char word[512];
	int len;

	if (is_bare_ipv6(rest))
		return options_complain(
			"'%.*s': an IPv6 address without a port; write [ADDR]:PORT, "
			"for example [::1]:80",
			(int)strnlen(text, 100), text);
	/* What would mean something else to -i. */
	if (strlen(text) > 300 || slash == text || strchr(text, '@') ||
	    (slash && memchr(text, ':', (size_t)(slash - text))))
		return refuse(text);
	len = snprintf(word, sizeof(word), "%.*s", slash ? (int)(slash - text) : 0, text);
	/* "*:80" is any address. */
	if (colon && !(colon - rest == 1 && *rest == '*') && colon != rest)
		len += snprintf(word + len, sizeof(word) - (size_t)len, "@%.*s",
				(int)(colon - rest), rest);
	if (colon)
		rest = colon + 1;
	snprintf(word + len, sizeof(word) - (size_t)len, ":%s", rest);
	if (!*rest || strpbrk(rest, ",-") || options_add_inet(o, word))
		return refuse(text);
	inet = &o->filter.inet[o->filter.inet_count - 1];
	if (inet->ports.count != 1 || inet->ports.item[0].low == 0)
		return refuse(text);
	o->asked = true;
	o->port_text = text;
	return 0;
}

int options_set_word(struct options_parse *p, const char *word, const char *before)
{
	size_t len = before ? strlen(before) : 0;

	/* "lsof -i :80": the value may stand apart. */
	if (p->options->command == COMMAND_LS && p->inet_open && len > 1 && before[0] == '-' &&
	    before[1] != '-' && before[len - 1] == 'i') {
		p->inet_open = false;
		if (options_add_inet(p->options, word) == 0)
			return 0;
		return options_complain("-i '%.*s': not as lsof has it; write for example -i "
					"tcp@127.0.0.1:80,443",
					(int)strnlen(word, 100), word);
	}
	if (p->options->command == COMMAND_WHO && !p->options->asked)
		return set_port(p->options, word);
	return -1;
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
