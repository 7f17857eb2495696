// SPDX-License-Identifier: GPL-2.0-only
/*
 * table_question.c - failed calls: what is asked about them, and their events once the answer is there.
 *
 *     emit_failure() ──▶ open: who has this port?  which range has this namespace?
 *                           │  table_question(), table_answer...()    the caller looks
 *                           ▼
 *     table_settle() ──▶ event       also without an answer, before any other event
 */
#include "ports_private.h"
#include "table_record.h"

#include <errno.h>
#include <stdlib.h>

/* Sockets of a look that the table does not know to be in the way. */
#define MAX_FOUND 8

struct question {
	bool waits;
	enum question_kind kind;
	struct event e; /* with a reference to its process */
	struct fact fact;
	uint64_t looked_ns;
	struct owner_look *look; /* NULL: not looked, or no memory */
	bool rings;		 /* what rings of io_uring hold was seen */
	bool doubtful;		 /* who was known before is shown, for want of that */
	struct found {
		uint64_t sk;
		struct event_holder holder; /* without its process */
	} found[MAX_FOUND];
	size_t found_count;
};

bool question_init(struct table *t)
{
	t->question = calloc(1, sizeof(*t->question));
	return t->question != NULL;
}

void question_done(struct table *t)
{
	struct question *q = t->question;

	if (q && q->waits)
		process_release(t->processes, q->e.process);
	if (q)
		owner_look_free(q->look);
	free(q);
}

void table_take_questions(struct table *t)
{
	t->asks = true;
}

static void tell(struct table *t)
{
	struct question *q = t->question;
	const struct event_trouble *trouble = &t->ports->trouble;

	q->waits = false;
	if (trouble->has_holders || trouble->has_range || trouble->unprivileged_from)
		q->e.trouble = trouble;
	t->sink(t->ctx, &q->e);
	if (q->e.kind == EVENT_CONNECT)
		held_connect_failed(t, &q->fact);
	process_release(t->processes, q->e.process);
	owner_look_free(q->look); /* after the event, which shows processes of it */
	q->look = NULL;
}

/* ---- holders ---- */

static bool is_same(const struct process *a, const struct process *b)
{
	return a && b && a->pid == b->pid;
}

/* Its listener may be another process' since: one that is listed, too.  Where that is not known, the one on its port. */
static void give_to_listener(struct table *t, struct socket *s)
{
	const struct port_state *p = t->ports;
	const struct process *owner = s->listener ? NULL : table_listener_owner(t, s, 0);

	for (size_t i = 0; s->listener && i < p->listeners; i++) {
		if (is_same(p->holder[i].bound_by, s->listener))
			owner = p->holder[i].process;
	}
	if (owner)
		table_set_owner(t, s, owner);
}

/* Nobody was seen who has it open, but not everybody. */
static bool stay_unheld(struct question *q, bool unheld)
{
	q->doubtful |= unheld && !q->rings;
	return unheld && q->rings;
}

/* What the look says of a listed socket; those that are gone by now keep their last owner. */
static void repair_owner(struct table *t, struct socket *s, struct event_holder *h)
{
	struct question *q = t->question;
	bool queued = (s->flags & (SOCKET_PASSIVE | SOCKET_ACCEPTED)) == SOCKET_PASSIVE;
	bool held = table_choose_owner(t, q->look, s, q->looked_ns);

	h->kernel = !held && socket_is_kernels(s);
	h->unheld = stay_unheld(q, h->unheld && !held && !h->kernel);
	if (h->unheld)
		table_disown(t, s);
	else if (!held && queued)
		give_to_listener(t, s);
	h->process = s->owner;
	h->bound_by = s->binder;
}

/* The next socket among those that hold the port, NULL none; *at begins at 0.  Listeners come first: who waits for accept() is
 * theirs. */
static struct socket *next_listed(struct table *t, size_t *at)
{
	const struct port_state *p = t->ports;
	struct socket *s = NULL;

	for (; !s && *at < MAX_SHOWN + p->sockets; ++*at) {
		if (*at < p->listeners || *at >= MAX_SHOWN)
			s = table_find(t, p->holder_id[*at]);
	}
	return s;
}

static void repair_owners(struct table *t)
{
	struct socket *s;

	for (size_t i = 0; (s = next_listed(t, &i));)
		repair_owner(t, s, &t->ports->holder[i - 1]);
}

