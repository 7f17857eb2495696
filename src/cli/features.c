// SPDX-License-Identifier: GPL-2.0-only
/* features.c - `sockwatch features`: the hook table as it was chosen on this kernel. */
#include "commands.h"
#include "features_writer.h"
#include "log.h"
#include "output.h"
#include "rights.h"

#include <stdio.h>
#include <sys/utsname.h>
#include <unistd.h>

int command_features(const struct options *options)
{
	struct kernel_error error = {""};
	struct kernel *k;
	struct features f;
	struct buffer out = {0};
	struct utsname host;
	const struct output terminal = {.fd = STDOUT_FILENO};
	int code = command_open_kernel(options, &k);

	if (code)
		return code;
	if (kernel_attach(k, &error) < 0) {
		log_error("%s", error.text);
		code = 1;
	}
	uname(&host);
	f = (struct features){
		.version = SOCKWATCH_VERSION,
		.kernel = host.release,
		.machine = host.machine,
		.tier = kernel_tier_chosen(k),
		.cgroup_place = kernel_cgroup_place(k),
		.tracefs_place = kernel_tracefs_place(k),
		.btf_place = kernel_btf_place(k),
		.columns = output_columns(&terminal),
	};
	f.hooks = kernel_hooks(k, &f.hook_count);
	if (options->format == FORMAT_JSON)
		features_write_json(&out, &f);
	else
		features_write_text(&out, &f);
	kernel_close(k);
	if (rights_end(options, CONFINE_LISTING, 0)) {
		code = 1;
	} else if (out.failed) {
		log_error("no memory");
		code = 1;
	} else if (fwrite(out.data, 1, out.len, stdout) != out.len || fflush(stdout) != 0) {
		log_error("cannot write to stdout");
		code = 1;
	}
	buffer_done(&out);
	return code;
}
