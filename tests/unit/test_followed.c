// SPDX-License-Identifier: GPL-2.0-only
/* Processes that are followed: what they ran and whose children they were when somebody named them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fact.h"

#define TICK 10000000ull

/* What /proc would say: pid 1, 50 whose parent it is, and a line of 1001 to 1020; others are gone. */
static bool read_proc(void *ctx, uint32_t pid, struct process_reading *ret)
{
	++*(int *)ctx;
	if (pid > 1000 && pid <= 1020) {
		ret->parent = pid == 1001 ? 1 : pid - 1;
		ret->start_ns = pid * TICK;
		strcpy(ret->name, "sh");
		return true;
	}
	if (pid != 1 && pid != 50)
		return false;
	ret->parent = pid == 50;
	ret->start_ns = pid * TICK;
	strcpy(ret->name, pid == 1 ? "init" : "sshd");
	ret->exe = strdup(pid == 1 ? "/sbin/init" : "/usr/sbin/sshd");
	ret->args = malloc(8);
	memcpy(ret->args, pid == 1 ? "init\0-x\0" : "sshd\0-D\0", 8);
	ret->args_len = 8;
	return true;
}

struct world {
	struct process_set *set;
	int reads;
};

static void begin(struct world *w, size_t max)
{
	*w = (struct world){0};
	w->set = process_set_new(10000, NULL, &w->reads);
	process_set_follow(w->set, read_proc, max, true);
}

static void do_fork(struct world *w, uint32_t parent, uint32_t pid, uint64_t ticks)
{
	struct process_fact f = {.kind = WIRE_PROCESS_FORK,
				 .pid = pid,
				 .parent = parent,
				 .start_ns = ticks * TICK + 3};

	strcpy(f.name, "sh");
	process_follow(w->set, &f);
}

static void do_exec(struct world *w, uint32_t pid, uint64_t ticks, const char *name,
		    const char *args)
{
	struct process_fact f = {.kind = WIRE_PROCESS_EXEC,
				 .pid = pid,
				 .parent = 50,
				 .start_ns = ticks * TICK + 3,
				 .args = args,
				 .args_len = strlen(args) + 1};

	snprintf(f.exe, sizeof(f.exe), "/bin/%s", name);
	strcpy(f.name, name);
	process_follow(w->set, &f);
}

static void do_end(struct world *w, uint32_t pid, uint64_t ticks)
{
	const struct process_fact f = {
		.kind = WIRE_PROCESS_EXIT, .pid = pid, .start_ns = ticks * TICK + 3};

	process_follow(w->set, &f);
}

static void do_rename(struct world *w, uint32_t pid, const char *name)
{
	struct process_fact f = {.kind = WIRE_PROCESS_RENAME, .pid = pid};

	strcpy(f.name, name);
	process_follow(w->set, &f);
}

static const struct process *named(struct world *w, uint32_t pid, const char *name)
{
	struct process key = {.pid = pid, .tid = pid};
	const struct process *p;

	strcpy(key.name, name);
	p = process_intern(w->set, &key);
	process_resolve(w->set, p);
	return p;
}

static void test_a_short_life_is_whole(void **state)
{
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	do_fork(&w, 50, 60, 70);
	do_exec(&w, 60, 70, "sh", "job");
	do_fork(&w, 60, 61, 71);
	do_exec(&w, 61, 71, "curl", "http://x/");
	p = named(&w, 61, "curl");
	do_end(&w, 61, 71);
	do_end(&w, 60, 70);
	assert_string_equal(p->program->exe, "/bin/curl");
	assert_string_equal(p->program->args, "http://x/");
	assert_int_equal(p->program->start_ns, 71 * TICK);
	assert_true(p->parents_known);
	assert_int_equal(p->parent_count, 3);
	assert_string_equal(p->parent[0]->name, "sh");
	assert_string_equal(p->parent[0]->args, "job");
	assert_string_equal(p->parent[1]->name, "sshd");
	assert_string_equal(p->parent[2]->name, "init");
	assert_true(process_has_ended(p));
	assert_int_equal(w.reads, 2);
	process_set_free(w.set);
}

static void test_a_number_used_again_is_another_process(void **state)
{
	const struct process *first, *second;
	struct world w;

	(void)state;
	begin(&w, 100);
	do_fork(&w, 50, 60, 70);
	do_exec(&w, 60, 70, "a", "one");
	first = named(&w, 60, "a");
	do_end(&w, 60, 70);
	do_fork(&w, 50, 60, 90);
	do_exec(&w, 60, 90, "a", "two");
	second = named(&w, 60, "a");
	assert_ptr_not_equal(first, second);
	assert_string_equal(first->program->args, "one");
	assert_string_equal(second->program->args, "two");
	do_end(&w, 60, 70); /* told late: not this one */
	assert_true(process_has_ended(first));
	assert_false(process_has_ended(second));
	/* Its end was lost, the fork tells. */
	do_fork(&w, 50, 60, 95);
	assert_true(process_has_ended(second));
	process_set_free(w.set);
}

