// SPDX-License-Identifier: GPL-2.0-only
#include "page.h"

#include <string.h>

#include "units.h"

#define HIGH	 1000 /* of a chart, in its own units; it is as high as the page says */
#define STEP	 10
#define STRIP	 50 /* at the top, where bars do not reach */
#define MAP_CELL 3

/* clang-format off */
static const char head[] =
	"<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
	"<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; "
	"base-uri 'none'; form-action 'none'\">\n"
	"<meta name=\"viewport\" content=\"width=device-width,initial-scale=1\"><meta name=\"color-scheme\" content=\"light dark\">\n"
	"<title>";
static const char style[] =
	"</title><style>\n"
	":root{--ink:#1b1f24;--soft:#56606b;--page:#fff;--box:#f5f6f8;--rule:#d5d9df;--ground:#e9ecef;"
	"--s1:#2f74b5;--s2:#b97a00;--s3:#b8384e;--s4:#2a7f50;--taken:#5b6470;--gap:#c3c9d0}\n"
	"@media(prefers-color-scheme:dark){:root{--ink:#dfe3e8;--soft:#a3adb8;--page:#14171b;--box:#1e2329;--rule:#3a424c;--ground:#262c33;"
	"--s1:#5aa2e0;--s2:#f0b429;--s3:#ef6f84;--s4:#4fbd83;--taken:#8b95a1;--gap:#47505a}}\n"
	"@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--page:#fff;--box:#fff;--rule:#999;--ground:#e9ecef;"
	"--s1:#2f74b5;--s2:#b97a00;--s3:#b8384e;--s4:#2a7f50;--taken:#5b6470;--gap:#c3c9d0}"
	"body{margin:0;max-width:none;font-size:11px}figure,tr,.tiles{break-inside:avoid}h2,h3,figcaption,caption{break-after:avoid}details{display:none}"
	".wide{overflow:visible}pre{white-space:pre-wrap}}\n"
	"*{box-sizing:border-box;print-color-adjust:exact;-webkit-print-color-adjust:exact}\n"
	"body{font:15px/1.45 system-ui,sans-serif;margin:1.5rem auto;max-width:1240px;padding:0 1rem;color:var(--ink);background:var(--page);"
	"overflow-wrap:anywhere}\n"
	"h1{font-size:1.5rem;line-height:1.2;margin:.5rem 0}h2{font-size:1.2rem;margin:2.2rem 0 .6rem;border-top:1px solid var(--rule);padding-top:1rem}"
	"h3{font-size:1rem;margin:1.4rem 0 .4rem}\n"
	"pre,.wide{overflow-x:auto}pre{background:var(--box);padding:1rem;border-radius:6px;font-size:13px;overflow-wrap:normal}\n"
	".soft,.axis,figcaption small{color:var(--soft)}.soft{font-size:.9rem}\n"
	".tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(8.5rem,1fr));gap:.6rem;margin:1rem 0;padding:0;list-style:none}"
	".tiles li{background:var(--box);border:1px solid var(--rule);border-radius:6px;padding:.5rem .7rem}.tiles b{display:block;font-size:1.25rem}\n"
	".note{border-left:4px solid var(--s2);padding:.3rem .8rem;background:var(--box);margin:.5rem 0}\n"
	".key{margin:.3rem 0;font-size:.9rem}.key span{display:inline-block;margin-right:1.2rem}"
	".key i{display:inline-block;width:.9em;height:.9em;margin-right:.35em;vertical-align:-.1em;border:1px solid var(--rule)}\n"
	"figure{margin:1rem 0}figcaption{font-weight:600}.most{display:block;font-size:.8rem;color:var(--soft)}\n"
	"svg{display:block;max-width:100%}.plot{width:100%;height:130px;border:1px solid var(--rule);background:var(--box)}"
	".map{width:100%;height:auto;border:1px solid var(--rule)}.thin{height:1.6rem}.bar{width:8rem;height:.7rem}\n"
	".axis{display:flex;justify-content:space-between;gap:1rem;font-size:.8rem;margin:.2rem 0}.axis span:last-child{text-align:right}\n"
	"table{border-collapse:collapse;font-size:.9rem;width:100%}caption{text-align:left;font-weight:600;padding:.3rem 0}"
	"th,td{text-align:left;padding:.25rem .6rem;border-bottom:1px solid var(--rule);vertical-align:top;overflow-wrap:normal}"
	"th{color:var(--soft);font-weight:600}td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}"
	"td.t{min-width:9rem;overflow-wrap:anywhere}\n"
	"details{font-size:.9rem;margin:.3rem 0}summary{cursor:pointer;color:var(--soft)}\n"
	":focus-visible{outline:2px solid var(--s1);outline-offset:2px}\n"
	".s1{fill:var(--s1);background:var(--s1)}.s2{fill:var(--s2);background:var(--s2)}.s3{fill:var(--s3);background:var(--s3)}"
	".s4{fill:var(--s4);background:var(--s4)}.lost{fill:var(--s2);background:var(--s2)}"
	".gap{fill:url(#gap);background:repeating-linear-gradient(90deg,var(--gap) 0 2px,transparent 2px 5px)}.stripe{fill:var(--gap)}"
	".see{fill:transparent}.see:hover{fill:var(--ink);fill-opacity:.08}"
	".line,.l1,.l2,.l3{fill:none;stroke-width:2;vector-effect:non-scaling-stroke}.line{stroke:var(--ink);stroke-dasharray:6 4}"
	".l1{stroke:var(--s1)}.l2{stroke:var(--s2)}.l3{stroke:var(--s3)}\n"
	".m0{fill:var(--ground);background:var(--ground)}.m1{fill:var(--taken);background:var(--taken)}.m2{fill:var(--s2);background:var(--s2)}"
	".m3{fill:var(--s1);background:var(--s1)}.m4{fill:var(--s3);background:var(--s3)}.m5{fill:var(--s4);background:var(--s4)}\n"
	"</style></head><body><main>\n"
	"<svg width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><pattern id=\"gap\" width=\"5\" height=\"8\" patternUnits=\"userSpaceOnUse\">"
	"<rect class=\"stripe\" width=\"3\" height=\"8\"/></pattern></defs></svg>\n";
