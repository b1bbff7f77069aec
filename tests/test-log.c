/* SPDX-License-Identifier: Apache-2.0 */
/* test-log - one event is one line, whatever is in it. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tap.h"

static char caught[4096];

static void catch_line(enum log_level level, const char *value, bool journal)
{
	int kept = dup(STDERR_FILENO), fds[2];
	struct stat st;
	char stream[64];
	ssize_t n;

	caught[0] = '\0';
	if (pipe(fds) < 0)
		abort();
	dup2(fds[1], STDERR_FILENO);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
	fstat(STDERR_FILENO, &st);
	snprintf(stream, sizeof(stream), "%lu:%lu", (unsigned long)st.st_dev,
		(unsigned long)st.st_ino + !journal);
	setenv("JOURNAL_STREAM", stream, 1);
	errno = ECHILD;
	log_event(level, "job=42 event=test name=%s", value);
	CHECK(errno == ECHILD);
	n = read(fds[0], caught, sizeof(caught) - 1);
	caught[n > 0 ? n : 0] = '\0';
	dup2(kept, STDERR_FILENO);
	close(kept);
	close(fds[0]);
	close(fds[1]);
}

static void an_event_is_one_line(void)
{
	catch_line(LOG_LVL_INFO, "x", false);
	CHECK(!strcmp(caught, "job=42 event=test name=x\n"));
	catch_line(LOG_LVL_INFO, "a\nb\033c", false);
	CHECK(!strcmp(caught, "job=42 event=test name=a b c\n"));
}

static void the_journal_gets_a_priority(void)
{
	catch_line(LOG_LVL_ERROR, "x", true);
	CHECK(!strcmp(caught, "<3>job=42 event=test name=x\n"));
	catch_line(LOG_LVL_WARNING, "x", true);
	CHECK(!strncmp(caught, "<4>", 3));
	catch_line(LOG_LVL_INFO, "x", true);
	CHECK(!strncmp(caught, "<6>", 3));
}

static void what_is_below_the_level_is_not_written(void)
{
	catch_line(LOG_LVL_DEBUG, "x", false);
	CHECK(!*caught);
	log_set_level(LOG_LVL_DEBUG);
	catch_line(LOG_LVL_DEBUG, "x", false);
	CHECK(*caught);
	log_set_level(LOG_LVL_ERROR);
	catch_line(LOG_LVL_WARNING, "x", false);
	CHECK(!*caught);
	log_set_level(LOG_LVL_INFO);
}

static void a_long_event_is_cut_and_still_a_line(void)
{
	char value[5000];

	memset(value, 'y', sizeof(value));
	value[sizeof(value) - 1] = '\0';
	catch_line(LOG_LVL_INFO, value, true);
	CHECK(strlen(caught) > 2000 && strlen(caught) <= 2048);
	CHECK(strchr(caught, '\n') == caught + strlen(caught) - 1);
}

static void with_nobody_to_tell_errno_is_kept(void)
{
	int kept = dup(STDERR_FILENO);

	close(STDERR_FILENO);
	errno = ECHILD;
	log_event(LOG_LVL_ERROR, "event=test");
	CHECK(errno == ECHILD);
	dup2(kept, STDERR_FILENO);
	close(kept);
}

static void values_are_quoted(void)
{
	CHECK(!strcmp(log_quote("Office-2.OG"), "Office-2.OG"));
	CHECK(!strcmp(log_quote("a b\"c'd\\\n"), "a\\x20b\\x22c\\x27d\\x5c\\x0a"));
	CHECK(!strcmp(log_quote("B\xc3\xbc"), "B\\xc3\\xbc"));
	CHECK(!strcmp(log_quote(""), "-") && !strcmp(log_quote(NULL), "-"));
}

static void a_long_value_is_cut_at_120_octets(void)
{
	for (size_t n = 20; n < 400; n++) {
		char value[400];
		const char *quoted;

		memset(value, n % 2 ? 'v' : '\n', n);
		value[n] = '\0';
		quoted = log_quote(value);
		CHECK(strlen(quoted) <= 120);
		if (n % 2)
			CHECK(n <= 120 ? !strcmp(quoted, value)
				       : !strcmp(quoted + strlen(quoted) - 3, "..."));
	}
}

static void eight_values_fit_into_one_event(void)
{
	const char *q[8];

	for (int i = 0; i < 8; i++) {
		char value[8];

		snprintf(value, sizeof(value), "v%d", i);
		q[i] = log_quote(value);
	}
	for (int i = 0; i < 8; i++)
		CHECK(q[i][1] == '0' + i);
}

int main(void)
{
	RUN(an_event_is_one_line);
	RUN(the_journal_gets_a_priority);
	RUN(what_is_below_the_level_is_not_written);
	RUN(a_long_event_is_cut_and_still_a_line);
	RUN(with_nobody_to_tell_errno_is_kept);
	RUN(values_are_quoted);
	RUN(a_long_value_is_cut_at_120_octets);
	RUN(eight_values_fit_into_one_event);
	return tap_done();
}
