/* SPDX-License-Identifier: Apache-2.0 */
/* call - one IPP request as libcurl sees it: its options, its octets both ways, and what became of it. Inside lib/ipp
 * only; the loop is client.c's. */
#pragma once

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ipp/client.h"

/* What has moved so far; two equal marks mean that no octet went either way in between. */
struct call_mark {
	int64_t uploaded, downloaded, moved, connected;
};

struct client_call {
	struct client_call *next;
	struct client *client;
	client_done_fn *done;
	void *done_arg;
	sd_event_source *watch;
	int32_t tick_ms;
	bool added; /* libcurl has it */
	bool ended; /* its callback runs */

	CURL *easy;
	struct curl_slist *headers;
	char words[CURL_ERROR_SIZE];

	uint8_t *message; /* the IPP message, then the document from body() */
	size_t message_size, message_sent;
	client_read_fn *body;
	void *body_arg;
	bool body_begun;
	bool repeated; /* libcurl wanted to send the document again */

	uint8_t *answer;
	size_t answer_size, answer_room;
	size_t header_size;
	char challenge[32]; /* see client_reply */
	bool too_large;

	int fd; /* that it goes through now, -1 for none */
	int32_t stall_ms;
	struct call_mark mark;
	int64_t moved_ms; /* mono_ms() when the mark last changed */
	bool encrypted, literal; /* TLS is asked for; the host is an address, not a name */
	char pin[64]; /* asked for, "" for none */
};

/* Return: 0, -EINVAL, -EPERM or -ENOMEM, see client_send(). */
int call_new(const struct client_request *r, struct client_call **out);
void call_free(struct client_call *call);
bool call_is_stalled(struct client_call *call);
/* @out->ipp is then the caller's. */
void call_reply(struct client_call *call, CURLcode code, struct client_reply *out);

/* libcurl's code, with the errno of the last connect() and whether the name was found, in our words. */
enum client_fault call_fault(CURLcode code, long os_errno, bool resolved);
/* HTTP status, in our words. */
enum client_fault call_http_fault(long status);
/* "sha256//…" of a certificate's public key; "" if it cannot be read. @pem: text that contains the certificate. */
void call_pin(const char *pem, char *out, size_t size);
