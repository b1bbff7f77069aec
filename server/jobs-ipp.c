/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-ipp - IPP operations on jobs, for people and their computers; the holder's own are in holders.c. */
#include "jobs-ipp.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "accounts.h"
#include "base/text.h"
#include "core/vendor.h"
#include "printers.h"

/* ---- what every handler begins and ends with ---- */

int jobs_ipp_actor(
	struct app *app, struct serve_call *c, struct machine *m, struct jobs_actor *actor)
{
	const struct serve_peer *peer = serve_peer(c);
	int status;

	if (!(peer->who & SERVE_MACHINE)) {
		*actor = (struct jobs_actor){JOBS_PERSON, peer->user, ""};
		return IPP_STATUS_OK;
	}
	status = machines_check(app, c, m);
	*actor = (struct jobs_actor){JOBS_MACHINE, serve_user(c), m->uuid};
	/* A name that is an alias here is the account's: its jobs are all in one place. */
	if (status == IPP_STATUS_OK && *actor->user &&
		accounts_canonical(&app->sql, actor->user, m->user) == 0)
		actor->user = m->user;
	return status;
}

int jobs_ipp_answer(struct serve_call *c, int status, const char *why)
{
	if (status && *why)
		serve_say(c, "%s", why);
	return status;
}

static int invalid(struct serve_call *c, ipp_attribute_t *bad)
{
	serve_say(c, "%s is not as it must be", ippGetName(bad));
	serve_unsupported(c, bad);
	return IPP_STATUS_ERROR_ATTRIBUTES_OR_VALUES;
}

static int trouble(struct serve_call *c)
{
	serve_say(c, "The server cannot store anything at the moment");
	return IPP_STATUS_ERROR_SERVICE_UNAVAILABLE;
}

/* The queue's name in "/ipp/print/NAME", NULL for the system's own path. */
static const char *named_queue(const struct serve_call *c)
{
	static const char path[] = "/ipp/print/";
	const char *target = serve_target(c);

	return strncmp(target, path, sizeof(path) - 1) ? NULL : target + sizeof(path) - 1;
}

