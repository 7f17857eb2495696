// SPDX-License-Identifier: GPL-2.0-only
/* redirects.c - reads the rules of nftables and iptables, IPVS' services and the addresses of each network namespace. */
#include "fail.h"
#include "iptables.h"
#include "ipvs.h"
#include "netns.h"
#include "nft.h"
#include "redirect_source.h"

#include <arpa/inet.h> /* before linux/in.h */
#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter_ipv4/ip_tables.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (64u << 10)
#define TRIES	     3 /* rules change while they are read */
#define TABLE_MAX    (64u << 20)

struct tour {
	const struct redirect_search *search;
	struct redirects *found;
	uint32_t netns; /* visited now */
	uint32_t unread;
	int unread_err;
	bool changed; /* while it was read */
	char buffer[BUFFER_BYTES];
};

/* ---- netlink ---- */

typedef bool (*message_fn)(void *ctx, const struct nlmsghdr *h);

/* Calls `fn` for each message of a dump. */
static int receive(struct tour *t, int fd, message_fn fn, void *ctx)
{
	for (;;) {
		ssize_t n = recv(fd, t->buffer, sizeof(t->buffer), 0);
		struct nlmsghdr *h = (struct nlmsghdr *)t->buffer;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		for (; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			t->changed |= (h->nlmsg_flags & NLM_F_DUMP_INTR) != 0;
			if (h->nlmsg_type == NLMSG_DONE)
				return 0;
			if (h->nlmsg_type == NLMSG_ERROR)
				return ((struct nlmsgerr *)NLMSG_DATA(h))->error;
			if (!fn(ctx, h))
				return -ENOMEM;
		}
	}
}

struct request {
	struct nlmsghdr header;
	struct nfgenmsg family;
	char attributes[2 * (NLA_HDRLEN + 256)];
};

static void add_text(struct request *r, uint16_t type, const char *text)
{
	struct nlattr header = {.nla_len = (uint16_t)(NLA_HDRLEN + strlen(text) + 1),
				.nla_type = type};
	char *to = (char *)r + NLMSG_ALIGN(r->header.nlmsg_len);

	memcpy(to, &header, sizeof(header));
	memcpy(to + NLA_HDRLEN, text, strlen(text) + 1);
	r->header.nlmsg_len = NLMSG_ALIGN(r->header.nlmsg_len) + NLA_ALIGN(header.nla_len);
}

static struct request request_of(uint16_t message, uint8_t family)
{
	return (struct request){
		.header = {.nlmsg_len = NLMSG_LENGTH(sizeof(struct nfgenmsg)),
			   .nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | message),
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
		.family = {.nfgen_family = family, .version = NFNETLINK_V0},
	};
}

static int dump(struct tour *t, int fd, const struct request *r, message_fn fn, void *ctx)
{
	if (send(fd, r, r->header.nlmsg_len, 0) < 0)
		return -errno;
	return receive(t, fd, fn, ctx);
}

/* The attributes behind nfgenmsg. */
static const void *attributes_of(const struct nlmsghdr *h, uint8_t *family, size_t *length)
{
	const struct nfgenmsg *m = NLMSG_DATA(h);

	*length = 0;
	if (h->nlmsg_len < NLMSG_LENGTH(sizeof(*m)))
		return NULL;
	*family = m->nfgen_family;
	*length = h->nlmsg_len - NLMSG_LENGTH(sizeof(*m));
	return (const char *)m + NLMSG_ALIGN(sizeof(*m));
}

/* ---- nftables ---- */

struct filling {
	struct nft *nft;
	size_t set;
};

static bool on_chain(void *ctx, const struct nlmsghdr *h)
{
	uint8_t family = 0;
	size_t length;
	const void *attributes = attributes_of(h, &family, &length);

	return nft_add_chain(((struct filling *)ctx)->nft, family, attributes, length);
}

