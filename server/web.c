/* SPDX-License-Identifier: Apache-2.0 */
/* web - the page for people: sessions, and what its buttons do. Sessions are in memory alone: a restart ends them. */
#include "web.h"

#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "accounts.h"
#include "base/log.h"
#include "base/mono.h"
#include "printers.h"

enum {
	SESSIONS_MAX = 2048,
	SESSIONS_OF_ONE = 8,
	IDLE_S = 15 * 60,
	LONGEST_S = 8 * 3600,
	ACTION_MS = 2000, /* one action each, */
	ACTIONS_AT_ONCE = 20, /* and some at once */
};

/* The __Host- prefix: this host's, for https, whole. */
#define COOKIE "__Host-stillprint"

/* Of the process; touched on the application thread alone. */
static struct web_session *sessions;

/* ---- answers ---- */

static void wipe_file(char **text)
{
	free(*text);
}

struct document {
	char *text;
	size_t count;
	FILE *out;
};

static bool document_begin(struct document *d)
{
	memset(d, 0, sizeof(*d));
	d->out = open_memstream(&d->text, &d->count);
	return d->out;
}

static void document_send(struct document *d, struct serve_page_call *c, unsigned status)
{
	static const char html[] = "text/html; charset=utf-8";
	AUTO(wipe_file) char *text = NULL;
	int rc = fclose(d->out);

	text = d->text;
	if (rc)
		serve_page_answer(c, 500, "text/plain", "No memory.\n", 11);
	else
		serve_page_answer(c, status, html, text, d->count);
}

static void send_message(
	struct serve_page_call *c, unsigned status, const char *title, const char *text)
{
	struct document d;

	if (!document_begin(&d))
		return;
	web_page_message(d.out, title, text);
	document_send(&d, c, status);
}

static void send_login(
	struct serve_page_call *c, unsigned status, const char *user, const char *said)
{
	struct document d;

	if (!document_begin(&d))
		return;
	web_page_login(d.out, user, said);
	document_send(&d, c, status);
}

static void go_home(struct serve_page_call *c)
{
	serve_page_set_header(c, "Location", "/");
	serve_page_answer(c, 303, NULL, NULL, 0);
}

/* ---- sessions ---- */

static void session_end(struct web_session *s)
{
	explicit_bzero(s, sizeof(*s));
}

static bool session_is_over(const struct web_session *s, int64_t now_s)
{
	return now_s - s->seen_s > IDLE_S || now_s - s->begun_s > LONGEST_S;
}

static void make_token(char out[WEB_TOKEN_SIZE])
{
	unsigned char random[16];

	randombytes_buf(random, sizeof(random));
	sodium_bin2hex(out, WEB_TOKEN_SIZE, random, sizeof(random));
}

/* A free one; else the one unseen longest, of that user if he has many. */
static struct web_session *session_room(const char *user)
{
	struct web_session *room = NULL, *oldest = NULL, *his = NULL;
	int64_t now_s = mono_boot_s();
	int count = 0;

	for (struct web_session *s = sessions; s < sessions + SESSIONS_MAX; s++) {
		if (s->user[0] && session_is_over(s, now_s))
			session_end(s);
		if (!s->user[0]) {
			room = s;
			continue;
		}
		if (!oldest || s->seen_s < oldest->seen_s)
			oldest = s;
		if (strcmp(s->user, user) != 0)
			continue;
		count++;
		if (!his || s->seen_s < his->seen_s)
			his = s;
	}
	return count >= SESSIONS_OF_ONE ? his : room ? room : oldest;
}

/* Of the account's hash; false: there is no such account, or it is disabled. */
static bool account_digest(struct app *app, const char *user, uint8_t out[16])
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char hash[512];
	bool found;

	if (sql_prepare(&app->sql, &stmt,
		    "SELECT hash FROM account WHERE name = ?1 AND disabled = 0",
		    VALUES(V_TEXT(user))))
		return false;
	found = sql_step(&app->sql, stmt) == 1;
	if (found)
		sql_text(stmt, 0, hash, sizeof(hash));
	if (found)
		crypto_generichash(out, 16, (unsigned char *)hash, strlen(hash), NULL, 0);
	return found;
}

static struct web_session *session_begin(struct app *app, const char *user)
{
	struct web_session *s;

	if (!sessions)
		sessions = calloc(SESSIONS_MAX, sizeof(*sessions));
	if (!sessions)
		return NULL;
	s = session_room(user);
	session_end(s);
	if (!account_digest(app, user, s->account))
		return NULL;
	snprintf(s->user, sizeof(s->user), "%s", user);
	make_token(s->id);
	make_token(s->token);
	s->begun_s = s->seen_s = mono_boot_s();
	return s;
}

