/* SPDX-License-Identifier: GPL-2.0-only */
/* options_words.c - what stands without an option: a port, a name, and what ss, lsof and netstat have taught people to write. */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "options_plain.h"

#define SS_SEPARATORS " \t"

static int refuse(const char *text)
{
	return options_complain("'%.*s': not a port; write for example 8080, udp/53, "
				"127.0.0.1:5432 or [::1]:80",
				(int)strnlen(text, 100), text);
}

/* "::1", "[::1]", "fe80::1:80": whether the last group is a port cannot be told. */
static bool is_bare_ipv6(const char *text)
{
	char word[INET6_ADDRSTRLEN + 2];
	uint8_t address[16];
	size_t len = strlen(text);

	if (len > 2 && text[0] == '[' && text[len - 1] == ']') {
		text++;
		len -= 2;
	}
	if (len >= sizeof(word))
		return false;
	memcpy(word, text, len);
	word[len] = '\0';
	return inet_pton(AF_INET6, word, address) == 1;
}

/* [PROTO/][ADDR:]PORT, turned into what lsof's -i takes.  Complains by itself. */
static int set_port(struct options *o, const char *text)
{
	const char *slash = strchr(text, '/'), *rest = slash ? slash + 1 : text;
	const char *colon = strrchr(rest, ':');
	const struct filter_inet *inet;
	char word[512];
	int len;

	if (is_bare_ipv6(rest))
		return options_complain(
			"'%.*s': an IPv6 address without a port; write [ADDR]:PORT, "
			"for example [::1]:80",
			(int)strnlen(text, 100), text);
	/* What would mean something else to -i. */
	if (strlen(text) > 300 || slash == text || strchr(text, '@') ||
	    (slash && memchr(text, ':', (size_t)(slash - text))))
		return refuse(text);
	len = snprintf(word, sizeof(word), "%.*s", slash ? (int)(slash - text) : 0, text);
	/* "*:80" is any address. */
	if (colon && !(colon - rest == 1 && *rest == '*') && colon != rest)
		len += snprintf(word + len, sizeof(word) - (size_t)len, "@%.*s",
				(int)(colon - rest), rest);
	if (colon)
		rest = colon + 1;
	snprintf(word + len, sizeof(word) - (size_t)len, ":%s", rest);
	if (!*rest || strpbrk(rest, ",-") || options_add_inet(o, word))
		return refuse(text);
	inet = &o->filter.inet[o->filter.inet_count - 1];
	if (inet->ports.count != 1 || inet->ports.item[0].low == 0)
		return refuse(text);
	o->asked[o->asked_count++] = text;
	return 0;
}

/* ---- Unix sockets ---- */

/* A path or "@abstract"; "/80" and "@1.2.3.4:80" are ports without what stands before them. */
static bool is_unix_name(const char *word)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

	if (word[0] != '/' && word[0] != '@' && strncmp(word, "./", 2) != 0)
		return false;
	return strpbrk(word, letters) || (word[0] == '@' && word[1] && !strchr(word, ':'));
}

static int set_unix_name(struct options *o, const char *word)
{
	if (o->asked_count && !o->unix_sockets)
		return options_complain("'%.*s': who takes ports, or Unix sockets; give either",
					(int)strnlen(word, 100), word);
	if (o->asked_count == ASKED_MAX)
		return options_complain("'%.*s': one name too many, %d are taken; leave some out",
					(int)strnlen(word, 100), word, ASKED_MAX);
	o->unix_sockets = true;
	o->asked[o->asked_count++] = word;
	return 0;
}

int options_check_unix(const struct options *o)
{
	const struct filter *f = &o->filter;

	if (!o->unix_sockets)
		return 0;
	if (o->wait)
		return options_complain("--wait waits for a port; a Unix socket is not traced");
	if (o->store_file)
		return options_complain("--store: Unix sockets are not recorded; leave it out");
	if (f->tcp || f->udp || f->ipv4 || f->ipv6 || f->ports.count || f->local_ports.count ||
	    f->peer_ports.count || f->cidr_count || f->states || f->inet_count)
		return options_complain(
			"Unix sockets have neither ports, addresses, states of TCP nor "
			"a protocol to choose; write for example sockwatch ls -x -l -c "
			"nginx");
	return 0;
}

/* ---- ports and names ---- */

