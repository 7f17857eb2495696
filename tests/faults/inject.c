// SPDX-License-Identifier: GPL-2.0-only
/*
 * inject.c - starts a program and makes its Nth call of a kind fail; tells how many there were and how it ended.
 *
 *   inject [-k KIND] [-n FIRST[-LAST]] [-e ERRNO] [-p PREFIX] [-d DAYS] [-t SECONDS] [-r REPORT] PROGRAM...
 *
 * The report is one line: "count 310 hits 1 exit 1 [what failed]", "signal N" or "hang" in place of "exit N".  It ends with
 * code 0 where that could be made, 77 where this machine has no such means, whatever the program's own code was.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "faults.h"

#define MAX_REPORT 256

static const char *const kinds[FAULT_KINDS] = {"alloc", "fd",	"map",	 "load",  "link",
					       "file",	"open", "clock", "rights"};

static struct faults *shared;
static const char *prefix = "";
static int error_number = ENOMEM;
static char failed[MAX_REPORT]; /* the calls that were made to fail, until there is no more room */
static pid_t child;

static void die(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	if (child > 0)
		kill(child, SIGKILL);
	exit(errno == ENOSYS || errno == EPERM || errno == EINVAL || errno == EBUSY ? 77 : 1);
}

/* ---- what is asked ---- */

/* False where the process has ended, or the memory is not its own. */
static bool read_memory(const struct seccomp_notif *n, uint64_t at, void *to, size_t size)
{
	char path[32];
	ssize_t got;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/mem", n->pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	memset(to, 0, size);
	got = pread(fd, to, size, (off_t)at);
	close(fd);
	return got > 0;
}

static bool is_bpf(const struct seccomp_notif *n, const int *commands, size_t count)
{
	for (size_t i = 0; n->data.nr == SYS_bpf && i < count; i++) {
		if ((int)n->data.args[0] == commands[i])
			return true;
	}
	return false;
}

static bool gives_fd(const struct seccomp_notif *n)
{
	static const int commands[] = {
		BPF_MAP_CREATE,	       BPF_PROG_LOAD,		BPF_OBJ_GET,
		BPF_PROG_GET_FD_BY_ID, BPF_MAP_GET_FD_BY_ID,	BPF_BTF_LOAD,
		BPF_LINK_CREATE,       BPF_RAW_TRACEPOINT_OPEN, BPF_ITER_CREATE,
		BPF_BTF_GET_FD_BY_ID,  BPF_LINK_GET_FD_BY_ID};

	if (n->data.nr == SYS_fcntl)
		return (int)n->data.args[1] == F_DUPFD || (int)n->data.args[1] == F_DUPFD_CLOEXEC;
	return n->data.nr != SYS_bpf || is_bpf(n, commands, sizeof(commands) / sizeof(commands[0]));
}

static bool attaches(const struct seccomp_notif *n)
{
	static const int commands[] = {BPF_LINK_CREATE, BPF_RAW_TRACEPOINT_OPEN, BPF_PROG_ATTACH};

	return n->data.nr == SYS_perf_event_open ||
	       is_bpf(n, commands, sizeof(commands) / sizeof(commands[0]));
}

static bool is_socket(const struct seccomp_notif *n)
{
	char path[64];
	struct stat st;

	snprintf(path, sizeof(path), "/proc/%d/fd/%d", n->pid, (int)n->data.args[0]);
	return (int)n->data.args[0] <= STDERR_FILENO || stat(path, &st) < 0 || !S_ISREG(st.st_mode);
}

static bool begins_with_prefix(const struct seccomp_notif *n)
{
	char path[128];
	uint64_t at = n->data.nr == SYS_fsopen ? n->data.args[0] : n->data.args[1];

	return read_memory(n, at, path, sizeof(path)) && !strncmp(path, prefix, strlen(prefix));
}

/* None of the calls by which libseccomp asks what the kernel knows. */
static bool gives_away(const struct seccomp_notif *n)
{
	switch (n->data.nr) {
	case SYS_prctl:
		return n->data.args[0] == PR_SET_NO_NEW_PRIVS ||
		       (n->data.args[0] == PR_SET_KEEPCAPS && n->data.args[1]);
	case SYS_seccomp: return n->data.args[0] == SECCOMP_SET_MODE_FILTER && n->data.args[2];
	case SYS_clone: return !(n->data.args[0] & CLONE_THREAD);
	}
	return true;
}

static bool is_of_kind(const struct seccomp_notif *n)
{
	static const int load = BPF_PROG_LOAD;

	switch ((enum fault_kind)shared->kind) {
	case FAULT_FD: return gives_fd(n);
	case FAULT_LOAD: return is_bpf(n, &load, 1);
	case FAULT_LINK: return attaches(n);
	case FAULT_FILE: return !is_socket(n);
	case FAULT_OPEN: return begins_with_prefix(n);
	case FAULT_RIGHTS: return gives_away(n);
	case FAULT_ALLOC:
	case FAULT_CLOCK:
	case FAULT_MAP:
	case FAULT_KINDS: break;
	}
	return true;
}

/* ---- what fails ---- */

/* A name of what failed, for who reads the report. */
static void note(const struct seccomp_notif *n)
{
	size_t len = strlen(failed), room = sizeof(failed) - len;
	union bpf_attr attr;
	char path[64] = "";

	if (n->data.nr == SYS_bpf) {
		if (n->data.args[0] == BPF_PROG_LOAD &&
		    read_memory(n, n->data.args[1], &attr, sizeof(attr)))
			snprintf(path, sizeof(path), "%.16s", attr.prog_name);
		snprintf(failed + len, room, " bpf:%d:%s", (int)n->data.args[0], path);
	} else if (n->data.nr == SYS_openat &&
		   read_memory(n, n->data.args[1], path, sizeof(path) - 1)) {
		snprintf(failed + len, room, " open:%s", path);
	} else {
		snprintf(failed + len, room, " call:%d(%d)", n->data.nr, (int)n->data.args[0]);
	}
	for (char *c = failed + len; *c; c++)
		*c = isgraph((unsigned char)*c) || *c == ' ' ? *c : '?';
}

