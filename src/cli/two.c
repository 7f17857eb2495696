// SPDX-License-Identifier: GPL-2.0-only
#include "two.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "confine.h"
#include "files.h"
#include "log.h"
#include "split.h"

static pid_t helper = -1;
static bool over_said;

/* ---- the helper ---- */

/*
 * Each is for what the reader cannot do:
 *   SYS_ADMIN       to enter network namespaces (setns())
 *   SYS_PTRACE      /proc/PID/exe, fd and ns of other users
 *   DAC_READ_SEARCH /proc/PID/fd again, files of container runtimes, a cgroup by its id (open_by_handle_at())
 *   BPF, PERFMON    to load what reads rings of io_uring and queues once there is one; bpf() at all where
 *                   kernel.unprivileged_bpf_disabled is set, before Linux 5.19 even for what is open
 *   NET_ADMIN       the port of a WireGuard interface
 *   SYS_NICE        to go first while failed calls that were counted together are taken (fold.c)
 *   DAC_OVERRIDE    only where --output or --store is in another user's directory: renames logs, removes SQLite's
 */
#define HELPER_KEEPS                                                                               \
	(1ull << CAP_SYS_ADMIN | 1ull << CAP_SYS_PTRACE | 1ull << CAP_DAC_READ_SEARCH |            \
	 1ull << CAP_BPF | 1ull << CAP_PERFMON | 1ull << CAP_NET_ADMIN | 1ull << CAP_SYS_NICE)

/* When it ends is the reader's business. */
static void ignore_signals(void)
{
	static const int ignored[] = {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ};
	struct sigaction ignore = {.sa_handler = SIG_IGN};

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		sigaction(ignored[i], &ignore, NULL);
}

/* What is for the reader alone: files, pipes, terminals, sockets.  Of the kernel's side memory files, directories and what has no name stay. */
static bool is_readers(int fd, const int fds[SPLIT_CHANNELS])
{
	char link[32], name[16];
	struct stat st;
	ssize_t n;

	if (fd == fds[SPLIT_ASKS] || fd == fds[SPLIT_LOOKS] || fd <= STDERR_FILENO ||
	    fstat(fd, &st) < 0)
		return false;
	if (!S_ISREG(st.st_mode))
		return S_ISFIFO(st.st_mode) || S_ISSOCK(st.st_mode) || S_ISCHR(st.st_mode);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, name, sizeof(name));
	return n < 7 || memcmp(name, "/memfd:", 7) != 0;
}

/* A pipe or a lock that it shares would outlive the reader. */
static void let_go(const int fds[SPLIT_CHANNELS])
{
	DIR *dir = opendir("/proc/self/fd");
	const struct dirent *entry;
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int fd = 0; null >= 0 && fd < STDERR_FILENO; fd++)
		dup2(null, fd);
	while (dir && (entry = readdir(dir))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fd != dirfd(dir) && is_readers(fd, fds))
			close(fd);
	}
	if (dir)
		closedir(dir);
}

static int act_on_file(void *ctx, unsigned int file, enum split_file_do what, int *ret_fd)
{
	const struct two_wish *wish = ctx;

	if (file <= FILE_REPORT && wish->output)
		return output_act(wish->output, file, what, ret_fd);
	if (file == FILE_SERVE && wish->serve)
		return serve_act(wish->serve, what);
	if (file >= FILE_STORE && file < FILES && wish->store &&
	    (what == SPLIT_F_REMOVE || what == SPLIT_F_POINT))
		return store_act(wish->store, (enum store_file)(file - FILE_STORE),
				 what == SPLIT_F_REMOVE, ret_fd);
	return -EINVAL;
}

/* The owner of a directory needs no right to change what is in it. */
static bool is_anothers(const char *file)
{
	const char *end = file ? strrchr(file, '/') : NULL;
	char directory[PATH_MAX];
	struct stat st;

	snprintf(directory, sizeof(directory), "%.*s", end ? (int)(end - file) + 1 : 1,
		 end ? file : ".");
	return file && stat(directory, &st) == 0 &&
	       (st.st_uid != geteuid() || (st.st_mode & S_IRWXU) != S_IRWXU);
}

static uint64_t helper_keeps(const struct options *o)
{
	return HELPER_KEEPS |
	       (is_anothers(o->output_file) || is_anothers(o->store_file) ? 1ull << CAP_DAC_OVERRIDE
									  : 0);
}

