/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_names.h - the names of a store's files, for a process that has the files open and may not come to their directory.
 *
 * Owns: which calls of SQLite that concerns.  Refuses to know: who may.  Threads: the store's asks, once it has started.
 *
 *     store_leave_names(ask);                  // in the one: SQLite's calls become ask(STORE_WAL, true, NULL)
 *     store_act(store, STORE_WAL, true, NULL); // in the other
 */
#ifndef SOCKWATCH_STORE_NAMES_H
#define SOCKWATCH_STORE_NAMES_H

#include "store.h"

enum store_file { STORE_MAIN, STORE_WAL, STORE_SHM, STORE_JOURNAL, STORE_SENT, STORE_FILES };
/* Removes the file of that name, or tells of it by a descriptor (O_PATH) that is the caller's.  0 or -errno. */
typedef int (*store_names_fn)(enum store_file file, bool remove, int *ret_fd);
/* From now on this process asks `fn`. */
void store_leave_names(store_names_fn fn);
/* Of `s`, as it was open before a fork.  STORE_MAIN is never removed; STORE_SENT neither, but it may be read. */
int store_act(const struct store *s, enum store_file file, bool remove, int *ret_fd);
/* What SQLite opens the file by, with parameters as "immutable=1".  For sqlite3_free(), NULL without memory. */
char *store_uri(const char *path, const char *parameters);

#endif
