/* SPDX-License-Identifier: Apache-2.0 */
/* crowd - thousands of workstations at one stillprint-server, each with its TLS connection, a certificate of the server's CA
 * and a parked Get-Notifications; told on stdin what to do, says on stdout what it saw. One thread, one process.
 *
 *   crowd STATE PORT MACHINES CONNECTIONS     STATE: the server's folder, whose CA signs and whose database gets the machines
 *   park              opens all connections, subscribes, parks:       "parked COUNT MS"
 *   probe COUNT       requests one after the other beside them:       "probe COUNT P50 P99 MAX" in ms
 *   wake              until each poll has got an event; start it now: "woken COUNT FIRST HALF LAST" in ms from the first one
 *   jobs WIDE DEEP    so many workstations, so many jobs each:        "jobs COUNT MS"
 *   flood COUNT       subscriptions of one machine:                   "flood GRANTED REFUSED OTHER P50 P99 MAX" of a probe beside
 * A machine may have 100 subscriptions, so MACHINES is at least a hundredth of CONNECTIONS; machine 0 is for probes, 1 floods. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/gnutls.h>
#include <netinet/tcp.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include "../../server/ca.h"
#include "core/uuid.h"
#include "core/wire.h"
#include "ipp/enrol.h"
#include "ipp/holder.h"

enum { SHAKING_MAX = 64, ANSWER_MAX = 65536, LIFE_S = 86400, PROBES_MAX = 100000 };

struct peer;
typedef void done_fn(struct peer *p, ipp_t *reply);

struct peer {
	int fd, machine;
	gnutls_session_t tls;
	bool shaken, going; /* going: a request is on its way */
	char *out, *in;
	size_t out_octets, out_at, in_octets;
	done_fn *then;
	double asked_ms, parked_ms;
	int32_t subscription, next, job, epoch, incarnation, left;
	bool woken;
	char device[64];
};

static struct {
	gnutls_certificate_credentials_t *machine;
	gnutls_certificate_credentials_t trust;
	int machines, port, epoll;
	char system[64], queue[64];
	struct peer *peer; /* the parked ones */
	int count, opened, shaking, parked, woken;
	bool waking;
	double first_ms, half_ms, last_ms;
	double took[PROBES_MAX];
	int probes;
} all;

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1000 + (double)t.tv_nsec / 1e6;
}

_Noreturn static void fail(const char *what, const char *why)
{
	fprintf(stderr, "crowd: %s: %s\n", what, why);
	exit(1);
}

/* ---- machines ---- */

static void enter(sqlite3 *db, const char *uuid, const struct ca_issued *i)
{
	sqlite3_stmt *s = NULL;

	if (sqlite3_prepare_v2(db,
		    "INSERT INTO machine (uuid, kind, name, fingerprint, key, enrolled_ms, issued_ms, expires_s)"
		    " VALUES (?1, 'workstation', ?1, ?2, ?3, 0, 0, ?4)",
		    -1, &s, NULL))
		fail("database", sqlite3_errmsg(db));
	sqlite3_bind_text(s, 1, uuid, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 2, i->fingerprint, -1, SQLITE_STATIC);
	sqlite3_bind_text(s, 3, i->key, -1, SQLITE_STATIC);
	sqlite3_bind_int64(s, 4, i->expires_s);
	if (sqlite3_step(s) != SQLITE_DONE)
		fail("database", sqlite3_errmsg(db));
	sqlite3_finalize(s);
}

static void enrol_one(struct ca *ca, sqlite3 *db, gnutls_certificate_credentials_t *out)
{
	AUTO(enrol_secret_freep) char *key = NULL;
	AUTO(auto_free) char *csr = NULL;
	struct ca_issued issued = {0};
	char uuid[UUID_SIZE];
	gnutls_datum_t cert, k;

	uuid_make(uuid);
	if (enrol_key_new(&key) || enrol_request_new(key, uuid, &csr) ||
		ca_issue(ca, csr, uuid, time(NULL), LIFE_S, &issued))
		fail("certificate", "cannot be made");
	enter(db, uuid, &issued);
	cert = (gnutls_datum_t){(unsigned char *)issued.pem, (unsigned)strlen(issued.pem)};
	k = (gnutls_datum_t){(unsigned char *)key, (unsigned)strlen(key)};
	if (gnutls_certificate_allocate_credentials(out) ||
		gnutls_certificate_set_x509_key_mem(*out, &cert, &k, GNUTLS_X509_FMT_PEM))
		fail("certificate", "cannot be used");
	ca_issued_fini(&issued);
}

