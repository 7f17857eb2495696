// SPDX-License-Identifier: GPL-2.0-only
#include "host.h"

#include <netinet/in.h>

/* INETD started CAT, NGINX its WORKER; the parent of STRANGER has ended. */
const struct listing_task host_tasks[HOST_TASKS] = {
	[INIT] = {.process = {.pid = 1, .tid = 1, .name = "init"}},
	[INETD] = {.process = {.pid = 100, .tid = 100, .name = "inetd"}, .parent = 1},
	[CAT] = {.process = {.pid = 140, .tid = 140, .uid = 65534, .name = "cat"}, .parent = 100},
	[NGINX] = {.process = {.pid = 901, .tid = 901, .name = "nginx"}, .parent = 1},
	[WORKER] = {.process = {.pid = 902, .tid = 902, .uid = 33, .name = "nginx"}, .parent = 901},
	[STRANGER] = {.process = {.pid = 990,
				  .tid = 990,
				  .uid = 1000,
				  .name = "od \x1b[1m",
				  .cgroup = "/user.slice"},
		      .parent = 77},
};

struct listing_socket tcp4(uint64_t key, enum tcp_state state, uint32_t local, uint16_t port,
			   uint32_t peer, uint16_t peer_port)
{
	struct listing_socket s = {
		.key = key,
		.sk = key + 1,
		.cookie = key,
		.netns = HOST,
		.protocol = IPPROTO_TCP,
		.family = FAMILY_IPV4,
		.state = (uint8_t)state,
		.local.port = port,
		.peer.port = peer_port,
	};

	for (int i = 0; i < 4; i++) {
		s.local.addr[i] = (uint8_t)(local >> (24 - 8 * i));
		s.peer.addr[i] = (uint8_t)(peer >> (24 - 8 * i));
	}
	return s;
}
