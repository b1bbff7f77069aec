/* SPDX-License-Identifier: Apache-2.0 */
/* check-server - is this computer enrolled at the server of our own, and how long does its certificate last? */
#include <errno.h>
#include <string.h>

#include "base/mono.h"
#include "base/paths.h"
#include "check.h"
#include "core/identity.h"

enum { WARN_DAYS = 14 };

#define WHAT "server of our own"

static void check_days(struct check *k, int64_t until_s)
{
	const struct identity id = {.expires_s = until_s};
	int64_t days = identity_days_left(&id, mono_utc_s());

	if (days < 0)
		check_add(k, FINDING_WRONG, WHAT,
			"Enrol again with a new code: stillprint setup --server. Jobs are kept.",
			"this computer's certificate has ended");
	else if (days < WARN_DAYS)
		check_add(k, FINDING_WARNING, WHAT,
			"It is renewed by itself while the server answers; stillprint setup --renew tells why not.",
			"this computer's certificate ends in %lld day%s", (long long)days,
			days == 1 ? "" : "s");
	else
		check_add(k, FINDING_OK, WHAT, "",
			"enrolled; the certificate is good for %lld days", (long long)days);
}

void check_server(struct check *k)
{
	struct identity id;
	int rc;

	if (!k->config || !k->config->server.count)
		return;
	rc = identity_load(paths_state(), &id);
	if (rc == 0)
		check_days(k, id.expires_s);
	else if ((rc == -EACCES || rc == -EPERM) && k->certificate_until_s)
		check_days(k, k->certificate_until_s);
	else if (rc == -EACCES || rc == -EPERM)
		k->incomplete = true;
	else if (rc == IDENTITY_E_NONE)
		check_add(k, FINDING_WRONG, WHAT,
			"Ask its administrator for a code: stillprint setup --server ADDRESS --code CODE",
			"this computer is not enrolled there");
	else
		check_add(k, FINDING_WRONG, WHAT,
			"Enrol again with a new code: stillprint setup --server. Jobs are kept.",
			"%s/identity cannot be used: %s", paths_state(),
			rc == -EINVAL ? "a file is missing, damaged, or open to others"
				      : strerror(-rc));
}
