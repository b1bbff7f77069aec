/* SPDX-License-Identifier: Apache-2.0 */
/* table - see table.h. */
#include "table.h"

#include <stdio.h>
#include <string.h>

#include "out.h"

enum { GAP = 2, CELL_OCTETS = 1024, BELOW_INDENT = 5 };

struct table {
	const struct table_column *column;
	size_t columns;
	char **cell; /* row after row */
	size_t cells;
	char **below; /* per row, or NULL */
	size_t rows;
	bool broken; /* memory ran out: what is missing is told at the end */
};

struct table *table_new(const struct table_column *columns, size_t count)
{
	struct table *t = calloc(1, sizeof(*t));

	if (t) {
		t->column = columns;
		t->columns = count;
	}
	return t;
}

void table_free(struct table *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->cells; i++)
		free(t->cell[i]);
	for (size_t i = 0; i < t->rows; i++)
		free(t->below[i]);
	free(t->cell);
	free(t->below);
	free(t);
}

static bool add_row(struct table *t)
{
	char **cell = realloc(t->cell, (t->rows + 1) * t->columns * sizeof(*cell));
	char **below;

	if (cell)
		t->cell = cell;
	below = cell ? realloc(t->below, (t->rows + 1) * sizeof(*below)) : NULL;
	if (!below)
		return false;
	t->below = below;
	t->below[t->rows++] = NULL;
	return true;
}

void table_text(struct table *t, const char *text)
{
	char *copy;

	if (t->broken || (t->cells == t->rows * t->columns && !add_row(t))) {
		t->broken = true;
		return;
	}
	copy = strdup(out_safe(text));
	if (copy)
		t->cell[t->cells++] = copy;
	else
		t->broken = true;
}

void table_number(struct table *t, long long value)
{
	char text[32];

	snprintf(text, sizeof(text), "%lld", value);
	table_text(t, value < 0 ? "?" : text);
}

void table_below(struct table *t, const char *text)
{
	if (t->broken || t->rows == 0 || !text || !*text)
		return;
	free(t->below[t->rows - 1]);
	t->below[t->rows - 1] = strdup(out_safe(text));
}

static void measure(const struct table *t, int *width)
{
	for (size_t c = 0; c < t->columns; c++)
		width[c] = out_columns(t->column[c].title);
	for (size_t i = 0; i < t->cells; i++) {
		int n = out_columns(t->cell[i]);

		if (n > width[i % t->columns])
			width[i % t->columns] = n;
	}
}

/* Takes columns, one by one, from the widest that may be cut, until the row fits or nothing may be cut any more. */
static void shrink(const struct table *t, int *width, int room)
{
	int total = (int)(t->columns - 1) * GAP;

	for (size_t c = 0; c < t->columns; c++)
		total += width[c];
	while (total > room) {
		size_t widest = t->columns;

		for (size_t c = 0; c < t->columns; c++)
			if (t->column[c].least && width[c] > t->column[c].least &&
				(widest == t->columns || width[c] > width[widest]))
				widest = c;
		if (widest == t->columns)
			return;
		width[widest]--;
		total--;
	}
}

/* @gap: blanks owed before the next text, so that no line ends in blanks */
static void print_cell(const struct table *t, size_t c, const char *text, int width, int *gap)
{
	char cut[CELL_OCTETS];
	int pad;

	out_cut(cut, sizeof(cut), text, width);
	pad = width - out_columns(cut);
	if (t->column[c].align == 'r')
		*gap += pad;
	if (*cut) {
		out_say("%*s%s", *gap, "", cut);
		*gap = 0;
	}
	if (t->column[c].align != 'r')
		*gap += pad;
	*gap += GAP;
	if (c + 1 == t->columns) {
		out_say("\n");
		*gap = 0;
	}
}

void table_print(struct table *t, int width)
{
	AUTO(auto_free) int *columns = calloc(t->columns, sizeof(int));
	int gap = 0;

	if (!columns || t->broken) {
		fprintf(stderr, "stillprint: out of memory\n");
		return;
	}
	measure(t, columns);
	if (width > 0)
		shrink(t, columns, width);
	for (size_t c = 0; c < t->columns; c++)
		print_cell(t, c, t->column[c].title, columns[c], &gap);
	for (size_t i = 0; i < t->cells; i++) {
		print_cell(t, i % t->columns, t->cell[i], columns[i % t->columns], &gap);
		if (i % t->columns == t->columns - 1 && t->below[i / t->columns])
			out_wrap(BELOW_INDENT, t->below[i / t->columns]);
	}
}
