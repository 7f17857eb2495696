// SPDX-License-Identifier: GPL-2.0-only
#include "serve.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "files.h"
#include "hash.h"
#include "kernel.h"
#include "log.h"
#include "past_wire.h"
#include "split.h"
#include "units.h"

#define DIRECTORY "/run/sockwatch"
/* Of the unit, which runs as another user; root makes it for him, and whoever may write into /run is root. */
#define RECORDER  "/run/sockwatch-record"
#define BACKLOG	  16
#define TURN_NS	  1000000
#define STALL_NS  (NSEC_PER_SEC / 2)
/* Of who asks; a member of more is none where his group comes later. */
#define MEMBER_GROUPS 256
#define STEP	  1024 /* records between two looks at the clock */
#define IN_BYTES  (64u << 10)
#define OUT_BYTES (256u << 10)

enum stage { STAGE_HEADER, STAGE_COOKIES, STAGE_WALK, STAGE_END };

HASH_TYPE(cookies, uint64_t);
HASH_FUNCTIONS(cookies, uint64_t, *item, hash_u64(*item))

struct serve {
	int dir, listen, epoll;
	char name[16], hidden[20];
	bool by_helper; /* what is done with names, since serve_leave_names() */
	uid_t owner;	/* of the directory: whoever that is may ask, and where it is not root */
	gid_t group;	/* so may members of this group */
	status_fn status;
	void *ctx;

	/* Who asks now. */
	int client; /* -1 nobody */
	bool writing;
	enum stage stage;
	uint64_t moved_ns; /* last bytes that came or went */
	struct past_question question;
	uint32_t cookies_in;
	struct cookies asked;
	struct table_steps steps;
	struct process_set *processes; /* of the table, during a turn */
	size_t in_len, out_len, out_sent;
	uint8_t in[IN_BYTES], out[OUT_BYTES + sizeof(struct past_head)];
};

const char *serve_path(void)
{
	const char *path = getenv("SOCKWATCH_RUN");

	return path && *path ? path : DIRECTORY;
}

void serve_say_refused(int err, const char *loss)
{
	log_say("%s: %s; %s", serve_path(),
		err == -EPERM ? "not the directory of this user alone (mode 0700)" : strerror(-err),
		loss);
}

int serve_directory(bool make)
{
	const char *path = serve_path();
	struct stat st;
	int fd, err = 0;

	if (make && mkdir(path, 0700) < 0 && errno != EEXIST)
		return -errno;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0)
		err = -errno;
	/* What root's group may, root may; and members of the user's own group may ask. */
	else if (st.st_uid != geteuid() || (st.st_mode & 027) ||
		 (st.st_mode & 050 && st.st_gid != 0 && st.st_gid != getegid()))
		err = -EPERM;
	if (err)
		close(fd);
	return err ? err : fd;
}

int serve_recorder(uid_t *ret_owner)
{
	const char *other = getenv("SOCKWATCH_RUN");
	struct stat st;
	int fd;

	if (other && *other)
		return -ENOENT;
	fd = open(RECORDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st) < 0 || (st.st_mode & 022)) {
		close(fd);
		return -EPERM;
	}
	*ret_owner = st.st_uid;
	return fd;
}

bool serve_trusts(int fd, uid_t owner)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && len == sizeof(peer) &&
	       (peer.uid == 0 || peer.uid == owner);
}

/* The other end belongs to the group, by its first or by another one. */
static bool is_member(int fd, gid_t group)
{
	gid_t groups[MEMBER_GROUPS];
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) < 0)
		return false;
	if (peer.gid == group)
		return true;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) < 0)
		return false;
	for (size_t i = 0; i < len / sizeof(groups[0]); i++) {
		if (groups[i] == group)
			return true;
	}
	return false;
}

static bool may_ask(const struct serve *s, int fd)
{
	return serve_trusts(fd, s->owner) || (s->owner != 0 && is_member(fd, s->group));
}

/*
 * Listens under another name first, because a listing connects as soon as it finds the name of a
 * process.  What is bound is the file; it is found by either name.
 */
static int open_socket(struct serve *s)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	mode_t mask;
	int bound;

	snprintf(s->name, sizeof(s->name), "%d", (int)getpid());
	snprintf(s->hidden, sizeof(s->hidden), ".%s", s->name);
	snprintf(address.sun_path, sizeof(address.sun_path), "/proc/self/fd/%d/%s", s->dir,
		 s->hidden);
	s->listen = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (s->listen < 0)
		return -errno;
	unlinkat(s->dir, s->hidden, 0);
	/* The group may connect: root, without the right to override that. */
	mask = umask(0117);
	bound = bind(s->listen, (const struct sockaddr *)&address, sizeof(address));
	umask(mask);
	if (bound < 0 || listen(s->listen, BACKLOG) < 0)
		return -errno;
	return 0;
}

