/* SPDX-License-Identifier: Apache-2.0 */
/* check-files - are the programs and folders there, with the owners and modes that they must have? */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <time.h>

#include "base/paths.h"
#include "check.h"
#include "out.h"

#ifndef STILLPRINT_CUPS_SERVERBIN
#define STILLPRINT_CUPS_SERVERBIN "/usr/lib/cups"
#endif

enum { OLD_S = 60, LEAST_FREE_OCTETS = 500 * 1000 * 1000 };

#define REINSTALL "Install the package again."

static const char *serverbin(void)
{
	const char *path = getenv("STILLPRINT_CUPS_SERVERBIN");

	return path && *path == '/' ? path : STILLPRINT_CUPS_SERVERBIN;
}

/* cupsd runs a program of root's that nobody else may write; others-may-execute decides that it runs as lp. */
static void check_program(struct check *k, const char *what, const char *name)
{
	char path[PATH_MAX];
	struct stat st;

	snprintf(path, sizeof(path), "%s/%s", serverbin(), name);
	if (stat(path, &st) < 0)
		check_add(k, FINDING_WRONG, what, REINSTALL, "%s: %s", path, strerror(errno));
	else if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)))
		check_add(k, FINDING_WRONG, what, REINSTALL,
			"%s: cupsd refuses it: only root may own and write it", path);
	else if ((st.st_mode & 0777) != 0755)
		check_add(k, FINDING_WRONG, what,
			"Its mode must be 0755, so that it runs as user lp.", "%s: mode %04o", path,
			st.st_mode & 07777);
	else
		check_add(k, FINDING_OK, what, "", "%s", path);
}

/* @group, @user: NULL, whoever. A user or group that does not exist is a finding as well. */
static void check_folder(struct check *k, const char *what, const char *path, const char *user,
	const char *group, unsigned mode)
{
	const struct passwd *pw = user ? getpwnam(user) : NULL;
	const struct group *gr = group ? getgrnam(group) : NULL;
	struct stat st;
	char wanted[100];

	snprintf(wanted, sizeof(wanted), "It must be %s%s%s, mode %04o: systemd-tmpfiles --create",
		user ? user : "", group ? ":" : "", group ? group : "", mode);
	if (stat(path, &st) < 0) {
		if (errno == EACCES)
			k->incomplete = true;
		else
			check_add(k, FINDING_WRONG, what, wanted, "%s: %s", path, strerror(errno));
		return;
	}
	if ((user && (!pw || pw->pw_uid != st.st_uid)) ||
		(group && (!gr || gr->gr_gid != st.st_gid)))
		check_add(k, FINDING_WRONG, what, wanted, "%s belongs to others (uid %u, gid %u)",
			path, (unsigned)st.st_uid, (unsigned)st.st_gid);
	else if (!S_ISDIR(st.st_mode) || (st.st_mode & 07777) != mode)
		check_add(k, FINDING_WRONG, what, wanted, "%s has mode %04o", path,
			st.st_mode & 07777);
	else
		check_add(k, FINDING_OK, what, "", "%s", path);
}

/* Files that the daemon should have taken in by now. */
static void check_incoming(struct check *k, const char *path)
{
	DIR *dir = opendir(path);
	time_t now = time(NULL);
	unsigned waiting = 0;
	struct dirent *e;
	struct stat st;

	if (!dir) {
		k->incomplete |= errno == EACCES;
		return;
	}
	while ((e = readdir(dir)) != NULL)
		if (e->d_name[0] != '.' &&
			fstatat(dirfd(dir), e->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
			S_ISREG(st.st_mode) && st.st_mtime + OLD_S < now)
			waiting++;
	closedir(dir);
	check_add(k, waiting ? FINDING_WRONG : FINDING_OK, "intake",
		waiting ? "They are kept and go on when the daemon takes them: journalctl -u stillprintd"
			: "",
		waiting == 1 ? "%u sealed job waits to be taken in"
		: waiting    ? "%u sealed jobs wait to be taken in"
			     : "nothing waits (%u)",
		waiting);
}

static void check_disk(struct check *k)
{
	struct statvfs fs;
	int64_t left;

	if (statvfs(paths_spool(), &fs) < 0)
		return;
	left = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
	check_add(k, left < LEAST_FREE_OCTETS ? FINDING_WARNING : FINDING_OK, "disk",
		left < LEAST_FREE_OCTETS ? "When it is full, printing waits until there is room."
					 : "",
		"%s left for jobs", out_octets(left));
}

void check_files(struct check *k)
{
	char incoming[PATH_MAX];

	check_program(k, "backend", "backend/stillprint");
	check_program(k, "filter", "filter/stillprint-ticket");
	check_folder(k, "spool", paths_spool(), "stillprint", NULL, 0711);
	if (paths_join(incoming, sizeof(incoming), paths_spool(), "incoming") == 0) {
		check_folder(k, "spool", incoming, "lp", "stillprint", 02770);
		check_incoming(k, incoming);
	}
	check_folder(k, "state", paths_state(), "stillprint", NULL, 0700);
	check_disk(k);
}
