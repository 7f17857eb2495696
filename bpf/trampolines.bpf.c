// SPDX-License-Identifier: GPL-2.0-only
/*
 * trampolines.bpf.c - bind, listen, connect, accept and TIME_WAIT by fentry and fexit: they cost other system
 * calls nothing and cover io_uring, because every path goes through these functions.
 *
 * There is none for the release of a TCP socket. However its last descriptor goes (close, dup2, execve, exit, the end of a
 * message that carries it), tcp_close() changes the state or destroys the socket, which core.bpf.c tells: ESTABLISHED and
 * CLOSE_WAIT become FIN_WAIT1, LAST_ACK or CLOSE, LISTEN and SYN_SENT become CLOSE, one that is only bound is destroyed.
 * Only after shutdown() does nothing change, and then nothing more is to be told before the end. fentry/inet_release would
 * cost every socket of the host a program (UDP sockets have cgroup/sock_release), and say in whose task it happened, which
 * names no owner.
 */
#include "failures.h"
#include "minisock.h"
#include "told.h"

/* Both copies of a program, `name` and again_`name` (core.h); `work` is an expression of the arguments and of `again`. */
#define TWICE(section, name, work, ...)                                                            \
	SEC(section)                                                                               \
	int BPF_PROG(name, ##__VA_ARGS__)                                                          \
	{                                                                                          \
		const bool again = false;                                                          \
                                                                                                   \
		return work;                                                                       \
	}                                                                                          \
	SEC(section)                                                                               \
	int BPF_PROG(again_##name, ##__VA_ARGS__)                                                  \
	{                                                                                          \
		const bool again = true;                                                           \
                                                                                                   \
		return work;                                                                       \
	}

/*
 * UDP takes a port in bind(), connect() or a send, all by udp_lib_get_port().  The entries of the
 * first two leave a note, so that only the third is taken for an autobind.
 */
static __always_inline int udp_enter(enum nested_hook hook, enum call_kind kind,
				     struct socket *sock, const bool again)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct sock *sk = sock->sk;
	struct call call = {.kind = kind};

	if (is_call_told(hook, sock, again) || !sk || !is_udp_socket(sk, true))
		return 0;
	call.sk = (__u64)sk;
	call.udp = sk->__sk_common.skc_num ? UDP_HAS_PORT : UDP_NO_PORT;
	if (bpf_map_update_elem(&calls, &id, &call, BPF_ANY))
		__sync_fetch_and_add(&calls_full, 1);
	return 0;
}

static __always_inline void call_forget(void)
{
	__u64 id = bpf_get_current_pid_tgid();

	bpf_map_delete_elem(&calls, &id);
}

TWICE("fentry/inet_bind", fentry__inet_bind, udp_enter(NESTED_ENTER_BIND4, CALL_BIND, sock, again),
      struct socket *sock)

TWICE("fentry/inet6_bind", fentry__inet6_bind,
      udp_enter(NESTED_ENTER_BIND6, CALL_BIND, sock, again), struct socket *sock)

TWICE("fentry/inet_dgram_connect", fentry__inet_dgram_connect,
      udp_enter(NESTED_ENTER_CONNECT_UDP, CALL_CONNECT, sock, again), struct socket *sock)

static __always_inline int udp_connect_exit(struct socket *sock, const void *uaddr, int length,
					    int ret, const bool again)
{
	struct call *call = current_call();
	struct sock *sk = sock->sk;
	__u8 asked[28] = {};
	bool had_port;

	if (is_call_told(NESTED_CONNECT_UDP, sock, again) || !call || !sk || call->sk != (__u64)sk)
		return 0;
	had_port = call->udp == UDP_HAS_PORT;
	call_forget();
	if (ret < 0 && length >= (int)sizeof(__u16))
		bpf_probe_read_kernel(asked, sizeof(asked), uaddr);
	on_udp_connect(sk, true, asked, ret, had_port);
	return 0;
}

TWICE("fexit/inet_dgram_connect", fexit__inet_dgram_connect,
      udp_connect_exit(sock, uaddr, length, ret, again), struct socket *sock, void *uaddr,
      int length, int flags, int ret)

/* What a send reports when this fails is EAGAIN (net/ipv4/af_inet.c inet_autobind()). */
#define NO_PORT_RESULT (-11)

static __always_inline int get_port_exit(struct sock *sk, int ret, const bool again)
{
	if (!is_call_told(NESTED_SEND, sk, again) && is_udp_socket(sk, true) && !current_call())
		on_autobind(sk, true, ret ? NO_PORT_RESULT : 0);
	return 0;
}

TWICE("fexit/udp_lib_get_port", fexit__udp_lib_get_port, get_port_exit(sk, ret, again),
      struct sock *sk, unsigned short port, unsigned int hash, int ret)

/* uaddr is struct sockaddr * up to 6.18 and struct sockaddr_unsized * later; a copy needs neither
 * type. */
static __always_inline int bind_exit(enum nested_hook hook, struct socket *sock, const void *uaddr,
				     int length, int ret, const bool again)
{
	__u8 asked[28] = {};
	struct sock *sk = sock->sk;

	if (is_call_told(hook, sock, again) || !sk)
		return 0;
	if (is_udp_socket(sk, true))
		call_forget();
	else if (!is_traced_socket(sk, true) && !(ret < 0 && is_any_udp_socket(sk, true)))
		return 0;
	if (ret < 0 && length >= (int)sizeof(__u16))
		bpf_probe_read_kernel(asked, sizeof(asked), uaddr);
	on_bind(sk, true, asked, ret);
	return 0;
}

TWICE("fexit/inet_bind", fexit__inet_bind, bind_exit(NESTED_BIND4, sock, uaddr, length, ret, again),
      struct socket *sock, void *uaddr, int length, int ret)

TWICE("fexit/inet6_bind", fexit__inet6_bind,
      bind_exit(NESTED_BIND6, sock, uaddr, length, ret, again), struct socket *sock, void *uaddr,
      int length, int ret)

static __always_inline int listen_exit(struct socket *sock, int backlog, int ret, const bool again)
{
	struct sock *sk = sock->sk;

	if (!is_call_told(NESTED_LISTEN, sock, again) && sk && is_traced_socket(sk, true))
		on_listen(sk, true, true, backlog, ret);
	return 0;
}

TWICE("fexit/inet_listen", fexit__inet_listen, listen_exit(sock, backlog, ret, again),
      struct socket *sock, int backlog, int ret)

/* Whether the connect() that fails had gone to SYN_SENT. */
static __always_inline bool was_turned_back(struct sock *sk)
{
	__u64 id = bpf_get_current_pid_tgid();
	__u64 *last = bpf_map_lookup_elem(&turned_back, &id);
	bool same = last && *last == (__u64)sk;

	if (last)
		bpf_map_delete_elem(&turned_back, &id);
	return same;
}

/*
 * A security module refuses before the socket's own functions are reached.  As in the other tier a connect() of a socket that
 * is connecting or connected is not told, nor one that dissolves a connection.
 */
static __always_inline int denied(enum wire_kind kind, struct socket *sock, const void *uaddr,
				  int length, int ret, const bool again)
{
	struct sock *sk = sock->sk;
	__u8 asked[28] = {};
	bool udp;

	if (is_call_told(kind == WIRE_BIND ? NESTED_BIND_DENIED : NESTED_CONNECT_DENIED, sock,
			 again) ||
	    ret >= 0 || !sk)
		return 0;
	udp = is_udp_socket(sk, true);
	if (!udp && !is_traced_socket(sk, true))
		return 0;
	if (length >= (int)sizeof(__u16))
		bpf_probe_read_kernel(asked, sizeof(asked), uaddr);
	if (kind == WIRE_CONNECT && !udp &&
	    (sk->__sk_common.skc_state != TCP_CLOSE || *(__u16 *)asked == 0))
		return 0;
	on_failure(kind, sk, true, asked, ret,
		   udp && kind == WIRE_CONNECT && !sk->__sk_common.skc_num, 0);
	return 0;
}

TWICE("fexit/security_socket_bind", fexit__security_socket_bind,
      denied(WIRE_BIND, sock, uaddr, length, ret, again), struct socket *sock, void *uaddr,
      int length, int ret)

TWICE("fexit/security_socket_connect", fexit__security_socket_connect,
      denied(WIRE_CONNECT, sock, uaddr, length, ret, again), struct socket *sock, void *uaddr,
      int length, int ret)

/* The kind of call that a cgroup program is run for: a number of its own from 5.15 (6fc88c354f3a) on. */
static __always_inline bool is_connect_attach(__u32 type)
{
	if (!bpf_core_enum_value_exists(enum cgroup_bpf_attach_type, CGROUP_INET4_CONNECT))
		return type == BPF_CGROUP_INET4_CONNECT || type == BPF_CGROUP_INET6_CONNECT;
	return type == bpf_core_enum_value(enum cgroup_bpf_attach_type, CGROUP_INET4_CONNECT) ||
	       type == bpf_core_enum_value(enum cgroup_bpf_attach_type, CGROUP_INET6_CONNECT);
}

/* One of a function's arguments, its result behind them: a load of its own, since 5.10 refuses one from a chosen place. */
#define ARGUMENT(ctx, n)                                                                           \
	({                                                                                         \
		__u64 argument_;                                                                   \
		asm volatile("%0 = *(u64 *)(%1 + %2)"                                              \
			     : "=r"(argument_)                                                     \
			     : "r"(ctx), "i"((n) * sizeof(__u64)));                                \
		argument_;                                                                         \
	})

/*
 * The kernel runs the cgroup programs of connect4 and connect6 here, where a host has any, and lets them change the address in
 * place: (sk, uaddr, type, ...) up to 6.6, with one argument less up to 5.11, (sk, uaddr, length, type, ...) later (fefba7d1ae19).
 */
static __always_inline int sock_addr_enter(unsigned long long *ctx, const bool again)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct sock *sk = (struct sock *)ctx[0];
	struct asked_for asked = {.sk = (__u64)sk};

	if (is_call_told(NESTED_ENTER_ASKED, sk, again) ||
	    !is_connect_attach(sock_addr_params == 6 ? ARGUMENT(ctx, 3) : ARGUMENT(ctx, 2)) ||
	    !(is_traced_socket(sk, false) || is_udp_socket(sk, false)))
		return 0;
	bpf_probe_read_kernel(asked.address, sizeof(asked.address), (void *)ctx[1]);
	bpf_map_update_elem(&asked_for, &id, &asked, BPF_ANY);
	return 0;
}

