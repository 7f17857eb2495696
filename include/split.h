/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * split.h - what takes rights is done by another process, the helper, for one that has none, the reader.
 *
 *     pid that was started: the reader               the helper
 *     ring, decode, table, filter, output, store --> looks, /proc, namespaces, counters, detach, files by their number
 *
 * Owns: the asking and the answering; split_wire.h is what is said.  Refuses to know: which rights either keeps, and how the
 * processes come to be (src/cli/two.c).
 *
 * Once split_use() is called, the functions of kernel.h, look_source.h and procinfo.h that a trace needs ask the helper.  A helper that
 * has ended answers nothing: what was asked is unknown, as if the kernel would not tell.  The reader's threads may ask for files.
 *
 *     in the helper: split_serve(kernel, fds, &files);
 *     in the reader: split_use(fds); ... if (split_is_lost()) ...
 */
#ifndef SOCKWATCH_SPLIT_H
#define SOCKWATCH_SPLIT_H

#include "kernel.h"
#include "split_wire.h"

/* Ends of two sockets (SOCK_SEQPACKET): a look is told over one while its receiver asks over the other. */
enum split_channel { SPLIT_ASKS, SPLIT_LOOKS, SPLIT_CHANNELS };

/* What the helper does with files that others may not: 0 or -errno; *ret_fd, -1 at first, is closed after it was sent. */
typedef int (*split_file_fn)(void *ctx, unsigned int file, enum split_file_do what, int *ret_fd);

/* Answers until the reader has ended (0) or has asked what makes no sense (-EBADMSG).  `k` is this process's copy from before the fork. */
int split_serve(struct kernel *k, const int fds[SPLIT_CHANNELS], split_file_fn file, void *ctx);

/* From now on this process asks.  Owns `fds`, until split_stop(). */
void split_use(const int fds[SPLIT_CHANNELS]);
/* The helper ends; nothing is asked any more. */
void split_stop(void);
/* It has ended by itself, or answered what makes no sense. */
bool split_is_lost(void);
/* A helper does what needs rights, or did before it was lost. */
bool split_is_used(void);
/* 0 or -errno. */
int split_file(unsigned int file, enum split_file_do what, int *ret_fd);

#endif
