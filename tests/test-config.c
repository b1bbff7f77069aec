/* SPDX-License-Identifier: Apache-2.0 */
/* test-config - typed values out of stillprint.conf, drop-ins merged, secrets kept, every fault told. */
#include "core/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "core/uri.h"
#include "tap.h"

static char folder[64], path[128], said[32768];

static void complain(void *arg, const char *message)
{
	(void)arg;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", message);
}

static void put(const char *name, const char *text, mode_t mode)
{
	char file[256];
	FILE *f;

	snprintf(file, sizeof(file), "%s/%s", folder, name);
	unlink(file);
	f = fopen(file, "w");
	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
	chmod(file, mode);
}

static void start_afresh(void)
{
	char command[512];

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0755 %s %s/s.conf.d %s/secrets",
		folder, folder, folder, folder);
	CHECK(system(command) == 0);
}

static int load(struct config **out)
{
	said[0] = '\0';
	return config_load(path, complain, NULL, out);
}

static struct config *loaded(const char *text)
{
	struct config *c = NULL;

	put("s.conf", text, 0644);
	CHECK(load(&c) == 0 && c);
	if (!c) {
		printf("# %s", said);
		abort();
	}
	CHECK(!*said);
	return c;
}

/* One bad line, alone in its section: told with its place, and what is allowed. */
static bool is_refused(const char *section, const char *line, const char *allowed)
{
	struct config *c = NULL;
	char text[1024];
	bool good;

	snprintf(text, sizeof(text), "[%s]\n%s\n", section, line);
	put("s.conf", text, 0644);
	good = load(&c) == -EINVAL && !c && strstr(said, "s.conf:2: ") && strstr(said, allowed);
	if (!good)
		printf("# %s: %s", line, said);
	config_free(c);
	return good;
}

static bool told(const char *what)
{
	if (!strstr(said, what))
		printf("# was told: %s", said);
	return strstr(said, what) != NULL;
}

static void without_a_file_the_defaults_hold(void)
{
	AUTO(config_freep) struct config *c = NULL;

	start_afresh();
	CHECK(load(&c) == 0 && c && c->queue_count == 0);
	CHECK(c->fallback_sources == (SOURCE_POLICY | SOURCE_ADMIN | SOURCE_RECENT | SOURCE_USER));
	CHECK(!c->fallback_require_tls && c->users_may_add && c->job_name_suffix &&
		c->spool_max_octets == 0);
	CHECK(c->held_max_s == 259200 && c->unknown_max_s == 604800 && c->ask_agent_ms == 10000);
	CHECK(c->ask_answer_s == 600 && c->probe_idle_s == 60 && c->probe_lost_s == 5);
	CHECK(!strcmp(c->cups_socket, "/run/cups/cups.sock"));
	CHECK(!config_queue(c, "Office"));
}

static void every_global_key_is_taken(void)
{
	AUTO(config_freep) struct config *c = NULL;

	start_afresh();
	c = loaded(
		"[stillprint]\nfallback-sources = user,admin\nfallback-require-tls = yes\n"
		"users-may-add-fallbacks = no\npublic-workstation = yes\npublic-idle = 10min\njob-name-suffix = no\nspool-max = 5GB\nheld-max = 7d\n"
		"unknown-max = 2 w\nask-agent = 500ms\nask-answer = 90s\nprobe-idle = 5min\nprobe-lost = 1s\n"
		"cups-socket = /tmp/x.sock\n");
	CHECK(c->fallback_sources == (SOURCE_USER | SOURCE_ADMIN) && c->fallback_require_tls);
	CHECK(!c->users_may_add && c->public_workstation && c->public_idle_s == 600 &&
		!c->job_name_suffix && c->spool_max_octets == 5000000000);
	CHECK(c->held_max_s == 604800 && c->unknown_max_s == 1209600 && c->ask_agent_ms == 500);
	CHECK(c->ask_answer_s == 90 && c->probe_idle_s == 300 && c->probe_lost_s == 1);
	CHECK(!strcmp(c->cups_socket, "/tmp/x.sock"));
}