static void answer(int fd)
{
	struct seccomp_notif n = {0};
	struct seccomp_notif_resp r = {0};

	if (ioctl(fd, SECCOMP_IOCTL_NOTIF_RECV, &n) < 0)
		return; /* a signal came in between */
	r.id = n.id;
	r.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
	if (is_of_kind(&n)) {
		shared->count++;
		if (shared->count >= shared->first && shared->count <= shared->last) {
			shared->hits++;
			note(&n);
			r.flags = 0;
			r.error = -error_number;
		}
	}
	ioctl(fd, SECCOMP_IOCTL_NOTIF_SEND, &r);
}

/* ---- the program ---- */

static void on_signal(int number)
{
	if (child > 0)
		kill(child, number);
}

static uint64_t now_ms(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int receive(int from)
{
	char control[CMSG_SPACE(sizeof(int))], byte = 0;
	struct iovec part = {&byte, 1};
	struct msghdr m = {.msg_iov = &part,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct cmsghdr *c;
	ssize_t got;
	int fd;

	do
		got = recvmsg(from, &m, MSG_CMSG_CLOEXEC);
	while (got < 0 && errno == EINTR);
	c = got > 0 ? CMSG_FIRSTHDR(&m) : NULL;
	if (!c) {
		errno = got > 0 ? byte : EPROTO;
		die("the program asks nobody");
	}
	memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	return fd;
}

/* Until the program has ended, with its status; -1 where it did not by then. */
static int follow(int asks, uint64_t until_ms)
{
	struct pollfd fds = {.fd = asks, .events = POLLIN};
	int status;

	for (;;) {
		if (waitpid(child, &status, WNOHANG) == child)
			return status;
		if (now_ms() > until_ms)
			return -1;
		/* A program that has ended asks nothing any more: it is looked for now and then. */
		if (poll(&fds, 1, 5) <= 0)
			continue;
		if (fds.revents & POLLIN)
			answer(asks);
		else
			fds.fd = -1;
	}
}

static void start(char **command, int memory, int ends[2])
{
	char library[4096];
	ssize_t len = readlink("/proc/self/exe", library, sizeof(library) - 12);
	char *name;

	library[len > 0 ? len : 0] = '\0';
	name = strrchr(library, '/');
	if (!name)
		die("/proc/self/exe");
	strcpy(name, "/preload.so");
	child = fork();
	if (child < 0)
		die("fork");
	if (child > 0)
		return;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (dup2(memory, FAULTS_SHARED) < 0 || dup2(ends[1], FAULTS_SOCKET) < 0)
		_exit(98);
	setenv("LD_PRELOAD", library, 1);
	execvp(command[0], command);
	_exit(97);
}

static void report(FILE *to, int status)
{
	fprintf(to, "count %llu hits %llu ", (unsigned long long)shared->count,
		(unsigned long long)shared->hits);
	if (status == -1)
		fprintf(to, "hang 0");
	else if (WIFSIGNALED(status))
		fprintf(to, "signal %d", WTERMSIG(status));
	else
		fprintf(to, "exit %d", WEXITSTATUS(status));
	fprintf(to, "%s\n", failed);
	fclose(to);
}

static void read_options(int argc, char **argv, FILE **ret_to, uint64_t *ret_seconds)
{
	char *end;
	int c;

	while ((c = getopt(argc, argv, "+d:k:n:e:p:t:r:")) != -1) {
		switch (c) {
		case 'k':
			while (shared->kind < FAULT_KINDS && strcmp(kinds[shared->kind], optarg))
				shared->kind++;
			break;
		case 'n':
			shared->first = strtoull(optarg, &end, 10);
			shared->last = *end ? strtoull(end + 1, NULL, 10) : shared->first;
			break;
		case 'd': shared->days = atoll(optarg); break;
		case 'e': error_number = atoi(optarg); break;
		case 'p': prefix = optarg; break;
		case 't': *ret_seconds = strtoull(optarg, NULL, 10); break;
		case 'r': *ret_to = fopen(optarg, "we"); break;
		}
	}
	if (shared->kind >= FAULT_KINDS || !argv[optind] || !*ret_to) {
		errno = ENOENT;
		die("usage");
	}
}

int main(int argc, char **argv)
{
	struct sigaction forward = {.sa_handler = on_signal};
	int memory = memfd_create("faults", MFD_CLOEXEC), ends[2], status, asks = -1;
	uint64_t seconds = 20;
	FILE *to = stderr;

	if (memory < 0 || ftruncate(memory, sizeof(*shared)) < 0)
		die("memfd_create");
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
	if (shared == MAP_FAILED || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
		die("mmap, socketpair");
	read_options(argc, argv, &to, &seconds);
	sigaction(SIGINT, &forward, NULL);
	sigaction(SIGTERM, &forward, NULL);
	start(argv + optind, memory, ends);
	close(ends[1]);
	if (shared->kind != FAULT_ALLOC && shared->kind != FAULT_CLOCK)
		asks = receive(ends[0]);
	status = follow(asks, now_ms() + seconds * 1000);
	if (status == -1) {
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
	}
	report(to, status);
	return 0;
}
