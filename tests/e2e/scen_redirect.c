// SPDX-License-Identifier: GPL-2.0-only
/* Ports that a rule takes, without a socket: who names the rule and where it leads.  More of them is in redirect.py. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "listed.h"
#include "module.h"
#include "netfilter.h"
#include "remote.h"
#include "scenario.h"

static void do_redirect(struct call *c)
{
	c->result = netfilter_legacy_redirect(8080, 8000);
	c->error = errno;
}

static void do_ipvs(struct call *c)
{
	c->result = netfilter_ipvs("192.0.2.1", 8080, "192.0.2.2", 8000);
	c->error = errno;
}

/* `words`: all that who must say of TCP port 8080. */
static void check_rule(call_fn set, const char *const *words)
{
	struct peer *p = peer_start("sw-rule");
	struct call c = {0};
	const char *said;

	remote_own_netns(p);
	if (!p->netns)
		scenario_skip("no /proc");
	peer_call(p, set, &c);
	if (c.result < 0)
		scenario_skip("the kernel takes no such rule: %s", strerror(c.error));
	said = listed_who("auto", p->netns, "tcp/8080");
	for (; *words; words++) {
		if (!strstr(said, *words))
			scenario_fail("who does not say %s: %s", *words, said);
	}
}

static void legacy(void)
{
	static const char *const words[] = {
		"tcp port 8080: nobody listens; iptables-legacy nat, chain PREROUTING, rule 1, ",
		"to port 8000 of this host", "what arrives\n", NULL};

	module_load("xt_tcpudp");
	module_load("xt_REDIRECT");
	module_load("iptable_nat");
	check_rule(do_redirect, words);
}

static void ipvs(void)
{
	static const char *const words[] = {
		"tcp port 8080: nobody listens; IPVS service, scheduler rr, ", "to 192.0.2.2:8000",
		", to 192.0.2.1:8080", NULL};

	module_load("ip_vs_rr");
	check_rule(do_ipvs, words);
}

const struct scenario redirect_scenarios[] = {
	{"redirect-legacy", legacy},
	{"redirect-ipvs", ipvs},
	{0},
};
