/* SPDX-License-Identifier: Apache-2.0 */
/* bus-out - see bus-out.h. */
#include "bus-out.h"

#include <assert.h>

#include "base/text.h"

enum { TEXT_SIZE = 16384 };

void bus_out_init(struct bus_out *o, DBusMessage *m)
{
	*o = (struct bus_out){0};
	dbus_message_iter_init_append(m, &o->it[0]);
}

bool bus_out_finish(struct bus_out *o)
{
	assert(o->failed || !o->depth);
	while (o->depth) {
		o->depth--;
		dbus_message_iter_abandon_container_if_open(&o->it[o->depth], &o->it[o->depth + 1]);
	}
	return !o->failed;
}

void bus_out_open(struct bus_out *o, int type, const char *contained)
{
	assert(o->depth + 1 < BUS_OUT_DEPTH);
	if (o->failed)
		return;
	o->it[o->depth + 1] = (DBusMessageIter)DBUS_MESSAGE_ITER_INIT_CLOSED;
	if (dbus_message_iter_open_container(
		    &o->it[o->depth], type, contained, &o->it[o->depth + 1]))
		o->depth++;
	else
		o->failed = true;
}

void bus_out_close(struct bus_out *o)
{
	if (o->failed)
		return; /* bus_out_finish() gives it up */
	assert(o->depth);
	o->depth--;
	o->failed = !dbus_message_iter_close_container(&o->it[o->depth], &o->it[o->depth + 1]);
}

static void put(struct bus_out *o, int type, const void *value)
{
	if (!o->failed)
		o->failed = !dbus_message_iter_append_basic(&o->it[o->depth], type, value);
}

void bus_out_string(struct bus_out *o, const char *s)
{
	if (!s)
		s = "";
	if (!dbus_validate_utf8(s, NULL)) {
		bus_out_text(o, s);
		return;
	}
	put(o, DBUS_TYPE_STRING, &s);
}

void bus_out_text(struct bus_out *o, const char *s)
{
	char safe[TEXT_SIZE];
	const char *p = safe;

	text_display(safe, sizeof(safe), s);
	put(o, DBUS_TYPE_STRING, &p);
}

void bus_out_path(struct bus_out *o, const char *path)
{
	put(o, DBUS_TYPE_OBJECT_PATH, &path);
}

void bus_out_bool(struct bus_out *o, bool v)
{
	dbus_bool_t b = v;

	put(o, DBUS_TYPE_BOOLEAN, &b);
}

void bus_out_i32(struct bus_out *o, int32_t v)
{
	put(o, DBUS_TYPE_INT32, &v);
}

void bus_out_u32(struct bus_out *o, uint32_t v)
{
	put(o, DBUS_TYPE_UINT32, &v);
}

void bus_out_i64(struct bus_out *o, int64_t v)
{
	dbus_int64_t n = v;

	put(o, DBUS_TYPE_INT64, &n);
}

void bus_out_u64(struct bus_out *o, uint64_t v)
{
	dbus_uint64_t n = v;

	put(o, DBUS_TYPE_UINT64, &n);
}

static void entry_open(struct bus_out *o, const char *key, const char *signature)
{
	bus_out_open(o, DBUS_TYPE_DICT_ENTRY, NULL);
	bus_out_string(o, key);
	bus_out_open(o, DBUS_TYPE_VARIANT, signature);
}

static void entry_close(struct bus_out *o)
{
	bus_out_close(o);
	bus_out_close(o);
}

void bus_out_entry_text(struct bus_out *o, const char *key, const char *s)
{
	entry_open(o, key, "s");
	bus_out_text(o, s);
	entry_close(o);
}

void bus_out_entry_bool(struct bus_out *o, const char *key, bool v)
{
	entry_open(o, key, "b");
	bus_out_bool(o, v);
	entry_close(o);
}

void bus_out_entry_u32(struct bus_out *o, const char *key, uint32_t v)
{
	entry_open(o, key, "u");
	bus_out_u32(o, v);
	entry_close(o);
}

void bus_out_entry_i64(struct bus_out *o, const char *key, int64_t v)
{
	entry_open(o, key, "x");
	bus_out_i64(o, v);
	entry_close(o);
}

void bus_out_row(struct bus_out *o, const struct row *row)
{
	bus_out_open(o, DBUS_TYPE_ARRAY, "{sv}");
	for (size_t i = 0; row && i < row->count; i++) {
		const struct row_field *f = &row->field[i];

		if (f->type == ROW_STRING)
			bus_out_entry_text(o, f->name, f->text);
		else if (f->type == ROW_BOOL)
			bus_out_entry_bool(o, f->name, f->number);
		else
			bus_out_entry_i64(o, f->name, f->number);
	}
	bus_out_close(o);
}

void bus_out_rows(struct bus_out *o, const struct rows *rows)
{
	bus_out_open(o, DBUS_TYPE_ARRAY, "a{sv}");
	for (size_t i = 0; rows && i < rows->count; i++)
		bus_out_row(o, &rows->row[i]);
	bus_out_close(o);
}
