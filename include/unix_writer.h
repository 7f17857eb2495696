/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unix_writer.h - Unix sockets as rows, as JSON, and who has one, in words.
 *
 * Owns: the words.  Refuses to know: where they come from.  Appends whole lines; one thread.
 */
#ifndef SOCKWATCH_UNIX_WRITER_H
#define SOCKWATCH_UNIX_WRITER_H

#include "listing_writer.h"
#include "unix_listing.h"
#include "who_writer.h"

/* Instead of listing_begin(). */
void unix_begin(struct listing_style *style);
void unix_write_header(struct buffer *out, struct listing_style *style);
/* A row for each holder, or one with "-" where there is none; `only` (may be NULL) leaves out holders. */
void unix_write_rows(struct buffer *out, struct listing_style *style, const struct unix_listing *l,
		     const struct unix_socket *s, const struct filter *only);
/* One JSON object with a writer of writer_json_new(); with `who` (may be NULL) also what frees it. */
void writer_unix(struct writer *w, struct buffer *out, const struct unix_listing *l,
		 const struct unix_socket *s, const struct who *who);
/* What is said of the sockets with a name; `who` says what is known of processes, its sockets are not looked at. */
void who_write_unix(struct buffer *out, const struct who *who, const struct unix_listing *l,
		    const struct unix_socket *const *found, size_t count);

#endif
