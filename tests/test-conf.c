/* SPDX-License-Identifier: Apache-2.0 */
/* test-conf - lines, drop-ins, every fault told with its place, and whose files are believed. */
#include "base/conf.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char folder[64], path[128], heard[8192], said[16384];

static const char *hear(void *arg, const char *section, const char *key, const char *value)
{
	(void)arg;
	snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "[%s]%s=%s;", section, key,
		value);
	return !strcmp(key, "wrong") ? "must not be here" : NULL;
}

static void hear_file(void *arg, const char *file, const unsigned *line)
{
	(void)arg;
	CHECK(*line == 0);
	snprintf(heard + strlen(heard), sizeof(heard) - strlen(heard), "<%s>",
		file + strlen(folder) + 1);
}

static void complain(void *arg, const char *message)
{
	(void)arg;
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s\n", message);
}

static int read_again(void)
{
	heard[0] = said[0] = '\0';
	return conf_read(path, hear, complain, NULL);
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

	snprintf(command, sizeof(command), "rm -rf %s && mkdir -m 0755 %s %s/a.conf.d", folder,
		folder, folder);
	CHECK(system(command) == 0);
}

static bool told(const char *what)
{
	if (!strstr(said, what))
		printf("# was told: %s", said);
	return strstr(said, what) != NULL;
}

static void lines_come_with_their_section(void)
{
	start_afresh();
	put("a.conf",
		"\xef\xbb\xbf"
		"before = 1\n# no = 1\n ; no = 2\n[queue Office]\n\tkey=a value = with # all \r\n"
		"empty =\n [ x y ] \nlast = line",
		0644);
	CHECK(read_again() == 0 && !*said);
	CHECK(!strcmp(heard,
		"[]before=1;[queue Office]key=a value = with # all;[queue Office]empty=;"
		"[x y]last=line;"));
}

static void an_absent_file_is_an_empty_one(void)
{
	start_afresh();
	CHECK(read_again() == 0 && !*heard && !*said);
	put("a.conf", "", 0644);
	CHECK(read_again() == 0 && !*heard && !*said);
}

static void drop_ins_follow_in_the_order_of_names(void)
{
	start_afresh();
	put("a.conf", "[s]\na = 1\n", 0644);
	put("a.conf.d/20.conf", "a = 3\n", 0644);
	put("a.conf.d/10.conf", "[t]\na = 2\n", 0644);
	put("a.conf.d/30.conf.dpkg-old", "a = 4\n", 0644);
	put("a.conf.d/.hidden.conf", "a = 5\n", 0644);
	heard[0] = said[0] = '\0';
	CHECK(conf_read_files(path, hear_file, hear, complain, NULL) == 0 && !*said);
	/* A section ends with its file. */
	CHECK(!strcmp(heard, "<a.conf>[s]a=1;<a.conf.d/10.conf>[t]a=2;<a.conf.d/20.conf>[]a=3;"));
}

static void every_bad_line_is_told_with_its_place(void)
{
	start_afresh();
	put("a.conf",
		"good = 1\nnonsense\n= 3\n[open\n[]\n[a] b\nignored = 1\n[s]\nwrong = 1\ngood = 2\n",
		0644);
	put("a.conf.d/10.conf", "\n\nwrong = 2\n", 0644);
	CHECK(read_again() == -EINVAL);
	CHECK(told("a.conf:2: ") && told("a.conf:3: ") && told("a.conf:4: ") &&
		told("a.conf:5: ") && told("a.conf:6: ") &&
		told("a.conf:9: wrong: must not be here") &&
		told("a.conf.d/10.conf:3: wrong: must not be here"));
	CHECK(strstr(heard, "[s]good=2;") && !strstr(heard, "ignored"));
}

static void a_nul_octet_is_told(void)
{
	char file[256];
	FILE *f;

	start_afresh();
	snprintf(file, sizeof(file), "%s/a.conf", folder);
	f = fopen(file, "w");
	fwrite("a = 1\nb = \0x\nc = 2\n", 1, 20, f);
	fclose(f);
	chmod(file, 0644);
	CHECK(read_again() == -EINVAL && told("a.conf:2: the line has a NUL"));
	CHECK(!strcmp(heard, "[]a=1;[]c=2;"));
}

