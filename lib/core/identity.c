/* SPDX-License-Identifier: Apache-2.0 */
/* identity - see identity.h. All is done below an open folder and without following links: when root writes here, the
 * folder around is another user's. */
#include "core/identity.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/paths.h"

#define FOLDER "identity"
#define NEW FOLDER ".new"
#define OLD FOLDER ".old"

#define NEW_CA "ca.pem.new"

enum { TEXT_MAX = 64 * 1024, SMALL_TEXT = 256, READ_TRIES = 100 };

static const char *const files[] = {
	"ca.pem", "cert.pem", "key.pem", "device", "policy.pub", "server"};
enum { FILES = sizeof(files) / sizeof(files[0]) };

/* ---- reading ---- */

/* A file of @folder, at most @size octets; the octets read, or -errno. */
static ssize_t read_file(int folder, const char *name, void *out, size_t size)
{
	AUTO(auto_close)
	int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	struct stat st;
	ssize_t n;

	if (fd < 0)
		return errno == ENOENT || errno == ELOOP ? -EINVAL : -errno;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) || st.st_size > (off_t)size)
		return -EINVAL;
	do
		n = read(fd, out, size);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static int read_text(int folder, const char *name, char out[SMALL_TEXT])
{
	ssize_t n = read_file(folder, name, out, SMALL_TEXT - 1);

	if (n < 0)
		return (int)n;
	out[n] = '\0';
	return strlen(out) == (size_t)n ? 0 : -EINVAL;
}

static int read_parts(int folder, struct identity *id)
{
	char text[SMALL_TEXT], history[8] = "";
	long long starts, expires;
	int incarnation, rc;
	ssize_t n;

	rc = read_text(folder, "device", text);
	if (rc)
		return rc;
	if (sscanf(text, "%63s %lld %lld", id->uuid, &starts, &expires) != 3 ||
		strncmp(id->uuid, "urn:uuid:", 9) != 0 || starts >= expires)
		return -EINVAL;
	id->starts_s = starts;
	id->expires_s = expires;
	rc = read_text(folder, "server", text);
	if (rc)
		return rc;
	if (sscanf(text, "%63s %d %7s", id->server_uuid, &incarnation, history) < 2)
		return -EINVAL;
	id->history = !strcmp(history, "history");
	id->incarnation = incarnation;
	n = read_file(folder, "policy.pub", id->policy_key, sizeof(id->policy_key));
	if (n != IDENTITY_POLICY_KEY)
		return n < 0 ? (int)n : -EINVAL;
	return 0;
}

/* That they are there, and for our eyes only; what they hold is for those who use them. */
static int check_pem(int folder, const char *name)
{
	struct stat st;

	if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? -EINVAL : -errno;
	if (!S_ISREG(st.st_mode) || (st.st_mode & 077) || st.st_size == 0 || st.st_size > TEXT_MAX)
		return -EINVAL;
	return 0;
}

