/* SPDX-License-Identifier: Apache-2.0 */
/* call - see call.h. */
#include "ipp/call.h"

#include <arpa/inet.h>
#include <cups/http.h>
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "base/auto.h"
#include "base/mono.h"
#include "core/wire.h"
#include "ipp/moved.h"

enum {
	CONNECT_MS = 5000,
	STALL_MS = 30000,
	/* How long a document waits for "100 Continue": see docs/ipp-client.md. */
	EXPECT_MS = 100,
	HEADERS_MAX = 64 * 1024,
	KEEPALIVE_IDLE_S = 10,
	KEEPALIVE_INTERVAL_S = 5,
};

enum client_fault call_http_fault(long status)
{
	switch (status) {
	case 200:
		return CLIENT_OK;
	case 401:
	case 403:
		return CLIENT_AUTH;
	default:
		return CLIENT_HTTP;
	}
}

static enum client_fault connect_fault(long os_errno)
{
	switch (os_errno) {
	case EHOSTUNREACH:
	case ENETUNREACH:
	case EHOSTDOWN:
	case ENETDOWN:
	case EADDRNOTAVAIL:
		return CLIENT_NO_ROUTE;
	case ETIMEDOUT:
	case EAGAIN: /* an AF_UNIX listener whose backlog is full */
		return CLIENT_SILENT;
	default: /* ECONNREFUSED; ENOENT or EACCES of a socket file */
		return CLIENT_REFUSED;
	}
}

enum client_fault call_fault(CURLcode code, long os_errno, bool resolved)
{
	switch (code) {
	case CURLE_OK:
		return CLIENT_OK;
	case CURLE_COULDNT_RESOLVE_HOST:
		return CLIENT_NO_ROUTE;
	case CURLE_COULDNT_CONNECT:
		return connect_fault(os_errno);
	case CURLE_OPERATION_TIMEDOUT:
		/* A name server that does not answer is our network, not the peer. */
		return resolved ? CLIENT_SILENT : CLIENT_NO_ROUTE;
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CIPHER:
	case CURLE_SSL_CERTPROBLEM:
	case CURLE_SSL_CACERT_BADFILE:
	case CURLE_SSL_ISSUER_ERROR:
	case CURLE_SSL_INVALIDCERTSTATUS:
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_USE_SSL_FAILED:
		return CLIENT_TLS;
	case CURLE_SSL_PINNEDPUBKEYNOTMATCH:
		return CLIENT_PIN;
	case CURLE_GOT_NOTHING:
	case CURLE_PARTIAL_FILE:
	case CURLE_SEND_ERROR:
	case CURLE_RECV_ERROR:
	case CURLE_SEND_FAIL_REWIND:
		return CLIENT_CUT;
	case CURLE_UNSUPPORTED_PROTOCOL: /* HTTP/0.9, or no HTTP at all */
	case CURLE_WEIRD_SERVER_REPLY:
	case CURLE_WRITE_ERROR: /* our own limits */
	case CURLE_FILESIZE_EXCEEDED:
	case CURLE_BAD_CONTENT_ENCODING:
#if LIBCURL_VERSION_NUM >= 0x080600
	case CURLE_TOO_LARGE:
#endif
		return CLIENT_GARBAGE;
	default: /* our read function, our memory, our mistake: nothing that the peer did */
		return CLIENT_BODY;
	}
}

const char *client_fault_name(enum client_fault f)
{
	static const char *const names[] = {
		[CLIENT_OK] = "ok",
		[CLIENT_REFUSED] = "refused",
		[CLIENT_NO_ROUTE] = "no-route",
		[CLIENT_SILENT] = "silent",
		[CLIENT_CUT] = "cut",
		[CLIENT_TLS] = "tls",
		[CLIENT_PIN] = "pin",
		[CLIENT_AUTH] = "auth",
		[CLIENT_HTTP] = "http",
		[CLIENT_GARBAGE] = "garbage",
		[CLIENT_BODY] = "body",
		[CLIENT_CANCELED] = "canceled",
	};

	return (size_t)f < sizeof(names) / sizeof(names[0]) ? names[f] : "unknown";
}

/* ---- octets ---- */

/* The message alone first: libcurl asks for more only when it has written all of it, so that no octet of the document
 * is taken before that. */
