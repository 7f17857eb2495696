// SPDX-License-Identifier: GPL-2.0-only
/*
 * http.c - libcurl is loaded when it is asked for: who only records needs none of the libraries behind it.  The one with GnuTLS first,
 * whose licence goes with this program's.
 */
#include "ship_http.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifdef SOCKWATCH_STATIC
/* A program without a loader has no libcurl, and one that is linked into it has TLS that cannot be. */
struct ship_http *ship_http_open(const struct ship_http_options *options, struct ship_error *error)
{
	(void)options;
	snprintf(error->text, sizeof(error->text),
		 "this sockwatch is one file for any host and has no libcurl; use the package");
	return NULL;
}

void ship_http_close(struct ship_http *h)
{
	(void)h;
}

void ship_http_do(struct ship_http *h, const struct ship_http_request *request,
		  struct ship_http_answer *ret)
{
	(void)h, (void)request;
	*ret = (struct ship_http_answer){.failure = SHIP_HTTP_IMPOSSIBLE};
}
#else
#include <curl/curl.h>
#include <dlfcn.h>
#include <netdb.h>

#define CONNECT_MS    10000
#define STALL_S	      60
/* Keeps a connection through a firewall that forgets the quiet ones. */
#define ALIVE_S	      30
#define RETRY_MAX_S   3600
#define CODE_HEADER   "X-ClickHouse-Exception-Code:"
#define HEADERS_BYTES 1024

/* What is used of the library. */
struct library {
	__typeof__(curl_global_init) *global_init;
	__typeof__(curl_easy_init) *easy_init;
	__typeof__(curl_easy_cleanup) *easy_cleanup;
	__typeof__(curl_easy_reset) *easy_reset;
	__typeof__((curl_easy_setopt)) *setopt;
	__typeof__(curl_easy_perform) *perform;
	__typeof__((curl_easy_getinfo)) *getinfo;
	__typeof__(curl_easy_strerror) *strerror;
	__typeof__(curl_slist_append) *slist_append;
	__typeof__(curl_slist_free_all) *slist_free_all;
};

struct ship_http {
	struct library curl;
	CURL *easy;
	struct curl_slist *headers, *gzip_headers;
	char *place, *ca_file;
	uint32_t connect_ms, stall_s;
	bool (*go_on)(void *ctx);
	void *ctx;

	/* of the request that goes on */
	const struct ship_http_request *request;
	struct ship_http_answer *answer;
	bool given_up;
};

static void fail(struct ship_error *error, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void fail(struct ship_error *error, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(error->text, sizeof(error->text), format, args);
	va_end(args);
}

/* ---- the library ---- */

static void *open_library(void)
{
	static const char *const names[] = {"libcurl-gnutls.so.4", "libcurl.so.4"};
	void *library = NULL;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !library; i++)
		library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
	return library;
}

static bool load(struct library *ret, struct ship_error *error)
{
	void *library = open_library();
	const struct {
		const char *name;
		void *function;
	} wanted[] = {
		{"curl_global_init", &ret->global_init},
		{"curl_easy_init", &ret->easy_init},
		{"curl_easy_cleanup", &ret->easy_cleanup},
		{"curl_easy_reset", &ret->easy_reset},
		{"curl_easy_setopt", &ret->setopt},
		{"curl_easy_perform", &ret->perform},
		{"curl_easy_getinfo", &ret->getinfo},
		{"curl_easy_strerror", &ret->strerror},
		{"curl_slist_append", &ret->slist_append},
		{"curl_slist_free_all", &ret->slist_free_all},
	};

	if (!library) {
		fail(error,
		     "a fleet's database is asked by libcurl, which cannot be loaded: %s; apt "
		     "install "
		     "libcurl3-gnutls",
		     dlerror());
		return false;
	}
	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		void *symbol = dlsym(library, wanted[i].name);

		if (!symbol) {
			fail(error, "libcurl has no %s: another version", wanted[i].name);
			return false;
		}
		memcpy(wanted[i].function, &symbol, sizeof(symbol));
	}
	if (ret->global_init(CURL_GLOBAL_DEFAULT) == 0)
		return true;
	fail(error, "libcurl cannot be used");
	return false;
}

/* The C library loads what finds names (nsswitch.conf) when it is first asked, and later it may load nothing. */
static void find_name(const char *place)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found = NULL;
	struct ship_place p;

	if (ship_place_parse(place, &p) && getaddrinfo(p.host, NULL, &hints, &found) == 0)
		freeaddrinfo(found);
}

/* ---- what is said with each request ---- */

static bool add_header(struct ship_http *h, struct curl_slist **list, const char *name,
		       const char *value)
{
	char line[HEADERS_BYTES];
	struct curl_slist *more;

	if (snprintf(line, sizeof(line), "%s: %s", name, value) >= (int)sizeof(line))
		return false;
	/* A name without a value is left out: curl would not send it. */
	more = h->curl.slist_append(*list, line);
	if (more)
		*list = more;
	return more != NULL;
}

