// SPDX-License-Identifier: GPL-2.0-only
/* The same sockets asked of trace, ls, who and ephemeral, which must name the same process and user. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "expect.h"
#include "listed.h"
#include "scenario.h"

static struct listed listed;

/* A listener alone in a network namespace: what a command says of the namespace it says of the socket. */
struct asked {
	struct peer *maker;
	uint64_t cookie;
	unsigned int port;
	int fd;
	char netns[24], port_text[24];
};

static void asked_name(struct asked *a)
{
	struct address at = remote_local(a->maker, a->fd);

	a->port = address_port(&at);
	a->cookie = remote_cookie(a->maker, a->fd);
	snprintf(a->netns, sizeof(a->netns), "%llu", (unsigned long long)a->maker->netns);
	snprintf(a->port_text, sizeof(a->port_text), "tcp/127.0.0.1:%u", a->port);
}

static void asked_listen(struct asked *a)
{
	a->fd = (int)must("socket", remote_socket(a->maker, AF_INET, 0));
	must("bind", remote_bind(a->maker, a->fd, address_of("127.0.0.1", 0)));
	must("listen", remote_listen(a->maker, a->fd, 4));
	asked_name(a);
}

static void asked_prepare(struct asked *a, const char *name)
{
	a->maker = peer_start(name);
	remote_own_netns(a->maker);
	if (!a->maker->netns)
		scenario_skip("no /proc");
}

/* ---- users ---- */

static void do_become(struct call *c)
{
	c->result = setresuid((uid_t)c->arg[0], (uid_t)c->arg[1], (uid_t)c->arg[2]);
	c->error = errno;
}

static void check_user(const char *command, const struct who *w, const struct peer *p)
{
	if (!w->known || w->pid != (uint32_t)p->pid)
		scenario_fail("%s: process %u, must be %d", command, w->pid, p->pid);
	if (w->uid != 0 || w->ruid != 1000)
		scenario_fail("%s: uid %u and ruid %u, must be 0 and 1000", command, w->uid,
			      w->ruid);
}

/* -U of a listing finds the socket, or finds nothing. */
static void ask_listings(const struct asked *a, const char *source, const char *user, bool finds)
{
	const char *const ls[] = {"ls", "-o", "json",	 "--hooks", source,
				  "-U", user, "--netns", a->netns,  NULL};
	const struct row *r;

	listed_run(&listed, ls);
	r = listed_find(&listed, "tcp", "LISTEN", a->port);
	if (!r != !finds)
		scenario_fail("ls --hooks %s -U %s finds %s", source, user, r ? "it" : "nothing");
	if (r)
		check_user("ls", &r->process, a->maker);
}

static void ask_ephemeral(const struct asked *a, const char *user, bool finds)
{
	const char *const args[] = {"ephemeral", "-o",	    "json",   "-U",
				    user,	 "--netns", a->netns, NULL};

	listed_run(&listed, args);
	if (!listed.count != !finds)
		scenario_fail("ephemeral -U %s finds %u objects", user, listed.count);
	for (unsigned int i = 0; i < listed.count; i++) {
		if (strcmp(listed.row[i].event, "process") == 0)
			check_user("ephemeral", &listed.row[i].process, a->maker);
	}
}

static void ask_who(const struct asked *a, const char *source)
{
	const char *const args[] = {"who",	  "-o",	     "json",   "--hooks", source,
				    a->port_text, "--netns", a->netns, NULL};

	listed_run(&listed, args);
	if (listed.count != 1)
		scenario_fail("who: %u sockets", listed.count);
	check_user("who", &listed.row[0].process, a->maker);
}

/* Only their real user differs from what ps says: who they act as is what counts. */
static void effective_user(void)
{
	static const char *const root[] = {"-U", "0", NULL};
	static const char *const other[] = {"-U", "1000", NULL};
	static const char *const sources[] = {"auto", "proc"};
	struct call become = {.arg = {1000, 0, 0}};
	struct tracer *with_root, *with_other, *seeded;
	struct asked a;

	asked_prepare(&a, "sw-setuid");
	peer_call(a.maker, do_become, &become);
	if (become.result < 0)
		scenario_skip("cannot have another real user: %s", strerror(become.error));
	with_root = tracer_open(root);
	with_other = tracer_open(other);
	asked_listen(&a);
	check_user("trace -U 0", &expect_line(with_root, a.cookie, LINE_LISTEN, NULL)->process,
		   a.maker);
	for (size_t i = 0; i < 2; i++) {
		ask_listings(&a, sources[i], "0", true);
		ask_listings(&a, sources[i], "1000", false);
		ask_who(&a, sources[i]);
	}
	ask_ephemeral(&a, "0", true);
	ask_ephemeral(&a, "1000", false);
	seeded = tracer_open(root);
	must("close", remote_close(a.maker, a.fd));
	check_user("trace -U 0, begun later",
		   &expect_line(seeded, a.cookie, LINE_CLOSE, NULL)->process, a.maker);
	tracer_end(with_other, SIGINT, 0);
	expect_no_line(with_other, a.cookie);
}

const struct scenario asked_scenarios[] = {
	{"asked-effective-user", effective_user},
	{0},
};
