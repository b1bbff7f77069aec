/* SPDX-License-Identifier: Apache-2.0 */
/* test-client-identity - a server of ours is known by its CA and its name, or nothing is said to it. */
#include "authority.h"
#include "calls.h"
#include "ipp/call.h"
#include "peer.h"

static char folder[64], command[256];
static struct authority *ours, *theirs;
static char ca_file[128], cert_file[128], key_file[128], other_cert[128], other_key[128];
static struct client_identity machine, stranger;

static void serve_recording(struct conn *c)
{
	char buf[4096];

	while (conn_read(c, buf, sizeof(buf)) > 0)
		;
}

static struct outcome ask_as(struct peer *p, const struct client_identity *id)
{
	return ask((struct client_request){.uri = p->uri, .identity = id, .repeatable = true});
}

/* Refused before an octet of ours leaves: the recorder got nothing but the handshake. */
static void is_refused_by_us(struct peer *p, const char *words)
{
	struct document d = {.left = 100000};
	struct client_request r = {
		.uri = p->uri, .identity = &machine, .user = "enrol", .password = "very secret"};
	struct outcome o = ask(r);

	CHECK(o.reply.fault == CLIENT_PIN && !o.reply.http_status && !o.reply.ipp);
	CHECK(strstr(o.reply.detail, "the server's certificate is refused: ") == o.reply.detail);
	CHECK(strstr(o.reply.detail, words) != NULL);
	r.body = read_document;
	r.body_arg = &d;
	o = ask(r);
	CHECK(o.reply.fault == CLIENT_PIN && !o.reply.body_begun && d.asked == 0);
	for (int64_t until = mono_ms() + 5000; p->connections < 2 && mono_ms() < until;)
		poll(NULL, 0, 5);
	for (int i = 0; i < 2; i++) {
		pthread_join(p->conns[i].thread, NULL);
		p->conns[i].thread = 0;
	}
	CHECK(p->connections == 2 && p->octets == 0);
	peer_stop(p);
}

static void the_right_ca_and_name_are_good(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);
	struct outcome o = ask_as(p, &machine);

	CHECK(o.reply.fault == CLIENT_OK && o.reply.encrypted && o.reply.status == 0);
	CHECK(peer_saw(p, "POST /ipp/print"));
	peer_stop(p);
	p = authority_peer(ours, &server_by_name, serve_well);
	snprintf(p->uri, sizeof(p->uri), "ipps://localhost:%d/ipp/print", p->port);
	o = ask_as(p, &machine);
	CHECK(o.reply.fault == CLIENT_OK);
	peer_stop(p);
}

static void our_certificate_is_shown(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);
	const struct client_identity none = {.ca_file = ca_file};

	p->wants_certificate = true;
	CHECK(ask_as(p, &machine).reply.fault == CLIENT_OK);
	CHECK(strstr(p->subject, "CN=machine one") != NULL);
	CHECK(ask_as(p, &stranger).reply.fault == CLIENT_OK);
	CHECK(strstr(p->subject, "CN=machine two") != NULL);
	CHECK(ask_as(p, &none).reply.fault == CLIENT_OK);
	CHECK(!p->subject[0]);
	peer_stop(p);
}

static void another_ca_is_refused(void)
{
	is_refused_by_us(authority_peer(theirs, &server_by_address, serve_recording), "");
}

static void a_certificate_signed_by_itself_is_refused(void)
{
	is_refused_by_us(peer_start_tls(serve_recording), "");
}

static void another_host_name_is_refused(void)
{
	is_refused_by_us(authority_peer(ours, &server_elsewhere, serve_recording), "127.0.0.1");
	is_refused_by_us(authority_peer(ours, &server_by_name, serve_recording), "127.0.0.1");
}

static void an_expired_certificate_is_refused(void)
{
	is_refused_by_us(authority_peer(ours, &server_expired, serve_recording), "expire");
}

