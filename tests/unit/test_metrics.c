// SPDX-License-Identifier: GPL-2.0-only
/* Metrics: what events and looks become, what bounds them, and how they are spelt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <math.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "metrics_writer.h"

#define SECOND 1000000000ull

/* cmocka of Debian 12 compares no doubles. */
#define assert_near(a, b, apart) assert_true(is_near(a, b, apart, #a))

static bool is_near(double a, double b, double apart, const char *what)
{
	bool near = fabs(a - b) <= apart;

	if (!near)
		print_error("%s: %g, not %g\n", what, a, b);
	return near;
}

static const struct metrics_options plain = {.own_netns_name = "host"};

static char *written(struct metrics *m, enum metrics_format format)
{
	struct buffer out;

	assert_int_equal(buffer_init(&out, 64), 0);
	metrics_write(&out, m, format);
	buffer_append(&out, "", 1);
	assert_false(out.failed);
	return out.data;
}

/* The number behind a line's name and labels; -1: there is no such line. */
static double value_of(struct metrics *m, const char *name)
{
	char *text = written(m, METRICS_PROMETHEUS), wanted[512];
	const char *line;
	double value = -1;

	snprintf(wanted, sizeof(wanted), "\n%s ", name);
	line = strstr(text, wanted);
	if (line)
		value = strtod(line + strlen(wanted), NULL);
	free(text);
	return value;
}

static struct event event_of(enum event_kind kind, const struct process *process)
{
	return (struct event){.kind = kind,
			      .time_ns = 5 * SECOND,
			      .protocol = IPPROTO_TCP,
			      .family = FAMILY_IPV4,
			      .has_local = true,
			      .netns = 77,
			      .cookie = 3,
			      .process = process};
}

static struct event close_of(const struct process *process, enum close_reason reason)
{
	struct event e = event_of(EVENT_CLOSE, process);

	e.close = (struct event_close){.reason = reason,
				       .duration_ns = SECOND / 20,
				       .counted = true,
				       .sent_bytes = 100,
				       .received_bytes = 20,
				       .retransmits = 2,
				       .time_wait = true};
	return e;
}

/* ---- events ---- */

static void test_calls_and_lives_are_counted(void **state)
{
	const struct process curl = {.pid = 9, .name = "curl"};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct event e;

	(void)state;
	assert_near(value_of(m, "sockwatch_connects_total{proto=\"tcp\",family=\"ipv4\"}"), 0, 0);
	e = event_of(EVENT_CONNECT, &curl);
	metrics_event(m, &e);
	e.error = ECONNREFUSED;
	e.repeated = 3;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_connects_total{proto=\"tcp\",family=\"ipv4\"}"), 4, 0);
	assert_near(value_of(m, "sockwatch_connect_errors_total{errno=\"ECONNREFUSED\"}"), 3, 0);
	/* The life that it ends is the same failure; one without a failed call is another. */
	for (int i = 0; i < 2; i++) {
		e = close_of(&curl, REASON_REFUSED);
		e.error = ECONNREFUSED;
		e.close.span_count = 1;
		e.close.spans[0] = (struct event_span){STATE_SYN_SENT, 10};
		metrics_event(m, &e);
		assert_near(value_of(m, "sockwatch_connect_errors_total{errno=\"ECONNREFUSED\"}"), 3 + i, 0);
	}
	e = event_of(EVENT_ACCEPT, &curl);
	e.family = FAMILY_IPV6;
	metrics_event(m, &e);
	e.mapped = true;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_accepts_total{proto=\"tcp\",family=\"ipv6\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_accepts_total{proto=\"tcp\",family=\"ipv4\"}"), 1, 0);
	e = close_of(&curl, REASON_PEER_RESET);
	metrics_event(m, &e);
	e.close.end = EVENT_END_OPEN;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_closes_total{proto=\"tcp\",reason=\"peer-reset\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_sent_bytes_total{proto=\"tcp\"}"), 300, 0);
	assert_near(value_of(m, "sockwatch_retransmits_total"), 6, 0);
	assert_near(value_of(m, "sockwatch_time_waits_total{comm=\"curl\"}"), 3, 0);
	metrics_free(m);
}

