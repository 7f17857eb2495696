// SPDX-License-Identifier: GPL-2.0-only
/* pid is the process, tid the thread, and the name is the process's whatever the thread calls
 * itself. */
#include "pair.h"
#include "scenario.h"

static void connect_in_thread(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	pair_listen(&p);
	p.client->in_thread = true;
	pair_connect(&p);
	p.client->in_thread = false;
	if (p.of_client.owner.tid == p.of_client.owner.pid)
		scenario_fail("the thread has its process's id");
	pair_accept(&p, ACCEPT_ADDRESS);
	pair_know(&p);
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

static void accept_in_thread(enum accept_how how)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	pair_listen(&p);
	pair_connect(&p);
	p.server->in_thread = true;
	pair_accept(&p, how);
	p.server->in_thread = false;
	pair_know(&p);
	pair_close(&p, SERVER_FIRST);
	pair_check(t, &p);
}

static void accept_address_in_thread(void)
{
	accept_in_thread(ACCEPT_ADDRESS);
}

static void accept_null_in_thread(void)
{
	accept_in_thread(ACCEPT_NULL);
}

/* A name says who it was when it acted: socket() in one thread, connect() in another, close() in a
 * third. */
static void many_threads(void)
{
	struct tracer *t = tracer_shared();
	struct pair p = pair_new("127.0.0.1");

	pair_listen(&p);
	p.client->in_thread = true;
	pair_connect(&p);
	pair_accept(&p, ACCEPT4);
	pair_know(&p);
	pair_talk(&p, 100, 100);
	pair_close(&p, CLIENT_FIRST);
	pair_check(t, &p);
}

const struct scenario thread_scenarios[] = {
	{"thread-connect", connect_in_thread},
	{"thread-accept", accept_address_in_thread},
	{"thread-accept-null", accept_null_in_thread},
	{"thread-each-call-another", many_threads},
	{0},
};
