/* SPDX-License-Identifier: Apache-2.0 */
/* job - see job.h. */
#include "core/job.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/text.h"

#define TO(state) (1u << JOB_##state)

static const struct {
	const char *name;
	unsigned may_move_to; /* bits; 0: final */
	bool free; /* no octet of the document can have left in this attempt */
} states[JOB_STATE_COUNT] = {
	[JOB_PENDING] = {"pending",
		TO(HELD) | TO(CREATING) | TO(CANCELED) | TO(ABORTED) | TO(EXPIRED), true},
	[JOB_HELD] = {"held", TO(PENDING) | TO(CREATING) | TO(CANCELED) | TO(ABORTED) | TO(EXPIRED),
		true},
	[JOB_CREATING] = {"creating",
		TO(CREATED) | TO(PENDING) | TO(HELD) | TO(CANCELED) | TO(ABORTED), true},
	[JOB_CREATED] = {"created",
		TO(SENDING) | TO(PENDING) | TO(HELD) | TO(CANCELED) | TO(ABORTED), true},
	/* Back to pending or held from here on: only on the device's word, or by the user's own act. */
	[JOB_SENDING] = {"sending", TO(SENT) | TO(UNKNOWN) | TO(PENDING) | TO(HELD) |
					    TO(COMPLETED) | TO(CANCELED) | TO(ABORTED)},
	[JOB_SENT] = {"sent", TO(COMPLETED) | TO(CANCELED) | TO(UNKNOWN) | TO(PENDING) | TO(HELD) |
				      TO(ABORTED) | TO(EXPIRED)},
	[JOB_UNKNOWN] = {"unknown",
		TO(COMPLETED) | TO(PENDING) | TO(HELD) | TO(CANCELED) | TO(EXPIRED)},
	[JOB_COMPLETED] = {"completed"},
	[JOB_CANCELED] = {"canceled"},
	[JOB_ABORTED] = {"aborted"},
	[JOB_EXPIRED] = {"expired"},
	[JOB_REPEATED] = {"repeated"},
};

#define NEXT_CHOOSE \
	"Print at a fallback printer: stillprint release JOB; give it up: stillprint cancel JOB"
#define NEXT_WAIT "Nothing to do; give it up: stillprint cancel JOB"
#define NEXT_AGAIN "Try again: stillprint release JOB; give it up: stillprint cancel JOB"
#define NEXT_PRINT_IT "Print it: stillprint release JOB; give it up: stillprint cancel JOB"
#define NEXT_UNKNOWN \
	"Look at the printer: it printed: stillprint release JOB --printed; " \
	"print again: stillprint print-again JOB"
#define NEXT_HERE \
	"Print it here too, perhaps twice: stillprint release JOB --here; " \
	"give it up: stillprint cancel JOB"

