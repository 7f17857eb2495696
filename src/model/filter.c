/* SPDX-License-Identifier: GPL-2.0-only */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "filter.h"

#define BIT(n) (UINT32_C(1) << (n))

_Static_assert(STATES <= 32 && EVENT_KINDS <= 32 && REASONS < 32, "a set of them fits 32 bits");

void filter_init(struct filter *f)
{
	*f = (struct filter){0};
}

void filter_done(struct filter *f)
{
	units_ranges_done(&f->pids);
	units_ranges_done(&f->ports);
	units_ranges_done(&f->local_ports);
	units_ranges_done(&f->peer_ports);
	for (size_t i = 0; i < f->inet_count; i++)
		units_ranges_done(&f->inet[i].ports);
	free(f->inet);
	free(f->cidr);
	free(f->comm);
	free(f->unit);
	if (f->args)
		regfree(f->args);
	free(f->args);
	free(f->cgroup);
	free(f->container);
	filter_init(f);
}

/* "ADDRESS" or "ADDRESS/BITS"; ::ffff:A.B.C.D counts as IPv4, as in the sockets it names. */
static int parse_cidr(const char *word, size_t len, struct filter_cidr *ret)
{
	char text[INET6_ADDRSTRLEN + sizeof("/128")];
	struct filter_cidr cidr = {.family = FAMILY_IPV4, .bits = 32};
	uint64_t bits;
	char *slash;

	if (len >= sizeof(text))
		return -EINVAL;
	memcpy(text, word, len);
	text[len] = '\0';
	slash = strchr(text, '/');
	if (slash)
		*slash = '\0';
	if (inet_pton(AF_INET, text, cidr.addr) != 1) {
		cidr.family = FAMILY_IPV6;
		cidr.bits = 128;
		if (inet_pton(AF_INET6, text, cidr.addr) != 1)
			return -EINVAL;
	}
	if (slash) {
		if (units_parse_number(slash + 1, 0, cidr.bits, &bits))
			return -EINVAL;
		cidr.bits = (unsigned int)bits;
	}
	if (cidr.family == FAMILY_IPV6 && cidr.bits >= 96 && inet_is_mapped(cidr.addr)) {
		cidr.family = FAMILY_IPV4;
		cidr.bits -= 96;
		memmove(cidr.addr, cidr.addr + 12, 4);
		memset(cidr.addr + 4, 0, 12);
	}
	*ret = cidr;
	return 0;
}

int filter_add_cidr(struct filter *f, const char *list)
{
	size_t count = f->cidr_count + 1;
	struct filter_cidr *cidr;

	for (const char *p = list; *p; p++)
		count += *p == ',';
	cidr = calloc(count, sizeof(*cidr));
	if (!cidr)
		return -ENOMEM;
	if (f->cidr_count > 0)
		memcpy(cidr, f->cidr, f->cidr_count * sizeof(*cidr));
	for (size_t i = f->cidr_count; i < count; i++) {
		size_t len = strcspn(list, ",");

		if (parse_cidr(list, len, &cidr[i])) {
			free(cidr);
			return -EINVAL;
		}
		list += len + 1;
	}
	free(f->cidr);
	f->cidr = cidr;
	f->cidr_count = count;
	return 0;
}

static int state_parse(const char *word, size_t len)
{
	enum tcp_state state = inet_state_parse(word, len);

	return state == STATE_NONE ? -1 : (int)state;
}

static int add_words(uint32_t *set, const char *list, const char **ret_bad,
		     int (*parse)(const char *word, size_t len))
{
	uint32_t added = 0;

	for (;;) {
		size_t len = strcspn(list, ",");
		int number = parse(list, len);

		if (number < 0) {
			*ret_bad = list;
			return -EINVAL;
		}
		added |= BIT(number);
		if (!list[len])
			break;
		list += len + 1;
	}
	*set |= added;
	return 0;
}

int filter_add_states(struct filter *f, const char *list, const char **ret_bad)
{
	return add_words(&f->states, list, ret_bad, state_parse);
}

int filter_add_kinds(struct filter *f, const char *list, const char **ret_bad)
{
	return add_words(&f->kinds, list, ret_bad, event_kind_parse);
}

int filter_add_reasons(struct filter *f, const char *list, const char **ret_bad)
{
	return add_words(&f->reasons, list, ret_bad, event_reason_parse);
}

