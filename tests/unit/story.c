// SPDX-License-Identifier: GPL-2.0-only
#include "story.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))
#define SK_BASE	     0xffff888100000000ull
#define SK_STEP	     0x940u
#define MAX_TEXT     256
/* Story time 0, so that no fact happens at the time that means unknown. */
#define EPOCH_NS  1000000000ull
#define NS_PER_US 1000u

static const char *const kind_names[WIRE_KINDS] = {
	[WIRE_OPEN] = "open",
	[WIRE_STATE] = "state",
	[WIRE_CLOSED] = "closed",
	[WIRE_BIND] = "bind",
	[WIRE_LISTEN] = "listen",
	[WIRE_CONNECT] = "connect",
	[WIRE_ACCEPT] = "accept",
	[WIRE_DESTROY] = "destroy",
	[WIRE_RESET_RECEIVED] = "reset-received",
	[WIRE_RESET_SENT] = "reset-sent",
	[WIRE_SEED_FILE] = "seed-file",
	[WIRE_SEED_SOCKET] = "seed-socket",
	[WIRE_TIME_WAIT] = "time-wait",
	[WIRE_TIME_WAIT_END] = "time-wait-end",
	[WIRE_ASKED] = "asked",
};

static const char *const flag_names[] = {
	"fin-received", "orphan",  "shutdown",	 "linger2-off",
	"opened",	"no-file", "again", "maybe",
};

static const char *const end_names[] = {
	"cut", "linger", "unread", "repair", "heard", "tw-told", "tw-full", "tw-none",
};

/* ---- from text to the wire ---- */

static bool parse_endpoint(struct story_socket *s, const char *text, uint8_t addr[16],
			   uint16_t *ret_port_be)
{
	char host[MAX_TEXT];
	const char *colon = strrchr(text, ':');
	bool v6 = text[0] == '[';
	int length;

	if (!colon)
		return false;
	length = (int)(colon - text) - (v6 ? 2 : 0);
	snprintf(host, sizeof(host), "%.*s", length, text + (v6 ? 1 : 0));
	memset(addr, 0, 16);
	s->family = v6 ? AF_INET6 : AF_INET;
	*ret_port_be = htons((uint16_t)strtoul(colon + 1, NULL, 10));
	return inet_pton(s->family, host, addr) == 1;
}

static uint64_t sk_of(char name)
{
	return SK_BASE + (uint64_t)(name - 'A') * SK_STEP;
}

/* LOCAL>PEER or LOCAL alone, which forgets the peer. */
static bool parse_addresses(struct story_socket *s, char *word)
{
	char *arrow = strchr(word, '>');

	if (arrow)
		*arrow = '\0';
	memset(s->peer, 0, sizeof(s->peer));
	s->peer_port_be = 0;
	return parse_endpoint(s, word, s->local, &s->local_port_be) &&
	       (!arrow || parse_endpoint(s, arrow + 1, s->peer, &s->peer_port_be));
}

static bool parse_states(struct story_socket *s, const char *word, struct wire_fact *f)
{
	const char *arrow = strchr(word, '>');
	enum tcp_state to =
		inet_state_parse(arrow ? arrow + 1 : word, strlen(arrow ? arrow + 1 : word));

	f->from = arrow ? (uint8_t)inet_state_parse(word, (size_t)(arrow - word)) : 0;
	s->state = (uint8_t)to;
	return to != STATE_NONE && (!arrow || f->from != STATE_NONE);
}

static bool parse_process(struct wire_task *t, const char *word)
{
	char *end;

	t->pid = t->tid = (uint32_t)strtoul(word + 1, &end, 10);
	if (*end == '.')
		t->tid = (uint32_t)strtoul(end + 1, &end, 10);
	t->uid = 1000;
	t->ruid = 1001;
	snprintf(t->name, sizeof(t->name), "p%u", t->pid);
	return *end == '\0';
}

