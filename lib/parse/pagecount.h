/* SPDX-License-Identifier: Apache-2.0 */
/* pagecount - how many pages a PDF has and how large they are, found out by a child that can do nothing else.
 *
 * The document is hostile input: the child has limits on memory and time, no new privileges, and a filter of system
 * calls. If it dies, complains or takes too long, the answer is unknown, and printing goes on. */
#pragma once

#include <stdint.h>

enum { PAGECOUNT_SIZES = 16, PAGECOUNT_MAX = 1000000 };

struct pagecount {
	int32_t pages; /* -1: unknown */
	int32_t size_count; /* distinct sizes in @size; further ones are left out */
	struct pagecount_size {
		int32_t x, y; /* hundredths of a millimetre, rotation applied */
		int32_t pages;
	} size[PAGECOUNT_SIZES];
};

/** pagecount_read() - look at the PDF in the file @fd (borrowed; its offset is left alone)
 * Never fails: what went wrong is in @why (static text, NULL if nothing), and @out says unknown. */
void pagecount_read(int fd, struct pagecount *out, const char **why);
