/* SPDX-License-Identifier: Apache-2.0 */
/* file - see file.h. */
#include "auth/file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"
#include "base/paths.h"

void file_wipe(uint8_t *octets, size_t count)
{
	if (octets)
		explicit_bzero(octets, count);
	free(octets);
}

static int read_all(int fd, uint8_t *to, size_t count)
{
	for (size_t done = 0; done < count;) {
		ssize_t n = read(fd, to + done, count - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : FILE_E_UNFIT; /* it shrank while we read */
		done += (size_t)n;
	}
	return 0;
}

static int write_all(int fd, const uint8_t *octets, size_t count)
{
	for (size_t done = 0; done < count;) {
		ssize_t n = write(fd, octets + done, count - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		done += (size_t)n;
	}
	return 0;
}

int file_read(const char *folder, const char *name, size_t max, uint8_t **out, size_t *count)
{
	AUTO(auto_close) int fd = -1;
	char path[PATH_MAX];
	uint8_t *octets;
	struct stat st;
	int rc = paths_join(path, sizeof(path), folder, name);

	if (rc)
		return rc;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return errno == ELOOP ? FILE_E_UNFIT : -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1 || (st.st_mode & 077) || st.st_size < 0 ||
		(uint64_t)st.st_size > max || (st.st_uid != geteuid() && st.st_uid != 0))
		return FILE_E_UNFIT;
	octets = malloc((size_t)st.st_size + 1);
	if (!octets)
		return -ENOMEM;
	rc = read_all(fd, octets, (size_t)st.st_size);
	if (rc) {
		file_wipe(octets, (size_t)st.st_size);
		return rc;
	}
	*out = octets;
	*count = (size_t)st.st_size;
	return 0;
}

static int sync_folder(const char *folder)
{
	AUTO(auto_close) int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) ? -errno : 0;
}

static int replace(
	const char *folder, const char *name, const void *octets, size_t count, bool lasting)
{
	AUTO(auto_close) int fd = -1;
	char path[PATH_MAX], temp[PATH_MAX];
	int rc = paths_join(path, sizeof(path), folder, name);

	if (rc || snprintf(temp, sizeof(temp), "%s/.%s.XXXXXX", folder, name) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, octets, count);
	if (!rc && ((lasting && fsync(fd)) || rename(temp, path)))
		rc = -errno;
	if (rc)
		unlink(temp);
	else if (lasting)
		rc = sync_folder(folder);
	return rc;
}

int file_replace(const char *folder, const char *name, const void *octets, size_t count)
{
	return replace(folder, name, octets, count, true);
}

int file_replace_volatile(const char *folder, const char *name, const void *octets, size_t count)
{
	return replace(folder, name, octets, count, false);
}

int file_erase(const char *folder, const char *name)
{
	static const uint8_t zero[4096];
	AUTO(auto_close) int fd = -1;
	char path[PATH_MAX];
	struct stat st;
	int rc = paths_join(path, sizeof(path), folder, name);

	if (rc)
		return rc;
	fd = open(path, O_WRONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode)) {
		for (off_t left = st.st_size; !rc && left > 0; left -= (off_t)sizeof(zero))
			rc = write_all(
				fd, zero, left < (off_t)sizeof(zero) ? (size_t)left : sizeof(zero));
		if (!rc && fsync(fd))
			rc = -errno;
	}
	if (unlink(path))
		return errno == ENOENT ? 0 : -errno;
	return rc;
}
