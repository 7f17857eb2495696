// SPDX-License-Identifier: GPL-2.0-only
#include "title.h"

#include <string.h>

#include "utf8.h"
#include "writer.h"

size_t title_format(char *out, const struct process *p)
{
	static const char mark[] = "…";
	const char *script = process_script(p);
	char escaped[4 * TITLE_COLUMNS];
	size_t len = text_escape(out, p->name, strnlen(p->name, sizeof(p->name))), script_len, fits;
	unsigned int used;

	utf8_fit(out, len, TITLE_COLUMNS, &used);
	if (!script || used + 4 > TITLE_COLUMNS)
		return len;
	script_len = text_escape(escaped, script, strnlen(script, TITLE_COLUMNS));
	out[len++] = ' ';
	used = TITLE_COLUMNS - used - 1;
	fits = utf8_fit(escaped, script_len, used, &used);
	if (fits == script_len && strlen(script) <= TITLE_COLUMNS) {
		memcpy(out + len, escaped, fits);
		return len + fits;
	}
	fits = utf8_fit(escaped, script_len, used - 1, &used);
	memcpy(out + len, escaped, fits);
	memcpy(out + len + fits, mark, strlen(mark));
	return len + fits + strlen(mark);
}
