/* SPDX-License-Identifier: Apache-2.0 */
/* envelope - what CUPS' own argv and environment say of a job: written by the backend, read by the daemon.
 *
 * Carried as one IPP message (RFC 8010), attributes in the job group, standard names where there is one. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct envelope {
	char queue[128]; /* PRINTER (or CLASS), the CUPS queue */
	char owner[256]; /* argv[2]: a claim until cupsd confirmed it */
	char title[1024]; /* argv[3], raw octets as CUPS gave them */
	char host[256]; /* job-originating-host-name, "" if not told */
	char job_uuid[64]; /* job-uuid, "urn:uuid:…" */
	int32_t cups_job_id; /* argv[1] */
	int32_t copies; /* argv[4] */
	int64_t created_s; /* time-at-creation */
	int64_t processing_s; /* time-at-processing: one pass of cupsd over the job; 0 if not told */
	char cups_run
		[64]; /* parent's pid, start time and boot: tells one run of cupsd from another */
	int64_t run_started_s; /* when that cupsd started, Unix UTC, give or take a second; not to tell runs apart */
	int64_t handed_ns; /* CLOCK_REALTIME when the backend was called, nanoseconds */
	bool banner; /* CUPS_FILETYPE=job-sheet */
	bool raw; /* argc was 7: no ticket, the file as the client sent it */
	char format[128]; /* document format: application/pdf, or CONTENT_TYPE of a raw file */
	char document_uuid[64]; /* ours, made by the backend for each document: "urn:uuid:…" */
};

enum envelope_err { ENVELOPE_E_DAMAGED = 1 };

/** envelope_encode() - as an IPP message
 * @out: receives heap memory, the caller frees it. Return: 0, or -errno. */
int envelope_encode(const struct envelope *e, void **out, size_t *octets);
/* Return: 0, ENVELOPE_E_DAMAGED (not IPP, a needed attribute missing or too long), or -errno. */
int envelope_decode(const void *octets, size_t count, struct envelope *out);
