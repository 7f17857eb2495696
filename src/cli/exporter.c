// SPDX-License-Identifier: GPL-2.0-only
#include "exporter.h"

#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <dirent.h>
#include <unistd.h>

#include "commands.h"
#include "features_writer.h"
#include "log.h"
#include "metrics_writer.h"
#include "units.h"

/* Looks take a tenth of the time, and one that takes longer than this is not waited for. */
#define LOOK_NS	   NSEC_PER_SEC
#define LOOK_REST  9
#define LOOK_SHORT (NSEC_PER_SEC / 64)
/* After so many events there is more to look at than there was. */
#define LOOK_EVENTS 10000
#define AFTER_NS    (NSEC_PER_SEC / 5)
/* Answers within it are the same. */
#define FRESH_NS (NSEC_PER_SEC / 4)
/* So long after a loss that a larger ring would spare it is not healthy. */
#define ILL_NS (60 * NSEC_PER_SEC)

/* ---- what is told ---- */

static void set(struct exporter *x, enum metric metric, double value)
{
	metrics_set(x->metrics, metric, value, NULL);
}

static void tell_hooks(struct exporter *x)
{
	size_t count;
	const struct kernel_hook *hooks = kernel_hooks(x->session->kernel, &count);

	for (size_t i = 0; i < count; i++) {
		const char *const labels[] = {features_tier_name(hooks[i].tier),
					     features_status_name(hooks[i].status), NULL};

		metrics_set(x->metrics, METRIC_HOOKS, 1, labels);
	}
}

/* "." and ".." and the directory's own are no descriptors of it. */
static void tell_descriptors(struct exporter *x)
{
	DIR *dir = opendir("/proc/self/fd");
	struct rlimit most;
	int count = -3;

	if (getrlimit(RLIMIT_NOFILE, &most) == 0)
		set(x, METRIC_PROCESS_MAX_FDS, (double)most.rlim_cur);
	if (!dir)
		return;
	while (readdir(dir))
		count++;
	closedir(dir);
	set(x, METRIC_PROCESS_FDS, count);
}