static void every_queue_key_is_taken(void)
{
	AUTO(config_freep) struct config *c = NULL;
	const struct config_queue *q;

	start_afresh();
	c = loaded(
		"[queue Office]\nupstream = IPP://Server:631/printers/Office/\nfallback = ipps://10.1.2.3/ipp/print\n"
		"fallback = cups:Usb\nrelease = held\nprivate = yes\naccept-raw = yes\naccept-foreign-hosts = yes\n"
		"require-verified = yes\n"
		"on-outage = hold\n[queue Attic]\nupstream = ipp://a/\n[queue Zoo]\nupstream=ipp://z\n"
		"fallback = ipp://f\n");
	CHECK(c->queue_count == 3 && !strcmp(c->queue[0].name, "Attic") &&
		!strcmp(c->queue[2].name, "Zoo"));
	q = config_queue(c, "Office");
	CHECK(q && !strcmp(q->upstream, "ipp://server/printers/Office") &&
		q->on_outage == ON_OUTAGE_HOLD);
	CHECK(q && q->fallback_count == 2 && !strcmp(q->fallback[0], "ipps://10.1.2.3/ipp/print") &&
		!strcmp(q->fallback[1], "cups:Usb"));
	CHECK(q && q->release == RELEASE_HELD && q->private && q->accept_raw &&
		q->accept_foreign_hosts && q->require_verified);
	q = config_queue(c, "Attic");
	CHECK(q && q->on_outage == ON_OUTAGE_ASK && q->release == RELEASE_DIRECT && !q->accept_raw);
	q = config_queue(c, "Zoo");
	CHECK(q && q->on_outage == ON_OUTAGE_FALLBACK);
	CHECK(!config_queue(c, "office") && !config_queue(c, ""));
}

static void a_server_of_our_own_is_taken(void)
{
	AUTO(config_freep) struct config *c = NULL;
	const struct config_queue *q;

	start_afresh();
	/* The queue before the section: files come in any order. */
	c = loaded(
		"[queue Office]\nupstream = stillprint\n"
		"[queue Hall]\nupstream = stillprint:Foyer\nrelease = direct\n"
		"[queue Lab]\nupstream = stillprint:L\nfallback = ipp://x\n"
		"[queue Old]\nupstream = stillprint\nupstream = ipp://y\n"
		"[server]\naddress = IPPS://Print.Example.COM\naddress = ipps://[2001:db8::1]:443\n"
		"address = ipps://10.1.2.3:631\n");
	CHECK(c->server.count == 3);
	CHECK(!strcmp(c->server.address[0], "ipps://print.example.com:8631"));
	CHECK(!strcmp(c->server.address[1], "ipps://[2001:db8::1]:443"));
	CHECK(!strcmp(c->server.address[2], "ipps://10.1.2.3:631"));
	q = config_queue(c, "Office");
	CHECK(q && q->stillprint && !strcmp(q->server_queue, "Office"));
	CHECK(q && !strcmp(q->upstream, "ipps://print.example.com:8631/ipp/print/Office"));
	CHECK(q && q->release == RELEASE_HELD && q->on_outage == ON_OUTAGE_ASK);
	q = config_queue(c, "Lab");
	CHECK(q && q->on_outage == ON_OUTAGE_FALLBACK && q->release == RELEASE_HELD);
	q = config_queue(c, "Old");
	CHECK(q && !q->stillprint && !*q->server_queue && q->release == RELEASE_DIRECT &&
		!strcmp(q->upstream, "ipp://y/ipp/print"));
}

