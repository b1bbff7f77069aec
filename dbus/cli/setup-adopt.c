/* SPDX-License-Identifier: Apache-2.0 */
/* setup-adopt - keeps what a queue was before Stillprint took it over, and puts exactly that back.
 *
 * paths_state()/adopted/QUEUE/ (0700, root): printer.ipp (all its attributes as cupsd told them), device-uri (the whole,
 * with the login that cupsd hides), queue.ppd (absent when it had none). The folder appears whole, by one rename. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/paths.h"
#include "core/wire.h"
#include "setup.h"

enum { URI_OCTETS = 1024 };

static int folder(char *out, size_t size, const char *queue, const char *file)
{
	int n = snprintf(
		out, size, "%s/adopted/%s%s%s", paths_state(), queue, *file ? "/" : "", file);

	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}

bool adopted_is_there(const char *queue)
{
	char path[PATH_MAX];

	return folder(path, sizeof(path), queue, "printer.ipp") == 0 && access(path, F_OK) == 0;
}

int adopted_uri(const char *queue, char *out, size_t size)
{
	char path[PATH_MAX];
	FILE *f;
	int rc = folder(path, sizeof(path), queue, "device-uri");

	if (rc)
		return rc;
	f = fopen(path, "re");
	if (!f)
		return -errno;
	rc = fgets(out, (int)size, f) ? 0 : -ENODATA;
	fclose(f);
	if (!rc)
		out[strcspn(out, "\n")] = '\0';
	return rc;
}

/* ---- the device URI that cupsd does not tell: with user and password ---- */

static const char *printers_conf(const struct setup *s, char *out, size_t size)
{
	const char *root = getenv("STILLPRINT_CUPS_ROOT");

	/* Another cupsd than the machine's own has its printers.conf elsewhere. */
	if (!root && !getenv("CUPS_SERVER") &&
		!strcmp(s->config->cups_socket, "/run/cups/cups.sock"))
		root = "/etc/cups";
	if (!root || snprintf(out, size, "%s/printers.conf", root) >= (int)size)
		return NULL;
	return out;
}

static bool begins_queue(const char *line, const char *queue)
{
	char name[256];

	return (sscanf(line, "<Printer %255[^>\n]>", name) == 1 ||
		       sscanf(line, "<DefaultPrinter %255[^>\n]>", name) == 1) &&
	       !strcmp(name, queue);
}

static void without_login(char *out, size_t size, const char *uri)
{
	const char *host = strstr(uri, "://"), *at;

	snprintf(out, size, "%s", uri);
	if (!host)
		return;
	host += 3;
	at = memchr(host, '@', strcspn(host, "/"));
	if (at)
		snprintf(out, size, "%.*s%s", (int)(host - uri), uri, at + 1);
}

static void whole_uri(const struct setup *s, char *out, size_t size)
{
	char path[PATH_MAX], line[2048], plain[URI_OCTETS], uri[URI_OCTETS];
	bool inside = false;
	FILE *f;

	snprintf(out, size, "%s", s->queue.device_uri);
	f = printers_conf(s, path, sizeof(path)) ? fopen(path, "re") : NULL;
	while (f && fgets(line, sizeof(line), f)) {
		if (*line == '<')
			inside = begins_queue(line, s->queue_option);
		if (!inside || sscanf(line, "DeviceURI %1023[^\n]", uri) != 1)
			continue;
		without_login(plain, sizeof(plain), uri);
		if (!strcmp(plain, s->queue.device_uri))
			snprintf(out, size, "%s", uri);
	}
	if (f)
		fclose(f);
}

bool adopted_has_login(struct setup *s)
{
	char whole[URI_OCTETS];

	whole_uri(s, whole, sizeof(whole));
	return strcmp(whole, s->queue.device_uri) != 0;
}

/* ---- saving ---- */

static void erase(const char *path)
{
	static const char *const files[] = {"printer.ipp", "device-uri", "queue.ppd"};
	char file[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (paths_join(file, sizeof(file), path, files[i]) == 0)
			unlink(file);
	rmdir(path);
}

void adopted_forget(const char *queue)
{
	char path[PATH_MAX], parent[PATH_MAX];

	if (folder(path, sizeof(path), queue, "") != 0)
		return;
	erase(path);
	if (paths_join(parent, sizeof(parent), paths_state(), "adopted") == 0)
		rmdir(parent); /* when it was the last */
}

static int open_new(const char *dir, const char *name)
{
	char path[PATH_MAX];
	int fd, rc = paths_join(path, sizeof(path), dir, name);

	if (rc)
		return rc;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	return fd < 0 ? -errno : fd;
}

static int save_attributes(struct setup *s, const char *dir)
{
	AUTO(wire_deletep) ipp_t *attributes = queue_attributes(s->http, s->queue_option);
	AUTO(auto_close) int fd = open_new(dir, "printer.ipp");

	if (fd < 0)
		return fd;
	if (!attributes)
		return -EIO;
	ippSetState(attributes, IPP_STATE_IDLE);
	if (ippWriteFile(fd, attributes) != IPP_STATE_DATA || fsync(fd) < 0)
		return -EIO;
	return 0;
}

static int save_uri(struct setup *s, const char *dir)
{
	AUTO(auto_close) int fd = open_new(dir, "device-uri");
	char uri[URI_OCTETS + 1];
	size_t n;

	if (fd < 0)
		return fd;
	whole_uri(s, uri, URI_OCTETS);
	n = strlen(uri);
	uri[n++] = '\n';
	return write(fd, uri, n) == (ssize_t)n && fsync(fd) == 0 ? 0 : -EIO;
}

static int save_ppd(struct setup *s, const char *dir)
{
	AUTO(auto_close) int fd = open_new(dir, "queue.ppd");
	char path[PATH_MAX];
	int rc;

	if (fd < 0)
		return fd;
	rc = queue_ppd(s->http, s->queue_option, fd);
	if (rc == QUEUE_E_NONE && paths_join(path, sizeof(path), dir, "queue.ppd") == 0)
		return unlink(path) < 0 ? -errno : 0;
	return rc || fsync(fd) == 0 ? rc : -errno;
}

static int sync_dir(const char *path)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 || fsync(fd) < 0 ? -errno : 0;
}

