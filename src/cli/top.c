// SPDX-License-Identifier: GPL-2.0-only
/* top.c - `sockwatch top`: what is counted of events, once a second, on a terminal or as frames of text. */
#include "top_run.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "commands.h"
#include "log.h"
#include "top_screen.h"
#include "two.h"

#define KINDS                                                                                      \
	(1u << EVENT_BIND | 1u << EVENT_LISTEN | 1u << EVENT_CONNECT | 1u << EVENT_ACCEPT |        \
	 1u << EVENT_CLOSE | 1u << EVENT_OVERFLOW | 1u << EVENT_LOST)
#define FRAME_NS NSEC_PER_SEC
/* What happened at the end of a second is read by then. */
#define SETTLE_NS (NSEC_PER_SEC / 20)
/* A pass over the table goes in steps between two drains, and more rarely where it is large. */
#define OPEN_STEP    50000
#define OPEN_SOCKETS 200000
/* Looks at ports take a tenth of the time. */
#define LOOK_NS	   (2 * NSEC_PER_SEC)
#define LOOK_REST  9
#define MESSAGE_NS (5 * NSEC_PER_SEC)

static struct top_run *running;

static void on_event(void *ctx, const struct event *event)
{
	struct top_run *t = ctx;

	top_event(t->top, event);
}

/* ---- what is open ---- */

static enum open_answer on_open(void *ctx, const struct event *life)
{
	struct top_run *t = ctx;

	top_open(t->top, life);
	return OPEN_UNWANTED;
}

static void count_open(struct top_run *t, uint64_t now_ns)
{
	struct table_stats stats;

	if (!t->is_telling) {
		table_get_stats(t->session.table, &stats);
		if (now_ns < t->told_ns)
			return;
		t->told_ns = now_ns + FRAME_NS / 2 + stats.sockets / OPEN_SOCKETS * FRAME_NS;
		t->telling = (struct table_telling){.again = true};
		t->is_telling = true;
		top_open_begin(t->top);
	}
	if (!session_each_open(&t->session, &t->telling, OPEN_STEP, on_open, t))
		return;
	t->is_telling = false;
	top_open_end(t->top);
}

/* ---- frames ---- */

static void look_at_ports(struct top_run *t)
{
	struct budget *before = t->look.budget;
	uint64_t begin_ns = kernel_now();

	if (t->look_ns && begin_ns - t->look_ns < LOOK_NS + LOOK_REST * t->look_took_ns)
		return;
	t->look.filter = &t->options.filter;
	if (budget_look_take(&t->look))
		budget_look_name(t->look.budget);
	budget_free(before);
	t->look_ns = kernel_now();
	t->look_took_ns = t->look_ns - begin_ns;
}

/* The row that is selected stays so wherever it goes. */
static void find_selected(struct top_run *t, const struct top_key *key)
{
	struct top_frame *f = &t->frame;
	size_t body = top_body(f->rows);

	for (size_t i = 0; key && i < t->list.count; i++) {
		const struct top_shown *s = &t->list.item[i];

		if (s->row && !s->others && memcmp(&s->row->key, key, sizeof(*key)) == 0)
			f->selected = i;
	}
	if (f->selected >= t->list.count)
		f->selected = t->list.count ? t->list.count - 1 : 0;
	if (f->page == TOP_TEXT)
		return;
	if (f->first > f->selected)
		f->first = f->selected;
	if (f->selected >= f->first + body)
		f->first = f->selected - body + 1;
}

static void take_list(struct top_run *t, uint64_t now_ns)
{
	struct top_frame *f = &t->frame;
	bool selected = !t->stale && f->selected < t->list.count && t->list.item[f->selected].row &&
			!t->list.item[f->selected].others;
	struct top_key key;

	if (selected)
		key = t->list.item[f->selected].row->key;
	if (!f->paused)
		top_tick(t->top, now_ns);
	f->now_ns = now_ns;
	f->looked = false;
	t->list.count = 0;
	if (f->view == TOP_PORTS) {
		if (!f->paused || !t->look.budget)
			look_at_ports(t);
		f->looked = t->look.budget != NULL;
		if (f->looked)
			top_take_ports(t->look.budget, &t->list);
	} else {
		top_take(t->top, f->view, now_ns, &t->list);
	}
	f->sort = t->sorted[f->view];
	top_sort(&t->list, f->sort, f->reverse);
	t->stale = false;
	find_selected(t, selected ? &key : NULL);
}

