/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ship_http.h - requests to one ClickHouse over HTTP or HTTPS.
 *
 * Owns: the connection, which stays open between requests (libcurl, loaded when it is first needed).  Refuses to know: SQL, tables, when
 * to try again, what a status means (ship.h).  Nothing is logged; failures come back as words for the user.  One thread.
 *
 *     struct ship_http *h = ship_http_open(&options, &error);       // while libraries can still be loaded
 *     char *target = ship_http_target("/", (const char *const[]){"query", "SELECT 1", NULL});
 *     ship_http_do(h, &(struct ship_http_request){.target = target}, &answer);
 *     if (answer.status == 200 && !answer.code) ...
 *     free(target);
 *     ship_http_close(h);
 */
#ifndef SOCKWATCH_SHIP_HTTP_H
#define SOCKWATCH_SHIP_HTTP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define SHIP_HTTP_WORDS 512

/* One line for the user. */
struct ship_error {
	char text[SHIP_HTTP_WORDS];
};

struct ship_http_options {
	const char *place;    /* "http://HOST:PORT" or "https://HOST:PORT": no path, no user */
	const char *user;     /* NULL: the server's default */
	const char *password; /* NULL: none */
	const char *ca_file;  /* by which the server is known; NULL: what the system trusts */
	uint32_t connect_ms;  /* 0: 10 s */
	uint32_t stall_s;     /* so long without a byte in either direction and it has failed; 0: 3 min */
	/* Called about once a second while a request goes on; false gives it up.  NULL: nobody asks. */
	bool (*go_on)(void *ctx);
	void *ctx;
};

struct ship_http_request {
	const char *target; /* "/?query=...", of ship_http_target() */
	const void *body;   /* NULL: a GET */
	size_t len;
	bool gzip; /* the body is */
	/* The answer's bytes as they come, where the status is 200; false gives it up.  NULL: they go where other answers go. */
	bool (*take)(void *ctx, const void *bytes, size_t len);
	void *ctx;
};

enum ship_http_failure {
	SHIP_HTTP_ANSWERED,
	SHIP_HTTP_UNREACHED,  /* no name, nobody there, the connection ended: whether the request was taken is not known */
	SHIP_HTTP_UNTRUSTED,  /* TLS: no certificate that is trusted, or no common way */
	SHIP_HTTP_GIVEN_UP,   /* go_on() or take() wanted it */
	SHIP_HTTP_IMPOSSIBLE, /* no memory */
};

struct ship_http_answer {
	enum ship_http_failure failure;
	int status;		 /* 0 where it was not answered */
	int code;		 /* of ClickHouse's exception, by its header or the first words; 0 none */
	uint64_t retry_after_ns; /* 0: not said */
	uint64_t sent_bytes, received_bytes;
	/* What the server said, its first line, or why there is no answer; "" nothing.  Not escaped. */
	char text[SHIP_HTTP_WORDS];
};

/*
 * Loads libcurl and what it needs to find names.  NULL with the error filled: no libcurl here, a file of certificates that cannot be
 * read, no memory.  The server is not asked.  Strings are copied.
 */
struct ship_http *ship_http_open(const struct ship_http_options *options, struct ship_error *error);
void ship_http_close(struct ship_http *h);

/*
 * One request and its answer, however long that takes while bytes move.  Where the server has closed a connection that was kept it is sent
 * once more over a new one; else it is never repeated here.
 */
void ship_http_do(struct ship_http *h, const struct ship_http_request *request, struct ship_http_answer *ret);

/* Path and parameters, names and values in turn and NULL at the end, escaped; NULL without memory.  To be freed. */
char *ship_http_target(const char *path, const char *const *parameters);

/*
 * A place as users write it, "http[s]://HOST[:PORT][/DATABASE]", in its parts: the port is 8123 or 8443 where none is given, the
 * database "" where it is missing.  False where it is none: a user in it, a query, more than one name behind the slash, one with
 * other letters than A-Z a-z 0-9 and _.
 */
struct ship_place {
	char place[300]; /* as ship_http_options has it */
	char host[256];	 /* without the brackets of an IPv6 address */
	char database[64];
	uint16_t port;
	bool tls;
};
bool ship_place_parse(const char *text, struct ship_place *ret);
/* Letters, digits and _, of which the first is no digit; the name of a database or a part of a table's. */
bool ship_is_name(const char *text);

#endif
