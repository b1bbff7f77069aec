/* SPDX-License-Identifier: Apache-2.0 */
/* admin - see admin.h. */
#include "admin.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "audit.h"
#include "base/mono.h"
#include "base/paths.h"
#include "base/text.h"

/* ---- words ---- */

const char *admin_safe(const char *text)
{
	static char buffers[8][1024];
	static unsigned next;
	char *out = buffers[next++ % 8];

	text_display(out, sizeof(buffers[0]), text);
	return out;
}

const char *admin_time(int64_t s)
{
	static char buffers[4][32];
	static unsigned next;
	char *out = buffers[next++ % 4];
	time_t t = (time_t)s;
	struct tm tm;

	if (s == 0 || !localtime_r(&t, &tm))
		return "-";
	strftime(out, sizeof(buffers[0]), "%Y-%m-%d %H:%M", &tm);
	return out;
}

int64_t admin_seconds(const char *text)
{
	static const struct {
		const char *name;
		int64_t factor;
	} units[] = {{"s", 1}, {"min", 60}, {"m", 60}, {"h", 3600}, {"d", 86400}, {"w", 604800}};
	char *end;
	long long n;

	if (*text < '0' || *text > '9')
		return -1;
	errno = 0;
	n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]) && !errno; i++)
		if (!strcmp(end, units[i].name) && n <= INT32_MAX / units[i].factor)
			return n * units[i].factor;
	return -1;
}

int64_t admin_when(const char *text)
{
	static const char *const forms[] = {
		"%Y-%m-%dT%H:%M", "%Y-%m-%d %H:%M", "%Y-%m-%d", "%H:%M"};
	int64_t span = admin_seconds(text);
	time_t now = time(NULL);

	if (span > 0)
		return now + span;
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		struct tm tm;
		const char *end;

		localtime_r(&now, &tm);
		tm.tm_sec = 0;
		if (i < 3)
			tm.tm_hour = tm.tm_min = 0;
		tm.tm_isdst = -1;
		end = strptime(text, forms[i], &tm);
		if (end && !*end)
			return mktime(&tm);
	}
	return -1;
}

/* ---- answers ---- */

void admin_set(struct json_object *row, const char *name, const char *value)
{
	json_object_object_add(row, name, json_object_new_string(value ? value : ""));
}

void admin_set_number(struct json_object *row, const char *name, int64_t value)
{
	json_object_object_add(row, name, json_object_new_int64(value));
}

void admin_set_flag(struct json_object *row, const char *name, bool value)
{
	json_object_object_add(row, name, json_object_new_boolean(value));
}

/* A character beyond ASCII as \uXXXX; what is not UTF-8 as U+FFFD. */
static const unsigned char *put_wide(FILE *to, const unsigned char *p)
{
	unsigned more = *p >= 0xf0 ? 3 : *p >= 0xe0 ? 2 : *p >= 0xc0 ? 1 : 0;
	uint32_t c = more == 3 ? *p & 7 : more == 2 ? *p & 15 : *p & 31;

	p++;
	for (unsigned i = 0; i < more; i++, p++) {
		if ((*p & 0xc0) != 0x80) {
			more = 0;
			break;
		}
		c = c << 6 | (*p & 63);
	}
	if (!more)
		c = 0xfffd;
	if (c > 0xffff)
		fprintf(to, "\\u%04x\\u%04x", 0xd800 + ((c - 0x10000) >> 10 & 0x3ff),
			0xdc00 + (c & 0x3ff));
	else
		fprintf(to, "\\u%04x", c);
	return p;
}

void admin_write_json(FILE *to, struct json_object *j)
{
	const unsigned char *p = (const unsigned char *)json_object_to_json_string_ext(
		j, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE);

	while (p && *p) {
		if (*p == 0x7f)
			fprintf(to, "\\u%04x", *p++);
		else if (*p < 0x80)
			fputc(*p++, to);
		else
			p = put_wide(to, p);
	}
	fputc('\n', to);
}

void admin_answer(struct admin *a, struct json_object *answer)
{
	if (a->json && !a->told) {
		admin_write_json(stdout, answer);
		a->told = true;
	}
	json_object_put(answer);
}

static const char *exit_name(enum admin_exit code)
{
	switch (code) {
	case ADMIN_USAGE:
		return "usage";
	case ADMIN_NO_SUCH:
		return "no-such";
	case ADMIN_DENIED:
		return "not-permitted";
	default:
		return "failed";
	}
}

int admin_fail(struct admin *a, enum admin_exit code, const char *fmt, ...)
{
	AUTO(auto_free) char *text = NULL;
	char shown[1024];
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	text_display(shown, sizeof(shown), text);
	fflush(stdout);
	fprintf(stderr, "stillprint-server: %s\n", shown);
	if (a->json && !a->told) {
		struct json_object *root = json_object_new_object(),
				   *error = json_object_new_object();

		admin_set(error, "name", exit_name(code));
		admin_set_number(error, "exit", code);
		admin_set(error, "message", shown);
		json_object_object_add(root, "error", error);
		admin_answer(a, root);
	}
	return (int)code;
}

