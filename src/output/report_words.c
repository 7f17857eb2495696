// SPDX-License-Identifier: GPL-2.0-only
#include "report_words.h"

#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "page.h"
#include "units.h"

static void put_text(struct buffer *out, const char *text)
{
	size_t len = strlen(text);
	char *p = buffer_reserve(out, 4 * len + 2);

	if (p)
		out->len += text_escape(p, text, len);
}

static void put_kept(struct buffer *out, const struct report_text *t)
{
	put_text(out, t->text);
	if (t->cut)
		buffer_print(out, "…");
}

static void put_name(struct buffer *out, const struct report_who *who)
{
	if (who->known == REPORT_KERNEL)
		buffer_print(out, "kernel");
	else if (who->known == REPORT_NOBODY || !who->name[0])
		buffer_print(out, "-");
	else
		put_text(out, who->name);
}

void words_who(struct buffer *out, const struct report_who *who)
{
	put_name(out, who);
	if (who->script.text[0]) {
		buffer_print(out, " ");
		put_kept(out, &who->script);
	}
	if (who->place == REPORT_NOWHERE)
		return;
	buffer_print(out, who->place == REPORT_CONTAINER ? " (container " : " (");
	put_kept(out, &who->where);
	buffer_print(out, ")");
}

void words_holder(struct buffer *out, const struct report_group *g)
{
	put_name(out, &g->holder);
	if (g->holder_pid)
		buffer_print(out, "[%u]", g->holder_pid);
	if (g->holder_state)
		buffer_print(out, " %s", inet_state_name((enum tcp_state)g->holder_state));
}

void words_peer(struct buffer *out, const struct report_key *key)
{
	struct endpoint end = {.port = key->port};
	char text[INET_ENDPOINT_SIZE];
	enum family family = key->family == FAMILY_IPV6 ? FAMILY_IPV6 : FAMILY_IPV4;

	memcpy(end.addr, key->addr, sizeof(end.addr));
	if (key->way == REPORT_OUT)
		buffer_print(out, "to ");
	else if (key->way == REPORT_IN)
		buffer_print(out, "from ");
	buffer_append(out, text,
		      key->way == REPORT_OUT
			      ? inet_format_endpoint(text, family, key->mapped, &end, NULL)
			      : inet_format_address(text, family, key->mapped, end.addr));
	if (key->protocol != IPPROTO_TCP)
		buffer_print(out, " %s",
			     inet_protocol_name(key->protocol) ? inet_protocol_name(key->protocol)
							       : "");
}

void words_space(struct buffer *out, const struct report *r, uint32_t netns)
{
	const struct report_space *s = report_space(r, netns);

	if (s && !s->away)
		return;
	buffer_print(out, " in ");
	if (s && s->name[0])
		put_text(out, s->name);
	else
		buffer_print(out, "%u", netns);
}

void words_port(struct buffer *out, const struct report *r, const struct report_key *key)
{
	const char *name = inet_protocol_name(key->protocol);

	if (name)
		buffer_print(out, "%s %u", name, key->port);
	else
		buffer_print(out, "%u %u", key->protocol, key->port);
	words_space(out, r, key->netns);
}

void words_call(struct buffer *out, const struct report_call *call)
{
	const char *name = inet_errno_name(call->error);

	buffer_print(out, "%s() ", event_kind_name(call->kind));
	if (name)
		buffer_print(out, "%s", name);
	else
		buffer_print(out, "errno %d", call->error);
}

static const char *const length_words[REPORT_LENGTHS] = {
	"below 0.1 ms",	 "0.1 to 1 ms", "1 to 10 ms",	 "10 to 100 ms",
	"0.1 to 1 s",	 "1 to 10 s",	"10 s to 1 min", "1 to 10 min",
	"10 min to 1 h", "1 to 6 h",	"6 h to 1 d",	 "1 d and longer"};

void words_length(struct buffer *out, size_t i)
{
	buffer_print(out, "%s", length_words[i]);
}

