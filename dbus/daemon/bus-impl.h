/* SPDX-License-Identifier: Apache-2.0 */
/* bus-impl - what the files of the bus share: callers, objects, the tables, a call under way. */
#pragma once

#include <dbus/dbus.h>
#include <stdbool.h>
#include <stdint.h>

#include "bus-link.h"
#include "bus-out.h"
#include "bus.h"

#define BUS_NAME "org.stillprint"
#define BUS_ROOT_PATH "/org/stillprint"
#define BUS_JOBS_PATH BUS_ROOT_PATH "/jobs"
#define BUS_QUEUES_PATH BUS_ROOT_PATH "/queues"
#define BUS_PRINTERS_PATH BUS_ROOT_PATH "/printers"
#define BUS_MANAGER BUS_NAME ".Manager1"
#define BUS_JOB BUS_NAME ".Job1"
#define BUS_QUEUE BUS_NAME ".Queue1"
#define BUS_PRINTER BUS_NAME ".Printer1"
#define BUS_OBJECT_MANAGER "org.freedesktop.DBus.ObjectManager"
#define BUS_E_NO_SUCH BUS_NAME ".Error.NoSuch"
#define BUS_E_ARGUMENT BUS_NAME ".Error.Argument"

enum {
	BUS_CALLS_MAX = 64, /* calls under way of one user, and of a connection not known yet */
	BUS_SUBSCRIPTIONS_MAX = 32, /* subscribed connections of one user */
	BUS_TEXT_MAX = 1024, /* no argument of ours is longer */
	BUS_PARTS_MAX = 64, /* nor has more parts */
	BUS_PATH_MAX = 512,
};

/* ---- who is there (bus-peer.c) ---- */

struct bus_user {
	uid_t uid;
	char name[256]; /* "" for an account without a name, which owns nothing */
	int64_t named_ms;
	unsigned refs, calls, subscriptions;
	struct bus_user *next;
};

struct bus_peer {
	char *name; /* unique name on the bus */
	struct bus_user *user; /* NULL until the bus has told */
	DBusPendingCall *asking;
	bool subscribed, agent;
	DBusMessage *waiting[BUS_CALLS_MAX]; /* calls that came meanwhile, in order */
	unsigned waiting_count;
	struct bus_peer *next;
};

struct bus_call;
struct bus_notice;
struct bus_question;

struct bus {
	sd_event *loop;
	struct engine *e;
	struct bus_link *link;
	DBusConnection *c; /* NULL while the bus is away */
	struct bus_user *users;
	struct bus_peer *peers;
	struct bus_call *calls;
	struct bus_known *known; /* objects that have been announced */
	size_t known_count;
	struct bus_notice *notices;
	uint32_t last_notice;
	struct bus_idle *idle;
	struct bus_question *questions; /* calls that wait for polkit */
	uint32_t last_question;
	bool no_polkit; /* it did not answer the last time */
};

/* ---- who is away from a public computer (bus-idle.c) ---- */

int bus_idle_init(struct bus *b);
void bus_idle_down(struct bus *b); /* the bus went away */
void bus_idle_fini(struct bus *b);

/** bus_peer_call() - dispatch @m once its sender's uid is known: now, or when the bus has answered */
void bus_peer_call(struct bus *b, DBusMessage *m);
void bus_peer_gone(struct bus *b, const char *name);
void bus_peers_clear(struct bus *b);
struct bus_peer *bus_peer_find(struct bus *b, const char *name);
void bus_user_unref(struct bus *b, struct bus_user *u);

/* ---- what there is (bus-object.c) ---- */

enum bus_kind {
	ON_MANAGER = 1,
	ON_JOB = 2,
	ON_QUEUE = 4,
	ON_NODE = 8,
	ON_PRINTER = 16,
	ON_ANY = 31
};

struct bus_object {
	enum bus_kind kind; /* ON_NODE: a path that only leads to others */
	char path[BUS_PATH_MAX];
	struct engine *e;
	const struct bus_user *viewer;
	struct engine_job job; /* borrowed from the engine until the loop goes on */
	struct engine_queue queue; /* likewise */
	struct engine_printer printer; /* likewise */
};