static void enrol_all(const char *state)
{
	AUTO(ca_freep) struct ca *ca = NULL;
	char path[512];
	sqlite3 *db = NULL;

	snprintf(path, sizeof(path), "%s/server.db", state);
	if (ca_open(state, &ca) || sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL))
		fail(state, "cannot be opened");
	sqlite3_busy_timeout(db, 5000);
	sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	all.machine = calloc((size_t)all.machines, sizeof(*all.machine));
	for (int i = 0; all.machine && i < all.machines; i++)
		enrol_one(ca, db, &all.machine[i]);
	if (sqlite3_exec(db, "COMMIT", NULL, NULL, NULL))
		fail("database", sqlite3_errmsg(db));
	sqlite3_close(db);
}

/* ---- a connection ---- */

/* From an address of its machine's own, since half of the connections may come from one. */
static void peer_open(struct peer *p, int machine)
{
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET};
	struct epoll_event e = {.events = EPOLLIN | EPOLLOUT, .data.ptr = p};
	int on = 1;

	*p = (struct peer){.machine = machine, .next = 1};
	from.sin_addr.s_addr = htonl(0x7f010001 + (uint32_t)machine);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	to.sin_port = htons((uint16_t)all.port);
	p->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (p->fd < 0)
		fail("socket", strerror(errno));
	setsockopt(p->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(p->fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(p->fd, (struct sockaddr *)&from, sizeof(from)) ||
		(connect(p->fd, (struct sockaddr *)&to, sizeof(to)) && errno != EINPROGRESS))
		fail("connect", strerror(errno));
	if (gnutls_init(&p->tls, GNUTLS_CLIENT | GNUTLS_NONBLOCK) ||
		gnutls_set_default_priority(p->tls) ||
		gnutls_credentials_set(p->tls, GNUTLS_CRD_CERTIFICATE, all.machine[machine]))
		fail("TLS", "no session");
	gnutls_transport_set_int(p->tls, p->fd);
	epoll_ctl(all.epoll, EPOLL_CTL_ADD, p->fd, &e);
	all.shaking++;
}

static void peer_close(struct peer *p)
{
	if (p->tls)
		gnutls_deinit(p->tls);
	if (p->fd > 0)
		close(p->fd);
	free(p->out);
	free(p->in);
	*p = (struct peer){0};
}

static bool waits(int rc, const char *what)
{
	if (rc == GNUTLS_E_AGAIN || rc == GNUTLS_E_INTERRUPTED)
		return true;
	fail(what, rc ? gnutls_strerror(rc) : "the server hung up");
}

/* Far less than what a socket holds. */
static void peer_write(struct peer *p)
{
	while (p->out_at < p->out_octets) {
		ssize_t n =
			gnutls_record_send(p->tls, p->out + p->out_at, p->out_octets - p->out_at);

		if (n <= 0)
			fail("send", gnutls_strerror((int)n));
		p->out_at += (size_t)n;
	}
}

/* The message's octets once it is whole; 0: more must come. */
static size_t whole(struct peer *p, size_t *body)
{
	const char *end = memmem(p->in, p->in_octets, "\r\n\r\n", 4), *length;
	size_t head = end ? (size_t)(end - p->in) + 4 : 0;

	if (!end)
		return 0;
	p->in[head - 1] = '\0';
	if (strncmp(p->in, "HTTP/1.1 200", 12) != 0)
		fail("answer", p->in);
	length = strcasestr(p->in, "content-length:");
	p->in[head - 1] = '\n';
	*body = length ? strtoul(length + 15, NULL, 10) : 0;
	return p->in_octets >= head + *body ? head : 0;
}

