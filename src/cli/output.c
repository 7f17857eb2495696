// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#define GRACE_MS 1000

volatile sig_atomic_t output_stop;

static void on_signal(int number)
{
	if (number != SIGALRM)
		output_stop = 1;
	/* Comes back until the program ends: a signal may arrive just before a write that blocks.
	 */
	alarm(1);
}

void output_catch_signals(void)
{
	struct sigaction stop = {.sa_handler = on_signal}, ignore = {.sa_handler = SIG_IGN};

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGALRM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
}

int output_open(struct output *o, const char *path)
{
	*o = (struct output){.fd = STDOUT_FILENO};
	if (!path)
		return 0;
	o->fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
	o->owned = o->fd >= 0;
	return o->owned ? 0 : -errno;
}

void output_close(struct output *o)
{
	if (o->owned)
		close(o->fd);
	o->owned = false;
}

/* True when the reader took too long after a stop signal. */
static bool is_stuck(const struct output *o)
{
	struct pollfd fd = {.fd = o->fd, .events = POLLOUT};

	return output_stop && poll(&fd, 1, GRACE_MS) == 0;
}

bool output_flush(struct output *o, struct buffer *b)
{
	size_t done = 0;

	while (done < b->len && !o->closed && !o->error) {
		ssize_t n;

		if (is_stuck(o)) {
			o->error = ETIMEDOUT;
			break;
		}
		n = write(o->fd, b->data + done, b->len - done);
		if (n >= 0)
			done += (size_t)n;
		else if (errno == EPIPE)
			o->closed = true;
		else if (errno == EAGAIN)
			poll(&(struct pollfd){.fd = o->fd, .events = POLLOUT}, 1, GRACE_MS);
		else if (errno != EINTR)
			o->error = errno;
	}
	memmove(b->data, b->data + done, b->len - done);
	b->len -= done;
	return b->len == 0;
}
