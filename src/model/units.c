/* SPDX-License-Identifier: GPL-2.0-only */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "units.h"

#define DIGITS	      "0123456789"
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Reads one or more digits at *text and moves it behind them. */
static int read_digits(const char **text, uint64_t *ret)
{
	const char *p = *text;
	uint64_t value = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++) {
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, *p - '0', &value))
			return -ERANGE;
	}
	*text = p;
	*ret = value;
	return 0;
}

int units_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value;
	int err = read_digits(&text, &value);

	if (err)
		return err;
	if (*text)
		return -EINVAL;
	if (value < min || value > max)
		return -ERANGE;
	*ret = value;
	return 0;
}

#define LETTERS "abcdefghijklmnopqrstuvwxyz"

/* 0 for a word that is no unit of time; `words`: systemd's names too, not only the first of each. */
static uint64_t span_unit(const char *word, size_t len, bool words)
{
	static const struct {
		const char *names; /* a space behind each */
		uint64_t ns;
	} units[] = {
		{"ns nsec ", 1},
		{"us usec ", 1000},
		{"ms msec ", 1000000},
		{"s sec second seconds ", NSEC_PER_SEC},
		{"m min minute minutes ", 60 * NSEC_PER_SEC},
		{"h hr hour hours ", 3600 * NSEC_PER_SEC},
		{"d day days ", 86400 * NSEC_PER_SEC},
		{" w week weeks ", 7 * 86400 * NSEC_PER_SEC},
	};

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		const char *at = units[i].names;

		do {
			if (strcspn(at, " ") == len && strncmp(at, word, len) == 0)
				return units[i].ns;
			at += strcspn(at, " ") + 1;
		} while (words && *at);
	}
	return 0;
}

/* Reads "5m", with `words` "5 minutes" too, at *text and moves it behind that. */
static int read_span(const char **text, bool words, uint64_t *ret_ns)
{
	const char *fraction = "";
	uint64_t ns, unit;
	size_t len;
	int err = read_digits(text, &ns);

	if (err)
		return err;
	if (**text == '.') {
		fraction = ++*text;
		*text += strspn(*text, DIGITS);
		if (*text == fraction)
			return -EINVAL;
	}
	*text += words ? strspn(*text, " ") : 0;
	len = strspn(*text, LETTERS);
	unit = len ? span_unit(*text, len, words) : 0;
	if (!unit)
		return -EINVAL;
	*text += len;
	if (__builtin_mul_overflow(ns, unit, &ns))
		return -ERANGE;
	/* Digits below a nanosecond add nothing. */
	for (; is_digit(*fraction); fraction++) {
		unit /= 10;
		if (__builtin_add_overflow(ns, (*fraction - '0') * unit, &ns))
			return -ERANGE;
	}
	*ret_ns = ns;
	return 0;
}

int units_parse_duration(const char *text, uint64_t *ret_ns)
{
	uint64_t ns;
	int err = read_span(&text, false, &ns);

	if (err)
		return err;
	if (*text)
		return -EINVAL;
	*ret_ns = ns;
	return 0;
}

int units_parse_size(const char *text, uint64_t *ret_bytes)
{
	static const struct {
		const char *name;
		uint64_t bytes;
	} units[] = {
		{"", 1},
		{"B", 1},
		{"K", 1ull << 10},
		{"KB", 1000ull},
		{"KiB", 1ull << 10},
		{"M", 1ull << 20},
		{"MB", 1000000ull},
		{"MiB", 1ull << 20},
		{"G", 1ull << 30},
		{"GB", 1000000000ull},
		{"GiB", 1ull << 30},
		{"T", 1ull << 40},
		{"TB", 1000000000000ull},
		{"TiB", 1ull << 40},
	};
	uint64_t bytes;
	int err = read_digits(&text, &bytes);

	if (err)
		return err;
	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		if (strcasecmp(text, units[i].name))
			continue;
		if (__builtin_mul_overflow(bytes, units[i].bytes, &bytes))
			return -ERANGE;
		*ret_bytes = bytes;
		return 0;
	}
	return -EINVAL;
}

