/* SPDX-License-Identifier: Apache-2.0 */
/* test-bus - what tests of the bus share: a system bus of their own, the daemon with a fake engine, clients of two
 * users. Include from one file per test program. Runs as root only, since several uids are the point. */
#pragma once

#include <dbus/dbus.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tap.h"

#define ANNA "nobody" /* any two accounts that every system has */
#define BERT "daemon"
#define ROOT_PATH "/org/stillprint"
#define MANAGER "org.stillprint.Manager1"
#define JOB "org.stillprint.Job1"
#define PROPERTIES DBUS_INTERFACE_PROPERTIES
#define OBJECTS "org.freedesktop.DBus.ObjectManager"
#define NO_SUCH "org.stillprint.Error.NoSuch"
#define ARGUMENT "org.stillprint.Error.Argument"

static char dir[64], fake_engine[512];
static pid_t bus_pid, engine_pid;
static FILE *to_engine, *from_engine;
static struct passwd anna, bert;

static inline void nap_ms(int ms)
{
	nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000L}, NULL);
}

static inline int64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- bus and daemon ---- */

/* @POLICY@ with an account that this machine has in the place of ours. */
static inline void write_config(void)
{
	char command[1024];

	snprintf(command, sizeof(command),
		"sed 's/user=\"stillprint\"/user=\"%s\"/' dbus/daemon/org.stillprint.conf >%s/policy.conf && "
		"sed -e 's|@ADDRESS@|unix:path=%s/bus|' -e 's|@POLICY@|%s/policy.conf|' "
		"tests/tools/private-bus.conf.in >%s/bus.conf",
		"lp", dir, dir, dir, dir);
	if (system(command) != 0)
		exit(1);
}

static inline void start_bus(void)
{
	char config[128], socket[128];

	snprintf(config, sizeof(config), "--config-file=%s/bus.conf", dir);
	snprintf(socket, sizeof(socket), "%s/bus", dir);
	unlink(socket);
	bus_pid = fork();
	if (bus_pid == 0) {
		execlp("dbus-daemon", "dbus-daemon", config, "--nofork", "--nopidfile",
			"--nosyslog", NULL);
		_exit(127);
	}
	for (int i = 0; i < 500 && access(socket, F_OK); i++)
		nap_ms(10);
	nap_ms(20);
}

static inline int stop(pid_t *pid, int sig)
{
	int status = 0;

	kill(*pid, sig);
	waitpid(*pid, &status, 0);
	*pid = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Return: what it said first, in a static buffer; "" if it ended. */
static inline const char *start_engine(void)
{
	static char line[512];
	int in[2], out[2];

	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC))
		exit(1);
	engine_pid = fork();
	if (engine_pid == 0) {
		dup2(in[0], 0);
		dup2(out[1], 1);
		execl(fake_engine, fake_engine, ANNA, BERT, NULL);
		_exit(127);
	}
	close(in[0]);
	close(out[1]);
	to_engine = fdopen(in[1], "w");
	from_engine = fdopen(out[0], "r");
	setvbuf(to_engine, NULL, _IOLBF, 0);
	if (!fgets(line, sizeof(line), from_engine))
		line[0] = '\0';
	return line;
}

static inline int stop_engine(void)
{
	int status = stop(&engine_pid, SIGTERM);

	fclose(to_engine);
	fclose(from_engine);
	return status;
}

/* Tells the fake engine, and waits until it has done so. Return: its line, in a static buffer. */
static inline const char *tell(const char *command)
{
	static char line[2048];

	fprintf(to_engine, "%s\n", command);
	if (!fgets(line, sizeof(line), from_engine))
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return line;
}

/* ---- clients ---- */

static inline DBusConnection *client(uid_t uid)
{
	DBusConnection *c;

	if (seteuid(uid))
		exit(1);
	c = dbus_connection_open_private(getenv("DBUS_SYSTEM_BUS_ADDRESS"), NULL);
	if (!c || !dbus_bus_register(c, NULL)) {
		printf("# no connection for uid %u\n", uid);
		exit(1);
	}
	if (seteuid(0))
		exit(1);
	dbus_connection_set_exit_on_disconnect(c, FALSE);
	return c;
}

static inline void leave(DBusConnection *c)
{
	dbus_connection_close(c);
	dbus_connection_unref(c);
}

static inline DBusMessage *call_new(const char *path, const char *interface, const char *name)
{
	return dbus_message_new_method_call("org.stillprint", path, interface, name);
}

