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

enum { CALL_TURNS = 64 };

struct client_call {
	struct client_call *next;
	struct client *client;
	void (*tell)(
		struct client_call *call, CURLcode code); /* the end, to one of the next three */
	client_done_fn *done;
	client_got_fn *got;
	client_chain_fn *met;
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
	size_t answer_size, answer_room, answer_max;
	size_t header_size;
	char etag[128], wanted[64],
		header[512]; /* of client_get(): what is wanted, and its value */
	char challenge[32]; /* see client_reply */
	bool too_large;

	int fd; /* that it goes through now, -1 for none */
	int32_t stall_ms;
	struct call_mark mark;
	int64_t moved_ms; /* mono_ms() when the mark last changed */
	bool encrypted, literal; /* TLS is asked for; the host is an address, not a name */
	char pin[64]; /* asked for, "" for none */
	bool verified; /* by the CA of an identity */
	char *cert_file, *key_file; /* that we show, NULL for none */
	bool unfit; /* its certificate is of the CA, but not for servers, or another server's */
	const char *unfit_why; /* a constant */
	char server_uuid[64]; /* "": any server of the CA */
};

#define CALL_SET(call, option, value) \
	do { \
		if (curl_easy_setopt((call)->easy, option, value)) \
			return -ENOMEM; \
	} while (0)

/* @turn: counts the certificates that @r->identity had. @r->ipp NULL: nothing is posted, the caller sets what is asked.
 * Return: 0, -EINVAL, -EPERM or -ENOMEM, see client_send(). */
int call_new(const struct client_request *r, unsigned turn, struct client_call **out);
/* Into the loop. It is freed when this fails. 0 or -errno. */
int client_start(struct client *c, struct client_call *call, struct client_call **out);
/* Out of libcurl's hands, before the caller is told: its callback may do anything. */
void client_leave(struct client_call *call);
unsigned client_turn(struct client *c, const struct client_identity *id);
void call_free(struct client_call *call);
bool call_is_stalled(struct client_call *call);
/* @out->ipp is then the caller's. */
void call_reply(struct client_call *call, CURLcode code, struct client_reply *out);

/* Fault, status and detail of the end; nothing of the answer. */
void call_end(struct client_call *call, CURLcode code, struct client_reply *out);

/* libcurl's code, with the errno of the last connect() and whether the name was found, in our words. */
enum client_fault call_fault(CURLcode code, long os_errno, bool resolved);
/* HTTP status, in our words. */
enum client_fault call_http_fault(long status);
/* ---- call-tls.c ---- */
int call_set_tls(struct client_call *call, const struct client_identity *id, unsigned turn);
bool call_is_pin(const char *pin);
void call_peer_pin(struct client_call *call, char *out, size_t size);
/* The chain that the peer showed, its own first: borrowed from libcurl. Returns how many. */
size_t call_chain(struct client_call *call, const char **pem, size_t max);
/* What @f is when a server of ours was asked. */
enum client_fault call_verified_fault(struct client_call *call, CURLcode code, enum client_fault f);
void call_verified_words(struct client_call *call, struct client_reply *out);
/* "sha256//…" of a certificate's public key; "" if it cannot be read. @pem: text that contains the certificate. */
void call_pin(const char *pem, char *out, size_t size);
