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

/* ---- owners ---- */

/* What a case makes of the listener, and who must own it then. */
struct shared {
	struct asked asked;
	struct peer *closer; /* has it open, to shut it down */
	pid_t end;	     /* else a process that ends for it */
	pid_t owner;	     /* 0: nobody */
	bool by_maker;	     /* only who made it decides, which sock_diag and /proc do not tell */
};

static void check_owner(const char *command, const char *source, const struct who *w, pid_t owner)
{
	pid_t pid = w->known ? (pid_t)w->pid : 0;

	if (pid != owner)
		scenario_fail("%s, %s: owner %d, must be %d", command, source, pid, owner);
}

static const struct row *find_listener(const struct asked *a, const char *source, bool by_who)
{
	const char *const who[] = {"who",	 "-o",	    "json",   "--hooks", source,
				   a->port_text, "--netns", a->netns, NULL};
	const struct row *r;

	if (by_who)
		listed_run(&listed, who);
	else
		listed_take(&listed, source, a->maker->netns);
	r = listed_find(&listed, "tcp", "LISTEN", a->port);
	if (!r || (by_who && listed.count != 1))
		scenario_fail("%s, %s: %u sockets", by_who ? "who" : "ls", source, listed.count);
	return r;
}

static void ask_ls_and_who(const struct shared *s, const char *source)
{
	for (int by_who = 0; by_who <= 1; by_who++) {
		const struct row *r = find_listener(&s->asked, source, by_who);

		check_owner(by_who ? "who" : "ls", source, &r->process, s->owner);
	}
}

static void ask_ephemeral_owner(const struct shared *s, pid_t must_be)
{
	const char *const args[] = {"ephemeral", "-o", "json", "--netns", s->asked.netns, NULL};
	const struct who *owner = NULL;

	listed_run(&listed, args);
	for (unsigned int i = 0; i < listed.count; i++) {
		if (strcmp(listed.row[i].event, "process") != 0)
			continue;
		if (owner)
			scenario_fail("ephemeral names two processes");
		owner = &listed.row[i].process;
	}
	check_owner("ephemeral", "-", owner ? owner : &(const struct who){.known = false}, must_be);
}

/* Those that look at it first, because the trace tells of it when it ends. */
static void ask_everybody(const struct shared *s)
{
	struct tracer *t;

	if (!s->by_maker || listed_has_iterators())
		ask_ls_and_who(s, "auto");
	if (!s->by_maker)
		ask_ls_and_who(s, "proc");
	ask_ephemeral_owner(s, s->owner);
	t = tracer_open(NULL);
	if (s->closer)
		must("shutdown", remote_shutdown(s->closer, s->asked.fd, SHUT_RDWR));
	else
		kill(s->end, SIGKILL);
	check_owner("trace", "begun later",
		    &expect_line(t, s->asked.cookie, LINE_CLOSE, NULL)->process, s->owner);
}

static struct shared share(const char *name)
{
	struct shared s = {.owner = 0};

	asked_prepare(&s.asked, name);
	asked_listen(&s.asked);
	return s;
}

static struct peer *fork_heir(struct peer *parent, const char *name)
{
	struct peer *p = peer_fork(parent, name);

	p->netns = parent->netns;
	remote_survive(p);
	return p;
}

static void forked(void)
{
	struct shared s = share("sw-master");

	fork_heir(s.asked.maker, "sw-worker-1");
	fork_heir(s.asked.maker, "sw-worker-2");
	s.closer = s.asked.maker;
	s.owner = s.asked.maker->pid;
	ask_everybody(&s);
}

static void inherited(void)
{
	struct shared s = share("sw-maker");

	s.closer = fork_heir(s.asked.maker, "sw-heir");
	must("close", remote_close(s.asked.maker, s.asked.fd));
	s.owner = s.closer->pid;
	ask_everybody(&s);
}

static void maker_ended(void)
{
	struct shared s = share("sw-maker");

	s.closer = fork_heir(s.asked.maker, "sw-heir");
	fork_heir(s.closer, "sw-grandchild");
	peer_end(s.asked.maker, SIGKILL);
	s.owner = s.closer->pid;
	ask_everybody(&s);
}

static void unrelated(void)
{
	struct shared s = share("sw-maker");

	s.closer = fork_heir(s.asked.maker, "sw-worker-1");
	fork_heir(s.asked.maker, "sw-worker-2");
	peer_end(s.asked.maker, SIGKILL);
	ask_everybody(&s);
}

/* The maker gives it to a process that is no child of its own. */
static void pass_to_stranger(struct shared *s, struct peer **ret_taker, int *ret_fd)
{
	struct peer *go_between;
	int pair[2];

	asked_prepare(&s->asked, "sw-parent");
	go_between = s->asked.maker;
	remote_socketpair(go_between, pair);
	s->asked.maker = fork_heir(go_between, "sw-maker");
	*ret_taker = fork_heir(go_between, "sw-taker");
	asked_listen(&s->asked);
	must("SCM_RIGHTS", remote_pass(s->asked.maker, pair[0], s->asked.fd));
	*ret_fd = pair[1];
}

static void passed_and_kept(void)
{
	struct shared s = {.by_maker = true};
	struct peer *taker;
	int over;

	pass_to_stranger(&s, &taker, &over);
	must("SCM_RIGHTS", remote_take(taker, over));
	s.closer = s.asked.maker;
	s.owner = s.asked.maker->pid;
	ask_everybody(&s);
}

static void passed_on(void)
{
	struct shared s = {.owner = 0};
	int over;

	pass_to_stranger(&s, &s.closer, &over);
	must("close", remote_close(s.asked.maker, s.asked.fd));
	s.asked.fd = (int)must("SCM_RIGHTS", remote_take(s.closer, over));
	s.owner = s.closer->pid;
	ask_everybody(&s);
}

/* A listing may have been told by a trace who had it open. */
static void in_flight(void)
{
	struct shared s = {.owner = 0};
	struct peer *taker;
	int over;

	pass_to_stranger(&s, &taker, &over);
	must("close", remote_close(s.asked.maker, s.asked.fd));
	ask_ephemeral_owner(&s, 0);
}

static void executed(void)
{
	struct shared s = share("sw-maker");

	s.end = s.owner = (pid_t)must("exec", remote_exec_child(s.asked.maker));
	must("close", remote_close(s.asked.maker, s.asked.fd));
	ask_everybody(&s);
}

const struct scenario asked_scenarios[] = {
	{"asked-effective-user", effective_user},
	{"asked-forked", forked},
	{"asked-inherited", inherited},
	{"asked-maker-ended", maker_ended},
	{"asked-unrelated-holders", unrelated},
	{"asked-passed-and-kept", passed_and_kept},
	{"asked-passed-on", passed_on},
	{"asked-in-flight", in_flight},
	{"asked-executed", executed},
	{0},
};
