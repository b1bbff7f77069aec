/* SPDX-License-Identifier: Apache-2.0 */
/* relay - a TCP relay that a test can tell to refuse, stall, cut, slow down or hold; knows enough HTTP to find IPP
 * operations in requests.  One thread, one poll().  Not a proxy: bytes pass unchanged.
 *
 *   relay --listen HOST:PORT --to HOST:PORT --control SOCKET [--port-file FILE] [--events FILE]
 *         [--stamp yes]            each event line begins with the wall clock in microseconds
 *   relay --tell SOCKET COMMAND...          send one command, print the answer; exit 1 if it is an error
 *
 * Commands (operation ids as 0x0006 or 6):
 *   pass                       forward, also what was stalled; listen again
 *   refuse                     close the listening socket and reset every connection: the host is up, nobody listens
 *   silent                     accept, never forward or answer; connections that are open stall
 *   blackhole                  connects do not even complete (SYNs are dropped); connections that are open stall
 *   rate N                     bytes per second, all connections together, each way; 0 is unlimited
 *   cut client N [TIMES]       reset a connection when exactly N bytes of its client have been forwarded
 *   cut server N [TIMES]       the same for bytes of the server
 *   cut request OP K N         reset when N bytes of the body of the K-th request OP from now have been forwarded
 *   cut reply OP K N           the same for the body of the reply to it
 *   hold request OP K          stop before the K-th request OP from now (headers sent with Expect: pass)
 *   hold reply OP K            stop before the reply to the K-th request OP from now
 *   resume                     let go on what is held
 *   drop                       reset the connections that are held, nothing forwarded
 *   drop-all                   reset every connection
 *   clear                      forget every cut and hold that was not reached
 *   to HOST:PORT               new connections go there
 *   stats                      client-bytes= server-bytes= connections= open= held= requests=
 *   quit
 * Events, one a line, in FILE: connect C, close C, request C OP, reply C OP STATUS, cut C..., held request C OP,
 * held reply C OP, resumed C, dropped C.  C numbers connections from 1.
 * A TLS connection passes through as bytes: cuts by bytes work, requests cannot be seen. */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define BUF_OCTETS 65536
#define CONN_MAX 256
#define RULE_MAX 32
#define OPS_MAX 32
#define FILLERS 4
#define NO_LIMIT UINT64_MAX

enum mode { MODE_PASS, MODE_REFUSE, MODE_SILENT, MODE_BLACKHOLE };
enum parse {
	P_HEAD,
	P_BODY,
	P_CHUNK_HEAD,
	P_CHUNK,
	P_CHUNK_END,
	P_TRAILER,
	P_UNTIL_CLOSE,
	P_OPAQUE
};

/* What a test wants to happen once; times counts down. */
struct rule {
	enum { R_NONE, R_CUT_BYTES, R_CUT_BODY, R_HOLD } what;
	bool server; /* bytes of the server, or the reply */
	int op;
	long k, times;
	uint64_t octets;
};

/* One direction of a connection.  buf[0..seen) has been parsed, buf[0..cleared) may leave. */
struct flow {
	unsigned char buf[BUF_OCTETS];
	size_t len, seen, cleared;
	bool eof, shut, held;
	uint64_t forwarded, cut_at;
	enum parse parse;
	char head[8192];
	size_t head_len;
	uint64_t body_left;
	char chunk_line[64];
	size_t chunk_line_len;
	unsigned char ipp[4];
	int ipp_len; /* octets of the IPP head seen; -1: not wanted */
	size_t start; /* where in buf this message's head (or held body) begins */
};

struct conn {
	int id, fd[2]; /* client, server */
	bool connecting;
	struct flow *flow[2]; /* from client, from server */
	int ops[OPS_MAX], first_op, n_ops;
};

