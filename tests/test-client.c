/* SPDX-License-Identifier: Apache-2.0 */
/* test-client - how a call ends, against peers that misbehave in every way we know. */
#include "calls.h"
#include "ipp/call.h"
#include "peer.h"

/* ---- peers ---- */

static void serve_silence(struct conn *c)
{
	char buf[4096];

	while (conn_read(c, buf, sizeof(buf)) > 0)
		;
}

static void serve_cut_at_once(struct conn *c)
{
	conn_request(c);
}

static void serve_cut_in_reply(struct conn *c)
{
	conn_request(c);
	conn_say(c,
		"HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nContent-Length: 76\r\n\r\n");
	conn_write(c, peer_ok, 20);
}

static void serve_reset_in_body(struct conn *c)
{
	const struct linger hard = {1, 0};
	char buf[100000];

	conn_head(c);
	conn_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
	conn_read(c, buf, sizeof(buf));
	conn_read(c, buf, sizeof(buf));
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	dup2(c->peer->listener, c->fd); /* closes it, with a reset */
}

static void serve_html(struct conn *c)
{
	conn_request(c);
	conn_say(c,
		"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 14\r\n\r\n<html></html>\n");
}

static void serve_no_http(struct conn *c)
{
	conn_request(c);
	conn_say(c, "\x01\x02\x03 what is this?\r\n\r\n");
}

static void serve_too_much(struct conn *c)
{
	static char much[65536];

	conn_request(c);
	conn_say(c, "HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\n\r\n");
	for (int i = 0; i < 64; i++)
		conn_write(c, much, sizeof(much));
}

static void serve_endless_head(struct conn *c)
{
	conn_request(c);
	conn_say(c, "HTTP/1.1 200 OK\r\n");
	for (int i = 0; i < 20000; i++)
		conn_say(c, "X-More: and more and more and more and more and more\r\n");
}

static void serve_endless_continue(struct conn *c)
{
	conn_request(c);
	for (int i = 0; i < 20000; i++)
		conn_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
}

static void serve_slowly(struct conn *c)
{
	conn_request(c);
	conn_say(
		c, "HTTP/1.1 200 OK\r\nContent-Type: application/ipp\r\nConnection: close\r\n\r\n");
	for (size_t i = 0; i < sizeof(peer_ok) - 1; i++) {
		poll(NULL, 0, 10);
		conn_write(c, peer_ok + i, 1);
	}
}

/* Reads on, but little at a time, as a printer with a small buffer does that prints meanwhile. */
static void serve_slow_reader(struct conn *c)
{
	char buf[4096];
	size_t end = 0;

	conn_head(c);
	conn_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
	while (end < 5) {
		ssize_t n = conn_read(c, buf, sizeof(buf));

		if (n <= 0)
			return;
		end = n >= 5 && !memcmp(buf + n - 5, "0\r\n\r\n", 5) ? 5 : 0;
		poll(NULL, 0, 20);
	}
	conn_answer(c);
}

static void serve_stuck_reader(struct conn *c)
{
	char octet;

	conn_head(c);
	conn_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
	for (int i = 0; i < 1000; i++)
		conn_read(c, &octet, 1);
	/* Waits for the end without taking anything. */
	while (recv(c->fd, &octet, 1, MSG_PEEK) == 1 &&
		!poll(&(struct pollfd){c->fd, POLLRDHUP, 0}, 1, 10))
		;
}

static const char *status_line;

static void serve_status(struct conn *c)
{
	conn_head(c);
	if (!c->expects)
		conn_body(c);
	conn_say(c, "HTTP/1.1 ");
	conn_say(c, status_line);
	conn_say(c, "\r\nContent-Length: 0\r\n\r\n");
}

