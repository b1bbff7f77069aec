/* SPDX-License-Identifier: Apache-2.0 */
/* audit - what was done, by whom and about whom: lines that are only added, names that can be taken back.
 *
 * A line never changes; triggers see to that. It holds numbers instead of names, and audit_name says which name is which:
 * who is erased gets a pseudonym there, the same in each line. The view audit_line shows the lines with names. */
#pragma once

#include <stdint.h>

#include "core/sql.h"

/* NULL is "". @detail holds no name of a person: it cannot be erased. */
struct audit {
	int64_t at_ms; /* Unix UTC */
	const char *event;
	const char *who; /* who did it: a person, a program, or "anna at urn:uuid:…" */
	const char *decided_by; /* by whose right: the same, "administrator", "server", a service */
	const char *about; /* the person whom it concerns, if that is not who did it */
	int32_t job_id; /* 0: none */
	const char *detail;
};

/* In the caller's transaction, if there is one. 0 or -errno. */
int audit_write(struct sql *s, const struct audit *line);

/* @name, and what is said of him at machines, becomes "erased-N" in all lines. 0 or -errno. */
int audit_erase(struct sql *s, const char *name);

/* Lines of more than 400 days before @now_ms, some at a time: the only ones that may go. 0 or -errno. */
int audit_prune(struct sql *s, int64_t now_ms);
