/* SPDX-License-Identifier: Apache-2.0 */
/* stillprintd - keeps print jobs safe on this workstation and brings them to the server, or elsewhere. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <systemd/sd-daemon.h>
#include <systemd/sd-event.h>

#include "base/log.h"
#include "base/paths.h"
#include "bus.h"
#include "engine.h"

static void complain(void *arg, const char *message)
{
	(void)arg;
	fprintf(stderr, "stillprintd: %s\n", message);
}

static int usage(FILE *to, int code)
{
	fputs("usage: stillprintd [--check] [--debug]\n"
	      "Keeps print jobs safe on this workstation and brings them to the print server, or elsewhere.\n"
	      "\n"
	      "  --check    read the configuration, say what is wrong with it, and end\n"
	      "  --debug    log more\n"
	      "  --help     this text\n"
	      "  --version  the version\n"
	      "\n"
	      "Paths can be set by STILLPRINT_CONF, STILLPRINT_STATE, STILLPRINT_SPOOL and STILLPRINT_RUN.\n"
	      "See stillprintd(8) and stillprint.conf(5).\n",
		to);
	return code;
}

static int check_only(void)
{
	struct config *c = NULL;
	int rc = config_load(paths_conf(), complain, NULL, &c);

	if (rc == -EINVAL)
		return EX_CONFIG;
	if (rc) {
		fprintf(stderr, "stillprintd: %s: %s\n", paths_conf(), strerror(-rc));
		return EX_CONFIG;
	}
	printf("%s: %zu queues, no faults\n", paths_conf(), c->queue_count);
	config_free(c);
	return 0;
}

static int ended(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
	(void)arg;
	log_event(LOG_LVL_INFO, "event=ending signal=%u", si->ssi_signo);
	sd_notify(0, "STOPPING=1");
	return sd_event_exit(sd_event_source_get_event(source), 0);
}

static void reloaded(void *arg, enum engine_err err, const char *message, const struct rows *rows)
{
	(void)arg;
	(void)err;
	(void)message;
	(void)rows;
	sd_notify(0, "READY=1");
}

static int reload(sd_event_source *source, const struct signalfd_siginfo *si, void *arg)
{
	(void)source;
	(void)si;
	sd_notify(0, "RELOADING=1");
	engine_reload(arg, reloaded, NULL);
	return 0;
}

static int exit_code(int rc)
{
	switch (rc) {
	case 0:
		return 0;
	case -EWOULDBLOCK:
		fputs("stillprintd: another one is running on this state folder; see the line above\n",
			stderr);
		return EX_TEMPFAIL; /* 75 */
	case -EINVAL:
		return EX_CONFIG; /* 78; every fault was told */
	case STORE_E_NEWER:
		fputs("stillprintd: the store was made by a newer Stillprint; it was left untouched. Install that version "
		      "again, or restore the backup beside it (store.db.vN.bak)\n",
			stderr);
		return EX_DATAERR; /* 65 */
	default:
		fprintf(stderr, "stillprintd: cannot start: %s (state %s, spool %s)\n",
			strerror(rc < 0 ? -rc : rc), paths_state(), paths_spool());
		return EX_OSERR; /* 71 */
	}
}

static int run(void)
{
	sd_event *loop = NULL;
	struct engine *e = NULL;
	struct bus *bus = NULL;
	int rc = sd_event_default(&loop);

	if (rc >= 0)
		rc = engine_new(loop, complain, NULL, &e);
	if (!rc) {
		sd_event_add_signal(loop, NULL, SIGTERM, ended, NULL);
		sd_event_add_signal(loop, NULL, SIGINT, ended, NULL);
		sd_event_add_signal(loop, NULL, SIGHUP, reload, e);
		rc = bus_new(loop, e, &bus);
	}
	if (!rc)
		rc = engine_start(e);
	if (!rc) {
		sd_notify(0, "READY=1");
		rc = sd_event_loop(loop);
	}
	bus_free(bus);
	engine_free(e);
	sd_event_unref(loop);
	return exit_code(rc);
}

/* A key in a core file would outlive the document that it opens. */
static void keep_secrets(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	umask(077);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"check", no_argument, NULL, 'c'},
		{"debug", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	sigset_t blocked;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			return check_only();
		case 'd':
			log_set_level(LOG_LVL_DEBUG);
			break;
		case 'h':
			return usage(stdout, 0);
		case 'V':
			puts("stillprintd " STILLPRINT_VERSION);
			return 0;
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	if (optind < argc)
		return usage(stderr, EX_USAGE);
	if (sodium_init() < 0)
		return exit_code(-EIO);
	keep_secrets();
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigaddset(&blocked, SIGHUP);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	return run();
}