int admin_errno(struct admin *a, const char *what, int rc)
{
	const char *advice =
		rc == -EACCES || rc == -EPERM ? " (run it as root)"
		: rc == -EBUSY                ? " (another program is writing for long: try again)"
		: rc == -ENOSPC               ? " (the disk is full: make room first)"
		: rc == -EUCLEAN    ? " (damaged: restore a backup, stillprint-server restore)"
		: rc == SQL_E_NEWER ? " (made by a newer Stillprint: install that again)"
				    : "";

	return admin_fail(a, rc == -EACCES || rc == -EPERM ? ADMIN_DENIED : ADMIN_FAILED,
		"%s: %s%s", what, rc < 0 ? strerror(-rc) : "not possible", advice);
}

void admin_say(struct admin *a, const char *fmt, ...)
{
	va_list ap;

	if (a->json)
		return;
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
}

/* ---- options ---- */

static void help_of(const struct admin_verb *v)
{
	printf("usage: stillprint-server %s %s\n%s\n%s", v->name, v->args, v->brief,
		v->more ? v->more : "");
	fputs("Every subcommand takes --json and --config FILE. See stillprint-server(8).\n",
		stdout);
}

static const struct admin_option *find_option(
	const struct admin_option *o, const char *word, size_t n)
{
	for (; o && o->name; o++)
		if (strlen(o->name) == n && !strncmp(o->name, word, n))
			return o;
	return NULL;
}

/* One "--word[=value]". Return: how many further words it took, or -1 with *@status. */
static int take_option(
	struct admin *a, int left, char **argv, const struct admin_option *options, int *status)
{
	const struct admin_option common[] = {
		{"json", NULL, &a->json}, {"config", &a->config_path, NULL}, {NULL}};
	const char *word = argv[0] + 2, *equals = strchr(word, '=');
	size_t n = equals ? (size_t)(equals - word) : strlen(word);
	const struct admin_option *o = find_option(options, word, n);

	if (!o)
		o = find_option(common, word, n);
	if (!strcmp(word, "help")) {
		help_of(a->verb);
		*status = ADMIN_DONE;
		return -1;
	}
	*status = ADMIN_USAGE;
	if (!o || (o->flag && equals) || (!o->flag && !equals && left < 2)) {
		admin_fail(a, ADMIN_USAGE, "%s %s (\"stillprint-server %s --help\" tells more)",
			argv[0],
			!o        ? "is no option here"
			: o->flag ? "takes no value"
				  : "needs a value",
			a->verb->name);
		return -1;
	}
	if (o->list && o->list->count == ADMIN_LIST_MAX) {
		admin_fail(a, ADMIN_USAGE, "--%s can be given %d times at most", o->name,
			ADMIN_LIST_MAX);
		return -1;
	}
	if (o->flag)
		*o->flag = true;
	else if (o->list)
		o->list->value[o->list->count++] = equals ? equals + 1 : argv[1];
	else
		*o->value = equals ? equals + 1 : argv[1];
	return !o->flag && !equals;
}

int admin_parse(struct admin *a, int argc, char **argv, const struct admin_option *options,
	const char *operands[ADMIN_OPERANDS_MAX], int *status)
{
	bool all = false;
	int n = 0;

	for (int i = 1; i < argc; i++) {
		if (!all && !strcmp(argv[i], "--")) {
			all = true;
		} else if (!all && !strncmp(argv[i], "--", 2)) {
			int took = take_option(a, argc - i, argv + i, options, status);

			if (took < 0)
				return -1;
			i += took;
		} else if (n == ADMIN_OPERANDS_MAX) {
			*status = admin_fail(a, ADMIN_USAGE, "too many words");
			return -1;
		} else {
			operands[n++] = argv[i];
		}
	}
	return n;
}

/* ---- the way to the database ---- */

static void complain(void *arg, const char *message)
{
	(void)arg;
	fprintf(stderr, "stillprint-server: %s\n", message);
}

int admin_config(struct admin *a)
{
	int rc;

	if (a->config)
		return 0;
	if (!a->config_path)
		a->config_path = server_config_path();
	else if (access(a->config_path, F_OK))
		return admin_fail(
			a, ADMIN_FAILED, "there is no %s: %s", a->config_path, strerror(errno));
	rc = server_config_load(a->config_path, complain, NULL, &a->config);
	if (rc == -EINVAL)
		return admin_fail(a, ADMIN_FAILED, "%s has faults; mend the lines named above",
			a->config_path);
	return rc ? admin_errno(a, a->config_path, rc) : 0;
}

static void take_who(struct admin *a)
{
	const char *sudo = getenv("SUDO_USER");
	struct passwd *p = getpwuid(getuid());

	snprintf(a->who, sizeof(a->who), "%s", sudo && *sudo ? sudo : p ? p->pw_name : "somebody");
	if (!text_is_clean(a->who))
		snprintf(a->who, sizeof(a->who), "uid %u", (unsigned)getuid());
}

