/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-fixture - a server's database in a folder of its own, two queues, two devices, three machines, and calls that go to
 * the handlers without a network. Stands in for lib/ipp/serve.c, machines.c and printers.c. Include once, after tap.h. */
#pragma once

#include <cups/cups.h>
#include <errno.h>
#include <ftw.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "../server/accounts.h"
#include "../server/app.h"
#include "../server/events.h"
#include "../server/jobs.h"
#include "../server/machines.h"
#include "../server/printers.h"
#include "core/vendor.h"

#define M1 "urn:uuid:11111111-1111-4111-8111-111111111111"
#define M2 "urn:uuid:22222222-2222-4222-8222-222222222222"
#define DEVICE_1 "urn:uuid:d1d1d1d1-1111-4111-8111-111111111111"
#define DEVICE_2 "urn:uuid:d2d2d2d2-2222-4222-8222-222222222222"
#define OFFICE "/ipp/print/Office"
#define DIRECT "/ipp/print/Direct"
#define SYSTEM "/ipp/system"

static char folder[64];
static struct server_config config;
static struct app app;
static bool queue_open = true;

/* ---- what other files of the server do ---- */

int machines_check(struct app *a, struct serve_call *c, struct machine *out)
{
	(void)a;
	snprintf(out->uuid, sizeof(out->uuid), "%s", serve_peer(c)->uuid);
	return IPP_STATUS_OK;
}

bool machines_is_welcome(struct app *a, const char *uuid)
{
	(void)a;
	return *uuid != '\0';
}

int machines_note_poll(struct app *a, const struct machine *m, int32_t subscription)
{
	(void)a;
	(void)m;
	(void)subscription;
	return 0;
}

bool accounts_is_name(const char *name)
{
	return *name;
}

int accounts_may_print(struct sql *s, const char *name, bool accept_unknown)
{
	(void)s, (void)accept_unknown;
	return strcmp(name, "disabled") != 0;
}

int accounts_canonical(struct sql *s, const char *name, char out[256])
{
	(void)s;
	strcpy(out, strcmp(name, "anna@example.com") ? name : "anna");
	return 0;
}

int printers_queue(struct sql *s, const char *name, struct printers_queue *out)
{
	bool direct = !strcasecmp(name, "Direct"), strict = !strcasecmp(name, "Strict");

	(void)s;
	if (!direct && !strict && strcasecmp(name, "Office") != 0)
		return 1;
	*out = (struct printers_queue){.id = 1 + direct, .held = !direct, .accepting = true};
	out->require_verified = strict;
	snprintf(out->name, sizeof(out->name), "%s",
		direct   ? "Direct"
		: strict ? "Strict"
			 : "Office");
	snprintf(out->device, sizeof(out->device), "%s", direct ? DEVICE_1 : "");
	return 0;
}

int printers_queue_of(struct sql *s, const char *path, struct printers_queue *out)
{
	return strncmp(path, "/ipp/print/", 11) ? 1 : printers_queue(s, path + 11, out);
}

int printers_device(struct sql *s, const char *uuid_or_name, struct printers_device *out)
{
	bool second = !strcmp(uuid_or_name, DEVICE_2) || !strcmp(uuid_or_name, "Hall");

	(void)s;
	if (!second && strcmp(uuid_or_name, DEVICE_1) != 0)
		return 1;
	*out = (struct printers_device){.has_certificate = second, .certificate = {7}};
	snprintf(out->uuid, sizeof(out->uuid), "%s", second ? DEVICE_2 : DEVICE_1);
	snprintf(out->name, sizeof(out->name), "%s", second ? "Hall" : "Desk");
	snprintf(out->uri, sizeof(out->uri), "ipps://%s.example/ipp/print", out->name);
	return 0;
}

int printers_accepting(struct sql *s, const struct printers_queue *q, char *why, size_t size)
{
	(void)s, (void)q;
	snprintf(why, size, "closed for the test");
	return !queue_open;
}

/* ---- calls ---- */

struct serve_call {
	struct serve_peer peer;
	ipp_t *request, *reply;
	char target[256], user[256], said[1024];
	int32_t job_id;
	serve_wake_fn *wake;
	void *wake_arg;
	int32_t timeout_ms;
	bool answered;
	int status;
};