static size_t on_read(char *buffer, size_t one, size_t room, void *arg)
{
	struct client_call *call = arg;
	size_t left = call->message_size - call->message_sent;
	ssize_t got;

	room *= one;
	if (left > 0) {
		if (left > room)
			left = room;
		memcpy(buffer, call->message + call->message_sent, left);
		call->message_sent += left;
		return left;
	}
	if (!call->body)
		return 0;
	got = call->body(call->body_arg, buffer, room);
	if (got < 0 || (size_t)got > room)
		return CURL_READFUNC_ABORT;
	if (got > 0)
		call->body_begun = true;
	return (size_t)got;
}

/* libcurl starts again from the beginning on a kept connection that had died. */
static int on_seek(void *arg, curl_off_t offset, int origin)
{
	struct client_call *call = arg;

	if (call->body_begun || origin != SEEK_SET || offset != 0)
		return CURL_SEEKFUNC_FAIL;
	call->message_sent = 0;
	return CURL_SEEKFUNC_OK;
}

/* After a late 417 libcurl repeats the request without even asking to seek, and would go on in the middle of the document:
 * a call with a document has one connection, and when the document began there is no second. */
static curl_socket_t on_open(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	struct client_call *call = arg;

	(void)purpose;
	if (call->body_begun) {
		call->repeated = true;
		return CURL_SOCKET_BAD;
	}
	call->message_sent = 0;
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

static size_t on_write(char *octets, size_t one, size_t count, void *arg)
{
	struct client_call *call = arg;

	count *= one;
	if (count > call->answer_max - call->answer_size) {
		call->too_large = true;
		return 0;
	}
	if (count > call->answer_room - call->answer_size) {
		size_t room = (call->answer_size + count) * 2;
		uint8_t *bigger = realloc(call->answer, room);

		if (!bigger)
			return 0;
		call->answer = bigger;
		call->answer_room = room;
	}
	memcpy(call->answer + call->answer_size, octets, count);
	call->answer_size += count;
	return count;
}

/* One header line, not terminated. A server may offer several logins, in one field or in several. */
static void note_challenge(struct client_call *call, const char *line, size_t count)
{
	static const char field[] = "WWW-Authenticate:";
	char value[512];

	if (count >= 5 && !strncasecmp(line, "HTTP/", 5)) { /* another answer begins */
		call->challenge[0] = '\0';
		return;
	}
	if (count < sizeof(field) || strncasecmp(line, field, sizeof(field) - 1) != 0)
		return;
	snprintf(value, sizeof(value), "%.*s", (int)(count - sizeof(field) + 1),
		line + sizeof(field) - 1);
	if (strcasestr(value, "basic"))
		snprintf(call->challenge, sizeof(call->challenge), "Basic");
	else if (!call->challenge[0])
		snprintf(call->challenge, sizeof(call->challenge), "%.*s",
			(int)strcspn(value + strspn(value, " \t"), " ,\t\r\n"),
			value + strspn(value, " \t"));
}

/* The value of field @name, if that is what this line holds; one that is too long is none. */
static void note_field(const char *name, const char *line, size_t count, char *out, size_t size)
{
	size_t n = strlen(name);

	if (count <= n || strncasecmp(line, name, n) != 0 || line[n] != ':')
		return;
	line += n + 1;
	count -= n + 1;
	while (count && strchr(" \t", *line) && *line)
		line++, count--;
	while (count && (unsigned char)line[count - 1] <= ' ')
		count--;
	snprintf(out, size, "%.*s", count < size ? (int)count : 0, line);
}

static size_t on_header(char *octets, size_t one, size_t count, void *arg)
{
	struct client_call *call = arg;

	count *= one;
	note_challenge(call, octets, count);
	note_field("ETag", octets, count, call->etag, sizeof(call->etag));
	if (call->wanted[0])
		note_field(call->wanted, octets, count, call->header, sizeof(call->header));
	call->header_size += count;
	if (call->header_size > HEADERS_MAX) {
		call->too_large = true;
		return 0;
	}
	return count;
}

/* ---- stalls ---- */

bool call_is_stalled(struct client_call *call)
{
	struct call_mark mark = {0};
	curl_off_t pretransfer = 0;
	int64_t now = mono_ms();

	/* Until there is a connection connect_ms is the limit. */
	curl_easy_getinfo(call->easy, CURLINFO_PRETRANSFER_TIME_T, &pretransfer);
	mark.connected = pretransfer > 0;
	curl_easy_getinfo(call->easy, CURLINFO_SIZE_UPLOAD_T, &mark.uploaded);
	curl_easy_getinfo(call->easy, CURLINFO_SIZE_DOWNLOAD_T, &mark.downloaded);
	mark.downloaded += (int64_t)call->header_size;
	if (call->fd >= 0)
		mark.moved = moved_octets(call->fd);
	if (!mark.connected || memcmp(&mark, &call->mark, sizeof(mark)) != 0) {
		call->mark = mark;
		call->moved_ms = now;
		return false;
	}
	return now - call->moved_ms >= call->stall_ms;
}

/* ---- making a call ---- */

static int make_url(struct client_call *call, const char *uri, char *url, size_t size)
{
	char scheme[16], user[64], host[256], path[512];
	struct in6_addr address;
	char *zone;
	int port, n;

	/* Decoded and encoded again by the printer's own rules only where it must be: the path stays as it came. */
	if (httpSeparateURI(HTTP_URI_CODING_HOSTNAME, uri, scheme, sizeof(scheme), user,
		    sizeof(user), host, sizeof(host), &port, path,
		    sizeof(path)) != HTTP_URI_STATUS_OK ||
		user[0] || !host[0] || path[0] != '/')
		return -EINVAL;
	for (const char *p = path; *p; p++)
		if ((unsigned char)*p <= ' ' || (unsigned char)*p >= 0x7f || *p == '#')
			return -EINVAL;
	call->encrypted = !strcmp(scheme, "ipps");
	if (!call->encrypted && strcmp(scheme, "ipp") != 0)
		return -EINVAL;
	if (port <= 0)
		port = 631;
	call->literal = inet_pton(AF_INET, host, &address) == 1 || strchr(host, ':');
	zone = strchr(host, '%');
	if (zone)
		*zone++ = '\0';
	n = snprintf(url, size, strchr(host, ':') ? "%s://[%s%s%s]:%d%s" : "%s://%s%s%s:%d%s",
		call->encrypted ? "https" : "http", host, zone ? "%25" : "", zone ? zone : "", port,
		path);
	return n < 0 || (size_t)n >= size ? -EINVAL : 0;
}

/* Only what may be repeated goes over a connection that was used before: libcurl repeats a request by itself when such a connection
 * turns out to be dead, and a repeated Create-Job would be a second job. */
static bool may_reuse(const struct client_call *call, const struct client_request *r)
{
	if (r->body || (call->encrypted && !r->identity && !(r->pin && r->pin[0])))
		return false;
	if (r->repeatable)
		return true;
	switch (ippGetOperation(r->ipp)) {
	case IPP_OP_GET_PRINTER_ATTRIBUTES:
	case IPP_OP_GET_JOB_ATTRIBUTES:
	case IPP_OP_GET_JOBS:
	case IPP_OP_CUPS_GET_PRINTERS:
	case IPP_OP_CUPS_GET_DEFAULT:
		return true;
	default:
		return false;
	}
}

static int add_header(struct client_call *call, const char *header)
{
	struct curl_slist *longer = curl_slist_append(call->headers, header);

	if (!longer)
		return -ENOMEM;
	call->headers = longer;
	return 0;
}

static int add_peercred(struct client_call *call)
{
	char room[4096], header[320];
	struct passwd pw, *found = NULL;

	if (getpwuid_r(geteuid(), &pw, room, sizeof(room), &found) || !found)
		return -EPERM;
	snprintf(header, sizeof(header), "Authorization: PeerCred %s", found->pw_name);
	return add_header(call, header);
}

static int add_headers(struct client_call *call, const struct client_request *r)
{
	int rc;

	rc = add_header(call, "Content-Type: application/ipp");
	if (!rc)
		rc = add_header(call, "Accept:"); /* libcurl's own says nothing */
	if (!rc && r->body)
		rc = add_header(call, "Transfer-Encoding: chunked");
	/* With a document libcurl asks for "100 Continue" by itself: a peer that wants a password, or no job at all, says
	 * so before it has any of it. Asked for here, libcurl would not do without after a 417. */
	if (!rc && !r->body)
		rc = add_header(call, "Expect:");
	if (!rc && r->peercred)
		rc = add_peercred(call);
	return rc;
}

static int set_peer(struct client_call *call, const struct client_request *r, const char *url)
{
	CALL_SET(call, CURLOPT_URL, url);
	CALL_SET(call, CURLOPT_PATH_AS_IS, 1L);
#if LIBCURL_VERSION_NUM >= 0x075500
	CALL_SET(call, CURLOPT_PROTOCOLS_STR, "http,https");
#else
	CALL_SET(call, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
	/* A look-up under way is left to its thread; else giving up the call would wait for the name server. */
	CALL_SET(call, CURLOPT_QUICK_EXIT, 1L);
#endif
	CALL_SET(call, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
	CALL_SET(call, CURLOPT_PROXY, "");
	CALL_SET(call, CURLOPT_NOPROXY, "*");
	CALL_SET(call, CURLOPT_FOLLOWLOCATION, 0L);
	CALL_SET(call, CURLOPT_NOSIGNAL, 1L);
	CALL_SET(call, CURLOPT_TCP_KEEPALIVE, 1L);
	CALL_SET(call, CURLOPT_TCP_KEEPIDLE, (long)KEEPALIVE_IDLE_S);
	CALL_SET(call, CURLOPT_TCP_KEEPINTVL, (long)KEEPALIVE_INTERVAL_S);
	CALL_SET(call, CURLOPT_CONNECTTIMEOUT_MS,
		(long)(r->connect_ms > 0 ? r->connect_ms : CONNECT_MS));
	if (r->total_ms > 0)
		CALL_SET(call, CURLOPT_TIMEOUT_MS, (long)r->total_ms);
	if (r->socket_path)
		CALL_SET(call, CURLOPT_UNIX_SOCKET_PATH, r->socket_path);
	if (!may_reuse(call, r)) {
		CALL_SET(call, CURLOPT_FRESH_CONNECT, 1L);
		CALL_SET(call, CURLOPT_FORBID_REUSE, 1L);
	}
	if (r->user) {
		CALL_SET(call, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
		CALL_SET(call, CURLOPT_USERNAME, r->user);
		CALL_SET(call, CURLOPT_PASSWORD, r->password ? r->password : "");
	}
	return 0;
}

static int set_octets(struct client_call *call, int32_t expect_ms)
{
	CALL_SET(call, CURLOPT_PRIVATE, call);
	CALL_SET(call, CURLOPT_ERRORBUFFER, call->words);
	CALL_SET(call, CURLOPT_HTTPHEADER, call->headers);
	CALL_SET(call, CURLOPT_USERAGENT, "Stillprint/" STILLPRINT_VERSION);
	if (call->message)
		CALL_SET(call, CURLOPT_POST, 1L);
	/* -1: as long as it gets, in chunks. */
	CALL_SET(call, CURLOPT_POSTFIELDSIZE_LARGE,
		call->body ? (curl_off_t)-1 : (curl_off_t)call->message_size);
	CALL_SET(call, CURLOPT_EXPECT_100_TIMEOUT_MS,
		(long)(expect_ms > 0 && expect_ms < EXPECT_MS ? expect_ms : EXPECT_MS));
	CALL_SET(call, CURLOPT_READFUNCTION, on_read);
	CALL_SET(call, CURLOPT_READDATA, call);
	CALL_SET(call, CURLOPT_SEEKFUNCTION, on_seek);
	CALL_SET(call, CURLOPT_SEEKDATA, call);
	CALL_SET(call, CURLOPT_OPENSOCKETFUNCTION, on_open);
	CALL_SET(call, CURLOPT_OPENSOCKETDATA, call);
	CALL_SET(call, CURLOPT_WRITEFUNCTION, on_write);
	CALL_SET(call, CURLOPT_WRITEDATA, call);
	CALL_SET(call, CURLOPT_HEADERFUNCTION, on_header);
	CALL_SET(call, CURLOPT_HEADERDATA, call);
	return 0;
}

/* Return: -EINVAL or -EPERM for a call that must not be made. */
static int check_secrets(const struct client_call *call, const struct client_request *r)
{
	bool pinned = r->pin && r->pin[0];
	const struct client_identity *id = r->identity;

	if (id && (pinned || !call->encrypted || r->socket_path || !id->ca_file ||
			  !id->cert_file != !id->key_file))
		return -EINVAL;
	if (pinned && (!call->encrypted || r->socket_path || !call_is_pin(r->pin)))
		return -EINVAL;
	if (r->user && (strchr(r->user, ':') || r->peercred))
		return -EINVAL;
	if (r->peercred && !r->socket_path)
		return -EINVAL;
	return (r->user || r->password) && !pinned && !id ? -EPERM : 0;
}

AUTO_DEFINE(struct client_call *, call_free)

int call_new(const struct client_request *r, unsigned turn, struct client_call **out)
{
	AUTO(call_freep) struct client_call *call = calloc(1, sizeof(*call));
	char url[1024];
	void *message = NULL;
	int rc;

	if (!call)
		return -ENOMEM;
	rc = make_url(call, r->uri, url, sizeof(url));
	if (!rc)
		rc = check_secrets(call, r);
	if (!rc && r->ipp)
		rc = wire_encode(r->ipp, &message, &call->message_size);
	if (rc)
		return rc;
	call->message = message;
	call->answer_max = WIRE_MAX_OCTETS;
	call->verified = r->identity != NULL;
	call->fd = -1;
	snprintf(call->pin, sizeof(call->pin), "%s", r->pin ? r->pin : "");
	call->body = r->body;
	call->body_arg = r->body_arg;
	call->stall_ms = r->stall_ms > 0 ? r->stall_ms : STALL_MS;
	call->moved_ms = mono_ms();
	call->easy = curl_easy_init();
	if (!call->easy)
		return -ENOMEM;
	if (r->ipp)
		rc = add_headers(call, r);
	if (!rc)
		rc = set_peer(call, r, url);
	if (!rc)
		rc = call_set_tls(call, r->identity, turn);
	if (!rc)
		rc = set_octets(call, r->expect_ms);
	if (rc)
		return rc;
	*out = STEAL(call);
	return 0;
}

void call_free(struct client_call *call)
{
	if (!call)
		return;
	curl_easy_cleanup(call->easy);
	curl_slist_free_all(call->headers);
	free(call->message);
	free(call->answer);
	free(call->cert_file);
	free(call->key_file);
	free(call);
}

/* ---- the end of a call ---- */

static enum client_fault judge(struct client_call *call, CURLcode code, long http_status)
{
	curl_off_t found = 0;
	long os_errno = 0;
	enum client_fault fault;

	curl_easy_getinfo(call->easy, CURLINFO_NAMELOOKUP_TIME_T, &found);
	curl_easy_getinfo(call->easy, CURLINFO_OS_ERRNO, &os_errno);
	fault = call_fault(code, os_errno, found > 0 || call->literal);
	if (call->repeated)
		return CLIENT_CUT;
	if (call->verified)
		fault = call_verified_fault(call, code, fault);
	/* A peer that answers "no" and hangs up while we still send: its answer is what counts. */
	if (fault == CLIENT_CUT && http_status >= 400)
		fault = CLIENT_OK;
	return fault == CLIENT_OK ? call_http_fault(http_status) : fault;
}

static void describe(struct client_call *call, CURLcode code, struct client_reply *out)
{
	const char *words = call->words[0] ? call->words : curl_easy_strerror(code);

	switch (out->fault) {
	case CLIENT_OK:
		break;
	case CLIENT_AUTH:
	case CLIENT_HTTP:
		snprintf(out->detail, sizeof(out->detail), "HTTP status %ld%s", out->http_status,
			out->http_status == 426 ? ": the peer wants TLS" : "");
		break;
	case CLIENT_GARBAGE:
		snprintf(out->detail, sizeof(out->detail), "%s",
			call->too_large ? "the answer is too long"
			: code          ? words
					: "the answer is not IPP");
		break;
	default:
		snprintf(out->detail, sizeof(out->detail), "%s", words);
	}
	if (call->verified)
		call_verified_words(call, out);
}

void call_end(struct client_call *call, CURLcode code, struct client_reply *out)
{
	curl_off_t connect_us = 0;

	memset(out, 0, sizeof(*out));
	curl_easy_getinfo(call->easy, CURLINFO_RESPONSE_CODE, &out->http_status);
	curl_easy_getinfo(call->easy, CURLINFO_CONNECT_TIME_T, &connect_us);
	out->body_begun = call->body_begun;
	out->connect_ms = connect_us > 0 ? (int32_t)(connect_us / 1000) : out->http_status ? 0 : -1;
	out->fault = judge(call, code, out->http_status);
	describe(call, code, out);
}

void call_reply(struct client_call *call, CURLcode code, struct client_reply *out)
{
	call_end(call, code, out);
	if (call->encrypted)
		call_peer_pin(call, out->pin, sizeof(out->pin));
	/* A kept connection has no handshake to tell of; libcurl uses it for the same pin only. */
	if (call->encrypted && !out->pin[0] && out->http_status)
		memcpy(out->pin, call->pin, sizeof(out->pin));
	out->encrypted = call->encrypted && (out->pin[0] || out->http_status);
	if (out->fault == CLIENT_OK && wire_decode(call->answer, call->answer_size, &out->ipp)) {
		out->fault = CLIENT_GARBAGE;
		describe(call, code, out);
	}
	if (out->fault == CLIENT_OK)
		out->status = ippGetStatusCode(out->ipp);
	snprintf(out->challenge, sizeof(out->challenge), "%s", call->challenge);
}
