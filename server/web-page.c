/* SPDX-License-Identifier: Apache-2.0 */
/* web-page - what the page for people looks like: plain HTML that a phone, a screen reader and a browser without scripts
 * can use. Each text from outside goes through put_text(). */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "printers.h"
#include "web.h"

const char web_style[] =
	":root{color-scheme:light dark}"
	"*{box-sizing:border-box}"
	"body{font:1.0625rem/1.5 system-ui,sans-serif;margin:0 auto;max-width:44rem;padding:1rem}"
	"header{display:flex;flex-wrap:wrap;gap:.5rem 1rem;align-items:center;justify-content:space-between}"
	"h1{font-size:1.5rem;margin:.5rem 0}"
	"header form{display:flex;gap:.75rem;align-items:center;margin:0}"
	"fieldset{border:0;margin:0;padding:0}"
	"legend,label.above{font-weight:600;padding:0}"
	"time{white-space:nowrap}"
	"ul.jobs{list-style:none;margin:.5rem 0 1.25rem;padding:0}"
	"ul.jobs>li{border:1px solid #767676;border-radius:.5rem;margin:.5rem 0}"
	"ul.jobs label,ul.jobs .row{display:flex;gap:.75rem;align-items:flex-start;padding:.75rem;min-height:3rem}"
	"ul.jobs input{flex:none;width:1.5rem;height:1.5rem;margin:0}"
	".title{display:block;font-weight:600;overflow-wrap:anywhere}"
	".more{display:block;font-size:.9375rem;overflow-wrap:anywhere}"
	"input[type=text],input[type=password],select,button{font:inherit;width:100%;min-height:3rem;"
	"padding:.5rem .75rem;margin:.25rem 0 1rem;border:1px solid #767676;border-radius:.5rem}"
	"button{cursor:pointer;font-weight:600;background:#0b57a4;color:#fff;border-color:#0b57a4}"
	"button.second{background:transparent;color:inherit;border-color:#767676}"
	"header button{width:auto;margin:0;min-height:2.75rem}"
	"a{color:inherit}"
	":focus-visible{outline:3px solid #e08a00;outline-offset:2px}"
	".said{border-left:.375rem solid #1a7f37;padding:.5rem .75rem;margin:1rem 0}"
	".bad{border-color:#c62828}"
	"@media(min-width:36rem){.two{display:grid;grid-template-columns:1fr 1fr;gap:1rem}}";

static void put_text(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '&':
			fputs("&amp;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&#39;", out);
			break;
		default:
			fputc(*text, out);
		}
	}
}

static void begin(FILE *out, const char *title, const struct web_session *session)
{
	fputs("<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
	      "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n<title>",
		out);
	put_text(out, title);
	fputs(" - Stillprint</title>\n<link rel=\"stylesheet\" href=\"/style.css\">\n"
	      "<link rel=\"icon\" href=\"data:,\">\n</head>\n<body>\n<header>\n<h1>",
		out);
	put_text(out, title);
	fputs("</h1>\n", out);
	if (session) {
		fprintf(out,
			"<form method=\"post\" action=\"/logout\">"
			"<input type=\"hidden\" name=\"token\" value=\"%s\"><span>",
			session->token);
		put_text(out, session->user);
		fputs("</span><button class=\"second\">Log out</button></form>\n", out);
	}
	fputs("</header>\n<main>\n", out);
}

static void end(FILE *out)
{
	fputs("</main>\n</body>\n</html>\n", out);
}

static void put_said(FILE *out, const char *text, bool bad)
{
	if (!text || !*text)
		return;
	fprintf(out, "<p class=\"said%s\" role=\"%s\">", bad ? " bad" : "",
		bad ? "alert" : "status");
	put_text(out, text);
	fputs("</p>\n", out);
}

void web_page_message(FILE *out, const char *title, const char *text)
{
	begin(out, title, NULL);
	put_said(out, text, true);
	fputs("<p><a href=\"/\">Back to the jobs</a></p>\n", out);
	end(out);
}

void web_page_login(FILE *out, const char *user, const char *said)
{
	begin(out, "Log in", NULL);
	put_said(out, said, true);
	fputs("<form method=\"post\" action=\"/login\">\n"
	      "<label class=\"above\" for=\"user\">Name</label>\n"
	      "<input type=\"text\" id=\"user\" name=\"user\" autocomplete=\"username\""
	      " autocapitalize=\"none\" spellcheck=\"false\" required maxlength=\"255\" value=\"",
		out);
	put_text(out, user ? user : "");
	fputs("\">\n<label class=\"above\" for=\"password\">Password</label>\n"
	      "<input type=\"password\" id=\"password\" name=\"password\""
	      " autocomplete=\"current-password\" required maxlength=\"255\">\n"
	      "<button>Log in</button>\n</form>\n",
		out);
	end(out);
}

