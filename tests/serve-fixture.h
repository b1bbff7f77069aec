/* SPDX-License-Identifier: Apache-2.0 */
/* serve-fixture - a CA with certificates good and bad, a service with a few operations and pages on a free port, and a
 * libcurl client that looks at everything. */
#pragma once

#include <arpa/inet.h>
#include <curl/curl.h>
#include <errno.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <time.h>

#include "base/mono.h"
#include "core/wire.h"
#include "ipp/serve.h"
#include "tap.h"

#define UUID_A "urn:uuid:11111111-2222-4333-8444-555555555555"
#define UUID_B "urn:uuid:99999999-2222-4333-8444-555555555555"

/* ---- certificates ---- */

struct pair {
	gnutls_x509_crt_t crt;
	gnutls_x509_privkey_t key;
	char cert_file[128], key_file[128];
	char *pem, *key_pem; /* the chain */
};

struct wish {
	const char *name, *uri, *eku;
	int from_s, until_s; /* from now */
	bool ca;
};

static char pki_dir[64];

static inline char *pki_text(int rc, gnutls_datum_t d)
{
	char *text = rc < 0 ? NULL : strndup((char *)d.data, d.size);

	gnutls_free(d.data);
	return text;
}

static inline void pki_write(char path[128], const char *name, const char *kind, const char *text)
{
	FILE *f;

	snprintf(path, 128, "%s/%s.%s", pki_dir, name, kind);
	f = fopen(path, "w");
	if (!f || fputs(text, f) < 0 || fclose(f))
		abort();
}

static inline void pki_name(gnutls_x509_crt_t crt, const struct wish *w)
{
	gnutls_x509_crt_set_dn_by_oid(
		crt, GNUTLS_OID_X520_COMMON_NAME, 0, w->name, (unsigned)strlen(w->name));
	if (w->uri)
		gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_URI, w->uri, (unsigned)strlen(w->uri), GNUTLS_FSAN_APPEND);
	if (w->eku && !strcmp(w->eku, GNUTLS_KP_TLS_WWW_SERVER))
		gnutls_x509_crt_set_subject_alt_name(
			crt, GNUTLS_SAN_IPADDRESS, "\x7f\0\0\1", 4, GNUTLS_FSAN_APPEND);
	if (w->eku)
		gnutls_x509_crt_set_key_purpose_oid(crt, w->eku, 0);
}

