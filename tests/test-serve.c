/* SPDX-License-Identifier: Apache-2.0 */
/* test-serve - the service on a real listener: who is let in, and that nobody keeps others out. */
#include "serve-fixture.h"

static void machine_is_known_by_its_certificate(void)
{
	GOT g = ask_op((struct ask){.cert = pki.good}, IPP_OP_GET_PRINTER_ATTRIBUTES);

	CHECK(g.http == 200 && g.status == IPP_STATUS_OK);
	CHECK(number(&g, "who") == SERVE_MACHINE && !strcmp(said(&g, "uuid"), UUID_A));
	CHECK(strlen(said(&g, "fingerprint")) == 64);
	CHECK(!strcmp(said(&g, "claimed"), "bert") && !*said(&g, "person"));
	CHECK(!strcmp(said(&g, "target"), "/ipp/print/Office"));
	CHECK(!strcmp(said(&g, "address"), "127.0.0.1"));
	CHECK(g.ipp && ippGetRequestId(g.ipp) == 77);
}

static void certificate_that_does_not_hold_is_none(void)
{
	const struct pair *bad[] = {NULL, pki.foreign, pki.expired, pki.early, pki.no_eku,
		pki.no_uri, pki.bad_uri, pki.server};

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		GOT g = ask_op((struct ask){.cert = bad[i]}, IPP_OP_GET_PRINTER_ATTRIBUTES);

		CHECK(g.http == 401);
		CHECK(strcasestr(g.headers, "WWW-Authenticate: Basic realm=\"Stillprint\""));
	}
}

static void machines_operation_offers_no_login(void)
{
	GOT g = ask_op((struct ask){0}, IPP_OP_FETCH_JOB);

	CHECK(g.http == 401 && !strcasestr(g.headers, "WWW-Authenticate"));
}

static void everybody_may_what_is_for_everybody(void)
{
	GOT g = ask_op((struct ask){0}, IPP_OP_CUPS_GET_DEFAULT);

	CHECK(g.status == IPP_STATUS_OK && number(&g, "who") == 0);
}

static void person_is_known_by_password(void)
{
	GOT g = ask_op((struct ask){.login = "Anna:right"}, IPP_OP_GET_JOBS);
	GOT h = ask_op((struct ask){.login = "Anna:right"}, IPP_OP_FETCH_JOB);

	CHECK(g.status == IPP_STATUS_OK && number(&g, "who") == SERVE_PERSON);
	CHECK(!strcmp(said(&g, "person"), "anna") && !*said(&g, "uuid"));
	CHECK(h.status == IPP_STATUS_ERROR_NOT_AUTHORIZED && h.message[0]);
}

static void wrong_password_is_refused(void)
{
	GOT g = ask_op((struct ask){.login = "anna:wrong"}, IPP_OP_GET_JOBS);

	CHECK(g.http == 401 && strcasestr(g.headers, "WWW-Authenticate: Basic"));
}

/* ---- parked calls: curl's multi interface, since each waits ---- */

struct crowd {
	CURLM *multi;
	int count, done, answered;
	struct got *got;
	CURL **curl;
	struct curl_slist **headers;
	void *octets;
	ipp_t *ipp;
};

static void crowd_start(struct crowd *w, int count, int wait_ms)
{
	ipp_t *ipp = ipp_ask(IPP_OP_GET_NOTIFICATIONS);
	size_t octets;

	memset(w, 0, sizeof(*w));
	w->multi = curl_multi_init();
	w->count = count;
	w->got = calloc((size_t)count, sizeof(*w->got));
	w->curl = calloc((size_t)count, sizeof(*w->curl));
	w->headers = calloc((size_t)count, sizeof(*w->headers));
	ippAddInteger(ipp, IPP_TAG_OPERATION, IPP_TAG_INTEGER, "wait-ms", wait_ms);
	if (wire_encode(ipp, &w->octets, &octets))
		abort();
	ippDelete(ipp);
	for (int i = 0; i < count; i++) {
		struct ask a = {.cert = pki.good, .body = w->octets, .octets = octets};
		char url[256];

		w->curl[i] = curl_easy_init();
		ask_where(w->curl[i], &a, url, sizeof(url));
		w->headers[i] = ask_what(w->curl[i], &a);
		curl_easy_setopt(w->curl[i], CURLOPT_WRITEFUNCTION, got_body);
		curl_easy_setopt(w->curl[i], CURLOPT_WRITEDATA, &w->got[i]);
		curl_multi_add_handle(w->multi, w->curl[i]);
	}
}

