/* SPDX-License-Identifier: GPL-2.0-only */
/* inodes.h - a set of inodes, as of the namespaces that a tour has been in: a host may have thousands. */
#ifndef SOCKWATCH_INODES_H
#define SOCKWATCH_INODES_H

#include "hash.h"

HASH_TYPE(inodes, uint64_t);
HASH_FUNCTIONS(inodes, uint64_t, *item != 0, hash_u64(*item))

static inline bool inodes_have(const struct inodes *s, uint64_t inode)
{
	for (uint64_t *i = inodes_first(s, hash_u64(inode)); i; i = inodes_next(s, i)) {
		if (*i == inode)
			return true;
	}
	return false;
}

#endif
