/* SPDX-License-Identifier: Apache-2.0 */
/* serve - an IPP service over HTTPS: what server and terminal share.
 *
 * Threads: libmicrohttpd's pool does TLS, collects each request (bounded), decodes and checks it (request.h), and encodes
 * the answer. Passwords are checked by a thread of their own. All handlers run on ONE application thread, in groups:
 * begin(), the handlers of everything that waits, tick() when it is due, commit(), after(); only then the answers go out.
 * So a handler may read and write the application's state and its one database connection without locks, and no answer is
 * sent before what it says is on disk. If commit() fails, every answer of the group becomes server-error-service-unavailable.
 *
 * Who calls: a machine, by a client certificate of our CA (verified by GnuTLS on each connection; the certificate is
 * requested, not required), or a person, by HTTP Basic (verified once per connection), or somebody with an enrolment code
 * (HTTP Basic, user "enrol"). Whether a machine is still welcome is looked up by the application for each request.
 * RFC 8010, RFC 8011, RFC 7472 (ipps from the first octet, no upgrade). */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

struct serve;
struct serve_call;

/* Bits: who may call. None: everybody, without login. */
enum serve_who {
	SERVE_MACHINE = 1,
	SERVE_PERSON = 2,
	SERVE_CODE = 4,
};

struct serve_peer {
	unsigned who; /* one of the bits, 0: nobody knows */
	char uuid[64]; /* machine: "urn:uuid:…" from its certificate's SAN URI; else "" */
	char fingerprint[65]; /* machine: SHA-256 of the certificate, hex, lower case */
	int64_t cert_expires_s; /* machine: Unix UTC */
	char user[256]; /* person: as the application's verify() named it */
	char address[64]; /* numeric */
	uint64_t connection; /* number of the connection, never reused in this run */
};

/* ---- IPP operations ---- */

/* The handler's answer: an IPP status, or SERVE_PARKED: it answers later by serve_answer(). What it adds to
 * serve_reply() goes out with that status; serve_say() adds status-message. IPP_STATUS_ERROR_NOT_AUTHENTICATED goes out as
 * HTTP 401 and counts as a wrong password (a code that is unknown, used or over). */
enum { SERVE_PARKED = -1 };
typedef int serve_fn(void *app, struct serve_call *c);

struct serve_operation {
	int code; /* ipp_op_t, or ours (0x4F01) */
	unsigned who; /* bits of serve_who; any of them. 0: everybody */
	serve_fn *fn;
};

const struct serve_peer *serve_peer(const struct serve_call *c);
ipp_t *serve_request(const struct serve_call *c); /* decoded and checked; the call's */
ipp_t *serve_reply(const struct serve_call
		*c); /* charset and language are in it; groups must be added in order */
/* Path of the target URI in the request ("/ipp/print/Office"), percent-decoded, without job number; else the HTTP path. */
const char *serve_target(const struct serve_call *c);
int32_t serve_job_id(
	const struct serve_call *c); /* job-id, or the number at the end of job-uri; 0: none */
const char *serve_user(
	const struct serve_call *c); /* requesting-user-name as claimed, "" if absent */
const char *serve_secret(
	const struct serve_call *c); /* SERVE_CODE: the code; wiped with the call */
__attribute__((format(printf, 2, 3))) void serve_say(struct serve_call *c, const char *fmt, ...);
/* Attributes of the answer are limited to what requested-attributes asks for: true if @name (of group @group, as
 * "job-template", "job-description", "printer-description"…) is wanted. Absent means all. */
bool serve_wants(const struct serve_call *c, const char *name, const char *group);
/* Adds @attr of the request to the unsupported group: out of band "unsupported" (we do not know the attribute), or with
 * the values that it came with (we know it, but not these). At any time; serve puts the group where it belongs. */
void serve_unsupported(struct serve_call *c, ipp_attribute_t *attr);
void serve_unsupported_value(struct serve_call *c, ipp_attribute_t *attr);

/** serve_park() - the handler is about to return SERVE_PARKED
 * @timeout_ms: @wake is called then with @gone false. If the peer hangs up before (a sweep looks every 5 s), @wake is
 * called with @gone true: no answer is needed. Called on the application thread, within a group; @wake must end with
 * serve_answer() in both cases. At most one park per call. */
typedef void serve_wake_fn(void *arg, struct serve_call *c, bool gone);
void serve_park(struct serve_call *c, int32_t timeout_ms, serve_wake_fn *wake, void *arg);
/* On the application thread; the call is over for the caller. */
void serve_answer(struct serve_call *c, ipp_status_t status);