int jobs_ipp_id(struct app *app, struct serve_call *c, int32_t *id)
{
	const char *queue = named_queue(c);
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char name[128];
	int rc;

	*id = serve_job_id(c);
	if (*id <= 0) {
		serve_say(c, "Which job?");
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	if (!queue)
		return IPP_STATUS_OK;
	rc = sql_prepare(
		&app->sql, &stmt, "SELECT queue FROM job WHERE id = ?1", VALUES(V_NUM(*id)));
	if (!rc)
		rc = sql_step(&app->sql, stmt);
	if (rc < 0)
		return trouble(c);
	if (rc)
		sql_text(stmt, 0, name, sizeof(name));
	if (rc && !strcasecmp(name, queue))
		return IPP_STATUS_OK;
	serve_say(c, "There is no job %d in this queue", *id);
	return IPP_STATUS_ERROR_NOT_FOUND;
}

/* Who, and which job. */
static int begin(struct app *app, struct serve_call *c, struct machine *m, struct jobs_actor *actor,
	int32_t *id)
{
	int status = jobs_ipp_actor(app, c, m, actor);

	return status ? status : jobs_ipp_id(app, c, id);
}

/* ---- Create-Job, Validate-Job ---- */

static int find_queue(struct app *app, struct serve_call *c, struct printers_queue *q)
{
	int rc = printers_queue_of(&app->sql, serve_target(c), q);

	if (rc < 0)
		return trouble(c);
	if (!rc)
		return IPP_STATUS_OK;
	serve_say(c, "There is no such queue");
	return IPP_STATUS_ERROR_NOT_FOUND;
}

/* A computer speaks for its users, but not for one whose account is closed here. */
static int check_user(struct app *app, struct serve_call *c, const char *user)
{
	int rc = accounts_may_print(&app->sql, user, app->config->accept_unknown_users);

	if (rc < 0)
		return trouble(c);
	if (rc)
		return IPP_STATUS_OK;
	serve_say(c, "The user may not print here");
	return IPP_STATUS_ERROR_NOT_AUTHORIZED;
}

/* May new jobs come in, of this user? */
static int check_welcome(
	struct app *app, struct serve_call *c, const struct printers_queue *q, const char *user)
{
	char why[JOBS_WHY_SIZE] = "";
	int rc = printers_accepting(&app->sql, q, why, sizeof(why));

	if (rc < 0)
		return trouble(c);
	if (rc)
		return jobs_ipp_answer(c, IPP_STATUS_ERROR_NOT_ACCEPTING_JOBS, why);
	return check_user(app, c, user);
}

/* The flag is named as what cannot be, so that the workstation knows this refusal from others. */
static int check_verified(
	struct serve_call *c, const struct printers_queue *q, const struct jobs_job *job)
{
	ipp_attribute_t *flag;

	if (!q->require_verified || job->verified)
		return IPP_STATUS_OK;
	flag = ippFindAttribute(serve_request(c), VENDOR_OWNER_VERIFIED, IPP_TAG_ZERO);
	if (flag)
		serve_unsupported(c, flag);
	serve_say(c,
		"%s takes jobs only of users who logged in to their computer with the server's credentials",
		q->name);
	return IPP_STATUS_ERROR_NOT_AUTHORIZED;
}

/* Where the job goes at once: "" if it is held. */
static int choose_release(struct serve_call *c, const struct printers_queue *q, const char **device)
{
	char action[64];
	ipp_attribute_t *bad =
		jobs_ipp_string(serve_request(c), "job-release-action", action, sizeof(action));
	bool held = q->held || !strcmp(action, "owner-authorized");

	*device = held ? "" : q->device;
	if (bad || (*action && strcmp(action, "none") != 0 && !held) ||
		(q->held && !strcmp(action, "none")))
		return invalid(
			c, ippFindAttribute(serve_request(c), "job-release-action", IPP_TAG_ZERO));
	if (held || *q->device)
		return IPP_STATUS_OK;
	serve_say(c, "This queue has no default device");
	return IPP_STATUS_ERROR_NOT_POSSIBLE;
}

static int register_job(struct app *app, struct serve_call *c, const struct jobs_actor *actor,
	struct jobs_job *job, bool dry)
{
	struct jobs_delegates delegates;
	struct printers_queue queue;
	char why[JOBS_WHY_SIZE] = "";
	const char *device = "";
	bool there;
	ipp_attribute_t *bad = jobs_ipp_create(serve_request(c), job);
	int status;

	if (!bad)
		bad = jobs_ipp_delegates(serve_request(c), &delegates, &there);
	if (bad)
		return invalid(c, bad);
	status = find_queue(app, c, &queue);
	if (status)
		return status;
	snprintf(job->queue, sizeof(job->queue), "%s", queue.name);
	/* What is registered already is not refused because the queue was closed since. */
	status = jobs_known(app, actor, job, why);
	if (status)
		return status == 1 ? IPP_STATUS_OK : jobs_ipp_answer(c, status, why);
	status = check_welcome(app, c, &queue, actor->user);
	if (!status)
		status = check_verified(c, &queue, job);
	if (!status)
		status = choose_release(c, &queue, &device);
	if (status)
		return status;
	status = jobs_create(app, actor, job, &delegates, device, dry, why);
	return jobs_ipp_answer(c, status, why);
}

static int register_or_validate(struct app *app, struct serve_call *c, bool dry)
{
	struct jobs_job job = {0};
	struct jobs_actor actor;
	struct machine m;
	int status = jobs_ipp_actor(app, c, &m, &actor);

	if (status)
		return status;
	if (actor.kind != JOBS_MACHINE ||
		!ippFindAttribute(serve_request(c), VENDOR_CLIENT_JOB_UUID, IPP_TAG_ZERO)) {
		serve_say(c, "This server takes no documents: print to a Stillprint queue of an "
			     "enrolled computer, and release the job here");
		return IPP_STATUS_ERROR_NOT_POSSIBLE;
	}
	if (!*actor.user) {
		serve_say(c, "requesting-user-name is missing");
		return IPP_STATUS_ERROR_BAD_REQUEST;
	}
	status = register_job(app, c, &actor, &job, dry);
	if (!status && !dry)
		jobs_ipp_put_created(app, c, &job);
	return status;
}

static int create_job(void *arg, struct serve_call *c)
{
	return register_or_validate(arg, c, false);
}

static int validate_job(void *arg, struct serve_call *c)
{
	return register_or_validate(arg, c, true);
}

static int no_document(void *arg, struct serve_call *c)
{
	(void)arg;
	serve_say(c, "This server takes no documents: print to a Stillprint queue of an enrolled "
		     "computer, and release the job here");
	return IPP_STATUS_ERROR_NOT_POSSIBLE;
}

/* ---- Get-Jobs, Get-Job-Attributes ---- */

struct listing {
	struct app *app;
	struct serve_call *call;
	const struct jobs_actor *actor;
	bool all; /* attributes were asked for */
	int count;
};

static int put_one(void *arg, const struct jobs_job *job)
{
	struct listing *l = arg;

	if (l->count++)
		ippAddSeparator(serve_reply(l->call));
	if (l->all)
		jobs_ipp_put(l->app, l->call, l->actor, job);
	else
		jobs_ipp_put_id(l->call, job);
	return 0;
}

static bool which_jobs(const char *word, enum jobs_which *out)
{
	static const struct {
		const char *word;
		enum jobs_which which;
	} words[] = {
		{"", JOBS_NOT_COMPLETED},
		{"not-completed", JOBS_NOT_COMPLETED},
		{"completed", JOBS_WHICH_COMPLETED},
		{"all", JOBS_ALL},
		{"pending-held", JOBS_PENDING_HELD},
		{"fetchable", JOBS_FETCHABLE},
	};

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp(words[i].word, word)) {
			*out = words[i].which;
			return true;
		}
	return false;
}

