// SPDX-License-Identifier: GPL-2.0-only
#include "sample_events.h"

#include <errno.h>
#include <netinet/in.h>

static const struct process python = {
	.pid = 12636,
	.tid = 12640,
	.uid = 1000,
	.ruid = PROCESS_NO_UID,
	.name = "python3",
	.cgroup = "/user.slice/user-1000.slice",
};
const struct process sample_nginx = {
	.pid = 901,
	.tid = 901,
	.name = "nginx",
	.cgroup = "/system.slice/docker-4f1e.scope",
	.container = "4f1e",
};
static const struct process init = {.pid = 1, .tid = 1, .name = "systemd", .cgroup = ""};
static const struct process hostile[] = {
	{.pid = 66, .tid = 66, .name = "\x1b[2J\x1b[31mred", .cgroup = "/a\"b\n\xff"},
	{.pid = 67, .tid = 67, .name = "a\nb\"c\\d e\xff\xc3"},
	{.pid = 68, .tid = 68, .name = "caf\xc3\xa9 \xe6\x97\xa5\xe6\x9c\xac"},
	{.pid = 69,
	 .tid = 69,
	 .name = "\xc2\x9b"
		 "2J\xe2\x80\xae"
		 "evil"},
	{.pid = 70, .tid = 70, .name = ""},
};

#define V4(a, b, c, d, p)                                                                          \
	{                                                                                          \
		.addr = {a, b, c, d}, .port = p                                                    \
	}
#define MAPPED(a, b, c, d, p)                                                                      \
	{                                                                                          \
		.addr = {[10] = 0xff, 0xff, a, b, c, d}, .port = p                                 \
	}
#define LONG_V6(p)                                                                                 \
	{                                                                                          \
		.addr = {0x20, 1,    0xd,  0xb8, 0x85, 0xa3, 0x10, 0,                              \
			 0x8a, 0x2e, 0x10, 3,	 0x73, 0x70, 0x73, 0x34},                          \
		.port = p                                                                          \
	}
#define V6(last, p)                                                                                \
	{                                                                                          \
		.addr = {0x20, 1, 0xd, 0xb8, [15] = last}, .port = p                               \
	}
#define LINK(last, p, index)                                                                       \
	{                                                                                          \
		.addr = {0xfe, 0x80, [15] = last}, .port = p, .ifindex = index                     \
	}
/* What most events have in common. */
#define SOCKET4                                                                                    \
	.protocol = IPPROTO_TCP, .family = FAMILY_IPV4, .netns = 4026531840, .cookie = 4097,       \
	.has_local = true
#define SOCKET6                                                                                    \
	.protocol = IPPROTO_TCP, .family = FAMILY_IPV6, .netns = 4026532001, .cookie = 8193,       \
	.has_local = true
#define PAIR4                                                                                      \
	SOCKET4, .local = V4(127, 0, 0, 1, 44420), .has_peer = true, .peer = V4(127, 0, 0, 1, 36087)

static const struct event_holder holders[] = {
	{.process = &sample_nginx,
	 .family = FAMILY_IPV4,
	 .local = V4(0, 0, 0, 0, 80),
	 .state = STATE_LISTEN,
	 .since_ns = 1,
	 .bound_by = &init,
	 .why = WHY_LISTENING | WHY_WILDCARD},
	{.family = FAMILY_IPV4,
	 .local = V4(10, 0, 0, 1, 80),
	 .has_peer = true,
	 .peer = V4(10, 0, 0, 2, 4711),
	 .state = STATE_TIME_WAIT,
	 .why = WHY_TIME_WAIT | WHY_OUTGOING | WHY_REUSEADDR_HERE},
};
static const struct event_trouble held = {
	.has_holders = true, .holders = holders, .holder_count = 2, .holders_more = 3};
/* More than a line of text has room for. */
static const struct event_holder ten_holders[] = {
	{.process = &sample_nginx,
	 .protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV4,
	 .local = V4(0, 0, 0, 0, 80),
	 .state = STATE_LISTEN},
	[1 ... 9] = {.protocol = IPPROTO_TCP,
		     .family = FAMILY_IPV4,
		     .local = V4(0, 0, 0, 0, 80),
		     .state = STATE_LISTEN},
};
static const struct event_trouble held_by_many = {
	.has_holders = true, .holders = ten_holders, .holder_count = 10, .holders_more = 1990};
static const struct event_trouble held_by_rest = {
	.has_holders = true, .holders = &holders[1], .holder_count = 1};
static const struct event_holder kernels[] = {
	{.protocol = IPPROTO_UDP,
	 .family = FAMILY_IPV6,
	 .local = {.port = 4789, .takes = TAKES_IPV6},
	 .kernel = true,
	 .kernel_device = 2,
	 .why = WHY_WILDCARD},
	{.protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV6,
	 .local = {.port = 2049, .takes = TAKES_BOTH},
	 .state = STATE_LISTEN,
	 .kernel = true},
};
static const struct event_trouble held_by_kernel = {
	.has_holders = true, .holders = kernels, .holder_count = 2};
