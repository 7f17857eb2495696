// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "json.h"
#include "listed.h"
#include "scenario.h"
#include "tracer.h"

#define OUTPUT_MAX (1u << 20)
#define RUN_MS	   20000
#define ARGS_MAX   12

/* ---- runs ---- */

void run_begin(struct run *r, const char *const *args)
{
	const char *argv[ARGS_MAX + 4] = {tracer_program};
	int out[2], err[2], n = 1;

	memset(r, 0, sizeof(*r));
	while (n <= ARGS_MAX && args[n - 1]) {
		argv[n] = args[n - 1];
		n++;
	}
	if (tracer_btf) {
		argv[n++] = "--btf";
		argv[n++] = tracer_btf;
	}
	if (pipe(out) < 0 || pipe(err) < 0)
		scenario_fail("pipe: %s", strerror(errno));
	r->pid = fork();
	if (r->pid < 0)
		scenario_fail("fork: %s", strerror(errno));
	if (r->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(out[1], STDOUT_FILENO);
		dup2(err[1], STDERR_FILENO);
		for (int i = 0; i < 2; i++) {
			close(out[i]);
			close(err[i]);
		}
		execv(tracer_program, (char **)(uintptr_t)argv);
		_exit(127);
	}
	close(out[1]);
	close(err[1]);
	r->out = out[0];
	r->err = err[0];
}

static void run_kill(struct run *r)
{
	kill(r->pid, SIGKILL);
	waitpid(r->pid, NULL, 0);
	close(r->out);
	close(r->err);
}

/* Reads what fits; the rest is dropped.  False at the end of the stream. */
static bool read_some(int fd, char *text, size_t size)
{
	size_t len = strlen(text);
	char rest[512];
	ssize_t n = len + 1 < size ? read(fd, text + len, size - len - 1)
				   : read(fd, rest, sizeof(rest));

	if (n > 0 && len + 1 < size)
		text[len + (size_t)n] = '\0';
	return n > 0 || (n < 0 && errno == EINTR);
}

/* One wait for either stream; false when both have ended. */
static bool read_both(struct run *r, char *out, size_t size, uint64_t deadline, bool open[2])
{
	struct pollfd fds[2] = {{.fd = open[0] ? r->out : -1, .events = POLLIN},
				{.fd = open[1] ? r->err : -1, .events = POLLIN}};

	if (!open[0] && !open[1])
		return false;
	if (poll(fds, 2, deadline_left(deadline)) <= 0) {
		run_kill(r);
		scenario_fail("the program takes too long; it said: %s", r->words);
	}
	if (fds[0].revents)
		open[0] = read_some(r->out, out, size);
	if (fds[1].revents)
		open[1] = read_some(r->err, r->words, sizeof(r->words));
	return true;
}

void run_wait_words(struct run *r, const char *text)
{
	bool open[2] = {false, true};
	uint64_t deadline = deadline_in(RUN_MS);
	char none[1] = "";

	while (!strstr(r->words, text)) {
		if (!read_both(r, none, sizeof(none), deadline, open)) {
			run_kill(r);
			scenario_fail("it ended and said: %s", r->words);
		}
	}
}

int run_end(struct run *r, char *out, size_t size)
{
	bool open[2] = {true, true};
	uint64_t deadline = deadline_in(RUN_MS);
	int status;

	out[0] = '\0';
	while (read_both(r, out, size, deadline, open))
		;
	close(r->out);
	close(r->err);
	if (waitpid(r->pid, &status, 0) != r->pid || !WIFEXITED(status))
		scenario_fail("it was ended by a signal; it said: %s", r->words);
	return WEXITSTATUS(status);
}

/* ---- ls ---- */

static struct json doc;

static const struct json_node *key(const struct json_node *of, const char *name)
{
	return json_get(&doc, of, name);
}

static uint64_t number(const struct json_node *of, const char *name)
{
	const struct json_node *n = key(of, name);

	return n && n->type == JSON_NUMBER && n->whole ? n->number : 0;
}

static bool is_null(const struct json_node *of, const char *name)
{
	const struct json_node *n = key(of, name);

	return n && n->type == JSON_NULL;
}

static void copy_text(char *out, size_t size, const struct json_node *n)
{
	snprintf(out, size, "%s", n && n->type == JSON_STRING ? n->text : "");
}

static void read_end(struct end *e, const struct json_node *n)
{
	*e = (struct end){.present = n != NULL};
	if (!n)
		return;
	copy_text(e->addr, sizeof(e->addr), key(n, "addr"));
	e->port = (unsigned int)number(n, "port");
}

