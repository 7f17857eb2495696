/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * connrate - opens and closes TCP connections on loopback, at a pace or as fast as it can.
 *
 *     connrate --rate 50000 --seconds 5
 *     {"connections":250000,"accepted":250000,"failed":0,"seconds":5.000,"rate":49998.1,...}
 *
 * Two processes, because a tracer must tell them apart: this one connects and closes, its child
 * binds, listens and accepts. Every connection lives the same life of ten state changes; the
 * client's FIN always comes first, because the server reads until it sees it. What makes it fast:
 *
 * - one listener on 0.0.0.0, one blocking accept4() loop, no epoll, no data: three system calls at
 *   either end are the whole of a connection;
 * - on loopback connect() runs the handshake of both ends itself, so it never sleeps;
 * - a window on connections not yet accepted (in shared memory, not a pipe) keeps the accept queue
 *   from overflowing: one dropped SYN costs a second;
 * - a TIME_WAIT stays of each connection; spread over 127.1.0.0/16 no destination fills so much
 *   of the port range that connect() searches long.
 *
 * On two idle cores (x86_64, Linux 6.18) 71,000 to 79,000 connections/s, of them 67,000 still after
 * 20 s and 1.3 million TIME_WAITs. Bounded in count and time; in a network namespace of its own
 * unless told otherwise, which takes all TIME_WAITs with it at the end.
 *
 * --log FILE has a line a connection, written when its server has closed: "CLIENT_PORT DESTINATION
 * NANOSECONDS", the time being CLOCK_REALTIME.
 */
#include <argp.h>
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NS_PER_S	1000000000ull
#define MAX_SECONDS	600
#define MAX_CONNECTIONS 100000000ull
#define BACKLOG		4096
/* Well below BACKLOG: the count of accepted ones is a little old when it is read. */
#define WINDOW 1024
/* A server that has made no progress for so long has lost what it waits for. */
#define DRAIN_NS	  (3 * NS_PER_S)
#define FIRST_DESTINATION 0x7f010000u /* 127.1.0.0 */

struct options {
	uint64_t rate; /* connections per second, 0: no pace */
	uint64_t seconds;
	uint64_t connections;
	unsigned int destinations;
	bool reset;
	bool own_netns;
	const char *log; /* NULL: none */
};

/* The client writes made and done, the server the rest; on lines of their own because both spin on
 * them. */
struct shared {
	_Alignas(64) atomic_uint_fast64_t made;
	atomic_bool done;
	_Alignas(64) atomic_uint_fast64_t accepted;
	atomic_uint port; /* 0: the server does not listen yet */
};

struct result {
	uint64_t failed;
	uint64_t unfinished;  /* sockets still closing when it gave up waiting for them */
	uint64_t retransmits; /* by the whole namespace */
	int first_error;
	uint64_t elapsed_ns;
};

static volatile sig_atomic_t interrupted;

static void on_signal(int signo)
{
	(void)signo;
	interrupted = 1;
}

/* SIGINT and SIGTERM end the run early and leave nothing behind; the server ends when the client
 * says so. */
static void catch_signals(void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * NS_PER_S + (uint64_t)ts.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "connrate: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void write_sysctl(const char *path, const char *value)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0 || write(fd, value, strlen(value)) < 0)
		fprintf(stderr, "connrate: %s: %s (the rate may suffer)\n", path, strerror(errno));
	if (fd >= 0)
		close(fd);
}

static void enter_netns(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	int fd;

	if (unshare(CLONE_NEWNET) < 0)
		die("a network namespace of its own (needs CAP_SYS_ADMIN; or --netns self)");
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &ifr) < 0)
		die("lo up");
	close(fd);
	/* /proc/sys/net shows the namespace of the task that looks. */
	write_sysctl("/proc/sys/net/ipv4/ip_local_port_range", "1024 65535");
	write_sysctl("/proc/sys/net/ipv4/tcp_max_tw_buckets", "16777216");
	write_sysctl("/proc/sys/net/ipv4/tcp_max_syn_backlog", "65536");
	write_sysctl("/proc/sys/net/core/somaxconn", "65536");
}