static bool on_rule(void *ctx, const struct nlmsghdr *h)
{
	uint8_t family = 0;
	size_t length;
	const void *attributes = attributes_of(h, &family, &length);

	return nft_add_rule(((struct filling *)ctx)->nft, family, attributes, length);
}

static bool on_elements(void *ctx, const struct nlmsghdr *h)
{
	struct filling *f = ctx;
	uint8_t family = 0;
	size_t length;
	const void *attributes = attributes_of(h, &family, &length);

	return nft_add_elements(f->nft, f->set, attributes, length);
}

static int read_rules(struct tour *t, int fd, struct nft *nft)
{
	struct filling f = {.nft = nft};
	struct request r = request_of(NFT_MSG_GETCHAIN, AF_UNSPEC);
	struct nft_set set;
	int err = dump(t, fd, &r, on_chain, &f);

	r = request_of(NFT_MSG_GETRULE, AF_UNSPEC);
	if (!err)
		err = dump(t, fd, &r, on_rule, &f);
	for (; !err && nft_set(nft, f.set, &set); f.set++) {
		r = request_of(NFT_MSG_GETSETELEM, set.family);
		add_text(&r, NFTA_SET_ELEM_LIST_TABLE, set.table);
		add_text(&r, NFTA_SET_ELEM_LIST_SET, set.name);
		err = dump(t, fd, &r, on_elements, &f);
	}
	return err;
}

static bool grow(struct redirects *r, void **array, size_t *cap, size_t count, size_t size)
{
	size_t more = *cap ? *cap * 2 : 16;
	void *grown;

	if (count < *cap)
		return true;
	grown = realloc(*array, more * size);
	if (!grown) {
		r->failed = true;
		return false;
	}
	*array = grown;
	*cap = more;
	return true;
}

static void on_redirect(void *ctx, const struct redirect *redirect)
{
	struct tour *t = ctx;
	struct redirects *r = t->found;

	if (!grow(r, (void **)&r->found, &r->cap, r->count, sizeof(*r->found)))
		return;
	r->found[r->count] = *redirect;
	r->found[r->count++].netns = t->netns;
}

/* Either through nftables or through a table of iptables. */
static void play(struct tour *t, const struct nft *nft, const struct iptables *table)
{
	static const uint16_t protocols[] = {IPPROTO_TCP, IPPROTO_UDP};
	const struct redirect_search *s = t->search;

	for (size_t i = 0; i < 2; i++) {
		const struct nft_packet packet = {
			.protocol = protocols[i],
			.port = s->port,
			.family = s->family,
			.to = s->to,
		};

		if (s->protocol && s->protocol != protocols[i])
			continue;
		t->found->cut |= nft ? !nft_find(nft, &packet, on_redirect, t)
				     : !iptables_find(table, &packet, on_redirect, t);
	}
}

/* A kernel without nftables has no such socket, or answers that the subsystem is not there. */
static int read_nftables(struct tour *t)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER), err = 0;

	if (fd < 0)
		return errno == EPROTONOSUPPORT ? 0 : -errno;
	t->changed = true;
	for (unsigned int i = 0; i < TRIES && t->changed && !err; i++) {
		struct nft *nft = nft_new();

		t->changed = false;
		err = nft ? read_rules(t, fd, nft) : -ENOMEM;
		if (!err && (!t->changed || i + 1 == TRIES))
			play(t, nft, NULL);
		nft_free(nft);
	}
	close(fd);
	return err == -EINVAL || err == -EOPNOTSUPP || err == -ENOENT ? 0 : err;
}

/* ---- IPVS, iptables ---- */

static bool is_wanted(const struct redirect_search *s, const struct redirect *r)
{
	return r->port == s->port && (!s->protocol || r->protocol == s->protocol) &&
	       (!s->family || (r->has_to && r->family == s->family &&
			       memcmp(r->to.addr, s->to.addr, sizeof(s->to.addr)) == 0));
}

/* Of the namespace of this thread; NULL where the kernel has no such table. */
static FILE *open_net(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/thread-self/net/%s", name);
	return fopen(path, "re");
}

