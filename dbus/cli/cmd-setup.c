/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-setup - `stillprint setup`: options and the order of things; the work is in setup-*.c. */
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/paths.h"
#include "base/text.h"
#include "core/uri.h"
#include "out.h"
#include "setup.h"

enum {
	KEY_UPSTREAM = 256,
	KEY_FALLBACK,
	KEY_ON_OUTAGE,
	KEY_RELEASE,
	KEY_USER,
	KEY_PASSWORD,
	KEY_RAW,
	KEY_DEFAULT,
	KEY_DRY_RUN,
	KEY_SAME_PRINTER,
	KEY_ADOPT,
	KEY_UNDO,
	KEY_REMOVE,
	KEY_INFO,
	KEY_CERTIFICATE,
	KEY_SERVER,
	KEY_CODE,
	KEY_HISTORY,
	KEY_RENEW,
	KEY_LEAVE
};

const struct cli_option setup_options[] = {
	{"queue", "QUEUE", 'q', "its name; otherwise from the upstream's path"},
	{"upstream", "URI", KEY_UPSTREAM, "the server's queue, or the printer"},
	{"fallback", "URI", KEY_FALLBACK, "used when the upstream is away; again for more"},
	{"on-outage", "WHAT", KEY_ON_OUTAGE, "fallback, ask, hold or never"},
	{"release", "HOW", KEY_RELEASE, "direct, or held: the server keeps jobs for their user"},
	{"same-printer", NULL, KEY_SAME_PRINTER, "the server's device is the first fallback"},
	{"user", "NAME", KEY_USER, "login at the upstream (only over ipps)"},
	{"password-file", "FILE", KEY_PASSWORD,
		"its first line is the password; - is standard input"},
	{"new-certificate", NULL, KEY_CERTIFICATE, "the upstream has a new certificate"},
	{"accept-raw", NULL, KEY_RAW, "take files that no filter has looked at"},
	{"info", "TEXT", KEY_INFO, "description that users see"},
	{"default", NULL, KEY_DEFAULT, "make it the default printer"},
	{"adopt", NULL, KEY_ADOPT, "take over this existing queue; its URI is the upstream"},
	{"undo", NULL, KEY_UNDO, "with --adopt: give it back as it was"},
	{"remove", NULL, KEY_REMOVE, "remove the queue and its settings"},
	{"server", "ADDRESS", KEY_SERVER, "enrol at this server of our own; again for more"},
	{"code", "CODE", KEY_CODE, "what its administrator gave; - is standard input"},
	{"with-history", NULL, KEY_HISTORY, "send that server what was printed before, too"},
	{"renew", NULL, KEY_RENEW, "get a new certificate there, now"},
	{"leave", NULL, KEY_LEAVE, "forget that server, its queues and our key"},
	{"dry-run", NULL, KEY_DRY_RUN, "ask and tell, change nothing"},
	{"yes", NULL, 'y', "do not ask; what is not said is preset"},
	{NULL},
};

/* ---- talking ---- */

enum { LABEL_COLUMNS = 11 };

static void tell(
	struct setup *s, struct json_object *list, const char *label, const char *fmt, va_list ap)
{
	AUTO(auto_free) char *text = NULL;
	char shown[1024];

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	text_display(shown, sizeof(shown), text);
	if (list)
		json_object_array_add(list, json_object_new_string(shown));
	if (!s->c->json)
		out_wrap_label(label, list == s->steps ? 0 : LABEL_COLUMNS, shown);
}

void setup_say(struct setup *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(s, s->steps, "", fmt, ap);
	va_end(ap);
}

void setup_fact(struct setup *s, const char *label, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(s, NULL, label, fmt, ap);
	va_end(ap);
}

void setup_warn(struct setup *s, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	tell(s, s->warnings, "warning", fmt, ap);
	va_end(ap);
}

