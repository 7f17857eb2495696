/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store_case.h - a store in a directory of its own for each test, lives to put into it, and what it says then.
 */
#ifndef STORE_CASE_H
#define STORE_CASE_H

#include "store.h"

#define SEC  1000000000ull
#define MSEC 1000000ull
/* 2026-11-20T12:00:00Z; boot was an hour before. */
#define WALL	  (1795176000ull * SEC)
#define BOOT	  (3600 * SEC)
#define OFFSET	  ((int64_t)(WALL - BOOT))
#define FOUND_MAX 4096

#define OPEN() open_store((struct store_options){0})

#define STORE_FILES 5

extern char path[64];
extern const char *const store_files[STORE_FILES]; /* what follows `path` in their names */
extern const struct process nginx, curl;
extern struct event found[FOUND_MAX]; /* what was asked for last */
extern size_t found_count;

int store_setup(void **state);
int store_teardown(void **state);
struct store *open_store(struct store_options o);
/* A life from `from` to `to` seconds after 12:00. */
struct event life(double from, double to, uint16_t port, uint64_t cookie);
struct event open_life(double from, double now, uint16_t port, uint64_t cookie);
struct store_query all(const struct filter *f);
/* What the store says; the count. */
size_t ask(struct store_query q);
size_t ask_at(const struct filter *f, double at);
size_t ask_all(void);
/* What it says to who looks at sockets of a boot; `most` at most. */
size_t ask_past(const char *boot, bool open, double from, size_t most);
/* A store with rows in every table, of two runs; the second left a life open. */
void sample_store(void);
/* SQL on the store as a stranger would run it.  False when SQLite itself refuses such a row. */
bool craft(const char *sql);
/*
 * All that is asked of a store, or (write_to) all that a recorder does with one.  False when it was refused; then `why`
 * (STORE_ERROR_SIZE) says it, else it is empty.
 */
bool read_store(char *why);
bool write_to(char *why);
/* The number SQL finds in the store. */
int64_t sql(const char *text);
void pause_ms(long ms);
/* Pulses until `count` rows are committed or ten seconds passed. */
void wait_stored(struct store *s, uint64_t count);

#endif
