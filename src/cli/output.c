// SPDX-License-Identifier: GPL-2.0-only
#include "output.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "files.h"
#include "log.h"
#include "safe_file.h"

/* A reader that takes nothing for so long after a stop signal takes nothing any more. */
#define GRACE_MS 500
/* A signal may come just before poll(): it is seen when that ends. */
#define LOOK_MS	  50
#define NAME_SIZE (PATH_MAX + 16)
/* Descriptors that /dev/fd names: shells give the lowest. */
#define OWN_FDS 256

static bool stood_in[STDERR_FILENO + 1];

void output_take_standard(void)
{
	int fd;

	while ((fd = open("/dev/null", O_RDONLY)) >= 0 && fd <= STDERR_FILENO)
		stood_in[fd] = true;
	if (fd > STDERR_FILENO)
		close(fd);
}

void output_leave_standard(void)
{
	for (int fd = 0; fd <= STDERR_FILENO; fd++) {
		if (stood_in[fd])
			close(fd);
	}
}

volatile sig_atomic_t output_stop, output_stop_signal;
static volatile sig_atomic_t reopen_wanted, resized;

static void on_signal(int number, siginfo_t *info, void *unused)
{
	(void)unused;
	output_stop++;
	/* A terminal's come from the kernel. */
	output_stop_signal = info->si_code == SI_KERNEL ? -number : number;
}

static void on_resize(int number)
{
	(void)number;
	resized = 1;
}

void output_catch_signals(void)
{
	struct sigaction stop = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct sigaction resize = {.sa_handler = on_resize, .sa_flags = SA_RESTART};

	sigaction(SIGWINCH, &resize, NULL);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	sigaction(SIGXFSZ, &ignore, NULL);
}

static void on_hangup(int number)
{
	(void)number;
	reopen_wanted = 1;
}

/*
 * No write may block: a stop signal that comes just before it would go unnoticed until the reader
 * reads again. An inherited pipe is opened anew, because O_NONBLOCK on the inherited descriptor
 * would bind its other users too; where that is refused, poll() promises room for PIPE_BUF bytes.
 */
static void unblock(struct output *o)
{
	char path[sizeof("/proc/self/fd/") + 11];
	struct stat st;
	int fd;

	o->at_most = SIZE_MAX;
	o->socket = fstat(o->fd, &st) == 0 && S_ISSOCK(st.st_mode);
	if (o->socket || (!S_ISFIFO(st.st_mode) && isatty(o->fd) != 1))
		return;
	snprintf(path, sizeof(path), "/proc/self/fd/%d", o->fd);
	fd = open(path, O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0) {
		o->at_most = PIPE_BUF;
		return;
	}
	output_close(o);
	o->fd = fd;
	o->owned = true;
}

static int open_log(struct output *o)
{
	int fd, err;

	if (!o->by_helper)
		return safe_open(o->path, O_WRONLY | O_CREAT | O_APPEND, 0640, &o->why);
	err = split_file(FILE_LOG, SPLIT_F_OPEN, &fd);
	return err < 0 ? err : fd < 0 ? -EIO : fd;
}

/* Opens the file that has the name now; keeps the one before when that fails. */
static int open_file(struct output *o)
{
	int fd = open_log(o);
	struct stat st;

	if (fd < 0)
		return fd;
	output_close(o);
	o->fd = fd;
	o->owned = true;
	o->size = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	unblock(o);
	return 0;
}

static int complain(const struct output *o, int err)
{
	if (err < 0)
		log_error("cannot write to %s: %s", o->path, o->why ?: strerror(-err));
	return err;
}

int output_open(struct output *o, const char *path)
{
	struct sigaction reopen = {.sa_handler = on_hangup, .sa_flags = SA_RESTART};

	*o = (struct output){.fd = STDOUT_FILENO, .path = path};
	if (!path) {
		unblock(o);
		return 0;
	}
	sigaction(SIGHUP, &reopen, NULL);
	return complain(o, open_file(o));
}

/* Open here already, as /dev/stdout is: what others write through it must stay. */
static bool is_open_here(const struct stat *file)
{
	struct stat st;

	for (int fd = 0; fd < OWN_FDS; fd++) {
		if (fstat(fd, &st) == 0 && st.st_dev == file->st_dev && st.st_ino == file->st_ino)
			return true;
	}
	return false;
}

