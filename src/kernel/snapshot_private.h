/* SPDX-License-Identifier: GPL-2.0-only */
/* snapshot_private.h - the two ways to look at every socket, chosen by snapshot_take.c. */
#ifndef SOCKWATCH_SNAPSHOT_PRIVATE_H
#define SOCKWATCH_SNAPSHOT_PRIVATE_H

#include "kernel_private.h"
#include "snapshot.h"

/* Through iterators; *ret_loaded tells whether the kernel took the programs at all. */
int snapshot_iterate(const struct snapshot_options *options, struct listing *l, bool *ret_loaded,
		     struct netns_unseen *ret_unseen);
/* Through sock_diag and /proc; no cookie and no queue is missing, makers are. */
int snapshot_walk_proc(struct listing *l, struct netns_unseen *ret_unseen);
/* One file of /proc/net of the namespace that this thread is in; -ENOENT where the kernel has none. */
int snapshot_read_net(struct listing *l, uint32_t netns, uint16_t protocol, bool v6);
/* What a socket is that no descriptor can lead to, by its state: enum listing_flag. */
uint8_t snapshot_flags_without_inode(const struct listing_socket *s);
/* Adds the namespace that this thread is in, with its ephemeral ports; returns its inode, 0 unknown. */
uint32_t snapshot_note_netns(struct listing *l);

#endif
