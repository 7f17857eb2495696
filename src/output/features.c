// SPDX-License-Identifier: GPL-2.0-only
#include "features_writer.h"

#include <string.h>

#include "line.h"
#include "walk.h"

#define INDENT 4

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

const char *features_tier_name(enum kernel_tier tier)
{
	return tier_names[tier];
}

const char *features_status_name(enum hook_status status)
{
	return status_names[status];
}

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

static void write_row(struct buffer *out, struct layout *layout, const struct kernel_hook *h)
{
	struct line line = {.out = out, .layout = layout};

	line_cell_word(&line, NULL, h->fact);
	line_cell_word(&line, NULL, h->hook);
	line_cell_word(&line, NULL, tier_names[h->tier]);
	line_cell_word(&line, NULL, status_names[h->status]);
	line_word(&line, NULL, h->covers);
	if (h->why[0])
		write_words(out, " (", h->why, ")");
	buffer_append(out, "\n", 1);
}

static void write_hooks(struct buffer *out, const struct features *f)
{
	static const struct layout_column columns[] = {
		LAYOUT_LEFT("FACT", 0), LAYOUT_LEFT("HOOK", 0), LAYOUT_LEFT("TIER", 0),
		LAYOUT_LEFT("STATUS", 0), LAYOUT_LEFT("COVERS", 0)};
	struct layout layout;
	struct line head = {.out = out, .layout = &layout};
	size_t start = out->len;

	layout_init(&layout, LAYOUT_OF(columns), 0);
	/* Twice: columns are as wide as what is in them. */
	for (int turn = 0; turn < 2; turn++) {
		out->len = start;
		head.cell = head.spaces = 0;
		line_header(&head, SIZE_MAX, NULL);
		buffer_append(out, "\n", 1);
		for (size_t i = 0; i < f->hook_count; i++) {
			if (!goes_without_saying(&f->hooks[i]))
				write_row(out, &layout, &f->hooks[i]);
		}
	}
}

void features_write_text(struct buffer *out, const struct features *f)
{
	size_t start = out->len;

	buffer_print(out, "sockwatch %s on Linux %s %s, tier: %s\n", f->version, f->kernel,
		     f->machine, chosen_names[f->tier]);
	write_words(out, "cgroup2: ", f->cgroup_place ? f->cgroup_place : "none", "; ");
	write_words(out, "tracefs: ", f->tracefs_place ? f->tracefs_place : "none", "; ");
	write_words(out, "BTF: ", f->btf_place, "\n\n");
	write_hooks(out, f);
	write_uncovered(out, f);
	layout_fold(out, start, f->columns, INDENT);
}
