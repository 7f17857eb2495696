/* SPDX-License-Identifier: GPL-2.0-only */
/* who_private.h - words that who_text.c and redirect.c share. */
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

#endif
