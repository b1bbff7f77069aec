/* SPDX-License-Identifier: Apache-2.0 */
/* engine - the daemon's state and what can be asked of it; the bus is one user of this, the intake another.
 *
 * Everything runs on one sd-event loop in one thread; nothing here blocks. A request that must be committed or needs
 * the network answers later through its callback, once, from the loop (never from within the call). */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "core/config.h"
#include "core/job.h"
#include "core/store.h"
#include "rows.h"

struct engine;

/* Errors of requests: what the bus maps to org.stillprint.Error.*; @message says what to do. */
enum engine_err {
	ENGINE_OK = 0,
	ENGINE_E_NO_SUCH = 1, /* job, queue or printer */
	ENGINE_E_STATE, /* not possible in the job's present state */
	ENGINE_E_ARGUMENT, /* an argument cannot be used */
	ENGINE_E_POLICY, /* the administrator's policy forbids it */
	ENGINE_E_UNREACHABLE, /* the printer does not answer */
	ENGINE_E_UNSUPPORTED, /* the printer cannot do it (no PDF, leads back to Stillprint, …) */
	ENGINE_E_INTERNAL, /* the store failed */
};
typedef void engine_reply_fn(
	void *arg, enum engine_err err, const char *message, const struct rows *rows);

/* ---- looking ---- */

/* Jobs in order of taking, final ones of the last seven days included. */
struct engine_job {
	const struct store_job *row;
	const char *target; /* URI of the present or last attempt, "" if none */
	bool encrypted; /* that target */
	int32_t remote_id; /* its job-id, 0 if none */
	int32_t impressions; /* as last told, -1 */
};
/* Return: false past the end. @index from 0. */
bool engine_job_at(struct engine *e, unsigned index, struct engine_job *out);
bool engine_job_find(struct engine *e, int32_t id, struct engine_job *out);

/* What the user can do now with a job: stable keys ("cancel", "release", "release:URI", "wait", "printed",
 * "print-again", "here") and labels for people. */
struct engine_action {
	char key[544];
	char label[160];
};
enum { ENGINE_ACTION_MAX = 8 };
unsigned engine_job_actions(
	struct engine *e, int32_t id, struct engine_action out[ENGINE_ACTION_MAX]);

struct engine_queue {
	const struct config_queue *config;
	const char *
		health; /* "ok", "refusing", "authentication-required", "lost", "degraded", "offline",
	                            "checking", "certificate-changed", "outage", "unknown" */
	int64_t health_since_s;
	const char *health_detail;
	bool outage; /* planned, by the administrator */
	int64_t outage_until_s; /* 0: until stopped */
	const char *outage_message;
	unsigned waiting; /* jobs of this queue that wait */
};
bool engine_queue_at(struct engine *e, unsigned index, struct engine_queue *out);
bool engine_queue_find(struct engine *e, const char *name, struct engine_queue *out);

/* A target that is known: upstreams and the administrator's fallbacks are everybody's to see (@configured), what users
 * named or used is root's. */
struct engine_printer {
	uint32_t id; /* of its URI; stable over restarts */
	const char *uri;
	const char *name; /* as it calls itself, "" if never met */
	const char *pin; /* "sha256//…", "" without TLS or before first use */
	bool encrypted;
	bool counts; /* its impressions can be believed */
	bool configured;
	int64_t seen_s;
};
bool engine_printer_at(struct engine *e, unsigned index, struct engine_printer *out);
bool engine_printer_find(struct engine *e, uint32_t id, struct engine_printer *out);

struct engine_status {
	const char *run_id;
	int64_t started_s;
	bool online;
	const char *credentials; /* for logins without the server: daemon/credentials.h; "none" */
	int64_t credentials_until_s;
	int64_t certificate_until_s; /* of this computer at the server of our own; 0: none */
	int64_t spool_octets, spool_max_octets;
	unsigned waiting, unknown, delivering;
};
void engine_get_status(struct engine *e, struct engine_status *out);
const struct config *engine_config(struct engine *e);

/* ---- asking; the caller has checked who may ---- */

struct engine_release {
	const char *printer; /* URI or address; NULL: the plan's first ready one, or the server */
	const char *
		device; /* at the server of ours: name or UUID of its device, "" for the queue's own; else NULL */
	bool at_printer; /* "I am at the printer" */
	bool here; /* print here too, although the server accepted it */
	bool printed; /* an unknown one: it printed */
};
void engine_release(struct engine *e, int32_t id, const struct engine_release *r,
	const char *decided_by, engine_reply_fn *reply, void *arg);
void engine_cancel(
	struct engine *e, int32_t id, const char *decided_by, engine_reply_fn *reply, void *arg);
