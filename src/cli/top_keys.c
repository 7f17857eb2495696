// SPDX-License-Identifier: GPL-2.0-only
/* top_keys.c - what each key of `sockwatch top` does. */
#include "top_run.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"
#include "top_screen.h"

/* Of a record's rows so much is shown, and searched for so long. */
#define HISTORY_BYTES (1u << 20)
#define HISTORY_NS    (NSEC_PER_SEC / 2)

/* ---- moving ---- */

static void go_to_view(struct top_run *t, unsigned int view)
{
	t->frame.view = (enum top_view)view;
	t->frame.page = TOP_TABLE;
	t->frame.scroll = 0;
	t->frame.selected = t->frame.first = 0;
	t->stale = true;
}

static size_t text_lines(const struct top_run *t)
{
	size_t n = 0;

	for (size_t i = 0; i < t->text.len; i++)
		n += t->text.data[i] == '\n';
	return n;
}

static void move(struct top_run *t, long by)
{
	struct top_frame *f = &t->frame;
	size_t *at = f->page == TOP_TEXT ? &f->first : &f->selected;
	size_t count = f->page == TOP_TEXT ? text_lines(t) : t->list.count;

	if (by < 0 && *at < (size_t)-by)
		*at = 0;
	else
		*at += (size_t)by;
	if (*at >= count)
		*at = count ? count - 1 : 0;
}

static void change_sort(struct top_run *t, bool back)
{
	enum top_column sorts[TOP_SORTS];
	size_t n = top_sorts(t->frame.view, sorts), at = 0;

	while (at + 1 < n && sorts[at] != t->sorted[t->frame.view])
		at++;
	t->sorted[t->frame.view] = sorts[(at + (back ? n - 1 : 1)) % n];
	t->stale = true;
}

/* ---- the filter ---- */

static void set_filter(struct top_run *t, const char *words)
{
	char line[PROMPT_MAX + 1];
	struct filter f;

	snprintf(line, sizeof(line), "%s", words);
	filter_init(&f);
	if (options_parse_filter(line, &f)) {
		filter_done(&f);
		return;
	}
	if (t->own_filter)
		filter_done(&t->options.filter);
	t->options.filter = f;
	t->own_filter = true;
	snprintf(t->filter, sizeof(t->filter), "%s", words);
	t->list.count = 0;
	t->frame.page = TOP_TABLE;
	t->frame.paused = false;
	t->stale = true;
	t->is_telling = false;
	t->told_ns = t->look_ns = 0;
	t->frame.begin_ns = t->frame.now_ns = kernel_now();
	top_clear(t->top, t->frame.begin_ns);
	top_say(t, "counting anew%s", *words ? ", of these sockets only" : "");
}

static void ask(struct top_run *t)
{
	t->asking = true;
	snprintf(t->prompt, sizeof(t->prompt), "f ");
}

static void edit(struct top_run *t, int key)
{
	size_t len = strlen(t->prompt);

	if (key == SCREEN_ESCAPE) {
		t->asking = false;
	} else if (key == SCREEN_ENTER) {
		t->asking = false;
		set_filter(t, t->prompt + 2);
	} else if (key == SCREEN_ERASE) {
		while (len > 2 && (t->prompt[len - 1] & 0xc0) == 0x80)
			len--;
		t->prompt[len > 2 ? len - 1 : 2] = '\0';
	} else if (key == 'U' - '@') {
		t->prompt[2] = '\0';
	} else if (key >= ' ' && key < 256 && len < sizeof(t->prompt) - 1) {
		t->prompt[len] = (char)key;
		t->prompt[len + 1] = '\0';
	}
}

/* ---- a row ---- */

static const struct top_shown *selected(const struct top_run *t)
{
	return t->frame.selected < t->list.count ? &t->list.item[t->frame.selected] : NULL;
}

