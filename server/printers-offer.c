/* SPDX-License-Identifier: Apache-2.0 */
/* printers-offer - which devices a queue offers: those that it names and its default one; if it names none, all. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "printers.h"

int printers_offers(struct sql *s, const struct printers_queue *q, const char *device)
{
	int64_t offered = 0;
	int rc = sql_number(s, "SELECT " PRINTERS_OFFERED("?1", "?2"),
		VALUES(V_NUM(q->id), V_TEXT(device)), &offered);

	return rc < 0 ? rc : offered != 0;
}

int printers_offered_names(struct sql *s, const struct printers_queue *q, char *out, size_t size)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	static const char more[] = " …";
	size_t used = 0;
	int rc = sql_prepare(s, &stmt,
		"SELECT name FROM device WHERE " PRINTERS_OFFERED("?1", "uuid") " ORDER BY name",
		VALUES(V_NUM(q->id)));

	*out = '\0';
	while (!rc && (rc = sql_step(s, stmt)) == 1) {
		char name[256];
		int n;

		sql_text(stmt, 0, name, sizeof(name));
		n = snprintf(out + used, size - used, "%s%s", used ? ", " : "", name);
		if (n < 0 || (size_t)n + sizeof(more) > size - used) {
			snprintf(out + used, size - used, "%s", more); /* no name in part */
			return 0;
		}
		used += (size_t)n;
		rc = 0;
	}
	return rc < 0 ? rc : 0;
}
