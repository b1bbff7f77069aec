/* SPDX-License-Identifier: Apache-2.0 */
/* cells - which parts of a picture its mask lets show, on a coarse grid. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

enum { CELLS = 64 };

struct cells {
	bool on[CELLS][CELLS]; /* something of the cell shows; row by row */
	bool any, all;
};

static inline uint32_t cell_of(uint64_t at, uint64_t size)
{
	return at < size ? (uint32_t)(at * CELLS / size) : CELLS - 1;
}

/* Whether element @x, @y of a picture of that size may show. NULL: all of it does. */
static inline bool cells_show(
	const struct cells *c, uint64_t x, uint64_t width, uint64_t y, uint64_t height)
{
	return !c || c->on[cell_of(y, height)][cell_of(x, width)];
}
