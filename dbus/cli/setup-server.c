/* SPDX-License-Identifier: Apache-2.0 */
/* setup-server - `setup --server`, `--renew` and `--leave`: identity and [server] section, written or taken away. */
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/mono.h"
#include "base/paths.h"
#include "core/uri.h"
#include "core/wire.h"
#include "out.h"
#include "setup.h"

enum { DROP_IN_MODE = 0644 };

bool setup_is_server_queue(const char *upstream)
{
	return !strcmp(upstream, "stillprint") || !strncmp(upstream, "stillprint:", 11);
}

/* No queue can have this name, so no queue's file is in the way. */
static int drop_in_path(char *out, size_t size)
{
	int n = snprintf(out, size, "%s.d/@server.conf", paths_conf());

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static char *drop_in_text(const struct config_server *server)
{
	char *text = NULL;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);

	if (!f)
		return NULL;
	fprintf(f,
		"# Written by \"stillprint setup --server\", which replaces this file as a whole.\n"
		"[server]\n");
	for (size_t i = 0; i < server->count; i++)
		fprintf(f, "address = %s\n", server->address[i]);
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

static const char *day_of(int64_t s)
{
	static char day[32];
	time_t t = (time_t)s;
	struct tm tm;

	if (!localtime_r(&t, &tm) || !strftime(day, sizeof(day), "%Y-%m-%d", &tm))
		snprintf(day, sizeof(day), "?");
	return day;
}

static void tell_identity(struct setup *s, const struct identity *id, const char *address)
{
	struct json_object *row = json_object_new_object();

	json_set_text(row, "address", address);
	json_set_text(row, "server_uuid", id->server_uuid);
	json_set_text(row, "machine_uuid", id->uuid);
	json_object_object_add(row, "certificate_until", json_object_new_int64(id->expires_s));
	json_object_object_add(s->answer, "server", row);
}

/* ---- the daemon's user ---- */

static int owner(struct setup *s, uid_t *uid, gid_t *gid)
{
	const struct passwd *pw = geteuid() == 0 ? getpwnam("stillprint") : NULL;

	*uid = pw ? pw->pw_uid : (uid_t)-1;
	*gid = pw ? pw->pw_gid : (gid_t)-1;
	if (geteuid() == 0 && !pw)
		return cli_fail(s->c, CLI_FAILED,
			"There is no user stillprint: is Stillprint installed as a whole? Nothing was "
			"changed.");
	if (mkdir(paths_state(), 0700) == 0 && pw && chown(paths_state(), *uid, *gid) < 0)
		return cli_fail(s->c, CLI_FAILED, "%s: %s", paths_state(), strerror(errno));
	return 0;
}

static int write_identity(struct setup *s, const struct enrolled *e)
{
	const struct identity_pem pem = {e->ca_pem, e->cert_pem, e->key_pem};
	uid_t uid;
	gid_t gid;
	int rc = owner(s, &uid, &gid);

	if (rc)
		return rc;
	rc = identity_write(paths_state(), &e->id, &pem, uid, gid);
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"The certificate could not be kept in %s/identity: %s. What was there is "
			"unchanged.",
			paths_state(), strerror(-rc));
	return 0;
}

/* ---- enrolling ---- */

static int read_addresses(struct setup *s, struct config_server *out)
{
	for (size_t i = 0; i < s->server_options; i++) {
		const char *text = s->server_option[i], *why;
		char whole[CONFIG_URI_MAX];

		snprintf(whole, sizeof(whole), "%s%s", strstr(text, "://") ? "" : "ipps://", text);
		why = config_server_address(
			out->address[out->count], sizeof(out->address[0]), whole);
		if (why)
			return cli_usage(s->c, "--server %s %s", text, why);
		out->count++;
	}
	return 0;
}

/* The last moment before something is said to it. Return: 0 to go on, or an exit code. */
static int ask_first(struct setup *s, const struct enrolled *e, const struct identity *known)
{
	char question[200] = "Enrol this computer there?";

	setup_fact(s, "Server", "%s: it is the one that the code is of", e->address);
	if (s->dry_run) {
		setup_say(s, "Nothing was sent to it, and nothing was changed (--dry-run).");
		return CLI_DONE;
	}
	if (known)
		snprintf(question, sizeof(question),
			"This computer is enrolled at a server already, until %s. Enrol anew?",
			day_of(known->expires_s));
	if (!setup_ask(s, question, true))
		return cli_fail(s->c, CLI_FAILED, "Nothing was changed.");
	return 0;
}