bool setup_ask(struct setup *s, const char *question, bool otherwise)
{
	char line[64];

	if (s->yes)
		return otherwise;
	for (;;) {
		fflush(stdout);
		out_put(stderr, out_safe(question));
		fputs(otherwise ? " [Y/n] " : " [y/N] ", stderr);
		if (!fgets(line, sizeof(line), stdin))
			return false;
		if (*line == '\n')
			return otherwise;
		if (strchr("yYjJ", *line))
			return true;
		if (strchr("nN", *line))
			return false;
	}
}

/* ---- options ---- */

static int one_of(struct cli *c, const char *option, const char *value, const char *const words[])
{
	const char *nearest;

	for (size_t i = 0; words[i]; i++)
		if (!strcmp(words[i], value))
			return 0;
	nearest = cli_nearest(value, words);
	return nearest ? cli_usage(c, "--%s %s: did you mean %s?", option, value, nearest)
		       : cli_usage(c, "--%s does not know \"%s\"", option, value);
}

static int take_word(struct cli *c, struct setup *s, int key)
{
	static const char *const outages[] = {"fallback", "ask", "hold", "never", NULL};
	static const char *const releases[] = {"direct", "held", NULL};

	if (key == KEY_ON_OUTAGE)
		s->on_outage = optarg;
	else
		s->release = optarg;
	return key == KEY_ON_OUTAGE ? one_of(c, "on-outage", optarg, outages)
				    : one_of(c, "release", optarg, releases);
}

static int take_fallback(struct cli *c, struct setup *s)
{
	if (s->fallback_options == CONFIG_FALLBACK_MAX)
		return cli_usage(c, "There can be %d fallbacks at most", CONFIG_FALLBACK_MAX);
	s->fallback_option[s->fallback_options++] = optarg;
	return 0;
}

static int take_server(struct cli *c, struct setup *s)
{
	if (s->server_options == CONFIG_ADDRESS_MAX)
		return cli_usage(c, "A server can have %d addresses at most", CONFIG_ADDRESS_MAX);
	s->server_option[s->server_options++] = optarg;
	return 0;
}

static int take_queue(struct cli *c, struct setup *s, const char *name)
{
	if (s->queue_listed == SETUP_QUEUES_MAX)
		return cli_usage(c, "%d queues at once at most", SETUP_QUEUES_MAX);
	s->queue_list[s->queue_listed++] = name;
	s->queue_option = name;
	return 0;
}

static void take_value(struct setup *s, int key)
{
	const char **texts[] = {[KEY_UPSTREAM - 256] = &s->upstream_option,
		[KEY_USER - 256] = &s->user_option,
		[KEY_PASSWORD - 256] = &s->password_file,
		[KEY_INFO - 256] = &s->info,
		[KEY_CODE - 256] = &s->code_option};
	bool *flags[] = {[KEY_CERTIFICATE - 256] = &s->new_certificate,
		[KEY_RAW - 256] = &s->accept_raw,
		[KEY_DEFAULT - 256] = &s->make_default,
		[KEY_DRY_RUN - 256] = &s->dry_run,
		[KEY_SAME_PRINTER - 256] = &s->same_printer,
		[KEY_ADOPT - 256] = &s->adopt,
		[KEY_UNDO - 256] = &s->undo,
		[KEY_REMOVE - 256] = &s->remove,
		[KEY_HISTORY - 256] = &s->with_history,
		[KEY_RENEW - 256] = &s->renew,
		[KEY_LEAVE - 256] = &s->leave};
	size_t i = (size_t)key - 256;

	if (key == 'y')
		s->yes = true;
	else if (i < sizeof(texts) / sizeof(texts[0]) && texts[i])
		*texts[i] = optarg;
	else if (i < sizeof(flags) / sizeof(flags[0]) && flags[i])
		*flags[i] = true;
}

/* Of the server of our own. */
static int server_fits(struct cli *c, struct setup *s)
{
	if (s->renew + s->leave + (s->server_options > 0) > 1)
		return cli_usage(c, "One of --server, --renew and --leave");
	if (s->adopt || s->undo || s->remove || s->upstream_option || s->user_option)
		return cli_usage(c,
			"--server, --renew and --leave take no --upstream, --user, --adopt or --remove");
	if (!s->server_options && s->queue_listed)
		return cli_usage(c, "--%s takes no queue", s->renew ? "renew" : "leave");
	if (s->server_options && !s->code_option)
		return cli_usage(c,
			"--server goes with --code, which \"stillprint-server enrol\" shows on the server");
	for (size_t i = 0; i < s->queue_listed; i++)
		if (!uri_is_queue_name(s->queue_list[i]))
			return cli_usage(c, "\"%s\" cannot be a queue's name", s->queue_list[i]);
	return 0;
}

