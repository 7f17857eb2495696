// SPDX-License-Identifier: GPL-2.0-only
/*
 * look_reach.c - what a look finds a trace of and neither descriptors nor tables lead to: whose queue a connection waits in,
 * which sockets a ring of io_uring holds.  Its programs are loaded by the first look that needs them.
 */
#include "look_private.h"
#include "programs.h"
#include "types_kept.h"
#include "wire_reach.h"
#include "reach.skel.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A queue that changes meanwhile is read again, up to so often. */
#define TRIES 3

static const char *const no_functions[] = {NULL};

/* NULL: the kernel does not let us reach anything. */
static struct reach_bpf *programs_of(struct look_reader *r)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	struct reach_bpf *skel = NULL;
	struct types types;

	if (r->reach || r->no_reach)
		return r->reach;
	r->no_reach = true;
	opts.btf_custom_path = types.path;
	if (types_open(&types) == 0)
		skel = reach_bpf__open_opts(&opts);
	if (skel && (types_load_kept(&types, r->options.btf_path, r->options.keep_dir,
				     "types-reach", bpf_object__btf(skel->obj), no_functions) < 0 ||
		     skeleton_load(skel->skeleton) < 0)) {
		reach_bpf__destroy(skel);
		skel = NULL;
	}
	types_done(&types);
	r->reach = skel;
	return skel;
}

void look_reach_done(struct look_reader *r)
{
	reach_bpf__destroy(r->reach);
	free(r->rings);
	free(r->spaces);
	free(r->listeners);
	free(r->queued);
}

static int run(const struct bpf_program *program, uint64_t first, uint64_t second, uint64_t third)
{
	uint64_t args[] = {first, second, third};
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = sizeof(args));
	int err;

	do
		err = bpf_prog_test_run_opts(bpf_program__fd(program), &opts);
	while (err == -EINTR || err == -EAGAIN);
	return err;
}

/* One more of `size` bytes behind *count of the array that `array` points to; NULL without memory. */
static void *append(void *array, size_t *count, size_t size)
{
	void **at = array, *grown;

	/* Doubled at each power of two. */
	if ((*count & (*count - 1)) == 0) {
		grown = realloc(*at, (*count ? 2 * *count : 1) * size);
		if (!grown)
			return NULL;
		*at = grown;
	}
	return (char *)*at + (*count)++ * size;
}

/* ---- rings, and namespaces, whose visits are look.c's ---- */

void look_note_space(struct look_reader *r, uint64_t inode, uint32_t pid, uint32_t tid, uint32_t fd)
{
	struct look_space *one = append(&r->spaces, &r->space_count, sizeof(*one));

	if (one)
		*one = (struct look_space){
			.inode = (uint32_t)inode, .pid = pid, .tid = tid, .fd = fd};
}

void look_note_ring(struct look_reader *r, uint64_t ring, uint32_t pid, uint32_t tid, uint32_t fd)
{
	struct look_ring *one;

	for (size_t i = 0; i < r->ring_count; i++) {
		if (r->rings[i].ring == ring && r->rings[i].pid == pid)
			return; /* another descriptor of the same */
	}
	one = append(&r->rings, &r->ring_count, sizeof(*one));
	if (one)
		*one = (struct look_ring){.ring = ring, .pid = pid, .tid = tid, .fd = fd};
}

static int tell_ring(struct look_reader *r, const struct look_ring *ring)
{
	struct reach_bpf *skel = programs_of(r);
	const struct wire_reach *at = skel ? &skel->bss->reach : NULL;
	char path[64];
	uint32_t slot, next = 0;
	int task, err = 0;

	if (!skel) {
		r->rings_missed = true;
		return 0;
	}
	snprintf(path, sizeof(path), "/proc/%u/task/%u", ring->pid, ring->tid);
	task = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (task < 0)
		return 0; /* it has ended */
	skel->bss->wanted_netns = r->request->netns;
	skel->bss->wanted_port = r->request->port;
	/* Of a table that cannot be read the slot stays. */
	do {
		slot = next;
		err = run(skel->progs.reach__registered, (uint64_t)task, ring->fd, slot);
		next = at->next_slot;
		if (!err && at->count)
			err = look_tell_registered(r, &at->held);
	} while (!err && next > slot && next < at->slots);
	r->rings_missed |= err || next < at->slots;
	close(task);
	return err;
}

/* ---- queues ---- */

bool look_note_queued(struct look_reader *r, const struct look_socket *s)
{
	struct look_socket *one;

	if (s->state == STATE_LISTEN && s->protocol == IPPROTO_TCP) {
		struct look_listener *l = append(&r->listeners, &r->listener_count, sizeof(*l));

		if (l)
			*l = (struct look_listener){
				.sk = s->sk, .key = s->key, .cookie = s->cookie};
		return false;
	}
	if (!(s->flags & LOOK_QUEUED) || s->protocol != IPPROTO_TCP)
		return false;
	one = append(&r->queued, &r->queued_count, sizeof(*one));
	if (one)
		*one = *s;
	return one != NULL;
}

static int compare_sk(const void *a, const void *b)
{
	const struct look_socket *x = a, *y = b;

	return (x->sk > y->sk) - (x->sk < y->sk);
}

static void find_child(struct look_reader *r, uint64_t sk, const struct look_listener *l)
{
	const struct look_socket wanted = {.sk = sk};
	struct look_socket *s =
		bsearch(&wanted, r->queued, r->queued_count, sizeof(wanted), compare_sk);

	if (s)
		s->listener = *l;
}

/* False where the queue changed meanwhile. */
static bool read_queue(struct look_reader *r, struct reach_bpf *skel, const struct look_listener *l)
{
	const struct wire_reach *at = &skel->bss->reach;
	uint64_t next = 0;

	do {
		if (run(skel->progs.reach__queue, l->sk, next, 0) < 0)
			return true;
		for (uint32_t i = 0; i < at->count && i < REACH_CHILDREN; i++)
			find_child(r, at->child[i], l);
		if (next && !at->count)
			return false;
		next = at->next;
	} while (next);
	return true;
}

/* A request names its listener itself; what else is known of that one is added. */
static void complete_requests(struct look_reader *r)
{
	for (size_t i = 0; i < r->queued_count; i++) {
		struct look_socket *s = &r->queued[i];

		for (size_t k = 0; s->listener.sk && k < r->listener_count; k++) {
			if (r->listeners[k].sk == s->listener.sk)
				s->listener = r->listeners[k];
		}
	}
}

static void read_queues(struct look_reader *r)
{
	struct reach_bpf *skel = r->queued_count ? programs_of(r) : NULL;

	qsort(r->queued, r->queued_count, sizeof(*r->queued), compare_sk);
	for (size_t i = 0; skel && i < r->listener_count; i++) {
		int tries = TRIES;

		while (!read_queue(r, skel, &r->listeners[i]) && --tries)
			;
	}
	complete_requests(r);
}

/* ---- both ---- */

void look_reach_begin(struct look_reader *r)
{
	r->ring_count = r->space_count = r->listener_count = r->queued_count = 0;
	r->rings_missed = false;
}

bool look_missed_rings(const struct look_reader *r)
{
	return r->rings_missed;
}

void look_reach(struct look_reader *r)
{
	for (size_t i = 0; i < r->ring_count; i++)
		tell_ring(r, &r->rings[i]);
	read_queues(r);
	for (size_t i = 0; i < r->queued_count; i++)
		r->sink->socket(r->sink->ctx, &r->queued[i], NULL, 0);
}
