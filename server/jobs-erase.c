/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-erase - a person leaves the table of jobs: see jobs.h. */
#include "jobs-private.h"

int jobs_erase(struct sql *s, const char *name, const char *pseudonym)
{
	int64_t n = 0;
	int rc = sql_number(s, "SELECT count(*) FROM job WHERE owner = ?1 AND ended_ms = 0",
		VALUES(V_TEXT(name)), &n);

	if (rc < 0 || n > 0)
		return rc < 0 ? rc : 1;
	/* The digest is of owner and title too: with it somebody could try names. */
	rc = sql_run(s,
		"UPDATE job SET owner = ?2, title = '', digest = randomblob(32), account = '',"
		" accounting_user = '', message = '' WHERE owner = ?1",
		VALUES(V_TEXT(name), V_TEXT(pseudonym)));
	if (!rc)
		rc = sql_run(s, "UPDATE job SET released_by = ?2 WHERE released_by = ?1",
			VALUES(V_TEXT(name), V_TEXT(pseudonym)));
	if (!rc)
		rc = sql_run(s, "UPDATE job SET accounting_user = '' WHERE accounting_user = ?1",
			VALUES(V_TEXT(name)));
	if (!rc)
		rc = sql_run(s, "DELETE FROM delegate WHERE user = ?1", VALUES(V_TEXT(name)));
	if (!rc)
		rc = sql_run(
			s, "DELETE FROM subscription WHERE who = 'u:' || ?1", VALUES(V_TEXT(name)));
	s->erased++;
	return rc;
}
