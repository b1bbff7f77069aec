/* SPDX-License-Identifier: Apache-2.0 */
/* document - see document.h. */
#include "document.h"

#include <errno.h>
#include <fcntl.h>

#include "engine-private.h"
#include "must.h"

struct document {
	struct seal_key key;
	int fd;
	struct seal_reader *reader;
};

struct document_opening {
	int32_t id;
	int spool_fd;
	char file[96];
	struct document *doc;
	document_fn *done; /* NULL: nobody waits any more */
	void *arg;
};

void document_free(struct document *doc)
{
	if (!doc)
		return;
	seal_reader_free(doc->reader);
	auto_close(&doc->fd);
	seal_key_wipe(&doc->key);
	free(doc);
}

struct seal_reader *document_reader(struct document *doc)
{
	return doc->reader;
}

static int work_key(void *arg, struct store *s)
{
	struct document_opening *o = arg;

	return store_job_key(s, o->id, &o->doc->key);
}

static void key_fetched(void *arg, int rc)
{
	struct document_opening *o = arg;
	struct document *doc = o->doc;

	if (!rc && o->done) {
		doc->fd = openat(o->spool_fd, o->file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
		rc = doc->fd < 0 ? -errno : seal_reader_new(doc->fd, &doc->key, &doc->reader);
	}
	if (o->done)
		o->done(o->arg, rc, rc ? NULL : STEAL(doc));
	document_free(doc);
	free(o);
}

struct document_opening *document_open(struct job *j, document_fn *done, void *arg)
{
	struct document_opening *o = must(calloc(1, sizeof(*o)));

	o->id = j->row.id;
	o->spool_fd = j->engine->spool_fd;
	snprintf(o->file, sizeof(o->file), "%s", j->row.file);
	o->done = done;
	o->arg = arg;
	o->doc = must(calloc(1, sizeof(*o->doc)));
	o->doc->fd = -1;
	worker_post(j->engine->storer, work_key, key_fetched, o);
	return o;
}

void document_cancel(struct document_opening *o)
{
	if (o)
		o->done = NULL;
}
