/* SPDX-License-Identifier: Apache-2.0 */
/* policy - see policy.h. */
#include "core/policy.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/auto.h"

enum { FILE_MAX = 4096 };
static const char accept_raw[] = "accept-raw";

static int policy_path(char out[PATH_MAX], const char *spool, const char *queue)
{
	/* cupsd allows no '/', '#', space or control octets in a queue's name; a leading dot is our temp file's. */
	if (!*queue || *queue == '.' || strpbrk(queue, "/#") || strlen(queue) > 127)
		return -EINVAL;
	return snprintf(out, PATH_MAX, "%s/policy/%s", spool, queue) < PATH_MAX ? 0 : -ENAMETOOLONG;
}

void policy_read(const char *spool, const char *queue, struct policy *out)
{
	char path[PATH_MAX], text[FILE_MAX + 1], *save = NULL;
	AUTO(auto_close) int fd = -1;
	ssize_t n;

	*out = (struct policy){0};
	if (policy_path(path, spool, queue))
		return;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	n = fd < 0 ? -1 : read(fd, text, FILE_MAX);
	if (n < 0)
		return;
	text[n] = '\0';
	for (char *line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save))
		if (!strcmp(line, accept_raw))
			out->accept_raw = true;
}

int policy_write(const char *spool, const char *queue, const struct policy *policy)
{
	char path[PATH_MAX], temp[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	int rc = policy_path(path, spool, queue);

	if (rc)
		return rc;
	if (snprintf(temp, sizeof(temp), "%s/policy", spool) >= PATH_MAX - 16)
		return -ENAMETOOLONG;
	if (mkdir(temp, 0755) && errno != EEXIST)
		return -errno;
	strcat(temp, "/.new-XXXXXX"); /* room was left above */
	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (dprintf(fd, "%s%s", policy->accept_raw ? accept_raw : "",
		    policy->accept_raw ? "\n" : "") < 0 ||
		fchmod(fd, 0644) || fsync(fd) || rename(temp, path)) {
		rc = -errno;
		unlink(temp);
	}
	return rc;
}
