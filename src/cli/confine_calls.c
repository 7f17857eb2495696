// SPDX-License-Identifier: GPL-2.0-only
/*
 * confine_calls.c - a list of what is allowed: a kernel's next system call is not.  It fails with ENOSYS, by which libc knows that it must
 * do with an older one (clone3() becomes clone(), whose flags can be looked at); to be killed would be a crash on the next distribution.
 * What is refused on purpose fails with EPERM, so that a message tells the one from the other.
 */
#include "confine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/nsfs.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#define C(name)	 SCMP_SYS(name)
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))
#define HISTORY	 (1u << CONFINE_HISTORY)
#define LISTING	 (1u << CONFINE_LISTING)
#define READER	 (1u << CONFINE_READER)
#define HELPER	 (1u << CONFINE_HELPER)
#define SENDER	 (1u << CONFINE_SENDER)
#define EVERY	 (HISTORY | LISTING | READER | HELPER | SENDER)
#define TALKS	 (LISTING | READER | HELPER | SENDER)

/* clang-format off */
static const int by_every[] = {
	/* memory, threads, time */
	C(brk), C(munmap), C(mremap), C(madvise), C(mlock), C(munlock), C(futex), C(futex_waitv), C(set_robust_list), C(rseq),
	C(membarrier), C(exit), C(exit_group), C(restart_syscall), C(sched_yield), C(sched_getaffinity), C(sched_getparam),
	C(sched_getscheduler), C(getpriority), C(getcpu), C(nanosleep), C(clock_nanosleep), C(clock_gettime), C(clock_getres),
	C(gettimeofday), C(time), C(getrusage),
	/* who it is, what the machine has */
	C(getpid), C(gettid), C(getppid), C(getuid), C(geteuid), C(getgid), C(getegid), C(getgroups), C(getresuid),
	C(getresgid), C(capget), C(uname), C(sysinfo), C(getrandom), C(getrlimit), C(getcwd), C(umask),
	/* signals, waiting */
	C(rt_sigaction), C(rt_sigprocmask), C(rt_sigreturn), C(rt_sigtimedwait), C(sigaltstack), C(poll), C(ppoll), C(select), C(pselect6),
	C(epoll_create1), C(epoll_ctl), C(epoll_wait), C(epoll_pwait), C(epoll_pwait2), C(eventfd2),
	/* files that are open */
	C(read), C(readv), C(pread64), C(preadv), C(preadv2), C(write), C(writev), C(pwrite64), C(pwritev), C(pwritev2), C(lseek),
	C(close), C(close_range), C(dup), C(dup2), C(dup3), C(fcntl), C(flock), C(fsync), C(fdatasync), C(sync_file_range),
	C(fadvise64), C(readahead), C(pipe2), C(ftruncate), C(fallocate), C(fchmod), C(fchown),
	/* ... and where they are */
	C(stat), C(lstat), C(fstat), C(newfstatat), C(statx), C(statfs), C(fstatfs), C(access), C(faccessat), C(faccessat2),
	C(readlink), C(readlinkat), C(getdents64),
};

static const int by_writers[] = {
	C(rename), C(renameat), C(renameat2), C(unlink), C(unlinkat),
};

static const int by_talkers[] = {
	C(connect), C(sendto), C(sendmsg), C(sendmmsg), C(recvfrom), C(recvmsg), C(recvmmsg), C(getsockopt), C(setsockopt), C(getsockname),
	C(getpeername), C(shutdown), C(unlinkat) /* what a trace that has ended has left */,
};

static const int by_servers[] = {
	C(bind), C(listen), C(accept), C(accept4), C(wait4), C(sched_setscheduler), C(sched_setparam), C(setpriority), C(mkdir), C(mkdirat),
	C(rename), C(renameat), C(renameat2), C(unlink),
};

static const int by_helper[] = {
	C(bpf), C(perf_event_open), C(setns), C(unshare), C(fsopen), C(fsmount), C(fsconfig), C(open_by_handle_at), C(memfd_create), C(kcmp),
};

static const int by_sender[] = {
	C(bind) /* of a netlink socket; nothing listens */,
};

