/* SPDX-License-Identifier: Apache-2.0 */
/* bus-queue - org.stillprint.Queue1: a queue's properties. Nothing of its login is among them. */
#include "bus-impl.h"

#define PUT(fn, write, value) \
	static void fn(struct bus_out *o, const struct bus_object *object) \
	{ \
		const struct engine_queue *q = &object->queue; \
		write(o, value); \
	}

PUT(put_name, bus_out_text, q->config->name)
PUT(put_upstream, bus_out_text, q->config->upstream)
PUT(put_on_outage, bus_out_string, config_on_outage_name(q->config->on_outage))
PUT(put_release, bus_out_string, config_release_name(q->config->release))
PUT(put_health, bus_out_text, q->health)
PUT(put_health_since, bus_out_i64, q->health_since_s)
PUT(put_health_detail, bus_out_text, q->health_detail)
PUT(put_outage, bus_out_bool, q->outage)
PUT(put_outage_until, bus_out_i64, q->outage_until_s)
PUT(put_outage_message, bus_out_text, q->outage_message)

static void put_fallbacks(struct bus_out *o, const struct bus_object *object)
{
	const struct config_queue *q = object->queue.config;

	bus_out_open(o, DBUS_TYPE_ARRAY, "s");
	for (size_t i = 0; i < q->fallback_count; i++)
		bus_out_text(o, q->fallback[i]);
	bus_out_close(o);
}

/* The viewer's own; everybody's for root. */
static void put_waiting(struct bus_out *o, const struct bus_object *object)
{
	struct bus_tally tally;

	bus_tally(object->e, object->viewer, object->queue.config->name, &tally);
	bus_out_u32(o, object->viewer->uid ? tally.waiting : object->queue.waiting);
}

const struct bus_property bus_queue_properties[] = {
	{BUS_QUEUE, "Name", "s", put_name, true},
	{BUS_QUEUE, "Upstream", "s", put_upstream},
	{BUS_QUEUE, "OnOutage", "s", put_on_outage},
	{BUS_QUEUE, "Release", "s", put_release},
	{BUS_QUEUE, "Fallbacks", "as", put_fallbacks},
	{BUS_QUEUE, "Health", "s", put_health},
	{BUS_QUEUE, "HealthSince", "x", put_health_since},
	{BUS_QUEUE, "HealthDetail", "s", put_health_detail},
	{BUS_QUEUE, "Outage", "b", put_outage},
	{BUS_QUEUE, "OutageUntil", "x", put_outage_until},
	{BUS_QUEUE, "OutageMessage", "s", put_outage_message},
	{BUS_QUEUE, "Waiting", "u", put_waiting},
	{NULL},
};