static void tell_process(struct exporter *x)
{
	const uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	unsigned long virtual, resident;
	struct rusage used;
	FILE *file = fopen("/proc/self/statm", "re");

	if (file && fscanf(file, "%lu %lu", &virtual, &resident) == 2) {
		set(x, METRIC_PROCESS_VIRTUAL, (double)(virtual * page));
		set(x, METRIC_PROCESS_RESIDENT, (double)(resident * page));
	}
	if (file)
		fclose(file);
	if (getrusage(RUSAGE_SELF, &used) == 0)
		set(x, METRIC_PROCESS_CPU,
		    (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
			    (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6);
	set(x, METRIC_PROCESS_START,
	    (double)(x->session->started_ns + (uint64_t)x->session->wall_offset_ns) / 1e9);
	tell_descriptors(x);
}

static void on_listener(void *ctx, const struct event *listener)
{
	metrics_listener(((struct exporter *)ctx)->metrics, listener);
}

static void tell_sending(struct exporter *x, uint64_t wall_ns)
{
	struct ship_tally t;

	if (!x->sending || !x->sending(x->sending_ctx, &t))
		return;
	set(x, METRIC_SHIP_ROWS, (double)t.rows);
	set(x, METRIC_SHIP_BATCHES, (double)t.batches);
	set(x, METRIC_SHIP_FAILURES, (double)t.failures);
	set(x, METRIC_SHIP_WAITING, (double)t.waiting);
	set(x, METRIC_SHIP_LAG,
	    t.waiting && t.oldest_ns && wall_ns > t.oldest_ns
		    ? (double)(wall_ns - t.oldest_ns) / 1e9
		    : 0);
}

/* Everything that is, but for what is counted of events. */
static void tell_now(struct exporter *x, uint64_t now_ns)
{
	struct status status = {0};

	metrics_gauges_begin(x->metrics);
	if (x->look.budget) {
		metrics_look(x->metrics, x->look.budget);
		set(x, METRIC_PORTS_AGE, (double)(now_ns - x->look_ns) / 1e9);
	}
	session_each_listener(x->session, on_listener, x);
	session_get_status(x->session, &status);
	metrics_status(x->metrics, &status);
	set(x, METRIC_RING_USED_BYTES, (double)kernel_waiting_bytes(x->session->kernel));
	tell_hooks(x);
	tell_process(x);
	tell_sending(x, now_ns + (uint64_t)x->session->wall_offset_ns);
	metrics_gauges_end(x->metrics, now_ns);
}

/* ---- the look ---- */

static void look(struct exporter *x)
{
	struct budget *before = x->look.budget;
	uint64_t begin_ns = kernel_now();

	/* Without it the old one stays, and its age tells. */
	if (budget_look_take(&x->look)) {
		budget_look_name(x->look.budget);
		budget_free(before);
		x->look_ns = kernel_now();
	} else {
		x->look.budget = before;
	}
	x->look_took_ns = kernel_now() - begin_ns;
	x->asked_ns = 0;
	x->events = 0;
}

/* It takes less than an answer may wait, as far as that can be told. */
static bool is_look_short(const struct exporter *x)
{
	return x->look_took_ns <= LOOK_SHORT && x->events < LOOK_EVENTS;
}

static bool is_look_due(const struct exporter *x, uint64_t now_ns)
{
	return now_ns - x->look_ns >= LOOK_NS && now_ns - x->look_ns >= LOOK_REST * x->look_took_ns;
}

/* ---- requests ---- */

static void answer_metrics(struct exporter *x, const char *accept, struct http_answer *ret)
{
	const enum metrics_format format = metrics_choose_format(accept);
	struct buffer *text = &x->text[format];
	uint64_t now_ns = kernel_now();

	x->asked_ns = now_ns;
	if (!x->text_ns[format] || now_ns - x->text_ns[format] >= FRESH_NS) {
		if (is_look_due(x, now_ns) && is_look_short(x))
			look(x);
		tell_now(x, kernel_now());
		text->len = 0;
		metrics_write(text, x->metrics, format);
		x->text_ns[format] = now_ns;
	}
	ret->status = 200;
	ret->type = metrics_content_type(format);
	if (text->failed)
		ret->text->failed = true;
	else
		buffer_append(ret->text, text->data, text->len);
}

static void answer_health(const struct exporter *x, struct http_answer *ret)
{
	const struct session *s = x->session;
	size_t count, attached = 0;
	const struct kernel_hook *hooks = kernel_hooks(s->kernel, &count);

	for (size_t i = 0; i < count; i++)
		attached += hooks[i].status == HOOK_ATTACHED;
	ret->status = 503;
	if (!attached) {
		buffer_print(ret->text, "no hook is attached\n");
	} else if (x->lost_ns && kernel_now() - x->lost_ns < ILL_NS) {
		buffer_print(ret->text, "facts were lost in the last minute: %llu in all\n",
			     (unsigned long long)x->lost);
	} else {
		ret->status = 200;
		buffer_print(ret->text, "ok\n");
	}
}

static void on_request(void *ctx, const char *path, const char *accept, struct http_answer *ret)
{
	struct exporter *x = ctx;

	ret->type = "text/plain; charset=utf-8";
	if (!strcmp(path, "/metrics"))
		answer_metrics(x, accept, ret);
	else if (!strcmp(path, "/healthz"))
		answer_health(x, ret);
	else
		buffer_print(ret->text, "there are /metrics and /healthz\n");
}

/* ---- life ---- */

/* The host's is everybody's where it runs in it. */
static const char *name_own_netns(void)
{
	struct stat st;

	return stat("/proc/1/ns/net", &st) == 0 && st.st_ino == command_own_netns() ? "host" : "self";
}

int exporter_open(struct exporter *x, const struct options *options, struct session *session)
{
	const struct metrics_options wanted = {.without = options->without_labels,
					       .own_netns_name = name_own_netns()};

	*x = (struct exporter){.session = session, .fd = -1};
	x->look = (struct budget_look){.session = session, .filter = &options->filter};
	x->metrics = metrics_new(&wanted, kernel_now());
	if (!x->metrics || buffer_init(&x->text[0], 1u << 14) < 0 ||
	    buffer_init(&x->text[1], 1) < 0) {
		log_error("no memory");
		return 1;
	}
	x->http = http_open(options->listen ? options->listen : EXPORTER_PLACE, on_request, x);
	return x->http ? 0 : 1;
}

static bool wait_for(struct exporter *x, int fd)
{
	struct epoll_event in = {.events = EPOLLIN};

	return fd < 0 || epoll_ctl(x->fd, EPOLL_CTL_ADD, fd, &in) == 0;
}

int exporter_begin(struct exporter *x)
{
	x->fd = epoll_create1(EPOLL_CLOEXEC);
	if (x->fd < 0 || !wait_for(x, http_fd(x->http)) ||
	    !wait_for(x, x->session->serve ? serve_fd(x->session->serve) : -1)) {
		log_error("cannot wait for requests");
		return 1;
	}
	kernel_wait_also(x->session->kernel, x->fd);
	look(x);
	return 0;
}

void exporter_event(struct exporter *x, const struct event *event)
{
	metrics_event(x->metrics, event);
	x->events++;
}

void exporter_turn(struct exporter *x, uint64_t now_ns)
{
	const struct session *s = x->session;
	/* What the kernel withholds nobody can help, and a look mends it. */
	uint64_t lost = s->lost - s->withheld + s->full;
	int wait_ms;

	if (lost > x->lost) {
		x->lost = lost;
		x->lost_ns = now_ns;
	}
	http_turn(x->http);
	wait_ms = http_wait_ms(x->http);
	/*
	 * For who asks next, where a look takes longer than an answer may: once the answer has gone, and soon after it, when
	 * the next is longest away.
	 */
	now_ns = kernel_now();
	if (wait_ms != 0 && x->asked_ns && now_ns - x->asked_ns < AFTER_NS && !is_look_short(x) &&
	    is_look_due(x, now_ns))
		look(x);
	if (wait_ms >= 0 && (!x->session->wait_ms || wait_ms < x->session->wait_ms))
		x->session->wait_ms = wait_ms ? wait_ms : 1;
}

void exporter_close(struct exporter *x)
{
	if (!x->session)
		return;
	http_close(x->http);
	metrics_free(x->metrics);
	budget_look_done(&x->look);
	buffer_done(&x->text[0]);
	buffer_done(&x->text[1]);
	if (x->fd >= 0)
		close(x->fd);
}
