// SPDX-License-Identifier: GPL-2.0-only
/*
 * faults.h - what inject.c, which starts a program and makes one of its calls fail, and preload.c, which is inside that
 * program, have in common.  Calls are counted over all processes and threads of the program.
 */
#ifndef FAULTS_H
#define FAULTS_H

#include <stdint.h>

/* Descriptors that the program begins with, and closes before its main(): the shared memory, the way to inject.c. */
#define FAULTS_SHARED 1000
#define FAULTS_SOCKET 1001

/* Later than the headers some machines have; the same number everywhere. */
#define LANDLOCK_CREATE	  444
#define LANDLOCK_RESTRICT 446

enum fault_kind {
	FAULT_ALLOC, /* malloc(), calloc(), realloc() and their like: NULL */
	FAULT_FD,    /* whatever gives a descriptor */
	FAULT_MAP,   /* mmap(), mremap(): ENOMEM */
	FAULT_LOAD,  /* bpf(): a program for the kernel */
	FAULT_LINK,  /* bpf() and perf_event_open(): what attaches it */
	FAULT_FILE,  /* write(), fsync(), ftruncate() and their like on what is no socket */
	FAULT_OPEN, /* openat() of a path that begins with one given, fsopen() of a file system so called */
	FAULT_CLOCK,  /* clock_gettime() of the wall: days away */
	FAULT_RIGHTS, /* what gives rights away, and what makes a second process */
	FAULT_KINDS
};

struct faults {
	uint32_t kind;
	uint64_t first, last; /* which of the calls fail, from 1 on */
	uint64_t count, hits;
	int64_t days;
};

#endif
