// SPDX-License-Identifier: GPL-2.0-only
/* What a line says of processes, and how long it can become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "writer.h"

#define LINE_BYTES 65536
#define HOLDERS	   64

static int64_t wall_offset_ns = 1795172400000000123;
static char args[PROCESS_ARGS_MAX + 1], path[4097], name[256];

static const char *interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	(void)ctx;
	(void)netns;
	(void)ifindex;
	return "\1\1\1\1\1\1\1\1\1\1\1\1\1\1\1";
}

/* One byte everywhere: '\1' is spelt in six. */
static struct process process_of(struct program *program, char byte)
{
	struct process p = {
		.pid = UINT32_MAX - 1,
		.tid = UINT32_MAX,
		.uid = UINT32_MAX - 1,
		.ruid = UINT32_MAX - 1,
		.cgroup = path,
		.container = name,
		.container_name = name,
		.pod = name,
		.unit = name,
		.program = program,
		.parent_count = PROCESS_PARENTS,
		.parents_known = true,
	};

	memset(args, byte, sizeof(args) - 1);
	memset(path, byte, sizeof(path) - 1);
	memset(name, byte, sizeof(name) - 1);
	memset(p.name, byte, sizeof(p.name) - 1);
	*program = (struct program){.pid = UINT32_MAX,
				    .start_ns = 1,
				    .exe = path,
				    .args = args,
				    .args_len = PROCESS_ARGS_MAX,
				    .args_cut = true};
	memset(program->name, byte, sizeof(program->name) - 1);
	for (int i = 0; i < PROCESS_PARENTS; i++)
		p.parent[i] = program;
	return p;
}

static struct endpoint longest_end(void)
{
	struct endpoint e = {.port = UINT16_MAX, .ifindex = 2, .takes = TAKES_UNKNOWN};

	memset(e.addr, 0xfe, sizeof(e.addr));
	e.addr[1] = 0x80;
	return e;
}

static struct event failed_bind(const struct process *p, const struct event_trouble *trouble)
{
	return (struct event){.kind = EVENT_BIND,
			      .time_ns = 1,
			      .protocol = IPPROTO_TCP,
			      .family = FAMILY_IPV6,
			      .netns = UINT32_MAX,
			      .cookie = UINT64_MAX,
			      .has_local = true,
			      .has_peer = true,
			      .local = longest_end(),
			      .peer = longest_end(),
			      .process = p,
			      .error = EADDRINUSE,
			      .repeated = UINT64_MAX,
			      .trouble = trouble};
}

static char *write_line(const struct event *e)
{
	const struct writer_options options = {.wall_offset_ns = &wall_offset_ns,
					       .interface_name = interface_name};
	struct writer *w = writer_json_new(&options);
	struct buffer out;

	assert_int_equal(buffer_init(&out, 16), 0);
	writer_event(w, &out, e);
	writer_free(w);
	assert_false(out.failed);
	assert_in_range(out.len, 2, LINE_BYTES - 1);
	assert_ptr_equal(memchr(out.data, '\n', out.len), out.data + out.len - 1);
	out.data[out.len - 1] = '\0';
	return out.data; /* freed like a buffer's */
}

static size_t count_of(const char *line, const char *what)
{
	size_t n = 0;

	for (; (line = strstr(line, what)); line++)
		n++;
	return n;
}

/* So many holders as a line has room for are listed, the others are counted. */
static void test_a_line_is_bounded(void **state)
{
	static const char bytes[] = {'a', '"', '\1', '\xff', '\0'};

	(void)state;
	for (size_t i = 0; i < sizeof(bytes); i++) {
		struct event_holder holder[HOLDERS];
		struct event_trouble trouble = {.has_holders = true,
						.holders = holder,
						.holder_count = HOLDERS,
						.holders_more = 7};
		struct program program;
		struct process p = process_of(&program, bytes[i]);
		struct event e = failed_bind(&p, &trouble);
		unsigned long long more = 0;
		const char *said;
		char *line;

		for (int h = 0; h < HOLDERS; h++)
			holder[h] = (struct event_holder){.process = &p,
							  .bound_by = &p,
							  .protocol = IPPROTO_TCP,
							  .family = FAMILY_IPV6,
							  .has_peer = true,
							  .local = longest_end(),
							  .peer = longest_end(),
							  .state = STATE_ESTABLISHED,
							  .since_ns = 1,
							  .why = (1 << HOLDER_WHYS) - 1};
		line = write_line(&e);
		said = strstr(line, "\"holders_more\":");
		assert_non_null(said);
		assert_int_equal(sscanf(said, "\"holders_more\":%llu", &more), 1);
		assert_int_equal(count_of(line, "\"bound_by\":") + more, HOLDERS + 7);
		assert_true(more < HOLDERS + 7);
		free(line);
	}
}