static struct conn *conns[CONN_MAX];
static struct rule rules[RULE_MAX];
static enum mode mode;
static struct sockaddr_storage listen_addr, target_addr;
static socklen_t listen_addr_len, target_addr_len;
static int listen_fd = -1, control_fd = -1, filler_fd[FILLERS], last_id;
static uint64_t total[2], requests, rate;
static double budget[2], last_ms;
static FILE *events;
static bool stamped;

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

__attribute__((format(printf, 1, 2))) static void event(const char *fmt, ...)
{
	va_list ap;

	if (!events)
		return;
	va_start(ap, fmt);
	if (stamped) {
		struct timespec now;

		clock_gettime(CLOCK_REALTIME, &now);
		fprintf(events, "%lld ", (long long)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	}
	vfprintf(events, fmt, ap);
	va_end(ap);
	fputc('\n', events);
	fflush(events);
}

static void resolve(const char *text, struct sockaddr_storage *addr, socklen_t *len)
{
	struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *list = NULL;
	char host[256];
	const char *colon = strrchr(text, ':');

	if (!colon || (size_t)(colon - text) >= sizeof(host)) {
		errno = EINVAL;
		die(text);
	}
	snprintf(host, sizeof(host), "%.*s", (int)(colon - text), text);
	if (getaddrinfo(host, colon + 1, &hints, &list) || !list) {
		errno = EHOSTUNREACH;
		die(text);
	}
	memcpy(addr, list->ai_addr, list->ai_addrlen);
	*len = list->ai_addrlen;
	freeaddrinfo(list);
}

static void set_nonblock(int fd)
{
	fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

static void listen_open(void)
{
	int one = 1;

	if (listen_fd >= 0)
		return;
	listen_fd = socket(listen_addr.ss_family, SOCK_STREAM, 0);
	if (listen_fd < 0)
		die("socket");
	setsockopt(listen_fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listen_fd, (struct sockaddr *)&listen_addr, listen_addr_len) ||
		listen(listen_fd, 128))
		die("listen");
	getsockname(listen_fd, (struct sockaddr *)&listen_addr, &listen_addr_len);
	set_nonblock(listen_fd);
}

static void listen_close(void)
{
	if (listen_fd >= 0)
		close(listen_fd);
	listen_fd = -1;
}

/* With the accept queue full the kernel drops further SYNs: a black hole without a firewall. */
static void fill_backlog(void)
{
	listen_close();
	listen_open();
	listen(listen_fd, 0);
	for (int i = 0; i < FILLERS; i++) {
		filler_fd[i] = socket(listen_addr.ss_family, SOCK_STREAM, 0);
		set_nonblock(filler_fd[i]);
		connect(filler_fd[i], (struct sockaddr *)&listen_addr, listen_addr_len);
	}
}

static void drain_backlog(void)
{
	for (int i = 0; i < FILLERS; i++)
		if (filler_fd[i] >= 0) {
			close(filler_fd[i]);
			filler_fd[i] = -1;
		}
}

static void reset_fd(int *fd)
{
	struct linger hard = {.l_onoff = 1, .l_linger = 0};

	if (*fd < 0)
		return;
	setsockopt(*fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	close(*fd);
	*fd = -1;
}

static void conn_end(struct conn *c, bool hard)
{
	for (int i = 0; i < 2; i++) {
		if (hard)
			reset_fd(&c->fd[i]);
		else if (c->fd[i] >= 0)
			close(c->fd[i]);
		free(c->flow[i]);
	}
	event("close %d", c->id);
	for (int i = 0; i < CONN_MAX; i++)
		if (conns[i] == c)
			conns[i] = NULL;
	free(c);
}

/* What comes in two segments goes on in two: held back until the first is acknowledged, the second would be 40 ms late,
 * and that delay would be ours, not the network's. */
static void set_nodelay(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

static void conn_connect(struct conn *c)
{
	c->fd[1] = socket(target_addr.ss_family, SOCK_STREAM, 0);
	if (c->fd[1] < 0)
		die("socket");
	set_nonblock(c->fd[1]);
	set_nodelay(c->fd[1]);
	c->connecting = connect(c->fd[1], (struct sockaddr *)&target_addr, target_addr_len) < 0;
}

static bool is_filler(const struct sockaddr_storage *peer)
{
	struct sockaddr_storage own;
	socklen_t len;

	for (int i = 0; i < FILLERS; i++) {
		len = sizeof(own);
		if (filler_fd[i] >= 0 &&
			!getsockname(filler_fd[i], (struct sockaddr *)&own, &len) &&
			((struct sockaddr_in *)&own)->sin_port ==
				((const struct sockaddr_in *)peer)->sin_port)
			return true;
	}
	return false;
}

static void conn_accept(void)
{
	struct sockaddr_storage peer;
	socklen_t len = sizeof(peer);
	struct conn *c;
	int fd = accept(listen_fd, (struct sockaddr *)&peer, &len), slot = 0;

	if (fd < 0)
		return;
	while (slot < CONN_MAX && conns[slot])
		slot++;
	if (slot == CONN_MAX || is_filler(&peer)) {
		close(fd);
		return;
	}
	set_nonblock(fd);
	set_nodelay(fd);
	c = calloc(1, sizeof(*c));
	if (!c)
		die("memory");
	c->id = ++last_id;
	c->fd[0] = fd;
	c->fd[1] = -1;
	for (int i = 0; i < 2; i++) {
		c->flow[i] = calloc(1, sizeof(struct flow));
		if (!c->flow[i])
			die("memory");
		c->flow[i]->cut_at = NO_LIMIT;
	}
	conns[slot] = c;
	event("connect %d", c->id);
	if (mode == MODE_PASS)
		conn_connect(c);
}

/* ---- HTTP: just enough to know where messages begin and which operation they carry ---- */

static const char *header(const char *head, const char *name)
{
	size_t n = strlen(name);

	for (const char *line = head; line && *line; line = strchr(line, '\n')) {
		if (*line == '\n')
			line++;
		if (!strncasecmp(line, name, n) && line[n] == ':') {
			line += n + 1;
			while (*line == ' ' || *line == '\t')
				line++;
			return line;
		}
	}
	return NULL;
}

static void body_begins(struct flow *f, const char *head, bool until_close)
{
	const char *length = header(head, "Content-Length"),
		   *coding = header(head, "Transfer-Encoding");

	if (coding && !strncasecmp(coding, "chunked", 7)) {
		f->parse = P_CHUNK_HEAD;
		f->chunk_line_len = 0;
	} else if (length && strtoull(length, NULL, 10)) {
		f->parse = P_BODY;
		f->body_left = strtoull(length, NULL, 10);
	} else if (!length && until_close) {
		f->parse = P_UNTIL_CLOSE;
	} else {
		f->parse = P_HEAD;
	}
}

static bool rule_matches(struct rule *r, int what, bool server, int op)
{
	if ((int)r->what != what || r->server != server || r->op != op)
		return false;
	if (--r->k > 0)
		return false;
	r->what = R_NONE;
	return true;
}

/* Is there a rule whose turn it is?  Counts every rule of that operation, so that two holds can follow each other. */
static struct rule *rule_hit(int what, bool server, int op)
{
	struct rule *hit = NULL;

	for (int i = 0; i < RULE_MAX; i++)
		if (rule_matches(&rules[i], what, server, op))
			hit = &rules[i];
	return hit;
}

static void stop_here(struct conn *c, struct flow *f, int op, bool reply)
{
	f->held = true;
	f->cleared = f->start;
	event("held %s %d 0x%04x", reply ? "reply" : "request", c->id, (unsigned)op);
}

static void request_known(struct conn *c, struct flow *f, int op)
{
	struct rule *cut;

	if (c->n_ops)
		c->ops[(c->first_op + c->n_ops - 1) % OPS_MAX] = op;
	event("request %d 0x%04x", c->id, (unsigned)op);
	f->cleared = f->seen;
	cut = rule_hit(R_CUT_BODY, false, op);
	if (cut) /* the four octets of the IPP head are part of the body and not forwarded yet */
		f->cut_at = f->forwarded + f->seen - 4 + cut->octets;
	if (rule_hit(R_HOLD, false, op))
		stop_here(c, f, op, false);
}

static void request_head(struct conn *c, struct flow *f)
{
	const char *expect = header(f->head, "Expect");

	requests++;
	if (c->n_ops < OPS_MAX)
		c->ops[(c->first_op + c->n_ops++) % OPS_MAX] = -1;
	body_begins(f, f->head, false);
	f->ipp_len = strncmp(f->head, "POST ", 5) || f->parse == P_HEAD ? -1 : 0;
	if (f->ipp_len < 0) {
		f->cleared = f->seen;
	} else if (expect && !strncasecmp(expect, "100-continue", 12)) {
		f->cleared = f->seen; /* the client waits for an answer to its head */
		f->start = f->seen;
	}
}

static void reply_head(struct conn *c, struct flow *f)
{
	int status = 0, op = -1;
	struct rule *cut;

	sscanf(f->head, "HTTP/%*s %d", &status);
	if (status >= 100 && status < 200) {
		f->parse = P_HEAD;
		f->cleared = f->seen;
		return;
	}
	if (c->n_ops) {
		op = c->ops[c->first_op];
		c->first_op = (c->first_op + 1) % OPS_MAX;
		c->n_ops--;
	}
	body_begins(f, f->head, status != 204 && status != 304);
	f->ipp_len = -1;
	f->cleared = f->seen;
	event("reply %d 0x%04x %d", c->id, (unsigned)op & 0xffff, status);
	cut = op >= 0 ? rule_hit(R_CUT_BODY, true, op) : NULL;
	if (cut)
		f->cut_at = f->forwarded + f->seen + cut->octets;
	if (op >= 0 && rule_hit(R_HOLD, true, op))
		stop_here(c, f, op, true);
}

static void head_octet(struct conn *c, struct flow *f, bool server, unsigned char b)
{
	if (!f->head_len) {
		if (b == '\r' || b == '\n') {
			f->cleared = f->seen;
			return;
		}
		f->start = f->seen - 1;
		if (!isupper(b)) { /* TLS or something else: bytes only */
			f->parse = P_OPAQUE;
			return;
		}
	}
	f->head[f->head_len++] = (char)b;
	if (f->head_len == sizeof(f->head) - 1) {
		f->parse = P_OPAQUE;
		return;
	}
	if (f->head_len < 4 || memcmp(f->head + f->head_len - 4, "\r\n\r\n", 4))
		return;
	f->head[f->head_len] = 0;
	f->head_len = 0;
	if (server)
		reply_head(c, f);
	else
		request_head(c, f);
}

static void body_octet(struct conn *c, struct flow *f, unsigned char b)
{
	if (f->ipp_len < 0) {
		f->cleared = f->seen;
		return;
	}
	f->ipp[f->ipp_len++] = b;
	if (f->ipp_len == 4) {
		f->ipp_len = -1;
		request_known(c, f, f->ipp[2] << 8 | f->ipp[3]);
	}
}

static void chunk_line_octet(struct flow *f, unsigned char b)
{
	if (b != '\n') {
		if (f->chunk_line_len < sizeof(f->chunk_line) - 1)
			f->chunk_line[f->chunk_line_len++] = (char)b;
		return;
	}
	f->chunk_line[f->chunk_line_len] = 0;
	if (f->parse == P_TRAILER) {
		if (f->chunk_line_len <= 1)
			f->parse = P_HEAD;
	} else if (f->parse == P_CHUNK_END) {
		f->parse = P_CHUNK_HEAD;
	} else {
		f->body_left = strtoull(f->chunk_line, NULL, 16);
		f->parse = f->body_left ? P_CHUNK : P_TRAILER;
	}
	f->chunk_line_len = 0;
}

static void parse(struct conn *c, bool server)
{
	struct flow *f = c->flow[server];

	while (f->seen < f->len && !f->held) {
		enum parse was = f->parse;
		unsigned char b;

		if (was == P_OPAQUE || was == P_UNTIL_CLOSE ||
			((was == P_BODY || was == P_CHUNK) && f->ipp_len < 0 && f->body_left > 1)) {
			/* Nothing to look for: take it in one step. */
			size_t n = f->len - f->seen;

			if (was == P_BODY || was == P_CHUNK) {
				n = n < f->body_left - 1 ? n : (size_t)f->body_left - 1;
				f->body_left -= n;
			}
			f->seen += n;
			f->cleared = f->seen;
			continue;
		}
		b = f->buf[f->seen++];
		switch (was) {
		case P_HEAD:
			head_octet(c, f, server, b);
			break;
		case P_BODY:
		case P_CHUNK:
			if (!--f->body_left)
				f->parse = was == P_BODY ? P_HEAD : P_CHUNK_END;
			body_octet(c, f, b);
			break;
		default:
			chunk_line_octet(f, b);
			if (f->ipp_len < 0)
				f->cleared = f->seen;
		}
	}
}

/* ---- moving bytes ---- */

static void flow_read(struct conn *c, bool server)
{
	struct flow *f = c->flow[server];
	ssize_t n = read(c->fd[server], f->buf + f->len, sizeof(f->buf) - f->len);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		f->eof = true; /* a reset too: what was in flight still arrives */
		if (!f->held)
			f->cleared = f->len;
		return;
	}
	f->len += (size_t)n;
	parse(c, server);
}

/* How much of what is cleared may go now; and with which cut it ends. */
static size_t flow_allowed(struct flow *f, bool server, struct rule **cut)
{
	uint64_t n = f->cleared, end = f->cut_at;

	*cut = NULL;
	for (int i = 0; i < RULE_MAX; i++)
		if (rules[i].what == R_CUT_BYTES && rules[i].server == server &&
			rules[i].octets < end && rules[i].octets >= f->forwarded) {
			end = rules[i].octets;
			*cut = &rules[i];
		}
	if (end != NO_LIMIT && end - f->forwarded < n)
		n = end - f->forwarded;
	if (rate && (double)n > budget[server]) /* in portions of 10 ms, not octet by octet */
		n = budget[server] >= 1 && budget[server] >= (double)rate / 100
			    ? (uint64_t)budget[server]
			    : 0;
	return (size_t)n;
}

/* Return: false when the connection is gone. */
static bool flow_write(struct conn *c, bool server)
{
	struct flow *f = c->flow[server];
	struct rule *cut;
	size_t want = flow_allowed(f, server, &cut);
	uint64_t end = cut ? cut->octets : f->cut_at;
	ssize_t n = want ? send(c->fd[!server], f->buf, want, MSG_NOSIGNAL) : 0;

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		conn_end(c, true);
		return false;
	}
	if (n > 0) {
		memmove(f->buf, f->buf + n, f->len - (size_t)n);
		f->len -= (size_t)n;
		f->seen -= (size_t)n;
		f->cleared -= (size_t)n;
		f->start = f->start > (size_t)n ? f->start - (size_t)n : 0;
		f->forwarded += (uint64_t)n;
		total[server] += (uint64_t)n;
		budget[server] -= (double)n;
	}
	if (f->forwarded == end) {
		event("cut %d %s %llu", c->id, server ? "server" : "client",
			(unsigned long long)f->forwarded);
		if (cut && --cut->times <= 0)
			cut->what = R_NONE;
		conn_end(c, true);
		return false;
	}
	if (f->eof && !f->len && !f->shut) {
		f->shut = true;
		shutdown(c->fd[!server], SHUT_WR);
	}
	return true;
}

/* Return: false when the connection is gone. */
static bool conn_connected(struct conn *c)
{
	int err = 0;
	socklen_t len = sizeof(err);

	getsockopt(c->fd[1], SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		event("unreachable %d %s", c->id, strerror(err));
		conn_end(c, true);
		return false;
	}
	c->connecting = false;
	return true;
}

static void conn_poll(struct conn *c, short client, short server)
{
	short got[2] = {client, server};

	if (c->connecting && (server & (POLLOUT | POLLERR | POLLHUP)) && !conn_connected(c))
		return;
	for (int i = 0; i < 2; i++)
		if ((got[i] & (POLLIN | POLLHUP | POLLERR)) && !(i && c->connecting) &&
			!c->flow[i]->eof && c->flow[i]->len < BUF_OCTETS)
			flow_read(c, i);
	if (c->connecting || c->fd[1] < 0)
		return;
	for (int i = 0; i < 2; i++)
		if (!flow_write(c, i))
			return;
	if (c->flow[0]->shut && c->flow[1]->shut)
		conn_end(c, false);
}

static short wants(struct conn *c, int side)
{
	struct rule *cut;
	short ev = 0;

	if (mode != MODE_PASS || c->fd[side] < 0)
		return 0;
	if (side && c->connecting)
		return POLLOUT;
	if (!c->flow[side]->eof && c->flow[side]->len < BUF_OCTETS)
		ev |= POLLIN;
	if (c->fd[1] >= 0 && !c->connecting && flow_allowed(c->flow[!side], !side, &cut))
		ev |= POLLOUT;
	return ev;
}

/* ---- commands ---- */

static void end_all(bool held_only)
{
	for (int i = 0; i < CONN_MAX; i++) {
		struct conn *c = conns[i];

		if (!c || (held_only && !c->flow[0]->held && !c->flow[1]->held))
			continue;
		event("dropped %d", c->id);
		conn_end(c, true);
	}
}

static void resume(void)
{
	for (int i = 0; i < CONN_MAX; i++)
		for (int k = 0; conns[i] && k < 2; k++) {
			struct flow *f = conns[i]->flow[k];

			if (!f->held)
				continue;
			f->held = false;
			f->cleared = f->eof ? f->len : f->seen;
			event("resumed %d", conns[i]->id);
			parse(conns[i], k);
		}
}

static void set_mode(enum mode to)
{
	bool was_full = mode == MODE_BLACKHOLE;

	mode = to;
	if (to == MODE_REFUSE) {
		listen_close();
		end_all(false);
	} else if (to == MODE_BLACKHOLE) {
		if (!was_full)
			fill_backlog();
		return;
	} else {
		listen_open();
	}
	if (was_full) {
		/* The fillers wait in the queue: take them out before they are closed and forgotten. */
		if (listen_fd >= 0) {
			listen(listen_fd, 128);
			for (int i = 0; i < FILLERS; i++)
				conn_accept();
		}
		drain_backlog();
	}
	for (int i = 0; to == MODE_PASS && i < CONN_MAX; i++)
		if (conns[i] && conns[i]->fd[1] < 0)
			conn_connect(conns[i]);
}

static struct rule *rule_new(void)
{
	for (int i = 0; i < RULE_MAX; i++)
		if (rules[i].what == R_NONE)
			return &rules[i];
	return NULL;
}

/* Return: false if the words make no rule. */
static bool add_rule(int n, char **w)
{
	struct rule *r = rule_new();
	struct rule new = {.k = 1, .times = 1};

	if (!r || n < 3)
		return false;
	if (!strcmp(w[0], "hold") && (!strcmp(w[1], "request") || !strcmp(w[1], "reply"))) {
		new.what = R_HOLD;
		new.server = !strcmp(w[1], "reply");
	} else if (!strcmp(w[0], "cut") && n == 5 &&
		   (!strcmp(w[1], "request") || !strcmp(w[1], "reply"))) {
		new.what = R_CUT_BODY;
		new.server = !strcmp(w[1], "reply");
		new.octets = strtoull(w[4], NULL, 0);
	} else if (!strcmp(w[0], "cut") && (!strcmp(w[1], "client") || !strcmp(w[1], "server"))) {
		new.what = R_CUT_BYTES;
		new.server = !strcmp(w[1], "server");
		new.octets = strtoull(w[2], NULL, 0);
		new.times = n > 3 ? strtol(w[3], NULL, 0) : 1;
		*r = new;
		return true;
	} else {
		return false;
	}
	new.op = (int)strtol(w[2], NULL, 0);
	new.k = n > 3 ? strtol(w[3], NULL, 0) : 1;
	*r = new;
	return true;
}

static void stats(char *out, size_t size)
{
	int open = 0, held = 0;

	for (int i = 0; i < CONN_MAX; i++)
		if (conns[i]) {
			open++;
			held += conns[i]->flow[0]->held || conns[i]->flow[1]->held;
		}
	snprintf(out, size,
		"ok client-bytes=%llu server-bytes=%llu connections=%d open=%d held=%d requests=%llu\n",
		(unsigned long long)total[0], (unsigned long long)total[1], last_id, open, held,
		(unsigned long long)requests);
}

static bool command(int n, char **w)
{
	static const char *const modes[] = {"pass", "refuse", "silent", "blackhole"};

	for (int i = 0; i < 4; i++)
		if (!strcmp(w[0], modes[i])) {
			set_mode((enum mode)i);
			return true;
		}
	if (!strcmp(w[0], "resume"))
		resume();
	else if (!strcmp(w[0], "drop"))
		end_all(true);
	else if (!strcmp(w[0], "drop-all"))
		end_all(false);
	else if (!strcmp(w[0], "clear"))
		memset(rules, 0, sizeof(rules));
	else if (!strcmp(w[0], "rate") && n == 2)
		rate = strtoull(w[1], NULL, 0);
	else if (!strcmp(w[0], "to") && n == 2)
		resolve(w[1], &target_addr, &target_addr_len);
	else
		return add_rule(n, w);
	return true;
}

static void control_accept(void)
{
	char line[512], answer[256] = "error: no such command\n", *words[8], *save = NULL;
	int n = 0, fd = accept(control_fd, NULL, NULL);
	ssize_t got, len = 0;

	if (fd < 0)
		return;
	while ((got = read(fd, line + len, sizeof(line) - 1 - (size_t)len)) > 0)
		len += got;
	line[len] = 0;
	for (char *w = strtok_r(line, " \n", &save); w && n < 8; w = strtok_r(NULL, " \n", &save))
		words[n++] = w;
	if (n && !strcmp(words[0], "quit"))
		exit(0);
	if (n && !strcmp(words[0], "stats"))
		stats(answer, sizeof(answer));
	else if (n && command(n, words))
		strcpy(answer, "ok\n");
	dprintf(fd, "%s", answer);
	close(fd);
}

static void refill(void)
{
	double t = now_ms(), most = rate / 20.0;

	for (int i = 0; i < 2; i++) {
		budget[i] += (double)rate * (t - last_ms) / 1e3;
		if (budget[i] > most || !rate) /* what passed without a limit is not owed later */
			budget[i] = most > 1 ? most : 1;
	}
	last_ms = t;
}

static void loop(void)
{
	static struct pollfd p[2 + 2 * CONN_MAX];
	struct conn *at[CONN_MAX];
	int n = 2, k = 0;

	p[0] = (struct pollfd){.fd = control_fd, .events = POLLIN};
	p[1] = (struct pollfd){.fd = mode == MODE_BLACKHOLE ? -1 : listen_fd, .events = POLLIN};
	refill();
	for (int i = 0; i < CONN_MAX; i++)
		if (conns[i]) {
			at[k++] = conns[i];
			for (int s = 0; s < 2; s++) {
				short ev = wants(conns[i], s);

				/* A negative fd: poll() would report a hang-up that nobody may act on yet. */
				p[n++] = (struct pollfd){
					.fd = ev ? conns[i]->fd[s] : -1, .events = ev};
			}
		}
	if (poll(p, (nfds_t)n, rate ? 10 : -1) < 0 && errno != EINTR)
		die("poll");
	for (int i = 0; i < k; i++)
		if (mode == MODE_PASS)
			conn_poll(at[i], p[2 + 2 * i].revents, p[3 + 2 * i].revents);
	if (p[1].revents)
		conn_accept();
	if (p[0].revents)
		control_accept();
}

/* ---- the two programs ---- */

static int control_socket(const char *path, bool client)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || strlen(path) >= sizeof(un.sun_path))
		die(path);
	strcpy(un.sun_path, path);
	if (client ? connect(fd, (struct sockaddr *)&un, sizeof(un))
		   : (unlink(path), bind(fd, (struct sockaddr *)&un, sizeof(un)) || listen(fd, 16)))
		die(path);
	return fd;
}