static int open_folder(int at, const char *name)
{
	int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* Somebody puts a new folder in this one's place, and has begun to erase it. */
static bool was_replaced(int at, int folder)
{
	struct stat ours, now;

	return fstat(folder, &ours) == 0 && fstatat(at, FOLDER, &now, AT_SYMLINK_NOFOLLOW) == 0 &&
	       (ours.st_dev != now.st_dev || ours.st_ino != now.st_ino);
}

static int read_folder(int at, struct identity *id, bool *again)
{
	AUTO(auto_close) int folder = open_folder(at, FOLDER);
	int rc = 0;

	*again = false;
	/* A crash between the two renames of a file system that cannot exchange. */
	if (folder == -ENOENT && renameat(at, OLD, at, FOLDER) == 0)
		folder = open_folder(at, FOLDER);
	if (folder < 0)
		return folder == -ENOENT ? IDENTITY_E_NONE : folder == -ELOOP ? -EINVAL : folder;
	for (int i = 0; !rc && i < 3; i++)
		rc = check_pem(folder, files[i]);
	if (!rc)
		rc = read_parts(folder, id);
	*again = rc && was_replaced(at, folder);
	return rc;
}

int identity_load(const char *state, struct identity *out)
{
	AUTO(auto_close) int at = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct identity id = {0};
	bool again = true;
	int rc = 0;

	if (at < 0)
		return errno == ENOENT ? IDENTITY_E_NONE : -errno;
	for (int i = 0; again && i < READ_TRIES; i++)
		rc = read_folder(at, &id, &again);
	if (rc)
		return rc;
	if (snprintf(id.ca_file, sizeof(id.ca_file), "%s/" FOLDER "/ca.pem", state) >=
			(int)sizeof(id.ca_file) ||
		snprintf(id.cert_file, sizeof(id.cert_file), "%s/" FOLDER "/cert.pem", state) >=
			(int)sizeof(id.cert_file) ||
		snprintf(id.key_file, sizeof(id.key_file), "%s/" FOLDER "/key.pem", state) >=
			(int)sizeof(id.key_file))
		return -ENAMETOOLONG;
	*out = id;
	return 0;
}

/* ---- erasing ---- */

static void overwrite(int folder, const char *name)
{
	static const char zero[4096];
	AUTO(auto_close) int fd = openat(folder, name, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink != 1)
		return;
	for (off_t left = st.st_size < TEXT_MAX ? st.st_size : TEXT_MAX; left > 0;) {
		ssize_t n = write(fd, zero, (size_t)(left < 4096 ? left : 4096));

		if (n <= 0)
			return;
		left -= n;
	}
	fsync(fd);
}

static int erase(int at, const char *name)
{
	AUTO(auto_close) int folder = open_folder(at, name);

	if (folder == -ENOENT)
		return 0;
	if (folder < 0)
		return folder;
	overwrite(folder, "key.pem");
	for (int i = 0; i < FILES; i++)
		if (unlinkat(folder, files[i], 0) < 0 && errno != ENOENT)
			return -errno;
	unlinkat(folder, NEW_CA, 0);
	return unlinkat(at, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

/* ---- writing ---- */

static int write_file(
	int folder, const char *name, const void *octets, size_t count, uid_t owner, gid_t group)
{
	AUTO(auto_close)
	int fd = openat(folder, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	const char *at = octets;

	if (fd < 0)
		return -errno;
	while (count > 0) {
		ssize_t n = write(fd, at, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -ENOSPC;
		at += n;
		count -= (size_t)n;
	}
	if (fchown(fd, owner, group) < 0 || fsync(fd) < 0)
		return -errno;
	return 0;
}

static int write_parts(int folder, const struct identity *id, const struct identity_pem *pem,
	uid_t owner, gid_t group)
{
	char device[SMALL_TEXT], server[SMALL_TEXT];
	const struct {
		const char *octets;
		size_t count;
	} part[FILES] = {{pem->ca, strlen(pem->ca)}, {pem->cert, strlen(pem->cert)},
		{pem->key, strlen(pem->key)},
		{device, (size_t)snprintf(device, sizeof(device), "%s\n%lld\n%lld\n", id->uuid,
				 (long long)id->starts_s, (long long)id->expires_s)},
		{(const char *)id->policy_key, sizeof(id->policy_key)},
		{server, (size_t)snprintf(server, sizeof(server), "%s\n%d\n%s", id->server_uuid,
				 (int)id->incarnation, id->history ? "history\n" : "")}};
	int rc = 0;

	for (int i = 0; !rc && i < FILES; i++)
		rc = write_file(folder, files[i], part[i].octets, part[i].count, owner, group);
	if (!rc && (fchown(folder, owner, group) < 0 || fsync(folder) < 0))
		rc = -errno;
	return rc;
}

/* The new folder takes the place of the old one, at once where the file system can. What was there is in NEW or OLD. */
static int swap(int at)
{
	if (renameat2(at, NEW, at, FOLDER, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno == EEXIST && renameat2(at, NEW, at, FOLDER, RENAME_EXCHANGE) == 0)
		return 0;
	if (errno != EINVAL && errno != ENOSYS && errno != EOPNOTSUPP)
		return -errno;
	if (faccessat(at, FOLDER, F_OK, 0) == 0 &&
		(erase(at, OLD) || renameat(at, FOLDER, at, OLD) < 0))
		return errno ? -errno : -EIO;
	return renameat(at, NEW, at, FOLDER) < 0 ? -errno : 0;
}

int identity_write(const char *state, const struct identity *id, const struct identity_pem *pem,
	uid_t owner, gid_t group)
{
	AUTO(auto_close) int at = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(auto_close) int folder = -1;
	int rc;

	if (strlen(pem->ca) > TEXT_MAX || strlen(pem->cert) > TEXT_MAX ||
		strlen(pem->key) > TEXT_MAX)
		return -EMSGSIZE;
	if (at < 0 || flock(at, LOCK_EX) < 0)
		return -errno;
	rc = erase(at, NEW); /* of a run that was cut */
	if (!rc && mkdirat(at, NEW, 0700) < 0)
		rc = -errno;
	if (rc)
		return rc;
	folder = open_folder(at, NEW);
	rc = folder < 0 ? folder : write_parts(folder, id, pem, owner, group);
	if (!rc)
		rc = swap(at);
	if (!rc && fsync(at) < 0)
		rc = -errno;
	/* The former identity, or what was not finished. */
	erase(at, NEW);
	if (!rc)
		erase(at, OLD);
	return rc;
}

int identity_set_ca(const char *state, const char *ca)
{
	AUTO(auto_close) int at = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	AUTO(auto_close) int folder = -1;
	struct stat st;
	int rc;

	if (strlen(ca) > TEXT_MAX)
		return -EMSGSIZE;
	if (at < 0 || flock(at, LOCK_EX) < 0)
		return -errno;
	folder = open_folder(at, FOLDER);
	if (folder < 0)
		return folder == -ENOENT ? IDENTITY_E_NONE : folder;
	if (fstat(folder, &st) < 0 || (unlinkat(folder, NEW_CA, 0) < 0 && errno != ENOENT))
		return -errno;
	rc = write_file(folder, NEW_CA, ca, strlen(ca), st.st_uid, st.st_gid);
	if (!rc && (renameat(folder, NEW_CA, folder, files[0]) < 0 || fsync(folder) < 0))
		rc = -errno;
	if (rc)
		unlinkat(folder, NEW_CA, 0);
	return rc;
}

int identity_wipe(const char *state)
{
	AUTO(auto_close) int at = open(state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int rc;

	if (at < 0)
		return errno == ENOENT ? 0 : -errno;
	if (flock(at, LOCK_EX) < 0)
		return -errno;
	rc = erase(at, OLD); /* first: it would come back */
	if (!rc)
		rc = erase(at, FOLDER);
	if (!rc)
		rc = erase(at, NEW);
	if (!rc && fsync(at) < 0)
		rc = -errno;
	return rc;
}

/* ---- time ---- */

int64_t identity_days_left(const struct identity *id, int64_t now_s)
{
	int64_t left = id->expires_s - now_s;

	return left >= 0 ? left / 86400 : -((-left + 86399) / 86400);
}

bool identity_is_due(const struct identity *id, int64_t now_s)
{
	return now_s >= id->expires_s - (id->expires_s - id->starts_s) / 3;
}
