// SPDX-License-Identifier: GPL-2.0-only
/* title.c - what a process is called on one line: "python3 web-app.py" rather than one of three "python3". */
#include <string.h>

#include "process.h"

/* Their arguments say what they do.  A version may follow: python3.11, ruby2.7, php8.2. */
static const char *const interpreters[] = {
	"python", "pypy",   "perl", "ruby",  "node",	"nodejs", "php",    "java",
	"lua",	  "luajit", "deno", "bun",   "bash",	"sh",	  "dash",   "ash",
	"zsh",	  "ksh",    "fish", "tclsh", "Rscript", "mono",	  "dotnet",
};

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static bool is_interpreter(const char *name)
{
	for (size_t i = 0; i < sizeof(interpreters) / sizeof(interpreters[0]); i++) {
		size_t len = strlen(interpreters[i]);

		if (!strncmp(name, interpreters[i], len) &&
		    strspn(name + len, "0123456789.") == strlen(name + len))
			return true;
	}
	return false;
}

/* The argument behind `arg`, NULL where there is none: each is ended by a NUL, but for the last where it is cut. */
static const char *next_of(const struct program *program, const char *arg)
{
	const char *end = program->args + program->args_len;
	const char *nul = memchr(arg, '\0', (size_t)(end - arg));

	return nul && nul + 1 < end ? nul + 1 : NULL;
}

/* What is run: "-m http.server", "-jar app.jar", "/srv/web-app.py".  NULL: nothing that has a name. */
static const char *script_of(const struct program *program)
{
	const char *arg = next_of(program, program->args);

	for (; arg && *arg == '-'; arg = next_of(program, arg)) {
		if (!strcmp(arg, "-m") || !strcmp(arg, "-jar"))
			return next_of(program, arg);
		if (!strcmp(arg, "-c") || !strcmp(arg, "-e") || !strcmp(arg, "-"))
			return NULL;
		/* Options of interpreters that take a value of their own. */
		if (!strcmp(arg, "-W") || !strcmp(arg, "-X") || !strcmp(arg, "-r") ||
		    !strcmp(arg, "-cp") || !strcmp(arg, "-classpath"))
			arg = next_of(program, arg);
		if (!arg)
			return NULL;
	}
	return arg;
}

const char *process_script(const struct process *p)
{
	const struct program *program = p->program;
	const char *script = NULL;

	if (!program || !program->args || !program->args_len)
		return NULL;
	if (is_interpreter(p->name) || (program->exe && is_interpreter(last_part(program->exe))))
		script = script_of(program);
	script = script ? last_part(script) : NULL;
	/* A script that was run by its own name is called so already. */
	return script && *script && strncmp(script, p->name, PROCESS_NAME_SIZE - 1) != 0 ? script
											 : NULL;
}

bool process_may_run_script(const struct process *p)
{
	/* Node calls the first thread so. */
	return is_interpreter(p->name) || !strcmp(p->name, "MainThread") ||
	       !strcmp(p->name, "node-MainThread");
}