static void test_times_fall_into_buckets(void **state)
{
	struct metrics *m = metrics_new(&plain, SECOND);
	struct event e = event_of(EVENT_STATE, NULL);

	(void)state;
	e.state.from = STATE_CLOSE;
	e.state.to = STATE_SYN_SENT;
	metrics_event(m, &e);
	e = event_of(EVENT_CONNECT, NULL);
	e.time_ns += 1000; /* the bound itself belongs to its bucket */
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_port_search_duration_seconds_bucket{le=\"1e-06\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_port_search_duration_seconds_sum"), 1e-6, 1e-12);
	e = event_of(EVENT_STATE, NULL);
	e.state.from = STATE_SYN_SENT;
	e.state.to = STATE_ESTABLISHED;
	e.state.after_known = true;
	e.state.after_ns = 40 * SECOND;
	metrics_event(m, &e);
	e.state.to = STATE_CLOSE;
	metrics_event(m, &e);
	assert_near(
		value_of(m, "sockwatch_connect_duration_seconds_bucket{family=\"ipv4\",le=\"30.0\"}"), 0, 0);
	assert_near(
		value_of(m, "sockwatch_connect_duration_seconds_bucket{family=\"ipv4\",le=\"+Inf\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_connect_duration_seconds_count{family=\"ipv4\"}"), 1, 0);
	metrics_free(m);
}

static void test_a_conflict_is_no_exhaustion(void **state)
{
	const struct process pod = {.pid = 9, .name = "web", .pod = "shop/web-0", .container = "4f1a"};
	const struct event_holder holder = {.why = WHY_WILDCARD | WHY_LISTENING};
	const struct event_trouble trouble = {.has_holders = true, .holders = &holder, .holder_count = 1};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct event e = event_of(EVENT_BIND, &pod);

	(void)state;
	e.error = EADDRINUSE;
	e.local.port = 8080;
	e.trouble = &trouble;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_bind_errors_total{errno=\"EADDRINUSE\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_bind_conflicts_total{why=\"listening\"}"), 1, 0);
	e.trouble = NULL;
	e.repeated = 4;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_bind_conflicts_total{why=\"listening\"}"), 5, 0);
	e.repeated = 0;
	e.local.port = 0;
	e.netns_name = "given";
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_bind_conflicts_total{why=\"listening\"}"), 5, 0);
	assert_near(
		value_of(m, "sockwatch_ephemeral_exhausted_total{netns=\"shop/web-0\",proto=\"tcp\"}"), 1, 0);
	e = event_of(EVENT_CONNECT, NULL);
	e.netns_name = "given";
	e.error = EADDRNOTAVAIL;
	metrics_event(m, &e);
	e.connect.no_source = true;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_ephemeral_exhausted_total{netns=\"host\",proto=\"tcp\"}"), -1, 0);
	assert_near(
		value_of(m, "sockwatch_ephemeral_exhausted_total{netns=\"shop/web-0\",proto=\"tcp\"}"), 2, 0);
	metrics_free(m);
}

/* ---- bounds ---- */

static void test_names_are_bounded(void **state)
{
	struct metrics *m = metrics_new(&plain, SECOND);
	double sum = 0;
	char *text, *line;
	int series = 0;

	(void)state;
	for (int i = 0; i < 5000; i++) {
		struct process p = {.pid = 9};
		struct event e = close_of(&p, REASON_LOCAL_CLOSE);

		snprintf(p.name, sizeof(p.name), "worker-%d", i);
		metrics_event(m, &e);
	}
	assert_near(value_of(m, "sockwatch_time_waits_total{comm=\"other\"}"),
			    5000 - (METRICS_PROCESSES - 1), 0);
	text = written(m, METRICS_PROMETHEUS);
	for (line = text; (line = strstr(line, "\nsockwatch_time_waits_total{")); line++, series++)
		sum += strtod(strchr(line + 1, ' '), NULL);
	free(text);
	assert_int_equal(series, METRICS_PROCESSES);
	assert_near(sum, 5000, 0);
	metrics_gauges_begin(m);
	metrics_gauges_end(m, 6 * SECOND);
	assert_near(value_of(m, "sockwatch_series_dropped_total"), 5000 - (METRICS_PROCESSES - 1), 0);
	metrics_free(m);
}

