// SPDX-License-Identifier: GPL-2.0-only
#include "runtimes.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "json_scan.h"

/* Podman has one file for all containers. */
#define FILE_MAX   ((size_t)4 << 20)
#define NAME_LEN   253 /* of Kubernetes, the longest there are */
#define NAMESPACES 16  /* of containerd */

struct found {
	const char *id;
	bool is_here; /* Podman: the object is about `id` */
	char container[NAME_LEN + 1], pod[NAME_LEN + 1], pod_namespace[NAME_LEN + 1];
};

/* Names that a runtime gives are words: what else may stand in a file is none. */
static void keep(char *ret, struct json_text value)
{
	if (value.len > 0 && value.bytes[0] == '/') {
		value.bytes++;
		value.len--;
	}
	if (value.len == 0 || value.len > NAME_LEN)
		return;
	for (size_t i = 0; i < value.len; i++) {
		if (value.bytes[i] <= ' ' || value.bytes[i] > '~')
			return;
	}
	memcpy(ret, value.bytes, value.len);
	ret[value.len] = '\0';
}

static bool on_docker(void *ctx, const struct json_at *at, struct json_text value)
{
	static const char *const name[] = {"Name", NULL};

	if (json_at_is(at, name))
		keep(((struct found *)ctx)->container, value);
	return true;
}

static bool on_annotation(void *ctx, const struct json_at *at, struct json_text value)
{
	static const struct {
		const char *key;
		size_t at;
	} keys[] = {
		{"nerdctl/name", offsetof(struct found, container)},
		{"io.kubernetes.cri.container-name", offsetof(struct found, container)},
		{"io.kubernetes.cri.sandbox-name", offsetof(struct found, pod)},
		{"io.kubernetes.cri.sandbox-namespace", offsetof(struct found, pod_namespace)},
		{"io.kubernetes.container.name", offsetof(struct found, container)},
		{"io.kubernetes.pod.name", offsetof(struct found, pod)},
		{"io.kubernetes.pod.namespace", offsetof(struct found, pod_namespace)},
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		const char *const path[] = {"annotations", keys[i].key, NULL};

		if (json_at_is(at, path))
			keep((char *)ctx + keys[i].at, value);
	}
	return true;
}

/* [{"id":"...","names":["web"],...}]: the id comes first. */
static bool on_podman(void *ctx, const struct json_at *at, struct json_text value)
{
	static const char *const id[] = {"", "id", NULL}, *const name[] = {"", "names", "", NULL};
	struct found *f = ctx;

	if (json_at_is(at, id))
		f->is_here = value.len == strlen(f->id) && !memcmp(value.bytes, f->id, value.len);
	if (f->is_here && json_at_is(at, name)) {
		keep(f->container, value);
		return false;
	}
	return true;
}

/* Whole and regular files only: what stands there may be another's. */
static char *read_whole(const char *path, size_t *ret_len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	char *text = NULL;
	struct stat st;
	size_t len = 0;

	if (fd < 0)
		return NULL;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    (size_t)st.st_size <= FILE_MAX)
		text = malloc((size_t)st.st_size);
	while (text && len < (size_t)st.st_size) {
		ssize_t n = read(fd, text + len, (size_t)st.st_size - len);

		if (n <= 0)
			break;
		len += (size_t)n;
	}
	close(fd);
	*ret_len = len;
	return text;
}

static void scan_file(struct found *f, const char *path,
		      bool (*fn)(void *ctx, const struct json_at *at, struct json_text value))
{
	size_t len;
	char *text = read_whole(path, &len);

	if (text)
		json_scan(text, len, fn, f);
	free(text);
}

static bool is_enough(const struct found *f)
{
	return f->container[0] || f->pod[0];
}

/* Each client has a namespace of its own: k8s.io, moby, default. */
static void scan_containerd(struct found *f, const char *root, const char *below)
{
	char path[PATH_MAX];
	DIR *dir;
	const struct dirent *entry;

	snprintf(path, sizeof(path), "%s%s", root, below);
	dir = opendir(path);
	for (int i = 0; dir && i < NAMESPACES + 2 && !is_enough(f) && (entry = readdir(dir)); i++) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s%s/%s/%s/config.json", root, below, entry->d_name,
			 f->id);
		scan_file(f, path, on_annotation);
	}
	if (dir)
		closedir(dir);
}

/* Kubernetes writes '-' into the uid where systemd's unit has '_'. */
static bool ends_in_uid(const char *name, const char *uid)
{
	size_t len = strlen(name), uid_len = strlen(uid);

	if (len <= uid_len || name[len - uid_len - 1] != '_')
		return false;
	name += len - uid_len;
	for (size_t i = 0; i < uid_len; i++) {
		if (name[i] != (uid[i] == '_' ? '-' : uid[i]))
			return false;
	}
	return true;
}

/* /var/log/pods/NAMESPACE_NAME_UID: neither of the names has a '_'. */
static void scan_pods(struct found *f, const char *root, const char *uid)
{
	char path[PATH_MAX];
	const struct dirent *entry;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/var/log/pods", root);
	dir = opendir(path);
	while (dir && !f->pod[0] && (entry = readdir(dir))) {
		size_t len = strcspn(entry->d_name, "_");
		const char *pod = entry->d_name + len;

		if (!*pod || !ends_in_uid(pod + 1, uid))
			continue;
		keep(f->pod_namespace, (struct json_text){entry->d_name, len});
		keep(f->pod, (struct json_text){pod + 1, strcspn(pod + 1, "_")});
	}
	if (dir)
		closedir(dir);
}

void runtimes_find(const char *root, const char *id, const char *pod_uid, struct runtime_names *ret)
{
	struct found f = {.id = id};
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/var/lib/docker/containers/%s/config.v2.json", root, id);
	scan_file(&f, path, on_docker);
	if (!is_enough(&f))
		scan_containerd(&f, root, "/run/containerd/io.containerd.runtime.v2.task");
	if (!is_enough(&f))
		scan_containerd(&f, root, "/run/k3s/containerd/io.containerd.runtime.v2.task");
	if (!is_enough(&f)) {
		snprintf(path, sizeof(path),
			 "%s/run/containers/storage/overlay-containers/%s/userdata/config.json",
			 root, id);
		scan_file(&f, path, on_annotation);
	}
	if (!is_enough(&f)) {
		snprintf(path, sizeof(path),
			 "%s/var/lib/containers/storage/overlay-containers/containers.json", root);
		scan_file(&f, path, on_podman);
	}
	if (!f.pod[0] && pod_uid)
		scan_pods(&f, root, pod_uid);
	*ret = (struct runtime_names){0};
	ret->container = f.container[0] ? strdup(f.container) : NULL;
	if (f.pod[0] && asprintf(&ret->pod, "%s%s%s", f.pod_namespace,
				 f.pod_namespace[0] ? "/" : "", f.pod) < 0)
		ret->pod = NULL;
}