static int tell(int argc, char **argv)
{
	char answer[512] = "";
	int fd = control_socket(argv[0], true);
	ssize_t n, len = 0;

	for (int i = 1; i < argc; i++)
		dprintf(fd, "%s%c", argv[i], i == argc - 1 ? '\n' : ' ');
	shutdown(fd, SHUT_WR);
	while ((n = read(fd, answer + len, sizeof(answer) - 1 - (size_t)len)) > 0)
		len += n;
	fputs(answer, stdout);
	return strncmp(answer, "error", 5) ? 0 : 1;
}

static void write_port(const char *path)
{
	char temp[4096];
	FILE *f;

	snprintf(temp, sizeof(temp), "%s.new", path);
	f = fopen(temp, "w");
	if (!f)
		die(temp);
	fprintf(f, "%d\n", ntohs(((struct sockaddr_in *)&listen_addr)->sin_port));
	fclose(f);
	rename(temp, path);
}

int main(int argc, char **argv)
{
	const char *at = NULL, *to = NULL, *control = NULL, *port_file = NULL, *event_file = NULL,
		   *stamp = NULL;

	if (argc > 3 && !strcmp(argv[1], "--tell"))
		return tell(argc - 2, argv + 2);
	for (int i = 1; i + 1 < argc; i += 2) {
		const char **slot = !strcmp(argv[i], "--listen")      ? &at
				    : !strcmp(argv[i], "--to")        ? &to
				    : !strcmp(argv[i], "--control")   ? &control
				    : !strcmp(argv[i], "--port-file") ? &port_file
				    : !strcmp(argv[i], "--events")    ? &event_file
				    : !strcmp(argv[i], "--stamp")     ? &stamp
								      : NULL;

		if (slot)
			*slot = argv[i + 1];
	}
	if (!at || !to || !control) {
		fputs("usage: relay --listen HOST:PORT --to HOST:PORT --control SOCKET [--port-file F] [--events F]\n"
		      "       relay --tell SOCKET COMMAND...\n",
			stderr);
		return 2;
	}
	stamped = stamp;
	signal(SIGPIPE, SIG_IGN);
	memset(filler_fd, -1, sizeof(filler_fd));
	resolve(at, &listen_addr, &listen_addr_len);
	resolve(to, &target_addr, &target_addr_len);
	if (event_file && !(events = fopen(event_file, "a")))
		die(event_file);
	last_ms = now_ms();
	listen_open();
	control_fd = control_socket(control, false);
	if (port_file)
		write_port(port_file);
	for (;;)
		loop();
}
