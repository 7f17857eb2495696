// SPDX-License-Identifier: GPL-2.0-only
/* budget_text.c - the report, in the order in which somebody who runs out of ports asks. */
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "budget_map.h"
#include "line.h"
#include "title.h"
#include "units.h"
#include "walk_budget.h"

#define MAX_ROWS 20 /* of a table; JSON has them all */
#define INDENT	 6
#define TIGHT	 80 /* percent in use from which advice is given */

union cell {
	uint64_t number;
	double decimal;
	const char *word;
	const struct process *process;
	struct place place;
	const uint64_t *states;
	bool flag;
};

/* The walk fills cells, which have an order of their own in the text. */
struct text {
	struct writer cells;
	bool has[FIELDS];
	union cell cell[FIELDS];
	struct budget_fields fields; /* lead to cells */
	struct buffer *out;
	struct layout rows_layout, processes_layout;
	size_t shown, quiet, rows;
	bool uncertain; /* a row was */
};

static union cell *set_cell(struct writer *w, enum field field)
{
	struct text *t = (struct text *)w;

	t->has[field] = true;
	return &t->cell[field];
}

static void take_begin(struct writer *w)
{
	memset(((struct text *)w)->has, 0, sizeof(((struct text *)w)->has));
}

static void take_end(struct writer *w)
{
	(void)w;
}

#define TAKE(kind, type)                                                                           \
	static void take_##kind(struct writer *w, enum field field, type value)                    \
	{                                                                                          \
		set_cell(w, field)->kind = value;                                                  \
	}
TAKE(number, uint64_t)
TAKE(decimal, double)
TAKE(word, const char *)
TAKE(states, const uint64_t *)
TAKE(flag, bool)

static void take_process(struct writer *w, enum field field, const struct process *process,
			 enum telling telling)
{
	(void)telling;
	set_cell(w, field)->process = process;
}

static void take_place(struct writer *w, enum field field, const struct place *place)
{
	set_cell(w, field)->place = *place;
}

static void take_text(struct writer *w, enum field field, const char *text, size_t len)
{
	(void)len;
	set_cell(w, field)->word = text;
}

static void take_absent(struct writer *w, enum field field)
{
	((struct text *)w)->has[field] = false;
}

static void take_open(struct writer *w, enum field field, enum nest nest)
{
	(void)nest;
	set_cell(w, field);
}

static void take_close(struct writer *w, enum nest nest)
{
	(void)w, (void)nest;
}

static const struct spelling cells_spelling = {
	.begin = take_begin,
	.end = take_end,
	.time = take_number,
	.word = take_word,
	.text = take_text,
	.number = take_number,
	.decimal = take_decimal,
	.states = take_states,
	.flag = take_flag,
	.absent = take_absent,
	.place = take_place,
	.process = take_process,
	.open = take_open,
	.close = take_close,
};

/* A number as text, or "-" where it is not known; `text` has room for both. */
#define NUMBER_SIZE 24
static const char *number(char *text, const struct text *t, enum field field)
{
	return t->has[field]
		       ? (sprintf(text, "%llu", (unsigned long long)t->cell[field].number), text)
		       : "-";
}

static void put_name(struct buffer *out, const struct process *p)
{
	char owner[OWNER_SIZE];

	buffer_append(out, owner, title_owner(owner, p->name, p->pid));
}

static const char *duration(char *text, uint64_t ns)
{
	text[units_format_duration(text, ns)] = '\0';
	return text;
}

static size_t format_end(char *text, const struct place *place)
{
	return inet_format_endpoint(text, place->family, place->mapped, place->endpoint, NULL);
}

