// SPDX-License-Identifier: GPL-2.0-only
/*
 * Usage: agent --program SOCKWATCH [--hooks tracepoints|trampolines|auto] [--btf FILE] [--only NAME] [--mixtures] [--kernel]
 *        [--half 0|1] [--list]
 * Makes sockets, knows the truth about them, and compares what SOCKWATCH prints.  NAME is the
 * beginning of a scenario's name.  AGENT_SLOW=N multiplies every deadline, for emulated machines.
 * --kernel: without what is the same on every kernel, and by trampolines without what stands on no hook.
 * --half: of what stands on hooks every second group only, so that two kernels play all of it once.
 * --mixtures: afterwards a few scenarios again without each of the trampolines, as where one fails.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "features.h"
#include "netlink.h"
#include "peer.h"
#include "scenario.h"
#include "tracer.h"

static const struct scenario *const groups[] = {
	seed_scenarios,
	owner_scenarios,
	namespace_scenarios,
	thread_scenarios,
	port_scenarios,
	bind_scenarios,
	close_scenarios,
	reset_scenarios,
	connect_scenarios,
	uring_scenarios,
	compat_scenarios,
	protocol_scenarios,
	name_scenarios,
	run_scenarios,
	split_scenarios,
	ending_scenarios,
	filter_scenarios,
	filter_netns_scenarios,
	loss_scenarios,
	room_scenarios,
	udp_scenarios,
	budget_scenarios,
	budget_udp_scenarios,
	time_wait_scenarios,
	holders_scenarios,
	tuple_scenarios,
	handover_scenarios,
	listing_scenarios,
	unix_scenarios,
	btf_scenarios,
	asked_scenarios,
	headless_scenarios,
	unheld_scenarios,
	kernel_scenarios,
	redirect_scenarios,
	bound_scenarios,
	failure_scenarios,
	refusal_scenarios,
	ends_scenarios,
	cut_scenarios,
	overflow_scenarios,
	process_scenarios,
	same_scenarios,
	/* Make more than a tracer may bear: come when the shared one has ended. */
	flood_scenarios,
	flood_apart_scenarios,
};
#define GROUPS (sizeof(groups) / sizeof(groups[0]))
#define FLOODS 2 /* of them, the last */

static jmp_buf leave;
static enum { PASS, FAIL, SKIP } verdict;
static char why[8192];
static char shown[65536];
static size_t shown_len;
static uint64_t slow = 1;
static bool tells;	    /* --story */
static bool mixtures;	    /* --mixtures */
static bool kernel_only;    /* --kernel */
static int half = -1;	    /* --half */
static const char *playing; /* the scenario */
static const char *part;    /* of a mixture: the scenario that failed or was skipped */

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t deadline_in(unsigned int ms)
{
	return now_ms() + ms * slow;
}

int deadline_left(uint64_t deadline)
{
	uint64_t now = now_ms();

	return deadline > now ? (int)(deadline - now) : 0;
}

bool scenario_is_brief(void)
{
	return kernel_only;
}

void scenario_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	verdict = FAIL;
	longjmp(leave, 1);
}

void scenario_skip(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	verdict = SKIP;
	longjmp(leave, 1);
}

static void show(const char *text)
{
	size_t room = sizeof(shown) - shown_len;
	int n = snprintf(shown + shown_len, room, "    %s\n", text);

	if (n > 0 && (size_t)n < room)
		shown_len += (size_t)n;
}

void scenario_show(const struct line *line)
{
	show(line->text ? line->text : "?");
}

void scenario_note(const char *format, ...)
{
	char text[256];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	show(text);
}

void scenario_tell(const struct line *line)
{
	if (tells && line->text)
		printf("STORY %s %s\n", playing, line->text);
}

long must(const char *what, long value)
{
	if (value < 0)
		scenario_fail("%s: %s", what, strerror((int)-value));
	return value;
}

static void print_verdict(const char *name)
{
	printf("%s %s", verdict == PASS ? "PASS" : verdict == FAIL ? "FAIL" : "SKIP", name);
	if (verdict != PASS)
		printf(": %s%s%s", part ? part : "", part ? ": " : "", why);
	printf("\n%.*s", verdict == FAIL ? (int)shown_len : 0, shown);
	fflush(stdout);
}

static void attempt(void (*body)(void))
{
	verdict = PASS;
	why[0] = '\0';
	shown_len = 0;
	if (setjmp(leave) == 0)
		body();
	/* One line per verdict: what a tracer said on its standard error may have several. */
	for (char *c = why; *c; c++) {
		if ((unsigned char)*c < ' ')
			*c = ' ';
	}
}

#define ATTEMPTS 3

/*
 * Runs `body` and prints its verdict; true unless it failed.  Again where the kernel ran no program for what happened meanwhile.
 * perf counts more changes of state than runs: on some machines every tracer misses what a softirq does on top of process 1.
 * Or the tracer says so, by recursion_misses.
 */
