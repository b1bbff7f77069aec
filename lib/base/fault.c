/* SPDX-License-Identifier: Apache-2.0 */
/* fault - see fault.h. */
#include "base/fault.h"

#ifdef STILLPRINT_FAULTS
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool listed(const char *list, const char *point)
{
	size_t n = strlen(point);

	for (const char *p = list; p && *p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL)
		if (!strncmp(p, point, n) && (p[n] == ',' || p[n] == '\0'))
			return true;
	return false;
}

void fault_point(const char *point)
{
	const char *dir = getenv("STILLPRINT_FAULT_DIR");
	char path[PATH_MAX];
	int fd;

	if (!dir || !listed(getenv("STILLPRINT_FAULT"), point))
		return;
	snprintf(path, sizeof(path), "%s/%s", dir, point);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return; /* this point has had its turn */
	close(fd);
	kill(getpid(), SIGKILL);
	pause();
}
#else
typedef int fault_c_is_empty_without_faults;
#endif
