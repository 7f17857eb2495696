// SPDX-License-Identifier: GPL-2.0-only
/* places.c - where a process runs (cgroup, container), and what interfaces are called. */
#include "kernel_private.h"
#include "procinfo.h"
#include "split_private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Asked again after this long: a pid may by then belong to somebody else. */
#define FRESH_NS   1000000000u
#define INTERFACES 128

struct interface {
	struct netns_at at;
	uint32_t ifindex;
	uint64_t asked_ns;
	char name[IF_NAMESIZE]; /* "" not found */
};

struct places {
	int cgroup_fd;
	struct interface interfaces[INTERFACES];
};

struct places *places_new(int cgroup_fd)
{
	struct places *p = calloc(1, sizeof(*p));

	if (p)
		p->cgroup_fd = cgroup_fd;
	return p;
}

void places_free(struct places *p)
{
	free(p);
}

/* The path behind a cgroup id when its process is gone: cgroup ids are file handles of cgroup2
 * (kernfs). */
static char *path_of_id(int cgroup_fd, uint64_t id)
{
	struct {
		struct file_handle handle;
		uint64_t id;
	} h = {.handle = {.handle_bytes = sizeof(id), .handle_type = 0xfe}, .id = id};
	char link[64], root[PATH_MAX], path[PATH_MAX];
	ssize_t n, root_len;
	int fd;

	if (cgroup_fd < 0)
		return NULL;
	fd = open_by_handle_at(cgroup_fd, &h.handle, O_RDONLY | O_CLOEXEC | O_PATH);
	if (fd < 0)
		return NULL;
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	close(fd);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", cgroup_fd);
	root_len = readlink(link, root, sizeof(root) - 1);
	if (n <= 0 || root_len <= 0)
		return NULL;
	path[n] = '\0';
	if (root_len == 1)
		root_len = 0; /* a detached mount's root is "/" */
	if (n < root_len || strncmp(path, root, (size_t)root_len) != 0)
		return NULL;
	return strdup(path[root_len] ? path + root_len : "/");
}

char *places_path_of(const struct kernel *k, uint64_t cgroup_id)
{
	return split_is_used() ? split_cgroup_path(cgroup_id)
			       : path_of_id(k->places->cgroup_fd, cgroup_id);
}

void kernel_resolve_process(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			    struct process_place *ret)
{
	const struct kernel *k = ctx;
	char *found;

	procinfo_place(pid, cgroup, ret);
	if (ret->cgroup)
		return;
	found = places_path_of(k, cgroup_id);
	if (found)
		procinfo_place(0, found, ret);
	free(found);
}

/* ---- interfaces ---- */

static int look_up_interface(void *ctx)
{
	struct interface *wanted = ctx;

	if (!if_indextoname(wanted->ifindex, wanted->name))
		wanted->name[0] = '\0';
	return 0;
}

static const char *find_interface(struct places *p, uint32_t netns, uint32_t ifindex)
{
	struct interface *i = &p->interfaces[(netns * 31u ^ ifindex) % INTERFACES];
	uint64_t now = kernel_now();

	if (split_is_used()) {
		split_interface(netns, ifindex, i->name);
		return i->name[0] ? i->name : NULL;
	}
	if (i->at.netns != netns || i->ifindex != ifindex || now - i->asked_ns > FRESH_NS ||
	    (i->at.path[0] && !netns_still_there(&i->at))) {
		*i = (struct interface){.ifindex = ifindex, .asked_ns = now};
		if (netns_find(netns, 0, &i->at, NULL))
			netns_visit(&i->at, look_up_interface, i);
	}
	return i->name[0] ? i->name : NULL;
}

const char *kernel_interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	return find_interface(((struct kernel *)ctx)->places, netns, ifindex);
}

const char *procinfo_interface_name(uint32_t netns, uint32_t ifindex)
{
	static struct places places;

	return find_interface(&places, netns, ifindex);
}
