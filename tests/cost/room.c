// SPDX-License-Identifier: GPL-2.0-only
/*
 * room.c - stands in for the kernel room: facts come from a recording, looks from a made-up host, and time passes as the
 * recording says.  What the rest of the program does is what it does on a real host.
 */
#include "../../src/cli/confine.h"
#include "../../src/cli/two.h"
#include "recording.h"

#include <stdlib.h>
#include <string.h>

#include "look_source.h"
#include "procinfo.h"
#include "redirect_source.h"
#include "services.h"
#include "units.h"
#include "wire_listener.h"

#define BEGIN_NS (1000 * NSEC_PER_SEC)
#define NAP_NS	 (10 * NSEC_PER_SEC / 1000)

/* 2026-11-20T12:00:00Z when the trace begins. */
static const int64_t wall_offset_ns = (int64_t)(1795176000ull * NSEC_PER_SEC - BEGIN_NS);
static uint64_t now_ns = BEGIN_NS;

struct kernel {
	struct recording recording;
	size_t at;
	uint64_t read_ns;
	struct look_reader *look;
	kernel_process_fn process;
	void *process_ctx;
};

/* ---- time ---- */

uint64_t kernel_now(void)
{
	return now_ns;
}

int64_t kernel_wall_offset(void)
{
	return wall_offset_ns;
}

/* The store's own thread would see it pass differently in every run. */
uint64_t __wrap_store_clock(bool realtime);
uint32_t __wrap_command_own_netns(void);
struct services *__wrap_names_services(void);

uint64_t __wrap_store_clock(bool realtime)
{
	return BEGIN_NS + (realtime ? (uint64_t)wall_offset_ns : 0);
}

uint32_t __wrap_command_own_netns(void)
{
	return RECORDED_NETNS;
}

/* /etc/services is longer on some hosts. */
struct services *__wrap_names_services(void)
{
	static const char text[] = "ssh 22/tcp\ndomain 53/tcp\ndomain 53/udp\nhttp 80/tcp www\n"
				   "https 443/tcp\nhttps 443/udp\nhttp-alt 8080/tcp webcache\n";

	return services_parse(text, sizeof(text) - 1);
}

/* ---- the recording ---- */

struct kernel *kernel_open(const struct kernel_options *options, struct kernel_error *error)
{
	static const struct look_options look = {.listener_of = 0};
	struct kernel *k = calloc(1, sizeof(*k));

	(void)options;
	if (!k)
		abort();
	k->look = look_open(&look, error);
	recording_make(&k->recording, BEGIN_NS + NAP_NS);
	return k;
}

void kernel_close(struct kernel *k)
{
	if (!k)
		return;
	look_close(k->look);
	free(k->recording.data);
	free(k);
}

static bool hand_over(struct kernel *k, const struct recorded *e, kernel_fact_fn fn, void *ctx)
{
	struct process_fact process;
	struct fact fact;

	if (e->process) {
		if (process_fact_decode(&process, e->bytes, e->size) < 0)
			abort();
		k->process(k->process_ctx, &process);
		return false;
	}
	if (fact_decode(&fact, e->bytes, e->size) < 0)
		abort();
	fn(ctx, &fact);
	return true;
}

size_t kernel_drain(struct kernel *k, size_t max, kernel_fact_fn fn, void *ctx)
{
	const struct recorded *e;
	size_t count = 0, at = k->at;

	while (count < max && (e = recording_next(&k->recording, &at)) && e->time_ns <= now_ns) {
		count += hand_over(k, e, fn, ctx);
		k->at = at;
	}
	if (count < max)
		k->read_ns = now_ns;
	return count;
}

uint64_t kernel_read_until(const struct kernel *k)
{
	return k->read_ns;
}

void kernel_wait(struct kernel *k, int timeout_ms)
{
	uint64_t wait_ns = (uint64_t)timeout_ms * (NSEC_PER_SEC / 1000);

	now_ns += k->at < k->recording.len && wait_ns > NAP_NS ? NAP_NS : wait_ns;
}

void kernel_follow_processes(struct kernel *k, kernel_process_fn fn, void *ctx)
{
	k->process = fn;
	k->process_ctx = ctx;
}

struct look_reader *kernel_look(const struct kernel *k)
{
	return k->look;
}

/* Room for every connection. */
int kernel_look_at_listeners(struct kernel *k, struct wire_listener *list, size_t count)
{
	(void)k;
	for (size_t i = 0; i < count; i++) {
		list[i].state = STATE_LISTEN;
		list[i].waiting = list[i].dropped = 0;
		list[i].limit = 511;
	}
	return 0;
}

bool kernel_port_range(struct kernel *k, uint32_t netns, uint32_t pid, struct port_range *ret)
{
	(void)k, (void)netns, (void)pid;
	*ret = (struct port_range){.low = 32768, .high = 60999, .unprivileged_from = 1024};
	return true;
}

/* All of a place is text that somebody allocated. */
void kernel_resolve_process(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			    struct process_place *ret)
{
	(void)ctx, (void)pid, (void)cgroup_id;
	ret->cgroup = strdup(cgroup ? cgroup : "/system.slice/web.service");
	ret->unit = strdup("web.service");
}

void procinfo_resolve_process(void *ctx, uint32_t pid, uint64_t cgroup_id, const char *cgroup,
			      struct process_place *ret)
{
	kernel_resolve_process(ctx, pid, cgroup_id, cgroup, ret);
}

unsigned long procinfo_refused(int *ret_err)
{
	*ret_err = 0;
	return 0;
}