static void put_failures(struct text *t)
{
	struct buffer *out = t->out;
	struct units_clock_cache clock;
	char text[INET_ENDPOINT_SIZE];
	uint64_t at = t->cell[FIELD_TIME].number;
	size_t day = units_format_day(text, at);

	units_clock_init(&clock);
	text[day] = ' ';
	units_format_clock(text + day + 1, &clock, at);
	buffer_print(out, "  %llu failed; the first at %s %s: ",
		     (unsigned long long)t->cell[FIELD_FAILURES].number, text,
		     t->fields.report->zone);
	if (t->has[FIELD_PROCESS])
		put_name(out, t->cell[FIELD_PROCESS].process);
	else
		buffer_print(out, "an unknown process");
	if (t->has[FIELD_PEER]) {
		size_t len = format_end(text, &t->cell[FIELD_PEER].place);

		buffer_print(out, " to %.*s", (int)len, text);
	}
	buffer_print(out, ", %s\n", t->cell[FIELD_ERROR].word);
}

static void put_latency(struct text *t)
{
	char mean[32], first[32], last[32], max[32];

	buffer_print(t->out,
		     "  connect() looked for a port %llu times: %s on average (first ones %s, last "
		     "ones %s), %s at most\n",
		     (unsigned long long)t->cell[FIELD_COUNT].number,
		     duration(mean, t->cell[FIELD_MEAN].number),
		     duration(first, t->cell[FIELD_FIRST].number),
		     duration(last, t->cell[FIELD_LAST].number),
		     duration(max, t->cell[FIELD_MAX].number));
}

/* ---- tables ---- */

static const struct layout_column row_columns[] = {
	LAYOUT_LEFT("NETNS", 0),       LAYOUT_LEFT("PROTO", 0),	      LAYOUT_LEFT("SOURCE", 0),
	LAYOUT_LEFT("DESTINATION", 0), LAYOUT_RIGHT("TAKEN"),	      LAYOUT_RIGHT("AVAILABLE"),
	LAYOUT_RIGHT("USED"),	       LAYOUT_RIGHT("TIME_WAIT"),     LAYOUT_RIGHT("DRAINED"),
	LAYOUT_RIGHT("PORTS/S"),       LAYOUT_LEFT("EXHAUSTED IN", 0)};
static const struct layout_column process_columns[] = {
	LAYOUT_LEFT("NETNS", 0), LAYOUT_LEFT("PROCESS", 0),
	LAYOUT_RIGHT("HELD"),	 LAYOUT_RIGHT("TIME_WAIT"),
	LAYOUT_RIGHT("PORTS/S"), LAYOUT_LEFT("BOUND BEFORE CONNECT", 0)};

static bool is_quiet(const struct budget_namespace *ns, const struct watch_namespace *seen)
{
	return !budget_has_ports(ns) && !(seen && seen->failures) && !ns->udp_held && !ns->unseen;
}

static void put_in_use(struct text *t)
{
	const uint64_t *in_use = t->cell[FIELD_IN_USE].states;
	const char *comma = "";

	if (!t->has[FIELD_IN_USE]) {
		buffer_print(t->out, "  in use: unknown\n");
		return;
	}
	buffer_print(t->out, "  in use:");
	for (int i = 1; i < STATES; i++) {
		if (!in_use[i])
			continue;
		buffer_print(t->out, "%s %llu %s", comma, (unsigned long long)in_use[i],
			     i == STATE_CLOSE ? "bound only" : inet_state_name((enum tcp_state)i));
		comma = ",";
	}
	buffer_print(t->out, "%s\n", *comma ? "" : " nothing");
}

static void put_range(struct text *t)
{
	char low[NUMBER_SIZE], high[NUMBER_SIZE], reserved[NUMBER_SIZE], bound[NUMBER_SIZE];
	char free4[NUMBER_SIZE], free6[NUMBER_SIZE];

	if (!t->has[FIELD_RANGE]) {
		buffer_print(t->out, "  range, ports in use and ports left are unknown\n");
		return;
	}
	buffer_print(
		t->out,
		"  range %s-%s: %llu ports, %s reserved, %s taken from every destination by "
		"bind()\n",
		number(low, t, FIELD_LOW), number(high, t, FIELD_HIGH),
		(unsigned long long)(t->cell[FIELD_USABLE].number + t->cell[FIELD_RESERVED].number),
		number(reserved, t, FIELD_RESERVED), number(bound, t, FIELD_BOUND));
	put_in_use(t);
	/* UDP has its ports in common with the namespace. */
	if (!t->has[FIELD_VRF])
		buffer_print(t->out, "  UDP: %s ports left for IPv4, %s for IPv6\n",
			     number(free4, t, FIELD_IPV4), number(free6, t, FIELD_IPV6));
}

