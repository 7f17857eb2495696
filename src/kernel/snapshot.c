// SPDX-License-Identifier: GPL-2.0-only
/*
 * snapshot.c - one look at every socket, through the iterators of bpf/snapshot.bpf.c.
 *
 *     this thread    iter/task_file: all descriptors of all tasks, all namespaces at once
 *     another        for each namespace: iter/tcp, iter/udp, its ephemeral ports
 *
 * Most of what the namespaces tell is there already; the rest has no descriptor: minisocks, orphans, what waits for accept(), a
 * descriptor in flight over a Unix socket, a subflow of MPTCP, a socket of the kernel itself.
 */
#include "snapshot_private.h"
#include "snapshot.skel.h"
#include "types.h"
#include "wire_snapshot.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

/* At least what the kernel gives at once. */
#define READ_BYTES (64u << 10)
/* Memory not touched costs nothing, moving it while another thread runs does. */
#define FIRST_BYTES (8u << 20)

/* Records between the one taken and the one expected. */
#define AHEAD 8

enum look { LOOK_AT_TASKS, LOOK_AT_TCP, LOOK_AT_UDP, LOOKS };

/* Every struct that bpf/snapshot.bpf.c reaches into. */
static const char *const wanted_types[] = {
	"bpf_iter_meta",
	"bpf_iter__task_file",
	"bpf_iter__tcp",
	"bpf_iter__udp",
	"cgroup",
	"cred",
	"css_set",
	"file",
	"in6_addr",
	"inet_timewait_sock",
	"inode",
	"kernfs_node",
	"net",
	"ns_common",
	"refcount_struct",
	"sock",
	"sock_common",
	"socket",
	"task_struct",
	"tcp_sock",
	"tcp_timewait_sock",
	"udp_sock",
	NULL,
};
static const char *const wanted_functions[] = {"bpf_iter_task_file", "bpf_iter_tcp", "bpf_iter_udp",
					       NULL};

struct bytes {
	char *data;
	size_t len, cap;
};

struct snapshot {
	struct snapshot_bpf *skel;
	struct types types;
	int link[LOOKS];
	struct listing *listing;
	uint32_t task;	     /* of the records that follow a LOOK_FIRST */
	struct bytes spaces; /* what the other thread read, parsed when it has ended */
	int spaces_err;
	struct netns_unseen unseen;
};

/* ---- records ---- */

static void decode(struct listing_socket *s, const struct wire_look *w)
{
	*s = (struct listing_socket){
		.key = w->key.socket,
		.sk = w->key.sk,
		.cookie = w->cookie,
		.netns = w->netns,
		.receive = w->receive,
		.send = w->send,
		.backlog = w->backlog,
		.protocol = w->type == SOCK_RAW ? IPPROTO_RAW : w->protocol,
		.family = w->family == AF_INET6 ? FAMILY_IPV6 : FAMILY_IPV4,
		.state = w->state < STATES ? w->state : STATE_NONE,
	};
	memcpy(s->local.addr, w->local, sizeof(w->local));
	memcpy(s->peer.addr, w->peer, sizeof(w->peer));
	s->local.port = w->local_port;
	s->peer.port = ntohs(w->peer_port_be);
	s->local.ifindex = s->peer.ifindex = w->ifindex;
	if (s->family == FAMILY_IPV6)
		s->mapped = inet_is_mapped(s->peer.addr) || inet_is_mapped(s->local.addr);
	if (w->key.flags & LOOK_F_DEAD)
		s->flags |= LISTING_DEAD;
	if (w->key.flags & LOOK_F_QUEUED)
		s->flags |= LISTING_QUEUED;
	if (w->key.flags & LOOK_F_KERNEL)
		s->flags |= LISTING_KERNEL;
	/* Half-open: what ss and netstat call SYN_RECV. */
	if (s->state == STATE_NEW_SYN_RECV)
		s->state = STATE_SYN_RECV;
}

static void take_task(struct snapshot *s, const struct wire_look_first *w)
{
	struct listing_task task = {
		.process = {.pid = w->pid,
			    .tid = w->pid,
			    .uid = w->uid,
			    .ruid = w->ruid,
			    .cgroup_id = w->cgroup_id},
		.parent = w->parent,
		.started_ns = w->started_ns,
	};

	memcpy(task.process.name, w->name, sizeof(task.process.name) - 1);
	s->task = listing_add_task(s->listing, &task);
}

