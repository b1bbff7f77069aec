/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-file - one file of incoming/, looked into and moved into our own folder; done in the filer's thread.
 *
 * What is in incoming/ was left there by anything that runs as lp: nothing of it is believed. */
#pragma once

#include "core/seal.h"
#include "core/store.h"

enum { PAIR_MAX = 8 };

struct intake;

struct taking {
	struct intake *in;
	char name[128]; /* in incoming/ */
	int incoming_fd, jobs_fd, corrupt_fd;
	struct seal_pair pair[PAIR_MAX]; /* the intake keys; the caller wipes them */
	unsigned pair_count;
	/* what was found: */
	struct store_job job; /* all that envelope, ticket and document tell; no state yet */
	struct seal_key key; /* the caller wipes it */
	int64_t run_started_s;
	struct taking *next; /* waits for its row behind this one */
};

/** sealed_file_take() - check @t->name, read it whole, move it to jobs/ as @t->job.file
 * Return: 0, SEAL_E_ (never to be printed: the caller sets it aside), or -errno (try again; the file is where it was). */
int sealed_file_take(struct taking *t);

/* The name in jobs/ for @job->document_uuid, into @job->file. False if that is no UUID. */
bool sealed_file_name(struct store_job *job);