/* @by NULL: signs itself. */
static inline struct pair *pki_make(struct wish w, const struct pair *by)
{
	struct pair *p = calloc(1, sizeof(*p));
	gnutls_datum_t d = {0};
	static unsigned char serial;
	char *own;

	serial++;
	gnutls_x509_privkey_init(&p->key);
	gnutls_x509_privkey_generate(
		p->key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	gnutls_x509_crt_init(&p->crt);
	gnutls_x509_crt_set_version(p->crt, 3);
	gnutls_x509_crt_set_serial(p->crt, &serial, 1);
	gnutls_x509_crt_set_activation_time(p->crt, time(NULL) + w.from_s);
	gnutls_x509_crt_set_expiration_time(p->crt, time(NULL) + w.until_s);
	gnutls_x509_crt_set_key(p->crt, p->key);
	gnutls_x509_crt_set_basic_constraints(p->crt, w.ca, -1);
	pki_name(p->crt, &w);
	if (gnutls_x509_crt_sign2(
		    p->crt, by ? by->crt : p->crt, by ? by->key : p->key, GNUTLS_DIG_SHA256, 0) < 0)
		abort();
	own = pki_text(gnutls_x509_crt_export2(p->crt, GNUTLS_X509_FMT_PEM, &d), d);
	if (!own || asprintf(&p->pem, "%s%s", own, by ? by->pem : "") < 0)
		abort();
	free(own);
	p->key_pem = pki_text(gnutls_x509_privkey_export2(p->key, GNUTLS_X509_FMT_PEM, &d), d);
	pki_write(p->cert_file, w.name, "crt", p->pem);
	pki_write(p->key_file, w.name, "key", p->key_pem);
	return p;
}

static inline void pki_free(struct pair *p)
{
	gnutls_x509_crt_deinit(p->crt);
	gnutls_x509_privkey_deinit(p->key);
	unlink(p->cert_file);
	unlink(p->key_file);
	free(p->pem);
	free(p->key_pem);
	free(p);
}

static struct pki {
	struct pair *ca, *foreign_ca, *server;
	struct pair *good, *other, *foreign, *expired, *early, *no_eku, *no_uri, *bad_uri;
} pki;

static inline void pki_start(void)
{
	const char *eku = GNUTLS_KP_TLS_WWW_CLIENT;
	enum { DAY = 86400 };

	snprintf(pki_dir, sizeof(pki_dir), "/tmp/test-serve-XXXXXX");
	if (!mkdtemp(pki_dir))
		abort();
	pki.ca = pki_make((struct wish){"ca", .from_s = -DAY, .until_s = DAY, .ca = true}, NULL);
	pki.foreign_ca = pki_make(
		(struct wish){"foreign-ca", .from_s = -DAY, .until_s = DAY, .ca = true}, NULL);
	pki.server = pki_make(
		(struct wish){"server", UUID_B, GNUTLS_KP_TLS_WWW_SERVER, -DAY, DAY}, pki.ca);
	pki.good = pki_make((struct wish){"good", UUID_A, eku, -DAY, DAY}, pki.ca);
	pki.other = pki_make((struct wish){"other", UUID_B, eku, -DAY, DAY}, pki.ca);
	pki.foreign = pki_make((struct wish){"foreign", UUID_A, eku, -DAY, DAY}, pki.foreign_ca);
	pki.expired = pki_make((struct wish){"expired", UUID_A, eku, -DAY, -60}, pki.ca);
	pki.early = pki_make((struct wish){"early", UUID_A, eku, 3600, DAY}, pki.ca);
	pki.no_eku = pki_make((struct wish){"no-eku", UUID_A, NULL, -DAY, DAY}, pki.ca);
	pki.no_uri = pki_make((struct wish){"no-uri", NULL, eku, -DAY, DAY}, pki.ca);
	pki.bad_uri = pki_make((struct wish){"bad-uri", "urn:uuid:../etc", eku, -DAY, DAY}, pki.ca);
}

static inline void pki_end(void)
{
	for (struct pair **p = (struct pair **)&pki; p < (struct pair **)(&pki + 1); p++)
		pki_free(*p);
	rmdir(pki_dir);
}

/* ---- the application ---- */

struct shop {
	struct serve *s;
	pthread_t thread;
	bool commit_fails, begin_fails;
	atomic_int groups, afters, ticks, handled, parked, gone, timed_out, verified, waits_max,
		slow_ms;
	atomic_int last_said_gone;
	struct serve_call *waiting[20000];
	atomic_int verify_ms;
	atomic_bool verify_broken;
};
static struct shop shop;

static inline void fixture_nap(int ms)
{
	poll(NULL, 0, ms);
}

/* True once @cond holds, at most 10 s later. */
#define SOON(cond) \
	({ \
		int64_t until_ = mono_ms() + 10000; \
		while (!(cond) && mono_ms() < until_) \
			fixture_nap(2); \
		(cond); \
	})

static inline int shop_who(void *app, struct serve_call *c)
{
	const struct serve_peer *p = serve_peer(c);
	ipp_t *r = serve_reply(c);

	(void)app;
	shop.handled++;
	if (shop.slow_ms)
		fixture_nap(shop.slow_ms);
	ippAddInteger(r, IPP_TAG_PRINTER, IPP_TAG_INTEGER, "who", (int)p->who);
	ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, "uuid", NULL, p->uuid);
	ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, "fingerprint", NULL, p->fingerprint);
	ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, "person", NULL, p->user);
	ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, "claimed", NULL, serve_user(c));
	ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, "target", NULL, serve_target(c));
	ippAddString(r, IPP_TAG_PRINTER, IPP_TAG_NAME, "address", NULL, p->address);
	ippAddInteger(r, IPP_TAG_PRINTER, IPP_TAG_INTEGER, "job", serve_job_id(c));
	ippAddBoolean(r, IPP_TAG_PRINTER, "wants-a", serve_wants(c, "a", "job-template"));
	ippAddBoolean(r, IPP_TAG_PRINTER, "wants-b", serve_wants(c, "b", "job-description"));
	return IPP_STATUS_OK;
}

