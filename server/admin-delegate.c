/* SPDX-License-Identifier: Apache-2.0 */
/* admin-delegate - `delegate list|add|remove`: who releases for whom, whatever comes. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "delegates.h"

static int said(struct admin *a, const char *owner, const char *delegate, int rc)
{
	switch (rc) {
	case DELEGATES_E_NONE:
		return admin_fail(a, ADMIN_NO_SUCH,
			"%s is no delegate of %s (stillprint-server delegate list)", delegate,
			owner);
	case DELEGATES_E_NO_USER:
		return admin_fail(a, ADMIN_NO_SUCH,
			"there is no user or group %s (stillprint-server user list, group list)",
			delegate);
	case DELEGATES_E_MANY:
		return admin_fail(a, ADMIN_FAILED,
			"%s has %d delegates, and that is the most: remove one first", owner,
			DELEGATES_STANDING_MAX);
	case -EINVAL:
		return admin_fail(a, ADMIN_USAGE,
			"owner and delegate are the names of two users; a group is :GROUP");
	default:
		return admin_errno(a, "delegate", rc);
	}
}

static int one_row(void *arg, const struct delegates_row *r)
{
	void **to = arg;
	struct admin *a = to[0];
	struct json_object *row = json_object_new_object();

	admin_set(row, "owner", r->owner);
	admin_set(row, "delegate", r->delegate);
	admin_set_number(row, "until", r->until_s);
	json_object_array_add(to[1], row);
	admin_say(a, "%-20s may be released by %s%s%s\n", admin_safe(r->owner),
		admin_safe(r->delegate), r->until_s ? " until " : "",
		r->until_s ? admin_time(r->until_s) : "");
	return 0;
}

static int list(struct admin *a, const char *user)
{
	struct json_object *answer = json_object_new_object(), *rows = json_object_new_array();
	void *to[] = {a, rows};
	int rc = delegates_list(&a->app.sql, user, one_row, to);

	json_object_object_add(answer, "delegates", rows);
	if (rc < 0) {
		json_object_put(answer);
		return admin_errno(a, "delegate", rc);
	}
	if (!json_object_array_length(rows))
		admin_say(a, "Nobody releases for others: stillprint-server delegate add OWNER "
			     "DELEGATE\n");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int change(
	struct admin *a, const char *owner, const char *delegate, int64_t until_s, bool add)
{
	struct json_object *answer;
	char detail[600];
	int rc = admin_begin(a);

	if (!rc) {
		snprintf(detail, sizeof(detail), "%s for %s", delegate, owner);
		rc = add ? delegates_add(&a->app.sql, owner, delegate, until_s)
			 : delegates_remove(&a->app.sql, owner, delegate);
		if (!rc)
			rc = admin_audit(a, add ? "delegate-added" : "delegate-removed", detail);
		rc = admin_end(a, rc);
	}
	if (rc)
		return said(a, owner, delegate, rc);
	admin_say(a,
		add ? "%s may release the jobs of %s%s%s.\n"
		    : "%s releases the jobs of %s no more.%s%s\n",
		admin_safe(delegate), admin_safe(owner), add && until_s ? " until " : "",
		add && until_s ? admin_time(until_s) : "");
	answer = json_object_new_object();
	admin_set(answer, "owner", owner);
	admin_set(answer, "delegate", delegate);
	admin_set(answer, "result", add ? "added" : "removed");
	admin_answer(a, answer);
	return ADMIN_DONE;
}

int admin_delegate(struct admin *a, int argc, char **argv)
{
	const char *until = NULL, *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {{"until", &until, NULL}, {NULL}};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;
	int64_t until_s = until ? admin_when(until) : 0;
	bool add = n > 0 && !strcmp(operands[0], "add");

	if (n < 0)
		return status;
	if (until_s < 0 || (until && (!add || until_s <= a->app.now_ms / 1000)))
		return admin_fail(a, ADMIN_USAGE,
			"--until goes with add, and is a time to come: 17:30, 2026-12-24, 14d");
	if (n < 1 || (strcmp(operands[0], "list") != 0 && n != 3) || n > 3)
		return admin_fail(a, ADMIN_USAGE, "delegate %s", a->verb->args);
	rc = admin_open(a);
	if (rc)
		return rc;
	if (!strcmp(operands[0], "list") && n < 3)
		return list(a, n > 1 ? operands[1] : "");
	if (add || !strcmp(operands[0], "remove"))
		return change(a, operands[1], operands[2], until_s, add);
	return admin_fail(a, ADMIN_USAGE, "delegate %s", a->verb->args);
}