/* clang-format on */

#define PUT(out, literal) buffer_append(out, literal, sizeof(literal) - 1)

void page_begin(struct buffer *out, const char *title)
{
	PUT(out, head);
	buffer_print(out, "%s", title);
	PUT(out, style);
}

void page_end(struct buffer *out)
{
	PUT(out, "</main></body></html>\n");
}

void page_put_lines(struct buffer *out, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		switch (text[i]) {
		case '<': PUT(out, "&lt;"); break;
		case '>': PUT(out, "&gt;"); break;
		case '&': PUT(out, "&amp;"); break;
		case '"': PUT(out, "&quot;"); break;
		default: buffer_append(out, &text[i], 1);
		}
	}
}

void page_put(struct buffer *out, const char *bytes, size_t len)
{
	struct buffer line;

	if (buffer_init(&line, 4 * len + 1) == 0) {
		buffer_escape_line(&line, bytes, len);
		page_put_lines(out, line.data, line.len);
	}
	out->failed |= line.failed;
	buffer_done(&line);
}

void page_keys(struct buffer *out, const struct page_key *key, size_t count)
{
	PUT(out, "<p class=\"key\">");
	for (size_t i = 0; i < count; i++)
		buffer_print(out, "<span><i class=\"%s\"></i>%s</span>", key[i].class,
			     key[i].words);
	PUT(out, "</p>\n");
}

/* ---- tables ---- */

void page_table_begin(struct buffer *out, const char *caption, const char *const *columns,
		      size_t count)
{
	buffer_print(out,
		     "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"%s\"><table>"
		     "<caption>%s</caption><thead><tr>",
		     caption, caption);
	for (size_t i = 0; i < count; i++) {
		bool number = columns[i][0] == '>';

		buffer_print(out, "<th scope=\"col\"%s>%s</th>", number ? " class=\"n\"" : "",
			     columns[i] + number);
	}
	PUT(out, "</tr></thead><tbody>\n");
}

void page_table_end(struct buffer *out)
{
	PUT(out, "</tbody></table></div>\n");
}

void page_number(struct buffer *out, uint64_t value)
{
	buffer_print(out, "<td class=\"n\">%llu</td>", (unsigned long long)value);
}

/* `value` of `whole` in units of which `whole` has `units`; what is there is seen. */
static unsigned int share(uint64_t value, uint64_t whole, unsigned int units)
{
	double part = whole ? (double)value / (double)whole * units : 0;

	return value && part < 1 ? 1 : part > units ? units : (unsigned int)part;
}

