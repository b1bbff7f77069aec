/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-groups - groups, and who is in them. */
#include <errno.h>
#include <string.h>

#include "accounts-private.h"
#include "base/mono.h"

static int group_exists(struct sql *s, const char *group)
{
	int64_t n;

	return sql_number(
		s, "SELECT 1 FROM account_group WHERE name = ?1", VALUES(V_TEXT(group)), &n);
}

int accounts_group_add(struct sql *s, const char *group)
{
	int rc;

	if (!accounts_is_name(group) || strchr(group, ';')) /* what lists are cut at */
		return -EINVAL;
	rc = sql_enter(s);
	if (rc)
		return rc;
	rc = group_exists(s, group);
	if (rc == 0)
		rc = sql_run(s, "INSERT INTO account_group (name, created_ms) VALUES (?1, ?2)",
			VALUES(V_TEXT(group), V_NUM(mono_utc_s() * 1000)));
	else if (rc > 0)
		rc = ACCOUNTS_E_EXISTS;
	return sql_leave(s, rc);
}

int accounts_group_remove(struct sql *s, const char *group)
{
	int rc = sql_change(s, "DELETE FROM account_group WHERE name = ?1", VALUES(V_TEXT(group)));

	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}

int accounts_member_add(struct sql *s, const char *name, const char *group)
{
	int rc = sql_enter(s);

	if (rc)
		return rc;
	rc = accounts_exists(s, name);
	if (rc > 0)
		rc = group_exists(s, group);
	if (rc == 0)
		rc = ACCOUNTS_E_NONE;
	else if (rc > 0)
		rc = sql_run(s,
			"INSERT OR IGNORE INTO account_member (account, group_name) VALUES (?1, ?2)",
			VALUES(V_TEXT(name), V_TEXT(group)));
	return sql_leave(s, rc);
}

int accounts_member_remove(struct sql *s, const char *name, const char *group)
{
	int rc = sql_change(s, "DELETE FROM account_member WHERE account = ?1 AND group_name = ?2",
		VALUES(V_TEXT(name), V_TEXT(group)));

	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}
