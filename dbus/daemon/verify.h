/* SPDX-License-Identifier: Apache-2.0 */
/* verify - who printed a job? Two are asked at once: cupsd, which checks local users by peer credentials on queues with
 * printer-op-policy=authenticated and must know the job by number and UUID; and the login service (bound.h).
 *
 * What they say within 2 s is committed as owner_verified, account and who; then the plan is kicked. It stays as it is once
 * the server was told, so that a repeat says the same. */
#pragma once

#include <stdbool.h>

struct job;
struct engine;

void verify_owner(struct job *j); /* nothing if it is under way */
void verify_stop(struct job *j); /* the job is gone; what comes yet is dropped */
/* Is it known well enough for the next step? */
bool verify_is_done(const struct job *j);
/* A job is held until its owner logs in (JOB_R_NOT_VERIFIED): he is looked after, each 5 s. */
void verify_watch(struct engine *e);
