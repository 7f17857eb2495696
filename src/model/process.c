/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "process_private.h"

/* The process comes first, so that the pointer users hold is the entry's. */
struct entry {
	struct process process;
	size_t references;
	uint32_t hash;
	uint32_t version;		 /* of `leader` when this was named */
	struct leader *leader;		 /* NULL: nobody is followed, or no room */
	struct counted_program *program; /* that `process` points to */
	struct entry *before, *behind;	 /* in the row of those to be resolved */
	bool waits;			 /* stands in it */
};

struct entry_place {
	struct entry *entry;
	uint32_t hash;
};
HASH_TYPE(entry_index, struct entry_place);
HASH_FUNCTIONS(entry_index, struct entry_place, item->entry != NULL, item->hash)

struct process_set {
	size_t max;
	struct entry_index index;
	struct entry *first, *last; /* to be resolved */
	process_resolve_fn resolve;
	void *ctx;
	bool follows;
	struct leaders leaders;
	uint64_t unnamed;
};

static struct entry *entry_of(const struct process *p)
{
	return (struct entry *)(uintptr_t)p;
}

static void place_done(struct process *p)
{
	struct process_place place = {
		.cgroup = (char *)(uintptr_t)p->cgroup,
		.container = (char *)(uintptr_t)p->container,
		.container_name = (char *)(uintptr_t)p->container_name,
		.pod = (char *)(uintptr_t)p->pod,
		.unit = (char *)(uintptr_t)p->unit,
	};

	process_place_done(&place);
}

/* ---- the row of those to be resolved ---- */

static void wait_in_row(struct process_set *set, struct entry *e)
{
	e->waits = true;
	e->before = set->last;
	if (set->last)
		set->last->behind = e;
	else
		set->first = e;
	set->last = e;
}

static void leave_row(struct process_set *set, struct entry *e)
{
	if (!e->waits)
		return;
	e->waits = false;
	if (e->before)
		e->before->behind = e->behind;
	else
		set->first = e->behind;
	if (e->behind)
		e->behind->before = e->before;
	else
		set->last = e->before;
	e->before = e->behind = NULL;
}

static void entry_free(struct process_set *set, struct entry *e)
{
	leave_row(set, e);
	place_done(&e->process);
	program_release(&set->leaders, e->program);
	leader_release(&set->leaders, e->leader);
	free(e);
}

struct process_set *process_set_new(size_t max, process_resolve_fn resolve, void *ctx)
{
	struct process_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	set->max = max;
	set->leaders.text_max = TEXT_MAX;
	set->resolve = resolve;
	set->ctx = ctx;
	return set;
}

void process_set_free(struct process_set *set)
{
	if (!set)
		return;
	for (struct entry_place *i = NULL; (i = entry_index_each(&set->index, i));)
		entry_free(set, i->entry);
	entry_index_done(&set->index);
	leaders_done(&set->leaders);
	free(set);
}

/* ---- following ---- */

void process_set_follow(struct process_set *set, process_read_fn read, size_t max, bool args)
{
	set->follows = true;
	set->leaders.read = read;
	set->leaders.ctx = set->ctx;
	set->leaders.max = max;
	set->leaders.args = args;
}

void process_set_bound_text(struct process_set *set, size_t bytes)
{
	set->leaders.text_max = bytes;
}

bool process_set_rest(struct process_set *set)
{
	const size_t before = set->index.size;

	entry_index_reserve(&set->index, set->index.count);
	return leaders_rest(&set->leaders) || set->index.size < before;
}

void process_follow(struct process_set *set, const struct process_fact *fact)
{
	if (set->follows)
		leaders_follow(&set->leaders, fact);
}

void process_follow_anew(struct process_set *set)
{
	leaders_forget(&set->leaders);
}

void process_get_stats(const struct process_set *set, struct process_stats *ret)
{
	*ret = (struct process_stats){
		.followed = set->leaders.count,
		.text_bytes = set->leaders.text_bytes,
		.full = set->leaders.full,
		.unnamed = set->unnamed,
	};
}

/* ---- entries ---- */

static uint64_t mix(uint64_t hash, uint64_t word)
{
	hash = (hash ^ word) * 0x9e3779b97f4a7c15ull;
	return hash ^ hash >> 32;
}

