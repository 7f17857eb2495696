// SPDX-License-Identifier: GPL-2.0-only
#include "notify.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "units.h"

static int notify_fd = -1;
static uint64_t alive_every_ns, alive_said_ns;

static uint64_t environment_number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	uint64_t value;

	return text && units_parse_number(text, 1, UINT64_MAX, &value) == 0 ? value : otherwise;
}

void notify_open(void)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	size_t len = path ? strlen(path) : 0;

	/* "@name" is in the abstract namespace, where the first byte is zero. */
	if (len < 2 || len >= sizeof(address.sun_path) || (*path != '/' && *path != '@'))
		return;
	memcpy(address.sun_path, path, len);
	if (*path == '@')
		address.sun_path[0] = '\0';
	notify_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (notify_fd >= 0 &&
	    connect(notify_fd, (struct sockaddr *)&address,
		    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)) < 0)
		notify_close();
	if (environment_number("WATCHDOG_PID", (uint64_t)getpid()) == (uint64_t)getpid())
		alive_every_ns = environment_number("WATCHDOG_USEC", 0) * 1000 / 2;
}

void notify_say(const char *state)
{
	/* Nobody can be told that the service manager does not listen. */
	if (notify_fd >= 0 && send(notify_fd, state, strlen(state), MSG_NOSIGNAL) < 0)
		return;
}

void notify_alive(uint64_t now_ns)
{
	if (!alive_every_ns || now_ns - alive_said_ns < alive_every_ns)
		return;
	alive_said_ns = now_ns;
	notify_say("WATCHDOG=1");
}

void notify_close(void)
{
	if (notify_fd >= 0)
		close(notify_fd);
	notify_fd = -1;
}