static void put_vrf(struct buffer *out, const struct budget_namespace *ns)
{
	if (!ns->vrf)
		return;
	buffer_print(out, ", VRF ");
	buffer_escape_line(out, budget_vrf(ns), strlen(budget_vrf(ns)));
}

static void put_namespace(void *ctx, const struct budget_namespace *ns,
			  const struct watch_namespace *seen)
{
	struct text *t = ctx;

	if (t->shown > 1 && is_quiet(ns, seen)) {
		t->quiet++;
		return;
	}
	walk_namespace(&t->fields, ns, seen);
	buffer_print(t->out, "network namespace ");
	if (ns->name && ns->name[0]) {
		buffer_escape_line(t->out, ns->name, strlen(ns->name));
		buffer_print(t->out, " ");
	}
	buffer_print(t->out, "%u", ns->netns);
	put_vrf(t->out, ns);
	buffer_print(t->out, "\n");
	if (t->has[FIELD_FIRST_FAILURE])
		put_failures(t);
	else if (t->has[FIELD_FAILURES])
		buffer_print(t->out, "  no call failed for want of a port\n");
	put_range(t);
	if (t->has[FIELD_CONNECT_NS])
		put_latency(t);
	if (t->fields.report->map && t->has[FIELD_AVAILABLE])
		budget_put_map(t->out, t->fields.report, ns);
}

static struct line row_of(struct text *t, struct layout *layout, const struct budget_namespace *ns)
{
	struct line line = {.out = t->out, .layout = layout, .spaces = 2};
	char text[NUMBER_SIZE + 4 * NETNS_NAME_SIZE];
	size_t len = inet_format_number(text, ns->netns);

	/* As ss has it. */
	if (ns->vrf) {
		text[len++] = '%';
		len += text_escape(text + len, budget_vrf(ns), strnlen(budget_vrf(ns), 16));
	}
	line_cell(&line, NULL, text, len);
	return line;
}

static void cell_right(struct line *line, const char *text)
{
	line_cell_right(line, text, strlen(text));
}

static void cell_rate(struct line *line, const struct text *t)
{
	char text[NUMBER_SIZE + 320];

	sprintf(text, t->has[FIELD_CHURN] ? "%.1f" : "-", t->cell[FIELD_CHURN].decimal);
	cell_right(line, text);
}

static void put_row(void *ctx, size_t index, const struct budget_row *row)
{
	struct text *t = ctx;
	struct line line;
	char end[INET_ENDPOINT_SIZE], text[64];
	bool known, uncertain;

	if (index >= MAX_ROWS)
		return;
	walk_row(&t->fields, index, row);
	known = t->has[FIELD_AVAILABLE];
	uncertain = t->has[FIELD_UNCERTAIN] && t->cell[FIELD_UNCERTAIN].number;
	t->uncertain |= uncertain;
	line = row_of(t, &t->rows_layout, row->ns);
	line_cell_word(&line, NULL, t->cell[FIELD_PROTO].word);
	line_cell(&line, NULL, end, inet_format_address(end, row->family, false, row->local.addr));
	line_cell(&line, NULL, end, format_end(end, &t->cell[FIELD_PEER].place));
	/* TAKEN and USED are counted from what JSON says. */
	line_cell_right(&line, known ? text : "-",
			known ? inet_format_number(text, row->taken) : 1);
	number(text, t, FIELD_AVAILABLE);
	cell_right(&line, uncertain ? strcat(text, "+") : known ? text : "-");
	sprintf(text, known ? "%u%%" : "-", budget_percent(row));
	cell_right(&line, text);
	line_cell_right(&line, text, inet_format_number(text, row->time_wait));
	cell_right(&line, row->drain_ms ? duration(text, row->drain_ms * 1000000ull) : "-");
	cell_rate(&line, t);
	if (t->has[FIELD_EXHAUSTED_S]) {
		double left_s = t->cell[FIELD_EXHAUSTED_S].decimal;

		line_cell_word(&line, NULL,
			       left_s > 0 ? duration(text, (uint64_t)(left_s * 1e9)) : "now");
	}
	line_end(&line, t->out->len, 0);
}

