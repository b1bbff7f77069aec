/* SPDX-License-Identifier: Apache-2.0 */
/* test-identity - a certificate and its key are there together or not at all, and for nobody else's eyes. */
#include "core/identity.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include "base/auto.h"
#include "tap.h"

static char state[64], command[512];

static const struct identity one = {
	.uuid = "urn:uuid:11111111-2222-4333-8444-555555555555",
	.starts_s = 1000000,
	.expires_s = 1000000 + 90 * 86400,
	.server_uuid = "urn:uuid:99999999-2222-4333-8444-555555555555",
	.incarnation = 7,
	.policy_key = {1, 2, 0, 255, 10},
};
static const struct identity_pem pem = {"the CA\n", "the certificate\n", "very secret key\n"};

static void start_afresh(void)
{
	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0700 %s", state, state);
	CHECK(system(command) == 0);
}

static const char *in_state(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", state, name);
	return path;
}

static bool holds(const char *path, const char *text)
{
	char got[256] = "";
	FILE *f = fopen(path, "r");
	size_t n = f ? fread(got, 1, sizeof(got) - 1, f) : 0;

	if (f)
		fclose(f);
	return n == strlen(text) && !strcmp(got, text);
}

static int entries(const char *path)
{
	struct dirent **list = NULL;
	int n = scandir(path, &list, NULL, NULL);

	for (int i = 0; i < n; i++)
		free(list[i]);
	free(list);
	return n < 0 ? n : n - 2;
}

static int write_one(void)
{
	return identity_write(state, &one, &pem, (uid_t)-1, (gid_t)-1);
}

static void nobody_is_enrolled_at_first(void)
{
	struct identity id;

	start_afresh();
	CHECK(identity_load(state, &id) == IDENTITY_E_NONE);
	CHECK(identity_load("/nonexistent/state", &id) == IDENTITY_E_NONE);
	CHECK(identity_wipe(state) == 0 && identity_wipe("/nonexistent/state") == 0);
	CHECK(identity_write("/nonexistent/state", &one, &pem, (uid_t)-1, (gid_t)-1) == -ENOENT);
}

static void what_was_written_is_loaded(void)
{
	struct identity id;

	start_afresh();
	CHECK(write_one() == 0);
	CHECK(identity_load(state, &id) == 0);
	CHECK(!strcmp(id.uuid, one.uuid) && id.starts_s == one.starts_s &&
		id.expires_s == one.expires_s);
	CHECK(!strcmp(id.server_uuid, one.server_uuid) && id.incarnation == 7);
	CHECK(!memcmp(id.policy_key, one.policy_key, sizeof(id.policy_key)) && !id.history);
	CHECK(holds(id.ca_file, pem.ca) && holds(id.cert_file, pem.cert) &&
		holds(id.key_file, pem.key));
	CHECK(entries(state) == 1 && entries(in_state("identity")) == 6);
	id.history = true;
	CHECK(identity_write(state, &id, &pem, (uid_t)-1, (gid_t)-1) == 0);
	id.history = false;
	CHECK(identity_load(state, &id) == 0 && id.history && id.incarnation == 7);
}

static void nothing_is_for_the_eyes_of_others(void)
{
	static const char *const name[] = {
		"", "ca.pem", "cert.pem", "key.pem", "device", "policy.pub", "server"};
	mode_t before = umask(0);

	start_afresh();
	CHECK(write_one() == 0);
	umask(before);
	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		char path[256];
		struct stat st;

		snprintf(path, sizeof(path), "%s/identity/%s", state, name[i]);
		CHECK(lstat(path, &st) == 0 && (st.st_mode & 07777) == (i ? 0600 : 0700));
	}
}

static void a_key_that_others_can_read_is_not_used(void)
{
	struct identity id = {.incarnation = 99};

	start_afresh();
	CHECK(write_one() == 0 && chmod(in_state("identity/key.pem"), 0640) == 0);
	CHECK(identity_load(state, &id) == -EINVAL && id.incarnation == 99);
}