/* False when the bytes make no sense. */
static bool take_record(struct snapshot *s, const struct wire_look_key *key, size_t size)
{
	struct listing_socket socket;

	switch (key->kind) {
	case LOOK_FIRST:
		if (size != sizeof(struct wire_look_first))
			return false;
		take_task(s, (const struct wire_look_first *)key);
		break;
	case LOOK_HELD:
	case LOOK_LOOSE:
		if (size != sizeof(struct wire_look))
			return false;
		break;
	default: return false;
	}
	if (key->kind == LOOK_LOOSE &&
	    listing_find(s->listing, key->socket, key->sk) != LISTING_NONE)
		return true;
	decode(&socket, (const struct wire_look *)key);
	if (key->kind == LOOK_LOOSE)
		listing_add_loose(s->listing, &socket);
	else if (s->task != LISTING_NONE)
		listing_add_holder(s->listing, s->task, key->fd, key->flags & LOOK_F_MAKER,
				   &socket);
	return true;
}

/* Where a record most likely lies: waiting for memory is most of what taking one costs. */
static void expect_record(const struct snapshot *s, const char *data, size_t at, size_t len)
{
	const struct wire_look_key *key;

	if (at + sizeof(*key) > len)
		return;
	key = (const struct wire_look_key *)(data + at);
	listing_expect(s->listing, key->socket, key->sk);
}

/* Takes whole records and returns how many bytes they were; -EBADMSG. */
static ssize_t take_records(struct snapshot *s, const char *data, size_t len)
{
	size_t at = 0;

	while (len - at >= sizeof(struct wire_look_key)) {
		const struct wire_look_key *key = (const struct wire_look_key *)(data + at);

		if (key->size > len - at)
			break;
		expect_record(s, data, at + AHEAD * sizeof(struct wire_look), len);
		if (!take_record(s, key, key->size))
			return -EBADMSG;
		at += key->size;
	}
	return (ssize_t)at;
}

/* ---- iterators ---- */

static bool bytes_reserve(struct bytes *b, size_t more)
{
	size_t cap = b->cap ? b->cap : FIRST_BYTES;
	char *grown;

	while (cap - b->len < more)
		cap *= 2;
	if (cap == b->cap)
		return true;
	grown = realloc(b->data, cap);
	if (!grown)
		return false;
	b->data = grown;
	b->cap = cap;
	return true;
}

static int read_all(int link, struct bytes *b)
{
	int fd = bpf_iter_create(link);
	int err = fd < 0 ? -errno : 0;

	while (!err) {
		ssize_t n;

		if (!bytes_reserve(b, READ_BYTES)) {
			err = -ENOMEM;
			break;
		}
		n = read(fd, b->data + b->len, b->cap - b->len);
		if (n == 0)
			break;
		if (n > 0)
			b->len += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			err = -errno;
	}
	if (fd >= 0)
		close(fd);
	return err;
}

static int read_tasks(struct snapshot *s)
{
	int fd = bpf_iter_create(s->link[LOOK_AT_TASKS]);
	int err = fd < 0 ? -errno : 0;
	char *data = malloc(2 * READ_BYTES);
	size_t len = 0;

	if (!data && !err)
		err = -ENOMEM;
	while (!err) {
		ssize_t n = read(fd, data + len, 2 * READ_BYTES - len), taken;

		if (n == 0)
			break;
		if (n < 0) {
			err = errno == EINTR || errno == EAGAIN ? 0 : -errno;
			continue;
		}
		len += (size_t)n;
		taken = take_records(s, data, len);
		if (taken < 0) {
			err = (int)taken;
			break;
		}
		len -= (size_t)taken;
		memmove(data, data + taken, len);
	}
	free(data);
	if (fd >= 0)
		close(fd);
	return err;
}

/* Half of a namespace would look like all of it. */
static int visit_netns(void *ctx)
{
	struct snapshot *s = ctx;
	size_t before = s->spaces.len;
	int err;

	s->skel->bss->this_netns = snapshot_note_netns(s->listing);
	err = read_all(s->link[LOOK_AT_TCP], &s->spaces);
	if (!err)
		err = read_all(s->link[LOOK_AT_UDP], &s->spaces);
	if (err)
		s->spaces.len = before;
	return err;
}

