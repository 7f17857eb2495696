// SPDX-License-Identifier: GPL-2.0-only
#include "title.h"

#include <string.h>

#include "inet.h"
#include "writer.h"

/* One that has no name, or whose name nobody knows. */
static size_t put_name(char *out, const char *name)
{
	size_t len = strnlen(name, PROCESS_NAME_SIZE);

	if (len)
		return text_escape(out, name, len);
	*out = '-';
	return 1;
}

size_t title_owner(char *out, const char *name, uint32_t pid)
{
	size_t len = put_name(out, name);

	out[len++] = '[';
	len += inet_format_number(out + len, pid);
	out[len++] = ']';
	return len;
}

size_t title_format(char *out, const struct process *p, bool pid)
{
	static const char mark[] = "…";
	const char *script = process_script(p);
	size_t len = pid ? title_owner(out, p->name, p->pid) : put_name(out, p->name);
	size_t script_len = script ? strlen(script) : 0;

	if (!script_len)
		return len;
	out[len++] = ' ';
	if (script_len <= SCRIPT_MAX)
		return len + text_escape(out + len, script, script_len);
	len += text_escape(out + len, script, SCRIPT_MAX);
	memcpy(out + len, mark, strlen(mark));
	return len + strlen(mark);
}
