/* SPDX-License-Identifier: Apache-2.0 */
/* serve - `stillprint-server serve`: ties the rooms to lib/ipp/serve.h, and keeps the server's certificate fresh. */
#include "ipp/serve.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>

#include "accounts.h"
#include "admin.h"
#include "base/log.h"
#include "base/mono.h"
#include "ca.h"
#include "credentials.h"
#include "logins.h"
#include "machines.h"
#include "printers-private.h"
#include "printers.h"

enum { CERTIFICATE_EVERY_MS = 3600000, CA_EVERY_MS = 1000 };

/* What the signal handlers see. */
static struct serve *volatile running;
static volatile sig_atomic_t ending, again;

static void on_end(int signum)
{
	(void)signum;
	ending = 1;
	if (running)
		serve_stop(running);
}

static void on_reload(int signum)
{
	(void)signum;
	again = 1;
	if (running)
		serve_stop(running);
}

static int begin(void *arg)
{
	return db_begin(arg);
}

static int commit(void *arg)
{
	return db_commit(arg);
}

static void after(void *arg, bool committed)
{
	printers_after(arg, committed);
	events_after(arg, committed);
}

/* The server's certificate as it ought to be: 1 if it had to be made anew, 0, -errno. */
static int certificate(struct app *app, char **chain, char **key)
{
	const char *names[SERVER_NAMES_MAX];
	bool renewed = false;
	int rc;

	for (size_t i = 0; i < app->config->name_count; i++)
		names[i] = app->config->names[i];
	rc = ca_server(app->ca, names, app->config->name_count, app->uuid, mono_utc_s(), chain, key,
		&renewed);
	return rc ? rc : renewed;
}

static void wipe(char **text)
{
	if (*text)
		explicit_bzero(*text, strlen(*text));
	free(STEAL(*text));
}

static void look_at_certificate(struct app *app)
{
	static int64_t looked_ms;
	AUTO(wipe) char *chain = NULL;
	AUTO(wipe) char *key = NULL;

	if (looked_ms && mono_ms() - looked_ms < CERTIFICATE_EVERY_MS)
		return;
	looked_ms = mono_ms();
	if (certificate(app, &chain, &key) == 1) {
		log_event(LOG_LVL_INFO, "event=certificate-renewed");
		on_reload(0);
	}
}

/* A subcommand took a step from one CA to another: `ca new`, `activate`, `retire`. */
static void look_at_ca(struct app *app)
{
	static int64_t looked_ms;

	if (mono_ms() - looked_ms < CA_EVERY_MS)
		return;
	looked_ms = mono_ms();
	if (ca_has_changed(app->ca))
		on_reload(0);
}

static void tick(void *arg)
{
	struct app *app = arg;

	jobs_tick(app);
	events_tick(app);
	printers_tick(app);
	credentials_tick(app);
	look_at_certificate(app);
	look_at_ca(app);
}

static const struct serve_operation *const operations[] = {jobs_operations, holders_operations,
	events_operations, printers_operations, devices_operations, machines_operations,
	ledger_operations, logins_operations, NULL};
static const struct serve_page *const pages[] = {resources_pages, credentials_pages, NULL};
static const struct serve_page *const web[] = {web_pages, NULL};

/* From listening to the end of it, once. */
static int serve_once(struct app *app, struct accounts_verifier *verifier)
{
	AUTO(wipe) char *chain = NULL;
	AUTO(wipe) char *key = NULL;
	struct serve_config c = {
		.address = app->config->address,
		.port = app->config->port,
		.web = app->config->web,
		.web_port = app->config->web_port,
		.ca_pem = ca_trust_pem(app->ca),
		.operations = operations,
		.pages = pages,
		.web_pages = web,
		.connections_max = (unsigned)app->config->connections_max,
		.app = app,
		.begin = begin,
		.commit = commit,
		.after = after,
		.tick = tick,
		.verify = accounts_verify,
		.verify_arg = verifier,
	};
	int rc = certificate(app, &chain, &key);

	if (rc < 0)
		return rc;
	accounts_verifier_use(verifier, app->config);
	c.cert_pem = chain;
	c.key_pem = key;
	rc = serve_new(&c, &app->serve);
	if (rc)
		return rc;
	app->data_version = 0;
	log_event(LOG_LVL_INFO, "event=ready version=%s port=%u web=%u incarnation=%d",
		STILLPRINT_VERSION, (unsigned)serve_port(app->serve),
		app->config->web ? (unsigned)serve_web_port(app->serve) : 0, (int)app->incarnation);
	sd_notify(0, "READY=1");
	rc = logins_new(app, &app->logins);
	running = app->serve;
	if (!rc)
		rc = ending || again ? 0 : serve_run(app->serve);
	running = NULL;
	logins_free(STEAL(app->logins));
	events_free(app);
	serve_free(STEAL(app->serve));
	return rc;
}

