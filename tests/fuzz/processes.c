// SPDX-License-Identifier: GPL-2.0-only
/*
 * processes.c - any sequence of wire records of processes through decoder, follower and writer, with few numbers and few
 * starts, so that numbers are given out again; beside a naive model of who lives and how it is called.
 */
#include "fuzz.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "fact.h"
#include "process.h"
#include "writer.h"

#define PIDS	 8 /* 1 ... 7 */
#define MAX_HELD 24
#define MAX_OPS	 600
#define TICK_NS	 10000000u

/* What the facts say, as long as nothing was lost and there was room. */
struct shadow {
	bool sure; /* it lives, and its name is known */
	uint32_t generation;
	uint64_t start;
	char name[PROCESS_NAME_SIZE];
};

struct held {
	const struct process *process;
	bool sure; /* named while its shadow was */
	bool ended;
	uint32_t generation;
};

struct world {
	struct input in;
	struct process_set *set;
	struct writer *json, *text;
	struct buffer out;
	struct shadow shadow[PIDS];
	struct held held[MAX_HELD];
	uint64_t now_ns, full;
	size_t max;
	bool reads;
	int64_t wall_offset_ns;
};

static const char *const names[] = {"sh", "a\"\\\n\x1b[1m\xff", "python3", ""};

/* ---- what is asked of a host ---- */

static void resolve(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
		    struct process_place *ret)
{
	(void)ctx;
	ret->cgroup = cgroup ? strdup(cgroup) : cgroup_id ? strdup("/a\"b\n/docker") : NULL;
	ret->container = pid & 1 ? strdup("4f1e\x1b") : NULL;
}

static bool read_process(void *ctx, uint32_t pid, struct process_reading *ret)
{
	const struct world *w = ctx;

	if (!w->reads || pid > 4)
		return false;
	ret->parent = pid - 1;
	ret->start_ns = pid * 2u * TICK_NS;
	strcpy(ret->name, names[pid & 3]);
	ret->exe = pid & 2 ? strdup("/bin/\xff") : NULL;
	ret->args = pid & 1 ? strdup("x\ny") : NULL;
	ret->args_len = ret->args ? 4 : 0;
	return true;
}

/* ---- the model ---- */

static void end_generation(struct world *w, uint32_t pid)
{
	struct shadow *s = &w->shadow[pid];

	for (size_t i = 0; i < MAX_HELD; i++) {
		struct held *h = &w->held[i];

		if (h->process && h->process->pid == pid && h->generation == s->generation)
			h->ended = true;
	}
	s->generation++;
	s->sure = false;
}

static void forget_all(struct world *w)
{
	for (size_t i = 0; i < MAX_HELD; i++)
		w->held[i].sure = false;
	for (uint32_t pid = 0; pid < PIDS; pid++)
		w->shadow[pid].sure = false;
}

static void shadow_follow(struct world *w, const struct process_fact *f)
{
	const uint64_t start = f->start_ns - f->start_ns % TICK_NS;
	struct shadow *s = &w->shadow[f->pid % PIDS];
	bool fork = f->kind == WIRE_PROCESS_FORK, exec = f->kind == WIRE_PROCESS_EXEC;

	if (f->pid >= PIDS)
		return;
	if (fork || (exec && s->sure && s->start && s->start != start))
		end_generation(w, f->pid);
	if (f->kind == WIRE_PROCESS_EXIT && (!s->sure || !s->start || s->start == start))
		end_generation(w, f->pid);
	if (fork || exec) {
		s->sure = true;
		s->start = start;
	}
	if (f->kind != WIRE_PROCESS_EXIT && s->sure)
		memcpy(s->name, f->name, sizeof(s->name));
}

/* Where there was no room nobody is sure of anything. */
static void check_room(struct world *w)
{
	struct process_stats stats;

	process_get_stats(w->set, &stats);
	MUST(stats.followed <= w->max);
	if (stats.full != w->full)
		forget_all(w);
	w->full = stats.full;
}

/* ---- records ---- */

static void follow(struct world *w, const void *record, size_t size)
{
	struct process_fact f, untouched;
	uint8_t *exact = exact_copy(record, size);

	memset(&f, 0xa5, sizeof(f));
	untouched = f;
	if (process_fact_decode(&f, exact, size) < 0) {
		MUST(memcmp(&f, &untouched, sizeof(f)) == 0);
	} else {
		MUST(strlen(f.exe) <= WIRE_PATH_MAX + 1 && strlen(f.name) < PROCESS_NAME_SIZE);
		MUST(!f.args_len || (f.args && f.args_len <= WIRE_ARGS_MAX));
		shadow_follow(w, &f);
		process_follow(w->set, &f);
		check_room(w);
	}
	free(exact);
}

/* `len` bytes of input, of which a path's last is NUL. */
static uint16_t add_part(struct world *w, uint8_t *at, size_t len, bool path)
{
	size_t got;
	uint8_t *bytes = input_bytes(&w->in, len, &got);

	memcpy(at, bytes, got);
	if (path && got)
		at[got - 1] = 0;
	free(bytes);
	return (uint16_t)got;
}

