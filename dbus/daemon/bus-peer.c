/* SPDX-License-Identifier: Apache-2.0 */
/* bus-peer - who calls: the uid behind each connection, asked of the bus without waiting, and the user behind it. */
#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "bus-impl.h"

enum {
	NAME_LIVES_MS = 60000,
	ASK_MS = 5000,
	UNKNOWN_MAX = 128, /* connections that the bus is being asked about */
};

/* ---- users ---- */

/* NEEDSWORK: getpwuid_r() may block for as long as NSS does (LDAP, sssd down); once per user and minute. It belongs in
 * a helper thread when that is measured to hurt. */
static void name_user(struct bus_user *u)
{
	char space[4096];
	struct passwd pw, *found = NULL;

	if (u->named_ms && mono_ms() - u->named_ms < NAME_LIVES_MS)
		return;
	if (getpwuid_r(u->uid, &pw, space, sizeof(space), &found) == 0 && found &&
		strlen(found->pw_name) < sizeof(u->name)) {
		strcpy(u->name, found->pw_name);
	} else {
		u->name[0] = '\0';
		log_event(LOG_LVL_WARNING, "bus event=no-user-name uid=%u", (unsigned)u->uid);
	}
	u->named_ms = mono_ms();
}

static struct bus_user *user_get(struct bus *b, uid_t uid)
{
	struct bus_user *u = b->users;

	while (u && u->uid != uid)
		u = u->next;
	if (!u) {
		u = calloc(1, sizeof(*u));
		if (!u)
			return NULL;
		u->uid = uid;
		u->next = b->users;
		b->users = u;
	}
	u->refs++;
	name_user(u);
	return u;
}

void bus_user_unref(struct bus *b, struct bus_user *u)
{
	struct bus_user **at = &b->users;

	if (!u || --u->refs)
		return;
	while (*at != u)
		at = &(*at)->next;
	*at = u->next;
	free(u);
}

/* ---- peers ---- */

struct bus_peer *bus_peer_find(struct bus *b, const char *name)
{
	struct bus_peer *p = b->peers;

	while (p && name && strcmp(p->name, name) != 0)
		p = p->next;
	return name ? p : NULL;
}

static void peer_free(struct bus *b, struct bus_peer *p)
{
	if (p->asking) {
		dbus_pending_call_cancel(p->asking);
		dbus_pending_call_unref(p->asking);
	}
	for (unsigned i = 0; i < p->waiting_count; i++)
		dbus_message_unref(p->waiting[i]);
	if (p->user && p->subscribed)
		p->user->subscriptions--;
	bus_user_unref(b, p->user);
	free(p->name);
	free(p);
}

static void peer_forget(struct bus *b, struct bus_peer *p)
{
	struct bus_peer **at = &b->peers;

	while (*at != p)
		at = &(*at)->next;
	*at = p->next;
	bus_rights_forget(b, p->name);
	peer_free(b, p);
}

void bus_peer_gone(struct bus *b, const char *name)
{
	struct bus_peer *p = bus_peer_find(b, name);

	if (p)
		peer_forget(b, p);
}

void bus_peers_clear(struct bus *b)
{
	while (b->peers)
		peer_forget(b, b->peers);
}

/* The bus has told who it is, or not: dispatches or refuses what waited. */
static void on_uid(DBusPendingCall *pending, void *arg)
{
	struct bus *b = arg;
	struct bus_peer *p = b->peers;
	DBusMessage *answer = dbus_pending_call_steal_reply(pending);
	dbus_uint32_t uid = (dbus_uint32_t)-1;

	while (p && p->asking != pending)
		p = p->next;
	if (p && answer &&
		dbus_message_get_args(answer, NULL, DBUS_TYPE_UINT32, &uid, DBUS_TYPE_INVALID))
		p->user = user_get(b, uid);
	if (answer)
		dbus_message_unref(answer);
	if (!p)
		return;
	p->asking = NULL;
	dbus_pending_call_unref(pending);

	for (unsigned i = 0; i < p->waiting_count; i++) {
		if (p->user)
			bus_call_dispatch(b, p, p->waiting[i], RIGHT_NONE);
		else
			bus_refuse(b->c, p->waiting[i], DBUS_ERROR_ACCESS_DENIED,
				"The bus does not tell who you are.");
		dbus_message_unref(p->waiting[i]);
	}
	p->waiting_count = 0;
	if (!p->user)
		peer_forget(b, p);
}

/* Return: false when the question could not be sent. */
static bool peer_ask(struct bus *b, struct bus_peer *p)
{
	DBusMessage *m = dbus_message_new_method_call(
		DBUS_SERVICE_DBUS, DBUS_PATH_DBUS, DBUS_INTERFACE_DBUS, "GetConnectionUnixUser");
	bool ok = m && dbus_message_append_args(m, DBUS_TYPE_STRING, &p->name, DBUS_TYPE_INVALID) &&
		  dbus_connection_send_with_reply(b->c, m, &p->asking, ASK_MS) && p->asking;

	if (m)
		dbus_message_unref(m);
	return ok && dbus_pending_call_set_notify(p->asking, on_uid, b, NULL);
}

static struct bus_peer *peer_new(struct bus *b, const char *name)
{
	struct bus_peer *p;
	unsigned unknown = 0;

	for (p = b->peers; p; p = p->next)
		unknown += !p->user;
	if (unknown >= UNKNOWN_MAX)
		return NULL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->name = strdup(name);
	if (!p->name || !peer_ask(b, p)) {
		peer_free(b, p);
		return NULL;
	}
	p->next = b->peers;
	b->peers = p;
	return p;
}

void bus_peer_call(struct bus *b, DBusMessage *m)
{
	const char *sender = dbus_message_get_sender(m);
	struct bus_peer *p = bus_peer_find(b, sender);

	if (!sender)
		return;
	if (!p)
		p = peer_new(b, sender);
	if (!p || (!p->user && p->waiting_count == BUS_CALLS_MAX)) {
		bus_refuse(b->c, m, DBUS_ERROR_LIMITS_EXCEEDED,
			"Too many calls at once; wait for the answers.");
	} else if (p->user) {
		name_user(p->user);
		bus_call_dispatch(b, p, m, RIGHT_NONE);
	} else {
		p->waiting[p->waiting_count++] = dbus_message_ref(m);
	}
}
