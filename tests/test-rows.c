/* SPDX-License-Identifier: Apache-2.0 */
/* test-rows - answers as named values. */
#include <string.h>

#include "../dbus/daemon/rows.h"
#include "tap.h"

static void fields_keep_their_order_and_type(void)
{
	AUTO(rows_freep) struct rows *r = rows_new();

	rows_next(r);
	rows_string(r, "Uri", "ipp://hall/");
	rows_bool(r, "Encrypted", true);
	rows_next(r);
	rows_int(r, "At", -5);
	CHECK(r->count == 2 && r->error == 0);
	CHECK(r->row[0].count == 2 && r->row[1].count == 1);
	CHECK(!strcmp(r->row[0].field[0].name, "Uri") &&
		!strcmp(r->row[0].field[0].text, "ipp://hall/"));
	CHECK(r->row[0].field[1].type == ROW_BOOL && r->row[0].field[1].number == 1);
	CHECK(r->row[1].field[0].type == ROW_INT && r->row[1].field[0].number == -5);
}

static void a_value_before_the_first_row_begins_one(void)
{
	AUTO(rows_freep) struct rows *r = rows_new();

	rows_int(r, "At", 1);
	CHECK(r->count == 1 && r->row[0].count == 1);
}

static void text_from_outside_is_made_safe(void)
{
	AUTO(rows_freep) struct rows *r = rows_new();
	const char *s;

	rows_string(r, "Title", "a\x1b[2J\xff b");
	rows_string(r, "None", NULL);
	s = r->row[0].field[0].text;
	CHECK(!strchr(s, '\x1b') && !strchr(s, '\xff') && strstr(s, " b"));
	CHECK(!strcmp(r->row[0].field[1].text, ""));
}

static void a_long_text_is_kept_within_bounds(void)
{
	AUTO(rows_freep) struct rows *r = rows_new();
	char *s = malloc(1 << 20);

	memset(s, '\xff', (1 << 20) - 1);
	s[(1 << 20) - 1] = '\0';
	rows_string(r, "Title", s);
	CHECK(strlen(r->row[0].field[0].text) <= 3 * 4096 + 32);
	free(s);
}

static void a_long_name_is_cut(void)
{
	AUTO(rows_freep) struct rows *r = rows_new();

	rows_int(r, "a-name-that-is-longer-than-its-place-of-32-octets", 1);
	CHECK(strlen(r->row[0].field[0].name) == 31);
}

static void after_an_error_nothing_is_added(void)
{
	AUTO(rows_freep) struct rows *r = rows_new();

	r->error = -12;
	rows_next(r);
	rows_string(r, "a", "b");
	rows_int(r, "a", 1);
	CHECK(r->count == 0 && r->error == -12);
}

int main(void)
{
	RUN(fields_keep_their_order_and_type);
	RUN(a_value_before_the_first_row_begins_one);
	RUN(text_from_outside_is_made_safe);
	RUN(a_long_text_is_kept_within_bounds);
	RUN(a_long_name_is_cut);
	RUN(after_an_error_nothing_is_added);
	return tap_done();
}
