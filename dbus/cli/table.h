/* SPDX-License-Identifier: Apache-2.0 */
/* table - columns for people: as wide as needed, and never wider than the terminal. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"

struct table_column {
	const char *title;
	int least; /* may be cut down to this many columns; 0: never cut */
	char align; /* 'l' or 'r' */
};
struct table;

/* @columns: borrowed for the table's life. NULL without memory. */
struct table *table_new(const struct table_column *columns, size_t count);
void table_free(struct table *t);
AUTO_DEFINE(struct table *, table_free)
/* The next cell; text from outside is made safe here. */
void table_text(struct table *t, const char *text);
void table_number(struct table *t, long long value); /* negative: unknown, shown as "?" */
/* Wrapped lines below the row begun last. */
void table_below(struct table *t, const char *text);
/* @width 0: as wide as it comes. */
void table_print(struct table *t, int width);
