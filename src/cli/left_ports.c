// SPDX-License-Identifier: GPL-2.0-only
#include "left_ports.h"

#include <errno.h>
#include <netinet/in.h>

#include "look.h"
#include "look_source.h"
#include "units.h"

#define LOOK_NS (NSEC_PER_SEC / 20)
#define DEBT_NS NSEC_PER_SEC
#define SHARE	10

static bool is_listeners_end(const struct event *e)
{
	return e->kind == EVENT_STATE && e->protocol == IPPROTO_TCP && e->has_local &&
	       e->state.from == STATE_LISTEN && e->state.to == STATE_CLOSE;
}

void left_ports_note(struct left_ports *l, const struct event *e)
{
	if (!is_listeners_end(e))
		return;
	for (size_t i = 0; i < l->count; i++) {
		if (l->at[i].netns == e->netns && l->at[i].port == e->local.port)
			return;
	}
	if (l->count == LEFT_PORTS) {
		l->more = true;
		return;
	}
	l->at[l->count].netns = e->netns;
	l->at[l->count].port = e->local.port;
	l->at[l->count++].pid = e->process ? e->process->pid : 0;
}

/* Whether all was read that can be.  A namespace that has gone has left nothing. */
static bool look_at(struct table *t, struct kernel *k, uint32_t netns, uint32_t pid, uint16_t port,
		    bool patient)
{
	const struct look_sink sink = table_look_sink(t);
	struct look_request request = table_look_request();
	struct kernel_error error = {""};
	uint64_t added, removed;
	int err;

	request.tasks = request.udp = false;
	request.asked_only = true;
	request.netns = netns;
	request.pid = pid;
	request.port = port;
	request.until_ns = patient ? 0 : kernel_now() + LOOK_NS;
	table_seed_begin(t, kernel_now());
	err = look_take(kernel_look(k), &request, &sink, &error);
	table_seed_end(t, false, &added, &removed);
	return patient || err == -ENOENT || (err == 0 && !error.text[0]);
}

bool left_ports_look(struct left_ports *l, struct table *t, struct kernel *k, uint64_t now_ns)
{
	bool patient;

	if (!l->count && !l->more)
		return false;
	l->looks.share = SHARE;
	l->looks.burst_ns = LOOK_NS;
	l->looks.debt_ns = DEBT_NS;
	if (!allowance_is_open(&l->looks, now_ns))
		return true;
	/* A host whose sockets are not read in that time has them read in whatever they take. */
	patient = l->cut_off;
	l->cut_off = false;
	if (l->more) {
		l->cut_off = !look_at(t, k, 0, 0, 0, patient);
		l->more = l->cut_off;
		l->count = l->more ? l->count : 0;
	}
	while (l->count && !l->cut_off && kernel_now() - now_ns < LOOK_NS) {
		l->cut_off = !look_at(t, k, l->at[l->count - 1].netns, l->at[l->count - 1].pid,
				      l->at[l->count - 1].port, patient);
		l->count -= !l->cut_off;
	}
	allowance_take(&l->looks, kernel_now() - now_ns);
	return l->count > 0 || l->more;
}
