/* SPDX-License-Identifier: GPL-2.0-only */
/* commands.h - one function per command; each returns the exit code of the program. */
#ifndef SOCKWATCH_COMMANDS_H
#define SOCKWATCH_COMMANDS_H

#include "kernel.h"
#include "options.h"
#include "store.h"
#include "unix_listing.h"

#define EXIT_NOT_FOUND 3
#define EXIT_LOST      4 /* done, but events were lost */

int command_trace(const struct options *options);
int command_ephemeral(const struct options *options);
int command_features(const struct options *options);
int command_ls(const struct options *options);
int command_who(const struct options *options);
int command_record(const struct options *options);
int command_history(const struct options *options);
int command_status(const struct options *options);
/* What ls and who do where Unix sockets are asked for. */
int command_unix(const struct options *options);
int command_report(const struct options *options);
int command_top(const struct options *options);
int command_export(const struct options *options);
int command_schema(const struct options *options);
int command_ship(const struct options *options);

/* history.c */
/* The place where records are kept, else that of the recorder that runs; NULL after saying that there is none.  Lives as the program. */
const char *command_find_store(void);
/* Opens a record to be read, until the program is told to stop; without arguments where the options say so.  NULL with *error said. */
struct store_reader *command_open_store(const struct options *options, const char *path,
					struct store_error *error);

/* kernel_side.c */
/* Opens the kernel side as the options say: 0, or after saying why the exit code with *ret untouched. */
int command_open_kernel(const struct options *options, struct kernel **ret);
/* Looks at every socket; 0, or -errno after saying why.  listing_done() either way. */
int take_listing(const struct options *options, bool details, struct listing *l);
/* For what take_listing() returned: a file of types that is another kernel's is bad input. */
int listing_exit_code(int err);
/* The same of Unix sockets; unix_listing_done() either way. */
int take_unix_listing(struct unix_listing *l);

/* The inode of the network namespace that it runs in, or that SOCKWATCH_NETNS names, 0 unknown: the one whose name goes without saying. */
uint32_t command_own_netns(void);

/*
 * Finds what is known of every process of a joined listing but those of the past, or only which script an interpreter runs;
 * `wanted` (may be NULL) leaves out tasks.
 * They go on pointing into the set: free it after the last use.  NULL without memory.  O(tasks), some files of /proc each.
 */
struct process_set *command_know_tasks(const struct options *options, struct listing *l,
				       bool scripts_only, const bool *wanted);
/* Says what of processes was not read for want of descriptors or memory, since it was said last. */
void command_say_refused(void);
/* Sets what belongs to holders of `s`, in an array of all tasks. */
void command_want_tasks(const struct listing *l, const struct listing_socket *s, bool *wanted);

/* What the time zone is called in which text has its times. */
const char *command_zone(void);

/*
 * Names this boot: a socket's cookie is valid until the next one.  Empty when the kernel does not
 * say.
 */
void command_boot_id(char *out, size_t size);

#endif
