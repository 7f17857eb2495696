// SPDX-License-Identifier: GPL-2.0-only
#include "btf_file.h"
#include "fail.h"

#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* With the rights that it has: access() asks for those of the user who started it. */
static bool can_read(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

bool btf_is_in_kernel(void)
{
	return can_read(BTF_OF_KERNEL);
}

/* ---- which build ---- */

struct build_id {
	size_t size; /* 0 unknown */
	unsigned char bytes[BTF_ID_BYTES];
};

/* Looks for the note GNU NT_GNU_BUILD_ID; a note is a header, its name and its content, each padded to four bytes. */
static void find_build_id(struct build_id *ret, const char *notes, size_t size)
{
	const Elf64_Nhdr *note;

	for (size_t at = 0; at + sizeof(*note) <= size;) {
		const char *name = notes + at + sizeof(*note);
		size_t name_size, content_size;

		note = (const Elf64_Nhdr *)(const void *)(notes + at);
		name_size = (note->n_namesz + 3u) & ~3u;
		content_size = (note->n_descsz + 3u) & ~3u;
		at += sizeof(*note) + name_size + content_size;
		if (at > size)
			return;
		if (note->n_type != NT_GNU_BUILD_ID || note->n_namesz != 4 ||
		    memcmp(name, "GNU", 4) != 0 || note->n_descsz > BTF_ID_BYTES)
			continue;
		ret->size = note->n_descsz;
		memcpy(ret->bytes, name + name_size, ret->size);
	}
}

static void read_running_id(struct build_id *ret)
{
	_Alignas(Elf64_Nhdr) char notes[4096];
	FILE *file = fopen("/sys/kernel/notes", "re");

	ret->size = 0;
	if (!file)
		return;
	find_build_id(ret, notes, fread(notes, 1, sizeof(notes), file));
	fclose(file);
}

size_t btf_running_id(unsigned char ret[BTF_ID_BYTES])
{
	struct build_id id;

	read_running_id(&id);
	memcpy(ret, id.bytes, id.size);
	return id.size;
}

static void read_elf_id(struct build_id *ret, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf_Scn *section = NULL;
	Elf *elf;

	ret->size = 0;
	elf_version(EV_CURRENT);
	elf = fd < 0 ? NULL : elf_begin(fd, ELF_C_READ_MMAP, NULL);
	while (elf && !ret->size && (section = elf_nextscn(elf, section))) {
		Elf_Data *data;
		GElf_Shdr header;

		if (!gelf_getshdr(section, &header) || header.sh_type != SHT_NOTE)
			continue;
		data = elf_rawdata(section, NULL);
		if (data && data->d_buf)
			find_build_id(ret, data->d_buf, data->d_size);
	}
	elf_end(elf);
	if (fd >= 0)
		close(fd);
}

/* ---- the file ---- */

/* The first bytes tell what it is: 1 BTF by itself, 2 an ELF file that may hold it, 0 neither, or -errno. */
static int kind_of(const char *path)
{
	unsigned char first[4] = {0};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, first, sizeof(first));
	int err = errno;

	if (fd >= 0)
		close(fd);
	if (n < 0)
		return -err;
	if (memcmp(first, ELFMAG, SELFMAG) == 0)
		return 2;
	return first[0] == (BTF_MAGIC & 0xff) && first[1] == BTF_MAGIC >> 8;
}

static bool is_of_a_kernel(const struct btf *btf)
{
	return btf__pointer_size(btf) == sizeof(void *) &&
	       btf__find_by_name_kind(btf, "task_struct", BTF_KIND_STRUCT) > 0 &&
	       btf__find_by_name_kind(btf, "sock_common", BTF_KIND_STRUCT) > 0;
}

/* Whether the kernel shows types of its own, and others. */
static bool is_of_another(const struct btf *btf)
{
	struct btf *own = btf__parse_raw(BTF_OF_KERNEL);
	__u32 size = 0, own_size = 0;
	const void *raw = btf__raw_data(btf, &size),
		   *own_raw = own ? btf__raw_data(own, &own_size) : NULL;
	bool differs = raw && own_raw && (size != own_size || memcmp(raw, own_raw, size) != 0);

	btf__free(own);
	return differs;
}

static int refuse(struct kernel_error *error, const char *path, const char *why)
{
	return kernel_fail(error, -EBADMSG, "--btf %s: %s", path, why);
}

int kernel_check_btf(const char *path, struct kernel_error *error)
{
	int kind = kind_of(path);
	struct build_id running, file;
	struct btf *btf;
	bool good, foreign;

	libbpf_set_print(NULL);
	if (kind < 0)
		return refuse(error, path, strerror(-kind));
	if (!kind)
		return refuse(error, path, "is no BTF, nor an ELF file that could hold it");
	btf = btf__parse(path, NULL);
	if (!btf)
		return refuse(error, path,
			      kind == 1 ? "is BTF that is damaged"
					: "is an ELF file without BTF, or with a damaged one");
	good = is_of_a_kernel(btf);
	foreign = is_of_another(btf);
	btf__free(btf);
	if (!good)
		return refuse(error, path, "is BTF, but not of a 64-bit Linux kernel");
	read_running_id(&running);
	read_elf_id(&file, path);
	if (running.size && file.size &&
	    (running.size != file.size || memcmp(running.bytes, file.bytes, file.size) != 0))
		return refuse(error, path,
			      "is of another kernel than the one that runs (build ids differ)");
	if (foreign)
		return refuse(error, path,
			      "is not the BTF of this kernel, which shows its own (" BTF_OF_KERNEL
			      "): leave --btf out");
	return 0;
}

bool btf_find(char *ret, size_t size)
{
	/* Before the release and after it, which may come again at the end. */
	static const struct {
		const char *before, *after;
		bool twice;
	} places[] = {
		{"/boot/vmlinux-", "", false},
		{"/lib/modules/", "/vmlinux-", true},
		{"/lib/modules/", "/build/vmlinux", false},
		{"/usr/lib/modules/", "/kernel/vmlinux", false},
		{"/usr/lib/debug/boot/vmlinux-", "", false},
		{"/usr/lib/debug/boot/vmlinux-", ".debug", false},
		{"/usr/lib/debug/lib/modules/", "/vmlinux", false},
	};
	struct kernel_error error;
	struct utsname host;

	uname(&host);
	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		snprintf(ret, size, "%s%s%s%s", places[i].before, host.release, places[i].after,
			 places[i].twice ? host.release : "");
		if (can_read(ret) && kernel_check_btf(ret, &error) == 0)
			return true;
	}
	return false;
}
