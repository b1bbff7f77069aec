/* SPDX-License-Identifier: Apache-2.0 */
/* files - whole small files in the state folder: read with a limit, written so that a crash leaves the old or the new. */
#pragma once

#include <stddef.h>
#include <sys/types.h>

/** files_read() - all of @folder/@name, a regular file of at most @max octets, with a NUL behind
 * @out: the caller's to free (wipe it if it is a secret). 0, -ENOENT, -EFBIG, -errno. */
int files_read(const char *folder, const char *name, size_t max, char **out, size_t *count);
/* Written aside, synced, renamed, folder synced. 0 or -errno. */
int files_write(
	const char *folder, const char *name, const void *octets, size_t count, mode_t mode);
/* The same, but an existing file stays: -EEXIST. */
int files_write_new(
	const char *folder, const char *name, const void *octets, size_t count, mode_t mode);
/* A line behind what is there, synced. 0 or -errno. */
int files_append(const char *folder, const char *name, const char *line);
int files_sync_folder(const char *folder);