/* Reads exactly `digits` digits with a value in [min, max]. */
static bool read_field(const char **text, size_t digits, int min, int max, int *ret)
{
	int value = 0;

	if (strspn(*text, DIGITS) < digits)
		return false;
	for (size_t i = 0; i < digits; i++)
		value = value * 10 + (*text)[i] - '0';
	*text += digits;
	*ret = value;
	return value >= min && value <= max;
}

static bool read_char(const char **text, const char *allowed)
{
	if (!**text || !strchr(allowed, **text))
		return false;
	++*text;
	return true;
}

static int days_in_month(int year, int month)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap);
}

static bool read_date(const char **text, struct tm *tm)
{
	int year, month, day;

	if (!read_field(text, 4, 0, 9999, &year) || !read_char(text, "-") ||
	    !read_field(text, 2, 1, 12, &month) || !read_char(text, "-") ||
	    !read_field(text, 2, 1, days_in_month(year, month), &day))
		return false;
	tm->tm_year = year - 1900;
	tm->tm_mon = month - 1;
	tm->tm_mday = day;
	return true;
}

/* ".5"; digits below a nanosecond add nothing. */
static bool read_fraction(const char **text, uint64_t *ret_nanos)
{
	uint64_t digit_ns = NSEC_PER_SEC;

	if (!read_char(text, ".") || !is_digit(**text))
		return false;
	for (; is_digit(**text); ++*text) {
		digit_ns /= 10;
		*ret_nanos += (**text - '0') * digit_ns;
	}
	return true;
}

/* HH:MM[:SS[.fraction]]; 60 is a leap second (RFC 3339, 5.7). */
static bool read_time(const char **text, struct tm *tm, uint64_t *ret_nanos)
{
	tm->tm_sec = 0;
	*ret_nanos = 0;
	if (!read_field(text, 2, 0, 23, &tm->tm_hour) || !read_char(text, ":") ||
	    !read_field(text, 2, 0, 59, &tm->tm_min))
		return false;
	if (!read_char(text, ":"))
		return true;
	if (!read_field(text, 2, 0, 60, &tm->tm_sec))
		return false;
	return **text != '.' || read_fraction(text, ret_nanos);
}

/* "Z" or "+HH:MM"; without one the time is local. */
static bool read_zone(const char **text, bool *ret_local, int *ret_east_s)
{
	int hours, minutes;
	bool west = **text == '-';

	*ret_local = false;
	*ret_east_s = 0;
	if (read_char(text, "Zz"))
		return true;
	if (!read_char(text, "+-")) {
		*ret_local = true;
		return true;
	}
	if (!read_field(text, 2, 0, 23, &hours) || !read_char(text, ":") ||
	    !read_field(text, 2, 0, 59, &minutes))
		return false;
	*ret_east_s = (hours * 60 + minutes) * (west ? -60 : 60);
	return true;
}

/* "1h30min", "2 hours", with " ago" behind it where `ago`. */
static int parse_spans(const char *text, bool ago, uint64_t *ret_ns)
{
	uint64_t all = 0, ns;

	do {
		int err = read_span(&text, true, &ns);

		if (err)
			return err;
		if (__builtin_add_overflow(all, ns, &all))
			return -ERANGE;
		if (strcmp(text, ago ? " ago" : "") == 0) {
			*ret_ns = all;
			return 0;
		}
		text += strspn(text, " ");
	} while (*text);
	return -EINVAL;
}