/* Sends @m, which it takes over. Return: the answer, also an error; NULL if there is none in five seconds. */
static inline DBusMessage *exchange(DBusConnection *c, DBusMessage *m)
{
	DBusPendingCall *p;
	DBusMessage *answer;

	dbus_connection_send_with_reply(c, m, &p, 5000);
	dbus_message_unref(m);
	if (!p)
		return NULL;
	dbus_pending_call_block(p);
	answer = dbus_pending_call_steal_reply(p);
	dbus_pending_call_unref(p);
	return answer;
}

static inline DBusMessage *ask(
	DBusConnection *c, const char *path, const char *interface, const char *name, int type, ...)
{
	DBusMessage *m = call_new(path, interface, name);
	va_list ap;

	va_start(ap, type);
	dbus_message_append_args_valist(m, type, ap);
	va_end(ap);
	return exchange(c, m);
}

/* The error's name, "" for a good answer, in a static buffer; frees @answer. */
static inline const char *error_of(DBusMessage *answer)
{
	static char name[256];
	const char *e = answer ? dbus_message_get_error_name(answer) : "no answer";

	snprintf(name, sizeof(name), "%s", e ? e : "");
	if (answer)
		dbus_message_unref(answer);
	return name;
}

/* The text of an error. */
static inline const char *words_of(DBusMessage *answer)
{
	static char words[2048];
	const char *s = "";

	if (answer && dbus_message_get_type(answer) == DBUS_MESSAGE_TYPE_ERROR)
		dbus_message_get_args(answer, NULL, DBUS_TYPE_STRING, &s, DBUS_TYPE_INVALID);
	snprintf(words, sizeof(words), "%s", s);
	if (answer)
		dbus_message_unref(answer);
	return words;
}

#define IS(answer, error) (!strcmp(error_of(answer), (error)))

/* Signals named @name that have come, read for @ms. */
static inline unsigned heard(DBusConnection *c, const char *name, int ms)
{
	int64_t until = now_ms() + ms;
	unsigned n = 0;
	DBusMessage *m;

	do {
		dbus_connection_read_write(c, 10);
		while ((m = dbus_connection_pop_message(c))) {
			n += dbus_message_get_type(m) == DBUS_MESSAGE_TYPE_SIGNAL &&
			     strcmp(dbus_message_get_interface(m), DBUS_INTERFACE_DBUS) != 0 &&
			     (!*name || !strcmp(dbus_message_get_member(m), name));
			dbus_message_unref(m);
		}
	} while (now_ms() < until);
	return n;
}

/* Exactly @wanted of them come, however long the machine takes. */
static inline bool hears(DBusConnection *c, const char *name, unsigned wanted)
{
	int64_t until = now_ms() + 10000;
	unsigned n = 0;

	while (n < wanted && now_ms() < until)
		n += heard(c, name, 20);
	return n + heard(c, name, 50) == wanted;
}

static inline bool subscribe(DBusConnection *c, bool as_agent)
{
	dbus_bool_t agent = as_agent;

	return IS(ask(c, ROOT_PATH, MANAGER, "Subscribe", DBUS_TYPE_BOOLEAN, &agent,
			  DBUS_TYPE_INVALID),
		"");
}

/* ---- set-up ---- */

static inline bool find_user(const char *name, struct passwd *out)
{
	struct passwd *p = getpwnam(name);

	if (p)
		*out = *p;
	return p;
}

/* Return: NULL, or why these tests cannot run here. */
static inline const char *set_up(const char *argv0)
{
	char address[128];
	const char *slash = strrchr(argv0, '/');

	if (geteuid() != 0)
		return "needs root: several uids are the point";
	if (system("command -v dbus-daemon >/dev/null") != 0)
		return "dbus-daemon is not installed";
	if (!find_user(ANNA, &anna) || !find_user(BERT, &bert))
		return "the accounts " ANNA " and " BERT " are missing";
	snprintf(fake_engine, sizeof(fake_engine), "%.*s/../tools/fake-engine",
		(int)(slash - argv0), argv0);
	if (access(fake_engine, X_OK))
		return "fake-engine is not built: make tools";
	strcpy(dir, "/tmp/test-bus-XXXXXX");
	if (!mkdtemp(dir) || chmod(dir, 0755))
		return "no temporary folder";
	snprintf(address, sizeof(address), "unix:path=%s/bus", dir);
	setenv("DBUS_SYSTEM_BUS_ADDRESS", address, 1);
	signal(SIGPIPE, SIG_IGN);
	setvbuf(stdout, NULL, _IOLBF, 0);
	write_config();
	return NULL;
}

static inline void tear_down(void)
{
	char command[128];

	if (engine_pid)
		stop_engine();
	if (bus_pid)
		stop(&bus_pid, SIGTERM);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	if (system(command) != 0)
		printf("# %s is left\n", dir);
	dbus_shutdown();
}