void page_bar(struct buffer *out, const char *class, uint64_t part, uint64_t whole)
{
	buffer_print(out,
		     "<td><svg class=\"bar\" aria-hidden=\"true\" viewBox=\"0 0 100 10\" "
		     "preserveAspectRatio=\"none\"><rect class=\"m0\" width=\"100\" height=\"10\"/>"
		     "<rect class=\"%s\" width=\"%u\" height=\"10\"/></svg></td>",
		     class, share(part, whole, 100));
}

/* ---- charts ---- */

static const char *time_of(char text[32], uint64_t ns)
{
	text[units_format_second(text, ns)] = '\0';
	return text;
}

static uint64_t sum_of(const struct page_bars *b, size_t i)
{
	uint64_t sum = 0;

	for (size_t s = 0; s < b->series_count; s++)
		sum += b->series[s].value[i];
	return sum;
}

static const char *known_words(unsigned int known)
{
	if (known & PAGE_NOTHING)
		return "nobody recorded, nothing is known";
	if (known & PAGE_PARTLY)
		return "recorded for a part of it only: at least these";
	return known & PAGE_LOSSY ? "some events of this time were lost: at least these" : "";
}

/* One step: what is known, the bar, and what it says to a pointer. */
static void put_step(struct buffer *out, const struct page_bars *b, size_t i, uint64_t most)
{
	unsigned int x = (unsigned int)i * STEP, y = HIGH;
	char time[32];

	if (b->known[i] & (PAGE_NOTHING | PAGE_PARTLY))
		buffer_print(out, "<rect class=\"gap\" x=\"%u\" width=\"%u\" height=\"%u\"/>", x,
			     STEP, b->known[i] & PAGE_NOTHING ? HIGH : STRIP);
	for (size_t s = 0; s < b->series_count; s++) {
		unsigned int high = share(b->series[s].value[i], most, HIGH - 60);

		if (!high)
			continue;
		/* A bar of one connection among thousands is a hair: still seen. */
		high = high < 8 ? 8 : high;
		y -= high < y ? high : y;
		buffer_print(out,
			     "<rect class=\"%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"/>",
			     b->series[s].class, x + 1, y, STEP - 2, high);
	}
	if (b->known[i] & PAGE_LOSSY)
		buffer_print(out, "<rect class=\"lost\" x=\"%u\" width=\"%u\" height=\"%u\"/>", x,
			     STEP, STRIP);
	buffer_print(out, "<rect class=\"see\" x=\"%u\" width=\"%u\" height=\"%u\"><title>%s: ", x,
		     STEP, HIGH, time_of(time, b->begin_ns + i * b->step_ns));
	if (!(b->known[i] & PAGE_NOTHING)) {
		for (size_t s = 0; s < b->series_count; s++)
			buffer_print(out, "%s%llu %s", s ? ", " : "",
				     (unsigned long long)b->series[s].value[i], b->series[s].words);
	}
	if (b->known[i])
		buffer_print(out, "%s%s", b->known[i] & PAGE_NOTHING ? "" : "; ",
			     known_words(b->known[i]));
	PUT(out, "</title></rect>\n");
}

static void put_key_of(struct buffer *out, const struct page_bars *b)
{
	struct page_key key[8];
	size_t count = 0;
	unsigned int known = 0;

	for (size_t s = 0; s < b->series_count; s++)
		key[count++] = (struct page_key){b->series[s].class, b->series[s].words};
	for (size_t i = 0; i < b->count; i++)
		known |= b->known[i];
	if (known & PAGE_LOSSY)
		key[count++] = (struct page_key){"lost", "at the top: some of this time was lost"};
	if (known & (PAGE_NOTHING | PAGE_PARTLY))
		key[count++] = (struct page_key){
			"gap", known & PAGE_PARTLY ? "nobody recorded; at the top: for a part of it"
						   : "nobody recorded"};
	page_keys(out, key, count);
}