static void crowd_step(struct crowd *w)
{
	CURLMsg *m;
	int running, left;

	curl_multi_perform(w->multi, &running);
	while ((m = curl_multi_info_read(w->multi, &left)))
		if (m->msg == CURLMSG_DONE) {
			w->done++;
			w->answered += m->data.result == CURLE_OK;
		}
	curl_multi_poll(w->multi, NULL, 0, 5, NULL);
}

/* Steps until @cond holds, at most 30 s. */
#define CROWD_UNTIL(w, cond) \
	({ \
		int64_t until_ = mono_ms() + 30000; \
		while (!(cond) && mono_ms() < until_) \
			crowd_step(w); \
		(cond); \
	})

static void crowd_end(struct crowd *w)
{
	for (int i = 0; i < w->count; i++) {
		curl_multi_remove_handle(w->multi, w->curl[i]);
		curl_easy_cleanup(w->curl[i]);
		curl_slist_free_all(w->headers[i]);
		free(w->got[i].body);
	}
	curl_multi_cleanup(w->multi);
	free(w->got);
	free(w->curl);
	free(w->headers);
	free(w->octets);
}

static void thousand_parked_calls_are_woken_at_once(void)
{
	enum { COUNT = 1000 };
	struct crowd w;
	int right = 0;

	crowd_start(&w, COUNT, 55000);
	CHECK(CROWD_UNTIL(&w, shop.parked == COUNT));
	{
		GOT g = ask_op((struct ask){.cert = pki.good}, IPP_OP_CANCEL_JOB);

		CHECK(g.status == IPP_STATUS_OK && number(&g, "woken") == COUNT);
	}
	CHECK(CROWD_UNTIL(&w, w.done == COUNT));
	CHECK(w.answered == COUNT && shop.parked == 0 && shop.timed_out == 0);
	for (int i = 0; i < COUNT; i++) {
		ipp_t *ipp = NULL;

		if (!wire_decode(w.got[i].body, w.got[i].octets, &ipp) &&
			ippFindAttribute(ipp, "notify-sequence-number", IPP_TAG_INTEGER))
			right++;
		ippDelete(ipp);
	}
	CHECK(right == COUNT);
	crowd_end(&w);
}

static void parked_call_ends_in_time(void)
{
	struct crowd w;
	int64_t start_ms = mono_ms();
	int before = shop.timed_out;

	crowd_start(&w, 1, 300);
	CHECK(CROWD_UNTIL(&w, w.done == 1));
	CHECK(w.answered == 1 && shop.timed_out == before + 1);
	CHECK(mono_ms() - start_ms >= 300 && mono_ms() - start_ms < 3000);
	crowd_end(&w);
}

static void peer_that_leaves_while_parked_is_noticed(void)
{
	int before = shop.gone;
	struct crowd w;

	crowd_start(&w, 20, 55000);
	CHECK(CROWD_UNTIL(&w, shop.parked == 20));
	crowd_end(&w);
	CHECK(SOON(shop.gone == before + 20) && shop.parked == 0);
}

/* ---- logging in ---- */

static void password_is_verified_once_on_a_connection(void)
{
	CURL *curl = curl_easy_init();
	int before = shop.verified;

	for (int i = 0; i < 3; i++) {
		GOT g = ask_op((struct ask){.curl = curl, .login = "anna:right"}, IPP_OP_GET_JOBS);

		CHECK(g.status == IPP_STATUS_OK && !strcmp(said(&g, "person"), "anna"));
	}
	CHECK(shop.verified == before + 1);
	{
		GOT none = ask_op((struct ask){.curl = curl}, IPP_OP_GET_JOBS);
		GOT wrong =
			ask_op((struct ask){.curl = curl, .login = "anna:wrong"}, IPP_OP_GET_JOBS);
		GOT right =
			ask_op((struct ask){.curl = curl, .login = "anna:right"}, IPP_OP_GET_JOBS);

		CHECK(none.http == 401 && wrong.http == 401);
		CHECK(right.status == IPP_STATUS_OK);
	}
	CHECK(shop.verified >= before + 2);
	curl_easy_cleanup(curl);
}