static void peer_read(struct peer *p)
{
	ipp_t *reply = NULL;
	size_t body = 0, head;

	while (p->going) {
		ssize_t n = gnutls_record_recv(
			p->tls, p->in + p->in_octets, ANSWER_MAX - 1 - p->in_octets);

		if (n <= 0 && waits((int)n, "receive"))
			return;
		p->in_octets += (size_t)n;
		p->in[p->in_octets] = '\0';
		head = whole(p, &body);
		if (!head)
			continue;
		if (wire_decode(p->in + head, body, &reply))
			fail("answer", "no IPP");
		p->going = false;
		free(p->in);
		p->in = NULL;
		p->then(p, reply);
		ippDelete(reply);
		reply = NULL;
	}
}

static void peer_step(struct peer *p)
{
	if (!p->shaken) {
		int rc = gnutls_handshake(p->tls);

		if (rc < 0 && (!gnutls_error_is_fatal(rc) || waits(rc, "handshake")))
			return;
		p->shaken = true;
		all.shaking--;
		/* Not edge-triggered: after a session ticket GnuTLS says "again" with an answer unread. */
		epoll_ctl(all.epoll, EPOLL_CTL_MOD, p->fd,
			&(struct epoll_event){.events = EPOLLIN, .data.ptr = p});
	}
	peer_write(p);
	peer_read(p);
}

static void ask(struct peer *p, const char *path, ipp_t *ipp, done_fn *then)
{
	void *octets = NULL;
	size_t count = 0;
	int n;

	if (!ipp || wire_encode(ipp, &octets, &count))
		fail("message", "cannot be made");
	ippDelete(ipp);
	free(p->out);
	p->out = malloc(count + 256);
	p->in = malloc(ANSWER_MAX);
	if (!p->out || !p->in)
		fail("memory", "none left");
	n = snprintf(p->out, 256,
		"POST %s HTTP/1.1\r\nHost: localhost:%d\r\nContent-Type: application/ipp\r\n"
		"Content-Length: %zu\r\n\r\n",
		path, all.port, count);
	memcpy(p->out + n, octets, count);
	free(octets);
	p->out_octets = (size_t)n + count;
	p->out_at = p->in_octets = 0;
	p->going = true;
	p->then = then;
	p->asked_ms = now_ms();
	if (p->shaken)
		peer_step(p);
}

static void turn(int wait_ms)
{
	struct epoll_event e[256];
	int n = epoll_wait(all.epoll, e, 256, wait_ms);

	for (int i = 0; i < n; i++)
		if (((struct peer *)e[i].data.ptr)->tls)
			peer_step(e[i].data.ptr);
}

static void good(ipp_t *reply, const char *what)
{
	if (ippGetStatusCode(reply) > IPP_STATUS_OK_EVENTS_COMPLETE)
		fail(what, ippErrorString(ippGetStatusCode(reply)));
}

/* ---- park, wake ---- */

static void polled(struct peer *p, ipp_t *reply);

static void park(struct peer *p)
{
	ask(p, "/ipp/system", holder_poll(all.system, p->subscription, p->next, true), polled);
}

static void note_event(void *arg, const struct holder_answer *one)
{
	struct peer *p = arg;

	p->next = one->sequence + 1;
	if (!all.waking || p->woken)
		return;
	p->woken = true;
	all.last_ms = now_ms();
	if (!all.woken++)
		all.first_ms = all.last_ms;
	if (all.woken == (all.parked + 1) / 2)
		all.half_ms = all.last_ms;
}

static void polled(struct peer *p, ipp_t *reply)
{
	good(reply, "Get-Notifications");
	holder_each(reply, IPP_TAG_EVENT_NOTIFICATION, note_event, p);
	park(p);
}

static void subscribed(struct peer *p, ipp_t *reply)
{
	struct holder_answer a;

	good(reply, "Create-System-Subscriptions");
	holder_read(reply, &a);
	p->subscription = a.subscription;
	all.parked++;
	park(p);
}

static void park_all(void)
{
	double begun = now_ms();

	while (all.parked < all.count) {
		while (all.opened < all.count && all.shaking < SHAKING_MAX) {
			struct peer *p = &all.peer[all.opened];

			peer_open(p, all.opened++ % all.machines);
			ask(p, "/ipp/system", holder_subscribe(all.system), subscribed);
		}
		turn(100);
	}
	printf("parked %d %.0f\n", all.parked, now_ms() - begun);
}

