/* SPDX-License-Identifier: Apache-2.0 */
/* files - see files.h. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/auto.h"
#include "base/paths.h"

int files_sync_folder(const char *folder)
{
	AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

static int read_all(int fd, char *to, size_t size, size_t *count)
{
	size_t n = 0;

	while (n < size) {
		ssize_t got = read(fd, to + n, size - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0)
			break;
		n += (size_t)got;
	}
	*count = n;
	return 0;
}

int files_read(const char *folder, const char *name, size_t max, char **out, size_t *count)
{
	char path[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	AUTO(auto_free) char *text = NULL;
	struct stat st;
	size_t n = 0;
	int rc = paths_join(path, sizeof(path), folder, name);

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EUCLEAN;
	if (st.st_size < 0 || (size_t)st.st_size > max)
		return -EFBIG;
	text = calloc(1, (size_t)st.st_size + 1);
	if (!text)
		return -ENOMEM;
	rc = read_all(fd, text, (size_t)st.st_size, &n);
	if (rc)
		return rc;
	*out = STEAL(text);
	*count = n;
	return 0;
}

static int write_all(int fd, const char *octets, size_t count)
{
	while (count > 0) {
		ssize_t n = write(fd, octets, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		octets += n;
		count -= (size_t)n;
	}
	return fsync(fd) < 0 ? -errno : 0;
}

/* Writes a file that nobody else has; its path in @temp. */
static int write_aside(const char *path, const void *octets, size_t count, mode_t mode, char *temp)
{
	AUTO(auto_close) int fd = -1;
	int rc;

	if (snprintf(temp, PATH_MAX, "%s.XXXXXX", path) >= PATH_MAX)
		return -ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = fchmod(fd, mode) < 0 ? -errno : write_all(fd, octets, count);
	if (rc)
		unlink(temp);
	return rc;
}

int files_write(const char *folder, const char *name, const void *octets, size_t count, mode_t mode)
{
	char path[PATH_MAX], temp[PATH_MAX];
	int rc = paths_join(path, sizeof(path), folder, name);

	if (!rc)
		rc = write_aside(path, octets, count, mode, temp);
	if (rc)
		return rc;
	if (rename(temp, path) < 0) {
		rc = -errno;
		unlink(temp);
		return rc;
	}
	return files_sync_folder(folder);
}

int files_write_new(
	const char *folder, const char *name, const void *octets, size_t count, mode_t mode)
{
	char path[PATH_MAX], temp[PATH_MAX];
	int rc = paths_join(path, sizeof(path), folder, name);

	if (!rc)
		rc = write_aside(path, octets, count, mode, temp);
	if (rc)
		return rc;
	if (link(temp, path) < 0)
		rc = -errno;
	unlink(temp);
	return rc ? rc : files_sync_folder(folder);
}

int files_append(const char *folder, const char *name, const char *line)
{
	char path[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	int rc = paths_join(path, sizeof(path), folder, name);

	if (rc)
		return rc;
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, line, strlen(line));
	return rc ? rc : files_sync_folder(folder);
}
