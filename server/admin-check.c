/* SPDX-License-Identifier: Apache-2.0 */
/* admin-check - `check`: what is wrong with this installation, and what to do. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "admin.h"
#include "base/mono.h"
#include "base/paths.h"
#include "base/text.h"
#include "ca.h"
#include "ledger.h"
#include "printers.h"

enum { DAY_S = 86400 };

struct check {
	struct admin *a;
	struct json_object *rows;
	bool wrong;
};

enum finding { FINDING_OK, FINDING_WARNING, FINDING_WRONG };

__attribute__((format(printf, 5, 6))) static void add(
	struct check *k, enum finding f, const char *what, const char *advice, const char *fmt, ...)
{
	static const char *const names[] = {"ok", "warning", "wrong"};
	struct json_object *row = json_object_new_object();
	AUTO(auto_free) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	admin_set(row, "result", names[f]);
	admin_set(row, "what", what);
	admin_set(row, "finding", admin_safe(text));
	admin_set(row, "advice", f ? advice : "");
	json_object_array_add(k->rows, row);
	k->wrong |= f == FINDING_WRONG;
	admin_say(k->a, "%-8s %s: %s\n", names[f], what, admin_safe(text));
	if (f && *advice)
		admin_say(k->a, "         %s\n", advice);
}

static void check_files(struct check *k)
{
	static const char *const secret[] = {"", "ca.pem", "ca-next.pem", "ca-old.pem",
		"server.pem", "policy.key", "pepper", "server.db"};
	const char *state = k->a->config->state;
	struct stat folder;
	bool good = true;

	if (stat(state, &folder) < 0)
		return;
	for (size_t i = 0; i < sizeof(secret) / sizeof(secret[0]); i++) {
		char path[SERVER_PATH_MAX + 32];
		struct stat st;

		snprintf(path, sizeof(path), "%s%s%s", state, *secret[i] ? "/" : "", secret[i]);
		if (stat(path, &st) < 0)
			continue;
		if (!(st.st_mode & 077) && st.st_uid == folder.st_uid)
			continue;
		good = false;
		add(k, FINDING_WRONG, "permissions",
			"Only the server's user may read it: chown it to the owner of the state folder, chmod go=.",
			"%s can be read by others, or is somebody else's", path);
	}
	if (good)
		add(k, FINDING_OK, "permissions", "", "%s is its owner's alone", state);
}

static void check_disk(struct check *k)
{
	int rc = printers_disk(k->a->config->state);

	add(k, rc ? FINDING_WRONG : FINDING_OK, "disk",
		"Make room or mount it writable: until then the server tells workstations that it is away.",
		"%s", rc ? strerror(-rc) : "has room");
}

static void check_certificates(struct check *k)
{
	AUTO(ca_freep) struct ca *ca = NULL;
	int64_t now_s = mono_utc_s(), end_s;
	int rc = ca_open(k->a->config->state, &ca);

	if (rc) {
		add(k, FINDING_WRONG, "CA", "Restore a backup: stillprint-server restore FILE.",
			"ca.pem: %s", strerror(-rc));
		return;
	}
	end_s = ca_expires_s(ca);
	add(k,
		end_s < now_s                 ? FINDING_WRONG
		: end_s < now_s + 365 * DAY_S ? FINDING_WARNING
					      : FINDING_OK,
		"CA", "Make another in time: stillprint-server ca new, activate, retire.",
		"until %s", admin_time(end_s));
	end_s = ca_server_expires_s(ca);
	if (end_s == 0)
		add(k, FINDING_OK, "certificate", "", "made when the server first starts");
	else
		add(k, end_s < now_s ? FINDING_WRONG : FINDING_OK, "certificate",
			"Start the server again: it makes a new one by itself.", "until %s",
			admin_time(end_s));
}

static void check_copies(struct check *k)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&k->a->app.sql, &stmt,
		"SELECT name, two_ms / 1000 FROM machine WHERE two_ms > ?1 AND revoked_ms = 0 ORDER BY name",
		VALUES(V_NUM((mono_utc_s() - 2 * DAY_S) * 1000)));

	while (!rc && (rc = sql_step(&k->a->app.sql, stmt)) == 1) {
		char name[256];

		sql_text(stmt, 0, name, sizeof(name));
		add(k, FINDING_WARNING, "machines",
			"A copied disk? On the copy: stillprint setup --leave, then a code of its own "
			"(stillprint-server enrol).",
			"two computers share the identity of %s, last seen %s", name,
			admin_time(sqlite3_column_int64(stmt, 1)));
		rc = 0;
	}
}

static bool answers(uint16_t port)
{
	AUTO(auto_close) int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0;
}

static void check_port(struct check *k)
{
	const struct server_config *c = k->a->config;
	AUTO(auto_close) int lock = admin_lock(c->state);
	bool running = lock == -EWOULDBLOCK;
	bool local = !*c->address || !strcmp(c->address, "127.0.0.1");

	if (running && local && c->port && !answers(c->port))
		add(k, FINDING_WRONG, "port", "Look into the log: journalctl -u stillprint-server.",
			"the server runs, but %u does not answer", c->port);
	else if (running)
		add(k, FINDING_OK, "port", "", "the server runs%s", c->port ? "" : " on any port");
	else if (local && c->port && answers(c->port))
		add(k, FINDING_WRONG, "port",
			"Name another port in server.conf, or end that program.",
			"the server does not run, and another program has %u", c->port);
	else
		add(k, FINDING_WRONG, "port", "systemctl start stillprint-server",
			"the server does not run");
}

static void check_clock(struct check *k)
{
	struct timex t = {0};
	int rc = adjtimex(&t);

	/* Built in 2026: a clock before that is wrong for sure. */
	if (mono_utc_s() < 1767225600)
		add(k, FINDING_WRONG, "clock", "Set it: certificates and records depend on it.",
			"is years behind");
	else if (rc < 0 || (t.status & STA_UNSYNC))
		add(k, FINDING_WARNING, "clock", "Run a time service, such as systemd-timesyncd.",
			"is not known to be right");
	else
		add(k, FINDING_OK, "clock", "", "is synchronised");
}