static int get_jobs(void *arg, struct serve_call *c)
{
	ipp_t *request = serve_request(c);
	ipp_attribute_t *mine = ippFindAttribute(request, "my-jobs", IPP_TAG_BOOLEAN);
	struct listing l = {.app = arg, .call = c};
	struct jobs_query q = {.queue = "", .own = mine && ippGetBoolean(mine, 0)};
	struct printers_queue queue;
	struct jobs_actor actor;
	struct machine m;
	char word[64];
	int status = jobs_ipp_actor(arg, c, &m, &actor);

	if (status)
		return status;
	if (jobs_ipp_string(request, "which-jobs", word, sizeof(word)) ||
		!which_jobs(word, &q.which))
		return invalid(c, ippFindAttribute(request, "which-jobs", IPP_TAG_ZERO));
	if (named_queue(c)) {
		status = find_queue(arg, c, &queue);
		if (status)
			return status;
		q.queue = queue.name;
	}
	q.limit = jobs_ipp_number(request, "limit", 0);
	q.first_id = jobs_ipp_number(request, "first-job-id", 0);
	l.actor = &actor;
	l.all = ippFindAttribute(request, "requested-attributes", IPP_TAG_ZERO);
	return jobs_list(arg, &actor, &q, put_one, &l) ? trouble(c) : IPP_STATUS_OK;
}

static int get_job_attributes(void *arg, struct serve_call *c)
{
	char why[JOBS_WHY_SIZE] = "";
	struct jobs_actor actor;
	struct jobs_job job;
	struct machine m;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	if (!status)
		status = jobs_ipp_answer(c, jobs_get(arg, &actor, id, &job, why), why);
	if (!status)
		jobs_ipp_put(arg, c, &actor, &job);
	return status;
}

