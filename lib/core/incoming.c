/* SPDX-License-Identifier: Apache-2.0 */
/* incoming - see incoming.h. */
#include "core/incoming.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/mono.h"
#include "base/paths.h"
#include "core/seal.h"

enum { WAIT_S = 1800, POLL_MS = 5000, SLICE_MS = 100, NAME_OCTETS = 96, WRITE_BEHIND = 4 << 20 };

struct incoming {
	int dir, fd;
	struct seal_writer *writer;
	const struct incoming_caller *caller;
	enum incoming_wait told; /* what the caller heard last */
	int64_t waited_ms;
	int64_t begun, behind; /* octets whose writing was begun, and those after them */
	char temp[NAME_OCTETS];
};

/* Tests shorten what people wait for. */
static int64_t limit(const char *name, int64_t otherwise)
{
	const char *text = getenv(name);

	return text && *text ? strtoll(text, NULL, 10) : otherwise;
}

static bool is_full(int error)
{
	return error == -ENOSPC || error == -EDQUOT;
}

static void tell(struct incoming *in, enum incoming_wait reason)
{
	if (in->told != reason)
		in->caller->waiting(reason);
	in->told = reason;
}

/* One poll's pause with the reason told. Return: 0 to try again, or INCOMING_E_. */
static int wait_for(struct incoming *in, enum incoming_wait reason)
{
	int64_t poll_ms = limit("STILLPRINT_POLL_MS", POLL_MS);
	int64_t left_ms = limit("STILLPRINT_WAIT_S", WAIT_S) * 1000 - in->waited_ms;

	if (*in->caller->canceled)
		return INCOMING_E_CANCELED;
	if (left_ms <= 0)
		return INCOMING_E_LATE;
	tell(in, reason);
	if (poll_ms > left_ms)
		poll_ms = left_ms;
	/* In slices: a signal that comes just before the pause must not wait for its end. */
	for (int64_t until = mono_ms() + poll_ms; !*in->caller->canceled && mono_ms() < until;) {
		struct timespec slice = {.tv_nsec = SLICE_MS * 1000000L};

		nanosleep(&slice, NULL);
	}
	in->waited_ms += poll_ms;
	return *in->caller->canceled ? INCOMING_E_CANCELED : 0;
}

/* seal_trouble_fn */
static int on_full_disk(void *arg, int error)
{
	return is_full(error) ? wait_for(arg, INCOMING_FULL) : error;
}

