/* SPDX-License-Identifier: Apache-2.0 */
/* rows - answers of the engine as named values, which the bus turns into aa{sv} and nothing else knows. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum row_type { ROW_STRING = 's', ROW_INT = 'x', ROW_BOOL = 'b' };

struct row_field {
	char name[32];
	enum row_type type;
	int64_t number; /* also the bool */
	char *text; /* owned, valid UTF-8 */
};

struct row {
	struct row_field *field;
	size_t count;
};

struct rows {
	struct row *row;
	size_t count;
	int error; /* first -ENOMEM; the setters do nothing after it */
};

struct rows *rows_new(void); /* NULL without memory */
void rows_free(struct rows *r);
AUTO_DEFINE(struct rows *, rows_free)
/* Begins the next row; the setters work on the last one begun. */
void rows_next(struct rows *r);
/* @value goes through text_display(); NULL is "". */
void rows_string(struct rows *r, const char *name, const char *value);
void rows_int(struct rows *r, const char *name, int64_t value);
void rows_bool(struct rows *r, const char *name, bool value);
