/* SPDX-License-Identifier: Apache-2.0 */
/* paths - where Stillprint's files are: what the packager built in, unless the environment says otherwise.
 *
 * STILLPRINT_CONF, STILLPRINT_STATE, STILLPRINT_SPOOL and STILLPRINT_RUN override one path each, so that tests and
 * foreign scripts can drive an installed tree. No program of ours is set-user-id, so the environment is the caller's. */
#pragma once

#include <stddef.h>

const char *paths_conf(void); /* the configuration file; drop-ins are in this name + ".d" */
const char *paths_state(void); /* the daemon's own folder: store, keys, lock */
const char *paths_spool(void); /* incoming/ (backend writes), jobs/ (daemon's own), intake.pub */
const char *paths_run(void); /* sockets */

/** paths_join() - "@dir/@name" into @out
 * Return: 0, or -ENAMETOOLONG. */
int paths_join(char *out, size_t size, const char *dir, const char *name);
