/* SPDX-License-Identifier: Apache-2.0 */
/* setup-plan - asks the upstream and the fallbacks, and decides what the queue's section shall say. Changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "core/uri.h"
#include "out.h"
#include "setup.h"

static int refuse_uri(struct setup *s, const char *text, int why)
{
	if (why == URI_E_CREDENTIALS)
		return cli_fail(s->c, CLI_USAGE,
			"A user or password in a URI ends in logs: give --user and "
			"--password-file instead. Nothing was changed.");
	if (why == URI_E_SCHEME)
		return cli_fail(s->c, CLI_FAILED,
			"%s: only ipp://, ipps:// and, as a fallback, cups:QUEUE are "
			"supported. Nothing was changed.",
			text);
	return cli_fail(s->c, CLI_USAGE,
		"%s is no URI that can be used: write ipp://HOST/PATH or ipps://HOST/PATH. "
		"Nothing was changed.",
		text);
}

/* ---- the upstream's URI ---- */

/* What an adopted queue's device URI names. CUPS' own options after "?" are for its backend, not for us. */
static int upstream_from_device(struct setup *s, char *out, size_t size)
{
	struct uri u;
	int rc;

	if (adopted_is_there(s->queue_option) && queue_is_ours(&s->queue)) {
		snprintf(out, size, "%s", s->before.upstream);
		if (*out)
			return 0;
		if (adopted_uri(s->queue_option, out, size) < 0)
			return cli_fail(s->c, CLI_FAILED, "What queue %s was before cannot be read",
				s->queue_option);
	} else {
		if (adopted_has_login(s) && !s->user_option)
			return cli_fail(s->c, CLI_FAILED,
				"Queue %s has a user and password in its URI: give them with "
				"--user and --password-file. Nothing was changed.",
				s->queue_option);
		if (snprintf(out, size, "%s", s->queue.device_uri) >= (int)size)
			out[0] = '\0'; /* no URI then: refused below */
	}
	out[strcspn(out, "?")] = '\0';
	rc = uri_parse(out, &u);
	if (rc || u.kind == URI_CUPS)
		return cli_fail(s->c, CLI_FAILED,
			"Queue %s prints to %s, which is neither ipp nor ipps: that is not "
			"supported, and nothing was changed. If the server speaks IPP, name it with --upstream.",
			s->queue_option, s->queue.device_uri);
	return 0;
}

static int plan_uri(struct setup *s)
{
	char text[CONFIG_URI_MAX];
	struct uri u;
	int rc;

	if (s->upstream_option) {
		snprintf(text, sizeof(text), "%s", s->upstream_option);
	} else if (s->adopt) {
		rc = upstream_from_device(s, text, sizeof(text));
		if (rc)
			return rc;
	} else if (s->before.exists && *s->before.upstream) {
		snprintf(text, sizeof(text), "%s", s->before.upstream);
	} else {
		return cli_usage(s->c, "Queue %s is new: give its --upstream", s->queue_option);
	}
	if (setup_is_server_queue(text)) {
		snprintf(s->after.upstream, sizeof(s->after.upstream), "%s", text);
		return 0;
	}
	rc = uri_parse(text, &u);
	if (rc)
		return refuse_uri(s, text, rc);
	if (u.kind == URI_CUPS)
		return refuse_uri(s, text, URI_E_SCHEME);
	if (uri_format(s->after.upstream, sizeof(s->after.upstream), &u) != 0)
		return refuse_uri(s, text, URI_E_SYNTAX);
	return 0;
}

/* ---- the login ---- */

static int ask_password(struct setup *s)
{
	struct termios before, quiet;
	char *got;

	if (s->yes || !isatty(STDIN_FILENO) || tcgetattr(STDIN_FILENO, &before) < 0)
		return cli_usage(s->c, "--user needs --password-file");
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	fflush(stdout);
	fprintf(stderr, "Password at the server (it is not shown): ");
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
	got = fgets(s->password, sizeof(s->password), stdin);
	tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
	fputc('\n', stderr);
	if (got)
		s->password[strcspn(s->password, "\r\n")] = '\0';
	return got && s->password[0]
		       ? 0
		       : cli_fail(s->c, CLI_FAILED, "No password, nothing was changed");
}

