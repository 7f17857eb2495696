// SPDX-License-Identifier: GPL-2.0-only
/* host.c - looks at a made-up host: services with their clients, and what nobody has open any more, in the kernel's records. */
#include "recording.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../src/kernel/look_private.h"

#define HOST_TASKS   500
#define HOST_SOCKETS 8 /* of each task; and two TIME_WAITs */

static void fill_socket(struct wire_look *w, unsigned int task, unsigned int i)
{
	const unsigned int number = task * HOST_SOCKETS + i;
	const bool v6 = i == 7;

	w->sk = 0xffff888200000000ull + number * 0x940ull;
	w->socket = w->sk + 0x40;
	w->cookie = 1000000 + number;
	w->netns = RECORDED_NETNS;
	w->protocol = i == 6 ? IPPROTO_UDP : IPPROTO_TCP;
	w->type = i == 6 ? SOCK_DGRAM : SOCK_STREAM;
	w->family = v6 ? AF_INET6 : AF_INET;
	w->options = WIRE_O_KNOWN | (v6 ? WIRE_O_V4_TOO : 0);
	w->state = i == 6 ? STATE_CLOSE : STATE_ESTABLISHED;
	w->local_port = (uint16_t)(10000 + task % 20000);
	w->uid = 33;
	if (i == 0 || v6) {
		w->state = STATE_LISTEN;
		w->backlog = 511;
		return;
	}
	memcpy(w->local, (uint8_t[4]){10, 0, 0, 1}, 4);
	if (i == 6)
		return;
	memcpy(w->peer, (uint8_t[4]){192, 0, 2, (uint8_t)task}, 4);
	w->peer_port_be = htons((uint16_t)(32768 + number % 28000));
	w->flags = LOOK_F_ACCEPTED;
	w->receive = number % 7;
}

static void add_task(struct recording *out, unsigned int task)
{
	struct wire_look_first first = {
		.look = {.kind = LOOK_FIRST, .size = sizeof(first), .fd = 3},
		.pid = 40000 + task,
		.tid = 40000 + task,
		.parent = task % 4 ? 40000 + task / 4 * 4 : 1,
		.uid = 33,
		.ruid = 33,
		.cgroup_id = 1717,
		.started_ns = 1000000ull * task,
		.files = 0xffff888300000000ull + task * 0x2c0ull,
		.name = "worker",
	};
	struct wire_look held = {.kind = LOOK_HELD, .size = sizeof(held)};

	fill_socket(&first.look, task, 0);
	recording_append(out, &first, sizeof(first));
	for (unsigned int i = 1; i < HOST_SOCKETS; i++) {
		held = (struct wire_look){.kind = LOOK_HELD, .size = sizeof(held), .fd = 3 + i};
		fill_socket(&held, task, i);
		recording_append(out, &held, sizeof(held));
	}
}

static void add_loose(struct recording *out, unsigned int number)
{
	struct wire_look w = {
		.kind = LOOK_LOOSE,
		.size = sizeof(w),
		.flags = LOOK_F_MINISOCK,
		.sk = 0xffff888400000000ull + number * 0x100ull,
		.cookie = 5000000 + number,
		.netns = RECORDED_NETNS,
		.protocol = IPPROTO_TCP,
		.type = SOCK_STREAM,
		.local_port = (uint16_t)(32768 + number % 28000),
		.peer_port_be = htons(443),
		.family = AF_INET,
		.state = STATE_TIME_WAIT,
		.local = {10, 0, 0, 1},
		.peer = {198, 51, 100, (uint8_t)number},
	};

	recording_append(out, &w, sizeof(w));
}

/* ---- what src/kernel/look*.c have in their place ---- */

struct look_reader *look_open(const struct look_options *options, struct kernel_error *error)
{
	struct look_reader *r = calloc(1, sizeof(*r));

	if (!r)
		abort();
	error->text[0] = '\0';
	r->options = *options;
	return r;
}

void look_close(struct look_reader *r)
{
	free(r);
}

bool look_missed_rings(const struct look_reader *r)
{
	(void)r;
	return false;
}

/* Rings, namespaces, queues and the kernel's own sockets are not in the records. */
void look_note_ring(struct look_reader *r, uint64_t ring, uint32_t pid, uint32_t tid, uint32_t fd)
{
	(void)r, (void)ring, (void)pid, (void)tid, (void)fd;
}

void look_note_space(struct look_reader *r, uint64_t inode, uint32_t pid, uint32_t tid, uint32_t fd)
{
	(void)r, (void)inode, (void)pid, (void)tid, (void)fd;
}

bool look_note_queued(struct look_reader *r, const struct look_socket *s)
{
	(void)r, (void)s;
	return false;
}

bool look_hold_back(struct look_reader *r, const struct look_socket *s)
{
	(void)r, (void)s;
	return false;
}

/* The tracer finds a tenth of the host at its start, and asks about a port now and then, which is the first task's. */
int look_take(struct look_reader *r, const struct look_request *request,
	      const struct look_sink *sink, struct kernel_error *error)
{
	const struct port_range range = {.low = 32768, .high = 60999, .unprivileged_from = 1024};
	const unsigned int tasks = request->port	    ? 1
				   : r->options.listener_of ? HOST_TASKS
							    : HOST_TASKS / 10;
	struct recording records = {0};

	error->text[0] = '\0';
	r->request = request;
	r->sink = sink;
	r->time_ns = kernel_now();
	if (request->ranges != LOOK_RANGES_NONE && sink->netns)
		sink->netns(sink->ctx, RECORDED_NETNS, &range);
	for (unsigned int i = 0; request->tasks && i < tasks; i++)
		add_task(&records, i);
	for (unsigned int i = 0; request->tcp && i < 2 * tasks; i++)
		add_loose(&records, i);
	if (look_take_records(r, (const char *)records.data, records.len) != (ssize_t)records.len)
		abort();
	free(records.data);
	return 0;
}
