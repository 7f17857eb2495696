// SPDX-License-Identifier: GPL-2.0-only
#include "text_private.h"

#include <string.h>

/* What stands behind a word of the list "why"; NULL for what the line says already. */
static const char *why_text(const char *word)
{
	static const struct {
		const char *word, *text;
	} texts[] = {
		{"wildcard", "one of the two has the wildcard address"},
		{"dual-stack", "the IPv6 wildcard takes IPv4 too"},
		{"outgoing", "an outgoing connection took the port"},
		{"reuseaddr-missing-here", "SO_REUSEADDR missing here"},
		{"reuseaddr-missing-there", "SO_REUSEADDR missing there"},
		{"reuseport-missing-here", "SO_REUSEPORT missing here"},
		{"reuseport-missing-there", "SO_REUSEPORT missing there"},
		{"reuseport-other-user", "SO_REUSEPORT of another user"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(word, texts[i].word) == 0)
			return texts[i].text;
	}
	return NULL;
}

static void detail_holder(struct line *line, const struct text_writer *t,
			  const struct holder_text *h)
{
	const char *between = "; ";

	if (h->process)
		line_process(line, h->process);
	else
		line_word(line, NULL, "an unknown process");
	line_word(line, NULL, " ");
	line_put(line, NULL, h->local.text, h->local.len);
	if (h->peer.len) {
		line_word(line, NULL, "->");
		line_put(line, NULL, h->peer.text, h->peer.len);
	}
	if (h->state) {
		line_word(line, NULL, " ");
		line_word(line, NULL, strcmp(h->state, "CLOSE") == 0 ? "bound" : h->state);
	}
	if (h->since_ns) {
		line_word(line, NULL, ", ");
		line_duration(line, t->value[FIELD_TIME].number - h->since_ns);
	}
	for (unsigned int i = 0; i < h->why_count; i++) {
		const char *text = why_text(h->why[i]);

		if (!text)
			continue;
		line_word(line, NULL, between);
		line_word(line, NULL, text);
		between = ", ";
	}
}

static void detail_holders(struct line *line, const struct text_writer *t)
{
	uint64_t shown = t->holders < MAX_HOLDERS ? t->holders : MAX_HOLDERS;
	uint64_t more = t->holders - shown;

	more += row_has(t, FIELD_MORE) ? t->value[FIELD_MORE].number : 0;
	if (t->holders == 0) {
		line_word(line, NULL, ": holder not known");
		return;
	}
	for (uint64_t i = 0; i < shown; i++) {
		line_word(line, NULL, i ? "; and by " : ": held by ");
		detail_holder(line, t, &t->holder[i]);
	}
	if (more > 0) {
		line_word(line, NULL, "; and by ");
		line_number(line, more);
		line_word(line, NULL, " more");
	}
}

static void detail_range(struct line *line, const struct text_writer *t)
{
	line_word(line, NULL, ": ");
	line_number(line, t->value[FIELD_USED].number);
	line_word(line, NULL, " of ports ");
	line_number(line, t->value[FIELD_LOW].number);
	line_word(line, NULL, "-");
	line_number(line, t->value[FIELD_HIGH].number);
	line_word(line, NULL, " in use");
	if (t->value[FIELD_RESERVED].number) {
		line_word(line, NULL, ", ");
		line_number(line, t->value[FIELD_RESERVED].number);
		line_word(line, NULL, " reserved");
	}
}

void detail_trouble(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_HOLDERS))
		detail_holders(line, t);
	else if (row_has(t, FIELD_RANGE))
		detail_range(line, t);
	if (row_has(t, FIELD_UNPRIVILEGED_FROM)) {
		line_word(line, NULL, ": ports below ");
		line_number(line, t->value[FIELD_UNPRIVILEGED_FROM].number);
		line_word(line, NULL,
			  " need CAP_NET_BIND_SERVICE (net.ipv4.ip_unprivileged_port_start)");
	}
}

void detail_repeated(struct line *line, const struct text_writer *t)
{
	uint64_t times = t->value[FIELD_REPEATED].number;

	line_word(line, NULL, " (repeated ");
	line_number(line, times);
	line_word(line, NULL, times == 1 ? " time" : " times");
	line_word(line, NULL, " in ");
	line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_SINCE].number);
	line_word(line, NULL, ")");
}