static void serve_late_no(struct conn *c)
{
	char buf[20000];

	conn_head(c);
	conn_say(c, "HTTP/1.1 100 Continue\r\n\r\n");
	for (int i = 0; i < 10; i++)
		conn_read(c, buf, sizeof(buf));
	conn_say(c, "HTTP/1.1 503 Full\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
	shutdown(c->fd, SHUT_WR);
	while (conn_read(c, buf, sizeof(buf)) > 0)
		;
}

static void serve_cut_no(struct conn *c)
{
	conn_request(c);
	conn_say(c, "HTTP/1.1 503 Full\r\nContent-Length: 100\r\n\r\nnot all of it");
}

/* Says that it minds Expect when it has a part of the document already. */
static void serve_late_417(struct conn *c)
{
	char buf[20000];

	conn_head(c);
	for (int i = 0; i < 10; i++)
		conn_read(c, buf, sizeof(buf));
	conn_say(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
	while (conn_read(c, buf, sizeof(buf)) > 0)
		;
}

/* Does not know Expect, as HTTP/1.0 servers do not. */
static void serve_without_expect(struct conn *c)
{
	while (conn_head(c) && conn_body(c))
		conn_answer(c);
}

static void serve_417(struct conn *c)
{
	while (conn_head(c)) {
		if (c->expects) {
			conn_say(c, "HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
			continue;
		}
		conn_body(c);
		conn_answer(c);
	}
}

static void serve_one_then_close(struct conn *c)
{
	if (conn_request(c))
		conn_answer(c);
}

/* The second request on a connection is read, and the connection dies. */
static void serve_one_then_die(struct conn *c)
{
	if (conn_request(c)) {
		conn_answer(c);
		conn_request(c);
	}
}

/* ---- how it ends ---- */

static void codes_of_libcurl_have_our_names(void)
{
	static const struct {
		CURLcode code;
		long os_errno;
		bool resolved;
		enum client_fault fault;
	} rows[] = {
		{CURLE_OK, 0, true, CLIENT_OK},
		{CURLE_COULDNT_RESOLVE_HOST, 0, false, CLIENT_NO_ROUTE},
		{CURLE_COULDNT_CONNECT, ECONNREFUSED, true, CLIENT_REFUSED},
		{CURLE_COULDNT_CONNECT, EHOSTUNREACH, true, CLIENT_NO_ROUTE},
		{CURLE_COULDNT_CONNECT, ENETUNREACH, true, CLIENT_NO_ROUTE},
		{CURLE_COULDNT_CONNECT, EHOSTDOWN, true, CLIENT_NO_ROUTE},
		{CURLE_COULDNT_CONNECT, ENETDOWN, true, CLIENT_NO_ROUTE},
		{CURLE_COULDNT_CONNECT, EADDRNOTAVAIL, true, CLIENT_NO_ROUTE},
		{CURLE_COULDNT_CONNECT, ETIMEDOUT, true, CLIENT_SILENT},
		{CURLE_COULDNT_CONNECT, EAGAIN, true, CLIENT_SILENT},
		{CURLE_COULDNT_CONNECT, ENOENT, true, CLIENT_REFUSED},
		{CURLE_OPERATION_TIMEDOUT, 0, true, CLIENT_SILENT},
		{CURLE_OPERATION_TIMEDOUT, 0, false, CLIENT_NO_ROUTE},
		{CURLE_SSL_CONNECT_ERROR, 0, true, CLIENT_TLS},
		{CURLE_SSL_CIPHER, 0, true, CLIENT_TLS},
		{CURLE_SSL_CERTPROBLEM, 0, true, CLIENT_TLS},
		{CURLE_SSL_CACERT_BADFILE, 0, true, CLIENT_TLS},
		{CURLE_SSL_ISSUER_ERROR, 0, true, CLIENT_TLS},
		{CURLE_SSL_INVALIDCERTSTATUS, 0, true, CLIENT_TLS},
		{CURLE_PEER_FAILED_VERIFICATION, 0, true, CLIENT_TLS},
		{CURLE_USE_SSL_FAILED, 0, true, CLIENT_TLS},
		{CURLE_SSL_PINNEDPUBKEYNOTMATCH, 0, true, CLIENT_PIN},
		{CURLE_GOT_NOTHING, 0, true, CLIENT_CUT},
		{CURLE_PARTIAL_FILE, 0, true, CLIENT_CUT},
		{CURLE_SEND_ERROR, 0, true, CLIENT_CUT},
		{CURLE_RECV_ERROR, 0, true, CLIENT_CUT},
		{CURLE_SEND_FAIL_REWIND, 0, true, CLIENT_CUT},
		{CURLE_UNSUPPORTED_PROTOCOL, 0, true, CLIENT_GARBAGE},
		{CURLE_WEIRD_SERVER_REPLY, 0, true, CLIENT_GARBAGE},
		{CURLE_WRITE_ERROR, 0, true, CLIENT_GARBAGE},
		{CURLE_FILESIZE_EXCEEDED, 0, true, CLIENT_GARBAGE},
		{CURLE_BAD_CONTENT_ENCODING, 0, true, CLIENT_GARBAGE},
		{CURLE_ABORTED_BY_CALLBACK, 0, true, CLIENT_BODY},
		{CURLE_READ_ERROR, 0, true, CLIENT_BODY},
		{CURLE_OUT_OF_MEMORY, 0, true, CLIENT_BODY},
		{CURLE_FAILED_INIT, 0, true, CLIENT_BODY},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		CHECK(call_fault(rows[i].code, rows[i].os_errno, rows[i].resolved) ==
			rows[i].fault);
	CHECK(call_http_fault(200) == CLIENT_OK);
	CHECK(call_http_fault(401) == CLIENT_AUTH && call_http_fault(403) == CLIENT_AUTH);
	CHECK(call_http_fault(0) == CLIENT_HTTP && call_http_fault(302) == CLIENT_HTTP);
	CHECK(call_http_fault(404) == CLIENT_HTTP && call_http_fault(503) == CLIENT_HTTP);
	CHECK(!strcmp(client_fault_name(CLIENT_OK), "ok") &&
		!strcmp(client_fault_name(CLIENT_CANCELED), "canceled"));
	CHECK(!strcmp(client_fault_name((enum client_fault)77), "unknown"));
}

static void answer_is_given(void)
{
	struct peer *p = peer_start(serve_well);
	struct outcome o = ask((struct client_request){.uri = p->uri});

	CHECK(o.reply.fault == CLIENT_OK && o.reply.http_status == 200);
	CHECK(o.reply.status == IPP_STATUS_OK && o.reply.ipp);
	CHECK(!o.reply.encrypted && !o.reply.body_begun && o.reply.connect_ms >= 0);
	CHECK(peer_saw(p, "POST /ipp/print HTTP/1.1\r\n"));
	CHECK(peer_saw(p, "Content-Type: application/ipp\r\n"));
	CHECK(peer_saw(p, "Content-Length: "));
	CHECK(!peer_saw(p, "Expect") && !peer_saw(p, "Cookie") && !peer_saw(p, "chunked"));
	peer_stop(p);
}

static void refused_port_is_told_at_once(void)
{
	struct peer *p = peer_bound(serve_well, false);
	char uri[64];
	struct outcome o = ask((struct client_request){.uri = p->uri});

	CHECK(o.reply.fault == CLIENT_REFUSED && o.reply.connect_ms == -1);
	CHECK(o.took_ms < 500);
	/* Several addresses, both refuse. */
	snprintf(uri, sizeof(uri), "ipp://localhost:%d/", p->port);
	o = ask((struct client_request){.uri = uri});
	CHECK(o.reply.fault == CLIENT_REFUSED);
	CHECK(o.took_ms < 500);
	snprintf(uri, sizeof(uri), "ipp://[::1]:%d/", p->port);
	o = ask((struct client_request){.uri = uri});
	CHECK(o.reply.fault == CLIENT_REFUSED ||
		o.reply.fault == CLIENT_NO_ROUTE); /* no IPv6 here */
	close(p->listener);
	free(p);
}

static void network_out_of_reach_is_no_route(void)
{
	/* No TCP to a multicast address: the kernel says ENETUNREACH, with any routes or none. */
	struct outcome o = ask((struct client_request){.uri = "ipp://224.0.0.1/ipp/print"});

	CHECK(o.reply.fault == CLIENT_NO_ROUTE);
	o = ask((struct client_request){
		.uri = "ipp://no-such-printer.invalid/ipp/print", .connect_ms = 2000});
	CHECK(o.reply.fault == CLIENT_NO_ROUTE);
	CHECK(o.took_ms < 2500);
}

static void silent_peer_is_given_up_after_stall_ms(void)
{
	struct peer *p = peer_start(serve_silence);
	struct document d = {.left = 1000};
	struct outcome o = ask((struct client_request){.uri = p->uri, .stall_ms = 400});

	CHECK(o.reply.fault == CLIENT_SILENT && o.reply.connect_ms >= 0);
	CHECK(o.took_ms >= 400 && o.took_ms < 800);
	o = ask((struct client_request){
		.uri = p->uri, .stall_ms = 400, .body = read_document, .body_arg = &d});
	CHECK(o.reply.fault == CLIENT_SILENT && o.reply.body_begun);
	o = ask((struct client_request){.uri = p->uri, .total_ms = 300});
	CHECK(o.reply.fault == CLIENT_SILENT && o.took_ms >= 300 && o.took_ms < 600);
	peer_stop(p);
}

static void peer_that_never_accepts_is_silent(void)
{
	struct peer *p = peer_bound(serve_well, false);
	struct peer *tls = peer_start(serve_silence);
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)p->port)};
	struct outcome o;
	char uri[64];
	int fds[4];

	/* A full backlog: further SYNs are dropped. */
	listen(p->listener, 0);
	for (size_t i = 0; i < 4; i++) {
		fds[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		connect(fds[i], (struct sockaddr *)&at, sizeof(at));
	}
	o = ask((struct client_request){.uri = p->uri, .connect_ms = 400});
	CHECK(o.reply.fault == CLIENT_SILENT && o.reply.connect_ms == -1);
	CHECK(o.took_ms >= 400 && o.took_ms < 800);
	for (size_t i = 0; i < 4; i++)
		close(fds[i]);
	close(p->listener);
	free(p);
	/* A handshake that is not answered counts as connecting. */
	snprintf(uri, sizeof(uri), "ipps://127.0.0.1:%d/", tls->port);
	o = ask((struct client_request){.uri = uri, .connect_ms = 400});
	CHECK(o.reply.fault == CLIENT_SILENT && !o.reply.encrypted);
	CHECK(o.took_ms >= 400 && o.took_ms < 800);
	peer_stop(tls);
}

static void broken_connection_is_cut(void)
{
	struct peer *p = peer_start(serve_cut_at_once);
	struct document d = {.left = 50 * 1000 * 1000};
	struct outcome o = ask((struct client_request){.uri = p->uri});

	CHECK(o.reply.fault == CLIENT_CUT);
	peer_stop(p);
	p = peer_start(serve_cut_in_reply);
	o = ask((struct client_request){.uri = p->uri});
	CHECK(o.reply.fault == CLIENT_CUT);
	peer_stop(p);
	p = peer_start(serve_reset_in_body);
	o = ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});
	CHECK(o.reply.fault == CLIENT_CUT && o.reply.body_begun);
	peer_stop(p);
}

