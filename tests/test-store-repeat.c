/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-repeat - the same job taken once, and no wanted job swallowed: every way in which CUPS hands over again. */
#include "core/store.h"

#include "base/mono.h"
#include "tap.h"
#include "test-store-fixture.h"

enum { CREATED_S = 100000, PASS_S = 100010, HOUR_S = 3600 };

struct call { /* one call of the backend */
	const char *run;
	int64_t run_started_s, processing_s;
	int octets;
	char digest; /* another one in each pass, as with real filters */
	bool raw, banner;
};

static const struct call first = {"100-1", PASS_S - 500, PASS_S, 500, 'a', false, false};
/* cupsd was killed, and systemd started another at once. */
static const struct call after_kill = {"200-2", PASS_S + 3, PASS_S + 4, 500, 'b', false, false};

static int hand_over(struct store *s, struct store_job *out, struct call c)
{
	static int number;
	struct store_job j = job_like("");

	snprintf(j.document_uuid, sizeof(j.document_uuid), "doc-%d", ++number);
	strcpy(j.cups_run, c.run);
	j.created_s = CREATED_S;
	j.processing_s = c.processing_s;
	j.octets = c.octets;
	j.raw = c.raw;
	j.banner = c.banner;
	memset(j.sha256, c.digest, sizeof(j.sha256));
	*out = j;
	return store_job_add(s, out, &key, c.run_started_s);
}

static struct call with(struct call c, int octets, char digest)
{
	c.octets = octets;
	c.digest = digest;
	return c;
}

static bool is_plain(const struct store_job *j)
{
	return j->state == JOB_PENDING && j->reason == JOB_R_STORED && j->reason_arg[0] == '\0';
}

static bool is_held_for(const struct store_job *j, const struct store_job *other)
{
	return j->state == JOB_HELD && j->reason == JOB_R_PRINTED_BEFORE &&
	       atoi(j->reason_arg) == other->id;
}

static bool is_repeat_of(struct store *s, const struct store_job *j, const struct store_job *other)
{
	struct store_job row;
	struct seal_key k;

	return j->state == JOB_REPEATED && j->reason == JOB_R_HANDED_OVER_TWICE && j->ended_s > 0 &&
	       atoi(j->reason_arg) == other->id && store_job_key(s, j->id, &k) == STORE_E_GONE &&
	       store_job_get(s, j->id, &row) == 0 && row.state == JOB_REPEATED &&
	       row.file[0] == '\0';
}

static void the_same_file_twice_in_one_call_is_two_jobs(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, c;

	CHECK(hand_over(s, &a, first) == 0 && is_plain(&a) && a.ordinal == 1);
	CHECK(hand_over(s, &b, first) == 0 && is_plain(&b) && b.ordinal == 2);
	CHECK(hand_over(s, &c, with(first, 500, 'x')) == 0 && is_plain(&c) && c.ordinal == 3);
}

static void cupsd_killed_between_two_documents_repeats_the_first_only(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, a2, b;

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(hand_over(s, &a2, after_kill) == STORE_E_REPEAT && is_repeat_of(s, &a2, &a));
	CHECK(hand_over(s, &b, with(after_kill, 700, 'c')) == 0 && is_plain(&b) && b.ordinal == 2);
}

static void cupsd_killed_within_the_same_file_twice_prints_it_twice(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, a2, b;

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(hand_over(s, &a2, after_kill) == STORE_E_REPEAT);
	CHECK(hand_over(s, &b, after_kill) == 0 &&
		is_plain(&b)); /* the second wish, never taken before */
}

static void cupsd_killed_after_both_repeats_both(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, a2, b2;

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(hand_over(s, &b, first) == 0);
	CHECK(hand_over(s, &a2, after_kill) == STORE_E_REPEAT && is_repeat_of(s, &a2, &a));
	CHECK(hand_over(s, &b2, after_kill) == STORE_E_REPEAT && is_repeat_of(s, &b2, &b));
}

