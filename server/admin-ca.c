/* SPDX-License-Identifier: Apache-2.0 */
/* admin-ca - `ca`: one CA follows another. The steps are files (ca.h); here is who has to be waited for. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "admin.h"
#include "base/mono.h"
#include "ca.h"
#include "resources.h"

enum { NAMED_MAX = 5 };

struct roll {
	struct ca *ca;
	struct ca_known list[CA_MAX];
	int count;
	int64_t version; /* of the policy that names all CAs of the list; 0: none does yet */
};

static void roll_fini(struct roll *r)
{
	ca_list_fini(r->list);
	ca_free(r->ca);
}

static int roll_open(struct admin *a, struct roll *r)
{
	int rc = ca_open(a->config->state, &r->ca);

	if (!rc) {
		r->count = ca_list(r->ca, r->list);
		rc = r->count < 0 ? r->count : 0;
	}
	if (!rc)
		rc = resources_ca_version(&a->app.sql, r->list, &r->version);
	return rc ? admin_errno(a, "the CA", rc) : 0;
}

static const struct ca_known *of_role(const struct roll *r, enum ca_role role)
{
	for (int i = 0; i < r->count; i++)
		if (r->list[i].role == role)
			return &r->list[i];
	return NULL;
}

#define MACHINES "FROM machine WHERE revoked_ms = 0 AND expires_s > ?1"

/* Who does not know the next one yet. */
static const char not_told[] = "SELECT name " MACHINES " AND (knows < ?2 OR ?2 = 0) ORDER BY name";
/* Who has no certificate of the one that signs, or has not shown it yet. */
static const char not_moved[] =
	"SELECT name " MACHINES " AND (ca <> ?2 OR next <> '') ORDER BY name";

/* How many; the first few names in @names, with commas between. */
static int count_waiting(struct admin *a, const char *sql, const struct value *values, char *names,
	size_t size, int64_t *out)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt, sql, values);
	size_t used = 0;

	*out = 0;
	*names = '\0';
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		char name[256];

		sql_text(stmt, 0, name, sizeof(name));
		if (++*out <= NAMED_MAX && used < size)
			used += (size_t)snprintf(names + used, size - used, "%s%s",
				*out > 1 ? ", " : "", admin_safe(name));
		rc = 0;
	}
	return rc;
}

static int waiting(struct admin *a, const struct roll *r, const char *sql, char *names, size_t size,
	int64_t *out)
{
	int64_t now_s = mono_utc_s();
	const char *active = of_role(r, CA_ACTIVE)->sha256;

	if (sql == not_told)
		return count_waiting(
			a, sql, VALUES(V_NUM(now_s), V_NUM(r->version)), names, size, out);
	return count_waiting(a, sql, VALUES(V_NUM(now_s), V_TEXT(active)), names, size, out);
}

/* ---- list ---- */

static int list(struct admin *a, struct roll *r)
{
	static const char *const role[] = {"active", "next", "old"};
	struct json_object *answer = json_object_new_object(), *rows = json_object_new_array();
	char names[600];
	int64_t left = 0;
	const char *what = of_role(r, CA_NEXT) ? not_told : of_role(r, CA_OLD) ? not_moved : NULL;
	int rc = what ? waiting(a, r, what, names, sizeof(names), &left) : 0;

	for (int i = 0; i < r->count; i++) {
		const struct ca_known *k = &r->list[i];
		struct json_object *row = json_object_new_object();

		admin_say(a, "%-6s  %s  until %s\n", role[k->role], k->sha256,
			admin_time(k->expires_s));
		admin_set(row, "role", role[k->role]);
		admin_set(row, "sha256", k->sha256);
		admin_set_number(row, "expires", k->expires_s);
		json_object_array_add(rows, row);
	}
	if (what && !rc && left)
		admin_say(a, "%lld machines %s: %s%s\n", (long long)left,
			what == not_told ? "do not know the next one yet"
					 : "have no certificate of the active one yet",
			names, left > NAMED_MAX ? ", …" : "");
	else if (what && !rc)
		admin_say(a, "All machines %s. Next: stillprint-server ca %s\n",
			what == not_told ? "know the next one"
					 : "have a certificate of the active one",
			what == not_told ? "activate" : "retire");
	json_object_object_add(answer, "cas", rows);
	admin_set_number(answer, "waiting", left);
	admin_answer(a, answer);
	return rc ? admin_errno(a, "machines", rc) : ADMIN_DONE;
}