TWICE("fentry/__cgroup_bpf_run_filter_sock_addr", fentry__sock_addr, sock_addr_enter(ctx, again))

/* The exit of inet_dgram_connect() tells of UDP that is refused. */
static __always_inline int sock_addr_exit(unsigned long long *ctx, const bool again)
{
	__u64 id = bpf_get_current_pid_tgid();
	struct asked_for asked, *found = bpf_map_lookup_elem(&asked_for, &id);
	struct sock *sk = (struct sock *)ctx[0];
	__u8 got[28];
	int ret = sock_addr_params == 6	  ? ARGUMENT(ctx, 6)
		  : sock_addr_params == 5 ? ARGUMENT(ctx, 5)
					  : ARGUMENT(ctx, 4);

	if (is_call_told(NESTED_ASKED, sk, again) || !found || found->sk != (__u64)sk)
		return 0;
	asked = *found;
	bpf_map_delete_elem(&asked_for, &id);
	if (ret < 0) {
		if (is_traced_socket(sk, false))
			on_failure(WIRE_CONNECT, sk, false, asked.address, ret, 0, 0);
		return 0;
	}
	bpf_probe_read_kernel(got, sizeof(got), (void *)ctx[1]);
	if (!same_destination(asked.address, got))
		on_asked(sk, false, true, asked.address, *(const __u16 *)(got + 2));
	return 0;
}

