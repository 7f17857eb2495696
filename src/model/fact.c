/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "fact.h"

#define MAX_ERRNO 4095 /* include/linux/err.h */

union record {
	struct wire_fact fact;
	struct wire_call call;
	struct wire_closed closed;
};

/* 0 for a number that is no kind. */
static size_t record_size(unsigned int kind)
{
	switch ((enum wire_kind)kind) {
	case WIRE_STATE:
	case WIRE_DESTROY:
	case WIRE_RESET_RECEIVED:
	case WIRE_RESET_SENT:
	case WIRE_TIME_WAIT:
	case WIRE_TIME_WAIT_END:
	case WIRE_ASKED: return sizeof(struct wire_fact);
	case WIRE_CLOSED: return sizeof(struct wire_closed);
	case WIRE_OPEN:
	case WIRE_BIND:
	case WIRE_LISTEN:
	case WIRE_CONNECT:
	case WIRE_ACCEPT:
	case WIRE_SEED_FILE:
	case WIRE_SEED_SOCKET: return sizeof(struct wire_call);
	case WIRE_NONE:
	case WIRE_KINDS: break;
	}
	return 0;
}

static bool is_transition(unsigned int kind)
{
	return kind == WIRE_OPEN || kind == WIRE_STATE || kind == WIRE_CLOSED ||
	       kind == WIRE_TIME_WAIT;
}

static bool fact_is_sound(const struct wire_fact *w, size_t size)
{
	if (w->size != size || w->error > MAX_ERRNO)
		return false;
	if (w->family != AF_INET && w->family != AF_INET6)
		return false;
	if (w->from >= STATES || w->to >= STATES)
		return false;
	if (is_transition(w->kind) && (w->from == STATE_NONE || w->to == STATE_NONE))
		return false;
	if (w->kind == WIRE_TIME_WAIT && w->to != STATE_TIME_WAIT && w->to != STATE_FIN_WAIT2)
		return false;
	return w->protocol == IPPROTO_TCP || w->protocol == IPPROTO_MPTCP ||
	       w->protocol == IPPROTO_UDP || w->protocol == IPPROTO_UDPLITE ||
	       w->protocol == IPPROTO_SCTP;
}

static void read_endpoint(struct endpoint *ret, const struct wire_fact *w, const __u8 addr[16],
			  __u16 port_be)
{
	memcpy(ret->addr, addr, w->family == AF_INET ? 4 : 16);
	ret->port = ntohs(port_be);
	if (w->family == AF_INET6 && inet_is_link_local(ret->addr))
		ret->ifindex = w->ifindex;
}

static void read_call(struct fact *ret, const struct wire_call *w)
{
	ret->result = w->result;
	ret->arg = w->arg;
	ret->socket_uid = w->socket_uid;
	ret->vrf = w->vrf;
	/* pid 0 is the idle task, which calls nothing: the hook could not tell. */
	if (w->fact.kind == WIRE_SEED_SOCKET || w->task.pid == 0)
		return;
	ret->has_task = true;
	ret->fd = w->task.fd;
	ret->parent = w->task.parent;
	ret->task.pid = w->task.pid;
	ret->task.tid = w->task.tid;
	ret->task.uid = w->task.uid;
	ret->task.ruid = w->task.ruid;
	ret->task.cgroup_id = w->task.cgroup_id;
	memcpy(ret->task.name, w->task.name, strnlen(w->task.name, PROCESS_NAME_SIZE - 1));
}

static void read_closed(struct fact *ret, const struct wire_closed *w)
{
	ret->counted = true;
	ret->sent_bytes = w->sent_bytes;
	ret->received_bytes = w->received_bytes;
	ret->retransmits = w->retransmits;
	ret->rtt_us = w->rtt_us;
	ret->unacked_bytes = w->unacked_bytes;
	ret->last_heard_ms = w->last_heard_ms;
	ret->user_timeout_ms = w->user_timeout_ms;
	ret->syns = w->syns;
	ret->probes = w->probes;
	ret->end = w->end;
}

