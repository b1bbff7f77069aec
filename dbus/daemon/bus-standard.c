/* SPDX-License-Identifier: Apache-2.0 */
/* bus-standard - the interfaces that every program on a bus has: Introspectable, Properties, ObjectManager. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bus-impl.h"

/* ---- introspection ---- */

/* One <arg> per complete type of @signature, named by the words of @names. */
static void put_args(FILE *f, const char *signature, const char *names, const char *direction)
{
	DBusSignatureIter it;

	if (!*signature)
		return;
	dbus_signature_iter_init(&it, signature);
	do {
		char *type = dbus_signature_iter_get_signature(&it);
		int length = (int)strcspn(names, " ");

		fprintf(f, "   <arg name=\"%.*s\" type=\"%s\"", length, names, type ? type : "");
		fprintf(f, *direction ? " direction=\"%s\"/>\n" : "/>\n", direction);
		dbus_free(type);
		names += length;
		names += *names == ' ';
	} while (dbus_signature_iter_next(&it));
}

static void put_properties(FILE *f, const char *interface)
{
	for (size_t i = 0; bus_properties[i]; i++) {
		for (const struct bus_property *p = bus_properties[i]; p->name; p++) {
			if (strcmp(p->interface, interface) != 0)
				continue;
			fprintf(f, "  <property name=\"%s\" type=\"%s\" access=\"read\"", p->name,
				p->signature);
			fputs(p->constant
					? ">\n   <annotation name=\"org.freedesktop.DBus.Property."
					  "EmitsChangedSignal\" value=\"const\"/>\n  </property>\n"
					: "/>\n",
				f);
		}
	}
}

static void put_interface(FILE *f, const char *interface)
{
	fprintf(f, " <interface name=\"%s\">\n", interface);
	for (const struct bus_method *m = bus_methods; m->name; m++) {
		if (strcmp(m->interface, interface) != 0)
			continue;
		fprintf(f, "  <method name=\"%s\">\n", m->name);
		put_args(f, m->in, m->in_names, "in");
		put_args(f, m->out, m->out_names, "out");
		fputs("  </method>\n", f);
	}
	for (const struct bus_signal *s = bus_signals; s->name; s++) {
		if (strcmp(s->interface, interface) != 0)
			continue;
		fprintf(f, "  <signal name=\"%s\">\n", s->name);
		put_args(f, s->signature, s->names, "");
		fputs("  </signal>\n", f);
	}
	put_properties(f, interface);
	fputs(" </interface>\n", f);
}

struct children {
	FILE *f;
	const char *parent;
	size_t length; /* of @parent with the slash that ends it */
};

/* Objects directly below; their names are of [A-Za-z0-9_], so nothing needs escaping in XML. */
static bool put_child(void *arg, const struct bus_object *o)
{
	struct children *c = arg;
	const char *name = o->path + c->length;

	if (!strncmp(o->path, c->parent, c->length - 1) && o->path[c->length - 1] == '/' && *name &&
		!strchr(name, '/'))
		fprintf(c->f, " <node name=\"%s\"/>\n", name);
	return true;
}

static void put_children(FILE *f, const struct bus_object *o)
{
	struct children c = {.f = f, .parent = o->path, .length = strlen(o->path) + 1};

	if (!strcmp(o->path, "/"))
		fputs(" <node name=\"org\"/>\n", f);
	else if (!strcmp(o->path, "/org"))
		fputs(" <node name=\"stillprint\"/>\n", f);
	else if (o->kind == ON_MANAGER)
		fputs(" <node name=\"jobs\"/>\n <node name=\"queues\"/>\n", f);
	else if (o->kind == ON_NODE)
		bus_object_each(o->e, o->viewer, put_child, &c);
}