TWICE("fexit/__cgroup_bpf_run_filter_sock_addr", fexit__sock_addr, sock_addr_exit(ctx, again))

/* A v4-mapped connect of an IPv6 socket comes to tcp_v4_connect() inside tcp_v6_connect(), which reports it. */
static __always_inline int connect_exit(enum nested_hook hook, struct sock *sk, const void *uaddr,
					int length, int ret, const bool again)
{
	__u8 asked[28] = {}, flags = 0;

	if (is_call_told(hook, sk, again) ||
	    (hook == NESTED_CONNECT4 && sk->__sk_common.skc_family != AF_INET) ||
	    !is_traced_protocol(sk->sk_protocol))
		return 0;
	if (ret < 0 && length >= (int)sizeof(__u16))
		bpf_probe_read_kernel(asked, sizeof(asked), uaddr);
	if (ret < 0 && was_turned_back(sk))
		flags = WIRE_F_OPENED;
	on_connect(sk, true, true, asked, ret, flags);
	return 0;
}

TWICE("fexit/tcp_v4_connect", fexit__tcp_v4_connect,
      connect_exit(NESTED_CONNECT4, sk, uaddr, length, ret, again), struct sock *sk, void *uaddr,
      int length, int ret)

TWICE("fexit/tcp_v6_connect", fexit__tcp_v6_connect,
      connect_exit(NESTED_CONNECT6, sk, uaddr, length, ret, again), struct sock *sk, void *uaddr,
      int length, int ret)