static size_t lines_of(struct metrics *m)
{
	char *text = written(m, METRICS_PROMETHEUS);
	size_t lines = 0;

	for (const char *p = text; *p; p = strchr(p, '\n') + 1)
		lines += *p != '#';
	free(text);
	return lines;
}

/* Whatever happens: no more than so many lines, each once, and as many as it says. */
static void test_all_series_are_bounded(void **state)
{
	struct metrics *m = metrics_new(&plain, SECOND);
	unsigned int seed = 1;

	(void)state;
	for (int round = 0; round < 20; round++) {
		metrics_gauges_begin(m);
		for (int i = 0; i < 2000; i++) {
			char a[24], b[24];
			const char *const labels[] = {a, b, a, b, a, NULL};
			enum metric metric = (enum metric)(rand_r(&seed) % METRICS);

			snprintf(a, sizeof(a), "%d", rand_r(&seed) % 700);
			snprintf(b, sizeof(b), "%d", rand_r(&seed) % 700);
			if (metric_family(metric)->type == METRIC_GAUGE && metric != METRIC_SERIES)
				metrics_set(m, metric, 1, labels);
		}
		metrics_gauges_end(m, (uint64_t)(round + 2) * SECOND);
		assert_true(lines_of(m) <= METRICS_SAMPLES);
		assert_near(value_of(m, "sockwatch_series"), (double)lines_of(m), 0);
	}
	metrics_free(m);
}

static void test_the_idle_go(void **state)
{
	const struct process curl = {.pid = 9, .name = "curl"};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct event e = close_of(&curl, REASON_LOCAL_CLOSE);

	(void)state;
	metrics_event(m, &e);
	metrics_gauges_begin(m);
	metrics_set(m, METRIC_TRACKED_SOCKETS, 4, NULL);
	metrics_gauges_end(m, 3000 * SECOND);
	assert_near(value_of(m, "sockwatch_time_waits_total{comm=\"curl\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_tracked_sockets"), 4, 0);
	metrics_gauges_begin(m);
	metrics_gauges_end(m, 3700 * SECOND);
	assert_near(value_of(m, "sockwatch_time_waits_total{comm=\"curl\"}"), -1, 0);
	assert_near(value_of(m, "sockwatch_tracked_sockets"), -1, 0);
	assert_near(value_of(m, "sockwatch_closes_total{proto=\"tcp\",reason=\"local-close\"}"), 1, 0);
	metrics_free(m);
}

static void test_labels_are_left_out(void **state)
{
	const struct metrics_options options = {.own_netns_name = "host",
						.without = metric_label_parse("comm", 4) |
							   metric_label_parse("netns", 5)};
	const struct process one = {.name = "one"}, two = {.name = "two"};
	struct metrics *m = metrics_new(&options, SECOND);
	struct event e = close_of(&one, REASON_LOCAL_CLOSE);

	(void)state;
	assert_int_equal(metric_label_parse("reason", 6), 0);
	assert_int_equal(metric_label_parse("com", 3), 0);
	metrics_event(m, &e);
	e.process = &two;
	metrics_event(m, &e);
	assert_near(value_of(m, "sockwatch_time_waits_total"), 2, 0);
	metrics_gauges_begin(m);
	metrics_set(m, METRIC_PORTS_AVAILABLE_MIN, 7, (const char *const[]){"a", "tcp", NULL});
	metrics_set(m, METRIC_PORTS_AVAILABLE_MIN, 3, (const char *const[]){"b", "tcp", NULL});
	metrics_set(m, METRIC_PORTS_AVAILABLE_MIN, 5, (const char *const[]){"c", "tcp", NULL});
	metrics_set(m, METRIC_RANGE_PORT, 5, (const char *const[]){"c", "low", NULL});
	metrics_gauges_end(m, 5 * SECOND);
	assert_near(value_of(m, "sockwatch_ephemeral_ports_available_min{proto=\"tcp\"}"), 3, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_range_port{end=\"low\"}"), -1, 0);
	assert_near(value_of(m, "sockwatch_series_dropped_total"), 0, 0);
	metrics_free(m);
}

/* ---- a look ---- */

