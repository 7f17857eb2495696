// SPDX-License-Identifier: GPL-2.0-only
/* A tour of the network namespaces goes on past what refuses, tells it, and never goes on in the wrong one. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../src/kernel/netns.h"

/* Which calls fail: nobody enters anything here. */
static struct {
	unsigned int calls;
	bool never, not_back;
} kernel;

int __wrap_setns(int fd, int type);
int __wrap_setns(int fd, int type)
{
	bool back = kernel.calls++ % 2;

	(void)fd, (void)type;
	errno = EPERM;
	return kernel.never || (kernel.not_back && back) ? -1 : 0;
}

/* A process in a namespace of its own; 0 where none can be made. */
struct neighbour {
	pid_t pid;
	uint32_t netns;
};

static int begin(void **state)
{
	static struct neighbour n;
	char path[64], byte;
	int up[2];

	*state = &n;
	n = (struct neighbour){0};
	memset(&kernel, 0, sizeof(kernel));
	if (pipe(up) < 0)
		return -1;
	n.pid = fork();
	if (n.pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) == 0 || unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0)
			(void)!write(up[1], "", 1);
		close(up[1]);
		pause();
		_exit(0);
	}
	close(up[1]);
	if (n.pid > 0 && read(up[0], &byte, 1) == 1) {
		snprintf(path, sizeof(path), "/proc/%d/ns/net", n.pid);
		n.netns = netns_inode_at(-1, path);
	}
	close(up[0]);
	return n.pid > 0 ? 0 : -1;
}

static int end(void **state)
{
	const struct neighbour *n = *state;

	kill(n->pid, SIGKILL);
	return waitpid(n->pid, NULL, 0) == n->pid ? 0 : -1;
}

static const struct neighbour *need_neighbour(void **state)
{
	const struct neighbour *n = *state;

	if (!n->netns) {
		print_message("no second network namespace can be made here\n");
		skip();
	}
	return n;
}

struct told {
	unsigned int visits, unseen;
	int home_result, result;
	uint32_t awaited;
	bool awaited_unseen;
};

static int visit(void *ctx)
{
	struct told *t = ctx;

	return t->visits++ ? t->result : t->home_result;
}

static void unseen(void *ctx, uint32_t netns)
{
	struct told *t = ctx;

	t->unseen++;
	t->awaited_unseen |= netns == t->awaited;
}

static const struct netns_visitor visitor = {.visit = visit, .unseen = unseen};

static void sees_every_one_once(void **state)
{
	const struct neighbour *n = need_neighbour(state);
	struct told t = {.awaited = n->netns};
	struct netns_unseen u;

	assert_int_equal(netns_each(&visitor, &t, &u), 0);
	assert_true(t.visits >= 2);
	assert_int_equal(kernel.calls, 2 * (t.visits - 1)); /* there and back, but for home */
	assert_false(t.awaited_unseen);
}

static void goes_on_where_it_may_not_enter(void **state)
{
	const struct neighbour *n = need_neighbour(state);
	struct told t = {.awaited = n->netns};
	struct netns_unseen u;
	char words[512];

	kernel.never = true;
	assert_int_equal(netns_each(&visitor, &t, &u), 0);
	assert_int_equal(t.visits, 1);
	assert_true(t.awaited_unseen);
	assert_int_equal(u.namespaces, t.unseen);
	assert_int_equal(u.err, -EPERM);
	assert_true(netns_describe(&u, words, sizeof(words)));
	assert_non_null(strstr(words, "could not be looked at ("));
	assert_non_null(strstr(words, ": Operation not permitted"));
	assert_non_null(strstr(words, u.path));
}

static void one_that_was_not_read_is_not_seen(void **state)
{
	const struct neighbour *n = need_neighbour(state);
	struct told t = {.awaited = n->netns, .result = -EIO};
	struct netns_unseen u;

	assert_int_equal(netns_each(&visitor, &t, &u), 0);
	assert_true(t.awaited_unseen);
	assert_int_equal(u.err, -EIO);
	t = (struct told){.awaited = netns_here(), .home_result = -EIO};
	assert_int_equal(netns_each(&visitor, &t, &u), 0);
	assert_true(t.awaited_unseen);
	t = (struct told){.home_result = -ENOSPC, .result = -EIO};
	assert_int_equal(netns_each(&visitor, &t, &u), -ENOSPC);
}

static void ends_where_there_is_no_way_home(void **state)
{
	const struct neighbour *n = need_neighbour(state);
	struct netns_at at;
	int status;
	pid_t pid;

	assert_true(netns_find(n->netns, 0, &at, NULL));
	kernel.not_back = true;
	for (int i = 0; i < 2; i++) {
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			struct told t = {0};
			struct netns_unseen u;

			if (i == 0)
				netns_each(&visitor, &t, &u);
			else
				netns_visit(&at, visit, &t);
			_exit(7); /* it went on */
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 1);
	}
}

static void finds_one_by_its_inode(void **state)
{
	const struct neighbour *n = need_neighbour(state);
	struct netns_at at;
	struct told t = {0};

	assert_true(netns_find(netns_here(), 0, &at, NULL));
	assert_true(netns_still_there(&at));
	assert_int_equal(netns_visit(&at, visit, &t), 0);
	assert_int_equal(kernel.calls, 0);
	assert_true(netns_find(n->netns, 0, &at, NULL));
	assert_true(netns_still_there(&at));
	assert_false(netns_find(1, 0, &at, NULL));
	assert_string_equal(at.path, "");
	assert_int_equal(t.visits, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(sees_every_one_once, begin, end),
		cmocka_unit_test_setup_teardown(goes_on_where_it_may_not_enter, begin, end),
		cmocka_unit_test_setup_teardown(one_that_was_not_read_is_not_seen, begin, end),
		cmocka_unit_test_setup_teardown(ends_where_there_is_no_way_home, begin, end),
		cmocka_unit_test_setup_teardown(finds_one_by_its_inode, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
