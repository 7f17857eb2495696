// SPDX-License-Identifier: GPL-2.0-only
/*
 * forkrate - how many processes a second one loop makes.
 *
 * Usage: forkrate SECONDS [exec]
 * Prints "processes microseconds"; with exec each runs this program again, which ends at once.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static long long now_us(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000ll + t.tv_nsec / 1000;
}

int main(int argc, char **argv)
{
	long count = 0;
	long long begin = now_us(), end;
	int exec = argc > 2 && strcmp(argv[2], "exec") == 0;

	if (argc < 2)
		return 0;
	end = begin + atol(argv[1]) * 1000000ll;
	while (now_us() < end) {
		pid_t pid = fork();

		if (pid < 0)
			return 1;
		if (pid == 0 && exec)
			execl("/proc/self/exe", "forkrate", NULL);
		if (pid == 0)
			_exit(0);
		waitpid(pid, NULL, 0);
		count++;
	}
	printf("%ld %lld\n", count, now_us() - begin);
	return 0;
}
