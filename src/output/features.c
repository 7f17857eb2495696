// SPDX-License-Identifier: GPL-2.0-only
#include "features_writer.h"

#include <string.h>

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

static void write_string(struct buffer *out, const char *key, const char *value, const char *end)
{
	size_t len = strlen(value);
	char *p;

	buffer_print(out, "\"%s\":\"", key);
	p = buffer_reserve(out, 6 * len);
	if (p)
		out->len += json_escape(p, value, len);
	buffer_print(out, "\"%s", end);
}

static void write_words(struct buffer *out, const char *before, const char *value,
			const char *after)
{
	buffer_print(out, "%s", before);
	buffer_escape_line(out, value, strlen(value));
	buffer_print(out, "%s", after);
}

static void write_place(struct buffer *out, const char *key, const char *place)
{
	if (place)
		write_string(out, key, place, ",");
	else
		buffer_print(out, "\"%s\":null,", key);
}

void features_write_json(struct buffer *out, const struct features *f)
{
	buffer_print(out, "{");
	write_string(out, "event", "host", ",");
	write_string(out, "version", f->version, ",");
	write_string(out, "kernel", f->kernel, ",");
	write_string(out, "machine", f->machine, ",");
	write_string(out, "tier", chosen_names[f->tier], ",");
	write_place(out, "cgroup2", f->cgroup_place);
	write_place(out, "tracefs", f->tracefs_place);
	write_string(out, "btf", f->btf_place, "}\n");
	for (size_t i = 0; i < f->hook_count; i++) {
		const struct kernel_hook *h = &f->hooks[i];

		buffer_print(out, "{");
		write_string(out, "event", "hook", ",");
		write_string(out, "fact", h->fact, ",");
		write_string(out, "hook", h->hook, ",");
		write_string(out, "tier", tier_names[h->tier], ",");
		write_string(out, "status", status_names[h->status], ",");
		write_string(out, "why", h->why, ",");
		write_string(out, "covers", h->covers, ",");
		write_string(out, "misses", h->misses, "}\n");
	}
}

/* No other row, of either tier, covers the same. */
static bool is_alone(const struct kernel_hook *h)
{
	return strcmp(h->hook, "fentry/inet_twsk_kill") == 0;
}

static void write_uncovered(struct buffer *out, const struct features *f)
{
	buffer_print(out, "\nNot covered:\n");
	for (size_t i = 0; i < f->hook_count; i++) {
		const struct kernel_hook *h = &f->hooks[i];

		/* The IPv6 row misses what the IPv4 row above it misses. */
		if (i > 0 && strcmp(h->misses, f->hooks[i - 1].misses) == 0 && !h->why[0])
			continue;
		if (h->status == HOOK_ATTACHED && h->misses[0]) {
			buffer_print(out, "  %-9s %s\n", h->fact, h->misses);
		} else if (h->status == HOOK_FAILED) {
			buffer_print(out, "  %-9s %s", h->fact, h->covers);
			write_words(out, ": ", h->why, "\n");
		} else if (h->status != HOOK_ATTACHED && is_alone(h)) {
			buffer_print(out, "  %-9s %s\n", h->fact, h->covers);
		}
	}
	buffer_print(out, "  %-9s raw and SCTP sockets\n", "protocols");
}

void features_write_text(struct buffer *out, const struct features *f)
{
	buffer_print(out, "sockwatch %s on Linux %s %s, tier: %s\n", f->version, f->kernel,
		     f->machine, chosen_names[f->tier]);
	write_words(out, "cgroup2: ", f->cgroup_place ? f->cgroup_place : "none", "; ");
	write_words(out, "tracefs: ", f->tracefs_place ? f->tracefs_place : "none", "; ");
	write_words(out, "BTF: ", f->btf_place, "\n\n");
	buffer_print(out, "%-16s %-28s %-12s %-9s %s\n", "FACT", "HOOK", "TIER", "STATUS",
		     "COVERS");
	for (size_t i = 0; i < f->hook_count; i++) {
		const struct kernel_hook *h = &f->hooks[i];

		buffer_print(out, "%-16s %-28s %-12s %-9s %s", h->fact, h->hook,
			     tier_names[h->tier], status_names[h->status], h->covers);
		if (h->why[0])
			write_words(out, " (", h->why, ")");
		buffer_print(out, "\n");
	}
	write_uncovered(out, f);
}
