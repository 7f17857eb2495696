/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * nested.h - the hooks whose programs come twice, see bpf/core.h.
 *
 * Owns: the numbers.  A row of the hook table (src/kernel/hooks.c) that is a second copy names its hook by one, and the
 * programs count under it.
 */
#ifndef SOCKWATCH_NESTED_H
#define SOCKWATCH_NESTED_H

enum nested_hook {
	NESTED_NONE, /* no second copy */
	/* Softirq may reach these while a task is inside. */
	NESTED_STATE,
	NESTED_DESTROY,
	NESTED_RECEIVE_RESET,
	NESTED_SEND_RESET,
	NESTED_TIME_WAIT,
	NESTED_TIME_WAIT_END,
	NESTED_CALLS,
	/* Tasks only. */
	NESTED_BIND4 = NESTED_CALLS,
	NESTED_BIND6,
	NESTED_ENTER_BIND4,
	NESTED_ENTER_BIND6,
	NESTED_BIND_DENIED,
	NESTED_LISTEN,
	NESTED_CONNECT4,
	NESTED_CONNECT6,
	NESTED_CONNECT_DENIED,
	NESTED_ENTER_CONNECT_UDP,
	NESTED_CONNECT_UDP,
	NESTED_ENTER_ASKED,
	NESTED_ASKED,
	NESTED_SEND,
	NESTED_ACCEPT,
	NESTED_ACCEPT_FAILED,
	NESTED_FORK,
	NESTED_EXEC,
	NESTED_EXIT,
	NESTED_RENAME,
	NESTED_HOOKS
};

#endif