static void a_certificate_of_the_future_is_refused(void)
{
	is_refused_by_us(authority_peer(ours, &server_too_early, serve_recording), "not valid yet");
}

/* A machine that is enrolled must not pass for the server, even with the server's name in its certificate. */
static void a_machine_is_no_server(void)
{
	is_refused_by_us(authority_peer(ours, &machine_at_the_address, serve_recording),
		"not one for servers");
}

static void plain_ipp_is_never_spoken(void)
{
	struct peer *p = peer_start(serve_recording);
	struct outcome o;
	char uri[64];

	CHECK(start((struct client_request){.uri = p->uri, .identity = &machine}, &o) == -EINVAL);
	snprintf(uri, sizeof(uri), "ipps://127.0.0.1:%d/ipp/print", p->port);
	o = ask((struct client_request){
		.uri = uri, .identity = &machine, .connect_ms = 500, .total_ms = 1000});
	CHECK(o.reply.fault == CLIENT_TLS || o.reply.fault == CLIENT_SILENT);
	CHECK(!peer_saw(p, "POST"));
	peer_stop(p);
}

static void tls_before_1_2_is_not_spoken(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_recording);

	p->priority = "NORMAL:-VERS-ALL:+VERS-TLS1.1:%COMPAT";
	CHECK(ask_as(p, &machine).reply.fault == CLIENT_TLS);
	CHECK(p->octets == 0);
	peer_stop(p);
}

static void what_does_not_fit_together_is_not_begun(void)
{
	const struct client_identity half = {.ca_file = ca_file, .cert_file = cert_file};
	const struct client_identity none = {0};
	struct client_request r = {.uri = "ipps://127.0.0.1:9/x", .identity = &half};
	struct outcome o;

	CHECK(start(r, &o) == -EINVAL);
	r.identity = &none;
	CHECK(start(r, &o) == -EINVAL);
	r.identity = &machine;
	r.pin = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	CHECK(start(r, &o) == -EINVAL);
}

static void a_password_may_go_to_a_server_of_ours(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);
	struct outcome o = ask((struct client_request){
		.uri = p->uri, .identity = &machine, .user = "anna", .password = "very secret"});

	CHECK(o.reply.fault == CLIENT_OK);
	CHECK(peer_saw(p, "Authorization: Basic YW5uYTp2ZXJ5IHNlY3JldA==\r\n"));
	peer_stop(p);
}

static struct outcome send_op(ipp_op_t op, struct client_request r)
{
	struct outcome o;

	CHECK(start_op(op, r, &o, NULL) == 0);
	run_until(&o.done, 1, 15000);
	CHECK(o.done == 1 && o.reply.fault == CLIENT_OK);
	return o;
}

static void what_is_repeatable_uses_a_kept_connection(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);
	struct client_request r = {.uri = p->uri, .identity = &machine, .repeatable = true};

	for (int i = 0; i < 5; i++)
		send_op(IPP_OP_CREATE_JOB, r);
	CHECK(p->connections == 1 && p->requests == 5);
	r.repeatable = false;
	send_op(IPP_OP_CREATE_JOB, r);
	send_op(IPP_OP_CREATE_JOB, r);
	CHECK(p->connections == 3);
	send_op(IPP_OP_GET_PRINTER_ATTRIBUTES, r); /* a question is, by itself */
	CHECK(p->connections == 3);
	peer_stop(p);
}

static void kept_connections_belong_to_one_identity(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);
	const struct client_identity none = {.ca_file = ca_file};

	p->wants_certificate = true;
	for (int i = 0; i < 2; i++)
		ask_as(p, &machine);
	CHECK(p->connections == 1);
	ask_as(p, &none);
	CHECK(p->connections == 2 && !p->subject[0]);
	ask_as(p, &stranger);
	CHECK(p->connections == 3 && strstr(p->subject, "machine two"));
	/* And one whose peer was not looked at is not taken for one that was. */
	ask((struct client_request){.uri = p->uri});
	CHECK(p->connections == 4);
	peer_stop(p);
}

