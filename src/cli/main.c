// SPDX-License-Identifier: GPL-2.0-only
#include "commands.h"
#include "log.h"
#include "output.h"

int main(int argc, char **argv)
{
	struct kernel_error error = {""};
	struct options options;
	const char *unknown;
	int code;

	output_take_standard();
	code = options_parse(argc, argv, &options);

	if (code != OPTIONS_RUN)
		return code;
	log_set_quiet(options.quiet);
	unknown = kernel_unknown_hook(options.hooks_without);
	if (unknown) {
		log_error("--hooks: there is no hook '%s'; sockwatch features lists them", unknown);
		options_done(&options);
		return EXIT_USAGE;
	}
	if (options.btf_file && kernel_check_btf(options.btf_file, &error) < 0) {
		log_error("%s", error.text);
		return EXIT_USAGE;
	}
	switch (options.command) {
	case COMMAND_TRACE: code = command_trace(&options); break;
	case COMMAND_EPHEMERAL: code = command_ephemeral(&options); break;
	case COMMAND_FEATURES: code = command_features(&options); break;
	case COMMAND_LS: code = command_ls(&options); break;
	case COMMAND_WHO: code = command_who(&options); break;
	case COMMAND_RECORD: code = command_record(&options); break;
	case COMMAND_HISTORY: code = command_history(&options); break;
	case COMMAND_REPORT: code = command_report(&options); break;
	case COMMAND_STATUS: code = command_status(&options); break;
	case COMMAND_TOP: code = command_top(&options); break;
	case COMMAND_SCHEMA: code = command_schema(&options); break;
	case COMMAND_SHIP: code = command_ship(&options); break;
	case COMMAND_EXPORT: code = command_export(&options); break;
	}
	options_done(&options);
	return code;
}
