// SPDX-License-Identifier: GPL-2.0-only
/* A process may call itself anything; the output stays one valid line each, and the name comes
 * back. */
#include <stddef.h>
#include <stdio.h>

#include "pair.h"
#include "scenario.h"

#define REPLACED "\xef\xbf\xbd"

/* A life of a client with this name; `shown` is what JSON must decode to. */
static void named(const char *name, const char *shown)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	p.client = peer_start(name);
	snprintf(p.client->name, sizeof(p.client->name), "%s", shown);
	pair_whole_life(t, &p, ACCEPT_ADDRESS, CLIENT_FIRST);
}

static void escape_sequence(void)
{
	named("\033[31mred\033[0m", "\033[31mred\033[0m");
}

static void newline(void)
{
	named("a\nb\rc\td", "a\nb\rc\td");
}

static void quotes(void)
{
	named("q\"u\\o/'", "q\"u\\o/'");
}

static void like_json(void)
{
	named("\",\"pid\":1,\"", "\",\"pid\":1,\"");
}

static void invalid_utf8(void)
{
	named("a\xff\xfe\x80z", "a" REPLACED REPLACED REPLACED "z");
}

/* The kernel cuts names at 15 bytes, in the middle of a character if need be. */
static void cut_utf8(void)
{
	named("12345678901234\xc3\xa9", "12345678901234" REPLACED);
}

static void overlong_utf8(void)
{
	named("\xc0\xaf\xed\xa0\x80", REPLACED REPLACED REPLACED REPLACED REPLACED);
}

static void valid_utf8(void)
{
	named("\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7", "\xc3\xa9\xe2\x82\xac\xf0\x9f\x90\xa7");
}

static void controls(void)
{
	named("\x01\x1f\x7f \b\f", "\x01\x1f\x7f \b\f");
}

static void empty(void)
{
	named("", "");
}

const struct scenario name_scenarios[] = {
	{"name-escape-sequence", escape_sequence},
	{"name-newline", newline},
	{"name-quotes", quotes},
	{"name-like-json", like_json},
	{"name-invalid-utf8", invalid_utf8},
	{"name-cut-utf8", cut_utf8},
	{"name-overlong-utf8", overlong_utf8},
	{"name-valid-utf8", valid_utf8},
	{"name-controls", controls},
	{"name-empty", empty},
	{0},
};
