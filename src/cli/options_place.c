// SPDX-License-Identifier: GPL-2.0-only
#include "options_place.h"

#include <arpa/inet.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "units.h"

socklen_t place_parse(const char *where, union place_address *ret)
{
	const char *port = strrchr(where, ':'), *begin = where;
	char host[INET6_ADDRSTRLEN] = "127.0.0.1";
	uint64_t number;
	size_t len;

	*ret = (union place_address){.any.sa_family = AF_UNSPEC};
	if (!strncmp(where, "unix:", 5)) {
		len = strlen(where + 5);
		if (where[5] != '/' || len >= sizeof(ret->un.sun_path))
			return 0;
		ret->un.sun_family = AF_UNIX;
		memcpy(ret->un.sun_path, where + 5, len + 1);
		return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + 1);
	}
	if (port) {
		len = (size_t)(port - where);
		if (len >= 2 && where[0] == '[' && port[-1] == ']') {
			begin++;
			len -= 2;
		}
		if (len >= sizeof(host) || (begin == where && memchr(where, ':', len)))
			return 0;
		memcpy(host, begin, len);
		host[len] = '\0';
	}
	if (units_parse_number(port ? port + 1 : where, 0, 65535, &number) < 0)
		return 0;
	if (begin == where && inet_pton(AF_INET, host, &ret->in.sin_addr) == 1) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons((uint16_t)number);
		return sizeof(ret->in);
	}
	if (begin > where && inet_pton(AF_INET6, host, &ret->in6.sin6_addr) == 1) {
		ret->in6.sin6_family = AF_INET6;
		ret->in6.sin6_port = htons((uint16_t)number);
		return sizeof(ret->in6);
	}
	return 0;
}
