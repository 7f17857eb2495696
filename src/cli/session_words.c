// SPDX-License-Identifier: GPL-2.0-only
/* session_words.c - what a session says of itself: when it begins, when it is asked, what it lost. */
#include "session.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "log.h"

static const char *const hooks_words[] = {
	[TIER_BOTH] = "trampolines and tracepoints",
	[TIER_TRAMPOLINES] = "trampolines",
	[TIER_TRACEPOINTS] = "tracepoints",
};

static void fill_lost(const struct session *s, uint64_t lost[STATUS_LOSSES])
{
	static const enum status_loss loss_of[KERNEL_WANTS] = {
		[WANT_CALL] = STATUS_LOST_CALLS,
		[WANT_SHARE] = STATUS_LOST_SHARE,
		[WANT_FOLD] = STATUS_LOST_FOLDS,
		[WANT_RUN] = STATUS_LOST_WITHHELD,
	};
	uint64_t other = 0;

	for (int want = 0; want < KERNEL_WANTS; want++) {
		lost[loss_of[want]] = s->lost_for[want];
		other += s->lost_for[want];
	}
	/* For want of what is counted first. */
	lost[STATUS_LOST_RING] = s->kernel_lost > other ? s->kernel_lost - other : 0;
	lost[STATUS_LOST_ENDS] = s->lost - s->kernel_lost;
	lost[STATUS_LOST_SOCKETS] = s->full;
	lost[STATUS_LOST_PROCESSES] = s->unfollowed;
}

const char *session_full_path(const char *path)
{
	static char full[PATH_MAX];
	size_t len;

	if (!path || *path == '/' || !getcwd(full, sizeof(full)))
		return path;
	len = strlen(full);
	return (size_t)snprintf(full + len, sizeof(full) - len, "/%s", path) < sizeof(full) - len
		       ? full
		       : path;
}

void session_get_status(const struct session *s, struct status *ret)
{
	static const char before[] = "; not seen: ";
	struct table_stats stats;

	table_get_stats(s->table, &stats);
	ret->pid = (uint32_t)getpid();
	fill_lost(s, ret->lost);
	ret->number[STATUS_SINCE_NS] = s->started_ns;
	ret->number[STATUS_SOCKETS] = stats.sockets;
	ret->number[STATUS_TABLE_BYTES] = stats.bytes;
	ret->number[STATUS_RING_BYTES] = s->options->ring_bytes;
	ret->number[STATUS_REPAIRS] = s->repairs;
	ret->text[STATUS_VERSION] = SOCKWATCH_VERSION;
	ret->text[STATUS_HOOKS] = hooks_words[kernel_tier_chosen(s->kernel)];
	if (s->unseen_text[0])
		ret->text[STATUS_UNSEEN] = s->unseen_text + sizeof(before) - 1;
	if (s->status)
		s->status(s->ctx, ret);
}

const char *session_more_lost(const struct session *s)
{
	static char text[128];
	size_t len = 0;

	text[0] = '\0';
	if (s->withheld)
		len = (size_t)snprintf(text, sizeof(text), ", %llu of them withheld by the kernel",
				       (unsigned long long)s->withheld);
	if (s->unfollowed)
		snprintf(text + len, sizeof(text) - len, ", %llu changes of processes not followed",
			 (unsigned long long)s->unfollowed);
	return text;
}

/* "" or "; not seen: binds ..."; what no hook of either tier tells here.  The end of TIME_WAIT is looked up instead. */
static void format_unseen(const struct session *s, char *out, size_t size)
{
	size_t count, len = 0;
	const struct kernel_hook *hooks = kernel_hooks(s->kernel, &count);

	out[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		if (hooks[i].status != HOOK_FAILED || !strcmp(hooks[i].fact, "time-wait") ||
		    strstr(out, hooks[i].covers) || len >= size)
			continue;
		len += (size_t)snprintf(out + len, size - len, "%s%s",
					len ? ", " : "; not seen: ", hooks[i].covers);
	}
}

/* What the ceiling leaves to each. */
static void say_memory(const struct options *o)
{
	if (!o->memory_bytes)
		return;
	log_say("memory: %llu MiB at most; %llu sockets, %llu TIME_WAITs, %llu processes, %llu KiB "
		"of facts and %llu KiB of arguments have room",
		(unsigned long long)o->memory_bytes >> 20, (unsigned long long)o->max_sockets,
		(unsigned long long)o->max_time_waits, (unsigned long long)o->max_processes,
		(unsigned long long)o->ring_bytes >> 10,
		(unsigned long long)o->max_text_bytes >> 10);
}

void session_announce(struct session *s, const char *more)
{
	format_unseen(s, s->unseen_text, sizeof(s->unseen_text));
	say_memory(s->options);
	log_say("tracing every TCP and UDP socket in every network namespace by %s; %zu were there "
		"before%s%s%s%s",
		hooks_words[kernel_tier_chosen(s->kernel)], s->sockets,
		s->lacks[0] ? "; without " : "", s->lacks, s->unseen_text, more);
}