int fact_decode(struct fact *ret, const void *data, size_t size)
{
	union record r;
	bool is_call;

	if (size < sizeof(r.fact) || size > sizeof(r))
		return -EBADMSG;
	memcpy(&r, data, size);
	if (size != record_size(r.fact.kind) || !fact_is_sound(&r.fact, size))
		return -EBADMSG;
	is_call = size == sizeof(r.call);
	if (is_call && (r.call.result > 0 || r.call.result < -MAX_ERRNO))
		return -EBADMSG;

	*ret = (struct fact){
		.kind = r.fact.kind,
		.flags = r.fact.flags,
		.options = r.fact.options,
		.netns = r.fact.netns,
		.device = r.fact.ifindex,
		.time_ns = r.fact.time_ns,
		.sk = r.fact.sk,
		.cookie = r.fact.cookie,
		.listener = r.fact.listener,
		.family = r.fact.family == AF_INET ? FAMILY_IPV4 : FAMILY_IPV6,
		.from = r.fact.from,
		.to = r.fact.to,
		.protocol = r.fact.protocol,
		.error = r.fact.error,
		.socket_uid = INET_NO_UID,
	};
	if (!fact_is_of_various(ret)) {
		read_endpoint(&ret->local, &r.fact, r.fact.local, r.fact.local_port_be);
		read_endpoint(&ret->peer, &r.fact, r.fact.peer, r.fact.peer_port_be);
	}
	if (is_call)
		read_call(ret, &r.call);
	else if (r.fact.kind == WIRE_CLOSED)
		read_closed(ret, &r.closed);
	return 0;
}

/* ---- processes ---- */

/* "curl\0bin\0usr\0" becomes "/usr/bin/curl", nothing at all "/". */
static bool read_path(char ret[WIRE_PATH_MAX + 2], const char *names, size_t len)
{
	size_t out = 0;

	if (len > WIRE_PATH_MAX || (len && names[len - 1]))
		return false;
	while (len > 0) {
		size_t begin = len - 1;

		while (begin > 0 && names[begin - 1])
			begin--;
		ret[out++] = '/';
		memcpy(ret + out, names + begin, len - 1 - begin);
		out += len - 1 - begin;
		len = begin;
	}
	if (out == 0)
		ret[out++] = '/';
	ret[out] = '\0';
	return true;
}

static bool process_is_sound(const struct wire_process *w, size_t size)
{
	bool exec = w->kind == WIRE_PROCESS_EXEC;

	if (w->size != size || size != sizeof(*w) + w->args_len + w->exe_len + w->cgroup_len)
		return false;
	if (w->kind == WIRE_PROCESS_NONE || w->kind >= WIRE_PROCESS_KINDS || !w->pid)
		return false;
	if ((w->flags & ~WIRE_PROCESS_FLAGS) || (w->flags && !exec))
		return false;
	return w->args_len <= WIRE_ARGS_MAX && (!w->args_len || (w->flags & WIRE_PROCESS_ARGS)) &&
	       (!w->exe_len || (w->flags & WIRE_PROCESS_EXE)) &&
	       (!w->cgroup_len || (w->flags & WIRE_PROCESS_CGROUP));
}

int process_fact_decode(struct process_fact *ret, const void *data, size_t size)
{
	const char *text = (const char *)data + sizeof(struct wire_process);
	struct wire_process w;
	struct process_fact f;

	if (size < sizeof(w) || size > WIRE_PROCESS_MAX)
		return -EBADMSG;
	memcpy(&w, data, sizeof(w));
	if (!process_is_sound(&w, size))
		return -EBADMSG;
	f.kind = w.kind;
	f.pid = w.pid;
	f.parent = w.parent;
	f.time_ns = w.time_ns;
	f.start_ns = w.start_ns;
	f.parent_start_ns = w.parent_start_ns;
	f.cgroup_id = w.cgroup_id;
	memset(f.name, 0, sizeof(f.name));
	memcpy(f.name, w.name, strnlen(w.name, PROCESS_NAME_SIZE - 1));
	f.args = w.flags & WIRE_PROCESS_ARGS ? text : NULL;
	f.args_len = w.args_len;
	f.args_cut = w.flags & WIRE_PROCESS_ARGS_CUT;
	f.exe[0] = f.cgroup[0] = '\0';
	text += w.args_len;
	if ((w.flags & WIRE_PROCESS_EXE) && !read_path(f.exe, text, w.exe_len))
		return -EBADMSG;
	text += w.exe_len;
	if ((w.flags & WIRE_PROCESS_CGROUP) && !read_path(f.cgroup, text, w.cgroup_len))
		return -EBADMSG;
	*ret = f;
	return 0;
}