static __always_inline int accept_return(struct sock *child, const bool again)
{
	if (!is_call_told(NESTED_ACCEPT, child, again) && child && is_traced_socket(child, true))
		on_accept(child, true, 0);
	return 0;
}

/* Every accept joins its socket to the new file here, also one that was blocked before the program was attached: a function
 * already entered has no exit to see.  Needs CONFIG_SECURITY_NETWORK. */
TWICE("fentry/security_sock_graft", fentry__security_sock_graft, accept_return(sk, again),
      struct sock *sk, struct socket *parent)

/* Up to 6.9 (sk, flags, err, kern); from 6.10 (92ef0fd55ac8) (sk, proto_accept_arg).  Delete the
 * first with 6.6. */
TWICE("fexit/inet_csk_accept", fexit__inet_csk_accept4, accept_return(child, again),
      struct sock *sk, int flags, int *err, bool kern, struct sock *child)

TWICE("fexit/inet_csk_accept", fexit__inet_csk_accept2, accept_return(child, again),
      struct sock *sk, void *arg, struct sock *child)

/* No descriptor left (EMFILE), no memory, a socket that does not listen: whatever happens before a connection is taken and after. */
static __always_inline int accept4_exit(int fd, int ret, const bool again)
{
	if (!is_call_told(NESTED_ACCEPT_FAILED, NULL, again) && accept_went_wrong(ret))
		on_accept_failed(fd, ret);
	return 0;
}

TWICE("fexit/__sys_accept4", fexit____sys_accept4, accept4_exit(fd, ret, again), int fd, void *addr,
      void *length, int flags, int ret)

static __always_inline int time_wait(struct inet_timewait_sock *tw, struct sock *sk,
				     const bool again)
{
	if (!is_told(NESTED_TIME_WAIT, tw, 0, again))
		on_time_wait(tw, sk, again ? WIRE_F_AGAIN : 0);
	return 0;
}

/* A kernel has one of the two functions, the second from 6.8 on.  Delete the first with 6.6. */
TWICE("fentry/inet_twsk_hashdance", fentry__inet_twsk_hashdance, time_wait(tw, sk, again),
      struct inet_timewait_sock *tw, struct sock *sk)

TWICE("fentry/inet_twsk_hashdance_schedule", fentry__inet_twsk_hashdance_schedule,
      time_wait(tw, sk, again), struct inet_timewait_sock *tw, struct sock *sk)

static __always_inline int time_wait_end(struct inet_timewait_sock *tw, const bool again)
{
	if (!is_told(NESTED_TIME_WAIT_END, tw, 0, again))
		on_time_wait_end(tw);
	return 0;
}

TWICE("fentry/inet_twsk_kill", fentry__inet_twsk_kill, time_wait_end(tw, again),
      struct inet_timewait_sock *tw)