char *bus_introspect(const struct bus_object *o)
{
	char *text = NULL;
	size_t size;
	FILE *f = open_memstream(&text, &size);
	bool ok;

	if (!f)
		return NULL;
	fputs(DBUS_INTROSPECT_1_0_XML_DOCTYPE_DECL_NODE, f);
	fputs("<node>\n", f);
	for (const struct bus_interface *i = bus_interfaces; i->name; i++)
		if (i->on & o->kind)
			put_interface(f, i->name);
	put_children(f, o);
	fputs("</node>\n", f);
	ok = !ferror(f);
	if (fclose(f) == 0 && ok)
		return text;
	free(text);
	return NULL;
}

void bus_introspectable_introspect(struct bus_call *call)
{
	AUTO(auto_free) char *xml = bus_introspect(&call->object);
	struct bus_out o;
	DBusMessage *reply;

	if (!xml) {
		bus_call_fail(call, DBUS_ERROR_NO_MEMORY, "Out of memory.");
		return;
	}
	reply = bus_call_reply(call, &o);
	if (!reply)
		return;
	bus_out_string(&o, xml);
	bus_call_send(call, reply, &o);
}

/* ---- properties ---- */

void bus_properties_get(struct bus_call *call)
{
	const char *interface, *name;
	const struct bus_property *p;
	struct bus_out o;
	DBusMessage *reply;

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_STRING, &name,
		DBUS_TYPE_INVALID);
	p = bus_property_find(&call->object, interface, name);
	if (!p) {
		bus_call_fail(call, DBUS_ERROR_UNKNOWN_PROPERTY, "There is no such property here.");
		return;
	}
	reply = bus_call_reply(call, &o);
	if (!reply)
		return;
	bus_out_open(&o, DBUS_TYPE_VARIANT, p->signature);
	p->put(&o, &call->object);
	bus_out_close(&o);
	bus_call_send(call, reply, &o);
}

void bus_properties_get_all(struct bus_call *call)
{
	const char *interface;
	struct bus_out o;
	DBusMessage *reply;

	dbus_message_get_args(call->m, NULL, DBUS_TYPE_STRING, &interface, DBUS_TYPE_INVALID);
	if (!bus_object_has(&call->object, interface)) {
		bus_call_fail(
			call, DBUS_ERROR_UNKNOWN_INTERFACE, "This object has no such interface.");
		return;
	}
	reply = bus_call_reply(call, &o);
	if (!reply)
		return;
	bus_put_properties(&o, &call->object, interface, false);
	bus_call_send(call, reply, &o);
}

void bus_properties_set(struct bus_call *call)
{
	const char *interface = NULL, *name = NULL;
	DBusMessageIter it;
	bool known;

	dbus_message_iter_init(call->m, &it);
	dbus_message_iter_get_basic(&it, &interface);
	dbus_message_iter_next(&it);
	dbus_message_iter_get_basic(&it, &name);
	known = bus_property_find(&call->object, interface, name);
	bus_call_fail(call, known ? DBUS_ERROR_PROPERTY_READ_ONLY : DBUS_ERROR_UNKNOWN_PROPERTY,
		known ? "Every property is read-only; call a method instead."
		      : "There is no such property here.");
}

/* ---- objects ---- */

static bool put_object(void *arg, const struct bus_object *object)
{
	struct bus_out *o = arg;

	bus_out_open(o, DBUS_TYPE_DICT_ENTRY, NULL);
	bus_out_path(o, object->path);
	bus_put_interfaces(o, object);
	bus_out_close(o);
	return !o->failed;
}

/* NEEDSWORK: 25 us a job, so beyond some 800 jobs of one user the loop stands longer than 20 ms; so does Jobs. */
void bus_objects_get_managed(struct bus_call *call)
{
	struct bus_out o;
	DBusMessage *reply = bus_call_reply(call, &o);

	if (!reply)
		return;
	bus_out_open(&o, DBUS_TYPE_ARRAY, "{oa{sa{sv}}}");
	bus_object_each(call->bus->e, call->user, put_object, &o);
	bus_out_close(&o);
	bus_call_send(call, reply, &o);
}
