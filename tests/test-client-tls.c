/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-tls - keys pinned at first use: with the wrong one nothing leaves, no password and no document. */
#include "calls.h"
#include "ipp/call.h"
#include "peer.h"

/* Another key than any of our peers has. */
static const char wrong_pin[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";

/* Keeps the decrypted octets, and waits for more until the other side ends. */
static void serve_recording(struct conn *c)
{
	char buf[4096];

	while (conn_read(c, buf, sizeof(buf)) > 0)
		;
}

static void first_use_tells_the_pin(void)
{
	struct peer *p = peer_start_tls(serve_well);
	struct outcome o = ask((struct client_request){.uri = p->uri});
	char pin[64];

	CHECK(o.reply.fault == CLIENT_OK && o.reply.encrypted);
	CHECK(!strncmp(o.reply.pin, "sha256//", 8) && strlen(o.reply.pin) == 52);
	snprintf(pin, sizeof(pin), "%s", o.reply.pin);
	o = ask((struct client_request){.uri = p->uri, .pin = pin});
	CHECK(o.reply.fault == CLIENT_OK && o.reply.encrypted && !strcmp(o.reply.pin, pin));
	CHECK(p->requests == 2);
	peer_stop(p);
}

/* The same as what OpenSSL prints for it: see docs/ipp-client.md. */
static void pin_is_the_digest_of_the_public_key(void)
{
	static const char pem[] =
		"-----BEGIN CERTIFICATE-----\n"
		"MIIBeDCCAR+gAwIBAgIUNRwK8p22a5ScMeAEKvukmaFsRfUwCgYIKoZIzj0EAwIw\n"
		"EjEQMA4GA1UEAwwHcHJpbnRlcjAeFw0yNjExMjIxNzA2MDlaFw0zNjExMTkxNzA2\n"
		"MDlaMBIxEDAOBgNVBAMMB3ByaW50ZXIwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC\n"
		"AAQ0AChCgb1oNS2U8Bi2DjjCxrxDn3bcUD8rZnhBhC7txR/6tcBzLfExubS5Zsi8\n"
		"ObYhsqwrydin8SwgGxMe2tMBo1MwUTAdBgNVHQ4EFgQUtX5G9GG4AGahF0polw9s\n"
		"KVag8ekwHwYDVR0jBBgwFoAUtX5G9GG4AGahF0polw9sKVag8ekwDwYDVR0TAQH/\n"
		"BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBoydg+QNves/NrFCgnuXT4+5V8X5gu\n"
		"gGMg5DmrKkNbcgIgKuRW8BN+5IUsXijuUo3iuQVxD5RqUOsvfqOw0p1bIgY=\n"
		"-----END CERTIFICATE-----\n";
	char pin[64];

	call_pin(pem, pin, sizeof(pin));
	CHECK(!strcmp(pin, "sha256//vHgIl5eN7+gF5ywouvNLbtqy9S1r3oZB6LVrmLMVTpM="));
	call_pin(
		"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", pin, sizeof(pin));
	CHECK(!pin[0]);
	call_pin("", pin, sizeof(pin));
	CHECK(!pin[0]);
}

static void wrong_key_gets_nothing(void)
{
	struct peer *p = peer_start_tls(serve_recording);
	struct document d = {.left = 100000};
	struct client_request r = {
		.uri = p->uri, .pin = wrong_pin, .user = "anna", .password = "very secret"};
	struct outcome o = ask(r);

	CHECK(o.reply.fault == CLIENT_PIN && !o.reply.body_begun && !o.reply.http_status);
	/* What it has instead is told, so that a person can compare. */
	CHECK(!strncmp(o.reply.pin, "sha256//", 8) && strcmp(o.reply.pin, wrong_pin) != 0);
	r.body = read_document;
	r.body_arg = &d;
	o = ask(r);
	CHECK(o.reply.fault == CLIENT_PIN && !o.reply.body_begun && d.asked == 0);
	CHECK(p->connections == 2);
	peer_stop(p);
}

/* As above, and the peer's own count of what came inside TLS: kept until both ends are done. */
static void wrong_key_sees_no_octet(void)
{
	struct peer *p = peer_start_tls(serve_recording);
	struct outcome o = ask((struct client_request){.uri = p->uri, .pin = wrong_pin});
	size_t octets;

	CHECK(o.reply.fault == CLIENT_PIN);
	for (int64_t until = mono_ms() + 5000; p->connections < 1 && mono_ms() < until;)
		poll(NULL, 0, 5);
	pthread_join(p->conns[0].thread, NULL);
	octets = p->octets;
	CHECK(octets == 0);
	p->conns[0].thread = 0;
	/* The recorder does record: without a pin it gets the request. */
	o = ask((struct client_request){.uri = p->uri, .total_ms = 300});
	CHECK(o.reply.fault == CLIENT_SILENT);
	CHECK(p->octets > 200 && peer_saw(p, "POST /ipp/print"));
	peer_stop(p);
}

static void password_goes_to_the_right_key_only(void)
{
	struct peer *p = peer_start_tls(serve_well);
	struct client_request r = {.uri = p->uri, .user = "anna", .password = "very secret"};
	struct outcome o;
	char pin[64];

	CHECK(start(r, &o) == -EPERM);
	o = ask((struct client_request){.uri = p->uri});
	snprintf(pin, sizeof(pin), "%s", o.reply.pin);
	CHECK(!peer_saw(p, "Authorization"));
	r.pin = pin;
	o = ask(r);
	CHECK(o.reply.fault == CLIENT_OK);
	CHECK(peer_saw(p, "Authorization: Basic YW5uYTp2ZXJ5IHNlY3JldA==\r\n"));
	peer_stop(p);
}

/* A connection that is kept open was checked against the pin of then. */
static void kept_connection_does_not_pass_for_another_pin(void)
{
	struct peer *p = peer_start_tls(serve_well);
	struct outcome o = ask((struct client_request){.uri = p->uri});
	char pin[64];

	snprintf(pin, sizeof(pin), "%s", o.reply.pin);
	for (int i = 0; i < 3; i++) {
		o = ask((struct client_request){.uri = p->uri, .pin = pin});
		CHECK(o.reply.fault == CLIENT_OK && o.reply.encrypted && !strcmp(o.reply.pin, pin));
	}
	CHECK(p->connections == 2);
	CHECK(ask((struct client_request){.uri = p->uri, .pin = wrong_pin}).reply.fault ==
		CLIENT_PIN);
	CHECK(p->connections == 3);
	/* And without a pin it is met anew, so that its pin is told. */
	o = ask((struct client_request){.uri = p->uri});
	CHECK(!strcmp(o.reply.pin, pin) && p->connections == 4);
	peer_stop(p);
}

static void large_document_goes_through_tls(void)
{
	struct peer *p = peer_start_tls(serve_well);
	struct outcome o = ask((struct client_request){.uri = p->uri});
	struct document d = {.left = 10 * 1000 * 1000};
	char pin[64];

	snprintf(pin, sizeof(pin), "%s", o.reply.pin);
	o = ask((struct client_request){
		.uri = p->uri, .pin = pin, .body = read_document, .body_arg = &d});
	CHECK(o.reply.fault == CLIENT_OK && o.reply.body_begun && d.left == 0);
	CHECK(p->body > 10 * 1000 * 1000 && p->ended);
	peer_stop(p);
}

static void no_tls_there_is_told(void)
{
	struct peer *p = peer_start(serve_well);
	char uri[64];
	struct outcome o;

	snprintf(uri, sizeof(uri), "ipps://127.0.0.1:%d/ipp/print", p->port);
	o = ask((struct client_request){.uri = uri, .connect_ms = 2000});
	CHECK(o.reply.fault == CLIENT_TLS || o.reply.fault == CLIENT_SILENT);
	CHECK(!o.reply.encrypted && !o.reply.pin[0]);
	peer_stop(p);
}

static void serve_plain_words(struct conn *c)
{
	conn_say(c, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n");
}

static void serve_nothing(struct conn *c)
{
	(void)c;
}

static void broken_handshake_is_tls(void)
{
	static peer_fn *const serves[] = {serve_plain_words, serve_nothing};

	for (size_t i = 0; i < 2; i++) {
		struct peer *p = peer_start(serves[i]);
		char uri[64];
		struct outcome o;

		snprintf(uri, sizeof(uri), "ipps://127.0.0.1:%d/ipp/print", p->port);
		o = ask((struct client_request){.uri = uri});
		CHECK(o.reply.fault == CLIENT_TLS);
		CHECK(!o.reply.encrypted);
		peer_stop(p);
	}
}

int main(void)
{
	if (calls_main_start())
		return 1;
	RUN(first_use_tells_the_pin);
	RUN(pin_is_the_digest_of_the_public_key);
	RUN(wrong_key_gets_nothing);
	RUN(wrong_key_sees_no_octet);
	RUN(password_goes_to_the_right_key_only);
	RUN(kept_connection_does_not_pass_for_another_pin);
	RUN(large_document_goes_through_tls);
	RUN(no_tls_there_is_told);
	RUN(broken_handshake_is_tls);
	return calls_main_end();
}