static bool judge(const char *name, void (*body)(void))
{
	playing = name;
	for (int left = ATTEMPTS - 1;; left--) {
		int64_t skipped = tracer_skipped();
		unsigned int withheld = tracer_times_withheld();

		attempt(body);
		if (verdict != FAIL || !left ||
		    (tracer_skipped() <= skipped && tracer_times_withheld() <= withheld))
			break;
		printf("AGAIN %s: the kernel left out programs meanwhile: %s\n", name, why);
		peers_stop();
		tracer_settle();
	}
	print_verdict(name);
	return verdict != FAIL;
}

/* Each missing end is one change of state or more that no program was run for; any other loss counts. */
static bool is_explained(const struct tracer *t, int64_t skipped)
{
	static const char before[] = " events shown, ";
	const char *lost = strstr(t->words, before);

	return lost && strtoll(lost + sizeof(before) - 1, NULL, 10) <= skipped &&
	       strstr(t->words, "the kernel did not tell the end") &&
	       !strstr(t->words, "ring buffer");
}

static void end_shared(void)
{
	struct tracer *t = tracer_shared();
	int64_t skipped = tracer_skipped();
	int status = tracer_wait_exit(t, SIGINT);

	if (status == 4 && is_explained(t, skipped))
		scenario_skip(
			"the kernel ran no program for %lld changes of state that perf counted",
			(long long)skipped);
	if (status == 4 && tracer_is_withheld(t))
		scenario_skip("the kernel left out programs where the same one was interrupted");
	if (status != 0)
		scenario_fail("the tracer's exit code is %d, and the kernel ran no program for "
			      "%lld changes of state; it said: %s",
			      status, (long long)skipped, t->words);
	if (t->lost)
		scenario_fail("%llu events lost", (unsigned long long)t->lost);
}

/* One verdict when nothing can be traced at all. */
static void start_shared(void)
{
	tracer_shared();
}

static bool wanted(const char *name, const char *only)
{
	return !only || strncmp(name, only, strlen(only)) == 0;
}

static void list(void)
{
	for (size_t g = 0; g < GROUPS; g++) {
		for (const struct scenario *s = groups[g]; s->name; s++)
			puts(s->name);
	}
}

/* ---- mixtures: one trampoline fails, another hook tells its fact ---- */

/* Every fact, each way it can go, as one tier tells it. */
static const char *const mixture[] = {
	"owner-ipv4",	       "owner-ipv6",	    "owner-preforked",	"port-listen-unbound",
	"bind-in-use-holders", "connect-refused",   "connect-no-route", "udp-bind-in-use",
	"udp-send-ipv6",       "udp-connect-bound", "udp-dissolve",
};

static const char *without; /* the hook */

static void play(const char *name)
{
	for (size_t g = 0; g < GROUPS; g++) {
		for (const struct scenario *s = groups[g]; s->name; s++) {
			if (strcmp(s->name, name) == 0)
				s->run();
		}
	}
}

static void play_mixture(void)
{
	if (features_attached(without))
		scenario_fail("it is attached nevertheless");
	for (size_t i = 0; i < sizeof(mixture) / sizeof(mixture[0]); i++) {
		part = mixture[i];
		play(mixture[i]);
		peers_stop();
		tracer_settle();
	}
	part = NULL;
	tracer_end(tracer_shared(), SIGINT, 0);
}

/*
 * A function takes at most 38 programs by trampolines (40 before 5.19), and each tracer brings four to inet_bind(): the
 * kernel lets the last one load everything and refuses to attach.
 */
#define CROWD 10

static void play_crowded(void)
{
	static const char *const args[] = {"--hooks", "auto",	   "--pid", "1", "--ring",
					   "1M",      "--sockets", "1000",  NULL};

	for (int i = 0; i < CROWD; i++)
		tracer_open(args);
	if (!strstr(tracer_shared()->words, "by trampolines and tracepoints"))
		scenario_fail("the kernel attached everything: %s", tracer_shared()->words);
	part = "owner-ipv4";
	play(part);
	part = "udp-send-ipv6";
	play(part);
	part = NULL;
	tracer_end(tracer_shared(), SIGINT, 0);
}

static int run_mixtures(const char *only)
{
	static char hook[FEATURES_HOOKS][64], words[80], name[80];
	size_t count = features_trampolines(hook);
	const char *asked = tracer_hooks;
	int failed = 0;

	for (size_t i = 0; i < count; i++) {
		snprintf(name, sizeof(name), "without-%.63s", hook[i]);
		if (!wanted(name, only))
			continue;
		tracer_close_all();
		snprintf(words, sizeof(words), "auto,-%.63s", hook[i]);
		tracer_hooks = words;
		without = hook[i];
		failed += !judge(name, play_mixture);
		part = NULL;
		peers_stop();
	}
	tracer_close_all();
	tracer_hooks = "auto";
	if (count && wanted("without-room", only))
		failed += !judge("without-room", play_crowded);
	part = NULL;
	peers_stop();
	tracer_close_all();
	tracer_hooks = asked;
	return failed;
}

