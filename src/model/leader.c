// SPDX-License-Identifier: GPL-2.0-only
/*
 * leader.c - the processes that are followed: leaders of thread groups, by pid and start.
 *
 *     fork    a child runs what its parent runs; its parents are that parent and the parent's
 *     exec    another program; those who named the old one keep it
 *     rename  likewise, with the same arguments
 *     exit    the number is free; the record goes with the last entry that names it
 *
 * A process older than the trace is read when it is first named, or first forks.  No chain of dead parents is kept alive:
 * a process holds the programs of eight parents, and a program holds no other.
 */
#include "process_private.h"

#include <stdlib.h>
#include <string.h>

#include "fact.h"

/* What so many and more took is given back once a quarter of them is left. */
#define REST_MANY 4096
/* The clock of /proc has ticks: whoever is read there, and whoever is followed, has one and the same start. */
#define TICK_NS 10000000u
/* Parents that are read at once; more are unknown. */
#define CHAIN_MAX 64

HASH_FUNCTIONS(leader_index, struct leader_place, item->leader != NULL, hash_u64(item->leader->pid))

/* ---- words and programs ---- */

static struct words *words_new(struct leaders *l, const char *bytes, size_t len)
{
	struct words *w = NULL;

	if (l->text_bytes + len <= l->text_max)
		w = malloc(sizeof(*w) + len + 1);
	if (!w) {
		l->full++;
		return NULL;
	}
	w->references = 1;
	w->len = (uint32_t)len;
	memcpy(w->bytes, bytes, len);
	w->bytes[len] = '\0';
	l->text_bytes += len;
	return w;
}

static struct words *words_hold(struct words *w)
{
	if (w)
		w->references++;
	return w;
}

static void words_release(struct leaders *l, struct words *w)
{
	if (!w || --w->references > 0)
		return;
	l->text_bytes -= w->len;
	free(w);
}

struct counted_program *program_hold(struct counted_program *p)
{
	if (p)
		p->references++;
	return p;
}

void program_release(struct leaders *l, struct counted_program *p)
{
	if (!p || --p->references > 0)
		return;
	words_release(l, p->exe);
	words_release(l, p->args);
	free(p);
}

static uint64_t hash_words(uint64_t hash, const struct words *w)
{
	for (uint32_t i = 0; w && i < w->len; i++)
		hash = (hash ^ (unsigned char)w->bytes[i]) * 0x100000001b3ull;
	return (hash ^ (w ? w->len : 0)) * 0x100000001b3ull;
}

/* Takes over the references to `exe` and `args`, also where it fails. */
static struct counted_program *program_new(struct leaders *l, const struct leader *of,
					   const char *name, struct words *exe, struct words *args,
					   bool cut)
{
	struct counted_program *p = malloc(sizeof(*p));

	if (!p) {
		words_release(l, exe);
		words_release(l, args);
		return NULL;
	}
	*p = (struct counted_program){.references = 1, .exe = exe, .args = args};
	p->program.pid = of->pid;
	p->program.start_ns = of->start_ns;
	memcpy(p->program.name, name, strnlen(name, PROCESS_NAME_SIZE - 1));
	p->program.exe = exe ? exe->bytes : NULL;
	p->program.args = args ? args->bytes : NULL;
	p->program.args_len = args ? args->len : 0;
	p->program.args_cut = args && cut;
	p->program.hash = hash_words(hash_words(0xcbf29ce484222325ull, exe), args) | 1;
	return p;
}

/* What `like` is, run by `of` under this name. */
static struct counted_program *program_like(struct leaders *l, const struct leader *of,
					    const char *name, const struct counted_program *like)
{
	return program_new(l, of, name, words_hold(like ? like->exe : NULL),
			   words_hold(like ? like->args : NULL), like && like->program.args_cut);
}

/* Takes over the reference. */
static void set_program(struct leaders *l, struct leader *leader, struct counted_program *program)
{
	program_release(l, leader->program);
	leader->program = program;
	leader->version++;
}

static uint64_t in_ticks(uint64_t ns)
{
	return ns - ns % TICK_NS;
}

/* ---- who lives ---- */

static struct leader_place *place_of(const struct leaders *l, uint32_t pid)
{
	struct leader_place *p = leader_index_first(&l->index, hash_u64(pid));

	while (p && p->leader->pid != pid)
		p = leader_index_next(&l->index, p);
	return p;
}

static struct leader *leader_find(const struct leaders *l, uint32_t pid)
{
	const struct leader_place *p = place_of(l, pid);

	return p ? p->leader : NULL;
}

static struct leader *leader_new(struct leaders *l, uint32_t pid)
{
	struct leader *leader = l->count < l->max ? calloc(1, sizeof(*leader)) : NULL;

