// SPDX-License-Identifier: GPL-2.0-only
#include "answer.h"

#include "look_source.h"

/* Of each of the two looks: a slow machine without BTF needs 30 ms for a hundred processes. */
#define ANSWER_NS 50000000u
#define SHARE	  10
/* A program that tries one port after the other gets its answers, on a busy machine, too. */
#define BURST_NS  1000000000u
#define DEBT_NS	  300000000u

/* False: not all of it was read. */
static bool look(struct kernel *k, struct table *t, const struct look_request *request)
{
	const struct look_sink sink = table_answer_sink(t);
	struct kernel_error error = {""};

	return look_take(kernel_look(k), request, &sink, &error) == 0 && !error.text[0];
}

/* Descriptors lead to sockets in every namespace; to TIME_WAITs and the kernel's own only the tables of this one do. */
static void answer_holders(struct kernel *k, struct table *t, const struct table_question *q,
			   uint64_t now_ns)
{
	const bool tcp = !inet_is_udp(q->protocol);
	struct look_request request = table_look_request();
	unsigned int complete = 0;

	request.netns = q->netns;
	request.pid = q->pid;
	request.port = q->port;
	request.until_ns = now_ns + ANSWER_NS;
	table_answer_begin(t, now_ns);
	request.tcp = false;
	if (look(k, t, &request))
		complete |=
			ANSWER_DESCRIPTORS | (look_missed_rings(kernel_look(k)) ? 0 : ANSWER_RINGS);
	request.tasks = false;
	request.tcp = tcp;
	request.udp = !tcp;
	request.until_ns = kernel_now() + ANSWER_NS;
	if (look(k, t, &request))
		complete |= ANSWER_TABLES;
	table_answer_end(t, complete);
}

static void answer_range(struct kernel *k, struct table *t, const struct table_question *q)
{
	struct port_range range;

	table_answer_range(t, kernel_port_range(k, q->netns, q->pid, &range) ? &range : NULL);
}

/* Nothing is asked of the kernel. */
static void answer_nothing(struct table *t, const struct table_question *q)
{
	switch (q->kind) {
	case QUESTION_HOLDERS: table_answer_end(t, 0); break;
	case QUESTION_RANGE: table_answer_range(t, NULL); break;
	}
}

void answer_questions(struct answers *a, struct table *t, struct kernel *k)
{
	struct table_question q;

	while (table_question(t, &q)) {
		const uint64_t begin_ns = kernel_now();
		struct allowance *allowance = q.kind == QUESTION_HOLDERS ? &a->looks : &a->ranges;

		allowance->share = SHARE;
		allowance->burst_ns = BURST_NS;
		allowance->debt_ns = DEBT_NS;
		if (!allowance_is_open(allowance, begin_ns)) {
			answer_nothing(t, &q);
			continue;
		}
		switch (q.kind) {
		case QUESTION_HOLDERS: answer_holders(k, t, &q, begin_ns); break;
		case QUESTION_RANGE: answer_range(k, t, &q); break;
		}
		allowance_take(allowance, kernel_now() - begin_ns);
	}
}