static int remove_names(const struct serve *s)
{
	unlinkat(s->dir, s->hidden, 0);
	return unlinkat(s->dir, s->name, 0) < 0 ? -errno : 0;
}

int serve_act(const struct serve *s, enum split_file_do what)
{
	if (what == SPLIT_F_RENAME)
		return renameat(s->dir, s->hidden, s->dir, s->name) < 0 ? -errno : 0;
	return what == SPLIT_F_REMOVE ? remove_names(s) : -EINVAL;
}

static int act(const struct serve *s, enum split_file_do what)
{
	return s->by_helper ? split_file(FILE_SERVE, what, NULL) : serve_act(s, what);
}

void serve_leave_names(struct serve *s)
{
	if (s)
		s->by_helper = true;
}

void serve_begin(struct serve *s)
{
	if (s)
		act(s, SPLIT_F_RENAME);
}

static bool watch(struct serve *s, int operation, int fd, uint32_t events)
{
	struct epoll_event e = {.events = events};

	return epoll_ctl(s->epoll, operation, fd, &e) == 0;
}

/* Names that a trace left which was killed while it started. */
static void sweep_hidden(int dir)
{
	int fd = dup(dir);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;

	while (d && (entry = readdir(d))) {
		int pid = entry->d_name[0] == '.' ? atoi(entry->d_name + 1) : 0;

		if (pid > 0 && kill(pid, 0) < 0 && errno == ESRCH)
			unlinkat(dir, entry->d_name, 0);
	}
	if (d)
		closedir(d);
	else if (fd >= 0)
		close(fd);
}

struct serve *serve_open(status_fn status, void *ctx)
{
	struct serve *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->status = status;
	s->ctx = ctx;
	s->listen = s->client = -1;
	s->epoll = epoll_create1(EPOLL_CLOEXEC);
	s->owner = geteuid();
	s->group = getegid();
	s->dir = serve_directory(true);
	if (s->dir >= 0)
		sweep_hidden(s->dir);
	if (s->dir >= 0 && s->epoll >= 0 && open_socket(s) == 0 &&
	    watch(s, EPOLL_CTL_ADD, s->listen, EPOLLIN))
		return s;
	if (s->dir < 0)
		serve_say_refused(s->dir, "ls and who will not know what this trace has seen");
	serve_close(s);
	return NULL;
}

int serve_fd(const struct serve *s)
{
	return s->epoll;
}

/* ---- one who asks ---- */

static void drop(struct serve *s)
{
	close(s->client);
	s->client = -1;
	cookies_done(&s->asked);
	watch(s, EPOLL_CTL_MOD, s->listen, EPOLLIN);
}

