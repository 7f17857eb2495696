/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * exporter.h - metrics of a session over HTTP: what `export` is, and `record --listen`.
 *
 * Owns: the metrics, the HTTP side, the look at ports that an answer needs.  Refuses to know: what else becomes of events.
 * One thread: the session's, which has no rights any more when it hears the first request.
 *
 *     exporter_open(&x, options, &session);       // before session_start(): it binds
 *     session_start(&session); exporter_begin(&x);
 *     exporter_event(&x, event);                  // each, of every kind
 *     exporter_turn(&x, now_ns);                  // each turn of the session
 *     exporter_close(&x);
 */
#ifndef SOCKWATCH_EXPORTER_H
#define SOCKWATCH_EXPORTER_H

#include "budget_look.h"
#include "http.h"
#include "metrics.h"
#include "ship.h"
#include "session.h"

#define EXPORTER_PLACE "127.0.0.1:9435"

struct exporter {
	struct session *session; /* NULL: not opened */
	struct metrics *metrics;
	struct http *http;
	struct budget_look look;
	struct buffer text[2]; /* the answers of now, enum metrics_format */
	uint64_t text_ns[2];
	uint64_t look_ns, look_took_ns; /* the last one; 0: none */
	uint64_t asked_ns;	/* when it was last asked, since the last look; 0: it was not */
	uint64_t events;	/* since the last look */
	uint64_t lost, lost_ns; /* what had been lost when last counted, and when that last grew; 0 never */
	/* How far the record is in a fleet's database; false: it is not sent.  NULL: there is no record. */
	bool (*sending)(void *ctx, struct ship_tally *ret);
	void *sending_ctx;
	int fd; /* of all that wakes it; -1 none */
};

/* 0, or the exit code after saying why; exporter_close() either way. */
int exporter_open(struct exporter *x, const struct options *options, struct session *session);
/* Waits beside the session from now on; takes the first look.  0, or the exit code after saying why. */
int exporter_begin(struct exporter *x);
void exporter_event(struct exporter *x, const struct event *event);
/* Sets the session's wait_ms. */
void exporter_turn(struct exporter *x, uint64_t now_ns);
/* One that was not opened is ignored. */
void exporter_close(struct exporter *x);

#endif