	if (leader)
		leader->pid = pid;
	if (!leader || !leader_index_add(&l->index, (struct leader_place){leader})) {
		l->full++;
		free(leader);
		return NULL;
	}
	leader->references = 1;
	leader->listed = true;
	if (++l->count > l->most)
		l->most = l->count;
	return leader;
}

static void unlist(struct leaders *l, struct leader *leader)
{
	leader_index_remove(&l->index, place_of(l, leader->pid));
	leader->listed = false;
	leader_release(l, leader);
}

/* Drops one of those from before a loss. */
static void leave_past(struct leaders *l, struct leader_place *p)
{
	struct leader *leader = p->leader;

	leader_index_remove(&l->past, p);
	leader->past = false;
	leader_release(l, leader);
}

static void leave_past_of(struct leaders *l, const struct leader *leader)
{
	struct leader_place *p = leader_index_first(&l->past, hash_u64(leader->pid));

	while (p->leader != leader)
		p = leader_index_next(&l->past, p);
	leave_past(l, p);
}

void leader_release(struct leaders *l, struct leader *leader)
{
	if (!leader)
		return;
	if (--leader->references > 0) {
		/* Nothing is known of it, maybe it has ended: its end will not be told then. */
		if (leader->references == 1 && leader->listed && !leader->program)
			unlist(l, leader);
		else if (leader->references == 1 && leader->past)
			leave_past_of(l, leader);
		return;
	}
	for (size_t i = 0; i < leader->parent_count; i++)
		program_release(l, leader->parent[i]);
	program_release(l, leader->program);
	words_release(l, leader->cgroup);
	process_place_done(&leader->place);
	free(leader);
	l->count--;
}

/* The number is free. */
static void leader_end(struct leaders *l, struct leader *leader)
{
	leader->ended = true;
	unlist(l, leader);
}

struct leader *leader_of(struct leaders *l, uint32_t pid)
{
	struct leader *leader = leader_find(l, pid);

	if (!leader)
		leader = leader_new(l, pid);
	if (leader)
		leader->references++;
	return leader;
}

void leaders_forget(struct leaders *l)
{
	while (l->index.count > 0) {
		struct leader *leader = leader_index_each(&l->index, NULL)->leader;

		if (leader->references > 1 && leader->start_ns &&
		    leader_index_add(&l->past, (struct leader_place){leader})) {
			leader->past = true;
			leader->references++;
		}
		unlist(l, leader);
	}
	leader_index_done(&l->index);
}

bool leaders_rest(struct leaders *l)
{
	const size_t before = l->index.size + l->past.size;
	bool few = l->most >= REST_MANY && l->count <= l->most / 4;

	if (few)
		l->most = l->count;
	leader_index_reserve(&l->index, l->index.count);
	leader_index_reserve(&l->past, l->past.count);
	return few || l->index.size + l->past.size < before;
}

void leaders_done(struct leaders *l)
{
	leaders_forget(l);
	while (l->past.count > 0)
		leave_past(l, leader_index_each(&l->past, NULL));
	leader_index_done(&l->past);
}

/* The fact says that it has ended, or that another one has its number since. */
static struct leader_place *ended_in_past(const struct leaders *l, const struct process_fact *f)
{
	const bool ends = f->kind == WIRE_PROCESS_EXIT;
	struct leader_place *p = leader_index_first(&l->past, hash_u64(f->pid));

	while (p &&
	       (p->leader->pid != f->pid || in_ticks(f->start_ns) + ends <= p->leader->start_ns))
		p = leader_index_next(&l->past, p);
	return p;
}

static void end_past(struct leaders *l, const struct process_fact *f)
{
	struct leader_place *p;

	while (f->kind != WIRE_PROCESS_RENAME && (p = ended_in_past(l, f))) {
		p->leader->ended = true;
		leave_past(l, p);
	}
}

/* ---- parents, and what is read ---- */

static void read_at(struct leaders *l, struct leader *leader, unsigned int depth);

/* `parent` NULL: it is not known, unless `pid` says that there is none. */
static void take_parents(struct leader *leader, const struct leader *parent, uint32_t pid)
{
	leader->parents_known = pid == 0 || (parent && parent->program);
	if (!parent || !parent->program || parent == leader)
		return;
	leader->parent[leader->parent_count++] = program_hold(parent->program);
	for (size_t i = 0; i < parent->parent_count && leader->parent_count < PROCESS_PARENTS; i++)
		leader->parent[leader->parent_count++] = program_hold(parent->parent[i]);
}