static int fits_together(struct cli *c, struct setup *s)
{
	if (s->with_history && !s->server_options)
		return cli_usage(c, "--with-history goes with --server");
	if (s->server_options || s->renew || s->leave)
		return server_fits(c, s);
	if (s->code_option)
		return cli_usage(c, "--code goes with --server");
	if (s->queue_listed > 1)
		return cli_usage(c, "setup takes one queue");
	if (s->undo && !s->adopt)
		return cli_usage(c, "--undo goes with --adopt");
	if ((s->undo || s->remove) && (s->upstream_option || s->fallback_options || s->user_option))
		return cli_usage(
			c, "--%s takes only the queue's name", s->undo ? "undo" : "remove");
	if (s->remove && s->adopt)
		return cli_usage(c, "--remove or --adopt, not both");
	if (s->password_file && !s->user_option)
		return cli_usage(c, "--password-file goes with --user");
	if (s->queue_option && !uri_is_queue_name(s->queue_option))
		return cli_usage(c, "\"%s\" cannot be a queue's name", s->queue_option);
	if (!s->queue_option && (s->adopt || s->remove))
		return cli_usage(c, "Which queue?");
	if (!s->queue_option && !s->upstream_option)
		return cli_usage(c, "setup takes a queue's name, and --upstream for a new one");
	if (s->on_outage && !strcmp(s->on_outage, "fallback") && !s->fallback_options &&
		!s->queue_option)
		cli_note(
			"--on-outage fallback without --fallback uses printers that the users know");
	return 0;
}

static int parse(struct cli *c, int argc, char **argv, struct setup *s)
{
	int key, rc = 0;

	while (!rc && (key = cli_next_option(c, argc, argv)) >= 0) {
		if (key == KEY_ON_OUTAGE || key == KEY_RELEASE)
			rc = take_word(c, s, key);
		else if (key == KEY_FALLBACK)
			rc = take_fallback(c, s);
		else if (key == KEY_SERVER)
			rc = take_server(c, s);
		else if (key == 'q')
			rc = take_queue(c, s, optarg);
		else
			take_value(s, key);
	}
	if (rc || c->stopped)
		return rc ? rc : c->status;
	for (; !rc && optind < argc; optind++)
		rc = take_queue(c, s, argv[optind]);
	return rc ? rc : fits_together(c, s);
}

/* The last part of the path that names something; the host's first part for a printer's /ipp/print. */
static void name_from_upstream(const char *upstream, char *out, size_t size)
{
	struct uri u;
	const char *from;
	size_t n = 0;

	out[0] = '\0';
	if (setup_is_server_queue(upstream)) {
		snprintf(out, size, "%s", strchr(upstream, ':') ? strchr(upstream, ':') + 1 : "");
		return;
	}
	if (uri_parse(upstream, &u) != 0)
		return;
	from = strrchr(u.path, '/') ? strrchr(u.path, '/') + 1 : u.path;
	if (!*from || !strcmp(u.path, "/ipp/print") || !strcmp(u.path, "/ipp"))
		from = u.host;
	for (; *from && n + 1 < size && n < 60; from++) {
		bool good =
			strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-",
				*from) != NULL;

		if (from > u.host && *from == '.' && from < u.host + sizeof(u.host))
			break; /* a host's first part is enough */
		out[n++] = good ? *from : '-';
	}
	out[n] = '\0';
}

/* ---- the order of things ---- */

static void keep_complaint(void *arg, const char *message)
{
	char *why = arg;

	if (!*why)
		snprintf(why, 512, "%s", message);
}

