/* SPDX-License-Identifier: Apache-2.0 */
/* engine-private - the engine's parts to each other: jobs in memory, upstreams, deliveries, and who decides what.
 *
 *   intake.c    files from the backend become jobs (sealed-file.c looks into one)
 *   verify.c    finds out who printed a job; who.c asks the login service
 *   plan.c      decides where a pending job goes
 *   upstream.c  knows whether a queue's server is there
 *   deliver.c   takes one job to one target, journal first
 *   link.c      the server of our own; registrar.c, claim.c, report.c: one job there; settle.c: the ledger
 *   online.c    carries logins to the server
 *   follow.c    asks the target for the job's final state; resolves what a broken connection left open
 *   sweep.c     cancels leftovers at targets; retention
 *   act.c       what users ask for
 *   notice.c    what users are told
 * A job's state is changed through job_move(), job_end() and the journal steps of deliver.c alone; while one of them is
 * being committed the job is busy and nothing else may move it. A store that cannot write now (disk full) is asked again
 * until it can, and the job stays busy so long: no step is done before it is committed, and none is forgotten. */
#pragma once

#include <stdio.h>

#include "core/envelope.h"
#include "core/uri.h"
#include "engine.h"
#include "ipp/client.h"
#include "ipp/target.h"
#include "worker.h"

struct job;
struct step;
struct upstream;
struct delivery;
struct act;

/* A timer that can be set anew and forgotten. */
typedef void timer_fn(void *arg);
struct timer {
	sd_event_source *source;
	timer_fn *fn;
	void *arg;
};
void timer_set(struct engine *e, struct timer *t, int64_t in_ms, timer_fn *fn, void *arg);
void timer_stop(struct timer *t);

enum { TRIED_MAX = 24 };

/* What a user asked for while the job was busy; done as soon as it is not. */
struct wish {
	enum { WISH_NONE, WISH_CANCEL } kind;
	char decided_by[256];
	engine_reply_fn *reply;
	void *reply_arg;
};

struct job {
	struct engine *engine;
	struct job *next; /* in order of id */
	struct store_job row;
	struct store_attempt attempt; /* the present or last one; id 0 before the first */
	bool busy; /* a commit about it is under way */
	struct step *step; /* that commit, while it waits for the store to take it */
	bool cancel_wanted; /* stop the delivery at its next step */
	char canceled_by[256]; /* the user's name */
	struct wish wish;
	struct act *act; /* what a user asked for and is being committed */
	struct delivery *delivery; /* under way up to SENT */
	struct follow *follow; /* SENDING (broken), SENT, UNKNOWN: asks for the final state */
	/* With a server of our own (link.h): */
	struct verify *verify; /* it is being found out who printed it */
	bool who_stale; /* that is to be asked again before it goes on */
	struct registrar *registrar; /* it is being made known there */
	struct claim *claim; /* a release is being taken over: the plan waits */
	struct report *report; /* the server is told */
	bool claim_wanted; /* it was released before we knew it by the server's number */
	int64_t released_ms; /* mono_ms() of the claim */
	/* The plan's memory of this round: which targets were tried, and what was wrong. */
	char (*tried)[CONFIG_URI_MAX]; /* TRIED_MAX of them, or NULL */
	unsigned tried_count;
	char tried_why[512];
	struct timer retry; /* next round through the plan */
	struct timer ask; /* nobody answered */
	char decided_by[256]; /* for the next attempt */
	unsigned resends; /* sent again on the device's word that nothing printed */
	unsigned absent; /* so often in a row its user had no session (public.c) */
	bool told_public; /* that it goes with the session */
	bool told_lost; /* its owner was told of this outage for this job */
	enum job_reason told_reason; /* with these words */
	int64_t clock_step_s; /* how far the wall clock was set forward since it is here */
	uint32_t notice_id;
};

