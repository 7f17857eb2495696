// SPDX-License-Identifier: GPL-2.0-only
#include "value.h"

#include <string.h>

void value_address(struct value *v, const struct record *e, uint64_t end)
{
	bool local = end == FACTS_HAS_LOCAL;
	const uint8_t *addr = local ? e->local : e->peer;
	uint32_t ifindex = local ? e->local_if : e->peer_if;

	if (!(e->facts & FACTS_IPV6) || !(e->facts & end)) {
		value_number(v, e->facts & end,
			     (int64_t)addr[0] << 24 | addr[1] << 16 | addr[2] << 8 | addr[3]);
	} else if (!ifindex) {
		value_bytes(v, addr, 16);
	} else {
		memcpy(v->room, addr, 16);
		memcpy(v->room + 16, &ifindex, 4);
		value_bytes(v, v->room, 20);
	}
}

void value_asked(struct value *v, const struct record *e)
{
	if (!(e->facts & FACTS_ASKED)) {
		v->kind = VALUE_NONE;
		return;
	}
	v->room[0] = (uint8_t)(e->asked_port >> 8);
	v->room[1] = (uint8_t)e->asked_port;
	memcpy(v->room + 2, e->asked, sizeof(e->asked));
	value_bytes(v, v->room, ASKED_BYTES);
}

void value_bind(sqlite3_stmt *s, int at, const struct value *v)
{
	switch (v->kind) {
	case VALUE_NONE: sqlite3_bind_null(s, at); break;
	case VALUE_NUMBER: sqlite3_bind_int64(s, at, v->number); break;
	case VALUE_BYTES:
		sqlite3_bind_blob(s, at, v->bytes, v->len,
				  v->bytes == v->room ? SQLITE_TRANSIENT : SQLITE_STATIC);
		break;
	}
}
