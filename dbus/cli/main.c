/* SPDX-License-Identifier: Apache-2.0 */
/* main - `stillprint`: the table of verbs. What they share is in cli.c, the verbs are in cmd-*.c. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "bus-client.h"
#include "cli.h"
#include "out.h"

const struct cli_verb cli_verbs[] = {
	{"status", "", "the daemon, the queues, and how their servers are", NULL, NULL, cli_status},
	{"whoami", "", "as whom you print, and whether that is verified", NULL, NULL, cli_whoami},
	{"jobs", "", "your jobs that are not over, and why they wait", NULL, jobs_options,
		cli_jobs},
	{"why", "JOB", "where a job is, why, and what you can do", NULL, NULL, cli_why},
	{"release", "JOB", "print a job that waits", NULL, release_options, cli_release},
	{"delegate", "JOB USER... | JOB --none", "let others release a job at the server",
		"USER is a name at the server. Who is named sees the title; at most eight, and\n"
		"they replace those named before.\n",
		delegate_options, cli_delegate},
	{"cancel", "JOB...", "give jobs up and erase them", NULL, NULL, cli_cancel},
	{"print-again", "JOB", "print once more what may have printed", NULL, print_again_options,
		cli_print_again},
	{"fallback", "add ADDRESS | remove ADDRESS | list", "printers to use when a server is away",
		"ADDRESS is an address, a host name, ipp:// or ipps:// with a path, or cups:QUEUE\n"
		"for a queue of this computer.\n",
		fallback_options, cli_fallback},
	{"outage", "start | stop", "announce that a server will be away (root)",
		"TIME is 17:30, 2h, 90min, 2026-11-23 or 2026-11-23T17:30, in local time.\n",
		outage_options, cli_outage},
	{"usage", "", "what was printed, from this computer's own records", NULL, usage_options,
		cli_usage_verb},
	{"check", "", "is everything well? what is wrong, and what to do", NULL, check_options,
		cli_check},
	{"setup", "[QUEUE]", "make, change or remove a Stillprint queue (root)",
		"Without --yes it asks before it changes anything; a second run changes nothing.\n"
		"URI is ipp://HOST/PATH, ipps://HOST/PATH, or for a fallback cups:QUEUE.\n"
		"A queue of the server of our own has the upstream stillprint or stillprint:NAME.\n",
		setup_options, cli_setup},
	{"trust", "URI", "accept the certificate a printer shows next (root)", NULL, NULL,
		cli_trust},
	{NULL},
};

const struct cli_verb *cli_find_verb(const char *name)
{
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		if (!strcmp(v->name, name))
			return v;
	return NULL;
}

static void help_all(void)
{
	out_say("usage: stillprint VERB [options] [arguments]\n\nPrinting that goes on when the print server does "
		"not.\n\n");
	for (const struct cli_verb *v = cli_verbs; v->name; v++)
		out_say("  %-12s %s\n", v->name, v->brief);
	out_say("\n\"stillprint VERB --help\" tells more, \"stillprint --version\" the version.\n"
		"Every verb takes --json.\nExit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no such job, queue or\nprinter, 4 the "
		"daemon does not answer, 5 not permitted.\n");
}

static int unknown_verb(struct cli *c, const char *word)
{
	const char *names[32] = {NULL}, *nearest;
	size_t n = 0;

	for (const struct cli_verb *v = cli_verbs; v->name && n < 31; v++)
		names[n++] = v->name;
	nearest = cli_nearest(word, names);
	return nearest ? cli_usage(
				 c, "There is no verb \"%s\"; did you mean \"%s\"?", word, nearest)
		       : cli_usage(c, "There is no verb \"%s\"", word);
}

/* Words before the verb. Return: where the verb is, or 0 when all is said, with the exit code in c->status. */
static int before_verb(struct cli *c, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--json")) {
			c->json = true;
		} else if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h") ||
			   (!strcmp(argv[i], "help") && i + 1 == argc)) {
			help_all();
			return 0;
		} else if (!strcmp(argv[i], "--version")) {
			out_say("stillprint %s\n", STILLPRINT_VERSION);
			return 0;
		} else if (!strcmp(argv[i], "help") && cli_find_verb(argv[i + 1])) {
			cli_help(cli_find_verb(argv[i + 1]));
			return 0;
		} else if (argv[i][0] == '-') {
			c->status = cli_usage(c, "There is no option %s before a verb", argv[i]);
			return 0;
		} else {
			return i;
		}
	}
	c->status = cli_usage(c, "What shall be done? \"stillprint status\" is a good beginning");
	return 0;
}

int main(int argc, char **argv)
{
	struct cli c = {0};
	int at, rc;

	out_init();
	at = before_verb(&c, argc, argv);
	if (at == 0)
		return c.status;
	c.verb = cli_find_verb(argv[at]);
	if (!c.verb)
		return unknown_verb(&c, argv[at]);
	rc = c.verb->run(&c, argc - at, argv + at);
	bus_close(&c);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "stillprint: the answer could not be written: %s\n",
			strerror(errno));
		return rc ? rc : CLI_FAILED;
	}
	return rc;
}
