// SPDX-License-Identifier: GPL-2.0-only
/* kernel_side.c - what the options ask of the kernel room, and its errors in words. */
#include "commands.h"
#include "log.h"
#include "snapshot.h"

#include <errno.h>

int command_open_kernel(const struct options *options, struct kernel **ret)
{
	struct kernel_options wanted = {
		.ring_bytes = options->ring_bytes,
		.hooks = options->hooks,
		.hooks_without = options->hooks_without,
		.btf_path = options->btf_file,
		.ports = options->command != COMMAND_TRACE,
		.no_trace = options->command == COMMAND_EPHEMERAL && !options->for_ns,
	};
	struct kernel_error error = {""};
	struct kernel *k = kernel_open(&wanted, &error);
	int code = k ? 0 : errno == EBADMSG ? EXIT_USAGE : 1;

	if (k)
		*ret = k;
	else
		log_error("%s", error.text);
	return code;
}

int command_look(const struct options *options, bool details, struct listing *l)
{
	struct snapshot_options wanted = {
		.source = options->source,
		.details = details,
		.btf_path = options->btf_file,
	};
	struct kernel_error error = {""};
	int err;

	listing_init(l);
	err = snapshot_take(&wanted, l, &error);
	if (err)
		log_error("%s", error.text);
	else if (error.text[0])
		log_say("%s", error.text);
	if (!err && l->unseen[0])
		log_error("not everything is listed: %s", l->unseen);
	return err;
}