/* Known and of no use here: EPERM where the set does not allow them.  Everything else that is not allowed: ENOSYS. */
static const int dangerous[] = {
	C(execve), C(execveat), C(fork), C(vfork), C(ptrace), C(process_vm_readv), C(process_vm_writev), C(process_madvise), C(kill), C(tkill),
	C(rt_sigqueueinfo), C(rt_tgsigqueueinfo), C(pidfd_send_signal), C(pidfd_open), C(pidfd_getfd), C(kcmp), C(bpf), C(perf_event_open),
	C(userfaultfd), C(io_uring_setup), C(io_uring_enter), C(io_uring_register), C(init_module), C(finit_module), C(delete_module),
	C(kexec_load), C(kexec_file_load), C(reboot), C(mount), C(umount2), C(pivot_root), C(chroot), C(move_mount), C(open_tree),
	C(fsopen), C(fsmount), C(fsconfig), C(mount_setattr), C(setns), C(unshare), C(open_by_handle_at), C(swapon), C(swapoff),
	C(sethostname), C(setdomainname), C(settimeofday), C(clock_settime), C(adjtimex), C(clock_adjtime), C(syslog), C(acct), C(quotactl),
	C(add_key), C(request_key), C(keyctl), C(iopl), C(ioperm), C(personality), C(setuid), C(setgid), C(setreuid), C(setregid),
	C(setresuid), C(setresgid), C(setgroups), C(setfsuid), C(setfsgid), C(capset), C(mknod), C(mknodat), C(symlink), C(symlinkat), C(chown), C(lchown),
	C(fchownat), C(setxattr), C(lsetxattr), C(fsetxattr), C(rename), C(renameat), C(renameat2), C(unlink), C(unlinkat), C(link), C(linkat),
	C(truncate), C(chmod), C(fchmodat), C(bind), C(listen), C(accept), C(accept4), C(connect), C(socketpair), C(seccomp), C(modify_ldt),
};
/* clang-format on */

static const struct {
	const int *call;
	size_t count;
	unsigned int sets;
} lists[] = {
	{by_every, COUNT(by_every), EVERY},
	{by_talkers, COUNT(by_talkers), TALKS},
	{by_servers, COUNT(by_servers), READER | HELPER},
	{by_helper, COUNT(by_helper), HELPER},
	{by_sender, COUNT(by_sender), SENDER},
};