static void test_exec_changes_who_is_named_later(void **state)
{
	const struct process *before, *after, *now;
	struct world w;

	(void)state;
	begin(&w, 100);
	do_fork(&w, 50, 60, 70);
	do_exec(&w, 60, 70, "python3", "server.py");
	before = named(&w, 60, "python3");
	do_exec(&w, 60, 70, "python3", "other.py");
	after = named(&w, 60, "python3");
	assert_string_equal(before->program->args, "server.py");
	assert_string_equal(after->program->args, "other.py");
	assert_int_equal(after->parent_count, 2);
	do_rename(&w, 60, "worker");
	now = process_now(w.set, before);
	process_resolve(w.set, now);
	assert_string_equal(now->name, "worker");
	assert_string_equal(now->program->args, "other.py");
	assert_string_equal(before->name, "python3");
	do_end(&w, 60, 70);
	assert_ptr_equal(process_now(w.set, before), now);
	process_set_free(w.set);
}

static void test_an_older_process_is_read_once(void **state)
{
	const struct process *p, *thread;
	struct process key = {.pid = 50, .tid = 51, .name = "sshd"};
	struct world w;

	(void)state;
	begin(&w, 100);
	p = named(&w, 50, "sshd");
	thread = process_intern(w.set, &key);
	assert_int_equal(w.reads, 2);
	process_resolve(w.set, thread);
	assert_int_equal(w.reads, 2);
	assert_string_equal(thread->program->exe, "/usr/sbin/sshd");
	assert_int_equal(p->parent_count, 1);
	assert_string_equal(p->parent[0]->exe, "/sbin/init");
	process_set_free(w.set);
}

/* Named before it ran another program, read after. */
/* Whoever is met first: a process has the same parents. */
static void test_parents_are_as_many_whoever_is_read_first(void **state)
{
	static const uint32_t met[][2] = {{1020, 1015}, {1015, 1020}, {1013, 1012}, {1012, 1013}};

	(void)state;
	for (size_t i = 0; i < sizeof(met) / sizeof(met[0]); i++) {
		struct world w;

		begin(&w, 100);
		for (int k = 0; k < 2; k++) {
			const struct process *p = named(&w, met[i][k], "sh");

			assert_int_equal(p->parent_count, PROCESS_PARENTS);
			assert_true(p->parents_known);
			assert_int_equal(p->parent[PROCESS_PARENTS - 1]->pid, met[i][k] - PROCESS_PARENTS);
			process_release(w.set, p);
		}
		process_set_free(w.set);
	}
}

static void test_what_is_read_too_late_is_unknown(void **state)
{
	struct process key = {.pid = 50, .tid = 50, .name = "sshd"};
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	p = process_intern(w.set, &key);
	do_exec(&w, 50, 50, "sh", "sh");
	process_resolve(w.set, p);
	assert_null(p->program);
	p = named(&w, 50, "bash"); /* ... and this name was told by no fact */
	assert_string_equal(p->program->name, "sh");
	process_set_free(w.set);
}

static void test_the_gone_are_not_kept(void **state)
{
	struct process_stats stats;
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	p = named(&w, 7, "gone");
	assert_null(p->program);
	assert_false(p->parents_known);
	process_release(w.set, p);
	process_get_stats(w.set, &stats);
	assert_int_equal(stats.followed, 0);
	do_fork(&w, 8, 60, 70); /* of a parent that is gone */
	p = named(&w, 60, "sh");
	assert_false(p->parents_known);
	do_end(&w, 60, 70);
	process_release(w.set, p);
	process_get_stats(w.set, &stats);
	assert_int_equal(stats.followed, 0);
	assert_int_equal(stats.text_bytes, 0);
	process_set_free(w.set);
}

/* Each forks the next and ends: nothing but eight parents is kept alive. */
static void test_a_chain_of_forks_is_bounded(void **state)
{
	struct process_stats stats;
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	do_fork(&w, 50, 1000, 100);
	for (uint32_t i = 1; i < 5000; i++) {
		do_exec(&w, 999 + i, 99 + i, "sh", "0123456789");
		do_fork(&w, 999 + i, 1000 + i, 100 + i);
		do_end(&w, 999 + i, 99 + i);
	}
	p = named(&w, 5999, "sh");
	assert_int_equal(p->parent_count, PROCESS_PARENTS);
	assert_int_equal(p->parent[0]->pid, 5998);
	process_get_stats(w.set, &stats);
	assert_true(stats.followed <= 3);
	assert_true(stats.text_bytes < 500);
	process_set_free(w.set);
}

