// SPDX-License-Identifier: GPL-2.0-only
#include "server.h"

/* Whoever sends the first SYN is the client. */
static enum server server_of_state(enum tcp_state state)
{
	switch (state) {
	case STATE_SYN_SENT: return SERVER_PEER;
	case STATE_LISTEN:
	case STATE_SYN_RECV:
	case STATE_NEW_SYN_RECV: return SERVER_LOCAL;
	default: return SERVER_UNKNOWN;
	}
}

enum server server_of_event(const struct event *e)
{
	enum server server = e->passive ? SERVER_LOCAL : SERVER_UNKNOWN;

	switch (e->kind) {
	case EVENT_CONNECT: return SERVER_PEER;
	case EVENT_LISTEN:
	case EVENT_ACCEPT:
	case EVENT_OVERFLOW: return SERVER_LOCAL;
	case EVENT_STATE:
		server = server ? server : server_of_state(e->state.from);
		return server ? server : server_of_state(e->state.to);
	case EVENT_CLOSE:
		for (unsigned int i = 0; !server && i < e->close.span_count; i++)
			server = server_of_state(e->close.spans[i].state);
		return server;
	case EVENT_BIND:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return server;
}

enum server server_of_socket(const struct listing *l, const struct listing_socket *s)
{
	enum server server = server_of_state(listing_state(s));

	if (server)
		return server;
	switch (listing_direction(s)) {
	case DIRECTION_OUTGOING: return SERVER_PEER;
	case DIRECTION_ACCEPTED: return SERVER_LOCAL;
	case DIRECTION_UNKNOWN: break;
	}
	return listing_has_peer(s) && listing_listener(l, s) ? SERVER_LOCAL : SERVER_UNKNOWN;
}