static void add_use(struct budget *b, uint32_t netns, const struct process *owner, enum tcp_state state,
		    uint16_t port, uint16_t peer_port)
{
	struct port_use use = {.netns = netns,
			       .protocol = IPPROTO_TCP,
			       .family = FAMILY_IPV4,
			       .bucket_open = peer_port != 0,
			       .minisock = state == STATE_TIME_WAIT,
			       .state = state,
			       .owner = owner};

	use.local = (struct endpoint){.addr = {10, 0, 0, 1}, .port = port};
	if (peer_port)
		use.peer = (struct endpoint){.addr = {10, 0, 0, 2}, .port = peer_port};
	budget_add(b, &use);
}

static void test_ports_and_sockets_of_a_look(void **state)
{
	const struct process web = {.pid = 4, .name = "web", .container_name = "shop", .container = "4f1a2b"};
	const struct port_range range = {.low = 40000, .high = 40099};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct budget *b = budget_new();
	struct event listener;

	(void)state;
	budget_add_namespace(b, 77, &range);
	budget_add_namespace(b, 78, &range);
	for (uint16_t i = 0; i < 30; i++)
		add_use(b, 78, &web, i < 10 ? STATE_TIME_WAIT : STATE_ESTABLISHED, (uint16_t)(40000 + i), 5432);
	add_use(b, 77, NULL, STATE_LISTEN, 22, 0);
	assert_int_equal(budget_finish(b), 0);
	budget_find_namespace(b, 78, 0)->name = strdup("");
	metrics_gauges_begin(m);
	metrics_look(m, b);
	listener = event_of(EVENT_OVERFLOW, &web);
	listener.netns = 78;
	listener.netns_name = "";
	listener.local = (struct endpoint){.port = 40050};
	listener.overflow = (struct event_overflow){.waiting = 2, .limit = 128};
	metrics_listener(m, &listener);
	listener.local.port = 80;
	metrics_listener(m, &listener);
	metrics_listener(m, &listener);
	metrics_gauges_end(m, 2 * SECOND);
	assert_near(value_of(m, "sockwatch_sockets{proto=\"tcp\",state=\"TIME_WAIT\"}"), 10, 0);
	assert_near(value_of(m, "sockwatch_sockets{proto=\"tcp\",state=\"SYN_SENT\"}"), 0, 0);
	assert_near(value_of(m, "sockwatch_process_sockets{comm=\"web\",state=\"ESTABLISHED\"}"), 20, 0);
	assert_near(value_of(m, "sockwatch_process_sockets{comm=\"unknown\",state=\"LISTEN\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_ports{netns=\"shop\"}"), 100, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_ports_available_min{netns=\"shop\",proto=\"tcp\"}"), 70, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_ports_available_min{netns=\"host\",proto=\"tcp\"}"), 100, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_range_port{netns=\"host\",end=\"high\"}"), 40099, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_exhausted_total{netns=\"host\",proto=\"tcp\"}"), 0, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_destination_ports_available{netns=\"shop\",proto=\"tcp\","
					"source=\"10.0.0.1\",destination=\"10.0.0.2:5432\"}"), 70, 0);
	assert_near(value_of(m, "sockwatch_listeners{netns=\"shop\",proto=\"tcp\",address=\"0.0.0.0\","
					"port=\"dynamic\",comm=\"web\"}"), 1, 0);
	assert_near(value_of(m, "sockwatch_accept_queue_length{netns=\"shop\",proto=\"tcp\",address=\"0.0.0.0\","
					"port=\"80\",comm=\"web\"}"), 4, 0);
	budget_free(b);
	/* What is gone is told no more; it may be another's number now. */
	b = budget_new();
	metrics_gauges_begin(m);
	metrics_look(m, b);
	metrics_gauges_end(m, 3 * SECOND);
	assert_near(value_of(m, "sockwatch_ephemeral_ports{netns=\"shop\"}"), -1, 0);
	budget_free(b);
	metrics_free(m);
}

