/* SPDX-License-Identifier: Apache-2.0 */
/* cli - see cli.h. */
#include "cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "json.h"
#include "out.h"

enum { KEY_JSON = 1000, KEY_HELP, HELP_COLUMN = 26 };

static const struct cli_option common[] = {
	{"json", NULL, KEY_JSON, "answer as JSON (field names: docs/cli.md)"},
	{"help", NULL, KEY_HELP, "this text"},
	{NULL},
};

const char *cli_exit_name(enum cli_exit code)
{
	switch (code) {
	case CLI_DONE:
		return "done";
	case CLI_USAGE:
		return "usage";
	case CLI_NO_SUCH:
		return "no-such";
	case CLI_NO_DAEMON:
		return "no-daemon";
	case CLI_DENIED:
		return "not-permitted";
	case CLI_FAILED:
		break;
	}
	return "failed";
}

static void put_message(const char *lead, const char *fmt, va_list ap, char *shown, size_t size)
{
	AUTO(auto_free) char *text = NULL;

	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	text_display(shown, size, text);
	fflush(stdout); /* what was said before stands before */
	out_put(stderr, lead);
	out_put(stderr, shown);
	out_put(stderr, "\n");
}

int cli_fail(struct cli *c, enum cli_exit code, const char *fmt, ...)
{
	AUTO(json_putp) struct json_object *root = NULL;
	char shown[2048];
	va_list ap;

	va_start(ap, fmt);
	put_message("stillprint: ", fmt, ap, shown, sizeof(shown));
	va_end(ap);
	if (c->json && !c->told) {
		struct json_object *error = json_object_new_object();

		json_set_text(error, "name", cli_exit_name(code));
		json_set_number(error, "exit", code);
		json_set_text(error, "message", shown);
		root = json_object_new_object();
		json_object_object_add(root, "error", error);
		json_write(stdout, root);
		c->told = true;
	}
	return code;
}

int cli_usage(struct cli *c, const char *fmt, ...)
{
	char shown[1024];
	AUTO(auto_free) char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	text_display(shown, sizeof(shown), text);
	return cli_fail(c, CLI_USAGE, "%s (\"stillprint%s%s --help\" tells more)", shown,
		c->verb ? " " : "", c->verb ? c->verb->name : "");
}

void cli_note(const char *fmt, ...)
{
	char shown[1024];
	va_list ap;

	va_start(ap, fmt);
	put_message("stillprint: note: ", fmt, ap, shown, sizeof(shown));
	va_end(ap);
}

void cli_answer(struct cli *c, struct json_object *answer)
{
	if (c->json && !c->told) {
		json_write(stdout, answer);
		c->told = true;
	}
}

const char *cli_target(const char *uri)
{
	static const char usual[] = "/ipp/print";
	char text[1024];
	const char *p = uri;
	size_t n;

	if (!strncmp(p, "ipp://", 6))
		p += 6;
	else if (!strncmp(p, "ipps://", 7))
		p += 7;
	snprintf(text, sizeof(text), "%s", p);
	n = strlen(text);
	if (n > strlen(usual) && !strcmp(text + n - strlen(usual), usual))
		text[n - strlen(usual)] = '\0';
	return out_safe(text);
}

/* Levenshtein's distance, for words of up to 31 letters. */
static unsigned distance(const char *a, const char *b)
{
	unsigned row[32];
	size_t m = strlen(a), n = strlen(b);

	if (m > 31 || n > 31)
		return 99;
	for (size_t j = 0; j <= n; j++)
		row[j] = (unsigned)j;
	for (size_t i = 1; i <= m; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (size_t j = 1; j <= n; j++) {
			unsigned best = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (row[j - 1] + 1 < best)
				best = row[j - 1] + 1;
			row[j] = best;
		}
	}
	return row[n];
}

const char *cli_nearest(const char *word, const char *const known[])
{
	const char *nearest = NULL;
	unsigned least = strlen(word) < 4 ? 2 : 3;

	for (size_t i = 0; known[i]; i++) {
		unsigned d = distance(word, known[i]);

		if (d > 0 && strlen(word) >= 3 && !strncmp(word, known[i], strlen(word)))
			d = 1; /* a beginning of the word */
		if (d < least) {
			least = d;
			nearest = known[i];
		}
	}
	return nearest;
}

