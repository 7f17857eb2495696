/* SPDX-License-Identifier: GPL-2.0-only */
#include "options_set.h"

#include <stddef.h>

#define ROTATE_MIN  4096
#define QUEUE_MIN   (UINT64_C(1) << 20)
#define QUEUE_MAX   (UINT64_C(4) << 30)
#define MEMORY_MAX  (UINT64_C(64) << 30)

#define STATE_WORDS                                                                                \
	"ESTABLISHED, SYN_SENT, SYN_RECV, FIN_WAIT1, FIN_WAIT2, TIME_WAIT, CLOSE, CLOSE_WAIT, "    \
	"LAST_ACK, LISTEN, CLOSING"

static const char *const format_words[] = {"text", "json", NULL};
static const char *const event_words[] = {"text", "json", "ecs", "otel", NULL};
static const char *const report_words[] = {"text", "json", "html", NULL};
static const char *const color_words[] = {"auto", "always", "never", NULL};
static const char *const hooks_words[] = {"auto", "trampolines", "tracepoints", NULL};
static const char *const view_words[] = {"processes", "peers", "failures", "listeners", "ports", NULL};
static const char *const source_words[] = {"auto", "iterators", "proc", NULL};

#define TRACE	 (1u << COMMAND_TRACE)
#define FEATURES (1u << COMMAND_FEATURES)
#define LS	 (1u << COMMAND_LS)
#define WHO	 (1u << COMMAND_WHO)
#define RECORD	 (1u << COMMAND_RECORD)
#define HISTORY	 (1u << COMMAND_HISTORY)
#define REPORT	 (1u << COMMAND_REPORT)
#define TOP	 (1u << COMMAND_TOP)
#define EXPORT	 (1u << COMMAND_EXPORT)
#define PAST	 (HISTORY | REPORT)
#define SOCKETS	 (TRACE | RECORD | PAST | TOP | EXPORT)
#define FILTERED (SOCKETS | LS)
#define SHOWN	 (TRACE | FEATURES | HISTORY | LS | WHO)
#define EVENTS	  (TRACE | HISTORY | LS)
#define SCHEMA	 (1u << COMMAND_SCHEMA)
#define SHIP	  (1u << COMMAND_SHIP)
#define SENDS	  (SHIP | RECORD)
#define STATUS	 (1u << COMMAND_STATUS)
#define EPHEMERAL (1u << COMMAND_EPHEMERAL)
#define CHOSEN   (FILTERED | EPHEMERAL)
#define ALL	 (SHOWN | RECORD | EPHEMERAL | REPORT | TOP | EXPORT)
#define FIELD(f) .field = offsetof(struct options, f)

#define PORT_WHY     .why = "not a port, range (0-65535) or service"
#define PORT_EXAMPLE .example = "80,443,8000-8100"
#define TIME_WHY     .why = "not a time (2026-11-20 [03:12[:00]], 03:12, yesterday, -10m, '1h ago', @1795172400, RFC 3339)"
#define TIME_EXAMPLE .example = "03:12"
#define DATABASE_NAME_WHY .why = "not a name of letters, digits and _"
#define SERVER_WHY                                                                                 \
	.why = "not http[s]://HOST[:PORT][/DATABASE], the database a name of letters, digits and " \
	       "_"
#define SERVER_EXAMPLE .example = "http://10.0.0.5:8123/sockwatch"
#define PLACE_WHY    .why = "not a place to listen at"
#define PLACE_EXAMPLE .example = "127.0.0.1:9435"

