// SPDX-License-Identifier: GPL-2.0-only
#include "scarce.h"

#include "budget_writer.h"

#define EVERY_NS (60 * NSEC_PER_SEC)
/* However many sockets there are, a twentieth of the time at most goes into looks. */
#define REST	 19
#define ROWS_MAX 16
/* Ports that no connect() to the destination can take, in percent of the usable ones. */
#define WORTH_PERCENT 10

void scarce_begin(struct scarce *s, struct session *session, struct store *store)
{
	s->store = store;
	s->look = (struct budget_look){.session = session, .filter = &session->options->filter};
	s->happened = 1;
}

static bool is_due(const struct scarce *s, uint64_t now_ns)
{
	return s->happened && (!s->looked_ns || (now_ns - s->looked_ns >= EVERY_NS &&
						 now_ns - s->looked_ns >= REST * s->took_ns));
}

/* The scarcest has a row whatever is left for it, so that a line can be drawn; others where they come near the end. */
static void keep_rows(struct scarce *s, uint64_t now_ns)
{
	const struct budget *b = s->look.budget;
	unsigned int kept = 0;

	for (size_t i = 0; i < b->row_count && kept < ROWS_MAX; i++) {
		const struct budget_row *row = &b->row[i];
		const struct process *most;
		uint32_t held;

		/* A store has no place for a VRF. */
		if (row->ns->vrf || !budget_shows(b, row->selected) ||
		    !budget_knows_left(row->ns, row->protocol) || !row->taken ||
		    (kept && budget_percent(row) < WORTH_PERCENT))
			continue;
		most = budget_row_owner(b, row, &held);
		store_budget(s->store, row, now_ns, most, held, s->look.session->wall_offset_ns);
		kept++;
	}
}

void scarce_turn(struct scarce *s, uint64_t now_ns)
{
	if (!s->store || !is_due(s, now_ns))
		return;
	s->happened = 0;
	/* What the rights do not reach was said when recording began. */
	s->look.unseen_said = true;
	if (budget_look_take(&s->look)) {
		budget_look_name(s->look.budget);
		keep_rows(s, now_ns);
	}
	/* Nothing stays: on a busy host it is as much as all the rest. */
	budget_look_done(&s->look);
	s->look = (struct budget_look){.session = s->look.session, .filter = s->look.filter};
	s->looked_ns = kernel_now();
	s->took_ns = s->looked_ns - now_ns;
}

void scarce_end(struct scarce *s)
{
	if (s->store)
		budget_look_done(&s->look);
	s->store = NULL;
}