static void two_documents_taken_in_the_other_order_are_repeats_still(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, c;

	CHECK(hand_over(s, &a, with(first, 1, 'a')) == 0);
	CHECK(hand_over(s, &b, with(first, 2, 'b')) == 0);
	CHECK(hand_over(s, &c, with(after_kill, 2, 'c')) == STORE_E_REPEAT &&
		is_repeat_of(s, &c, &b));
	CHECK(hand_over(s, &c, with(after_kill, 1, 'd')) == STORE_E_REPEAT &&
		is_repeat_of(s, &c, &a));
}

static void cupsd_killed_twice_repeats_the_first_taking(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;
	struct call third = {"300-3", PASS_S + 60, PASS_S + 61, 500, 'z', false, false};

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(hand_over(s, &b, after_kill) == STORE_E_REPEAT);
	CHECK(hand_over(s, &b, third) == STORE_E_REPEAT && is_repeat_of(s, &b, &a));
}

static void a_repeat_is_one_whatever_became_of_the_first(void)
{
	for (int how = 0; how < 4; how++) {
		AUTO(store_freep) struct store *s = store_fresh();
		struct store_job a, b;

		CHECK(hand_over(s, &a, first) == 0);
		CHECK(how != 1 || job_finish(s, &a) == 0);
		CHECK(how != 2 || job_give_up(s, &a, JOB_CANCELED) == 0);
		CHECK(how != 3 || job_give_up(s, &a, JOB_EXPIRED) == 0);
		CHECK(hand_over(s, &b, after_kill) == STORE_E_REPEAT && is_repeat_of(s, &b, &a));
	}
}

static void a_second_copy_rescues_one_damaged_in_the_spool(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(job_give_up(s, &a, JOB_ABORTED) == 0);
	CHECK(hand_over(s, &b, after_kill) == 0 && is_plain(&b));
}

static void both_handed_over_while_the_daemon_was_down_is_a_repeat(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;

	/* stored_s of the first is now, long after both runs began. */
	CHECK(hand_over(s, &a, first) == 0 && a.stored_s > after_kill.run_started_s);
	CHECK(hand_over(s, &b, after_kill) == STORE_E_REPEAT);
}

static void restart_by_the_user_is_held_if_it_printed_or_may_have(void)
{
	for (int how = 0; how < 5; how++) {
		AUTO(store_freep) struct store *s = store_fresh();
		struct store_job a, b;
		struct store_attempt at = {.kind = TARGET_UPSTREAM};
		struct call again = first;

		again.processing_s += 300; /* lp -i 7 -H restart */
		again.digest = 'r';
		CHECK(hand_over(s, &a, first) == 0);
		CHECK(how != 1 || job_finish(s, &a) == 0);
		if (how >= 2)
			CHECK(store_attempt_begin(s, &a, &at) == 0 &&
				store_attempt_created(s, &a, &at) == 0);
		if (how >= 3) {
			a.state = JOB_SENDING;
			CHECK(store_job_move(s, &a, JOB_CREATED) == 0);
		}
		if (how >= 4) {
			a.state = JOB_UNKNOWN;
			CHECK(store_job_move(s, &a, JOB_SENDING) == 0);
		}
		/* Waiting, too: both might print, and neither wish is lost. */
		CHECK(hand_over(s, &b, again) == 0 && is_held_for(&b, &a));
	}
}

static void restart_by_the_user_of_what_was_given_up_is_a_job(void)
{
	static const enum job_state given_up[] = {JOB_CANCELED, JOB_EXPIRED, JOB_ABORTED};

	for (int i = 0; i < 3; i++) {
		AUTO(store_freep) struct store *s = store_fresh();
		struct store_job a, b;
		struct call again = first;

		again.processing_s += 300;
		CHECK(hand_over(s, &a, first) == 0);
		CHECK(job_give_up(s, &a, given_up[i]) == 0);
		CHECK(hand_over(s, &b, again) == 0 && is_plain(&b));
	}
}

static void restart_by_the_user_with_other_options_is_a_job(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;
	struct call again = with(first, 321, 'o');

	again.processing_s += 300;
	CHECK(hand_over(s, &a, first) == 0);
	CHECK(job_finish(s, &a) == 0);
	CHECK(hand_over(s, &b, again) == 0 && is_plain(&b));
}