/* The section first: it can be put back, a certificate that was replaced can not. */
static int write_all(struct setup *s, const struct config_server *server, const struct enrolled *e)
{
	AUTO(file_change_fini) struct file_change change = {0};
	AUTO(auto_free) char *text = drop_in_text(server);
	char path[PATH_MAX], why[512];
	sigset_t all, before;
	int rc = text ? drop_in_path(path, sizeof(path)) : -ENOMEM;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, &before);
	if (!rc)
		rc = file_put(&change, path, text, DROP_IN_MODE, NULL);
	if (rc)
		rc = cli_fail(s->c, CLI_FAILED, "%s cannot be written: %s. Nothing was changed.",
			path, strerror(-rc));
	else if (section_check_all(why, sizeof(why)) != 0)
		rc = cli_fail(s->c, CLI_FAILED,
			"The configuration would not be good: %s. It was put back.", why);
	else
		rc = write_identity(s, e);
	if (rc && file_undo(&change) != 0)
		setup_warn(s, "%s could not be put back", path);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc)
		return rc;
	s->changed = true;
	setup_say(s,
		"This computer is enrolled; its certificate is good until %s and is renewed by itself",
		day_of(e->id.expires_s));
	if (change.done)
		setup_say(s, "Settings written to %s", path);
	return 0;
}

static int make_queues(struct setup *s)
{
	struct json_object *names = json_object_new_array();
	int rc = 0;

	s->upstream_option = "stillprint";
	for (size_t i = 0; i < s->queue_listed && !rc; i++) {
		rc = setup_queue(s, s->queue_list[i]);
		if (!rc)
			json_object_array_add(names, json_object_new_string(s->queue_list[i]));
	}
	json_object_object_add(s->answer, "queues", names);
	if (rc)
		cli_note("This computer is enrolled. Make its queues later: stillprint setup QUEUE "
			 "--upstream stillprint");
	else if (!s->queue_listed)
		setup_say(s, "Now its queues: stillprint setup QUEUE --upstream stillprint");
	return rc;
}

int setup_server(struct setup *s)
{
	AUTO(enrolled_fini) struct enrolled e = {0};
	struct config_server server = {0};
	struct enrol_code code = {0};
	struct identity known;
	int rc = read_addresses(s, &server), have;

	if (rc)
		return rc;
	have = identity_load(paths_state(), &known);
	if (have < 0 && have != -EINVAL)
		return cli_fail(s->c, CLI_FAILED, "%s: %s. Nothing was changed.", paths_state(),
			strerror(-have));
	rc = enrol_read_code(s, &code);
	if (!rc)
		rc = enrol_find_server(s, &server, &code, &e);
	if (!rc)
		rc = ask_first(s, &e, have == 0 ? &known : NULL);
	if (!rc && !s->dry_run)
		rc = enrol_by_code(s, &code, have == 0 ? &known : NULL, &e);
	explicit_bzero(&code, sizeof(code));
	if (rc || s->dry_run)
		return rc;
	e.id.history = s->with_history;
	rc = write_all(s, &server, &e);
	if (rc)
		return rc;
	tell_identity(s, &e.id, e.address);
	setup_reload(s);
	return make_queues(s);
}

/* ---- renewing ---- */

static int load_known(struct setup *s, struct identity *known)
{
	int rc = identity_load(paths_state(), known);

	if (rc == IDENTITY_E_NONE)
		return cli_fail(s->c, CLI_FAILED,
			"This computer is not enrolled at a server: stillprint setup --server");
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"%s/identity cannot be used: %s. Enrol again with a new code.",
			paths_state(),
			rc == -EINVAL ? "a file is damaged, or open to others" : strerror(-rc));
	return 0;
}

int setup_renew(struct setup *s)
{
	AUTO(enrolled_fini) struct enrolled e = {0};
	struct identity known;
	int64_t now_s = mono_utc_s();
	char before[32];
	int rc = load_known(s, &known);

	if (rc)
		return rc;
	if (!s->config->server.count)
		return cli_fail(s->c, CLI_FAILED, "No [server] section names an address");
	tell_identity(s, &known, s->config->server.address[0]);
	if (known.expires_s <= now_s)
		return cli_fail(s->c, CLI_FAILED,
			"The certificate ended on %s, and the server renews no more of it. Ask for a code "
			"(\"stillprint-server enrol\" on the server), then: stillprint setup --server %s "
			"--code CODE. What waits is kept until then.",
			day_of(known.expires_s), s->config->server.address[0]);
	if (s->dry_run) {
		setup_say(s, "Nothing was renewed: the certificate is good until %s (--dry-run)",
			day_of(known.expires_s));
		return CLI_DONE;
	}
	snprintf(before, sizeof(before), "%s", day_of(known.expires_s));
	rc = enrol_by_certificate(s, &s->config->server, &known, &e);
	if (!rc)
		rc = write_identity(s, &e);
	if (rc)
		return rc;
	s->changed = true;
	tell_identity(s, &e.id, e.address);
	setup_say(s, "The certificate is renewed: it was good until %s, now until %s", before,
		day_of(e.id.expires_s));
	setup_reload(s);
	return CLI_DONE;
}

/* ---- leaving ---- */

