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
	shop_close();
	pki_end();
	curl_global_cleanup();
	return tap_done();
}