static void restart_after_a_repeat_in_the_new_run_is_not_swallowed(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, c;
	struct call wish = after_kill;

	wish.processing_s += 100; /* another pass of the same run: not cupsd's own doing */
	CHECK(hand_over(s, &a, first) == 0);
	CHECK(job_finish(s, &a) == 0);
	CHECK(hand_over(s, &b, after_kill) == STORE_E_REPEAT);
	CHECK(hand_over(s, &c, wish) == 0 && is_held_for(&c, &a));
}

static void restart_long_after_cupsd_came_back_is_not_swallowed(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;
	struct call wish = after_kill;

	wish.processing_s = wish.run_started_s + 601;
	CHECK(hand_over(s, &a, first) == 0);
	CHECK(job_finish(s, &a) == 0);
	CHECK(hand_over(s, &b, wish) == 0 && is_held_for(&b, &a));
}

static void the_next_day_it_is_held_printed_or_not(void)
{
	for (int how = 0; how < 3; how++) {
		AUTO(store_freep) struct store *s = store_fresh();
		struct store_job a, b;
		struct call next_day = {"50-9", PASS_S + 20 * HOUR_S, PASS_S + 20 * HOUR_S + 5, 500,
			'n', false, false};

		CHECK(hand_over(s, &a, first) == 0);
		CHECK(how != 1 || job_finish(s, &a) == 0);
		CHECK(how != 2 || job_give_up(s, &a, JOB_CANCELED) == 0);
		CHECK(hand_over(s, &b, next_day) == 0 && is_held_for(&b, &a));
	}
}

static void the_hour_is_an_hour(void)
{
	for (int over = 0; over < 2; over++) {
		AUTO(store_freep) struct store *s = store_fresh();
		struct store_job a, b;
		struct call later = {"200-2", PASS_S + HOUR_S + over, PASS_S + HOUR_S + 9, 500, 'b',
			false, false};

		CHECK(hand_over(s, &a, first) == 0);
		CHECK(hand_over(s, &b, later) == (over ? 0 : STORE_E_REPEAT));
		CHECK(!over || is_held_for(&b, &a));
	}
}

static void a_clock_set_back_makes_doubt_not_a_repeat(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;
	struct call back = {"200-2", PASS_S - HOUR_S, PASS_S - HOUR_S + 5, 500, 'b', false, false};

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(hand_over(s, &b, back) == 0 && is_held_for(&b, &a));
}

static void another_size_at_the_same_place_after_a_crash_is_held(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, c;

	CHECK(hand_over(s, &a, first) == 0);
	CHECK(hand_over(s, &b, with(after_kill, 501, 'b')) == 0 && is_held_for(&b, &a));
	CHECK(hand_over(s, &c, with(after_kill, 900, 'c')) == 0 && is_plain(&c));
}

static void a_banner_is_a_repeat_at_its_place(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, a2, b2, c;
	struct call banner = with(first, 90, 'k'), banner_again = with(after_kill, 91, 'l');

	banner.banner = banner_again.banner = true;
	CHECK(hand_over(s, &a, banner) == 0);
	CHECK(hand_over(s, &b, first) == 0);
	CHECK(hand_over(s, &a2, banner_again) == STORE_E_REPEAT && is_repeat_of(s, &a2, &a));
	CHECK(hand_over(s, &b2, after_kill) == STORE_E_REPEAT && is_repeat_of(s, &b2, &b));
	CHECK(hand_over(s, &c, banner_again) == 0 && is_plain(&c)); /* the one at the end */
}

static void raw_files_are_known_by_their_digest(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b, c;
	struct call raw = first, again = with(after_kill, 500, 'a');

	raw.raw = again.raw = true;
	CHECK(hand_over(s, &a, raw) == 0);
	CHECK(hand_over(s, &b, again) == STORE_E_REPEAT && is_repeat_of(s, &b, &a));
	again.digest = 'q';
	CHECK(hand_over(s, &c, again) == 0 && is_plain(&c));
}

static void a_uuid_chosen_by_the_client_ties_no_jobs_together(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a = job_like("d1"), b = job_like("d2"), c = job_like("d3");

	b.cups_job_id = 8; /* the same document and uuid, sent once more */
	strcpy(c.cups_run, "200-2");
	c.created_s = 1001; /* job numbers began anew */
	CHECK(store_job_add(s, &a, &key, 1900) == 0);
	CHECK(store_job_add(s, &b, &key, 1900) == 0 && is_plain(&b));
	CHECK(store_job_add(s, &c, &key, 2003) == 0 && is_plain(&c));
}