/* The same ends in a VRF are another series, and what is left there is what is left in the namespace at least. */
static void test_a_vrf_has_series_of_its_own(void **state)
{
	struct port_range range = {.low = 40000, .high = 40009};
	struct port_use u = {.netns = 77,
			     .protocol = IPPROTO_TCP,
			     .family = FAMILY_IPV4,
			     .state = STATE_ESTABLISHED,
			     .bucket_open = true,
			     .local = {.addr = {10, 0, 0, 1}, .port = 40000},
			     .peer = {.addr = {10, 0, 0, 2}, .port = 443}};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct budget *b = budget_new();

	(void)state;
	budget_add_namespace(b, 77, &range);
	budget_add(b, &u);
	u.vrf = 9;
	budget_add(b, &u);
	u.local.port = 40001;
	budget_add(b, &u);
	assert_int_equal(budget_finish(b), 0);
	budget_find_namespace(b, 77, 9)->vrf_name = strdup("red");
	metrics_gauges_begin(m);
	metrics_look(m, b);
	metrics_gauges_end(m, 2 * SECOND);
	assert_near(
		value_of(m,
			 "sockwatch_ephemeral_ports_available_min{netns=\"host\",proto=\"tcp\"}"),
		8, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_destination_ports_used{netns=\"host\",proto=\"tcp\","
				"source=\"10.0.0.1\",destination=\"10.0.0.2:443\"}"),
		    1, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_destination_ports_used{netns=\"host\",proto=\"tcp\","
				"source=\"10.0.0.1%red\",destination=\"10.0.0.2:443\"}"),
		    2, 0);
	budget_free(b);
	metrics_free(m);
}

static void test_many_namespaces_show_the_scarcest(void **state)
{
	struct port_range range = {.low = 40000};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct budget *b = budget_new();
	char name[16];

	(void)state;
	for (uint32_t i = 0; i < 500; i++) {
		range.high = (uint16_t)(41000 - i);
		budget_add_namespace(b, 1000 + i, &range);
	}
	assert_int_equal(budget_finish(b), 0);
	for (uint32_t i = 1; i < 500; i++) {
		snprintf(name, sizeof(name), "ns%u", i);
		budget_find_namespace(b, 1000 + i, 0)->name = strdup(name);
	}
	metrics_gauges_begin(m);
	metrics_look(m, b);
	metrics_gauges_end(m, 2 * SECOND);
	assert_near(value_of(m, "sockwatch_ephemeral_ports{netns=\"host\"}"), 1001, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_ports{netns=\"ns499\"}"), 502, 0);
	assert_near(value_of(m, "sockwatch_ephemeral_ports{netns=\"ns1\"}"), -1, 0);
	/* Of those that are not shown, the one that has fewest. */
	assert_true(value_of(m, "sockwatch_ephemeral_ports_available_min{netns=\"other\",proto=\"tcp\"}") > 502);
	assert_true(lines_of(m) <= METRICS_SAMPLES);
	budget_free(b);
	metrics_free(m);
}

/* ---- spelling ---- */

static void test_hostile_names_stay_inside_their_quotes(void **state)
{
	const struct process bad = {.name = "a\"b\\c\nd\x1b"};
	struct metrics *m = metrics_new(&plain, SECOND);
	struct event e = close_of(&bad, REASON_LOCAL_CLOSE);
	char *text;

	(void)state;
	metrics_event(m, &e);
	text = written(m, METRICS_PROMETHEUS);
	assert_non_null(strstr(text, "\nsockwatch_time_waits_total{comm=\"a\\\"b\\\\x5cc\\\\x0ad\\\\x1b\"} 1\n"));
	free(text);
	metrics_free(m);
}

static void test_both_formats(void **state)
{
	struct metrics *m = metrics_new(&plain, SECOND);
	char *text;

	(void)state;
	metrics_gauges_begin(m);
	metrics_set(m, METRIC_BUILD, 1, (const char *const[]){"1.2", NULL});
	metrics_gauges_end(m, SECOND);
	text = written(m, METRICS_PROMETHEUS);
	assert_non_null(strstr(text, "\n# TYPE sockwatch_retransmits_total counter\nsockwatch_retransmits_total 0\n"));
	assert_non_null(strstr(text, "\n# TYPE sockwatch_build_info gauge\nsockwatch_build_info{version=\"1.2\"} 1\n"));
	assert_null(strstr(text, "# UNIT"));
	assert_null(strstr(text, "# EOF"));
	free(text);
	text = written(m, METRICS_OPENMETRICS);
	assert_non_null(strstr(text, "\n# TYPE sockwatch_retransmits counter\nsockwatch_retransmits_total 0\n"));
	assert_non_null(strstr(text, "\n# TYPE sockwatch_build info\nsockwatch_build_info{version=\"1.2\"} 1\n"));
	assert_non_null(strstr(text, "\n# UNIT sockwatch_sent_bytes bytes\n"));
	assert_string_equal(text + strlen(text) - 6, "# EOF\n");
	free(text);
	metrics_free(m);
}