/* Also tells since when the list is known. */
static uint64_t release_asked(struct table *t)
{
	uint64_t known_ns = 0;
	struct socket *s;

	for (size_t i = 0; (s = next_listed(t, &i));) {
		s->flags &= ~(uint32_t)SOCKET_IN_QUESTION;
		if (s->owned_ns && (!known_ns || s->owned_ns < known_ns))
			known_ns = s->owned_ns;
	}
	if (!known_ns)
		known_ns = t->look_begin_ns;
	return known_ns && known_ns < t->question->e.time_ns ? known_ns : t->question->e.time_ns;
}

/*
 * The table does not know what stands in the way.  Where it knows one that does, these may as well have come after the
 * call, by facts that are still to be applied; but no facts tell of the kernel's own.
 */
static void add_found(struct table *t)
{
	struct question *q = t->question;

	bool known = t->ports->listeners + t->ports->others;

	for (size_t i = 0; i < q->found_count; i++) {
		if (known && !q->found[i].holder.kernel)
			continue;
		if (owner_look_choose(q->look, q->found[i].sk, 0, &q->found[i].holder.process))
			q->found[i].holder.unheld = false;
		q->found[i].holder.unheld = stay_unheld(q, q->found[i].holder.unheld);
		holders_add_found(t, &q->found[i].holder);
	}
}

/* Somebody may have it open who was not seen. */
static void forget_unheld(struct table *t)
{
	struct question *q = t->question;

	for (size_t i = 0; i < 2 * MAX_SHOWN; i++)
		t->ports->holder[i].unheld = false;
	for (size_t i = 0; i < q->found_count; i++)
		q->found[i].holder.unheld = false;
}

static void end_holders(struct table *t, unsigned int known)
{
	struct question *q = t->question;
	const struct fact *f = &q->fact;
	bool descriptors = q->look && (known & ANSWER_DESCRIPTORS);
	bool tables = known & ANSWER_TABLES;
	uint64_t known_ns;

	q->rings = known & ANSWER_RINGS;
	q->doubtful = false;
	if (!descriptors)
		forget_unheld(t);
	if (descriptors) {
		repair_owners(t);
		repeat_learned(t, &q->e, f);
	}
	if (!inet_is_udp(f->protocol)) {
		if (tables)
			holders_name_time_waits(t, f);
		else
			holders_recall_time_waits(t, f);
	}
	if (descriptors)
		add_found(t);
	known_ns = release_asked(t);
	if (t->asks && !(descriptors && tables && !q->doubtful))
		t->ports->trouble.holders_as_of_ns = known_ns;
	holders_join(t);
	tell(t);
}

bool table_is_asked(const struct table *t)
{
	return t->question->waits;
}

/* Nobody looks: what facts told is all there is. */
void table_settle(struct table *t)
{
	struct question *q = t->question;

	if (!q->waits)
		return;
	if (q->kind == QUESTION_HOLDERS)
		end_holders(t, 0);
	else
		tell(t);
}

void table_answer_begin(struct table *t, uint64_t now_ns)
{
	struct question *q = t->question;

	if (!q->waits || q->kind != QUESTION_HOLDERS)
		return;
	q->looked_ns = now_ns;
	owner_look_free(q->look);
	q->look = owner_look_new(t->processes);
	q->found_count = 0;
}

/* False: not in the way, or no room. */
static bool note_found(struct table *t, struct question *q, const struct fact *f)
{
	struct found *found = &q->found[q->found_count];

	for (size_t i = 0; i < q->found_count; i++) {
		if (q->found[i].sk == f->sk)
			return true;
	}
	if (q->found_count == MAX_FOUND || !holders_fill_found(t, &found->holder, &q->fact, f))
		return false;
	found->sk = f->sk;
	q->found_count++;
	return true;
}

void table_answer(struct table *t, const struct fact *f)
{
	struct question *q = t->question;
	const struct socket *s;
	bool listed;

	if (!q->look)
		return;
	if (f->to == STATE_TIME_WAIT) {
		holders_add_time_wait(t, &q->fact, f);
		return;
	}
	s = table_find(t, f->sk);
	listed = s && (s->flags & SOCKET_IN_QUESTION);
	/* Another socket than the one that was in the way: it came later. */
	if (listed && socket_is_stale(s, f))
		return;
	if (f->kind == WIRE_SEED_SOCKET)
		holders_note_loose(t, f);
	if (!listed && !note_found(t, q, f))
		return;
	if (f->kind == WIRE_SEED_FILE && f->has_task)
		owner_look_add(q->look, f->sk, &f->task, f->parent, f->arg);
}

void table_answer_end(struct table *t, unsigned int known)
{
	if (t->question->waits && t->question->kind == QUESTION_HOLDERS)
		end_holders(t, known);
}

/* ---- ranges ---- */