/* Whose password was changed, or who was disabled or removed, is not logged in any more. */
static bool session_is_welcome(struct app *app, const struct web_session *s)
{
	uint8_t digest[16];

	return account_digest(app, s->user, digest) && !memcmp(digest, s->account, sizeof(digest));
}

static struct web_session *session_of(struct app *app, struct serve_page_call *c)
{
	const char *id = serve_page_cookie(c, COOKIE);
	struct web_session *found = NULL;
	int64_t now_s = mono_boot_s();

	if (!sessions || !id || strlen(id) != WEB_TOKEN_SIZE - 1)
		return NULL;
	for (struct web_session *s = sessions; s < sessions + SESSIONS_MAX; s++)
		if (s->user[0] && !sodium_memcmp(s->id, id, WEB_TOKEN_SIZE - 1))
			found = s;
	if (!found)
		return NULL;
	if (session_is_over(found, now_s) || !session_is_welcome(app, found)) {
		session_end(found);
		return NULL;
	}
	found->seen_s = now_s;
	return found;
}

/* From our own page? Browsers say where a form stood; the token is what counts. */
static bool is_foreign(struct serve_page_call *c)
{
	const char *origin = serve_page_header(c, "Origin"), *host = serve_page_header(c, "Host");

	return origin &&
	       (!host || strncmp(origin, "https://", 8) != 0 || strcmp(origin + 8, host) != 0);
}

static bool has_token(struct serve_page_call *c, const struct web_session *s)
{
	const char *token = serve_page_field(c, "token");

	return token && strlen(token) == WEB_TOKEN_SIZE - 1 &&
	       !sodium_memcmp(token, s->token, WEB_TOKEN_SIZE - 1);
}

static bool is_too_fast(struct web_session *s)
{
	int64_t now_ms = mono_ms();

	if (s->quiet_ms < now_ms)
		s->quiet_ms = now_ms;
	if (s->quiet_ms - now_ms > (int64_t)ACTION_MS * ACTIONS_AT_ONCE)
		return true;
	s->quiet_ms += ACTION_MS;
	return false;
}

/* Whose button that was. NULL: answered. */
static struct web_session *session_acts(struct app *app, struct serve_page_call *c)
{
	struct web_session *s = session_of(app, c);

	if (!s) {
		send_login(c, 403, NULL, "You are not logged in any more.");
		return NULL;
	}
	if (is_foreign(c) || !has_token(c, s)) {
		send_message(
			c, 403, "Not done", "That did not come from this page. Nothing was done.");
		return NULL;
	}
	if (is_too_fast(s)) {
		send_message(c, 429, "Not done", "That was too much at once. Wait a minute.");
		return NULL;
	}
	return s;
}

/* ---- pages ---- */

static void home(void *arg, struct serve_page_call *c)
{
	struct web_session *s = session_of(arg, c);
	struct document d;
	int rc;

	if (!s) {
		send_login(c, 200, NULL, NULL);
		return;
	}
	if (!document_begin(&d))
		return;
	rc = web_page_jobs(d.out, arg, s);
	document_send(&d, c, rc ? 503 : 200);
}

static void style(void *arg, struct serve_page_call *c)
{
	(void)arg;
	serve_page_set_header(c, "ETag", "\"" STILLPRINT_VERSION "-1\"");
	serve_page_answer(c, 200, "text/css; charset=utf-8", web_style, strlen(web_style));
}

static void log_in(void *arg, struct serve_page_call *c)
{
	const char *user = serve_page_field(c, "user"), *password = serve_page_field(c, "password");
	const char *verified = serve_page_verified(c);
	struct web_session *s;
	char cookie[128];

	if (is_foreign(c)) {
		send_message(c, 403, "Not done", "That did not come from this page.");
		return;
	}
	if (!verified) {
		serve_page_verify(c, user ? user : "", password ? password : "");
		return;
	}
	if (!*verified) {
		send_login(c, 403, user, "Name or password is wrong.");
		return;
	}
	s = session_begin(arg, verified);
	if (!s)
		return;
	log_event(LOG_LVL_INFO, "event=web-login user=%s from=%s", log_quote(s->user),
		serve_page_peer(c)->address);
	snprintf(cookie, sizeof(cookie), COOKIE "=%s; Path=/; Secure; HttpOnly; SameSite=Strict",
		s->id);
	serve_page_set_header(c, "Set-Cookie", cookie);
	explicit_bzero(cookie, sizeof(cookie));
	go_home(c);
}

static void log_out(void *arg, struct serve_page_call *c)
{
	struct web_session *s = session_acts(arg, c);

	if (!s)
		return;
	session_end(s);
	serve_page_set_header(
		c, "Set-Cookie", COOKIE "=; Path=/; Max-Age=0; Secure; HttpOnly; SameSite=Strict");
	go_home(c);
}

