/* SPDX-License-Identifier: Apache-2.0 */
/* sealed-file - see sealed-file.h. */
#include "sealed-file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "core/envelope.h"
#include "core/ticket.h"

static int key_of(struct taking *t, int fd)
{
	uint8_t wanted[SEAL_KEY_ID_OCTETS], id[SEAL_KEY_ID_OCTETS];
	int rc = seal_read_key_id(fd, wanted);

	for (unsigned i = 0; !rc && i < t->pair_count; i++) {
		seal_key_id(t->pair[i].public_key, id);
		if (!memcmp(id, wanted, sizeof(id)))
			return seal_open_key(fd, &t->pair[i], &t->key);
	}
	return rc ? rc : SEAL_E_KEY;
}

static int read_all(struct taking *t, struct seal_reader *r)
{
	static char buf[SEAL_CHUNK]; /* one filer thread */
	size_t got;
	int rc;

	do {
		rc = seal_reader_read(r, buf, sizeof(buf), &got);
	} while (!rc && got);
	explicit_bzero(buf, sizeof(buf));
	if (rc)
		return rc;
	t->job.octets = (int64_t)seal_reader_get_octets(r);
	memcpy(t->job.sha256, seal_reader_get_sha256(r), sizeof(t->job.sha256));
	return 0;
}

static void from_envelope(struct store_job *job, const struct envelope *e)
{
	snprintf(job->document_uuid, sizeof(job->document_uuid), "%s", e->document_uuid);
	snprintf(job->queue, sizeof(job->queue), "%s", e->queue);
	snprintf(job->owner, sizeof(job->owner), "%s", e->owner);
	snprintf(job->title, sizeof(job->title), "%s", e->title);
	snprintf(job->host, sizeof(job->host), "%s", e->host);
	snprintf(job->job_uuid, sizeof(job->job_uuid), "%s", e->job_uuid);
	snprintf(job->cups_run, sizeof(job->cups_run), "%s", e->cups_run);
	snprintf(job->format, sizeof(job->format), "%s", e->format);
	job->cups_job_id = e->cups_job_id;
	job->created_s = e->created_s;
	job->processing_s = e->processing_s;
	job->banner = e->banner;
	job->raw = e->raw;
	job->copies = e->copies > 0 ? e->copies : 1;
	job->pages = -1;
}

static void from_ticket(struct store_job *job, const void *octets, size_t count)
{
	struct ticket_summary s;
	ipp_t *ticket = NULL;

	if (!count || ticket_decode(octets, count, &ticket))
		return;
	ticket_summarise(ticket, &s);
	job->pages = s.pages;
	if (s.copies > 0)
		job->copies = s.copies;
	ippDelete(ticket);
}

static int unseal(struct taking *t, int fd)
{
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	struct envelope e = {0};
	const void *octets;
	size_t count;
	int rc = key_of(t, fd);

	if (!rc)
		rc = seal_reader_new(fd, &t->key, &r);
	if (rc)
		return rc;
	octets = seal_reader_get_envelope(r, &count);
	if (envelope_decode(octets, count, &e))
		return SEAL_E_DAMAGED;
	from_envelope(&t->job, &e);
	t->run_started_s = e.run_started_s;
	octets = seal_reader_get_ticket(r, &count);
	from_ticket(&t->job, octets, count);
	return read_all(t, r);
}

/* Only what the backend's user made, as a plain file with one name, is looked into. */
static int open_checked(struct taking *t, int *out)
{
	struct stat dir, st;
	int fd = openat(t->incoming_fd, t->name, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);

	if (fd < 0)
		return errno == ELOOP || errno == EACCES || errno == ENXIO || errno == EISDIR
			       ? SEAL_E_DAMAGED
			       : -errno;
	*out = fd;
	if (fstat(t->incoming_fd, &dir) || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		st.st_nlink != 1 || (st.st_uid != dir.st_uid && st.st_uid != 0))
		return SEAL_E_DAMAGED;
	t->job.file_octets = st.st_size;
	return 0;
}

/* The name in jobs/ is the document's UUID, which only hex digits and dashes may form. */
bool sealed_file_name(struct store_job *job)
{
	const char *uuid = job->document_uuid;

	if (strncmp(uuid, "urn:uuid:", 9) || strlen(uuid) != 45 ||
		strspn(uuid + 9, "0123456789abcdef-") != 36)
		return false;
	snprintf(job->file, sizeof(job->file), "%s.job", uuid + 9);
	return true;
}

int sealed_file_take(struct taking *t)
{
	AUTO(auto_close) int fd = -1;
	int rc = open_checked(t, &fd);

	if (!rc)
		rc = unseal(t, fd);
	if (!rc && !sealed_file_name(&t->job))
		rc = SEAL_E_DAMAGED;
	if (rc)
		return rc;
	if (renameat2(t->incoming_fd, t->name, t->jobs_fd, t->job.file, RENAME_NOREPLACE))
		return errno == EEXIST ? SEAL_E_DAMAGED : -errno;
	if (fsync(t->jobs_fd) || fsync(t->incoming_fd)) {
		rc = -errno;
		/* Where the next look finds it; and the next start would, if this fails too. */
		renameat2(t->jobs_fd, t->job.file, t->incoming_fd, t->name, RENAME_NOREPLACE);
		return rc ? rc : -EIO;
	}
	return 0;
}