static int plan_login(struct setup *s)
{
	const struct config_queue *q = config_queue(s->config, s->queue_option);
	int rc;

	if (s->user_option)
		snprintf(s->after.user, sizeof(s->after.user), "%s", s->user_option);
	if (!*s->after.user)
		return 0;
	if (setup_is_server_queue(s->after.upstream) && s->user_option)
		return cli_fail(s->c, CLI_USAGE,
			"The server of our own knows this computer by its certificate: it wants no --user. "
			"Nothing was changed.");
	if (setup_is_server_queue(s->after.upstream)) { /* of the upstream before */
		*s->after.user = '\0';
		return 0;
	}
	if (strncmp(s->after.upstream, "ipps:", 5) != 0)
		return cli_fail(s->c, CLI_FAILED,
			"A password is only sent encrypted, and %s is not: use ipps://. "
			"Nothing was changed.",
			s->after.upstream);
	if (s->password_file) {
		rc = section_read_password(s->password_file, s->password, sizeof(s->password));
		if (rc)
			return cli_fail(s->c, CLI_FAILED, "No password in the first line of %s: %s",
				s->password_file, strerror(-rc));
		s->new_password = true;
		return 0;
	}
	if (!s->user_option && q) { /* as it was */
		snprintf(s->password, sizeof(s->password), "%s", q->upstream_password);
		return 0;
	}
	s->new_password = true;
	return ask_password(s);
}

/* ---- what the upstream says ---- */

static int refuse_login(struct setup *s, const struct probe *p)
{
	const char *uri = s->after.upstream;

	if (p->wants_login && *p->scheme && strcmp(p->scheme, "Basic") != 0)
		return cli_fail(s->c, CLI_FAILED,
			"%s wants a login of the kind %s, which is not supported yet; only "
			"user and password (Basic) over ipps are. Nothing was changed.",
			uri, p->scheme);
	if (p->login_refused)
		return cli_fail(s->c, CLI_FAILED,
			"%s does not take this user and password. Nothing was changed.", uri);
	if (p->wants_login)
		return cli_fail(s->c, CLI_FAILED,
			"%s wants a login: give --user and --password-file%s. Nothing was "
			"changed.",
			uri, p->encrypted ? "" : ", and ipps:// as its URI");
	if (p->denied)
		return cli_fail(s->c, CLI_FAILED,
			"%s does not let this computer print. Ask its administrator. Nothing "
			"was changed.",
			uri);
	return 0;
}

/* An upstream that does not answer is refused, unless it is the one that was there before. */
static int judge_silence(struct setup *s, const char *words)
{
	if (s->before.exists && !strcmp(s->before.upstream, s->after.upstream)) {
		setup_warn(s, "upstream %s: %s", s->after.upstream, words);
		return 0;
	}
	if (s->upstream.fault == CLIENT_TLS)
		return cli_fail(s->c, CLI_FAILED,
			"%s: %s. If the server wants a client certificate: that is not "
			"supported yet. Nothing was changed.",
			s->after.upstream, words);
	return cli_fail(s->c, CLI_FAILED, "Upstream %s: %s. Nothing was changed.",
		s->after.upstream, words);
}

static void tell_upstream(struct setup *s, const struct probe *p, const char *words)
{
	struct json_object *row = json_object_new_object();

	json_set_text(row, "uri", p->uri);
	json_set_flag(row, "reachable", p->answered);
	json_set_flag(row, "encrypted", p->encrypted);
	json_set_flag(row, "pdf", p->info.pdf);
	json_set_text(row, "name", p->info.name);
	json_set_text(row, "pin", p->pin);
	json_set_text(row, "verdict", words);
	json_object_object_add(s->answer, "upstream", row);
	if (!p->answered)
		return;
	setup_fact(s, "Upstream", "%s: %s", s->after.upstream, words);
	if (*p->pin)
		setup_fact(s, "", "its certificate %s", p->pin);
}