int admin_become_owner(struct admin *a)
{
	struct stat st;

	take_who(a);
	if (stat(a->config->state, &st) < 0)
		return errno == ENOENT
			       ? admin_fail(a, ADMIN_FAILED,
					 "there is no %s yet: begin with \"stillprint-server setup\"",
					 a->config->state)
			       : admin_errno(a, a->config->state, -errno);
	if (geteuid() != 0 || st.st_uid == 0)
		return 0;
	if (setgroups(0, NULL) < 0 || setresgid(st.st_gid, st.st_gid, st.st_gid) < 0 ||
		setresuid(st.st_uid, st.st_uid, st.st_uid) < 0)
		return admin_errno(a, "becoming the owner of the state folder", -errno);
	return 0;
}

int admin_open(struct admin *a)
{
	int rc;

	if (a->open)
		return 0;
	umask(077);
	rc = admin_config(a);
	if (rc)
		return rc;
	rc = admin_become_owner(a);
	if (rc)
		return rc;
	a->open = true;
	rc = db_open(&a->app, a->config);
	return rc ? admin_errno(a, "server.db", rc) : 0;
}

void admin_close(struct admin *a)
{
	if (a->open)
		db_close(&a->app);
	a->open = false;
	server_config_free(STEAL(a->config));
}

/* Not the server's own groups: those count commits, and only one may. */
int admin_begin(struct admin *a)
{
	return sql_begin(&a->app.sql);
}

int admin_audit(struct admin *a, const char *event, const char *detail)
{
	return audit_add(&a->app, event, a->who, "administrator", 0, detail);
}

int admin_audit_about(struct admin *a, const char *event, const char *about, const char *detail)
{
	return audit_write(&a->app.sql, &(struct audit){.at_ms = a->app.now_ms,
						.event = event,
						.who = a->who,
						.decided_by = "administrator",
						.about = about,
						.detail = detail});
}

int admin_end(struct admin *a, int rc)
{
	if (rc) {
		sql_rollback(&a->app.sql);
		return rc;
	}
	return sql_commit(&a->app.sql);
}

int admin_lock(const char *state)
{
	char path[SERVER_PATH_MAX + 16];
	AUTO(auto_close) int fd = -1;

	if (paths_join(path, sizeof(path), state, "lock"))
		return -ENAMETOOLONG;
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	return STEAL_FD(fd);
}

/* ---- passwords ---- */

static int read_line(FILE *from, char *out, size_t size)
{
	size_t n;

	if (!fgets(out, (int)size, from))
		return -EINVAL;
	n = strcspn(out, "\r\n");
	if (!out[n] && n == size - 1)
		return -EMSGSIZE;
	out[n] = '\0';
	return 0;
}

/* Ctrl-C at a prompt: the terminal is left as it was found. */
static struct termios found;
static int found_fd = -1;

static void leave(int number)
{
	tcsetattr(found_fd, TCSAFLUSH, &found);
	raise(number); /* by its default now: SA_RESETHAND */
}

static void heed_signals(bool on, struct sigaction was[4])
{
	static const int numbers[4] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction on_leave = {.sa_handler = leave, .sa_flags = SA_RESETHAND | SA_NODEFER};

	for (int i = 0; i < 4; i++)
		if (on)
			sigaction(numbers[i], &on_leave, &was[i]);
		else
			sigaction(numbers[i], &was[i], NULL);
}

static int ask(FILE *terminal, const char *prompt, char *out, size_t size)
{
	struct sigaction before[4];
	struct termios quiet;
	int rc;

	if (tcgetattr(fileno(terminal), &found) < 0)
		return -errno;
	found_fd = fileno(terminal);
	quiet = found;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	quiet.c_cc[VSUSP] = _POSIX_VDISABLE; /* the shell would get a terminal without echo */
	fprintf(stderr, "%s", prompt);
	heed_signals(true, before);
	if (tcsetattr(found_fd, TCSAFLUSH, &quiet) < 0) {
		rc = -errno;
		heed_signals(false, before);
		return rc;
	}
	rc = read_line(terminal, out, size);
	tcsetattr(found_fd, TCSAFLUSH, &found);
	heed_signals(false, before);
	fputc('\n', stderr);
	return rc;
}

int admin_password(struct admin *a, const char *prompt, char *out, size_t size)
{
	char again[257];
	bool terminal = isatty(STDIN_FILENO), same = true;
	int rc;

	setvbuf(stdin, NULL, _IONBF, 0); /* no copy of it in a buffer */
	rc = terminal ? ask(stdin, prompt, out, size) : read_line(stdin, out, size);
	if (!rc && terminal) {
		rc = ask(stdin, "Again: ", again, sizeof(again));
		same = !rc && !strcmp(out, again);
		explicit_bzero(again, sizeof(again));
	}
	if (rc == -EMSGSIZE || (!rc && strlen(out) > 255))
		return admin_fail(a, ADMIN_FAILED, "a password has at most 255 octets");
	if (rc || !*out)
		return admin_fail(a, ADMIN_FAILED,
			"no password was given; it is read from the terminal, or from stdin");
	return same ? 0
		    : admin_fail(a, ADMIN_FAILED, "the two were not the same; nothing was changed");
}