static inline int shop_print(void *app, struct serve_call *c)
{
	ipp_attribute_t *attr = ippFindAttribute(serve_request(c), "copies", IPP_TAG_ZERO);

	(void)app;
	ippAddInteger(serve_reply(c), IPP_TAG_JOB, IPP_TAG_INTEGER, "job-id", 1);
	serve_say(c, "Print from a workstation.");
	if (attr)
		serve_unsupported(c, attr);
	attr = ippFindAttribute(serve_request(c), "sides", IPP_TAG_ZERO);
	if (attr)
		serve_unsupported_value(c, attr);
	return IPP_STATUS_ERROR_NOT_POSSIBLE;
}

static inline void shop_woken(void *arg, struct serve_call *c, bool gone)
{
	int at = (int)(intptr_t)arg;

	shop.waiting[at] = NULL;
	shop.parked--;
	if (gone)
		shop.gone++;
	else
		shop.timed_out++;
	serve_answer(c, IPP_STATUS_OK_EVENTS_COMPLETE);
}

static inline int shop_wait(void *app, struct serve_call *c)
{
	ipp_attribute_t *attr = ippFindAttribute(serve_request(c), "wait-ms", IPP_TAG_INTEGER);
	int at = 0;

	(void)app;
	while (shop.waiting[at])
		at++;
	shop.waiting[at] = c;
	shop.parked++;
	serve_park(c, attr ? ippGetInteger(attr, 0) : 55000, shop_woken, (void *)(intptr_t)at);
	return SERVE_PARKED;
}

static inline int shop_wake(void *app, struct serve_call *c)
{
	int woken = 0;

	(void)app;
	for (size_t i = 0; i < sizeof(shop.waiting) / sizeof(*shop.waiting); i++)
		if (shop.waiting[i]) {
			struct serve_call *w = shop.waiting[i];

			shop.waiting[i] = NULL;
			shop.parked--;
			woken++;
			ippAddInteger(serve_reply(w), IPP_TAG_EVENT_NOTIFICATION, IPP_TAG_INTEGER,
				"notify-sequence-number", 7);
			serve_answer(w, IPP_STATUS_OK);
		}
	ippAddInteger(serve_reply(c), IPP_TAG_PRINTER, IPP_TAG_INTEGER, "woken", woken);
	return IPP_STATUS_OK;
}

static inline int shop_enrol(void *app, struct serve_call *c)
{
	(void)app;
	if (!strcmp(serve_secret(c), "GOODCODE"))
		return IPP_STATUS_OK;
	return IPP_STATUS_ERROR_NOT_AUTHENTICATED;
}

static inline void page_hello(void *app, struct serve_page_call *c)
{
	char text[1200];
	const char *name = serve_page_field(c, "name"), *cookie = serve_page_cookie(c, "session");

	(void)app;
	snprintf(text, sizeof(text), "path=%s name=%s cookie=%s", serve_page_path(c),
		name ? name : "-", cookie ? cookie : "-");
	serve_page_set_header(c, "Set-Cookie", "session=abc; Secure; HttpOnly; SameSite=Strict");
	serve_page_answer(c, 200, "text/html; charset=utf-8", text, strlen(text));
}

static inline void page_login_form(void *app, struct serve_page_call *c)
{
	const char *who = serve_page_verified(c);

	(void)app;
	if (!who) {
		const char *user = serve_page_field(c, "user"),
			   *word = serve_page_field(c, "password");

		serve_page_verify(c, user ? user : "", word ? word : "");
		return;
	}
	serve_page_answer(c, *who ? 200 : 403, "text/plain", who, strlen(who));
}

static inline void page_policy(void *app, struct serve_page_call *c)
{
	(void)app;
	serve_page_set_header(c, "ETag", "\"7\"");
	serve_page_answer(c, 200, "application/json", "{}", 2);
}

static inline void page_silent(void *app, struct serve_page_call *c)
{
	(void)app;
	(void)c;
}

