// SPDX-License-Identifier: GPL-2.0-only
/* confine_files.c - Landlock, by the system calls themselves: libc has no functions, and headers know fewer rights than kernels. */
#include "confine_private.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* include/uapi/linux/landlock.h of 6.12.  These numbers are the same on every machine. */
#define CREATE_RULESET 444
#define ADD_RULE       445
#define RESTRICT_SELF  446
#define ASK_VERSION    1
#define PATH_BENEATH   1
#define EXECUTE	       (1ull << 0)
#define WRITE_FILE     (1ull << 1)
#define READ_FILE      (1ull << 2)
#define READ_DIR       (1ull << 3)
#define REMOVE_DIR     (1ull << 4)
#define REMOVE_FILE    (1ull << 5)
#define MAKE_CHAR      (1ull << 6)
#define MAKE_DIR       (1ull << 7)
#define MAKE_REG       (1ull << 8)
#define MAKE_SOCK      (1ull << 9)
#define MAKE_FIFO      (1ull << 10)
#define MAKE_BLOCK     (1ull << 11)
#define MAKE_SYM       (1ull << 12)
#define TRUNCATE       (1ull << 14) /* version 3, Linux 6.2 */
#define IOCTL_DEV      (1ull << 15) /* version 5, Linux 6.10 */
#define NET_PORT       2
#define TCP	       3	    /* to bind and to connect: version 4, Linux 6.7 */
#define TCP_CONNECT    2
#define DNS_PORT       53	    /* of an answer that was too long */
#define SCOPES	       3	    /* abstract sockets and signals: version 6, Linux 6.12 */

/* To rename into another directory (version 2) is refused where it is not asked for. */
#define CHANGES                                                                                    \
	(WRITE_FILE | REMOVE_DIR | REMOVE_FILE | MAKE_CHAR | MAKE_DIR | MAKE_REG | MAKE_SOCK |     \
	 MAKE_FIFO | MAKE_BLOCK | MAKE_SYM | TRUNCATE)
#define WRITES (WRITE_FILE | REMOVE_FILE | MAKE_REG | MAKE_SOCK | TRUNCATE)
#define READS  (READ_FILE | READ_DIR)
/* What a rule of a file may hold. */
#define OF_FILES (WRITE_FILE | READ_FILE | TRUNCATE)

struct ruleset {
	uint64_t files, net, scopes;
};

struct rule {
	uint64_t allowed;
	int fd;
} __attribute__((packed));

struct port_rule {
	uint64_t allowed, port;
};

static struct ruleset rights_of(long version, const struct confine *wish)
{
	struct ruleset s = {.files = EXECUTE | CHANGES, .net = TCP, .scopes = SCOPES};

	s.files &= version < 3 ? ~TRUNCATE : ~0ull;
	s.files |= version < 5 ? 0 : IOCTL_DEV;
	s.files |= wish->read_below ? READS : 0;
	s.net = version < 4 ? 0 : s.net;
	s.scopes = version < 6 ? 0 : s.scopes;
	return s;
}

/* What is not there needs no rule. */
static int allow(int rules, const char *const *below, uint64_t rights)
{
	int err = 0;

	for (; below && *below && !err; below++) {
		struct rule rule = {.allowed = rights, .fd = open(*below, O_PATH | O_CLOEXEC)};
		struct stat st;

		if (rule.fd < 0)
			continue;
		if (fstat(rule.fd, &st) == 0 && !S_ISDIR(st.st_mode))
			rule.allowed &= OF_FILES;
		if (syscall(ADD_RULE, rules, PATH_BENEATH, &rule, 0) < 0)
			err = -errno;
		close(rule.fd);
	}
	return err;
}

static int allow_ports(int rules, const struct ruleset *rights, uint16_t port)
{
	const struct port_rule ports[] = {{TCP_CONNECT, port}, {TCP_CONNECT, DNS_PORT}};

	for (int i = 0; i < 2 && port && rights->net; i++) {
		if (syscall(ADD_RULE, rules, NET_PORT, &ports[i], 0) < 0)
			return -errno;
	}
	return 0;
}

int confine_open_rules(const struct confine *wish)
{
	long version = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);
	struct ruleset rights;
	int rules, err;

	if (version < 0)
		return -errno;
	rights = rights_of(version, wish);
	rules = (int)syscall(CREATE_RULESET, &rights, sizeof(rights), 0);
	if (rules < 0)
		return -errno;
	err = allow(rules, wish->read_below, rights.files & READS);
	if (!err)
		err = allow(rules, wish->write_below, rights.files & (READS | WRITES));
	if (!err)
		err = allow_ports(rules, &rights, wish->connects);
	if (err)
		close(rules);
	return err ? err : rules;
}

int confine_enter_rules(int rules)
{
	int err = syscall(RESTRICT_SELF, rules, 0) < 0 ? -errno : 0;

	close(rules);
	return err;
}