static void short_record(struct world *w, uint8_t kind)
{
	union {
		struct wire_process head;
		uint8_t bytes[sizeof(struct wire_process) + 96];
	} record = {.head = {.kind = kind}};
	struct wire_process *p = &record.head;
	uint8_t who = input_8(&w->in), what = input_8(&w->in), lens = input_8(&w->in);
	uint8_t *end = record.bytes + sizeof(*p);

	p->pid = who & 7;
	p->parent = who >> 3 & 7;
	p->start_ns = (what & 3) * (uint64_t)TICK_NS * 2 + (what >> 2 & 1);
	p->parent_start_ns = (who >> 6) * (uint64_t)TICK_NS * 2;
	p->cgroup_id = what >> 3 & 1;
	p->time_ns = w->now_ns += what;
	strcpy(p->name, names[what >> 4 & 3]);
	if (kind == WIRE_PROCESS_EXEC) {
		p->flags = what >> 6 | (lens & 3) << 2;
		if (p->flags & WIRE_PROCESS_ARGS)
			end += p->args_len = add_part(w, end, lens >> 2 & 15, false);
		if (p->flags & WIRE_PROCESS_EXE)
			end += p->exe_len = add_part(w, end, lens >> 4 & 15, true);
		if (p->flags & WIRE_PROCESS_CGROUP)
			end += p->cgroup_len = add_part(w, end, lens >> 6, true);
	}
	p->size = (uint16_t)(end - record.bytes);
	follow(w, &record, p->size);
}

/* ---- who names them ---- */

static void name_one(struct world *w, struct held *h)
{
	uint8_t who = input_8(&w->in);
	struct process key = {.pid = who & 7, .tid = (who & 7) + (who >> 3 & 1)};
	const struct shadow *s = &w->shadow[key.pid];

	process_release(w->set, h->process);
	key.cgroup_id = who >> 4 & 1;
	if (s->sure)
		memcpy(key.name, s->name, sizeof(key.name));
	else
		strcpy(key.name, names[who >> 5 & 3]);
	*h = (struct held){.process = process_intern(w->set, &key)};
	check_room(w);
	h->sure = h->process && s->sure;
	h->generation = s->generation;
}

static void check_one(struct world *w, const struct held *h)
{
	const struct process *now;
	const struct shadow *s;

	if (!h->process)
		return;
	s = &w->shadow[h->process->pid];
	if (h->sure)
		MUST(process_has_ended(h->process) == h->ended);
	now = process_now(w->set, h->process);
	if (now && h->sure && s->sure && !h->ended)
		MUST(memcmp(now->name, s->name, sizeof(s->name)) == 0);
	MUST(!now || (now->pid == h->process->pid && now->parent_count <= PROCESS_PARENTS));
	process_release(w->set, now);
	check_room(w);
}

static void show_one(struct world *w, const struct held *h)
{
	struct event e = {.kind = EVENT_BIND,
			  .time_ns = w->now_ns,
			  .protocol = IPPROTO_TCP,
			  .family = FAMILY_IPV4,
			  .has_local = true,
			  .process = h->process};

	process_resolve(w->set, h->process);
	check_room(w);
	w->out.len = 0;
	writer_event(w->json, &w->out, &e);
	must_be_json(w->out.data, w->out.len);
	w->out.len = 0;
	writer_event(w->text, &w->out, &e);
	must_be_text(w->out.data, w->out.len, 1, false);
}

static void step(struct world *w)
{
	uint8_t op = input_8(&w->in);
	struct held *h = &w->held[op % MAX_HELD];
	uint8_t *raw;
	size_t size;

	switch (op >> 5) {
	case 0:
	case 1:
	case 2:
	case 3: short_record(w, (uint8_t)(op % (WIRE_PROCESS_KINDS - 1) + 1)); break;
	case 4: name_one(w, h); break;
	case 5: check_one(w, h); break;
	case 6: show_one(w, h); break;
	case 7:
		if (op == 0xff) {
			process_follow_anew(w->set);
			forget_all(w);
		} else if (op & 1) {
			process_resolve_some(w->set, op >> 1 & 3);
			check_room(w);
		} else {
			raw = input_bytes(&w->in, input_8(&w->in), &size);
			follow(w, raw, size);
			free(raw);
		}
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct world w = {.in = {data, size}, .now_ns = 1};
	struct writer_options options = {.wall_offset_ns = &w.wall_offset_ns};
	uint8_t how = input_8(&w.in);
	struct process_stats stats;

	w.max = how & 1 ? 5 : 1000;
	w.reads = how & 2;
	w.set = process_set_new(how & 4 ? 4 : 1000, resolve, &w);
	w.json = writer_json_new(&options);
	w.text = writer_text_new(&options);
	MUST(w.set && w.json && w.text && !buffer_init(&w.out, 256));
	process_set_follow(w.set, read_process, w.max, !(how & 8));
	for (int i = 0; w.in.left && i < MAX_OPS; i++)
		step(&w);
	for (size_t i = 0; i < MAX_HELD; i++) {
		check_one(&w, &w.held[i]);
		process_release(w.set, w.held[i].process);
	}
	MUST(process_set_count(w.set) == 0);
	process_follow_anew(w.set);
	process_get_stats(w.set, &stats);
	MUST(stats.followed == 0 && stats.text_bytes == 0);
	process_set_free(w.set);
	writer_free(w.json);
	writer_free(w.text);
	buffer_done(&w.out);
	return 0;
}
