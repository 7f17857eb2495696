// SPDX-License-Identifier: GPL-2.0-only
/* probe.c - asks the kernel by loading tiny programs.  libbpf's own helper probe says yes to
 * everything on 7.x. */
#include "kernel_private.h"

#include <bpf/btf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define INSN(c, d, s, o, i)                                                                        \
	((struct bpf_insn){.code = (c), .dst_reg = (d), .src_reg = (s), .off = (o), .imm = (i)})

static int load(const struct btf *btf, const char *target, enum bpf_attach_type type,
		const struct bpf_insn *insns, size_t count)
{
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = type);
	char name[64];
	int id;

	/* A raw tracepoint is known by the typedef of its callback. */
	snprintf(name, sizeof(name), "%s%s", type == BPF_TRACE_RAW_TP ? "btf_trace_" : "", target);
	id = btf__find_by_name_kind(btf, name,
				    type == BPF_TRACE_RAW_TP ? BTF_KIND_TYPEDEF : BTF_KIND_FUNC);

	if (id < 0)
		return id;
	opts.attach_btf_id = id;
	return bpf_prog_load(BPF_PROG_TYPE_TRACING, "probe", "GPL", insns, count, &opts);
}

bool probe_helper(const struct btf *btf, const char *target, int attach_type, int helper)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_LDX | BPF_MEM | BPF_DW, BPF_REG_1, BPF_REG_1, 0, 0),
		INSN(BPF_JMP | BPF_CALL, 0, 0, 0, helper),
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int fd = load(btf, target, attach_type, insns, sizeof(insns) / sizeof(insns[0]));

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

int probe_trampolines(const struct btf *btf)
{
	const struct bpf_insn insns[] = {
		INSN(BPF_ALU64 | BPF_MOV | BPF_K, BPF_REG_0, 0, 0, 0),
		INSN(BPF_JMP | BPF_EXIT, 0, 0, 0, 0),
	};
	int link, fd = btf ? load(btf, "inet_release", BPF_TRACE_FENTRY, insns, 2) : -ENOENT;

	if (fd < 0)
		return fd;
	link = bpf_raw_tracepoint_open(NULL, fd);
	if (link >= 0)
		close(link);
	close(fd);
	return link < 0 ? link : 0;
}

bool probe_tracepoint(const struct btf *btf, const char *name)
{
	char type[64];

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	return btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF) > 0;
}

int probe_parameters(const struct btf *btf, const char *function)
{
	int id = btf ? btf__find_by_name_kind(btf, function, BTF_KIND_FUNC) : 0;
	const struct btf_type *type = id > 0 ? btf__type_by_id(btf, (unsigned int)id) : NULL;

	type = type ? btf__type_by_id(btf, type->type) : NULL;
	return type ? btf_vlen(type) : 0;
}

bool probe_ipv6(void)
{
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0)
		close(fd);
	return fd >= 0 || errno != EAFNOSUPPORT;
}