static int open_listener(uint16_t *ret_port)
{
	struct sockaddr_in addr = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_ANY)};
	struct timeval patience = {.tv_usec = 100000};
	socklen_t len = sizeof(addr);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&addr, len) < 0 || listen(fd, BACKLOG) < 0 ||
	    getsockname(fd, (struct sockaddr *)&addr, &len) < 0)
		die("listener");
	/* Not a poll: only the end of the run is found by this timeout. */
	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		die("SO_RCVTIMEO");
	*ret_port = ntohs(addr.sin_port);
	return fd;
}

static void find_ends(int fd, struct sockaddr_in *ret_client, struct sockaddr_in *ret_server)
{
	socklen_t len = sizeof(*ret_client);

	if (getpeername(fd, (struct sockaddr *)ret_client, &len) < 0 ||
	    getsockname(fd, (struct sockaddr *)ret_server, &len) < 0)
		die("the ends of a connection");
}

/* Both sockets have left ESTABLISHED behind; a line at a time, because the reader does not wait for the end. */
static void log_end(FILE *log, const struct sockaddr_in *client, const struct sockaddr_in *server)
{
	char destination[INET_ADDRSTRLEN] = "";
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	inet_ntop(AF_INET, &server->sin_addr, destination, sizeof(destination));
	fprintf(log, "%u %s %llu\n", ntohs(client->sin_port), destination,
		(unsigned long long)now.tv_sec * NS_PER_S + (unsigned long long)now.tv_nsec);
}

static FILE *open_log(const char *path)
{
	FILE *log = path ? fopen(path, "we") : NULL;

	if (path && (!log || setvbuf(log, NULL, _IOLBF, 0)))
		die(path);
	return log;
}

/* Ends when all are accepted that were made, or when nothing has come for DRAIN_NS after the last
 * was made. */
static void serve(int listener, struct shared *shared, FILE *log)
{
	struct sockaddr_in client, server;
	uint64_t accepted = 0, last_ns = now_ns();
	char byte;

	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

		if (fd < 0) {
			if (atomic_load(&shared->done) && (accepted >= atomic_load(&shared->made) ||
							   now_ns() - last_ns > DRAIN_NS))
				return;
			if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED)
				die("accept4");
			continue;
		}
		while (read(fd, &byte, 1) > 0)
			;
		if (log)
			find_ends(fd, &client, &server);
		close(fd);
		if (log)
			log_end(log, &client, &server);
		atomic_store_explicit(&shared->accepted, ++accepted, memory_order_release);
		if (atomic_load_explicit(&shared->done, memory_order_relaxed)) {
			if (accepted >= atomic_load(&shared->made))
				return;
			last_ns = now_ns();
		}
	}
}

static int connect_once(const struct sockaddr_in *to, bool reset)
{
	struct linger linger = {.l_onoff = 1};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = 0;

	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) < 0)
		err = -errno;
	else if (reset && setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)) < 0)
		err = -errno;
	close(fd);
	return err;
}

/* Waits for the turn of connection number `n`; late ones are made up for without a wait. */
static void keep_pace(uint64_t start_ns, uint64_t n, uint64_t rate)
{
	uint64_t due_ns = start_ns + n / rate * NS_PER_S + n % rate * NS_PER_S / rate;
	struct timespec due = {.tv_sec = (time_t)(due_ns / NS_PER_S),
			       .tv_nsec = (long)(due_ns % NS_PER_S)};

	if (now_ns() < due_ns)
		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL);
}

/* False when the server has stopped accepting. */
static bool wait_for_window(const struct shared *shared, uint64_t made)
{
	struct timespec nap = {.tv_nsec = 20000};
	uint64_t since_ns = 0;

	while (made - atomic_load_explicit(&shared->accepted, memory_order_acquire) >= WINDOW) {
		if (!since_ns)
			since_ns = now_ns();
		else if (now_ns() - since_ns > DRAIN_NS)
			return false;
		nanosleep(&nap, NULL);
	}
	return true;
}

