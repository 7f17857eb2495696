/* SPDX-License-Identifier: GPL-2.0-only */
#include <stdlib.h>
#include <string.h>

#include "process.h"

#define ID_LEN 64

/*
 * What stands before the id, by runtime and cgroup driver.  Only whole words count:
 * crio-conmon-<id> and libpod-conmon-<id> hold the monitor, which runs outside the container.
 * libpod-payload- comes from podman --cgroups=split.
 */
static const char *const prefixes[] = {
	"", "docker-", "cri-containerd-", "nerdctl-", "crio-", "libpod-", "libpod-payload-",
};

struct segment {
	const char *start;
	size_t len;
};

/* Of a path, one after the other; an empty one where two slashes meet. */
static bool segment_take(const char **path, struct segment *ret)
{
	if (!**path)
		return false;
	*ret = (struct segment){*path, strcspn(*path, "/")};
	*path += ret->len;
	*path += **path == '/';
	return true;
}

static bool segment_is(struct segment s, const char *word)
{
	return s.len == strlen(word) && !memcmp(s.start, word, s.len);
}

static bool segment_strip_suffix(struct segment *s, const char *suffix)
{
	size_t len = strlen(suffix);

	if (s->len < len || memcmp(s->start + s->len - len, suffix, len))
		return false;
	s->len -= len;
	return true;
}

static bool segment_strip_prefix(struct segment *s, const char *prefix)
{
	size_t len = strlen(prefix);

	if (s->len < len || memcmp(s->start, prefix, len))
		return false;
	s->start += len;
	s->len -= len;
	return true;
}

/* Turns PREFIX<64 hex digits>[.scope] into the id. */
static bool find_hex_id(struct segment s, struct segment *ret)
{
	struct segment id;

	segment_strip_suffix(&s, ".scope");
	if (s.len < ID_LEN)
		return false;
	id = (struct segment){s.start + s.len - ID_LEN, ID_LEN};
	if (strspn(id.start, "0123456789abcdef") < ID_LEN)
		return false;
	s.len -= ID_LEN;
	*ret = id;
	/* cgroupfs with a name meant for systemd: "system.slice:docker:<id>". */
	if (s.len > 0 && s.start[s.len - 1] == ':')
		return true;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++) {
		if (segment_is(s, prefixes[i]))
			return true;
	}
	return false;
}

/* lxc.payload.NAME, lxc.payload/NAME (4.0) and lxc/NAME (3.x, Proxmox). */
static bool find_lxc_name(struct segment parent, struct segment s, struct segment *ret)
{
	if (!segment_is(parent, "lxc") && !segment_is(parent, "lxc.payload") &&
	    !segment_strip_prefix(&s, "lxc.payload."))
		return false;
	*ret = s;
	return s.len > 0;
}

const char *container_find(const char *path, size_t *ret_len)
{
	struct segment parent = {path, 0};
	struct segment found = {NULL, 0}, s, id;

	/* The innermost wins: a container in a container is what its user started. */
	while (segment_take(&path, &s)) {
		if (find_hex_id(s, &id) || find_lxc_name(parent, s, &id))
			found = id;
		if (s.len > 0)
			parent = s;
	}
	if (found.start)
		*ret_len = found.len;
	return found.start;
}

/* ---- other things that a path tells ---- */

const char *unit_find(const char *path, size_t *ret_len)
{
	static const char *const kinds[] = {".service", ".scope", ".socket"};
	const char *found = NULL;
	struct segment s;

	while (segment_take(&path, &s)) {
		for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
			struct segment name = s;

			if (segment_strip_suffix(&name, kinds[i]) && name.len > 0) {
				found = s.start;
				*ret_len = s.len;
			}
		}
	}
	return found;
}

#define POD_UID_LEN 36

/* "8f3b...-....": hexadecimal digits in groups of 8, 4, 4, 4, 12; systemd's names have '_' for '-'. */
static bool is_pod_uid(const char *text, size_t len)
{
	if (len != POD_UID_LEN)
		return false;
	for (size_t i = 0; i < len; i++) {
		bool between = i == 8 || i == 13 || i == 18 || i == 23;

		if (!strchr(between ? "-_" : "0123456789abcdef", text[i]))
			return false;
	}
	return true;
}

/* /kubepods/burstable/podUID/ID and /kubepods.slice/kubepods-burstable-podUID.slice/... */
const char *pod_find(const char *path, size_t *ret_len)
{
	const char *found = NULL;
	struct segment s;
	bool below = false;

	while (segment_take(&path, &s)) {
		const char *pod = NULL;

		below |= s.len >= 8 && !memcmp(s.start, "kubepods", 8);
		segment_strip_suffix(&s, ".slice");
		if (below && s.len >= POD_UID_LEN + 3)
			pod = s.start + s.len - POD_UID_LEN - 3;
		if (pod && !memcmp(pod, "pod", 3) && is_pod_uid(pod + 3, POD_UID_LEN)) {
			found = pod + 3;
			*ret_len = POD_UID_LEN;
		}
	}
	return found;
}

void process_place_done(struct process_place *place)
{
	free(place->cgroup);
	free(place->container);
	free(place->container_name);
	free(place->pod);
	free(place->unit);
	*place = (struct process_place){0};
}
