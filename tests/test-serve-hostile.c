/* SPDX-License-Identifier: Apache-2.0 */
/* test-serve-hostile - callers that send too much, too slowly, nonsense or guesses: bounded, and nobody else waits. */
#include "serve-fixture.h"

#define ELSEWHERE "127.0.0.2" /* another address of this host */

/* Somebody else is served as ever. */
static bool others_are_served(void)
{
	GOT g = ask_op((struct ask){.cert = pki.other, .from = ELSEWHERE}, IPP_OP_FETCH_JOB);

	return g.status == IPP_STATUS_OK;
}

/* ---- too much ---- */

static void oversize_is_refused_at_once(void)
{
	static char big[65537];
	CURL *curl = curl_easy_init();
	GOT g = ask(
		(struct ask){.cert = pki.good, .curl = curl, .body = big, .octets = sizeof(big)});
	GOT early = ask((struct ask){.cert = pki.good,
		.header = {"Content-Length: 100000000"},
		.body = "",
		.octets = 0});
	GOT form = ask((struct ask){.web = true,
		.path = "/form",
		.type = "application/x-www-form-urlencoded",
		.body = big,
		.octets = sizeof(big)});

	CHECK(g.http == 413 && strcasestr(g.headers, "Connection: close"));
	CHECK(early.http == 413);
	CHECK(form.http == 413);
	curl_easy_cleanup(curl);
	CHECK(others_are_served());
}

/* A request with a document behind it, as stock tools send. */
static struct got send_document(size_t document, size_t attributes)
{
	ipp_t *ipp = ipp_ask(IPP_OP_PRINT_JOB);
	void *octets, *whole;
	struct got g;
	size_t count;
	char name[32];

	for (size_t i = 0; i < attributes; i++) {
		snprintf(name, sizeof(name), "attribute-number-%zu", i);
		ippAddInteger(ipp, IPP_TAG_JOB, IPP_TAG_INTEGER, name, 1);
	}
	if (wire_encode(ipp, &octets, &count) || !(whole = calloc(1, count + document)))
		abort();
	memcpy(whole, octets, count);
	g = ask((struct ask){
		.cert = pki.good, .chunked = true, .body = whole, .octets = count + document});
	ippDelete(ipp);
	free(octets);
	free(whole);
	return g;
}

static void document_is_thrown_away(void)
{
	GOT small = send_document(10, 0);
	GOT big = send_document(15 * 1024 * 1024, 0);
	GOT huge = send_document(17 * 1024 * 1024, 0);

	CHECK(small.status == IPP_STATUS_ERROR_NOT_POSSIBLE);
	CHECK(big.status == IPP_STATUS_ERROR_NOT_POSSIBLE && big.message[0]);
	CHECK(huge.http == 0 && huge.rc != CURLE_OK);
	CHECK(others_are_served());
}

static void too_many_attributes_are_told(void)
{
	GOT cut = send_document(0, 3900); /* beyond what is kept */
	ipp_t *ipp = ipp_ask(IPP_OP_FETCH_JOB), *inner = ippNew();

	CHECK(cut.status == IPP_STATUS_ERROR_REQUEST_ENTITY && cut.message[0]);
	for (int i = 0; i < 12; i++) {
		ipp_t *outer = ippNew();

		ippAddCollection(outer, IPP_TAG_JOB, "c", inner);
		ippDelete(inner);
		inner = outer;
	}
	ippAddCollection(ipp, IPP_TAG_JOB, "deep", inner);
	ippDelete(inner);
	GOT deep = ask_ipp((struct ask){.cert = pki.good}, ipp);

	CHECK(deep.status == IPP_STATUS_ERROR_REQUEST_ENTITY && deep.message[0]);
}

static void long_headers_are_refused(void)
{
	char header[20000] = "X-Long: ";

	memset(header + 8, 'a', sizeof(header) - 9);
	GOT g = ask((struct ask){.web = true, .path = "/", .header = {header}});

	CHECK(g.http == 431 || g.http == 413 || g.http == 0);
	CHECK(others_are_served());
}

/* ---- nonsense ---- */

static uint32_t seed = 12345;
static uint8_t dice(void)
{
	seed = seed * 1664525 + 1013904223;
	return (uint8_t)(seed >> 24);
}

static void random_octets_change_nothing(void)
{
	CURL *curl = curl_easy_init();
	int before = shop.handled, answers = 0;
	uint8_t junk[600];

	for (int i = 0; i < 10000; i++) {
		size_t count = (size_t)dice() + dice();

		for (size_t k = 0; k < count; k++)
			junk[k] = dice();
		/* Half of them begin as requests do. */
		if (i % 2 && count > 8)
			memcpy(junk, "\2\0\0\103\0\0\0\1\1", 9);
		GOT g = ask((struct ask){
			.cert = pki.good, .curl = curl, .body = junk, .octets = count});

		answers += g.http == 200 &&
			   (g.status == IPP_STATUS_ERROR_BAD_REQUEST ||
				   g.status == IPP_STATUS_ERROR_VERSION_NOT_SUPPORTED);
	}
	CHECK(answers == 10000 && shop.handled == before);
	curl_easy_cleanup(curl);
	CHECK(others_are_served());
}