static void garbage_is_told(void)
{
	static peer_fn *const serves[] = {serve_html, serve_no_http, serve_too_much,
		serve_endless_head, serve_endless_continue};

	for (size_t i = 0; i < sizeof(serves) / sizeof(serves[0]); i++) {
		struct peer *p = peer_start(serves[i]);
		struct outcome o = ask((struct client_request){.uri = p->uri});

		CHECK(o.reply.fault == CLIENT_GARBAGE);
		CHECK(!o.reply.ipp);
		CHECK(!strcmp(o.reply.detail, "the answer is too long") == (i >= 2));
		peer_stop(p);
	}
}

static void slow_but_alive_is_waited_for(void)
{
	struct peer *p = peer_start(serve_slowly);
	struct document d = {.left = 400 * 1000};
	struct outcome o = ask((struct client_request){.uri = p->uri, .stall_ms = 200});

	CHECK(o.reply.fault == CLIENT_OK);
	CHECK(o.took_ms > 500);
	peer_stop(p);
	p = peer_bound(serve_slow_reader, false);
	setsockopt(p->listener, SOL_SOCKET, SO_RCVBUF, &(int){16384}, sizeof(int));
	peer_run(p);
	o = ask((struct client_request){
		.uri = p->uri, .stall_ms = 500, .body = read_document, .body_arg = &d});
	CHECK(o.reply.fault == CLIENT_OK && o.reply.body_begun);
	CHECK(o.took_ms > 500);
	peer_stop(p);
}