struct printer { /* what is known of a target, over restarts */
	struct printer *next;
	struct store_printer row;
	int64_t not_before_ms; /* it was busy */
	unsigned busy, trouble; /* so often in a row */
	struct job *
		lane; /* the job that is being handed to it: one at a time, so that order is kept */
};

enum health {
	HEALTH_UNKNOWN = 0,
	HEALTH_OK,
	HEALTH_CHECKING,
	HEALTH_LOST,
	HEALTH_DEGRADED,
	HEALTH_OFFLINE,
	HEALTH_REFUSING,
	HEALTH_AUTH,
	HEALTH_CERTIFICATE,
};
const char *health_name(enum health h);

struct outage { /* planned by the administrator, per queue */
	bool on;
	int64_t until_s;
	char message[512];
	char decided_by[256];
};

struct queue_state {
	const struct config_queue *config; /* into engine->config */
	struct upstream *upstream;
	struct outage outage;
	struct timer outage_end;
};

struct engine {
	sd_event *loop;
	struct config *config;
	struct store *store;
	struct worker *storer, *filer; /* commits; reads and writes files */
	struct worker *asker; /* looks users up, asks the login service */
	struct client *client;
	struct engine_listener listener;
	struct job *jobs, **jobs_end;
	struct job *walk; /* where engine_job_at() was last; NULL: nowhere */
	unsigned walk_index;
	struct job *cursor; /* of engine_job_at() */
	unsigned cursor_index;
	struct printer *printers;
	struct queue_state *queue;
	size_t queue_count;
	struct upstream *upstreams;
	struct link *link; /* the server of our own */
	struct resync *resync;
	struct settle *settle; /* what it has of the ledger */
	struct policies *policies; /* what it says of its queues */
	struct credentials *credentials; /* who may log in here without it */
	struct renewal *renewal; /* of our certificate there */
	struct online *logins; /* carried to it */
	struct intake *intake;
	struct timer kick, sweep;
	struct timer public_look; /* who has left this public computer? */
	bool public_blind; /* nobody can tell */
	struct timer who_again; /* jobs wait for their owners to log in */
	int64_t kick_at_ms;
	int64_t sweep_wall_s, sweep_boot_s; /* both clocks at the last sweep */
	bool started;
	bool online;
	sd_event_source *network;
	struct timer network_settle;
	char run_id[40];
	int64_t started_s;
	int lock_fd;
	int spool_fd; /* jobs/ */
	int64_t spool_octets;
	bool spool_warned;
	uint32_t notice_last;
	struct store_user_printer *user_printer; /* what users named and used */
	size_t user_printer_count;
	void (*complain)(void *arg, const char *message);
	void *complain_arg;
};

/* ---- jobs.c: the list, and moves ---- */
struct job *job_find(struct engine *e, int32_t id);
/* "user:anna" or "admin:root" -> the name, for people. */
const char *decider_name(const char *decided_by);
struct job *job_new(struct engine *e, const struct store_job *row);
void job_drop(struct job *j);
typedef void job_then_fn(struct job *j, int rc);
/* Commit @to with reason; @then runs after the commit (rc 0), or when the store says that it cannot be: the row is in
 * another state than thought. The job must not be busy. */
void job_move(struct job *j, enum job_state to, enum job_reason reason, const char *arg,
	job_then_fn *then);
/* Same state, another reason; nothing if it is that already. */
void job_reason(struct job *j, enum job_reason reason, const char *arg);
/* Final state: attempt outcome, ledger row if something was sent, key and file gone. */
void job_end(struct job *j, enum job_state to, enum job_reason reason, const char *arg,
	enum record_certainty certainty);
/* One step of the journal: @work in the store, on copies that replace row and attempt after the commit. */
typedef int journal_fn(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger);
int job_work_move(struct store *s, struct store_job *row, enum job_state from,
	struct store_attempt *a, struct store_ledger_row *ledger); /* the plain move */
