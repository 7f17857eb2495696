/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * changing.h - rows that change, as runs of a recorder and lives that go on do: those that are others than when they were sent, and
 * those of lives that have ended.
 *
 * Owns: what of them the cursor knows as sent.  They are not frozen: a row has a revision, which grows with each time it is sent, and the
 * database keeps the newest, so what is sent again is harmless.
 */
#ifndef SOCKWATCH_SHIP_CHANGING_H
#define SOCKWATCH_SHIP_CHANGING_H

#include "cursor.h"
#include "encode.h"
#include "insert.h"

/*
 * One kind's in one request, at most `most` rows; *ret_more: there are others.  PACE_TAKEN where there was nothing, too.  0 or -errno with
 * the error filled where the store or the cursor failed, then *ret_verdict is not set.
 */
int changing_send(struct cursor *c, struct store_reader *r, struct insert_to *to, const struct encode_who *who,
		  enum cursor_kind kind, uint64_t now_ns, uint64_t most, bool *ret_more, enum pace_verdict *ret_verdict,
		  uint64_t *ret_retry_after_ns, struct ship_error *error);

#endif
