/* SPDX-License-Identifier: Apache-2.0 */
/* arena - memory that is freed all at once: the objects of a document live in one. */
#include "parse/arena.h"
#include <stdint.h>
#include <stdlib.h>

enum { BLOCK = 64 << 10, ALIGN = 16 };

struct arena_block {
	struct arena_block *next;
	size_t used, size;
	_Alignas(ALIGN) unsigned char data[];
};

static struct arena_block *new_block(struct arena *a, size_t size)
{
	size_t room = size > BLOCK ? size : BLOCK;
	struct arena_block *b = malloc(sizeof(*b) + room);

	if (!b)
		return NULL;
	b->used = 0;
	b->size = room;
	/* A large block of its own goes behind, so that the open one stays open. */
	if (size > BLOCK / 4 && a->blocks) {
		b->next = a->blocks->next;
		a->blocks->next = b;
	} else {
		b->next = a->blocks;
		a->blocks = b;
	}
	return b;
}

void *arena_alloc(struct arena *a, size_t size)
{
	struct arena_block *b = a->blocks;
	void *p;

	if (size > SIZE_MAX / 2)
		return NULL;
	size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
	if (!b || b->size - b->used < size)
		b = new_block(a, size);
	if (!b)
		return NULL;
	p = b->data + b->used;
	b->used += size;
	a->total += size;
	return p;
}

void arena_reset(struct arena *a)
{
	struct arena_block *keep = NULL, *b = a->blocks, *next;

	for (; b; b = next) {
		next = b->next;
		if (!keep && b->size == BLOCK) {
			keep = b;
			keep->used = 0;
			keep->next = NULL;
		} else {
			free(b);
		}
	}
	a->blocks = keep;
	a->total = 0;
}

void arena_fini(struct arena *a)
{
	arena_reset(a);
	free(a->blocks);
	a->blocks = NULL;
}
