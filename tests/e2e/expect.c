// SPDX-License-Identifier: GPL-2.0-only
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "scenario.h"

static char why[400];

__attribute__((format(printf, 1, 2))) static const char *because(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(why, sizeof(why), format, args);
	va_end(args);
	return why;
}

struct owner owner_of(const struct peer *p)
{
	struct owner o = {.pid = p->pid, .tid = p->tid, .uid = p->uid};

	memcpy(o.name, p->name, sizeof(o.name));
	return o;
}

static const char *check_who(const char *role, const struct who *w, const struct owner *o)
{
	if (o->pid == 0)
		return w->known ? because("%s is %u %s, must be null", role, w->pid, w->name)
				: NULL;
	if (!w->known)
		return because("%s is unknown, must be %d %s", role, o->pid, o->name);
	if (w->pid != (uint32_t)o->pid || strcmp(w->name, o->name) != 0)
		return because("%s is %u %s, must be %d %s", role, w->pid, w->name, o->pid,
			       o->name);
	if (w->tid != (uint32_t)o->tid && (!o->or_tid || w->tid != (uint32_t)o->or_tid))
		return because("%s has tid %u, must be %d", role, w->tid, o->tid);
	if (w->uid != o->uid)
		return because("%s has uid %u, must be %u", role, w->uid, o->uid);
	return NULL;
}

static const char *check_end(const char *role, const struct end *e, const struct address *a)
{
	struct end must_be;

	if (a->len == 0)
		return e->present ? because("%s is there, must be absent", role) : NULL;
	must_be = address_end(a);
	if (!e->present)
		return because("%s is missing, must be %s port %u", role, must_be.addr,
			       must_be.port);
	if (strcmp(e->addr, must_be.addr) != 0 || e->port != must_be.port)
		return because("%s is %s port %u, must be %s port %u", role, e->addr, e->port,
			       must_be.addr, must_be.port);
	return NULL;
}

static bool mapped(const struct address *a)
{
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&a->ss;

	return a->ss.ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&in6->sin6_addr);
}

/* Lines of a socket before it has a connection: what it is bound to is all there is. */
static bool is_bound_line(const struct line *l, const struct expect *x)
{
	if (x->bound.len == 0)
		return false;
	if (l->kind == LINE_BIND || l->kind == LINE_LISTEN)
		return true;
	return x->local.len == 0;
}

/* The kernel enters SYN_SENT and LISTEN before it chooses a port for a socket that has none. */
static bool is_before_port(const struct line *l, const struct expect *x)
{
	bool chosen_later = x->autobind == PORT_AUTO || strncmp(x->calls, "listen", 6) == 0;

	return chosen_later && l->kind == LINE_STATE && strcmp(l->from, "CLOSE") == 0;
}

static const char *check_ends(const struct line *l, const struct expect *x)
{
	static const struct address none;
	bool bound = is_bound_line(l, x);
	struct address local = bound ? x->bound : x->local;
	const struct address *peer = bound ? &none : &x->peer;
	bool portless = l->local.port == 0 && (x->portless || is_before_port(l, x));
	const char *bad;

	if (strcmp(l->family, local.ss.ss_family == AF_INET ? "ipv4" : "ipv6") != 0)
		return because("family is %s", l->family);
	/* Before a port is chosen the source address is not chosen either. */
	bad = portless ? NULL : check_end("local", &l->local, &local);
	if (!bad)
		bad = check_end("peer", &l->peer, peer);
	if (!bad && l->mapped != (mapped(&local) || mapped(peer)))
		bad = because("mapped is %s", l->mapped ? "true" : "absent");
	return bad;
}

static const char *check_state_line(const struct line *l, const struct expect *x, bool first)
{
	bool may_lack = first && (x->seeded || strcmp(l->from, "CLOSE") == 0 ||
				  strcmp(l->from, "LISTEN") == 0);

	return l->has_after || may_lack ? NULL : because("after_ns is missing");
}

static bool in_list(const char *list, const char *word)
{
	size_t n = strlen(word);

	for (const char *at = list; at; at = strchr(at, '|'), at = at ? at + 1 : NULL) {
		if (strncmp(at, word, n) == 0 && (at[n] == '|' || at[n] == '\0'))
			return true;
	}
	return false;
}

