/* SPDX-License-Identifier: Apache-2.0 */
/* test-job - the table of legal moves against a second, independent list; sentences, codes, next steps. */
#include "core/job.h"

#include <string.h>

#include "base/text.h"
#include "tap.h"

/* Written from the design, not from job.c: "from: to to to". */
static const char *const moves[] = {
	"pending: held creating canceled aborted expired",
	"held: pending creating canceled aborted expired",
	"creating: created pending held canceled aborted",
	"created: sending pending held canceled aborted",
	"sending: sent unknown pending held completed canceled aborted",
	"sent: completed canceled unknown pending held expired aborted",
	"unknown: completed pending held canceled expired",
	"completed:",
	"canceled:",
	"aborted:",
	"expired:",
	"repeated:",
};

static bool listed(const char *from, const char *to)
{
	char want[32];

	snprintf(want, sizeof(want), "%s:", from);
	for (size_t i = 0; i < sizeof(moves) / sizeof(moves[0]); i++) {
		char line[128], *word;

		snprintf(line, sizeof(line), "%s", moves[i]);
		word = strtok(line, " ");
		if (strcmp(word, want) != 0)
			continue;
		while ((word = strtok(NULL, " ")))
			if (!strcmp(word, to))
				return true;
		return false;
	}
	printf("# %s is in no list\n", from);
	CHECK(false);
	return false;
}

static void every_cell_of_the_table_is_as_designed(void)
{
	int cells = 0, legal = 0;

	for (int from = 1; from < JOB_STATE_COUNT; from++)
		for (int to = 1; to < JOB_STATE_COUNT; to++) {
			bool want = listed(job_state_name(from), job_state_name(to));

			if (job_may_move(from, to) != want)
				printf("# %s -> %s\n", job_state_name(from), job_state_name(to));
			CHECK(job_may_move(from, to) == want);
			cells++;
			legal += want;
		}
	CHECK(cells == 144);
	CHECK(legal == 39);
}

static void numbers_outside_the_table_move_nowhere(void)
{
	static const int outside[] = {0, -1, JOB_STATE_COUNT, 31, 32, 33, 64, 1000, -32};

	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++) {
		for (int s = 0; s < JOB_STATE_COUNT; s++)
			CHECK(!job_may_move(outside[i], s) && !job_may_move(s, outside[i]));
		CHECK(!job_is_final(outside[i]) && !job_is_free(outside[i]));
		CHECK(!job_state_name(outside[i]));
	}
	CHECK(!job_reason_code(-1) && !job_reason_code(JOB_REASON_COUNT));
	CHECK(!strcmp(job_reason_next_step(JOB_REASON_COUNT), ""));
}

static void a_state_is_free_or_at_stake_or_over(void)
{
	int free = 0, final = 0;

	for (int s = 1; s < JOB_STATE_COUNT; s++) {
		CHECK(!(job_is_free(s) && job_is_final(s)));
		free += job_is_free(s);
		final += job_is_final(s);
	}
	CHECK(free == 4 && final == 5);
	CHECK(!job_is_free(JOB_SENDING) && !job_is_free(JOB_SENT) && !job_is_free(JOB_UNKNOWN));
}

static void names_and_codes_are_unique_and_lead_back(void)
{
	for (int s = 1; s < JOB_STATE_COUNT; s++)
		CHECK((int)job_state_from_name(job_state_name(s)) == s);
	for (int r = 0; r < JOB_REASON_COUNT; r++)
		CHECK(job_reason_code(r) && (int)job_reason_from_code(job_reason_code(r)) == r);
	CHECK(job_state_from_name("printed") == 0 && job_state_from_name(NULL) == 0);
	CHECK(job_reason_from_code("nonsense") == JOB_R_NONE &&
		job_reason_from_code(NULL) == JOB_R_NONE);
	CHECK(!strcmp(job_reason_code(JOB_R_AUTHENTICATION), "authentication-required"));
	CHECK(!strcmp(job_reason_code(JOB_R_SERVER_LOST_ASK), "server-lost"));
}

