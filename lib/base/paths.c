/* SPDX-License-Identifier: Apache-2.0 */
/* paths - see paths.h. */
#include "base/paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

static const char *from_env(const char *name, const char *built_in)
{
	const char *value = getenv(name);

	return value && value[0] == '/' ? value : built_in;
}

const char *paths_conf(void)
{
	return from_env("STILLPRINT_CONF", STILLPRINT_SYSCONFDIR "/stillprint.conf");
}

const char *paths_state(void)
{
	return from_env("STILLPRINT_STATE", STILLPRINT_STATEDIR);
}

const char *paths_spool(void)
{
	return from_env("STILLPRINT_SPOOL", STILLPRINT_SPOOLDIR);
}

const char *paths_run(void)
{
	return from_env("STILLPRINT_RUN", STILLPRINT_RUNDIR);
}

int paths_join(char *out, size_t size, const char *dir, const char *name)
{
	int n = snprintf(out, size, "%s/%s", dir, name);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