static bool parse_number(struct story_socket *s, const char *word, union story_record *r)
{
	const char *value = strchr(word, '=');
	size_t length = value ? (size_t)(value - word) : 0;
	long long n = value ? strtoll(value + 1, NULL, 10) : 0;

#define IS(name) (length == strlen(name) && strncmp(word, name, length) == 0)
	if (IS("cookie"))
		s->cookie = (uint64_t)n;
	else if (IS("listener"))
		r->fact.listener = n ? (uint64_t)n : sk_of(value[1]);
	else if (IS("sk"))
		r->fact.sk = (uint64_t)n;
	else if (IS("ns"))
		r->fact.netns = (uint32_t)n;
	else if (IS("err"))
		r->fact.error = (uint16_t)n;
	else if (IS("res"))
		r->call.result = (int32_t)n;
	else if (IS("arg"))
		r->call.arg = (uint32_t)n;
	else if (IS("v6only"))
		r->fact.options = (uint8_t)(WIRE_O_KNOWN | (n ? WIRE_O_V6ONLY : 0));
	else if (IS("parent"))
		r->call.task.parent = (uint32_t)n;
	else if (IS("sent"))
		r->closed.sent_bytes = (uint64_t)n;
	else if (IS("received"))
		r->closed.received_bytes = (uint64_t)n;
	else if (IS("retransmits"))
		r->closed.retransmits = (uint32_t)n;
	else if (IS("heard"))
		r->closed.last_heard_ms = (uint32_t)n;
	else if (IS("unacked"))
		r->closed.unacked_bytes = (uint32_t)n;
	else if (IS("user-timeout"))
		r->closed.user_timeout_ms = (uint32_t)n;
	else if (IS("syns"))
		r->closed.syns = (uint16_t)n;
	else if (IS("probes"))
		r->closed.probes = (uint8_t)n;
	else if (IS("rtt"))
		r->closed.rtt_us = (uint32_t)n;
	else
		return false;
#undef IS
	return true;
}

static bool parse_word(struct story_socket *s, char *word, union story_record *r)
{
	for (size_t i = 0; i < COUNT(flag_names); i++) {
		if (strcmp(word, flag_names[i]) == 0) {
			r->fact.flags |= (uint8_t)(1u << i);
			return true;
		}
	}
	for (size_t i = 0; i < COUNT(end_names); i++) {
		if (strcmp(word, end_names[i]) == 0) {
			r->closed.end |= (uint8_t)(1u << i);
			return true;
		}
	}
	if (strcmp(word, "mptcp") == 0) {
		r->fact.protocol = IPPROTO_MPTCP;
		return true;
	}
	if (strchr(word, ':'))
		return parse_addresses(s, word);
	if (strchr(word, '='))
		return parse_number(s, word, r);
	if (word[0] == 'p')
		return parse_process(&r->call.task, word);
	return parse_states(s, word, &r->fact);
}

static uint8_t parse_kind(const char *word)
{
	for (uint8_t i = 1; i < WIRE_KINDS; i++) {
		if (strcmp(word, kind_names[i]) == 0)
			return i;
	}
	return WIRE_NONE;
}

static size_t record_size(uint8_t kind)
{
	switch ((enum wire_kind)kind) {
	case WIRE_STATE:
	case WIRE_DESTROY:
	case WIRE_RESET_RECEIVED:
	case WIRE_RESET_SENT:
	case WIRE_TIME_WAIT:
	case WIRE_TIME_WAIT_END:
	case WIRE_ASKED: return sizeof(struct wire_fact);
	case WIRE_CLOSED: return sizeof(struct wire_closed);
	case WIRE_NONE:
	case WIRE_KINDS: return 0;
	case WIRE_OPEN:
	case WIRE_BIND:
	case WIRE_LISTEN:
	case WIRE_CONNECT:
	case WIRE_ACCEPT:
	case WIRE_SEED_FILE:
	case WIRE_SEED_SOCKET: break;
	}
	return sizeof(struct wire_call);
}

static uint64_t parse_time(const char *word)
{
	return EPOCH_NS + strtoull(word, NULL, 10) * NS_PER_US;
}

