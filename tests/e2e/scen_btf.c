// SPDX-License-Identifier: GPL-2.0-only
/* What is said where the kernel carries no BTF, and of a file that is none. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"
#include "scenario.h"

#define NO_NAMESPACE 99 /* exit codes of the child, which are not the program's */
#define NO_HIDING    98

/* The kernel's own BTF and every place where a file is looked for, in a mount namespace that ends with the program. */
static void hide_btf(void)
{
	static const char *const places[] = {"/boot", "/lib/modules", "/usr/lib/modules",
					     "/usr/lib/debug"};

	if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		_exit(NO_NAMESPACE);
	if (mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL) < 0)
		_exit(NO_HIDING);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		if (mount("none", places[i], "tmpfs", 0, NULL) < 0 && errno != ENOENT)
			_exit(NO_HIDING);
	}
}

/* Runs `command` there; what it says on its standard error must be one line with `part` in it, and no guess what to trace. */
static void refuses(const char *command, const char *file, int code, const char *part)
{
	const char *argv[7] = {tracer_program, command};
	int count = 2;
	char said[1024] = "";
	size_t len = 0;
	int pipes[2], status;
	const char *newline;
	ssize_t n;
	pid_t pid;

	if (strcmp(command, "trace") == 0) {
		argv[count++] = "--for"; /* should it trace after all */
		argv[count++] = "1s";
	}
	if (file) {
		argv[count++] = "--btf";
		argv[count] = file;
	}
	must("pipe", pipe2(pipes, O_CLOEXEC) < 0 ? -errno : 0);
	pid = (pid_t)must("fork", fork());
	if (!pid) {
		hide_btf();
		dup2(pipes[1], STDERR_FILENO);
		execv(tracer_program, (char *const *)(uintptr_t)argv);
		_exit(127);
	}
	close(pipes[1]);
	while (len < sizeof(said) - 1 &&
	       (n = read(pipes[0], said + len, sizeof(said) - 1 - len)) > 0)
		len += (size_t)n;
	close(pipes[0]);
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status))
		scenario_fail("%s did not exit: %#x", command, (unsigned int)status);
	if (WEXITSTATUS(status) == NO_NAMESPACE)
		scenario_skip("no mount namespaces here");
	if (WEXITSTATUS(status) == NO_HIDING)
		scenario_skip("/sys/kernel/btf cannot be hidden");
	newline = strchr(said, '\n');
	if (WEXITSTATUS(status) != code || !newline || newline[1] || !strstr(said, part))
		scenario_fail("%s ended with %d, must be %d; it said: %s", command,
			      WEXITSTATUS(status), code, said);
}

static void none_given(void)
{
	refuses("trace", NULL, 1, "carries no BTF");
	refuses("trace", NULL, 1, "--btf FILE");
	refuses("ephemeral", NULL, 1, "--btf FILE");
	refuses("features", NULL, 1, "--btf FILE");
}

static void wrong_given(void)
{
	refuses("trace", "/proc/self/status", 2, "no BTF");
	refuses("trace", "/proc/self/exe", 2, "ELF file without BTF");
	refuses("trace", "/no/such/file", 2, "No such file");
	refuses("ls", "/proc/self/status", 2, "no BTF");
}

const struct scenario btf_scenarios[] = {
	{"btf-none-given", none_given},
	{"btf-wrong-given", wrong_given},
	{0},
};