/* The process with the number of a parent; `start_ns` 0 where it is not known.  NULL where it is another by now. */
static struct leader *parent_of(struct leaders *l, uint32_t pid, uint64_t start_ns,
				unsigned int depth)
{
	struct leader *parent = pid ? leader_find(l, pid) : NULL;

	if (pid && !parent)
		parent = leader_new(l, pid);
	if (!parent)
		return NULL;
	parent->references++;
	read_at(l, parent, depth);
	leader_release(l, parent);
	parent = leader_find(l, pid);
	if (parent && start_ns && parent->start_ns != in_ticks(start_ns))
		return NULL;
	return parent;
}

static struct words *wanted_args(struct leaders *l, const char *args, size_t len)
{
	return l->args && args ? words_new(l, args, len) : NULL;
}

static void take_reading(struct leaders *l, struct leader *leader, const struct process_reading *r,
			 unsigned int depth)
{
	leader->start_ns = in_ticks(r->start_ns);
	set_program(l, leader,
		    program_new(l, leader, r->name,
				r->exe ? words_new(l, r->exe, strlen(r->exe)) : NULL,
				wanted_args(l, r->args, r->args_len), r->args_cut));
	leader->version--; /* it is what it was */
	if (depth < CHAIN_MAX)
		take_parents(leader, parent_of(l, r->parent, 0, depth + 1), r->parent);
}

/* All parents up to the first process: whoever of them is named later has its own. */
static void read_at(struct leaders *l, struct leader *leader, unsigned int depth)
{
	struct process_reading r = {0};

	if (leader->known || leader->ended || !l->read)
		return;
	leader->known = true;
	if (l->read(l->ctx, leader->pid, &r))
		take_reading(l, leader, &r, depth);
	free(r.exe);
	free(r.args);
}

void leader_read(struct leaders *l, struct leader *leader)
{
	read_at(l, leader, 0);
}

/* ---- what they do ---- */

/* The process that a fact is about; another one that had its number has ended. */
static struct leader *leader_of_fact(struct leaders *l, const struct process_fact *f, bool is_new)
{
	struct leader *leader = leader_find(l, f->pid);
	bool other = leader &&
		     (is_new || (leader->start_ns && leader->start_ns != in_ticks(f->start_ns)));

	if (other) {
		leader_end(l, leader);
		leader = NULL;
	}
	if (!leader)
		leader = leader_new(l, f->pid);
	if (leader)
		leader->start_ns = in_ticks(f->start_ns);
	return leader;
}

static void on_fork(struct leaders *l, const struct process_fact *f)
{
	struct leader *leader = leader_of_fact(l, f, true), *parent;

	if (!leader)
		return;
	leader->references++;
	leader->known = true;
	parent = parent_of(l, f->parent, f->parent_start_ns, 1);
	set_program(l, leader, program_like(l, leader, f->name, parent ? parent->program : NULL));
	take_parents(leader, parent, f->parent);
	leader_release(l, leader);
}

static void on_exec(struct leaders *l, const struct process_fact *f)
{
	struct leader *leader = leader_of_fact(l, f, false);

	if (!leader)
		return;
	leader->references++;
	/* Before its parents are: numbers given out again may make it one of them, and it would be read over what is told. */
	if (!leader->known) {
		leader->known = true;
		take_parents(leader, parent_of(l, f->parent, f->parent_start_ns, 1), f->parent);
	}
	set_program(l, leader,
		    program_new(l, leader, f->name,
				f->exe[0] ? words_new(l, f->exe, strlen(f->exe)) : NULL,
				wanted_args(l, f->args, f->args_len), f->args_cut));
	words_release(l, leader->cgroup);
	leader->cgroup = f->cgroup[0] ? words_new(l, f->cgroup, strlen(f->cgroup)) : NULL;
	leader->cgroup_id = f->cgroup_id;
	leader_release(l, leader);
}

static void on_end(struct leaders *l, const struct process_fact *f)
{
	struct leader *leader = leader_find(l, f->pid);

	if (leader && (!leader->start_ns || leader->start_ns == in_ticks(f->start_ns)))
		leader_end(l, leader);
}

static void on_rename(struct leaders *l, const struct process_fact *f)
{
	struct leader *leader = leader_find(l, f->pid);

	if (leader && leader->program && strcmp(leader->program->program.name, f->name) != 0)
		set_program(l, leader, program_like(l, leader, f->name, leader->program));
}

void leaders_follow(struct leaders *l, const struct process_fact *f)
{
	end_past(l, f);
	switch (f->kind) {
	case WIRE_PROCESS_FORK: on_fork(l, f); break;
	case WIRE_PROCESS_EXEC: on_exec(l, f); break;
	case WIRE_PROCESS_EXIT: on_end(l, f); break;
	case WIRE_PROCESS_RENAME: on_rename(l, f); break;
	case WIRE_PROCESS_NONE:
	case WIRE_PROCESS_KINDS: break;
	}
}
