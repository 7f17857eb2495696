// SPDX-License-Identifier: GPL-2.0-only
#include "who_process.h"

#include <string.h>

static void find_parents(struct who_process *p, uint32_t pid)
{
	for (; p->parents < WHO_PARENTS && pid; p->parents++) {
		struct who_parent *parent = &p->parent[p->parents];
		struct procinfo info;
		bool runs = procinfo_read(pid, &info) == 0;

		parent->pid = pid;
		pid = runs ? info.parent : 0;
		if (!runs)
			continue;
		memcpy(parent->name, info.name, sizeof(parent->name));
		procinfo_done(&info);
	}
}

bool who_read_process(struct who_reader *r, uint32_t pid, struct who_process *ret)
{
	struct procinfo *p = &r->process;

	procinfo_done(p);
	if (procinfo_read(pid, p) < 0)
		return false;
	*ret = (struct who_process){
		.started_ns = p->started_ns,
		.command = r->options->no_args ? NULL : p->command,
		.executable = p->executable,
		.cgroup = p->cgroup,
		.container = p->container,
		.unit = p->unit,
	};
	find_parents(ret, p->parent);
	return true;
}
