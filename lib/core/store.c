/* SPDX-License-Identifier: Apache-2.0 */
/* store - see store.h. Here: opening and groups; the tables are in store-schema.c, their use in store-*.c. */
#include "core/store.h"

#include <errno.h>

#include "core/store-private.h"

_Static_assert((int)STORE_E_NEWER == (int)SQL_E_NEWER, "handed on as it is");

int store_open(const char *path, struct store **out)
{
	AUTO(store_freep) struct store *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return -ENOMEM;
	rc = sql_open(&s->sql, path, &store_schema);
	if (rc)
		return rc;
	*out = STEAL(s);
	return 0;
}

void store_free(struct store *s)
{
	if (!s)
		return;
	sql_close(&s->sql);
	free(s);
}

int store_begin(struct store *s)
{
	return sql_begin(&s->sql);
}

int store_commit(struct store *s)
{
	return sql_commit(&s->sql);
}

void store_rollback(struct store *s)
{
	sql_rollback(&s->sql);
}

int store_tidy(struct store *s)
{
	return sql_tidy(&s->sql);
}