static bool match_protocol(const struct filter *f, const struct event *e)
{
	if (f->tcp && (e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_MPTCP))
		return true;
	return f->udp && inet_is_udp(e->protocol);
}

static bool match_family(const struct filter *f, const struct event *e)
{
	if (f->ipv6 && e->family == FAMILY_IPV6)
		return true;
	return f->ipv4 && (e->family == FAMILY_IPV4 || e->mapped);
}

static bool match_local_port(const struct units_ranges *ports, const struct event *e)
{
	return e->has_local && units_ranges_match(ports, e->local.port);
}

static bool match_peer_port(const struct units_ranges *ports, const struct event *e)
{
	return (e->has_peer && units_ranges_match(ports, e->peer.port)) ||
	       (e->has_asked && units_ranges_match(ports, e->asked.port));
}

bool filter_cidr_contains(const struct filter_cidr *cidr, const uint8_t *addr)
{
	unsigned int bytes = cidr->bits / 8, rest = cidr->bits % 8;

	if (memcmp(cidr->addr, addr, bytes))
		return false;
	return !rest || !((cidr->addr[bytes] ^ addr[bytes]) >> (8 - rest));
}

static bool match_address(const struct filter *f, const struct event *e, const uint8_t addr[16])
{
	/* A mapped address, and the :: of a mapped socket, end in the IPv4 address. */
	const uint8_t *ipv4 = e->mapped ? addr + 12 : addr;
	bool has_ipv4 = e->mapped || e->family == FAMILY_IPV4;

	for (size_t i = 0; i < f->cidr_count; i++) {
		const struct filter_cidr *cidr = &f->cidr[i];

		if (cidr->family == FAMILY_IPV4 && has_ipv4 && filter_cidr_contains(cidr, ipv4))
			return true;
		if (cidr->family == FAMILY_IPV6 && e->family == FAMILY_IPV6 &&
		    filter_cidr_contains(cidr, addr))
			return true;
	}
	return false;
}

/* The states an event speaks of, a bit each. */
static uint32_t event_states(const struct event *e)
{
	uint32_t set = 0;

	switch (e->kind) {
	case EVENT_LISTEN:
	case EVENT_OVERFLOW: return BIT(STATE_LISTEN);
	case EVENT_STATE: return BIT(e->state.from) | BIT(e->state.to);
	case EVENT_CLOSE:
		for (unsigned int i = 0; i < e->close.span_count; i++)
			set |= BIT(e->close.spans[i].state);
		if (e->close.time_wait)
			set |= BIT(STATE_TIME_WAIT);
		return set | BIT(STATE_CLOSE);
	/* What keeps accept() from a connection leaves the listener as it is; EINVAL: it is none. */
	case EVENT_ACCEPT: return e->error && e->error != EINVAL ? BIT(STATE_LISTEN) : 0;
	case EVENT_BIND:
	case EVENT_CONNECT:
	case EVENT_LOST:
	case EVENT_KINDS: break;
	}
	return 0;
}

static bool is_at_or_below(const char *path, const char *top)
{
	size_t len = strlen(top);

	return !strncmp(path, top, len) && (!path[len] || path[len] == '/');
}

static bool starts_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* The kernel keeps 15 bytes of a name; the executable has all of its own. */
static bool match_comm(const char *comm, const struct process *p)
{
	const char *exe = p->program ? p->program->exe : NULL;
	const char *slash = exe ? strrchr(exe, '/') : NULL;
	size_t len = strlen(comm);

	if (!strncmp(p->name, comm, len < PROCESS_NAME_SIZE ? len : PROCESS_NAME_SIZE - 1))
		return true;
	return exe && starts_with(slash ? slash + 1 : exe, comm);
}

static bool match_args(const regex_t *regex, const struct program *program)
{
	char line[PROCESS_ARGS_MAX + 1];
	size_t len = program && program->args ? program->args_len : 0;

	if (!program || !program->args || len > PROCESS_ARGS_MAX)
		return false;
	while (len > 0 && !program->args[len - 1])
		len--;
	for (size_t i = 0; i < len; i++)
		line[i] = program->args[i] ? program->args[i] : ' ';
	line[len] = '\0';
	return regexec(regex, line, 0, NULL, 0) == 0;
}