/* ---- what is checked ---- */

struct checked {
	struct serve_page_call *c;
	struct jobs_job *jobs;
	int count;
};

/* Only jobs that the rules list for this person can be checked at all. */
static int each_job(void *arg, const struct jobs_job *j)
{
	struct checked *k = arg;
	char name[32];

	snprintf(name, sizeof(name), "job-%d", (int)j->id);
	if (serve_page_field(k->c, name) && k->count < WEB_JOBS_MAX)
		k->jobs[k->count++] = *j;
	return 0;
}

static int find_checked(struct app *app, struct web_session *s, struct checked *k)
{
	struct jobs_actor who = {.kind = JOBS_PERSON, .user = s->user, .machine = ""};
	struct jobs_query q = {.which = JOBS_NOT_COMPLETED, .queue = ""};

	k->jobs = calloc(WEB_JOBS_MAX, sizeof(*k->jobs));
	return k->jobs ? jobs_list(app, &who, &q, each_job, k) : -ENOMEM;
}

static void say(struct web_session *s, bool bad, const char *text)
{
	snprintf(s->said, sizeof(s->said), "%s", text);
	s->said_bad = bad;
}

/* What became of it: the first trouble, or how many. */
static void tell(
	struct web_session *s, int done, const char *one, const char *many, const char *why)
{
	s->said_bad = why[0];
	if (why[0] || done == 1)
		say(s, why[0], why[0] ? why : one);
	else
		snprintf(s->said, sizeof(s->said), "%d %s", done, many);
}

static void release(struct app *app, struct web_session *s, struct checked *k, const char *device)
{
	struct jobs_actor who = {.kind = JOBS_PERSON, .user = s->user, .machine = ""};
	char why[JOBS_WHY_SIZE] = "", first[JOBS_WHY_SIZE] = "";
	struct printers_device d;
	int done = 0;

	if (!device || printers_device(&app->sql, device, &d)) {
		say(s, true, "There is no such device.");
		return;
	}
	snprintf(s->device, sizeof(s->device), "%s", d.uuid);
	for (int i = 0; i < k->count; i++) {
		if (jobs_release(app, &who, k->jobs[i].id, d.uuid, why) == IPP_STATUS_OK)
			done++;
		else if (!first[0])
			memcpy(first, why, sizeof(first));
	}
	tell(s, done, "One job is on its way.", "jobs are on their way.", first);
}

static void delete_jobs(struct app *app, struct web_session *s, struct checked *k)
{
	struct jobs_actor who = {.kind = JOBS_PERSON, .user = s->user, .machine = ""};
	char why[JOBS_WHY_SIZE] = "", first[JOBS_WHY_SIZE] = "";
	int done = 0;

	for (int i = 0; i < k->count; i++) {
		if (jobs_cancel(app, &who, k->jobs[i].id, why) == IPP_STATUS_OK)
			done++;
		else if (!first[0])
			memcpy(first, why, sizeof(first));
	}
	tell(s, done, "One job is deleted.", "jobs are deleted.", first);
}

static void ask_delete(
	struct serve_page_call *c, const struct web_session *s, const struct checked *k)
{
	struct document d;

	if (!document_begin(&d))
		return;
	web_page_delete(d.out, s, k->jobs, k->count);
	document_send(&d, c, 200);
}

static void act(void *arg, struct serve_page_call *c)
{
	struct web_session *s = session_acts(arg, c);
	const char *what = serve_page_field(c, "do");
	AUTO(auto_free) struct jobs_job *jobs = NULL;
	struct checked k = {.c = c};
	int rc;

	if (!s)
		return;
	rc = find_checked(arg, s, &k);
	jobs = k.jobs;
	if (rc < 0 || rc >= IPP_STATUS_ERROR_BAD_REQUEST) {
		send_message(c, 503, "Not done", "The jobs cannot be read at present.");
		return;
	}
	if (what && !strcmp(what, "delete") && k.count && !serve_page_field(c, "sure")) {
		ask_delete(c, s, &k);
		return;
	}
	if (what && !strcmp(what, "keep"))
		say(s, false, "Nothing was deleted.");
	else if (!k.count)
		say(s, true, "No job was checked.");
	else if (what && !strcmp(what, "release"))
		release(arg, s, &k, serve_page_field(c, "device"));
	else if (what && !strcmp(what, "delete"))
		delete_jobs(arg, s, &k);
	go_home(c);
}

const struct serve_page web_pages[] = {
	{"GET", "/", 0, home},
	{"GET", "/style.css", 0, style},
	{"POST", "/login", 0, log_in},
	{"POST", "/logout", 0, log_out},
	{"POST", "/jobs", 0, act},
	{NULL},
};
