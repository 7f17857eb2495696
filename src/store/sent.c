// SPDX-License-Identifier: GPL-2.0-only
/* sent.c - FILE-sent: "sockwatch-sent 1 NAME NUMBER CHECK", in fixed columns. */
#include "store_sent.h"
#include "safe_file.h"
#include "store_private.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define BEGIN "sockwatch-sent 1 "
/* With the line's end. */
#define LINE_BYTES (sizeof(BEGIN) - 1 + (STORE_ID_SIZE - 1) + 1 + 20 + 1 + 16 + 1)

/* Written in place: what is read meanwhile may be half of two lines. */
static int format(char line[LINE_BYTES + 1], const char *store, uint64_t sent)
{
	uint64_t check = 0xcbf29ce484222325ull;
	int len = snprintf(line, LINE_BYTES + 1, BEGIN "%.32s %020" PRIu64 " ", store, sent);

	for (int i = 0; i < len; i++)
		check = (check ^ (unsigned char)line[i]) * 0x100000001b3ull;
	snprintf(line + len, LINE_BYTES + 1 - (size_t)len, "%016" PRIx64 "\n", check);
	return (int)strlen(line) == (int)LINE_BYTES ? 0 : -EINVAL;
}

static int write_line(int fd, const char *line)
{
	struct stat st;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	if (pwrite(fd, line, LINE_BYTES, 0) != (ssize_t)LINE_BYTES)
		return errno ? -errno : -EIO;
	return st.st_size > (off_t)LINE_BYTES && ftruncate(fd, (off_t)LINE_BYTES) < 0 ? -errno : 0;
}

int store_sent_open(const char *path)
{
	char name[PATH_MAX + 8], *whole = realpath(path, NULL);
	const char *why;

	if (!whole)
		return -errno;
	snprintf(name, sizeof(name), "%s-sent", whole);
	free(whole);
	return safe_open(name, O_WRONLY | O_CREAT | O_NONBLOCK, 0644, &why);
}

int store_sent_write(int fd, const char *store, uint64_t sent)
{
	char line[LINE_BYTES + 1];

	if (format(line, store, sent) < 0)
		return -EINVAL;
	errno = 0;
	return write_line(fd, line);
}

int store_tell_sent(const char *path, const char *store, uint64_t sent)
{
	int fd = store_sent_open(path), err;

	if (fd < 0)
		return fd;
	err = store_sent_write(fd, store, sent);
	close(fd);
	return err;
}

void sent_read(int fd, const char *store, uint64_t *sent)
{
	char line[LINE_BYTES + 1], same[LINE_BYTES + 1];
	ssize_t n = pread(fd, line, LINE_BYTES, 0);
	uint64_t number;

	line[n < 0 ? 0 : n] = '\0';
	if (n != (ssize_t)LINE_BYTES || strncmp(line, BEGIN, sizeof(BEGIN) - 1) != 0)
		return;
	number = strtoull(line + sizeof(BEGIN) - 1 + STORE_ID_SIZE, NULL, 10);
	if (format(same, line + sizeof(BEGIN) - 1, number) == 0 &&
	    memcmp(line, same, LINE_BYTES) == 0)
		*sent = strncmp(line + sizeof(BEGIN) - 1, store, STORE_ID_SIZE - 1) == 0
				? number
				: UINT64_MAX;
}

/*
 * The name is under the hand of who owns the directory, and who opens it for a reader may have more rights: a link is not followed,
 * and nothing is handed out that could be worth reading.
 */
int sent_open(const char *path)
{
	struct stat st;
	const char *why;
	char name[PATH_MAX];
	int fd;

	if (snprintf(name, sizeof(name), "%s-sent", path) >= (int)sizeof(name))
		return -ENAMETOOLONG;
	if (lstat(name, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	fd = safe_open(name, O_RDONLY | O_NONBLOCK | O_NOFOLLOW, 0, &why);
	if (fd < 0)
		return fd;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_nlink == 1 &&
	    st.st_size == (off_t)LINE_BYTES)
		return fd;
	close(fd);
	return -EINVAL;
}
