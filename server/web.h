/* SPDX-License-Identifier: Apache-2.0 */
/* web - the one page for people: what web.c (who is logged in, what was pressed) and web-page.c (what it looks like) share.
 * Works without scripts. Everything that it shows comes from the job rules; it knows no job table. */
#pragma once

#include <stdio.h>

#include "jobs.h"

enum { WEB_TOKEN_SIZE = 33, WEB_JOBS_MAX = 50, WEB_DEVICES_MAX = 500 };

struct web_session {
	char user[256]; /* "": free */
	char id[WEB_TOKEN_SIZE]; /* in the cookie */
	char token[WEB_TOKEN_SIZE]; /* in each form, so that no other site can press our buttons */
	uint8_t account[16]; /* digest of the account's hash as it was */
	int64_t begun_s, seen_s; /* of this boot */
	int64_t quiet_ms; /* when its last action will be forgotten: too many are refused */
	char said[1024]; /* shown once */
	bool said_bad;
	char device[64]; /* chosen last */
};

/* Whole documents into @out. @user may be NULL. */
void web_page_login(FILE *out, const char *user, const char *said);
/* @session->said is shown and forgotten. 0 or -errno. */
int web_page_jobs(FILE *out, struct app *app, struct web_session *session);
/* "Really delete?": of those jobs. */
void web_page_delete(
	FILE *out, const struct web_session *session, const struct jobs_job *jobs, int count);
void web_page_message(FILE *out, const char *title, const char *text);
extern const char web_style[];
