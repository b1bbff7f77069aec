/* SPDX-License-Identifier: Apache-2.0 */
/* bound - see bound.h. */
#include "bound.h"

#include <errno.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "auth/login-call.h"
#include "base/mono.h"
#include "base/paths.h"
#include "engine-private.h"
#include "must.h"

enum { PASSWD_OCTETS = 16384, PATH_OCTETS = 512 };

struct question {
	char user[256];
	int64_t deadline_ms;
	struct bound said;
	bound_fn *fn;
	void *arg;
};

/* 0, or -errno: no such user, or nobody can tell. */
static int find_uid(const char *user, uint32_t *uid)
{
	char buf[PASSWD_OCTETS];
	struct passwd pw, *found = NULL;
	int rc = getpwnam_r(user, &pw, buf, sizeof(buf), &found);

	if (rc || !found)
		return rc ? -rc : -ENOENT;
	*uid = found->pw_uid;
	return 0;
}

static void believe(struct bound *b, const struct login_message *reply)
{
	snprintf(b->account, sizeof(b->account), "%s", reply->account);
	b->person = reply->result == LOGIN_WRONG || reply->result == LOGIN_OK;
	if (reply->result == LOGIN_WRONG || reply->result == LOGIN_NOT_OURS)
		b->who = WHO_NO_LOGIN;
	else if (reply->result == LOGIN_OK && reply->account[0])
		b->who = reply->verified ? WHO_VERIFIED : WHO_OTHER_LOGIN;
}

static int work_ask(void *arg, struct store *s)
{
	struct question *q = arg;
	struct login_message ask, reply;
	char path[PATH_OCTETS];
	uint32_t uid = 0;
	int rc;

	(void)s;
	q->said.who = WHO_NO_ANSWER;
	/* Behind others that were not answered: its time is over, and nobody waits for it. */
	if (mono_ms() >= q->deadline_ms)
		return 0;
	rc = find_uid(q->user, &uid);
	if (rc) {
		q->said.who = rc == -ENOENT ? WHO_NO_LOGIN : WHO_NO_ANSWER;
		return 0;
	}
	login_init(&ask, LOGIN_QUERY);
	login_set_number(&ask, LOGIN_HAS_UID, uid);
	rc = login_set_text(&ask, LOGIN_HAS_USER, q->user);
	if (!rc)
		rc = paths_join(path, sizeof(path), paths_run(), "login.sock");
	if (!rc)
		rc = login_call(path, geteuid(), q->deadline_ms, &ask, &reply);
	if (!rc)
		believe(&q->said, &reply);
	else if (rc == -ENOENT || rc == -ECONNREFUSED)
		q->said.who = WHO_NO_VERIFIER;
	return 0;
}

static void asked(void *arg, int rc)
{
	struct question *q = arg;

	(void)rc;
	q->fn(q->arg, &q->said);
	free(q);
}

void bound_ask(struct engine *e, const char *user, int64_t within_ms, bound_fn *fn, void *arg)
{
	struct question *q = must(calloc(1, sizeof(*q)));

	snprintf(q->user, sizeof(q->user), "%s", user);
	q->deadline_ms = mono_ms() + within_ms;
	q->fn = fn;
	q->arg = arg;
	worker_post(e->asker, work_ask, asked, q);
}