/* Starts from the set's address, so that names cannot be chosen to fall into one place. */
static uint32_t process_hash(const struct process_set *set, const struct process *p)
{
	uint64_t name[PROCESS_NAME_SIZE / 8];
	uint64_t hash = mix((uintptr_t)set, (uint64_t)p->pid << 32 | p->tid);

	memcpy(name, p->name, sizeof(name));
	hash = mix(hash, (uint64_t)p->uid << 32 | p->ruid);
	hash = mix(hash, p->cgroup_id);
	hash = mix(hash, name[0]);
	return hash_u64(mix(hash, name[1]));
}

struct process process_key(const struct process *key)
{
	struct process p = {
		.pid = key->pid,
		.tid = key->tid,
		.uid = key->uid,
		.ruid = key->ruid,
		.cgroup_id = key->cgroup_id,
	};

	memcpy(p.name, key->name, strnlen(key->name, sizeof(p.name) - 1));
	return p;
}

static char *copy(const char *text)
{
	return text ? strdup(text) : NULL;
}

struct program *program_copy(const struct program *program)
{
	struct program *p = malloc(sizeof(*p));
	char *args = NULL;

	if (!p)
		return NULL;
	*p = *program;
	p->exe = copy(program->exe);
	if (program->args)
		args = malloc(program->args_len + 1u);
	if (args) {
		memcpy(args, program->args, program->args_len);
		args[program->args_len] = '\0';
	}
	p->args = args;
	return p;
}

static void program_copy_done(const struct program *program)
{
	if (!program)
		return;
	free((char *)(uintptr_t)program->exe);
	free((char *)(uintptr_t)program->args);
	free((void *)(uintptr_t)program);
}

void process_copy(struct process *ret, const struct process *p)
{
	*ret = process_key(p);
	ret->cgroup = copy(p->cgroup);
	ret->container = copy(p->container);
	ret->container_name = copy(p->container_name);
	ret->pod = copy(p->pod);
	ret->unit = copy(p->unit);
	ret->program = p->program ? program_copy(p->program) : NULL;
	ret->parents_known = p->parents_known;
	for (uint32_t i = 0; i < p->parent_count; i++) {
		ret->parent[i] = program_copy(p->parent[i]);
		if (!ret->parent[i])
			break;
		ret->parent_count++;
	}
}

void process_copy_done(struct process *p)
{
	place_done(p);
	program_copy_done(p->program);
	for (uint32_t i = 0; i < p->parent_count; i++)
		program_copy_done(p->parent[i]);
	*p = (struct process){0};
}

static bool process_equals(const struct process *a, const struct process *b)
{
	return a->pid == b->pid && a->tid == b->tid && a->uid == b->uid && a->ruid == b->ruid &&
	       a->cgroup_id == b->cgroup_id && !memcmp(a->name, b->name, sizeof(a->name));
}

static void take_program(struct entry *e)
{
	struct counted_program *program = program_hold(e->leader->program);

	e->program = program;
	e->process.program = program ? &program->program : NULL;
	e->process.parents_known = e->leader->parents_known;
	e->process.parent_count = e->leader->parent_count;
	for (size_t i = 0; i < e->leader->parent_count; i++)
		e->process.parent[i] = &e->leader->parent[i]->program;
}

/* Takes over the reference to `leader`, also where it fails. */
static struct entry *entry_new(struct process_set *set, const struct process *p, uint32_t hash,
			       struct leader *leader)
{
	struct entry *e = NULL;

	errno = ENOSPC;
	if (set->index.count < set->max)
		e = calloc(1, sizeof(*e));
	if (e && !entry_index_add(&set->index, (struct entry_place){e, hash})) {
		free(e);
		e = NULL;
	}
	if (!e) {
		set->unnamed++;
		leader_release(&set->leaders, leader);
		return NULL;
	}
	e->process = *p;
	e->hash = hash;
	e->references = 1;
	e->leader = leader;
	e->version = leader ? leader->version : 0;
	if (leader && leader->known)
		take_program(e);
	wait_in_row(set, e);
	return e;
}