static void a_server_queue_has_any_name_that_cups_allows(void)
{
	AUTO(config_freep) struct config *c = NULL;
	const struct config_queue *q;
	struct uri u;
	char again[CONFIG_URI_MAX];

	start_afresh();
	c = loaded("[server]\naddress = ipps://h\n"
		   "[queue Hall]\nupstream = stillprint:Büro+1:2%\nrelease = direct\n");
	q = config_queue(c, "Hall");
	CHECK(q && !strcmp(q->server_queue, "Büro+1:2%") && q->release == RELEASE_DIRECT);
	CHECK(q && !strcmp(q->upstream, "ipps://h:8631/ipp/print/B%C3%BCro%2B1%3A2%25"));
	CHECK(q && uri_parse(q->upstream, &u) == 0 && uri_format(again, sizeof(again), &u) == 0 &&
		!strcmp(again, q->upstream));
}

static void a_later_file_replaces_the_addresses(void)
{
	AUTO(config_freep) struct config *c = NULL;

	start_afresh();
	put("s.conf.d/10.conf", "[server]\naddress = ipps://c\naddress = ipps://d\n", 0644);
	c = loaded("[server]\naddress = ipps://a\n");
	CHECK(c->server.count == 2 && !strcmp(c->server.address[0], "ipps://c:8631"));
	config_free(STEAL(c));
	put("s.conf.d/20.conf", "[server]\naddress =\n", 0644);
	CHECK(load(&c) == 0 && c->server.count == 0);
}

static void a_server_that_cannot_be_is_refused(void)
{
	struct config *c = NULL;

	start_afresh();
	CHECK(is_refused("server", "address = ipp://h", "over TLS only"));
	CHECK(is_refused("server", "address = https://h", "ipps://HOST"));
	CHECK(is_refused("server", "address = ipps://h/ipp/print", "without a path"));
	CHECK(is_refused("server", "address = ipps://h/", "without a path"));
	CHECK(is_refused("server", "address = ipps://h:0", "ipps://HOST"));
	CHECK(is_refused("server", "address = ipps://", "ipps://HOST"));
	CHECK(is_refused("server", "address = print.example.com", "ipps://HOST"));
	CHECK(is_refused("server", "address = ipps://a:b@h", "user or password"));
	CHECK(is_refused("server", "port = 1", "no such key"));
	CHECK(is_refused("queue Q", "upstream = stillprint:", "name of the queue"));
	CHECK(is_refused("queue Q", "upstream = stillprint:a/b", "name of the queue"));
	CHECK(is_refused("queue Q", "upstream = stillprint", "no [server] section"));
	put("s.conf", "[server]\naddress = ipps://a\naddress = ipps://A:8631\n", 0644);
	CHECK(load(&c) == -EINVAL && told("s.conf:3: address: is named twice"));
	put("s.conf",
		"[server]\naddress=ipps://1a\naddress=ipps://2a\naddress=ipps://3a\n"
		"address=ipps://4a\naddress=ipps://5a\naddress=ipps://6a\naddress=ipps://7a\n"
		"address=ipps://8a\naddress=ipps://9a\n",
		0644);
	CHECK(load(&c) == -EINVAL && told("s.conf:10: address: too many"));
	put("s.conf",
		"[server]\naddress = ipps://h\n[queue Q]\nupstream = stillprint\n"
		"upstream-pin = sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n",
		0644);
	CHECK(load(&c) == -EINVAL && told("s.conf:4: ") && told("upstream-pin"));
}

