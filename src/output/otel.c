// SPDX-License-Identifier: GPL-2.0-only
/*
 * otel.c - a record of OpenTelemetry's logs data model (https://opentelemetry.io/docs/specs/otel/logs/data-model/), with the
 * attributes of its semantic conventions.  tests/names/otel.txt has those that there are.
 */
#include "named.h"

#include <string.h>

/* clang-format off */
static const struct named_row rows[] = {
	QUOTED("Timestamp", NAMED_TIME_NS),
	VALUE("SeverityText", NAMED_SEVERITY),
	VALUE("SeverityNumber", NAMED_SEVERITY_NUMBER),
	VALUE("EventName", NAMED_EVENT_NAME),
	CONSTANT("Resource/service.name", "\"sockwatch\""),
	CONSTANT("Resource/service.version", "\"" SOCKWATCH_VERSION "\""),
	VALUE("Resource/host.name", NAMED_HOST),
	VALUE("Resource/host.arch", NAMED_MACHINE),
	VALUE("Resource/os.type", NAMED_OS),
	VALUE("Attributes/error.type", NAMED_ERROR),
	VALUE("Attributes/network.transport", NAMED_PROTO),
	VALUE("Attributes/network.type", NAMED_NETWORK),
	VALUE("Attributes/network.connection.state", NAMED_STATE),
	VALUE("Attributes/network.interface.name", NAMED_LOCAL_INTERFACE),
	VALUE("Attributes/network.local.address", NAMED_LOCAL),
	VALUE("Attributes/network.local.port", NAMED_LOCAL_PORT),
	VALUE("Attributes/network.peer.address", NAMED_PEER),
	VALUE("Attributes/network.peer.port", NAMED_PEER_PORT),
	VALUE("Attributes/client.address", NAMED_CLIENT),
	VALUE("Attributes/client.port", NAMED_CLIENT_PORT),
	VALUE("Attributes/server.address", NAMED_SERVER),
	VALUE("Attributes/server.port", NAMED_SERVER_PORT),
	VALUE("Attributes/process.pid", NAMED_PID),
	VALUE("Attributes/thread.id", NAMED_TID),
	VALUE("Attributes/process.creation.time", NAMED_BEGUN),
	VALUE("Attributes/process.title", NAMED_NAME),
	VALUE("Attributes/process.executable.name", NAMED_EXE_NAME),
	VALUE("Attributes/process.executable.path", NAMED_EXE),
	VALUE("Attributes/process.command_args", NAMED_ARGS),
	VALUE("Attributes/process.parent_pid", NAMED_PARENT_PID),
	VALUE("Attributes/process.user.id", NAMED_UID),
	VALUE("Attributes/process.real_user.id", NAMED_RUID),
	VALUE("Attributes/container.id", NAMED_CONTAINER),
	VALUE("Attributes/container.name", NAMED_CONTAINER_NAME),
	VALUE("Attributes/k8s.namespace.name", NAMED_POD_NAMESPACE),
	VALUE("Attributes/k8s.pod.name", NAMED_POD_NAME),
	VALUE("Attributes/k8s.pod.uid", NAMED_POD_UID),
	/* What it has no name for. */
	VALUE("Attributes/sockwatch.local.v6only", NAMED_V6ONLY),
	VALUE("Attributes/sockwatch.peer.interface", NAMED_PEER_INTERFACE),
	VALUE("Attributes/sockwatch.process.args_cut", NAMED_ARGS_CUT),
	VALUE("Attributes/sockwatch.process.parents", NAMED_PARENTS),
	VALUE("Attributes/sockwatch.process.cgroup", NAMED_CGROUP),
	VALUE("Attributes/sockwatch.process.unit", NAMED_UNIT),
};
/* clang-format on */

static const char *spell(const char *const (*pairs)[2], const char *word)
{
	for (; (*pairs)[0]; pairs++) {
		if (strcmp((*pairs)[0], word) == 0)
			return (*pairs)[1];
	}
	return NULL;
}

/* NULL for what is no state of TCP. */
static const char *state(const char *word)
{
	static const char *const words[][2] = {
		{"ESTABLISHED", "established"},
		{"SYN_SENT", "syn_sent"},
		{"SYN_RECV", "syn_received"},
		{"NEW_SYN_RECV", "syn_received"},
		{"FIN_WAIT1", "fin_wait_1"},
		{"FIN_WAIT2", "fin_wait_2"},
		{"TIME_WAIT", "time_wait"},
		{"CLOSE", "closed"},
		{"CLOSE_WAIT", "close_wait"},
		{"LAST_ACK", "last_ack"},
		{"LISTEN", "listen"},
		{"CLOSING", "closing"},
		{NULL, NULL},
	};

	return spell(words, word);
}

/* As uname has it where there is no other word. */
static const char *machine(const char *word)
{
	static const char *const words[][2] = {
		{"x86_64", "amd64"}, {"aarch64", "arm64"}, {"armv7l", "arm32"}, {"armv6l", "arm32"},
		{"i686", "x86"},     {"ppc64le", "ppc64"}, {NULL, NULL},
	};

	return spell(words, word) ?: word;
}

static const struct named_table table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.separator = '/',
	.rest = "Attributes/",
	.prefix = "sockwatch.",
	.state = state,
	.machine = machine,
};

struct writer *writer_otel_new(const struct writer_options *options)
{
	return writer_named_new(options, &table);
}