static void draw_screen(struct top_run *t)
{
	struct top_frame *f = &t->frame;

	if (f->rows > t->styles) {
		uint8_t *grown = realloc(t->style, f->rows);

		if (!grown)
			return;
		t->style = grown;
		t->styles = f->rows;
	}
	f->message = t->asking ? t->prompt : t->message_ns ? t->message : NULL;
	memset(t->style, TOP_PLAIN, t->styles);
	t->buffer.len = 0;
	t->more = top_draw(&t->buffer, f, t->style);
	screen_show(t->buffer.data, t->buffer.len, t->style);
}

static void write_frame(struct top_run *t)
{
	if (t->options.format == FORMAT_JSON)
		top_write_json(&t->buffer, &t->frame, &t->json_begun);
	else
		top_draw(&t->buffer, &t->frame, NULL);
	t->frames++;
	if (t->options.format == FORMAT_TEXT && t->frames != t->options.batch)
		buffer_append(&t->buffer, "\n", 1);
	if (!output_flush(&t->output, &t->buffer) ||
	    (t->options.batch && t->frames == t->options.batch))
		t->session.done = true;
}

static void show(struct top_run *t, uint64_t now_ns, bool tick)
{
	struct top_frame *f = &t->frame;
	const struct session *s = &t->session;

	f->wall_offset_ns = s->wall_offset_ns;
	f->lost = s->lost + s->full + s->unfollowed;
	if (t->on_screen)
		screen_size(&f->rows, &f->columns);
	if (t->message_ns && now_ns > t->message_ns + MESSAGE_NS)
		t->message_ns = 0;
	/* Between two frames only what was asked for changes: a second that is not over has no rates. */
	if (t->stale || (tick && !f->paused))
		take_list(t, tick && !f->paused ? now_ns : f->now_ns);
	else
		find_selected(t, NULL);
	if (t->on_screen)
		draw_screen(t);
	else
		write_frame(t);
	t->dirty = false;
}

static void on_turn(void *ctx, uint64_t now_ns, bool idle)
{
	struct top_run *t = ctx;
	bool tick = false;
	uint64_t left;

	(void)idle;
	count_open(t, now_ns);
	if (t->on_screen) {
		top_take_keys(t);
		t->dirty |= output_take_resize();
		if (screen_is_gone())
			t->session.done = true;
	} else if (t->has_output) {
		output_follow_hangup(&t->output);
	}
	if (t->session.done)
		return;
	if (now_ns >= t->next_ns) {
		t->next_ns = now_ns - now_ns % FRAME_NS + FRAME_NS + SETTLE_NS;
		tick = true;
	}
	if (tick || t->dirty)
		show(t, now_ns, tick);
	left = t->is_telling ? 1 : (t->next_ns - now_ns) / 1000000 + 1;
	t->session.wait_ms = left < 1 ? 1 : (int)left;
}

/* ---- begin and end ---- */

void top_say(struct top_run *t, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(t->message, sizeof(t->message), format, args);
	va_end(args);
	t->message_ns = kernel_now();
	t->dirty = true;
}

/* What is logged while the terminal is curses'. */
static void on_log(const char *text, size_t len)
{
	top_say(running, "%.*s", (int)(len > PROMPT_MAX ? PROMPT_MAX : len), text);
}

/* What the command line said of which sockets, as it was said. */
static void note_filter(struct top_run *t)
{
	if (filter_asks_socket(&t->options.filter) || t->options.filter.has_netns)
		snprintf(t->filter, sizeof(t->filter), "of the command line");
}

static int check_sort(struct top_run *t)
{
	enum top_column sorts[TOP_SORTS];
	int column;

	for (int view = 0; view < TOP_VIEWS; view++) {
		top_sorts((enum top_view)view, sorts);
		t->sorted[view] = sorts[0];
	}
	if (!t->options.sort)
		return 0;
	column = top_sort_parse(t->frame.view, t->options.sort);
	if (column < 0) {
		log_error("--sort '%s': %s have no such column; see the head of the view",
			  t->options.sort, top_view_name(t->frame.view));
		return EXIT_USAGE;
	}
	t->sorted[t->frame.view] = (enum top_column)column;
	return 0;
}

