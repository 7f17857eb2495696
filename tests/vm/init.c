// SPDX-License-Identifier: GPL-2.0-only
/*
 * PID 1 of a test machine: prepares the least a program may count on, runs the end-to-end agent
 * with its output on the results port, and powers off.
 *
 * What it leaves undone is part of the test: no tracefs, no cgroup2, no bpffs, no limits raised.
 *
 * The kernel hands over, from its command line, NAME=VALUE words as environment (VM_RESULTS, the
 * port; VM_HOOKS, the tier; VM_LOCKDOWN; AGENT_SLOW, for the agent; VM_BTF, on a kernel whose own BTF is made to
 * vanish, the file to use instead) and what follows "--" as arguments (more options for the agent).
 *
 * On the port: BEGIN; PROGRAM and how `sockwatch --version` ended; TIER and how `sockwatch features`
 * with this tier ended, after the table it printed; the agent's lines; END and how the agent ended. A machine
 * that did not say END is lost, whatever it said before.
 *
 * With VM_CUT in the environment it runs a recorder and a generator instead, from a disk, until the power goes: on the
 * port, "READY nanoseconds" once the recorder traces, what the recorder says after "#", and connrate's log.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#define MAX_INIT_ARGS 32 /* CONFIG_INIT_ENV_ARG_LIMIT, what the kernel passes on at most */

static int port = STDOUT_FILENO;

static void mount_at(const char *type, const char *path)
{
	mkdir(path, 0755);
	if (mount(type, path, type, 0, NULL) && errno != EBUSY)
		dprintf(port, "FAIL init: mount %s at %s: %s\n", type, path, strerror(errno));
}

/* As it comes, no echo, no carriage returns. The console is the fallback, so that nothing is said
 * to nobody. */
static void open_port(void)
{
	const char *path = getenv("VM_RESULTS");
	struct termios mode;
	int fd = path ? open(path, O_RDWR | O_NOCTTY) : -1;

	if (fd < 0) {
		fprintf(stderr, "init: %s: %s\n", path ? path : "VM_RESULTS", strerror(errno));
		return;
	}
	port = fd;
	if (!tcgetattr(port, &mode)) {
		cfmakeraw(&mode);
		tcsetattr(port, TCSANOW, &mode);
	}
}

static void bring_up_loopback(void)
{
	struct ifreq request = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &request))
		dprintf(port, "FAIL init: lo cannot be brought up: %s\n", strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* What is left of the BTF in a kernel without types (typeless.py) still has its file. */
static void hide_btf(void)
{
	if (mount("none", "/sys/kernel/btf", "tmpfs", 0, NULL))
		dprintf(port, "FAIL init: /sys/kernel/btf cannot be hidden: %s\n", strerror(errno));
}

/* In the order of their needs; one that is not there or does not load leaves its scenarios to say so. */
static void load_modules(void)
{
	static const char *const module[] = {
		"/veth.ko", "/libcrc32c.ko", "/udp_tunnel.ko", "/ip6_udp_tunnel.ko", "/vxlan.ko",
		"/sctp.ko", "/inet_diag.ko", "/tcp_diag.ko",   "/udp_diag.ko",	     "/raw_diag.ko",
	};

	for (size_t i = 0; i < sizeof(module) / sizeof(module[0]); i++) {
		int fd = open(module[i], O_RDONLY | O_CLOEXEC);

		if (fd < 0)
			continue;
		if (syscall(SYS_finit_module, fd, "", 0))
			dprintf(port, "%s: %s\n", module[i], strerror(errno));
		close(fd);
	}
}

/* Two users, so that names can be shown and looked up. */
static void write_users(void)
{
	static const char users[] = "root:x:0:0:root:/:/bin/sh\n"
				    "nobody:x:65534:65534:nobody:/:/bin/false\n";
	int fd;

	mkdir("/etc", 0755);
	fd = open("/etc/passwd", O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, users, sizeof(users) - 1) < 0)
		dprintf(port, "FAIL init: /etc/passwd: %s\n", strerror(errno));
	close(fd);
}

/* VM_LOCKDOWN: what the kernel must have made of lockdown= on its command line. */
static void check_lockdown(void)
{
	const char *wanted = getenv("VM_LOCKDOWN");
	char text[128] = "", word[32];
	ssize_t n = -1;
	int fd;

	if (!wanted)
		return;
	mount_at("securityfs", "/sys/kernel/security");
	fd = open("/sys/kernel/security/lockdown", O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, text, sizeof(text) - 1);
		close(fd);
	}
	snprintf(word, sizeof(word), "[%s]", wanted);
	if (n < 0 || !strstr(text, word))
		dprintf(port, "FAIL init: no lockdown=%s in this kernel: %s\n", wanted,
			n < 0 ? strerror(errno) : text);
}

