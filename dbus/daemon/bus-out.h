/* SPDX-License-Identifier: Apache-2.0 */
/* bus-out - write the arguments of a message; the first failure sticks, so that one check at the end suffices. */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdint.h>

#include "rows.h"

enum { BUS_OUT_DEPTH = 10 };

struct bus_out {
	DBusMessageIter it[BUS_OUT_DEPTH]; /* the open containers, outermost first */
	unsigned depth;
	bool failed; /* out of memory; nothing is written any more */
};

void bus_out_init(struct bus_out *o, DBusMessage *m);
/** bus_out_finish() - close the writer, giving up containers left open by a failure
 * Return: true when everything was written; otherwise the message is to be thrown away. */
bool bus_out_finish(struct bus_out *o);

void bus_out_open(struct bus_out *o, int type,
	const char *contained); /* as dbus_message_iter_open_container() */
void bus_out_close(struct bus_out *o);

/* NULL is "". What is not UTF-8 is made so, since libdbus would end the program over it. */
void bus_out_string(struct bus_out *o, const char *s);
void bus_out_text(struct bus_out *o, const char *s); /* from outside: through text_display() */
void bus_out_path(struct bus_out *o, const char *path);
void bus_out_bool(struct bus_out *o, bool v);
void bus_out_i32(struct bus_out *o, int32_t v);
void bus_out_u32(struct bus_out *o, uint32_t v);
void bus_out_i64(struct bus_out *o, int64_t v);
void bus_out_u64(struct bus_out *o, uint64_t v);

/* Entries of an a{sv} that is open. */
void bus_out_entry_text(struct bus_out *o, const char *key, const char *s);
void bus_out_entry_bool(struct bus_out *o, const char *key, bool v);
void bus_out_entry_u32(struct bus_out *o, const char *key, uint32_t v);
void bus_out_entry_i64(struct bus_out *o, const char *key, int64_t v);

void bus_out_row(struct bus_out *o, const struct row *row); /* as a{sv}; NULL is an empty one */
void bus_out_rows(struct bus_out *o, const struct rows *rows); /* as aa{sv}; NULL is an empty one */