static void peer_that_stops_reading_is_silent(void)
{
	struct peer *p = peer_start(serve_stuck_reader);
	struct document d = {.left = 50 * 1000 * 1000};
	struct outcome o = ask((struct client_request){
		.uri = p->uri, .stall_ms = 300, .body = read_document, .body_arg = &d});

	CHECK(o.reply.fault == CLIENT_SILENT && o.reply.body_begun);
	CHECK(o.took_ms < 2000);
	peer_stop(p);
}

static void http_status_is_told_before_the_document_leaves(void)
{
	static const struct {
		const char *line;
		enum client_fault fault;
	} rows[] = {
		{"401 Unauthorized", CLIENT_AUTH},
		{"403 Forbidden", CLIENT_AUTH},
		{"404 Not Found", CLIENT_HTTP},
		{"426 Upgrade Required", CLIENT_HTTP},
		{"500 Broken", CLIENT_HTTP},
		{"503 Busy", CLIENT_HTTP},
		{"302 Found\r\nLocation: http://127.0.0.1:1/", CLIENT_HTTP},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct document d = {.left = 1000};
		struct peer *p = peer_start(serve_status);
		struct outcome o;

		status_line = rows[i].line;
		o = ask((struct client_request){.uri = p->uri});
		CHECK(o.reply.fault == rows[i].fault && o.reply.http_status == atoi(rows[i].line));
		o = ask((struct client_request){
			.uri = p->uri, .body = read_document, .body_arg = &d});
		CHECK(o.reply.fault == rows[i].fault && o.reply.http_status == atoi(rows[i].line));
		CHECK(!o.reply.body_begun && d.asked == 0);
		CHECK(p->connections == 2);
		peer_stop(p);
	}
}