/* Takes over the reference to `leader`, which may be NULL. */
static const struct process *intern_for(struct process_set *set, const struct process *key,
					struct leader *leader)
{
	struct process p = process_key(key);
	uint32_t hash = process_hash(set, &p);
	struct entry_place *i = entry_index_first(&set->index, hash);
	struct entry *e;

	for (; i; i = entry_index_next(&set->index, i)) {
		e = i->entry;
		if (i->hash == hash && process_equals(&e->process, &p) && e->leader == leader &&
		    (!leader || e->version == leader->version)) {
			leader_release(&set->leaders, leader);
			e->references++;
			return &e->process;
		}
	}
	e = entry_new(set, &p, hash, leader);
	return e ? &e->process : NULL;
}

const struct process *process_intern(struct process_set *set, const struct process *key)
{
	return intern_for(set, key, set->follows ? leader_of(&set->leaders, key->pid) : NULL);
}

/* What was read later may be of another program, which it was about to run. */
static void resolve_program(struct process_set *set, struct entry *e)
{
	struct leader *leader = e->leader;

	if (!leader || e->program)
		return;
	leader_read(&set->leaders, leader);
	if (leader->version == e->version && leader->program &&
	    !memcmp(leader->program->program.name, e->process.name, PROCESS_NAME_SIZE))
		take_program(e);
}

static void find_place(struct process_set *set, const struct process *p, struct leader *leader,
		       struct process_place *ret)
{
	bool is_known = leader && leader->cgroup && leader->cgroup_id == p->cgroup_id;

	set->resolve(set->ctx, p->pid, p->cgroup_id, is_known ? leader->cgroup->bytes : NULL, ret);
}

/* Threads of a process, which are entries of their own, are in one place. */
static void resolve_place(struct process_set *set, struct entry *e)
{
	struct process_place place = {0};
	struct leader *leader = e->leader;
	struct process *p = &e->process;

	if (!set->resolve)
		return;
	if (leader && (!leader->place.cgroup || leader->place_cgroup_id != p->cgroup_id)) {
		process_place_done(&leader->place);
		find_place(set, p, leader, &leader->place);
		leader->place_cgroup_id = p->cgroup_id;
	}
	if (leader)
		place = (struct process_place){copy(leader->place.cgroup),
					       copy(leader->place.container),
					       copy(leader->place.container_name),
					       copy(leader->place.pod), copy(leader->place.unit)};
	else
		find_place(set, p, NULL, &place);
	p->cgroup = place.cgroup;
	p->container = place.container;
	p->container_name = place.container_name;
	p->pod = place.pod;
	p->unit = place.unit;
}

void process_resolve(struct process_set *set, const struct process *p)
{
	static uint64_t serial; /* of all sets: a writer may be shown processes of several */
	struct entry *e = entry_of(p);

	if (!e || !e->waits)
		return;
	leave_row(set, e);
	resolve_program(set, e);
	resolve_place(set, e);
	e->process.serial = ++serial;
}

bool process_resolve_some(struct process_set *set, size_t max)
{
	for (; set->first && max > 0; max--)
		process_resolve(set, &set->first->process);
	return set->first != NULL;
}

const struct process *process_now(struct process_set *set, const struct process *p)
{
	const struct entry *e = entry_of(p);
	struct leader *leader = e ? e->leader : NULL;
	struct process key;

	if (!leader || leader->version == e->version || !leader->program)
		return process_hold(p);
	key = *p;
	memcpy(key.name, leader->program->program.name, sizeof(key.name));
	leader->references++;
	return intern_for(set, &key, leader);
}

bool process_has_ended(const struct process *p)
{
	const struct entry *e = entry_of(p);

	return e && e->leader && e->leader->ended;
}

const struct process *process_hold(const struct process *p)
{
	if (p)
		entry_of(p)->references++;
	return p;
}

void process_release(struct process_set *set, const struct process *p)
{
	struct entry *e = entry_of(p);
	struct entry_place *i;

	if (!e || --e->references > 0)
		return;
	i = entry_index_first(&set->index, e->hash);
	while (i->entry != e)
		i = entry_index_next(&set->index, i);
	entry_index_remove(&set->index, i);
	entry_free(set, e);
}

size_t process_set_count(const struct process_set *set)
{
	return set->index.count;
}
