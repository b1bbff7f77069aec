/* SPDX-License-Identifier: Apache-2.0 */
/* client - IPP requests over HTTP(S) without blocking: libcurl's multi interface on an sd-event loop.
 *
 * One client serves the whole daemon. TLS: a server is known by the SHA-256 of its public key ("sha256//base64", as
 * CURLOPT_PINNEDPUBLICKEY); with no pin given, any certificate passes and the reply tells its pin, so that the caller
 * decides: requests that carry a secret or a document are only made with a pin.
 * A server of our own is known by its CA and its name instead, and knows us by our certificate: struct client_identity.
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
	CLIENT_PIN, /* another public key than the pinned one; with an identity: not a certificate of its CA for this
			      * name, or expired, or not for servers. Nothing was sent, and nothing is to be tried elsewhere */
	CLIENT_AUTH, /* HTTP 401 or 403 */
	CLIENT_HTTP, /* another HTTP status than 200; 5xx of a gateway included */
	CLIENT_GARBAGE, /* 200, but no IPP answer that can be read */
	CLIENT_BODY, /* the caller's read function failed, this side lacks memory, or our certificate or key cannot be
			* used: not the peer's doing */
	CLIENT_CANCELED, /* client_cancel() */
};
const char *client_fault_name(enum client_fault f); /* "refused", "silent", … */

/* Gives the next document octets: up to @size into @buf, 0 at the end, -errno to break off. It must not wait, and calls
 * nothing of this header. After breaking off, the peer may print what it has: see docs/ipp-client.md. */
typedef ssize_t client_read_fn(void *arg, void *buf, size_t size);

/* Paths. The files are read at each handshake, so that renewing them needs no word to us. */
struct client_identity {
	const char *ca_file; /* the only CAs that count */
	const char *cert_file, *key_file; /* ours; both NULL: we have none yet */
	const char *
		server_uuid; /* what its certificate must name, "urn:uuid:…"; NULL: not known yet */
};

struct client_request {
	const char *
		uri; /* ipp:// or ipps://, normalised (core/uri.h); its host also names the peer in TLS */
	const char *socket_path; /* AF_UNIX socket of cupsd instead of TCP; NULL for the network */
	const char *user,
		*password; /* HTTP Basic, only over ipps with a pin or an identity, else -EPERM; NULL for none */
	const char *pin; /* NULL or "": none known; only with ipps and no identity, else -EINVAL */
	const struct client_identity
		*identity; /* NULL: the peer is no server of ours; only with ipps */
	bool repeatable; /* its peer takes it twice without harm: it may use a kept connection; not with body */
	bool peercred; /* Authorization: PeerCred with our own user name (local cupsd); needs socket_path */
	int32_t connect_ms; /* limit of name look-up and connection; 0: 5000 */
	/* No octet either way for this long is CLIENT_SILENT, found up to a quarter later; 0: 30000. What counts is what
	 * the peer's kernel takes; a printer may take all of a document and answer only when it has printed: minutes
	 * for Send-Document. */
	int32_t stall_ms;
	int32_t total_ms; /* the whole call; 0: no limit. Set it for questions: a peer may drip octets for days */
	/* How long a document waits for "100 Continue", by which a peer can refuse it before it has any of it; 0: 100, the most. Many
	 * printers never say it: short, where the peer took Create-Job a moment ago. */
	int32_t expect_ms;
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
/* It was done (RFC 8011 B.1.2: successful-xxx). */
static inline bool client_is_good(const struct client_reply *reply)
{
	return reply->fault == CLIENT_OK && reply->status <= IPP_STATUS_OK_EVENTS_COMPLETE;
}

int client_new(sd_event *loop, struct client **out);
/* Every call under way is dropped without its callback. Not from within a callback. */
void client_free(struct client *c);
AUTO_DEFINE(struct client *, client_free)

/** client_send() - start a call; @done is called once, from the loop, never from within client_send()
 * @call: receives a handle for client_cancel(), valid until @done returned; may be NULL
 * Questions (Get-…) and what is repeatable may go over a connection kept open; everything else has one of its own, so that
 * libcurl cannot repeat it when a kept one turns out to be dead.
 * Return: 0, or -errno with @done never called (-EINVAL: URI, pin or user name; -EPERM: a password without TLS and
 * pin, or we have no user name; -ENOMEM). */
int client_send(struct client *c, const struct client_request *r, client_done_fn *done, void *arg,
	struct client_call **call);
/* ---- a document by GET, from a server of ours ---- */

enum { CLIENT_GET_MAX = 1 << 20 };

struct client_get {
	const char *uri; /* ipps://host:port/path */
	const struct client_identity *identity; /* required */
	const char *if_none_match; /* an ETag as it came, or NULL */
	const char *header; /* name of a field of the answer that is wanted, or NULL */
	const char *field; /* a header field of ours, "Name: value", or NULL */
	size_t octets_max; /* of the answer; 0: CLIENT_GET_MAX */
	int32_t connect_ms, stall_ms, total_ms; /* as in client_request */
};

struct client_got {
	enum client_fault
		fault; /* CLIENT_OK: status 200 or 304; more than octets_max are CLIENT_GARBAGE */
	long http_status;
	const uint8_t *octets; /* gone after the callback; NULL when there are none */
	size_t count;
	char etag[128], header[512]; /* "" if absent or longer */
	char detail[256];
};
typedef void client_got_fn(void *arg, const struct client_got *got);
/* As client_send(). -EINVAL also: a header name or ETag that is none. */
int client_get(struct client *c, const struct client_get *g, client_got_fn *done, void *arg,
	struct client_call **call);

/* ---- the chain of a server that nobody knows yet ---- */

enum { CLIENT_CHAIN_MAX = 8 };

struct client_chain {
	enum client_fault fault;
	const char *pem[CLIENT_CHAIN_MAX]; /* the server's own first; gone after the callback */
	size_t count;
	char detail[256];
};
typedef void client_chain_fn(void *arg, const struct client_chain *chain);
/* Connects, verifies nothing, shows nothing, sends nothing after the handshake. As client_send(); @connect_ms 0: 5000. */
int client_chain(struct client *c, const char *uri, int32_t connect_ms, client_chain_fn *done,
	void *arg, struct client_call **call);

/* Ends the call; its callback is not called. From within a callback too, the call's own included (then without effect). */
void client_cancel(struct client_call *call);
