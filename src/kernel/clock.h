/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock.h - how far this process's clocks are from the kernel's own.
 *
 * Owns: the offset of the time namespace, read once.  Refuses to know: the wall's clock.  Any thread.
 *
 *     start_ns = of_proc_stat - clock_shift_ns();
 */
#ifndef SOCKWATCH_KERNEL_CLOCK_H
#define SOCKWATCH_KERNEL_CLOCK_H

#include <stdint.h>

/*
 * What CLOCK_BOOTTIME and the starts in /proc/PID/stat are ahead of the clock that programs in the kernel read: 0 but in a time
 * namespace whose offsets were set.  kernel_now() has taken it off.
 */
int64_t clock_shift_ns(void);

#endif
