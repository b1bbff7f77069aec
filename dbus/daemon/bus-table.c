/* SPDX-License-Identifier: Apache-2.0 */
/* bus-table - everything that can be called, read and heard: dispatch, access, introspection come from these rows. */
#include <string.h>

#include "bus-impl.h"

#define INTROSPECTABLE DBUS_INTERFACE_INTROSPECTABLE
#define PROPERTIES DBUS_INTERFACE_PROPERTIES
#define OBJECT_MANAGER BUS_OBJECT_MANAGER

const struct bus_interface bus_interfaces[] = {
	{INTROSPECTABLE, ON_ANY},
	{PROPERTIES, ON_MANAGER | ON_JOB | ON_QUEUE | ON_PRINTER},
	{OBJECT_MANAGER, ON_MANAGER},
	{BUS_MANAGER, ON_MANAGER},
	{BUS_JOB, ON_JOB},
	{BUS_QUEUE, ON_QUEUE},
	{BUS_PRINTER, ON_PRINTER},
	{NULL},
};

const struct bus_method bus_methods[] = {
	{INTROSPECTABLE, "Introspect", "", "", "s", "xml", WHO_ALL, bus_introspectable_introspect},
	{PROPERTIES, "Get", "ss", "interface name", "v", "value", WHO_OWNER, bus_properties_get,
		RIGHT_VIEW_OTHERS},
	{PROPERTIES, "GetAll", "s", "interface", "a{sv}", "values", WHO_OWNER,
		bus_properties_get_all, RIGHT_VIEW_OTHERS},
	{PROPERTIES, "Set", "ssv", "interface name value", "", "", WHO_OWNER, bus_properties_set,
		RIGHT_VIEW_OTHERS},
	{OBJECT_MANAGER, "GetManagedObjects", "", "", "a{oa{sa{sv}}}", "objects", WHO_ALL,
		bus_objects_get_managed},

	{BUS_MANAGER, "Status", "", "", "a{sv}", "status", WHO_ALL, bus_manager_status},
	{BUS_MANAGER, "WhoAmI", "", "", "a{sv}", "identity", WHO_ALL, bus_manager_whoami},
	{BUS_MANAGER, "Subscribe", "b", "agent", "", "", WHO_ALL, bus_manager_subscribe},
	{BUS_MANAGER, "Unsubscribe", "", "", "", "", WHO_ALL, bus_manager_unsubscribe},
	{BUS_MANAGER, "Jobs", "a{sv}", "filter", "aa{sv}", "jobs", WHO_ALL, bus_manager_jobs},
	{BUS_MANAGER, "FallbackAdd", "ss", "queue address", "a{sv}", "found", WHO_ALL,
		bus_manager_fallback_add},
	{BUS_MANAGER, "FallbackRemove", "ss", "queue address", "", "", WHO_ALL,
		bus_manager_fallback_remove},
	{BUS_MANAGER, "FallbackAddForAll", "ss", "queue address", "a{sv}", "found", WHO_RIGHT,
		bus_manager_fallback_add_for_all, RIGHT_CHANGE_FALLBACK},
	{BUS_MANAGER, "FallbackRemoveForAll", "ss", "queue address", "", "", WHO_RIGHT,
		bus_manager_fallback_remove_for_all, RIGHT_CHANGE_FALLBACK},
	{BUS_MANAGER, "FallbackList", "s", "queue", "aa{sv}", "fallbacks", WHO_ALL,
		bus_manager_fallback_list},
	{BUS_MANAGER, "OutageStart", "sxs", "queue until message", "", "", WHO_RIGHT,
		bus_manager_outage_start, RIGHT_MANAGE},
	{BUS_MANAGER, "OutageStop", "s", "queue", "", "", WHO_RIGHT, bus_manager_outage_stop,
		RIGHT_MANAGE},
	{BUS_MANAGER, "Usage", "a{sv}", "filter", "aa{sv}", "rows", WHO_ALL, bus_manager_usage},
	{BUS_MANAGER, "Audit", "u", "job", "aa{sv}", "rows", WHO_RIGHT, bus_manager_audit,
		RIGHT_MANAGE},
	{BUS_MANAGER, "Check", "", "", "aa{sv}", "targets", WHO_ALL, bus_manager_check},
	{BUS_MANAGER, "Trust", "s", "uri", "", "", WHO_RIGHT, bus_manager_trust, RIGHT_MANAGE},
	{BUS_MANAGER, "Reload", "", "", "", "", WHO_RIGHT, bus_manager_reload, RIGHT_MANAGE},

	{BUS_JOB, "Release", "a{sv}", "options", "", "", WHO_OWNER, bus_job_release,
		RIGHT_RELEASE_OTHERS},
	{BUS_JOB, "Cancel", "", "", "", "", WHO_OWNER, bus_job_cancel, RIGHT_RELEASE_OTHERS},
	{BUS_JOB, "PrintAgain", "a{sv}", "options", "", "", WHO_OWNER, bus_job_print_again,
		RIGHT_RELEASE_OTHERS},
	{BUS_JOB, "Act", "s", "key", "", "", WHO_OWNER, bus_job_act, RIGHT_RELEASE_OTHERS},
	{BUS_JOB, "Delegate", "as", "users", "", "", WHO_OWNER, bus_job_delegate},
	{BUS_JOB, "Why", "", "", "sss", "code sentence next", WHO_OWNER, bus_job_why,
		RIGHT_VIEW_OTHERS},
	{NULL},
};