/* A file of a name that nobody has, in the directory of `path`. */
static int open_beside(struct output *o)
{
	const char *name = strrchr(o->path, '/');
	int len = name ? (int)(name + 1 - o->path) : 0;
	struct timespec t = {0};

	clock_gettime(CLOCK_REALTIME, &t);
	if (asprintf(&o->beside, "%.*s.sockwatch.%d.%lld.%09ld", len, o->path, (int)getpid(),
		     (long long)t.tv_sec, t.tv_nsec) < 0) {
		o->beside = NULL;
		return -ENOMEM;
	}
	o->fd = safe_open(o->beside, O_WRONLY | O_CREAT | O_EXCL, 0640, &o->why);
	if (o->fd >= 0) {
		o->owned = true;
		o->at_most = SIZE_MAX;
		return 0;
	}
	free(o->beside);
	o->beside = NULL;
	return o->fd;
}

int output_open_report(struct output *o, const char *path)
{
	struct sigaction stop = {.sa_sigaction = on_signal, .sa_flags = SA_SIGINFO}, before;
	struct stat st;

	*o = (struct output){.fd = STDOUT_FILENO, .path = path};
	if (!path) {
		unblock(o);
		return 0;
	}
	/* Nothing is opened anew here, and what lies beside must go. */
	if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler == SIG_DFL)
		sigaction(SIGHUP, &stop, NULL);
	if (stat(path, &st) == 0 && (!S_ISREG(st.st_mode) || is_open_here(&st)))
		return complain(o, open_file(o));
	return complain(o, open_beside(o));
}

static int put_in_place(struct output *o)
{
	if (o->by_helper)
		return split_file(FILE_REPORT, SPLIT_F_RENAME, NULL);
	return rename(o->beside, o->path) < 0 ? -errno : 0;
}

bool output_finish(struct output *o)
{
	int err;

	if (!o->beside || o->error)
		return !o->error;
	err = fsync(o->fd) < 0 ? -errno : put_in_place(o);
	if (err < 0) {
		o->error = -err;
		return false;
	}
	free(o->beside);
	o->beside = NULL;
	return true;
}

static void say_not_opened(const struct output *o, int err)
{
	log_error("cannot open %s: %s; going on with the file as it was", o->path,
		  o->why ?: strerror(-err));
}

/* The helper knows better why, and has said it. */
static void reopen(struct output *o)
{
	int err = open_file(o);

	if (err < 0 && (!o->by_helper || split_is_lost()))
		say_not_opened(o, err);
}