static void put_process_row(void *ctx, size_t index, const struct budget_process *p)
{
	struct text *t = ctx;
	char owner[OWNER_SIZE + 8], text[NUMBER_SIZE];
	struct line line;

	if (index >= MAX_ROWS)
		return;
	walk_process(&t->fields, index, p);
	line = row_of(t, &t->processes_layout, p->ns);
	owner[title_owner(owner, p->process->name, p->process->pid)] = '\0';
	line_cell_word(&line, NULL, t->has[FIELD_ENDED] ? strcat(owner, ", ended") : owner);
	cell_right(&line, number(text, t, FIELD_HELD));
	cell_right(&line, number(text, t, FIELD_TIME_WAIT));
	cell_rate(&line, t);
	cell_right(&line, number(text, t, FIELD_BOUND_FIRST));
	line_end(&line, t->out->len, 0);
}

static void put_quiet(struct text *t)
{
	if (t->quiet)
		buffer_print(t->out, "%zu more namespace%s without a port in use\n", t->quiet,
			     t->quiet == 1 ? "" : "s");
	t->quiet = 0;
}

static void put_rows_end(struct text *t)
{
	if (t->rows > MAX_ROWS)
		buffer_print(t->out,
			     "  ... and %zu destinations with more left (all with -o json)\n",
			     t->rows - MAX_ROWS);
	if (t->uncertain)
		buffer_print(
			t->out,
			"  + one more by chance: of an odd number of ports connect() tries all "
			"but the first or the last\n");
	t->rows = 0;
	t->uncertain = false;
}

static void put_head(struct text *t, struct layout *layout)
{
	struct line line = {.out = t->out, .layout = layout, .spaces = 2};

	buffer_append(t->out, "\n", 1);
	line_header(&line, SIZE_MAX, NULL);
	line_end(&line, t->out->len, 0);
}

/* The lines between one part and the next. */
static void put_begin(void *ctx, enum budget_part part, size_t count)
{
	struct text *t = ctx;

	switch (part) {
	case BUDGET_NAMESPACES: t->shown = count; break;
	case BUDGET_ROWS:
		put_quiet(t);
		t->rows = count;
		put_head(t, &t->rows_layout);
		break;
	case BUDGET_PROCESSES:
		put_quiet(t);
		put_rows_end(t);
		put_head(t, &t->processes_layout);
		break;
	}
}

/* ---- advice ---- */

static void advise_bound(struct buffer *out, const struct budget *b,
			 const struct budget_namespace *ns)
{
	uint32_t bound = 0;

	for (size_t i = 0; i < b->process_count; i++) {
		if (b->process[i].ns == ns)
			bound += b->process[i].bound_before_connect;
	}
	if (!bound || !ns->blocked)
		return;
	buffer_print(out, "  - %u ports are bound, and no destination can use them;", ns->blocked);
	for (size_t i = 0; i < b->process_count; i++) {
		if (b->process[i].ns != ns || !b->process[i].bound_before_connect)
			continue;
		buffer_print(out, " ");
		put_name(out, b->process[i].process);
		buffer_print(out, " binds before connect (%u)", b->process[i].bound_before_connect);
	}
	buffer_print(out, ": with IP_BIND_ADDRESS_NO_PORT connect() chooses the port and others "
			  "may share it\n");
}

static void advise_time_wait(struct buffer *out, const struct budget_row *row)
{
	uint8_t reuse = row->ns->range.tw_reuse;

	if (!row->time_wait || row->time_wait * 2 < row->taken)
		return;
	buffer_print(out,
		     "  - %u of %u are in TIME_WAIT: keep connections open and use them again, or "
		     "let the other end close first\n",
		     row->time_wait, row->taken + row->ns->blocked);
	if (reuse == 0 || (reuse == 2 && !budget_is_local(row->family, &row->local, &row->peer)))
		buffer_print(out,
			     "  - net.ipv4.tcp_tw_reuse = %u here; 1 lets connect() take a "
			     "TIME_WAIT over after %u ms (with timestamps)\n",
			     reuse, row->ns->range.tw_reuse_delay_ms);
}