/* ---- jobs ---- */

struct device {
	char uuid[64], name[256];
	bool offered; /* by the queue of a job that is held */
};

struct list {
	struct app *app;
	const struct web_session *session;
	FILE *out;
	int count, held;
	char queue[128]; /* the last one whose devices were marked */
	char queue_device[64]; /* the default one of the first held job's queue */
	struct device *devices;
	int device_count, offered_count;
};

static int read_devices(struct list *l)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&l->app->sql, &stmt,
		"SELECT uuid, name FROM device ORDER BY name LIMIT ?1",
		VALUES(V_NUM(WEB_DEVICES_MAX)));

	while (!rc && (rc = sql_step(&l->app->sql, stmt)) == 1 &&
		l->device_count < WEB_DEVICES_MAX) {
		struct device *d = &l->devices[l->device_count++];

		sql_text(stmt, 0, d->uuid, sizeof(d->uuid));
		sql_text(stmt, 1, d->name, sizeof(d->name));
		rc = 0;
	}
	return rc < 0 ? rc : 0;
}

static const char *device_name(const struct list *l, const char *uuid)
{
	for (int i = 0; i < l->device_count; i++)
		if (!strcmp(l->devices[i].uuid, uuid))
			return l->devices[i].name;
	return "a device that is gone";
}

static void put_number(FILE *out, int32_t n, const char *one, const char *many)
{
	if (n > 0)
		fprintf(out, "%d %s, ", (int)n, n == 1 ? one : many);
}

static void put_time(FILE *out, int64_t ms)
{
	time_t s = (time_t)(ms / 1000);
	char text[64];
	struct tm tm;

	if (localtime_r(&s, &tm) && strftime(text, sizeof(text), "%Y-%m-%d %H:%M", &tm))
		fprintf(out, "<time>%s</time>", text);
}

static const char *state_text(const struct jobs_job *j)
{
	switch (j->state) {
	case JOBS_HELD:
		return "Waits for you";
	case JOBS_RELEASED:
		return "On its way to ";
	case JOBS_CLAIMED:
	case JOBS_SENDING:
		return "Printing at ";
	case JOBS_CANCELING:
		return "Is being stopped at ";
	default:
		return "Nobody can tell whether it printed; say so at your computer. Sent to ";
	}
}

static void put_state(const struct list *l, const struct jobs_job *j)
{
	put_text(l->out, state_text(j));
	if (j->state != JOBS_HELD)
		put_text(l->out, device_name(l, j->device));
	if (j->lapsed)
		fputs(". The computer that holds it cannot be reached", l->out);
	if (j->message[0]) {
		fputs(". ", l->out);
		put_text(l->out, j->message);
	}
}

static void put_job(const struct list *l, const struct jobs_job *j)
{
	FILE *out = l->out;

	fprintf(out,
		"<li><label><input type=\"checkbox\" name=\"job-%d\" value=\"1\"%s><span>"
		"<span class=\"title\">",
		(int)j->id, j->state == JOBS_HELD ? " checked" : "");
	put_text(out, j->title[0] ? j->title : "Untitled");
	fputs("</span><span class=\"more\">", out);
	if (strcmp(j->owner, l->session->user) != 0) {
		fputs("Delegated to you by ", out);
		put_text(out, j->owner);
		fputs(", ", out);
	}
	put_number(out, j->impressions, "page", "pages");
	if (j->ticket.copies > 1)
		put_number(out, j->ticket.copies, "copy", "copies");
	put_text(out, j->queue);
	fputs(", ", out);
	put_time(out, j->created_ms);
	fputs(j->verified ? ", verified login" : "", out);
	fputs("</span><span class=\"more\">", out);
	put_state(l, j);
	fputs("</span></span></label></li>\n", out);
}

static void mark_offered(struct list *l, const struct printers_queue *q)
{
	for (int i = 0; i < l->device_count; i++) {
		struct device *d = &l->devices[i];

		if (!d->offered && printers_offers(&l->app->sql, q, d->uuid) == 1) {
			d->offered = true;
			l->offered_count++;
		}
	}
}

static void count_held(struct list *l, const struct jobs_job *j)
{
	struct printers_queue q;
	bool first = l->held++ == 0;

	if ((!first && !strcmp(l->queue, j->queue)) || printers_queue(&l->app->sql, j->queue, &q))
		return;
	if (first)
		snprintf(l->queue_device, sizeof(l->queue_device), "%s", q.device);
	snprintf(l->queue, sizeof(l->queue), "%s", j->queue);
	if (l->offered_count < l->device_count)
		mark_offered(l, &q);
}

