// SPDX-License-Identifier: GPL-2.0-only
/* names.c - any answer of a DNS server, and any /etc/hosts, /etc/resolv.conf and /etc/services. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz.h"

static const char *file_text;

/* The files that the program opens are the input. */
static FILE *open_input(const char *path, const char *mode)
{
	(void)path, (void)mode;
	return *file_text ? fmemopen((void *)(uintptr_t)file_text, strlen(file_text), "r") : NULL;
}

#define fopen open_input
#include "../../src/cli/names.c"
#undef fopen

static void check_name(const struct names *n, enum family family, const uint8_t addr[16])
{
	const char *name = names_find(n, family, addr);

	if (name)
		MUST(name[0]);
}

/* A message as it came, or one that answers what was asked. */
static void take(struct names *n, struct input *in)
{
	uint8_t how = input_8(in);
	size_t len, head = 0;
	uint8_t *data = input_bytes(in, how & 1 ? input_16(in) : input_8(in), &len);
	uint8_t asked[256], *message;

	if (how & 2)
		head = make_question(asked, &n->item[how >> 2 & 1], (uint16_t)(how >> 2 & 1));
	message = malloc(head + len + 1);
	MUST(message);
	if (head) {
		asked[2] = 0x80;
		asked[7] = how >> 3 & 3;
		memcpy(message, asked, head);
	}
	memcpy(message + head, data, len);
	message = realloc(message, head + len ? head + len : 1);
	MUST(message);
	take_answer(n, message, head + len);
	free(message);
	free(data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t v4[16] = {127, 0, 0, 1}, v6[16] = {[15] = 1};
	struct sockaddr_storage servers[MAX_SERVERS];
	struct input in = {data, size};
	uint8_t what = input_8(&in);
	struct names *n = names_new();
	char *text = NULL;

	MUST(n);
	n->first_id = 0;
	names_want(n, FAMILY_IPV4, v4);
	names_want(n, FAMILY_IPV6, v6);
	if (what & 3)
		file_text = text = input_string(&in, in.left);
	switch (what & 3) {
	case 0:
		while (in.left)
			take(n, &in);
		break;
	case 1: read_hosts(n); break;
	case 2: MUST(read_servers(servers) <= MAX_SERVERS); break;
	case 3: services_free(names_services()); break;
	}
	check_name(n, FAMILY_IPV4, v4);
	check_name(n, FAMILY_IPV6, v6);
	names_free(n);
	free(text);
	return 0;
}
