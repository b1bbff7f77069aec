/* SPDX-License-Identifier: Apache-2.0 */
/* outside-message - what goes between the server and its helper: both are the same program. */
#pragma once

#include "outside.h"

struct outside_question {
	char service[OUTSIDE_SERVICE_SIZE], user[OUTSIDE_NAME_SIZE], secret[OUTSIDE_NAME_SIZE],
		rhost[OUTSIDE_NAME_SIZE];
};
struct outside_answer {
	int32_t result;
	char name[OUTSIDE_NAME_SIZE];
};
