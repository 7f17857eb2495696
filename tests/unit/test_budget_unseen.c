// SPDX-License-Identifier: GPL-2.0-only
/* What a look could not see of a namespace is unknown in every spelling, and never a number. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "budget_writer.h"

static struct process web = {.pid = 901, .tid = 901, .name = "web"};

/* Ten ports: nine connections to one TCP destination, of which the second half in TIME_WAIT, and nine UDP sockets. */
static struct budget *make(unsigned int unseen)
{
	struct port_range r = {.low = 40000, .high = 40009, .tw_reuse = 0};
	struct port_use u = {.netns = 5,
			     .family = FAMILY_IPV4,
			     .bucket_open = true,
			     .owner = &web,
			     .local.addr = {10, 0, 0, 1},
			     .peer = {.addr = {10, 0, 0, 2}, .port = 443}};
	struct budget *b = budget_new();

	if (!(unseen & UNSEEN_RANGE))
		budget_add_namespace(b, 5, &r);
	for (unsigned int i = 0; i < 18; i++) {
		u.protocol = i < 9 ? IPPROTO_TCP : IPPROTO_UDP;
		u.minisock = i < 9 && i > 4;
		u.state = u.minisock ? STATE_TIME_WAIT : STATE_ESTABLISHED;
		u.local.port = (uint16_t)(40000 + i % 9);
		budget_add(b, &u);
	}
	if (unseen)
		budget_add_unseen(b, 5, unseen);
	assert_int_equal(budget_finish(b), 0);
	return b;
}

static char *spell(void (*write)(struct buffer *, const struct budget_report *),
		   const struct budget *b)
{
	struct budget_report report = {.budget = b, .time_ns = 1, .map = true, .zone = "UTC"};
	struct buffer out;

	assert_int_equal(buffer_init(&out, 64), 0);
	write(&out, &report);
	buffer_append(&out, "", 1);
	assert_false(out.failed);
	return out.data;
}

struct unseen_case {
	const char *name;
	unsigned int unseen;
	const char *json[8], *json_not[4], *text[5], *text_not[5];
	bool map;
};

#define TCP_KNOWN   "\"in_use\":{\"ESTABLISHED\":5,\"TIME_WAIT\":4}"
#define TCP_UNKNOWN "\"bound\":null,\"available\":null,\"uncertain\":null"
#define UDP_UNKNOWN "\"udp_available\":{\"ipv4\":null,\"ipv6\":null}"
#define TCP_ROW	    "\"proto\":\"tcp\""
#define UDP_ROW	    "\"proto\":\"udp\""
#define MAP	    "ports a character"
#define TCP_ADVICE  "(10.0.0.2:443: "
#define UDP_ADVICE  "(UDP to 10.0.0.2:443: "

