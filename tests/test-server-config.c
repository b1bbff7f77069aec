/* SPDX-License-Identifier: Apache-2.0 */
/* test-server-config - server.conf: what stands when nothing is said, each key, and every fault with its place. */
#include "../server/config.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char path[64], said[8192];

static void complain(void *arg, const char *message)
{
	(void)arg;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", message);
}

static int load(const char *text, struct server_config **out)
{
	FILE *f = fopen(path, "w");

	if (!f)
		abort();
	fputs(text, f);
	fclose(f);
	chmod(path, 0644);
	said[0] = '\0';
	return server_config_load(path, complain, NULL, out);
}

static void nothing_said_is_a_good_configuration(void)
{
	AUTO(server_config_freep) struct server_config *c = NULL;

	CHECK(load("", &c) == 0 && !*said);
	CHECK(c->port == 8631 && c->web && c->web_port == 8632 && !*c->address);
	CHECK(c->hold_max_s == 259200 && c->retention_s == 30 * 86400 && c->jobs_per_user == 1000);
	CHECK(c->accept_unknown_users && c->name_count == 1 && *c->names[0]);
	CHECK(c->machine_life_s == 365 * 86400 && c->code_life_s == 3600);
}

static void every_key_is_taken(void)
{
	AUTO(server_config_freep) struct server_config *c = NULL;

	CHECK(load("[server]\nstate = /srv/x\nlisten = 2001:db8::1\nport = 631\nweb-port = none\n"
		   "names = print.example.com, 192.0.2.1,2001:db8::1\nunknown-users = refuse\nhold-max = 2d\n"
		   "retention = 1w\njobs-per-user = 5\nconnections-max = 10\nmachine-certificate-life = 90d\n"
		   "code-life = 10 min\nbackup-max-age = 36h\n",
		      &c) == 0 &&
		!*said);
	CHECK(!strcmp(c->state, "/srv/x") && !strcmp(c->address, "2001:db8::1"));
	CHECK(c->port == 631 && !c->web && c->name_count == 3 && !strcmp(c->names[1], "192.0.2.1"));
	CHECK(!c->accept_unknown_users && c->hold_max_s == 172800 && c->retention_s == 604800);
	CHECK(c->jobs_per_user == 5 && c->connections_max == 10 && c->code_life_s == 600);
	CHECK(c->machine_life_s == 90 * 86400 && c->backup_max_age_s == 36 * 3600);
}

static void each_fault_is_told_with_its_line(void)
{
	static const char *const faults[] = {"port = 65536", "port = -1", "port = 8631x",
		"port =", "web-port = maybe", "listen = somewhere", "state = relative",
		"names = a b/c", "names = ,", "names = -x", "unknown-users = yes", "hold-max = 0s",
		"hold-max = 72", "hold-max = 99999999w", "retention = h", "jobs-per-user = 0",
		"jobs-per-user = many", "colour = red"};
	struct server_config *c = NULL;

	for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++) {
		char text[256], place[128];

		snprintf(text, sizeof(text), "# one\n[server]\n%s\n", faults[i]);
		snprintf(place, sizeof(place), "%s:3:", path);
		CHECK(load(text, &c) == -EINVAL && !c);
		if (!strstr(said, place))
			printf("# %s: %s\n", faults[i], said);
		CHECK(strstr(said, place));
	}
}

static void all_faults_are_told_not_the_first(void)
{
	struct server_config *c = NULL;

	CHECK(load("port = 1\n[server]\nport = x\n[other]\na = b\n", &c) == -EINVAL);
	CHECK(strstr(said, ":1:") && strstr(said, ":3:") && strstr(said, ":5:"));
}

static void browsers_and_machines_have_two_ports(void)
{
	struct server_config *c = NULL;

	CHECK(load("[server]\nport = 9000\nweb-port = 9000\n", &c) == -EINVAL && *said);
}

int main(void)
{
	snprintf(path, sizeof(path), "/tmp/test-server-config.%d", getpid());
	RUN(nothing_said_is_a_good_configuration);
	RUN(every_key_is_taken);
	RUN(each_fault_is_told_with_its_line);
	RUN(all_faults_are_told_not_the_first);
	RUN(browsers_and_machines_have_two_ports);
	unlink(path);
	return tap_done();
}