void job_journal(struct job *j, journal_fn *work, const struct store_job *row,
	const struct store_attempt *a, const struct store_ledger_row *ledger, job_then_fn *then);
void job_changed(struct job *j);
/* The ledger row of the present attempt. */
void job_ledger_row(struct job *j, enum job_state state, enum record_certainty certainty,
	struct store_ledger_row *out);
/* Impressions of the whole job as far as the ticket tells, 0 if it does not. */
int32_t job_expected(const struct job *j);
const struct config_queue *job_queue(struct job *j);
/* What the server calls its owner: the account, else the local name. */
const char *job_account(const struct job *j);
struct queue_state *queue_state_find(struct engine *e, const char *name);

/* ---- printers.c ---- */
struct printer *printer_of(struct engine *e, const char *uri);
void printer_commit(struct engine *e, struct printer *p);
/* What the server says of a device: its key, if it names one, counts for more than the one met first. */
void printer_released(struct engine *e, const char *uri, const char *pin, const char *name);
/* Fills uri, socket, pin and credentials of a request to @uri. */
void printer_address(
	struct engine *e, const char *uri, struct client_request *r, char *ipp_uri, size_t size);
/* Words for people: the printer's name if known, else host or queue. */
void printer_label(struct engine *e, const char *uri, char *out, size_t size);

/* One probe of a target, with first-use pinning. @answer is borrowed, NULL unless health is TARGET_OK or REFUSING. */
struct probe;
typedef void probe_fn(void *arg, enum target_health health, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply);
struct probe *probe_start(struct engine *e, const char *uri, int32_t connect_ms, int32_t total_ms,
	probe_fn *done, void *arg);
void probe_cancel(struct probe *p);
/* Why a target cannot be used for a document of this format, NULL if it can. */
const char *target_objection(struct engine *e, const char *uri, enum target_health health,
	const struct target_info *info, const char *format, bool fallback, enum job_reason *reason);

/* ---- upstream.c ---- */
int upstreams_set(struct engine *e); /* after a configuration was read */
void upstreams_free(struct engine *e);
void upstreams_look(struct engine *e); /* the network changed: probe those that are not well */
void upstreams_look_again(
	struct engine *e); /* a server of ours says that something changed there */
enum health upstream_health(const struct upstream *u);
const char *upstream_uri(const struct upstream *u);
struct engine *upstream_engine(const struct upstream *u);
void upstream_view(const struct upstream *u, struct engine_queue *out);
/* The server's attributes, found out fast: @done with TARGET_OK and the answer, or the verdict. */
typedef void upstream_fn(
	void *arg, enum target_health health, const struct target_info *info, ipp_t *answer);
void upstream_ask(struct upstream *u, upstream_fn *done, void *arg);
void upstream_forget(struct upstream *u, void *arg); /* the asker is gone */
void upstream_suspect(struct upstream *u); /* something failed there: find out */
/* It answers probes and takes no jobs, again and again: degraded, for a time that grows. */
void upstream_distrust(struct upstream *u, const char *why);
void upstream_trust(struct upstream *u); /* it took one */

/* ---- engine.c ---- */
int queues_set(struct engine *e); /* after a configuration was read */
void policy_publish(struct engine *e);

/* ---- reply.c ---- */
/* Answers a request from the loop: never from within the call that asked. @reply may be NULL. */
void reply_later(struct engine *e, engine_reply_fn *reply, void *arg, enum engine_err err,
	const char *message);

/* ---- outage.c: planned ones ---- */
int outages_load(struct engine *e);
void outages_watch(struct engine *e); /* sets the timers that end them */

