/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listing_writer.h - the sockets of a listing as lsof's rows or as JSON.
 *
 * Owns: columns and their widths.  Refuses to know: files, resolvers and the user database (callbacks give names).  Appends
 * whole lines; one thread.
 *
 *     struct listing_style style = {.user_name = procinfo_user};
 *     listing_begin(&style);
 *     listing_write_header(&out, &style);
 *     listing_write_rows(&out, &style, &l, &l.sockets[i], NULL);
 */
#ifndef SOCKWATCH_LISTING_WRITER_H
#define SOCKWATCH_LISTING_WRITER_H

#include "filter.h"
#include "layout.h"
#include "listing.h"
#include "services.h"
#include "writer.h"

#define LISTING_HEAD_SIZE 2048

struct listing_style {
	const char *(*user_name)(uint32_t uid);		/* NULL none: the number is printed */
	/* The name of an address, NULL unknown; the callback itself NULL: numbers. */
	const char *(*host_name)(void *ctx, enum family family, const uint8_t addr[16]);
	const char *(*interface_name)(void *ctx, uint32_t netns, uint32_t ifindex);
	void *ctx;
	const struct services *services;		/* NULL: numbers */
	int64_t wall_offset_ns;
	uint32_t own_netns;
	bool netns; /* a column names the namespaces that are not `own_netns` */
	bool color;
	unsigned int columns;				/* of the terminal, 0 for a pipe */
	const char *zone;				/* what the time zone is called at the head */
	struct layout layout;				/* by listing_begin(); follows what is written */
	/* What rows of one process begin with. */
	struct listing_head {
		const struct listing_task *task; /* NULL none */
		unsigned int changes;		 /* of the layout, when it was written */
		unsigned int spaces;		 /* up to there */
		size_t len;
		char text[LISTING_HEAD_SIZE];
	} head;
};

/* Once `netns` and `columns` are known. */
void listing_begin(struct listing_style *style);
void listing_write_header(struct buffer *out, struct listing_style *style);
/* A row for each holder, or one with "-" where there is none; `only` (may be NULL) leaves out holders. */
void listing_write_rows(struct buffer *out, struct listing_style *style,
			const struct listing *l, const struct listing_socket *s,
			const struct filter *only);
/*
 * What waits for peers: a head, then those that can be reached from outside, then the others; a row each.  Sorts `found` by port.
 * Processes must be resolved.
 */
void listing_write_listeners(struct buffer *out, struct listing_style *style,
			     const struct listing *l, const struct listing_socket **found,
			     size_t count, bool rows_only);
/* "0.0.0.0:80", "*:80" for both families, "127.0.0.1:44420->127.0.0.1:80"; returns the length, `out` holds LISTING_NAME_SIZE bytes. */
#define LISTING_NAME_SIZE 2048
size_t listing_format_name(char *out, const struct listing_style *style,
			   const struct listing_socket *s);

/* One JSON object with a writer of writer_json_new(); services give the names of the local port. */
void writer_socket(struct writer *w, struct buffer *out, const struct listing *l,
		   const struct listing_socket *s, const struct services *services);

#endif
