/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-ipp - jobs as attributes of IPP messages: what Create-Job brings, what Get-Job-Attributes shows. */
#pragma once

#include "jobs.h"

/* A person is who the connection says; a machine must be welcome (machines_check()), and speaks for requesting-user-name.
 * IPP_STATUS_OK, or what to answer; @actor borrows from the call and from @m. */
int jobs_ipp_actor(
	struct app *app, struct serve_call *c, struct machine *m, struct jobs_actor *actor);
/* The job's number; 0x0400 if there is none, 0x0406 if the target names another queue than the job's. */
int jobs_ipp_id(struct app *app, struct serve_call *c, int32_t *id);
/* What a rule returned, said. */
int jobs_ipp_answer(struct serve_call *c, int status, const char *why);

/* ---- reading: NULL when all is well, else the attribute that cannot be ---- */
/* Those that are there change *@t; "delete-attribute" (RFC 3380 8.2) removes. */
ipp_attribute_t *jobs_ipp_ticket(ipp_t *request, struct jobs_ticket *t);
/* All that Create-Job tells of the job, but whom it belongs to and its queue. */
ipp_attribute_t *jobs_ipp_create(ipp_t *request, struct jobs_job *j);
/* *@there: the attribute is there, perhaps to remove all. */
ipp_attribute_t *jobs_ipp_delegates(ipp_t *request, struct jobs_delegates *out, bool *there);
/* One value of any kind of text, at most @size - 1 octets; "" if absent. */
ipp_attribute_t *jobs_ipp_string(ipp_t *request, const char *name, char *out, size_t size);
int32_t jobs_ipp_number(ipp_t *request, const char *name, int32_t absent);

/* ---- writing ---- */
/* As the client wrote its target; of the system for "". "" if it wrote none. */
void jobs_ipp_queue_uri(const struct serve_call *c, const char *queue, char *out, size_t size);
/* What serve_wants() of it, for @who. */
void jobs_ipp_put(struct app *app, struct serve_call *c, const struct jobs_actor *who,
	const struct jobs_job *j);
/* job-id and job-uri alone: what Get-Jobs gives to whom asks for nothing (RFC 8011 4.2.6.1). */
void jobs_ipp_put_id(struct serve_call *c, const struct jobs_job *j);
/* The reply to Create-Job. */
void jobs_ipp_put_created(struct app *app, struct serve_call *c, const struct jobs_job *j);
