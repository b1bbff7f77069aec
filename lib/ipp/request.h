/* SPDX-License-Identifier: Apache-2.0 */
/* request - an IPP request from outside, checked by RFC 8011 4.1 before any handler sees it; a pure function. */
#pragma once

#include <cups/ipp.h>
#include <stddef.h>
#include <stdint.h>

struct request {
	ipp_t *ipp; /* decoded; NULL when it could not be */
	int operation;
	char target[512]; /* path of the target URI, decoded; without a job's number */
	int32_t job_id;
	char user[256]; /* requesting-user-name, cleaned; "" */
};

/** request_read() - decode and check @octets
 * Version 1.x or 2.x (else 0x0503), attributes-charset first and utf-8 or us-ascii (0x0400, 0x040D), natural language
 * second, one target (printer-uri, system-uri, job-uri) with a path, job-id with printer-uri, no operation attribute
 * twice, request-id > 0, caps of wire.h.
 * @why: text for status-message, "" if good
 * Return: IPP_STATUS_OK, or the status to answer with; @out->ipp is then still the caller's to delete. */
ipp_status_t request_read(
	const void *octets, size_t count, struct request *out, char *why, size_t why_size);
/* The answer's frame: version and request-id of @request (may be NULL), charset, language. NULL without memory. */
ipp_t *request_answer(ipp_t *request, ipp_status_t status);