/** serve_post() - run @fn on the application thread, in a group, soon: for what another thread has found out
 * From any thread, until serve_free(). What is posted after serve_run() has ended never runs. */
typedef void serve_post_fn(void *app, void *arg);
void serve_post(struct serve *s, serve_post_fn *fn, void *arg);

/* ---- pages and resources: plain HTTP ---- */

struct serve_page_call;
struct serve_page {
	const char *method; /* "GET" (HEAD too) or "POST" */
	const char *
		path; /* exact, or a prefix when it ends with '/' ("/" alone is exact); the first that fits */
	unsigned who; /* as above; 0: everybody, the page has a login of its own */
	void (*fn)(void *app, struct serve_page_call *c);
};
const struct serve_peer *serve_page_peer(const struct serve_page_call *c);
const char *serve_page_path(const struct serve_page_call *c);
/* A field of a posted form (application/x-www-form-urlencoded, at most 64 fields, 64 KiB), of the query, a cookie or a
 * request header; NULL if absent. Borrowed. */
const char *serve_page_field(const struct serve_page_call *c, const char *name);
const char *serve_page_cookie(const struct serve_page_call *c, const char *name);
const char *serve_page_header(const struct serve_page_call *c, const char *name);
/* A password that a form brought is verified off the application thread: fn returns without an answer and runs again when
 * that is known; serve_page_verified() then says "" (wrong), the account's name, or NULL (not asked yet). Too many wrong
 * ones from that address: serve answers 429 itself. */
void serve_page_verify(struct serve_page_call *c, const char *user, const char *password);
const char *serve_page_verified(const struct serve_page_call *c);
/* Each fn must answer once (or ask for verification): @octets are copied. Security headers (CSP default-src 'self',
 * no-store unless an ETag is given, nosniff, frame-ancestors 'none', HSTS) are added by serve; a header that is set
 * replaces serve's of that name (Set-Cookie is added each time). With an ETag that If-None-Match names, 200 becomes 304. */
void serve_page_answer(struct serve_page_call *c, unsigned http_status, const char *type,
	const void *octets, size_t count);
int serve_page_set_header(struct serve_page_call *c, const char *name, const char *value);

/* ---- the service ---- */

struct serve_config {
	/* IPP: client certificates are requested here. @port 0: any free one. */
	const char *address; /* numeric, "" for all */
	uint16_t port;
	/* Web pages: no certificate request. @web: false for none. */
	bool web;
	uint16_t web_port;
	const char *cert_pem, *key_pem; /* server's chain, ours first, then the CA; its key */
	const char *ca_pem; /* of the machines */
	const struct serve_operation *const
		*operations; /* tables, each ended by code 0; list ended by NULL */
	const struct serve_page *const
		*pages; /* of the IPP port (resources); tables ended by method NULL */
	const struct serve_page *const *web_pages;
	unsigned threads; /* of the pool, 0: 2 */
	unsigned
		connections_max; /* 0: 20000; at most half of them from one address. Descriptors: RLIMIT_NOFILE is the caller's */
	int32_t request_max; /* octets of a request without document; 0: 65536 */
	int32_t request_ms; /* for a handshake or a request to be complete; 0: 30000 */

	void *app;
	/* Each may be NULL. begin: 0, or -errno: no handler runs, everything is answered as after a failed commit. */
	int (*begin)(void *app);
	int (*commit)(void *app);
	void (*after)(void *app,
		bool committed); /* before the answers of the group go out; may serve_answer() more of them */
	void (*tick)(void *app); /* in a group, every tick_ms */
	int32_t tick_ms; /* 0: 1000 */
	/** verify - is that the password? Runs on the password thread, NOT on the application's: own database connection.
	 * @from: the address, numeric. @canonical: the account's name. NULL: no passwords. Return: 1 yes, 0 no, -errno (answered 503). */
	int (*verify)(void *arg, const char *user, const char *password, const char *from,
		char *canonical, size_t size);
	void *verify_arg;
};

/* 0, or -errno: -EADDRINUSE, -EINVAL (certificate or key cannot be used). Listening when it returns. */
int serve_new(const struct serve_config *config, struct serve **out);
uint16_t serve_port(const struct serve *s);
uint16_t serve_web_port(const struct serve *s);
/* Runs the application thread's loop in the calling thread until serve_stop(), which may be called from a signal handler. */
int serve_run(struct serve *s);
void serve_stop(struct serve *s);
void serve_free(struct serve *s);
AUTO_DEFINE(struct serve *, serve_free)
