/* SPDX-License-Identifier: Apache-2.0 */
/* holder - what the workstation that holds a document and the server of our own say to each other (docs/wire.md), as IPP
 * messages: pure functions, no network. Requests are the caller's, ippDelete(); NULL without memory. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stdint.h>

enum { HOLDER_LEASE_S = 3600, HOLDER_JOBS_MAX = 1000 };

/* What the server is told of a document: never its content. */
struct holder_job {
	const char *uuid; /* "urn:uuid:…": what makes it idempotent */
	const char *owner; /* the server's name of him */
	bool verified; /* this computer has seen him log in, and he printed it */
	const char *title; /* safe to show; cut here to 255 octets at a character */
	const char *format;
	int64_t octets;
	int32_t attempt; /* of the holder so far */
	const char *delegates; /* accounts with \n between */
	bool direct; /* to be printed at once at the queue's default device */
};
/* Create-Job (M2). @ticket: the filter's message, NULL for a raw file. */
ipp_t *holder_register(const char *queue_uri, const struct holder_job *job, ipp_t *ticket);
/* Set-Job-Attributes (M5) on behalf of @user: its @delegates, as above; "" removes them. */
ipp_t *holder_delegates(
	const char *queue_uri, int32_t job_id, const char *user, const char *delegates);
/* Fetch-Job (M8): what was released, and where to. */
ipp_t *holder_fetch(const char *queue_uri, int32_t job_id);
/* Acknowledge-Job (M8): it is taken over. */
ipp_t *holder_acknowledge(const char *queue_uri, int32_t job_id, const char *device_uuid,
	int32_t incarnation, int32_t epoch, int32_t attempt);

struct holder_status {
	int32_t job_id, incarnation, epoch, attempt; /* the fence */
	const char *device_uuid; /* "": not at a released device */
	int state; /* job-state, RFC 8011 5.3.7 */
	bool in_doubt; /* with state 6: nobody can tell whether it printed */
	const char *message; /* safe text */
	int32_t impressions, sheets; /* -1: not known */
	const char *diverted_to; /* "" */
};
/* Update-Job-Status (M11). */
ipp_t *holder_status(const char *queue_uri, const struct holder_status *s);
/* Release-Job on behalf of @user. @device: UUID or name; "" for the queue's default. */
ipp_t *holder_release(const char *queue_uri, int32_t job_id, const char *user, const char *device);
/* Update-Active-Jobs: all that we hold; at most HOLDER_JOBS_MAX. */
ipp_t *holder_active(const char *system_uri, unsigned count, const int *job_ids, const int *states);
/* Get-Jobs, which-jobs fetchable: what waits for us. */
ipp_t *holder_fetchable(const char *system_uri);
/* Get-Jobs: what it holds for us and is not over, from job @first on, @count of them in order of their numbers. */
ipp_t *holder_known(const char *system_uri, int32_t first, int count);
/* Create-System-Subscriptions for events of our jobs, policy and maintenance. */
ipp_t *holder_subscribe(const char *system_uri);
ipp_t *holder_renew(const char *system_uri, int32_t subscription);
/* Get-Notifications. @next: sequence number wanted; @wait: parked there until there is something. */
ipp_t *holder_poll(const char *system_uri, int32_t subscription, int32_t next, bool wait);

/* Of one job, from any answer or event; what was not told is 0, "" or -1. */
struct holder_answer {
	int32_t job_id, incarnation, epoch, lease_s, subscription, sequence, up_time_s;
	int state;
	bool fetchable, canceling; /* from job-state-reasons */
	bool not_verified; /* refused: the queue wants a verified owner */
	char event[32]; /* notify-subscribed-event */
	char uuid[64];
	char device_uuid[64], device_uri[512], device_pin[64], device_name[256];
	char released_by[256]; /* user name */
	char message[256]; /* status-message, safe to show */
	int32_t copies; /* as its user left it at the server; 0: not told */
	char sides[32], color_mode[32];
};
void holder_read(ipp_t *answer, struct holder_answer *out);
/* Each job (IPP_TAG_JOB) or event (IPP_TAG_EVENT_NOTIFICATION) group. */
void holder_each(ipp_t *answer, ipp_tag_t group,
	void (*fn)(void *arg, const struct holder_answer *one), void *arg);