static void check_backup(struct check *k)
{
	char text[32];
	int rc = db_setting_get(&k->a->app.sql, "backup-at", text, sizeof(text));
	int64_t at_s = rc == 0 ? atoll(text) : 0;
	bool old = mono_utc_s() - at_s > k->a->config->backup_max_age_s;

	add(k, old ? FINDING_WARNING : FINDING_OK, "backup",
		"stillprint-server backup FILE, to another disk; each day by a timer.", "%s%s",
		at_s ? "the last one " : "there was none yet", at_s ? admin_time(at_s) : "");
}

static void check_database(struct check *k)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char verdict[256] = "", bad[64];
	int64_t sequence = 0;
	int rc = sql_prepare(&k->a->app.sql, &stmt, "PRAGMA quick_check(1)", NULL);

	if (!rc && sql_step(&k->a->app.sql, stmt) == 1)
		sql_text(stmt, 0, verdict, sizeof(verdict));
	add(k, strcmp(verdict, "ok") ? FINDING_WRONG : FINDING_OK, "database",
		"Stop the server and restore a backup.", "%s",
		*verdict ? verdict : "cannot be read");
	rc = ledger_verify(&k->a->app.sql, NULL, bad, &sequence);
	add(k, rc ? FINDING_WRONG : FINDING_OK, "ledger",
		"stillprint-server ledger verify says where; compare with a backup.", "%s",
		rc ? "a chain does not fit" : "every chain is whole");
}