/* Return: false if there is nothing at @path that @viewer may see: a foreign job is as absent as a missing one. */
bool bus_object_at(
	struct engine *e, const struct bus_user *viewer, const char *path, struct bus_object *out);
bool bus_object_job(
	struct engine *e, const struct bus_user *viewer, int32_t id, struct bus_object *out);
bool bus_object_queue(
	struct engine *e, const struct bus_user *viewer, const char *name, struct bus_object *out);
/** bus_object_each() - every queue, every printer that @viewer may see (configured ones; all for root), and every job that @viewer may see
 * @fn: returns false to stop */
void bus_object_each(struct engine *e, const struct bus_user *viewer,
	bool (*fn)(void *arg, const struct bus_object *o), void *arg);
void bus_job_path(char out[BUS_PATH_MAX], int32_t id);
/* Queue names in object paths: each octet but [A-Za-z0-9] becomes _xx, "" becomes "_". -ENAMETOOLONG, -EINVAL. */
int bus_path_escape(char *out, size_t size, const char *name);
int bus_path_unescape(char *out, size_t size, const char *element);
bool bus_user_sees(const struct bus_user *u, const char *owner);
extern const struct bus_user bus_everyone; /* sees all */

struct bus_tally { /* jobs that @viewer may see */
	unsigned waiting, unknown, delivering;
	int64_t octets;
};
/* @queue NULL: all. */
void bus_tally(
	struct engine *e, const struct bus_user *viewer, const char *queue, struct bus_tally *out);

/* ---- the tables (bus-table.c) ---- */

enum bus_who {
	WHO_ALL,
	WHO_OWNER, /* the job's owner, and who has @right */
	WHO_RIGHT, /* who has @right */
};

/* Root has them all; others by polkit. Own jobs need none. */
enum bus_right {
	RIGHT_NONE,
	RIGHT_VIEW_OTHERS,
	RIGHT_RELEASE_OTHERS,
	RIGHT_CHANGE_FALLBACK,
	RIGHT_MANAGE,
};

struct bus_method {
	const char *interface, *name;
	const char *in, *in_names; /* signature; names, separated by spaces */
	const char *out, *out_names;
	enum bus_who who;
	void (*handle)(struct bus_call
			*call); /* ends in exactly one of the answers below, or hands @call on */
	enum bus_right right;
};

struct bus_property {
	const char *interface, *name, *signature;
	void (*put)(struct bus_out *o, const struct bus_object *object); /* writes one value */
	bool constant;
};

struct bus_signal {
	const char *interface, *name, *signature, *names;
};

struct bus_interface {
	const char *name;
	enum bus_kind on; /* bits: the kinds of object that have it */
};

extern const struct bus_interface bus_interfaces[];
extern const struct bus_method bus_methods[];
extern const struct bus_signal bus_signals[];
extern const struct bus_property
	*const bus_properties[]; /* one list per interface that has some; ends with NULL */

/* Ends by a row without a name. */
extern const struct bus_property bus_job_properties[], bus_queue_properties[],
	bus_printer_properties[];

bool bus_object_has(const struct bus_object *o, const char *interface);
const struct bus_property *bus_property_find(
	const struct bus_object *o, const char *interface, const char *name);
/* The values of @interface as a{sv}. */
void bus_put_properties(struct bus_out *o, const struct bus_object *object, const char *interface,
	bool changing_only);
/* All interfaces with their values, as a{sa{sv}}. */
void bus_put_interfaces(struct bus_out *o, const struct bus_object *object);
/* Heap memory, or NULL. */
char *bus_introspect(const struct bus_object *o);

/* ---- a call under way (bus-call.c) ---- */

struct bus_call {
	struct bus *bus; /* NULL once the bus is freed: nobody to answer */
	DBusConnection *c;
	DBusMessage *m;
	struct bus_user *user;
	const struct bus_method *method;
	enum bus_right granted; /* by polkit */
	struct bus_object object; /* its borrowed parts only until the handler returns */
	struct bus_call *next, **at;
};

