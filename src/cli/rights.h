/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * rights.h - what a command goes on with once it has looked, or opened what it reads.
 *
 * Owns: which places its options name.  Refuses to know: how rights are given away (confine.h).
 *
 *     rights_to_open(0);                            // what is left is enough to open files
 *     reader = open_it();
 *     if (rights_end(options, CONFINE_HISTORY, 0))
 *             return 1;
 */
#ifndef SOCKWATCH_RIGHTS_H
#define SOCKWATCH_RIGHTS_H

#include "confine.h"
#include "options.h"

/* What finds the address of a server by its name, and who vouches for it. */
#define RIGHTS_OF_SERVERS                                                                          \
	"/etc", "/usr/share", "/usr/lib/ssl", "/usr/local/share/ca-certificates",                  \
		"/run/systemd/resolve", "/run/NetworkManager", "/run/resolvconf"

/* Keeps `keep` and the capabilities to open any file, of those that it has, until rights_end(). */
void rights_to_open(uint64_t keep);

/*
 * Keeps `keep` and what --output needs at the end, in one place only; with CONFINE_SENDER connections to the port of --from.  No thread of the program may be there.  0, or the exit code
 * after saying why.
 */
int rights_end(const struct options *o, enum confine_calls calls, uint64_t keep);

#endif
