/* SPDX-License-Identifier: Apache-2.0 */
/* renew - this computer's certificate at the server of our own is renewed in the last third of its life, or when another CA
 * signs, by itself.
 *
 * Looked at when the daemon starts, when it reads its configuration again, and every hour (a laptop sleeps through
 * whole days); asked of the server once a day, at a time of its own, or every hour while the server is not reached. In
 * its last 14 days the log says each day that it has not been renewed. docs/wire.md, Enrolment 3. */
#pragma once

#include <stdint.h>

struct engine;

/* After link_start(), each time. */
void renew_start(struct engine *e);
void renew_free(struct engine *e);
/* Another CA signs from now on: look in a few seconds whether ours is of it. */
void renew_soon(struct engine *e);
/* The CAs that are pinned, PEM, heap memory. 0 or -errno. */
int renew_read_ca(const char *path, char **out);
/* When the certificate ends, Unix UTC; 0: this computer is enrolled nowhere. */
int64_t renew_expires_s(const struct engine *e);
