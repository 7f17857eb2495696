/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * units.h - durations, sizes, times and lists of numbers as people write them.
 *
 * Owns: parsing and formatting.  Refuses to know: the clock (now is an argument) and option names.
 * Every parser returns 0 or -EINVAL / -ERANGE and leaves its out-parameter untouched on failure.
 * Thread-safe.
 *
 *     uint64_t ns;
 *     if (units_parse_duration("500ms", &ns) == 0) ...   // 500000000
 */
#ifndef SOCKWATCH_UNITS_H
#define SOCKWATCH_UNITS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NSEC_PER_SEC 1000000000ull

/* "500ms" "10s" "5m" "2h" "7d" "1.5s"; a bare number has no unit and is refused.  Nanoseconds. */
int units_parse_duration(const char *text, uint64_t *ret_ns);
/* "100MB" "2GB" "64KB" "4096": powers of 1000 for kB/MB/GB, of 1024 for KiB/MiB/GiB and for K, M, G; any case. */
int units_parse_size(const char *text, uint64_t *ret_bytes);
/* Whole decimal number in [min, max], no sign, nothing behind it. */
int units_parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *ret);
/*
 * As journalctl takes it: RFC 3339, "YYYY-MM-DD [HH:MM[:SS]] [UTC]", "HH:MM[:SS]" (the day of now), yesterday, today, tomorrow,
 * now, "-1h30min", "+5m", "1 hour ago", "@1795172400.5"; local time where no zone is given.
 * now_ns and the result are CLOCK_REALTIME nanoseconds.
 */
int units_parse_time(const char *text, uint64_t now_ns, uint64_t *ret_ns);

/* 30 characters and NUL: "2026-11-20T12:00:00.123456789Z".  Hot path: keeps the last second. */
#define UNITS_RFC3339_SIZE 31
struct units_clock_cache {
	uint64_t second;	/* of the text below; start with UINT64_MAX */
	char utc[20];		/* "2026-11-20T12:00:00" */
	char local[9];		/* "12:00:00" */
};
void units_clock_init(struct units_clock_cache *cache);
size_t units_format_rfc3339(char *out, struct units_clock_cache *cache, uint64_t realtime_ns);
/* "12:00:00.123456" in the local time zone, 15 characters and NUL. */
size_t units_format_clock(char *out, struct units_clock_cache *cache, uint64_t realtime_ns);
/* "2026-11-20" in the local time zone, 10 characters and NUL. */
size_t units_format_day(char *out, uint64_t realtime_ns);
/* "2026-11-20 12:00:00" in the local time zone, 19 characters and NUL. */
size_t units_format_second(char *out, uint64_t realtime_ns);
/* What the local time zone is called in the year around now_ns, "CET/CEST" where these are two; the length. */
#define UNITS_ZONE_SIZE 32
size_t units_format_zone(char *out, uint64_t now_ns);
/* For people: "812us" "1.2ms" "3.4s" "3h 12m"; `out` holds 32 bytes. */
size_t units_format_duration(char *out, uint64_t ns);

/* A list of numbers and ranges, "80,443,8000-8100". */
struct units_range {
	uint64_t low, high;
};
struct units_ranges {
	struct units_range *item;
	size_t count;
};
/*
 * Adds to *ret, which starts as zeroes; max bounds every number.  -ENOMEM too; the caller frees with
 * units_ranges_done().
 */
int units_parse_ranges(const char *text, uint64_t max, struct units_ranges *ret);
bool units_ranges_match(const struct units_ranges *ranges, uint64_t value);
void units_ranges_done(struct units_ranges *ranges);

#endif