static void read_ipvs(struct tour *t)
{
	FILE *file = open_net("ip_vs");
	struct ipvs_reader reader = {0};
	struct redirect r;
	char line[256];

	while (file && fgets(line, sizeof(line), file)) {
		if (ipvs_line(&reader, line, &r) && is_wanted(t->search, &r))
			on_redirect(t, &r);
	}
	if (file)
		fclose(file);
}

/* What both families have in common: names and layouts are those of IPv4.  NULL: errno, EAGAIN where it changed meanwhile. */
static struct ipt_get_entries *read_entries(int fd, int level, const struct ipt_getinfo *info)
{
	socklen_t length = (socklen_t)(sizeof(struct ipt_get_entries) + info->size);
	struct ipt_get_entries *e;

	errno = ENOMEM;
	e = info->size > TABLE_MAX ? NULL : calloc(1, length);
	if (!e)
		return NULL;
	memcpy(e->name, info->name, sizeof(e->name));
	e->size = info->size;
	if (getsockopt(fd, level, IPT_SO_GET_ENTRIES, e, &length) == 0)
		return e;
	free(e);
	return NULL;
}

static int read_table(struct tour *t, int fd, bool v4, const char *name)
{
	const int level = v4 ? SOL_IP : SOL_IPV6;
	struct ipt_getinfo info = {0};
	socklen_t length = sizeof(info);
	struct ipt_get_entries *e;
	struct iptables table;

	snprintf(info.name, sizeof(info.name), "%s", name);
	if (getsockopt(fd, level, IPT_SO_GET_INFO, &info, &length) < 0)
		return -errno;
	e = read_entries(fd, level, &info);
	if (!e)
		return -errno;
	table = (struct iptables){
		.family = v4 ? NFPROTO_IPV4 : NFPROTO_IPV6,
		.name = name,
		.entries = (const uint8_t *)e->entrytable,
		.size = info.size,
		.hooks = info.valid_hooks,
	};
	memcpy(table.hook_entry, info.hook_entry, sizeof(table.hook_entry));
	play(t, NULL, &table);
	free(e);
	return 0;
}

/* Only tables that are there: to ask for another one makes it. */
static int read_iptables_of(struct tour *t, bool v4)
{
	FILE *file = open_net(v4 ? "ip_tables_names" : "ip6_tables_names");
	int fd = file ? socket(v4 ? AF_INET : AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0) : -1;
	int err = file && fd < 0 ? -errno : 0;
	char name[XT_TABLE_MAXNAMELEN];

	while (file && !err && fscanf(file, "%31s", name) == 1) {
		unsigned int tries = TRIES;

		if (strcmp(name, "nat") != 0 && strcmp(name, "mangle") != 0)
			continue;
		do
			err = read_table(t, fd, v4, name);
		while (err == -EAGAIN && --tries);
	}
	if (fd >= 0)
		close(fd);
	if (file)
		fclose(file);
	return err;
}

static int read_iptables(struct tour *t)
{
	int err = read_iptables_of(t, true), v6_err = read_iptables_of(t, false);

	return err ? err : v6_err;
}

/* ---- addresses ---- */

static bool on_address(void *ctx, const struct nlmsghdr *h)
{
	struct tour *t = ctx;
	struct redirects *r = t->found;
	const struct ifaddrmsg *m = NLMSG_DATA(h);
	int length = (int)h->nlmsg_len - (int)NLMSG_LENGTH(sizeof(*m));
	struct rtattr *a = (struct rtattr *)((char *)NLMSG_DATA(h) + NLMSG_ALIGN(sizeof(*m)));
	size_t bytes;

	if (length < 0 || m->ifa_scope == RT_SCOPE_HOST)
		return true;
	bytes = m->ifa_family == AF_INET6 ? 16 : 4;
	for (; RTA_OK(a, length); a = RTA_NEXT(a, length)) {
		/* IFA_LOCAL is the own end of a point-to-point link, whose IFA_ADDRESS is the other. */
		if (a->rta_type != (m->ifa_family == AF_INET6 ? IFA_ADDRESS : IFA_LOCAL) ||
		    RTA_PAYLOAD(a) < bytes)
			continue;
		if (!grow(r, (void **)&r->address, &r->address_cap, r->address_count,
			  sizeof(*r->address)))
			return false;
		r->address[r->address_count] = (struct redirect_address){
			.netns = t->netns,
			.family = m->ifa_family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
		};
		memcpy(r->address[r->address_count++].addr, RTA_DATA(a), bytes);
	}
	return true;
}

