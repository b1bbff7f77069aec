/* SPDX-License-Identifier: Apache-2.0 */
/* test-cli-files - the files that setup writes: whole or not at all, and as they were when it is undone. */
#include "../dbus/cli/setup-config.c"

#include "tap.h"

static char folder[PATH_MAX], conf[PATH_MAX];

static void in_folder(char out[PATH_MAX], const char *name)
{
	if (snprintf(out, PATH_MAX, "%s/%s", folder, name) >= PATH_MAX)
		abort();
}

static char *content(const char *path)
{
	char *text = NULL;
	size_t octets;

	return read_all(path, &text, &octets) == 0 ? text : NULL;
}

static unsigned mode_of(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0 ? st.st_mode & 07777 : 0;
}

static void a_file_is_written_once_and_undone(void)
{
	AUTO(file_change_fini) struct file_change change = {0};
	char path[PATH_MAX];

	in_folder(path, "new.d/Office.conf");
	CHECK(file_put(&change, path, "one\n", 0644, NULL) == 0 && change.done);
	CHECK(mode_of(path) == 0644);
	CHECK(file_fits(path, "one\n", 0644, NULL) && !file_fits(path, "two\n", 0644, NULL));
	CHECK(file_undo(&change) == 0);
	CHECK(access(path, F_OK) != 0);
	in_folder(path, "new.d");
	CHECK(access(path, F_OK) != 0);
}

static void a_second_writing_of_the_same_changes_nothing(void)
{
	AUTO(file_change_fini) struct file_change first = {0}, second = {0};
	char path[PATH_MAX];

	in_folder(path, "same");
	CHECK(file_put(&first, path, "one\n", 0600, NULL) == 0);
	CHECK(file_put(&second, path, "one\n", 0600, NULL) == 0 && !second.done);
	CHECK(file_undo(&second) == 0 && access(path, F_OK) == 0);
	CHECK(chmod(path, 0644) == 0 &&
		!file_fits(path, "one\n", 0600, NULL)); /* too open counts as different */
}

static void undoing_a_change_brings_the_old_content_back(void)
{
	AUTO(file_change_fini) struct file_change first = {0}, second = {0}, third = {0};
	AUTO(auto_free) char *text = NULL;
	char path[PATH_MAX];

	in_folder(path, "old");
	CHECK(file_put(&first, path, "old\n", 0600, NULL) == 0);
	CHECK(file_put(&second, path, "new\n", 0600, NULL) == 0);
	CHECK(file_undo(&second) == 0);
	text = content(path);
	CHECK(text && !strcmp(text, "old\n") && mode_of(path) == 0600);
	CHECK(file_remove(&third, path) == 0 && access(path, F_OK) != 0);
	CHECK(file_undo(&third) == 0 && access(path, F_OK) == 0);
}

static void a_folder_that_cannot_be_written_leaves_nothing(void)
{
	AUTO(file_change_fini) struct file_change change = {0};

	CHECK(file_put(&change, "/proc/no/such", "x", 0600, NULL) < 0 && !change.done);
	CHECK(file_undo(&change) == 0);
}

static void a_section_reads_back_as_it_was_written(void)
{
	struct section s = {.queue = "Office",
			       .upstream = "ipps://print.example.org/printers/Office",
			       .user = "anna",
			       .pin = "sha256//abc=",
			       .on_outage = "ask",
			       .release = "held",
			       .fallback_count = 2,
			       .accept_raw = true,
			       .require_verified = true},
		       back;
	AUTO(file_change_fini) struct file_change change = {0};
	AUTO(auto_free) char *text = NULL;
	char path[PATH_MAX], why[256];

	strcpy(s.fallback[0], "ipp://10.1.2.3/ipp/print");
	strcpy(s.fallback[1], "cups:Label");
	text = section_text(&s);
	CHECK(text && section_path(path, sizeof(path), "Office") == 0);
	CHECK(file_put(&change, path, text, 0644, NULL) == 0);
	CHECK(section_read("Office", &back, why, sizeof(why)) == 0 && back.exists);
	CHECK(!strcmp(back.upstream, s.upstream) && !strcmp(back.user, "anna") &&
		!strcmp(back.pin, s.pin));
	CHECK(!strcmp(back.on_outage, "ask") && !strcmp(back.release, "held") && back.accept_raw &&
		back.require_verified);
	CHECK(back.fallback_count == 2 && !strcmp(back.fallback[1], "cups:Label"));
	CHECK(section_read("Other", &back, why, sizeof(why)) == 0 && !back.exists);
}

static void a_file_with_more_than_the_queue_is_left_alone(void)
{
	AUTO(file_change_fini) struct file_change change = {0};
	struct section back;
	char path[PATH_MAX], why[256];

	CHECK(section_path(path, sizeof(path), "Mixed") == 0);
	CHECK(file_put(&change, path,
		      "[queue Mixed]\nupstream = ipp://a/b\n[queue Other]\nupstream = ipp://c/d\n",
		      0644, NULL) == 0);
	CHECK(section_read("Mixed", &back, why, sizeof(why)) == -EINVAL &&
		strstr(why, "Mixed.conf:4"));
	CHECK(file_undo(&change) == 0);
}

static void passwords_are_the_first_line(void)
{
	AUTO(file_change_fini) struct file_change change = {0}, second = {0}, third = {0};
	char path[PATH_MAX], password[16];

	in_folder(path, "password");
	CHECK(file_put(&change, path, "geheim\r\nsecond line\n", 0600, NULL) == 0);
	CHECK(section_read_password(path, password, sizeof(password)) == 0 &&
		!strcmp(password, "geheim"));
	CHECK(file_put(&second, path, "\n", 0600, NULL) == 0);
	CHECK(section_read_password(path, password, sizeof(password)) == -ENODATA);
	CHECK(file_put(&third, path, "longer than what fits in there\n", 0600, NULL) == 0);
	CHECK(section_read_password(path, password, sizeof(password)) == -EMSGSIZE);
	in_folder(path, "nothing");
	CHECK(section_read_password(path, password, sizeof(password)) == -ENOENT);
}

int main(void)
{
	char clean[PATH_MAX + 16];

	strcpy(folder, "/tmp/test-cli-files-XXXXXX");
	if (!mkdtemp(folder))
		return 99;
	in_folder(conf, "stillprint.conf");
	setenv("STILLPRINT_CONF", conf, 1);
	RUN(a_file_is_written_once_and_undone);
	RUN(a_second_writing_of_the_same_changes_nothing);
	RUN(undoing_a_change_brings_the_old_content_back);
	RUN(a_folder_that_cannot_be_written_leaves_nothing);
	RUN(a_section_reads_back_as_it_was_written);
	RUN(a_file_with_more_than_the_queue_is_left_alone);
	RUN(passwords_are_the_first_line);
	snprintf(clean, sizeof(clean), "rm -rf %s", folder);
	if (system(clean) != 0) /* a fixed name of our own */
		printf("# %s is left\n", folder);
	return tap_done();
}