static int refuse_word(const struct options *o, const char *word)
{
	if (o->command == COMMAND_WHO)
		return refuse(word);
	return options_complain(
		"'%.*s': neither a port nor the name of a process; write for example --port "
		"8080, -c nginx or --state listen",
		(int)strnlen(word, 100), word);
}

/* What is more unusual has -c. */
static bool is_name(const char *word)
{
	static const char in_names[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	return strlen(word) < 64 && word[strspn(word, in_names)] == '\0' && *word &&
	       !strchr("0123456789._-", *word);
}

/* The beginning of a process's name. */
static int set_comm(struct options_parse *p, const char *word)
{
	struct options *o = p->options;

	if (!is_name(word))
		return refuse_word(o, word);
	if (o->filter.comm)
		return options_complain(
			"'%.*s': the name of a process is given already ('%.*s'); give one",
			(int)strnlen(word, 100), word, (int)strnlen(o->filter.comm, 100),
			o->filter.comm);
	o->filter.comm = strdup(word);
	return o->filter.comm ? 0
			      : options_complain("no memory to keep '%.*s'",
						 (int)strnlen(word, 100), word);
}

/* 8080, :8080, 80,443, 8000-8100, http; else the name of a process. */
static int set_port_or_comm(struct options_parse *p, const char *word)
{
	struct units_ranges *ports = &p->options->filter.ports;

	return options_add_ports(ports, word + (*word == ':')) == 0 ? 0 : set_comm(p, word);
}

/* ---- ss ---- */

static int refuse_ss(const char *word)
{
	return options_complain(
		"'%.*s': of ss's filters only state NAME, sport = :PORT and dport = :PORT are "
		"known, and all must hold; else write for example --port 80,443, --addr 10.0.0.0/8 "
		"or --state listen,time-wait",
		(int)strnlen(word, 100), word);
}

static int set_ss_state(struct options_parse *p, const char *word)
{
	static const struct {
		const char *word, *list;
	} names[] = {
		{"all", NULL},
		{"connected",
		 "established,syn-sent,syn-recv,fin-wait1,fin-wait2,time-wait,close-wait,"
		 "last-ack,closing"},
		{"synchronized",
		 "established,syn-recv,fin-wait1,fin-wait2,time-wait,close-wait,last-ack,closing"},
		{"listening", "listen"},
		{"closed", "close"},
		{"fin-wait-1", "fin-wait1"},
		{"fin-wait-2", "fin-wait2"},
	};
	const char *bad;

	p->ss = SS_NOTHING;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcasecmp(word, names[i].word) != 0)
			continue;
		if (!names[i].list)
			return 0;
		word = names[i].list;
		break;
	}
	return filter_add_states(&p->options->filter, word, &bad)
		       ? options_complain("state '%.*s': not a TCP state; write for example state "
					  "established, or "
					  "--state listen,time-wait",
					  (int)strnlen(word, 100), word)
		       : 0;
}

static int set_ss_port(struct options_parse *p, const char *word)
{
	struct filter *f = &p->options->filter;
	struct units_ranges *ports = p->ss == SS_SPORT ? &f->local_ports : &f->peer_ports;
	const char *colon = strrchr(word, ':');

	if (!strcmp(word, "=") || !strcmp(word, "==") || !strcmp(word, "eq"))
		return 0;
	if (colon && colon != word && !(colon == word + 1 && *word == '*'))
		return refuse_ss(word);
	p->ss = SS_NOTHING;
	return options_add_ports(ports, colon ? colon + 1 : word) ? refuse_ss(word) : 0;
}

static int set_ss(struct options_parse *p, const char *word)
{
	if (p->ss == SS_STATE)
		return set_ss_state(p, word);
	if (p->ss != SS_NOTHING)
		return set_ss_port(p, word);
	if (!strcmp(word, "and") || !strcmp(word, "&&"))
		return 0;
	if (!strcmp(word, "state"))
		p->ss = SS_STATE;
	else if (!strcmp(word, "sport"))
		p->ss = SS_SPORT;
	else if (!strcmp(word, "dport"))
		p->ss = SS_DPORT;
	else
		return -1;
	return 0;
}

static bool is_ss(const char *word)
{
	static const char *const unknown[] = {"exclude", "src", "dst", "or",  "||",    "not",
					      "!",	 "(",	")",   "dev", "fwmark"};

	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++) {
		if (!strcmp(word, unknown[i]))
			return true;
	}
	return strpbrk(word, "()!<>=") != NULL;
}