static int open_config(struct setup *s)
{
	char why[512] = "";
	int rc;

	if (geteuid() != 0 && access(paths_conf(), W_OK) != 0)
		return cli_fail(
			s->c, CLI_DENIED, "setup changes the system's printers: run it as root");
	config_free(STEAL(s->config));
	rc = config_load(paths_conf(), keep_complaint, why, &s->config);
	if (rc)
		return cli_fail(s->c, CLI_FAILED,
			"The configuration cannot be read, and nothing was changed. Mend first: %s",
			*why ? why : strerror(-rc));
	return 0;
}

static int open_cups(struct setup *s)
{
	const char *fallback = "/run/cups/cups.sock";

	if (!s->http)
		s->http = queue_open(s->config ? s->config->cups_socket : fallback);
	if (!s->http)
		return cli_fail(s->c, CLI_FAILED,
			"CUPS does not answer at %s, and nothing was changed: %s. Start it "
			"with \"systemctl start cups\".",
			cupsServer(), queue_why());
	return 0;
}

static int look(struct setup *s)
{
	char why[512];
	int rc;

	if (!s->queue_option) {
		name_from_upstream(s->upstream_option, s->name, sizeof(s->name));
		if (!uri_is_queue_name(s->name))
			return cli_usage(s->c, "No name can be made from %s: give the queue's name",
				s->upstream_option);
		s->queue_option = s->name;
	}
	rc = section_read(s->queue_option, &s->before, why, sizeof(why));
	if (rc)
		return cli_fail(
			s->c, CLI_FAILED, "Nothing was changed: %s", *why ? why : strerror(-rc));
	rc = queue_get(s->http, s->queue_option, &s->queue);
	if (rc < 0)
		return cli_fail(s->c, CLI_FAILED,
			"CUPS does not tell about queue %s, and nothing was changed: %s",
			s->queue_option, queue_why());
	s->queue_exists = rc == 0;
	s->is_default = s->queue_exists && cupsGetDefault2(s->http) &&
			!strcmp(cupsGetDefault2(s->http), s->queue_option);
	json_set_text(s->answer, "queue", s->queue_option);
	return 0;
}

int setup_queue(struct setup *s, const char *name)
{
	int rc = open_config(s);

	s->queue_option = name;
	if (!rc)
		rc = open_cups(s);
	if (!rc)
		rc = look(s);
	if (rc)
		return rc;
	if (s->remove)
		return setup_remove(s);
	if (s->undo)
		return setup_adopt_undo(s);
	rc = setup_plan(s);
	return rc ? rc : setup_apply(s);
}

static int work(struct setup *s)
{
	int rc = open_config(s);

	if (rc)
		return rc;
	if (!s->yes && !s->dry_run && !isatty(STDIN_FILENO))
		return cli_usage(
			s->c, "Nobody can be asked here: give --yes, or --dry-run to look first");
	if (s->renew)
		return setup_renew(s);
	if (s->leave)
		return setup_leave(s);
	return s->server_options ? setup_server(s) : setup_queue(s, s->queue_option);
}

int cli_setup(struct cli *c, int argc, char **argv)
{
	struct setup *s = calloc(1, sizeof(*s));
	int rc;

	if (!s)
		return cli_fail(c, CLI_FAILED, "out of memory");
	s->c = c;
	s->answer = json_object_new_object();
	s->steps = json_object_new_array();
	s->warnings = json_object_new_array();
	s->fallbacks = json_object_new_array();
	rc = parse(c, argc, argv, s);
	if (!rc && !c->stopped) {
		rc = work(s);
		json_set_flag(s->answer, "changed", s->changed);
		json_object_object_add(s->answer, "fallbacks", json_object_get(s->fallbacks));
		json_object_object_add(s->answer, "steps", json_object_get(s->steps));
		json_object_object_add(s->answer, "warnings", json_object_get(s->warnings));
		if (!rc)
			cli_answer(c, s->answer);
	}
	json_object_put(s->answer);
	json_object_put(s->steps);
	json_object_put(s->warnings);
	json_object_put(s->fallbacks);
	queue_closep(&s->http);
	config_free(s->config);
	explicit_bzero(s, sizeof(*s));
	free(s);
	return rc;
}
