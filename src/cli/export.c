// SPDX-License-Identifier: GPL-2.0-only
/* export.c - `sockwatch export`: metrics for whoever asks, until stopped. */
#include "commands.h"
#include "exporter.h"
#include "log.h"
#include "notify.h"
#include "output.h"
#include "two.h"

#include <stdio.h>

struct export {
	struct session session;
	struct exporter exporter;
};

static void on_event(void *ctx, const struct event *event)
{
	exporter_event(&((struct export *)ctx)->exporter, event);
}

static void on_turn(void *ctx, uint64_t now_ns, bool idle)
{
	struct export *e = ctx;

	(void)idle;
	e->session.wait_ms = 0;
	exporter_turn(&e->exporter, now_ns);
	notify_alive(now_ns);
}

static void on_status(void *ctx, struct status *ret)
{
	const struct export *e = ctx;

	ret->text[STATUS_COMMAND] = "export";
	ret->text[STATUS_FILE] = http_place(e->exporter.http);
}

/* 0, or the exit code after saying why. */
static int open_export(struct export *e, const struct options *options)
{
	char more[256];
	int code = session_open(&e->session, options, on_event, e);

	if (code == 0)
		code = exporter_open(&e->exporter, options, &e->session);
	e->session.status = on_status;
	if (code == 0)
		code = session_start(&e->session);
	if (code == 0)
		code = exporter_begin(&e->exporter);
	if (code)
		return code;
	snprintf(more, sizeof(more), "; metrics at %s%s", http_place(e->exporter.http),
		 http_place(e->exporter.http)[0] == 'h' ? "/metrics" : "");
	session_announce(&e->session, more);
	notify_say("READY=1");
	return 0;
}

static int finish(struct export *e)
{
	const struct session *s = &e->session;

	notify_say("STOPPING=1");
	session_finish(&e->session);
	if (!session_has_lost(s))
		return two_is_over() ? 1 : 0;
	log_error("%llu facts lost, %llu sockets not kept%s", (unsigned long long)s->lost,
		  (unsigned long long)s->full, session_more_lost(s));
	return two_is_over() ? 1 : EXIT_LOST;
}

int command_export(const struct options *options)
{
	struct export e = {0};
	int code;

	output_catch_signals();
	notify_open();
	code = open_export(&e, options);
	if (code == 0) {
		session_run(&e.session, on_turn, &e);
		code = finish(&e);
	}
	exporter_close(&e.exporter);
	session_close(&e.session);
	notify_close();
	return code;
}