/* "nginx" is "nginx.service", as for systemctl. */
static bool match_unit(const char *wanted, const char *unit)
{
	size_t len = strlen(wanted);

	return !strncmp(unit, wanted, len) && (!unit[len] || !strcmp(unit + len, ".service"));
}

static bool match_container(const char *wanted, const struct process *p)
{
	return (p->container && starts_with(p->container, wanted)) ||
	       (p->container_name && !strcmp(p->container_name, wanted));
}

static bool match_pid(const struct filter *f, const struct process *p)
{
	if (units_ranges_match(&f->pids, p->pid))
		return true;
	for (uint32_t i = 0; f->children && i < p->parent_count; i++) {
		if (units_ranges_match(&f->pids, p->parent[i]->pid))
			return true;
	}
	return false;
}

bool filter_match_process(const struct filter *f, const struct process *p)
{
	if (!p)
		return !filter_asks_process(f);
	if (f->pids.count > 0 && !match_pid(f, p))
		return false;
	if (f->has_uid && p->uid != f->uid)
		return false;
	if (f->comm && !match_comm(f->comm, p))
		return false;
	if (f->args && !match_args(f->args, p->program))
		return false;
	if (f->unit && !(p->unit && match_unit(f->unit, p->unit)))
		return false;
	if (f->cgroup && !(p->cgroup && is_at_or_below(p->cgroup, f->cgroup)))
		return false;
	return !f->container || match_container(f->container, p);
}

bool filter_asks_process(const struct filter *f)
{
	return f->pids.count || f->has_uid || filter_asks_details(f);
}

bool filter_asks_details(const struct filter *f)
{
	return f->children || f->comm || f->args || f->unit || f->cgroup || f->container;
}

int filter_set_args(struct filter *f, const char *regex)
{
	regex_t *args = malloc(sizeof(*args));

	if (!args)
		return -ENOMEM;
	if (regcomp(args, regex, REG_EXTENDED | REG_NOSUB) != 0) {
		free(args);
		return -EINVAL;
	}
	f->args = args;
	return 0;
}

static bool match_endpoints(const struct filter *f, const struct event *e)
{
	if (f->ports.count > 0 && !match_local_port(&f->ports, e) && !match_peer_port(&f->ports, e))
		return false;
	if (f->local_ports.count > 0 && !match_local_port(&f->local_ports, e))
		return false;
	if (f->peer_ports.count > 0 && !match_peer_port(&f->peer_ports, e))
		return false;
	return f->cidr_count == 0 || (e->has_local && match_address(f, e, e->local.addr)) ||
	       (e->has_peer && match_address(f, e, e->peer.addr)) ||
	       (e->has_asked && match_address(f, e, e->asked.addr));
}

bool filter_is_failure(const struct event *e)
{
	if (e->kind == EVENT_CLOSE)
		return e->close.end != EVENT_END_OPEN && event_reason_is_failure(e->close.reason);
	return e->error != 0 || e->kind == EVENT_OVERFLOW;
}

/* A condition not given costs one load and one branch that is never taken. */
bool filter_match_ends(const struct filter *f, const struct event *e)
{
	if (f->has_netns && e->netns != f->netns)
		return false;
	if ((f->tcp || f->udp) && !match_protocol(f, e))
		return false;
	if ((f->ipv4 || f->ipv6) && !match_family(f, e))
		return false;
	if (f->states && !(f->states & event_states(e)))
		return false;
	if (f->reasons && !(f->reasons & BIT(event_reason(e))))
		return false;
	if (f->failed && !filter_is_failure(e))
		return false;
	return match_endpoints(f, e);
}

bool filter_may_match(const struct filter *f, const struct event *e)
{
	if (e->kind == EVENT_LOST)
		return true;
	if (f->kinds && !(f->kinds & BIT(e->kind)))
		return false;
	if (f->brief && !e->error &&
	    (e->kind == EVENT_STATE || e->kind == EVENT_CONNECT || e->kind == EVENT_ACCEPT))
		return false;
	return filter_match_ends(f, e);
}

bool filter_match(const struct filter *f, const struct event *e)
{
	return filter_may_match(f, e) &&
	       (e->kind == EVENT_LOST || filter_match_process(f, e->process));
}
