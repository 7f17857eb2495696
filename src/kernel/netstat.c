// SPDX-License-Identifier: GPL-2.0-only
/* netstat.c - what a network namespace counts of all its sockets together. */
#include "kernel.h"
#include "netns.h"
#include "split_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Two lines for each protocol: the names, and the numbers below them. */
static bool find_number(FILE *file, const char *protocol, const char *name, uint64_t *ret)
{
	char *line[2] = {NULL, NULL}, *at[2], *word[2];
	size_t size[2] = {0, 0};
	bool found = false;

	while (!found && getline(&line[0], &size[0], file) > 0 &&
	       getline(&line[1], &size[1], file) > 0) {
		if (strncmp(line[0], protocol, strlen(protocol)) != 0)
			continue;
		word[0] = strtok_r(line[0], " \n", &at[0]);
		word[1] = strtok_r(line[1], " \n", &at[1]);
		while (word[0] && word[1] && strcmp(word[0], name) != 0) {
			word[0] = strtok_r(NULL, " \n", &at[0]);
			word[1] = strtok_r(NULL, " \n", &at[1]);
		}
		found = word[0] && word[1];
		if (found)
			*ret = strtoull(word[1], NULL, 10);
	}
	free(line[0]);
	free(line[1]);
	return found;
}

static int read_here(void *ctx)
{
	FILE *file = fopen("/proc/thread-self/net/netstat", "re");

	if (file) {
		find_number(file, "TcpExt:", "ListenOverflows", ctx);
		fclose(file);
	}
	return 0;
}

uint64_t kernel_listen_overflows(uint32_t netns, uint32_t pid)
{
	uint64_t count = UINT64_MAX;
	struct netns_at at;

	if (split_is_used())
		return split_listen_overflows(netns, pid);
	if (netns_find(netns, pid, &at, NULL))
		netns_visit(&at, read_here, &count);
	return count;
}