void table_answer_range(struct table *t, const struct port_range *range)
{
	struct question *q = t->question;
	const struct fact *f = &q->fact;

	if (!q->waits || q->kind != QUESTION_RANGE)
		return;
	if (range && q->e.error != EACCES)
		range_describe(t, f, range, q->e.kind != EVENT_CONNECT || inet_is_udp(f->protocol));
	else if (range && f->local.port < range->unprivileged_from)
		t->ports->trouble.unprivileged_from = range->unprivileged_from;
	tell(t);
}

/* ---- failures ---- */

bool table_question(const struct table *t, struct table_question *ret)
{
	const struct question *q = t->question;

	if (!t->asks || !q->waits)
		return false;
	*ret = (struct table_question){
		.kind = q->kind,
		.netns = q->fact.netns,
		.pid = q->fact.has_task ? q->fact.task.pid : 0,
		.protocol = q->fact.protocol,
		.port = q->fact.local.port,
	};
	return true;
}

/* connect() found no free port. */
static bool is_exhausted(const struct fact *f)
{
	if (f->local.port)
		return false;
	return inet_is_udp(f->protocol) ? f->result == -EAGAIN
					: f->result == -EADDRNOTAVAIL && !ports_lack_source(f);
}

/* False: nothing could explain it. */
static bool choose_question(const struct event *e, const struct fact *f, enum question_kind *ret)
{
	bool bind = e->kind == EVENT_BIND;

	if (e->kind == EVENT_ACCEPT || (f->flags & WIRE_F_FILTERED))
		return false;
	if ((e->error == EADDRINUSE && f->local.port) || holders_by_four_tuple(f))
		*ret = QUESTION_HOLDERS;
	else if ((e->error == EADDRINUSE && e->kind != EVENT_CONNECT) ||
		 (e->kind == EVENT_CONNECT && is_exhausted(f)) ||
		 (bind && e->error == EAGAIN && f->arg) ||
		 (bind && e->error == EACCES && f->local.port))
		*ret = QUESTION_RANGE;
	else
		return false;
	return true;
}

/* A socket that is bound to no address chose one for its connect(), and has left it since. */
static void name_source(struct table *t, struct fact *f)
{
	const struct event *end = held_of_connect(t, f);

	if (end && end->local.port == f->local.port)
		f->local = end->local;
}

static void explain(struct table *t, const struct event *e, const struct fact *f)
{
	struct question *q = t->question;

	t->ports->trouble = (struct event_trouble){0};
	if (!choose_question(e, f, &q->kind) || !ports_have_credit(t, f->time_ns)) {
		t->sink(t->ctx, e);
		return;
	}
	q->e = *e;
	process_hold(e->process);
	q->fact = *f;
	q->waits = true;
	if (holders_by_four_tuple(f))
		name_source(t, &q->fact);
	if (q->kind == QUESTION_HOLDERS)
		holders_find(t, &q->fact);
	if (!t->asks)
		table_settle(t);
}

/* Who listens, where somebody else fails to accept; NULL: the same, or not known. */
static const struct process *other_listener(const struct table *t, const struct fact *f,
					    const struct process *acceptor)
{
	const struct socket *s = table_find(t, f->sk);
	const struct process *p = s && !socket_is_stale(s, f) ? s->owner : NULL;

	return p && acceptor && p->pid != acceptor->pid ? p : NULL;
}

void emit_failure(struct table *t, const struct fact *f, enum event_kind kind)
{
	const struct process *p = process_of(t, f);
	const struct socket *s = kind == EVENT_CONNECT ? table_find(t, f->sk) : NULL;
	struct socket asked = {.owner = p};
	struct event e = {0};

	if (s && socket_is_stale(s, f))
		s = NULL;
	socket_update(&asked, f);
	if (s)
		asked_of_failure(&asked, s, f);
	event_of_socket(&e, &asked, kind, f->time_ns);
	e.error = -f->result;
	e.has_local |= kind == EVENT_BIND && !fact_is_of_various(f);
	if (kind == EVENT_BIND)
		e.bind.autobind = f->arg != 0;
	if (kind == EVENT_LISTEN)
		e.listen.backlog = f->arg;
	if (kind == EVENT_ACCEPT)
		e.accept.listener = other_listener(t, f, p);
	if (kind == EVENT_CONNECT) {
		e.has_local = f->local.port != 0;
		e.connect.autobind = s && e.has_local && (s->flags & SOCKET_AUTOBIND);
		e.connect.no_source = ports_lack_source(f);
	}
	if (!repeat_take(t, &e, f))
		explain(t, &e, f);
	process_release(t->processes, p);
}
