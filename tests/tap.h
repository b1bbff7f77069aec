/* SPDX-License-Identifier: Apache-2.0 */
/* tap - print Test Anything Protocol; include from exactly one file per test program. */
#pragma once

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static int tap_run, tap_failed;
static bool tap_bad;
static const char *tap_skip_why;

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			tap_bad = true; \
			printf("# %s:%d: not so: %s\n", __FILE__, __LINE__, #cond); \
		} \
	} while (0)

/* Inside a test: what cannot run here, with its reason; CI counts a skip as a failure. */
#define SKIP(why) \
	do { \
		tap_skip_why = (why); \
		return; \
	} while (0)

#define RUN(fn) tap_one((fn), #fn)

static inline void tap_one(void (*fn)(void), const char *name)
{
	tap_bad = false;
	tap_skip_why = NULL;
	fn();
	tap_failed += tap_bad;
	printf("%s %d - %s%s%s\n", tap_bad ? "not ok" : "ok", ++tap_run, name,
		tap_skip_why ? " # SKIP " : "", tap_skip_why ? tap_skip_why : "");
}

static inline int tap_done(void)
{
	printf("1..%d\n", tap_run);
	return tap_failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
