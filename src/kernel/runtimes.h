/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * runtimes.h - what a container and its pod are called, by the files that their runtimes leave on the host.
 *
 * Owns: which files those are.  Refuses to know: processes; asks no daemon.  One thread.
 *
 *     Docker       /var/lib/docker/containers/ID/config.v2.json
 *     containerd   /run/containerd/io.containerd.runtime.v2.task/NAMESPACE/ID/config.json (also of nerdctl and k3s)
 *     CRI-O        /run/containers/storage/overlay-containers/ID/userdata/config.json
 *     Podman       /var/lib/containers/storage/overlay-containers/containers.json
 *     Kubernetes   /var/log/pods/NAMESPACE_NAME_UID
 */
#ifndef SOCKWATCH_RUNTIMES_H
#define SOCKWATCH_RUNTIMES_H

/* NULL: nothing says so. */
struct runtime_names {
	char *container; /* malloc()ed */
	char *pod;	 /* "namespace/name", malloc()ed */
};

/*
 * `id` has 64 hexadecimal digits.  `pod_uid` as in the cgroup's path, NULL where there is none.  Files are looked for below
 * `root`, "" but in tests.
 */
void runtimes_find(const char *root, const char *id, const char *pod_uid,
		   struct runtime_names *ret);

#endif
