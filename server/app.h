/* SPDX-License-Identifier: Apache-2.0 */
/* app - the server's state: one database connection, used on serve's application thread alone; what its rooms share.
 *
 *   db.c          tables' versions, settings, incarnation
 *   jobs*.c       registered jobs: rules of states, claims, leases; IPP operations on them
 *   events*.c     subscriptions, events, Get-Notifications
 *   printers*.c   queues, system object, output devices, resources (policy)
 *   machines*.c   enrolment, certificates (ca.c), revocation
 *   credentials*.c  who may log in at which machine while the server is away
 *   ledger*.c     accounting records
 *   logins.c      machines ask whether somebody is who he says
 *   accounts*.c   users, groups, and by what they log in
 *   audit.c       what was done, by whom
 *   web*.c        the pages
 *   admin-*.c     the subcommands of stillprint-server
 * Nothing of the database is cached beyond a group, since the subcommands write to it from other processes. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "core/sql.h"
#include "ipp/serve.h"

/* db.c's own: how far the database is, for the file beside it. */
struct db_count {
	bool counting; /* this process has committed groups: it keeps the file */
	int64_t commits; /* as committed */
	int64_t kept; /* what the file says */
	int64_t kept_ms; /* when it was written, CLOCK_MONOTONIC */
	bool turn; /* turn_take() is to be given back */
	int changes; /* SQLite's count of changes when the group began */
	int64_t wall_ms,
		mono_ms; /* both clocks at the last group: a jump of the wall clock shows */
};

struct app {
	struct sql sql;
	const struct server_config *config;
	struct serve *serve;
	char uuid[64]; /* of the system, "urn:uuid:…" */
	int32_t incarnation; /* raised when an older database came back: PROTOCOL correction "Fence" */
	int64_t started_s; /* for printer-up-time */
	int64_t now_ms; /* wall clock of the present group, Unix UTC */
	bool probe_ok; /* the last commit probe (printers.c) */
	int64_t probed_ms;
	bool probe_due; /* this group holds a probe */
	int64_t maintenance_from_s; /* of a planned one, 0: none */
	int64_t data_version; /* SQLite's: whether another process has written */
	struct ca *ca; /* machines.c */
	struct logins *logins; /* while it serves */
	bool forgiven; /* jobs_tick() has given everybody time after this start */
	struct waiters *waiters; /* parked Get-Notifications (events.c) */
	struct db_count count; /* of commits (db.c) */
};

/* One table of operations for each file of handlers, ended by code 0. */
extern const struct serve_operation
	jobs_operations[]; /* Create, Validate, Get-Jobs, …, Release, Cancel */
extern const struct serve_operation
	holders_operations[]; /* Fetch-, Acknowledge-Job, Update-Job-Status, Update-Active-Jobs */
extern const struct serve_operation events_operations[];
extern const struct serve_operation printers_operations[];
extern const struct serve_operation machines_operations[];
extern const struct serve_operation ledger_operations[];
extern const struct serve_operation logins_operations[]; /* Verify-Login */
extern const struct serve_page resources_pages[]; /* /ipp/res/… on the IPP port */
extern const struct serve_page credentials_pages[];
extern const struct serve_page web_pages[];

/* ---- db.c ---- */
extern const struct sql_schema
	db_schema; /* version 1 = db_jobs + db_events + db_printers + db_machines + db_ledger + db_accounts */
extern const char db_jobs[], db_events[], db_printers[], db_machines[], db_ledger[], db_accounts[];
extern const char db_jobs_2[], db_printers_2[], db_ledger_2[]; /* version 2: what each adds */
extern const char db_audit_2[], db_accounts_2[], db_sync_2[], db_rights_2[];
extern const char db_machines_2[];
/* Opens @config->state/server.db, reads or makes uuid and incarnation. If the file `server.state` beside it counts more
 * commits than the database, that is an older one, restored: incarnation + 1, with an audit line. 0, SQL_E_NEWER, -errno. */
int db_open(struct app *app, const struct server_config *config);
void db_close(struct app *app);
/* The server's groups (serve_config.begin and .commit): sets now_ms; counts the commit and keeps the file. A wall clock that
 * jumped moves every deadline with it. */
int db_begin(struct app *app);
int db_commit(struct app *app);
/* `stillprint-server restore`: what the restored database says is old, whatever the file counts. 0 or -errno. */
int db_restored(struct app *app, const char *who);
int db_setting_get(
	struct sql *s, const char *name, char *out, size_t size); /* 0, 1: none, -errno */
int db_setting_put(struct sql *s, const char *name, const char *value); /* NULL removes */

/* ---- who is calling ---- */
/* machines.c: the machine's row, if its certificate is the enrolled one and neither revoked nor expired.
 * Return: IPP_STATUS_OK, or what to answer (said through serve_say()). Every handler of a machine's operation calls it. */
struct machine {
	char uuid[64];
	char kind[16]; /* "workstation", "terminal" */
	char name[256];
	char user[256]; /* jobs_ipp_actor()'s: for whom it speaks, by the account's own name */
};
int machines_check(struct app *app, struct serve_call *c, struct machine *out);

/* ---- events.c ---- */
enum event_kind {
	EVENT_JOB_CREATED = 1, /* job-created */
	EVENT_JOB_STATE = 2, /* job-state-changed */
	EVENT_JOB_COMPLETED = 4, /* job-completed: any final state */
	EVENT_JOB_FETCHABLE = 8, /* job-fetchable: to the holder only */
	EVENT_JOB_PROGRESS = 16, /* job-progress */
	EVENT_PRINTER_STATE = 32, /* printer-state-changed: maintenance, accepting */
	EVENT_RESOURCE = 64, /* resource-config-changed: a new policy */
	EVENT_PRINTER_CONFIG = 128, /* printer-config-changed */
};
/* Writes the event for every subscription that it concerns, in the group's transaction; parked polls wake after the
 * commit. @job_id 0: not about a job. @queue "": of the system. 0 or -errno. */
int events_emit(struct app *app, enum event_kind kind, const char *queue, int32_t job_id);
/* To one subscriber: "m:UUID" or "u:NAME". The same. */
int events_emit_to(struct app *app, enum event_kind kind, const char *who);
void events_after(struct app *app, bool committed); /* wakes */
void events_tick(struct app *app); /* leases, pruning, parked polls whose time is over */
/* Another process may have revoked machines: their parked polls end. 0 or -errno. */
int events_end_unwelcome(struct app *app);
void events_free(struct app *app);

/* ---- jobs.c: the rest is in jobs.h ---- */
void jobs_tick(struct app *app); /* claim deadlines, leases, expiry, pruning */

/* ---- audit.c: the rest is in audit.h ---- */
/* A line, in the group's transaction. @job_id 0: none. @detail: no person's name. */
int audit_add(struct app *app, const char *event, const char *who, const char *decided_by,
	int32_t job_id, const char *detail);