/* Runs a program to its end and returns its wait status, -1 if it could not start. Reaps orphans
 * meanwhile, as PID 1 must. */
static int run(char *const argv[])
{
	int status = -1, other;
	pid_t child = fork(), pid;

	if (!child) {
		dup2(port, STDOUT_FILENO);
		dup2(port, STDERR_FILENO);
		setsid();
		execv(argv[0], argv);
		dprintf(port, "init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	if (child < 0)
		return -1;
	while ((pid = wait(&other)) != child && (pid > 0 || errno == EINTR))
		;
	if (pid == child)
		status = other;
	return status;
}

static void say_how_it_ended(const char *word, int status)
{
	if (status != -1 && WIFSIGNALED(status))
		dprintf(port, "%s signal %d\n", word, WTERMSIG(status));
	else
		dprintf(port, "%s code %d\n", word, status == -1 ? -1 : WEXITSTATUS(status));
}

static int run_agent(int argc, char *argv[])
{
	char *agent[7 + MAX_INIT_ARGS + 1];
	int at = 0;

	agent[at++] = "/agent";
	agent[at++] = "--program";
	agent[at++] = "/sockwatch";
	agent[at++] = "--hooks";
	agent[at++] = getenv("VM_HOOKS");
	if (getenv("VM_BTF")) {
		agent[at++] = "--btf";
		agent[at++] = getenv("VM_BTF");
	}
	for (int i = 1; i < argc && i <= MAX_INIT_ARGS; i++)
		agent[at++] = argv[i];
	agent[at] = NULL;
	return run(agent);
}

static pid_t start(char *const argv[], int errors)
{
	pid_t child = fork();

	if (!child) {
		dup2(errors, STDOUT_FILENO);
		dup2(errors, STDERR_FILENO);
		execv(argv[0], argv);
		dprintf(port, "init: %s: %s\n", argv[0], strerror(errno));
		_exit(127);
	}
	return child;
}

static void run_until_cut(void)
{
	char *record[] = {"/sockwatch", "record", "--store", "/store/lives", NULL};
	char *generate[] = {"/connrate", "--rate", getenv("VM_CUT"), "--seconds",	   "600",
			    "--netns",	 "self",   "--log",	     getenv("VM_RESULTS"), NULL};
	static const char tracing[] = "sockwatch: tracing";
	char line[512];
	struct timespec now;
	int said[2];
	FILE *words;

	mkdir("/store", 0755);
	if (pipe(said) || start(record, said[1]) < 0 || !(words = fdopen(said[0], "r"))) {
		dprintf(port, "# init: %s\n", strerror(errno));
		return;
	}
	close(said[1]);
	while (fgets(line, sizeof(line), words)) {
		dprintf(port, "# %s", line);
		if (strncmp(line, tracing, strlen(tracing)))
			continue;
		clock_gettime(CLOCK_REALTIME, &now);
		dprintf(port, "READY %lld%09ld\n", (long long)now.tv_sec, now.tv_nsec);
		start(generate, port);
	}
}

int main(int argc, char *argv[])
{
	char *version[] = {"/sockwatch", "--version", NULL};
	char *btf = getenv("VM_BTF");
	char *features[] = {"/sockwatch",	"features", "-o", "json", "--hooks",
			    getenv("VM_HOOKS"), NULL,	    NULL, NULL};
	int status;

	mkdir("/tmp", 01777);
	mkdir("/run", 0755);
	mount_at("proc", "/proc");
	mount_at("sysfs", "/sys");
	mount_at("devtmpfs", "/dev");
	open_port();
	write_users();
	check_lockdown();
	if (btf) {
		hide_btf();
		features[6] = "--btf";
		features[7] = btf;
	}
	load_modules();
	bring_up_loopback();
	setenv("PATH", "/", 1);
	setenv("WHOLE_MACHINE", "1", 1); /* its limits are the agent's to change */

	dprintf(port, "\nBEGIN\n");
	if (getenv("VM_CUT")) {
		run_until_cut();
		reboot(RB_POWER_OFF);
	}
	say_how_it_ended("PROGRAM", run(version));
	status = run(features);
	say_how_it_ended("\nTIER", status);
	if (!status)
		status = run_agent(argc, argv);
	say_how_it_ended("\nEND", status);

	tcdrain(port);
	sync();
	reboot(RB_POWER_OFF);
	return 1;
}