static int open_temp(struct incoming *in)
{
	struct timespec now;

	for (int i = 0; i < 100; i++) {
		clock_gettime(CLOCK_REALTIME, &now);
		snprintf(in->temp, sizeof(in->temp), ".tmp-%d-%09ld", (int)getpid(), now.tv_nsec);
		in->fd = openat(in->dir, in->temp,
			O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
		if (in->fd >= 0)
			return 0;
		in->temp[0] = '\0';
		if (errno != EEXIST)
			return -errno;
	}
	return -EEXIST;
}

/* One attempt at everything that a job needs before its first octet. */
static int try_begin(struct incoming *in, const void *envelope, size_t envelope_octets,
	const void *ticket, size_t ticket_octets)
{
	uint8_t key[SEAL_PUBLIC_OCTETS];
	char path[PATH_MAX];
	int rc = paths_join(path, sizeof(path), paths_spool(), "intake.pub");

	if (!rc)
		rc = seal_public_read(path, key);
	if (rc > 0)
		rc = -ENOKEY; /* damaged or of another version: the daemon will write a good one */
	if (!rc)
		rc = paths_join(path, sizeof(path), paths_spool(), "incoming");
	if (rc)
		return rc;
	in->dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (in->dir < 0)
		return -errno;
	rc = open_temp(in);
	/* The daemon wipes the key in the file, so its group may write; the group is the folder's (setgid). */
	if (!rc && fchmod(in->fd, 0660))
		rc = -errno;
	if (!rc)
		rc = seal_writer_new(
			in->fd, key, envelope, envelope_octets, ticket, ticket_octets, &in->writer);
	return rc;
}

static void undo_begin(struct incoming *in)
{
	if (in->temp[0])
		unlinkat(in->dir, in->temp, 0);
	in->temp[0] = '\0';
	seal_writer_free(STEAL(in->writer));
	auto_close(&in->fd);
	auto_close(&in->dir);
}

int incoming_begin(const struct incoming_caller *caller, const struct envelope *e,
	const void *ticket, size_t ticket_octets, struct incoming **out)
{
	AUTO(incoming_freep) struct incoming *in = calloc(1, sizeof(*in));
	AUTO(auto_free) void *envelope = NULL;
	size_t envelope_octets = 0;
	int rc;

	if (!in)
		return -ENOMEM;
	in->dir = in->fd = -1;
	in->caller = caller;
	rc = envelope_encode(e, &envelope, &envelope_octets);
	if (rc)
		return rc;
	for (;;) {
		rc = try_begin(in, envelope, envelope_octets, ticket, ticket_octets);
		if (!rc)
			break;
		undo_begin(in);
		if (is_full(rc))
			rc = on_full_disk(in, rc);
		else if (rc == -ENOENT || rc == -EACCES || rc == -ENOKEY || rc == -ENOTDIR)
			rc = wait_for(in, INCOMING_MISSING);
		if (rc)
			return rc;
	}
	seal_writer_on_trouble(in->writer, on_full_disk, in);
	tell(in, INCOMING_GOES_ON);
	*out = STEAL(in);
	return 0;
}

void incoming_spare_digest(struct incoming *in)
{
	seal_writer_spare_digest(in->writer);
}

/* What is on the disk when the document ends need not be waited for then. */
static void write_behind(struct incoming *in, size_t count)
{
	in->behind += (int64_t)count;
	if (in->behind < WRITE_BEHIND)
		return;
	sync_file_range(in->fd, in->begun, in->behind, SYNC_FILE_RANGE_WRITE);
	in->begun += in->behind;
	in->behind = 0;
}

int incoming_append(struct incoming *in, const void *octets, size_t count)
{
	int rc = seal_writer_append(in->writer, octets, count);

	if (!rc)
		tell(in, INCOMING_GOES_ON);
	if (!rc)
		write_behind(in, count);
	return rc;
}

static void poke(const char *name)
{
	struct sockaddr_un to = {.sun_family = AF_UNIX};
	AUTO(auto_close) int fd = -1;

	if (paths_join(to.sun_path, sizeof(to.sun_path), paths_run(), "intake.sock"))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	/* Absent or full: the daemon looks by itself, at its start and when it is through with what it has. */
	if (fd >= 0)
		(void)!sendto(fd, name, strlen(name), MSG_DONTWAIT | MSG_NOSIGNAL,
			(struct sockaddr *)&to, sizeof(to));
}

int incoming_commit(struct incoming *in, const struct envelope *e, const uint8_t *sha256)
{
	char name[NAME_OCTETS];
	sigset_t term, before;
	int rc = seal_writer_finish(in->writer, sha256);

	if (!rc && fsync(in->fd))
		rc = -errno;
	if (rc)
		return rc;
	snprintf(name, sizeof(name), "%020" PRId64 "-%s.job", e->handed_ns,
		e->document_uuid + strlen("urn:uuid:"));
	/* From here to the end a cancel is too late: either it came before the rename, or the job is stored. */
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	sigprocmask(SIG_BLOCK, &term, &before);
	if (*in->caller->canceled)
		rc = INCOMING_E_CANCELED;
	else if (renameat(in->dir, in->temp, in->dir, name))
		rc = -errno;
	else
		in->temp[0] = '\0';
	if (!rc && fsync(in->dir)) {
		rc = -errno;
		unlinkat(in->dir, name,
			0); /* not known to last: cupsd keeps the job and hands it over again */
	}
	if (!rc)
		poke(name);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc;
}

void incoming_free(struct incoming *in)
{
	if (!in)
		return;
	undo_begin(in);
	free(in);
}
