/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * notify.h - what a service manager wants to hear (sd_notify(3)), without its library.
 *
 * Owns: the socket named by $NOTIFY_SOCKET.  Without one every call does nothing.
 */
#ifndef SOCKWATCH_NOTIFY_H
#define SOCKWATCH_NOTIFY_H

#include <stdint.h>

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID. */
void notify_open(void);
/* "READY=1", "STOPPING=1" */
void notify_say(const char *state);
/* Tells the watchdog that the program runs, twice within $WATCHDOG_USEC however often it is called.  now_ns is any steady clock. */
void notify_alive(uint64_t now_ns);
void notify_close(void);

#endif