static const struct serve_operation shop_operations[] = {
	{IPP_OP_GET_PRINTER_ATTRIBUTES, SERVE_MACHINE | SERVE_PERSON, shop_who},
	{IPP_OP_GET_JOBS, SERVE_PERSON, shop_who},
	{IPP_OP_FETCH_JOB, SERVE_MACHINE, shop_who},
	{IPP_OP_CUPS_GET_DEFAULT, 0, shop_who},
	{IPP_OP_PRINT_JOB, SERVE_MACHINE | SERVE_PERSON, shop_print},
	{IPP_OP_GET_NOTIFICATIONS, SERVE_MACHINE | SERVE_PERSON, shop_wait},
	{IPP_OP_CANCEL_JOB, SERVE_MACHINE, shop_wake},
	{IPP_OP_REGISTER_OUTPUT_DEVICE, SERVE_MACHINE | SERVE_CODE, shop_enrol},
	{0},
};
static const struct serve_operation *const shop_tables[] = {shop_operations, NULL};
static const struct serve_page shop_resources[] = {
	{"GET", "/ipp/res/policy", SERVE_MACHINE, page_policy}, {NULL}};
static const struct serve_page *const shop_resource_tables[] = {shop_resources, NULL};
static const struct serve_page shop_web[] = {{"GET", "/", 0, page_hello},
	{"GET", "/hello/", 0, page_hello}, {"POST", "/form", 0, page_hello},
	{"POST", "/login", 0, page_login_form}, {"GET", "/silent", 0, page_silent},
	{"GET", "/policy", 0, page_policy}, {NULL}};
static const struct serve_page *const shop_web_tables[] = {shop_web, NULL};

static inline int shop_begin(void *app)
{
	(void)app;
	shop.groups++;
	return shop.begin_fails ? -EIO : 0;
}

static inline int shop_commit(void *app)
{
	(void)app;
	return shop.commit_fails ? -EIO : 0;
}

static inline void shop_after(void *app, bool committed)
{
	(void)app;
	shop.afters += committed;
}

static inline void shop_tick(void *app)
{
	(void)app;
	shop.ticks++;
}

static inline int shop_verify(void *arg, const char *user, const char *password, const char *from,
	char *canonical, size_t size)
{
	(void)arg;
	shop.verified++;
	if (!*from)
		return -EINVAL;
	if (shop.verify_ms)
		fixture_nap(shop.verify_ms);
	if (shop.verify_broken)
		return -EIO;
	if (strcasecmp(user, "anna") != 0 || strcmp(password, "right") != 0)
		return 0;
	snprintf(canonical, size, "anna");
	return 1;
}

static inline void *shop_run(void *arg)
{
	serve_run(arg);
	return NULL;
}

static inline struct serve_config shop_config(void)
{
	return (struct serve_config){.address = "127.0.0.1",
		.web = true,
		.cert_pem = pki.server->pem,
		.key_pem = pki.server->key_pem,
		.ca_pem = pki.ca->pem,
		.operations = shop_tables,
		.pages = shop_resource_tables,
		.web_pages = shop_web_tables,
		.begin = shop_begin,
		.commit = shop_commit,
		.after = shop_after,
		.tick = shop_tick,
		.verify = shop_verify};
}

static inline void shop_open(struct serve_config config)
{
	memset(&shop, 0, sizeof(shop));
	if (serve_new(&config, &shop.s) || pthread_create(&shop.thread, NULL, shop_run, shop.s))
		abort();
}

static inline void shop_close(void)
{
	serve_stop(shop.s);
	pthread_join(shop.thread, NULL);
	serve_free(shop.s);
}

/* ---- the client ---- */

struct ask {
	const struct pair *cert; /* NULL: none */
	const char *login; /* "user:password" */
	const char *method, *path; /* POST of IPP to /ipp/system if NULL */
	bool web, chunked;
	const char *type;
	const char *header[4];
	const void *body;
	size_t octets;
	CURL *curl; /* a kept connection; else a new one */
	const char *from; /* own address */
	long tls_max; /* CURL_SSLVERSION_MAX_… */
};

struct got {
	CURLcode rc;
	long http;
	int status; /* IPP */
	char message[512];
	ipp_t *ipp;
	char *body;
	size_t octets;
	char headers[8192];
};

