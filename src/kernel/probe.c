// SPDX-License-Identifier: GPL-2.0-only
/* probe.c - asks the kernel by loading tiny programs.  libbpf's own helper probe says yes to
 * everything on 7.x. */
#include "kernel_private.h"

#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

static int load(const struct types *types, const char *target, enum bpf_attach_type type,
		const struct bpf_insn *insns, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
	const struct types_function *f = types_function(types, target);

	if (!f)
		return -ENOENT;
	opts.attach_btf_id = f->id;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", insns, count, &opts);
}

bool probe_helper(const struct types *types, const char *target, int attach_type, int helper)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_1, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = load(types, target, attach_type, insns, sizeof(insns) / sizeof(insns[0]));

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int probe_trampolines(const struct types *types)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int link, fd = load(types, "inet_release", BPF_TRACE_FENTRY, insns, 2);

	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	if (link >= 0)
		close(link);
	close(fd);
	return link < 0 ? link : 0;
}

bool probe_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EAFNOSUPPORT;
}