static const struct event_trouble held_by_nobody = {.has_holders = true, .holders_as_of_ns = 1};
static const struct event_trouble no_port = {
	.has_range = true, .low = 32768, .high = 60999, .reserved = 2, .used = 28230};
static const struct event_trouble no_right = {.unprivileged_from = 1024};

const struct event sample_events[] = {
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 80), .process = &sample_nginx},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 443}, .process = &init},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 80),
	 .process = &sample_nginx,
	 .error = EADDRINUSE},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(10, 0, 0, 1, 80), .error = 512},
	{.kind = EVENT_LISTEN,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 80),
	 .process = &sample_nginx,
	 .listen.backlog = 511},
	{.kind = EVENT_LISTEN,
	 SOCKET6,
	 .mapped = true,
	 .local = {.port = 8080},
	 .process = &sample_nginx,
	 .listen.backlog = 5,
	 .error = EADDRINUSE},
	{.kind = EVENT_CONNECT, PAIR4, .process = &python, .connect.autobind = true},
	{.kind = EVENT_CONNECT, PAIR4, .process = &python},
	{.kind = EVENT_CONNECT,
	 SOCKET6,
	 .local = LONG_V6(44420),
	 .has_peer = true,
	 .peer = V6(1, 443),
	 .process = &python,
	 .connect.autobind = true,
	 .error = ECONNREFUSED},
	{.kind = EVENT_CONNECT,
	 SOCKET4,
	 .has_peer = true,
	 .peer = V4(192, 0, 2, 1, 443),
	 .process = &python,
	 .error = EADDRNOTAVAIL},
	{.kind = EVENT_CONNECT,
	 .protocol = IPPROTO_MPTCP,
	 .family = FAMILY_IPV4,
	 .netns = 1,
	 .has_peer = true,
	 .peer = V4(192, 0, 2, 1, 443),
	 .process = &python,
	 .error = ENETUNREACH},
	{.kind = EVENT_CONNECT,
	 SOCKET6,
	 .mapped = true,
	 .local = MAPPED(10, 0, 0, 2, 50000),
	 .has_peer = true,
	 .peer = MAPPED(10, 0, 0, 3, 5432),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_CONNECT,
	 SOCKET6,
	 .local = LINK(1, 50000, 2),
	 .has_peer = true,
	 .peer = LINK(2, 22, 2),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_ACCEPT, PAIR4, .process = &sample_nginx},
	{.kind = EVENT_ACCEPT, PAIR4, .process = &python, .accept.listener = &sample_nginx},
	{.kind = EVENT_ACCEPT, PAIR4, .process = &python, .accept.listener = &hostile[0]},
	{.kind = EVENT_STATE,
	 PAIR4,
	 .process = &sample_nginx,
	 .state = {.from = STATE_LISTEN, .to = STATE_SYN_RECV}},
	{.kind = EVENT_STATE,
	 PAIR4,
	 .process = &sample_nginx,
	 .state = {.from = STATE_SYN_RECV,
		   .to = STATE_ESTABLISHED,
		   .after_known = true,
		   .after_ns = 1234567}},
	{.kind = EVENT_STATE,
	 PAIR4,
	 .state = {.from = STATE_FIN_WAIT2,
		   .to = STATE_TIME_WAIT,
		   .substate = STATE_FIN_WAIT2,
		   .after_known = true}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .process = &python,
	 .close = {.opened_ns = SAMPLE_BEGIN - 2 * SAMPLE_SEC,
		   .duration_ns = 2 * SAMPLE_SEC,
		   .counted = true,
		   .sent_bytes = 1048576,
		   .received_bytes = 512,
		   .retransmits = 3,
		   .rtt_us = 34,
		   .reason = REASON_LOCAL_CLOSE,
		   .time_wait = true,
		   .span_count = 3,
		   .spans = {{STATE_SYN_SENT, 40000},
			     {STATE_ESTABLISHED, 2 * SAMPLE_SEC - 50000},
			     {STATE_FIN_WAIT1, 10000}}}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .process = &python,
	 .error = ECONNRESET,
	 .close = {.opened_ns = SAMPLE_BEGIN - 5 * SAMPLE_MSEC,
		   .duration_ns = 5 * SAMPLE_MSEC,
		   .counted = true,
		   .reason = REASON_PEER_RESET,
		   .span_count = 1,
		   .spans = {{STATE_ESTABLISHED, 5 * SAMPLE_MSEC}}}},
	{.kind = EVENT_CLOSE,
	 SOCKET6,
	 .local = LONG_V6(65535),
	 .has_peer = true,
	 .peer = LONG_V6(65534),
	 .close = {.reason = REASON_UNKNOWN}},
	{.kind = EVENT_CLOSE,
	 .protocol = 253,
	 .family = FAMILY_IPV4,
	 .close = {.reason = REASON_PORT_EXHAUSTED}},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 1), .process = &hostile[0]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 2), .process = &hostile[1]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 3), .process = &hostile[2]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 4), .process = &hostile[3]},
	{.kind = EVENT_BIND, SOCKET4, .local = V4(0, 0, 0, 0, 5), .process = &hostile[4]},
	{.kind = EVENT_BIND, SOCKET6, .local = LINK(1, 53, 3), .process = &python},
	{.kind = EVENT_BIND, SOCKET6, .local = LINK(1, 53, 99), .process = &python},
	{.kind = EVENT_LOST,
	 .lost = {.count = 1234, .since_ns = SAMPLE_BEGIN - SAMPLE_SEC, .added = 2, .removed = 17}},
	{.kind = EVENT_LOST, .lost = {.count = 1, .since_ns = SAMPLE_BEGIN, .added = 1}},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held_by_rest},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held_by_nobody},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .trouble = &held_by_many},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EADDRINUSE,
	 .repeated = 99999,
	 .since_ns = SAMPLE_BEGIN + 30 * SAMPLE_SEC},
	{.kind = EVENT_CONNECT,
	 .protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV4,
	 .has_peer = true,
	 .peer = V4(10, 0, 0, 2, 443),
	 .error = EADDRNOTAVAIL,
	 .trouble = &no_port},
	{.kind = EVENT_CONNECT,
	 .protocol = IPPROTO_TCP,
	 .family = FAMILY_IPV6,
	 .has_peer = true,
	 .peer = V6(1, 443),
	 .error = EADDRNOTAVAIL,
	 .connect.no_source = true},
	{.kind = EVENT_CONNECT,
	 PAIR4,
	 .has_asked = true,
	 .asked = V4(10, 96, 0, 1, 80),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .has_asked = true,
	 .asked = V4(10, 96, 0, 1, 80),
	 .close = {.reason = REASON_REFUSED},
	 .error = ECONNREFUSED},
	{.kind = EVENT_ACCEPT,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .process = &python,
	 .error = EMFILE,
	 .accept.listener = &sample_nginx},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 4789),
	 .kernel = true,
	 .error = EADDRINUSE,
	 .trouble = &held_by_rest},
	{.kind = EVENT_BIND,
	 SOCKET4,
	 .local = V4(10, 0, 0, 1, 80),
	 .error = EACCES,
	 .trouble = &no_right},
	{.kind = EVENT_CONNECT,
	 SOCKET4,
	 .local = V4(127, 0, 0, 1, 40000),
	 .has_peer = true,
	 .peer = V4(127, 0, 0, 1, 40000),
	 .process = &python,
	 .connect.autobind = true},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 80, .takes = TAKES_IPV6}},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 80, .takes = TAKES_BOTH}},
	{.kind = EVENT_BIND, SOCKET6, .local = {.port = 80, .takes = TAKES_UNKNOWN}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .close = {.counted = true, .retransmits = 1, .reason = REASON_ABANDONED, .syns = 2}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .process = &python,
	 .error = ETIMEDOUT,
	 .close = {.counted = true,
		   .sent_bytes = 4096,
		   .retransmits = 5,
		   .reason = REASON_USER_TIMEOUT,
		   .silent = true,
		   .last_heard_ns = 31 * SAMPLE_SEC,
		   .unacked_bytes = 4000}},
	{.kind = EVENT_CLOSE, PAIR4, .close = {.reason = REASON_LOCAL_RESET, .how = HOW_UNREAD}},
	{.kind = EVENT_CLOSE,
	 PAIR4,
	 .close = {.reason = REASON_LOCAL_CLOSE, .time_wait_unknown = true}},
	{.kind = EVENT_OVERFLOW, SOCKET4, .overflow = {.waiting = 129, .limit = 128, .dropped = 7}},
	{.kind = EVENT_OVERFLOW,
	 SOCKET4,
	 .local = V4(0, 0, 0, 0, 80),
	 .process = &python,
	 .overflow = {.ended = true,
		      .limit = 128,
		      .dropped = 1234,
		      .since_ns = SAMPLE_BEGIN + 10 * SAMPLE_SEC}},
	{.kind = EVENT_BIND,
	 SOCKET6,
	 .local = {.port = 4789, .takes = TAKES_BOTH},
	 .process = &python,
	 .error = EADDRINUSE,
	 .trouble = &held_by_kernel},
};
const size_t sample_event_count = sizeof(sample_events) / sizeof(sample_events[0]);
