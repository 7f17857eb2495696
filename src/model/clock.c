// SPDX-License-Identifier: GPL-2.0-only
#include "units.h"

#include <string.h>
#include <time.h>

#include "inet.h"

#define SEC_PER_DAY 86400u

static char *put_clock(char *p, unsigned int hour, unsigned int minute, unsigned int second)
{
	p = inet_put_padded(p, hour, 2);
	*p++ = ':';
	p = inet_put_padded(p, minute, 2);
	*p++ = ':';
	return inet_put_padded(p, second, 2);
}

void units_clock_init(struct units_clock_cache *cache)
{
	tzset();
	cache->second = UINT64_MAX;
	cache->utc[0] = '\0';
	cache->local[0] = '\0';
}

/* The two texts are filled separately, because each writer needs only one of them. */
static void clock_move(struct units_clock_cache *cache, uint64_t second)
{
	if (cache->second == second)
		return;
	/* All UTC days have the same length here, so the date stays until the day ends. */
	if (cache->second / SEC_PER_DAY == second / SEC_PER_DAY && cache->utc[0]) {
		unsigned int s = (unsigned int)(second % SEC_PER_DAY);

		put_clock(cache->utc + 11, s / 3600, s / 60 % 60, s % 60);
	} else {
		cache->utc[0] = '\0';
	}
	cache->local[0] = '\0';
	cache->second = second;
}

static void fill_utc(struct units_clock_cache *cache)
{
	time_t second = (time_t)cache->second;
	struct tm tm = {0};
	char *p = cache->utc;

	gmtime_r(&second, &tm);
	p = inet_put_padded(p, (unsigned int)tm.tm_year + 1900, 4);
	*p++ = '-';
	p = inet_put_padded(p, (unsigned int)tm.tm_mon + 1, 2);
	*p++ = '-';
	p = inet_put_padded(p, (unsigned int)tm.tm_mday, 2);
	*p++ = 'T';
	p = put_clock(p, (unsigned int)tm.tm_hour, (unsigned int)tm.tm_min,
		      (unsigned int)tm.tm_sec);
	*p = '\0';
}

static void fill_local(struct units_clock_cache *cache)
{
	time_t second = (time_t)cache->second;
	struct tm tm = {0};
	char *p;

	localtime_r(&second, &tm);
	p = put_clock(cache->local, (unsigned int)tm.tm_hour, (unsigned int)tm.tm_min,
		      (unsigned int)tm.tm_sec);
	*p = '\0';
}

size_t units_format_rfc3339(char *out, struct units_clock_cache *cache, uint64_t realtime_ns)
{
	char *p = out;

	clock_move(cache, realtime_ns / NSEC_PER_SEC);
	if (!cache->utc[0])
		fill_utc(cache);
	memcpy(p, cache->utc, sizeof(cache->utc) - 1);
	p += sizeof(cache->utc) - 1;
	*p++ = '.';
	p = inet_put_padded(p, (unsigned int)(realtime_ns % NSEC_PER_SEC), 9);
	*p++ = 'Z';
	*p = '\0';
	return (size_t)(p - out);
}

size_t units_format_clock(char *out, struct units_clock_cache *cache, uint64_t realtime_ns)
{
	char *p = out;

	clock_move(cache, realtime_ns / NSEC_PER_SEC);
	if (!cache->local[0])
		fill_local(cache);
	memcpy(p, cache->local, sizeof(cache->local) - 1);
	p += sizeof(cache->local) - 1;
	*p++ = '.';
	p = inet_put_padded(p, (unsigned int)(realtime_ns % NSEC_PER_SEC / 1000), 6);
	*p = '\0';
	return (size_t)(p - out);
}

size_t units_format_day(char *out, uint64_t realtime_ns)
{
	time_t second = (time_t)(realtime_ns / NSEC_PER_SEC);
	struct tm tm = {0};
	char *p = out;

	localtime_r(&second, &tm);
	p = inet_put_padded(p, (unsigned int)tm.tm_year + 1900, 4);
	*p++ = '-';
	p = inet_put_padded(p, (unsigned int)tm.tm_mon + 1, 2);
	*p++ = '-';
	p = inet_put_padded(p, (unsigned int)tm.tm_mday, 2);
	*p = '\0';
	return (size_t)(p - out);
}

size_t units_format_second(char *out, uint64_t realtime_ns)
{
	struct units_clock_cache cache;
	char text[16];
	size_t len = units_format_day(out, realtime_ns);

	units_clock_init(&cache);
	units_format_clock(text, &cache, realtime_ns);
	out[len++] = ' ';
	memcpy(out + len, text, 8);
	out[len + 8] = '\0';
	return len + 8;
}

static size_t zone_at(char *out, size_t size, time_t second)
{
	struct tm tm = {0};

	localtime_r(&second, &tm);
	return strftime(out, size, "%Z", &tm);
}

size_t units_format_zone(char *out, uint64_t now_ns)
{
	const time_t now = (time_t)(now_ns / NSEC_PER_SEC), half_a_year = 182 * (time_t)SEC_PER_DAY;
	char other[UNITS_ZONE_SIZE / 2];
	size_t len, other_len;

	tzset();
	len = zone_at(out, UNITS_ZONE_SIZE / 2, now);
	other_len = zone_at(other, sizeof(other), now - half_a_year);
	if (other_len && (other_len != len || memcmp(out, other, len) != 0)) {
		out[len++] = '/';
		memcpy(out + len, other, other_len);
		len += other_len;
	}
	out[len] = '\0';
	return len;
}

/* Three digits say enough: "1.2ms", "12.3ms", "123ms".  Cut, not rounded, so that 999.9us is not
 * 1000us. */
static size_t put_decimal(char *out, uint64_t ns, uint64_t unit_ns, const char *unit)
{
	char *p = out + inet_format_number(out, ns / unit_ns);

	if (ns / unit_ns < 100) {
		*p++ = '.';
		*p++ = (char)('0' + ns % unit_ns * 10 / unit_ns);
	}
	strcpy(p, unit);
	return (size_t)(p - out) + strlen(unit);
}

/* Two neighbouring units, the smaller one left out where it is zero: "3h 12m", "2d". */
static size_t put_pair(char *out, uint64_t value, unsigned int ratio, const char unit[2])
{
	char *p = out + inet_format_number(out, value / ratio);

	*p++ = unit[0];
	if (value % ratio) {
		*p++ = ' ';
		p += inet_format_number(p, value % ratio);
		*p++ = unit[1];
	}
	*p = '\0';
	return (size_t)(p - out);
}

size_t units_format_duration(char *out, uint64_t ns)
{
	uint64_t seconds = ns / NSEC_PER_SEC;
	size_t len;

	if (seconds >= SEC_PER_DAY)
		return put_pair(out, seconds / 3600, 24, "dh");
	if (seconds >= 3600)
		return put_pair(out, seconds / 60, 60, "hm");
	if (seconds >= 60)
		return put_pair(out, seconds, 60, "ms");
	if (ns >= NSEC_PER_SEC)
		return put_decimal(out, ns, NSEC_PER_SEC, "s");
	if (ns >= 1000000)
		return put_decimal(out, ns, 1000000, "ms");
	len = inet_format_number(out, ns >= 1000 ? ns / 1000 : ns);
	strcpy(out + len, ns >= 1000 ? "us" : "ns");
	return len + 2;
}
