// SPDX-License-Identifier: GPL-2.0-only
#include "pace.h"

#include <stdarg.h>
#include <stdio.h>

/* Of ClickHouse's src/Common/ErrorCodes.cpp; the numbers do not change. */
enum code {
	CODE_NO_SUCH_COLUMN = 16,
	CODE_CANNOT_PARSE_TEXT = 6,
	CODE_CANNOT_PARSE_QUOTED = 26,
	CODE_CANNOT_PARSE_INPUT = 27,
	CODE_CANNOT_PARSE_DATE_TIME = 41,
	CODE_UNKNOWN_IDENTIFIER = 47,
	CODE_TYPE_MISMATCH = 53,
	CODE_UNKNOWN_TABLE = 60,
	CODE_SYNTAX_ERROR = 62,
	CODE_CANNOT_PARSE_NUMBER = 72,
	CODE_UNKNOWN_FORMAT = 73,
	CODE_UNKNOWN_DATABASE = 81,
	CODE_UNKNOWN_SETTING = 115,
	CODE_INCORRECT_DATA = 117,
	CODE_READONLY = 164,
	CODE_UNKNOWN_USER = 192,
	CODE_WRONG_PASSWORD = 193,
	CODE_REQUIRED_PASSWORD = 194,
	CODE_IP_NOT_ALLOWED = 195,
	CODE_DATABASE_ACCESS_DENIED = 291,
	CODE_CANNOT_PARSE_IPV6 = 441,
	CODE_ACCESS_DENIED = 497,
	CODE_AUTHENTICATION_FAILED = 516,
};

__attribute__((format(printf, 2, 3))) static void say(struct ship_error *words, const char *format,
						      ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(words->text, sizeof(words->text), format, args);
	va_end(args);
}

/* By the exception alone: older servers answer 500 to nearly all of them.  False: it says nothing about how long that lasts. */
static bool judge_code(const struct ship_http_answer *a, const struct pace_about *o,
		       struct ship_error *words)
{
	const char *user = o->user ? o->user : "default";

	switch (a->code) {
	case CODE_UNKNOWN_USER:
	case CODE_WRONG_PASSWORD:
	case CODE_REQUIRED_PASSWORD:
	case CODE_AUTHENTICATION_FAILED:
	case CODE_IP_NOT_ALLOWED:
		say(words,
		    "%s does not let user '%s' in; --user and --password-file say who asks: %.200s",
		    o->place, user, a->text);
		return true;
	case CODE_ACCESS_DENIED:
	case CODE_DATABASE_ACCESS_DENIED:
	case CODE_READONLY:
		say(words,
		    "user '%s' may not write to %s.%s at %s; GRANT INSERT ON %s.* lets it: %.200s",
		    user, o->database, o->table, o->place, o->database, a->text);
		return true;
	case CODE_UNKNOWN_DATABASE:
		say(words,
		    "there is no database '%s' at %s; create it, then its tables by what sockwatch "
		    "schema "
		    "clickhouse prints",
		    o->database, o->place);
		return true;
	case CODE_UNKNOWN_TABLE:
		say(words,
		    "there is no table %s.%s at %s; sockwatch schema clickhouse prints what makes "
		    "it",
		    o->database, o->table, o->place);
		return true;
	case CODE_NO_SUCH_COLUMN:
	case CODE_UNKNOWN_IDENTIFIER:
	case CODE_TYPE_MISMATCH:
	case CODE_CANNOT_PARSE_TEXT:
	case CODE_CANNOT_PARSE_QUOTED:
	case CODE_CANNOT_PARSE_INPUT:
	case CODE_CANNOT_PARSE_DATE_TIME:
	case CODE_CANNOT_PARSE_NUMBER:
	case CODE_CANNOT_PARSE_IPV6:
	case CODE_INCORRECT_DATA:
	case CODE_SYNTAX_ERROR:
	case CODE_UNKNOWN_FORMAT:
		say(words,
		    "table %s.%s at %s is not as this sockwatch's schema clickhouse makes it: "
		    "%.250s",
		    o->database, o->table, o->place, a->text);
		return true;
	default: return false;
	}
}

static enum pace_verdict judge_status(const struct ship_http_answer *a, const struct pace_about *o,
				      struct ship_error *words)
{
	/* A code at 200: the head was out before it failed. */
	if (a->status == 200 && !a->code)
		return PACE_TAKEN;
	if (a->code == CODE_UNKNOWN_SETTING) {
		say(words,
		    "%s is older than the settings by which it would know what it has; a row that "
		    "is sent twice is one by the tables' keys alone: %.150s",
		    o->place, a->text);
		return PACE_OLD;
	}
	if (judge_code(a, o, words))
		return PACE_REFUSED;
	switch (a->status) {
	case 401:
	case 403:
		say(words,
		    "%s answers %d: it does not let user '%s' in; --user and --password-file say "
		    "who asks",
		    o->place, a->status, o->user ? o->user : "default");
		return PACE_REFUSED;
	case 404:
		if (a->code)
			break;
		say(words, "%s answers 404: no ClickHouse is at this place", o->place);
		return PACE_REFUSED;
	case 408: /* it waited too long for the body */
	case 425:
	case 429: break;
	default:
		if (a->status >= 500 || a->status == 200)
			break;
		say(words, "%s answers %d%s%.300s", o->place, a->status, a->text[0] ? ": " : "",
		    a->text);
		return PACE_REFUSED;
	}
	say(words, "%s answers %d%s%.300s", o->place, a->status, a->text[0] ? ": " : "", a->text);
	return PACE_AGAIN;
}

enum pace_verdict pace_judge(const struct ship_http_answer *a, const struct pace_about *about,
			     struct ship_error *words)
{
	words->text[0] = '\0';
	switch (a->failure) {
	case SHIP_HTTP_ANSWERED: return judge_status(a, about, words);
	case SHIP_HTTP_GIVEN_UP: return PACE_STOPPED;
	case SHIP_HTTP_UNTRUSTED:
		say(words,
		    "%s is not trusted: %.250s; --ca names the certificates that vouch for it",
		    about->place, a->text);
		return PACE_REFUSED;
	case SHIP_HTTP_UNREACHED:
	case SHIP_HTTP_IMPOSSIBLE:
		say(words, "%s does not answer: %.300s", about->place, a->text);
		break;
	}
	return PACE_AGAIN;
}

uint64_t pace_fail(struct pace *p, enum pace_verdict verdict, uint64_t retry_after_ns,
		   uint64_t random)
{
	uint64_t pause = PACE_MOST_NS;

	if (verdict == PACE_TAKEN || verdict == PACE_OLD || verdict == PACE_STOPPED)
		return 0;
	if (verdict == PACE_AGAIN && p->failures < 9 && PACE_LEAST_NS << p->failures < PACE_MOST_NS)
		pause = PACE_LEAST_NS << p->failures;
	if (p->failures < 1000000)
		p->failures++;
	pause -= random % (pause / 2 + 1);
	if (pause < PACE_LEAST_NS)
		pause = PACE_LEAST_NS;
	/* All that were told the same moment spread behind it. */
	if (pause < retry_after_ns)
		pause = retry_after_ns + random % (retry_after_ns / 8 + 1);
	return pause;
}

void pace_succeed(struct pace *p)
{
	p->failures = 0;
}
