// SPDX-License-Identifier: GPL-2.0-only
/* An empty program where sockwatch's busiest one hangs: what no tracer can do without. */
#include "vmlinux.h"

#include <bpf/bpf_helpers.h>

char LICENSE[] SEC("license") = "GPL";

SEC("tp_btf/inet_sock_set_state")
int empty(void *ctx)
{
	return 0;
}