static void a_uuid_reused_for_a_different_document_is_a_job(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a = job_like("d1"), b = job_like("d2");

	b.cups_job_id = 8;
	b.octets = 9;
	memset(b.sha256, 'g', sizeof(b.sha256));
	CHECK(store_job_add(s, &a, &key, 1900) == 0);
	CHECK(store_job_add(s, &b, &key, 1900) == 0 && is_plain(&b));
}

static void held_for_another_reason_it_still_says_printed_before(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a = job_like("d1"), b = job_like("d2"), c = job_like("d3");

	b.processing_s += 50;
	b.state = JOB_HELD;
	b.reason = JOB_R_NO_QUEUE; /* which would let it go by itself one day */
	CHECK(store_job_add(s, &a, &key, 1900) == 0);
	CHECK(store_job_add(s, &b, &key, 1900) == 0 && is_held_for(&b, &a));
	c.cups_job_id = 99;
	c.state = JOB_HELD;
	c.reason = JOB_R_FOREIGN_HOST;
	strcpy(c.reason_arg, "elsewhere");
	CHECK(store_job_add(s, &c, &key, 1900) == 0);
	CHECK(c.state == JOB_HELD && c.reason == JOB_R_FOREIGN_HOST &&
		!strcmp(c.reason_arg, "elsewhere"));
}

static void the_same_document_of_ours_is_in_already(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a = job_like("d1"), b = job_like("d1");

	CHECK(store_job_add(s, &a, &key, 1900) == 0);
	CHECK(store_job_add(s, &b, &key, 1900) == STORE_E_EXISTS && b.id == a.id);
	CHECK(number_of(s, "SELECT count(*) FROM job") == 1);
}

static void a_pass_without_time_is_told_by_its_run(void)
{
	AUTO(store_freep) struct store *s = store_fresh();
	struct store_job a, b;
	struct call one = first, two = after_kill;

	one.processing_s = two.processing_s = 0;
	one.run_started_s = mono_utc_s() - 100;
	two.run_started_s = mono_utc_s();
	CHECK(hand_over(s, &a, one) == 0);
	CHECK(hand_over(s, &b, two) == STORE_E_REPEAT);
}

int main(void)
{
	folder_init("test-store-repeat");
	RUN(the_same_file_twice_in_one_call_is_two_jobs);
	RUN(cupsd_killed_between_two_documents_repeats_the_first_only);
	RUN(cupsd_killed_within_the_same_file_twice_prints_it_twice);
	RUN(cupsd_killed_after_both_repeats_both);
	RUN(two_documents_taken_in_the_other_order_are_repeats_still);
	RUN(cupsd_killed_twice_repeats_the_first_taking);
	RUN(a_repeat_is_one_whatever_became_of_the_first);
	RUN(a_second_copy_rescues_one_damaged_in_the_spool);
	RUN(both_handed_over_while_the_daemon_was_down_is_a_repeat);
	RUN(restart_by_the_user_is_held_if_it_printed_or_may_have);
	RUN(restart_by_the_user_of_what_was_given_up_is_a_job);
	RUN(restart_by_the_user_with_other_options_is_a_job);
	RUN(restart_after_a_repeat_in_the_new_run_is_not_swallowed);
	RUN(restart_long_after_cupsd_came_back_is_not_swallowed);
	RUN(the_next_day_it_is_held_printed_or_not);
	RUN(the_hour_is_an_hour);
	RUN(a_clock_set_back_makes_doubt_not_a_repeat);
	RUN(another_size_at_the_same_place_after_a_crash_is_held);
	RUN(a_banner_is_a_repeat_at_its_place);
	RUN(raw_files_are_known_by_their_digest);
	RUN(a_uuid_chosen_by_the_client_ties_no_jobs_together);
	RUN(a_uuid_reused_for_a_different_document_is_a_job);
	RUN(held_for_another_reason_it_still_says_printed_before);
	RUN(the_same_document_of_ours_is_in_already);
	RUN(a_pass_without_time_is_told_by_its_run);
	folder_remove();
	return tap_done();
}