const struct serve_peer *serve_peer(const struct serve_call *c)
{
	return &c->peer;
}

ipp_t *serve_request(const struct serve_call *c)
{
	return c->request;
}

ipp_t *serve_reply(const struct serve_call *c)
{
	return c->reply;
}

const char *serve_target(const struct serve_call *c)
{
	return c->target;
}

int32_t serve_job_id(const struct serve_call *c)
{
	return c->job_id;
}

const char *serve_user(const struct serve_call *c)
{
	return c->user;
}

void serve_say(struct serve_call *c, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(c->said, sizeof(c->said), fmt, ap);
	va_end(ap);
}

bool serve_wants(const struct serve_call *c, const char *name, const char *group)
{
	ipp_attribute_t *a = ippFindAttribute(c->request, "requested-attributes", IPP_TAG_KEYWORD);

	return !a || ippContainsString(a, name) || ippContainsString(a, group) ||
	       ippContainsString(a, "all");
}

void serve_unsupported(struct serve_call *c, ipp_attribute_t *attr)
{
	ippAddOutOfBand(
		c->reply, IPP_TAG_UNSUPPORTED_GROUP, IPP_TAG_UNSUPPORTED_VALUE, ippGetName(attr));
}

void serve_park(struct serve_call *c, int32_t timeout_ms, serve_wake_fn *wake, void *arg)
{
	c->wake = wake;
	c->wake_arg = arg;
	c->timeout_ms = timeout_ms;
}

void serve_answer(struct serve_call *c, ipp_status_t status)
{
	c->answered = true;
	c->wake = NULL;
	c->status = (int)status;
}

/* @machine NULL: a person. @job: 0 for none. */
static inline struct serve_call *ask(
	const char *machine, const char *user, const char *target, int32_t job)
{
	struct serve_call *c = calloc(1, sizeof(*c));
	char uri[512];

	if (!c)
		abort();
	c->peer.who = machine ? SERVE_MACHINE : SERVE_PERSON;
	snprintf(c->peer.uuid, sizeof(c->peer.uuid), "%s", machine ? machine : "");
	snprintf(c->peer.user, sizeof(c->peer.user), "%s", machine ? "" : user);
	snprintf(c->user, sizeof(c->user), "%s", machine ? user : "somebody");
	snprintf(c->target, sizeof(c->target), "%s", target);
	c->job_id = job;
	c->request = ippNew();
	c->reply = ippNew();
	snprintf(uri, sizeof(uri), "ipps://print.example:8631%s", target);
	ippAddString(c->request, IPP_TAG_OPERATION, IPP_TAG_URI,
		!strcmp(target, SYSTEM) ? "system-uri" : "printer-uri", NULL, uri);
	return c;
}

static inline void call_free(struct serve_call *c)
{
	if (!c)
		return;
	ippDelete(c->request);
	ippDelete(c->reply);
	free(c);
}
AUTO_DEFINE(struct serve_call *, call_free)

static inline void op_number(struct serve_call *c, const char *name, int n)
{
	ippAddInteger(c->request, IPP_TAG_OPERATION, IPP_TAG_INTEGER, name, n);
}

static inline void op_text(struct serve_call *c, ipp_tag_t tag, const char *name, const char *text)
{
	ippAddString(c->request, IPP_TAG_OPERATION, tag, name, NULL, text);
}

static inline void job_number(struct serve_call *c, ipp_tag_t tag, const char *name, int n)
{
	ippAddInteger(c->request, IPP_TAG_JOB, tag, name, n);
}

static inline void job_text(struct serve_call *c, ipp_tag_t tag, const char *name, const char *text)
{
	ippAddString(c->request, IPP_TAG_JOB, tag, name, NULL, text);
}

static inline int got_number(struct serve_call *c, const char *name)
{
	ipp_attribute_t *a = ippFindAttribute(c->reply, name, IPP_TAG_ZERO);

	return a ? ippGetInteger(a, 0) : -1;
}

static inline const char *got_text(struct serve_call *c, const char *name)
{
	ipp_attribute_t *a = ippFindAttribute(c->reply, name, IPP_TAG_ZERO);
	const char *text = a ? ippGetString(a, 0, NULL) : NULL;

	return text ? text : "";
}

