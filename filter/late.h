/* SPDX-License-Identifier: Apache-2.0 */
/* late - libcups, libsodium and json-c, loaded by the first call of one of their functions that the filter uses.
 *
 * Starting with them costs four times what reading a small document costs, libcups' own libraries most of all: a run that
 * only inspects needs none, and the child that reads a document is forked before they are there. late.c defines each
 * function under its own name and hands the call on; a function that it lacks is an error of the linker.
 * Not for what is called often from a loop over a document's octets in small pieces. */
#pragma once

/** late_load() - load what the ticket needs, so that a library that is missing is told before work begins
 * Return: NULL, or what dlerror(3) said. */
const char *late_load(void);