static void random_octets_in_tls_or_before_it_change_nothing(void)
{
	uint8_t junk[600];

	for (int i = 0; i < 600; i++) {
		size_t count = 1 + dice() + dice();
		struct raw r;

		for (size_t k = 0; k < count; k++)
			junk[k] = dice();
		if (i % 3 == 0) {
			memcpy(junk, "POST /ipp/ HTTP/1.1\r\n", 21);
			count = count > 21 ? count : 21;
		}
		if (i % 2) {
			raw_open(&r, i % 4 == 1 ? serve_port(shop.s) : serve_web_port(shop.s), NULL,
				NULL, NULL);
			CHECK(raw_handshake(&r) == 0);
			raw_say(&r, junk, count);
			raw_close(&r);
		} else {
			int fd = raw_connect(serve_port(shop.s));

			CHECK(send(fd, junk, count, MSG_NOSIGNAL) > 0);
			close(fd);
		}
	}
	CHECK(others_are_served());
}

/* ---- slowly ---- */

static void slow_callers_are_cut(void)
{
	enum { COUNT = 60 };
	static struct raw r[COUNT];
	static const char *const beginning[] = {NULL, "POST /ipp/system HTT",
		"POST /ipp/system HTTP/1.1\r\nHost: x\r\nContent-Type: application/ipp\r\n"
		"Content-Length: 1000\r\n\r\nab",
		"GET / HTTP/1.1\r\nHost: x\r\nX-A: "};
	struct serve_config c = shop_config();
	int64_t start_ms;
	int dead = 0;

	shop_close();
	c.request_ms = 1000;
	shop_open(c);
	start_ms = mono_ms();
	for (int i = 0; i < COUNT; i++) {
		raw_open(&r[i], serve_port(shop.s), NULL, NULL, NULL);
		if (!beginning[i % 4])
			continue; /* not even a handshake */
		CHECK(raw_handshake(&r[i]) == 0);
		CHECK(raw_say(&r[i], beginning[i % 4], strlen(beginning[i % 4])));
	}
	CHECK(others_are_served());
	/* An octet now and then keeps nobody alive. */
	while (dead < COUNT && mono_ms() < start_ms + 8000) {
		dead = 0;
		for (int i = 0; i < COUNT; i++) {
			struct pollfd p = {.fd = r[i].fd, .events = POLLRDHUP};

			if (poll(&p, 1, 0) > 0)
				dead++;
			else if (beginning[i % 4])
				raw_say(&r[i], "a", 1);
		}
		fixture_nap(100);
	}
	CHECK(dead == COUNT);
	CHECK(mono_ms() - start_ms >= 1000);
	for (int i = 0; i < COUNT; i++)
		raw_close(&r[i]);
	CHECK(others_are_served());
	shop_close();
	shop_open(shop_config());
}

/* Instead of the C library's: how often does the service look for octets? Processor time would say nothing on a busy
 * machine. */
static atomic_int looks;
ssize_t recv(int fd, void *data, size_t size, int flags)
{
	looks++;
	return recvfrom(fd, data, size, flags, NULL, NULL);
}

/* A record's header announces more than comes: the handshake waits in its middle. */
static void half_a_handshake_costs_little(void)
{
	static const uint8_t beginning[] = {0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3};
	int fd[20], before;

	for (int i = 0; i < 20; i++) {
		fd[i] = raw_connect(serve_port(shop.s));
		CHECK(send(fd[i], beginning, sizeof(beginning), MSG_NOSIGNAL) > 0);
	}
	CHECK(others_are_served());
	before = looks;
	fixture_nap(1000);
	printf("# 20 half handshakes were looked at %d times in a second\n", looks - before);
	CHECK(looks - before < 20 * 500);
	for (int i = 0; i < 20; i++)
		close(fd[i]);
	CHECK(looks > 0);
}

/* ---- too often ---- */

struct flood {
	const struct pair *cert;
	atomic_bool stop;
	atomic_int answers, busy;
};

static void *flood(void *arg)
{
	struct flood *f = arg;
	CURL *curl = curl_easy_init();

	while (!f->stop) {
		GOT g = ask_op((struct ask){.curl = curl, .cert = f->cert}, IPP_OP_FETCH_JOB);

		f->answers++;
		f->busy += g.status == IPP_STATUS_ERROR_BUSY;
	}
	curl_easy_cleanup(curl);
	return NULL;
}

