/* SPDX-License-Identifier: Apache-2.0 */
/* client - IPP requests over HTTP(S) without blocking: libcurl's multi interface on an sd-event loop.
 *
 * One client serves the whole daemon. TLS: a server is known by the SHA-256 of its public key ("sha256//base64", as
 * CURLOPT_PINNEDPUBLICKEY); with no pin given, any certificate passes and the reply tells its pin, so that the caller
 * decides: requests that carry a secret or a document are only made with a pin.
 * The program ignores SIGPIPE: not every TLS library under libcurl keeps it away. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <systemd/sd-event.h>

#include "base/auto.h"

struct client;
struct client_call;

/* How a call ended, as far as failover needs to know (ARCHITECTURE decision 10). */
enum client_fault {
	CLIENT_OK = 0, /* an IPP answer is there: look at its status */
	CLIENT_REFUSED, /* every address refused the connection */
	CLIENT_NO_ROUTE, /* network or host unreachable, or the name does not resolve (in time); also a host of our own
			     * subnet that is switched off: the kernel says so after 3 s without an answer to ARP */
	CLIENT_SILENT, /* no answer in time (connecting, or after it) */
	CLIENT_CUT, /* the connection broke before the answer was complete */
	CLIENT_TLS, /* no TLS there, or a handshake failure */
	CLIENT_PIN, /* another public key than the pinned one */
	CLIENT_AUTH, /* HTTP 401 or 403 */
	CLIENT_HTTP, /* another HTTP status than 200; 5xx of a gateway included */
	CLIENT_GARBAGE, /* 200, but no IPP answer that can be read */
	CLIENT_BODY, /* the caller's read function failed, or this side lacks memory: not the peer's doing */
	CLIENT_CANCELED, /* client_cancel() */
};
const char *client_fault_name(enum client_fault f); /* "refused", "silent", … */

/* Gives the next document octets: up to @size into @buf, 0 at the end, -errno to break off. It must not wait, and calls
 * nothing of this header. After breaking off, the peer may print what it has: see docs/ipp-client.md. */
typedef ssize_t client_read_fn(void *arg, void *buf, size_t size);

struct client_request {
	const char *
		uri; /* ipp:// or ipps://, normalised (core/uri.h); its host also names the peer in TLS */
	const char *socket_path; /* AF_UNIX socket of cupsd instead of TCP; NULL for the network */
	const char *user,
		*password; /* HTTP Basic, only over ipps with a pin, else -EPERM; NULL for none */
	const char *pin; /* NULL or "": none known; only with ipps, else -EINVAL */
	bool peercred; /* Authorization: PeerCred with our own user name (local cupsd); needs socket_path */
	int32_t connect_ms; /* limit of name look-up and connection; 0: 5000 */
	/* No octet either way for this long is CLIENT_SILENT, found up to a quarter later; 0: 30000. What counts is what
	 * the peer's kernel takes; a printer may take all of a document and answer only when it has printed: minutes
	 * for Send-Document. */
	int32_t stall_ms;
	int32_t total_ms; /* the whole call; 0: no limit. Set it for questions: a peer may drip octets for days */
	ipp_t *ipp; /* borrowed during the call of client_send() only */
	client_read_fn *body; /* document that follows the message, NULL for none */
	void *body_arg;
};

struct client_reply {
	enum client_fault fault;
	long http_status; /* 0 if none came */
	ipp_t *ipp; /* the answer if fault is CLIENT_OK; the client's, gone after the callback */
	ipp_status_t status; /* its status code */
	bool body_begun; /* at least one document octet was handed to the network; never false when one left */
	bool encrypted;
	char pin[64]; /* of the peer met, after CLIENT_PIN too; "" without TLS */
	char detail[256]; /* libcurl's words, for the log */
	char challenge
		[32]; /* the login that a 401 asks for: "Basic" if that is offered, else the first
			     * scheme of WWW-Authenticate (RFC 9110 11.6.1); "" if none was told */
	int32_t connect_ms; /* time to connect, -1 if it did not */
};
typedef void client_done_fn(void *arg, const struct client_reply *reply);

int client_new(sd_event *loop, struct client **out);
/* Every call under way is dropped without its callback. Not from within a callback. */
void client_free(struct client *c);
AUTO_DEFINE(struct client *, client_free)

/** client_send() - start a call; @done is called once, from the loop, never from within client_send()
 * @call: receives a handle for client_cancel(), valid until @done returned; may be NULL
 * Questions (Get-…) may go over a connection kept open; everything else has one of its own, so that libcurl cannot repeat
 * it when a kept one turns out to be dead.
 * Return: 0, or -errno with @done never called (-EINVAL: URI, pin or user name; -EPERM: a password without TLS and
 * pin, or we have no user name; -ENOMEM). */
int client_send(struct client *c, const struct client_request *r, client_done_fn *done, void *arg,
	struct client_call **call);
/* Ends the call; its callback is not called. From within a callback too, the call's own included (then without effect). */
void client_cancel(struct client_call *call);