static void save(struct top_run *t)
{
	struct buffer json;
	size_t rows = t->list.count;

	if (!t->has_output) {
		top_say(t, "no file to save into: begin with --output FILE");
		return;
	}
	if (buffer_init(&json, 1u << 16) < 0)
		return;
	top_write_json(&json, &t->frame, &t->json_begun);
	if (json.failed || !output_flush(&t->output, &json))
		top_say(t, "cannot write to %s: %s", t->output.path,
			t->output.error ? strerror(t->output.error) : "no memory");
	else
		top_say(t, "%zu rows of %s appended to %s", rows, top_view_name(t->frame.view),
			t->output.path);
	buffer_done(&json);
}

/* ---- history ---- */

static size_t put_address(char *out, size_t size, enum family family, bool mapped,
			  const struct endpoint *end, uint16_t port)
{
	char address[INET_ADDRESS_SIZE];
	size_t len = inet_format_address(address, family, mapped, end->addr);
	int n = snprintf(out, size, "--addr %.*s", (int)len, address);

	if (port)
		n += snprintf(out + n, size - (size_t)n, " -D %u", port);
	return (size_t)n;
}

/* What sockwatch history would be asked for this row. */
static void put_words(char *out, size_t size, const struct top_shown *s)
{
	const struct top_key *key = s->row ? &s->row->key : NULL;
	struct endpoint end = {0};
	size_t len = 0;

	if (!key && s->ports) {
		len = put_address(out, size, s->ports->family, false, &s->ports->peer,
				  s->ports->peer.port);
		snprintf(out + len, size - len, " --netns %u", s->ns->netns);
	} else if (!key) {
		snprintf(out, size, "--reason port-exhausted --netns %u", s->ns->netns);
	} else if (key->view == TOP_PEERS) {
		memcpy(end.addr, key->addr, sizeof(end.addr));
		len = put_address(out, size, (enum family)key->family, key->mapped, &end,
				  key->port);
		snprintf(out + len, size - len, " --netns %u", key->netns);
	} else if (key->view == TOP_LISTENERS) {
		snprintf(out, size, "-L %u --netns %u", key->port, key->netns);
	} else {
		if (key->pid)
			len = (size_t)snprintf(out, size, "-p %u", key->pid);
		snprintf(out + len, size - len, "%s", key->view == TOP_FAILURES ? " --failed" : "");
	}
}

struct reading {
	struct top_run *top;
	struct writer *writer;
	uint64_t until_ns;
	size_t rows;
	bool late;
};

/* Facts wait meanwhile: the search ends after a while, and the last rows are what is shown. */
static bool on_row(void *ctx, const struct event *event)
{
	struct reading *r = ctx;
	struct buffer *text = &r->top->text;

	writer_event(r->writer, text, event);
	r->rows++;
	if (text->len > HISTORY_BYTES) {
		const char *line = memchr(text->data + text->len / 2, '\n', text->len / 2);
		size_t from = line ? (size_t)(line + 1 - text->data) : text->len;

		memmove(text->data, text->data + from, text->len - from);
		text->len -= from;
	}
	r->late = kernel_now() > r->until_ns;
	return !r->late;
}

static void read_history(struct top_run *t, const char *words, const struct filter *filter)
{
	int64_t no_offset = 0;
	const struct writer_options w = {.wall_offset_ns = &no_offset,
					 .columns = t->frame.columns,
					 .zone = command_zone(),
					 .dates = true};
	const uint64_t now = kernel_now(), wall = now + (uint64_t)t->session.wall_offset_ns;
	struct store_query q = {.filter = filter, .to_ns = UINT64_MAX, .by_time = true};
	struct reading r = {.top = t, .until_ns = now + HISTORY_NS};
	struct store_error error = {""};
	uint64_t last = 0;
	int err = -ENOMEM;

	r.writer = writer_text_new(&w);
	t->text.len = 0;
	store_reader_set_now(t->store, wall);
	if (r.writer)
		err = store_read(t->store, &q, on_row, &r, &last, &error);
	writer_free(r.writer);
	if (err < 0) {
		top_say(t, "%s", error.text[0] ? error.text : "no memory");
		return;
	}
	if (!r.rows) {
		top_say(t, "%s has nothing of %s", t->store_file, words);
		return;
	}
	t->frame.text = t->text.data;
	t->frame.text_len = t->text.len;
	t->frame.page = TOP_TEXT;
	t->frame.first = text_lines(t) > top_body(t->frame.rows) + 2
				 ? text_lines(t) - top_body(t->frame.rows) - 2
				 : 0;
	top_say(t, "history %s: %zu rows%s", words, r.rows, r.late ? ", and more" : "");
}