static int run_group(const struct scenario *s, const char *only)
{
	int failed = 0;

	for (; s->name; s++) {
		if (!wanted(s->name, only))
			continue;
		failed += !judge(s->name, s->run);
		peers_stop();
		tracer_settle();
	}
	return failed;
}

/* The program decides it after all facts were read, or takes thousands of processes; each takes a tracer of its own. */
static bool stands_on_no_kernel(const struct scenario *group)
{
	return group == filter_scenarios || group == ending_scenarios || group == room_scenarios ||
	       group == flood_apart_scenarios;
}

/* They ask looks only, which are the same whatever tells of calls. */
static bool asks_looks_only(const struct scenario *group)
{
	return group == asked_scenarios || group == budget_scenarios ||
	       group == budget_udp_scenarios;
}

/* Nor does what becomes of facts that were lost. */
static bool stands_on_no_tier(const struct scenario *group)
{
	return asks_looks_only(group) || group == loss_scenarios;
}

static bool is_left_out(size_t g)
{
	const struct scenario *group = groups[g];

	if (half >= 0 && !asks_looks_only(group) && g % 2 != (size_t)half)
		return true;
	return kernel_only && (stands_on_no_kernel(group) ||
			       (stands_on_no_tier(group) && !strcmp(tracer_hooks, "trampolines")));
}

static int run_all(const char *only)
{
	int failed = !judge("tracer-start", start_shared);

	if (verdict != PASS) {
		tracer_close_all();
		return failed;
	}
	for (size_t g = 0; g < GROUPS - FLOODS; g++) {
		if (!is_left_out(g))
			failed += run_group(groups[g], only);
	}
	if (!only)
		failed += !judge("tracer-end", end_shared);
	tracer_close_all();
	for (size_t g = GROUPS - FLOODS; g < GROUPS; g++) {
		if (!is_left_out(g))
			failed += run_group(groups[g], only);
	}
	return failed + (mixtures ? run_mixtures(only) : 0);
}

static int usage(void)
{
	fputs("Usage: agent --program SOCKWATCH [--hooks tracepoints|trampolines|auto] "
	      "[--btf FILE] [--only NAME] [--mixtures] [--kernel] [--half 0|1] [--story] [--list]\n",
	      stderr);
	return 2;
}

/* Where the tracers of this run can be asked, and no others. */
static char run_directory[] = "/tmp/sockwatch-agent-XXXXXX";

static void remove_directory(void)
{
	DIR *d = opendir(run_directory);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		unlinkat(dirfd(d), entry->d_name, 0);
	if (d)
		closedir(d);
	rmdir(run_directory);
}

/* Enough descriptors for the wide scenarios, names and orphans under control, and a loopback that
 * works. */
static void prepare(void)
{
	const char *text = getenv("AGENT_SLOW");
	struct rlimit files = {4096, 4096};

	if (text && atoi(text) > 0)
		slow = (uint64_t)atoi(text);
	setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	if (mkdtemp(run_directory))
		setenv("SOCKWATCH_RUN", run_directory, 1);
	prctl(PR_SET_NAME, "agent");
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (netlink_link_up("lo") < 0)
		fprintf(stderr, "cannot bring lo up: %s\n", strerror(errno));
}

int main(int argc, char **argv)
{
	const char *only = NULL;
	int failed;

	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--list") == 0)
			return list(), 0;
		if (strcmp(argv[i], "--connect") == 0 && i + 1 < argc)
			return process_connect_and_exit(argv[i + 1]);
		if (strcmp(argv[i], "--linger") == 0)
			return read(STDIN_FILENO, why, 1) < 0;
		if (strcmp(argv[i], "--story") == 0) {
			tells = true;
			continue;
		}
		if (strcmp(argv[i], "--mixtures") == 0) {
			mixtures = true;
			continue;
		}
		if (strcmp(argv[i], "--kernel") == 0) {
			kernel_only = true;
			continue;
		}
		if (i + 1 == argc)
			return usage();
		if (strcmp(argv[i], "--program") == 0)
			tracer_program = argv[++i];
		else if (strcmp(argv[i], "--hooks") == 0)
			tracer_hooks = argv[++i];
		else if (strcmp(argv[i], "--btf") == 0)
			tracer_btf = argv[++i];
		else if (strcmp(argv[i], "--only") == 0)
			only = argv[++i];
		else if (strcmp(argv[i], "--half") == 0)
			half = atoi(argv[++i]);
		else
			return usage();
	}
	if (!tracer_program)
		return usage();
	prepare();
	failed = run_all(only);
	remove_directory();
	return failed ? 1 : 0;
}
