// SPDX-License-Identifier: GPL-2.0-only
#include "event.h"

#include <string.h>

static const char *const kind_names[EVENT_KINDS] = {
	[EVENT_BIND] = "bind",	   [EVENT_LISTEN] = "listen", [EVENT_CONNECT] = "connect",
	[EVENT_ACCEPT] = "accept", [EVENT_STATE] = "state",   [EVENT_CLOSE] = "close",
	[EVENT_LOST] = "lost",
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

int event_kind_parse(const char *name, size_t len)
{
	for (int kind = 0; kind < EVENT_KINDS; kind++)
		if (strlen(kind_names[kind]) == len && memcmp(kind_names[kind], name, len) == 0)
			return kind;
	return -1;
}

int event_reason_parse(const char *name, size_t len)
{
	for (int reason = 0; reason < REASONS; reason++)
		if (strlen(reason_names[reason]) == len && !memcmp(reason_names[reason], name, len))
			return reason;
	return -1;
}
