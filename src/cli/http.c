// SPDX-License-Identifier: GPL-2.0-only
#include "http.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"
#include "options_place.h"

#define BACKLOG	      64
#define FIRST_PASSED  3 /* SD_LISTEN_FDS_START */
#define LIBRARY	      "libmicrohttpd.so.12"
#define PLACE_SIZE    (sizeof("http://[]:65535") + INET6_ADDRSTRLEN + PLACE_PATH_MAX)

/* What is used of the library. */
struct library {
	__typeof__(MHD_start_daemon) *start_daemon;
	__typeof__(MHD_stop_daemon) *stop_daemon;
	__typeof__(MHD_run) *run;
	__typeof__(MHD_get_timeout) *get_timeout;
	__typeof__(MHD_get_daemon_info) *get_daemon_info;
	__typeof__(MHD_lookup_connection_value) *lookup_connection_value;
	__typeof__(MHD_create_response_from_buffer) *create_response_from_buffer;
	__typeof__(MHD_add_response_header) *add_response_header;
	__typeof__(MHD_queue_response) *queue_response;
	__typeof__(MHD_destroy_response) *destroy_response;
};

struct http {
	struct library mhd;
	struct MHD_Daemon *daemon;
	int listen, epoll;
	http_answer_fn answer;
	void *ctx;
	char place[PLACE_SIZE];
};

/* ---- where ---- */

/* As it is in the end: port 0 is one that the kernel has chosen. */
static void name_place(struct http *h)
{
	union place_address a = {.any.sa_family = AF_UNSPEC};
	socklen_t len = sizeof(a);
	char host[INET6_ADDRSTRLEN] = "?";

	getsockname(h->listen, &a.any, &len);
	if (a.any.sa_family == AF_UNIX)
		snprintf(h->place, sizeof(h->place), "unix:%s", a.un.sun_path);
	else if (a.any.sa_family == AF_INET6)
		snprintf(h->place, sizeof(h->place), "http://[%s]:%u",
			 inet_ntop(AF_INET6, &a.in6.sin6_addr, host, sizeof(host)),
			 ntohs(a.in6.sin6_port));
	else
		snprintf(h->place, sizeof(h->place), "http://%s:%u",
			 inet_ntop(AF_INET, &a.in.sin_addr, host, sizeof(host)),
			 ntohs(a.in.sin_port));
}

/* ---- the socket ---- */

/* One that was begun by systemd for this process: of the environment, which nobody else is to take for his. */
static int take_passed(void)
{
	const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");
	char own[16];
	int listens = 0;
	socklen_t len = sizeof(listens);
	bool ours;

	snprintf(own, sizeof(own), "%d", (int)getpid());
	ours = pid && count && strcmp(pid, own) == 0 && strcmp(count, "1") == 0;
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	if (!ours || getsockopt(FIRST_PASSED, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) < 0 || !listens)
		return -1;
	return FIRST_PASSED;
}

/* A socket that a process has left which was killed: nobody answers there. */
static void remove_left(const union place_address *a, socklen_t len)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;

	if (fd >= 0 && connect(fd, &a->any, len) < 0 && errno == ECONNREFUSED &&
	    lstat(a->un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) && st.st_uid == geteuid())
		unlink(a->un.sun_path);
	if (fd >= 0)
		close(fd);
}

/* -1 after saying why. */
static int open_socket(const char *where)
{
	union place_address a;
	socklen_t len = place_parse(where, &a);
	int fd, one = 1, zero = 0, err;
	mode_t mask;

	if (a.any.sa_family == AF_UNIX)
		remove_left(&a, len);
	fd = socket(a.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd >= 0 && a.any.sa_family != AF_UNIX)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd >= 0 && a.any.sa_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof(zero));
	/* Its group may ask. */
	mask = umask(0117);
	err = fd < 0 || bind(fd, &a.any, len) < 0 || listen(fd, BACKLOG) < 0 ? errno : 0;
	umask(mask);
	if (!err)
		return fd;
	log_error("--listen '%s': %s%s", where, strerror(err),
		  err == EADDRINUSE ? "; sockwatch who says who has it" : "");
	if (fd >= 0)
		close(fd);
	errno = err;
	return -1;
}

/* ---- the library ---- */

#ifdef SOCKWATCH_STATIC
/* Stands in for the TLS library, see Makefile. */
int http_no_tls(void);
int http_no_tls(void)
{
	return 0;
}

