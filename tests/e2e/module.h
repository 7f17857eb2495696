/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * module.h - the modules that a test machine carries beside the kernel, loaded by the scenario that needs them.
 *
 * Owns: the order: what a module depends on comes first, as its file says.  Refuses to know: the host's modules, which its
 * kernel loads by itself or has built in.
 */
#ifndef E2E_MODULE_H
#define E2E_MODULE_H

/* Where the machine has no such file, or the kernel refuses it, nothing: the scenario finds what is missing.  It stays. */
void module_load(const char *name);

#endif