static void wake_all(void)
{
	all.waking = true;
	all.woken = 0;
	for (int i = 0; i < all.count; i++)
		all.peer[i].woken = false;
	while (all.woken < all.parked)
		turn(100);
	all.waking = false;
	printf("woken %d 0 %.0f %.0f\n", all.woken, all.half_ms - all.first_ms,
		all.last_ms - all.first_ms);
}

/* ---- probes ---- */

static void probed(struct peer *p, ipp_t *reply)
{
	good(reply, "Get-Jobs");
	if (all.probes < PROBES_MAX)
		all.took[all.probes++] = now_ms() - p->asked_ms;
}

static void probe(struct peer *p)
{
	ask(p, "/ipp/system", holder_fetchable(all.system), probed);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The first one made the connection. */
static void say_probes(void)
{
	double *t = all.took + 1;
	int n = all.probes - 1;

	qsort(t, (size_t)n, sizeof(*t), by_size);
	printf("%.2f %.2f %.2f\n", t[n / 2], t[n * 99 / 100], t[n - 1]);
}

/* A pause between two, so that no group of the server's is full of them. */
static void pause_ms(double ms)
{
	for (double until = now_ms() + ms; now_ms() < until;)
		turn(1);
}

static void probe_some(int count)
{
	struct peer p = {0};

	all.probes = 0;
	peer_open(&p, 0);
	while (all.probes <= count) {
		probe(&p);
		while (p.going)
			turn(10);
		pause_ms(2);
	}
	printf("probe %d ", count);
	say_probes();
	peer_close(&p);
}

/* ---- jobs ---- */

static void next_job(struct peer *p);

static void over(struct peer *p, ipp_t *reply)
{
	good(reply, "Update-Job-Status");
	p->left--;
	next_job(p);
}

static void claimed(struct peer *p, ipp_t *reply)
{
	struct holder_status s = {.job_id = p->job,
		.incarnation = p->incarnation,
		.epoch = p->epoch,
		.attempt = 1,
		.device_uuid = p->device,
		.state = IPP_JSTATE_COMPLETED,
		.message = "",
		.impressions = 1,
		.sheets = 1,
		.diverted_to = ""};

	good(reply, "Acknowledge-Job");
	ask(p, "/ipp/print/Office", holder_status(all.queue, &s), over);
}

static void fetched(struct peer *p, ipp_t *reply)
{
	struct holder_answer a;

	good(reply, "Fetch-Job");
	holder_read(reply, &a);
	p->epoch = a.epoch;
	p->incarnation = a.incarnation;
	snprintf(p->device, sizeof(p->device), "%s", a.device_uuid);
	ask(p, "/ipp/print/Office",
		holder_acknowledge(all.queue, p->job, p->device, p->incarnation, p->epoch, 1),
		claimed);
}

static void released(struct peer *p, ipp_t *reply)
{
	good(reply, "Release-Job");
	ask(p, "/ipp/print/Office", holder_fetch(all.queue, p->job), fetched);
}

static void registered(struct peer *p, ipp_t *reply)
{
	struct holder_answer a;

	good(reply, "Create-Job");
	holder_read(reply, &a);
	p->job = a.job_id;
	ask(p, "/ipp/print/Office", holder_release(all.queue, p->job, "anna", ""), released);
}

static void next_job(struct peer *p)
{
	char uuid[UUID_SIZE];
	struct holder_job job = {.uuid = uuid,
		.owner = "anna",
		.title = "A title of usual length.pdf",
		.format = "application/pdf",
		.octets = 20000};

	if (!p->left)
		return;
	uuid_make(uuid);
	ask(p, "/ipp/print/Office", holder_register(all.queue, &job, NULL), registered);
}

static void run_jobs(int wide, int deep)
{
	struct peer *p = calloc((size_t)wide, sizeof(*p));
	double begun = now_ms();
	bool busy = true;

	for (int i = 0; p && i < wide; i++) {
		peer_open(&p[i], i % all.machines);
		p[i].left = deep;
		next_job(&p[i]);
	}
	while (p && busy) {
		turn(10);
		busy = false;
		for (int i = 0; i < wide; i++)
			busy = busy || p[i].left;
	}
	printf("jobs %d %.0f\n", wide * deep, now_ms() - begun);
	for (int i = 0; p && i < wide; i++)
		peer_close(&p[i]);
	free(p);
}

/* ---- a flood ---- */

static int granted, refused, other;

static void flooded(struct peer *p, ipp_t *reply)
{
	ipp_status_t status = ippGetStatusCode(reply);

	granted += status == IPP_STATUS_OK;
	refused += status == IPP_STATUS_ERROR_TOO_MANY_SUBSCRIPTIONS;
	other += status != IPP_STATUS_OK && status != IPP_STATUS_ERROR_TOO_MANY_SUBSCRIPTIONS;
	if (--p->left > 0)
		ask(p, "/ipp/system", holder_subscribe(all.system), flooded);
}

/* Eight connections ask as fast as they are answered. */
static void flood(int count)
{
	enum { WIDE = 8 };
	struct peer p[WIDE] = {0}, beside = {0};
	bool busy = true;

	granted = refused = other = all.probes = 0;
	peer_open(&beside, 0);
	for (int i = 0; i < WIDE; i++) {
		peer_open(&p[i], 1);
		p[i].left = count / WIDE;
		ask(&p[i], "/ipp/system", holder_subscribe(all.system), flooded);
	}
	while (busy || beside.going) {
		if (!beside.going)
			probe(&beside);
		turn(10);
		busy = false;
		for (int i = 0; i < WIDE; i++)
			busy = busy || p[i].left > 0;
	}
	printf("flood %d %d %d ", granted, refused, other);
	say_probes();
	peer_close(&beside);
	for (int i = 0; i < WIDE; i++)
		peer_close(&p[i]);
}

/* ---- what is wanted ---- */

static bool obey(const char *line)
{
	int a = 0, b = 0;

	if (!strncmp(line, "park", 4))
		park_all();
	else if (!strncmp(line, "wake", 4))
		wake_all();
	else if (sscanf(line, "probe %d", &a) == 1 && a > 0 && a < PROBES_MAX)
		probe_some(a);
	else if (sscanf(line, "jobs %d %d", &a, &b) == 2 && a > 0 && b > 0)
		run_jobs(a, b);
	else if (sscanf(line, "flood %d", &a) == 1 && a > 0)
		flood(a);
	else
		return false;
	fflush(stdout);
	return true;
}

/* Parked polls end by themselves after a minute and are asked again meanwhile. */
static bool read_line(char *line, size_t size)
{
	size_t used = 0;

	for (;;) {
		ssize_t n = read(STDIN_FILENO, line + used, 1);

		if (n == 0 || (n < 0 && errno != EAGAIN))
			return false;
		if (n < 0)
			turn(20);
		else if (line[used] == '\n' || used + 2 == size)
			return line[used] = '\0', true;
		else
			used++;
	}
}

int main(int argc, char **argv)
{
	struct rlimit files;
	char line[128];

	if (argc != 5 || atoi(argv[3]) < 2 || atoi(argv[4]) < 1) {
		fputs("usage: crowd STATE PORT MACHINES CONNECTIONS\n", stderr);
		return 2;
	}
	if (sodium_init() < 0 || getrlimit(RLIMIT_NOFILE, &files))
		return 1;
	files.rlim_cur = files.rlim_max;
	setrlimit(RLIMIT_NOFILE, &files);
	all.port = atoi(argv[2]);
	all.machines = atoi(argv[3]);
	all.count = atoi(argv[4]);
	snprintf(all.system, sizeof(all.system), "ipps://localhost:%d/ipp/system", all.port);
	snprintf(all.queue, sizeof(all.queue), "ipps://localhost:%d/ipp/print/Office", all.port);
	all.peer = calloc((size_t)all.count, sizeof(*all.peer));
	all.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (!all.peer || all.epoll < 0)
		return 1;
	enrol_all(argv[1]);
	puts("ready");
	fflush(stdout);
	fcntl(STDIN_FILENO, F_SETFL, fcntl(STDIN_FILENO, F_GETFL) | O_NONBLOCK);
	while (read_line(line, sizeof(line)))
		if (!obey(line))
			fail("unknown", line);
	return 0;
}
