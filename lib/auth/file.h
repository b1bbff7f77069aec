/* SPDX-License-Identifier: Apache-2.0 */
/* file - small files of our own, read whole and replaced as one. */
#pragma once

#include <stddef.h>
#include <stdint.h>

enum file_err {
	FILE_E_UNFIT =
		1, /* a link or with a second name, no regular file, others may touch it, or larger than @max */
};

/** file_read() - all of @name in @folder; a link, or a file that group or others may read or write, is refused
 * @out: malloc'ed and wiped by the caller (file_wipe())
 * Return: 0, FILE_E_UNFIT, -ENOENT, or -errno. */
int file_read(const char *folder, const char *name, size_t max, uint8_t **out, size_t *count);

/** file_replace() - write beside it, fsync, rename, fsync the folder; mode 0600
 * Return: 0, or -errno; then the old file is as it was. */
int file_replace(const char *folder, const char *name, const void *octets, size_t count);

/* The same without fsync, for what need not outlive the machine's run. */
int file_replace_volatile(const char *folder, const char *name, const void *octets, size_t count);

/* Overwrite, fsync, unlink. Return: 0 (also if there is none), or -errno. */
int file_erase(const char *folder, const char *name);

void file_wipe(uint8_t *octets, size_t count); /* and free; NULL is fine */
