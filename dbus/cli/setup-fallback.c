/* SPDX-License-Identifier: Apache-2.0 */
/* setup-fallback - which printers stand in: those named, and the very device behind the server. Changes nothing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "core/uri.h"
#include "setup.h"

struct candidate {
	char uri[CONFIG_URI_MAX];
	char words[400];
	bool good, encrypted, pdf;
};

static int refuse_loop(struct setup *s, const char *uri)
{
	return cli_fail(s->c, CLI_FAILED,
		"Fallback %s leads back to a Stillprint queue: jobs would go round in "
		"circles. Nothing was changed.",
		uri);
}

static int look_cups(struct setup *s, const char *name, struct candidate *c)
{
	struct queue_state q;
	int rc = queue_get(s->http, name, &q);

	if (rc == QUEUE_E_NONE)
		return cli_fail(s->c, CLI_NO_SUCH,
			"There is no queue %s on this computer, which --fallback %s names. "
			"Nothing was changed.",
			name, c->uri);
	if (!strcmp(name, s->queue_option) || (!rc && queue_leads_back(s->http, name)))
		return refuse_loop(s, c->uri);
	c->good = !rc && q.accepting && q.state != IPP_PSTATE_STOPPED;
	c->pdf = true; /* this computer's CUPS makes of PDF what the printer wants */
	snprintf(c->words, sizeof(c->words), "%s",
		rc                              ? "CUPS does not tell about it"
		: !q.accepting                  ? "takes no jobs now"
		: q.state == IPP_PSTATE_STOPPED ? "stopped"
						: "there, printed by CUPS");
	return 0;
}

static int look_printer(struct setup *s, struct candidate *c)
{
	struct probe p;
	int rc;

	if (!strcmp(c->uri, s->after.upstream))
		return cli_fail(s->c, CLI_USAGE,
			"%s is the upstream: it cannot stand in for itself. Nothing was changed.",
			c->uri);
	rc = probe_uri(c->uri, NULL, NULL, NULL, &p);
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "%s could not be asked: %s. Nothing was changed.",
			c->uri, strerror(-rc));
	probe_words(&p, c->words, sizeof(c->words));
	if (p.info.stillprint)
		return refuse_loop(s, c->uri);
	c->encrypted = p.encrypted;
	c->pdf = p.info.pdf;
	c->good = p.answered && p.info.pdf && !p.wants_login && !p.denied;
	return 0;
}

/* "10.1.2.3" or a host name: ipps first, then ipp, whichever answers. */
static int try_address(struct setup *s, const char *address, struct candidate *c)
{
	static const char *const schemes[] = {"ipps", "ipp"};

	for (int i = 0; i < 2; i++) {
		char text[CONFIG_URI_MAX];
		struct uri u;
		int rc;

		snprintf(text, sizeof(text), "%s://%s/ipp/print", schemes[i], address);
		if (uri_parse(text, &u) != 0 || uri_format(c->uri, sizeof(c->uri), &u) != 0)
			return cli_usage(
				s->c, "--fallback \"%s\" is neither a URI nor a host", address);
		rc = look_printer(s, c);
		if (rc || c->good)
			return rc;
	}
	return cli_fail(s->c, CLI_FAILED,
		"No printer answers at %s by ipps or ipp: %s. Nothing was changed. To name it "
		"all the same, give its whole URI.",
		address, c->words);
}

static int look_at(struct setup *s, const char *text, struct candidate *c)
{
	struct uri u;
	int rc = uri_parse(text, &u);

	memset(c, 0, sizeof(*c));
	if (rc && !strchr(text, '/') && strncmp(text, "cups:", 5) != 0)
		return try_address(s, text, c);
	if (rc == URI_E_CREDENTIALS)
		return cli_fail(s->c, CLI_USAGE,
			"A fallback cannot have a user and password. Nothing was changed.");
	if (rc || uri_format(c->uri, sizeof(c->uri), &u) != 0)
		return cli_fail(s->c, CLI_USAGE,
			"--fallback %s: write ipp://HOST/PATH, ipps://HOST/PATH or cups:QUEUE. "
			"Nothing was changed.",
			text);
	return u.kind == URI_CUPS ? look_cups(s, u.path, c) : look_printer(s, c);
}

