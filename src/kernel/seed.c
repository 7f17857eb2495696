// SPDX-License-Identifier: GPL-2.0-only
/* seed.c - a look at every socket there is, through the iterators or, where there are none, by walking. */
#include "walk.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEED_SIZE sizeof(struct wire_call)
#define BATCH	  480

struct seed {
	struct kernel *k;
	struct bpf_link *link;
	kernel_fact_fn fn;
	void *ctx;
	char *buffer;	  /* BATCH records */
	struct walk walk; /* instead of both, without iterators */
};

static void take(struct seed *s, const void *record)
{
	struct fact fact;

	if (fact_decode(&fact, record, SEED_SIZE) < 0)
		s->k->malformed++;
	else
		s->fn(s->ctx, &fact);
}

/* Reads one iterator to its end.  The kernel never splits a record, a read() may. */
static int read_iterator(void *ctx)
{
	struct seed *s = ctx;
	size_t have = 0;
	ssize_t n;
	int fd = bpf_iter_create(bpf_link__fd(s->link));

	if (fd < 0)
		return -errno;
	while ((n = read(fd, s->buffer + have, BATCH * SEED_SIZE - have)) != 0) {
		size_t at = 0;

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			break;
		have += (size_t)n;
		for (; have - at >= SEED_SIZE; at += SEED_SIZE)
			take(s, s->buffer + at);
		have -= at;
		memmove(s->buffer, s->buffer + at, have);
	}
	n = n < 0 ? -errno : 0;
	close(fd);
	return (int)n;
}

static struct bpf_link *link_of(const struct kernel *k, const char *program)
{
	for (size_t i = 0; i < k->hook_count; i++) {
		if (strcmp(k->hooks[i].program, program) == 0)
			return k->links[i];
	}
	return NULL;
}

static void take_walked(void *ctx, const struct wire_walk *found)
{
	for (uint32_t i = 0; i < found->count && i < WALK_RECORDS; i++)
		take(ctx, &found->seed[i]);
}

static int walk_here(void *ctx)
{
	struct seed *s = ctx;

	int err = walk_table(&s->walk, WALK_LISTENERS, "walk__listeners");

	return err < 0 ? err : walk_table(&s->walk, WALK_TCP, "walk__tcp");
}

static int walk_minisocks(void *ctx)
{
	struct seed *s = ctx;

	return walk_table(&s->walk, WALK_TCP, "walk__tcp_minisocks");
}

static int look_at_tasks(struct seed *s)
{
	if (s->k->untyped)
		return walk_descriptors(&s->walk, "walk__descriptor");
	s->link = link_of(s->k, "iter__task_file");
	return s->link ? read_iterator(s) : 0;
}

static int look_at_namespaces(struct seed *s, struct netns_unseen *ret)
{
	const struct netns_visitor v = {.visit = s->k->untyped ? walk_here : read_iterator};

	*ret = (struct netns_unseen){0};
	s->link = s->k->untyped ? NULL : link_of(s->k, "iter__tcp");
	return s->link || s->k->untyped ? netns_each(&v, s, ret) : 0;
}

int kernel_seed(struct kernel *k, kernel_fact_fn fn, void *ctx, struct kernel_error *error)
{
	struct seed s = {.k = k, .fn = fn, .ctx = ctx};
	struct netns_unseen unseen;
	int err;

	error->text[0] = '\0';
	s.buffer = malloc(BATCH * SEED_SIZE);
	if (!s.buffer)
		return kernel_fail(error, -ENOMEM, "no memory");
	s.walk = (struct walk){.k = k, .fn = take_walked, .ctx = &s};
	err = look_at_tasks(&s);
	if (err < 0)
		kernel_fail(error, err, "cannot read the descriptors of every task: %s",
			    strerror(-err));
	if (err == 0) {
		err = look_at_namespaces(&s, &unseen);
		if (err < 0)
			kernel_fail(error, err, "cannot visit any network namespace: %s (%s)",
				    strerror(-err), walk_advice(err));
		else
			walk_describe(&s.walk, &unseen, error);
	}
	free(s.buffer);
	free(s.walk.seen);
	return err;
}

/*
 * A look goes through every connection of a namespace, while facts wait: a program that tries one port after the other
 * must not keep us from them.  So it may take a tenth of the time, and a burst of what it saved.
 */
#define LOOK_SHARE    10
#define LOOK_BURST_NS 300000000u

bool kernel_time_waits(void *ctx, uint32_t netns, uint32_t pid, uint16_t port, kernel_fact_fn fn,
		       void *fn_ctx)
{
	struct kernel *k = ctx;
	struct seed s = {.k = k, .fn = fn, .ctx = fn_ctx};
	uint64_t begin = kernel_now();
	int err;

	k->look_credit_ns += (begin - k->looked_ns) / LOOK_SHARE;
	if (k->look_credit_ns > LOOK_BURST_NS)
		k->look_credit_ns = LOOK_BURST_NS;
	k->looked_ns = begin;
	s.link = link_of(k, "iter__tcp_minisocks");
	if ((!s.link && !k->untyped) || k->look_credit_ns == 0)
		return false;
	s.buffer = malloc(BATCH * SEED_SIZE);
	if (!s.buffer)
		return false;
	k->skel->bss->wanted_port = port;
	s.walk = (struct walk){.k = k, .fn = take_walked, .ctx = &s};
	err = netns_in(netns, pid, k->untyped ? walk_minisocks : read_iterator, &s);
	free(s.buffer);
	free(s.walk.seen);
	k->looked_ns = kernel_now();
	k->look_credit_ns -=
		k->looked_ns - begin < k->look_credit_ns ? k->looked_ns - begin : k->look_credit_ns;
	return err == 0;
}