static void test_full_is_counted(void **state)
{
	struct process_stats stats;
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 3);
	for (uint32_t i = 0; i < 10; i++)
		do_fork(&w, 50, 100 + i, 100 + i);
	process_get_stats(w.set, &stats);
	assert_int_equal(stats.followed, 3);
	assert_true(stats.full > 0);
	p = named(&w, 109, "sh");
	assert_non_null(p);
	assert_null(p->program);
	for (uint32_t i = 0; i < 10; i++)
		do_end(&w, 100 + i, 100 + i);
	process_set_free(w.set);
}

static void test_a_loss_forgets_who_lives(void **state)
{
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	do_fork(&w, 1, 50, 50);
	do_exec(&w, 50, 50, "old", "old");
	p = named(&w, 50, "old");
	process_follow_anew(w.set);
	assert_string_equal(p->program->args, "old");
	p = named(&w, 50, "sshd");
	assert_string_equal(p->program->exe, "/usr/sbin/sshd");
	process_set_free(w.set);
}

/* Whose end is told, and whose number is another's by now, has ended, also where a loss came between. */
static void test_a_loss_forgets_no_end(void **state)
{
	static const struct {
		uint32_t kind; /* of what is told after the loss */
		uint64_t start;
		bool ended;
	} cases[] = {
		{WIRE_PROCESS_EXIT, 50, true},	{WIRE_PROCESS_FORK, 90, true},
		{WIRE_PROCESS_EXEC, 90, true},	{WIRE_PROCESS_EXEC, 50, false},
		{WIRE_PROCESS_NONE, 50, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const struct process *p, *later;
		struct world w;

		begin(&w, 100);
		do_fork(&w, 1, 50, 50);
		p = named(&w, 50, "binder");
		process_follow_anew(w.set);
		later = named(&w, 50, "binder");
		process_follow_anew(w.set);
		assert_false(process_has_ended(p));
		if (cases[i].kind == WIRE_PROCESS_EXIT)
			do_end(&w, 50, cases[i].start);
		if (cases[i].kind == WIRE_PROCESS_FORK)
			do_fork(&w, 1, 50, cases[i].start);
		if (cases[i].kind == WIRE_PROCESS_EXEC)
			do_exec(&w, 50, cases[i].start, "x", "x");
		assert_int_equal(process_has_ended(p), cases[i].ended);
		process_release(w.set, later);
		process_release(w.set, p);
		process_set_free(w.set);
	}
}

static void test_text_is_bounded(void **state)
{
	struct process_stats stats;
	struct world w;

	(void)state;
	begin(&w, 100);
	process_set_bound_text(w.set, 40);
	for (uint32_t pid = 10; pid < 20; pid++)
		do_fork(&w, 1, pid, pid);
	process_get_stats(w.set, &stats);
	assert_true(stats.text_bytes <= 40);
	for (uint32_t pid = 10; pid < 20; pid++)
		do_exec(&w, pid, pid, "sh", "an argument longer than all");
	process_get_stats(w.set, &stats);
	assert_true(stats.text_bytes <= 40);
	assert_true(stats.full > 0);
	process_set_free(w.set);
}

/* Memory that many took is given back once: when few are left. */
static void test_few_of_many_let_go(void **state)
{
	struct world w;

	(void)state;
	begin(&w, 10000);
	assert_false(process_set_rest(w.set));
	for (uint32_t pid = 10; pid < 9000; pid++)
		do_fork(&w, 1, pid, pid);
	assert_false(process_set_rest(w.set));
	for (uint32_t pid = 10; pid < 9000; pid++)
		do_end(&w, pid, pid);
	assert_true(process_set_rest(w.set));
	assert_false(process_set_rest(w.set));
	process_set_free(w.set);
}

static void test_without_arguments(void **state)
{
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	process_set_follow(w.set, read_proc, 100, false);
	do_fork(&w, 50, 60, 70);
	do_exec(&w, 60, 70, "curl", "secret");
	p = named(&w, 60, "curl");
	assert_string_equal(p->program->exe, "/bin/curl");
	assert_null(p->program->args);
	assert_null(p->parent[0]->args);
	process_set_free(w.set);
}

/* Any order of facts, as after losses: nothing leaks, nothing is used after it has gone. */
static void test_random(void **state)
{
	enum { HELD = 64 };
	const struct process *held[HELD] = {NULL};
	struct world w;

	(void)state;
	srandom(2);
	begin(&w, 40);
	for (int i = 0; i < 200000; i++) {
		uint32_t pid = 1 + (uint32_t)random() % 60, parent = 1 + (uint32_t)random() % 60;
		unsigned int at = (unsigned int)random() % HELD;

		switch (random() % 8) {
		case 0: do_fork(&w, parent, pid, (uint64_t)random() % 4); break;
		case 1: do_exec(&w, pid, (uint64_t)random() % 4, "x", "y"); break;
		case 2: do_end(&w, pid, (uint64_t)random() % 4); break;
		case 3: do_rename(&w, pid, random() % 2 ? "a" : "b"); break;
		case 4:
			if (random() % 100 == 0)
				process_follow_anew(w.set);
			break;
		case 5:
			process_release(w.set, held[at]);
			held[at] = process_now(w.set, held[(at + 1) % HELD]);
			break;
		default:
			process_release(w.set, held[at]);
			held[at] = named(&w, pid, random() % 2 ? "a" : "x");
			break;
		}
	}
	for (int i = 0; i < HELD; i++)
		process_release(w.set, held[i]);
	assert_int_equal(process_set_count(w.set), 0);
	process_set_free(w.set);
}

static void test_copies_stand_alone(void **state)
{
	struct process copy;
	const struct process *p;
	struct world w;

	(void)state;
	begin(&w, 100);
	do_fork(&w, 50, 60, 70);
	do_exec(&w, 60, 70, "curl", "x");
	p = named(&w, 60, "curl");
	process_copy(&copy, p);
	process_set_free(w.set);
	assert_string_equal(copy.program->args, "x");
	assert_int_equal(copy.parent_count, 2);
	assert_string_equal(copy.parent[1]->name, "init");
	process_copy_done(&copy);
}

/* ---- titles ---- */

static void check_script(const char *name, const char *exe, const char *args, size_t len,
			 const char *wanted)
{
	const struct program program = {.exe = exe, .args = args, .args_len = (uint32_t)len};
	struct process p = {.program = &program};
	const char *script;

	strcpy(p.name, name);
	script = process_script(&p);
	assert_string_equal(script ? script : "", wanted);
}

#define SCRIPT(name, exe, args, wanted) check_script(name, exe, args, sizeof(args), wanted)

static void test_scripts(void **state)
{
	const struct process bare = {.name = "python3"};

	(void)state;
	SCRIPT("python3", "/usr/bin/python3.11", "python3\0web-app.py\0-p", "web-app.py");
	SCRIPT("python3", NULL, "python3\0-u\0/srv/web-app.py", "web-app.py");
	SCRIPT("python3", NULL, "python3\0-W\0ignore\0a.py", "a.py");
	SCRIPT("python3", NULL, "python3\0-W", "");
	SCRIPT("python3", NULL,
	       "python3\0-m\0http.server\0"
	       "80",
	       "http.server");
	SCRIPT("python3", NULL, "python3\0-m", "");
	SCRIPT("python3", NULL, "python3\0-c\0import x", "");
	SCRIPT("python3", NULL, "python3", "");
	SCRIPT("python3", NULL, "python3\0-", "");
	SCRIPT("java", "/opt/jdk/bin/java", "java\0-Xmx1g\0-jar\0/opt/app.jar", "app.jar");
	SCRIPT("MainThread", "/usr/bin/node", "node\0server.js", "server.js");
	SCRIPT("sh", "/usr/bin/dash", "sh\0-c\0curl x", "");
	SCRIPT("web-app.py", "/usr/bin/python3.11", "/usr/bin/python3\0./web-app.py", "");
	SCRIPT("nginx", "/usr/sbin/nginx", "nginx\0-g\0daemon off;", "");
	SCRIPT("pythonista", NULL, "pythonista\0file", "");
	SCRIPT("python3", NULL, "python3\0/srv/dir/", "");
	check_script("python3", NULL, "", 0, "");
	assert_null(process_script(&bare));
	assert_true(process_may_run_script(&bare));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_short_life_is_whole),
		cmocka_unit_test(test_a_number_used_again_is_another_process),
		cmocka_unit_test(test_exec_changes_who_is_named_later),
		cmocka_unit_test(test_an_older_process_is_read_once),
		cmocka_unit_test(test_parents_are_as_many_whoever_is_read_first),
		cmocka_unit_test(test_what_is_read_too_late_is_unknown),
		cmocka_unit_test(test_the_gone_are_not_kept),
		cmocka_unit_test(test_a_chain_of_forks_is_bounded),
		cmocka_unit_test(test_full_is_counted),
		cmocka_unit_test(test_a_loss_forgets_who_lives),
		cmocka_unit_test(test_a_loss_forgets_no_end),
		cmocka_unit_test(test_text_is_bounded),
		cmocka_unit_test(test_few_of_many_let_go),
		cmocka_unit_test(test_without_arguments),
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_copies_stand_alone),
		cmocka_unit_test(test_scripts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
