/* SPDX-License-Identifier: Apache-2.0 */
/* bus-printer - org.stillprint.Printer1: what is known of a target. Read when asked; no change is announced. */
#include "bus-impl.h"

#define PUT(fn, write, value) \
	static void fn(struct bus_out *o, const struct bus_object *object) \
	{ \
		const struct engine_printer *p = &object->printer; \
		write(o, value); \
	}

PUT(put_uri, bus_out_text, p->uri)
PUT(put_name, bus_out_text, p->name)
PUT(put_encrypted, bus_out_bool, p->encrypted)
PUT(put_pin, bus_out_text, p->pin)
PUT(put_counts, bus_out_bool, p->counts)
PUT(put_configured, bus_out_bool, p->configured)
PUT(put_seen, bus_out_i64, p->seen_s)

const struct bus_property bus_printer_properties[] = {
	{BUS_PRINTER, "Uri", "s", put_uri, true},
	{BUS_PRINTER, "Name", "s", put_name},
	{BUS_PRINTER, "Encrypted", "b", put_encrypted, true},
	{BUS_PRINTER, "Pin", "s", put_pin},
	{BUS_PRINTER, "Counts", "b", put_counts},
	{BUS_PRINTER, "Configured", "b", put_configured},
	{BUS_PRINTER, "Seen", "x", put_seen},
	{NULL},
};