static void *read_spaces(void *ctx)
{
	static const struct netns_visitor visitor = {.visit = visit_netns};
	struct snapshot *s = ctx;

	s->spaces_err = netns_each(&visitor, s, &s->unseen);
	return NULL;
}

/* The namespaces of `l` are the other thread's until it has ended; the tasks and sockets are this one's. */
static int look(struct snapshot *s)
{
	pthread_t thread;
	ssize_t taken;
	int err = pthread_create(&thread, NULL, read_spaces, s), tasks_err;

	if (err)
		return -err;
	tasks_err = read_tasks(s);
	pthread_join(thread, NULL);
	if (tasks_err || s->spaces_err)
		return tasks_err ? tasks_err : s->spaces_err;
	taken = take_records(s, s->spaces.data, s->spaces.len);
	return taken < 0 ? (int)taken : 0;
}

/* ---- loading ---- */

/*
 * libbpf would read all of the kernel's types once more to attach by name; the ids are known already.  So the programs pretend
 * to need none until they are loaded.
 */
static const struct types *loading;

static int prepare_program(struct bpf_program *program, struct bpf_prog_load_opts *opts,
			   long cookie)
{
	const char *section = bpf_program__section_name(program);

	(void)cookie;
	opts->expected_attach_type = BPF_TRACE_ITER;
	for (int i = 0; i < LOOKS; i++) {
		if (strcmp(section + strlen("look/"), wanted_functions[i] + strlen("bpf_iter_")) ==
		    0)
			opts->attach_btf_id = loading->function_id[i];
	}
	if (!opts->attach_btf_id)
		return -ENOENT;
	return bpf_program__set_type(program, BPF_PROG_TYPE_TRACING);
}

static int load(struct snapshot *s, const struct snapshot_options *options)
{
	LIBBPF_OPTS(libbpf_prog_handler_opts, handler, .prog_prepare_load_fn = prepare_program);
	LIBBPF_OPTS(bpf_object_open_opts, opts);
	LIBBPF_OPTS(bpf_link_create_opts, link_opts);
	const struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
	static int handler_id;
	int err = types_load(&s->types, options->btf_path, wanted_types, wanted_functions);

	if (err)
		return err;
	/* Kernels before 5.11 charge maps to this limit. */
	setrlimit(RLIMIT_MEMLOCK, &unlimited);
	/* Once and for all: libbpf 1.1 frees its list with the last handler and goes on using it. */
	if (handler_id <= 0)
		handler_id = libbpf_register_prog_handler("look/", BPF_PROG_TYPE_SOCKET_FILTER, 0,
							  &handler);
	if (handler_id < 0)
		return handler_id;
	loading = &s->types;
	opts.btf_custom_path = s->types.path;
	s->skel = snapshot_bpf__open_opts(&opts);
	err = s->skel ? 0 : -errno;
	if (!err) {
		s->skel->rodata->details = options->details;
		err = snapshot_bpf__load(s->skel);
	}
	for (int i = 0; i < LOOKS && !err; i++) {
		const struct bpf_program *program[] = {
			s->skel->progs.look_held, s->skel->progs.look_tcp, s->skel->progs.look_udp};

		s->link[i] =
			bpf_link_create(bpf_program__fd(program[i]), 0, BPF_TRACE_ITER, &link_opts);
		if (s->link[i] < 0)
			err = -errno;
	}
	return err;
}

int snapshot_iterate(const struct snapshot_options *options, struct listing *l, bool *ret_loaded,
		     struct netns_unseen *ret_unseen)
{
	struct snapshot s = {.types.fd = -1, .link = {-1, -1, -1}, .listing = l};
	int err;

	s.task = LISTING_NONE;
	err = load(&s, options);
	*ret_loaded = err == 0;
	if (!err)
		err = look(&s);
	*ret_unseen = s.unseen;
	for (int i = 0; i < LOOKS; i++) {
		if (s.link[i] >= 0)
			close(s.link[i]);
	}
	snapshot_bpf__destroy(s.skel);
	types_done(&s.types);
	free(s.spaces.data);
	return err;
}