static const struct unseen_case cases[] = {
	{.name = "nothing",
	 .json = {TCP_KNOWN, "\"bound\":0,\"available\":10,", "\"ipv4\":1,\"ipv6\":1", TCP_ROW,
		  UDP_ROW, "\"held\":18,\"time_wait\":4,"},
	 .text = {"UDP: 1 ports left for IPv4, 1 for IPv6", TCP_ADVICE, UDP_ADVICE, MAP},
	 .text_not = {"unknown"},
	 .map = true},
	{.name = "UDP",
	 .unseen = UNSEEN_UDP,
	 .json = {TCP_KNOWN, "\"bound\":0,\"available\":10,", UDP_UNKNOWN, TCP_ROW,
		  "\"held\":null,\"time_wait\":4,"},
	 .json_not = {UDP_ROW},
	 .text = {"UDP: - ports left for IPv4, - for IPv6", TCP_ADVICE, MAP},
	 .text_not = {UDP_ADVICE, "  udp "},
	 .map = true},
	{.name = "TCP",
	 .unseen = UNSEEN_TCP,
	 .json = {"\"usable\":10,", "\"in_use\":null", TCP_UNKNOWN, "\"ipv4\":1,\"ipv6\":1",
		  UDP_ROW, "\"held\":null,\"time_wait\":null,", "\"bound_before_connect\":null"},
	 .json_not = {TCP_ROW},
	 .text = {"range 40000-40009: 10 ports, 0 reserved, - taken", "in use: unknown",
		  UDP_ADVICE},
	 .text_not = {TCP_ADVICE, MAP, "  tcp "}},
	{.name = "descriptors",
	 .unseen = UNSEEN_BOUND,
	 .json = {TCP_KNOWN, TCP_UNKNOWN, "\"ipv4\":1,\"ipv6\":1", TCP_ROW, UDP_ROW,
		  "\"available\":null,\"uncertain\":null,\"time_wait_drain_s\":60.000",
		  "\"held\":null,\"time_wait\":4,"},
	 .text = {"0 reserved, - taken", "in use: 5 ESTABLISHED, 4 TIME_WAIT", UDP_ADVICE},
	 .text_not = {TCP_ADVICE, MAP}},
	{.name = "the namespace",
	 .unseen = UNSEEN_RANGE,
	 .json = {"\"netns\":5,\"range\":null,\"in_use\":null,\"usable\":null,", TCP_UNKNOWN,
		  UDP_UNKNOWN, "\"tcp_tw_reuse\":null"},
	 .json_not = {TCP_ROW, UDP_ROW, "\"process\""},
	 .text = {"network namespace 5\n  range, ports in use and ports left are unknown\n"},
	 .text_not = {TCP_ADVICE, UDP_ADVICE, MAP, "nothing"}},
};

static void check(const char *name, const char *text, const char *const *has, size_t has_count,
		  const char *const *hasnt, size_t hasnt_count)
{
	for (size_t i = 0; i < has_count && has[i]; i++) {
		if (!strstr(text, has[i]))
			fail_msg("%s unseen: no '%s' in:\n%s", name, has[i], text);
	}
	for (size_t i = 0; i < hasnt_count && hasnt[i]; i++) {
		if (strstr(text, hasnt[i]))
			fail_msg("%s unseen: '%s' in:\n%s", name, hasnt[i], text);
	}
}

static void what_is_unseen_is_no_number(void **state)
{
	static const char *const map[] = {"<h2>Namespace 5"};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		const struct unseen_case *c = &cases[i];
		struct budget *b = make(c->unseen);
		char *json = spell(budget_write_json, b), *text = spell(budget_write_text, b);
		char *html = spell(budget_write_html, b);

		check(c->name, json, c->json, 8, c->json_not, 4);
		check(c->name, text, c->text, 5, c->text_not, 5);
		check(c->name, html, map, c->map, map, !c->map);
		free(json);
		free(text);
		free(html);
		budget_free(b);
	}
}

/* What is unknown is neither the worst destination nor exhausted, and what is left out adds up. */
static void the_unknown_comes_last(void **state)
{
	struct process_set *processes = process_set_new(10, NULL, NULL);
	struct budget_watch *w = budget_watch_new(processes);
	struct budget *before = make(UNSEEN_BOUND), *b = make(UNSEEN_BOUND);

	(void)state;
	assert_int_equal(b->row_count, 2);
	assert_int_equal(b->row[0].protocol, IPPROTO_UDP);
	assert_true(budget_knows_left(b->ns[0], IPPROTO_UDP));
	assert_true(budget_knows(b->ns[0], IPPROTO_TCP));
	assert_false(budget_knows_left(b->ns[0], IPPROTO_TCP));
	b->row[1].available = 0;
	budget_watch_apply(w, b, before, 1000000000);
	assert_true(b->row[1].exhausted_in_s < 0);
	budget_add_unseen(b, 5, UNSEEN_UDP);
	assert_int_equal(b->ns[0]->unseen, UNSEEN_BOUND | UNSEEN_UDP);
	budget_watch_free(w);
	process_set_free(processes);
	budget_free(before);
	budget_free(b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_unseen_is_no_number),
		cmocka_unit_test(the_unknown_comes_last),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