static void malformed_authorization_is_refused(void)
{
	static const char *const bad[] = {"Authorization: Basic", "Authorization: Basic !!!!",
		"Authorization: Basic YW5uYQ==", "Authorization: Bearer abc",
		"Authorization: Basic YQBuYTpyaWdodA=="};
	int before = shop.verified;

	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		GOT g = ask_op((struct ask){.header = {bad[i]}}, IPP_OP_GET_JOBS);

		CHECK(g.http == 401);
	}
	CHECK(shop.verified == before);
}

static void code_enrols(void)
{
	GOT right = ask_op((struct ask){.login = "enrol:GOODCODE"}, IPP_OP_REGISTER_OUTPUT_DEVICE);
	GOT wrong = ask_op((struct ask){.login = "enrol:BADCODE"}, IPP_OP_REGISTER_OUTPUT_DEVICE);
	GOT person = ask_op((struct ask){.login = "anna:right"}, IPP_OP_REGISTER_OUTPUT_DEVICE);
	GOT jobs = ask_op((struct ask){.login = "enrol:GOODCODE"}, IPP_OP_GET_JOBS);

	CHECK(right.status == IPP_STATUS_OK);
	CHECK(wrong.http == 401 && strcasestr(wrong.headers, "WWW-Authenticate"));
	CHECK(person.status == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	CHECK(jobs.status == IPP_STATUS_ERROR_NOT_AUTHORIZED);
}

static void machine_stays_a_machine_with_a_password(void)
{
	GOT g = ask_op((struct ask){.cert = pki.good, .login = "anna:right"},
		IPP_OP_GET_PRINTER_ATTRIBUTES);

	CHECK(number(&g, "who") == SERVE_MACHINE);
}

static void certificate_may_expire_on_an_open_connection(void)
{
	struct pair *brief =
		pki_make((struct wish){"brief", UUID_A, GNUTLS_KP_TLS_WWW_CLIENT, -60, 3}, pki.ca);
	CURL *curl = curl_easy_init();
	int64_t until = mono_ms() + 10000;
	long http = 0;
	{
		GOT g = ask_op((struct ask){.curl = curl, .cert = brief}, IPP_OP_FETCH_JOB);

		CHECK(g.status == IPP_STATUS_OK);
	}
	while (http != 401 && mono_ms() < until) {
		GOT g = ask_op((struct ask){.curl = curl, .cert = brief}, IPP_OP_FETCH_JOB);

		http = g.http;
		fixture_nap(50);
	}
	CHECK(http == 401);
	curl_easy_cleanup(curl);
	pki_free(brief);
}

static void foreign_certificate_that_is_really_sent_is_none(void)
{
	static const char request[] =
		"POST /ipp/system HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\nContent-Length: 0\r\n\r\n";
	struct raw r;

	/* curl may keep it back, since the server names its CA. */
	raw_open(&r, serve_port(shop.s), pki.foreign, NULL, NULL);
	CHECK(raw_handshake(&r) == 0);
	CHECK(raw_say(&r, request, strlen(request)) && raw_hear(&r, "HTTP/1.1 401"));
	raw_close(&r);
}

/* ---- TLS ---- */

static void old_tls_is_refused(void)
{
	static const struct {
		const char *priorities;
		bool good;
	} row[] = {{"NORMAL:-VERS-ALL:+VERS-TLS1.3", true}, {"NORMAL:-VERS-ALL:+VERS-TLS1.2", true},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.1", false}, {"NORMAL:-VERS-ALL:+VERS-TLS1.0", false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+RSA", false},
		{"NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC", false}};

	for (size_t i = 0; i < sizeof(row) / sizeof(*row); i++) {
		struct raw r;

		raw_open(&r, serve_port(shop.s), NULL, row[i].priorities, NULL);
		CHECK((raw_handshake(&r) == 0) == row[i].good);
		raw_close(&r);
	}
}

