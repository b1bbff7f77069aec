/* SPDX-License-Identifier: Apache-2.0 */
/* login-call - ask over login.sock or online.sock and wait for the answer, within one deadline over all steps.
 *
 * libc only, no signals, no static state: this is linked into login programs. It sleeps while it waits; a loop that may
 * not block sends login.h's packets by itself. */
#pragma once

#include <sys/types.h>

#include "auth/login.h"

/** login_call_connect() - a connection to @path, whose other end runs as root, as @uid, or as we do
 * A full backlog is waited for until @deadline_ms (mono_ms()'s clock); an absent or dead listener is told at once.
 * Return: a non-blocking descriptor that the caller closes, or -ENOENT, -ECONNREFUSED (nobody listens), -ETIMEDOUT,
 * -EPERM (somebody else listens there), -errno. */
int login_call_connect(const char *path, uid_t uid, int64_t deadline_ms);

/** login_call() - connect, send @ask, take the answer into @reply
 * Return: 0, the errors of login_call_connect(), -ETIMEDOUT, -EBADMSG (the answer is none), -ECONNRESET (it ended without
 * one), -EINVAL (@ask lacks a field), -errno. No copy of what was sent or received is left in memory but @reply. */
int login_call(const char *path, uid_t uid, int64_t deadline_ms, const struct login_message *ask,
	struct login_message *reply);

/* CLOCK_MONOTONIC in ms; lib/base's own is not linked into login programs. */
int64_t login_call_now_ms(void);
