// SPDX-License-Identifier: GPL-2.0-only
/* text_detail.c - what stands behind the columns of a row: results, errors, holders, how a life went. */
#include <string.h>

#include "text_private.h"

static const char *state_color(const char *state)
{
	return strcmp(state, "ESTABLISHED") == 0 || strcmp(state, "LISTEN") == 0 ? GREEN : NULL;
}

static void detail_holder(struct line *line, const struct text_writer *t,
			  const struct holder_text *h)
{
	const char *between = "; ";

	if (h->process)
		line_process(line, h->process);
	else
		line_word(line, NULL,
			  h->kernel   ? "the kernel itself"
			  : h->unheld ? "a socket that no process has open,"
				      : "an unknown process");
	if (h->device[0]) {
		line_word(line, NULL, " (");
		line_word(line, NULL, h->device);
		line_word(line, NULL, ")");
	}
	line_word(line, NULL, h->ended && !h->bound_by ? ", ended, " : " ");
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
	if (h->bound_by) {
		line_word(line, NULL, ", bound by ");
		line_process(line, h->bound_by);
		line_word(line, NULL, h->ended ? ", ended" : "");
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
	line_piece(line);
	if (t->holders == 0)
		line_word(line, NULL, "holder not known");
	for (uint64_t i = 0; i < shown; i++) {
		line_word(line, NULL, i ? "; and by " : "held by ");
		detail_holder(line, t, &t->holder[i]);
	}
	if (more > 0) {
		line_word(line, NULL, "; and by ");
		line_number(line, more);
		line_word(line, NULL, " more");
	}
	if (row_has(t, FIELD_AS_OF)) {
		line_word(line, NULL, "; as of ");
		line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_AS_OF].number);
		line_word(line, NULL, " ago");
	}
}

static void detail_range(struct line *line, const struct text_writer *t)
{
	line_piece(line);
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

/* What was in the way of a call, behind its errno. */
static void detail_trouble(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_HOLDERS))
		detail_holders(line, t);
	else if (row_has(t, FIELD_RANGE))
		detail_range(line, t);
	if (row_has(t, FIELD_UNPRIVILEGED_FROM)) {
		line_piece(line);
		line_word(line, NULL, "ports below ");
		line_number(line, t->value[FIELD_UNPRIVILEGED_FROM].number);
		line_word(line, NULL,
			  " need CAP_NET_BIND_SERVICE (net.ipv4.ip_unprivileged_port_start)");
	} else if (row_has(t, FIELD_MISSING)) {
		line_piece(line);
		line_word(line, NULL, "no source address for this destination");
	}
}

/* How often the failure has been repeated since it was told. */
static void detail_repeated(struct line *line, const struct text_writer *t)
{
	uint64_t times = t->value[FIELD_REPEATED].number;

	line_piece(line);
	line_word(line, NULL, "repeated ");
	line_number(line, times);
	line_word(line, NULL, times == 1 ? " time in " : " times in ");
	line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_SINCE].number);
}

static void detail_call(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_ASKED)) {
		line_piece(line);
		line_word(line, NULL, "asked for ");
		line_put(line, NULL, t->asked.text, t->asked.len);
	}
	if (row_has(t, FIELD_ERROR)) {
		detail_trouble(line, t);
		if (row_has(t, FIELD_REPEATED))
			detail_repeated(line, t);
	} else if (row_has(t, FIELD_AUTOBIND) && t->value[FIELD_AUTOBIND].number) {
		line_piece(line);
		line_word(line, NULL, "autobind");
	}
	if (row_has(t, FIELD_LOCAL) && row_has(t, FIELD_PEER) && t->local.len == t->peer.len &&
	    memcmp(t->local.text, t->peer.text, t->local.len) == 0) {
		line_piece(line);
		line_word(line, NULL, "connected to itself");
	}
	if (row_has(t, FIELD_BACKLOG)) {
		line_piece(line);
		line_word(line, NULL, "backlog ");
		line_number(line, t->value[FIELD_BACKLOG].number);
	}
	if (row_has(t, FIELD_LISTENER)) {
		line_piece(line);
		line_word(line, NULL, "listener ");
		line_process(line, t->value[FIELD_LISTENER].process);
	}
}

static void detail_state(struct line *line, const struct text_writer *t)
{
	const char *from = row_has(t, FIELD_FROM) ? t->value[FIELD_FROM].word : "-";
	const char *to = row_has(t, FIELD_TO) ? t->value[FIELD_TO].word : "-";

	line_piece(line);
	line_word(line, NULL, from);
	line_word(line, NULL, " -> ");
	line_word(line, state_color(to), to);
	if (row_has(t, FIELD_SUBSTATE)) {
		line_word(line, NULL, " (");
		line_word(line, NULL, t->value[FIELD_SUBSTATE].word);
		line_word(line, NULL, ")");
	}
	if (row_has(t, FIELD_AFTER_NS)) {
		line_piece(line);
		line_duration(line, t->value[FIELD_AFTER_NS].number);
	}
}

static void piece_number(struct line *line, const struct text_writer *t, enum field field,
			 const char *what)
{
	if (!row_has(t, field))
		return;
	line_piece(line);
	line_word(line, NULL, what);
	line_number(line, t->value[field].number);
}