static int judge_upstream(struct setup *s)
{
	struct probe *p = &s->upstream;
	const char *password = s->password[0] ? s->password : NULL, *pin = NULL;
	char words[400];
	int rc;

	if (setup_is_server_queue(s->after.upstream)) {
		*s->after.pin = '\0';
		return setup_probe_server(s);
	}
	/* Only the server that setup met before gets the password that it got before. */
	if (!s->new_certificate && !strcmp(s->before.upstream, s->after.upstream))
		pin = s->before.pin;
	rc = probe_uri(s->after.upstream, s->after.user, password, pin, p);
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "%s could not be asked: %s. Nothing was changed.",
			s->after.upstream, strerror(-rc));
	probe_words(p, words, sizeof(words));
	if (p->info.stillprint)
		return cli_fail(s->c, CLI_FAILED,
			"%s is a Stillprint queue itself: jobs would go round in circles. "
			"Nothing was changed.",
			s->after.upstream);
	if (p->other_pin)
		return cli_fail(s->c, CLI_FAILED,
			"%s shows another certificate, %s, than at the last setup, %s. No password was sent, "
			"and nothing was changed. If its administrator says that this is right: "
			"--new-certificate.",
			s->after.upstream, p->pin, s->before.pin);
	rc = refuse_login(s, p);
	if (rc)
		return rc;
	tell_upstream(s, p, words);
	if (!p->answered)
		return judge_silence(s, words);
	if (!p->info.pdf)
		return cli_fail(s->c, CLI_FAILED,
			"%s does not print PDF, which an upstream must. Nothing was changed.",
			s->after.upstream);
	if (!p->info.accepting)
		setup_warn(s, "upstream %s takes no jobs now", s->after.upstream);
	if (!p->encrypted)
		setup_warn(s, "jobs go to the upstream unencrypted");
	if (*p->pin)
		snprintf(s->after.pin, sizeof(s->after.pin), "%s", p->pin);
	return 0;
}

/* ---- how jobs are released there ---- */

static void plan_release(struct setup *s)
{
	bool held = s->upstream.info.holds;

	/* Ours holds every job until its user comes, unless the administrator says otherwise. */
	if (setup_is_server_queue(s->after.upstream) && !s->release && !*s->after.release)
		snprintf(s->after.release, sizeof(s->after.release), "held");
	if (s->release) {
		snprintf(s->after.release, sizeof(s->after.release), "%s", s->release);
		return;
	}
	if (*s->after.release)
		return;
	if (held && !s->yes && !s->dry_run)
		held = setup_ask(s,
			"The server holds jobs until their user comes. Shall a job only go to a fallback "
			"when its user says to be there?",
			true);
	snprintf(s->after.release, sizeof(s->after.release), "%s", held ? "held" : "direct");
}

int setup_plan(struct setup *s)
{
	int rc;

	if (s->queue_exists && !queue_is_ours(&s->queue) && !s->adopt)
		return cli_fail(s->c, CLI_FAILED,
			"There is a queue %s already; it prints to %s. Take it over with "
			"\"stillprint setup --adopt %s\", or choose another name. Nothing was changed.",
			s->queue_option, s->queue.device_uri, s->queue_option);
	if (s->adopt && !s->queue_exists)
		return cli_fail(
			s->c, CLI_NO_SUCH, "There is no queue %s to take over", s->queue_option);
	if (s->adopt && (s->queue.is_class || s->queue.temporary))
		return cli_fail(s->c, CLI_FAILED,
			"%s is a %s, which cannot be taken over. Nothing was changed.",
			s->queue_option,
			s->queue.is_class ? "class of printers" : "temporary queue");
	if (s->adopt && queue_is_ours(&s->queue) && !adopted_is_there(s->queue_option))
		return cli_fail(s->c, CLI_FAILED,
			"%s is a Stillprint queue already, and was never another. Without "
			"--adopt, setup changes it.",
			s->queue_option);
	s->after = s->before;
	snprintf(s->after.queue, sizeof(s->after.queue), "%s", s->queue_option);
	rc = plan_uri(s);
	if (!rc)
		rc = plan_login(s);
	if (!rc)
		rc = judge_upstream(s);
	if (rc)
		return rc;
	plan_release(s);
	if (s->on_outage)
		snprintf(s->after.on_outage, sizeof(s->after.on_outage), "%s", s->on_outage);
	s->after.accept_raw |= s->accept_raw;
	return setup_plan_fallbacks(s);
}