static bool has(const struct section *section, const char *uri)
{
	for (size_t i = 0; i < section->fallback_count; i++)
		if (!strcmp(section->fallback[i], uri))
			return true;
	return false;
}

static void add(struct setup *s, const struct candidate *c)
{
	struct json_object *row = json_object_new_object();
	char label[24];

	if (has(&s->after, c->uri) || s->after.fallback_count == CONFIG_FALLBACK_MAX) {
		json_object_put(row);
		return;
	}
	strcpy(s->after.fallback[s->after.fallback_count++], c->uri);
	json_set_text(row, "uri", c->uri);
	json_set_flag(row, "ok", c->good);
	json_set_flag(row, "encrypted", c->encrypted);
	json_set_flag(row, "pdf", c->pdf);
	json_set_text(row, "verdict", c->words);
	json_object_array_add(s->fallbacks, row);
	snprintf(label, sizeof(label), "Fallback %zu", s->after.fallback_count);
	setup_fact(s, label, "%s: %s", c->uri, c->words);
	if (!c->good)
		setup_warn(s, "fallback %s cannot print now", c->uri);
}

/* The device behind the server's queue, where the server tells it and this computer reaches it. */
static bool same_device(struct setup *s, struct candidate *c)
{
	const char *device = s->upstream.info.device_uri;
	struct probe p;
	struct uri u;

	memset(c, 0, sizeof(*c));
	if (!*device || uri_parse(device, &u) != 0 || u.kind == URI_CUPS ||
		uri_format(c->uri, sizeof(c->uri), &u) != 0 || !strcmp(c->uri, s->after.upstream))
		return false;
	if (!strcmp(u.host, "localhost") || !strncmp(u.host, "127.", 4) || !strcmp(u.host, "::1"))
		if (!strstr(s->after.upstream, "//localhost") &&
			!strstr(s->after.upstream, "//127."))
			return false; /* the server's own localhost is not ours */
	if (probe_uri(c->uri, NULL, NULL, NULL, &p) != 0)
		return false;
	probe_words(&p, c->words, sizeof(c->words));
	c->encrypted = p.encrypted;
	c->pdf = p.info.pdf;
	c->good = p.answered && p.info.pdf && !p.info.stillprint && !p.wants_login && !p.denied;
	return c->good;
}

static void offer_same_device(struct setup *s)
{
	struct candidate c;
	char question[1200];

	if (!same_device(s, &c)) {
		if (s->same_printer)
			setup_warn(s,
				"the server does not tell of a device behind it that prints PDF and answers here");
		return;
	}
	if (has(&s->before, c.uri) || s->same_printer) {
		add(s, &c);
		return;
	}
	if (s->yes || s->dry_run) {
		setup_fact(s, "Hint",
			"the server prints on %s (%s); --same-printer makes it the first fallback",
			c.uri, c.words);
		return;
	}
	snprintf(question, sizeof(question),
		"The server prints on %s (%s). Use this printer itself when the server is away?",
		c.uri, c.words);
	if (setup_ask(s, question, true))
		add(s, &c);
}

int setup_plan_fallbacks(struct setup *s)
{
	struct candidate c;
	int rc = 0;

	s->after.fallback_count = 0;
	offer_same_device(s);
	for (size_t i = 0; i < s->fallback_options && !rc; i++) {
		rc = look_at(s, s->fallback_option[i], &c);
		if (!rc)
			add(s, &c);
	}
	/* Without --fallback those named before stay. */
	for (size_t i = 0; i < s->before.fallback_count && !s->fallback_options && !rc; i++) {
		if (has(&s->after, s->before.fallback[i]))
			continue;
		rc = look_at(s, s->before.fallback[i], &c);
		if (!rc)
			add(s, &c);
	}
	return rc;
}
