// SPDX-License-Identifier: GPL-2.0-only
/* features.c - `sockwatch features`: the hook table as it was chosen on this kernel. */
#include "commands.h"
#include "log.h"
#include "writer.h"

#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#define STRING_MAX 4096 /* a path */

static const char *const tier_names[] = {
	[TIER_BOTH] = "both",
	[TIER_TRAMPOLINES] = "trampolines",
	[TIER_TRACEPOINTS] = "tracepoints",
};

/* "mixed": each fact as well as it can be had. */
static const char *const chosen_names[] = {
	[TIER_BOTH] = "mixed",
	[TIER_TRAMPOLINES] = "trampolines",
	[TIER_TRACEPOINTS] = "tracepoints",
};

static const char *const status_names[] = {
	[HOOK_ATTACHED] = "attached",
	[HOOK_UNUSED] = "unused",
	[HOOK_FAILED] = "failed",
	[HOOK_REPLACED] = "replaced",
};

static void print_string(const char *key, const char *value, const char *end)
{
	char escaped[6 * STRING_MAX];
	size_t len = json_escape(escaped, value, strnlen(value, STRING_MAX));

	printf("\"%s\":\"%.*s\"%s", key, (int)len, escaped, end);
}

static void print_words(const char *before, const char *value, const char *after)
{
	char escaped[4 * STRING_MAX];
	size_t len = line_escape(escaped, value, strnlen(value, STRING_MAX));

	printf("%s%.*s%s", before, (int)len, escaped, after);
}

static void print_place(const char *key, const char *place, const char *end)
{
	if (place)
		print_string(key, place, end);
	else
		printf("\"%s\":null%s", key, end);
}

static void print_json(const struct kernel *k, const struct utsname *host)
{
	size_t count;
	const struct kernel_hook *hooks = kernel_hooks(k, &count);

	printf("{");
	print_string("event", "host", ",");
	print_string("version", SOCKWATCH_VERSION, ",");
	print_string("kernel", host->release, ",");
	print_string("machine", host->machine, ",");
	print_string("tier", chosen_names[kernel_tier_chosen(k)], ",");
	print_place("cgroup2", kernel_cgroup_place(k), ",");
	print_place("tracefs", kernel_tracefs_place(k), ",");
	print_string("btf", kernel_btf_place(k), "}\n");
	for (size_t i = 0; i < count; i++) {
		printf("{");
		print_string("event", "hook", ",");
		print_string("fact", hooks[i].fact, ",");
		print_string("hook", hooks[i].hook, ",");
		print_string("tier", tier_names[hooks[i].tier], ",");
		print_string("status", status_names[hooks[i].status], ",");
		print_string("why", hooks[i].why, ",");
		print_string("covers", hooks[i].covers, ",");
		print_string("misses", hooks[i].misses, "}\n");
	}
}

/* No other row, of either tier, covers the same. */
static bool is_alone(const struct kernel_hook *h)
{
	return strcmp(h->hook, "fentry/inet_twsk_kill") == 0;
}

static void print_text(const struct kernel *k, const struct utsname *host)
{
	const char *cgroup = kernel_cgroup_place(k), *tracefs = kernel_tracefs_place(k);
	size_t count;
	const struct kernel_hook *hooks = kernel_hooks(k, &count);

	printf("sockwatch %s on Linux %s %s, tier: %s\n", SOCKWATCH_VERSION, host->release,
	       host->machine, chosen_names[kernel_tier_chosen(k)]);
	print_words("cgroup2: ", cgroup ? cgroup : "none", "; ");
	print_words("tracefs: ", tracefs ? tracefs : "none", "; ");
	print_words("BTF: ", kernel_btf_place(k), "\n\n");
	printf("%-16s %-28s %-12s %-9s %s\n", "FACT", "HOOK", "TIER", "STATUS", "COVERS");
	for (size_t i = 0; i < count; i++) {
		const struct kernel_hook *h = &hooks[i];

		printf("%-16s %-28s %-12s %-9s %s", h->fact, h->hook, tier_names[h->tier],
		       status_names[h->status], h->covers);
		if (h->why[0])
			print_words(" (", h->why, ")");
		printf("\n");
	}
	printf("\nNot covered:\n");
	for (size_t i = 0; i < count; i++) {
		const struct kernel_hook *h = &hooks[i];

		/* The IPv6 row misses what the IPv4 row above it misses. */
		if (i > 0 && strcmp(h->misses, hooks[i - 1].misses) == 0 && !h->why[0])
			continue;
		if (h->status == HOOK_ATTACHED && h->misses[0]) {
			printf("  %-9s %s\n", h->fact, h->misses);
		} else if (h->status == HOOK_FAILED) {
			printf("  %-9s %s", h->fact, h->covers);
			print_words(": ", h->why, "\n");
		} else if (h->status != HOOK_ATTACHED && is_alone(h)) {
			printf("  %-9s %s\n", h->fact, h->covers);
		}
	}
	printf("  %-9s raw and SCTP sockets\n", "protocols");
}

int command_features(const struct options *options)
{
	struct kernel_error error = {""};
	struct kernel *k;
	struct utsname host;
	int code = command_open_kernel(options, &k);

	if (code)
		return code;
	if (kernel_attach(k, &error) < 0) {
		log_error("%s", error.text);
		code = 1;
	}
	uname(&host);
	if (options->format == FORMAT_JSON)
		print_json(k, &host);
	else
		print_text(k, &host);
	kernel_close(k);
	if (fflush(stdout) != 0) {
		log_error("cannot write to stdout");
		code = 1;
	}
	return code;
}
