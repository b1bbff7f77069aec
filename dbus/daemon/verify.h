/* SPDX-License-Identifier: Apache-2.0 */
/* verify - is a job's owner more than a claim? cupsd is asked: it checks local users by peer credentials on queues
 * with printer-op-policy=authenticated, and it must know the job by number and UUID. */
#pragma once

struct job;
/* Commits owner_verified when cupsd confirms; silently nothing otherwise ("claimed"). */
void verify_owner(struct job *j);