static int each_job(void *arg, const struct jobs_job *j)
{
	struct list *l = arg;

	if (l->count++ == WEB_JOBS_MAX)
		return 1;
	if (j->state == JOBS_HELD)
		count_held(l, j);
	put_job(l, j);
	return 0;
}

static bool is_offered(const struct list *l, const char *uuid)
{
	for (int i = 0; i < l->device_count; i++)
		if (!strcmp(l->devices[i].uuid, uuid))
			return l->devices[i].offered;
	return false;
}

static void put_devices(const struct list *l)
{
	const char *chosen =
		is_offered(l, l->session->device) ? l->session->device : l->queue_device;

	fputs("<label class=\"above\" for=\"device\">Print at</label>\n<select id=\"device\" name=\"device\">\n",
		l->out);
	for (int i = 0; i < l->device_count; i++) {
		const struct device *d = &l->devices[i];

		if (!d->offered)
			continue;
		fputs("<option value=\"", l->out);
		put_text(l->out, d->uuid);
		fputs(strcmp(d->uuid, chosen) ? "\">" : "\" selected>", l->out);
		put_text(l->out, d->name);
		fputs("</option>\n", l->out);
	}
	fputs("</select>\n", l->out);
}

static void put_buttons(const struct list *l)
{
	if (l->count > WEB_JOBS_MAX)
		fputs("<p>There are more; they come up when these are gone.</p>\n", l->out);
	if (l->offered_count)
		put_devices(l);
	fputs("<div class=\"two\">\n", l->out);
	if (l->offered_count)
		fputs("<button name=\"do\" value=\"release\">Print the checked jobs</button>\n",
			l->out);
	fputs("<button class=\"second\" name=\"do\" value=\"delete\">Delete the checked jobs</button>\n"
	      "</div>\n",
		l->out);
	if (l->held ? !l->offered_count : !l->device_count)
		fputs("<p>There is no device to print at yet.</p>\n", l->out);
}

static int put_list(struct list *l)
{
	struct jobs_actor who = {.kind = JOBS_PERSON, .user = l->session->user, .machine = ""};
	struct jobs_query q = {.which = JOBS_NOT_COMPLETED, .queue = "", .limit = WEB_JOBS_MAX + 1};
	int rc;

	fprintf(l->out,
		"<form method=\"post\" action=\"/jobs\">\n"
		"<input type=\"hidden\" name=\"token\" value=\"%s\">\n"
		"<fieldset>\n<legend>Jobs</legend>\n<ul class=\"jobs\">\n",
		l->session->token);
	rc = jobs_list(l->app, &who, &q, each_job, l);
	if (rc < 0 || rc >= IPP_STATUS_ERROR_BAD_REQUEST)
		return -EIO;
	fputs("</ul>\n</fieldset>\n", l->out);
	if (l->count)
		put_buttons(l);
	else
		fputs("<p>No job waits for you.</p>\n", l->out);
	fputs("</form>\n<p><a href=\"/\">Look again</a></p>\n", l->out);
	return 0;
}

int web_page_jobs(FILE *out, struct app *app, struct web_session *session)
{
	AUTO(auto_free) struct device *devices = calloc(WEB_DEVICES_MAX, sizeof(*devices));
	struct list l = {.app = app, .session = session, .out = out, .devices = devices};
	int rc;

	if (!devices)
		return -ENOMEM;
	rc = read_devices(&l);
	if (rc)
		return rc;
	begin(out, "Your print jobs", session);
	put_said(out, session->said, session->said_bad);
	session->said[0] = '\0';
	rc = put_list(&l);
	end(out);
	return rc;
}

void web_page_delete(
	FILE *out, const struct web_session *session, const struct jobs_job *jobs, int count)
{
	begin(out, "Delete?", session);
	fprintf(out,
		"<form method=\"post\" action=\"/jobs\">\n"
		"<input type=\"hidden\" name=\"token\" value=\"%s\">\n"
		"<input type=\"hidden\" name=\"sure\" value=\"1\">\n"
		"<p>%s will not be printed and cannot be brought back:</p>\n<ul>\n",
		session->token, count == 1 ? "This job" : "These jobs");
	for (int i = 0; i < count; i++) {
		fprintf(out, "<li><input type=\"hidden\" name=\"job-%d\" value=\"1\">",
			(int)jobs[i].id);
		put_text(out, jobs[i].title[0] ? jobs[i].title : "Untitled");
		fputs("</li>\n", out);
	}
	fputs("</ul>\n<div class=\"two\">\n<button name=\"do\" value=\"delete\">Delete</button>\n"
	      "<button class=\"second\" name=\"do\" value=\"keep\">Keep</button>\n</div>\n</form>\n",
		out);
	end(out);
}
