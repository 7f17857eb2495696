// SPDX-License-Identifier: GPL-2.0-only
/* options_commands.c - the commands, and what --help and the manual say of each. */
#include "options_table.h"

static const struct command commands[] = {
	{COMMAND_TRACE, "trace", "print what happens to sockets as it happens (the default)",
	 "Prints a line for each bind, listen, failed call and life of the host's TCP and UDP sockets, all "
	 "containers included, with the process that owns the socket; ! marks what failed. Each connect, accept "
	 "and change of state with -v, --events or -o json.\v"
	 "Examples:\n"
	 "  sockwatch trace -L 443 --events accept,close   who comes, how long they stay\n"
	 "  sockwatch trace -c nginx -o json --for 10s     one process's sockets, for jq\n"
	 "  sockwatch trace --events bind --port 8080      who grabs the port\n"
	 "  sockwatch trace -- curl -s example.com         runs it: its sockets, and those of what it starts\n"
	 "\n"
	 "The command behind -- begins once all hooks are attached, and runs with the rights, files and environment of the "
	 "caller; its output goes where it always does, so --output FILE keeps the trace apart. The trace ends with it; "
	 "what ends the trace (Ctrl-C, --for, --count) ends the command.\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost; of a command that was started its "
	 "own (128 + N by signal N), 127 there is no such command, 126 it cannot be run."},
	{COMMAND_EPHEMERAL, "ephemeral",
	 "print how many local ports are left, who takes them and what would help",
	 "Prints for each network namespace how many local ports connect() can still choose from, by the "
	 "kernel's own rule, for each pair of source address and destination; which processes hold them, and "
	 "what would help. One look, or what --for sees.\v"
	 "Examples:\n"
	 "  sockwatch ephemeral --netns self            one look at this namespace\n"
	 "  sockwatch ephemeral --for 60s               watch a minute: churn, latency, failures\n"
	 "  sockwatch ephemeral -D 5432 -c web          where web's sockets go, and what is left there\n"
	 "  sockwatch ephemeral --fail-at 90% -q        exit code 5 when a destination is short of ports\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost, 5 --fail-at reached."},
	{COMMAND_FEATURES, "features",
	 "print which kernel hooks work here and what that leaves out",
	 "Prints each kernel hook, whether it works here, which one was chosen, and what that "
	 "leaves uncovered.\v"
	 "Exit code: 0 done, 1 run-time failure, 2 usage."},
	{COMMAND_LS, "ls", "list every socket and everyone who holds it",
	 "Lists the sockets of every network namespace, TIME_WAIT and shared ones included, with "
	 "each process "
	 "that holds them.\v"
	 "Examples:\n"
	 "  sockwatch ls -i :8080                who uses the port\n"
	 "  sockwatch ls --state listen          who listens\n"
	 "  sockwatch ls --netns self -c nginx   one process's sockets, in this namespace\n"
	 "  sockwatch ls -x -l                   Unix sockets that wait for peers\n"
	 "  sockwatch ls -o json | jq ...        one object a socket\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage."},
	{COMMAND_WHO, "who", "say who has a port, and wait for it to be taken",
	 "Says which process has the port, since when, from where it can be reached, and what "
	 "frees it.\v"
	 "The port: 8080, udp/53, 127.0.0.1:5432, [::1]:80, tcp/ssh.\n"
	 "Examples:\n"
	 "  sockwatch who 8080\n"
	 "  sockwatch who udp/53 -o json\n"
	 "  sockwatch who /run/app.sock          or @abstract: a Unix socket\n"
	 "  sockwatch who --wait 8080            returns the moment somebody takes it\n"
	 "\n"
	 "Exit code: 0 found, 1 run-time failure, 2 usage, 3 nobody has it."},
	{COMMAND_RECORD, "record", "keep every socket's life in a file, to be asked for later",
	 "Keeps the life of each socket, each bind and listen and each failed connect in a store "
	 "(SQLite), which sockwatch history and sqlite3 read at any time.\v"
	 "Examples:\n"
	 "  sockwatch record --store /var/lib/sockwatch/store --keep 7d\n"
	 "  sockwatch record --store web.store --port 443 --keep 2GB\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost."},
	{COMMAND_HISTORY, "history", "ask a record who had a port, and when",
	 "Prints the recorded lives that match, with binds, listens and failures, in the order of time; what is "
	 "still open stands where it opened (with -o json at the end).\v"
	 "Examples:\n"
	 "  sockwatch history --store FILE --port 41234 --at 03:12     who had it then\n"
	 "  sockwatch history --store FILE --since yesterday --reason refused,timeout\n"
	 "  sockwatch history --store FILE -c nginx -o json --follow\n"
	 "  sockwatch history --from http://clickhouse:8123/sockwatch --addr 10.0.3.7 -D 5432   of a fleet\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 3 nothing found."},
	{COMMAND_REPORT, "report", "make a page of a record: what failed when, whose ports, how long",
	 "Counts what was recorded: connections and failures over time, by process, peer and reason, how "
	 "long they lived, ports and conflicts, and what is known of the budget of ports. What the record "
	 "does not know is said.\v"
	 "Examples:\n"
	 "  sockwatch report -o html --output report.html\n"
	 "  sockwatch report --store FILE --since yesterday --until today\n"
	 "  sockwatch report -c nginx --failed -o json\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 3 the record holds nothing of that time."},
	{COMMAND_TOP, "top", "watch who opens, fails and transfers most, as top does",
	 "Shows processes, peers, failures, listeners and the budget of ports, with rates over 1, 10 and 60 "
	 "seconds, once a second; ? says the keys.\v"
	 "Examples:\n"
	 "  sockwatch top                                    on a terminal\n"
	 "  sockwatch top --view failures -c nginx\n"
	 "  sockwatch top --batch 1 --view peers --sort open   one frame, for a script\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost."},
	{COMMAND_EXPORT, "export", "serve metrics for Prometheus",
	 "Serves what happens to sockets as numbers, at /metrics for Prometheus (OpenMetrics where it asks for it) and "
	 "/healthz: calls and errors, ends by reason, sockets by state and process, listeners and their queues, and for each network "
	 "namespace how many ports connect() can still choose from.\v"
	 "Examples:\n"
	 "  sockwatch export                                  at 127.0.0.1:9435\n"
	 "  sockwatch export --listen unix:/run/metrics.sock  for a proxy\n"
	 "  sockwatch export --without-labels comm            no names of processes\n"
	 "  curl -s 127.0.0.1:9435/metrics | grep available_min\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage, 4 done but events were lost."},
	{COMMAND_SHIP, "ship", "send a record to a fleet's database, each row once",
	 "Sends what sockwatch record keeps to a ClickHouse, and goes on with what is recorded, until stopped: lives, calls with "
	 "what stood in their way, losses, the scarcest destinations and runs of the recorder. How far it is stands in FILE-ship "
	 "beside the store: whatever ends the sender, the server or the connection, each row arrives and counts once. It needs no "
	 "privilege but to read the store and to write beside it. sockwatch schema clickhouse prints the tables.\v"
	 "Examples:\n"
	 "  sockwatch ship --to http://10.0.0.5:8123/sockwatch\n"
	 "  sockwatch ship --to https://db.example.org/fleet --as writer --password-file /etc/sockwatch/password\n"
	 "  sockwatch ship --store FILE --to http://10.0.0.5:8123 --once    what there is, then end\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, of --once also where the server refuses or takes nothing for a minute, 2 usage."},
	{COMMAND_SCHEMA, "schema", "print the tables of a fleet's database, as SQL",
	 "Prints what a database needs to keep the records of many hosts: tables, and views that have the names and "
	 "columns of a store's own. The only database there is: clickhouse.\v"
	 "Examples:\n"
	 "  sockwatch schema clickhouse --ttl 30d | clickhouse-client --multiquery\n"
	 "  sockwatch schema clickhouse --cluster main --database net\n"
	 "\n"
	 "Exit code: 0 done, 1 run-time failure, 2 usage."},
	{COMMAND_STATUS, "status", "say who traces and records here, and what was lost",
	 "Says of each sockwatch that traces or records here since when it does, into what, how "
	 "much it has told, and what it lost for which reason.\v"
	 "Examples:\n"
	 "  sockwatch status\n"
	 "  sockwatch status -o json | jq .lost.count\n"
	 "\n"
	 "Exit code: 0 one runs, 1 run-time failure, 2 usage, 3 none does."},
};

const struct command options_overview = {
	COMMAND_TRACE, "", "tell which process has a port, and what became of every connection",
	"Traces every TCP and UDP socket of this host, all containers included: who\n"
	"bound, connected or accepted it, what became of it, and why it failed; lists\n"
	"who holds what now.\v"
	"Examples:\n"
	"  sockwatch                              everything, until Ctrl-C\n"
	"  sockwatch -p 901 --port 443            one process, one port\n"
	"  sockwatch trace -o json --for 10s      ten seconds, one JSON object a line\n"
	"  sockwatch ls -i :8080                  every socket on a port and who holds it\n"
	"  sockwatch who 8080                     who has the port\n"
	"\n"
	"Needs root, or the capabilities of docs/privileges.md.\n"
	"Exit code: 0 done, 1 run-time failure, 2 usage, 3 who or history found nothing, 4 done but "
	"events were lost,\n5 ephemeral --fail-at reached."};

const struct command *options_command(size_t i)
{
	return i < sizeof(commands) / sizeof(commands[0]) ? &commands[i] : NULL;
}