static void what_is_damaged_is_not_used(void)
{
	static const char *const name[] = {
		"ca.pem", "cert.pem", "key.pem", "device", "policy.pub", "server"};
	struct identity id;

	for (size_t i = 0; i < sizeof(name) / sizeof(name[0]); i++) {
		char path[256];

		snprintf(path, sizeof(path), "%s/identity/%s", state, name[i]);
		start_afresh();
		CHECK(write_one() == 0 && truncate(path, 0) == 0);
		CHECK(identity_load(state, &id) == -EINVAL);
		CHECK(unlink(path) == 0 && identity_load(state, &id) == -EINVAL);
		CHECK(symlink("/etc/hostname", path) == 0 && identity_load(state, &id) == -EINVAL);
		CHECK(write_one() == 0 && identity_load(state, &id) == 0);
	}
}

static void a_second_one_replaces_the_first_as_a_whole(void)
{
	static const struct identity_pem other = {"CA two\n", "certificate two\n", "key two\n"};
	struct identity two = one, id;

	start_afresh();
	CHECK(write_one() == 0);
	two.expires_s += 5;
	CHECK(identity_write(state, &two, &other, (uid_t)-1, (gid_t)-1) == 0);
	CHECK(identity_load(state, &id) == 0 && id.expires_s == two.expires_s);
	CHECK(holds(id.cert_file, other.cert) && holds(id.key_file, other.key));
	CHECK(entries(state) == 1);
}

static void a_run_that_was_cut_is_cleared_away(void)
{
	struct identity id;

	start_afresh();
	CHECK(write_one() == 0);
	snprintf(command, sizeof(command),
		"cp -rp %s/identity %s/identity.new && rm %s/identity.new/cert.pem", state, state,
		state);
	CHECK(system(command) == 0);
	CHECK(identity_load(state, &id) == 0);
	CHECK(write_one() == 0 && entries(state) == 1);
	/* Between the two renames of a file system that cannot exchange. */
	start_afresh();
	CHECK(write_one() == 0);
	snprintf(command, sizeof(command), "mv %s/identity %s/identity.old", state, state);
	CHECK(system(command) == 0);
	CHECK(identity_load(state, &id) == 0 && !strcmp(id.uuid, one.uuid));
}

/* Killed at any moment while it writes: a whole identity is loaded, the first or the second. */
static void a_crash_leaves_the_one_or_the_other(void)
{
	static const struct identity_pem other = {"CA two\n", "certificate two\n", "key two\n"};
	struct timespec begun, ended;
	int seen_other = 0;
	long took_us;

	start_afresh();
	CHECK(write_one() == 0);
	clock_gettime(CLOCK_MONOTONIC, &begun);
	CHECK(write_one() == 0);
	clock_gettime(CLOCK_MONOTONIC, &ended);
	took_us = (ended.tv_sec - begun.tv_sec) * 1000000 + (ended.tv_nsec - begun.tv_nsec) / 1000;
	for (int round = 0; round < 60; round++) {
		struct identity id = {0};
		pid_t child = fork();
		bool first;

		if (child == 0) {
			for (;;) {
				identity_write(state, &one, &other, (uid_t)-1, (gid_t)-1);
				identity_write(state, &one, &pem, (uid_t)-1, (gid_t)-1);
			}
		}
		/* Not a wait for anything: it is killed somewhere. */
		usleep(300 + (useconds_t)(took_us * round / 20));
		kill(child, SIGKILL);
		waitpid(child, NULL, 0);
		CHECK(identity_load(state, &id) == 0);
		first = holds(id.key_file, pem.key);
		seen_other += !first;
		CHECK(first ? holds(id.cert_file, pem.cert) && holds(id.ca_file, pem.ca)
			    : holds(id.key_file, other.key) && holds(id.cert_file, other.cert));
	}
	printf("# the second one in %d of 60 crashes\n", seen_other);
	CHECK(write_one() == 0 && entries(state) == 1);
}

/* A reader sees the one or the other while they change places, never half of one. */
static void a_reader_is_not_disturbed_by_a_writer(void)
{
	int bad = 0;
	pid_t child;

	start_afresh();
	CHECK(write_one() == 0);
	child = fork();
	if (child == 0) {
		for (;;)
			write_one();
	}
	for (int i = 0; i < 20000; i++) {
		struct identity id;

		bad += identity_load(state, &id) != 0 || strcmp(id.uuid, one.uuid) != 0;
	}
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	CHECK(bad == 0);
}