static void read_addresses(struct tour *t)
{
	struct {
		struct nlmsghdr header;
		struct ifaddrmsg address;
	} request = {
		.header = {.nlmsg_len = sizeof(request),
			   .nlmsg_type = RTM_GETADDR,
			   .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP},
	};
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);

	if (fd < 0)
		return;
	if (send(fd, &request, sizeof(request), 0) >= 0)
		receive(t, fd, on_address, t);
	close(fd);
}

/* ---- the tour ---- */

static void note_unread(struct tour *t, int err, int other_err)
{
	if (!err && !other_err)
		return;
	t->unread++;
	t->unread_err = err ? err : other_err;
}

static int visit_rules(void *ctx)
{
	struct tour *t = ctx;

	t->netns = netns_here();
	if (t->search->netns && t->netns != t->search->netns)
		return 0;
	note_unread(t, read_nftables(t), read_iptables(t));
	read_ipvs(t);
	return 0;
}

static int visit_addresses(void *ctx)
{
	struct tour *t = ctx;

	t->netns = netns_here();
	read_addresses(t);
	return 0;
}

int redirects_find(const struct redirect_search *search, struct redirects *ret,
		   struct kernel_error *error)
{
	const struct netns_visitor visitor = {.visit = visit_rules};
	struct netns_unseen unseen;
	struct tour *t = calloc(1, sizeof(*t));
	int err;

	*ret = (struct redirects){0};
	if (!t)
		return kernel_fail(error, -ENOMEM, "no memory");
	t->search = search;
	t->found = ret;
	/* Whom the sockets' look could not enter it has said. */
	err = netns_each(&visitor, t, &unseen);
	if (!err && ret->failed)
		err = -ENOMEM;
	if (err)
		kernel_fail(error, err, "rules that redirect the port were not read: %s",
			    strerror(-err));
	else if (t->unread)
		kernel_fail(error, 0,
			    "rules that redirect the port were not read in %u network namespace%s: "
			    "%s%s",
			    t->unread, t->unread == 1 ? "" : "s", strerror(-t->unread_err),
			    t->unread_err == -EPERM ? " (CAP_NET_ADMIN)" : "");
	else if (ret->cut)
		kernel_fail(error, 0, "too many rules: not all were tried");
	if (err)
		redirects_done(ret);
	free(t);
	return err;
}

void redirects_done(struct redirects *r)
{
	free(r->found);
	free(r->address);
	*r = (struct redirects){0};
}

static void find_addresses(struct redirects *r)
{
	const struct netns_visitor visitor = {.visit = visit_addresses};
	struct tour *t = calloc(1, sizeof(*t));
	struct netns_unseen unseen;

	r->has_addresses = true;
	if (t) {
		t->found = r;
		netns_each(&visitor, t, &unseen);
	}
	free(t);
}

uint32_t redirects_home(struct redirects *r, enum family family, const uint8_t addr[16])
{
	uint32_t home = 0;

	if (!r->has_addresses)
		find_addresses(r);

	for (size_t i = 0; i < r->address_count; i++) {
		const struct redirect_address *a = &r->address[i];

		if (a->family != family || memcmp(a->addr, addr, sizeof(a->addr)) != 0)
			continue;
		if (home && home != a->netns)
			return 0;
		home = a->netns;
	}
	return home;
}