/* ---- Set-Job-Attributes ---- */

/* The first attribute of the job group that cannot be set; NULL if there is none. */
static ipp_attribute_t *not_settable(ipp_t *request)
{
	static const char *const names[] = {"copies", "sides", "media", "print-color-mode",
		"print-quality", "finishings", "job-name", VENDOR_DELEGATES};

	for (ipp_attribute_t *a = ippFirstAttribute(request); a; a = ippNextAttribute(request)) {
		bool good = ippGetGroupTag(a) != IPP_TAG_JOB || !ippGetName(a);

		for (size_t i = 0; !good && i < sizeof(names) / sizeof(names[0]); i++)
			good = !strcmp(ippGetName(a), names[i]);
		if (!good)
			return a;
	}
	return NULL;
}

static int set_job_attributes(void *arg, struct serve_call *c)
{
	ipp_t *request = serve_request(c);
	ipp_attribute_t *bad = not_settable(request);
	struct jobs_delegates delegates;
	char why[JOBS_WHY_SIZE] = "", raw[256], title[256];
	struct jobs_change change = {0};
	struct jobs_actor actor;
	struct jobs_job job;
	struct machine m;
	bool there = false;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	if (!status)
		status = jobs_ipp_answer(c, jobs_get(arg, &actor, id, &job, why), why);
	if (status)
		return status;
	if (bad) {
		serve_say(c, "%s cannot be set", ippGetName(bad));
		serve_unsupported(c, bad);
		return IPP_STATUS_ERROR_ATTRIBUTES_NOT_SETTABLE;
	}
	bad = jobs_ipp_ticket(request, &job.ticket);
	if (!bad)
		bad = jobs_ipp_delegates(request, &delegates, &there);
	if (!bad)
		bad = jobs_ipp_string(request, "job-name", raw, sizeof(raw));
	if (bad)
		return invalid(c, bad);
	text_display(title, sizeof(title), raw);
	change.ticket = &job.ticket;
	change.title = ippFindAttribute(request, "job-name", IPP_TAG_ZERO) ? title : NULL;
	change.delegates = there ? &delegates : NULL;
	return jobs_ipp_answer(c, jobs_set(arg, &actor, id, &change, why), why);
}

/* ---- releasing, holding, canceling ---- */

/* The device that the request names, else the queue's own. */
static int choose_device(
	struct app *app, struct serve_call *c, const char *queue_name, char out[64])
{
	ipp_t *request = serve_request(c);
	struct printers_device device;
	struct printers_queue queue;
	char name[256];
	ipp_attribute_t *bad = jobs_ipp_string(request, "output-device-uuid", name, sizeof(name));
	int rc;

	if (!bad && !*name)
		bad = jobs_ipp_string(request, "output-device", name, sizeof(name));
	if (bad)
		return invalid(c, bad);
	if (!*name) {
		rc = printers_queue(&app->sql, queue_name, &queue);
		if (rc < 0)
			return trouble(c);
		if (rc || !*queue.device) {
			serve_say(c, "Where to? This queue has no default device");
			return IPP_STATUS_ERROR_BAD_REQUEST;
		}
		snprintf(name, sizeof(name), "%s", queue.device);
	}
	rc = printers_device(&app->sql, name, &device);
	if (rc < 0)
		return trouble(c);
	if (rc) {
		serve_say(c, "There is no such device");
		return IPP_STATUS_ERROR_NOT_FOUND;
	}
	snprintf(out, 64, "%s", device.uuid);
	return IPP_STATUS_OK;
}