static void another_server_of_the_same_ca_hears_nothing(void)
{
	struct client_identity named = machine;
	struct subject other = server_by_address;
	struct peer *p;

	named.server_uuid = "urn:uuid:11111111-2222-4333-8444-555555555555";
	other.uuid = "urn:uuid:99999999-2222-4333-8444-555555555555";
	p = authority_peer(ours, &other, serve_well);
	CHECK(ask_as(p, &named).reply.fault == CLIENT_PIN && p->requests == 0);
	named.server_uuid = other.uuid;
	CHECK(ask_as(p, &named).reply.fault == CLIENT_OK && p->requests == 1);
	peer_stop(p);
}

/* The same files hold another certificate: what was shown before is over. */
static void a_renewed_certificate_is_shown_at_once(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);

	p->wants_certificate = true;
	ask_as(p, &machine);
	ask_as(p, &machine);
	CHECK(p->connections == 1 && strstr(p->subject, "machine one"));
	authority_issue(ours, &machine_three, cert_file, key_file);
	ask_as(p, &machine);
	CHECK(p->connections == 2 && strstr(p->subject, "machine three"));
	ask_as(p, &machine);
	CHECK(p->connections == 2);
	authority_issue(ours, &machine_one, cert_file, key_file);
	peer_stop(p);
}

static void our_own_fault_is_told_as_ours(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_well);
	struct client_identity bad = machine;
	struct outcome o;

	bad.key_file = other_key; /* not the certificate's */
	o = ask_as(p, &bad);
	CHECK(o.reply.fault == CLIENT_BODY && strstr(o.reply.detail, "this computer's"));
	bad = machine;
	bad.cert_file = "/nonexistent/cert.pem";
	CHECK(ask_as(p, &bad).reply.fault == CLIENT_BODY);
	bad = machine;
	bad.ca_file = "/nonexistent/ca.pem";
	CHECK(ask_as(p, &bad).reply.fault == CLIENT_BODY);
	CHECK(p->octets == 0);
	peer_stop(p);
}

/* client-error-not-authorized: an answer, not a fault. */
static void serve_revoked(struct conn *c)
{
	char head[128], refusal[sizeof(peer_ok)];

	memcpy(refusal, peer_ok, sizeof(peer_ok));
	refusal[2] = 4;
	refusal[3] = 3;
	while (conn_request(c)) {
		snprintf(head, sizeof(head),
			"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: %zu\r\n\r\n",
			sizeof(peer_ok) - 1);
		conn_say(c, head);
		conn_write(c, refusal, sizeof(peer_ok) - 1);
	}
}

static void a_revoked_machine_is_told_so(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_revoked);
	struct outcome o = ask_as(p, &machine);

	CHECK(o.reply.fault == CLIENT_OK && o.reply.status == IPP_STATUS_ERROR_NOT_AUTHORIZED);
	peer_stop(p);
}

/* ---- GET ---- */

struct got {
	int done;
	struct client_got reply;
	char octets[64];
};

static void on_got(void *arg, const struct client_got *reply)
{
	struct got *g = arg;

	g->done++;
	g->reply = *reply;
	if (reply->octets)
		snprintf(g->octets, sizeof(g->octets), "%.*s", (int)reply->count,
			(const char *)reply->octets);
	if (reply->fault)
		printf("# %s: %s\n", client_fault_name(reply->fault), reply->detail);
}

static struct got get(struct client_get request)
{
	struct got g = {0};

	CHECK(client_get(client, &request, on_got, &g, NULL) == 0);
	run_until(&g.done, 1, 15000);
	CHECK(g.done == 1);
	return g;
}

