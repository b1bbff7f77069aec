/* SPDX-License-Identifier: Apache-2.0 */
/* desk - notes on the user's desktop, through org.freedesktop.Notifications: shown, replaced, answered, taken away.
 *
 * One note per job. While there is no notification daemon the notes are kept, and shown when one comes. Knows nothing of
 * the daemon's bus. */
#pragma once

#include <stdbool.h>
#include <stdint.h>
#include <systemd/sd-bus.h>

#include "base/auto.h"

struct desk;

enum { DESK_ACTION_MAX = 8 };

struct desk_action {
	char *key, *label; /* owned by the note */
};

struct desk_note {
	uint32_t notice_id; /* the daemon's number, 0 if the agent made the note itself */
	char *job; /* object path; "" if it is about none */
	char *summary, *body;
	bool news; /* told, not asked, even if something can be done */
	struct desk_action action[DESK_ACTION_MAX];
	unsigned action_count;
};
void desk_note_free(struct desk_note *n); /* and all that it owns; NULL is fine */
AUTO_DEFINE(struct desk_note *, desk_note_free)
/* Copies both strings. Return: 0, -ENOSPC beyond DESK_ACTION_MAX, or -ENOMEM. */
int desk_note_add_action(struct desk_note *n, const char *key, const char *label);

/* @acted: the user chose @key for @job; to be answered by desk_answer(). */
int desk_new(sd_event *loop, void (*acted)(void *arg, const char *job, const char *key), void *arg,
	struct desk **out);
void desk_free(struct desk *d);
AUTO_DEFINE(struct desk *, desk_free)

void desk_attach(struct desk *d, sd_bus *session);
void desk_detach(struct desk *d);

/* Takes @note over. Replaces the note of the same job. */
void desk_show(struct desk *d, struct desk_note *note);
/* What came of the user's choice. @error NULL: done, the note goes; else the note comes back with it.
 * @final: the question itself is over, so it comes back without its buttons. */
void desk_answer(struct desk *d, const char *job, const char *error, bool final);
void desk_close_notice(struct desk *d, uint32_t notice_id);
/* @own_only: not those that the daemon closes itself. */
void desk_close_job(struct desk *d, const char *job, bool own_only);
bool desk_has_job(const struct desk *d, const char *job);
/* The daemon has gone: its numbers mean nothing any more. */
void desk_forget_notices(struct desk *d);
/* Takes away the questions about jobs for which @waits says no. */
void desk_keep_jobs(struct desk *d, bool (*waits)(void *arg, const char *job), void *arg);
