// SPDX-License-Identifier: GPL-2.0-only
/* budget_text.c - the report, in the order in which somebody who runs out of ports asks. */
#include <string.h>

#include "budget_writer.h"
#include "units.h"

#define MAX_ROWS 20 /* of a table; JSON has them all */
#define TIGHT	 80 /* percent in use from which advice is given */

static void put_name(struct buffer *out, const struct process *p)
{
	char name[4 * PROCESS_NAME_SIZE];
	size_t len = text_escape(name, p->name, strnlen(p->name, sizeof(p->name)));

	buffer_print(out, "%.*s[%u]", (int)len, name, p->pid);
}

static const char *duration(char *text, uint64_t ns)
{
	text[units_format_duration(text, ns)] = '\0';
	return text;
}

static void put_failures(struct buffer *out, const struct budget_report *r,
			 const struct watch_namespace *ns)
{
	const struct watch_failure *f = &ns->first;
	struct units_clock_cache clock;
	char text[INET_ENDPOINT_SIZE];

	units_clock_init(&clock);
	units_format_clock(text, &clock, f->time_ns + (uint64_t)r->wall_offset_ns);
	buffer_print(out, "  %llu failed; the first at %s: ", (unsigned long long)ns->failures,
		     text);
	if (f->has_process)
		put_name(out, &f->process);
	else
		buffer_print(out, "an unknown process");
	if (f->has_peer) {
		size_t len = inet_format_endpoint(text, f->family, f->mapped, &f->peer, NULL);

		buffer_print(out, " to %.*s", (int)len, text);
	}
	buffer_print(out, ", %s\n", inet_errno_name(f->error));
}

static void put_latency(struct buffer *out, const struct watch_latency *l)
{
	char mean[32], first[32], last[32], max[32];

	if (!l->count)
		return;
	buffer_print(out,
		     "  connect() looked for a port %llu times: %s on average (first ones %s, last "
		     "ones %s), %s at most\n",
		     (unsigned long long)l->count, duration(mean, l->sum_ns / l->count),
		     duration(first, l->first_sum_ns / l->first_count), duration(last, l->last_ns),
		     duration(max, l->max_ns));
}

/* ---- the map ---- */

static const char marks[PORT_MARKS] = {'.', '#', 'w', 'c', 'B', 'L'};

/* One character for a stretch of ports of one parity: what most of them are, but never hiding a bound one. */
static char stretch_mark(const struct budget_namespace *ns, unsigned int first, unsigned int end)
{
	unsigned int count[PORT_MARKS] = {0}, most = PORT_FREE;

	for (unsigned int port = first; port <= ns->range.high && port < end; port += 2)
		count[ns->mark[port]]++;
	for (unsigned int m = 0; m < PORT_MARKS; m++) {
		if (count[m] > count[most])
			most = m;
	}
	if (most == PORT_FREE && count[PORT_LISTENING] + count[PORT_BOUND])
		most = count[PORT_LISTENING] ? PORT_LISTENING : PORT_BOUND;
	return marks[most];
}

static void put_map(struct buffer *out, const struct budget_report *r,
		    const struct budget_namespace *ns)
{
	unsigned int columns = (r->columns > 40 && r->columns < 400 ? r->columns : 80) - 8;
	unsigned int size = ns->range.high - ns->range.low + 1u;
	unsigned int step = (size / 2 + columns * 8 - 1) / (columns * 8) * 2;

	buffer_print(
		out,
		"  %u ports a character, low's parity (connect() tries it first) above the other:\n"
		"  . free  c connected  w TIME_WAIT  B bound  L listening  # reserved\n",
		step / 2 ? step / 2 : 1);
	if (!step)
		step = 2;
	for (unsigned int line = ns->range.low; line <= ns->range.high; line += columns * step) {
		for (unsigned int parity = 0; parity < 2; parity++) {
			if (parity == 0)
				buffer_print(out, "  %5u ", line);
			else
				buffer_print(out, "        ");
			for (unsigned int i = 0; i < columns && line + i * step <= ns->range.high;
			     i++) {
				unsigned int first = line + i * step + parity;
				char mark = stretch_mark(ns, first, first + step);

				if (first <= ns->range.high)
					buffer_append(out, &mark, 1);
			}
			buffer_print(out, "\n");
		}
	}
}

