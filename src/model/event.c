// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <errno.h>
#include <string.h>

static const char *const kind_names[EVENT_KINDS] = {
	[EVENT_BIND] = "bind",	   [EVENT_LISTEN] = "listen",	  [EVENT_CONNECT] = "connect",
	[EVENT_ACCEPT] = "accept", [EVENT_STATE] = "state",	  [EVENT_CLOSE] = "close",
	[EVENT_LOST] = "lost",	   [EVENT_OVERFLOW] = "overflow",
};

static const char *const reason_names[REASONS] = {
	[REASON_UNKNOWN] = "unknown",
	[REASON_LOCAL_CLOSE] = "local-close",
	[REASON_PEER_CLOSE] = "peer-close",
	[REASON_LOCAL_RESET] = "local-reset",
	[REASON_PEER_RESET] = "peer-reset",
	[REASON_REFUSED] = "refused",
	[REASON_TIMEOUT] = "timeout",
	[REASON_UNREACHABLE] = "unreachable",
	[REASON_PORT_EXHAUSTED] = "port-exhausted",
	[REASON_ABORTED] = "aborted",
	[REASON_ABANDONED] = "abandoned",
	[REASON_KEEPALIVE] = "keepalive",
	[REASON_USER_TIMEOUT] = "user-timeout",
};

static const char *const how_names[HOWS] = {
	[HOW_LINGER] = "linger",   [HOW_UNREAD] = "unread",	    [HOW_LATE_DATA] = "late-data",
	[HOW_LINGER2] = "linger2", [HOW_DISCONNECT] = "disconnect", [HOW_KILLED] = "killed",
};

static const char *const why_names[HOLDER_WHYS] = {
	"wildcard",
	"dual-stack",
	"listening",
	"time-wait",
	"outgoing",
	"reuseaddr-missing-here",
	"reuseaddr-missing-there",
	"reuseport-missing-here",
	"reuseport-missing-there",
	"reuseport-other-user",
	"four-tuple",
};

const char *event_why_name(unsigned int bit)
{
	return why_names[bit];
}

const char *event_kind_name(enum event_kind kind)
{
	return kind_names[kind];
}

const char *event_reason_name(enum close_reason reason)
{
	return reason_names[reason];
}

const char *event_how_name(enum close_how how)
{
	return how_names[how];
}

static int find_name(const char *const *names, int count, const char *name, size_t len)
{
	while (count-- > 0) {
		if (strlen(names[count]) == len && memcmp(names[count], name, len) == 0)
			return count;
	}
	return -1;
}

int event_kind_parse(const char *name, size_t len)
{
	return find_name(kind_names, EVENT_KINDS, name, len);
}

int event_reason_parse(const char *name, size_t len)
{
	return find_name(reason_names, REASONS, name, len);
}

bool event_is_exhaustion(const struct event *e)
{
	if (e->local.port)
		return false;
	if (e->kind == EVENT_CONNECT)
		return e->error == (inet_is_udp(e->protocol) ? EAGAIN : EADDRNOTAVAIL) &&
		       !e->connect.no_source;
	return (e->kind == EVENT_BIND || e->kind == EVENT_LISTEN) &&
	       (e->error == EADDRINUSE || e->error == EAGAIN);
}