/* ---- the steps ---- */

static int step_done(struct admin *a, const char *event, int rc, const char *none, const char *said)
{
	struct json_object *answer;

	if (rc == CA_E_ROLLING)
		return admin_fail(a, ADMIN_FAILED,
			"One CA is on its way already: stillprint-server ca list tells what is next");
	if (rc == CA_E_NONE)
		return admin_fail(a, ADMIN_FAILED, "%s", none);
	if (rc)
		return admin_errno(a, "ca", rc);
	rc = admin_begin(a);
	if (!rc)
		rc = admin_end(a, admin_audit(a, event, ""));
	if (rc)
		return admin_errno(a, "It is done, but the audit", rc);
	admin_say(a, "%s\n", said);
	answer = json_object_new_object();
	admin_set(answer, "done", event);
	admin_answer(a, answer);
	return ADMIN_DONE;
}

static int wait_for(
	struct admin *a, const struct roll *r, const char *sql, bool force, const char *consequence)
{
	char names[600];
	int64_t left = 0;
	int rc = force ? 0 : waiting(a, r, sql, names, sizeof(names), &left);

	if (rc)
		return admin_errno(a, "machines", rc);
	if (left)
		return admin_fail(a, ADMIN_FAILED,
			"%lld machines are not that far (%s%s). Wait for them, revoke those that are gone, or "
			"use --force: %s",
			(long long)left, names, left > NAMED_MAX ? ", and more" : "", consequence);
	return 0;
}

static int activate(struct admin *a, struct roll *r, bool force)
{
	int rc = of_role(r, CA_NEXT)
			 ? wait_for(a, r, not_told, force,
				   "they find their way as long as the former CA is not retired.")
			 : 0;

	return rc ? rc
		  : step_done(a, "ca-activated", ca_roll_activate(r->ca),
			    "There is no next CA: stillprint-server ca new",
			    "It signs from now on. Machines renew their certificates by themselves; when\n"
			    "stillprint-server ca list says that all have, end the former one: ca retire.\n"
			    "Make a new backup: older ones hold the former CA.");
}

static int retire(struct admin *a, struct roll *r, bool force)
{
	int rc = of_role(r, CA_OLD) ? wait_for(a, r, not_moved, force,
					      "they have to be enrolled again, with a new code.")
				    : 0;

	return rc ? rc
		  : step_done(a, "ca-retired", ca_roll_retire(r->ca), "There is no former CA.",
			    "The former CA does not count any more.");
}

int admin_ca(struct admin *a, int argc, char **argv)
{
	bool force = false;
	const struct admin_option options[] = {{"force", NULL, &force}, {NULL}};
	const char *operands[ADMIN_OPERANDS_MAX];
	AUTO(roll_fini) struct roll r = {0};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n != 1)
		return n < 0 ? status
			     : admin_fail(a, ADMIN_USAGE,
				       "ca takes list, new, activate, retire or discard");
	rc = admin_open(a);
	if (!rc)
		rc = roll_open(a, &r);
	if (rc)
		return rc;
	if (!strcmp(operands[0], "list"))
		return list(a, &r);
	if (!strcmp(operands[0], "new"))
		return step_done(a, "ca-announced", ca_roll_new(r.ca), "",
			"The next CA is made and announced. When stillprint-server ca list says that all\n"
			"machines know it: ca activate.");
	if (!strcmp(operands[0], "activate"))
		return activate(a, &r, force);
	if (!strcmp(operands[0], "retire"))
		return retire(a, &r, force);
	if (!strcmp(operands[0], "discard"))
		return step_done(a, "ca-discarded", ca_roll_discard(r.ca), "There is no next CA.",
			"The next CA is discarded.");
	return admin_fail(a, ADMIN_USAGE, "there is no ca %s", operands[0]);
}