static void a_later_file_wins_and_replaces_fallbacks(void)
{
	AUTO(config_freep) struct config *c = NULL;
	const struct config_queue *q;

	start_afresh();
	put("s.conf.d/10.conf",
		"[queue Q]\nfallback = ipp://c\nfallback = ipp://d\nupstream = ipp://new\n"
		"[stillprint]\nheld-max = 1h\n",
		0644);
	put("s.conf.d/20.conf", "[queue Q]\non-outage = never\n", 0644);
	c = loaded(
		"[stillprint]\nheld-max = 2h\n[queue Q]\nupstream = ipp://old\nfallback = ipp://a\n"
		"fallback = ipp://b\nfallback = ipp://e\n");
	q = config_queue(c, "Q");
	CHECK(c->held_max_s == 3600 && c->queue_count == 1);
	CHECK(q && !strcmp(q->upstream, "ipp://new/ipp/print") && q->on_outage == ON_OUTAGE_NEVER);
	CHECK(q && q->fallback_count == 2 && !strcmp(q->fallback[0], "ipp://c/ipp/print"));
	config_free(STEAL(c));

	put("s.conf.d/30.conf", "[queue Q]\nfallback =\n", 0644); /* none at all */
	CHECK(load(&c) == 0);
	q = config_queue(c, "Q");
	CHECK(q && q->fallback_count == 0);
}

static void bad_values_are_told_with_what_is_allowed(void)
{
	start_afresh();
	CHECK(is_refused("stillprint", "colour = red", "no such key"));
	CHECK(is_refused("stillprint", "fallback-require-tls = maybe", "must be yes or no"));
	CHECK(is_refused(
		"stillprint", "fallback-sources = admin, dnssd", "policy, admin, recent, user"));
	CHECK(is_refused("stillprint", "fallback-sources = ", "policy, admin, recent, user"));
	CHECK(is_refused("stillprint", "held-max = 72", "with its unit"));
	CHECK(is_refused("stillprint", "held-max = 500ms", "at least 1s"));
	CHECK(is_refused("stillprint", "held-max = -1h", "with its unit"));
	CHECK(is_refused("stillprint", "held-max = 99999999999999999999d", "with its unit"));
	CHECK(is_refused("stillprint", "held-max = 9999999d", "with its unit"));
	CHECK(is_refused("stillprint", "ask-agent = 0s", "with its unit"));
	CHECK(is_refused("stillprint", "spool-max = 5", "with its unit"));
	CHECK(is_refused("stillprint", "spool-max = 5kB", "at least 1MB"));
	CHECK(is_refused("stillprint", "spool-max = 9999999999TB", "with its unit"));
	CHECK(is_refused("stillprint", "cups-socket = cups.sock", "absolute path"));
	CHECK(is_refused("queue Q", "upstream = lpd://host/q", "ipp:// or ipps://"));
	CHECK(is_refused("queue Q", "upstream = cups:Usb", "only be a fallback"));
	CHECK(is_refused("queue Q", "upstream = ipps://anna:pw@host/x", "secrets"));
	CHECK(!strstr(said, "pw")); /* a password is not repeated into a log */
	CHECK(is_refused("queue Q", "fallback = usb://x", "ipp://, ipps:// or cups:"));
	CHECK(is_refused("queue Q", "fallback = cups:Q", "this very queue"));
	CHECK(is_refused("queue Q", "on-outage = panic", "fallback, ask, hold or never"));
	CHECK(is_refused("queue Q", "release = pull", "direct or held"));
	CHECK(is_refused("queue Q", "held-max = 1h", "no such key"));
	CHECK(is_refused("queue a/b", "accept-raw = yes", "CUPS allows"));
	CHECK(is_refused("queue ..", "accept-raw = yes", "CUPS allows"));
	CHECK(is_refused("queue", "accept-raw = yes", "unknown section"));
	CHECK(is_refused("queues X", "accept-raw = yes", "unknown section"));
	CHECK(is_refused("printer", "accept-raw = yes", "unknown section"));
}

static void every_fault_is_told_not_the_first_only(void)
{
	struct config *c = NULL;

	start_afresh();
	put("s.conf",
		"upstream = x\n[stillprint]\nheld-max = x\nnonsense\n[queue Q]\nrelease = x\n",
		0644);
	put("s.conf.d/1.conf", "[queue Q]\nupstream = x\n", 0644);
	CHECK(load(&c) == -EINVAL && !c);
	CHECK(told("s.conf:1: ") && told("s.conf:3: held-max: ") && told("s.conf:4: ") &&
		told("s.conf:6: ") && told("1.conf:2: upstream: "));
}