enum { ENGINE_DELEGATES_MAX = 8 };
/* Who else may release it at the server: all of them, by their names there; none: nobody any more. */
void engine_delegate(struct engine *e, int32_t id, const char *const *names, unsigned count,
	const char *decided_by, engine_reply_fn *reply, void *arg);
void engine_print_again(struct engine *e, int32_t id, const char *printer, const char *decided_by,
	engine_reply_fn *reply, void *arg);
/* One of engine_job_actions()' keys, as a notification's button gives it back. */
void engine_act(struct engine *e, int32_t id, const char *key, const char *decided_by,
	engine_reply_fn *reply, void *arg);

/* @owner "": everybody, as if the administrator had configured it.
 * @address: URI, host name or address. Reply: one row: Uri, Name, Encrypted, Pdf, Reachable. */
void engine_fallback_add(struct engine *e, const char *owner, const char *queue,
	const char *address, const char *decided_by, engine_reply_fn *reply, void *arg);
void engine_fallback_remove(struct engine *e, const char *owner, const char *queue,
	const char *address, const char *decided_by, engine_reply_fn *reply, void *arg);
/* The ordered plan for @owner on @queue ("": all queues): Uri, Queue, Source (policy, admin, recent, user), Encrypted. */
void engine_fallback_list(
	struct engine *e, const char *owner, const char *queue, engine_reply_fn *reply, void *arg);

/* @queue "": every queue. @until_s 0: until stopped. */
void engine_outage_start(struct engine *e, const char *queue, int64_t until_s, const char *message,
	const char *decided_by, engine_reply_fn *reply, void *arg);
void engine_outage_stop(struct engine *e, const char *queue, const char *decided_by,
	engine_reply_fn *reply, void *arg);

/* As whom @user prints now. Reply: one row: User, Account, Identity ("verified" or "claimed"), Why (code), Sentence. */
void engine_whoami(struct engine *e, const char *user, engine_reply_fn *reply, void *arg);
/* @owner NULL: everybody. Rows: see docs/cli.md, `usage`. */
void engine_usage(struct engine *e, const char *owner, int64_t from_s, int64_t to_s,
	engine_reply_fn *reply, void *arg);
/* @id 0: all. Rows: At, Job, Event, Who, DecidedBy, From, To, Encrypted. */
void engine_audit(struct engine *e, int32_t id, engine_reply_fn *reply, void *arg);
/* Probes upstream and each fallback of every queue from here. Rows: Queue, Role (upstream, fallback), Uri, Ok, Verdict,
 * Encrypted, Pdf, Detail. */
void engine_check(struct engine *e, engine_reply_fn *reply, void *arg);
/* Forget the pin of @uri, so that the certificate it shows next is pinned. */
void engine_trust(struct engine *e, const char *uri, const char *decided_by, engine_reply_fn *reply,
	void *arg);
/* Read the configuration again. A bad one is refused and the old one stays; @message has the lines. */
/* After how many seconds without a touch a user has left this public computer; 0: it is none. */
int32_t engine_public_idle_s(const struct engine *e);
/* So long: what he has waiting here is canceled, and his identity ends. */
void engine_user_is_away(struct engine *e, uint32_t uid, const char *user);

void engine_reload(struct engine *e, engine_reply_fn *reply, void *arg);

/* ---- what the engine tells: set once, before engine_start() ---- */

struct engine_notice {
	const char *owner; /* whom to tell */
	int32_t job_id; /* 0: not about one job */
	const char *
		kind; /* "server-lost", "printed-elsewhere", "server-back", "unknown-outcome", "attention", … */
	const char *summary, *body; /* safe text, no markup */
	const struct engine_action *action;
	unsigned action_count;
};
struct engine_listener {
	void (*job_changed)(void *arg, int32_t id); /* also new ones */
	void (*job_removed)(void *arg, int32_t id);
	void (*queue_changed)(void *arg, const char *name);
	void (*notice)(void *arg, const struct engine_notice *n);
	/* Is somebody there who can be asked? (an agent of @owner is subscribed) */
	bool (*can_ask)(void *arg, const char *owner);
	void *arg;
};
void engine_set_listener(struct engine *e, const struct engine_listener *l);

/* ---- life ---- */

/* @complain gets one line per fault of the configuration. 0, -errno, or STORE_E_NEWER. */
int engine_new(sd_event *loop, void (*complain)(void *arg, const char *message), void *arg,
	struct engine **out);
int engine_start(struct engine *e); /* recovery, intake, probes */
void engine_free(struct engine *e); /* waits for commits under way */
AUTO_DEFINE(struct engine *, engine_free)
