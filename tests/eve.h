/* SPDX-License-Identifier: Apache-2.0 */
/* eve - a private ippeveprinter with its own bus, for one test program. */
#pragma once

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct eve {
	char folder[64];
	char uri[64];
	int port;
	pid_t bus, printer;
};

static inline int64_t eve_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* A port that was free a moment ago. */
static inline int eve_free_port(void)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t size = sizeof(at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || bind(fd, (struct sockaddr *)&at, size) ||
		getsockname(fd, (struct sockaddr *)&at, &size))
		return -1;
	close(fd);
	return ntohs(at.sin_port);
}

static inline pid_t eve_spawn(const char *log, char *const argv[])
{
	pid_t parent = getpid(), pid = fork();
	int fd;

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
	dup2(fd, 1);
	dup2(fd, 2);
	execvp(argv[0], argv);
	_exit(127);
}

/* Waits until the port takes connections, or the process has ended. */
static inline bool eve_listens(int port, pid_t pid, int limit_ms)
{
	struct sockaddr_in at = {.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons((uint16_t)port)};
	int64_t until = eve_ms() + limit_ms;
	int fd, rc;

	while (eve_ms() < until && waitpid(pid, NULL, WNOHANG) == 0) {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		rc = connect(fd, (struct sockaddr *)&at, sizeof(at));
		close(fd);
		if (!rc)
			return true;
		poll(NULL, 0, 5);
	}
	return false;
}

static inline bool eve_write(const char *path, const char *text, mode_t mode)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, mode);
	bool done = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return done;
}

/* A printer with the attributes of that file (ippeveprinter -a), which keeps the ticket of its last job in
 * "FOLDER/ticket". False if it cannot run here. */
static inline bool eve_start(struct eve *e, const char *attributes)
{
	char path[128], command[128], config[512], address[160], port[16];

	snprintf(e->folder, sizeof(e->folder), "/tmp/stillprint-eve-XXXXXX");
	if (!mkdtemp(e->folder))
		return false;
	snprintf(path, sizeof(path), "%s/bus.conf", e->folder);
	snprintf(config, sizeof(config),
		"<busconfig><type>system</type><listen>unix:path=%s/bus</listen><auth>EXTERNAL</auth>"
		"<policy context=\"default\"><allow user=\"*\"/><allow own=\"*\"/><allow send_destination=\"*\"/>"
		"<allow receive_sender=\"*\"/></policy></busconfig>\n",
		e->folder);
	snprintf(command, sizeof(command), "%s/command", e->folder);
	if (!eve_write(path, config, 0600) ||
		!eve_write(command, "#!/bin/sh\nenv | grep '^IPP_' | sort >\"$EVE_DIR/ticket\"\n",
			0700))
		return false;
	snprintf(address, sizeof(address), "--config-file=%s", path);
	snprintf(path, sizeof(path), "%s/bus.log", e->folder);
	e->bus = eve_spawn(
		path, (char *[]){"dbus-daemon", address, "--nofork", "--nopidfile", NULL});
	snprintf(path, sizeof(path), "%s/bus", e->folder);
	for (int64_t until = eve_ms() + 5000; access(path, F_OK) && eve_ms() < until;)
		poll(NULL, 0, 5);
	snprintf(address, sizeof(address), "unix:path=%s", path);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	setenv("EVE_DIR", e->folder, 1);
	e->port = eve_free_port();
	snprintf(port, sizeof(port), "%d", e->port);
	snprintf(e->uri, sizeof(e->uri), "ipp://localhost:%d/ipp/print", e->port);
	snprintf(path, sizeof(path), "%s/eve.log", e->folder);
	e->printer =
		eve_spawn(path, (char *[]){"ippeveprinter", "-r", "off", "-p", port, "-n",
					"localhost", "-vvv", "-k", "-K", e->folder, "-d", e->folder,
					"-c", command, "-a", (char *)attributes, "Test MFP", NULL});
	return eve_listens(e->port, e->printer, 10000);
}

static inline void eve_stop(struct eve *e)
{
	char command[128];

	for (pid_t *p = (pid_t[]){e->printer, e->bus, 0}; *p > 0; p++) {
		kill(*p, SIGKILL);
		waitpid(*p, NULL, 0);
	}
	snprintf(command, sizeof(command), "rm -rf '%s'", e->folder);
	if (!strncmp(e->folder, "/tmp/stillprint-eve-", 20) && system(command))
		fprintf(stderr, "cannot remove %s\n", e->folder);
}