static const char *check_close_line(const struct line *l, const struct expect *x)
{
	uint64_t sum = 0;

	if (!x->reason)
		return because("it is closed, but should be open");
	if (!in_list(x->reason, l->reason))
		return because("reason is %s, must be %s", l->reason, x->reason);
	for (unsigned int i = 0; i < l->span_count; i++)
		sum += l->span[i].ns;
	if (!x->seeded && !l->has_opened)
		return because("opened and duration_ns are missing");
	if (l->has_duration && l->duration_ns < sum)
		return because("duration_ns %llu is less than its states' %llu",
			       (unsigned long long)l->duration_ns, (unsigned long long)sum);
	if (x->counted && !l->has_counters)
		return because("sent_bytes and received_bytes are missing");
	if (x->counted && (l->sent_bytes != x->sent || l->received_bytes != x->received))
		return because("%llu bytes sent and %llu received, must be %llu and %llu",
			       (unsigned long long)l->sent_bytes,
			       (unsigned long long)l->received_bytes, (unsigned long long)x->sent,
			       (unsigned long long)x->received);
	return NULL;
}

static const char *check_call_line(const struct line *l, const struct expect *x)
{
	static const struct owner nobody;
	bool failing = x->error && l->kind == LINE_CONNECT;

	if (strcmp(l->error, failing ? x->error : "") != 0)
		return because("error is '%s', must be '%s'", l->error, failing ? x->error : "");
	if (l->kind == LINE_CONNECT && x->autobind != PORT_ANY &&
	    (l->autobind == 1) != (x->autobind == PORT_AUTO))
		return because("autobind is %d", l->autobind);
	if (l->kind == LINE_LISTEN && !l->has_backlog)
		return because("backlog is missing");
	if (l->kind != LINE_ACCEPT || x->before_free)
		return NULL;
	if (x->listener_named)
		return check_who("listener", &l->listener, &x->before);
	return l->listener.known ? check_who("listener", &l->listener, &nobody) : NULL;
}

static const char *check_line(const struct line *l, const struct expect *x, bool before, bool first)
{
	const char *bad;

	if (strcmp(l->proto, x->proto ? x->proto : "tcp") != 0)
		return because("proto is %s", l->proto);
	if (x->netns && l->netns != x->netns)
		return because("netns is %llu, must be %llu", (unsigned long long)l->netns,
			       (unsigned long long)x->netns);
	if (!(before && (x->before_free || (x->before_or_null && !l->process.known)))) {
		bad = check_who("process", &l->process, before ? &x->before : &x->owner);
		if (bad)
			return bad;
	}
	bad = check_ends(l, x);
	if (bad)
		return bad;
	if (l->kind == LINE_STATE)
		return check_state_line(l, x, first);
	if (l->kind == LINE_CLOSE)
		return check_close_line(l, x);
	return check_call_line(l, x);
}

/* Comes when it likes, and in one tier only: what is known of it is who and where. */
static bool is_minisock_end(const struct line *l)
{
	return l->kind == LINE_STATE && strcmp(l->from, "TIME_WAIT") == 0;
}

/* The chain of state lines as one text; NULL with `why` set when a link is broken. */
static const char *chain_of(const struct tracer *t, const struct expect *x, char *chain,
			    size_t size)
{
	const char *last = NULL;
	size_t n = 0;

	chain[0] = '\0';
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->kind != LINE_STATE || l->cookie != x->cookie || is_minisock_end(l))
			continue;
		if (last && strcmp(last, l->from) != 0)
			return because("from %s follows to %s", l->from, last), NULL;
		if (n > size - 64)
			return because("too many states"), NULL;
		if (!last && strcmp(l->from, "LISTEN") != 0)
			n += (size_t)snprintf(chain + n, size - n, "%s", l->from);
		else if (!last && strcmp(l->to, "CLOSE") == 0)
			n += (size_t)snprintf(chain + n, size - n, "LISTEN");
		n += (size_t)snprintf(chain + n, size - n, "%s%s", n ? ">" : "", l->to);
		if (strcmp(l->to, "TIME_WAIT") == 0)
			n += (size_t)snprintf(chain + n, size - n, "/%s",
					      l->substate[0] ? l->substate : "-");
		last = l->to;
	}
	return chain;
}

/* Whether `chain` is the alternative `want` of length `len`; a bare TIME_WAIT matches either
 * substate. */
static bool chain_matches(const char *chain, const char *want, size_t len)
{
	size_t c = 0, w = 0;

	while (w < len && chain[c] == want[w]) {
		c++;
		w++;
	}
	if (w < len)
		return false;
	return chain[c] == '\0' ||
	       (chain[c] == '/' && len >= 9 && memcmp(want + len - 9, "TIME_WAIT", 9) == 0);
}

static const char *check_states(const struct tracer *t, const struct expect *x)
{
	char chain[512];

	if (!chain_of(t, x, chain, sizeof(chain)))
		return why;
	if (!x->states)
		return NULL;
	for (const char *at = x->states; at; at = strchr(at, '|'), at = at ? at + 1 : NULL) {
		if (chain_matches(chain, at, strcspn(at, "|")))
			return NULL;
	}
	return because("states are %s, must be %s", chain[0] ? chain : "none", x->states);
}