static inline bool got_word(struct serve_call *c, const char *name, const char *word)
{
	ipp_attribute_t *a = ippFindAttribute(c->reply, name, IPP_TAG_KEYWORD);

	return a && ippContainsString(a, word);
}

/* How often an attribute of that name is in the reply. */
static inline int got_times(struct serve_call *c, const char *name)
{
	int n = 0;

	for (ipp_attribute_t *a = ippFindAttribute(c->reply, name, IPP_TAG_ZERO); a;
		a = ippFindNextAttribute(c->reply, name, IPP_TAG_ZERO))
		n++;
	return n;
}

/* ---- groups ---- */

static int64_t offset_ms; /* of the test's time against the clock */

static inline void group_begin(void)
{
	CHECK(db_begin(&app) == 0);
	app.now_ms += offset_ms;
}

static inline void group_end(bool commit)
{
	bool committed = commit && db_commit(&app) == 0;

	if (!committed)
		sql_rollback(&app.sql);
	events_after(&app, committed);
}

static inline int handle(struct serve_call *c, int op)
{
	const struct serve_operation *const tables[] = {
		jobs_operations, holders_operations, events_operations};

	for (size_t t = 0; t < sizeof(tables) / sizeof(tables[0]); t++)
		for (const struct serve_operation *o = tables[t]; o->code; o++)
			if (o->code == op) {
				if (!(o->who & c->peer.who))
					return IPP_STATUS_ERROR_NOT_AUTHORIZED;
				c->status = o->fn(&app, c);
				return c->status;
			}
	return IPP_STATUS_ERROR_OPERATION_NOT_SUPPORTED;
}

/* One call in a group of its own. */
static inline int go(struct serve_call *c, int op)
{
	int status;

	group_begin();
	status = handle(c, op);
	group_end(true);
	return status;
}

/* The same, and the call is over. */
static inline int go_free(struct serve_call *c, int op)
{
	int status = go(c, op);

	call_free(c);
	return status;
}

static inline void pass_s(int64_t seconds)
{
	offset_ms += seconds * 1000;
	group_begin();
	jobs_tick(&app);
	events_tick(&app);
	group_end(true);
}

/* ---- the server ---- */

static inline int remove_one(const char *name, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(name);
}

static inline void server_close(void)
{
	events_free(&app);
	db_close(&app);
	app = (struct app){0};
}

static inline void server_open(void)
{
	CHECK(db_open(&app, &config) == 0);
}

