/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * remote.h - the socket calls, made by a peer.
 *
 * Owns: thin wrappers around call functions.  Each returns what the system call returned, or a
 * negative errno; a story that cannot go on without success wraps it in must().
 *
 *     int fd = (int)must("socket", remote_socket(p, AF_INET, 0));
 *     must("connect", remote_connect(p, fd, address_of("127.0.0.1", 80)));
 */
#ifndef E2E_REMOTE_H
#define E2E_REMOTE_H

#include "line.h"
#include "peer.h"

struct address {
	struct sockaddr_storage ss;
	socklen_t len;
};

/* "127.0.0.1", "::1", "::ffff:127.0.0.1". */
struct address address_of(const char *text, unsigned int port);
struct address address_with_port(struct address a, unsigned int port);
/* AF_UNSPEC: connecting there dissolves a connection. */
struct address address_nowhere(void);
/* As a line prints it: mapped addresses as IPv4. */
struct end address_end(const struct address *a);
unsigned int address_port(const struct address *a);

int remote_socket(struct peer *p, int family, int flags);
/* `type`: SOCK_STREAM or SOCK_DGRAM, with flags. */
int remote_typed_socket(struct peer *p, int family, int type);
int remote_protocol_socket(struct peer *p, int family, int protocol);
int remote_bind(struct peer *p, int fd, struct address a);
int remote_listen(struct peer *p, int fd, int backlog);
int remote_connect(struct peer *p, int fd, struct address a);
void remote_connect_begin(struct peer *p, int fd, struct address a);

enum accept_how {
	ACCEPT_ADDRESS, /* accept(fd, &addr, &len) */
	ACCEPT_NULL,	/* accept(fd, NULL, NULL) */
	ACCEPT4,	/* accept4() with an address and SOCK_NONBLOCK */
	ACCEPT4_NULL,
};
int remote_accept(struct peer *p, int fd, enum accept_how how);
void remote_accept_begin(struct peer *p, int fd, enum accept_how how);
/* Returns once the peer sleeps inside accept(). */
void remote_wait_accepting(struct peer *p);
/* Result of what a remote_..._begin() started. */
int remote_finish(struct peer *p);

/* Sends `count` bytes, however many calls that takes; returns `count`. */
long remote_send(struct peer *p, int fd, long count);
/* Reads until `count` bytes or the end of the stream came; returns how many. */
long remote_receive(struct peer *p, int fd, long count);
int remote_shutdown(struct peer *p, int fd, int how);
int remote_close(struct peer *p, int fd);
int remote_dup2(struct peer *p, int from, int to);
int remote_option(struct peer *p, int fd, int level, int name, int value);
int remote_get_option(struct peer *p, int fd, int level, int name, int *ret);
/* Whatever is sent to the socket is dropped before TCP sees it: a peer that has vanished. */
void remote_deafen(struct peer *p, int fd);
int remote_nonblock(struct peer *p, int fd);
/* SO_LINGER with a timeout of 0: close() sends a reset. */
int remote_linger_reset(struct peer *p, int fd);
struct address remote_local(struct peer *p, int fd);
struct address remote_peer(struct peer *p, int fd);
/* Creates the cookie if there is none yet, so ask late: the tracer must not need the help. */
uint64_t remote_cookie(struct peer *p, int fd);
/* Waits at most `ms` until poll() reports any of `events` (or an error); returns revents, 0 on
 * timeout. */
int remote_wait(struct peer *p, int fd, int events, int ms);
/* write() of `text` to the file at `path`. */
int remote_write_file(struct peer *p, const char *path, const char *text);
/* It ends with its parent otherwise. */
void remote_survive(struct peer *p);
void remote_socketpair(struct peer *p, int ret[2]);
/* SCM_RIGHTS: sends `fd` over one end of a pair; receives it from the other and returns its number here. */
int remote_pass(struct peer *p, int over, int fd);
int remote_take(struct peer *p, int over);
/* A child of the peer with its descriptors, in which another program runs until the peer ends; returns its pid. */
int remote_exec_child(struct peer *p);
/* A new network namespace with its loopback device up; p->netns follows. */
void remote_own_netns(struct peer *p);

#endif