void words_span(struct buffer *out, const struct report_page *page)
{
	char from[32], to[32];

	from[units_format_second(from, page->report->from_ns)] = '\0';
	to[units_format_second(to, page->report->to_ns)] = '\0';
	buffer_print(out, "%s to %s (%s)", from, to, page->zone);
}

unsigned int report_known(const struct report *r, size_t i)
{
	const struct report_bucket *b = &r->bucket[i];
	uint64_t begin = r->begin_ns + i * r->bucket_ns, end = begin + r->bucket_ns, asked;
	unsigned int known = b->lossy ? PAGE_LOSSY : PAGE_KNOWN;

	begin = begin > r->from_ns ? begin : r->from_ns;
	end = end < r->to_ns ? end : r->to_ns;
	asked = end > begin ? end - begin : 0;
	if (!b->recorded_ns && !b->opened && !b->closed && !b->calls)
		return PAGE_NOTHING;
	/* A recorder says each second that it is alive. */
	if (b->recorded_ns + r->bucket_ns / 50 + 2 * NSEC_PER_SEC < asked)
		known |= PAGE_PARTLY;
	return known;
}

/* ---- what is not known ---- */

struct saying {
	void (*say)(struct buffer *out, const char *line, size_t len);
	struct buffer *out;
};

__attribute__((format(printf, 2, 3))) static void say(const struct saying *s, const char *format,
						      ...)
{
	char line[512];
	va_list args;
	int len;

	va_start(args, format);
	len = vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	if (len > 0)
		s->say(s->out, line, (size_t)len < sizeof(line) ? (size_t)len : sizeof(line) - 1);
}

static const char *duration(char text[32], uint64_t ns)
{
	text[units_format_duration(text, ns)] = '\0';
	return text;
}

static void say_folded(const struct saying *s, const struct report *r)
{
	static const char *const what[REPORT_KINDS] = {"processes", "peers", "ports", "conflicts"};

	for (size_t i = 0; i < REPORT_KINDS; i++) {
		const struct report_table *t = &r->by[i];

		if (t->folded)
			say(s,
			    "There were more than %u %s: %llu rows of the rarest are in no row "
			    "here, and a row "
			    "may lack up to %llu.",
			    REPORT_GROUPS, what[i], (unsigned long long)t->folded,
			    (unsigned long long)t->may_lack);
	}
}

void words_unknown(const struct report_page *page,
		   void (*fn)(struct buffer *out, const char *line, size_t len), struct buffer *out)
{
	const struct report *r = page->report;
	const struct saying s = {fn, out};
	uint64_t asked = r->to_ns - r->from_ns;
	char text[32], all[32];

	if (page->chosen)
		say(&s, "Only rows that meet the filter are counted, not all that was recorded.");
	if (r->recorded_ns + asked / 100 + 2 * NSEC_PER_SEC < asked)
		say(&s, "Somebody recorded for %s of the %s: of the rest nothing is known.",
		    duration(text, r->recorded_ns), duration(all, asked));
	if (r->losses)
		say(&s,
		    "%llu events were lost (losses: %llu): the numbers of those times are at "
		    "least so many.",
		    (unsigned long long)r->lost, (unsigned long long)r->losses);
	if (r->older)
		say(&s,
		    "%llu connections were opened before anybody recorded: their length is not "
		    "known, nor who opened them.",
		    (unsigned long long)r->older);
	if (r->unseen)
		say(&s, "%llu connections ended while nobody recorded: when and why is not known.",
		    (unsigned long long)r->unseen);
	if (r->time_waits)
		say(&s, "A port stays in TIME_WAIT for up to a minute after its connection: how "
			"long each did "
			"is not recorded, and not drawn.");
	if (r->calls_more)
		say(&s, "%llu failed calls were of further kinds.",
		    (unsigned long long)r->calls_more);
	if (r->spaceless)
		say(&s,
		    "There were more than %u network namespaces: the ports of the others are not "
		    "drawn.",
		    REPORT_SPACES);
	say_folded(&s, r);
}
