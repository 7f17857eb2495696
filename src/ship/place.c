// SPDX-License-Identifier: GPL-2.0-only
/* place.c - where a server is, and what is asked there, as text. */
#include "ship_http.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

bool ship_is_name(const char *text)
{
	if (!is_letter(*text))
		return false;
	while (is_letter(*text) || is_digit(*text))
		text++;
	return !*text;
}

/* Of a name or an address: nothing that would end it, or mean something to what reads an URL. */
static bool copy_host(struct ship_place *ret, const char *text, size_t len, bool is_ipv6)
{
	static const char of_names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_";
	static const char of_ipv6[] = "0123456789abcdefABCDEF:.%-_ghijklmnopqrstuvwxyz";

	if (len == 0 || len >= sizeof(ret->host))
		return false;
	memcpy(ret->host, text, len);
	ret->host[len] = '\0';
	return strspn(ret->host, is_ipv6 ? of_ipv6 : of_names) == len &&
	       (!is_ipv6 || strchr(ret->host, ':'));
}

static bool parse_port(const char *text, size_t len, uint16_t *ret)
{
	unsigned long port = 0;

	if (len == 0 || len > 5)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return false;
		port = port * 10 + (unsigned long)(text[i] - '0');
	}
	*ret = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

bool ship_place_parse(const char *text, struct ship_place *ret)
{
	const char *at, *end;
	bool is_ipv6;

	*ret = (struct ship_place){.tls = !strncmp(text, "https://", 8)};
	if (!ret->tls && strncmp(text, "http://", 7))
		return false;
	at = text + (ret->tls ? 8 : 7);
	is_ipv6 = *at == '[';
	end = at + strcspn(at, is_ipv6 ? "]" : ":/");
	if (!copy_host(ret, at + is_ipv6, (size_t)(end - at) - is_ipv6, is_ipv6) ||
	    (is_ipv6 && *end != ']'))
		return false;
	at = end + is_ipv6;
	ret->port = ret->tls ? 8443 : 8123;
	if (*at == ':') {
		end = at + 1 + strcspn(at + 1, "/");
		if (!parse_port(at + 1, (size_t)(end - at) - 1, &ret->port))
			return false;
		at = end;
	}
	if (*at == '/' && at[1]) {
		if (strlen(at + 1) >= sizeof(ret->database) || !ship_is_name(at + 1))
			return false;
		strcpy(ret->database, at + 1);
	} else if (*at && *at != '/') {
		return false;
	}
	snprintf(ret->place, sizeof(ret->place), is_ipv6 ? "%s://[%s]:%u" : "%s://%s:%u",
		 ret->tls ? "https" : "http", ret->host, ret->port);
	return true;
}

static char *escape(char *to, const char *text)
{
	static const char digits[] = "0123456789ABCDEF";

	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (is_letter(*text) || is_digit(*text) || strchr("-.~", *text)) {
			*to++ = *text;
			continue;
		}
		*to++ = '%';
		*to++ = digits[c >> 4];
		*to++ = digits[c & 15];
	}
	return to;
}

char *ship_http_target(const char *path, const char *const *parameters)
{
	size_t size = strlen(path) + 1;
	char *target, *to;

	for (const char *const *p = parameters; *p; p++)
		size += 3 * strlen(*p) + 1;
	target = malloc(size);
	if (!target)
		return NULL;
	to = stpcpy(target, path);
	for (size_t i = 0; parameters[i]; i++) {
		*to++ = i % 2 ? '=' : i ? '&' : '?';
		to = escape(to, parameters[i]);
	}
	*to = '\0';
	return target;
}