/* Lines with the ends of this connection but another cookie are duplicates under a wrong name. */
static const char *check_strangers(const struct tracer *t, const struct expect *x)
{
	struct end local, peer;

	if (x->peer.len == 0 || x->error)
		return NULL;
	local = address_end(&x->local);
	peer = address_end(&x->peer);
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->kind == LINE_LOST || l->cookie == x->cookie || l->netns != x->netns ||
		    !l->local.present || !l->peer.present || local.port == 0)
			continue;
		if (l->local.port == local.port && l->peer.port == peer.port &&
		    strcmp(l->local.addr, local.addr) == 0 &&
		    strcmp(l->peer.addr, peer.addr) == 0 &&
		    strcmp(l->proto, x->proto ? x->proto : "tcp") == 0) {
			scenario_show(l);
			return because("a line with its ends carries another cookie");
		}
	}
	return NULL;
}

/* NULL when all is well, else what is wrong. */
static const char *check_life(const struct tracer *t, const struct expect *x)
{
	bool before = x->before.pid != 0, closed = false, first = true, established = false;
	char calls[128] = "";
	uint64_t last_ns[2] = {
		0, 0}; /* of calls, of states: an end may wait for the errno of its call */

	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];
		const char *bad;
		bool life;

		if (l->kind == LINE_LOST || l->cookie != x->cookie)
			continue;
		if (closed && !is_minisock_end(l))
			return because("a line follows its close line");
		before = before && l->kind != LINE_ACCEPT;
		bad = check_line(l, x, before, first);
		if (bad)
			return bad;
		life = l->kind == LINE_STATE || l->kind == LINE_CLOSE;
		if (l->time_ns < last_ns[life])
			return because("time runs backwards by %llu ns",
				       (unsigned long long)(last_ns[life] - l->time_ns));
		last_ns[life] = l->time_ns;
		closed = closed || l->kind == LINE_CLOSE;
		first = first && l->kind != LINE_STATE;
		established = established || strcmp(l->to, "ESTABLISHED") == 0;
		if (l->kind == LINE_CONNECT && established)
			return because("connect comes after ESTABLISHED");
		if (l->kind != LINE_STATE && l->kind != LINE_CLOSE && strlen(calls) < 100) {
			strcat(calls, calls[0] ? " " : "");
			strcat(calls, line_kind_name(l->kind));
		}
	}
	if (!in_list(x->calls, calls))
		return because("calls are '%s', must be '%s'", calls, x->calls);
	if (x->reason && !closed && !x->close_optional)
		return because("close is missing");
	return check_states(t, x);
}

/* Whether nothing more is to come for `x` as far as one can tell from what came. */
static bool over(const struct tracer *t, const void *ctx)
{
	const struct expect *x = ctx;

	if (!x->reason)
		return check_life(t, x) == NULL;
	for (size_t i = t->count; i-- > 0;) {
		if (t->line[i]->kind == LINE_CLOSE && t->line[i]->cookie == x->cookie)
			return true;
	}
	return false;
}

void expect_show(const struct tracer *t, uint64_t cookie)
{
	int shown = 0;

	for (size_t i = 0; i < t->count && shown < 60; i++) {
		if (t->line[i]->kind != LINE_LOST && t->line[i]->cookie == cookie) {
			scenario_show(t->line[i]);
			shown++;
		}
	}
}

static void tell(const struct tracer *t, uint64_t cookie)
{
	for (size_t i = 0; i < t->count; i++) {
		if (t->line[i]->kind != LINE_LOST && t->line[i]->cookie == cookie)
			scenario_tell(t->line[i]);
	}
}

static const struct line *last_state(const struct tracer *t, const struct expect *x)
{
	for (size_t i = t->count; i-- > 0;) {
		if (t->line[i]->kind == LINE_STATE && t->line[i]->cookie == x->cookie)
			return t->line[i];
	}
	return NULL;
}

#define FIN_TIMEOUT 60 /* net.ipv4.tcp_fin_timeout where nobody sets it, in seconds */

/* An ACK of the FIN that comes while close() lets go of the socket leaves the orphan itself in FIN_WAIT2, not a minisock,
 * and after tcp_fin_timeout it is reset (tcp_rcv_state_process(): sock_owned_by_user()).  One in some ten thousand. */