static void late_no_counts_more_than_the_cut(void)
{
	struct document d = {.left = 50 * 1000 * 1000};
	struct peer *p = peer_start(serve_late_no);
	struct outcome o =
		ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});

	CHECK(o.reply.fault == CLIENT_HTTP && o.reply.http_status == 503 && o.reply.body_begun);
	peer_stop(p);
	p = peer_start(serve_cut_no);
	o = ask((struct client_request){.uri = p->uri});
	CHECK(o.reply.fault == CLIENT_HTTP && o.reply.http_status == 503);
	peer_stop(p);
}

static void document_follows_the_message(void)
{
	struct document d = {.left = 100000};
	struct peer *p = peer_start(serve_well);
	struct outcome o =
		ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});
	size_t message = p->body - 100000;
	const char *body = strstr(p->kept, "\r\n\r\n");

	CHECK(o.reply.fault == CLIENT_OK && o.reply.body_begun && d.left == 0);
	CHECK(message > 100 && message < 300);
	CHECK(peer_saw(p, "Expect: 100-continue\r\n") &&
		peer_saw(p, "Transfer-Encoding: chunked\r\n"));
	/* The message is a chunk of its own. */
	CHECK(body && strtoul(body + 4, NULL, 16) == message);
	CHECK(o.took_ms < 200);
	peer_stop(p);
}

static void peer_without_expect_costs_a_tenth_of_a_second(void)
{
	struct document d = {.left = 1000};
	struct peer *p = peer_start(serve_without_expect);
	struct outcome o =
		ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});

	printf("# %d ms\n", (int)o.took_ms);
	CHECK(o.reply.fault == CLIENT_OK);
	CHECK(o.took_ms >= 90 && o.took_ms < 250);
	peer_stop(p);
	p = peer_start(serve_417);
	d = (struct document){.left = 1000};
	o = ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});
	CHECK(o.reply.fault == CLIENT_OK && d.left == 0);
	peer_stop(p);
}