static void advise_range(struct buffer *out, const struct budget_row *row)
{
	const struct port_range *r = &row->ns->range;
	unsigned int size = r->high - r->low + 1u;

	if (size < 65535 - 1024)
		buffer_print(out,
			     "  - net.ipv4.ip_local_port_range = \"1024 65535\" adds %u ports%s "
			     "(reserve those your servers use)\n",
			     65535 - 1024 + 1 - size,
			     row->protocol == IPPROTO_UDP ? "" : " for each destination");
	if (r->reserved_count * 10u > size)
		buffer_print(
			out,
			"  - net.ipv4.ip_local_reserved_ports keeps %u ports of the range out\n",
			r->reserved_count);
}

/* A UDP port is taken from every destination. */
static void advise_udp(struct buffer *out)
{
	buffer_print(out, "  - one UDP socket sends to any number of destinations: share it, and "
			  "close those that wait for nothing\n");
}

static void advise_more(struct buffer *out, const struct budget_row *row)
{
	buffer_print(
		out,
		"  - each further source address, or address or port of the destination, adds %u\n",
		row->ns->usable - row->ns->blocked);
}

/* Rows come worst first, and advice on the first of a namespace and protocol is enough. */
static bool is_worst(const struct budget *b, const struct budget_row *row)
{
	for (const struct budget_row *r = b->row; r < row; r++) {
		if (r->ns == row->ns && r->protocol == row->protocol &&
		    budget_shows(b, r->selected))
			return false;
	}
	return true;
}

static void put_advice(void *ctx, size_t i, const struct budget_row *row)
{
	struct text *t = ctx;
	struct buffer *out = t->out;
	char peer[INET_ENDPOINT_SIZE];
	size_t len;

	(void)i;
	if (!budget_knows_left(row->ns, row->protocol) || budget_percent(row) < TIGHT ||
	    !is_worst(t->fields.report->budget, row))
		return;
	len = inet_format_endpoint(peer, row->family, false, &row->peer, NULL);
	buffer_print(out, "\nwhat would help in %u", row->ns->netns);
	put_vrf(out, row->ns);
	buffer_print(out, " (%s%.*s: %u left of %u)\n",
		     row->protocol == IPPROTO_UDP ? "UDP to " : "", (int)len, peer, row->available,
		     row->ns->usable);
	if (row->protocol == IPPROTO_UDP) {
		advise_udp(out);
		advise_range(out, row);
		return;
	}
	advise_bound(out, t->fields.report->budget, row->ns);
	advise_time_wait(out, row);
	advise_range(out, row);
	advise_more(out, row);
}

static void pass_namespace(void *ctx, const struct budget_namespace *ns,
			   const struct watch_namespace *seen)
{
	(void)ctx, (void)ns, (void)seen;
}

void budget_write_text(struct buffer *out, const struct budget_report *r)
{
	static const struct budget_visitor tables = {
		.begin = put_begin,
		.space = put_namespace,
		.row = put_row,
		.process = put_process_row,
	};
	static const struct budget_visitor advice = {.space = pass_namespace, .row = put_advice};
	int64_t offset_ns = r->wall_offset_ns;
	size_t start = out->len;
	struct text text = {.cells.options.wall_offset_ns = &offset_ns,
			    .cells.spelling = &cells_spelling,
			    .fields = {&text.cells, r},
			    .out = out};

	/* Twice: columns are as wide as what is in them. */
	layout_init(&text.rows_layout, LAYOUT_OF(row_columns), 0);
	layout_init(&text.processes_layout, LAYOUT_OF(process_columns), 0);
	budget_walk(r, &tables, &text);
	put_rows_end(&text);
	text.quiet = 0;
	out->len = start;
	budget_walk(r, &tables, &text);
	put_quiet(&text);
	put_rows_end(&text);
	budget_walk(r, &advice, &text);
	layout_fold(out, start, r->columns, INDENT);
}