/* {a} is the argument, {t} the time; the second sentence is for no argument. */
static const struct {
	const char *code, *sentence, *bare, *next;
} reasons[JOB_REASON_COUNT] = {
	[JOB_R_NONE] = {"none", "", "", ""},
	[JOB_R_STORED] = {"stored", "Stored here, about to be sent to {a}",
		"Stored here, about to be sent", NEXT_WAIT},
	[JOB_R_DELIVERING] = {"delivering", "On its way to {a}", "On its way", NEXT_WAIT},
	[JOB_R_CHECKING_SERVER] = {"checking-server",
		"{a} does not answer since {t}, checking whether it is lost",
		"The server does not answer since {t}, checking whether it is lost", NEXT_WAIT},
	[JOB_R_SERVER_LOST_ASK] = {"server-lost",
		"Held: {a} lost at {t}, waiting for you to choose a printer",
		"Held: server lost at {t}, waiting for you to choose a printer", NEXT_CHOOSE},
	[JOB_R_SERVER_LOST_HOLD] = {"server-lost-hold",
		"Held: {a} lost at {t}, will be sent when it is back",
		"Held: server lost at {t}, will be sent when it is back", NEXT_CHOOSE},
	[JOB_R_SERVER_LOST_NEVER] = {"server-lost-never",
		"Held: {a} lost at {t}, this queue waits for it and uses no other printer",
		"Held: server lost at {t}, this queue waits for it and uses no other printer",
		NEXT_WAIT},
	[JOB_R_SERVER_LOST_HELD] = {"server-lost-at-printer",
		"Held: {a} lost at {t}, confirm that you are at the printer",
		"Held: server lost at {t}, confirm that you are at the printer",
		"When you stand at the printer: stillprint release JOB --at-printer"},
	[JOB_R_OUTAGE_PLANNED] = {"outage-planned", "Held: planned outage of the server: {a}",
		"Held: planned outage of the server", NEXT_CHOOSE},
	[JOB_R_NO_FALLBACK_READY] = {"no-fallback-ready",
		"Held: no fallback printer can take it: {a}",
		"Held: no fallback printer can take it",
		"Name another printer: stillprint fallback add ADDRESS; try again: "
		"stillprint release JOB"},
	[JOB_R_OFFLINE] = {"offline", "Held: this computer has no network since {t}",
		"Held: this computer has no network since {t}", NEXT_WAIT},
	[JOB_R_AUTHENTICATION] = {"authentication-required",
		"Held: {a} wants another user or password",
		"Held: the server wants another user or password",
		"Tell the administrator to set the queue's login, then: stillprint release JOB"},
	[JOB_R_CERTIFICATE] = {"certificate-changed",
		"Held: the certificate of {a} is not the one seen before",
		"Held: the target's certificate is not the one seen before",
		"Ask the administrator whether the change is right; a server of ours is met again with a "
		"new code (stillprint setup --server HOST --code CODE). Then: stillprint release JOB"},
	[JOB_R_TLS_REQUIRED] = {"tls-required",
		"Held: {a} offers no encryption, which the policy requires",
		"Held: the target offers no encryption, which the policy requires", NEXT_AGAIN},
	[JOB_R_REFUSED] = {"refused", "Held: refused by the target: {a}",
		"Held: refused by the target", NEXT_AGAIN},
	[JOB_R_LOOP] = {"loop", "Held: {a} leads back to a Stillprint queue",
		"Held: the target leads back to a Stillprint queue",
		"Tell the administrator: stillprint check shows the queue"},
	[JOB_R_REGISTERED] = {"registered", "Stored here; release it at the device",
		"Stored here; release it at the device",
		"Release it at the device, or from here: stillprint release JOB --device NAME; "
		"give it up: stillprint cancel JOB"},
	[JOB_R_RELEASED] = {"released", "Released at {t}, on its way to {a}",
		"Released at {t}, on its way to the device", NEXT_WAIT},
	[JOB_R_GIVEN_BACK] = {"given-back", "Held again: {a}", "Held again at {t}",
		"Release it again, there or at another device; give it up: stillprint cancel JOB"},
	[JOB_R_NOT_ENROLLED] = {"not-enrolled", "Held: {a} does not accept this computer",
		"Held: the server does not accept this computer",
		"Tell the administrator to enrol it anew: stillprint setup --server HOST --code CODE; "
		"then: stillprint release JOB"},
	[JOB_R_NOT_VERIFIED] = {"not-verified",
		"Held: nobody has checked that it is you who prints: {a}",
		"Held: nobody has checked that it is you who prints",
		"Log in again with your password, then it goes on by itself; "
		"stillprint whoami tells who you are; give it up: stillprint cancel JOB"},
	[JOB_R_BUSY] = {"busy", "{a} is busy, sent as soon as it is ready",
		"The target is busy, sent as soon as it is ready", NEXT_WAIT},
	[JOB_R_FORMAT] = {"format-unsupported", "Held: {a} cannot print this kind of document",
		"Held: the target cannot print this kind of document", NEXT_AGAIN},
	[JOB_R_PRINTED_BEFORE] = {"printed-before",
		"Held: the same document was taken before as job {a}",
		"Held: the same document was taken before", NEXT_PRINT_IT},
	[JOB_R_FOREIGN_HOST] = {"foreign-host", "Held: it came from another computer, {a}",
		"Held: it came from another computer", NEXT_PRINT_IT},
	[JOB_R_NO_QUEUE] = {"no-queue", "Held: the queue {a} is not set up in Stillprint",
		"Held: its queue is not set up in Stillprint",
		"Tell the administrator: stillprint setup; then: stillprint release JOB"},
	[JOB_R_ABORTED_AT_DEVICE] = {"aborted-at-device", "Held: the printer gave up at {t}: {a}",
		"Held: the printer gave up at {t}", NEXT_AGAIN},
	[JOB_R_ABORTED_PRIVATE] = {"aborted-private",
		"The printer gave up at {t}, and this queue keeps no document: {a}",
		"The printer gave up at {t}, and this queue keeps no document",
		"Print the document again from its program"},
	[JOB_R_ACCEPTED] = {"accepted", "Accepted by {a}, waiting for its last word",
		"Accepted by the target, waiting for its last word", NEXT_WAIT},
	[JOB_R_ACCEPTED_HELD] = {"accepted-held",
		"Accepted by {a}, which holds it for you to release",
		"Accepted by the server, which holds it for you to release",
		"Release it at the device; give it up: stillprint cancel JOB"},
	[JOB_R_ACCEPTED_UNCONFIRMED] = {"accepted-unconfirmed", "accepted by {a}, not confirmed",
		"accepted by the server, not confirmed", NEXT_HERE},
	[JOB_R_PRINTING] = {"printing", "Printing at {a}", "Printing", NEXT_WAIT},
	[JOB_R_DEVICE_STOPPED] = {"device-stopped", "The printer needs attention since {t}: {a}",
		"The printer needs attention since {t}",
		"Look after the printer; give it up: stillprint cancel JOB"},
	[JOB_R_MAY_HAVE_PRINTED] = {"may-have-printed", "May have printed at {t} on {a}",
		"May have printed at {t}", NEXT_UNKNOWN},
	[JOB_R_GONE_AT_SERVER] = {"gone-at-server",
		"May have printed: {a} accepted it, but no longer knows it at {t}",
		"May have printed: the server accepted it, but no longer knows it at {t}",
		NEXT_UNKNOWN},
	[JOB_R_DEVICE_REPORTED] = {"device-reported", "Printed at {t}, reported by the printer {a}",
		"Printed at {t}, reported by the printer", ""},
	[JOB_R_SERVER_REPORTED] = {"server-reported", "Printed at {t}, reported by the server {a}",
		"Printed at {t}, reported by the server", ""},
	[JOB_R_USER_REPORTED] = {"user-reported", "Printed, as {a} said at {t}",
		"Printed, as its user said at {t}", ""},
	[JOB_R_CANCELED_BY_USER] = {"canceled-by-user", "Canceled at {t} by {a}", "Canceled at {t}",
		""},
	[JOB_R_CANCELED_AT_DEVICE] = {"canceled-at-device", "Canceled at {t} at {a}",
		"Canceled at {t} at the printer", ""},
	[JOB_R_SESSION_ENDED] = {"session-ended", "Erased at {t} without printing: {a}",
		"Erased at {t} without printing: its user left this public computer",
		"Log in and print the document again"},
	[JOB_R_CANCELED_AT_SERVER] = {"canceled-at-server", "Canceled at {t} at {a}",
		"Canceled at {t} at the server", ""},
	[JOB_R_DAMAGED] = {"damaged", "Not printed: its file in the spool is damaged: {a}",
		"Not printed: its file in the spool is damaged",
		"Print the document again from its program"},
	[JOB_R_EXPIRED] = {"expired", "Erased at {t} without printing: it waited longer than {a}",
		"Erased at {t}: it waited longer than allowed",
		"Print the document again from its program"},
	[JOB_R_SPOOL_FULL] = {"spool-full",
		"Erased at {t}: the spool was full and it was the oldest",
		"Erased at {t}: the spool was full and it was the oldest",
		"Print the document again from its program"},
	[JOB_R_HANDED_OVER_TWICE] = {"handed-over-twice",
		"Not printed again: CUPS handed it over twice; see job {a}",
		"Not printed again: CUPS handed it over twice", ""},
};