static inline void server_remove(void)
{
	server_close();
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void server_fresh(const char *name)
{
	const char *tmp = getenv("TMPDIR");

	if (app.sql.db)
		server_close();
	offset_ms = 0;
	queue_open = true;
	snprintf(folder, sizeof(folder), "%.30s/%s.%d", tmp ? tmp : "/tmp", name, getpid());
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	CHECK(mkdir(folder, 0700) == 0);
	config = (struct server_config){.hold_max_s = 72 * 3600,
		.retention_s = 30 * 86400,
		.jobs_per_user = 1000,
		.accept_unknown_users = true};
	snprintf(config.state, sizeof(config.state), "%s", folder);
	server_open();
	/* The grace after a start is over, so that deadlines are what they are. */
	group_begin();
	jobs_tick(&app);
	group_end(true);
}

/* ---- the life of a job, in steps ---- */

static inline const char *uuid_of(int n)
{
	static char text[64];

	snprintf(text, sizeof(text), "urn:uuid:00000000-0000-4000-8000-%012d", n);
	return text;
}

/* Create-Job of document @n, still to be sent. */
static inline struct serve_call *create_call(
	const char *machine, const char *user, const char *queue, int n)
{
	struct serve_call *c = ask(machine, user, queue, 0);

	op_text(c, IPP_TAG_NAME, "job-name", "Payslip of Anna");
	op_text(c, IPP_TAG_URI, VENDOR_CLIENT_JOB_UUID, uuid_of(n));
	op_text(c, IPP_TAG_MIMETYPE, "document-format", "application/pdf");
	op_number(c, "job-k-octets", 120);
	op_number(c, "job-impressions", 3);
	job_number(c, IPP_TAG_INTEGER, "copies", 2);
	job_text(c, IPP_TAG_KEYWORD, "sides", "two-sided-long-edge");
	return c;
}

/* Registered: its number, 0 if it was refused. */
static inline int create(const char *machine, const char *user, const char *queue, int n)
{
	AUTO(call_freep) struct serve_call *c = create_call(machine, user, queue, n);

	return go(c, IPP_OP_CREATE_JOB) ? 0 : got_number(c, "job-id");
}

static inline int release(const char *machine, const char *user, int id)
{
	struct serve_call *c = ask(machine, user, OFFICE, id);

	op_text(c, IPP_TAG_URI, "output-device-uuid", DEVICE_2);
	return go_free(c, IPP_OP_RELEASE_JOB);
}

static inline struct serve_call *fenced(
	const char *machine, const char *queue, int id, int epoch, int attempt)
{
	struct serve_call *c = ask(machine, "anna", queue, id);

	op_number(c, VENDOR_RELEASE_EPOCH, epoch);
	op_number(c, VENDOR_HOLDER_ATTEMPT, attempt);
	return c;
}

static inline int acknowledge(const char *machine, int id, int epoch, int attempt)
{
	struct serve_call *c = fenced(machine, SYSTEM, id, epoch, attempt);

	op_text(c, IPP_TAG_URI, "output-device-uuid", DEVICE_2);
	return go_free(c, IPP_OP_ACKNOWLEDGE_JOB);
}

/* @reason NULL: none. */
static inline struct serve_call *update_call(
	const char *machine, int id, int epoch, int attempt, int state, const char *reason)
{
	struct serve_call *c = fenced(machine, SYSTEM, id, epoch, attempt);

	job_number(c, IPP_TAG_ENUM, "output-device-job-state", state);
	if (reason)
		job_text(c, IPP_TAG_KEYWORD, "output-device-job-state-reasons", reason);
	return c;
}

static inline int update(const char *machine, int id, int epoch, int attempt, int state)
{
	return go_free(
		update_call(machine, id, epoch, attempt, state, NULL), IPP_OP_UPDATE_JOB_STATUS);
}

static inline int cancel(const char *machine, const char *user, int id)
{
	return go_free(ask(machine, user, SYSTEM, id), IPP_OP_CANCEL_JOB);
}

static inline struct jobs_job job_now(int id)
{
	const struct jobs_actor root = {JOBS_ADMIN, "root", ""};
	struct jobs_job j = {0};
	char why[JOBS_WHY_SIZE];

	CHECK(jobs_get(&app, &root, id, &j, why) == IPP_STATUS_OK);
	return j;
}

static inline enum jobs_state state_of(int id)
{
	return job_now(id).state;
}

/* A job brought to @state by the messages that lead there; epoch 1, attempt 1. */
static inline int job_in(enum jobs_state state, int n)
{
	int id = create(M1, "anna", OFFICE, n);

	CHECK(id > 0);
	if (state == JOBS_HELD)
		return id;
	if (state == JOBS_CANCELED) {
		CHECK(cancel(NULL, "anna", id) == 0);
		return id;
	}
	CHECK(release(NULL, "anna", id) == 0);
	if (state == JOBS_RELEASED)
		return id;
	CHECK(acknowledge(M1, id, 1, 1) == 0);
	if (state == JOBS_SENDING || state == JOBS_CANCELING)
		CHECK(update(M1, id, 1, 1, 5) == 0);
	if (state == JOBS_CANCELING)
		CHECK(cancel(NULL, "anna", id) == 0);
	if (state == JOBS_DOUBT)
		CHECK(go_free(update_call(M1, id, 1, 1, 6, VENDOR_R_OUTCOME_UNKNOWN),
			      IPP_OP_UPDATE_JOB_STATUS) == 0);
	if (state == JOBS_COMPLETED)
		CHECK(update(M1, id, 1, 1, 9) == 0);
	if (state == JOBS_ABORTED)
		CHECK(update(M1, id, 1, 1, 8) == 0);
	CHECK(state_of(id) == state);
	return id;
}