static void a_queue_is_judged_as_a_whole(void)
{
	struct config *c = NULL;

	start_afresh();
	put("s.conf", "[queue Q]\non-outage = ask\n", 0644);
	CHECK(load(&c) == -EINVAL && told("[queue Q] has no upstream"));
	put("s.conf", "[queue Q]\nupstream = ipp://a\nfallback = ipp://A:631/ipp/print/\n", 0644);
	CHECK(load(&c) == -EINVAL && told("upstream as a fallback"));
	put("s.conf", "[queue Q]\nupstream = ipp://a\nfallback = ipp://b\nfallback = ipp://b/\n",
		0644);
	CHECK(load(&c) == -EINVAL && told("s.conf:4: fallback: is named twice"));
	CHECK(!c);
}

static void numbers_are_bounded(void)
{
	struct config *c = NULL;
	char text[32768] = "";
	size_t used = 0;

	start_afresh();
	used = (size_t)sprintf(text, "[queue Q]\nupstream = ipp://u\n");
	for (int i = 0; i < 17; i++)
		used += (size_t)sprintf(text + used, "fallback = ipp://f%d\n", i);
	put("s.conf", text, 0644);
	CHECK(load(&c) == -EINVAL && told("s.conf:19: fallback: too many"));
	used = 0;
	for (int i = 0; i < 257; i++)
		used += (size_t)sprintf(text + used, "[queue Q%d]\nupstream = ipp://u%d\n", i, i);
	put("s.conf", text, 0644);
	CHECK(load(&c) == -EINVAL && told("s.conf:514: upstream: too many queues"));
	text[strlen(text) - strlen("[queue Q256]\nupstream = ipp://u256\n")] = '\0';
	put("s.conf", text, 0644);
	CHECK(load(&c) == 0 && c && c->queue_count == 256);
	for (int i = 0; c && i < 256; i++) {
		char name[16];

		snprintf(name, sizeof(name), "Q%d", i);
		CHECK(config_queue(c, name) && !strcmp(config_queue(c, name)->name, name));
	}
	config_free(c);
}

static const char with_login[] = "[queue Q]\nupstream = ipps://a\nupstream-user = anna\n";

static void the_password_is_in_a_file_of_its_own(void)
{
	AUTO(config_freep) struct config *c = NULL;
	char out[128], want[160];

	start_afresh();
	put("secrets/Q", "p w:\xc3\xbc \nrest\n", 0640);
	c = loaded(with_login);
	CHECK(!strcmp(config_queue(c, "Q")->upstream_user, "anna"));
	CHECK(!strcmp(config_queue(c, "Q")->upstream_password, "p w:\xc3\xbc "));
	snprintf(want, sizeof(want), "%s/secrets/Q", folder);
	CHECK(config_secret_path(out, sizeof(out), path, "Q") == 0 && !strcmp(out, want));
	CHECK(config_secret_path(out, 10, path, "Q") == -ENAMETOOLONG);
	CHECK(config_secret_path(out, sizeof(out), path, "../x") == -EINVAL);
	CHECK(config_secret_path(out, sizeof(out), "s.conf", "Q") == 0 &&
		!strcmp(out, "secrets/Q"));
}