static void put_numbers(struct buffer *out, const struct page_bars *b)
{
	const char *columns[8] = {"From"};
	char time[32];

	for (size_t s = 0; s < b->series_count; s++)
		columns[1 + s] = b->series[s].words;
	columns[1 + b->series_count] = "Known";
	PUT(out, "<details><summary>The same as numbers</summary>\n");
	page_table_begin(out, b->title, columns, 2 + b->series_count);
	for (size_t i = 0; i < b->count; i++) {
		/* Nothing happened, as far as is known: the time is said by the row before. */
		if (!sum_of(b, i) && !b->known[i])
			continue;
		buffer_print(out, "<tr><td>%s</td>", time_of(time, b->begin_ns + i * b->step_ns));
		for (size_t s = 0; s < b->series_count; s++) {
			if (b->known[i] & PAGE_NOTHING)
				PUT(out, "<td>unknown</td>");
			else
				buffer_print(out, "<td>%llu</td>",
					     (unsigned long long)b->series[s].value[i]);
		}
		buffer_print(out, "<td>%s</td></tr>\n",
			     b->known[i] ? known_words(b->known[i]) : "all");
	}
	page_table_end(out);
	PUT(out, "<p class=\"soft\">Steps that are not listed had none.</p></details>\n");
}

void page_put_bars(struct buffer *out, const struct page_bars *b)
{
	uint64_t most = 1, sum = 0;
	char step[32], begin[32], middle[32], end[32];

	for (size_t i = 0; i < b->count; i++) {
		uint64_t value = sum_of(b, i);

		most = most > value ? most : value;
		sum += value;
	}
	/* A level far above all bars would make them hairs. */
	if (b->line > most && b->line <= 4 * most)
		most = b->line;
	step[units_format_duration(step, b->step_ns)] = '\0';
	buffer_print(out, "<figure><figcaption>%s <small>each bar is %s</small></figcaption>",
		     b->title, step);
	put_key_of(out, b);
	buffer_print(
		out,
		"<span class=\"most\">%llu at the top</span>"
		"<svg class=\"plot\" role=\"img\" aria-label=\"%s: at most %llu in %s, from %s "
		"to %s\" viewBox=\"0 0 %zu %u\" preserveAspectRatio=\"none\">\n",
		(unsigned long long)most, b->title, (unsigned long long)(sum ? most : 0), step,
		time_of(begin, b->begin_ns), time_of(end, b->begin_ns + b->count * b->step_ns),
		b->count * STEP, HIGH);
	for (size_t i = 0; i < b->count; i++)
		put_step(out, b, i, most);
	if (b->line && b->line <= most) {
		unsigned int y = HIGH - share(b->line, most, HIGH - 60);

		buffer_print(out, "<polyline class=\"line\" points=\"0,%u %zu,%u\"/>", y,
			     b->count * STEP, y);
	}
	PUT(out, "</svg>");
	buffer_print(out, "<p class=\"axis\"><span>%s</span><span>%s</span><span>%s</span></p>\n",
		     begin, time_of(middle, b->begin_ns + b->count / 2 * b->step_ns), end);
	if (b->line)
		buffer_print(out, "<p class=\"soft\">%s%s</p>\n", b->line_words,
			     b->line <= most ? " (the broken line)" : " (above the chart)");
	put_numbers(out, b);
	PUT(out, "</figure>\n");
}

/* ---- maps ---- */

void page_map(struct buffer *out, const uint8_t *mark, unsigned int low, unsigned int high,
	      unsigned int step, const char *words)
{
	unsigned int count = (high - low) / step + 1;
	unsigned int lines = (count + PAGE_MAP_COLUMNS - 1) / PAGE_MAP_COLUMNS;

	/* One line takes the whole width, and is high enough to be seen. */
	buffer_print(out,
		     "<svg class=\"map%s\" role=\"img\" aria-label=\"%s\" viewBox=\"0 0 %u %u\" "
		     "preserveAspectRatio=\"none\" shape-rendering=\"crispEdges\">\n",
		     lines == 1 ? " thin" : "", words,
		     (lines == 1 ? count : PAGE_MAP_COLUMNS) * MAP_CELL, lines * MAP_CELL);
	for (unsigned int line = 0; line < lines; line++) {
		unsigned int first = line * PAGE_MAP_COLUMNS, left = count - first;
		unsigned int columns = left < PAGE_MAP_COLUMNS ? left : PAGE_MAP_COLUMNS;

		for (unsigned int i = 0, begin; i < columns;) {
			uint8_t of = mark[low + (first + i) * step];

			begin = i;
			while (i < columns && mark[low + (first + i) * step] == of)
				i++;
			buffer_print(out,
				     "<rect class=\"m%u\" x=\"%u\" y=\"%u\" width=\"%u\" "
				     "height=\"%u\"/>",
				     of, begin * MAP_CELL, line * MAP_CELL, (i - begin) * MAP_CELL,
				     MAP_CELL);
		}
	}
	PUT(out, "</svg>\n");
}
