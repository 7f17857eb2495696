/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ipvs.h - the virtual services of IPVS as /proc/net/ip_vs lists them.
 *
 * Owns: the reading of that text.  Refuses to know: files.  Pure.
 *
 *     struct ipvs_reader r = {0};
 *     while (fgets(line, ...)) if (ipvs_line(&r, line, &redirect)) ...       // one of the servers of a service
 */
#ifndef SOCKWATCH_IPVS_H
#define SOCKWATCH_IPVS_H

#include "redirect.h"

struct ipvs_reader {
	bool in_service;
	uint16_t protocol;
	enum family family;
	struct endpoint service;
	char scheduler[16];
};

/* True when the line is a server: `ret` is filled but for netns and the packet's ways.  Other lines move the reader on. */
bool ipvs_line(struct ipvs_reader *r, const char *line, struct redirect *ret);

#endif