static void document_that_began_is_not_sent_again(void)
{
	struct document d = {.left = 50 * 1000 * 1000};
	struct peer *p = peer_start(serve_late_417);
	struct outcome o =
		ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});

	CHECK(o.reply.fault == CLIENT_CUT && o.reply.body_begun);
	CHECK(p->connections == 1 && p->requests == 1);
	peer_stop(p);
}

static void failing_document_is_ours(void)
{
	struct document d = {.left = 100000, .error_at = 100000, .error = -EIO};
	struct peer *p = peer_start(serve_well);
	struct outcome o =
		ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});

	CHECK(o.reply.fault == CLIENT_BODY && !o.reply.body_begun);
	d = (struct document){.left = 300000, .error_at = 100000, .error = -EIO};
	o = ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});
	CHECK(o.reply.fault == CLIENT_BODY && o.reply.body_begun);
	CHECK(!p->ended);
	peer_stop(p);
}

static long resident_kb(void)
{
	struct rusage used;

	getrusage(RUSAGE_SELF, &used);
	return used.ru_maxrss;
}

static void large_document_needs_little_memory(void)
{
	struct document d = {.left = 50 * 1000 * 1000};
	struct peer *p = peer_start(serve_well);
	long before = resident_kb();
	struct outcome o =
		ask((struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d});

	CHECK(o.reply.fault == CLIENT_OK && d.left == 0);
	CHECK(p->body > 50 * 1000 * 1000 && p->ended);
	printf("# %d ms, %ld kB more\n", (int)o.took_ms, resident_kb() - before);
	CHECK(resident_kb() - before < 4096);
	peer_stop(p);
}

/* ---- many calls, and calls that are given up ---- */

static void several_calls_run_at_once(void)
{
	struct peer *well = peer_start(serve_well), *silent = peer_start(serve_silence);
	struct outcome slow[4], quick[8];
	int64_t started = mono_ms();

	for (size_t i = 0; i < 4; i++)
		CHECK(!start(
			(struct client_request){.uri = silent->uri, .stall_ms = 500}, &slow[i]));
	for (size_t i = 0; i < 8; i++)
		CHECK(!start((struct client_request){.uri = well->uri}, &quick[i]));
	for (size_t i = 0; i < 8; i++)
		run_until(&quick[i].done, 1, 5000);
	CHECK(mono_ms() - started < 400);
	for (size_t i = 0; i < 4; i++)
		run_until(&slow[i].done, 1, 5000);
	CHECK(mono_ms() - started < 1000);
	for (size_t i = 0; i < 8; i++)
		CHECK(quick[i].done == 1 && quick[i].reply.fault == CLIENT_OK);
	for (size_t i = 0; i < 4; i++)
		CHECK(slow[i].done == 1 && slow[i].reply.fault == CLIENT_SILENT);
	peer_stop(well);
	peer_stop(silent);
}

static void canceled_call_says_nothing(void)
{
	struct peer *p = peer_start(serve_silence);
	struct document d = {.left = 50 * 1000 * 1000};
	struct client_call *call, *sending;
	struct outcome o, b, last;

	CHECK(!start_op(IPP_OP_GET_PRINTER_ATTRIBUTES,
		(struct client_request){.uri = p->uri, .stall_ms = 900}, &o, &call));
	client_cancel(call); /* before it began */
	CHECK(!start_op(IPP_OP_GET_PRINTER_ATTRIBUTES,
		(struct client_request){.uri = p->uri, .stall_ms = 900}, &o, &call));
	CHECK(!start_op(IPP_OP_SEND_DOCUMENT,
		(struct client_request){
			.uri = p->uri, .stall_ms = 5000, .body = read_document, .body_arg = &d},
		&b, &sending));
	for (int64_t until = mono_ms() + 5000; d.asked < 5 && mono_ms() < until;)
		sd_event_run(loop, 20000);
	CHECK(d.asked >= 5);
	client_cancel(call);
	client_cancel(sending);
	last = ask((struct client_request){.uri = p->uri, .stall_ms = 1200});
	CHECK(last.reply.fault == CLIENT_SILENT);
	CHECK(o.done == 0 && b.done == 0);
	peer_stop(p);
}