static bool load(struct library *ret)
{
	*ret = (struct library){
		.start_daemon = MHD_start_daemon,
		.stop_daemon = MHD_stop_daemon,
		.run = MHD_run,
		.get_timeout = MHD_get_timeout,
		.get_daemon_info = MHD_get_daemon_info,
		.lookup_connection_value = MHD_lookup_connection_value,
		.create_response_from_buffer = MHD_create_response_from_buffer,
		.add_response_header = MHD_add_response_header,
		.queue_response = MHD_queue_response,
		.destroy_response = MHD_destroy_response,
	};
	return true;
}
#else
static bool load(struct library *ret)
{
	void *library = dlopen(LIBRARY, RTLD_NOW | RTLD_LOCAL);
	const struct {
		const char *name;
		void *function;
	} wanted[] = {
		{"MHD_start_daemon", &ret->start_daemon},
		{"MHD_stop_daemon", &ret->stop_daemon},
		{"MHD_run", &ret->run},
		{"MHD_get_timeout", &ret->get_timeout},
		{"MHD_get_daemon_info", &ret->get_daemon_info},
		{"MHD_lookup_connection_value", &ret->lookup_connection_value},
		{"MHD_create_response_from_buffer", &ret->create_response_from_buffer},
		{"MHD_add_response_header", &ret->add_response_header},
		{"MHD_queue_response", &ret->queue_response},
		{"MHD_destroy_response", &ret->destroy_response},
	};

	if (!library) {
		log_error("metrics are served by libmicrohttpd, which cannot be loaded: %s; apt "
			  "install libmicrohttpd12",
			  dlerror());
		return false;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *symbol = dlsym(library, wanted[i].name);

		if (!symbol) {
			log_error(LIBRARY " has no %s: another version", wanted[i].name);
			return false;
		}
		memcpy(wanted[i].function, &symbol, sizeof(symbol));
	}
	return true;
}
#endif

/* ---- requests ---- */

static enum MHD_Result reply(struct http *h, struct MHD_Connection *connection, unsigned int status,
			     const char *type, char *text, size_t len)
{
	struct MHD_Response *response =
		h->mhd.create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	enum MHD_Result result = MHD_NO;

	if (!response) {
		free(text);
		return MHD_NO;
	}
	if (type)
		h->mhd.add_response_header(response, "Content-Type", type);
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		h->mhd.add_response_header(response, "Allow", "GET, HEAD");
	result = h->mhd.queue_response(connection, status, response);
	h->mhd.destroy_response(response);
	return result;
}

/* Called twice: once the head is there, once the rest is, which nobody reads. */
static enum MHD_Result on_request(void *ctx, struct MHD_Connection *connection, const char *url,
				  const char *method, const char *version, const char *upload,
				  size_t *upload_len, void **state)
{
	struct http *h = ctx;
	struct buffer text;
	struct http_answer answer = {.status = MHD_HTTP_NOT_FOUND, .text = &text};

	(void)version;
	(void)upload;
	if (!*state) {
		*state = h;
		return MHD_YES;
	}
	if (*upload_len) {
		*upload_len = 0;
		return MHD_YES;
	}
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return reply(h, connection, MHD_HTTP_METHOD_NOT_ALLOWED, NULL, NULL, 0);
	if (buffer_init(&text, 1u << 12) < 0)
		return MHD_NO;
	h->answer(h->ctx, url,
		  h->mhd.lookup_connection_value(connection, MHD_HEADER_KIND, "Accept"), &answer);
	if (text.failed) {
		buffer_done(&text);
		return reply(h, connection, MHD_HTTP_SERVICE_UNAVAILABLE, NULL, NULL, 0);
	}
	return reply(h, connection, answer.status, answer.type, text.data, text.len);
}

/* What a client does wrong is no news. */
static void ignore_words(void *ctx, const char *format, va_list args)
{
	(void)ctx;
	(void)format;
	(void)args;
}

struct http *http_open(const char *where, http_answer_fn answer, void *ctx)
{
	struct http *h = calloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	if (!h) {
		log_error("no memory");
		return NULL;
	}
	h->answer = answer;
	h->ctx = ctx;
	h->listen = take_passed();
	if (h->listen < 0)
		h->listen = open_socket(where);
	if (h->listen >= 0 && load(&h->mhd))
		h->daemon = h->mhd.start_daemon(
			MHD_USE_EPOLL | MHD_USE_ERROR_LOG, 0, NULL, NULL, on_request, h,
			MHD_OPTION_EXTERNAL_LOGGER, ignore_words, NULL,
			MHD_OPTION_LISTEN_SOCKET, h->listen,
			MHD_OPTION_CONNECTION_LIMIT, (unsigned int)HTTP_CLIENTS,
			MHD_OPTION_CONNECTION_TIMEOUT, (unsigned int)HTTP_TIMEOUT_S,
			MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)HTTP_MEMORY, MHD_OPTION_END);
	info = h->daemon ? h->mhd.get_daemon_info(h->daemon, MHD_DAEMON_INFO_EPOLL_FD) : NULL;
	if (info) {
		h->epoll = info->epoll_fd;
		name_place(h);
		return h;
	}
	if (h->listen >= 0 && h->mhd.destroy_response)
		log_error("cannot serve HTTP at %s: %s", where, strerror(errno));
	http_close(h);
	return NULL;
}

const char *http_place(const struct http *h)
{
	return h->place;
}

int http_fd(const struct http *h)
{
	return h->epoll;
}

int http_wait_ms(const struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (h->mhd.get_timeout(h->daemon, &ms) != MHD_YES)
		return -1;
	return ms < INT_MAX ? (int)ms : INT_MAX;
}

void http_turn(struct http *h)
{
	h->mhd.run(h->daemon);
}

void http_close(struct http *h)
{
	if (!h)
		return;
	if (h->daemon)
		h->mhd.stop_daemon(h->daemon); /* closes the socket, too */
	else if (h->listen >= 0)
		close(h->listen);
	free(h);
}
