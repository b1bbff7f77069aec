/* SPDX-License-Identifier: Apache-2.0 */
/* who - whose word it is that a job is its owner's: one word, one code, one sentence.
 *
 * Verified takes two: cupsd checked the local user name that came with the job, and the login service says that this
 * user is logged in with the server's credentials. All else is claimed, and the word says what is missing. */
#pragma once

#include <stdbool.h>

enum who {
	WHO_NOT_ASKED = 0,
	WHO_VERIFIED,
	WHO_UNCHECKED, /* cupsd did not check the name */
	WHO_NO_LOGIN, /* no session of that user is known */
	WHO_OTHER_LOGIN, /* there is one, but not by password, or others say otherwise */
	WHO_NO_VERIFIER, /* no login service runs here */
	WHO_NO_ANSWER, /* cupsd or the login service did not answer in time */
	WHO_COUNT
};

const char *who_code(enum who who); /* "verified", "no-login", …; "" before it was asked */
enum who who_from_code(const char *code); /* WHO_NOT_ASKED if unknown */
/* What users are shown: "verified" or "claimed". */
const char *who_shown(enum who who);
/* Why, as one sentence without its full stop. */
const char *who_sentence(enum who who);
