// SPDX-License-Identifier: GPL-2.0-only
/* sysctls.c - what a network namespace says about ports.  /proc/sys/net shows the namespace of the task that opens. */
#include "kernel_private.h"
#include "split_private.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FRESH_NS   1000000000u
#define NAMESPACES 16
#define TEXT_MAX   (512u << 10) /* every second port reserved */

struct sysctls {
	struct known {
		struct netns_at at;
		uint32_t pid;	  /* who was asked for it */
		uint64_t read_ns; /* 0 empty */
		bool valid;
		struct port_range range;
	} known[NAMESPACES];
};

/* The caller frees; NULL: it cannot be read. */
static char *read_text(const char *path)
{
	size_t len = 0, cap = 4096;
	char *text = NULL, *grown;
	ssize_t n = 1;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return NULL;
	while (n > 0 && cap <= TEXT_MAX && (grown = realloc(text, cap))) {
		text = grown;
		n = read(fd, text + len, cap - 1 - len);
		len += n > 0 ? (size_t)n : 0;
		if (len == cap - 1)
			cap *= 2;
	}
	close(fd);
	if (n == 0)
		text[len] = '\0';
	else
		free(text);
	return n == 0 ? text : NULL;
}

static uint32_t read_number(const char *path, uint32_t absent)
{
	char *text = read_text(path);
	uint32_t number = text ? (uint32_t)strtoul(text, NULL, 10) : absent;

	free(text);
	return number;
}

#define IPV4 "/proc/sys/net/ipv4/"

bool sysctls_read_here(bool all, struct port_range *ret)
{
	char *text = read_text(IPV4 "ip_local_port_range");
	bool valid;

	*ret = (struct port_range){0};
	valid = text && port_range_parse(text, ret) == 0;
	free(text);
	if (!all)
		return valid;
	text = read_text(IPV4 "ip_local_reserved_ports");
	if (!text || port_range_parse_reserved(text, ret) < 0)
		valid = false;
	free(text);
	ret->unprivileged_from = read_number(IPV4 "ip_unprivileged_port_start", 1024);
	ret->step = read_number(IPV4 "ip_local_port_step_width", 0);
	ret->tw_reuse = (uint8_t)read_number(IPV4 "tcp_tw_reuse", 0);
	ret->tw_reuse_delay_ms = read_number(IPV4 "tcp_tw_reuse_delay", 1000);
	return valid;
}

static int read_known(void *ctx)
{
	struct known *known = ctx;

	known->valid = sysctls_read_here(true, &known->range);
	return 0;
}

/* The entry of `netns`, or the one asked longest ago. */
static struct known *entry_of(struct sysctls *s, uint32_t netns)
{
	struct known *oldest = &s->known[0];

	for (size_t i = 0; i < NAMESPACES; i++) {
		if (s->known[i].at.netns == netns)
			return &s->known[i];
		if (s->known[i].read_ns < oldest->read_ns)
			oldest = &s->known[i];
	}
	return oldest;
}

/* Whether the entry still tells what `pid` would be told.  One not found says nothing of the next with its inode. */
static bool is_fresh(const struct known *known, uint32_t netns, uint32_t pid, uint64_t now)
{
	return known->at.netns == netns && now - known->read_ns <= FRESH_NS &&
	       (known->at.path[0] ? netns_still_there(&known->at) : known->pid == pid);
}

static bool make_sysctls(struct kernel *k)
{
	if (!k->sysctls)
		k->sysctls = calloc(1, sizeof(*k->sysctls));
	return k->sysctls != NULL;
}

bool kernel_port_range(struct kernel *k, uint32_t netns, uint32_t pid, struct port_range *ret)
{
	uint64_t now = kernel_now();
	struct known *known;

	if (split_is_used())
		return split_port_range(netns, pid, ret);
	if (!make_sysctls(k))
		return false;
	known = entry_of(k->sysctls, netns);
	if (!is_fresh(known, netns, pid, now)) {
		*known = (struct known){.pid = pid, .read_ns = now};
		if (netns_find(netns, pid, &known->at, NULL))
			netns_visit(&known->at, read_known, known);
	}
	if (known->valid)
		*ret = known->range;
	return known->valid;
}
