/* SPDX-License-Identifier: GPL-2.0-only */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "services.h"
#include "units.h"

#define SPACE "\t "

struct service {
	uint16_t port, protocol;
	uint32_t order; /* of the line */
	char *names;	/* separated by commas */
};

struct services {
	struct service *item;
	size_t count, cap;
};

const char *port_class_name(uint16_t port)
{
	if (port < 1024)
		return "system";
	return port < 49152 ? "user" : "dynamic";
}

static uint16_t parse_protocol(const char *word)
{
	static const struct {
		const char *name;
		uint16_t protocol;
	} protocols[] = {{"tcp", IPPROTO_TCP},
			 {"udp", IPPROTO_UDP},
			 {"sctp", IPPROTO_SCTP},
			 {"dccp", IPPROTO_DCCP},
			 {"udplite", IPPROTO_UDPLITE}};

	for (size_t i = 0; i < sizeof(protocols) / sizeof(protocols[0]); i++) {
		if (strcmp(word, protocols[i].name) == 0)
			return protocols[i].protocol;
	}
	return 0;
}

static bool has_name(const char *names, const char *name)
{
	size_t len = strlen(name);

	for (; *names; names += strcspn(names, ","), names += *names == ',') {
		if (strcspn(names, ",") == len && memcmp(names, name, len) == 0)
			return true;
	}
	return false;
}

/* False without memory. */
static bool add_name(struct service *s, const char *name)
{
	size_t have = s->names ? strlen(s->names) : 0;
	char *grown;

	if (s->names && has_name(s->names, name))
		return true;
	grown = realloc(s->names, have + strlen(name) + 2);
	if (!grown)
		return false;
	if (have)
		grown[have++] = ',';
	strcpy(grown + have, name);
	s->names = grown;
	return true;
}

static bool add_service(struct services *s, const struct service *service)
{
	struct service *grown;

	if (s->count == s->cap) {
		s->cap = s->cap ? s->cap * 2 : 512;
		grown = realloc(s->item, s->cap * sizeof(*grown));
		if (!grown)
			return false;
		s->item = grown;
	}
	s->item[s->count++] = *service;
	return true;
}

/* False without memory; a line that is no service is skipped. */
static bool parse_line(struct services *s, char *line)
{
	struct service service = {.order = (uint32_t)s->count};
	char *save = NULL, *name, *port, *slash, *alias;
	uint64_t number;
	bool ok;

	line[strcspn(line, "#")] = '\0';
	name = strtok_r(line, SPACE, &save);
	port = name ? strtok_r(NULL, SPACE, &save) : NULL;
	slash = port ? strchr(port, '/') : NULL;
	if (!slash)
		return true;
	*slash = '\0';
	service.protocol = parse_protocol(slash + 1);
	if (!service.protocol || units_parse_number(port, 0, 65535, &number))
		return true;
	service.port = (uint16_t)number;
	ok = add_name(&service, name);
	while (ok && (alias = strtok_r(NULL, SPACE, &save)))
		ok = add_name(&service, alias);
	if (ok)
		ok = add_service(s, &service);
	if (!ok)
		free(service.names);
	return ok;
}

static int compare(const void *a, const void *b)
{
	const struct service *x = a, *y = b;

	if (x->port != y->port)
		return x->port < y->port ? -1 : 1;
	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Lines about the same port become one. */
static bool merge(struct services *s)
{
	size_t kept = 0;
	bool ok = true;

	for (size_t i = 0; i < s->count; i++) {
		struct service *last = kept ? &s->item[kept - 1] : NULL;

		if (!last || last->port != s->item[i].port ||
		    last->protocol != s->item[i].protocol) {
			s->item[kept++] = s->item[i];
			continue;
		}
		for (char *save = NULL, *name = strtok_r(s->item[i].names, ",", &save); name;
		     name = strtok_r(NULL, ",", &save))
			ok = ok && add_name(last, name);
		free(s->item[i].names);
	}
	s->count = kept;
	return ok;
}

struct services *services_parse(const char *text, size_t len)
{
	struct services *s = calloc(1, sizeof(*s));
	char *copy = strndup(text, len), *save = NULL;
	bool ok = s && copy;

	for (char *line = ok ? strtok_r(copy, "\n", &save) : NULL; line && ok;
	     line = strtok_r(NULL, "\n", &save))
		ok = parse_line(s, line);
	free(copy);
	if (ok && s->count)
		qsort(s->item, s->count, sizeof(*s->item), compare);
	if (ok && merge(s))
		return s;
	services_free(s);
	return NULL;
}

void services_free(struct services *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		free(s->item[i].names);
	free(s->item);
	free(s);
}

const char *services_find(const struct services *s, uint16_t port, uint16_t protocol)
{
	struct service key = {.port = port, .protocol = protocol};
	size_t low = 0, high = s->count;

	if (protocol == IPPROTO_MPTCP)
		key.protocol = IPPROTO_TCP;
	if (protocol == IPPROTO_UDPLITE)
		key.protocol = IPPROTO_UDP;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct service *at = &s->item[middle];

		if (at->port == key.port && at->protocol == key.protocol)
			return at->names;
		if (at->port < key.port || (at->port == key.port && at->protocol < key.protocol))
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

int services_port(const struct services *s, const char *name, uint16_t protocol)
{
	for (size_t i = 0; i < s->count; i++) {
		if ((!protocol || s->item[i].protocol == protocol) &&
		    has_name(s->item[i].names, name))
			return s->item[i].port;
	}
	return -1;
}
