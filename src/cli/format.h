/* SPDX-License-Identifier: GPL-2.0-only */
/* format.h - the writer of events and listed sockets that -o asks for. */
#ifndef SOCKWATCH_FORMAT_H
#define SOCKWATCH_FORMAT_H

#include "options.h"
#include "writer.h"

/* `here`: what is told happens on this host.  NULL with errno ENOMEM. */
struct writer *format_writer(const struct options *o, const struct writer_options *w, bool here);

#endif
