/* SPDX-License-Identifier: Apache-2.0 */
/* setup-config - see setup-config.h. */
#include "setup-config.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/conf.h"
#include "base/paths.h"

enum { TEXT_MAX = 64 * 1024 };

/* ---- files, whole or not at all ---- */

void file_change_fini(struct file_change *c)
{
	if (c->before)
		explicit_bzero(c->before, c->before_octets);
	free(c->before);
	c->before = NULL;
}

static int read_all(const char *path, char **out, size_t *octets)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(auto_free) char *text = NULL;
	ssize_t n;

	if (fd < 0)
		return -errno;
	text = calloc(1, TEXT_MAX + 1);
	if (!text)
		return -ENOMEM;
	n = read(fd, text, TEXT_MAX);
	if (n < 0)
		return -errno;
	*out = STEAL(text);
	*octets = (size_t)n;
	return 0;
}

static void folder_of(char out[PATH_MAX], const char *path)
{
	const char *slash = strrchr(path, '/');

	snprintf(out, PATH_MAX, "%.*s", (int)(slash ? slash - path : 0), path);
}

static int sync_folder(const char *path)
{
	char folder[PATH_MAX];
	AUTO(auto_close) int fd = -1;

	folder_of(folder, path);
	fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

/* Ends with the file in place, or with nothing of it left. */
static int write_whole(
	const char *path, const char *text, size_t octets, unsigned mode, const struct group *group)
{
	char temporary[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	int rc = 0;

	if (snprintf(temporary, sizeof(temporary), "%s.new-XXXXXX", path) >= (int)sizeof(temporary))
		return -ENAMETOOLONG;
	fd = mkostemp(temporary, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	if (write(fd, text, octets) != (ssize_t)octets)
		rc = errno ? -errno : -ENOSPC;
	if (!rc && group && fchown(fd, (uid_t)-1, group->gr_gid) < 0)
		rc = -errno;
	if (!rc && (fchmod(fd, mode) < 0 || fsync(fd) < 0 || rename(temporary, path) < 0))
		rc = -errno;
	if (rc) {
		unlink(temporary);
		return rc;
	}
	return sync_folder(path);
}

static bool same_rights(const char *path, unsigned mode, const struct group *group)
{
	struct stat st;

	return lstat(path, &st) == 0 && (st.st_mode & 07777) == mode &&
	       (!group || st.st_gid == group->gr_gid);
}

bool file_fits(const char *path, const char *text, unsigned mode, const char *group)
{
	AUTO(auto_free) char *now = NULL;
	size_t octets = 0;
	bool same = read_all(path, &now, &octets) == 0 && now && octets == strlen(text) &&
		    !memcmp(now, text, octets) &&
		    same_rights(path, mode, group ? getgrnam(group) : NULL);

	if (now)
		explicit_bzero(now, octets);
	return same;
}

int file_put(
	struct file_change *c, const char *path, const char *text, unsigned mode, const char *group)
{
	const struct group *g = group ? getgrnam(group) : NULL;
	char folder[PATH_MAX];
	int rc;

	memset(c, 0, sizeof(*c));
	if (snprintf(c->path, sizeof(c->path), "%s", path) >= (int)sizeof(c->path))
		return -ENAMETOOLONG;
	rc = read_all(path, &c->before, &c->before_octets);
	if (rc && rc != -ENOENT)
		return rc;
	if (file_fits(path, text, mode, group))
		return 0;
	folder_of(folder, path);
	if (mkdir(folder, mode & 04 ? 0755 : 0750) == 0) {
		c->made_folder = true;
		if (g && chown(folder, (uid_t)-1, g->gr_gid) < 0)
			return -errno;
	}
	rc = write_whole(path, text, strlen(text), mode, g);
	c->done = rc == 0;
	return rc;
}

int file_remove(struct file_change *c, const char *path)
{
	int rc;

	memset(c, 0, sizeof(*c));
	snprintf(c->path, sizeof(c->path), "%s", path);
	rc = read_all(path, &c->before, &c->before_octets);
	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (unlink(path) < 0)
		return -errno;
	c->done = true;
	return sync_folder(path);
}

int file_undo(struct file_change *c)
{
	struct stat st;
	char folder[PATH_MAX];
	bool secret = strstr(c->path, "/secrets/") != NULL;

	if (!c->done)
		return 0;
	c->done = false;
	if (c->before)
		return write_whole(c->path, c->before, c->before_octets,
			lstat(c->path, &st) == 0 ? st.st_mode & 07777
			: secret                 ? 0640
						 : 0644,
			secret ? getgrnam("stillprint") : NULL);
	if (unlink(c->path) < 0 && errno != ENOENT)
		return -errno;
	folder_of(folder, c->path);
	if (c->made_folder)
		rmdir(folder);
	return 0;
}

/* ---- the section ---- */

int section_path(char *out, size_t size, const char *queue)
{
	int n = snprintf(out, size, "%s.d/%s.conf", paths_conf(), queue);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

static const char *take_line(void *arg, const char *section, const char *key, const char *value)
{
	struct section *s = arg;
	struct {
		const char *key;
		char *out;
		size_t size;
	} texts[] = {{"upstream", s->upstream, sizeof(s->upstream)},
		{"upstream-user", s->user, sizeof(s->user)},
		{"upstream-pin", s->pin, sizeof(s->pin)},
		{"on-outage", s->on_outage, sizeof(s->on_outage)},
		{"release", s->release, sizeof(s->release)}};

	if (strncmp(section, "queue ", 6) != 0 ||
		strcmp(section + 6 + strspn(section + 6, " \t"), s->queue) != 0)
		return "is not of this queue: setup does not write to a file that holds more; move it elsewhere";
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		if (!strcmp(texts[i].key, key))
			return snprintf(texts[i].out, texts[i].size, "%s", value) <
					       (int)texts[i].size
				       ? NULL
				       : "is too long";
	if (!strcmp(key, "accept-raw"))
		s->accept_raw = !strcmp(value, "yes");
	else if (!strcmp(key, "accept-foreign-hosts"))
		s->accept_foreign_hosts = !strcmp(value, "yes");
	else if (!strcmp(key, "require-verified"))
		s->require_verified = !strcmp(value, "yes");
	else if (!strcmp(key, "fallback") && s->fallback_count < CONFIG_FALLBACK_MAX)
		snprintf(s->fallback[s->fallback_count++], CONFIG_URI_MAX, "%s", value);
	else
		return "is nothing that setup writes: move it to another file";
	return NULL;
}

struct first_complaint {
	char *why;
	size_t size;
};

static void keep_first(void *arg, const char *message)
{
	struct first_complaint *f = arg;

	if (!*f->why)
		snprintf(f->why, f->size, "%s", message);
}

/* conf_read() has one argument for both functions: the section comes first in this. */
struct reading {
	struct section section;
	struct first_complaint first;
};

static void keep_first_reading(void *arg, const char *message)
{
	keep_first(&((struct reading *)arg)->first, message);
}

int section_read(const char *queue, struct section *out, char *why, size_t size)
{
	struct reading r = {.first = {why, size}};
	char path[PATH_MAX];
	int rc;

	*why = '\0';
	snprintf(r.section.queue, sizeof(r.section.queue), "%s", queue);
	rc = section_path(path, sizeof(path), queue);
	if (!rc)
		rc = conf_read(path, take_line, keep_first_reading, &r);
	r.section.exists = !rc && access(path, F_OK) == 0;
	*out = r.section;
	return rc;
}

char *section_text(const struct section *s)
{
	char *text = NULL;
	size_t octets;
	FILE *f = open_memstream(&text, &octets);

	if (!f)
		return NULL;
	fprintf(f,
		"# Written by \"stillprint setup\", which replaces this file as a whole.\n[queue %s]\n",
		s->queue);
	fprintf(f, "upstream = %s\n", s->upstream);
	if (*s->user)
		fprintf(f, "upstream-user = %s\n", s->user);
	/* The certificate that setup showed and the administrator confirmed. */
	if (*s->pin && !strncmp(s->upstream, "ipps:", 5))
		fprintf(f, "upstream-pin = %s\n", s->pin);
	if (*s->on_outage)
		fprintf(f, "on-outage = %s\n", s->on_outage);
	fprintf(f, "release = %s\n", *s->release ? s->release : "direct");
	for (size_t i = 0; i < s->fallback_count; i++)
		fprintf(f, "fallback = %s\n", s->fallback[i]);
	if (s->accept_raw)
		fprintf(f, "accept-raw = yes\n");
	if (s->accept_foreign_hosts)
		fprintf(f, "accept-foreign-hosts = yes\n");
	if (s->require_verified)
		fprintf(f, "require-verified = yes\n");
	if (fclose(f) != 0) {
		free(text);
		return NULL;
	}
	return text;
}

int section_check_all(char *why, size_t size)
{
	AUTO(config_freep) struct config *config = NULL;
	struct first_complaint first = {why, size};

	*why = '\0';
	return config_load(paths_conf(), keep_first, &first, &config);
}

int section_read_password(const char *path, char *out, size_t size)
{
	FILE *f = NULL;
	char *got;

	if (!strcmp(path, "-")) {
		got = fgets(out, (int)size, stdin);
	} else {
		f = fopen(path, "re");
		if (!f)
			return -errno;
		got = fgets(out, (int)size, f);
		fclose(f);
	}
	if (!got)
		return -ENODATA;
	if (!strchr(out, '\n') && strlen(out) == size - 1)
		return -EMSGSIZE;
	out[strcspn(out, "\r\n")] = '\0';
	return *out ? 0 : -ENODATA;
}
