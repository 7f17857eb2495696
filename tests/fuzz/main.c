// SPDX-License-Identifier: GPL-2.0-only
/*
 * main.c - plays files to a fuzz target without libFuzzer: FILE or DIRECTORY ...; each file is named before it is played, so
 * that the last name is the culprit.
 */
#include "fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned int played;

static void play_file(const char *path)
{
	FILE *file = fopen(path, "re");
	uint8_t *data = NULL;
	size_t len = 0;
	char part[4096];

	if (!file) {
		perror(path);
		exit(1);
	}
	for (size_t n; (n = fread(part, 1, sizeof(part), file)) > 0; len += n) {
		data = realloc(data, len + n);
		MUST(data);
		memcpy(data + len, part, n);
	}
	fclose(file);
	fprintf(stderr, "%s\n", path);
	LLVMFuzzerTestOneInput(data, len);
	free(data);
	played++;
}

static void play(const char *path)
{
	struct dirent **entry;
	int count = scandir(path, &entry, NULL, alphasort);

	if (count < 0) {
		play_file(path);
		return;
	}
	for (int i = 0; i < count; i++) {
		char name[4096];

		snprintf(name, sizeof(name), "%s/%s", path, entry[i]->d_name);
		if (entry[i]->d_name[0] != '.')
			play_file(name);
		free(entry[i]);
	}
	free(entry);
}

int main(int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		play(argv[i]);
	printf("%u\n", played);
	return played ? 0 : 1;
}
