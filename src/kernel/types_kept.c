// SPDX-License-Identifier: GPL-2.0-only
#include "types_kept.h"
#include "btf_file.h"

#include <bpf/btf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MAX_BYTES (256u << 10)
#define VERSION	  2

/* The file: this, then the reduced BTF. */
struct kept {
	uint32_t version;
	uint32_t size; /* of the BTF */
	uint64_t key;  /* which types, of which kernel */
	uint64_t sum;  /* over `function` and the BTF */
	struct types_function function[TYPES_FUNCTIONS];
};

/* FNV-1a: finds what a crash or a full disk left, not what somebody forged, who would have to be this user. */
static uint64_t add(uint64_t sum, const void *data, size_t size)
{
	const unsigned char *p = data;

	while (size--)
		sum = (sum ^ *p++) * UINT64_C(0x100000001b3);
	return sum;
}

static uint64_t add_names(uint64_t key, const char *const *names)
{
	for (; *names; names++)
		key = add(key, *names, strlen(*names) + 1);
	return add(key, "", 1);
}

/* False where the kernel does not say which build it is, or shows no types. */
static bool find_key(uint64_t *ret, const char *const *named, const char *const *functions)
{
	const uint64_t basis = UINT64_C(0xcbf29ce484222325);
	unsigned char id[BTF_ID_BYTES];
	size_t id_size = btf_running_id(id);
	struct stat st;

	if (!id_size || stat(BTF_OF_KERNEL, &st) < 0)
		return false;
	*ret = add(basis, id, id_size);
	*ret = add(*ret, &st.st_size, sizeof(st.st_size));
	*ret = add_names(add_names(*ret, named), functions);
	return true;
}

static uint64_t sum_of(const struct kept *kept, const void *btf)
{
	return add(add(kept->key, kept->function, sizeof(kept->function)), btf, kept->size);
}

static bool is_ours(int fd, size_t *ret_size)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_uid != geteuid() ||
	    (st.st_mode & 077) || st.st_size <= (off_t)sizeof(struct kept) ||
	    st.st_size > (off_t)MAX_BYTES)
		return false;
	*ret_size = (size_t)st.st_size;
	return true;
}

/* What libbpf is given is a copy that nobody else has: the file may change. */
static bool take(struct types *types, int dir, const char *name, uint64_t key)
{
	int fd = openat(dir, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct kept *kept = NULL;
	size_t size = 0;
	bool good = false;

	if (fd < 0)
		return false;
	if (is_ours(fd, &size))
		kept = malloc(size);
	if (kept && read(fd, kept, size) == (ssize_t)size)
		good = kept->version == VERSION && kept->key == key &&
		       kept->size == size - sizeof(*kept) && kept->sum == sum_of(kept, kept + 1);
	close(fd);
	if (good) {
		memcpy(types->function, kept->function, sizeof(types->function));
		good = types_give(types, kept + 1, kept->size) == 0;
	}
	free(kept);
	return good;
}

static bool write_whole(int fd, const void *data, size_t size)
{
	return write(fd, data, size) == (ssize_t)size;
}

/* Whoever reads meanwhile has the old file or the new one. */
static void keep(const struct types *types, int dir, const char *name, uint64_t key)
{
	struct kept kept = {.version = VERSION, .key = key};
	char hidden[32];
	struct stat st;
	void *btf;
	int fd;

	if (fstat(types->fd, &st) < 0 || st.st_size > (off_t)(MAX_BYTES - sizeof(kept)))
		return;
	kept.size = (uint32_t)st.st_size;
	memcpy(kept.function, types->function, sizeof(kept.function));
	btf = malloc(kept.size);
	if (!btf || pread(types->fd, btf, kept.size, 0) != (ssize_t)kept.size) {
		free(btf);
		return;
	}
	kept.sum = sum_of(&kept, btf);
	snprintf(hidden, sizeof(hidden), ".%s.%d", name, (int)getpid());
	unlinkat(dir, hidden, 0);
	fd = openat(dir, hidden, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd >= 0) {
		if (!write_whole(fd, &kept, sizeof(kept)) || !write_whole(fd, btf, kept.size) ||
		    renameat(dir, hidden, dir, name) < 0)
			unlinkat(dir, hidden, 0);
		close(fd);
	}
	free(btf);
}

int types_load_kept(struct types *types, const char *path, int dir, const char *name,
		    const struct btf *programs, const char *const *functions)
{
	const char **named = types_named(programs);
	uint64_t key = 0;
	bool keeps = named && !path && dir >= 0 && find_key(&key, named, functions);
	int err = named ? 0 : -ENOMEM;

	types->functions = functions;
	if (!err && !(keeps && take(types, dir, name, key))) {
		err = types_load(types, path, named, functions);
		if (!err && keeps)
			keep(types, dir, name, key);
	}
	free(named);
	return err;
}
