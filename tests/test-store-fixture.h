/* SPDX-License-Identifier: Apache-2.0 */
/* test-store-fixture - a fresh store in a folder of its own, and jobs to put into it. Include once, after tap.h. */
#pragma once

#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/store-private.h"

static char folder[64], path[96];
static const struct seal_key key = {"SECRET-DOCUMENT-KEY-OF-THE-TEST"};

static inline int remove_one(const char *name, const struct stat *st, int type, struct FTW *at)
{
	(void)st, (void)type, (void)at;
	return remove(name);
}

static inline void folder_remove(void)
{
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static inline void folder_init(const char *name)
{
	const char *tmp = getenv("TMPDIR");

	snprintf(folder, sizeof(folder), "%.30s/%s.%d", tmp ? tmp : "/tmp", name, getpid());
	snprintf(path, sizeof(path), "%s/store.db", folder);
}

static inline struct store *store_again(void)
{
	struct store *s = NULL;

	CHECK(store_open(path, &s) == 0);
	if (!s)
		abort();
	return s;
}

static inline struct store *store_fresh(void)
{
	folder_remove();
	CHECK(mkdir(folder, 0700) == 0);
	return store_again();
}

/* Document @uuid of CUPS job 7, first pass of the run "100-1", five octets. */
static inline struct store_job job_like(const char *uuid)
{
	struct store_job j = {0};

	j.cups_job_id = 7;
	j.created_s = 1000;
	j.processing_s = 2000;
	j.octets = 5;
	j.pages = -1;
	j.copies = 1;
	j.state = JOB_PENDING;
	j.reason = JOB_R_STORED;
	strcpy(j.queue, "Office");
	strcpy(j.owner, "anna");
	strcpy(j.title, "Letter \xff\x1b[2J'; DROP TABLE job");
	strcpy(j.job_uuid, "urn:uuid:1");
	strcpy(j.cups_run, "100-1");
	strcpy(j.format, "application/pdf");
	strcpy(j.file, "x.job");
	snprintf(j.document_uuid, sizeof(j.document_uuid), "%s", uuid);
	memset(j.sha256, 'f', sizeof(j.sha256));
	return j;
}

/* Its final state, by the legal way, with attempt and ledger row. */
static inline int job_finish(struct store *s, struct store_job *j)
{
	struct store_attempt a = {.kind = TARGET_UPSTREAM, .impressions = 1, .sheets = 1};
	struct store_ledger_row row = {.state = JOB_COMPLETED, .certainty = CERTAINTY_DEVICE};
	static const enum job_state way[] = {JOB_SENDING, JOB_SENT};
	int rc = store_attempt_begin(s, j, &a);

	if (!rc)
		rc = store_attempt_created(s, j, &a);
	for (size_t i = 0; i < 2 && !rc; i++) {
		enum job_state from = j->state;

		j->state = way[i];
		rc = store_job_move(s, j, from);
	}
	if (rc)
		return rc;
	strcpy(row.document_uuid, j->document_uuid);
	strcpy(row.owner, j->owner);
	strcpy(row.title, j->title);
	row.attempt = a.number;
	row.job_id = j->id;
	j->state = JOB_COMPLETED;
	j->reason = JOB_R_DEVICE_REPORTED;
	a.outcome = OUTCOME_COMPLETED;
	return store_job_end(s, j, JOB_SENT, &a, &row);
}

static inline int job_give_up(struct store *s, struct store_job *j, enum job_state how)
{
	enum job_state from = j->state;

	j->state = how;
	j->reason = JOB_R_CANCELED_BY_USER;
	return store_job_end(s, j, from, NULL, NULL);
}

static inline int64_t number_of(struct store *s, const char *sql)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&s->sql, &stmt, sql, NULL);

	if (!rc)
		rc = sql_step(&s->sql, stmt);
	return rc == 1 ? sqlite3_column_int64(stmt, 0) : -1;
}