/* One list for bodies as they are and one for those in gzip.  No "Expect: 100-continue", which costs a round. */
static bool make_headers(struct ship_http *h, const struct ship_http_options *o)
{
	struct curl_slist **lists[] = {&h->headers, &h->gzip_headers};
	bool ok = true;

	for (int i = 0; i < 2; i++) {
		ok = ok && add_header(h, lists[i], "Content-Type", "text/tab-separated-values") &&
		     add_header(h, lists[i], "Expect", "");
		if (o->user)
			ok = ok && add_header(h, lists[i], "X-ClickHouse-User", o->user);
		if (o->password && *o->password)
			ok = ok && add_header(h, lists[i], "X-ClickHouse-Key", o->password);
	}
	return ok && add_header(h, &h->gzip_headers, "Content-Encoding", "gzip");
}

static bool has_line_end(const char *text)
{
	return text && strpbrk(text, "\r\n");
}

/* Read at each handshake: what is wrong with it is said now. */
static bool check_file(const char *path, struct ship_error *error)
{
	int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) : -1;

	if (path && fd < 0)
		fail(error, "cannot read the certificates of %s: %s", path, strerror(errno));
	if (fd >= 0)
		close(fd);
	return !path || fd >= 0;
}

struct ship_http *ship_http_open(const struct ship_http_options *o, struct ship_error *error)
{
	struct ship_http *h = calloc(1, sizeof(*h));

	if (!h) {
		fail(error, "no memory");
		return NULL;
	}
	h->connect_ms = o->connect_ms ? o->connect_ms : CONNECT_MS;
	h->stall_s = o->stall_s ? o->stall_s : STALL_S;
	h->go_on = o->go_on;
	h->ctx = o->ctx;
	if (has_line_end(o->user) || has_line_end(o->password)) {
		fail(error, "a user or a password with a line's end in it cannot be sent");
		goto failed;
	}
	if (!check_file(o->ca_file, error) || !load(&h->curl, error))
		goto failed;
	h->place = strdup(o->place);
	h->ca_file = o->ca_file ? strdup(o->ca_file) : NULL;
	h->easy = h->curl.easy_init();
	if (!h->place || (o->ca_file && !h->ca_file) || !h->easy || !make_headers(h, o)) {
		fail(error, "no memory");
		goto failed;
	}
	find_name(h->place);
	return h;
failed:
	ship_http_close(h);
	return NULL;
}

void ship_http_close(struct ship_http *h)
{
	if (!h)
		return;
	if (h->easy)
		h->curl.easy_cleanup(h->easy);
	if (h->headers)
		h->curl.slist_free_all(h->headers);
	if (h->gzip_headers)
		h->curl.slist_free_all(h->gzip_headers);
	free(h->place);
	free(h->ca_file);
	free(h);
}

/* ---- one request ---- */

static int on_progress(void *ctx, curl_off_t all_in, curl_off_t in, curl_off_t all_out,
		       curl_off_t out)
{
	struct ship_http *h = ctx;

	(void)all_in, (void)in, (void)all_out, (void)out;
	if (h->go_on && !h->go_on(h->ctx))
		h->given_up = true;
	return h->given_up;
}

static size_t on_header(char *line, size_t size, size_t count, void *ctx)
{
	static const char name[] = CODE_HEADER;
	struct ship_http *h = ctx;
	size_t len = size * count;
	char value[16];

	if (len > sizeof(name) - 1 && !strncasecmp(line, name, sizeof(name) - 1)) {
		snprintf(value, sizeof(value), "%.*s", (int)(len - (sizeof(name) - 1)),
			 line + sizeof(name) - 1);
		h->answer->code = atoi(value);
	}
	return len;
}

static size_t on_body(char *bytes, size_t size, size_t count, void *ctx)
{
	struct ship_http *h = ctx;
	const struct ship_http_request *r = h->request;
	size_t len = size * count, used = strlen(h->answer->text);
	long status = 0;

	h->answer->received_bytes += len;
	h->curl.getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	if (r->take && status == 200) {
		h->given_up = h->given_up || !r->take(r->ctx, bytes, len);
		return h->given_up ? 0 : len;
	}
	for (size_t i = 0; i < len && used < sizeof(h->answer->text) - 1; i++) {
		if (bytes[i])
			h->answer->text[used++] = bytes[i];
	}
	h->answer->text[used] = '\0';
	return len;
}