/* Named by a queue, and removed since. */
static void check_offered(struct check *k)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&k->a->app.sql, &stmt,
		"SELECT q.name, o.name FROM queue_device o JOIN queue q ON q.id = o.queue_id"
		" WHERE o.device NOT IN (SELECT uuid FROM device) ORDER BY q.name, o.name",
		NULL);

	while (!rc && sql_step(&k->a->app.sql, stmt) == 1) {
		char name[128], device[256];

		sql_text(stmt, 0, name, sizeof(name));
		sql_text(stmt, 1, device, sizeof(device));
		add(k, FINDING_WARNING, "queue",
			"stillprint-server queue set NAME --only DEVICE (each one), or --all-devices",
			"%s offers the device %s, which does not exist", name, device);
	}
}

static void check_queues(struct check *k)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&k->a->app.sql, &stmt,
		"SELECT name, device IS NULL, release = 'direct' OR NOT EXISTS (SELECT 1 FROM device), accepting, release = 'direct'"
		" FROM queue ORDER BY name",
		NULL);
	int n = 0;

	while (!rc && sql_step(&k->a->app.sql, stmt) == 1) {
		char name[128];

		n++;
		sql_text(stmt, 0, name, sizeof(name));
		if (sqlite3_column_int(stmt, 1) && sqlite3_column_int(stmt, 2))
			add(k, FINDING_WRONG, "queue",
				"stillprint-server queue set NAME --device NAME",
				sqlite3_column_int(stmt, 4) ? "%s prints at once, but has no device"
							    : "%s has no device to print at",
				name);
		else if (!sqlite3_column_int(stmt, 3))
			add(k, FINDING_WARNING, "queue",
				"stillprint-server queue set NAME --accepting yes",
				"%s takes no jobs", name);
		else
			add(k, FINDING_OK, "queue", "", "%s", name);
	}
	if (!n)
		add(k, FINDING_WARNING, "queue", "stillprint-server queue add NAME --device NAME",
			"there is none yet");
	check_offered(k);
}

static void check_machines(struct check *k)
{
	int64_t now_s = mono_utc_s(), late = 0, away = 0;
	struct sql *s = &k->a->app.sql;

	sql_number(s, "SELECT count(*) FROM machine WHERE revoked_ms = 0 AND expires_s < ?1",
		VALUES(V_NUM(now_s)), &late);
	sql_number(s,
		"SELECT count(*) FROM machine WHERE revoked_ms = 0 AND max(seen_ms, issued_ms) < ?1",
		VALUES(V_NUM((now_s - 30 * DAY_S) * 1000)), &away);
	add(k, late ? FINDING_WARNING : FINDING_OK, "machines",
		"Enrol them again, or remove them: stillprint-server device list.",
		"%lld with an expired certificate", (long long)late);
	if (away)
		add(k, FINDING_WARNING, "machines",
			"Remove or revoke those that are gone: stillprint-server device list.",
			"%lld not seen for 30 days", (long long)away);
}

int admin_check(struct admin *a, int argc, char **argv)
{
	struct check k = {.a = a};
	const char *operands[ADMIN_OPERANDS_MAX];
	struct json_object *answer;
	int status = 0, n = admin_parse(a, argc, argv, NULL, operands, &status), rc;

	if (n)
		return n < 0 ? status : admin_fail(a, ADMIN_USAGE, "check takes no words");
	rc = admin_open(a);
	if (rc)
		return rc;
	k.rows = json_object_new_array();
	add(&k, FINDING_OK, "configuration", "", "%s", a->config_path);
	check_files(&k);
	check_disk(&k);
	check_database(&k);
	check_certificates(&k);
	check_copies(&k);
	check_port(&k);
	check_clock(&k);
	check_backup(&k);
	check_queues(&k);
	check_machines(&k);
	answer = json_object_new_object();
	admin_set_flag(answer, "ok", !k.wrong);
	json_object_object_add(answer, "checks", k.rows);
	admin_answer(a, answer);
	return k.wrong ? ADMIN_FAILED : ADMIN_DONE;
}
