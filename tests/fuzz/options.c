// SPDX-License-Identifier: GPL-2.0-only
/* options.c - any command line: words that NULs end.  What is said of it is one line that a terminal may show. */
#include <fcntl.h>
#include <sanitizer/common_interface_defs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../../src/cli/options.h"
#include "fuzz.h"

#define MAX_WORDS 24
#define MAX_LINE  (1 << 16)

static int said = -1, stdout_copy, stderr_copy;

/* A file, which outlives the process: some sanitizers know only stderr to complain on. */
static void begin(void)
{
	char path[256];

	if (said < 0) {
		snprintf(path, sizeof(path), "%s/said",
			 getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
		said = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		stdout_copy = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 100);
		stderr_copy = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 100);
		__sanitizer_set_report_fd((void *)(intptr_t)stderr_copy);
	}
	MUST(said >= 0 && ftruncate(said, 0) == 0 && lseek(said, 0, SEEK_SET) == 0);
	fflush(stdout);
	fflush(stderr);
	dup2(said, STDOUT_FILENO);
	dup2(said, STDERR_FILENO);
}

static void end(int code)
{
	static char text[MAX_LINE];
	ssize_t len;
	size_t lines = 0;

	fflush(stdout);
	fflush(stderr);
	dup2(stdout_copy, STDOUT_FILENO);
	dup2(stderr_copy, STDERR_FILENO);
	len = pread(said, text, sizeof(text), 0);
	MUST(len >= 0 && len < MAX_LINE);
	for (ssize_t i = 0; i < len; i++)
		lines += text[i] == '\n';
	must_be_text(text, (size_t)len, lines, false);
	if (code == OPTIONS_RUN)
		MUST(lines == 0);
	else if (code == 2)
		MUST(lines == 1 && memcmp(text, "sockwatch: ", 11) == 0);
	else
		MUST(code == 0 && lines > 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};
	char *argv[MAX_WORDS + 2] = {strdup("sockwatch")}, *owned[MAX_WORDS + 2];
	struct options options;
	int argc = 1, code;

	while (in.left && argc <= MAX_WORDS) {
		argv[argc++] = input_string(&in, strnlen((const char *)in.at, in.left));
		input_8(&in);
	}
	memcpy(owned, argv, sizeof(argv)); /* words of the line are replaced: "version" by "--version" */
	begin();
	code = options_parse(argc, argv, &options);
	end(code);
	if (code == OPTIONS_RUN) {
		MUST(options.keep_files > 0 && options.ring_bytes >= 1 << 20);
		options_done(&options);
	}
	for (int i = 0; i < argc; i++)
		free(owned[i]);
	return 0;
}
