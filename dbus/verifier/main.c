/* SPDX-License-Identifier: Apache-2.0 */
/* stillprint-verifier - checks passwords, PINs and cards for logins, and is the one process that sees them. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "auth/file.h"
#include "base/log.h"
#include "base/paths.h"
#include "verifier.h"

enum { HASH_LIMIT_MS = 150 };

static void complain(void *arg, const char *message)
{
	(void)arg;
	fprintf(stderr, "stillprint-verifier: %s\n", message);
}

static int usage(FILE *to, int code)
{
	fputs("usage: stillprint-verifier [--check | --new-key] [--debug]\n"
	      "Checks passwords, PINs and cards for logins: with the server, or from the offline cache.\n"
	      "\n"
	      "  --check    read login.conf, say what is wrong with it and how secrets are kept, and end\n"
	      "  --new-key  print a fresh machine key, for systemd-creds\n"
	      "  --debug    log more\n"
	      "  --help     this text\n"
	      "  --version  the version\n"
	      "\n"
	      "Paths can be set by STILLPRINT_CONF, STILLPRINT_STATE and STILLPRINT_RUN.\n"
	      "See stillprint-verifier(8) and login.conf(5).\n",
		to);
	return code;
}

/* login.conf lies beside stillprint.conf. */
static int settings_path(char *out, size_t size)
{
	const char *conf = paths_conf(), *slash = strrchr(conf, '/');
	int n = snprintf(out, size, "%.*s/login.conf", (int)(slash - conf), conf);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static int load_settings(struct settings **out)
{
	char path[PATH_MAX];
	int rc = settings_path(path, sizeof(path));

	return rc ? rc : settings_load(path, complain, out);
}

/* systemd gives credentials to the service alone: who runs --check by hand can see only whether there is a file. */
static const char *key_said(void)
{
	const char *credentials = getenv("CREDENTIALS_DIRECTORY");
	char path[PATH_MAX];

	if (credentials && *credentials)
		return keys_told(KEYS_FROM_CREDENTIALS);
	if (paths_join(path, sizeof(path), paths_state(), "auth/key") || !access(path, F_OK))
		return keys_told(KEYS_FROM_FILE);
	return errno == ENOENT ? "no file: systemd credentials, or a file made at the first start"
			       : "not to be seen by this user: run it as root";
}

static int check_only(void)
{
	AUTO(settings_freep) struct settings *s = NULL;
	char path[PATH_MAX];
	double took = 0;
	int cost;

	settings_path(path, sizeof(path));
	if (load_settings(&s))
		return EX_CONFIG;
	printf("%s: no faults; %u names are mapped\n", path, s->map_count);
	printf("key: %s\n", key_said());
	cost = hash_choose_cost(HASH_LIMIT_MS, &took);
	printf("hash: yescrypt, cost %d takes %.0f ms here\n", cost, took);
	return 0;
}

static int new_key(void)
{
	char text[2 * KEYS_SEED_OCTETS + 1];

	keys_new_seed(text);
	puts(text);
	sodium_memzero(text, sizeof(text));
	return fflush(stdout) ? EX_IOERR : 0;
}

/* Chosen once for this machine: a busy moment at a later start must not change it. */
static int cost_of(const char *folder)
{
	uint8_t *text = NULL;
	size_t count = 0;
	char fresh[8];
	double took = 0;
	int cost = 0;

	if (!file_read(folder, "cost", 3, &text, &count) && count >= 1 && count <= 3) {
		memcpy(fresh, text, count);
		fresh[count] = '\0';
		cost = atoi(fresh);
	}
	free(text);
	if (cost >= HASH_COST_MIN && cost <= HASH_COST_MAX)
		return cost;
	cost = hash_choose_cost(HASH_LIMIT_MS, &took);
	log_event(LOG_LVL_INFO, "event=cost-chosen cost=%d ms=%.0f", cost, took);
	snprintf(fresh, sizeof(fresh), "%d\n", cost);
	file_replace(folder, "cost", fresh, strlen(fresh));
	return cost;
}

static void log_found(enum cache_found found)
{
	static const char *const words[] = {
		"found", "fresh", "other-key", "damaged", "counters-lost"};

	log_event(found <= CACHE_FRESH ? LOG_LVL_INFO : LOG_LVL_WARNING,
		"event=cache-opened found=%s", words[found]);
}

static int open_cache(struct service *v)
{
	struct cache_options o = {.folder = v->folder,
		.keys = v->keys,
		.cost = cost_of(v->folder),
		.parallel = v->settings->hashes,
		.accounts_max = v->settings->accounts_max,
		.keep_passwords = v->settings->keep_passwords,
		.ttl_s = v->settings->ttl_s,
		.account_rule = CACHE_ACCOUNT_RULE,
		.terminal_rule = CACHE_TERMINAL_RULE};
	enum cache_found found;
	int rc = cache_open(&o, &v->cache, &found);

	if (!rc)
		log_found(found);
	/* What the daemon noted as applied is not in this cache. */
	if (!rc && found != CACHE_FOUND && found != CACHE_COUNTERS_LOST)
		file_erase(v->folder, "sync.tag");
	return rc;
}

static int start(struct service *v)
{
	struct cache_now now;
	int rc = paths_join(v->folder, sizeof(v->folder), paths_state(), "auth");

	pthread_mutex_init(&v->proof_lock, NULL);
	v->ended_fd = eventfd(0, EFD_CLOEXEC);
	if (v->ended_fd < 0)
		return -errno;
	if (!rc)
		rc = load_settings(&v->settings);
	if (!rc && mkdir(v->folder, 0700) && errno != EEXIST)
		rc = -errno;
	if (!rc)
		rc = keys_load(v->folder, &v->keys);
	if (rc == KEYS_E_DAMAGED)
		return -EKEYREJECTED;
	if (rc)
		return rc;
	log_event(LOG_LVL_INFO, "event=key from=\"%s\"", keys_told(v->keys->from));
	/* For enrolment: the server seals sync files to it. */
	rc = file_replace(
		v->folder, "machine.pub", v->keys->public_key, sizeof(v->keys->public_key));
	cache_now_get(&now);
	if (!rc)
		rc = bind_new(paths_run(), v->settings->logind[0] ? v->settings->logind : NULL,
			now.boot.boot_id, &v->bind);
	if (!rc)
		rc = open_cache(v);
	if (!rc)
		rc = v->settings->online[0] ? online_socket_new(v->settings->online, geteuid(),
						      v->folder, &v->online)
					    : online_none_new(&v->online);
	if (!rc)
		rc = work_new(v, v->settings->workers, &v->work);
	return rc;
}

static void stop(struct service *v)
{
	work_free(v->work);
	online_free(v->online);
	cache_free(v->cache);
	bind_free(v->bind);
	keys_free(v->keys);
	settings_free(v->settings);
	if (v->ended_fd >= 0)
		close(v->ended_fd);
	pthread_mutex_destroy(&v->proof_lock);
	explicit_bzero(v, sizeof(*v));
	free(v);
}

static int exit_code(int rc)
{
	switch (rc) {
	case SERVE_ENDED:
		return 0;
	case -EWOULDBLOCK:
		fputs("stillprint-verifier: another one is running\n", stderr);
		return EX_TEMPFAIL; /* 75 */
	case -EINVAL:
		return EX_CONFIG; /* 78; every fault was told */
	case -EKEYREJECTED:
		fprintf(stderr,
			"stillprint-verifier: the key is not one of ours, or others may read it (%s/auth/key, or the "
			"credential stillprint-auth)\n",
			paths_state());
		return EX_DATAERR; /* 65 */
	default:
		fprintf(stderr, "stillprint-verifier: cannot start: %s (state %s, sockets %s)\n",
			strerror(rc < 0 ? -rc : rc), paths_state(), paths_run());
		return EX_OSERR; /* 71 */
	}
}

static void keep_secrets(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
	prctl(PR_SET_DUMPABLE, 0);
	umask(077);
}

static int run(char **argv)
{
	struct service *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return exit_code(-ENOMEM);
	v->ended_fd = -1;
	rc = start(v);
	if (!rc)
		rc = serve(v);
	stop(v);
	if (rc != SERVE_ANEW)
		return exit_code(rc);
	/* Deregistered: nothing of the old key may be left in this memory either. */
	log_event(LOG_LVL_INFO, "event=beginning-anew");
	execv("/proc/self/exe", argv);
	return exit_code(-errno);
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"check", no_argument, NULL, 'c'},
		{"new-key", no_argument, NULL, 'n'},
		{"debug", no_argument, NULL, 'd'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'V'},
		{NULL, 0, NULL, 0},
	};
	sigset_t blocked;
	int c;

	if (sodium_init() < 0)
		return exit_code(-EIO);
	keep_secrets();
	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (c) {
		case 'c':
			return check_only();
		case 'n':
			return new_key();
		case 'd':
			log_set_level(LOG_LVL_DEBUG);
			break;
		case 'h':
			return usage(stdout, 0);
		case 'V':
			puts("stillprint-verifier " STILLPRINT_VERSION);
			return 0;
		default:
			return usage(stderr, EX_USAGE);
		}
	}
	if (optind < argc)
		return usage(stderr, EX_USAGE);
	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGTERM);
	sigaddset(&blocked, SIGINT);
	sigprocmask(SIG_BLOCK, &blocked, NULL);
	return run(argv);
}
