/* SPDX-License-Identifier: Apache-2.0 */
/* who - see who.h. */
#include "core/who.h"

#include <string.h>

static const struct {
	const char *code, *sentence;
} words[WHO_COUNT] = {
	[WHO_NOT_ASKED] = {"", "It is being found out who printed it"},
	[WHO_VERIFIED] = {"verified", "Logged in on this computer with the server's credentials"},
	[WHO_UNCHECKED] = {"unchecked", "CUPS did not check the user name that the job came with"},
	[WHO_NO_LOGIN] = {"no-login",
		"This user is not logged in on this computer with the server's credentials"},
	[WHO_OTHER_LOGIN] = {"other-login",
		"The login here was not by a password that the server knows, or logins differ"},
	[WHO_NO_VERIFIER] = {"no-verifier", "No login service of Stillprint runs on this computer"},
	[WHO_NO_ANSWER] = {"no-answer", "Who printed it could not be found out in time"},
};

const char *who_code(enum who who)
{
	return (unsigned)who < WHO_COUNT ? words[who].code : "";
}

enum who who_from_code(const char *code)
{
	for (int i = 0; i < WHO_COUNT; i++)
		if (!strcmp(words[i].code, code))
			return (enum who)i;
	return WHO_NOT_ASKED;
}

const char *who_shown(enum who who)
{
	return who == WHO_VERIFIED ? "verified" : "claimed";
}

const char *who_sentence(enum who who)
{
	return (unsigned)who < WHO_COUNT ? words[who].sentence : "";
}