static void chain_holds_the_ca(void)
{
	unsigned count = 0;
	struct raw r;

	raw_open(&r, serve_port(shop.s), NULL, NULL, NULL);
	CHECK(raw_handshake(&r) == 0);
	CHECK(gnutls_certificate_get_peers(r.tls, &count) && count == 2);
	raw_close(&r);
}

/* With a ticket the certificate is not sent again, but looked at again. */
static void resumed_session_is_the_same_machine(void)
{
	ipp_t *ipp = ipp_ask(IPP_OP_FETCH_JOB);
	gnutls_datum_t ticket = {0};
	void *octets;
	size_t count;
	char head[256];

	CHECK(!wire_encode(ipp, &octets, &count));
	ippDelete(ipp);
	snprintf(head, sizeof(head),
		"POST /ipp/system HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\nContent-Length: %zu\r\n\r\n",
		count);
	for (int i = 0; i < 2; i++) {
		struct raw r;

		raw_open(&r, serve_port(shop.s), i ? NULL : pki.good, NULL, i ? &ticket : NULL);
		CHECK(raw_handshake(&r) == 0);
		CHECK(!i || gnutls_session_is_resumed(r.tls));
		CHECK(raw_say(&r, head, strlen(head)) && raw_say(&r, octets, count));
		CHECK(raw_hear(&r, "HTTP/1.1 200"));
		if (!i)
			CHECK(gnutls_session_get_data2(r.tls, &ticket) == 0);
		raw_close(&r);
	}
	gnutls_free(ticket.data);
	free(octets);
}

/* ---- answers ---- */

static void unknown_operation_and_bad_request_are_told(void)
{
	ipp_t *bad = ippNewRequest(IPP_OP_FETCH_JOB);
	GOT unknown = ask_op((struct ask){.cert = pki.good}, 0x4fff);
	GOT nobody = ask_op((struct ask){0}, 0x4fff);
	GOT broken = ask_ipp((struct ask){.cert = pki.good}, bad);

	CHECK(unknown.status == IPP_STATUS_ERROR_OPERATION_NOT_SUPPORTED && unknown.message[0]);
	CHECK(nobody.http == 401);
	CHECK(broken.status == IPP_STATUS_ERROR_BAD_REQUEST && broken.message[0]);
}

static void damaged_request_is_answered_with_its_number(void)
{
	static const char cut[] = "\1\1\0\13\0\0\1\2\1\107";
	GOT g = ask((struct ask){.cert = pki.good, .body = cut, .octets = sizeof(cut) - 1});
	int minor;

	CHECK(g.status == IPP_STATUS_ERROR_BAD_REQUEST && g.message[0]);
	CHECK(g.ipp && ippGetRequestId(g.ipp) == 0x102 && ippGetVersion(g.ipp, &minor) == 1);
}

