/* SPDX-License-Identifier: Apache-2.0 */
/* conf - read `key = value` in [sections] from a file and its drop-ins (NAME.d, files *.conf, in name order).
 *
 * '#' and ';' start a comment line; values are taken as they stand, trimmed. A line that is none of these, and every
 * line that the caller's @fn calls bad, is reported as "file:line: why" to @complain, all of them, before failing.
 * A file that is a symlink, not regular, or writable by group or others (or not owned by root or the caller's uid) is
 * refused; so is one over 1 MiB. */
#pragma once

/* @fn: NULL if the line is good, else why not (static text). @section: "" before the first, else what is in brackets,
 * for instance "queue Office". */
typedef const char *conf_line_fn(
	void *arg, const char *section, const char *key, const char *value);
typedef void conf_complain_fn(void *arg, const char *message);

/* A new file begins: for callers to whom lines of one file belong together.
 * @line: counts its lines; both are valid until conf_read_files() returns or the next file begins. */
typedef void conf_file_fn(void *arg, const char *file, const unsigned *line);

/** conf_read() - @path and its drop-ins; an absent @path with no drop-ins is an empty configuration
 * Return: 0, -EINVAL after complaints, or -errno. */
int conf_read(const char *path, conf_line_fn *fn, conf_complain_fn *complain, void *arg);
int conf_read_files(const char *path, conf_file_fn *begin, conf_line_fn *fn,
	conf_complain_fn *complain, void *arg);
