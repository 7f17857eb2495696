// SPDX-License-Identifier: GPL-2.0-only
#include "allowance.h"

/* Of a number below 2^63. */
static int64_t signed_of(uint64_t n)
{
	return n > INT64_MAX ? INT64_MAX : (int64_t)n;
}

bool allowance_is_open(struct allowance *a, uint64_t now_ns)
{
	const int64_t burst_ns = signed_of(a->burst_ns);
	int64_t earned_ns;

	if (now_ns > a->seen_ns) {
		earned_ns = signed_of((now_ns - a->seen_ns) / a->share);
		a->credit_ns = !a->seen_ns || earned_ns > burst_ns - a->credit_ns
				       ? burst_ns
				       : a->credit_ns + earned_ns;
		a->seen_ns = now_ns;
	}
	return a->credit_ns > 0;
}

void allowance_take(struct allowance *a, uint64_t took_ns)
{
	const int64_t debt_ns = signed_of(a->debt_ns), took = signed_of(took_ns);

	a->credit_ns = took > a->credit_ns + debt_ns ? -debt_ns : a->credit_ns - took;
}
