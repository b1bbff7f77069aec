/* SPDX-License-Identifier: Apache-2.0 */
/* json - answers for programs: field names in lower_case, one document on stdout, nothing but printable ASCII in it. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/auto.h"

static inline void json_putp(struct json_object **j)
{
	json_object_put(*j);
}

/* "OwnerVerified" -> "owner_verified". */
void json_field_name(char *out, size_t size, const char *bus_name);
/* Borrowed, "" / 0 / false when the field is missing or of another kind. */
const char *json_text(struct json_object *row, const char *name);
int64_t json_number(struct json_object *row, const char *name);
bool json_flag(struct json_object *row, const char *name);
/* Setters that need no care: out of memory is seen by json_write(). */
void json_set_text(struct json_object *row, const char *name, const char *value);
void json_set_number(struct json_object *row, const char *name, int64_t value);
void json_set_flag(struct json_object *row, const char *name, bool value);
/* Writes @j and a newline; characters beyond ASCII as \uXXXX, so that no terminal is misled by what is in a title. */
void json_write(FILE *to, struct json_object *j);
