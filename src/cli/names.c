// SPDX-License-Identifier: GPL-2.0-only
/*
 * names.c - all questions go out at once and what is answered in time counts: getnameinfo() would ask one after the other and
 * wait five seconds for each server that is down.
 */
#include "names.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define MAX_NAMES   4096
#define MAX_SERVERS 3
#define NAME_MAX_   256
#define SERVICES    "/etc/services"
#define SPACE	    "\t \n"

struct question {
	enum family family;
	uint8_t addr[16];
	char *name;
};

struct names {
	struct question *item;
	size_t count, cap;
	uint16_t first_id;
};

struct services *names_services(void)
{
	FILE *file = fopen(SERVICES, "re");
	struct services *s = NULL;
	char *text = NULL;
	size_t size = 0;
	ssize_t len;

	if (!file)
		return NULL;
	len = getdelim(&text, &size, '\0', file);
	if (len > 0)
		s = services_parse(text, (size_t)len);
	free(text);
	fclose(file);
	return s;
}

struct names *names_new(void)
{
	struct names *n = calloc(1, sizeof(*n));

	if (n && getrandom(&n->first_id, sizeof(n->first_id), GRND_NONBLOCK) < 0)
		n->first_id = (uint16_t)getpid();
	return n;
}

void names_free(struct names *n)
{
	if (!n)
		return;
	for (size_t i = 0; i < n->count; i++)
		free(n->item[i].name);
	free(n->item);
	free(n);
}

static struct question *find(const struct names *n, enum family family, const uint8_t *addr)
{
	size_t len = family == FAMILY_IPV6 ? 16 : 4;

	for (size_t i = 0; i < n->count; i++) {
		if (n->item[i].family == family && memcmp(n->item[i].addr, addr, len) == 0)
			return &n->item[i];
	}
	return NULL;
}

const char *names_find(const struct names *n, enum family family, const uint8_t addr[16])
{
	const struct question *q = find(n, family, addr);

	return q ? q->name : NULL;
}

void names_want(struct names *n, enum family family, const uint8_t addr[16])
{
	struct question *grown;

	if (n->count == MAX_NAMES || find(n, family, addr))
		return;
	if (n->count == n->cap) {
		n->cap = n->cap ? n->cap * 2 : 64;
		grown = realloc(n->item, n->cap * sizeof(*grown));
		if (!grown)
			return;
		n->item = grown;
	}
	n->item[n->count] = (struct question){.family = family};
	memcpy(n->item[n->count++].addr, addr, family == FAMILY_IPV6 ? 16 : 4);
}

/* ---- /etc/hosts and /etc/resolv.conf ---- */

static void read_hosts(struct names *n)
{
	FILE *file = fopen("/etc/hosts", "re");
	char line[1024];

	while (file && fgets(line, sizeof(line), file)) {
		char *save = NULL, *word, *name;
		struct question *q = NULL;
		uint8_t addr[16] = {0};

		line[strcspn(line, "#")] = '\0';
		word = strtok_r(line, SPACE, &save);
		name = word ? strtok_r(NULL, SPACE, &save) : NULL;
		if (!name)
			continue;
		if (inet_pton(AF_INET, word, addr) == 1)
			q = find(n, FAMILY_IPV4, addr);
		else if (inet_pton(AF_INET6, word, addr) == 1)
			q = find(n, FAMILY_IPV6, addr);
		if (q && !q->name)
			q->name = strdup(name);
	}
	if (file)
		fclose(file);
}

static size_t read_servers(struct sockaddr_storage servers[MAX_SERVERS])
{
	FILE *file = fopen("/etc/resolv.conf", "re");
	size_t count = 0;
	char line[256];

	while (file && count < MAX_SERVERS && fgets(line, sizeof(line), file)) {
		struct sockaddr_in *v4 = (struct sockaddr_in *)&servers[count];
		struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&servers[count];
		char *save = NULL, *word = strtok_r(line, SPACE, &save);

		if (!word || strcmp(word, "nameserver") != 0)
			continue;
		word = strtok_r(NULL, SPACE, &save);
		memset(&servers[count], 0, sizeof(servers[count]));
		if (word && inet_pton(AF_INET, word, &v4->sin_addr) == 1) {
			v4->sin_family = AF_INET;
			v4->sin_port = htons(53);
			count++;
		} else if (word && inet_pton(AF_INET6, word, &v6->sin6_addr) == 1) {
			v6->sin6_family = AF_INET6;
			v6->sin6_port = htons(53);
			count++;
		}
	}
	if (file)
		fclose(file);
	return count;
}

/* ---- DNS, RFC 1035 ---- */

static size_t put_label(uint8_t *p, const char *text)
{
	p[0] = (uint8_t)strlen(text);
	memcpy(p + 1, text, p[0]);
	return 1u + p[0];
}

