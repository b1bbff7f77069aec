/* SPDX-License-Identifier: Apache-2.0 */
/* admin-setup - `setup` and `enrol`: from nothing to a server that machines can join. */
#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "admin.h"
#include "base/mono.h"
#include "base/text.h"
#include "ca.h"
#include "files.h"
#include "machines.h"

/* ---- setup ---- */

/* The folder of the configuration, and "server.conf.d/names.conf" below it: what `setup --names` writes. */
static int write_names(struct admin *a, const char *names)
{
	char folder[SERVER_PATH_MAX + 16], text[SERVER_NAMES_MAX * 260];
	const char *why;
	int rc;

	why = server_config_names_fault(names);
	if (!why && strlen(names) >= sizeof(text) - 32)
		why = "is too long";
	if (why)
		return admin_fail(a, ADMIN_USAGE, "--names %s; nothing was changed", why);
	snprintf(folder, sizeof(folder), "%s.d", a->config_path);
	snprintf(text, sizeof(text), "[server]\nnames = %s\n", names);
	if (mkdir(folder, 0755) < 0 && errno != EEXIST)
		return admin_errno(a, folder, -errno);
	rc = files_write(folder, "names.conf", text, strlen(text), 0644);
	if (rc)
		return admin_errno(a, folder, rc);
	server_config_free(STEAL(a->config));
	rc = admin_config(a);
	if (rc)
		admin_fail(a, ADMIN_FAILED, "%s/names.conf was written; mend or remove it", folder);
	return rc;
}

/* mkdir -p, the last folder 0700 and the service user's if root makes it. */
static int make_state(struct admin *a)
{
	char path[SERVER_PATH_MAX];
	struct passwd *user = geteuid() == 0 ? getpwnam("stillprint") : NULL;

	if (access(a->config->state, F_OK) == 0)
		return 0;
	snprintf(path, sizeof(path), "%s", a->config->state);
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = '\0';
		if (mkdir(path, 0755) < 0 && errno != EEXIST)
			return admin_errno(a, path, -errno);
		*p = '/';
	}
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		return admin_errno(a, path, -errno);
	if (user && chown(path, user->pw_uid, user->pw_gid) < 0)
		return admin_errno(a, path, -errno);
	return 0;
}

static void say_setup(struct admin *a, const struct ca *ca)
{
	struct json_object *answer = json_object_new_object();
	uint8_t digest[32];
	char hex[65];

	ca_sha256(ca, digest);
	sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest));
	admin_say(a,
		"State:   %s\nSystem:  %s\nCA:      %s/ca.crt, until %s\n         SHA-256 %s\nNames:  ",
		a->config->state, a->app.uuid, a->config->state, admin_time(ca_expires_s(ca)), hex);
	for (size_t i = 0; i < a->config->name_count; i++)
		admin_say(a, " %s", a->config->names[i]);
	admin_say(a,
		"\nNext: start the service (systemctl enable --now stillprint-server), then\n"
		"  stillprint-server user add NAME\n  stillprint-server device add NAME ipps://PRINTER/ipp/print\n"
		"  stillprint-server queue add NAME --device NAME\n  stillprint-server enrol\n");
	admin_set(answer, "state", a->config->state);
	admin_set(answer, "system_uuid", a->app.uuid);
	admin_set(answer, "ca_sha256", hex);
	admin_set_number(answer, "ca_expires", ca_expires_s(ca));
	admin_set_number(answer, "port", a->config->port);
	admin_answer(a, answer);
}

int admin_setup(struct admin *a, int argc, char **argv)
{
	const char *names = NULL, *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {{"names", &names, NULL}, {NULL}};
	AUTO(ca_freep) struct ca *ca = NULL;
	uint8_t key[32];
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n)
		return n < 0 ? status : admin_fail(a, ADMIN_USAGE, "setup takes no words");
	rc = admin_config(a);
	if (!rc && names)
		rc = write_names(a, names);
	if (!rc)
		rc = make_state(a);
	if (!rc)
		rc = admin_open(a);
	if (rc)
		return rc;
	rc = ca_open(a->config->state, &ca);
	if (!rc)
		rc = ca_policy_public(a->config->state, key);
	if (rc)
		return admin_errno(a, "making the CA", rc);
	say_setup(a, ca);
	return ADMIN_DONE;
}

/* ---- enrol ---- */

static int make_code(struct admin *a, const char *name, const char *kind, int64_t valid_s,
	char code[MACHINES_CODE_SIZE])
{
	AUTO(ca_freep) struct ca *ca = NULL;
	uint8_t digest[32];
	int64_t now_s = mono_utc_s();
	int rc = ca_open(a->config->state, &ca);

	if (!rc)
		rc = admin_begin(a);
	if (rc)
		return rc;
	rc = ca_code_sha256(ca, digest);
	/* Codes that are long over are nobody's business any more. */
	if (!rc)
		rc = sql_run(&a->app.sql, "DELETE FROM enrol_code WHERE expires_s < ?1",
			VALUES(V_NUM(now_s - 30 * 86400)));
	if (!rc)
		rc = machines_code_new(
			&a->app.sql, digest, name, kind, now_s, (int32_t)valid_s, code);
	if (!rc)
		rc = admin_audit(a, "code-made", *name ? name : kind);
	return admin_end(a, rc);
}

int admin_enrol(struct admin *a, int argc, char **argv)
{
	const char *name = "", *kind = "workstation", *expires = NULL,
		   *operands[ADMIN_OPERANDS_MAX];
	const struct admin_option options[] = {
		{"name", &name, NULL}, {"kind", &kind, NULL}, {"expires", &expires, NULL}, {NULL}};
	char code[MACHINES_CODE_SIZE];
	struct json_object *answer;
	int64_t valid_s;
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status), rc;

	if (n)
		return n < 0 ? status : admin_fail(a, ADMIN_USAGE, "enrol takes no words");
	if (strcmp(kind, "workstation") != 0 && strcmp(kind, "terminal") != 0)
		return admin_fail(a, ADMIN_USAGE, "--kind is workstation or terminal");
	if (!text_is_clean(name) || strlen(name) > 255)
		return admin_fail(a, ADMIN_USAGE, "--name must be fit to be shown");
	if (expires && (admin_seconds(expires) < 1 || admin_seconds(expires) > 30 * 86400))
		return admin_fail(
			a, ADMIN_USAGE, "--expires is a time such as 30min, 1h or 2d; 30d at most");
	rc = admin_open(a);
	if (rc)
		return rc;
	valid_s = expires ? admin_seconds(expires) : a->config->code_life_s;
	rc = make_code(a, name, kind, valid_s, code);
	if (rc)
		return admin_errno(a, "making a code", rc);
	admin_say(a, "%s\n", code);
	if (!a->json)
		fprintf(stderr,
			"Good once, until %s. On the machine, as root:\n"
			"  stillprint setup --server ipps://%s:%u --code %s\n",
			admin_time(mono_utc_s() + valid_s), a->config->names[0],
			(unsigned)a->config->port, code);
	answer = json_object_new_object();
	admin_set(answer, "code", code);
	admin_set_number(answer, "expires", mono_utc_s() + valid_s);
	admin_set(answer, "kind", kind);
	admin_set(answer, "name", name);
	admin_answer(a, answer);
	explicit_bzero(code, sizeof(code));
	return ADMIN_DONE;
}