/* What cannot be had is told to the reader, which can still say it. */
static _Noreturn void help(const struct two_wish *wish, const int fds[SPLIT_CHANNELS], pid_t reader)
{
	const struct confine keep = {.keep = helper_keeps(wish->options),
				     .calls = CONFINE_HELPER,
				     .opens_to_write = true};
	struct confine_result result;

	ignore_signals();
	let_go(fds);
	confine_try(&keep, &result);
	/* After that: a process that gives away rights loses it. */
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != reader ||
	    send(fds[SPLIT_ASKS], &result, sizeof(result), MSG_NOSIGNAL) != sizeof(result))
		_exit(1);
	_exit(split_serve(wish->kernel, fds, act_on_file, (void *)(uintptr_t)wish) < 0);
}

/* ---- the reader ---- */

static int ask_for_store(enum store_file file, bool remove, int *ret_fd)
{
	return split_file(FILE_STORE + file, remove ? SPLIT_F_REMOVE : SPLIT_F_POINT, ret_fd);
}

/* What neither can have is said once.  A helper that has ended has no rights: two_is_over() tells. */
static void add_helpers(struct confine_result *r, int channel)
{
	struct confine_result its;
	size_t len = strlen(r->why);
	ssize_t n;

	do
		n = recv(channel, &its, sizeof(its), 0);
	while (n < 0 && errno == EINTR);
	if (n != sizeof(its) || !(its.missing & ~r->missing))
		return;
	r->missing |= its.missing;
	snprintf(r->why + len, sizeof(r->why) - len, "%sits helper: %.128s", len ? "; " : "",
		 its.why);
}

static int confine_both(const struct options *o, int channel)
{
	const struct confine wish = {.calls = CONFINE_READER,
				     .become = "sockwatch",
				     .files = true,
				     .terminal = o->command == COMMAND_TOP};
	struct confine_result result;

	/* The file of the zone is read now. */
	tzset();
	confine_try(&wish, &result);
	add_helpers(&result, channel);
	return confine_say(&result, o->strict, 0) < 0 ? 1 : 0;
}

/* Where there can be no second process. */
static int stay_one(const struct options *o, int err)
{
	log_error("cannot start a process for what needs rights: %s%s", strerror(err),
		  o->strict ? "" : "; this one keeps them");
	return o->strict ? 1 : 0;
}

static bool open_channels(int ours[SPLIT_CHANNELS], int theirs[SPLIT_CHANNELS])
{
	for (int i = 0; i < SPLIT_CHANNELS; i++) {
		int pair[2];

		if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
			while (i-- > 0) {
				close(ours[i]);
				close(theirs[i]);
			}
			return false;
		}
		ours[i] = pair[0];
		theirs[i] = pair[1];
	}
	return true;
}

static void close_channels(const int fds[SPLIT_CHANNELS])
{
	for (int i = 0; i < SPLIT_CHANNELS; i++)
		close(fds[i]);
}

int two_begin(const struct two_wish *wish)
{
	int ours[SPLIT_CHANNELS], theirs[SPLIT_CHANNELS], err;
	pid_t reader = getpid();

	if (!open_channels(ours, theirs))
		return stay_one(wish->options, errno);
	helper = fork();
	err = errno;
	if (helper == 0) {
		close_channels(ours);
		help(wish, theirs, reader);
	}
	close_channels(theirs);
	if (helper < 0) {
		close_channels(ours);
		return stay_one(wish->options, err);
	}
	split_use(ours);
	if (wish->output)
		output_leave_names(wish->output);
	serve_leave_names(wish->serve);
	if (wish->store)
		store_leave_names(ask_for_store);
	kernel_raise(wish->kernel);
	return confine_both(wish->options, ours[SPLIT_ASKS]);
}

bool two_is_over(void)
{
	if (!split_is_lost())
		return false;
	if (!over_said)
		log_error("the process that looks at the kernel has ended (pid %d): stopping, with "
			  "what was read so far",
			  (int)helper);
	over_said = true;
	return true;
}

void two_end(void)
{
	if (helper <= 0)
		return;
	split_stop();
	while (waitpid(helper, NULL, 0) < 0 && errno == EINTR)
		;
	helper = -1;
}