static void complain(void *arg, const char *message)
{
	(void)arg;
	fprintf(stderr, "stillprint-server: %s\n", message);
}

/* A faulty configuration is refused as a whole; the state folder stays what it was. */
static void reload(struct admin *a)
{
	struct server_config *fresh = NULL;

	if (server_config_load(a->config_path, complain, NULL, &fresh) ||
		strcmp(fresh->state, a->config->state) != 0) {
		log_event(LOG_LVL_WARNING, "event=reload-refused");
		server_config_free(fresh);
		return;
	}
	server_config_free(a->config);
	a->config = fresh;
	a->app.config = fresh;
}

/* Another one if a step was taken; a folder that cannot be read leaves what there is. */
static void reopen_ca(struct app *app)
{
	struct ca *fresh = NULL;
	int rc;

	if (!ca_has_changed(app->ca))
		return;
	rc = ca_open(app->config->state, &fresh);
	if (rc) {
		log_event(LOG_LVL_ERROR, "event=ca-not-read error=%d", rc);
		return;
	}
	ca_free(app->ca);
	app->ca = fresh;
	log_event(LOG_LVL_INFO, "event=ca-changed");
}

static int exit_code(struct admin *a, int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -EADDRINUSE:
		fprintf(stderr, "stillprint-server: port %u or %u is in use: name another in %s\n",
			a->config->port, a->config->web_port, a->config_path);
		return EX_UNAVAILABLE; /* 69 */
	case -EWOULDBLOCK:
		fputs("stillprint-server: another one is running on this state folder\n", stderr);
		return EX_TEMPFAIL; /* 75 */
	case SQL_E_NEWER:
		fputs("stillprint-server: the database was made by a newer Stillprint; it was left untouched\n",
			stderr);
		return EX_DATAERR; /* 65 */
	case -EUCLEAN:
		fprintf(stderr,
			"stillprint-server: a file in %s is damaged; restore a backup (stillprint-server restore)\n",
			a->config->state);
		return EX_DATAERR;
	default:
		fprintf(stderr, "stillprint-server: cannot serve: %s (state %s)\n",
			strerror(rc < 0 ? -rc : rc), a->config->state);
		return EX_OSERR; /* 71 */
	}
}

static int serve_all(struct admin *a)
{
	AUTO(accounts_verifier_freep) struct accounts_verifier *verifier = NULL;
	AUTO(auto_close) int lock = admin_lock(a->config->state);
	struct app *app = &a->app;
	int rc = lock < 0 ? lock : ca_open(a->config->state, &app->ca);

	if (!rc) {
		a->open = true;
		rc = db_open(app, a->config);
	}
	if (!rc)
		rc = machines_apply_revoked(&app->sql, a->config->state);
	if (!rc)
		rc = accounts_verifier_new(a->config->state, &verifier);
	while (!rc && !ending) {
		if (again) {
			reload(a);
			reopen_ca(app);
		}
		again = 0;
		rc = serve_once(app, verifier);
		if (!rc && !again)
			break;
	}
	sd_notify(0, "STOPPING=1");
	ca_free(STEAL(app->ca));
	return rc;
}

int admin_serve(struct admin *a, int argc, char **argv)
{
	bool check = false, debug = false;
	const struct admin_option options[] = {
		{"check", NULL, &check}, {"debug", NULL, &debug}, {NULL}};
	const char *operands[ADMIN_OPERANDS_MAX];
	struct sigaction end = {.sa_handler = on_end}, hup = {.sa_handler = on_reload};
	int status = 0, n = admin_parse(a, argc, argv, options, operands, &status);

	if (n < 0)
		return status ? EX_USAGE : 0;
	if (n > 0)
		return admin_fail(a, EX_USAGE, "serve takes no words");
	if (admin_config(a))
		return EX_CONFIG;
	if (check) {
		printf("%s: no faults\n", a->config_path);
		return 0;
	}
	if (debug)
		log_set_level(LOG_LVL_DEBUG);
	umask(077);
	if (admin_become_owner(a))
		return EX_NOPERM;
	sigaction(SIGTERM, &end, NULL);
	sigaction(SIGINT, &end, NULL);
	sigaction(SIGHUP, &hup, NULL);
	return exit_code(a, serve_all(a));
}