/* Checks everything that does not depend on who calls: method, signature, sizes. Answers and returns false if bad. */
bool bus_call_is_sound(struct bus *b, DBusMessage *m);
/* @peer is known: access and quota, then the handler; or polkit first, and with what it @granted anew. */
void bus_call_dispatch(
	struct bus *b, struct bus_peer *peer, DBusMessage *m, enum bus_right granted);
void bus_refuse(DBusConnection *c, DBusMessage *m, const char *error, const char *message);
/* If @m goes to a job: refuses it in the same words whether that is another user's or nobody's. */
bool bus_refuse_absent_job(DBusConnection *c, DBusMessage *m);
/* For handlers of which some arguments need a right, before they answer. False: the call is over, and comes back
 * when polkit has granted it. */
bool bus_call_has(struct bus_call *call, enum bus_right right);
/* Whose eyes the call sees with. */
const struct bus_user *bus_call_viewer(const struct bus_call *call);

/* The answers; each ends the call. */
DBusMessage *bus_call_reply(
	struct bus_call *call, struct bus_out *o); /* NULL: no memory, the call is ended */
void bus_call_send(struct bus_call *call, DBusMessage *reply, struct bus_out *o);
void bus_call_done(struct bus_call *call); /* an empty reply */
void bus_call_fail(struct bus_call *call, const char *error, const char *message);
/* For engine_*(): replies by the method's out-signature: "", "a{sv}" or "aa{sv}". */
engine_reply_fn bus_call_answer;
const char *bus_error_name(enum engine_err err);

/* Whose decision it is, for the audit: "user:NAME" or "admin:root". */
const char *bus_call_decider(const struct bus_call *call, char out[320]);

/* ---- rights (bus-rights.c) ---- */

/* Dispatches @m again if polkit grants @right to @p, else refuses it: in three seconds, or, if the caller allows that
 * a person is asked for a password, in two minutes. */
void bus_rights_ask(struct bus *b, struct bus_peer *p, DBusMessage *m, enum bus_right right);
void bus_rights_forget(struct bus *b, const char *name); /* that connection is gone */

/* One key of an a{sv} argument. */
struct bus_option {
	const char *name;
	int type; /* DBUS_TYPE_STRING, _BOOLEAN or _INT64 */
	void *value; /* const char **, bool *, int64_t * */
	bool given;
};
/* The first argument, an a{sv}, as @options. Return: NULL, or what is wrong with it. */
const char *bus_call_options(struct bus_call *call, struct bus_option *options, size_t count);

/* ---- what is told (bus-signal.c) ---- */

struct bus_known {
	int32_t job_id; /* 0: a queue */
	char *text; /* the job's owner, or the queue's name */
};

int bus_signal_init(struct bus *b); /* takes stock; becomes the engine's listener */
void bus_signal_fini(struct bus *b);

/* ---- handlers, by interface ---- */

void bus_introspectable_introspect(struct bus_call *call);
void bus_properties_get(struct bus_call *call);
void bus_properties_get_all(struct bus_call *call);
void bus_properties_set(struct bus_call *call);
void bus_objects_get_managed(struct bus_call *call);

void bus_manager_status(struct bus_call *call);
void bus_manager_whoami(struct bus_call *call);
void bus_manager_subscribe(struct bus_call *call);
void bus_manager_unsubscribe(struct bus_call *call);
void bus_manager_jobs(struct bus_call *call);
void bus_manager_fallback_add(struct bus_call *call);
void bus_manager_fallback_remove(struct bus_call *call);
void bus_manager_fallback_add_for_all(struct bus_call *call);
void bus_manager_fallback_remove_for_all(struct bus_call *call);
void bus_manager_fallback_list(struct bus_call *call);
void bus_manager_outage_start(struct bus_call *call);
void bus_manager_outage_stop(struct bus_call *call);
void bus_manager_usage(struct bus_call *call);
void bus_manager_audit(struct bus_call *call);
void bus_manager_check(struct bus_call *call);
void bus_manager_trust(struct bus_call *call);
void bus_manager_reload(struct bus_call *call);

void bus_job_release(struct bus_call *call);
void bus_job_cancel(struct bus_call *call);
void bus_job_print_again(struct bus_call *call);
void bus_job_act(struct bus_call *call);
void bus_job_delegate(struct bus_call *call);
void bus_job_why(struct bus_call *call);