static void open_store(struct top_run *t)
{
	struct store_error error = {""};
	bool named = t->options.store_file != NULL;

	t->store_file = named ? t->options.store_file : STORE_DEFAULT;
	if (!t->on_screen || (!named && access(STORE_DEFAULT, R_OK) < 0))
		return;
	t->store = command_open_store(&t->options, t->store_file, &error);
	if (!t->store && named)
		log_error("%s", error.text);
}

/* Keys are heard beside what asks. */
static void wait_for_keys(struct top_run *t)
{
	int fd = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event in = {.events = EPOLLIN};

	if (fd < 0)
		return;
	epoll_ctl(fd, EPOLL_CTL_ADD, STDIN_FILENO, &in);
	if (t->session.serve)
		epoll_ctl(fd, EPOLL_CTL_ADD, serve_fd(t->session.serve), &in);
	kernel_wait_also(t->session.kernel, fd);
}

static void on_status(void *ctx, struct status *ret)
{
	const struct top_run *t = ctx;

	ret->text[STATUS_COMMAND] = "top";
	ret->text[STATUS_FILE] = t->has_output ? session_full_path(t->output.path) : NULL;
}

/* 0, or the exit code after saying why. */
static int open_top(struct top_run *t)
{
	struct options *o = &t->options;
	int code = check_sort(t);

	if (code)
		return code;
	t->on_screen = !o->batch && screen_open(o->color != COLOR_NEVER);
	t->has_output = !t->on_screen || o->output_file;
	if (t->has_output && output_open(&t->output, o->output_file) < 0)
		return 1;
	open_store(t);
	code = session_open(&t->session, o, on_event, t);
	if (code)
		return code;
	t->session.kinds = KINDS;
	t->session.status = on_status;
	t->session.output = t->has_output ? &t->output : NULL;
	t->look = (struct budget_look){.session = &t->session, .filter = &o->filter};
	t->top = top_new(t->session.processes, kernel_now() + NSEC_PER_SEC);
	if (!t->top || buffer_init(&t->buffer, 1u << 16) < 0 || buffer_init(&t->text, 1) < 0) {
		log_error("no memory");
		return 1;
	}
	code = session_start(&t->session);
	if (code)
		return code;
	t->frame.top = t->top;
	t->frame.list = &t->list;
	t->frame.screen = t->on_screen;
	t->frame.filter = t->filter;
	t->frame.zone = command_zone();
	t->frame.color = !t->on_screen && output_has_color(&t->output, o->color);
	t->frame.columns = t->on_screen ? 0 : output_columns(&t->output);
	t->frame.begin_ns = t->frame.now_ns = kernel_now();
	t->stale = true;
	top_clear(t->top, t->frame.begin_ns + NSEC_PER_SEC - 1);
	t->next_ns = t->frame.begin_ns - t->frame.begin_ns % FRAME_NS + 2 * FRAME_NS + SETTLE_NS;
	note_filter(t);
	return 0;
}

static int exit_code(const struct top_run *t)
{
	const struct session *s = &t->session;

	if (t->has_output && t->output.closed)
		return 0;
	if (t->has_output && t->output.error)
		return output_complain(&t->output, t->buffer.len);
	if (session_has_lost(s)) {
		log_error("%llu facts lost, %llu sockets not kept%s", (unsigned long long)s->lost,
			  (unsigned long long)s->full, session_more_lost(s));
		return two_is_over() ? 1 : EXIT_LOST;
	}
	return two_is_over() ? 1 : 0;
}

static int run(struct top_run *t)
{
	if (t->on_screen) {
		running = t;
		wait_for_keys(t);
		screen_begin();
		log_to(on_log);
		t->dirty = true;
	} else {
		session_announce(&t->session, "");
	}
	session_run(&t->session, on_turn, t);
	log_to(NULL);
	screen_end();
	session_finish(&t->session);
	return exit_code(t);
}

int command_top(const struct options *options)
{
	struct top_run t = {
		.options = *options, .output.fd = -1, .frame.view = (enum top_view)options->view};
	int code;

	output_catch_signals();
	code = open_top(&t);
	if (code == 0)
		code = run(&t);
	screen_end();
	top_free(t.top);
	top_list_done(&t.list);
	budget_look_done(&t.look);
	if (t.own_filter)
		filter_done(&t.options.filter);
	store_reader_close(t.store);
	buffer_done(&t.buffer);
	buffer_done(&t.text);
	free(t.style);
	session_close(&t.session);
	output_close(&t.output);
	return code;
}
