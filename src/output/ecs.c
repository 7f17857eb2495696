// SPDX-License-Identifier: GPL-2.0-only
/*
 * ecs.c - the names of the Elastic Common Schema (https://www.elastic.co/docs/reference/ecs), nested as its documents are.
 * tests/names/ecs.txt has those that there are.
 */
#include "named.h"

#define ECS "8.17.0"

/* clang-format off */
static const struct named_row rows[] = {
	VALUE("@timestamp", NAMED_TIME),
	CONSTANT("ecs.version", "\"" ECS "\""),
	CONSTANT("agent.type", "\"sockwatch\""),
	CONSTANT("agent.version", "\"" SOCKWATCH_VERSION "\""),
	VALUE("event.kind", NAMED_KIND),
	CONSTANT("event.module", "\"sockwatch\""),
	VALUE("event.category", NAMED_CATEGORY),
	VALUE("event.type", NAMED_TYPE),
	VALUE("event.action", NAMED_ACTION),
	VALUE("event.outcome", NAMED_OUTCOME),
	VALUE("event.reason", NAMED_REASON),
	VALUE("event.start", NAMED_START),
	VALUE("event.end", NAMED_END),
	VALUE("event.duration", NAMED_DURATION),
	VALUE("error.code", NAMED_ERROR),
	VALUE("network.transport", NAMED_PROTO),
	VALUE("network.type", NAMED_NETWORK),
	VALUE("network.direction", NAMED_DIRECTION),
	VALUE("source.address", NAMED_FROM),
	VALUE("source.ip", NAMED_FROM),
	VALUE("source.port", NAMED_FROM_PORT),
	VALUE("source.bytes", NAMED_FROM_BYTES),
	VALUE("destination.address", NAMED_TO),
	VALUE("destination.ip", NAMED_TO),
	VALUE("destination.port", NAMED_TO_PORT),
	VALUE("destination.bytes", NAMED_TO_BYTES),
	VALUE("client.address", NAMED_CLIENT),
	VALUE("client.ip", NAMED_CLIENT),
	VALUE("client.port", NAMED_CLIENT_PORT),
	VALUE("client.bytes", NAMED_CLIENT_BYTES),
	VALUE("server.address", NAMED_SERVER),
	VALUE("server.ip", NAMED_SERVER),
	VALUE("server.port", NAMED_SERVER_PORT),
	VALUE("server.bytes", NAMED_SERVER_BYTES),
	VALUE("process.pid", NAMED_PID),
	VALUE("process.thread.id", NAMED_TID),
	VALUE("process.start", NAMED_BEGUN),
	VALUE("process.name", NAMED_NAME),
	VALUE("process.executable", NAMED_EXE),
	VALUE("process.args", NAMED_ARGS),
	QUOTED("process.user.id", NAMED_UID),
	QUOTED("process.real_user.id", NAMED_RUID),
	VALUE("process.parent.pid", NAMED_PARENT_PID),
	VALUE("process.parent.start", NAMED_PARENT_BEGUN),
	VALUE("process.parent.name", NAMED_PARENT_NAME),
	VALUE("process.parent.args", NAMED_PARENT_ARGS),
	QUOTED("user.id", NAMED_UID),
	VALUE("container.id", NAMED_CONTAINER),
	VALUE("container.name", NAMED_CONTAINER_NAME),
	VALUE("orchestrator.type", NAMED_ORCHESTRATOR),
	VALUE("orchestrator.namespace", NAMED_POD_NAMESPACE),
	VALUE("orchestrator.resource.type", NAMED_RESOURCE),
	VALUE("orchestrator.resource.name", NAMED_POD_NAME),
	VALUE("orchestrator.resource.id", NAMED_POD_UID),
	VALUE("host.hostname", NAMED_HOST),
	VALUE("host.name", NAMED_HOST),
	VALUE("host.architecture", NAMED_MACHINE),
	VALUE("host.os.type", NAMED_OS),
	VALUE("host.os.kernel", NAMED_KERNEL),
	/* What it has no name for. */
	VALUE("sockwatch.local.interface", NAMED_LOCAL_INTERFACE),
	VALUE("sockwatch.local.v6only", NAMED_V6ONLY),
	VALUE("sockwatch.peer.interface", NAMED_PEER_INTERFACE),
	VALUE("sockwatch.process.args_cut", NAMED_ARGS_CUT),
	VALUE("sockwatch.process.parents", NAMED_PARENTS),
	VALUE("sockwatch.process.cgroup", NAMED_CGROUP),
	VALUE("sockwatch.process.unit", NAMED_UNIT),
};

/* By its categorization fields: "network" knows access, allowed, connection, denied, end, info, protocol and start. */
static const struct named_event events[] = {
	{"bind", "\"event\"", "[\"network\"]", "[\"info\"]"},
	{"listen", "\"event\"", "[\"network\"]", "[\"info\"]"},
	{"connect", "\"event\"", "[\"network\"]", "[\"connection\",\"start\"]"},
	{"accept", "\"event\"", "[\"network\"]", "[\"connection\",\"start\"]"},
	{"state", "\"event\"", "[\"network\"]", "[\"connection\",\"info\"]"},
	{"overflow", "\"event\"", "[\"network\"]", "[\"connection\",\"info\"]"},
	{"close", "\"event\"", "[\"network\"]", "[\"connection\",\"end\"]"},
	{"open", "\"state\"", "[\"network\"]", "[\"connection\",\"info\"]"},
	{"socket", "\"state\"", "[\"network\"]", "[\"info\"]"},
	{"lost", "\"event\"", "[\"host\"]", "[\"info\"]"},
	{0},
};
/* clang-format on */

static const struct named_table table = {
	.rows = rows,
	.count = sizeof(rows) / sizeof(rows[0]),
	.separator = '.',
	.rest = "sockwatch.",
	.prefix = "",
	.events = events,
};

struct writer *writer_ecs_new(const struct writer_options *options)
{
	return writer_named_new(options, &table);
}