static void files_that_others_may_write_are_refused(void)
{
	static const mode_t bad[] = {0664, 0646, 0666, 0622};
	static const mode_t good[] = {0644, 0600, 0640, 0444};

	start_afresh();
	for (int i = 0; i < 4; i++) {
		put("a.conf", "a = 1\n", bad[i]);
		CHECK(read_again() == -EINVAL && told("a.conf: others may write") && !*heard);
		put("a.conf", "a = 1\n", good[i]);
		CHECK(read_again() == 0 && *heard);
	}
	put("a.conf.d/1.conf", "b = 1\n", 0666);
	CHECK(read_again() == -EINVAL && told("1.conf: others may write") &&
		!strcmp(heard, "[]a=1;"));
}

static void files_of_another_user_are_refused(void)
{
	if (geteuid() != 0)
		SKIP("needs root to make a file of another user");
	start_afresh();
	put("a.conf", "a = 1\n", 0644);
	CHECK(chown(path, 12345, 0) == 0);
	CHECK(read_again() == -EINVAL && told("belongs neither to root") && !*heard);
}

static void a_folder_that_others_may_write_is_refused(void)
{
	char name[160];

	start_afresh();
	put("a.conf.d/1.conf", "b = 1\n", 0644);
	snprintf(name, sizeof(name), "%s.d", path);
	chmod(name, 0777);
	CHECK(read_again() == -EINVAL && told("a.conf.d: others may write") && !*heard);
	chmod(name, 0755);
	CHECK(read_again() == 0 && *heard);
}

static void what_is_no_regular_file_is_refused(void)
{
	start_afresh();
	put("real", "a = 1\n", 0644);
	CHECK(symlink("real", path) == 0);
	CHECK(read_again() == -EINVAL && told("symbolic link") && !*heard);
	unlink(path);
	CHECK(mkfifo(path, 0600) == 0); /* and it does not wait for a writer */
	CHECK(read_again() == -EINVAL && told("not a regular file"));
	unlink(path);
	CHECK(mkdir(path, 0700) == 0);
	CHECK(read_again() == -EINVAL && told("not a regular file"));
	rmdir(path);
}

static void over_one_mebibyte_is_refused(void)
{
	char *text = malloc((1 << 20) + 2);

	start_afresh();
	memset(text, '#', (1 << 20) + 1);
	text[(1 << 20) + 1] = '\0';
	put("a.conf", text, 0644);
	CHECK(read_again() == -EINVAL && told("larger than 1 MiB"));
	text[1 << 20] = '\0';
	put("a.conf", text, 0644);
	CHECK(read_again() == 0);
	free(text);
}

static void any_octets_are_read_without_harm(void)
{
	unsigned seed = 7;

	start_afresh();
	for (int round = 0; round < 3000; round++) {
		char text[120];
		size_t n = (size_t)rand_r(&seed) % sizeof(text);

		for (size_t i = 0; i < n; i++)
			text[i] = rand_r(&seed) % 4 ? "[]=\n# a\r;\t"[rand_r(&seed) % 10]
						    : (char)rand_r(&seed);
		text[n ? n - 1 : 0] = '\0';
		put("a.conf", text, 0644);
		if (read_again() == 0)
			CHECK(!*said);
		else
			CHECK(*said);
	}
}

int main(void)
{
	snprintf(folder, sizeof(folder), "/tmp/test-conf.%d", getpid());
	snprintf(path, sizeof(path), "%s/a.conf", folder);
	RUN(lines_come_with_their_section);
	RUN(an_absent_file_is_an_empty_one);
	RUN(drop_ins_follow_in_the_order_of_names);
	RUN(every_bad_line_is_told_with_its_place);
	RUN(a_nul_octet_is_told);
	RUN(files_that_others_may_write_are_refused);
	RUN(files_of_another_user_are_refused);
	RUN(a_folder_that_others_may_write_is_refused);
	RUN(what_is_no_regular_file_is_refused);
	RUN(over_one_mebibyte_is_refused);
	RUN(any_octets_are_read_without_harm);
	snprintf(said, sizeof(said), "rm -rf %s", folder);
	return system(said) || tap_done();
}