size_t story_encode(struct story *s, const char *line, union story_record *ret)
{
	char copy[MAX_TEXT], *rest = copy, *word, *name;
	struct story_socket *socket;

	snprintf(copy, sizeof(copy), "%s", line);
	memset(ret, 0, sizeof(*ret));
	word = strsep(&rest, " ");
	ret->fact.time_ns = parse_time(word);
	word = rest ? strsep(&rest, " ") : NULL;
	name = rest ? strsep(&rest, " ") : NULL;
	if (!name || name[0] < 'A' || name[0] > 'Z' || name[1])
		return 0;
	socket = &s->socket[name[0] - 'A'];
	ret->fact.kind = parse_kind(word);
	ret->fact.size = (uint16_t)record_size(ret->fact.kind);
	ret->fact.netns = 1;
	ret->fact.protocol = IPPROTO_TCP;
	ret->fact.sk = sk_of(name[0]);
	while ((word = rest ? strsep(&rest, " ") : NULL)) {
		if (!parse_word(socket, word, ret))
			return 0;
	}
	ret->fact.cookie = socket->cookie;
	ret->fact.family = socket->family;
	ret->fact.to = socket->state;
	ret->fact.local_port_be = socket->local_port_be;
	ret->fact.peer_port_be = socket->peer_port_be;
	memcpy(ret->fact.local, socket->local, 16);
	memcpy(ret->fact.peer, socket->peer, 16);
	return ret->fact.size;
}

/* ---- from events to text ---- */

__attribute__((format(printf, 2, 3))) static void put(struct story *s, const char *format, ...)
{
	va_list args;
	int n;

	if (s->out_cap - s->out_len < 2 * MAX_TEXT) {
		s->out_cap = s->out_cap * 2 + 8 * MAX_TEXT;
		s->out = realloc(s->out, s->out_cap);
		if (!s->out)
			abort();
	}
	va_start(args, format);
	n = vsnprintf(s->out + s->out_len, s->out_cap - s->out_len, format, args);
	va_end(args);
	s->out_len += (size_t)n;
}

static void put_time(struct story *s, const char *word, bool known, uint64_t ns)
{
	if (known)
		put(s, " %s=%llu", word, (unsigned long long)(ns / NS_PER_US));
	else
		put(s, " %s=?", word);
}

static void put_endpoint(struct story *s, const struct event *e, const struct endpoint *p)
{
	char text[INET_ENDPOINT_SIZE];

	inet_format_endpoint(text, e->family, e->mapped, p, NULL);
	put(s, "%s", text);
}

static void put_close(struct story *s, const struct event_close *c)
{
	uint64_t sum = 0;

	put(s, " %s%s%s%s%s%s", event_reason_name(c->reason), c->how ? "(" : "",
	    c->how ? event_how_name(c->how) : "", c->how ? ")" : "",
	    c->time_wait ? " time-wait" : "", c->time_wait_unknown ? " time-wait?" : "");
	if (c->told && c->end != EVENT_END_OPEN)
		put(s, " told");
	put_time(s, "opened", c->opened_ns, c->opened_ns - EPOCH_NS);
	put_time(s, "lived", c->duration_ns != UINT64_MAX, c->duration_ns);
	if (c->counted && (c->sent_bytes || c->received_bytes || c->retransmits || c->rtt_us))
		put(s, " sent=%llu received=%llu retransmits=%u rtt=%u",
		    (unsigned long long)c->sent_bytes, (unsigned long long)c->received_bytes,
		    c->retransmits, c->rtt_us);
	if (c->syns)
		put(s, " syns=%u", c->syns);
	if (c->silent)
		put(s, " heard=%llu unacked=%u", (unsigned long long)(c->last_heard_ns / 1000000),
		    c->unacked_bytes);
	for (unsigned int i = 0; i < c->span_count; i++) {
		put(s, "%s%s:%llu", i ? "," : " ", inet_state_name(c->spans[i].state),
		    (unsigned long long)(c->spans[i].ns / NS_PER_US));
		sum += c->spans[i].ns;
	}
	if (c->duration_ns != UINT64_MAX && sum > c->duration_ns)
		s->complaint = "the spans are longer than the life";
}

