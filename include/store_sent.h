/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_sent.h - how far a store was sent elsewhere, told to who records into it and would take the oldest rows away.
 *
 *     store_tell_sent(path, store_id(reader), 0);          // from now on rows wait to be sent
 *     store_tell_sent(path, store_id(reader), last);       // these need not wait any more
 *
 * Owns: FILE-sent beside the store, one line of plain text: who records can read it without a library, and needs no right but to open
 * it.  It is a hint, not the sender's memory: a number that is too low keeps rows longer, up to a bound.  Who removes it ends that.
 */
#ifndef SOCKWATCH_STORE_SENT_H
#define SOCKWATCH_STORE_SENT_H

#include <stdint.h>

/* Rows up to `sent` of the store of that name were taken; makes the file where it is missing.  One write, not synced.  0 or -errno. */
int store_tell_sent(const char *path, const char *store, uint64_t sent);

/* The same in two steps, for who gives his rights away between them: the descriptor, or -errno; then 0 or -errno. */
int store_sent_open(const char *path);
int store_sent_write(int fd, const char *store, uint64_t sent);

#endif
