/* SPDX-License-Identifier: Apache-2.0 */
/* main - stillprint-server: the table of subcommands. `serve` is the service, the others are admin-*.c. */
#include <errno.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "admin.h"
#include "outside.h"

static const struct admin_verb verbs[] = {
	{"serve", "[--check] [--debug]", "Runs the server.",
		"--check reads the configuration, says what is wrong with it, and ends.\n",
		admin_serve},
	{"setup", "[--names NAME,...]",
		"Makes the state folder, the database and the CA; a second run changes nothing.",
		"--names writes the server's host names and addresses into the configuration.\n",
		admin_setup},
	{"user",
		"add|remove|show|password|disable|enable|lock|unlock|export|erase NAME | list | expire NAME WHEN|never |"
		" alias NAME add|remove ALIAS | pin NAME | card NAME add|list|remove ID | import FILE",
		"People who may log in.",
		"Passwords, PINs and cards are read from the terminal, or from the first line of stdin.\n"
		"add: --full-name TEXT, --no-password makes a user who has no password.\n"
		"pin: --generate makes one and shows it once, --digits N; --remove ID|all. card add: --label TEXT.\n"
		"list: --group NAME, --csv (with --secrets: hashes too); import reads that, --dry-run tries it.\n"
		"export writes all that is known of a person as JSON; erase --yes takes the person out of it.\n",
		admin_user},
	{"group", "add|remove|show NAME | list | join|leave NAME USER", "Groups of users.", NULL,
		admin_group},
	{"delegate", "list [USER] | add OWNER DELEGATE [--until WHEN] | remove OWNER DELEGATE",
		"Who may see and release all held jobs of somebody else.",
		"DELEGATE is a user, or :GROUP for whoever is in a group.\n", admin_delegate},
	{"device",
		"add NAME URI [--certificate FILE|--no-probe] | list | remove NAME | revoke NAME",
		"Printers, and the machines that are enrolled.",
		"add asks the device for its certificate and records its key. remove and revoke take machines\n"
		"too, by name or UUID; a revoked machine is refused at its next request.\n",
		admin_device},
	{"queue", "add NAME [KEY VALUE] | set NAME [KEY VALUE] | list | remove NAME", "Queues.",
		"--device NAME (the default)  --only NAME (again for each device that it offers)  --all-devices\n"
		"--fallback URI,... (in order; \"\" for none)  --on-outage fallback|ask|hold|never\n"
		"--release held|direct  --charge owner|releaser  --info TEXT  --accepting yes|no\n"
		"--require-verified yes|no (only jobs of users whose computer has seen them log in)\n",
		admin_queue},
	{"enrol", "[--name NAME] [--expires 1h] [--kind workstation|terminal]",
		"Prints a code that enrols one machine.", NULL, admin_enrol},
	{"sync",
		"list | add MACHINE WHO [LIMITS] | set RULE LIMITS | remove RULE | status | now [MACHINE]",
		"Who may log in at which machines while this server is away: PINs and cards sent ahead.",
		"MACHINE: a name or UUID, or all, workstations, terminals.\n"
		"WHO: --user NAME, --group NAME or --everybody.\n"
		"LIMITS: --interval 15m (how often machines come), --valid 72h, --max 100 (accounts a machine).\n",
		admin_sync},
	{"ca", "list | new | activate [--force] | retire [--force] | discard",
		"One CA follows another, without anybody being enrolled again.",
		"new makes the next one and announces it to the machines, in the signed policy.\n"
		"activate has it sign from now on; machines that know the former one alone still find their way.\n"
		"retire ends the former one. Both wait for all machines: list tells, --force does not wait.\n"
		"discard takes back an announced one.\n",
		admin_ca},
	{"ledger",
		"list | sum [--by all|user|owner|queue|printer|machine] | verify | export [--format csv|json] [--since WHEN] [--until WHEN]",
		"What was printed.",
		"user is who pays, owner is who printed (queue set --charge).\n", admin_ledger},
	{"trace", "JOB", "Everything that happened to a job, by its number or UUID.", NULL,
		admin_trace},
	{"audit", "[--user NAME] [--event NAME] [--since WHEN] [--until WHEN] [--limit N]",
		"What was done, by whom; the newest last.",
		"--event takes the beginning of a name: login, user-, job-.\n", admin_audit_list},
	{"check", "", "Finds what is wrong with this installation.", NULL, admin_check},
	{"maintenance",
		"start [--at WHEN | --in SPAN] [--message TEXT] [--until WHEN] | stop | status",
		"Takes no new jobs; those under way end. Machines are told.", NULL,
		admin_maintenance},
	{"backup", "FILE", "Copies database and keys into one file while the server runs.",
		"The file opens everything this server knows: keep it as you keep a key.\n",
		admin_backup},
	{"restore", "FILE", "Puts a backup in place; the server must not run.",
		"Machines that were revoked since stay revoked.\n", admin_restore},
	{NULL},
};

static void help_all(FILE *to)
{
	fputs("usage: stillprint-server SUBCOMMAND [options]\n\n"
	      "The server of Stillprint: knows who printed what, and never holds a document.\n\n",
		to);
	for (const struct admin_verb *v = verbs; v->name; v++)
		fprintf(to, "  %-12s %s\n", v->name, v->brief);
	fputs("\n\"stillprint-server SUBCOMMAND --help\" tells more. Every one takes --json and --config FILE.\n"
	      "Exit status: 0 done, 1 refused or failed, 2 wrong usage, 3 no such thing, 5 not permitted;\n"
	      "serve: sysexits(3), 78 for a faulty configuration, 65 for a newer database.\n",
		to);
}

/* A key in a core file would outlive us. */
static void keep_secrets(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
}

static int run(struct admin *a, int argc, char **argv)
{
	for (const struct admin_verb *v = verbs; v->name; v++)
		if (!strcmp(v->name, argv[0])) {
			a->verb = v;
			return v->run(a, argc, argv);
		}
	a->verb = &verbs[0];
	return admin_fail(a, ADMIN_USAGE, "there is no subcommand %s; --help lists them", argv[0]);
}

int main(int argc, char **argv)
{
	struct admin a = {0};
	int at = 1, rc;

	if (argc == 2 && !strcmp(argv[1], "pam-helper")) { /* started by ourselves: outside.h */
		keep_secrets();
		return outside_helper();
	}
	for (; at < argc && argv[at][0] == '-'; at++) {
		if (!strcmp(argv[at], "--json")) {
			a.json = true;
		} else if (!strcmp(argv[at], "--help") || !strcmp(argv[at], "-h")) {
			help_all(stdout);
			return 0;
		} else if (!strcmp(argv[at], "--version")) {
			puts("stillprint-server " STILLPRINT_VERSION);
			return 0;
		} else if (!strcmp(argv[at], "--config") && at + 1 < argc) {
			a.config_path = argv[++at];
		} else {
			break;
		}
	}
	if (at == argc || argv[at][0] == '-') {
		help_all(stderr);
		return ADMIN_USAGE;
	}
	if (sodium_init() < 0)
		return ADMIN_FAILED;
	keep_secrets();
	signal(SIGPIPE, SIG_IGN);
	rc = run(&a, argc - at, argv + at);
	admin_close(&a);
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "stillprint-server: the answer could not be written: %s\n",
			strerror(errno));
		return rc ? rc : ADMIN_FAILED;
	}
	return rc;
}
