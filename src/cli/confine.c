// SPDX-License-Identifier: GPL-2.0-only
/*
 * confine.c - capset() and prctl() are called as they are: what libcap-ng would add is that it reads /proc first and one more library
 * to link.  A filter is made by libseccomp, because it is a program, and one for each processor.
 */
#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "confine_private.h"
#include "log.h"

#define NOBODY 65534

static void check(struct confine_result *r, unsigned int part, const char *name, int err)
{
	size_t len = strlen(r->why);

	if (err >= 0)
		return;
	r->missing |= part;
	snprintf(r->why + len, sizeof(r->why) - len, "%s%s: %s", len ? "; " : "", name,
		 strerror(-err));
}

/* ---- capabilities ---- */

static int keep_only(uint64_t keep)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};

	if (syscall(SYS_capget, &header, data) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		data[i].permitted &= (uint32_t)(keep >> 32 * i);
		data[i].effective = data[i].permitted;
		data[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, data) < 0 ? -errno : 0;
}

/* Where CAP_SETPCAP is missing they stay: no_new_privs lets nothing be gained of them. */
static void empty_bounding_set(void)
{
	for (unsigned long bit = 0; prctl(PR_CAPBSET_READ, bit, 0, 0, 0) >= 0; bit++) {
		if (prctl(PR_CAPBSET_DROP, bit, 0, 0, 0) < 0)
			return;
	}
}

void confine_keep(uint64_t keep)
{
	empty_bounding_set();
	keep_only(keep);
}

/* ---- user ---- */

/* Without getpwnam(), which would load the name service's plugins. */
static void find_user(const char *name, uid_t *ret_uid, gid_t *ret_gid)
{
	FILE *file = fopen("/etc/passwd", "re");
	const struct passwd *user;
	bool found = false;

	*ret_uid = *ret_gid = NOBODY;
	while (file && !found && (user = fgetpwent(file))) {
		found = strcmp(user->pw_name, name) == 0;
		if (!user->pw_uid || (!found && strcmp(user->pw_name, "nobody") != 0))
			continue;
		*ret_uid = user->pw_uid;
		*ret_gid = user->pw_gid;
	}
	if (file)
		fclose(file);
}

static int become(const char *name)
{
	uid_t uid;
	gid_t gid;

	if (geteuid() != 0 && getuid() != 0)
		return 0;
	find_user(name, &uid, &gid);
	/* What is kept is kept by capset(). */
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0)
		return -errno;
	prctl(PR_SET_KEEPCAPS, 0, 0, 0, 0);
	return 0;
}

int confine_become_owner(const char *directory)
{
	struct stat st;

	if (geteuid() != 0 || stat(directory, &st) < 0 || !st.st_uid || (st.st_mode & 022))
		return 0;
	/* While it may. */
	empty_bounding_set();
	if (setgroups(0, NULL) < 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
	    setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return -errno;
	return 0;
}

/* ---- all of it ---- */

/* Places are opened before the user changes, who may not come there; the rest needs no_new_privs. */
void confine_try(const struct confine *wish, struct confine_result *ret)
{
	int rules = wish->files ? confine_open_rules(wish) : 0;

	*ret = (struct confine_result){0};
	empty_bounding_set();
	check(ret, CONFINE_USER, "another user", wish->become ? become(wish->become) : 0);
	check(ret, CONFINE_CAPABILITIES, "capabilities", keep_only(wish->keep));
	check(ret, CONFINE_NO_NEW_PRIVS, "no_new_privs",
	      prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ? -errno : 0);
	prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
	if (rules > 0)
		rules = confine_enter_rules(rules);
	check(ret, CONFINE_LANDLOCK, "Landlock", rules);
	if (wish->calls != CONFINE_ANY)
		check(ret, CONFINE_SECCOMP, "seccomp", confine_filter_calls(wish));
}

int confine_say(const struct confine_result *r, bool strict, unsigned int unsaid)
{
	if (r->missing && strict) {
		log_error("--strict: rights that are not needed could not all be given away: %s",
			  r->why);
		return -EPERM;
	}
	if (r->missing & ~unsaid)
		log_say("goes on with rights that are not needed: %s", r->why);
	return 0;
}

int confine(const struct confine *wish, bool strict, unsigned int unsaid)
{
	struct confine_result result;

	confine_try(wish, &result);
	return confine_say(&result, strict, unsaid);
}