/* As they are in practice, all of them fit. */
static void test_many_ordinary_holders_fit(void **state)
{
	struct event_holder holder[HOLDERS];
	struct event_trouble trouble = {
		.has_holders = true, .holders = holder, .holder_count = HOLDERS};
	struct program program;
	struct process p = process_of(&program, 'a');
	struct event e = failed_bind(&p, &trouble);
	char *line;

	(void)state;
	program.args =
		"/usr/lib/jvm/java-17-openjdk-amd64/bin/java\0-Xmx512m\0-jar\0/srv/app/app.jar";
	program.args_len = 75;
	p.cgroup = "/kubepods.slice/kubepods-burstable.slice/"
		   "kubepods-burstable-pod0f1e2d3c_4b5a_6978_8796"
		   "_a5b4c3d2e1f0.slice/"
		   "cri-containerd-0123456789abcdef0123456789abcdef0123456789abcdef0123"
		   "456789abcdef.scope";
	p.container = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
	p.container_name = "web";
	p.pod = "shop/web-7d4b9";
	p.unit = "kubelet.service";
	for (int h = 0; h < HOLDERS; h++)
		holder[h] = (struct event_holder){.process = &p,
						  .protocol = IPPROTO_TCP,
						  .family = FAMILY_IPV6,
						  .local = {.port = 80},
						  .state = STATE_LISTEN,
						  .since_ns = 1,
						  .why = WHY_LISTENING | WHY_WILDCARD};
	line = write_line(&e);
	assert_int_equal(count_of(line, "\"why\":"), HOLDERS);
	assert_null(strstr(line, "holders_more"));
	free(line);
}

/* The whole process where a life begins or ends and where a call fails; else what tells it from others. */
static void test_a_process_is_whole_once(void **state)
{
	static const struct {
		enum event_kind kind;
		bool whole;
	} cases[] = {
		{EVENT_BIND, true},	 {EVENT_LISTEN, true}, {EVENT_CONNECT, true},
		{EVENT_ACCEPT, true},	 {EVENT_STATE, false}, {EVENT_CLOSE, true},
		{EVENT_OVERFLOW, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct program program;
		struct process p = process_of(&program, 'a');
		struct event e = failed_bind(&p, NULL);
		char *line, *shown;

		e.kind = cases[i].kind;
		line = write_line(&e);
		shown = strstr(line, "\"args\":[\"") + strlen("\"args\":[\"");
		assert_int_equal(strspn(shown, "a"), cases[i].whole ? PROCESS_ARGS_MAX : 128);
		assert_non_null(strstr(shown, "\"args_cut\":true"));
		for (const char *const *key = (const char *const[]){"exe", "parents", NULL}; *key;
		     key++) {
			char quoted[16];

			snprintf(quoted, sizeof(quoted), "\"%s\":", *key);
			assert_int_equal(strstr(line, quoted) != NULL, cases[i].whole);
		}
		assert_non_null(strstr(line, "\"start\":\""));
		assert_non_null(strstr(line, "\"unit\":\""));
		assert_non_null(strstr(line, "\"container_name\":\""));
		free(line);
	}
}

/* Two runs know the wall clock's offset to some nanoseconds: a start is one and the same all the same. */
static void test_a_start_is_the_same_in_every_run(void **state)
{
	const int64_t offset = wall_offset_ns;
	struct program program;
	struct process p = process_of(&program, 'a');
	struct event e = failed_bind(&p, NULL);
	char *first, *second;

	(void)state;
	first = write_line(&e);
	wall_offset_ns += 90;
	second = write_line(&e);
	wall_offset_ns = offset;
	assert_non_null(strstr(first, "\"start\":\""));
	assert_memory_equal(strstr(first, "\"start\":\""), strstr(second, "\"start\":\""), 40);
	free(first);
	free(second);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_line_is_bounded),
		cmocka_unit_test(test_many_ordinary_holders_fit),
		cmocka_unit_test(test_a_process_is_whole_once),
		cmocka_unit_test(test_a_start_is_the_same_in_every_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
