/* SPDX-License-Identifier: Apache-2.0 */
/* link - the server of our own, as the whole computer sees it: the machine's identity, one parked poll for events, and
 * what is made good when it is there again. What is said about a single job is in registrar.c, claim.c and report.c.
 *
 * Events are hints: every one of them leads to a question whose answer counts. After each new subscription everything is
 * asked anew: what was released, what the server sees otherwise than we do, what it does not know yet. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "engine.h"
#include "ipp/client.h"

struct engine;
struct job;
struct config_queue;

void link_start(struct engine *e); /* also after the configuration or the identity changed */
void link_free(struct engine *e);
/* It has answered within 70 s, and nothing failed since. */
bool link_is_up(const struct engine *e);
/* False without a server in the configuration, or before enrolment. */
bool link_is_enrolled(const struct engine *e);

bool link_system_uri(struct engine *e, char *uri, size_t size);
bool link_queue_uri(struct engine *e, const struct config_queue *q, char *uri, size_t size);
bool link_resource_uri(struct engine *e, const char *name, char *uri, size_t size);
/* For upstream.c: the address that answered is the one to use; count of them. */
unsigned link_address_count(const struct engine *e);
bool link_address_uri(
	const struct engine *e, unsigned index, const char *server_queue, char *uri, size_t size);
void link_use_address(struct engine *e, unsigned index);
bool link_owns(const struct engine *e, const char *uri); /* is it one of the server's? */

/** link_send() - a request to the server with the machine's certificate; @ipp is consumed
 * @uri: as given by one of the above. Everything that we ask it may be repeated.
 * Return: 0, or -errno with @done never called. */
int link_send(struct engine *e, const char *uri, ipp_t *ipp, int32_t total_ms, client_done_fn *done,
	void *arg, struct client_call **call);
/* For printer_address(): how we show who we are. NULL before enrolment. */
const struct client_identity *link_identity(const struct engine *e);

/* A call about a job could not reach it, or it was refused as a machine. */
void link_failed(struct engine *e);
/* The server says that a job of ours is over: @state is 7, its user deleted it, or 8, it was held for too long. Nothing if it
 * has begun to leave this computer: then our word counts. */
void link_over_there(struct job *j, int state);
void link_look(struct engine *e); /* somebody has met it: do not wait for the next try */
/* Any answer that names an incarnation: another one than known makes everything known to the server anew. */
void link_heard(struct engine *e, int32_t incarnation);

struct job *link_find(struct engine *e, const char *uuid); /* by its document's, NULL: none here */

/* ---- resync.c: what the server and we see otherwise is made the same ---- */
void resync_start(struct engine *e); /* from the beginning, now */
/* A job of ours may be known there without our knowing: a message was cut, or its user canceled meanwhile. */
void resync_soon(struct engine *e);
void resync_stop(struct engine *e);
void resync_free(struct engine *e);

/* ---- registrar.c: one job made known ---- */
void registrar_start(struct job *j);
void registrar_stop(struct job *j);
void registrar_leave(struct job *j); /* what was asked for already is waited for */
bool job_is_registered(const struct job *j); /* held for release there */

/* ---- claim.c: what was released is taken over ---- */
void claim_start(struct job *j); /* it was released, perhaps: ask */
void claim_resume(struct job *j); /* after a restart: the claim is in the journal, was it heard? */
void claim_stop(struct job *j);
bool claim_cancel(struct job *j); /* canceled there; false: it is not being taken over */
void claim_drop(
	struct job *j); /* held again, as if it had not been released; the job must not be busy */
/* The device cannot take it: back to its user, who is told why. */
void claim_give_back(struct job *j, const char *why);
bool job_is_claimed(const struct job *j);

/* ---- remote.c: its user releases it at the server, from here ---- */
void remote_release(struct job *j, const char *device, const char *decided_by,
	engine_reply_fn *reply, void *arg);

/* ---- report.c: the server is told ---- */
bool report_is_owed(const struct job *j); /* it is over, and the server has not heard of it */
void report_kick(struct job *j); /* something changed about it, perhaps */
void report_now(struct job *j); /* there is something to hear in the answer */
void report_canceled(struct job *j); /* its user canceled it there: stop here, too */
void report_all(struct engine *e); /* the server is there again */
void report_told(struct job *j, int state); /* it knows by another message */
void report_recorded(struct engine *e, int32_t id); /* it has the job's record, of a good end */
void report_stop(struct job *j);
