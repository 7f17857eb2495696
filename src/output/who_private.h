/* SPDX-License-Identifier: GPL-2.0-only */
/* who_private.h - what the files of `who` share; words that all use are in who_words.c. */
#ifndef SOCKWATCH_WHO_PRIVATE_H
#define SOCKWATCH_WHO_PRIVATE_H

#include "forwarder.h"
#include "who_writer.h"

/* Behind the words at the left. */
#define WHO_INDENT 14
/* Names in a list. */
#define WHO_SHOWN 8

/* "nginx[901]" */
void who_say_process(struct buffer *out, const char *name, uint32_t pid);
/* All that is known of it; `s`: what it has, NULL where that is gone or no socket of the internet. */
void who_say_whole_process(struct buffer *out, const struct who *who,
			   const struct process *process, const struct listing_socket *s);
/* ", in network namespace NAME INODE", nothing for the own one. */
void who_say_netns(struct buffer *out, const struct who *who, uint32_t inode);
/* The line of who is behind a rule or a program that forwards. */
void who_say_behind(struct buffer *out, const struct who *who, const struct listing_socket *s);
/* `listens`: a socket has the port, too. */
void who_say_redirect(struct buffer *out, const struct who *who, const struct redirect *r,
		      bool listens);
/* "  command     ...", nothing where the text is NULL or "". */
void who_say_line(struct buffer *out, const char *word, const char *text);
/* Nobody has it open, and it is no more than a rest. */
bool who_is_left(const struct listing_socket *s);
/* Who has it now, NULL nobody. */
const struct listing_task *who_someone(const struct listing *l, const struct listing_socket *s);

/* who_forwarder.c: the process that holds the port only passes it on.  `command`: arguments with a space between each, NULL unknown. */
void who_say_forwarder(struct buffer *out, const struct who *who, const struct process *process,
		       const char *command, const struct listing_socket *s);
/* Who listens behind it, NULL unknown; whether Docker has published it. */
const struct listing_socket *who_behind_forwarder(const struct who *who,
						  const struct listing_socket *s,
						  bool *ret_published);
void walk_forwarder(struct writer *w, const struct who *who, const struct listing_socket *s);

/* frees.c: what frees the port, as a line and as a field. */
void who_say_frees(struct buffer *out, const struct who *who, const struct listing_socket *s);
void walk_frees(struct writer *w, const struct who *who, const struct listing_socket *s);

/* frees.c: the fields that only `who` tells. */
struct writer;
void walk_who(struct writer *w, const struct who *who, const struct listing_socket *s);

#endif