/* ---- tables ---- */

static void put_namespace(struct buffer *out, const struct budget_report *r,
			  const struct budget_namespace *ns)
{
	const struct watch_namespace *seen =
		r->watch ? budget_watch_namespace(r->watch, ns->netns) : NULL;
	uint64_t sum = 0;

	buffer_print(out, "network namespace %u\n", ns->netns);
	if (seen && seen->failures)
		put_failures(out, r, seen);
	else if (r->watch)
		buffer_print(out, "  no call failed for want of a port\n");
	buffer_print(
		out,
		"  range %u-%u: %u ports, %u reserved, %u taken from every destination by bind()\n",
		ns->range.low, ns->range.high, ns->usable + ns->range.reserved_count,
		ns->range.reserved_count, ns->blocked);
	buffer_print(out, "  in use:");
	for (int i = 1; i < STATES; i++) {
		if (!ns->in_use[i])
			continue;
		buffer_print(out, "%s %llu %s", sum ? "," : "", (unsigned long long)ns->in_use[i],
			     i == STATE_CLOSE ? "bound only" : inet_state_name((enum tcp_state)i));
		sum += ns->in_use[i];
	}
	buffer_print(out, "%s\n", sum ? "" : " nothing");
	buffer_print(out, "  UDP: %u ports left for IPv4, %u for IPv6\n", ns->udp_free4,
		     ns->udp_free6);
	if (seen)
		put_latency(out, &seen->latency);
	if (r->map)
		put_map(out, r, ns);
}

static void put_rate(struct buffer *out, double value)
{
	if (value < 0)
		buffer_print(out, " %9s", "-");
	else
		buffer_print(out, " %9.1f", value);
}

static void put_row(struct buffer *out, const struct budget_row *row)
{
	char peer[INET_ENDPOINT_SIZE], local[INET_ADDRESS_SIZE], text[32] = "-";
	size_t peer_len = inet_format_endpoint(peer, row->family, false, &row->peer, NULL);
	size_t local_len = inet_format_address(local, row->family, false, row->local.addr);

	if (row->drain_ms)
		duration(text, row->drain_ms * 1000000ull);
	buffer_print(out, "  %-10u %-15.*s %-21.*s %6u %9u %4u%% %9u %8s", row->ns->netns,
		     (int)local_len, local, (int)peer_len, peer, row->taken, row->available,
		     budget_percent(row), row->time_wait, text);
	put_rate(out, row->churn_per_s);
	if (row->exhausted_in_s >= 0)
		buffer_print(out, " %s",
			     row->exhausted_in_s > 0
				     ? duration(text, (uint64_t)(row->exhausted_in_s * 1e9))
				     : "now");
	buffer_print(out, "\n");
}

static void put_rows(struct buffer *out, const struct budget *b)
{
	if (!b->row_count)
		return;
	buffer_print(out, "\n  %-10s %-15s %-21s %6s %9s %5s %9s %8s %9s %s\n", "NETNS", "SOURCE",
		     "DESTINATION", "TAKEN", "AVAILABLE", "USED", "TIME_WAIT", "DRAINED", "PORTS/S",
		     "EXHAUSTED IN");
	for (size_t i = 0; i < b->row_count && i < MAX_ROWS; i++)
		put_row(out, &b->row[i]);
	if (b->row_count > MAX_ROWS)
		buffer_print(out, "  ... and %zu destinations with more left (all with -o json)\n",
			     b->row_count - MAX_ROWS);
}