/* "@1795172400.5" */
static int parse_epoch(const char *text, uint64_t *ret_ns)
{
	uint64_t seconds, ns, nanos = 0;
	int err = read_digits(&text, &seconds);

	if (err)
		return err;
	if ((*text == '.' && !read_fraction(&text, &nanos)) || *text)
		return -EINVAL;
	if (__builtin_mul_overflow(seconds, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, nanos, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

/* "-1h", "+5m", "1h ago"; -ENOENT: none of these. */
static int parse_relative(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	size_t len = strlen(text);
	bool ahead = *text == '+', ago = len > 4 && strcmp(text + len - 4, " ago") == 0;
	uint64_t span;
	int err;

	if (!ahead && !ago && *text != '-')
		return -ENOENT;
	err = parse_spans(text + !ago, ago, &span);
	if (err)
		return err;
	if (ahead ? span > UINT64_MAX - now_ns : span > now_ns)
		return -ERANGE;
	*ret_ns = ahead ? now_ns + span : now_ns - span;
	return 0;
}

/* How many days a word is from the day of now; INT_MAX: it is none of these. */
static int day_word(const char *text)
{
	static const char *const words[] = {"yesterday", "today", "tomorrow"};

	for (int i = 0; i < 3; i++)
		if (strcmp(text, words[i]) == 0)
			return i - 1;
	return INT_MAX;
}

static int to_ns(struct tm *tm, bool local, int east_s, uint64_t nanos, uint64_t *ret_ns)
{
	int64_t seconds;
	uint64_t ns;

	tm->tm_isdst = -1;
	seconds = local ? mktime(tm) : timegm(tm) - east_s;
	if (seconds < 0 || __builtin_mul_overflow((uint64_t)seconds, NSEC_PER_SEC, &ns) ||
	    __builtin_add_overflow(ns, nanos, &ns))
		return -ERANGE;
	*ret_ns = ns;
	return 0;
}

int units_parse_time(const char *text, uint64_t now_ns, uint64_t *ret_ns)
{
	time_t now = (time_t)(now_ns / NSEC_PER_SEC);
	bool dated = strlen(text) > 4 && text[4] == '-';
	int day = day_word(text), east_s = 0, err;
	uint64_t nanos = 0;
	bool local = true;
	struct tm tm;

	if (strcmp(text, "now") == 0) {
		*ret_ns = now_ns;
		return 0;
	}
	if (*text == '@')
		return parse_epoch(text + 1, ret_ns);
	err = parse_relative(text, now_ns, ret_ns);
	if (err != -ENOENT)
		return err;
	if (!localtime_r(&now, &tm))
		return -ERANGE;
	if (dated && !read_date(&text, &tm))
		return -EINVAL;
	if (day != INT_MAX || (dated && !*text)) {
		tm.tm_mday += day != INT_MAX ? day : 0;
		tm.tm_hour = tm.tm_min = tm.tm_sec = 0;
		return to_ns(&tm, true, 0, 0, ret_ns);
	}
	if (dated && !read_char(&text, "Tt "))
		return -EINVAL;
	if (!read_time(&text, &tm, &nanos))
		return -EINVAL;
	if (dated && strcmp(text, " UTC") == 0)
		text = "Z";
	if (dated && !read_zone(&text, &local, &east_s))
		return -EINVAL;
	if (*text)
		return -EINVAL;
	return to_ns(&tm, local, east_s, nanos, ret_ns);
}

/* "80" or "8000-8100". */
static int read_range(const char **text, uint64_t max, struct units_range *ret)
{
	int err = read_digits(text, &ret->low);

	ret->high = ret->low;
	if (!err && **text == '-') {
		++*text;
		err = read_digits(text, &ret->high);
	}
	if (err)
		return err;
	if (ret->low > ret->high)
		return -EINVAL;
	return ret->high > max ? -ERANGE : 0;
}

int units_parse_ranges(const char *text, uint64_t max, struct units_ranges *ret)
{
	size_t count = ret->count + 1;
	struct units_range *item;

	for (const char *p = text; *p; p++)
		count += *p == ',';
	item = calloc(count, sizeof(*item));
	if (!item)
		return -ENOMEM;
	if (ret->count > 0)
		memcpy(item, ret->item, ret->count * sizeof(*item));
	for (size_t i = ret->count; i < count; i++) {
		int err = read_range(&text, max, &item[i]);

		if (!err && *text != (i + 1 < count ? ',' : '\0'))
			err = -EINVAL;
		if (err) {
			free(item);
			return err;
		}
		text++;
	}
	free(ret->item);
	ret->item = item;
	ret->count = count;
	return 0;
}

bool units_ranges_match(const struct units_ranges *ranges, uint64_t value)
{
	for (size_t i = 0; i < ranges->count; i++) {
		if (value >= ranges->item[i].low && value <= ranges->item[i].high)
			return true;
	}
	return false;
}

void units_ranges_done(struct units_ranges *ranges)
{
	free(ranges->item);
	*ranges = (struct units_ranges){0};
}
