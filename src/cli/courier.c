// SPDX-License-Identifier: GPL-2.0-only
#include "courier.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "moment.h"
#include "sender.h"
#include "units.h"

/* To find the server's name, before the rights go. */
#define READY_MS 30000
/* The recorder has ended: so long what is left is sent, and a little longer that is waited for. */
#define REST_NS	 (5 * NSEC_PER_SEC)
#define ENDED_MS 7000

/* ---- the child ---- */

struct child {
	int channel;
	struct sender sender;
	struct ship_tally *tally;
	bool flush;	   /* the recorder has ended */
	uint64_t until_ns; /* then */
};

/* The recorder says nothing: its end is the news. */
static bool has_ended(struct child *c, int wait_ms)
{
	struct pollfd in = {.fd = c->channel, .events = POLLIN};

	if (!c->flush && poll(&in, 1, wait_ms) > 0) {
		c->flush = true;
		c->until_ns = moment(CLOCK_BOOTTIME) + REST_NS;
	}
	return c->flush;
}

static bool go_on(void *ctx)
{
	struct child *c = ctx;

	return !has_ended(c, 0) || moment(CLOCK_BOOTTIME) < c->until_ns;
}

static void tell(struct child *c)
{
	ship_get_tally(c->sender.ship, c->tally);
}

static void send_all(struct child *c)
{
	uint64_t pause_ns;

	while (go_on(c)) {
		enum ship_state state = sender_step(&c->sender, c->flush, &pause_ns);
		int wait_ms = pause_ns / 1000000 < 60000
				      ? (int)(pause_ns / 1000000) + (pause_ns > 0)
				      : 60000;

		tell(c);
		if (c->flush &&
		    (state == SHIP_IDLE || state == SHIP_REFUSED || state == SHIP_STOPPED))
			return;
		if (c->flush && wait_ms)
			usleep(wait_ms < 200 ? (unsigned int)wait_ms * 1000 : 200000);
		else if (wait_ms)
			has_ended(c, wait_ms);
	}
}

/* When it ends is the recorder's business. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
}

/* All but what is standard and the channel: locks and sockets that it shares would outlive the recorder. */
static int let_go(int channel)
{
	int own = dup2(channel, STDERR_FILENO + 1);

	if (own >= 0)
		syscall(SYS_close_range, (unsigned int)own + 1, ~0u, 0);
	return own;
}

static _Noreturn void run(const struct options *options, int channel, struct ship_tally *tally)
{
	struct child c = {.tally = tally};
	char go;
	int code;

	ignore_signals();
	c.channel = let_go(channel);
	/* There is a store from then on, or never. */
	if (c.channel < 0 || recv(c.channel, &go, 1, 0) != 1)
		_exit(0);
	code = sender_begin(&c.sender, options);
	if (!code)
		code = sender_open(&c.sender, options, go_on, &c);
	if (!code)
		code = sender_confine(&c.sender, options, "sockwatch");
	if (send(c.channel, &code, sizeof(code), MSG_NOSIGNAL) == sizeof(code) && !code) {
		tell(&c);
		send_all(&c);
	}
	sender_close(&c.sender);
	_exit(code);
}

/* ---- the recorder ---- */

int courier_begin(struct courier *c, const struct options *options)
{
	struct ship_tally *tally = mmap(NULL, sizeof(*tally), PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int pair[2];

	*c = (struct courier){.channel = -1};
	if (tally == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		log_error("cannot start a process that sends: %s", strerror(errno));
		return 1;
	}
	c->tally = tally;
	c->channel = pair[0];
	c->child = fork();
	if (c->child == 0)
		run(options, pair[1], tally);
	close(pair[1]);
	if (c->child > 0)
		return 0;
	c->child = 0;
	log_error("cannot start a process that sends: %s", strerror(errno));
	return 1;
}

void courier_go(struct courier *c)
{
	/* A child that is not there any more is courier_ready()'s business. */
	send(c->channel, "", 1, MSG_NOSIGNAL);
}

int courier_ready(struct courier *c)
{
	struct pollfd in = {.fd = c->channel, .events = POLLIN};
	int code = 1, n;

	do
		n = poll(&in, 1, READY_MS);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		log_error("the process that sends is not ready after %d s", READY_MS / 1000);
	else if (recv(c->channel, &code, sizeof(code), MSG_DONTWAIT) != sizeof(code))
		code = 1;
	return code;
}

bool courier_is_over(struct courier *c)
{
	struct pollfd in = {.fd = c->channel, .events = POLLIN};

	if (!c->child || (!c->over_said && poll(&in, 1, 0) <= 0))
		return false;
	if (!c->over_said)
		log_error("the process that sends has ended (pid %d): recording goes on, and "
			  "sockwatch ship "
			  "sends what is recorded",
			  (int)c->child);
	c->over_said = true;
	return true;
}

bool courier_get_tally(const struct courier *c, struct ship_tally *ret)
{
	if (!c->child || !c->tally)
		return false;
	/* A text that is just written is no text before its end. */
	*ret = *c->tally;
	ret->place[sizeof(ret->place) - 1] = ret->why[sizeof(ret->why) - 1] = '\0';
	return true;
}

static bool wait_for_end(pid_t child, int ms)
{
	const struct timespec step = {.tv_nsec = 20000000};

	for (; ms > 0; ms -= 20) {
		pid_t ended = waitpid(child, NULL, WNOHANG);

		if (ended == child || (ended < 0 && errno != EINTR))
			return true;
		nanosleep(&step, NULL);
	}
	return false;
}

void courier_end(struct courier *c)
{
	if (!c->child)
		return;
	close(c->channel);
	/* Who has given his rights away cannot end it; it ends by itself. */
	if (!wait_for_end(c->child, ENDED_MS))
		log_error("the process that sends is still at it (pid %d); what is left is sent "
			  "the next time",
			  (int)c->child);
	c->child = 0;
}