static inline void got_free(struct got *g)
{
	ippDelete(g->ipp);
	free(g->body);
}
#define GOT AUTO(got_free) struct got

static inline size_t got_body(char *data, size_t one, size_t count, void *arg)
{
	struct got *g = arg;

	g->body = realloc(g->body, g->octets + count * one + 1);
	memcpy(g->body + g->octets, data, count * one);
	g->octets += count * one;
	g->body[g->octets] = '\0';
	return count * one;
}

static inline size_t got_header(char *data, size_t one, size_t count, void *arg)
{
	struct got *g = arg;
	size_t used = strlen(g->headers);

	snprintf(g->headers + used, sizeof(g->headers) - used, "%.*s", (int)(one * count), data);
	return one * count;
}

static inline void ask_where(CURL *curl, const struct ask *a, char *url, size_t size)
{
	snprintf(url, size, "https://127.0.0.1:%u%s",
		a->web ? serve_web_port(shop.s) : serve_port(shop.s),
		a->path ? a->path : "/ipp/system");
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_CAINFO, pki.ca->cert_file);
	curl_easy_setopt(
		curl, CURLOPT_CAPATH, NULL); /* else it reads the system's for each connection */
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, 30000L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	if (a->cert) {
		curl_easy_setopt(curl, CURLOPT_SSLCERT, a->cert->cert_file);
		curl_easy_setopt(curl, CURLOPT_SSLKEY, a->cert->key_file);
	}
	if (a->login) {
		curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
		curl_easy_setopt(curl, CURLOPT_USERPWD, a->login);
	}
	if (a->from)
		curl_easy_setopt(curl, CURLOPT_INTERFACE, a->from);
	if (a->tls_max)
		curl_easy_setopt(curl, CURLOPT_SSLVERSION, a->tls_max);
}

static inline struct curl_slist *ask_what(CURL *curl, const struct ask *a)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Expect:");
	char type[128];

	if (a->body) {
		snprintf(type, sizeof(type), "Content-Type: %s",
			a->type ? a->type : "application/ipp");
		headers = curl_slist_append(headers, type);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, a->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)a->octets);
	}
	if (a->chunked)
		headers = curl_slist_append(headers, "Transfer-Encoding: chunked");
	for (size_t i = 0; i < 4 && a->header[i]; i++)
		headers = curl_slist_append(headers, a->header[i]);
	if (a->method && !strcmp(a->method, "HEAD"))
		curl_easy_setopt(curl, CURLOPT_NOBODY, 1L);
	else if (a->method)
		curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, a->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	return headers;
}

static inline struct got ask(struct ask a)
{
	CURL *curl = a.curl ? a.curl : curl_easy_init();
	struct got g = {.status = -1};
	struct curl_slist *headers;
	ipp_attribute_t *said;
	char url[256];

	curl_easy_reset(curl);
	ask_where(curl, &a, url, sizeof(url));
	headers = ask_what(curl, &a);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, got_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &g);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, got_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, &g);
	g.rc = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &g.http);
	curl_slist_free_all(headers);
	if (!a.curl)
		curl_easy_cleanup(curl);
	if (g.http == 200 && strcasestr(g.headers, "application/ipp") &&
		!wire_decode(g.body, g.octets, &g.ipp)) {
		g.status = (int)ippGetStatusCode(g.ipp);
		said = ippFindAttribute(g.ipp, "status-message", IPP_TAG_TEXT);
		snprintf(g.message, sizeof(g.message), "%s",
			said ? ippGetString(said, 0, NULL) : "");
	}
	return g;
}

static inline ipp_t *ipp_ask(int op)
{
	ipp_t *ipp = ippNewRequest((ipp_op_t)op);

	ippSetVersion(ipp, 2, 0);
	ippSetRequestId(ipp, 77);
	ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_URI, "printer-uri", NULL,
		"ipps://server/ipp/print/Office");
	ippAddString(ipp, IPP_TAG_OPERATION, IPP_TAG_NAME, "requesting-user-name", NULL, "bert");
	return ipp;
}

