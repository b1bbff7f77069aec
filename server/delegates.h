/* SPDX-License-Identifier: Apache-2.0 */
/* delegates - who may see and release another's held jobs: named by the owner for one job (jobs.h), or by the administrator
 * for all of an owner's jobs (a secretary). A delegate's delegate is nobody; both are read anew at each request. */
#pragma once

#include "jobs.h"

enum {
	DELEGATES_STANDING_MAX = 32, /* of one owner */
	DELEGATES_ALL_MAX = JOBS_DELEGATES_MAX + DELEGATES_STANDING_MAX,
};

enum delegates_err {
	DELEGATES_E_NONE = 1, /* there is no such delegation */
	DELEGATES_E_NO_USER, /* there is no such account, or group */
	DELEGATES_E_MANY,
};

/* Is @user a delegate for @job now? 1 yes, 0 no, -errno. */
int delegates_is(struct app *app, const struct jobs_job *job, const char *user);
/* All who are, each once: how many, or -errno. */
int delegates_of(struct app *app, const struct jobs_job *job, char (*out)[256], int max);

/** delegates_add() - for all jobs of @owner, those that come too
 * @delegate: an account, or ":" and a group, whoever is in it then
 * @until_s: Unix time, 0: until removed. The same again changes the time. -EINVAL: no names, or the same one twice. */
int delegates_add(struct sql *s, const char *owner, const char *delegate, int64_t until_s);
int delegates_remove(struct sql *s, const char *owner, const char *delegate);
struct delegates_row {
	char owner[256], delegate[256];
	int64_t until_s; /* 0: until removed */
};
/* Those of which @user is a part, "": all; by owner. @fn returning non-zero stops. */
int delegates_list(struct sql *s, const char *user,
	int (*fn)(void *arg, const struct delegates_row *row), void *arg);
