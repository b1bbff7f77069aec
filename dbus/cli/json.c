/* SPDX-License-Identifier: Apache-2.0 */
/* json - see json.h. */
#include "json.h"

#include <ctype.h>
#include <string.h>

void json_field_name(char *out, size_t size, const char *bus_name)
{
	size_t used = 0;

	for (const char *p = bus_name; *p && used + 2 < size; p++) {
		if (isupper((unsigned char)*p) && p > bus_name)
			out[used++] = '_';
		out[used++] = (char)tolower((unsigned char)*p);
	}
	out[used] = '\0';
}

static struct json_object *field(struct json_object *row, const char *name, enum json_type type)
{
	struct json_object *value = NULL;

	if (!row || !json_object_object_get_ex(row, name, &value) ||
		!json_object_is_type(value, type))
		return NULL;
	return value;
}

const char *json_text(struct json_object *row, const char *name)
{
	struct json_object *value = field(row, name, json_type_string);

	return value ? json_object_get_string(value) : "";
}

int64_t json_number(struct json_object *row, const char *name)
{
	struct json_object *value = field(row, name, json_type_int);

	return value ? json_object_get_int64(value) : 0;
}

bool json_flag(struct json_object *row, const char *name)
{
	struct json_object *value = field(row, name, json_type_boolean);

	return value && json_object_get_boolean(value);
}

void json_set_text(struct json_object *row, const char *name, const char *value)
{
	json_object_object_add(row, name, json_object_new_string(value ? value : ""));
}

void json_set_number(struct json_object *row, const char *name, int64_t value)
{
	json_object_object_add(row, name, json_object_new_int64(value));
}

void json_set_flag(struct json_object *row, const char *name, bool value)
{
	json_object_object_add(row, name, json_object_new_boolean(value));
}

/* The character at @p; what is not UTF-8 is U+FFFD, octet by octet. */
static size_t decode(const unsigned char *p, uint32_t *c)
{
	size_t n = p[0] < 0xc2 ? 0 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : p[0] < 0xf5 ? 4 : 0;

	*c = 0xfffd;
	if (n == 0)
		return 1;
	for (size_t i = 1; i < n; i++)
		if ((p[i] & 0xc0) != 0x80)
			return 1;
	*c = p[0] & (0x7fu >> n);
	for (size_t i = 1; i < n; i++)
		*c = *c << 6 | (p[i] & 0x3f);
	if (*c > 0x10ffff || (*c >= 0xd800 && *c <= 0xdfff))
		*c = 0xfffd;
	return n;
}

void json_write(FILE *to, struct json_object *j)
{
	const char *text = json_object_to_json_string_ext(j,
		JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE);

	for (const unsigned char *p = (const unsigned char *)(text ? text : "null"); *p;) {
		uint32_t c;

		if (*p < 0x7f) {
			fputc(*p++, to);
			continue;
		}
		if (*p == 0x7f) {
			c = *p++;
		} else {
			p += decode(p, &c);
		}
		if (c >= 0x10000) {
			fprintf(to, "\\u%04x", 0xd800 + ((c - 0x10000) >> 10));
			c = 0xdc00 + ((c - 0x10000) & 0x3ff);
		}
		fprintf(to, "\\u%04x", c);
	}
	fputc('\n', to);
}
