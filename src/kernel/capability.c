// SPDX-License-Identifier: GPL-2.0-only
#include "capability.h"

#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

bool capability_has(unsigned int bit)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};

	return syscall(SYS_capget, &header, data) < 0 ||
	       data[bit / 32].effective & (1u << (bit % 32));
}

bool capability_missing(const struct capability *needed, size_t count, unsigned int way, char *ret,
			size_t size)
{
	size_t len = 0;

	ret[0] = '\0';
	for (size_t i = 0; i < count; i++) {
		const struct capability *c = &needed[i];

		if (c->ways & way && !capability_has(c->bit) && !capability_has(c->instead))
			len += (size_t)snprintf(ret + len, size - len, "%s%s", len ? ", " : "",
						c->name);
	}
	return len > 0;
}