static void drive(const struct options *opt, uint16_t port, struct shared *shared,
		  struct result *result)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	uint64_t start_ns = now_ns(), end_ns = start_ns + opt->seconds * NS_PER_S, made = 0, tried;
	int err;

	for (tried = 0; tried < opt->connections && !interrupted; tried++) {
		if (opt->rate)
			keep_pace(start_ns, tried, opt->rate);
		if (now_ns() >= end_ns || !wait_for_window(shared, made))
			break;
		to.sin_addr.s_addr =
			htonl(FIRST_DESTINATION + 1 + (uint32_t)(tried % opt->destinations));
		err = connect_once(&to, opt->reset);
		if (!err) {
			atomic_store_explicit(&shared->made, ++made, memory_order_release);
			continue;
		}
		if (!result->failed++)
			result->first_error = -err;
	}
	atomic_store(&shared->done, true);
	result->elapsed_ns = now_ns() - start_ns;
}

/* Word number `field` after `label` in a /proc/self/net file, in the last line with that label; 0
 * without one. */
static uint64_t read_counter(const char *path, const char *label, int field)
{
	char line[1024], *word, *rest;
	FILE *file = fopen(path, "re");
	uint64_t n = 0;
	int i;

	while (file && fgets(line, sizeof(line), file)) {
		word = strtok_r(line, " \n", &rest);
		if (!word || strcmp(word, label))
			continue;
		for (i = 0; word && i < field; i++)
			word = strtok_r(NULL, " \n", &rest);
		n = word ? strtoull(word, NULL, 10) : 0;
	}
	if (file)
		fclose(file);
	return n;
}

/* TCP sockets of this namespace, without TIME_WAIT. */
static uint64_t read_sockets(void)
{
	return read_counter("/proc/self/net/sockstat", "TCP:", 2);
}

/* RetransSegs; a line of names comes before the line of numbers. */
static uint64_t read_retransmits(void)
{
	return read_counter("/proc/self/net/snmp", "Tcp:", 12);
}

/*
 * A FIN that found the loopback queue full is sent again after 200 ms.  The namespace must not go
 * before, or its last connections never reach CLOSE and a tracer seems to have lost them.
 */
static uint64_t wait_for_closes(uint64_t sockets_before)
{
	const struct timespec nap = {.tv_nsec = 10000000};
	uint64_t start_ns = now_ns(), sockets = read_sockets();

	while (sockets > sockets_before && now_ns() - start_ns < DRAIN_NS) {
		nanosleep(&nap, NULL);
		sockets = read_sockets();
	}
	return sockets > sockets_before ? sockets - sockets_before : 0;
}

static double cpu_seconds(int who)
{
	struct rusage usage;

	getrusage(who, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void report(const struct result *result, struct shared *shared, uint16_t port, pid_t server)
{
	uint64_t made = atomic_load(&shared->made);
	double seconds = (double)result->elapsed_ns / 1e9;
	struct stat netns = {0};

	if (stat("/proc/self/ns/net", &netns) < 0)
		die("/proc/self/ns/net");
	printf("{\"connections\":%llu,\"accepted\":%llu,\"failed\":%llu,\"first_error\":",
	       (unsigned long long)made, (unsigned long long)atomic_load(&shared->accepted),
	       (unsigned long long)result->failed);
	if (result->first_error)
		printf("\"%s\"", strerrorname_np(result->first_error));
	else
		printf("null");
	printf(",\"unfinished\":%llu,\"retransmits\":%llu,\"seconds\":%.3f,\"rate\":%.1f,",
	       (unsigned long long)result->unfinished, (unsigned long long)result->retransmits,
	       seconds, seconds > 0 ? (double)made / seconds : 0);
	printf("\"cpu_s\":%.3f,\"client_cpu_s\":%.3f,\"server_cpu_s\":%.3f,",
	       cpu_seconds(RUSAGE_SELF) + cpu_seconds(RUSAGE_CHILDREN), cpu_seconds(RUSAGE_SELF),
	       cpu_seconds(RUSAGE_CHILDREN));
	printf("\"netns\":%llu,\"port\":%u,\"client_pid\":%d,\"server_pid\":%d}\n",
	       (unsigned long long)netns.st_ino, port, (int)getpid(), (int)server);
}

/* The child binds, listens and accepts, so that one process owns all of the server's side. */
static pid_t start_server(struct shared *shared, const char *log)
{
	pid_t client = getpid(), server = fork();
	uint16_t port;
	int listener;

	if (server < 0)
		die("fork");
	if (server > 0)
		return server;
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0 || prctl(PR_SET_NAME, "connrate-server") < 0 ||
	    getppid() != client)
		_exit(1);
	catch_signals(SIG_IGN);
	listener = open_listener(&port);
	atomic_store(&shared->port, port);
	serve(listener, shared, open_log(log));
	_exit(0);
}

static int run(const struct options *opt)
{
	const struct timespec nap = {.tv_nsec = 1000000};
	struct result result = {0};
	struct shared *shared;
	uint64_t sockets, retransmits;
	int status = 0;
	pid_t server;

	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
		      0);
	if (shared == MAP_FAILED)
		die("shared memory");
	if (opt->own_netns)
		enter_netns();
	/* A pace in microseconds cannot be kept with the default slack of 50. */
	prctl(PR_SET_TIMERSLACK, 1);
	sockets = read_sockets();
	retransmits = read_retransmits();
	server = start_server(shared, opt->log);
	catch_signals(on_signal);
	while (!atomic_load(&shared->port)) {
		if (waitpid(server, &status, WNOHANG) != 0)
			return 1;
		nanosleep(&nap, NULL);
	}
	drive(opt, (uint16_t)atomic_load(&shared->port), shared, &result);
	if (waitpid(server, &status, 0) < 0)
		die("waitpid");
	result.unfinished = wait_for_closes(sockets);
	result.retransmits = read_retransmits() - retransmits;
	report(&result, shared, (uint16_t)atomic_load(&shared->port), server);
	return status != 0;
}

