// SPDX-License-Identifier: GPL-2.0-only
/* services.c - any /etc/services: every name can be found again, and a listing prints it. */
#include "services.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"
#include "listing_writer.h"

static void look_up(const struct services *s, const char *names, uint16_t protocol)
{
	char *copy = strdup(names), *save = NULL;

	MUST(copy);
	for (char *name = strtok_r(copy, ",", &save); name; name = strtok_r(NULL, ",", &save)) {
		int found = services_port(s, name, protocol);

		MUST(found >= 0 && found <= 65535);
	}
	free(copy);
}

static void print(const struct services *services, uint16_t port, uint16_t protocol)
{
	static struct listing l; /* one for all: it is as large as a host's */
	const struct listing_task task = {.process = {.pid = 9, .tid = 9, .name = "cat"}};
	struct listing_socket s = {.key = 1,
				   .netns = 1,
				   .protocol = IPPROTO_TCP,
				   .family = FAMILY_IPV4,
				   .state = STATE_ESTABLISHED,
				   .local = {.addr = {127, 0, 0, 1}},
				   .peer = {.addr = {127, 0, 0, 1}}};
	struct listing_style style = {.services = services};
	int64_t offset = 0;
	struct writer_options options = {.wall_offset_ns = &offset};
	struct writer *w = writer_json_new(&options);
	struct buffer out;

	MUST(w && buffer_init(&out, 64) == 0);
	listing_begin(&style);
	if (!l.socket_count) {
		listing_init(&l);
		MUST(listing_add_holder(&l, listing_add_task(&l, &task), 3, true, &s) !=
		     LISTING_NONE);
		listing_join(&l);
	}
	l.sockets[0].protocol = protocol;
	l.sockets[0].local.port = l.sockets[0].peer.port = port;
	listing_write_rows(&out, &style, &l, &l.sockets[0], NULL);
	must_be_text(out.data, out.len, 1, false);
	out.len = 0;
	writer_socket(w, &out, &l, &l.sockets[0], services);
	must_be_json(out.data, out.len);
	writer_free(w);
	buffer_done(&out);
}

static void show(const struct services *s, uint16_t port)
{
	static const uint16_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};

	for (size_t i = 0; i < 2; i++) {
		const char *names = services_find(s, port, protocols[i]);

		if (!names)
			continue;
		look_up(s, names, protocols[i]);
		if (port)
			print(s, port, protocols[i]);
	}
}

/* Every number in the text may be a port. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	size_t len;
	uint8_t *text = input_bytes(&in, size, &len);
	struct services *s = services_parse((const char *)text, len);
	unsigned int port = 0;

	free(text);
	MUST(s);
	for (size_t i = 0; i < size; i++) {
		bool digit = data[i] >= '0' && data[i] <= '9';

		if (digit && port <= 65535)
			port = port * 10 + data[i] - '0';
		if (!digit && port <= 65535)
			show(s, (uint16_t)port);
		if (!digit)
			port = 0;
	}
	services_free(s);
	return 0;
}
