/* SPDX-License-Identifier: Apache-2.0 */
/* policy - what the backend may take in for a queue, as the daemon left it in the spool: "policy/QUEUE".
 *
 * A text file, one word per line: "accept-raw" (files that no filter looked at). Unknown words and '#' lines are
 * skipped. No file means nothing is allowed, so a daemon that never ran allows nothing. The folder is the daemon's
 * (stillprint:stillprint 0755): uid lp reads and cannot write. */
#pragma once

#include <stdbool.h>

struct policy {
	bool accept_raw;
};

/** policy_read() - for the CUPS queue @queue; everything forbidden where there is no file or it cannot be read */
void policy_read(const char *spool, const char *queue, struct policy *out);

/** policy_write() - for the daemon: replace the queue's file (0644) by temp, fsync and rename; makes the folder
 * Return: 0, -EINVAL for a name that CUPS does not allow, or -errno. */
int policy_write(const char *spool, const char *queue, const struct policy *policy);