static struct client_call *own, *other;

static void cancels_in_callback(void *arg, const struct client_reply *reply)
{
	on_done(arg, reply);
	client_cancel(own);
	client_cancel(other);
}

static void callback_may_cancel(void)
{
	struct peer *well = peer_start(serve_well), *silent = peer_start(serve_silence);
	AUTO(wire_deletep)
	ipp_t *request = target_request(IPP_OP_GET_PRINTER_ATTRIBUTES, well->uri, "anna");
	const struct client_request r = {.uri = well->uri, .ipp = request};
	struct outcome o = {0}, slow;

	CHECK(!start_op(IPP_OP_GET_PRINTER_ATTRIBUTES,
		(struct client_request){.uri = silent->uri, .stall_ms = 100}, &slow, &other));
	CHECK(!client_send(client, &r, cancels_in_callback, &o, &own));
	run_until(&o.done, 1, 5000);
	CHECK(o.done == 1 && o.reply.fault == CLIENT_OK && slow.done == 0);
	peer_stop(well);
	peer_stop(silent);
}

static void freed_client_drops_its_calls(void)
{
	struct peer *p = peer_start(serve_silence);
	struct client *kept = client;
	struct document d = {.left = 50 * 1000 * 1000};
	struct outcome o, b;

	CHECK(!client_new(loop, &client));
	CHECK(!start((struct client_request){.uri = p->uri}, &o));
	CHECK(!start(
		(struct client_request){.uri = p->uri, .body = read_document, .body_arg = &d}, &b));
	for (int64_t until = mono_ms() + 5000; d.asked < 5 && mono_ms() < until;)
		sd_event_run(loop, 20000);
	client_free(client);
	client = kept;
	CHECK(o.done == 0 && b.done == 0);
	peer_stop(p);
}

/* ---- connections used again ---- */

static void questions_share_a_connection(void)
{
	struct peer *p = peer_start(serve_well);
	struct outcome o;

	for (int i = 0; i < 5; i++)
		CHECK(ask((struct client_request){.uri = p->uri}).reply.fault == CLIENT_OK);
	CHECK(p->connections == 1 && p->requests == 5);
	/* What must not be repeated has a connection of its own, each time. */
	for (int i = 0; i < 2; i++) {
		CHECK(!start_op(
			IPP_OP_CREATE_JOB, (struct client_request){.uri = p->uri}, &o, NULL));
		run_until(&o.done, 1, 5000);
		CHECK(o.reply.fault == CLIENT_OK);
	}
	CHECK(p->connections == 3 && p->requests == 7);
	peer_stop(p);
}

static void connection_that_died_meanwhile_is_no_cut(void)
{
	struct peer *p = peer_start(serve_one_then_close);

	for (int i = 0; i < 3; i++)
		CHECK(ask((struct client_request){.uri = p->uri}).reply.fault == CLIENT_OK);
	CHECK(p->connections == 3);
	peer_stop(p);
	p = peer_start(serve_one_then_die);
	for (int i = 0; i < 3; i++)
		CHECK(ask((struct client_request){.uri = p->uri}).reply.fault == CLIENT_OK);
	peer_stop(p);
}

static void create_job_is_sent_once(void)
{
	struct peer *p = peer_start(serve_one_then_die);
	struct outcome o;

	CHECK(ask((struct client_request){.uri = p->uri}).reply.fault == CLIENT_OK);
	p->serve = serve_cut_at_once;
	CHECK(!start_op(IPP_OP_CREATE_JOB, (struct client_request){.uri = p->uri}, &o, NULL));
	run_until(&o.done, 1, 5000);
	CHECK(o.reply.fault == CLIENT_CUT && p->requests == 2);
	peer_stop(p);
}

