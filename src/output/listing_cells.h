/* SPDX-License-Identifier: GPL-2.0-only */
/* listing_cells.h - cells that rows of several kinds of sockets have. */
#ifndef SOCKWATCH_LISTING_CELLS_H
#define SOCKWATCH_LISTING_CELLS_H

#include "line.h"
#include "listing_writer.h"
#include "units.h"

/* Without a name, its inode; "-" of the own one. */
void listing_cell_netns(struct line *line, const struct listing_style *style,
			const struct listing *l, uint32_t inode);
void listing_cell_user(struct line *line, const struct listing_style *style, uint32_t uid);
/* "kernel", "kernel(vxlan0)" */
void listing_cell_kernel(struct line *line, const struct listing_style *style,
			 const struct listing_socket *s);

#endif