/* Other clients wait in the queue of the socket, and do not wake the trace. */
static bool take_client(struct serve *s, uint64_t now_ns)
{
	int fd = accept4(s->listen, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

	if (fd < 0)
		return false;
	if (!may_ask(s, fd) || !watch(s, EPOLL_CTL_ADD, fd, EPOLLIN)) {
		close(fd);
		return false;
	}
	watch(s, EPOLL_CTL_MOD, s->listen, 0);
	s->client = fd;
	s->writing = false;
	s->stage = STAGE_HEADER;
	s->moved_ns = now_ns;
	s->cookies_in = 0;
	s->steps = (struct table_steps){0};
	s->in_len = s->out_sent = 0;
	s->out_len = past_write_hello(s->out);
	return true;
}

static bool is_asked(void *ctx, uint64_t cookie)
{
	const struct serve *s = ctx;
	uint64_t *at = cookies_first(&s->asked, hash_u64(cookie));

	while (at && *at != cookie)
		at = cookies_next(&s->asked, at);
	return at != NULL;
}

static bool take_header(struct serve *s)
{
	memcpy(&s->question, s->in, sizeof(s->question));
	if (!past_check_question(&s->question))
		return false;
	s->stage = STAGE_COOKIES;
	return cookies_reserve(&s->asked, s->question.count);
}

/* Takes the part of the question that has come in whole; false when it is no question. */
static bool take_bytes(struct serve *s)
{
	size_t at = 0;

	if (s->stage == STAGE_HEADER) {
		if (s->in_len < sizeof(s->question))
			return true;
		if (!take_header(s))
			return false;
		at = sizeof(s->question);
	}
	for (; s->in_len - at >= 8 && s->cookies_in < s->question.count; at += 8) {
		uint64_t cookie;

		memcpy(&cookie, s->in + at, sizeof(cookie));
		if (!cookie || (!is_asked(s, cookie) && !cookies_add(&s->asked, cookie)))
			return false;
		s->cookies_in++;
	}
	s->in_len -= at;
	memmove(s->in, s->in + at, s->in_len);
	if (s->cookies_in == s->question.count)
		s->stage = STAGE_WALK;
	return s->stage != STAGE_WALK || s->in_len == 0;
}

/* True when something came that may lead to more; else the client waits, or is gone. */
static bool read_some(struct serve *s, uint64_t now_ns)
{
	ssize_t n = recv(s->client, s->in + s->in_len, sizeof(s->in) - s->in_len, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n <= 0) {
		drop(s);
		return false;
	}
	s->moved_ns = now_ns;
	s->in_len += (size_t)n;
	if (!take_bytes(s)) {
		drop(s);
		return false;
	}
	return true;
}

/*
 * Whether no process may have the socket open any more.  Only then the answer carries its owner: a
 * listing finds those who have a socket open by itself.
 */
static bool may_be_left(const struct event *e)
{
	return e->close.end == EVENT_END_SEEN ||
	       (e->close.state != STATE_ESTABLISHED && e->close.state != STATE_LISTEN);
}

static void on_life(void *ctx, const struct event *e)
{
	struct serve *s = ctx;
	struct event life = *e;

	if (!may_be_left(e))
		life.process = NULL;
	process_resolve(s->processes, life.process);
	if (life.netns)
		s->out_len += past_write_life(s->out + s->out_len, &life);
}

static void tell_status(struct serve *s)
{
	struct status status = {0};

	s->status(s->ctx, &status);
	s->out_len += past_write_status(s->out + s->out_len, &status);
	s->out_len += past_write_end(s->out + s->out_len);
	s->stage = STAGE_END;
}

/* Goes on while the buffer has room for all that one step may write. */
static void tell_some(struct serve *s, struct table *t, uint64_t end_ns)
{
	const size_t most = OUT_BYTES / PAST_RECORD_MAX / 2;

	while (s->stage == STAGE_WALK && OUT_BYTES - s->out_len > most * PAST_RECORD_MAX &&
	       kernel_now() < end_ns) {
		for (int i = 0; i < STEP && s->stage == STAGE_WALK &&
				OUT_BYTES - s->out_len > most * PAST_RECORD_MAX;
		     i += (int)most) {
			if (table_each_known(t, &s->steps, most, is_asked, on_life, s))
				continue;
			s->stage = STAGE_END;
			s->out_len += past_write_end(s->out + s->out_len);
		}
	}
}

/* True when the socket took all of it. */
static bool write_some(struct serve *s, uint64_t now_ns)
{
	while (s->out_sent < s->out_len) {
		ssize_t n = send(s->client, s->out + s->out_sent, s->out_len - s->out_sent,
				 MSG_NOSIGNAL);

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return false;
		if (n <= 0) {
			drop(s);
			return false;
		}
		s->moved_ns = now_ns;
		s->out_sent += (size_t)n;
	}
	s->out_len = s->out_sent = 0;
	return true;
}

/* Wakes when the client can be written to, or has written. */
static void wait_for(struct serve *s, bool writing)
{
	if (s->client >= 0 && s->writing != writing) {
		watch(s, EPOLL_CTL_MOD, s->client, writing ? EPOLLOUT : EPOLLIN);
		s->writing = writing;
	}
}

bool serve_turn(struct serve *s, struct table *t, struct process_set *processes, uint64_t now_ns)
{
	uint64_t end_ns = now_ns + TURN_NS;

	if (!s || (s->client < 0 && !take_client(s, now_ns)))
		return false;
	while (s->stage <= STAGE_COOKIES && kernel_now() < end_ns && read_some(s, now_ns))
		;
	if (s->client < 0)
		return false;
	s->processes = processes;
	if (s->stage == STAGE_WALK && s->question.subject == PAST_OF_STATUS)
		tell_status(s);
	else if (s->stage == STAGE_WALK)
		tell_some(s, t, end_ns);
	if (!write_some(s, now_ns)) {
		wait_for(s, true);
	} else if (s->stage == STAGE_END) {
		drop(s);
		return true;
	} else if (s->stage == STAGE_WALK) {
		return true;
	} else {
		wait_for(s, false);
	}
	if (s->client >= 0 && now_ns > s->moved_ns + STALL_NS)
		drop(s);
	return false;
}

void serve_close(struct serve *s)
{
	if (!s)
		return;
	if (s->client >= 0)
		drop(s);
	if (s->listen >= 0) {
		if (s->name[0])
			act(s, SPLIT_F_REMOVE);
		close(s->listen);
	}
	if (s->epoll >= 0)
		close(s->epoll);
	if (s->dir >= 0)
		close(s->dir);
	free(s);
}