bool procinfo_read_process(void *ctx, uint32_t pid, struct process_reading *ret)
{
	static const char args[] = "/usr/sbin/worker\0--config\0/etc/worker.conf";

	(void)ctx;
	ret->parent = 1;
	ret->start_ns = pid * 1000000ull;
	strcpy(ret->name, "worker");
	ret->exe = strdup(args);
	ret->args = malloc(sizeof(args));
	if (!ret->args)
		abort();
	memcpy(ret->args, args, sizeof(args));
	ret->args_len = sizeof(args);
	return true;
}

const char *procinfo_user(uint32_t uid)
{
	return uid == 33 ? "www-data" : NULL;
}

/* ---- nothing to tell ---- */

int kernel_attach(struct kernel *k, struct kernel_error *error)
{
	(void)k, (void)error;
	return 0;
}

void kernel_detach(struct kernel *k)
{
	(void)k;
}

void kernel_wait_also(struct kernel *k, int fd)
{
	(void)k, (void)fd;
}

int kernel_check_btf(const char *path, struct kernel_error *error)
{
	(void)path, (void)error;
	return 0;
}

const char *kernel_unknown_hook(const char *list)
{
	(void)list;
	return NULL;
}

const struct kernel_hook *kernel_hooks(const struct kernel *k, size_t *ret_count)
{
	(void)k;
	*ret_count = 0;
	return NULL;
}

const char *look_lacks(const struct look_reader *r)
{
	(void)r;
	return "";
}

uint64_t kernel_waiting_bytes(const struct kernel *k)
{
	(void)k;
	return 0;
}

enum kernel_tier kernel_tier_chosen(const struct kernel *k)
{
	(void)k;
	return TIER_BOTH;
}

const char *kernel_cgroup_place(const struct kernel *k)
{
	(void)k;
	return NULL;
}

const char *kernel_tracefs_place(const struct kernel *k)
{
	(void)k;
	return NULL;
}

const char *kernel_btf_place(const struct kernel *k)
{
	(void)k;
	return NULL;
}

uint64_t kernel_lost(struct kernel *k, uint64_t ret_by_kind[WIRE_KINDS])
{
	(void)k;
	memset(ret_by_kind, 0, WIRE_KINDS * sizeof(*ret_by_kind));
	return 0;
}

bool kernel_leaves_out_ports(const struct kernel *k)
{
	(void)k;
	return false;
}

uint64_t kernel_lost_for(const struct kernel *k, enum kernel_want want)
{
	(void)k, (void)want;
	return 0;
}

uint64_t kernel_processes_lost(const struct kernel *k, uint64_t *withheld)
{
	*withheld = 0;
	(void)k;
	return 0;
}

uint64_t kernel_listen_overflows(uint32_t netns, uint32_t pid)
{
	(void)netns, (void)pid;
	return 0;
}

const char *kernel_interface_name(void *ctx, uint32_t netns, uint32_t ifindex)
{
	(void)ctx, (void)netns, (void)ifindex;
	return NULL;
}

const char *procinfo_interface_name(uint32_t netns, uint32_t ifindex)
{
	(void)netns, (void)ifindex;
	return NULL;
}

const char *procinfo_netns_given(uint32_t inode)
{
	(void)inode;
	return "";
}

void procinfo_netns_name(uint32_t inode, struct listing_task *task, char *ret, size_t size)
{
	(void)inode, (void)task, (void)size;
	ret[0] = '\0';
}

uint32_t procinfo_netns_at(const char *path)
{
	(void)path;
	return 0;
}

enum unix_file procinfo_unix_file(const struct unix_socket *s, const uint32_t *pids, size_t count)
{
	(void)s, (void)pids, (void)count;
	return UNIX_FILE_UNKNOWN;
}

bool procinfo_is_unix_file(const struct unix_socket *s, const char *path)
{
	(void)s, (void)path;
	return false;
}

bool procinfo_lives(uint32_t pid, uint64_t start_ns)
{
	(void)pid, (void)start_ns;
	return false;
}

int procinfo_read(uint32_t pid, struct procinfo *ret)
{
	(void)pid, (void)ret;
	return -1;
}

void procinfo_done(struct procinfo *p)
{
	(void)p;
}

size_t procinfo_socket_unit(uint16_t protocol, uint16_t port, char *ret, size_t size)
{
	(void)protocol, (void)port, (void)size;
	ret[0] = '\0';
	return 0;
}

int redirects_find(const struct redirect_search *search, struct redirects *ret,
		   struct kernel_error *error)
{
	(void)search, (void)error;
	*ret = (struct redirects){0};
	return 0;
}

void redirects_done(struct redirects *r)
{
	(void)r;
}

uint32_t redirects_home(struct redirects *r, enum family family, const uint8_t addr[16])
{
	(void)r, (void)family, (void)addr;
	return 0;
}

bool kernel_lacks(char *ret, size_t size)
{
	(void)size;
	ret[0] = '\0';
	return false;
}

/* ---- rights, in place of src/cli/confine.c ---- */

int confine(const struct confine *wish, bool strict, unsigned int unsaid)
{
	(void)wish, (void)strict, (void)unsaid;
	return 0;
}

int confine_become_owner(const char *directory)
{
	(void)directory;
	return 0;
}

void confine_keep(uint64_t keep)
{
	(void)keep;
}

/* ---- one process, in place of src/cli/two.c ---- */

int two_begin(const struct two_wish *wish)
{
	(void)wish;
	return 0;
}

bool two_is_over(void)
{
	return false;
}

void two_end(void)
{
}

int kernel_start(struct kernel *k, struct kernel_error *error)
{
	(void)k, (void)error;
	return 0;
}

bool split_is_used(void)
{
	return false;
}

bool split_is_lost(void)
{
	return false;
}

int split_file(unsigned int file, enum split_file_do what, int *ret_fd)
{
	(void)file, (void)what, (void)ret_fd;
	return -1;
}