static void message_and_unsupported_stand_before_the_jobs(void)
{
	static const ipp_tag_t wanted[] = {IPP_TAG_OPERATION, IPP_TAG_OPERATION, IPP_TAG_OPERATION,
		IPP_TAG_UNSUPPORTED_GROUP, IPP_TAG_UNSUPPORTED_GROUP, IPP_TAG_JOB};
	ipp_t *ipp = ipp_ask(IPP_OP_PRINT_JOB);
	ipp_attribute_t *a;
	size_t i = 0;

	ippAddInteger(ipp, IPP_TAG_JOB, IPP_TAG_INTEGER, "copies", 2);
	ippAddString(ipp, IPP_TAG_JOB, IPP_TAG_KEYWORD, "sides", NULL, "inside-out");
	GOT g = ask_ipp((struct ask){.cert = pki.good}, ipp);

	CHECK(g.status == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(!strcmp(g.message, "Print from a workstation."));
	for (a = ippFirstAttribute(g.ipp); a; a = ippNextAttribute(g.ipp))
		if (ippGetName(a))
			CHECK(i < 6 && ippGetGroupTag(a) == wanted[i++]);
	CHECK(i == 6);
	a = ippFindAttribute(g.ipp, "copies", IPP_TAG_ZERO);
	CHECK(ippGetValueTag(a) == IPP_TAG_UNSUPPORTED_VALUE);
	CHECK(!strcmp(said(&g, "sides"), "inside-out"));
}

static void requested_attributes_are_told_apart(void)
{
	static const char *const group[] = {"job-template", "x"};
	ipp_t *ipp = ipp_ask(IPP_OP_FETCH_JOB);

	ippAddStrings(
		ipp, IPP_TAG_OPERATION, IPP_TAG_KEYWORD, "requested-attributes", 2, NULL, group);
	GOT some = ask_ipp((struct ask){.cert = pki.good}, ipp);
	GOT all = ask_op((struct ask){.cert = pki.good}, IPP_OP_FETCH_JOB);

	CHECK(number(&some, "wants-a") == 1 && number(&some, "wants-b") == 0);
	CHECK(number(&all, "wants-a") == 1 && number(&all, "wants-b") == 1);
}

static void failed_commit_takes_every_answer_back(void)
{
	int before = shop.afters, handled = shop.handled;

	shop.commit_fails = true;
	{
		GOT g = ask_op((struct ask){.cert = pki.good}, IPP_OP_FETCH_JOB);
		GOT page = ask((struct ask){.web = true, .path = "/"});

		CHECK(g.status == IPP_STATUS_ERROR_SERVICE_UNAVAILABLE && g.message[0]);
		CHECK(number(&g, "who") == -1 && shop.handled == handled + 1);
		CHECK(page.http == 503 && !strcasestr(page.headers, "Set-Cookie"));
	}
	CHECK(shop.afters == before);
	shop.commit_fails = false;
	shop.begin_fails = true;
	{
		GOT g = ask_op((struct ask){.cert = pki.good}, IPP_OP_FETCH_JOB);

		CHECK(g.status == IPP_STATUS_ERROR_SERVICE_UNAVAILABLE);
		CHECK(shop.handled == handled + 1);
	}
	shop.begin_fails = false;
	{
		GOT g = ask_op((struct ask){.cert = pki.good}, IPP_OP_FETCH_JOB);

		CHECK(g.status == IPP_STATUS_OK && shop.afters > before);
	}
}

static void stopping_cuts_parked_calls(void)
{
	struct crowd w;

	crowd_start(&w, 10, 55000);
	CHECK(CROWD_UNTIL(&w, shop.parked == 10));
	shop_close();
	CHECK(CROWD_UNTIL(&w, w.done == 10));
	CHECK(w.answered == 0);
	crowd_end(&w);
	shop_open(shop_config());
}

static void bad_key_or_taken_port_is_told(void)
{
	struct serve_config c = shop_config();
	struct serve *s = NULL;

	c.key_pem = pki.good->key_pem;
	CHECK(serve_new(&c, &s) == -EINVAL && !s);
	c = shop_config();
	c.ca_pem = "nothing";
	CHECK(serve_new(&c, &s) == -EINVAL && !s);
	c = shop_config();
	c.port = serve_port(shop.s);
	CHECK(serve_new(&c, &s) == -EADDRINUSE && !s);
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_ALL);
	pki_start();
	shop_open(shop_config());
	RUN(machine_is_known_by_its_certificate);
	RUN(certificate_that_does_not_hold_is_none);
	RUN(machines_operation_offers_no_login);
	RUN(everybody_may_what_is_for_everybody);
	RUN(person_is_known_by_password);
	RUN(wrong_password_is_refused);
	RUN(thousand_parked_calls_are_woken_at_once);
	RUN(parked_call_ends_in_time);
	RUN(peer_that_leaves_while_parked_is_noticed);
	RUN(password_is_verified_once_on_a_connection);
	RUN(malformed_authorization_is_refused);
	RUN(code_enrols);
	RUN(machine_stays_a_machine_with_a_password);
	RUN(certificate_may_expire_on_an_open_connection);
	RUN(foreign_certificate_that_is_really_sent_is_none);
	RUN(old_tls_is_refused);
	RUN(chain_holds_the_ca);
	RUN(resumed_session_is_the_same_machine);
	RUN(unknown_operation_and_bad_request_are_told);
	RUN(damaged_request_is_answered_with_its_number);
	RUN(message_and_unsupported_stand_before_the_jobs);
	RUN(requested_attributes_are_told_apart);
	RUN(failed_commit_takes_every_answer_back);
	RUN(bad_key_or_taken_port_is_told);
	RUN(stopping_cuts_parked_calls);
	shop_close();
	pki_end();
	curl_global_cleanup();
	return tap_done();
}