/* ---- the local socket ---- */

static void local_socket_is_used_with_our_name(void)
{
	struct peer *p = peer_start_unix(serve_well);
	struct client_request r = {.uri = p->uri, .socket_path = p->path, .peercred = true};
	struct document d = {.left = 5 * 1000 * 1000};
	char path[64];
	struct outcome o = ask(r);

	CHECK(o.reply.fault == CLIENT_OK && !o.reply.encrypted);
	CHECK(peer_saw(p, "POST /printers/q HTTP/1.1\r\n"));
	CHECK(peer_saw(
		p, geteuid() ? "Authorization: PeerCred " : "Authorization: PeerCred root\r\n"));
	r.body = read_document;
	r.body_arg = &d;
	o = ask(r);
	CHECK(o.reply.fault == CLIENT_OK && o.reply.body_begun && p->ended);
	snprintf(path, sizeof(path), "%s", p->path);
	peer_stop(p);
	o = ask((struct client_request){.uri = "ipp://localhost/printers/q", .socket_path = path});
	CHECK(o.reply.fault == CLIENT_REFUSED);
}

static void calls_that_cannot_be_made_are_refused(void)
{
	static const char *const uris[] = {"", "ipp:", "http://h/", "ipp://u:p@h/", "ipp://h/a b",
		"ipp://h/a\r\nX: y", "cups:q", "file:///etc/passwd", "ipp:///x", "ipp://h:99999/"};
	static const char *const pins[] = {"sha256//", "/etc/passwd",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=;sha256//B",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA A="};
	static const char pin[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=";
	struct outcome o;

	for (size_t i = 0; i < sizeof(uris) / sizeof(uris[0]); i++)
		CHECK(start((struct client_request){.uri = uris[i]}, &o) == -EINVAL);
	for (size_t i = 0; i < sizeof(pins) / sizeof(pins[0]); i++)
		CHECK(start((struct client_request){.uri = "ipps://h/", .pin = pins[i]}, &o) ==
			-EINVAL);
	CHECK(start((struct client_request){.uri = "ipp://h/", .pin = pin}, &o) == -EINVAL);
	CHECK(start((struct client_request){.uri = "ipp://h/", .user = "anna", .password = "x"},
		      &o) == -EPERM);
	CHECK(start((struct client_request){.uri = "ipps://h/", .user = "anna", .password = "x"},
		      &o) == -EPERM);
	CHECK(start((struct client_request){.uri = "ipp://h/", .peercred = true}, &o) == -EINVAL);
}

int main(void)
{
	if (calls_main_start())
		return 1;
	RUN(codes_of_libcurl_have_our_names);
	RUN(large_document_needs_little_memory); /* first: the peak of memory only grows */
	RUN(answer_is_given);
	RUN(refused_port_is_told_at_once);
	RUN(network_out_of_reach_is_no_route);
	RUN(silent_peer_is_given_up_after_stall_ms);
	RUN(peer_that_never_accepts_is_silent);
	RUN(broken_connection_is_cut);
	RUN(garbage_is_told);
	RUN(slow_but_alive_is_waited_for);
	RUN(peer_that_stops_reading_is_silent);
	RUN(http_status_is_told_before_the_document_leaves);
	RUN(late_no_counts_more_than_the_cut);
	RUN(document_follows_the_message);
	RUN(peer_without_expect_costs_a_tenth_of_a_second);
	RUN(document_that_began_is_not_sent_again);
	RUN(failing_document_is_ours);
	RUN(several_calls_run_at_once);
	RUN(canceled_call_says_nothing);
	RUN(callback_may_cancel);
	RUN(freed_client_drops_its_calls);
	RUN(questions_share_a_connection);
	RUN(connection_that_died_meanwhile_is_no_cut);
	RUN(create_job_is_sent_once);
	RUN(local_socket_is_used_with_our_name);
	RUN(calls_that_cannot_be_made_are_refused);
	return calls_main_end();
}