static void set_up(struct ship_http *h, const struct ship_http_request *r, const char *url,
		   char *why)
{
	__typeof__((curl_easy_setopt)) *set = h->curl.setopt;
	CURL *e = h->easy;

	/* What is set goes, the connection stays. */
	h->curl.easy_reset(e);
	set(e, CURLOPT_URL, url);
	set(e, CURLOPT_ERRORBUFFER, why);
	set(e, CURLOPT_PROTOCOLS_STR, "http,https");
	set(e, CURLOPT_NOSIGNAL, 1L);
	set(e, CURLOPT_TCP_KEEPALIVE, 1L);
	set(e, CURLOPT_TCP_KEEPIDLE, (long)ALIVE_S);
	set(e, CURLOPT_TCP_KEEPINTVL, (long)ALIVE_S);
	set(e, CURLOPT_CONNECTTIMEOUT_MS, (long)h->connect_ms);
	set(e, CURLOPT_LOW_SPEED_LIMIT, 1L);
	set(e, CURLOPT_LOW_SPEED_TIME, (long)h->stall_s);
	set(e, CURLOPT_USERAGENT, "sockwatch/" SOCKWATCH_VERSION);
	/* Whatever the environment says: a proxy would see the password. */
	set(e, CURLOPT_PROXY, "");
	set(e, CURLOPT_HTTPHEADER, r->gzip ? h->gzip_headers : h->headers);
	set(e, CURLOPT_NOPROGRESS, 0L);
	set(e, CURLOPT_XFERINFOFUNCTION, on_progress);
	set(e, CURLOPT_XFERINFODATA, h);
	set(e, CURLOPT_HEADERFUNCTION, on_header);
	set(e, CURLOPT_HEADERDATA, h);
	set(e, CURLOPT_WRITEFUNCTION, on_body);
	set(e, CURLOPT_WRITEDATA, h);
	if (h->ca_file)
		set(e, CURLOPT_CAINFO, h->ca_file);
	if (r->body) {
		set(e, CURLOPT_POST, 1L);
		set(e, CURLOPT_POSTFIELDS, r->body);
		set(e, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len);
	} else {
		set(e, CURLOPT_HTTPGET, 1L);
	}
}

static enum ship_http_failure failure_of(const struct ship_http *h, CURLcode code)
{
	if (h->given_up)
		return SHIP_HTTP_GIVEN_UP;
	/* clang-format off */
	switch ((int)code) {
	case CURLE_OK: return SHIP_HTTP_ANSWERED;
	case CURLE_OUT_OF_MEMORY: return SHIP_HTTP_IMPOSSIBLE;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_INVALIDCERTSTATUS: return SHIP_HTTP_UNTRUSTED;
	default: return SHIP_HTTP_UNREACHED;
	}
	/* clang-format on */
}

/* "Code: 60. DB::Exception: ..." of servers that have no header for it. */
static void finish_text(struct ship_http_answer *a)
{
	if (!a->code && !strncmp(a->text, "Code: ", 6))
		a->code = atoi(a->text + 6);
	a->text[strcspn(a->text, "\r\n")] = '\0';
}

/* "Failed to connect to HOST port 1 after 4 ms: ...": the same trouble has the same words each time. */
static void leave_time_out(char *text)
{
	char *at = strstr(text, " after ");
	size_t digits = at ? strspn(at + 7, "0123456789") : 0;
	const char *unit = digits ? at + 7 + digits : "";
	size_t len = !strncmp(unit, " milliseconds", 13) ? 13 : !strncmp(unit, " ms", 3) ? 3 : 0;

	if (len)
		memmove(at, unit + len, strlen(unit + len) + 1);
}

void ship_http_do(struct ship_http *h, const struct ship_http_request *r,
		  struct ship_http_answer *ret)
{
	char why[CURL_ERROR_SIZE] = "";
	curl_off_t wait = 0, sent = 0;
	char *url = NULL;
	long status = 0;
	CURLcode code;

	*ret = (struct ship_http_answer){.failure = SHIP_HTTP_IMPOSSIBLE, .text = "no memory"};
	if (asprintf(&url, "%s%s", h->place, r->target) < 0)
		return;
	ret->text[0] = '\0';
	h->request = r;
	h->answer = ret;
	h->given_up = false;
	set_up(h, r, url, why);
	code = h->curl.perform(h->easy);
	ret->failure = failure_of(h, code);
	h->curl.getinfo(h->easy, CURLINFO_RESPONSE_CODE, &status);
	h->curl.getinfo(h->easy, CURLINFO_SIZE_UPLOAD_T, &sent);
	h->curl.getinfo(h->easy, CURLINFO_RETRY_AFTER, &wait);
	ret->sent_bytes = sent > 0 ? (uint64_t)sent : 0;
	if (wait > 0)
		ret->retry_after_ns =
			(uint64_t)(wait < RETRY_MAX_S ? wait : RETRY_MAX_S) * 1000000000u;
	if (ret->failure == SHIP_HTTP_ANSWERED) {
		ret->status = (int)status;
		finish_text(ret);
	} else {
		/* A head without its end is no answer. */
		ret->code = 0;
		leave_time_out(why);
		snprintf(ret->text, sizeof(ret->text), "%s", why[0] ? why : h->curl.strerror(code));
	}
	free(url);
}
#endif