unsigned int output_columns(const struct output *o)
{
	struct winsize size = {0};

	return isatty(o->fd) == 1 && ioctl(o->fd, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

bool output_take_resize(void)
{
	bool taken = resized;

	resized = 0;
	return taken;
}

bool output_has_color(const struct output *o, enum options_color color)
{
	const char *term = getenv("TERM");

	return color == COLOR_ALWAYS ||
	       (color == COLOR_AUTO && isatty(o->fd) == 1 && !(term && !strcmp(term, "dumb")));
}

void output_follow_hangup(struct output *o)
{
	if (!reopen_wanted || !o->path)
		return;
	reopen_wanted = 0;
	reopen(o);
}

int output_open_journal(struct output *o)
{
	static const struct sockaddr_un journal = {.sun_family = AF_UNIX,
						   .sun_path = "/run/systemd/journal/socket"};
	int err;

	*o = (struct output){.journal = true, .socket = true, .at_most = SIZE_MAX};
	o->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	o->owned = o->fd >= 0;
	if (o->owned && connect(o->fd, (const struct sockaddr *)&journal, sizeof(journal)) == 0)
		return 0;
	err = -errno;
	log_error("cannot reach systemd's journal (%s): %s", journal.sun_path, strerror(-err));
	return err;
}

/* The journal was started anew: its socket is another one. */
static bool reconnect(struct output *o)
{
	struct output fresh;

	if (!o->journal || (errno != ECONNREFUSED && errno != ENOTCONN && errno != ECONNRESET))
		return false;
	if (output_open_journal(&fresh) < 0) {
		output_close(&fresh);
		return false;
	}
	output_close(o);
	*o = fresh;
	return true;
}

/* FILE.8 becomes FILE.9 ... FILE becomes FILE.1. */
static int rename_logs(const struct output *o)
{
	char from[NAME_SIZE], to[NAME_SIZE];

	for (unsigned int i = o->keep; i > 0; i--) {
		snprintf(to, sizeof(to), "%s.%u", o->path, i);
		snprintf(from, sizeof(from), i > 1 ? "%s.%u" : "%s", o->path, i - 1);
		if (rename(from, to) < 0 && errno != ENOENT) {
			int err = -errno;

			log_error("cannot rename %s to %s: %s; going on with %s", from, to,
				  strerror(-err), o->path);
			return err;
		}
	}
	return 0;
}

static void rotate(struct output *o)
{
	int err = o->by_helper ? split_file(FILE_LOG, SPLIT_F_RENAME, NULL) : rename_logs(o);

	if (err < 0)
		o->size = 0; /* tried again when as much is written once more */
	else
		reopen(o);
}

void output_leave_names(struct output *o)
{
	o->by_helper = o->path != NULL;
}

int output_act(struct output *o, unsigned int file, enum split_file_do what, int *ret_fd)
{
	int fd;

	if (!o->path || (file == FILE_REPORT && !o->beside))
		return -EINVAL;
	if (file == FILE_REPORT)
		return (what == SPLIT_F_RENAME ? rename(o->beside, o->path) : unlink(o->beside)) < 0
			       ? -errno
			       : 0;
	if (what != SPLIT_F_OPEN)
		return rename_logs(o);
	/* A FIFO that nobody reads must not hold up who answers. */
	fd = safe_open(o->path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK, 0640, &o->why);
	if (fd < 0)
		say_not_opened(o, fd);
	else
		*ret_fd = fd;
	return fd < 0 ? fd : 0;
}

/* How much of the lines fits into this file; 0 when the next one must be begun first. */
static size_t fit(const struct output *o, const char *lines, size_t len)
{
	const char *end = NULL;

	if (!o->rotate_bytes || o->size + len <= o->rotate_bytes)
		return len;
	if (o->size < o->rotate_bytes)
		end = memrchr(lines, '\n', (size_t)(o->rotate_bytes - o->size));
	if (!end && o->size == 0)
		end = memchr(lines, '\n', len); /* one line is more than a file may hold */
	return end ? (size_t)(end - lines) + 1 : o->size ? 0 : len;
}

/* Bytes to write to the file that is open when it returns. */
static size_t begin_part(struct output *o, const char *lines, size_t len)
{
	size_t part;

	output_follow_hangup(o);
	part = fit(o, lines, len);
	if (part > 0)
		return part;
	rotate(o);
	part = fit(o, lines, len);
	return part ? part : len; /* the next file was there already, and full */
}

void output_close(struct output *o)
{
	if (o->owned)
		close(o->fd);
	o->owned = false;
	if (o->beside && o->by_helper)
		split_file(FILE_REPORT, SPLIT_F_REMOVE, NULL);
	else if (o->beside)
		unlink(o->beside);
	free(o->beside);
	o->beside = NULL;
}

static uint64_t now_ms(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Until it can be written to; ETIMEDOUT when the reader took nothing since a stop signal. */
static void wait_for_reader(struct output *o)
{
	struct pollfd fd = {.fd = o->fd, .events = POLLOUT};
	bool ready = false;

	while (!ready && !o->error) {
		ready = poll(&fd, 1, LOOK_MS) > 0;
		if (output_stop && !o->stuck_ms)
			o->stuck_ms = now_ms();
		else if (output_stop && now_ms() - o->stuck_ms >= GRACE_MS)
			o->error = ETIMEDOUT;
	}
}

static ssize_t write_some(const struct output *o, const char *bytes, size_t len)
{
	const char *end;

	/* What a pipe takes at once nobody else writes into. */
	if (o->shared && len > PIPE_BUF) {
		end = memrchr(bytes, '\n', PIPE_BUF) ?: memchr(bytes, '\n', len);
		len = end ? (size_t)(end - bytes) + 1 : len;
	}
	if (o->socket)
		return send(o->fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	return write(o->fd, bytes, len < o->at_most ? len : o->at_most);
}

bool output_flush(struct output *o, struct buffer *b)
{
	size_t done = 0, part = 0;
	bool again = false;

	while (done < b->len && !o->closed && !o->error) {
		ssize_t n;

		if (part == 0)
			part = begin_part(o, b->data + done, b->len - done);
		if (o->at_most < SIZE_MAX)
			wait_for_reader(o);
		if (o->error)
			break;
		n = write_some(o, b->data + done, part);
		if (n >= 0) {
			o->stuck_ms = 0;
			again = false;
			done += (size_t)n;
			part -= (size_t)n;
			o->size += (uint64_t)n;
		} else if (errno == EPIPE) {
			o->closed = true;
		} else if (errno == EAGAIN) {
			wait_for_reader(o);
			/* A terminal with room for one byte takes no end of a line, which is two. */
			if (again)
				poll(NULL, 0, LOOK_MS);
			again = true;
		} else if (errno != EINTR && !reconnect(o)) {
			o->error = errno;
		}
	}
	memmove(b->data, b->data + done, b->len - done);
	b->len -= done;
	return b->len == 0;
}

int output_complain(const struct output *o, size_t left)
{
	if (o->error != ETIMEDOUT) {
		log_error("cannot write the output: %s", strerror(o->error));
		return 1;
	}
	log_error("the reader of the output has stopped reading: %zu bytes of lines, and what was "
		  "to follow, were lost",
		  left);
	return EXIT_LOST;
}
