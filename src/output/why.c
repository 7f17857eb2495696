// SPDX-License-Identifier: GPL-2.0-only
#include "line.h"

#include <string.h>

const char *why_text(const char *word)
{
	static const struct {
		const char *word, *text;
	} texts[] = {
		{"wildcard", "one of the two has the wildcard address"},
		{"dual-stack", "the IPv6 wildcard takes IPv4 too"},
		{"outgoing", "an outgoing connection took the port"},
		{"reuseaddr-missing-here", "SO_REUSEADDR missing here"},
		{"reuseaddr-missing-there", "SO_REUSEADDR missing there"},
		{"reuseport-missing-here", "SO_REUSEPORT missing here"},
		{"reuseport-missing-there", "SO_REUSEPORT missing there"},
		{"reuseport-other-user", "SO_REUSEPORT of another user"},
		{"four-tuple", "the same four-tuple"},
	};

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(word, texts[i].word) == 0)
			return texts[i].text;
	}
	return NULL;
}