/* A call with an argument: one of these values, behind a mask where there is one. */
static const struct {
	int call;
	unsigned int arg;
	uint64_t mask, value;
	unsigned int sets;
} values[] = {
	/* Threads, no processes; nothing executable. */
	{C(clone), 0, CLONE_THREAD, CLONE_THREAD, EVERY},
	{C(mmap), 2, PROT_EXEC, 0, EVERY},
	{C(mprotect), 2, PROT_EXEC, 0, EVERY},
	{C(open), 1, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY, EVERY},
	{C(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY, EVERY},
	{C(prctl), 0, 0, PR_SET_NAME, EVERY},
	{C(prctl), 0, 0, PR_GET_NAME, EVERY},
	{C(prctl), 0, 0, PR_SET_PDEATHSIG, READER | HELPER},
	/* To a terminal the answers only: TIOCSTI would type on it. */
	{C(ioctl), 1, 0, TCGETS, EVERY},
	{C(ioctl), 1, 0, TIOCGWINSZ, EVERY},
	{C(ioctl), 1, 0, FIONREAD, EVERY},
	{C(ioctl), 1, 0, NS_GET_NSTYPE, HELPER},
	{C(ioctl), 1, 0, NS_GET_USERNS, HELPER},
	{C(ioctl), 1, 0, PERF_EVENT_IOC_ENABLE, HELPER},
	{C(ioctl), 1, 0, PERF_EVENT_IOC_DISABLE, READER | HELPER},
	{C(ioctl), 1, 0, PERF_EVENT_IOC_SET_BPF, HELPER},
	{C(ioctl), 1, 0, 0x8910 /* SIOCGIFNAME */, HELPER},
	/* Whether a process is there. */
	{C(kill), 1, 0, 0, LISTING | HELPER},
	{C(socket), 0, 0, AF_UNIX, TALKS},
	{C(socket), 0, 0, AF_INET, LISTING | HELPER | SENDER},
	{C(socket), 0, 0, AF_INET6, LISTING | HELPER | SENDER},
	/* Of a sender for the C library, which asks what addresses there are before it sorts those of a name. */
	{C(socket), 0, 0, AF_NETLINK, HELPER | SENDER},
	{C(socketpair), 0, 0, AF_UNIX, SENDER},
};

/* What curses sets up, of the terminal that is open: modes, and that what was typed is forgotten.  And what is typed may name a namespace. */
static const uint64_t terminal[] = {TCSETS, TCSETSW, TCSETSF, TCSBRK, TCFLSH, NS_GET_NSTYPE};

/* What this machine does not have has a number below 0. */
static int add(scmp_filter_ctx filter, uint32_t action, int call)
{
	int err = call < 0 ? 0 : seccomp_rule_add(filter, action, call, 0);

	return err == -EEXIST || err == -EDOM ? 0 : err;
}

static int add_value(scmp_filter_ctx filter, int call, unsigned int arg, uint64_t mask,
		     uint64_t value)
{
	const struct scmp_arg_cmp cmp = {
		.arg = arg,
		.op = mask ? SCMP_CMP_MASKED_EQ : SCMP_CMP_EQ,
		.datum_a = mask ? mask : value,
		.datum_b = value,
	};
	int err = call < 0 ? 0 : seccomp_rule_add(filter, SCMP_ACT_ALLOW, call, 1, cmp);

	return err == -EEXIST ? 0 : err;
}

static bool in(const int *list, size_t count, int call)
{
	for (size_t i = 0; i < count; i++) {
		if (list[i] == call)
			return true;
	}
	return false;
}

/* Or some of it. */
static bool is_allowed(const struct confine *wish, int call)
{
	for (size_t i = 0; i < COUNT(lists); i++) {
		if (lists[i].sets >> wish->calls & 1 && in(lists[i].call, lists[i].count, call))
			return true;
	}
	for (size_t i = 0; i < COUNT(values); i++) {
		if (values[i].sets >> wish->calls & 1 && values[i].call == call)
			return true;
	}
	return wish->opens_to_write && in(by_writers, COUNT(by_writers), call);
}

static int add_all(scmp_filter_ctx filter, const struct confine *wish)
{
	int err = 0;

	for (size_t i = 0; i < COUNT(lists) && !err; i++) {
		for (size_t c = 0; lists[i].sets >> wish->calls & 1 && c < lists[i].count && !err;
		     c++)
			err = add(filter, SCMP_ACT_ALLOW, lists[i].call[c]);
	}
	for (size_t i = 0; wish->opens_to_write && i < COUNT(by_writers) && !err; i++)
		err = add(filter, SCMP_ACT_ALLOW, by_writers[i]);
	if (wish->opens_to_write && !err)
		err = add(filter, SCMP_ACT_ALLOW, C(open));
	if (wish->opens_to_write && !err)
		err = add(filter, SCMP_ACT_ALLOW, C(openat));
	for (size_t i = 0; i < COUNT(values) && !err; i++) {
		if (values[i].sets >> wish->calls & 1)
			err = add_value(filter, values[i].call, values[i].arg, values[i].mask,
					values[i].value);
	}
	for (size_t i = 0; wish->terminal && i < COUNT(terminal) && !err; i++)
		err = add_value(filter, C(ioctl), 1, 0, terminal[i]);
	/* abort() ends this process and no other; prlimit64() asks and sets its own. */
	if (!err)
		err = add_value(filter, C(tgkill), 0, 0, (uint64_t)getpid());
	if (!err)
		err = add_value(filter, C(prlimit64), 0, 0, 0);
	for (size_t i = 0; i < COUNT(dangerous) && !err; i++) {
		if (!is_allowed(wish, dangerous[i]))
			err = add(filter, SCMP_ACT_ERRNO(EPERM), dangerous[i]);
	}
	return err;
}

static int set_up(scmp_filter_ctx filter)
{
	int err = filter ? 0 : -ENOMEM;

	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0);
	if (!err)
		err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	/* Else a program with a filter is slowed down before 5.16. */
	if (!err)
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_SSB, 1);
	return err;
}

/* A filter of its own, and the first: clone3() is tried with each thread, and what the other one refuses the kernel logs. */
static int leave_out_clone3(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int err = set_up(filter);

	if (!err)
		err = add(filter, SCMP_ACT_ERRNO(ENOSYS), C(clone3));
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}

int confine_filter_calls(const struct confine *wish)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
	int err = set_up(filter);

	if (!err) {
		seccomp_attr_set(filter, SCMP_FLTATR_CTL_LOG, 1);
		/* A tree takes 0.2 ms more to make: for what runs long, before 5.11 above all. */
		if (wish->calls >= CONFINE_READER)
			seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
		err = add(filter, SCMP_ACT_ALLOW, C(clone3));
	}
	if (!err)
		err = add_all(filter, wish);
	if (!err)
		err = leave_out_clone3();
	if (!err)
		err = seccomp_load(filter);
	seccomp_release(filter);
	return err;
}