const struct bus_signal bus_signals[] = {
	{PROPERTIES, "PropertiesChanged", "sa{sv}as", "interface changed invalidated"},
	{OBJECT_MANAGER, "InterfacesAdded", "oa{sa{sv}}", "object interfaces"},
	{OBJECT_MANAGER, "InterfacesRemoved", "oas", "object interfaces"},
	{BUS_MANAGER, "Notice", "uosssa(ss)", "id job kind summary body actions"},
	{BUS_MANAGER, "NoticeClosed", "u", "id"},
	{NULL},
};

const struct bus_property *const bus_properties[] = {
	bus_job_properties, bus_queue_properties, bus_printer_properties, NULL};

bool bus_object_has(const struct bus_object *o, const char *interface)
{
	for (const struct bus_interface *i = bus_interfaces; i->name; i++)
		if (!strcmp(i->name, interface))
			return i->on & o->kind;
	return false;
}

/* The first row of @interface; its rows stand together. An empty row if it has none. */
static const struct bus_property *property_list(const char *interface)
{
	static const struct bus_property none = {NULL};

	for (size_t i = 0; bus_properties[i]; i++)
		if (!strcmp(bus_properties[i]->interface, interface))
			return bus_properties[i];
	return &none;
}

const struct bus_property *bus_property_find(
	const struct bus_object *o, const char *interface, const char *name)
{
	if (!bus_object_has(o, interface))
		return NULL;
	for (const struct bus_property *p = property_list(interface); p->name; p++)
		if (!strcmp(p->name, name))
			return p;
	return NULL;
}

void bus_put_properties(struct bus_out *o, const struct bus_object *object, const char *interface,
	bool changing_only)
{
	bus_out_open(o, DBUS_TYPE_ARRAY, "{sv}");
	for (const struct bus_property *p = property_list(interface); p->name; p++) {
		if (changing_only && p->constant)
			continue;
		bus_out_open(o, DBUS_TYPE_DICT_ENTRY, NULL);
		bus_out_string(o, p->name);
		bus_out_open(o, DBUS_TYPE_VARIANT, p->signature);
		p->put(o, object);
		bus_out_close(o);
		bus_out_close(o);
	}
	bus_out_close(o);
}

void bus_put_interfaces(struct bus_out *o, const struct bus_object *object)
{
	bus_out_open(o, DBUS_TYPE_ARRAY, "{sa{sv}}");
	for (const struct bus_interface *i = bus_interfaces; i->name; i++) {
		if (!(i->on & object->kind))
			continue;
		bus_out_open(o, DBUS_TYPE_DICT_ENTRY, NULL);
		bus_out_string(o, i->name);
		bus_put_properties(o, object, i->name, false);
		bus_out_close(o);
	}
	bus_out_close(o);
}