static void links_in_our_folder_lead_nowhere(void)
{
	char target[128], path[256];
	struct identity id;

	start_afresh();
	snprintf(target, sizeof(target), "%s.elsewhere", state);
	snprintf(command, sizeof(command), "rm -rf %s && mkdir %s && echo keep > %s/key.pem",
		target, target, target);
	CHECK(system(command) == 0);
	CHECK(symlink(target, in_state("identity")) == 0);
	CHECK(identity_load(state, &id) < 0 && identity_wipe(state) < 0);
	unlink(in_state("identity"));
	CHECK(symlink(target, in_state("identity.new")) == 0);
	CHECK(write_one() < 0);
	snprintf(path, sizeof(path), "%s/key.pem", target);
	CHECK(holds(path, "keep\n"));
	snprintf(command, sizeof(command), "rm -rf %s", target);
	CHECK(system(command) == 0);
}

static void leaving_erases_the_key(void)
{
	struct identity id;
	char key[64] = "";
	int fd;

	start_afresh();
	CHECK(write_one() == 0);
	fd = open(in_state("identity/key.pem"), O_RDONLY | O_CLOEXEC);
	CHECK(identity_wipe(state) == 0 && entries(state) == 0);
	CHECK(identity_load(state, &id) == IDENTITY_E_NONE);
	/* Who still has it open finds nothing in it. */
	CHECK(read(fd, key, sizeof(key)) == (ssize_t)strlen(pem.key) && key[0] == '\0' &&
		key[5] == '\0');
	close(fd);
}

static void it_is_renewed_in_the_last_third(void)
{
	int64_t day = 86400;

	CHECK(!identity_is_due(&one, one.starts_s));
	CHECK(!identity_is_due(&one, one.starts_s + 60 * day - 1));
	CHECK(identity_is_due(&one, one.starts_s + 60 * day));
	CHECK(identity_is_due(&one, one.expires_s + day));
	CHECK(identity_days_left(&one, one.starts_s) == 90);
	CHECK(identity_days_left(&one, one.expires_s - 1) == 0);
	CHECK(identity_days_left(&one, one.expires_s + 1) == -1);
	CHECK(identity_days_left(&one, one.expires_s + day) == -1);
}

static void other_cas_leave_the_rest_as_it_is(void)
{
	struct identity id;
	struct stat st;

	start_afresh();
	CHECK(identity_set_ca(state, "two CAs\n") == IDENTITY_E_NONE);
	CHECK(identity_write(state, &one, &pem, (uid_t)-1, (gid_t)-1) == 0);
	CHECK(identity_set_ca(state, "two CAs\n") == 0);
	CHECK(identity_load(state, &id) == 0 && !strcmp(id.uuid, one.uuid));
	CHECK(holds(id.ca_file, "two CAs\n") && holds(id.key_file, "very secret key\n"));
	CHECK(stat(id.ca_file, &st) == 0 && (st.st_mode & 0777) == 0600);
	/* What a crash left is in nobody's way. */
	snprintf(command, sizeof(command), "echo half >%s/identity/ca.pem.new", state);
	CHECK(system(command) == 0 && identity_set_ca(state, "one CA\n") == 0);
	CHECK(holds(id.ca_file, "one CA\n"));
	CHECK(system(command) == 0 && identity_wipe(state) == 0);
	CHECK(identity_load(state, &id) == IDENTITY_E_NONE);
}

int main(void)
{
	snprintf(state, sizeof(state), "/tmp/test-identity.%d", getpid());
	RUN(nobody_is_enrolled_at_first);
	RUN(what_was_written_is_loaded);
	RUN(nothing_is_for_the_eyes_of_others);
	RUN(a_key_that_others_can_read_is_not_used);
	RUN(what_is_damaged_is_not_used);
	RUN(a_second_one_replaces_the_first_as_a_whole);
	RUN(a_run_that_was_cut_is_cleared_away);
	RUN(a_crash_leaves_the_one_or_the_other);
	RUN(a_reader_is_not_disturbed_by_a_writer);
	RUN(links_in_our_folder_lead_nowhere);
	RUN(leaving_erases_the_key);
	RUN(other_cas_leave_the_rest_as_it_is);
	RUN(it_is_renewed_in_the_last_third);
	snprintf(command, sizeof(command), "rm -rf %s", state);
	return system(command) || tap_done();
}