/* ---- plan.c ---- */
void plan_reconsider(struct job *j); /* after a restart: a held one that may go on by itself */
void plan_kick(struct engine *e); /* look at all pending jobs soon */
void plan_sweep(struct engine *e);
void plan_upstream_changed(struct engine *e, struct upstream *u);
/* It is well, and was when last looked at: what it refused in between may be right now. */
void plan_forgiven(struct engine *e, struct upstream *u);
/* The fallbacks for a job, in order; at most @max. @automatic: without those that need the user's act. */
struct candidate {
	char uri[CONFIG_URI_MAX];
	const char *source;
};
unsigned plan_candidates(struct engine *e, const char *owner, const struct config_queue *q,
	bool automatic, struct candidate *out, unsigned max);
bool plan_outage_on(const struct queue_state *q);
/* What an outage means for the queue: the server's policy, if it says so, or the configuration. */
enum config_on_outage plan_on_outage(const struct engine *e, const struct config_queue *q);
void plan_release(struct job *j, job_then_fn *then); /* HELD or PENDING -> PENDING, tried afresh */
void plan_lost_notice_answered(struct job *j);

/* ---- address.c: what users type, and whom they used ---- */
void user_printer_put(struct engine *e, const struct store_user_printer *p);
void user_printer_remove(struct engine *e, const char *owner, const char *queue, const char *uri);
/* @text: URI, host or address (tried as ipps, then ipp, /ipp/print), or the name of a CUPS queue as cups:NAME.
 * @done: health TARGET_OK and the URI that answered, or the last failure. */
typedef void address_fn(
	void *arg, const char *uri, enum target_health health, const struct target_info *info);
int address_find(struct engine *e, const char *text, address_fn *done, void *arg);

/* ---- deliver.c ---- */
void deliver_start(struct job *j, const char *uri, enum store_target_kind kind, struct upstream *u);
/* To a device that it was released to, up to the first step that the journal must know; goes on with deliver_go(). */
void deliver_prepare(struct job *j, const char *uri);
void deliver_go(struct job *j);
void deliver_stop(
	struct job *j); /* drops network calls; used when the job is ended or the engine freed */
/* What a delivery came to, before the first octet: the plan decides what next. */
void plan_delivery_failed(struct job *j, const char *uri, enum store_target_kind kind,
	enum target_health health, enum job_reason reason, const char *why);
void plan_delivery_done(struct job *j); /* SENT: the lane is free */
void plan_upstream_took(struct job *j); /* it was registered */
bool plan_lane_free(struct job *j,
	const char *uri); /* no other job is being handed to it, and it was not busy */

/* ---- follow.c ---- */
/* @whole: the target has acknowledged the whole document; else @handed: every octet was given to the network. */
void follow_start(struct job *j, bool whole, bool handed);
void follow_stop(struct job *j);
void follow_cancel(struct job *j); /* the user wants it canceled at the target */

/* ---- sweep.c ---- */
void sweep_start(struct engine *e);
void sweep_room(struct engine *e,
	const char *owner); /* after a job of his was taken in: the limits of the spool */
void sweep_orphan(struct engine *e, const struct store_attempt *a, const char *owner);
void sweep_upstream_back(struct engine *e, const char *uri);
void sweep_free(struct engine *e);
void job_name_of(const struct engine *e, const struct store_job *row, int32_t number, char *out,
	size_t size);

/* ---- intake.c ---- */
int intake_start(struct engine *e);
void intake_run(struct engine *e); /* after the jobs are in memory */
void intake_free(struct engine *e);
void spool_unlink(struct engine *e, const char *file, int64_t octets);

/* ---- notice.c ---- */
void notice_lost(struct job *j); /* waits, because the server is lost */
void notice_diverted(struct job *j, const char *label); /* goes elsewhere */
void notice_back(struct engine *e, struct upstream *u, unsigned waiting);
void notice_planned(struct engine *e, struct upstream *u, const char *words);
void notice_unknown(struct job *j);
void notice_unconfirmed(struct job *j);
void notice_public(struct job *j); /* waits on a public computer */
void notice_attention(struct job *j); /* the reason says what */
void audit(struct engine *e, const struct job *j, const char *event, const char *decided_by,
	const char *from, const char *to, bool encrypted);