static void read_who(struct who *w, const struct json_node *n)
{
	*w = (struct who){.present = n != NULL, .known = n && n->type == JSON_OBJECT};
	if (!w->known)
		return;
	w->pid = (uint32_t)number(n, "pid");
	w->uid = (uint32_t)number(n, "uid");
	w->ruid = (uint32_t)number(n, "ruid");
	copy_text(w->name, sizeof(w->name), key(n, "name"));
}

static void read_row(struct listed *l, const char *text)
{
	struct row *r = &l->row[l->count];
	const struct json_node *root, *h;

	if (l->count == LISTED_MAX)
		scenario_fail("more than %d rows", LISTED_MAX);
	if (json_parse(&doc, text, strlen(text)) < 0)
		scenario_fail("an unusable line: %s: %.200s", doc.why, text);
	memset(r, 0, sizeof(*r));
	root = json_root(&doc);
	copy_text(r->event, sizeof(r->event), key(root, "event"));
	copy_text(r->proto, sizeof(r->proto), key(root, "proto"));
	copy_text(r->state, sizeof(r->state), key(root, "state"));
	read_end(&r->local, key(root, "local"));
	read_end(&r->peer, key(root, "peer"));
	read_who(&r->process, key(root, "process"));
	read_who(&r->binder, key(root, "binder"));
	r->netns = number(root, "netns");
	r->cookie = number(root, "cookie");
	r->kernel = key(root, "kernel") && key(root, "kernel")->truth;
	copy_text(r->device, sizeof(r->device), key(root, "device"));
	r->since = key(root, "since") != NULL;
	if (key(root, "queue")) {
		r->waiting = number(key(root, "queue"), "receive");
		r->backlog = number(key(root, "queue"), "backlog");
		r->dropped = number(key(root, "queue"), "dropped");
		r->limitless = is_null(key(root, "queue"), "backlog") &&
			       is_null(key(root, "queue"), "dropped");
	}
	for (h = json_first(&doc, key(root, "holders")); h; h = json_next(&doc, h)) {
		if (r->holders < LISTED_PIDS)
			r->holder[r->holders++] = (pid_t)number(key(h, "process"), "pid");
	}
	l->count++;
}

void listed_run(struct listed *l, const char *const *args)
{
	static char out[OUTPUT_MAX];
	struct run r;
	int code;

	run_begin(&r, args);
	code = run_end(&r, out, sizeof(out));
	if (code)
		scenario_fail("%s: exit code %d; it said: %s", args[0], code, r.words);
	l->count = 0;
	for (char *line = out, *end; (end = strchr(line, '\n')); line = end + 1) {
		*end = '\0';
		read_row(l, line);
	}
}

bool listed_has_iterators(void)
{
	static char out[65536];
	static int has = -1; /* stays as it is */
	const char *const args[] = {"ls", "--hooks", "iterators", "--state", "listen", NULL};
	struct run r;

	if (has < 0) {
		run_begin(&r, args);
		has = run_end(&r, out, sizeof(out)) == 0 || !strstr(r.words, "takes no iterators");
	}
	return has;
}

void listed_take(struct listed *l, const char *source, uint64_t netns)
{
	char inode[24];
	const char *const args[] = {"ls",
				    "-o",
				    "json",
				    "--hooks",
				    source,
				    netns ? "--netns" : "--state",
				    netns ? inode : "listen",
				    NULL};

	snprintf(inode, sizeof(inode), "%llu", (unsigned long long)netns);
	listed_run(l, args);
}

const char *listed_who(const char *source, uint64_t netns, const char *port)
{
	static char out[65536];
	char inode[24];
	const char *const args[] = {"who", port, "--hooks", source, "--netns", inode, NULL};
	struct run run;

	snprintf(inode, sizeof(inode), "%llu", (unsigned long long)netns);
	run_begin(&run, args);
	if (run_end(&run, out, sizeof(out)))
		scenario_fail("who, %s: it said: %s", source, run.words);
	return out;
}

/* ---- /proc ---- */

/* 8 or 32 hexadecimal digits, words in the machine's order; mapped addresses as IPv4. */
static void read_address(struct end *e, const char *hex, unsigned int port, bool v6)
{
	uint32_t word[4] = {0};

	*e = (struct end){.present = true, .port = port};
	for (int i = 0; i < (v6 ? 4 : 1); i++) {
		char digits[9] = "";

		memcpy(digits, hex + 8 * i, 8);
		word[i] = (uint32_t)strtoul(digits, NULL, 16);
	}
	if (v6 && !word[0] && !word[1] && word[2] == htonl(0xffff))
		inet_ntop(AF_INET, &word[3], e->addr, sizeof(e->addr));
	else
		inet_ntop(v6 ? AF_INET6 : AF_INET, word, e->addr, sizeof(e->addr));
}