static void serve_policy(struct conn *c)
{
	while (conn_request(c)) {
		if (strstr(c->head, "GET /ipp/res/none "))
			conn_say(c, "HTTP/1.1 404 Not Found\r\nContent-Length: 5\r\n\r\nsorry");
		else if (strstr(c->head, "If-None-Match: \"7\""))
			conn_say(c, "HTTP/1.1 304 Not Modified\r\nETag: \"7\"\r\n\r\n");
		else
			conn_say(c,
				"HTTP/1.1 200 OK\r\nETag: \"7\"\r\nstillprint-signature:  AbC= \r\n"
				"Content-Length: 13\r\n\r\n{\"version\":7}");
	}
}

static void a_document_is_got_with_its_signature(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_policy);
	struct client_get r = {
		.uri = p->uri, .identity = &machine, .header = "Stillprint-Signature"};
	struct got g = get(r);

	CHECK(g.reply.fault == CLIENT_OK && g.reply.http_status == 200);
	CHECK(!strcmp(g.octets, "{\"version\":7}") && g.reply.count == 13);
	CHECK(!strcmp(g.reply.etag, "\"7\"") && !strcmp(g.reply.header, "AbC="));
	CHECK(peer_saw(p, "GET /ipp/print HTTP/1.1\r\n") && !peer_saw(p, "POST"));
	r.if_none_match = "\"7\"";
	g = get(r);
	CHECK(g.reply.fault == CLIENT_OK && g.reply.http_status == 304 && !g.reply.octets &&
		!g.reply.count && !g.reply.detail[0]);
	CHECK(!strcmp(g.reply.etag, "\"7\"") && !g.reply.header[0]);
	CHECK(p->connections == 1);
	peer_stop(p);
}

static void a_document_that_is_not_there_is_told(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_policy);
	char uri[128];
	struct got g;

	snprintf(uri, sizeof(uri), "ipps://127.0.0.1:%d/ipp/res/none", p->port);
	g = get((struct client_get){.uri = uri, .identity = &machine});
	CHECK(g.reply.fault == CLIENT_HTTP && g.reply.http_status == 404 && !g.reply.octets);
	peer_stop(p);
}

static void serve_flood(struct conn *c)
{
	static const char octets[65536];

	if (!conn_request(c))
		return;
	conn_say(c, "HTTP/1.1 200 OK\r\n\r\n");
	for (int i = 0; i < 64; i++)
		conn_write(c, octets, sizeof(octets));
}

static void a_document_without_end_is_not_taken(void)
{
	struct peer *p = authority_peer(ours, &server_by_address, serve_flood);
	struct got g = get((struct client_get){.uri = p->uri, .identity = &machine});

	CHECK(g.reply.fault == CLIENT_GARBAGE && !g.reply.octets && !g.reply.count);
	peer_stop(p);
}

static void a_get_to_another_ca_says_nothing(void)
{
	struct peer *p = authority_peer(theirs, &server_by_address, serve_recording);
	struct got g = get((struct client_get){.uri = p->uri, .identity = &machine});
	struct client_get bad = {.uri = p->uri};

	CHECK(g.reply.fault == CLIENT_PIN && !peer_saw(p, "GET"));
	CHECK(client_get(client, &bad, on_got, &g, NULL) == -EINVAL);
	bad.identity = &machine;
	bad.if_none_match = "\"1\"\r\nX: y";
	CHECK(client_get(client, &bad, on_got, &g, NULL) == -EINVAL);
	bad.if_none_match = NULL;
	bad.header = "X: y";
	CHECK(client_get(client, &bad, on_got, &g, NULL) == -EINVAL);
	peer_stop(p);
}

/* ---- the chain ---- */

struct met {
	int done;
	enum client_fault fault;
	size_t count;
	char pem[4][2048];
};

static void on_met(void *arg, const struct client_chain *chain)
{
	struct met *m = arg;

	m->done++;
	m->fault = chain->fault;
	m->count = chain->count;
	for (size_t i = 0; i < chain->count && i < 4; i++)
		snprintf(m->pem[i], sizeof(m->pem[i]), "%s", chain->pem[i]);
}

static struct met meet(const char *uri)
{
	struct met m = {0};

