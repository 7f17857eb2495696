// SPDX-License-Identifier: GPL-2.0-only
/* empty - attaches the program of the object file named, and waits for SIGINT. */
#include <bpf/libbpf.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static void on_signal(int number)
{
	(void)number;
}

int main(int argc, char **argv)
{
	struct sigaction stop = {.sa_handler = on_signal};
	struct bpf_object *object = argc == 2 ? bpf_object__open_file(argv[1], NULL) : NULL;
	struct bpf_program *program;
	struct bpf_link *link;

	if (!object || bpf_object__load(object)) {
		fprintf(stderr, "empty: cannot load %s\n", argc == 2 ? argv[1] : "OBJECT");
		return 1;
	}
	program = bpf_object__next_program(object, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGINT, &stop, NULL);
	link = bpf_program__attach(program);
	if (!link) {
		fprintf(stderr, "empty: cannot attach\n");
		return 1;
	}
	pause();
	bpf_link__destroy(link);
	bpf_object__close(object);
	return 0;
}