static void a_pin_is_a_whole_hash_of_a_key_over_tls(void)
{
	static const char good[] = "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+=";
	static const char *const bad[] = {"AAAA", "sha256//",
		"sha256//AAAA=", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA++",
		"sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+==",
		"sha512//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA+="};
	AUTO(config_freep) struct config *c = NULL;
	char text[256];

	start_afresh();
	snprintf(text, sizeof(text), "[queue Q]\nupstream = ipps://a\nupstream-pin = %s\n", good);
	c = loaded(text);
	CHECK(!strcmp(config_queue(c, "Q")->upstream_pin, good));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct config *none = NULL;

		snprintf(text, sizeof(text), "[queue Q]\nupstream = ipps://a\nupstream-pin = %s\n",
			bad[i]);
		put("s.conf", text, 0644);
		CHECK(load(&none) == -EINVAL && told("must be sha256//"));
	}
	snprintf(text, sizeof(text), "[queue Q]\nupstream = ipp://a\nupstream-pin = %s\n", good);
	put("s.conf", text, 0644);
	{
		struct config *none = NULL;

		CHECK(load(&none) == -EINVAL && told("has an upstream-pin"));
	}
}

static void a_password_that_others_can_see_is_refused(void)
{
	static const mode_t bad[] = {0644, 0604, 0660, 0666, 0641, 0602};
	struct config *c = NULL;
	char name[160];

	start_afresh();
	put("s.conf", with_login, 0644);
	CHECK(load(&c) == -EINVAL && told("secrets/Q: is missing"));
	for (int i = 0; i < 6; i++) {
		put("secrets/Q", "geheim\n", bad[i]);
		CHECK(load(&c) == -EINVAL && told("secrets/Q: others may read or change"));
		CHECK(!strstr(said, "geheim"));
	}
	snprintf(name, sizeof(name), "%s/secrets/Q", folder);
	unlink(name);
	CHECK(symlink("../s.conf", name) == 0);
	CHECK(load(&c) == -EINVAL && told("symbolic link"));
	unlink(name);
	CHECK(mkfifo(name, 0600) == 0);
	CHECK(load(&c) == -EINVAL && told("not a regular file"));
	put("secrets/Q", "\nsecond line\n", 0600);
	CHECK(load(&c) == -EINVAL && told("no password in its first line"));
	put("secrets/Q", "", 0600);
	CHECK(load(&c) == -EINVAL && told("no password"));
	CHECK(!c);
}

static void a_password_is_never_sent_in_the_clear(void)
{
	struct config *c = NULL;

	start_afresh();
	put("secrets/Q", "geheim\n", 0600);
	put("s.conf", "[queue Q]\nupstream = ipp://a\nupstream-user = anna\n", 0644);
	CHECK(load(&c) == -EINVAL && told("needs `upstream = ipps://") && !strstr(said, "geheim"));
	put("s.conf.d/1.conf", "[queue Q]\nupstream-user =\n", 0644); /* taken away again */
	CHECK(load(&c) == 0 && c && !*config_queue(c, "Q")->upstream_password);
	config_free(c);
}

static void the_longest_password_fits(void)
{
	struct config *c = NULL;
	char text[300];

	start_afresh();
	put("s.conf", with_login, 0644);
	memset(text, 'x', sizeof(text));
	text[255] = '\n', text[256] = '\0';
	put("secrets/Q", text, 0600);
	CHECK(load(&c) == 0 && c && strlen(config_queue(c, "Q")->upstream_password) == 255);
	config_free(c);
	c = NULL;
	text[255] = 'x', text[256] = '\n', text[257] = '\0';
	put("secrets/Q", text, 0600);
	CHECK(load(&c) == -EINVAL && told("longer than 255"));
}

