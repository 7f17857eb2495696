/* SPDX-License-Identifier: GPL-2.0-only */
/* table_record.h - the record that a fact speaks of, its lives, and the events about it; for src/model/table*.c only. */
#ifndef SOCKWATCH_TABLE_RECORD_H
#define SOCKWATCH_TABLE_RECORD_H

#include "table_ports.h"

/* `s` is not listed: its port may change. */
void socket_update(struct socket *s, const struct fact *f);
/* The fact speaks of another socket than the record: the kernel reused the pointer. */
bool socket_is_stale(const struct socket *s, const struct fact *f);
/*
 * The record a fact speaks of, made when there is none: a socket older than the trace, or one whose birth was lost.  Out
 * of the chain of its port, which the fact may change: who listens lists it again.  The end before waits no longer.
 */
struct socket *socket_of(struct table *t, const struct fact *f);
/* The process a fact names becomes the owner; a fact that names none changes nothing. */
void socket_own(struct table *t, struct socket *s, const struct fact *f);
/* Who a call named; a child's owner is its listener's until it is accepted. */
const struct process *socket_named_owner(const struct socket *s);
/* The process a fact names, with a reference the caller releases; NULL when it names none. */
const struct process *process_of(struct table *t, const struct fact *f);
/*
 * The owner by the rule, among those that a look found holding the socket.  False, and nothing changes, when nobody was found.  O(holders
 * log holders).
 */
bool table_choose_owner(struct table *t, struct owner_look *look, struct socket *s, uint64_t looked_ns);
/* No process has it open, although it lives. */
void table_disown(struct table *t, struct socket *s);
/* Forgets the life before; the owner stays until a call names another. */
void socket_begin_life(struct socket *s, uint64_t time_ns);
void socket_push_span(struct socket *s, enum tcp_state state, uint64_t ns);
/* Fills a state event and leaves `from`: its time becomes a span.  The record is in `to` afterwards. */
void socket_move(const struct table *t, struct socket *s, struct event *e, enum tcp_state from,
		 enum tcp_state to, uint64_t time_ns);
void event_of_socket(struct event *e, const struct socket *s, enum event_kind kind, uint64_t time_ns);
/* The close event of the life that ends at time_ns; counters and reason are the caller's. */
void event_of_close(struct event *e, const struct socket *s, uint64_t time_ns);
/* LISTEN -> SYN_RECV waits for the child's next fact: older kernels do not know its peer before. */
void table_show_birth(struct table *t, struct socket *s);
/* Counts `s`, which the table drops, where its start was told and its end was not. */
void table_note_unseen(struct table *t, const struct socket *s);
/* The fact is of the past that a look overtook: what it finds has the time at which the read began, and may be younger. */
bool table_is_overtaken(const struct socket *s, const struct fact *f);
/* Nobody has heard of it: the last look has made its record, and no fact has told of it. */
static inline bool table_has_only_found(const struct table *t, const struct socket *s)
{
	return (s->flags & (SOCKET_FOUND | SOCKET_TOLD_OPEN)) == SOCKET_FOUND &&
	       s->generation == t->generation;
}
/* A record of its own for the socket of `f`, whatever record its pointer has; the spare one where that one stays. */
struct socket *table_begin_record(struct table *t, const struct fact *f);
/* Removes a socket that is gone by time_ns, and tells the close of its life if that went unseen. */
void table_forget(struct table *t, struct socket *s, uint64_t time_ns);

/* table_asked.c */
/* What the next connect() asks for, where a program changes it; forgotten when that call fails. */
void asked_apply(struct table *t, const struct fact *f);
void asked_forget(struct table *t, const struct fact *f);
/* Into `ret`, of a connect() that failed: both destinations, although one tier's call tells the one and the other tier's the other. */
void asked_of_failure(struct socket *ret, const struct socket *s, const struct fact *f);

/* table_question.c */
bool question_init(struct table *t);
void question_done(struct table *t);
/* The event of a call that failed: about what it asked for, which the record does not hold.  It may wait for an answer. */
void emit_failure(struct table *t, const struct fact *f, enum event_kind kind);
/* The event waits for an answer, and with it the end of the life that its connect() began. */
bool table_is_asked(const struct table *t);
/* Emits an event that still waits. */
void table_settle(struct table *t);

#endif
