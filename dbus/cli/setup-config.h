/* SPDX-License-Identifier: Apache-2.0 */
/* setup-config - the files side of setup: a queue's section as a drop-in, its secret, written whole or not at all. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"
#include "core/config.h"

/* What setup knows of a queue's section. Texts as in the file, "" when the key is not there. */
struct section {
	char queue[128];
	char upstream[CONFIG_URI_MAX];
	char user[128];
	char pin[64];
	char on_outage[16], release[16];
	char fallback[CONFIG_FALLBACK_MAX][CONFIG_URI_MAX];
	size_t fallback_count;
	bool accept_raw, accept_foreign_hosts, require_verified;
	bool exists; /* the drop-in is there */
};

/* A file that was written or removed, and how it was before. */
struct file_change {
	char path[PATH_MAX];
	char *before; /* NULL: there was none */
	size_t before_octets;
	bool done, made_folder;
};
void file_change_fini(struct file_change *c); /* wipes, keeps what was done */
/* As it was before. 0 or -errno. */
int file_undo(struct file_change *c);
/* Writes @path anew (temporary file, fsync, rename). Does nothing when it is so already (c->done stays false).
 * @group: owner group's name, NULL: none. A folder that is missing is made. 0 or -errno. */
int file_put(struct file_change *c, const char *path, const char *text, unsigned mode,
	const char *group);
/* Is @path so already? */
bool file_fits(const char *path, const char *text, unsigned mode, const char *group);
int file_remove(struct file_change *c, const char *path);

/* STILLPRINT_CONF's .d/QUEUE.conf. 0 or -ENAMETOOLONG. */
int section_path(char *out, size_t size, const char *queue);
/* Reads the drop-in that setup wrote; 0 with exists false when there is none; -EINVAL when it cannot be read
 * (*@why: the first complaint). */
int section_read(const char *queue, struct section *out, char *why, size_t size);
/* The drop-in's text; heap memory, NULL without. */
char *section_text(const struct section *s);
/* Does the whole configuration load now? 0, or -EINVAL and the first complaint in @why. */
int section_check_all(char *why, size_t size);
/* The password is read from the first line of @path, "-" is standard input. 0 or -errno. */
int section_read_password(const char *path, char *out, size_t size);