static void test_the_format_is_chosen(void **state)
{
	static const struct {
		const char *accept;
		enum metrics_format format;
	} cases[] = {
		{NULL, METRICS_PROMETHEUS},
		{"*/*", METRICS_PROMETHEUS},
		{"text/plain;version=0.0.4", METRICS_PROMETHEUS},
		{"application/openmetrics-text;version=1.0.0;q=0.8,text/plain;q=0.5", METRICS_OPENMETRICS},
		{"text/html, application/openmetrics-text", METRICS_OPENMETRICS},
		{"application/openmetrics-text;q=0.0, text/plain", METRICS_PROMETHEUS},
		{"application/openmetrics-text, text/plain;q=0", METRICS_OPENMETRICS},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(metrics_choose_format(cases[i].accept), cases[i].format);
}

/* Names are for good: what a family is called says what it is. */
static void test_names_are_as_prometheus_wants_them(void **state)
{
	(void)state;
	for (int i = 0; i < METRICS; i++) {
		const struct metric_family *f = metric_family((enum metric)i);

		assert_non_null(f->name);
		assert_true(!strncmp(f->name, "sockwatch_", 10) || !strncmp(f->name, "process_", 8));
		assert_null(strstr(f->name, "_total"));
		assert_true(f->help[strlen(f->help) - 1] == '.');
		assert_true(!f->unit || !strcmp(f->name + strlen(f->name) - strlen(f->unit), f->unit));
		assert_true((f->type == METRIC_HISTOGRAM) == (f->bound != NULL));
		for (int other = 0; other < i; other++)
			assert_string_not_equal(f->name, metric_family((enum metric)other)->name);
	}
}

/* docs/metrics.md has each family, and no other. */
static void test_every_family_is_documented(void **state)
{
	static const char *const types[] = {"counter", "gauge", "histogram", "info"};
	static const char *const suffixes[] = {"_total", "", "", "_info"};
	FILE *file = fopen("docs/metrics.md", "r");
	char line[1024], wanted[1024], labels[256];
	int rows = 0;

	(void)state;
	assert_non_null(file);
	while (fgets(line, sizeof(line), file)) {
		const struct metric_family *f = metric_family((enum metric)rows);
		size_t len = 0;

		if (strncmp(line, "| `", 3) != 0)
			continue;
		assert_true(rows < METRICS);
		for (int i = 0; i < METRIC_LABELS && f->label[i]; i++)
			len += (size_t)snprintf(labels + len, sizeof(labels) - len, "%s%s", i ? ", " : "", f->label[i]);
		snprintf(wanted, sizeof(wanted), "| `%s%s` | %s | %s | %s |\n", f->name, suffixes[f->type], types[f->type],
			 len ? labels : "-", f->help);
		assert_string_equal(line, wanted);
		rows++;
	}
	fclose(file);
	assert_int_equal(rows, METRICS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_calls_and_lives_are_counted),
		cmocka_unit_test(test_times_fall_into_buckets),
		cmocka_unit_test(test_a_conflict_is_no_exhaustion),
		cmocka_unit_test(test_names_are_bounded),
		cmocka_unit_test(test_all_series_are_bounded),
		cmocka_unit_test(test_the_idle_go),
		cmocka_unit_test(test_labels_are_left_out),
		cmocka_unit_test(test_ports_and_sockets_of_a_look),
		cmocka_unit_test(test_a_vrf_has_series_of_its_own),
		cmocka_unit_test(test_many_namespaces_show_the_scarcest),
		cmocka_unit_test(test_hostile_names_stay_inside_their_quotes),
		cmocka_unit_test(test_both_formats),
		cmocka_unit_test(test_the_format_is_chosen),
		cmocka_unit_test(test_names_are_as_prometheus_wants_them),
		cmocka_unit_test(test_every_family_is_documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
