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

static void detail_holders(struct line *line, const struct text_writer *t)
{
	uint64_t more = t->holders - 1 + (row_has(t, FIELD_MORE) ? t->value[FIELD_MORE].number : 0);
	const char *between = "; ";

	if (t->holders == 0) {
		line_word(line, NULL, ": holder not known");
		return;
	}
	line_word(line, NULL, ": held by ");
	if (row_has(t, FIELD_HOLDER_PROCESS))
		line_process(line, t->value[FIELD_HOLDER_PROCESS].process);
	else
		line_word(line, NULL, "an unknown process");
	line_word(line, NULL, " ");
	line_put(line, NULL, t->holder[0].text, t->holder[0].len);
	if (row_has(t, FIELD_HOLDER_PEER)) {
		line_word(line, NULL, "->");
		line_put(line, NULL, t->holder[1].text, t->holder[1].len);
	}
	if (row_has(t, FIELD_HOLDER_STATE)) {
		const char *state = t->value[FIELD_HOLDER_STATE].word;

		line_word(line, NULL, " ");
		line_word(line, NULL, strcmp(state, "CLOSE") == 0 ? "bound" : state);
	}
	if (row_has(t, FIELD_HOLDER_SINCE)) {
		line_word(line, NULL, ", ");
		line_duration(line,
			      t->value[FIELD_TIME].number - t->value[FIELD_HOLDER_SINCE].number);
	}
	if (more > 0) {
		line_word(line, NULL, ", and ");
		line_number(line, more);
		line_word(line, NULL, " more");
	}
	for (unsigned int i = 0; i < t->why_count; i++) {
		const char *text = why_text(t->why[i]);

		if (!text)
			continue;
		line_word(line, NULL, between);
		line_word(line, NULL, text);
		between = ", ";
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
