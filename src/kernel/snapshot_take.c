// SPDX-License-Identifier: GPL-2.0-only
/* snapshot_take.c - which way to look, and what it takes. */
#include "btf_file.h"
#include "snapshot_private.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define BY_ITERATORS 1
#define BY_PROC	     2

/* Each is needed to see what belongs to somebody else; without it the kernel would leave sockets out. */
static const struct {
	unsigned int bit;
	unsigned int ways;
	unsigned int implied_by; /* the kernel takes this one in its place */
	const char *name;
} needed[] = {
	{CAP_BPF, BY_ITERATORS, CAP_SYS_ADMIN, "CAP_BPF"},
	{CAP_PERFMON, BY_ITERATORS, CAP_SYS_ADMIN, "CAP_PERFMON"},
	{CAP_SYS_ADMIN, BY_ITERATORS | BY_PROC, CAP_SYS_ADMIN, "CAP_SYS_ADMIN"},
	{CAP_SYS_PTRACE, BY_ITERATORS | BY_PROC, CAP_SYS_PTRACE, "CAP_SYS_PTRACE"},
	{CAP_DAC_READ_SEARCH, BY_PROC, CAP_DAC_OVERRIDE, "CAP_DAC_READ_SEARCH"},
};

static bool has(const struct __user_cap_data_struct data[2], unsigned int bit)
{
	return data[bit / 32].effective & (1u << (bit % 32));
}

static int check_capabilities(unsigned int way, struct kernel_error *error)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {0};
	char missing[128] = "";
	size_t len = 0;

	if (syscall(SYS_capget, &header, data) < 0)
		return 0;
	for (size_t i = 0; i < sizeof(needed) / sizeof(needed[0]); i++) {
		if (!(needed[i].ways & way) || has(data, needed[i].bit) ||
		    has(data, needed[i].implied_by))
			continue;
		len += (size_t)snprintf(missing + len, sizeof(missing) - len, "%s%s",
					len ? ", " : "", needed[i].name);
	}
	if (!len)
		return 0;
	return kernel_fail(error, -EPERM,
			   "cannot see every socket: this process lacks %s; run as root or give "
			   "it the capability",
			   missing);
}

uint32_t snapshot_note_netns(struct listing *l)
{
	struct listing_netns netns = {0};
	unsigned int low, high;
	FILE *file;

	netns.inode = netns_here();
	if (!netns.inode)
		return 0;
	/* The file speaks of the namespace of the thread that opens it. */
	file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	if (file && fscanf(file, "%u %u", &low, &high) == 2) {
		netns.low = (uint16_t)low;
		netns.high = (uint16_t)high;
	}
	if (file)
		fclose(file);
	listing_add_netns(l, &netns);
	return netns.inode;
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level, (void)format, (void)args;
	return 0;
}

int snapshot_take(const struct snapshot_options *options, struct listing *l,
		  struct kernel_error *error)
{
	bool proc = options->source == SNAPSHOT_PROC, loaded = false;
	struct netns_unseen unseen = {0};
	int err = check_capabilities(proc ? BY_PROC : BY_ITERATORS, error);

	if (err)
		return err;
	libbpf_set_print(quiet);
	l->time_ns = kernel_now();
	if (!proc)
		err = snapshot_iterate(options, l, &loaded, &unseen);
	if (!proc && err && !loaded) {
		/* The kernel checks iterators against its own types: without those a file is not at fault. */
		if (options->source == SNAPSHOT_ITERATORS ||
		    (options->btf_path && btf_is_in_kernel()))
			return kernel_fail(error, err, "this kernel takes no iterators: %s; use %s",
					   strerror(-err),
					   options->btf_path ? "the BTF of this kernel"
							     : "--hooks proc");
		kernel_fail(error, 0,
			    "this kernel takes no iterators (%s): looking through sock_diag and "
			    "/proc",
			    strerror(-err));
		proc = true;
	}
	if (proc) {
		err = check_capabilities(BY_PROC, error);
		if (err)
			return err;
		err = snapshot_walk_proc(l, &unseen);
	}
	if (!err)
		listing_join(l);
	netns_describe(&unseen, l->unseen, sizeof(l->unseen));
	if (err || l->failed)
		return kernel_fail(error, err ? err : -ENOMEM, "cannot look at every socket: %s",
				   strerror(err ? -err : ENOMEM));
	return 0;
}
