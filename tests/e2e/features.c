// SPDX-License-Identifier: GPL-2.0-only
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "features.h"
#include "scenario.h"
#include "tracer.h"

static char text[65536];

static _Noreturn void exec_features(int out)
{
	const char *argv[9] = {tracer_program, "features", "-o", "json"};

	tracer_add_kernel(argv, 4);
	dup2(out, STDOUT_FILENO);
	execv(tracer_program, (char *const *)(uintptr_t)argv);
	_exit(127);
}

static void ask(void)
{
	size_t len = 0;
	ssize_t n = 1;
	int out[2];
	pid_t pid;

	must("pipe", pipe(out));
	pid = fork();
	if (pid == 0)
		exec_features(out[1]);
	close(out[1]);
	while (n > 0 && len < sizeof(text) - 1) {
		n = read(out[0], text + len, sizeof(text) - 1 - len);
		len += n > 0 ? (size_t)n : 0;
	}
	text[len] = '\0';
	close(out[0]);
	waitpid(pid, NULL, 0);
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
