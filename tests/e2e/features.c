// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "features.h"
#include "scenario.h"
#include "tracer.h"

static char answer[65536];
static char answer_hooks[80];	  /* what it is about; empty before the first answer */
static char text[sizeof(answer)]; /* a copy that a question takes apart */

static _Noreturn void exec_features(int out)
{
	const char *argv[9] = {tracer_program, "features", "-o", "json"};

	tracer_add_kernel(argv, 4);
	dup2(out, STDOUT_FILENO);
	execv(tracer_program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void run_features(const char *hooks)
{
	size_t len = 0;
	ssize_t n = 1;
	int out[2], status = -1;
	pid_t pid;

	must("pipe", pipe(out));
	pid = fork();
	if (pid == 0)
		exec_features(out[1]);
	close(out[1]);
	while (n > 0 && len < sizeof(answer) - 1) {
		n = read(out[0], answer + len, sizeof(answer) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	answer[len] = '\0';
	close(out[0]);
	waitpid(pid, &status, 0);
	snprintf(answer_hooks, sizeof(answer_hooks), "%s", status == 0 ? hooks : "");
}

/* Each run loads every program, which takes seconds in emulation, and says the same while the hooks are the same. */
static void ask(void)
{
	const char *hooks = tracer_hooks ? tracer_hooks : "auto";

	if (strcmp(answer_hooks, hooks) != 0)
		run_features(hooks);
	memcpy(text, answer, sizeof(text));
}

/* The next line of the answer that has `words`; NULL when none has. */
static char *line_with(char **at, const char *words)
{
	char *line;

	while ((line = *at) && *line) {
		char *end = strchr(line, '\n');

		*at = end ? end + 1 : NULL;
		if (end)
			*end = '\0';
		if (strstr(line, words))
			return line;
	}
	return NULL;
}

bool features_attached(const char *hook)
{
	char words[96], *at = text, *line;

	ask();
	snprintf(words, sizeof(words), "\"hook\":\"%s\"", hook);
	line = line_with(&at, words);
	if (!line)
		scenario_fail("features does not list the hook %s", hook);
	return strstr(line, "\"status\":\"attached\"") != NULL;
}

bool features_miss(const char *words)
{
	char *at = text, *line;

	ask();
	while ((line = line_with(&at, "\"status\":\"attached\""))) {
		const char *misses = strstr(line, "\"misses\":");

		if (misses && strstr(misses, words))
			return true;
	}
	return false;
}

size_t features_trampolines(char ret[FEATURES_HOOKS][64])
{
	char *at = text, *line;
	size_t count = 0;

	ask();
	while ((line = line_with(&at, "\"tier\":\"trampolines\",\"status\":\"attached\""))) {
		const char *hook = strstr(line, "\"hook\":\"");
		bool known = false;

		if (!hook || sscanf(hook, "\"hook\":\"%63[^\"]", ret[count]) != 1)
			continue;
		for (size_t i = 0; i < count; i++)
			known |= strcmp(ret[i], ret[count]) == 0;
		count += !known;
		if (count == FEATURES_HOOKS)
			break;
	}
	return count;
}