static void read_proc_line(struct listed *l, const char *proto, bool v6, const char *text)
{
	static const char *const states[] = {"",	   "ESTABLISHED", "SYN_SENT",  "SYN_RECV",
					     "FIN_WAIT1",  "FIN_WAIT2",	  "TIME_WAIT", "CLOSE",
					     "CLOSE_WAIT", "LAST_ACK",	  "LISTEN",    "CLOSING",
					     "SYN_RECV"};
	char local[40], peer[40];
	unsigned int local_port, peer_port, state;
	struct row *r = &l->row[l->count];

	if (l->count == LISTED_MAX)
		scenario_fail("more than %d rows", LISTED_MAX);
	if (sscanf(text, " %*[^:]: %32[0-9A-F]:%4X %32[0-9A-F]:%4X %2X", local, &local_port, peer,
		   &peer_port, &state) != 5 ||
	    strlen(local) != (v6 ? 32 : 8) || state >= sizeof(states) / sizeof(states[0]))
		return;
	memset(r, 0, sizeof(*r));
	snprintf(r->proto, sizeof(r->proto), "%s", proto);
	read_address(&r->local, local, local_port, v6);
	read_address(&r->peer, peer, peer_port, v6);
	r->peer.present = peer_port || strspn(peer, "0") != strlen(peer);
	if (strcmp(proto, "tcp") == 0 || state == 1)
		snprintf(r->state, sizeof(r->state), "%s", states[state]);
	l->count++;
}

void listed_take_proc(struct listed *l, pid_t pid)
{
	static const char *const protos[] = {"tcp", "udp", "udplite"};

	l->count = 0;
	for (int i = 0; i < 6; i++) {
		bool v6 = i % 2;
		char path[64], text[512];
		FILE *file;

		snprintf(path, sizeof(path), "/proc/%d/net/%s%s", pid, protos[i / 2],
			 v6 ? "6" : "");
		file = fopen(path, "r");
		while (file && fgets(text, sizeof(text), file))
			read_proc_line(l, protos[i / 2], v6, text);
		if (file)
			fclose(file);
	}
}

/* ---- rows ---- */

const struct row *listed_find(const struct listed *l, const char *proto, const char *state,
			      unsigned int port)
{
	for (unsigned int i = 0; i < l->count; i++) {
		const struct row *r = &l->row[i];

		if (strcmp(r->proto, proto) == 0 && r->local.port == port &&
		    (!state || strcmp(r->state, state) == 0))
			return r;
	}
	return NULL;
}

bool listed_time_wait(pid_t pid, unsigned int port)
{
	static struct listed kernel;

	listed_take_proc(&kernel, pid);
	return listed_find(&kernel, "tcp", "TIME_WAIT", port) != NULL;
}

bool row_is_held(const struct row *r, pid_t pid)
{
	for (unsigned int i = 0; i < r->holders; i++) {
		if (r->holder[i] == pid)
			return true;
	}
	return false;
}

static bool same_end(const struct end *a, const struct end *b)
{
	return a->present == b->present &&
	       (!a->present || (a->port == b->port && strcmp(a->addr, b->addr) == 0));
}

static bool same_row(const struct row *a, const struct row *b)
{
	return strcmp(a->proto, b->proto) == 0 && strcmp(a->state, b->state) == 0 &&
	       same_end(&a->local, &b->local) && same_end(&a->peer, &b->peer);
}

/* /proc/net has these protocols, and no TCP socket that is only bound. */
static bool is_compared(const struct row *r)
{
	return (strcmp(r->proto, "tcp") == 0 && strcmp(r->state, "CLOSE") != 0) ||
	       strncmp(r->proto, "udp", 3) == 0;
}

static unsigned int count_same(const struct listed *l, const struct row *r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < l->count; i++)
		n += is_compared(&l->row[i]) && same_row(&l->row[i], r);
	return n;
}

static void compare_one(const struct listed *a, const struct listed *b, const char *where,
			const char *what)
{
	for (unsigned int i = 0; i < a->count; i++) {
		const struct row *r = &a->row[i];

		if (is_compared(r) && count_same(a, r) != count_same(b, r))
			scenario_fail("%s: %s %s %s:%u -> %s:%u: %u times in one, %u in the other, "
				      "%s",
				      where, r->proto, r->state, r->local.addr, r->local.port,
				      r->peer.present ? r->peer.addr : "-", r->peer.port,
				      count_same(a, r), count_same(b, r), what);
	}
}

void listed_compare(const struct listed *ls, const struct listed *proc, const char *where)
{
	compare_one(ls, proc, where, "ls first");
	compare_one(proc, ls, where, "/proc first");
}
