/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http.h - answers GET over HTTP, by libmicrohttpd, which is loaded only where it is needed: it brings a TLS library with it, and
 * `ls` must start fast.
 *
 * Owns: the socket that listens, its name, the connections: HTTP_CLIENTS at most, of which each has HTTP_TIMEOUT_S and
 * HTTP_MEMORY bytes for its request.  Refuses to know: what is answered.  One thread, that of its caller; nothing blocks.
 *
 *     struct http *h = http_open("127.0.0.1:9435", answer, ctx);   // with rights
 *     ... wait for http_fd(h), http_wait_ms(h) at most, then http_turn(h) ...
 *     http_close(h);
 */
#ifndef SOCKWATCH_HTTP_H
#define SOCKWATCH_HTTP_H

#include "writer.h"

#define HTTP_CLIENTS   16
#define HTTP_TIMEOUT_S 5
#define HTTP_MEMORY    (16u << 10)

struct http_answer {
	unsigned int status; /* 200 ... */
	const char *type;    /* Content-Type; must outlive the answer's sending */
	struct buffer *text; /* empty; the answer's own */
};

/* Fills `ret` for a path and the Accept header (NULL none). */
typedef void (*http_answer_fn)(void *ctx, const char *path, const char *accept,
			       struct http_answer *ret);

struct http;

/* Where: as place_parse() takes it; the socket that systemd has handed over where there is one.  NULL after saying why. */
struct http *http_open(const char *where, http_answer_fn answer, void *ctx);
/* "http://127.0.0.1:9435" or "unix:/run/x"; lives as long as it. */
const char *http_place(const struct http *h);
/* Readable when a turn is due. */
int http_fd(const struct http *h);
/* Until a turn is due anyway; -1: none is. */
int http_wait_ms(const struct http *h);
void http_turn(struct http *h);
/* NULL is ignored. */
void http_close(struct http *h);

#endif