static void put_processes(struct buffer *out, const struct budget *b)
{
	if (!b->process_count)
		return;
	buffer_print(out, "\n  %-24s %6s %9s %9s %s\n", "PROCESS", "HELD", "TIME_WAIT", "PORTS/S",
		     "BOUND BEFORE CONNECT");
	for (size_t i = 0; i < b->process_count && i < MAX_ROWS; i++) {
		const struct budget_process *p = &b->process[i];
		size_t begin = out->len;

		buffer_print(out, "  ");
		put_name(out, p->process);
		while (out->len < begin + 26 && !out->failed)
			buffer_append(out, " ", 1);
		buffer_print(out, " %6u %9u", p->held, p->time_wait);
		put_rate(out, p->churn_per_s);
		buffer_print(out, " %u\n", p->bound_before_connect);
	}
}

/* ---- advice ---- */

static void advise_bound(struct buffer *out, const struct budget *b,
			 const struct budget_namespace *ns)
{
	uint32_t bound = 0;

	for (size_t i = 0; i < b->process_count; i++)
		bound += b->process[i].bound_before_connect;
	if (!bound || !ns->blocked)
		return;
	buffer_print(out, "  - %u ports are bound, and no destination can use them;", ns->blocked);
	for (size_t i = 0; i < b->process_count; i++) {
		if (!b->process[i].bound_before_connect)
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
	bool loopback = row->family == FAMILY_IPV4 &&
			(row->peer.addr[0] == 127 || row->local.addr[0] == 127);
	uint8_t reuse = row->ns->range.tw_reuse;

	if (row->time_wait * 2 < row->taken)
		return;
	buffer_print(out,
		     "  - %u of %u are in TIME_WAIT: keep connections open and use them again, or "
		     "let the other end close first\n",
		     row->time_wait, row->taken + row->ns->blocked);
	if (reuse == 0 || (reuse == 2 && !loopback))
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
			     "  - net.ipv4.ip_local_port_range = \"1024 65535\" adds %u ports for "
			     "each destination (reserve those your servers use)\n",
			     65535 - 1024 + 1 - size);
	if (r->reserved_count * 10u > size)
		buffer_print(
			out,
			"  - net.ipv4.ip_local_reserved_ports keeps %u ports of the range out\n",
			r->reserved_count);
	buffer_print(
		out,
		"  - each further source address, or address or port of the destination, adds %u\n",
		row->ns->usable - row->ns->blocked);
}

static void put_advice(struct buffer *out, const struct budget *b)
{
	const struct budget_namespace *last = NULL;

	for (size_t i = 0; i < b->row_count; i++) {
		const struct budget_row *row = &b->row[i];
		char peer[INET_ENDPOINT_SIZE];
		size_t len;

		if (budget_percent(row) < TIGHT)
			break; /* the others have more left */
		if (row->ns == last)
			continue;
		last = row->ns;
		len = inet_format_endpoint(peer, row->family, false, &row->peer, NULL);
		buffer_print(out, "\nwhat would help in %u (%.*s: %u left of %u)\n", row->ns->netns,
			     (int)len, peer, row->available, row->ns->usable);
		advise_bound(out, b, row->ns);
		advise_time_wait(out, row);
		advise_range(out, row);
	}
}

static bool is_quiet(const struct budget_report *r, const struct budget_namespace *ns)
{
	const struct watch_namespace *seen =
		r->watch ? budget_watch_namespace(r->watch, ns->netns) : NULL;

	for (int i = 1; i < STATES; i++) {
		if (ns->in_use[i])
			return false;
	}
	return !(seen && seen->failures);
}

void budget_write_text(struct buffer *out, const struct budget_report *r)
{
	const struct budget *b = r->budget;
	size_t quiet = 0;

	for (size_t i = 0; i < b->ns_count; i++) {
		if (b->ns_count > 1 && is_quiet(r, b->ns[i]))
			quiet++;
		else
			put_namespace(out, r, b->ns[i]);
	}
	if (quiet)
		buffer_print(out, "%zu more namespace%s without a TCP port in use\n", quiet,
			     quiet == 1 ? "" : "s");
	put_rows(out, b);
	put_processes(out, b);
	put_advice(out, b);
}