static void sentences_say_what_and_when(void)
{
	char s[256];

	setenv("TZ", "UTC", 1);
	job_reason_sentence(
		s, sizeof(s), JOB_R_SERVER_LOST_ASK, "PRINTSERVER", 10 * 3600 + 42 * 60);
	CHECK(!strcmp(s, "Held: PRINTSERVER lost at 10:42, waiting for you to choose a printer"));
	job_reason_sentence(s, sizeof(s), JOB_R_ACCEPTED_UNCONFIRMED, "PRINTSERVER", 1);
	CHECK(!strcmp(s, "accepted by PRINTSERVER, not confirmed"));
	job_reason_sentence(s, sizeof(s), JOB_R_SERVER_LOST_ASK, NULL, 10 * 3600 + 42 * 60);
	CHECK(!strcmp(s, "Held: server lost at 10:42, waiting for you to choose a printer"));
	job_reason_sentence(s, sizeof(s), JOB_R_REFUSED, "Not today. ", 1);
	CHECK(!strcmp(s, "Held: refused by the target: Not today"));
	job_reason_sentence(s, sizeof(s), JOB_R_REFUSED, "a\033[2Jb", 1);
	CHECK(!strchr(s, '\033'));
}

static void every_sentence_fits_and_has_no_full_stop(void)
{
	char arg[600], s[256], s2[600];

	memset(arg, 'x', sizeof(arg));
	arg[sizeof(arg) - 1] = '\0';
	for (int r = 1; r < JOB_REASON_COUNT; r++) {
		const char *try[] = {arg, NULL, "", "short."};

		for (size_t i = 0; i < 4; i++) {
			memset(s, 'Z', sizeof(s));
			job_reason_sentence(s, sizeof(s), r, try[i], 1700000000);
			CHECK(memchr(s, '\0', sizeof(s)));
			CHECK(strlen(s) > 5 && s[strlen(s) - 1] != '.' && s[strlen(s) - 1] != ' ');
			CHECK(!strchr(s, '{') && !strchr(s, '}'));
			CHECK(text_is_clean(s));
		}
		/* What stands behind a long argument is still there. */
		job_reason_sentence(s, sizeof(s), r, arg, 1700000000);
		job_reason_sentence(s2, sizeof(s2), r, "x", 1700000000);
		CHECK(!strcmp(s + strlen(s) - 4, s2 + strlen(s2) - 4) || strchr(s, 'x'));
		job_reason_sentence(s, sizeof(s), r, "A", 0);
		CHECK(strlen(s) < 200);
	}
	job_reason_sentence(s, sizeof(s), JOB_REASON_COUNT, "x", 1);
	CHECK(!strcmp(s, ""));
}

static void next_steps_name_real_commands_only(void)
{
	static const char *const verbs[] = {"release JOB", "cancel JOB", "print-again JOB",
		"fallback add", "setup", "check", "whoami"};

	for (int r = 0; r < JOB_REASON_COUNT; r++) {
		const char *step = job_reason_next_step(r);

		CHECK(step);
		for (const char *p = strstr(step, "stillprint "); p;
			p = strstr(p + 1, "stillprint ")) {
			bool known = false;

			for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
				known |= !strncmp(p + 11, verbs[i], strlen(verbs[i]));
			CHECK(known);
		}
	}
	CHECK(strstr(
		job_reason_next_step(JOB_R_MAY_HAVE_PRINTED), "stillprint release JOB --printed"));
	CHECK(strstr(job_reason_next_step(JOB_R_MAY_HAVE_PRINTED), "stillprint print-again JOB"));
	CHECK(strstr(
		job_reason_next_step(JOB_R_ACCEPTED_UNCONFIRMED), "stillprint release JOB --here"));
	CHECK(strstr(job_reason_next_step(JOB_R_SERVER_LOST_HELD),
		"stillprint release JOB --at-printer"));
}

int main(void)
{
	RUN(every_cell_of_the_table_is_as_designed);
	RUN(numbers_outside_the_table_move_nowhere);
	RUN(a_state_is_free_or_at_stake_or_over);
	RUN(names_and_codes_are_unique_and_lead_back);
	RUN(sentences_say_what_and_when);
	RUN(every_sentence_fits_and_has_no_full_stop);
	RUN(next_steps_name_real_commands_only);
	return tap_done();
}