bool cli_parse_job(const char *text, int32_t *out)
{
	const char *digits = text + (*text == '#');
	char *end;
	long long n;

	if (*digits < '0' || *digits > '9')
		return false;
	errno = 0;
	n = strtoll(digits, &end, 10);
	if (errno || *end || n < 1 || n > INT32_MAX)
		return false;
	*out = (int32_t)n;
	return true;
}

/* ---- help ---- */

static void help_options(const struct cli_option *options)
{
	for (const struct cli_option *o = options; o && o->name; o++) {
		char left[80];

		snprintf(left, sizeof(left), "  %s%c%s--%s%s%s", o->key < 256 ? "-" : " ",
			o->key < 256 ? o->key : ' ', o->key < 256 ? ", " : "  ", o->name,
			o->arg ? " " : "", o->arg ? o->arg : "");
		if (strlen(left) > HELP_COLUMN - 2)
			out_say("%s\n%*s%s\n", left, HELP_COLUMN, "", o->help);
		else
			out_say("%-*s%s\n", HELP_COLUMN, left, o->help);
	}
}

void cli_help(const struct cli_verb *v)
{
	out_say("usage: stillprint %s%s%s%s\n\n%c%s.\n\n", v->name, v->options ? " [options]" : "",
		*v->args ? " " : "", v->args, v->brief[0] & ~0x20, v->brief + 1);
	help_options(v->options);
	help_options(common);
	if (v->more)
		out_say("\n%s", v->more);
}

/* ---- options ---- */

static int add_options(struct option *out, int count, const struct cli_option *from, char *letters)
{
	for (; from && from->name && count < CLI_OPTION_MAX; from++) {
		out[count++] = (struct option){
			from->name, from->arg ? required_argument : no_argument, NULL, from->key};
		if (from->key < 256) {
			size_t n = strlen(letters);

			letters[n] = (char)from->key;
			letters[n + 1] = from->arg ? ':' : '\0';
			letters[n + 2] = '\0';
		}
	}
	return count;
}

static int bad_option(struct cli *c, char **argv, const struct option *known, int count)
{
	const char *names[CLI_OPTION_MAX + 1] = {NULL}, *word = argv[optind - 1], *nearest;
	char name[32];

	for (int i = 0; i < count; i++) {
		names[i] = known[i].name;
		if (optopt && known[i].val == optopt)
			return cli_usage(c,
				known[i].has_arg ? "--%s needs a value" : "--%s takes no value",
				known[i].name);
	}
	if (optopt)
		return cli_usage(c, "There is no option -%c", optopt);
	snprintf(name, sizeof(name), "%.*s", (int)strcspn(word + strspn(word, "-"), "="),
		word + strspn(word, "-"));
	nearest = cli_nearest(name, names);
	return nearest ? cli_usage(c, "There is no option --%s; did you mean --%s?", name, nearest)
		       : cli_usage(c, "There is no option --%s", name);
}

int cli_next_option(struct cli *c, int argc, char **argv)
{
	struct option options[CLI_OPTION_MAX + 1] = {0};
	char letters[2 * CLI_OPTION_MAX + 2] = ":";
	int count = add_options(options, 0, common, letters), key;

	count = add_options(options, count, c->verb->options, letters);
	opterr = 0;
	for (;;) {
		key = getopt_long(argc, argv, letters, options, NULL);
		if (key == KEY_JSON) {
			c->json = true;
			continue;
		}
		if (key == KEY_HELP) {
			cli_help(c->verb);
			c->stopped = true;
			return CLI_KEY_STOP;
		}
		if (key == '?' || key == ':') {
			c->status = bad_option(c, argv, options, count);
			c->stopped = true;
			return CLI_KEY_STOP;
		}
		return key == -1 ? CLI_KEY_END : key;
	}
}

int cli_only_common(struct cli *c, int argc, char **argv)
{
	int key;

	do {
		key = cli_next_option(c, argc, argv);
	} while (key != CLI_KEY_END && key != CLI_KEY_STOP);
	return key == CLI_KEY_STOP ? CLI_KEY_STOP : 0;
}
