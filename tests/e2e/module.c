// SPDX-License-Identifier: GPL-2.0-only
#include "module.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NAME_SIZE 64
#define DEPTH_MAX 8

static void load(const char *name, unsigned int depth);

/* modinfo's "depends=a,b", NUL-terminated somewhere in the file. */
static void load_needed(const char *file, size_t size, unsigned int depth)
{
	static const char key[] = "\0depends=";
	const char *at = memmem(file, size, key, sizeof(key) - 1);
	char name[NAME_SIZE];

	for (at = at ? at + sizeof(key) - 1 : ""; *at; at += *at == ',') {
		size_t length = strcspn(at, ",");

		snprintf(name, sizeof(name), "%.*s", (int)length, at);
		load(name, depth + 1);
		at += length;
	}
}

static void load(const char *name, unsigned int depth)
{
	char path[NAME_SIZE + 8], *file = MAP_FAILED;
	struct stat st;
	int fd;

	snprintf(path, sizeof(path), "/%s.ko", name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0 && depth < DEPTH_MAX && fstat(fd, &st) == 0)
		file = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file != MAP_FAILED) {
		load_needed(file, (size_t)st.st_size, depth);
		munmap(file, (size_t)st.st_size);
		syscall(SYS_finit_module, fd, "", 0);
	}
	close(fd);
}

void module_load(const char *name)
{
	load(name, 0);
}