	CHECK(client_chain(client, uri, 2000, on_met, &m, NULL) == 0);
	run_until(&m.done, 1, 15000);
	CHECK(m.done == 1);
	return m;
}

static void a_chain_is_shown_and_nothing_is_said(void)
{
	struct peer *p = authority_peer(theirs, &server_by_address, serve_recording);
	struct met m = meet(p->uri);
	char ca[4096];

	authority_pem(theirs, ca, sizeof(ca));
	CHECK(m.fault == CLIENT_OK && m.count == 2);
	CHECK(strstr(m.pem[0], "-----BEGIN CERTIFICATE-----") && strcmp(m.pem[0], m.pem[1]) != 0);
	CHECK(!strcmp(m.pem[1], ca));
	pthread_join(p->conns[0].thread, NULL);
	p->conns[0].thread = 0;
	CHECK(p->octets == 0 && p->connections == 1);
	peer_stop(p);
}

static void no_chain_without_tls(void)
{
	struct peer *p = peer_start(serve_recording);
	struct met m = {0};
	char uri[64];

	CHECK(client_chain(client, p->uri, 0, on_met, &m, NULL) == -EINVAL);
	snprintf(uri, sizeof(uri), "ipps://127.0.0.1:%d/", p->port);
	m = meet(uri);
	CHECK((m.fault == CLIENT_TLS || m.fault == CLIENT_SILENT) && m.count == 0);
	peer_stop(p);
	CHECK(meet("ipps://127.0.0.1:9/").fault == CLIENT_REFUSED);
}

static void start_files(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test-client-identity.%d", getpid());
	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", folder, folder);
	if (system(command))
		abort();
	snprintf(ca_file, sizeof(ca_file), "%s/ca.pem", folder);
	snprintf(cert_file, sizeof(cert_file), "%s/cert.pem", folder);
	snprintf(key_file, sizeof(key_file), "%s/key.pem", folder);
	snprintf(other_cert, sizeof(other_cert), "%s/cert2.pem", folder);
	snprintf(other_key, sizeof(other_key), "%s/key2.pem", folder);
	ours = authority_new("our CA");
	theirs = authority_new("our CA"); /* the same name: only the key tells */
	authority_write(ours, ca_file);
	authority_issue(ours, &machine_one, cert_file, key_file);
	authority_issue(ours, &machine_two, other_cert, other_key);
	machine = (struct client_identity){ca_file, cert_file, key_file, NULL};
	stranger = (struct client_identity){ca_file, other_cert, other_key, NULL};
}

int main(void)
{
	if (calls_main_start())
		return 1;
	start_files();
	RUN(the_right_ca_and_name_are_good);
	RUN(our_certificate_is_shown);
	RUN(another_ca_is_refused);
	RUN(a_certificate_signed_by_itself_is_refused);
	RUN(another_host_name_is_refused);
	RUN(an_expired_certificate_is_refused);
	RUN(a_certificate_of_the_future_is_refused);
	RUN(a_machine_is_no_server);
	RUN(plain_ipp_is_never_spoken);
	RUN(tls_before_1_2_is_not_spoken);
	RUN(what_does_not_fit_together_is_not_begun);
	RUN(a_password_may_go_to_a_server_of_ours);
	RUN(what_is_repeatable_uses_a_kept_connection);
	RUN(kept_connections_belong_to_one_identity);
	RUN(another_server_of_the_same_ca_hears_nothing);
	RUN(a_renewed_certificate_is_shown_at_once);
	RUN(our_own_fault_is_told_as_ours);
	RUN(a_revoked_machine_is_told_so);
	RUN(a_document_is_got_with_its_signature);
	RUN(a_document_that_is_not_there_is_told);
	RUN(a_document_without_end_is_not_taken);
	RUN(a_get_to_another_ca_says_nothing);
	RUN(a_chain_is_shown_and_nothing_is_said);
	RUN(no_chain_without_tls);
	authority_free(ours);
	authority_free(theirs);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) || calls_main_end();
}
