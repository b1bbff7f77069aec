/* SPDX-License-Identifier: Apache-2.0 */
/* check-server - is this computer enrolled at the server of our own, and how long does its certificate last? */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/paths.h"
#include "check.h"
#include "core/identity.h"

enum { WARN_DAYS = 14 };

#define WHAT "server of our own"
#define LOGINS "logins without the server"

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

/* Where the verifier's key comes from can be seen by root alone. */
static void check_key(struct check *k)
{
	char path[512];

	if (paths_join(path, sizeof(path), paths_state(), "auth/key"))
		return;
	if (!access(path, F_OK))
		check_add(k, FINDING_OK, LOGINS, "",
			"the key of the offline cache is a file that root can read; a TPM keeps it better: "
			"stillprint-verifier(8)");
	else if (errno == ENOENT)
		check_add(k, FINDING_OK, LOGINS, "",
			"the key of the offline cache is a systemd credential");
	else
		k->incomplete = true;
}

static void check_credentials(struct check *k)
{
	static const struct {
		const char *state;
		enum finding finding;
		const char *said, *advice;
	} known[] = {
		{"ok", FINDING_OK, "PINs and cards are as the server said last", ""},
		{"waiting", FINDING_WARNING, "the server's list has not come yet",
			"It comes when the server answers."},
		{"stale", FINDING_WARNING, "the server's list is old",
			"It is renewed when the server answers; when its time is over, nobody logs in by it."},
		{"refused", FINDING_WRONG, "stillprint-verifier refused the server's list",
			"journalctl -u stillprint-verifier tells why. After another server was set up: enrol again."},
		{"no-verifier", FINDING_WRONG, "stillprint-verifier does not answer",
			"Start it: systemctl start stillprint-verifier"},
		{"revoked", FINDING_WRONG,
			"this computer was revoked at the server, and has forgotten all credentials",
			"Ask its administrator for a code: stillprint setup --server ADDRESS --code CODE. Jobs are kept."},
	};

	if (!*k->credentials)
		return;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (!strcmp(k->credentials, known[i].state))
			check_add(
				k, known[i].finding, LOGINS, known[i].advice, "%s", known[i].said);
	if (strcmp(k->credentials, "revoked") != 0)
		check_key(k);
}

void check_server(struct check *k)
{
	struct identity id;
	int rc;

	if (!k->config || !k->config->server.count)
		return;
	check_credentials(k);
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