/* Deletes @ipp. */
static inline struct got ask_ipp(struct ask a, ipp_t *ipp)
{
	void *octets = NULL;
	size_t count = 0;
	struct got g;

	if (wire_encode(ipp, &octets, &count))
		abort();
	ippDelete(ipp);
	a.body = octets;
	a.octets = count;
	g = ask(a);
	free(octets);
	return g;
}

static inline struct got ask_op(struct ask a, int op)
{
	return ask_ipp(a, ipp_ask(op));
}

static inline const char *said(const struct got *g, const char *name)
{
	ipp_attribute_t *attr = g->ipp ? ippFindAttribute(g->ipp, name, IPP_TAG_ZERO) : NULL;

	return attr && ippGetString(attr, 0, NULL) ? ippGetString(attr, 0, NULL) : "";
}

static inline int number(const struct got *g, const char *name)
{
	ipp_attribute_t *attr = g->ipp ? ippFindAttribute(g->ipp, name, IPP_TAG_ZERO) : NULL;

	return !attr                                     ? -1
	       : ippGetValueTag(attr) == IPP_TAG_BOOLEAN ? ippGetBoolean(attr, 0)
							 : ippGetInteger(attr, 0);
}

/* ---- octets of any kind ---- */

struct raw {
	int fd;
	gnutls_session_t tls; /* NULL: plain TCP */
	gnutls_certificate_credentials_t cred;
};

static inline int raw_connect(uint16_t port)
{
	struct sockaddr_in to = {.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		abort();
	return fd;
}

/* Without a handshake: the session is ready for one. @resume: of a session before. */
static inline void raw_open(struct raw *r, uint16_t port, const struct pair *cert,
	const char *priorities, gnutls_datum_t *resume)
{
	memset(r, 0, sizeof(*r));
	r->fd = raw_connect(port);
	gnutls_init(&r->tls, GNUTLS_CLIENT | GNUTLS_FORCE_CLIENT_CERT);
	gnutls_certificate_allocate_credentials(&r->cred);
	if (cert)
		gnutls_certificate_set_x509_key_file(
			r->cred, cert->cert_file, cert->key_file, GNUTLS_X509_FMT_PEM);
	/* Force: it is sent even if the server did not name its CA. */
	gnutls_priority_set_direct(r->tls, priorities ? priorities : "NORMAL", NULL);
	gnutls_credentials_set(r->tls, GNUTLS_CRD_CERTIFICATE, r->cred);
	gnutls_transport_set_int(r->tls, r->fd);
	if (resume)
		gnutls_session_set_data(r->tls, resume->data, resume->size);
}

static inline int raw_handshake(struct raw *r)
{
	int rc;

	do
		rc = gnutls_handshake(r->tls);
	while (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED);
	return rc;
}

static inline void raw_close(struct raw *r)
{
	if (r->tls)
		gnutls_deinit(r->tls);
	if (r->cred)
		gnutls_certificate_free_credentials(r->cred);
	close(r->fd);
}

static inline bool raw_say(struct raw *r, const void *data, size_t count)
{
	return gnutls_record_send(r->tls, data, count) == (ssize_t)count;
}

/* Until it says @text, or ends: false. */
static inline bool raw_hear(struct raw *r, const char *text)
{
	static char got[65536];
	size_t used = 0;

	gnutls_record_set_timeout(r->tls, 10000);
	for (;;) {
		ssize_t n = gnutls_record_recv(r->tls, got + used, sizeof(got) - 1 - used);

		if (n == GNUTLS_E_AGAIN || n == GNUTLS_E_INTERRUPTED)
			continue;
		if (n <= 0)
			return false;
		used += (size_t)n;
		got[used] = '\0';
		if (strstr(got, text))
			return true;
	}
}

/* True if the other side ends the connection within @ms. */
static inline bool fd_ends(int fd, int ms)
{
	int64_t until = mono_ms() + ms;
	char buf[4096];

	while (mono_ms() < until) {
		struct pollfd p = {.fd = fd, .events = POLLIN | POLLRDHUP};

		if (poll(&p, 1, (int)(until - mono_ms())) > 0 && recv(fd, buf, sizeof(buf), 0) <= 0)
			return true;
	}
	return false;
}
