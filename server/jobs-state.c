/* SPDX-License-Identifier: Apache-2.0 */
/* jobs-state - the table of states and legal moves, and what IPP says of each (docs/wire.md "A job"). */
#include <stdio.h>
#include <string.h>

#include "core/vendor.h"
#include "jobs.h"

#define TO(state) (1u << JOBS_##state)
/* The holder's word, at any time: it alone has the document. */
#define OVER (TO(COMPLETED) | TO(CANCELED) | TO(ABORTED))

static const struct {
	const char *name;
	unsigned may_move_to; /* bits */
	bool over;
	const char *reason[2];
} states[JOBS_STATE_COUNT] = {
	/* To sending: printed elsewhere while the server was away (an attempt with X-diverted-to). */
	[JOBS_HELD] = {"held", TO(RELEASED) | TO(SENDING) | OVER, false,
		{"job-held-for-release", "job-data-insufficient"}},
	[JOBS_RELEASED] = {"released", TO(HELD) | TO(CLAIMED) | OVER, false, {"job-fetchable"}},
	[JOBS_CLAIMED] = {"claimed", TO(HELD) | TO(SENDING) | TO(CANCELING) | TO(DOUBT) | OVER,
		false, {"job-transferring"}},
	/* To held: on the holder's word that nothing printed. */
	[JOBS_SENDING] = {"sending", TO(HELD) | TO(CANCELING) | TO(DOUBT) | OVER, false,
		{"job-transferring"}},
	[JOBS_CANCELING] = {"canceling", OVER, false, {"processing-to-stop-point"}},
	/* Its user decides at the holder: it printed, print again (here or anywhere), give it up. */
	[JOBS_DOUBT] = {"doubt", TO(HELD) | TO(CLAIMED) | TO(SENDING) | TO(CANCELING) | OVER, false,
		{VENDOR_R_OUTCOME_UNKNOWN}},
	[JOBS_COMPLETED] = {"completed", 0, true, {"job-completed-successfully"}},
	/* What the server ended by itself, the holder may have printed before it heard of that. */
	[JOBS_CANCELED] = {"canceled", TO(COMPLETED) | TO(ABORTED), true, {"job-canceled-by-user"}},
	[JOBS_ABORTED] = {"aborted", TO(COMPLETED) | TO(CANCELED), true, {"aborted-by-system"}},
};

static bool is_state(enum jobs_state state)
{
	return (unsigned)state < JOBS_STATE_COUNT && states[state].name;
}

const char *jobs_state_name(enum jobs_state state)
{
	return is_state(state) ? states[state].name : NULL;
}

enum jobs_state jobs_state_from_name(const char *name)
{
	for (int i = 1; i < JOBS_STATE_COUNT; i++)
		if (!strcmp(states[i].name, name))
			return (enum jobs_state)i;
	return 0;
}

bool jobs_may_move(enum jobs_state from, enum jobs_state to)
{
	return is_state(from) && is_state(to) && (states[from].may_move_to & (1u << to));
}

bool jobs_is_over(enum jobs_state state)
{
	return is_state(state) && states[state].over;
}

int32_t jobs_ipp_state(const struct jobs_job *j)
{
	switch (j->state) {
	case JOBS_HELD:
		return IPP_JSTATE_HELD;
	case JOBS_RELEASED:
		return IPP_JSTATE_PENDING;
	case JOBS_CLAIMED:
		return j->device_state == IPP_JSTATE_STOPPED ? IPP_JSTATE_STOPPED
							     : IPP_JSTATE_PENDING;
	case JOBS_SENDING:
		return j->device_state == IPP_JSTATE_STOPPED ? IPP_JSTATE_STOPPED
							     : IPP_JSTATE_PROCESSING;
	case JOBS_CANCELING: /* as before */
		return j->device_state >= IPP_JSTATE_PROCESSING ? j->device_state
								: IPP_JSTATE_PENDING;
	case JOBS_DOUBT:
		return IPP_JSTATE_STOPPED;
	case JOBS_COMPLETED:
		return IPP_JSTATE_COMPLETED;
	case JOBS_CANCELED:
		return IPP_JSTATE_CANCELED;
	default:
		return IPP_JSTATE_ABORTED;
	}
}

static int add_reason(
	char out[JOBS_REASONS_MAX][JOBS_REASON_SIZE], int n, const char *reason, size_t length)
{
	if (!length || length >= JOBS_REASON_SIZE || n >= JOBS_REASONS_MAX)
		return n;
	for (int i = 0; i < n; i++)
		if (strlen(out[i]) == length && !memcmp(out[i], reason, length))
			return n;
	memcpy(out[n], reason, length);
	out[n][length] = '\0';
	return n + 1;
}

int jobs_reasons(const struct jobs_job *j, char out[JOBS_REASONS_MAX][JOBS_REASON_SIZE])
{
	bool theirs = jobs_is_over(j->state) && j->ended_by_holder && *j->device_reasons;
	const char *const *own = is_state(j->state) ? states[j->state].reason : NULL;
	int n = 0;

	for (int i = 0; own && i < 2 && own[i] && !theirs; i++)
		n = add_reason(out, n, own[i], strlen(own[i]));
	for (const char *p = j->device_reasons; *p; p += strcspn(p, " "), p += *p == ' ')
		n = add_reason(out, n, p, strcspn(p, " "));
	if (j->lapsed && !jobs_is_over(j->state))
		n = add_reason(
			out, n, VENDOR_R_HOLDER_UNREACHABLE, strlen(VENDOR_R_HOLDER_UNREACHABLE));
	if (!n)
		n = add_reason(out, n, "none", 4);
	return n;
}
