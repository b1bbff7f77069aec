/* SPDX-License-Identifier: Apache-2.0 */
/* target - what a printer or queue says of itself, and a ticket turned into the job attributes that it can do. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipp/client.h"

/* Classes of answers to the health probe (PROTOCOL M15); only the last two justify a failover.
 * Busy (0x0507) is OK: who says it lives, and the job is retried there. Other HTTP 3xx/4xx (404, 426 "wants TLS") and IPP
 * client errors are REFUSING: it is up, and the configuration is wrong. No TLS where TLS was asked for is DEGRADED, and
 * so is what this side broke off (CLIENT_BODY, CLIENT_CANCELED), which says nothing of the target. */
enum target_health {
	TARGET_OK = 0,
	TARGET_REFUSING, /* up, but not accepting jobs, or not for us: policy, no failover */
	TARGET_AUTH, /* 401, 403, or IPP not-authenticated/-authorized/forbidden */
	TARGET_CERTIFICATE, /* another certificate than the pinned one */
	TARGET_DEGRADED, /* internal error, service unavailable, HTTP 5xx, garbage */
	TARGET_UNREACHABLE, /* refused, silent, no route, cut */
};
const char *target_health_name(enum target_health h);

struct target_info {
	bool pdf; /* document-format-supported has application/pdf */
	bool accepting;
	int state; /* printer-state, 3 idle, 4 processing, 5 stopped */
	/* Texts for people have passed text_display(); URIs and UUIDs are as told, "" if too long. */
	char reasons[256]; /* printer-state-reasons without "none" and reports, comma separated */
	char message[256]; /* printer-state-message */
	char name[256]; /* printer-info, else make-and-model */
	char make_model[256];
	char device_uri[512]; /* where a server tells what is behind its queue; "" otherwise */
	char uuid[64]; /* printer-uuid */
	int32_t up_time_s; /* printer-up-time, 0 if not told */
	bool stillprint; /* a Stillprint queue: delivering there would lead back to us */
	bool is_server; /* a print server's queue rather than a device (has device-uri, or queue attributes of cupsd) */
	bool holds; /* job-hold-until-default is not no-hold: jobs wait for their user there */
	bool create_job; /* operations-supported has Create-Job and Send-Document */
};

/* The attributes that target_read() and target_add_job_attributes() look at, for requested-attributes. */
extern const char *const target_attributes[];
extern const int target_attribute_count;

/* New request with charset, language, printer-uri and requesting-user-name in place (RFC 8011 4.1). */
ipp_t *target_request(ipp_op_t op, const char *uri, const char *user);
/* Same for an operation on job @job_id (printer-uri + job-id). */
ipp_t *target_job_request(ipp_op_t op, const char *uri, int32_t job_id, const char *user);

enum target_health target_classify(const struct client_reply *reply);
/* From the answer to Get-Printer-Attributes. */
void target_read(ipp_t *answer, struct target_info *out);

/* It is stopped, or waits for somebody: paper, toner, a door. A warning is none. */
bool target_needs_attention(const struct target_info *info);

/** target_add_job_attributes() - put what @ticket asks for into @request's job group, as far as the target can do it
 * Looked at: copies, multiple-document-handling, sides, media or media-col (size, source, type, margins),
 * print-color-mode, print-quality, finishings, output-bin, printer-resolution; nothing else of @ticket goes out. Page
 * options (page-ranges, number-up…) never, as the document has them already. More copies than the target makes are cut
 * to what it does, and named. A size goes as media-col where the target takes one, else by the target's name for it.
 * @ticket: the filter's message; @printer: the target's Get-Printer-Attributes answer
 * @dropped: names of options that the target cannot do, comma separated, cut at @size; "" if none
 * Return: 0 or -ENOMEM. */
int target_add_job_attributes(
	ipp_t *request, ipp_t *ticket, ipp_t *printer, char *dropped, size_t size);

/* The device's word on a job, from the answer to Get-Job-Attributes. */
struct target_job {
	int state; /* IPP job-state, 3 pending … 9 completed; 0 if not told */
	char reasons[256];
	char name[1024]; /* job-name, "" if hidden */
	char uuid[64]; /* job-uuid, "" if not told */
	int32_t impressions; /* job-impressions-completed, -1 if not told */
	int32_t sheets; /* job-media-sheets-completed, -1 */
	int32_t documents; /* number-of-documents, -1 */
	int32_t up_time_s; /* job-printer-up-time, 0 */
};
extern const char *const target_job_requested[];
extern const int target_job_requested_count;
void target_read_job(ipp_t *answer, struct target_job *out);