/* What setup wrote can go; what somebody else wrote would make the configuration faulty. */
static int find_queues(struct setup *s, char (*names)[128], size_t *count)
{
	char path[PATH_MAX];

	for (size_t i = 0; i < s->config->queue_count; i++) {
		const struct config_queue *q = &s->config->queue[i];

		if (!q->stillprint)
			continue;
		if (section_path(path, sizeof(path), q->name) || access(path, F_OK) != 0)
			return cli_fail(s->c, CLI_FAILED,
				"Queue %s of this server is not in a file of setup's: change it there "
				"first. Nothing was changed.",
				q->name);
		snprintf(names[(*count)++], 128, "%s", q->name);
	}
	return 0;
}

static int leave(struct setup *s, char (*names)[128], size_t count)
{
	AUTO(file_change_fini) struct file_change change = {0};
	char path[PATH_MAX];
	int rc = 0;

	s->yes = true; /* it was asked once for all of it */
	s->remove = true;
	for (size_t i = 0; i < count && !rc; i++)
		rc = setup_queue(s, names[i]);
	if (rc)
		return rc;
	rc = drop_in_path(path, sizeof(path));
	if (!rc)
		rc = file_remove(&change, path);
	if (!rc)
		rc = identity_wipe(paths_state());
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "Not all of it is gone: %s. Run this again.",
			strerror(-rc));
	s->changed = true;
	setup_say(s, "The server is forgotten, and this computer's key and certificate are erased");
	setup_say(s, "On the server: stillprint-server device remove");
	setup_reload(s);
	return CLI_DONE;
}

int setup_leave(struct setup *s)
{
	char(*names)[128] = calloc(CONFIG_QUEUE_MAX, 128);
	AUTO(auto_free) void *memory = names;
	struct identity known;
	char question[200], path[PATH_MAX];
	size_t count = 0;
	int have = identity_load(paths_state(), &known), rc;

	if (!names)
		return cli_fail(s->c, CLI_FAILED, "out of memory");
	rc = drop_in_path(path, sizeof(path));
	if (!rc && have == IDENTITY_E_NONE && access(path, F_OK) != 0) {
		setup_say(s, "Nothing to leave: this computer is not enrolled at a server.");
		return CLI_DONE;
	}
	rc = find_queues(s, names, &count);
	if (rc)
		return rc;
	for (size_t i = 0; i < count; i++)
		setup_fact(s, "Queue", "%s goes too; its jobs that wait are kept", names[i]);
	if (s->dry_run) {
		setup_say(s, "Nothing was changed (--dry-run).");
		return CLI_DONE;
	}
	snprintf(question, sizeof(question), "Forget the server%s, and erase this computer's key?",
		count ? ", remove its queues" : "");
	if (!setup_ask(s, question, false) && !s->yes)
		return cli_fail(s->c, CLI_FAILED, "Nothing was changed.");
	return leave(s, names, count);
}

/* ---- a queue of it ---- */

int setup_probe_server(struct setup *s)
{
	struct config_queue q = {.stillprint = true};
	const char *name = strchr(s->after.upstream, ':');
	struct identity known;
	struct client_identity id;
	char words[400];
	int rc = load_known(s, &known);

	if (rc)
		return rc;
	if (!s->config->server.count)
		return cli_fail(s->c, CLI_FAILED,
			"No [server] section names an address: stillprint setup --server. Nothing was "
			"changed.");
	snprintf(q.server_queue, sizeof(q.server_queue), "%s", name ? name + 1 : s->queue_option);
	if (!uri_is_queue_name(q.server_queue))
		return cli_usage(s->c, "\"%s\" cannot be a queue's name", q.server_queue);
	id = (struct client_identity){
		known.ca_file, known.cert_file, known.key_file, known.server_uuid};
	for (size_t i = 0; i < s->config->server.count; i++) {
		rc = config_server_uri(&q, s->config->server.address[i]);
		if (!rc)
			rc = probe_server(q.upstream, &id, &s->upstream);
		if (rc || s->upstream.answered)
			break;
	}
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "%s could not be asked: %s. Nothing was changed.",
			q.upstream, strerror(-rc));
	probe_words(&s->upstream, words, sizeof(words));
	if (s->upstream.status == IPP_STATUS_ERROR_NOT_FOUND)
		return cli_fail(s->c, CLI_NO_SUCH,
			"The server has no queue %s. Nothing was changed.", q.server_queue);
	if (s->upstream.denied)
		return cli_fail(s->c, CLI_FAILED,
			"The server does not let this computer in: %s. Nothing was changed.",
			*s->upstream.detail ? s->upstream.detail
					    : "its certificate was revoked or replaced");
	if (!s->upstream.answered && !s->before.exists)
		return cli_fail(s->c, CLI_FAILED,
			"The server does not answer: %s. Nothing was changed.",
			*s->upstream.detail ? s->upstream.detail : words);
	if (!s->upstream.answered)
		setup_warn(s, "upstream %s: %s", q.upstream, words);
	else
		setup_fact(s, "Upstream", "%s: %s", q.upstream, words);
	return 0;
}