static uint64_t parse_number(struct argp_state *state, const char *name, const char *text,
			     uint64_t max)
{
	char *end;
	unsigned long long n;

	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno || end == text || *end || *text == '-' || n > max)
		argp_error(state, "--%s: '%s' is no number from 0 to %llu", name, text,
			   (unsigned long long)max);
	return n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *opt = state->input;

	switch (key) {
	case 'r': opt->rate = parse_number(state, "rate", arg, 10000000); return 0;
	case 's': opt->seconds = parse_number(state, "seconds", arg, MAX_SECONDS); return 0;
	case 'n':
		opt->connections = parse_number(state, "connections", arg, MAX_CONNECTIONS);
		return 0;
	case 'd':
		opt->destinations = (unsigned int)parse_number(state, "destinations", arg, 65000);
		if (!opt->destinations)
			argp_error(state, "--destinations: at least 1");
		return 0;
	case 'R': opt->reset = true; return 0;
	case 'N':
		opt->own_netns = !strcmp(arg, "new");
		if (!opt->own_netns && strcmp(arg, "self"))
			argp_error(state, "--netns: new or self");
		return 0;
	case 'l': opt->log = arg; return 0;
	case ARGP_KEY_ARG: argp_error(state, "unexpected '%s'", arg); return 0;
	default: return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"rate", 'r', "N", 0, "Connections per second; 0, the default: as many as the machine can",
	 0},
	{"seconds", 's', "N", 0, "End after N seconds (5)", 0},
	{"connections", 'n', "N", 0, "End after N connections", 0},
	{"destinations", 'd', "N", 0, "Spread over N loopback addresses (1024)", 0},
	{"reset", 'R', NULL, 0, "Close with a reset: no TIME_WAIT", 0},
	{"netns", 'N', "new|self", 0, "Where (new); self changes no setting, so ports may run out",
	 0},
	{"log", 'l', "FILE", 0, "A line for each connection as it ends", 0},
	{0},
};

int main(int argc, char **argv)
{
	static const struct argp argp = {
		argp_options, parse_option,
		NULL,	      "Makes TCP connections on loopback and prints how many, as JSON.",
		NULL,	      NULL,
		NULL};
	struct options opt = {
		.seconds = 5,
		.connections = MAX_CONNECTIONS,
		.destinations = 1024,
		.own_netns = true,
	};

	argp_parse(&argp, argc, argv, 0, NULL, &opt);
	return run(&opt);
}
