/* SPDX-License-Identifier: Apache-2.0 */
/* test-who - the words for whose a job is. */
#include <string.h>

#include "core/who.h"
#include "tap.h"

static void codes_are_unique_and_lead_back(void)
{
	for (int i = 0; i < WHO_COUNT; i++) {
		CHECK(who_from_code(who_code((enum who)i)) == (enum who)i);
		for (int k = 0; k < i; k++)
			CHECK(strcmp(who_code((enum who)i), who_code((enum who)k)) != 0);
	}
	CHECK(who_from_code("root") == WHO_NOT_ASKED);
	CHECK(!*who_code(WHO_COUNT) && !*who_sentence(WHO_COUNT));
}

static void one_word_alone_is_verified(void)
{
	for (int i = 0; i <= WHO_COUNT; i++)
		CHECK(!strcmp(who_shown((enum who)i), i == WHO_VERIFIED ? "verified" : "claimed"));
}

static void each_has_a_sentence_without_full_stop(void)
{
	for (int i = 0; i < WHO_COUNT; i++) {
		size_t n = strlen(who_sentence((enum who)i));

		CHECK(n > 10 && n < 100 && who_sentence((enum who)i)[n - 1] != '.');
	}
}

int main(void)
{
	RUN(codes_are_unique_and_lead_back);
	RUN(one_word_alone_is_verified);
	RUN(each_has_a_sentence_without_full_stop);
	return tap_done();
}