static void put_details(struct story *s, const struct event *e)
{
	switch (e->kind) {
	case EVENT_LISTEN: put(s, " backlog=%u", e->listen.backlog); break;
	case EVENT_CONNECT: put(s, "%s", e->connect.autobind ? " autobind" : ""); break;
	case EVENT_ACCEPT:
		if (e->accept.listener)
			put(s, " listener=p%u", e->accept.listener->pid);
		break;
	case EVENT_STATE:
		put(s, " %s>%s", inet_state_name(e->state.from), inet_state_name(e->state.to));
		if (e->state.substate != STATE_NONE)
			put(s, "(%s)", inet_state_name(e->state.substate));
		put_time(s, "after", e->state.after_known, e->state.after_ns);
		break;
	case EVENT_CLOSE: put_close(s, &e->close); break;
	case EVENT_OVERFLOW:
		put(s, " %s queue=%u/%u dropped=%llu", e->overflow.ended ? "end" : "begin",
		    e->overflow.waiting, e->overflow.limit,
		    (unsigned long long)e->overflow.dropped);
		break;
	case EVENT_BIND:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
}

static void on_event(void *ctx, const struct event *e)
{
	struct story *s = ctx;

	if (s->sink) {
		s->sink(s->sink_ctx, e);
		return;
	}
	put(s, "= %llu %s #%llu%s", (unsigned long long)((e->time_ns - EPOCH_NS) / NS_PER_US),
	    event_kind_name(e->kind), (unsigned long long)e->cookie,
	    e->protocol == IPPROTO_MPTCP ? " mptcp" : "");
	if (e->netns != 1)
		put(s, " ns=%u", e->netns);
	put_details(s, e);
	if (e->process && e->process->tid != e->process->pid)
		put(s, " p%u.%u ", e->process->pid, e->process->tid);
	else if (e->process)
		put(s, " p%u ", e->process->pid);
	else
		put(s, " - ");
	if (e->has_local)
		put_endpoint(s, e, &e->local);
	if (e->has_peer) {
		put(s, ">");
		put_endpoint(s, e, &e->peer);
	}
	put(s, "%s%s%s\n", e->mapped ? " mapped" : "", e->error ? " " : "",
	    e->error ? inet_errno_name(e->error) ?: "E?" : "");
}

/* ---- a story ---- */

void story_init(struct story *s, size_t max, size_t max_processes)
{
	*s = (struct story){.processes = process_set_new(max_processes, NULL, NULL)};
	s->table = s->processes ? table_new(max, s->processes, on_event, s) : NULL;
	if (!s->table)
		abort();
	for (unsigned int i = 0; i < STORY_SOCKETS; i++)
		s->socket[i] = (struct story_socket){
			.cookie = i + 1, .family = AF_INET, .state = STATE_CLOSE};
}

bool story_done(struct story *s)
{
	bool clean;

	table_free(s->table);
	clean = process_set_count(s->processes) == 0;
	process_set_free(s->processes);
	free(s->out);
	return clean;
}

static enum open_answer on_life(void *ctx, const struct event *life)
{
	on_event(ctx, life);
	return OPEN_TAKEN;
}

static bool tell_command(struct story *s, const char *line)
{
	const char *word = strchr(line, ' ');
	uint64_t time_ns = parse_time(line), added, removed;

	word = word ? word + 1 : "";
	if (strcmp(word, "look") == 0) {
		table_seed_begin(s->table, time_ns);
	} else if (strcmp(word, "found") == 0 || strcmp(word, "repair") == 0) {
		table_seed_end(s->table, word[0] == 'r', &added, &removed);
		if (!s->sink)
			put(s, "= added %llu removed %llu\n", (unsigned long long)added,
			    (unsigned long long)removed);
	} else if (strcmp(word, "release") == 0) {
		table_release(s->table, time_ns);
	} else if (strcmp(word, "lives") == 0) {
		table_each_open(s->table, &(struct table_telling){0}, SIZE_MAX, time_ns, on_life,
				s);
	} else {
		return false;
	}
	return true;
}

void story_tell(struct story *s, const char *line)
{
	union story_record r;
	struct fact f;
	size_t size;

	if (line[0] == '=')
		return;
	if (!s->sink)
		put(s, "%s\n", line);
	if (line[0] == '#' || line[0] == '\0' || tell_command(s, line))
		return;
	size = story_encode(s, line, &r);
	if (size == 0 || fact_decode(&f, &r, size) < 0) {
		s->complaint = "a line is no fact";
		return;
	}
	if (f.kind == WIRE_SEED_FILE || f.kind == WIRE_SEED_SOCKET)
		table_seed(s->table, &f);
	else
		table_apply(s->table, &f);
}
