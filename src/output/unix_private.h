/* SPDX-License-Identifier: GPL-2.0-only */
/* unix_private.h - words that rows, JSON and `who` have in common for Unix sockets. */
#ifndef SOCKWATCH_UNIX_PRIVATE_H
#define SOCKWATCH_UNIX_PRIVATE_H

#include "unix_writer.h"

/* "stream", "dgram", "seqpacket". */
const char *unix_type_name(unsigned int type);
/* "LISTEN", "ESTABLISHED"; "-" where it is neither. */
const char *unix_state_name(const struct unix_socket *s);
/* "/run/app.sock", "@abstract", "./@file", "-" without one; returns the length, `out` holds UNIX_SHOWN bytes. */
#define UNIX_SHOWN (4 * UNIX_NAME_MAX + 8)
size_t unix_format_name(char *out, const struct unix_socket *s);

#endif