static void go_to_history(struct top_run *t)
{
	const struct top_shown *s = selected(t);
	char words[PROMPT_MAX], line[PROMPT_MAX] = "";
	struct filter f;

	if (!t->store) {
		top_say(t, "no record to look into: sockwatch record makes one, --store FILE names "
			   "it");
		return;
	}
	if (!s || s->others)
		return;
	put_words(line, sizeof(line), s);
	snprintf(words, sizeof(words), "%s", line);
	filter_init(&f);
	if (options_parse_filter(line, &f) == 0)
		read_history(t, words, &f);
	filter_done(&f);
}

/* ---- keys ---- */

static void go_back(struct top_run *t)
{
	if (t->frame.page == TOP_TEXT)
		t->frame.first = 0;
	t->frame.page = TOP_TABLE;
	t->frame.scroll = 0;
}

static void move_by_key(struct top_run *t, int key)
{
	long page = (long)top_body(t->frame.rows);
	size_t half = (size_t)page / 2 + 1;

	if (t->frame.page == TOP_DETAIL && key == SCREEN_PAGE_DOWN) {
		t->frame.scroll += t->more ? half : 0;
		t->more = false; /* until it is drawn */
		return;
	}
	if (t->frame.page == TOP_DETAIL && key == SCREEN_PAGE_UP) {
		t->frame.scroll -= t->frame.scroll < half ? t->frame.scroll : half;
		return;
	}
	switch (key) {
	case 'k':
	case SCREEN_UP: move(t, -1); break;
	case 'j':
	case SCREEN_DOWN: move(t, 1); break;
	case SCREEN_PAGE_UP: move(t, -page); break;
	case SCREEN_PAGE_DOWN: move(t, page); break;
	case SCREEN_HOME: move(t, -(1L << 30)); break;
	case SCREEN_END: move(t, 1L << 30); break;
	}
}

static void hold(struct top_run *t)
{
	t->frame.paused = !t->frame.paused;
	t->stale = !t->frame.paused;
}

static void press(struct top_run *t, int key)
{
	struct top_frame *f = &t->frame;

	switch (key) {
	case 'q': t->session.done = true; break;
	case '1' ... '5': go_to_view(t, (unsigned int)(key - '1')); break;
	case '\t': go_to_view(t, (f->view + 1u) % TOP_VIEWS); break;
	case SCREEN_ENTER: f->page = selected(t) ? TOP_DETAIL : TOP_TABLE; break;
	case SCREEN_ESCAPE: go_back(t); break;
	case '?': f->page = TOP_HELP; break;
	case 's': change_sort(t, false); break;
	case 'S': change_sort(t, true); break;
	case 'r':
		f->reverse = !f->reverse;
		t->stale = true;
		break;
	case 'f':
	case '/': ask(t); break;
	case 'F': set_filter(t, ""); break;
	case ' ':
	case 'p': hold(t); break;
	case 'h': go_to_history(t); break;
	case 'w': save(t); break;
	default: move_by_key(t, key);
	}
}

void top_take_keys(struct top_run *t)
{
	int key;

	while (!t->session.done && (key = screen_key()) != SCREEN_NONE) {
		t->dirty = true;
		if (t->asking)
			edit(t, key);
		else
			press(t, key);
	}
}
