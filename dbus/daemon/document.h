/* SPDX-License-Identifier: Apache-2.0 */
/* document - a job's sealed document, opened for reading: its key from the store, its file in the spool. */
#pragma once

#include "base/auto.h"
#include "core/seal.h"

struct job;
struct document;
struct document_opening;

/* @rc: 0 and @doc, which is the receiver's; SEAL_E_ (never to be printed); or -errno, @doc NULL. From the loop. */
typedef void document_fn(void *arg, int rc, struct document *doc);
struct document_opening *document_open(struct job *j, document_fn *done, void *arg);
void document_cancel(struct document_opening *o); /* @done is not called; NULL is fine */

struct seal_reader *document_reader(struct document *doc);
void document_free(struct document *doc); /* wipes the key; NULL is fine */
AUTO_DEFINE(struct document *, document_free)
