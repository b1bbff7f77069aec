/* SPDX-License-Identifier: Apache-2.0 */
/* arena - memory that is freed all at once: the objects of a document live in one. */
#pragma once

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks; /* newest first; blocks->used of them is taken */
	size_t total; /* octets handed out since the last arena_reset() */
};

/** arena_alloc() - @size octets, aligned for anything, not cleared. Return: NULL without memory. */
void *arena_alloc(struct arena *a, size_t size);

void arena_reset(struct arena *a); /* all of it is free again; one block is kept for reuse */
void arena_fini(struct arena *a);
