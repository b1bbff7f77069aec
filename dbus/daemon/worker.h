/* SPDX-License-Identifier: Apache-2.0 */
/* worker - a thread that does what may block, in order, and answers on the loop.
 *
 * The store's worker commits in batches: everything that waits is done in one transaction, and every answer comes
 * after its commit. */
#pragma once

#include <systemd/sd-event.h>

#include "base/auto.h"
#include "core/store.h"

struct worker;
typedef int worker_fn(void *arg,
	struct store *s); /* in the worker's thread; @s is NULL for a worker without store */
typedef void worker_done_fn(
	void *arg, int rc); /* on the loop; @rc: the work's, or the commit's -errno */

/** worker_new() - start the thread
 * @store: used by that thread alone from now on; NULL for a worker that only reads and writes files
 * Return: 0 or -errno. */
int worker_new(sd_event *loop, struct store *store, struct worker **out);
/* Does what is posted, answers nothing more, ends the thread. */
void worker_free(struct worker *w);
AUTO_DEFINE(struct worker *, worker_free)

/* @work and @done in order of posting. Memory that runs out ends the program: at every point that is safe, since
 * nothing is acted upon before it is committed. */
void worker_post(struct worker *w, worker_fn *work, worker_done_fn *done, void *arg);
