/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * top_screen.h - a terminal that lines are drawn on and keys are read from.
 *
 * Owns: curses.  Refuses to know: what lines say and keys do.  What it reads (terminfo) it reads in screen_open(), before rights are
 * given away; from screen_begin() to screen_end() nobody else writes to the terminal.
 */
#ifndef SOCKWATCH_TOP_SCREEN_H
#define SOCKWATCH_TOP_SCREEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Keys that are no bytes. */
enum screen_key {
	SCREEN_NONE = -1,
	SCREEN_UP = 0x100,
	SCREEN_DOWN,
	SCREEN_PAGE_UP,
	SCREEN_PAGE_DOWN,
	SCREEN_HOME,
	SCREEN_END,
	SCREEN_ESCAPE,
	SCREEN_ENTER,
	SCREEN_ERASE,
	SCREEN_REDRAW,
};

/* False: stdin and stdout are no terminal, or one whose cursor cannot be moved. */
bool screen_open(bool color);
void screen_begin(void);
void screen_end(void);
/* The size as it is now. */
void screen_size(unsigned int *ret_rows, unsigned int *ret_columns);
/* Shows whole lines, each in its style (enum top_style). */
void screen_show(const char *text, size_t len, const uint8_t *style);
/* The next key, a byte or enum screen_key; SCREEN_NONE: none waits. */
int screen_key(void);
/* Nobody is there any more. */
bool screen_is_gone(void);

#endif
