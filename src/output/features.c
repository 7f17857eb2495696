// SPDX-License-Identifier: GPL-2.0-only
#include "features_writer.h"

#include <string.h>

#include "walk.h"

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

static void write_words(struct buffer *out, const char *before, const char *value,
			const char *after)
{
	buffer_print(out, "%s", before);
	buffer_escape_line(out, value, strlen(value));
	buffer_print(out, "%s", after);
}

static void give_text(struct writer *w, enum field field, const char *text)
{
	if (text)
		w->spelling->text(w, field, text, strlen(text));
	else
		w->spelling->absent(w, field);
}

static void walk_host(struct writer *w, const struct features *f)
{
	w->spelling->begin(w);
	w->spelling->word(w, FIELD_EVENT, "host");
	give_text(w, FIELD_VERSION, f->version);
	give_text(w, FIELD_KERNEL, f->kernel);
	give_text(w, FIELD_MACHINE, f->machine);
	w->spelling->word(w, FIELD_TIER, chosen_names[f->tier]);
	give_text(w, FIELD_CGROUP2, f->cgroup_place);
	give_text(w, FIELD_TRACEFS, f->tracefs_place);
	give_text(w, FIELD_BTF, f->btf_place);
	w->spelling->end(w);
}

static void walk_hook(struct writer *w, const struct kernel_hook *h)
{
	w->spelling->begin(w);
	w->spelling->word(w, FIELD_EVENT, "hook");
	give_text(w, FIELD_FACT, h->fact);
	give_text(w, FIELD_HOOK, h->hook);
	w->spelling->word(w, FIELD_TIER, tier_names[h->tier]);
	w->spelling->word(w, FIELD_STATUS, status_names[h->status]);
	give_text(w, FIELD_WHY, h->why);
	give_text(w, FIELD_COVERS, h->covers);
	give_text(w, FIELD_MISSES, h->misses);
	w->spelling->end(w);
}

void features_write_json(struct buffer *out, const struct features *f)
{
	struct writer *w = writer_json_new(&(struct writer_options){0});

	if (!w) {
		out->failed = true;
		return;
	}
	w->out = out;
	walk_host(w, f);
	for (size_t i = 0; i < f->hook_count; i++)
		walk_hook(w, &f->hooks[i]);
	writer_free(w);
}

/* No other row, of either tier, covers the same. */
static bool is_alone(const struct kernel_hook *h)
{
	return strcmp(h->hook, "fentry/inet_twsk_kill") == 0;
}

/* A second copy fares as its program does: else it is told. */
static bool goes_without_saying(const struct kernel_hook *h)
{
	return h->nested && (h->status != HOOK_FAILED || h[h->twin].status != HOOK_ATTACHED);
}

static void write_uncovered(struct buffer *out, const struct features *f)
{
	buffer_print(out, "\nNot covered:\n");
	for (size_t i = 0; i < f->hook_count; i++) {
		const struct kernel_hook *h = &f->hooks[i];

		if (goes_without_saying(h))
			continue;
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

		if (goes_without_saying(h))
			continue;
		buffer_print(out, "%-16s %-28s %-12s %-9s %s", h->fact, h->hook,
			     tier_names[h->tier], status_names[h->status], h->covers);
		if (h->why[0])
			write_words(out, " (", h->why, ")");
		buffer_print(out, "\n");
	}
	write_uncovered(out, f);
}
