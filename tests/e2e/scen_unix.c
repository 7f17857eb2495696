// SPDX-License-Identifier: GPL-2.0-only
/* `sockwatch ls -x` and `who @name`: a listener, who is connected, who waits for accept(), datagrams; by the kernel's own words. */
#include <errno.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "listed.h"
#include "scenario.h"

#define SOCKETS 6

/* The scenario's own, which it closes on every way out but a failure, where the runner's process ends. */
static int made[SOCKETS];
static unsigned int count;
static char out[65536];

static int make(int type)
{
	return made[count++] = (int)must("socket", socket(AF_UNIX, type | SOCK_CLOEXEC, 0));
}

static socklen_t name_of(struct sockaddr_un *ret, const char *kind)
{
	*ret = (struct sockaddr_un){.sun_family = AF_UNIX};
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) +
	       (socklen_t)snprintf(ret->sun_path + 1, sizeof(ret->sun_path) - 1, "agent-%d-%s",
				   getpid(), kind);
}

static const char *ask(const char *command, const char *name, const char *format)
{
	const char *const args[] = {command, name, "-o", format, NULL};
	struct run r;
	int code;

	run_begin(&r, args);
	code = run_end(&r, out, sizeof(out));
	if (code != 0)
		scenario_fail("%s %s ends with %d: %s", command, name, code, r.words);
	return out;
}

/* The line of this inode. */
static const char *line_of(int fd)
{
	char word[64];
	struct stat st;
	const char *at;

	fstat(fd, &st);
	snprintf(word, sizeof(word), "\"inode\":%llu,\"local\"", (unsigned long long)st.st_ino);
	at = strstr(out, word);
	if (!at)
		scenario_fail("no %s in %.1500s", word, out);
	return at;
}

static void expect(const char *line, const char *word)
{
	const char *end = strchr(line, '\n'), *at = strstr(line, word);

	if (!at || (end && at > end))
		scenario_fail("no '%s' in %.*s", word, end ? (int)(end - line) : 1000, line);
}

static void expect_owner(const char *line)
{
	char word[64];

	snprintf(word, sizeof(word), "\"process\":{\"pid\":%d,", getpid());
	expect(line, word);
	snprintf(word, sizeof(word), "\"holders\":[{\"process\":{\"pid\":%d,", getpid());
	expect(line, word);
}

static void listener_and_peers(void)
{
	struct sockaddr_un at;
	char name[128], word[64];
	const char *line;
	socklen_t len;
	int listener;

	count = 0;
	len = name_of(&at, "stream");
	snprintf(name, sizeof(name), "@%s", at.sun_path + 1);
	listener = make(SOCK_SEQPACKET);
	must("bind", bind(listener, (struct sockaddr *)&at, len));
	must("listen", listen(listener, 5));
	must("connect", connect(make(SOCK_SEQPACKET), (struct sockaddr *)&at, len));
	made[count++] = (int)must("accept", accept4(listener, NULL, NULL, SOCK_CLOEXEC));
	must("connect", connect(make(SOCK_SEQPACKET), (struct sockaddr *)&at, len));
	ask("who", name, "json");
	line = line_of(listener);
	expect_owner(line);
	expect(line, "\"state\":\"LISTEN\"");
	snprintf(word, sizeof(word), "\"frees\":{\"how\":\"kill\",\"command\":\"kill %d\"}",
		 getpid());
	expect(line, word);
	/* Without unix_diag the kernel tells no more. */
	if (strstr(line, "\"queue\":null")) {
		expect(line, "\"peers\":null");
		for (unsigned int i = 0; i < count; i++)
			close(made[i]);
		scenario_skip("the kernel has no unix_diag: neither peers nor queues");
	}
	expect(line, "\"queue\":{\"receive\":1,\"send\":0,\"backlog\":5}");
	expect(line, "\"waits\":true");
	line = line_of(made[2]);
	expect_owner(line);
	expect(line, "\"peer\":{\"inode\":");
	if (!strstr(ask("who", name, "text"), "peers       1: ") || !strstr(out, "waiting     1: "))
		scenario_fail("%s", out);
	for (unsigned int i = 0; i < count; i++)
		close(made[i]);
}

static void datagrams(void)
{
	struct sockaddr_un at;
	socklen_t len = name_of(&at, "dgram");
	const char *line;
	char name[128];
	int receiver;

	count = 0;
	snprintf(name, sizeof(name), "@%s", at.sun_path + 1);
	receiver = make(SOCK_DGRAM);
	must("bind", bind(receiver, (struct sockaddr *)&at, len));
	must("connect", connect(make(SOCK_DGRAM), (struct sockaddr *)&at, len));
	ask("who", name, "json");
	line = line_of(receiver);
	expect_owner(line);
	if (strstr(line, "\"state\":"))
		scenario_fail("one that only receives has a state: %s", line);
	if (!strstr(ask("who", name, "text"), ": receives"))
		scenario_fail("%s", out);
	for (unsigned int i = 0; i < count; i++)
		close(made[i]);
}

const struct scenario unix_scenarios[] = {
	{"unix-listener-and-peers", listener_and_peers},
	{"unix-datagrams", datagrams},
	{0},
};
