/* SPDX-License-Identifier: GPL-2.0-only */
/* files.h - by what number the helper knows the files whose names the reader may not change any more (two.h). */
#ifndef SOCKWATCH_FILES_H
#define SOCKWATCH_FILES_H

#include "split_wire.h"
#include "store_names.h"

enum { FILE_LOG, FILE_REPORT, FILE_SERVE, FILE_STORE, FILES = FILE_STORE + STORE_FILES };
_Static_assert(FILES <= (int)SPLIT_FILES, "each has a number");

#endif
