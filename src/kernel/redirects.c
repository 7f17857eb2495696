// SPDX-License-Identifier: GPL-2.0-only
/* redirects.c - reads nftables' rules, IPVS' services and the addresses of each network namespace. */
#include "fail.h"
#include "ipvs.h"
#include "netns.h"
#include "nft.h"
#include "redirect_source.h"

#include <errno.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BUFFER_BYTES (64u << 10)
#define TRIES	     3 /* rules change while they are read */

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

static void play(struct tour *t, const struct nft *nft)
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

		if (!s->protocol || s->protocol == protocols[i])
			t->found->cut |= !nft_find(nft, &packet, on_redirect, t);
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
			play(t, nft);
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

/* The tables of iptables-legacy that were used once; which rules they hold is not read. */
static void read_legacy(struct tour *t)
{
	static const char *const names[] = {"ip_tables_names", "ip6_tables_names"};
	char line[64];

	for (size_t i = 0; i < 2; i++) {
		FILE *file = open_net(names[i]);

		while (file && fgets(line, sizeof(line), file))
			t->found->legacy |= !strcmp(line, "nat\n");
		if (file)
			fclose(file);
	}
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

static int visit_rules(void *ctx)
{
	struct tour *t = ctx;
	int err;

	t->netns = netns_here();
	if (t->search->netns && t->netns != t->search->netns)
		return 0;
	err = read_nftables(t);
	read_ipvs(t);
	read_legacy(t);
	if (err) {
		t->unread++;
		t->unread_err = err;
	}
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
			    "rules of nftables that redirect the port were not read in %u network "
			    "namespace%s: %s%s",
			    t->unread, t->unread == 1 ? "" : "s", strerror(-t->unread_err),
			    t->unread_err == -EPERM ? " (CAP_NET_ADMIN)" : "");
	else if (ret->cut)
		kernel_fail(error, 0, "too many rules of nftables: not all were tried");
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
