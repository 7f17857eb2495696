// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_table.c - the socket table, story by story.
 *
 * The stories are in tests/stories; story.h tells how to read them.  `== NAME` begins one, `== NAME max=2
 * processes=1` one with a small table, `== NAME unseen=1` one in which that many ends are not told.  Each must come out as it is written, event by event, and leave no
 * reference to a process behind.  UPDATE_GOLDEN=1 writes what came out instead: read the difference.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "story.h"

#define STORIES	    "tests/stories"
#define MAX_STORIES 256

struct told {
	char name[160];
	size_t max, max_processes;
	long unseen;	   /* ends not told, -1: the story does not say */
	char *head, *text; /* inside the file's text; the head is the line that names the story */
	char *told;	   /* what came out */
};

struct file {
	char path[sizeof(STORIES) + 256];
	char *preface; /* what stands above the first story */
	char *text;
	size_t first, count; /* its stories */
};

static struct told stories[MAX_STORIES];
static size_t story_count;
static struct file files[16];
static size_t file_count;

static void show(const char *mark, const char *text)
{
	fprintf(stderr, "---- %s\n%s", mark, text);
}

static void test_story(void **state)
{
	struct told *t = *state;
	char *copy = strdup(t->text), *rest = copy, *line;
	struct story s;
	struct table_stats stats;
	const char *complaint;
	bool same, clean;

	story_init(&s, t->max, t->max_processes);
	while ((line = strsep(&rest, "\n"))) {
		if (line[0])
			story_tell(&s, line);
	}
	table_release(s.table, UINT64_MAX);
	table_get_stats(s.table, &stats);
	free(copy);
	t->told = strdup(s.out);
	same = strcmp(t->told, t->text) == 0;
	complaint = s.complaint;
	clean = story_done(&s);
	if (!same && !getenv("UPDATE_GOLDEN")) {
		show("the story", t->text);
		show("what the table told", t->told);
		assert_true(same);
	}
	if (complaint)
		fail_msg("%s", complaint);
	if (t->unseen >= 0 && stats.unseen != (uint64_t)t->unseen)
		fail_msg("%llu ends were not told", (unsigned long long)stats.unseen);
	if (!clean)
		fail_msg("a reference to a process is left");
}

static char *read_text(const char *path)
{
	FILE *file = fopen(path, "r");
	char *text = calloc(1, 1 << 20);

	if (!file || !text || fread(text, 1, (1 << 20) - 1, file) == 0) {
		fprintf(stderr, "%s: %s\n", path, strerror(errno));
		exit(1);
	}
	fclose(file);
	return text;
}

/* Parts the text at the lines that name stories, which loses a blank line above each. */
static void add_file(const char *name)
{
	struct file *f = &files[file_count++];
	char *at;

	snprintf(f->path, sizeof(f->path), STORIES "/%s", name);
	f->text = read_text(f->path);
	f->preface = f->text;
	f->first = story_count;
	for (at = strstr(f->text, "\n== "); at; at = strstr(at, "\n== ")) {
		struct told *t = &stories[story_count++];
		char *end;

		*at = '\0';
		t->head = at + 1;
		at = strchr(t->head, '\n');
		*at++ = '\0';
		t->text = at;
		t->max = t->max_processes = 1000;
		t->unseen = -1;
		snprintf(t->name, sizeof(t->name), "%s", t->head + 3);
		end = strstr(t->name, " max=");
		if (end) {
			*end = '\0';
			sscanf(end + 1, "max=%zu processes=%zu", &t->max, &t->max_processes);
		}
		end = strstr(t->name, " unseen=");
		if (end) {
			*end = '\0';
			sscanf(end + 1, "unseen=%ld", &t->unseen);
		}
		f->count++;
	}
}

static void write_file(const struct file *f)
{
	FILE *file = fopen(f->path, "w");

	if (!file)
		return;
	fprintf(file, "%s", f->preface);
	for (size_t i = f->first; i < f->first + f->count; i++)
		fprintf(file, "\n%s\n%s", stories[i].head,
			stories[i].told ? stories[i].told : stories[i].text);
	fclose(file);
}

static int is_story(const struct dirent *d)
{
	const char *dot = strrchr(d->d_name, '.');

	return dot && strcmp(dot, ".story") == 0;
}

int main(void)
{
	static struct CMUnitTest tests[MAX_STORIES];
	struct dirent **names;
	int n = scandir(STORIES, &names, is_story, alphasort), failed;

	for (int i = 0; i < n; i++) {
		add_file(names[i]->d_name);
		free(names[i]);
	}
	if (n > 0)
		free(names);
	for (size_t i = 0; i < story_count; i++)
		tests[i] =
			(struct CMUnitTest){stories[i].name, test_story, NULL, NULL, &stories[i]};
	failed = _cmocka_run_group_tests("table", tests, story_count, NULL, NULL);
	for (size_t i = 0; i < file_count; i++) {
		if (getenv("UPDATE_GOLDEN"))
			write_file(&files[i]);
		free(files[i].text);
	}
	for (size_t i = 0; i < story_count; i++)
		free(stories[i].told);
	return failed;
}