static void await_fin_timeout(struct tracer *t, const struct expect *x, unsigned int seconds)
{
	const struct line *last = last_state(t, x);

	if (!over(t, x) && last && strcmp(last->to, "FIN_WAIT2") == 0)
		tracer_wait(t, 70000, over, x);
	last = last_state(t, x);
	if (last && strcmp(last->from, "FIN_WAIT2") == 0 && strcmp(last->to, "CLOSE") == 0 &&
	    last->after_ns > seconds * 1000000000ull - 100000000)
		scenario_skip("the kernel left the orphan in FIN_WAIT2 for tcp_fin_timeout");
}

void expect_lives(struct tracer *t, const struct expect *const *x, size_t count)
{
	size_t from = t->count;

	for (size_t i = 0; i < count; i++)
		tracer_wait(t, 5000, over, x[i]);
	for (size_t i = 0; i < count; i++)
		await_fin_timeout(t, x[i], FIN_TIMEOUT);
	tracer_fence(t);
	for (size_t i = 0; i < count; i++) {
		const char *bad = check_life(t, x[i]);

		if (!bad)
			bad = check_strangers(t, x[i]);
		if (!bad) {
			tell(t, x[i]->cookie);
			continue;
		}
		expect_show(t, x[i]->cookie);
		scenario_fail("%s (cookie %llu): %s; %s", x[i]->label,
			      (unsigned long long)x[i]->cookie, bad, tracer_saw(t, from));
	}
}

void expect_life(struct tracer *t, const struct expect *x)
{
	expect_lives(t, &x, 1);
}

struct wanted_line {
	uint64_t cookie;
	enum line_kind kind;
	const char *to;
};

static const struct line *find_line(const struct tracer *t, const struct wanted_line *w)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->kind == w->kind && l->cookie == w->cookie &&
		    (!w->to || strcmp(l->to, w->to) == 0))
			return l;
	}
	return NULL;
}

static bool has_line(const struct tracer *t, const void *ctx)
{
	return find_line(t, ctx) != NULL;
}

void expect_time_wait(struct tracer *t, uint64_t cookie, unsigned int fin_timeout)
{
	const struct wanted_line w = {.cookie = cookie, .kind = LINE_STATE, .to = "TIME_WAIT"};

	if (!tracer_wait(t, 5000, has_line, &w))
		await_fin_timeout(t, &(struct expect){.cookie = cookie, .reason = ""}, fin_timeout);
}

const struct line *expect_line(struct tracer *t, uint64_t cookie, enum line_kind kind,
			       const char *to)
{
	struct wanted_line w = {.cookie = cookie, .kind = kind, .to = to};
	char what[80];

	snprintf(what, sizeof(what), "a %s event%s%s of cookie %llu", line_kind_name(kind),
		 to ? " to " : "", to ? to : "", (unsigned long long)cookie);
	if (to && strcmp(to, "TIME_WAIT") == 0)
		expect_time_wait(t, cookie, FIN_TIMEOUT);
	tracer_await(t, 5000, what, has_line, &w);
	return find_line(t, &w);
}

#define TRIES 20

bool expect_older(const struct line *l, int tries)
{
	if (!strstr(l->text, "\"holders_as_of\"") || tries >= TRIES)
		return false;
	tracer_pump(-1, deadline_in(20 * (unsigned int)tries));
	return true;
}

size_t expect_count(const struct tracer *t, uint64_t cookie)
{
	size_t n = 0;

	for (size_t i = 0; i < t->count; i++)
		n += t->line[i]->kind != LINE_LOST && t->line[i]->cookie == cookie;
	return n;
}

void expect_no_line(struct tracer *t, uint64_t cookie)
{
	if (expect_count(t, cookie) == 0)
		return;
	expect_show(t, cookie);
	scenario_fail("there are lines of cookie %llu", (unsigned long long)cookie);
}

struct wanted_ends {
	struct end local, peer;
};

static const struct line *find_ends(const struct tracer *t, const struct wanted_ends *w)
{
	for (size_t i = 0; i < t->count; i++) {
		const struct line *l = t->line[i];

		if (l->kind != LINE_LOST && l->cookie && l->local.port == w->local.port &&
		    l->peer.port == w->peer.port && strcmp(l->local.addr, w->local.addr) == 0 &&
		    strcmp(l->peer.addr, w->peer.addr) == 0)
			return l;
	}
	return NULL;
}

static bool has_ends(const struct tracer *t, const void *ctx)
{
	return find_ends(t, ctx) != NULL;
}

uint64_t expect_cookie_of(struct tracer *t, const struct address *local, const struct address *peer)
{
	struct wanted_ends w = {.local = address_end(local), .peer = address_end(peer)};
	char what[160];

	snprintf(what, sizeof(what), "a line with local %s port %u and peer %s port %u",
		 w.local.addr, w.local.port, w.peer.addr, w.peer.port);
	tracer_await(t, 5000, what, has_ends, &w);
	return find_ends(t, &w)->cookie;
}