/* "sport = :80" may be one word of the shell, or three. */
static int set_words(struct options_parse *p, const char *words)
{
	int err = 0;

	if (!*words)
		return refuse_word(p->options, words);
	for (size_t len; !err && *words; words += len) {
		char word[128];

		words += strspn(words, SS_SEPARATORS);
		len = strcspn(words, SS_SEPARATORS);
		if (!len)
			break;
		snprintf(word, sizeof(word), "%.*s", (int)len, words);
		/* "sport=:80" */
		if (len > 6 && (!strncmp(word, "sport=", 6) || !strncmp(word, "dport=", 6))) {
			len = 5 + strspn(words + 5, "=");
			word[5] = '\0';
		}
		err = len < sizeof(word) ? set_ss(p, word) : refuse_ss(words);
		if (err == -1)
			err = is_ss(word) ? refuse_ss(word) : set_port_or_comm(p, word);
	}
	return err;
}

int options_end_words(struct options_parse *p)
{
	static const char *const begun[] = {
		[SS_STATE] = "state", [SS_SPORT] = "sport", [SS_DPORT] = "dport"};

	return p->ss == SS_NOTHING ? 0 : refuse_ss(begun[p->ss]);
}

/* ---- any ---- */

static int set_who(struct options_parse *p, const char *word)
{
	struct options *o = p->options;

	if (o->unix_sockets)
		return options_complain("'%.*s': who takes ports, or Unix sockets; give either",
					(int)strnlen(word, 100), word);
	/* "http" is a port, "nginx" a process. */
	if (is_name(word)) {
		struct units_ranges ports = {0};
		int err = options_add_ports(&ports, word);

		units_ranges_done(&ports);
		if (err)
			return o->filter.inet_count ? refuse(word) : set_comm(p, word);
	}
	if (o->filter.comm)
		return options_complain(
			"'%.*s': who takes ports, or the name of one process; give either",
			(int)strnlen(word, 100), word);
	if (o->asked_count == ASKED_MAX)
		return options_complain(
			"'%.*s': one port too many, who takes %d; write for example sockwatch ls "
			"--port 8000-8100",
			(int)strnlen(word, 100), word, ASKED_MAX);
	return set_port(o, word);
}

int options_set_word(struct options_parse *p, const char *word, const char *before)
{
	size_t len = before ? strlen(before) : 0;

	/* "lsof -i :80": the value may stand apart. */
	if (p->options->command == COMMAND_LS && p->inet_open && len > 1 && before[0] == '-' &&
	    before[1] != '-' && before[len - 1] == 'i') {
		p->inet_open = false;
		if (options_add_inet(p->options, word) == 0)
			return 0;
		return options_complain("-i '%.*s': not as lsof has it; write for example -i "
					"tcp@127.0.0.1:80,443",
					(int)strnlen(word, 100), word);
	}
	if ((p->options->command == COMMAND_LS || p->options->command == COMMAND_WHO) &&
	    is_unix_name(word))
		return set_unix_name(p->options, word);
	switch (p->options->command) {
	case COMMAND_WHO: return set_who(p, word);
	case COMMAND_SCHEMA: return options_set_dialect(p->options, word);
	case COMMAND_SHIP:
	case COMMAND_STATUS:
	case COMMAND_FEATURES: return -1;
	default: return set_words(p, word);
	}
}

/* ---- before options are read ---- */

bool options_is_port(const char *word)
{
	const char *colon = strrchr(word, ':'), *slash = strchr(word, '/');
	const char *port = colon ? colon + 1 : slash ? slash + 1 : word;

	if (is_unix_name(word))
		return true;
	return *port && strspn(port, "0123456789") == strlen(port);
}

bool options_is_listing(const char *word)
{
	return word[0] == '-' && word[1] && word[1] != '-' && strchr(word, 'l') &&
	       strspn(word + 1, "aeHlnprtuWx46") == strlen(word + 1);
}

/* ss and netstat show processes by a -p that takes nothing: "-tulpn", "-ltnp". */
void options_drop_p(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		char *word = argv[i], *p = strchr(word, 'p');
		bool number = i + 1 < argc && strspn(argv[i + 1], "0123456789,-") &&
			      argv[i + 1][0] != '-';

		if (word[0] != '-' || word[1] == '-' || strlen(word) < 3 || !p ||
		    strspn(word + 1, "aeHlnprtuWx46") != strlen(word + 1) || (!p[1] && number))
			continue;
		memmove(p, p + 1, strlen(p));
	}
}