/* "4.3.2.1.in-addr.arpa", or nibbles under ip6.arpa (RFC 3596, 2.5), as a PTR question. */
static size_t make_question(uint8_t *p, const struct question *q, uint16_t id)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t head[12] = {(uint8_t)(id >> 8), (uint8_t)id, 1, 0, 0, 1};
	size_t len = sizeof(head);
	char digits[4];

	memcpy(p, head, sizeof(head));
	for (int i = q->family == FAMILY_IPV4 ? 3 : 15; i >= 0; i--) {
		if (q->family == FAMILY_IPV4) {
			snprintf(digits, sizeof(digits), "%u", q->addr[i]);
			len += put_label(p + len, digits);
			continue;
		}
		digits[1] = '\0';
		digits[0] = hex[q->addr[i] & 15];
		len += put_label(p + len, digits);
		digits[0] = hex[q->addr[i] >> 4];
		len += put_label(p + len, digits);
	}
	len += put_label(p + len, q->family == FAMILY_IPV4 ? "in-addr" : "ip6");
	len += put_label(p + len, "arpa");
	memcpy(p + len, "\0\0\14\0\1", 5);
	return len + 5;
}

/* Reads the name at `at`; returns where it ends in the message, 0 when it is broken. */
static size_t read_name(const uint8_t *m, size_t size, size_t at, char out[NAME_MAX_])
{
	size_t end = 0, len = 0;

	for (int jumps = 0; jumps < 64 && at < size; jumps++) {
		uint8_t n = m[at];

		if (n == 0) {
			out[len ? len - 1 : 0] = '\0';
			return end ? end : at + 1;
		}
		if (n >= 0xc0) {
			if (at + 1 >= size)
				return 0;
			end = end ? end : at + 2;
			at = (size_t)(n & 0x3f) << 8 | m[at + 1];
			continue;
		}
		if (n > 63 || at + 1 + n > size || len + n + 1 >= NAME_MAX_)
			return 0;
		memcpy(out + len, m + at + 1, n);
		len += n;
		out[len++] = '.';
		at += 1u + n;
	}
	return 0;
}

static void take_answer(struct names *n, const uint8_t *m, size_t size)
{
	uint8_t asked[128 + 32 * 2];
	char name[NAME_MAX_];
	size_t at, index, len;

	if (size < 12 || !(m[2] & 0x80) || m[4] || m[5] != 1)
		return;
	index = (uint16_t)((m[0] << 8 | m[1]) - n->first_id);
	if (index >= n->count || n->item[index].name)
		return;
	/* The question must be ours, or anybody could answer. */
	len = make_question(asked, &n->item[index], 0);
	if (size < len || memcmp(m + 12, asked + 12, len - 12) != 0)
		return;
	at = len;
	for (int left = m[6] << 8 | m[7]; left > 0; left--) {
		uint16_t type, data;

		at = read_name(m, size, at, name);
		if (!at || at + 10 > size)
			return;
		type = (uint16_t)(m[at] << 8 | m[at + 1]);
		data = (uint16_t)(m[at + 8] << 8 | m[at + 9]);
		at += 10;
		if (type == 12 && read_name(m, size, at, name) && name[0]) {
			n->item[index].name = strdup(name);
			return;
		}
		at += data;
	}
}

static int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static void ask_server(struct names *n, const struct sockaddr_storage *server, int64_t end_ms)
{
	socklen_t len = server->ss_family == AF_INET ? sizeof(struct sockaddr_in)
						     : sizeof(struct sockaddr_in6);
	int fd = socket(server->ss_family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct pollfd ready = {.fd = fd, .events = POLLIN};
	size_t left = 0;
	uint8_t m[1500];

	if (fd < 0)
		return;
	if (connect(fd, (const struct sockaddr *)server, len) < 0) {
		close(fd);
		return;
	}
	for (size_t i = 0; i < n->count; i++) {
		if (n->item[i].name)
			continue;
		left += send(fd, m, make_question(m, &n->item[i], (uint16_t)(n->first_id + i)), 0) >
			0;
	}
	while (left > 0 && now_ms() < end_ms && poll(&ready, 1, (int)(end_ms - now_ms())) > 0) {
		ssize_t size = recv(fd, m, sizeof(m), 0);

		if (size < 0 && errno != EAGAIN && errno != EINTR)
			break; /* nobody serves there */
		if (size > 0) {
			take_answer(n, m, (size_t)size);
			left--;
		}
	}
	close(fd);
}

void names_ask(struct names *n, int timeout_ms)
{
	struct sockaddr_storage servers[MAX_SERVERS];
	size_t count = read_servers(servers);
	int64_t end_ms = now_ms() + timeout_ms;

	read_hosts(n);
	for (size_t i = 0; i < count; i++) {
		int64_t now = now_ms();

		if (now < end_ms)
			ask_server(n, &servers[i], now + (end_ms - now) / (int64_t)(count - i));
	}
}