static void flood_of_one_machine_does_not_slow_others(void)
{
	enum { COUNT = 80, SLOW_MS = 4, TRIES = 10 };
	struct flood f = {.cert = pki.good};
	pthread_t threads[COUNT];
	CURL *curl = curl_easy_init();
	int64_t longest_ms = 0;

	CHECK(others_are_served());
	shop.slow_ms = SLOW_MS;
	for (int i = 0; i < COUNT; i++)
		pthread_create(&threads[i], NULL, flood, &f);
	CHECK(SOON(f.answers > COUNT && f.busy > 0)); /* more wait than may */
	for (int i = 0; i < TRIES; i++) {
		int64_t start_ms = mono_ms();
		GOT g = ask_op((struct ask){.curl = curl, .cert = pki.other}, IPP_OP_FETCH_JOB);

		CHECK(g.status == IPP_STATUS_OK);
		if (i && mono_ms() - start_ms > longest_ms)
			longest_ms = mono_ms() - start_ms;
	}
	f.stop = true;
	for (int i = 0; i < COUNT; i++)
		pthread_join(threads[i], NULL);
	shop.slow_ms = 0;
	curl_easy_cleanup(curl);
	printf("# %d answers, %d busy; the other waited %d ms at most\n", f.answers, f.busy,
		(int)longest_ms);
	/* Its own turn would come after LANE_MAX (64) times 4 ms if it had to queue. */
	CHECK(longest_ms < 64 * SLOW_MS);
}

static void guessing_is_throttled_by_address(void)
{
	int before, tries = 0;
	long http = 0;

	before = shop.verified;
	while (tries < 30 && http != 429) {
		GOT g = ask_op((struct ask){.login = "anna:wrong"}, IPP_OP_GET_JOBS);

		http = g.http;
		tries++;
	}
	CHECK(http == 429 && tries == 11 && shop.verified == before + 10);
	{
		GOT still = ask_op((struct ask){.login = "anna:right"}, IPP_OP_GET_JOBS);
		GOT other = ask_op(
			(struct ask){.login = "anna:right", .from = ELSEWHERE}, IPP_OP_GET_JOBS);
		GOT code = ask_op(
			(struct ask){.login = "enrol:GOODCODE"}, IPP_OP_REGISTER_OUTPUT_DEVICE);
		GOT machine = ask_op((struct ask){.cert = pki.good}, IPP_OP_FETCH_JOB);

		CHECK(still.http == 429 && strcasestr(still.headers, "Retry-After"));
		CHECK(other.status == IPP_STATUS_OK);
		CHECK(code.http == 429);
		CHECK(machine.status == IPP_STATUS_OK);
	}
	CHECK(shop.verified == before + 11);
}

static void *guess(void *arg)
{
	const char *from = arg;
	GOT g = ask_op((struct ask){.login = "anna:wrong", .from = from}, IPP_OP_GET_JOBS);

	return (void *)(intptr_t)g.http;
}

static void many_guesses_leave_room_for_others(void)
{
	enum { COUNT = 30 };
	pthread_t threads[COUNT];
	int busy = 0, wrong = 0;

	shop.verify_ms = 30;
	for (int i = 0; i < COUNT; i++)
		pthread_create(&threads[i], NULL, guess, (void *)"127.0.0.3");
	{
		int64_t start_ms = mono_ms();
		GOT g = ask_op(
			(struct ask){.login = "anna:right", .from = "127.0.0.4"}, IPP_OP_GET_JOBS);

		CHECK(g.status == IPP_STATUS_OK);
		CHECK(mono_ms() - start_ms < 1000);
	}
	for (int i = 0; i < COUNT; i++) {
		void *http;

		pthread_join(threads[i], &http);
		busy += (intptr_t)http == 503 || (intptr_t)http == 429;
		wrong += (intptr_t)http == 401;
	}
	shop.verify_ms = 0;
	CHECK(busy + wrong == COUNT && busy > 0 && wrong <= 18);
	CHECK(others_are_served());
}

static void broken_verifier_is_no_wrong_password(void)
{
	shop.verify_broken = true;
	GOT g = ask_op((struct ask){.login = "anna:right", .from = "127.0.0.5"}, IPP_OP_GET_JOBS);

	shop.verify_broken = false;
	CHECK(g.http == 503);
}

static void one_address_gets_half_of_the_connections(void)
{
	struct serve_config c = shop_config();
	int fd[60], open = 0;

	shop_close();
	c.connections_max = 40;
	shop_open(c);
	for (int i = 0; i < 60; i++)
		fd[i] = raw_connect(serve_port(shop.s));
	CHECK(others_are_served());
	for (int i = 0; i < 60; i++) {
		open += !fd_ends(fd[i], 20);
		close(fd[i]);
	}
	printf("# %d of 60 connections stayed\n", open);
	CHECK(open > 0 && open <= 21);
	CHECK(SOON(others_are_served()));
	shop_close();
	shop_open(shop_config());
}

int main(void)
{
	curl_global_init(CURL_GLOBAL_ALL);
	pki_start();
	shop_open(shop_config());
	RUN(oversize_is_refused_at_once);
	RUN(document_is_thrown_away);
	RUN(too_many_attributes_are_told);
	RUN(long_headers_are_refused);
	RUN(random_octets_change_nothing);
	RUN(random_octets_in_tls_or_before_it_change_nothing);
	RUN(slow_callers_are_cut);
	RUN(half_a_handshake_costs_little);
	RUN(flood_of_one_machine_does_not_slow_others);
	RUN(guessing_is_throttled_by_address);
	RUN(many_guesses_leave_room_for_others);
	RUN(broken_verifier_is_no_wrong_password);
	RUN(one_address_gets_half_of_the_connections);
	shop_close();
	pki_end();
	curl_global_cleanup();
	return tap_done();
}