/* clang-format off */
const struct options_row options_table[] = {
	{ .commands = EPHEMERAL, .group = GROUP_FILTER,
	  .doc = "Which destinations, processes and namespaces: those of which a socket meets all that is given; the "
		 "numbers stay those of all sockets (a LIST is 80,443,8000-8100, any of it):" },
	{ .commands = WHO, .group = GROUP_FILTER, .doc = "Which ports:" },
	{ .commands = FILTERED, .group = GROUP_FILTER,
	  .doc = "Which sockets (all given must hold; a LIST is 80,443,8000-8100, any of it):" },
	{ 't', "tcp", NULL, CHOSEN, GROUP_FILTER, false, set_flag, FIELD(filter.tcp),
	  .doc = "TCP, MPTCP included" },
	{ 'u', "udp", NULL, CHOSEN, GROUP_FILTER, false, set_flag, FIELD(filter.udp),
	  .doc = "UDP, UDP-Lite included" },
	{ '4', NULL, NULL, CHOSEN, GROUP_FILTER, false, set_flag, FIELD(filter.ipv4),
	  .doc = "IPv4, also on IPv6 sockets (v4-mapped)" },
	{ '6', NULL, NULL, CHOSEN, GROUP_FILTER, false, set_flag, FIELD(filter.ipv6),
	  .doc = "IPv6 sockets, v4-mapped ones included" },
	{ 'p', "pid", "LIST", CHOSEN, GROUP_FILTER, false, set_pids, FIELD(filter.pids),
	  .why = "not a process id or range (up to 4194304)", .example = "901,1000-1100",
	  .doc = "Owned by these processes" },
	{ 'c', "comm", "NAME", CHOSEN, GROUP_FILTER, false, set_name, FIELD(filter.comm),
	  .why = "empty", .example = "nginx", .doc = "The owner's name, or that of its executable, begins so" },
	{ KEY_ARGS, "args", "REGEX", CHOSEN, GROUP_FILTER, false, set_args, .why = "no extended regular expression",
	  .example = "'web-app\\.py'", .doc = "Found in the owner's arguments, with a space between each" },
	{ 'f', "follow-children", NULL, CHOSEN & ~PAST, GROUP_FILTER, false, set_flag, FIELD(filter.children),
	  .doc = "With -p: also what these processes have started, up to eight generations on" },
	{ 'U', "user", "NAME|UID", CHOSEN, GROUP_FILTER, false, set_user,
	  .why = "no user id, and no such name in /etc/passwd", .example = "1000",
	  .doc = "Owned by this effective user (of /etc/passwd)" },
	{ KEY_PORT, "port", "LIST", CHOSEN, GROUP_FILTER, false, set_ports, FIELD(filter.ports),
	  PORT_WHY, PORT_EXAMPLE, .doc = "Port at either end" },
	{ 'L', "local-port", "LIST", CHOSEN, GROUP_FILTER, false, set_ports, FIELD(filter.local_ports),
	  PORT_WHY, PORT_EXAMPLE, .doc = "Port at this end" },
	{ 'D', "remote-port", "LIST", CHOSEN, GROUP_FILTER, false, set_ports, FIELD(filter.peer_ports),
	  PORT_WHY, PORT_EXAMPLE, .doc = "Port at the peer's end" },
	{ KEY_ADDR, "addr", "CIDR,...", CHOSEN, GROUP_FILTER, false, set_addr,
	  .why = "not a list of addresses or networks", .example = "10.0.0.0/8,::1", .doc = "Address at either end" },
	{ KEY_STATE, "state", "NAME,...", LS | EPHEMERAL, GROUP_FILTER, false, set_state,
	  .why = "not a TCP state (" STATE_WORDS ")", .example = "listen,time-wait",
	  .doc = "In one of these states" },
	{ KEY_STATE, "state", "NAME,...", SOCKETS, GROUP_FILTER, false, set_state,
	  .why = "not a TCP state (" STATE_WORDS ")", .example = "listen,time-wait",
	  .doc = "State entered or left; a close answers to every state of its life, listen to LISTEN, "
		 "bind, connect and accept to none" },
	{ KEY_NETNS, "netns", "NETNS", CHOSEN | WHO, GROUP_FILTER, false, set_netns,
	  .why = "not a network namespace", .example = "self",
	  .doc = "In this network namespace: self, a path, an inode or a name of ip netns; default: all" },
	{ KEY_CGROUP, "cgroup", "PATH", CHOSEN, GROUP_FILTER, false, set_cgroup, FIELD(filter.cgroup),
	  .why = "not a path from the root of the cgroups", .example = "/system.slice/nginx.service",
	  .doc = "The owner is in this cgroup or below" },
	{ KEY_UNIT, "unit", "NAME", CHOSEN, GROUP_FILTER, false, set_name, FIELD(filter.unit), .why = "empty",
	  .example = "nginx", .doc = "The owner is in this unit of systemd; .service may be left out" },
	{ KEY_CONTAINER, "container", "ID|NAME", CHOSEN, GROUP_FILTER, false, set_name,
	  FIELD(filter.container), .why = "empty", .example = "4f1a2b3c",
	  .doc = "The owner is in this container: its name, or its id, which may be cut short" },
	{ 'i', NULL, "[46][tcp|udp][@host][:port]", LS, GROUP_FILTER, false, set_inet,
	  .why = "not as lsof has it", .example = "-i tcp@127.0.0.1:80,443", .optional = true,
	  .doc = "As lsof: version, protocol, and host and port at either end; several add up" },
	{ 's', NULL, "TCP:STATE,...", LS, GROUP_FILTER, false, set_tcp_state,
	  .why = "not as lsof has it, TCP: and states (" STATE_WORDS ")", .example = "TCP:LISTEN",
	  .doc = "As lsof: like --state" },
	{ 'l', "listen", NULL, LS, GROUP_FILTER, false, set_flag, FIELD(filter.listening),
	  .doc = "Only those that wait for peers: TCP that listens, UDP that is connected to nobody. In text those that can be "
		 "reached from outside come first, by their address: 0.0.0.0 over IPv4, [::] over IPv6, * over both" },
	{ 'x', "unix", NULL, LS, GROUP_FILTER, false, set_flag, FIELD(unix_sockets),
	  .doc = "Unix sockets instead, those that have a name or talk to one that has (all: -a); /PATH and @ABSTRACT name some" },
	{ 'e', NULL, NULL, LS, GROUP_FILTER, true, set_nothing, .doc = "As ss: all is shown" },
	{ 'a', "all", NULL, LS, GROUP_FILTER, false, set_flag, FIELD(all),
	  .doc = "Sockets that have no port yet too" },
	{ KEY_EVENTS, "events", "KIND,...", TRACE | HISTORY, GROUP_FILTER, false, set_events,
	  .why = "not an event (bind, listen, connect, accept, state, close, overflow)", .example = "bind,close",
	  .doc = "Only these: bind, listen, connect, accept, state, close, overflow" },

	{ KEY_REASON, "reason", "NAME,...", SOCKETS, GROUP_FILTER, false, set_reason,
	  .why = "not a reason (local-close, peer-close, local-reset, peer-reset, refused, timeout, user-timeout, "
		 "keepalive, unreachable, port-exhausted, abandoned, aborted, unknown)", .example = "refused,timeout",
	  .doc = "Lives that ended so, and connects that failed so" },
	{ KEY_FAILED, "failed", NULL, SOCKETS, GROUP_FILTER, false, set_flag, FIELD(filter.failed), .doc = "Calls that failed, and lives that did not end by a close of either side" },

	{ .commands = RECORD | PAST | LS | WHO | TOP | SHIP, .group = GROUP_STORE, .doc = "The record:" },
	{ KEY_STORE, "store", "FILE", SHIP, GROUP_STORE, false, set_file, FIELD(store_file),
	  .why = "not a file", .example = "/var/lib/sockwatch/store", .doc = "The file that keeps it; default: " STORE_DEFAULT },
	{ KEY_STORE, "store", "FILE", RECORD | PAST, GROUP_STORE, false, set_file, FIELD(store_file),
	  .why = "not a file", .example = "/var/lib/sockwatch/store", .doc = "The file that keeps it (SQLite); default: " STORE_DEFAULT ", of history and report else that of the "
		 "recorder that runs" },
	{ KEY_STORE, "store", "FILE", LS | WHO, GROUP_STORE, false, set_file, FIELD(store_file),
	  .why = "not a file", .example = "/var/lib/sockwatch/store",
	  .doc = "A record of this boot: since when sockets live, and who left them in TIME_WAIT" },
	{ KEY_STORE, "store", "FILE", TOP, GROUP_STORE, false, set_file, FIELD(store_file),
	  .why = "not a file", .example = "/var/lib/sockwatch/store",
	  .doc = "What the key h asks of the row; default: " STORE_DEFAULT ", where it is" },
	{ KEY_FROM, "from", "URL", HISTORY, GROUP_STORE, false, set_server, FIELD(fleet.from),
	  .why = "not http[s]://HOST[:PORT][/DATABASE]", .example = "http://clickhouse:8123/sockwatch",
	  .doc = "Ask a fleet's database instead of a store (sockwatch schema, sockwatch ship); each line says of which host it is" },
	{ KEY_HOST, "host", "NAME", HISTORY, GROUP_STORE, false, set_asked_host, FIELD(fleet.host), .why = "empty", .example = "web-1",
	  .doc = "With --from: this host only; default, and '*': all" },
	{ KEY_AS, "as", "USER", HISTORY, GROUP_STORE, false, set_file, FIELD(fleet.user),
	  .why = "empty", .example = "sockwatch", .doc = "With --from: the user of the database; default: its own" },
	{ KEY_PASSWORD_FILE, "password-file", "FILE", HISTORY, GROUP_STORE, false, set_file, FIELD(fleet.password_file),
	  .why = "not a file", .example = "/etc/sockwatch/password", .doc = "With --from: the first line is the password" },
	{ KEY_CA, "ca", "FILE", HISTORY, GROUP_STORE, false, set_file, FIELD(fleet.ca_file),
	  .why = "not a file", .example = "/etc/ssl/certs/fleet.pem",
	  .doc = "With --from https://: certificates that vouch for the server; default: those that the system trusts" },
	{ KEY_TABLE_PREFIX, "table-prefix", "NAME", HISTORY, GROUP_STORE, false, set_database_name, FIELD(fleet.table_prefix),
	  DATABASE_NAME_WHY, .example = "sw_", .doc = "With --from: before the name of each table" },
	{ KEY_KEEP, "keep", "DURATION|SIZE", RECORD, GROUP_STORE, false, set_keep,
	  .why = "neither a duration (a number with ms, s, m, h or d) nor a size of at least 16MiB",
	  .example = "7d", .doc = "Let the oldest go: what ended longer ago, or what is too much; default: keep all" },
	{ KEY_KEEP_UNSENT, "keep-unsent", "SIZE", RECORD, GROUP_STORE, false, set_size,
	  FIELD(unsent_bytes), .least = KEEP_MIN,
	  .why = "not a size of at least 16MiB", .example = "4GiB",
	  .doc = "What `sockwatch ship` has not sent stays longer than --keep, until the file is so large; default: twice --keep SIZE, or 1GiB" },
	{ KEY_QUEUE, "queue", "SIZE", RECORD, GROUP_STORE, false, set_size,
	  FIELD(queue_bytes), .least = QUEUE_MIN, .most = QUEUE_MAX,
	  .why = "not a size from 1M to 4G", .example = "256M",
	  .doc = "Memory for what the disk does not take yet; default 64M" },
	{ KEY_AT, "at", "TIME", HISTORY, GROUP_STORE, false, set_at, TIME_WHY, TIME_EXAMPLE,
	  .doc = "Who was there at that moment: opened before and closed after, or still open" },
	{ KEY_SINCE, "since", "TIME", PAST, GROUP_STORE, false, set_time, FIELD(since_ns), TIME_WHY,
	  TIME_EXAMPLE, .doc = "Lives and calls from then on; TIME is as of journalctl: 2026-11-20, "
	  "'2026-11-20 03:12', 03:12, now, today, yesterday, -10m, '1h ago', @1795172400, or RFC 3339" },
	{ KEY_UNTIL, "until", "TIME", PAST, GROUP_STORE, false, set_time, FIELD(until_ns), TIME_WHY,
	  TIME_EXAMPLE, .doc = "Up to then" },
	{ KEY_FOLLOW, "follow", NULL, HISTORY, GROUP_STORE, false, set_flag, FIELD(follow),
	  .doc = "Go on with what is recorded from now on (or from --since)" },

	{ .commands = SENDS, .group = GROUP_FLEET, .doc = "The fleet's database:" },
	{ KEY_TO, "to", "URL", SHIP, GROUP_FLEET, false, set_server, FIELD(fleet.to),
	  SERVER_WHY, SERVER_EXAMPLE, .doc = "Where it is: http[s]://HOST[:PORT][/DATABASE]; default: port 8123 or, of https, 8443, and "
	  "the database sockwatch" },
	{ KEY_TO, "to", "URL", RECORD, GROUP_FLEET, false, set_server, FIELD(fleet.to),
	  SERVER_WHY, SERVER_EXAMPLE, .doc = "Send what is recorded there, too, as sockwatch ship does, by a process without rights: "
	  "http[s]://HOST[:PORT][/DATABASE]" },
	{ KEY_HOST, "host", "NAME", SENDS, GROUP_FLEET, false, set_host, .why = "not a name of up to 253 bytes", .example = "web-1",
	  .doc = "What this host is called there; default: its own name" },
	{ KEY_AS, "as", "NAME", SENDS, GROUP_FLEET, false, set_file, FIELD(fleet.user), .why = "empty", .example = "writer",
	  .doc = "The user of the database; default: the database's own default" },
	{ KEY_AS, "user", "NAME", SHIP, GROUP_FLEET, false, set_file, FIELD(fleet.user), .why = "empty", .example = "writer",
	  .doc = "The same as --as; of the other commands it is a filter" },
	{ KEY_PASSWORD_FILE, "password-file", "FILE", SENDS, GROUP_FLEET, false, set_file, FIELD(fleet.password_file),
	  .why = "not a file", .example = "/etc/sockwatch/password", .doc = "Holds that user's password, in its first line" },
	{ KEY_CA, "ca", "FILE", SENDS, GROUP_FLEET, false, set_file, FIELD(fleet.ca_file), .why = "not a file",
	  .example = "/etc/sockwatch/ca.pem", .doc = "Certificates that vouch for the server; default: those that the system trusts" },
	{ KEY_TABLE_PREFIX, "table-prefix", "NAME", SENDS, GROUP_FLEET, false, set_database_name, FIELD(fleet.table_prefix),
	  DATABASE_NAME_WHY, .example = "sw_", .doc = "Before the name of each table" },
	{ KEY_ROWS, "rows", "N", SENDS, GROUP_FLEET, false, set_rows, .why = "not a number from 1 to 50000", .example = "10000",
	  .doc = "Rows of a batch at most; default 50000" },
	{ KEY_ONCE, "once", NULL, SHIP, GROUP_FLEET, false, set_flag, FIELD(fleet.once),
	  .doc = "Send what there is, and end" },

	{ .commands = SCHEMA, .group = GROUP_STORE, .doc = "The database:" },
	{ KEY_DATABASE, "database", "NAME", SCHEMA, GROUP_STORE, false, set_database_name, FIELD(fleet.database),
	  DATABASE_NAME_WHY, .example = "sockwatch", .doc = "The database that holds the tables; default: sockwatch" },
	{ KEY_TABLE_PREFIX, "table-prefix", "NAME", SCHEMA, GROUP_STORE, false, set_database_name, FIELD(fleet.table_prefix),
	  DATABASE_NAME_WHY, .example = "sw_", .doc = "Before the name of each table and view" },
	{ KEY_CLUSTER, "cluster", "NAME", SCHEMA, GROUP_STORE, false, set_cluster, FIELD(fleet.cluster),
	  .why = "not the name of a cluster (letters, digits, _, - and .)", .example = "main",
	  .doc = "Replicated tables on each server of this cluster, and a Distributed one over them" },
	{ KEY_TTL, "ttl", "DURATION", SCHEMA, GROUP_STORE, false, set_duration, FIELD(fleet.ttl_ns),
	  .why = "not a duration above 0 (a number with ms, s, m, h or d)", .example = "30d",
	  .doc = "Let rows go that are older; default: they stay" },

	{ .commands = ALL | STATUS | SHIP, .group = GROUP_OUTPUT, .doc = "Output:" },
	{ 'o', NULL, "text|json|html", EPHEMERAL | REPORT, GROUP_OUTPUT, false, set_format, .words = report_words,
	  .why = "neither text, json nor html", .example = "json",
	  .doc = "A report (default), one JSON object a line, or one self-contained web page" },
	{ 'o', NULL, "text|json|ecs|otel", EVENTS, GROUP_OUTPUT, false, set_format, .words = event_words,
	  .why = "neither text, json, ecs nor otel", .example = "json",
	  .doc = "A table (default), or one JSON object a line; ecs and otel have the names of the Elastic Common Schema and of "
		 "OpenTelemetry" },
	{ 'o', NULL, "text|json", (SHOWN & ~EVENTS) | STATUS | TOP, GROUP_OUTPUT, false, set_format, .words = format_words,
	  .why = "neither text nor json", .example = "json",
	  .doc = "A table (default), or one JSON object a line" },
	{ KEY_JSON, "json", NULL, SHOWN | STATUS | EPHEMERAL | REPORT | TOP, GROUP_OUTPUT, true, set_json, .doc = "-o json" },
	{ KEY_BATCH, "batch", "N", TOP, GROUP_OUTPUT, false, set_batch,
	  .why = "not a number above 0", .example = "5",
	  .doc = "Print N frames as text, one a second, every row whole, and end; JSON has an object a row" },
	{ KEY_VIEW, "view", "VIEW", TOP, GROUP_OUTPUT, false, set_word, FIELD(view), view_words,
	  .why = "neither processes, peers, failures, listeners nor ports", .example = "peers",
	  .doc = "Begin with processes (default), peers, failures, listeners or ports" },
	{ KEY_SORT, "sort", "COLUMN", TOP, GROUP_OUTPUT, false, set_file, FIELD(sort),
	  .why = "not a column", .example = "/10s",
	  .doc = "Sort by this column of the view, as its head says: new/1s, /10s, /60s, fail, open, ..." },
	{ KEY_OUTPUT, "output", "FILE", TOP, GROUP_OUTPUT, false, set_file, FIELD(output_file),
	  .why = "not a file", .example = "/tmp/top.json",
	  .doc = "The key w appends the view there, an object a row; with --batch: where frames go" },
	{ KEY_OUTPUT, "output", "FILE", (SHOWN & ~FEATURES) | EPHEMERAL | REPORT, GROUP_OUTPUT, false, set_file, FIELD(output_file),
	  .why = "not a file", .example = "/tmp/sockets.txt",
	  .doc = "Write there (a log appends, a report replaces it); default: stdout" },
	{ KEY_ROTATE, "rotate", "SIZE", TRACE, GROUP_OUTPUT, false, set_size,
	  FIELD(rotate_bytes), .least = ROTATE_MIN,
	  .why = "not a size of at least 4096", .example = "100MB",
	  .doc = "Begin a new --output file there; the one before becomes FILE.1. SIGHUP begins one too" },
	{ KEY_KEEP_FILES, "keep-files", "N", TRACE, GROUP_OUTPUT, false, set_keep_files,
	  .why = "not a number from 1 to 10000", .example = "10",
	  .doc = "Old files that --rotate leaves; default 10" },
	{ KEY_JOURNAL, "journal", NULL, TRACE, GROUP_OUTPUT, false, set_flag, FIELD(journal),
	  .doc = "Into systemd's journal, a field each (SOCKWATCH_EVENT=close ...)" },
	{ KEY_COLOR, "color", "WHEN", SHOWN | EPHEMERAL | TOP, GROUP_OUTPUT, false, set_word, FIELD(color),
	  color_words, .why = "neither auto, always nor never", .example = "never",
	  .doc = "always, never, or auto (default): on a terminal, unless NO_COLOR is set or TERM is dumb" },
	{ KEY_UTC, "utc", NULL, ALL & ~(FEATURES | RECORD | EXPORT), GROUP_OUTPUT, false, set_nothing,
	  .doc = "Times in UTC, read and written; default: the local zone. JSON has UTC always" },
	{ 'v', "verbose", NULL, TRACE | HISTORY, GROUP_OUTPUT, false, set_flag, FIELD(verbose),
	  .doc = "In text, too, each connect, accept and change of state" },
	{ KEY_NO_ARGS, "no-args", NULL, (ALL & ~FEATURES) | SHIP, GROUP_OUTPUT, false, set_flag, FIELD(no_args),
	  .doc = "Leave out the arguments of processes, which may hold secrets: nothing shows or keeps them" },
	{ 'q', "quiet", NULL, ALL | STATUS | SHIP, GROUP_OUTPUT, false, set_flag, FIELD(quiet),
	  .doc = "Only errors on stderr" },
	{ KEY_STRICT, "strict", NULL, ALL | STATUS | SHIP, GROUP_OUTPUT, false, set_flag, FIELD(strict),
	  .doc = "Refuse to go on (exit code 1) where a right that is not needed any more cannot be given away, as without Landlock" },
	{ KEY_FOR, "for", "DURATION", TRACE | RECORD | EPHEMERAL | TOP | EXPORT, GROUP_OUTPUT, false, set_duration, FIELD(for_ns),
	  .why = "not a duration above 0 (a number with ms, s, m, h or d)", .example = "30s",
	  .doc = "Stop after 500ms, 10s, 5m, 2h, 7d" },
	{ KEY_COUNT, "count", "N", TRACE | HISTORY, GROUP_OUTPUT, false, set_count,
	  .why = "not a number above 0", .example = "100", .doc = "Stop after N events" },
	{ KEY_BY, "by", "FIELD,...", TRACE | HISTORY | LS, GROUP_OUTPUT, false, set_by,
	  .why = "not a field, or there twice, or more than six (comm, pid, unit, container, user, proto, local, peer, port, "
		 "local-port, peer-port, reason, error, result, state, netns, event, host)", .example = "comm,peer,port",
	  .doc = "Counts, rates and bytes of groups instead of lines, a trace's at its end: by comm, pid, unit, container, user, "
		 "proto, local or peer (addresses), port (the server's), local-port, peer-port, reason, error, result, state, "
		 "netns, event, host (of a fleet). ? is not known" },
	{ KEY_INTERVAL, "interval", "DURATION", TRACE, GROUP_OUTPUT, false, set_duration, FIELD(interval_ns),
	  .why = "not a duration above 0 (a number with ms, s, m, h or d)", .example = "10s",
	  .doc = "With --by: the groups of each such time, as soon as it is over" },
	{ KEY_MAP, "map", NULL, EPHEMERAL, GROUP_OUTPUT, false, set_flag, FIELD(map),
	  .doc = "Draw the range of each namespace" },
	{ KEY_WATCH, "watch", NULL, EPHEMERAL, GROUP_OUTPUT, false, set_flag, FIELD(watch),
	  .doc = "A look every two seconds, until Ctrl-C" },
	{ KEY_FAIL_AT, "fail-at", "PERCENT", EPHEMERAL, GROUP_OUTPUT, false, set_fail_at,
	  .why = "not a percentage from 1 to 100", .example = "90%",
	  .doc = "Exit with 5 when so much of the range is in use for any destination" },
	{ 'n', NULL, NULL, FILTERED, GROUP_OUTPUT, true, set_nothing, .doc = "Numbers: the default" },
	{ 'P', NULL, NULL, FILTERED, GROUP_OUTPUT, true, set_nothing, .doc = "Numbers: the default" },
	{ 'H', "no-header", NULL, LS, GROUP_OUTPUT, false, set_flag, FIELD(no_header),
	  .doc = "Rows only" },
	{ 'r', "resolve", NULL, LS, GROUP_OUTPUT, false, set_flag, FIELD(resolve),
	  .doc = "Names of hosts where they are found within a second" },
	{ KEY_SERVICES, "services", NULL, LS, GROUP_OUTPUT, false, set_flag, FIELD(services),
	  .doc = "Names of ports, every one that /etc/services knows" },
	{ KEY_WAIT, "wait", NULL, WHO, GROUP_OUTPUT, false, set_flag, FIELD(wait),
	  .doc = "Where nobody has the port, wait until somebody takes it" },

	{ KEY_LISTEN, "listen", "PLACE", EXPORT, GROUP_OUTPUT, false, set_listen, PLACE_WHY, PLACE_EXAMPLE,
	  .doc = "Where /metrics and /healthz are: PORT, ADDRESS:PORT, [ADDRESS]:PORT or unix:/PATH; default: 127.0.0.1:9435. "
		 "There is no password: give it to nobody but a proxy that asks for one" },
	{ KEY_LISTEN, "listen", "PLACE", RECORD, GROUP_OUTPUT, false, set_listen, PLACE_WHY, PLACE_EXAMPLE,
	  .doc = "Serve metrics too, as sockwatch export does: PORT, ADDRESS:PORT, [ADDRESS]:PORT or unix:/PATH" },
	{ KEY_LABELS, "without-labels", "NAME,...", EXPORT | RECORD, GROUP_OUTPUT, false, set_labels,
	  .why = "not labels that can be left out (comm, netns, address, port, source, destination, family)",
	  .example = "comm,netns", .doc = "Leave out these labels of metrics: fewer series; what only they tell apart is added up" },

	{ .commands = ALL & ~PAST, .group = GROUP_KERNEL, .doc = "Kernel:" },
	{ KEY_SOURCE, "hooks", "SOURCE", LS | WHO, GROUP_KERNEL, false, set_word,
	  FIELD(source), source_words, .why = "neither auto, iterators nor proc", .example = "proc",
	  .doc = "iterators, proc (sock_diag and /proc), or auto (default): iterators where the kernel has them" },
	{ KEY_HOOKS, "hooks", "TIER", TRACE | FEATURES | RECORD | EPHEMERAL | TOP | EXPORT, GROUP_KERNEL, false, set_hooks,
	  .words = hooks_words, .why = "neither auto, trampolines nor tracepoints",
	  .example = "tracepoints,-sockops",
	  .doc = "trampolines, tracepoints, or auto (default): the best that works for each fact; ,-HOOK does without one" },
	{ KEY_BTF, "btf", "FILE", ALL & ~PAST, GROUP_KERNEL, false, set_file, FIELD(btf_file),
	  .why = "not a file", .example = "/sys/kernel/btf/vmlinux",
	  .doc = "The kernel's types, for one that carries none: BTF, or a vmlinux that has it; default: its own, or "
		 "the vmlinux of this release in /boot, /lib/modules or /usr/lib/debug" },
	{ KEY_RING, "ring", "SIZE", TRACE | RECORD | EPHEMERAL | TOP | EXPORT, GROUP_KERNEL, false, set_ring,
	  .why = "not a size from 1M to 1G", .example = "256M",
	  .doc = "Ring buffer, of which most is taken from memory as it is needed; rounded up to a power of two, default 64M" },
	{ KEY_SOCKETS, "sockets", "N", TRACE | RECORD | EPHEMERAL | TOP | EXPORT, GROUP_KERNEL, false, set_sockets,
	  .why = "not a number from 1 to 16777216", .example = "2000000",
	  .doc = "Sockets to remember at once; default 1000000" },

	{ KEY_MEMORY, "memory", "SIZE", TRACE | RECORD | EPHEMERAL | TOP | EXPORT, GROUP_KERNEL, false, set_size,
	  FIELD(memory_bytes), .least = OPTIONS_MEMORY_MIN, .most = MEMORY_MAX,
	  .why = "not a size from 48M to 64G", .example = "128M",
	  .doc = "Ceiling of all that is above, processes and the program; what finds no room is counted as lost" },

	{ 'h', "help", NULL, ALL | STATUS | SCHEMA | SHIP, GROUP_HELP, false, set_help, .doc = "Print this and exit" },
	{ 'V', "version", NULL, ALL | STATUS | SCHEMA | SHIP, GROUP_HELP, false, set_version, .doc = "Print the version and exit" },
	{ 0 },
};
/* clang-format on */

_Static_assert(sizeof(options_table) / sizeof(options_table[0]) <= OPTIONS_ROWS_MAX,
	       "options.c has room for every row");
