// SPDX-License-Identifier: GPL-2.0-only
#include "budget_map.h"

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

void budget_put_map(struct buffer *out, const struct budget_report *r,
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
