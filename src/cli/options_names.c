/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options_names.c - ports and hosts given by name: /etc/services and /etc/hosts, read here and not through the name service's
 * plugins, which the static program cannot load and which may block.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

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

/* [PROTO/][ADDR:]PORT, turned into what lsof's -i takes. */
int options_set_port(struct options *o, const char *text)
{
	const char *slash = strchr(text, '/'), *rest = slash ? slash + 1 : text;
	const char *colon = strrchr(rest, ':');
	char inet[512];
	int len;

	if (strlen(text) > 300 || (slash && slash == text))
		return refuse(text);
	len = snprintf(inet, sizeof(inet), "%.*s", slash ? (int)(slash - text) : 0, text);
	/* "*:80" is any address. */
	if (colon && !(colon - rest == 1 && *rest == '*') && colon != rest)
		len += snprintf(inet + len, sizeof(inet) - (size_t)len, "@%.*s",
				(int)(colon - rest), rest);
	if (colon)
		rest = colon + 1;
	snprintf(inet + len, sizeof(inet) - (size_t)len, ":%s", rest);
	if (!*rest || strpbrk(rest, ",-") || options_add_inet(o, inet) ||
	    o->filter.inet[0].ports.item[0].low == 0)
		return refuse(text);
	o->asked = true;
	o->port_text = text;
	return 0;
}
