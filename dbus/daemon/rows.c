/* SPDX-License-Identifier: Apache-2.0 */
/* rows - see rows.h. */
#include "rows.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

/* One value is never shown longer than this; addresses and messages are far below. */
enum { ROWS_TEXT_MAX = 4096 };

struct rows *rows_new(void)
{
	return calloc(1, sizeof(struct rows));
}

void rows_free(struct rows *r)
{
	if (!r)
		return;
	for (size_t i = 0; i < r->count; i++) {
		for (size_t j = 0; j < r->row[i].count; j++)
			free(r->row[i].field[j].text);
		free(r->row[i].field);
	}
	free(r->row);
	free(r);
}

void rows_next(struct rows *r)
{
	struct row *grown;

	if (r->error)
		return;
	grown = reallocarray(r->row, r->count + 1, sizeof(*grown));
	if (!grown) {
		r->error = -ENOMEM;
		return;
	}
	r->row = grown;
	r->row[r->count++] = (struct row){0};
}

/* A field of the last row, named and typed; NULL after an error. */
static struct row_field *add_field(struct rows *r, const char *name, enum row_type type)
{
	struct row *row;
	struct row_field *grown;

	if (!r->error && !r->count)
		rows_next(r);
	if (r->error)
		return NULL;
	row = &r->row[r->count - 1];
	grown = reallocarray(row->field, row->count + 1, sizeof(*grown));
	if (!grown) {
		r->error = -ENOMEM;
		return NULL;
	}
	row->field = grown;
	grown = &row->field[row->count++];
	*grown = (struct row_field){.type = type};
	strncpy(grown->name, name, sizeof(grown->name) - 1);
	return grown;
}

void rows_string(struct rows *r, const char *name, const char *value)
{
	/* An octet that is not UTF-8 becomes three. */
	size_t size = strnlen(value ? value : "", ROWS_TEXT_MAX) * 3 + 32;
	AUTO(auto_free) char *text = malloc(size);
	struct row_field *f;

	if (!text) {
		r->error = r->error ? r->error : -ENOMEM;
		return;
	}
	text_display(text, size, value);
	f = add_field(r, name, ROW_STRING);
	if (f)
		f->text = STEAL(text);
}

void rows_int(struct rows *r, const char *name, int64_t value)
{
	struct row_field *f = add_field(r, name, ROW_INT);

	if (f)
		f->number = value;
}

void rows_bool(struct rows *r, const char *name, bool value)
{
	struct row_field *f = add_field(r, name, ROW_BOOL);

	if (f)
		f->number = value;
}
