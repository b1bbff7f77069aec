/* SPDX-License-Identifier: Apache-2.0 */
/* cmd-job - what the verbs about single jobs share. */
#pragma once

struct json_object;

/* In @job's "next", the word JOB, as the daemon's advice has it, becomes the number in "id". */
void job_fill_next(struct json_object *job);
