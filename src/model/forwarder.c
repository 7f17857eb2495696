// SPDX-License-Identifier: GPL-2.0-only
#include "forwarder.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	enum forwarder_kind kind;
} known[] = {
	{"docker-proxy", FORWARDER_DOCKER},
	{"rootlessport", FORWARDER_ROOTLESS},
	{"rootlesskit", FORWARDER_ROOTLESS},
	{"pasta", FORWARDER_NAMESPACE},
	{"pasta.avx2", FORWARDER_NAMESPACE},
	{"passt", FORWARDER_NAMESPACE},
	{"passt.avx2", FORWARDER_NAMESPACE},
	{"slirp4netns", FORWARDER_NAMESPACE},
	{"sshd", FORWARDER_SSH},
	{"sshd-session", FORWARDER_SSH},
};

/* The next word of `*text` into `size` bytes; false at the end, or where it does not fit. */
static bool next_word(const char **text, char *ret, size_t size)
{
	size_t len;

	*text += strspn(*text, " ");
	len = strcspn(*text, " ");
	if (!len || len >= size)
		return false;
	memcpy(ret, *text, len);
	ret[len] = '\0';
	*text += len;
	return true;
}

static bool is_number(const char *word)
{
	return word[0] && strspn(word, "0123456789") == strlen(word) && strlen(word) <= 10;
}

/* docker-proxy -proto tcp -host-ip 0.0.0.0 -host-port 80 -container-ip 172.17.0.2 -container-port 8080 */
static void read_docker(struct forwarder *f, const char *command)
{
	char word[FORWARDER_PATH], value[64];
	unsigned long port = 0;

	while (next_word(&command, word, sizeof(word))) {
		bool ip = !strcmp(word, "-container-ip");

		if (!ip && strcmp(word, "-container-port") != 0)
			continue;
		if (!next_word(&command, value, sizeof(value)))
			return;
		if (!ip)
			port = is_number(value) ? strtoul(value, NULL, 10) : 0;
		else if (inet_pton(AF_INET, value, f->target.addr) == 1)
			f->family = FAMILY_IPV4;
		else if (inet_pton(AF_INET6, value, f->target.addr) == 1)
			f->family = FAMILY_IPV6;
	}
	f->target.port = port <= UINT16_MAX ? (uint16_t)port : 0;
	f->has_target = f->family && f->target.port;
}

/* pasta [options] PID or --netns PATH; slirp4netns [options] PID DEVICE: a word that is a number and no option's value. */
static void read_namespace(struct forwarder *f, const char *command)
{
	char word[FORWARDER_PATH];
	bool option = false;

	while (next_word(&command, word, sizeof(word))) {
		if (!strcmp(word, "--netns") || !strcmp(word, "--netns-path")) {
			if (!next_word(&command, f->path, sizeof(f->path)))
				f->path[0] = '\0';
		} else if (!strncmp(word, "--netns=", 8)) {
			memcpy(f->path, word + 8, strlen(word + 8) + 1);
		} else if (is_number(word) && !option && !f->path[0]) {
			strcat(strcat(strcpy(f->path, "/proc/"), word), "/ns/net");
		}
		option = word[0] == '-' && !strchr(word, '=');
	}
	if (f->path[0] != '/')
		f->path[0] = '\0';
}

struct forwarder forwarder_read(const char *name, const char *command)
{
	struct forwarder f = {0};

	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]) && !f.kind; i++) {
		if (!strncmp(name, known[i].name, PROCESS_NAME_SIZE))
			f.kind = known[i].kind;
	}
	if (f.kind == FORWARDER_DOCKER && command)
		read_docker(&f, command);
	if (f.kind == FORWARDER_NAMESPACE && command)
		read_namespace(&f, command);
	return f;
}

static bool is_at(const struct listing_socket *s, enum family family, const uint8_t *addr)
{
	if (!addr || inet_is_any((enum family)s->family, s->local.addr))
		return true;
	return s->family == family &&
	       memcmp(s->local.addr, addr, family == FAMILY_IPV4 ? 4 : 16) == 0;
}

const struct listing_socket *forwarder_behind(const struct listing *l, uint32_t netns,
					      uint16_t protocol, enum family family,
					      const uint8_t *addr, uint16_t port)
{
	for (size_t i = 0; i < l->socket_count; i++) {
		const struct listing_socket *s = &l->sockets[i];

		if (s->netns == netns && s->local.port == port &&
		    inet_is_udp(s->protocol) == inet_is_udp(protocol) && !listing_has_peer(s) &&
		    (inet_is_udp(protocol) || s->state == STATE_LISTEN) && is_at(s, family, addr))
			return s;
	}
	return NULL;
}

const struct listing_socket *forwarder_session(const struct listing *l, uint32_t pid, uint16_t port)
{
	for (size_t i = 0; i < l->socket_count; i++) {
		const struct listing_socket *s = &l->sockets[i];

		if (s->state != STATE_ESTABLISHED || s->local.port == port || s->peer.port == port)
			continue;
		for (uint32_t h = s->first; h != LISTING_NONE; h = l->holders[h].next) {
			if (l->tasks[l->holders[h].task].process.pid == pid)
				return s;
		}
	}
	return NULL;
}