static bool is_state(enum job_state state)
{
	return (unsigned)state < JOB_STATE_COUNT && states[state].name;
}

bool job_may_move(enum job_state from, enum job_state to)
{
	return is_state(from) && is_state(to) && (states[from].may_move_to & (1u << to));
}

bool job_is_final(enum job_state state)
{
	return is_state(state) && !states[state].may_move_to;
}

bool job_is_free(enum job_state state)
{
	return is_state(state) && states[state].free;
}

const char *job_state_name(enum job_state state)
{
	return is_state(state) ? states[state].name : NULL;
}

enum job_state job_state_from_name(const char *name)
{
	for (int i = 1; name && i < JOB_STATE_COUNT; i++)
		if (!strcmp(states[i].name, name))
			return (enum job_state)i;
	return 0;
}

const char *job_reason_code(enum job_reason reason)
{
	return (unsigned)reason < JOB_REASON_COUNT ? reasons[reason].code : NULL;
}

enum job_reason job_reason_from_code(const char *code)
{
	for (int i = 0; code && i < JOB_REASON_COUNT; i++)
		if (!strcmp(reasons[i].code, code))
			return (enum job_reason)i;
	return JOB_R_NONE;
}

static void clock_text(char *out, size_t size, int64_t at_s)
{
	time_t at = (time_t)at_s;
	struct tm tm;

	if (at_s <= 0 || !localtime_r(&at, &tm) || strftime(out, size, "%H:%M", &tm) == 0)
		snprintf(out, size, "an unknown time");
}

void job_reason_sentence(
	char *out, unsigned size, enum job_reason reason, const char *arg, int64_t at_s)
{
	char shown[512], clock[32];
	const char *p = "";
	size_t used = 0, room;

	clock_text(clock, sizeof(clock), at_s);
	if ((unsigned)reason < JOB_REASON_COUNT)
		p = arg && *arg ? reasons[reason].sentence : reasons[reason].bare;
	/* The sentence is whole even if its argument must be cut for it. */
	room = size - strlen(p) - strlen(clock);
	text_display(shown, room < sizeof(shown) ? room : sizeof(shown), arg);
	while (*p && used + 1 < size) {
		const char *piece = !strncmp(p, "{a}", 3)   ? shown
				    : !strncmp(p, "{t}", 3) ? clock
							    : NULL;

		if (piece) {
			used += (size_t)snprintf(out + used, size - used, "%s", piece);
			p += 3;
		} else {
			out[used++] = *p++;
		}
	}
	while (used > 0 && strchr(". :", out[used - 1]))
		used--; /* arguments bring their own full stops */
	out[used] = '\0';
}

const char *job_reason_next_step(enum job_reason reason)
{
	return (unsigned)reason < JOB_REASON_COUNT ? reasons[reason].next : "";
}
