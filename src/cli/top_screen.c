// SPDX-License-Identifier: GPL-2.0-only
#include "top_screen.h"

#include "top_writer.h"

#include <curses.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <term.h>
#include <unistd.h>

/* Bytes of a key come together; more would be felt after escape. */
#define ESCAPE_MS 50
#define LOWEST	  4
#define NARROWEST 20

static SCREEN *screen;
static bool begun;

static bool can_move(void)
{
	int err;

	return isatty(STDIN_FILENO) == 1 && isatty(STDOUT_FILENO) == 1 &&
	       setupterm(NULL, STDOUT_FILENO, &err) == OK && cursor_address && clear_screen;
}

bool screen_open(bool color)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	if (!can_move())
		return false;
	/* Names are UTF-8 whatever the locale, as in every command. */
	setlocale(LC_CTYPE, "C.UTF-8");
	/* curses would stop this process by a signal, which it may not send. */
	sigaction(SIGTSTP, &ignore, NULL);
	use_env(TRUE);
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return false;
	if (color && has_colors()) {
		start_color();
		use_default_colors();
		init_pair(1, COLOR_RED, -1);
	}
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	nodelay(stdscr, TRUE);
	set_escdelay(ESCAPE_MS);
	curs_set(0);
	/* What is said until it begins goes to the terminal as it was. */
	endwin();
	return true;
}

void screen_begin(void)
{
	begun = true;
	clearok(stdscr, TRUE);
	refresh();
}

void screen_end(void)
{
	if (begun)
		endwin();
	begun = false;
	if (screen)
		delscreen(screen);
	screen = NULL;
}

void screen_size(unsigned int *ret_rows, unsigned int *ret_columns)
{
	struct winsize size = {0};

	/* A terminal that does not know its size has that of terminfo. */
	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row && size.ws_col &&
	    (size.ws_row != LINES || size.ws_col != COLS))
		resizeterm(size.ws_row, size.ws_col);
	*ret_rows = LINES < LOWEST ? LOWEST : (unsigned int)LINES;
	*ret_columns = COLS < NARROWEST ? NARROWEST : (unsigned int)COLS;
}

static chtype attribute(uint8_t style)
{
	switch ((enum top_style)style) {
	case TOP_BOLD: return A_BOLD;
	case TOP_REVERSE: return A_REVERSE;
	case TOP_RED: return COLOR_PAIRS > 1 && begun ? COLOR_PAIR(1) : A_BOLD;
	case TOP_DIM: return A_DIM;
	case TOP_PLAIN: break;
	}
	return A_NORMAL;
}

void screen_show(const char *text, size_t len, const uint8_t *style)
{
	const char *p = text, *end = text + len;

	erase();
	for (int row = 0; p < end && row < LINES; row++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));

		if (!eol)
			eol = end;
		attrset((int)attribute(style[row]));
		mvaddnstr(row, 0, p, (int)(eol - p));
		/* What is reversed is so to the edge. */
		for (int x = getcurx(stdscr);
		     style[row] == TOP_REVERSE && getcury(stdscr) == row && x < COLS - 1; x++)
			addch(' ');
		p = eol + 1;
	}
	attrset(A_NORMAL);
	refresh();
}

int screen_key(void)
{
	int key = getch();

	switch (key) {
	case ERR: return SCREEN_NONE;
	case KEY_UP: return SCREEN_UP;
	case KEY_DOWN: return SCREEN_DOWN;
	case KEY_PPAGE: return SCREEN_PAGE_UP;
	case KEY_NPAGE: return SCREEN_PAGE_DOWN;
	case KEY_HOME: return SCREEN_HOME;
	case KEY_END: return SCREEN_END;
	case KEY_BACKSPACE:
	case '\b':
	case 127: return SCREEN_ERASE;
	case KEY_ENTER:
	case '\r':
	case '\n': return SCREEN_ENTER;
	case 27: return SCREEN_ESCAPE;
	case 12: clearok(stdscr, TRUE); return SCREEN_REDRAW;
	default: return key < 256 ? key : SCREEN_REDRAW;
	}
}

bool screen_is_gone(void)
{
	struct pollfd in = {.fd = STDIN_FILENO, .events = POLLIN};

	return poll(&in, 1, 0) > 0 && in.revents & (POLLHUP | POLLERR | POLLNVAL);
}