static int release_job(void *arg, struct serve_call *c)
{
	char why[JOBS_WHY_SIZE] = "", device[64];
	struct jobs_actor actor;
	struct jobs_job job;
	struct machine m;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	/* The right first: a stranger learns nothing of devices. */
	if (!status)
		status = jobs_ipp_answer(c, jobs_get(arg, &actor, id, &job, why), why);
	if (!status && actor.kind == JOBS_MACHINE)
		status = check_user(arg, c, actor.user);
	if (!status)
		status = choose_device(arg, c, job.queue, device);
	if (status)
		return status;
	return jobs_ipp_answer(c, jobs_release(arg, &actor, id, device, why), why);
}

static int hold_job(void *arg, struct serve_call *c)
{
	char why[JOBS_WHY_SIZE] = "";
	struct jobs_actor actor;
	struct machine m;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	return status ? status : jobs_ipp_answer(c, jobs_hold(arg, &actor, id, why), why);
}

static int cancel_job(void *arg, struct serve_call *c)
{
	char why[JOBS_WHY_SIZE] = "";
	struct jobs_actor actor;
	struct machine m;
	int32_t id;
	int status = begin(arg, c, &m, &actor, &id);

	return status ? status : jobs_ipp_answer(c, jobs_cancel(arg, &actor, id, why), why);
}

/* With job-ids: those, all or none (PWG 5100.7 5.1). */
static int cancel_named(
	struct app *app, struct serve_call *c, const struct jobs_actor *actor, ipp_attribute_t *ids)
{
	char why[JOBS_WHY_SIZE] = "";
	int status = IPP_STATUS_OK;

	if (sql_enter(&app->sql))
		return trouble(c);
	for (int i = 0; i < ippGetCount(ids) && !status; i++)
		status = jobs_cancel(app, actor, ippGetInteger(ids, i), why);
	if (status)
		sql_undo(&app->sql, 0);
	else if (sql_leave(&app->sql, 0))
		return trouble(c);
	return jobs_ipp_answer(c, status, why);
}

static int cancel_my_jobs(void *arg, struct serve_call *c)
{
	ipp_attribute_t *ids = ippFindAttribute(serve_request(c), "job-ids", IPP_TAG_INTEGER);
	char why[JOBS_WHY_SIZE] = "";
	struct printers_queue queue = {0};
	struct jobs_actor actor;
	struct machine m;
	int status = jobs_ipp_actor(arg, c, &m, &actor);

	if (!status && named_queue(c))
		status = find_queue(arg, c, &queue);
	if (status)
		return status;
	if (ids)
		return cancel_named(arg, c, &actor, ids);
	return jobs_ipp_answer(c, jobs_cancel_mine(arg, &actor, queue.name, NULL, why), why);
}

const struct serve_operation jobs_operations[] = {
	{IPP_OP_CREATE_JOB, SERVE_MACHINE | SERVE_PERSON, create_job},
	{IPP_OP_VALIDATE_JOB, SERVE_MACHINE | SERVE_PERSON, validate_job},
	{IPP_OP_PRINT_JOB, SERVE_MACHINE | SERVE_PERSON, no_document},
	{IPP_OP_SEND_DOCUMENT, SERVE_MACHINE | SERVE_PERSON, no_document},
	{IPP_OP_GET_JOBS, SERVE_MACHINE | SERVE_PERSON, get_jobs},
	{IPP_OP_GET_JOB_ATTRIBUTES, SERVE_MACHINE | SERVE_PERSON, get_job_attributes},
	{IPP_OP_SET_JOB_ATTRIBUTES, SERVE_MACHINE | SERVE_PERSON, set_job_attributes},
	{IPP_OP_RELEASE_JOB, SERVE_MACHINE | SERVE_PERSON, release_job},
	{IPP_OP_HOLD_JOB, SERVE_MACHINE | SERVE_PERSON, hold_job},
	{IPP_OP_CANCEL_JOB, SERVE_MACHINE | SERVE_PERSON, cancel_job},
	{IPP_OP_CANCEL_MY_JOBS, SERVE_MACHINE | SERVE_PERSON, cancel_my_jobs},
	{0, 0, NULL},
};
