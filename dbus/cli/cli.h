/* SPDX-License-Identifier: Apache-2.0 */
/* cli - what every verb of `stillprint` shares: exit codes, options from one table, messages that cannot hurt. */
#pragma once

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

/* They stay: scripts rely on them (docs/cli.md). */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1, /* refused or failed; the message says what to do */
	CLI_USAGE = 2,
	CLI_NO_SUCH = 3, /* job, queue or printer */
	CLI_NO_DAEMON = 4,
	CLI_DENIED = 5,
};

/* One line of a verb's options; the list ends with name NULL. Help, parser and completion read the same. */
struct cli_option {
	const char *name; /* without the dashes */
	const char *arg; /* what it takes, for the help; NULL: nothing */
	int key; /* what cli_next_option() returns: 256 and up, or a letter, which is its short form */
	const char *help;
};
enum { CLI_OPTION_MAX = 24, CLI_KEY_END = -1, CLI_KEY_STOP = -2 };

struct cli;
struct cli_verb {
	const char *name, *args, *brief;
	const char *more; /* further lines of the help, or NULL */
	const struct cli_option *options;
	int (*run)(struct cli *c, int argc, char **argv); /* argv[0] is the verb's name */
};

struct cli {
	const struct cli_verb *verb;
	bool json;
	bool told; /* the JSON answer, or its error, has been written */
	bool stopped; /* cli_next_option() has given CLI_KEY_STOP */
	int status; /* then: what run() returns */
	struct bus_client *bus;
};

extern const struct cli_verb cli_verbs[];
const struct cli_verb *cli_find_verb(const char *name); /* NULL if there is none */

void cli_help(const struct cli_verb *v);

/** cli_next_option() - the next option of the verb, as getopt_long() with operands anywhere; value in optarg
 * Return: its key, CLI_KEY_END (operands from argv[optind]), or CLI_KEY_STOP: return c->status. */
int cli_next_option(struct cli *c, int argc, char **argv);
/* Options that only the common ones are looked for in; 0, or CLI_KEY_STOP as above. */
int cli_only_common(struct cli *c, int argc, char **argv);

/** cli_fail() - say on stderr what is wrong, and with --json an error object on stdout
 * @fmt: may contain text from outside: all of it passes text_display(). Return: @code. */
__attribute__((format(printf, 3, 4))) int cli_fail(
	struct cli *c, enum cli_exit code, const char *fmt, ...);
/* Wrong usage: the message, and where the help is. Return: CLI_USAGE. */
__attribute__((format(printf, 2, 3))) int cli_usage(struct cli *c, const char *fmt, ...);
/* A remark beside the result, on stderr. */
__attribute__((format(printf, 1, 2))) void cli_note(const char *fmt, ...);
const char *cli_exit_name(enum cli_exit code); /* "failed", "no-such", … of the error object */

/* With --json: writes @answer, or the first cli_fail() did already. Takes nothing over. */
void cli_answer(struct cli *c, struct json_object *answer);
/* A printer's URI for people: "10.1.2.3", "print.example.org/printers/Office", "cups:Label". Static, as out_safe(). */
const char *cli_target(const char *uri);

/* The word of @known (NULL-ended) nearest to @word, or NULL if none is near. */
const char *cli_nearest(const char *word, const char *const known[]);
/* A job's number, 1 and up; false if @text is none. A leading '#' is taken. */
bool cli_parse_job(const char *text, int32_t *out);

int cli_status(struct cli *c, int argc, char **argv);
int cli_whoami(struct cli *c, int argc, char **argv);
int cli_jobs(struct cli *c, int argc, char **argv);
int cli_why(struct cli *c, int argc, char **argv);
int cli_release(struct cli *c, int argc, char **argv);
int cli_delegate(struct cli *c, int argc, char **argv);
int cli_cancel(struct cli *c, int argc, char **argv);
int cli_print_again(struct cli *c, int argc, char **argv);
int cli_fallback(struct cli *c, int argc, char **argv);
int cli_outage(struct cli *c, int argc, char **argv);
int cli_usage_verb(struct cli *c, int argc, char **argv);
int cli_check(struct cli *c, int argc, char **argv);
int cli_setup(struct cli *c, int argc, char **argv);
int cli_trust(struct cli *c, int argc, char **argv);

extern const struct cli_option delegate_options[], jobs_options[], release_options[],
	print_again_options[], fallback_options[], outage_options[], usage_options[],
	check_options[], setup_options[];
