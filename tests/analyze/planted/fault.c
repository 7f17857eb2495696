// SPDX-License-Identifier: GPL-2.0-only
/* fault.c - what each analyzer must find before it is believed; nothing is built of it. */
#include <stdlib.h>
#include <string.h>

/* cppcheck, gcc, clang's analyzer: the memory is read after it was freed. */
int read_freed(void)
{
	int *number = malloc(sizeof(*number));
	int value;

	if (!number)
		return 0;
	*number = 1;
	free(number);
	value = *number;
	return value;
}

/* clang-tidy: the size is the pointer's. */
void clear(char *text)
{
	memset(text, sizeof(text), 0);
}