static void piece_time(struct line *line, const struct text_writer *t, enum field field,
		       const char *what, uint64_t unit_ns)
{
	if (!row_has(t, field))
		return;
	line_piece(line);
	line_word(line, NULL, what);
	line_duration(line, t->value[field].number * unit_ns);
}

/* More of how it ended than the one word of RESULT. */
static void detail_end(struct line *line, const struct text_writer *t)
{
	if (row_has(t, FIELD_END)) {
		line_piece(line);
		line_word(line, NULL, "end unknown, last seen then");
	}
	if (row_has(t, FIELD_HOW)) {
		line_piece(line);
		line_word(line, NULL, t->value[FIELD_HOW].word);
	}
	if (row_has(t, FIELD_ERROR)) {
		line_piece(line);
		line_word(line, RED, t->value[FIELD_ERROR].word);
	}
}

static void detail_close(struct line *line, const struct text_writer *t)
{
	bool sent = row_has(t, FIELD_SENT_BYTES) &&
		    (!row_has(t, FIELD_SYNS) || t->value[FIELD_SENT_BYTES].number);

	detail_end(line, t);
	detail_call(line, t);
	piece_time(line, t, FIELD_DURATION_NS, "", 1);
	piece_number(line, t, FIELD_SYNS, "SYNs ");
	if (sent) {
		piece_number(line, t, FIELD_SENT_BYTES, "sent ");
		line_word(line, NULL, " received ");
		line_number(line, t->value[FIELD_RECEIVED_BYTES].number);
	}
	piece_number(line, t, FIELD_UNACKED_BYTES, "unacknowledged ");
	piece_time(line, t, FIELD_LAST_HEARD_NS, "silent for ", 1);
	piece_time(line, t, FIELD_RTT_US, "rtt ", 1000);
	if (row_has(t, FIELD_RETRANSMITS) && t->value[FIELD_RETRANSMITS].number &&
	    !row_has(t, FIELD_SYNS))
		piece_number(line, t, FIELD_RETRANSMITS, "retransmits ");
	if (row_has(t, FIELD_TIME_WAIT)) {
		line_piece(line);
		line_word(line, NULL,
			  t->value[FIELD_TIME_WAIT].number ? "TIME_WAIT" : "perhaps TIME_WAIT");
	}
}

static void detail_overflow(struct line *line, const struct text_writer *t)
{
	piece_number(line, t, FIELD_RECEIVE, "queue ");
	line_word(line, NULL, " of ");
	line_number(line, t->value[FIELD_BACKLOG].number);
	line_word(line, NULL, ", ");
	line_number(line, t->value[FIELD_DROPPED].number);
	line_word(line, RED, " dropped");
	if (row_has(t, FIELD_SINCE)) {
		line_word(line, NULL, " in ");
		line_duration(line, t->value[FIELD_TIME].number - t->value[FIELD_SINCE].number);
	}
}

static void detail_part_lost(struct line *line, const struct text_writer *t, enum field field,
			     const char *what)
{
	if (!row_has(t, field))
		return;
	line_word(line, NULL, ", ");
	line_number(line, t->value[field].number);
	line_word(line, NULL, what);
}

static void detail_lost(struct line *line, struct text_writer *t)
{
	uint64_t count = t->value[FIELD_COUNT].number;
	uint64_t added = t->value[FIELD_ADDED].number;
	char since[32];
	char digits[20];

	line_put(line, RED, digits, inet_format_number(digits, count));
	if (row_has(t, FIELD_UNSENT)) {
		line_word(line, RED, count == 1 ? " row went" : " rows went");
		line_word(line, NULL, " before a sender had sent it, the oldest of ");
		line_put(line, NULL, since,
			 units_format_clock(since, &t->since_clock, t->value[FIELD_SINCE].number));
		return;
	}
	line_word(line, RED, count == 1 ? " event lost" : " events lost");
	detail_part_lost(line, t, FIELD_WITHHELD, " withheld by the kernel");
	detail_part_lost(line, t, FIELD_SOCKETS, " sockets without room");
	detail_part_lost(line, t, FIELD_PROCESSES, " of processes");
	line_word(line, NULL, " since ");
	line_put(line, NULL, since,
		 units_format_clock(since, &t->since_clock, t->value[FIELD_SINCE].number));
	line_word(line, NULL, "; ");
	line_number(line, added);
	line_word(line, NULL, added == 1 ? " socket found again, " : " sockets found again, ");
	line_number(line, t->value[FIELD_REMOVED].number);
	line_word(line, NULL, " removed");
}

/* Of sockets that are elsewhere. */
static void detail_netns(struct line *line, const struct text_writer *t)
{
	const char *name = t->value[FIELD_NETNS_NAME].word;

	line_piece(line);
	line_word(line, NULL, "netns ");
	if (name)
		line_word(line, NULL, name);
	else
		line_number(line, t->value[FIELD_NETNS].number);
}

void text_detail(struct line *line, struct text_writer *t)
{
	if (row_has(t, FIELD_COUNT))
		detail_lost(line, t);
	else if (row_has(t, FIELD_PHASE))
		detail_overflow(line, t);
	else if (row_has(t, FIELD_REASON) || row_has(t, FIELD_STATE))
		detail_close(line, t);
	else
		detail_call(line, t);
	if (row_has(t, FIELD_FROM) || row_has(t, FIELD_TO))
		detail_state(line, t);
	if (row_has(t, FIELD_NETNS_NAME))
		detail_netns(line, t);
}