/* The sample says what is in force: its commented lines, taken in, change nothing. */
static void the_sample_shows_the_defaults(void)
{
	AUTO(config_freep) struct config *sample = NULL;
	AUTO(config_freep) struct config *defaults = NULL;
	char line[512], text[8192] = "", *end;
	FILE *f = fopen("dbus/daemon/stillprint.conf", "r");
	int keys = 0;

	if (!f)
		SKIP("not run from the top of the source");
	start_afresh();
	CHECK(load(&defaults) == 0);
	while (fgets(line, sizeof(line), f)) {
		bool commented = line[0] == '#' && line[1] != ' ' && line[1] != '\n';

		strcat(text, line + commented);
		keys += commented && strstr(line, " = ");
	}
	fclose(f);
	put("secrets/Office", "x\n", 0600);
	sample = loaded(text);
	CHECK(keys == 28);
	CHECK(sample->queue_count == 2 && config_queue(sample, "Office")->fallback_count == 2);
	CHECK(config_queue(sample, "Office")->on_outage == ON_OUTAGE_FALLBACK);
	CHECK(!config_queue(sample, "Office")->accept_raw &&
		!config_queue(sample, "Office")->accept_foreign_hosts &&
		!config_queue(sample, "Office")->require_verified);
	CHECK(sample->server.count == 1 && config_queue(sample, "Hall")->stillprint);
	memset(&sample->server, 0, sizeof(sample->server));
	free(sample->queue);
	sample->queue = NULL;
	sample->queue_count = 0;
	CHECK(!memcmp(sample, defaults, sizeof(*sample)));
	end = strstr(text, "[queue Office]");
	CHECK(end != NULL);
}

static void any_octets_are_loaded_or_told(void)
{
	static const char *const word[] = {"[stillprint]\n", "[queue Q]\n", "upstream", "fallback",
		"=", " = ", "ipp://h", "cups:X", "\n", "held-max", "7d", "spool-max", "5GB",
		"on-outage", "ask", "\xff", "#", "9999999999999999999", "yes", "release", "held",
		"upstream-user", "[", "]", "[server]\n", "address", "ipps://h", "stillprint"};
	unsigned seed = 5;

	start_afresh();
	for (int round = 0; round < 3000; round++) {
		struct config *c = NULL;
		char text[1024] = "";
		int n = rand_r(&seed) % 25, rc;

		for (int i = 0; i < n; i++)
			strcat(text,
				word[(size_t)rand_r(&seed) % (sizeof(word) / sizeof(word[0]))]);
		put("s.conf", text, 0644);
		rc = load(&c);
		CHECK(rc == 0 ? c && !*said : rc == -EINVAL && !c && *said);
		config_free(c);
	}
}

static void words_for_values(void)
{
	CHECK(!strcmp(config_on_outage_name(ON_OUTAGE_NEVER), "never") &&
		!config_on_outage_name(9));
	CHECK(!config_on_outage_name(ON_OUTAGE_DEFAULT));
	CHECK(!strcmp(config_release_name(RELEASE_HELD), "held") && !config_release_name(9));
}

int main(void)
{
	char command[128];

	snprintf(folder, sizeof(folder), "/tmp/test-config.%d", getpid());
	snprintf(path, sizeof(path), "%s/s.conf", folder);
	RUN(without_a_file_the_defaults_hold);
	RUN(every_global_key_is_taken);
	RUN(every_queue_key_is_taken);
	RUN(a_server_of_our_own_is_taken);
	RUN(a_server_queue_has_any_name_that_cups_allows);
	RUN(a_later_file_replaces_the_addresses);
	RUN(a_server_that_cannot_be_is_refused);
	RUN(a_later_file_wins_and_replaces_fallbacks);
	RUN(bad_values_are_told_with_what_is_allowed);
	RUN(every_fault_is_told_not_the_first_only);
	RUN(a_queue_is_judged_as_a_whole);
	RUN(numbers_are_bounded);
	RUN(the_password_is_in_a_file_of_its_own);
	RUN(a_pin_is_a_whole_hash_of_a_key_over_tls);
	RUN(a_password_that_others_can_see_is_refused);
	RUN(a_password_is_never_sent_in_the_clear);
	RUN(the_longest_password_fits);
	RUN(the_sample_shows_the_defaults);
	RUN(any_octets_are_loaded_or_told);
	RUN(words_for_values);
	snprintf(command, sizeof(command), "rm -rf %s", folder);
	return system(command) || tap_done();
}
