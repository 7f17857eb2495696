// SPDX-License-Identifier: GPL-2.0-only
#include "writer.h"

#include <string.h>

#include "utf8.h"

static const char hex[] = "0123456789abcdef";

static bool is_plain(char c)
{
	return c > ' ' && c < 0x7f && c != '"' && c != '\\';
}

static size_t put_json_control(char *out, uint32_t code)
{
	/* Each character that has a short escape, followed by its letter. */
	static const char short_escapes[] = "\"\"\\\\\bb\ff\nn\rr\tt";
	const char *letter = code ? strchr(short_escapes, (int)code) : NULL;

	out[0] = '\\';
	if (letter) {
		out[1] = letter[1];
		return 2;
	}
	memcpy(out + 1, "u00", 3);
	out[4] = hex[code >> 4 & 15];
	out[5] = hex[code & 15];
	return 6;
}

size_t json_escape(char *out, const char *bytes, size_t len)
{
	char *p = out;

	for (size_t i = 0; i < len;) {
		uint32_t code;
		size_t n;

		if (is_plain(bytes[i]) || bytes[i] == ' ') {
			*p++ = bytes[i++];
			continue;
		}
		n = utf8_decode(bytes + i, len - i, &code);
		if (n == 0) {
			memcpy(p, "\xef\xbf\xbd", 3);
			p += 3;
			i++;
			continue;
		}
		/* C1 controls too: a terminal that shows JSON takes U+009B for an escape sequence.
		 */
		if (code < 0xa0) {
			p += put_json_control(p, code);
		} else {
			memcpy(p, bytes + i, n);
			p += n;
		}
		i += n;
	}
	return (size_t)(p - out);
}

size_t text_escape(char *out, const char *bytes, size_t len)
{
	char *p = out;

	for (size_t i = 0; i < len;) {
		uint32_t code = 0;
		size_t n;

		if (is_plain(bytes[i]) || bytes[i] == '"') {
			*p++ = bytes[i++];
			continue;
		}
		n = utf8_decode(bytes + i, len - i, &code);
		if (n > 1 && !utf8_is_invisible(code)) {
			memcpy(p, bytes + i, n);
			p += n;
			i += n;
			continue;
		}
		for (n = n ? n : 1; n > 0; n--, i++) {
			*p++ = '\\';
			*p++ = 'x';
			*p++ = hex[(unsigned char)bytes[i] >> 4];
			*p++ = hex[bytes[i] & 15];
		}
	}
	return (size_t)(p - out);
}
