// SPDX-License-Identifier: GPL-2.0-only
#include "named.h"
#include "process_json.h"

#include <string.h>

#define POD_SIZE 256

void named_keep(struct buffer *out, struct named_value *value, size_t at)
{
	if (out->failed)
		return;
	if (out->len - at == 4 && memcmp(out->data + at, "null", 4) == 0)
		out->len = at;
	else
		*value = (struct named_value){NULL, at, out->len - at};
}

static void keep_number(struct buffer *out, struct named_value *value, uint64_t number)
{
	char digits[20];
	size_t at = out->len;

	buffer_append(out, digits, inet_format_number(digits, number));
	named_keep(out, value, at);
}

static void keep_name(struct buffer *out, struct named_value *value, const char *name)
{
	size_t at = out->len;

	process_json_name(out, name);
	named_keep(out, value, at);
}

static void keep_path(struct buffer *out, struct named_value *value, const char *path,
		      enum telling telling)
{
	size_t at = out->len;

	process_json_path(out, path, telling);
	named_keep(out, value, at);
}

static void keep_start(struct buffer *out, struct named_value *value, uint64_t start_ns,
		       int64_t wall_offset_ns)
{
	size_t at = out->len;

	process_json_start(out, start_ns, wall_offset_ns);
	named_keep(out, value, at);
}

static bool keep_args(struct buffer *out, struct named_value *value, const struct program *program,
		      enum telling telling)
{
	size_t at = out->len;
	bool cut = process_json_args(out, program, telling);

	named_keep(out, value, at);
	return cut;
}

static void keep_parents(struct buffer *out, struct named_value *value, const struct process *p,
			 int64_t wall_offset_ns)
{
	const struct program *parent = p->parent_count ? p->parent[0] : NULL;
	size_t at = out->len;

	if (!p->parents_known)
		return;
	process_json_parents(out, p, wall_offset_ns);
	named_keep(out, &value[NAMED_PARENTS], at);
	if (!parent)
		return;
	keep_number(out, &value[NAMED_PARENT_PID], parent->pid);
	keep_start(out, &value[NAMED_PARENT_BEGUN], parent->start_ns, wall_offset_ns);
	keep_name(out, &value[NAMED_PARENT_NAME], parent->name[0] ? parent->name : NULL);
	keep_args(out, &value[NAMED_PARENT_ARGS], parent, TELL_SHORT);
}

/* "namespace/name", or the uid alone. */
static void keep_pod(struct buffer *out, struct named_value *value, const char *pod)
{
	const char *slash = strchr(pod, '/');
	char space[POD_SIZE];

	value[NAMED_ORCHESTRATOR].text = "\"kubernetes\"";
	value[NAMED_RESOURCE].text = "\"pod\"";
	if (!slash || (size_t)(slash - pod) >= sizeof(space)) {
		keep_name(out, &value[NAMED_POD_UID], pod);
		return;
	}
	memcpy(space, pod, (size_t)(slash - pod));
	space[slash - pod] = '\0';
	keep_name(out, &value[NAMED_POD_NAMESPACE], space);
	keep_name(out, &value[NAMED_POD_NAME], slash + 1);
}

static const char *last_part(const char *path)
{
	const char *slash = path ? strrchr(path, '/') : NULL;

	return slash ? slash + 1 : path;
}

void named_process(struct buffer *out, struct named_value value[NAMES], const struct process *p,
		   enum telling telling, int64_t wall_offset_ns)
{
	const char *cgroup = p->cgroup && !*p->cgroup ? "/" : p->cgroup;
	const char *exe = p->program && telling == TELL_WHOLE ? p->program->exe : NULL;

	keep_number(out, &value[NAMED_PID], p->pid);
	keep_number(out, &value[NAMED_TID], p->tid);
	keep_start(out, &value[NAMED_BEGUN], p->program ? p->program->start_ns : 0, wall_offset_ns);
	keep_name(out, &value[NAMED_NAME], p->name);
	keep_number(out, &value[NAMED_UID], p->uid);
	if (p->ruid != PROCESS_NO_UID)
		keep_number(out, &value[NAMED_RUID], p->ruid);
	keep_path(out, &value[NAMED_EXE], exe, telling);
	keep_name(out, &value[NAMED_EXE_NAME], last_part(exe));
	if (keep_args(out, &value[NAMED_ARGS], p->program, telling))
		value[NAMED_ARGS_CUT].text = "true";
	if (telling == TELL_WHOLE)
		keep_parents(out, value, p, wall_offset_ns);
	keep_path(out, &value[NAMED_CGROUP], cgroup, telling);
	keep_name(out, &value[NAMED_UNIT], p->unit);
	keep_name(out, &value[NAMED_CONTAINER], p->container);
	keep_name(out, &value[NAMED_CONTAINER_NAME], p->container_name);
	if (p->pod)
		keep_pod(out, value, p->pod);
}
