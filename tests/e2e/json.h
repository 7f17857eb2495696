/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json.h - one line of JSON, read as strictly as RFC 8259 allows and a little more.
 *
 * Owns: a tree of nodes over one line.  Refuses to know: what the keys mean.  Stricter than the
 * RFC: a key may occur once per object, and a NUL inside a string is refused because nothing here
 * expects one. One thread per document.
 *
 *     struct json doc;
 *     if (json_parse(&doc, line, strlen(line)) < 0) puts(doc.why);
 *     const struct json_node *pid = json_get(&doc, json_get(&doc, json_root(&doc), "process"),
 * "pid");
 */
#ifndef E2E_JSON_H
#define E2E_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_type {
	JSON_NULL,
	JSON_BOOL,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_node {
	enum json_type type;
	bool truth;	  /* JSON_BOOL */
	bool whole;	  /* JSON_NUMBER: a non-negative integer that fits `number` */
	int64_t negative; /* JSON_NUMBER: below zero and integer; else 0 */
	uint64_t number;
	const char *key;  /* of a member, NULL elsewhere */
	const char *text; /* JSON_STRING, decoded to UTF-8 */
	int first;	  /* child, -1 none */
	int next;	  /* sibling, -1 none */
};

#define JSON_MAX_NODES 4096
#define JSON_MAX_LINE  65536

struct json {
	struct json_node node[JSON_MAX_NODES];
	int count;
	char arena[JSON_MAX_LINE * 2];
	size_t used;
	const char *at, *end;
	const char *why; /* of the failure */
};

/* 0, or -1 with doc->why set.  Nothing is allocated; the tree lives as long as `doc` is not parsed
 * into again. */
int json_parse(struct json *doc, const char *line, size_t len);
const struct json_node *json_root(const struct json *doc);
/* The member `key` of an object; NULL when absent or when `object` is NULL or no object. */
const struct json_node *json_get(const struct json *doc, const struct json_node *object,
				 const char *key);
/* First child and next sibling, NULL at the end. */
const struct json_node *json_first(const struct json *doc, const struct json_node *parent);
const struct json_node *json_next(const struct json *doc, const struct json_node *node);

/* True where the bytes are UTF-8 without overlong forms, surrogates and code points past U+10FFFF.
 */
bool json_is_utf8(const char *bytes, size_t len);

#endif
