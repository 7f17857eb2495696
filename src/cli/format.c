// SPDX-License-Identifier: GPL-2.0-only
#include "format.h"

#include <sys/utsname.h>

struct writer *format_writer(const struct options *o, const struct writer_options *w, bool here)
{
	struct writer_options own = *w;
	struct utsname host;
	const struct writer_host names = {host.nodename, host.machine, host.release};

	if (here && uname(&host) == 0)
		own.host = &names;
	switch (o->format) {
	case FORMAT_JSON: return writer_json_new(&own);
	case FORMAT_ECS: return writer_ecs_new(&own);
	case FORMAT_OTEL: return writer_otel_new(&own);
	case FORMAT_TEXT:
	case FORMAT_HTML: break;
	}
	return writer_text_new(&own);
}