int adopted_save(struct setup *s)
{
	char parent[PATH_MAX], fresh[PATH_MAX], final[PATH_MAX];
	int rc = paths_join(parent, sizeof(parent), paths_state(), "adopted");

	if (!rc)
		rc = folder(fresh, sizeof(fresh) - 5, s->queue_option, "");
	if (rc)
		return rc;
	strcpy(final, fresh);
	strcat(fresh, ".new");
	if ((mkdir(paths_state(), 0755) < 0 || mkdir(parent, 0700) < 0) && errno != EEXIST)
		return -errno;
	mkdir(parent, 0700);
	erase(fresh); /* of a run that was interrupted */
	if (mkdir(fresh, 0700) < 0)
		return -errno;
	rc = save_attributes(s, fresh);
	if (!rc)
		rc = save_uri(s, fresh);
	if (!rc)
		rc = save_ppd(s, fresh);
	if (!rc)
		rc = sync_dir(fresh);
	if (!rc) {
		erase(final); /* the queue is not ours now, so what was kept before is of no use */
		rc = rename(fresh, final) < 0 ? -errno : sync_dir(parent);
	}
	if (rc)
		erase(fresh);
	return rc;
}

/* ---- putting back ---- */

static void put_text(ipp_t *request, ipp_t *saved, const char *name, ipp_tag_t tag)
{
	ipp_attribute_t *attr = ippFindAttribute(saved, name, IPP_TAG_ZERO);
	const char *text = attr ? ippGetString(attr, 0, NULL) : NULL;

	if (text && *text)
		ippAddString(request, IPP_TAG_PRINTER, tag, name, NULL, text);
}

static void put_all_texts(ipp_t *request, ipp_t *saved, const char *name)
{
	ipp_attribute_t *attr = ippFindAttribute(saved, name, IPP_TAG_ZERO);

	if (attr)
		ippCopyAttribute(request, attr, 0);
}

static ipp_t *restore_request(const char *queue, ipp_t *saved, const char *uri, bool raw)
{
	ipp_t *request = queue_request(IPP_OP_CUPS_ADD_MODIFY_PRINTER, queue);

	if (raw)
		ippAddString(request, IPP_TAG_OPERATION, IPP_TAG_NAME, "ppd-name", NULL, "raw");
	ippAddString(request, IPP_TAG_PRINTER, IPP_TAG_URI, "device-uri", NULL, uri);
	put_text(request, saved, "printer-error-policy", IPP_TAG_NAME);
	put_text(request, saved, "printer-op-policy", IPP_TAG_NAME);
	put_text(request, saved, "port-monitor", IPP_TAG_NAME);
	put_all_texts(request, saved, "auth-info-required");
	return request;
}

static int read_saved(const char *queue, ipp_t **out)
{
	char path[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	AUTO(wire_deletep) ipp_t *saved = ippNew();
	int rc = folder(path, sizeof(path), queue, "printer.ipp");

	if (rc || !saved)
		return rc ? rc : -ENOMEM;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0)
		return -errno;
	if (ippReadFile(fd, saved) != IPP_STATE_DATA)
		return -EBADMSG;
	*out = STEAL(saved);
	return 0;
}

int adopted_restore(struct setup *s)
{
	AUTO(wire_deletep) ipp_t *saved = NULL;
	char uri[URI_OCTETS], ppd[PATH_MAX];
	ipp_attribute_t *shared;
	bool has_ppd;
	int rc = read_saved(s->queue_option, &saved);

	if (!rc)
		rc = adopted_uri(s->queue_option, uri, sizeof(uri));
	if (!rc)
		rc = folder(ppd, sizeof(ppd), s->queue_option, "queue.ppd");
	if (rc)
		return rc;
	has_ppd = access(ppd, R_OK) == 0;
	/* Before its device is another server's queue again: cupsd would refuse this afterwards. */
	shared = ippFindAttribute(saved, "printer-is-shared", IPP_TAG_BOOLEAN);
	if (shared && s->queue_exists)
		rc = queue_set_shared(s->http, s->queue_option, ippGetBoolean(shared, 0));
	if (rc)
		return rc;
	return queue_modify(s->http, restore_request(s->queue_option, saved, uri, !has_ppd),
		has_ppd ? ppd : NULL);
}
