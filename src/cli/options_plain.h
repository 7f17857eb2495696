/* SPDX-License-Identifier: GPL-2.0-only */
/* options_plain.h - what stands on a command line without an option (options_words.c). */
#ifndef SOCKWATCH_OPTIONS_PLAIN_H
#define SOCKWATCH_OPTIONS_PLAIN_H

#include "options_table.h"

/* A port, the name of a process, what ss has for them.  0, EINVAL or ENOMEM
 * after one line on stderr; -1 when the command takes no such word. */
int options_set_word(struct options_parse *p, const char *word, const char *before);

/* All words were given: 0, or EINVAL after one line where one waits for its value. */
int options_end_words(struct options_parse *p);
/* 0, or EINVAL after one line where Unix sockets are asked for with what they have not. */
int options_check_unix(const struct options *o);
/* 0, or EINVAL after one line, where what names a fleet's database does not fit together. */
int options_check_fleet(const struct options *o);
/* An option that was given and says how to reach a database, NULL none. */
const char *options_fleet_word(const struct options_fleet *f);
/* What `schema` is of.  0, or EINVAL after one line. */
int options_set_dialect(struct options *o, const char *word);
/* What may stand for a command: "8080", ":8080", "udp/53", "/run/app.sock", which asks `who`; "-tulpn", which asks `ls`. */
bool options_is_port(const char *word);
bool options_is_listing(const char *word);
/* Takes the -p of ss and netstat out of words like "-tulpn", in place. */
void options_drop_p(int argc, char **argv);

#endif
