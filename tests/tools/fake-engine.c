/* SPDX-License-Identifier: Apache-2.0 */
/* fake-engine - the real bus of the daemon over an engine of canned jobs, for tests of the bus and of the agent.
 *
 * usage: fake-engine USER1 USER2    jobs 1, 2 are USER1's, 3, 5 are USER2's; there is no job 4
 *        fake-engine --rows         the method table: interface, name, in, out
 * Commands on stdin, one a line; each answers with one line on stdout:
 *   change N, add N USER, remove N, notice N, news N, tell USER TEXT, queue NAME, drop-queue NAME, can-ask USER, asked, last,
 *   flood N USER */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "../../dbus/daemon/bus-impl.h"

enum { JOBS_MAX = 20000, LATE_MS = 1000 };

struct late {
	struct engine *e;
	sd_event_source *source;
	engine_reply_fn *reply;
	void *arg;
	enum engine_err err;
	char message[300];
	struct rows *rows;
	struct late *next, **at;
};

struct engine {
	sd_event *loop;
	struct engine_listener listener;
	struct store_job *job[JOBS_MAX];
	unsigned count;
	struct config config;
	struct config_queue queue[3];
	struct late *late;
	unsigned asked; /* requests that reached the engine */
	char last[1500]; /* the last of them */
};

/* ---- looking ---- */

static bool describe(struct engine *e, unsigned i, struct engine_job *out)
{
	if (i >= e->count)
		return false;
	*out = (struct engine_job){.row = e->job[i],
		.target = "ipp://office.example/ipp/print",
		.encrypted = false,
		.remote_id = 7,
		.impressions = -1};
	return true;
}

bool engine_job_at(struct engine *e, unsigned index, struct engine_job *out)
{
	return describe(e, index, out);
}

static unsigned index_of(struct engine *e, int32_t id)
{
	unsigned i = 0;

	while (i < e->count && e->job[i]->id != id)
		i++;
	return i;
}

bool engine_job_find(struct engine *e, int32_t id, struct engine_job *out)
{
	return describe(e, index_of(e, id), out);
}

unsigned engine_job_actions(
	struct engine *e, int32_t id, struct engine_action out[ENGINE_ACTION_MAX])
{
	static const struct engine_action held[] = {
		{"release:ipp://hall.example/ipp/print", "Print at Hall <2nd & 3rd floor>"},
		{"release:ipps://attic.example/ipp/print", "Print at Attic"},
		{"wait", "Wait for the server"},
		{"cancel", "Cancel"},
	};
	static const struct engine_action unknown[] = {
		{"printed", "It printed"}, {"print-again", "Print again"}};
	unsigned i = index_of(e, id);

	if (i == e->count)
		return 0;
	if (e->job[i]->state == JOB_HELD) {
		memcpy(out, held, sizeof(held));
		return 4;
	}
	if (e->job[i]->state != JOB_UNKNOWN)
		return 0;
	memcpy(out, unknown, sizeof(unknown));
	return 2;
}

bool engine_queue_at(struct engine *e, unsigned index, struct engine_queue *out)
{
	if (index >= e->config.queue_count)
		return false;
	*out = (struct engine_queue){.config = &e->config.queue[index],
		.health = "lost",
		.health_since_s = 1700000000,
		.health_detail = "connection refused",
		.outage_message = "",
		.waiting = 3};
	return true;
}

bool engine_queue_find(struct engine *e, const char *name, struct engine_queue *out)
{
	for (unsigned i = 0; engine_queue_at(e, i, out); i++)
		if (!strcmp(out->config->name, name))
			return true;
	return false;
}

/* One that the administrator configured, one that a user named. */
bool engine_printer_at(struct engine *e, unsigned index, struct engine_printer *out)
{
	(void)e;
	if (index > 1)
		return false;
	*out = (struct engine_printer){.id = 0x1a2b3c4d + index,
		.uri = index ? "ipp://10.1.2.3/ipp/print" : "ipps://attic.example/ipp/print",
		.name = "Attic",
		.pin = index ? "" : "sha256//AAAA",
		.encrypted = !index,
		.configured = !index};
	return true;
}

bool engine_printer_find(struct engine *e, uint32_t id, struct engine_printer *out)
{
	for (unsigned i = 0; engine_printer_at(e, i, out); i++)
		if (out->id == id)
			return true;
	return false;
}

void engine_get_status(struct engine *e, struct engine_status *out)
{
	(void)e;
	*out = (struct engine_status){.run_id = "run",
		.started_s = 1700000000,
		.online = true,
		.spool_octets = 3000,
		.spool_max_octets = 5000000000,
		.waiting = 2,
		.unknown = 1};
}

const struct config *engine_config(struct engine *e)
{
	return &e->config;
}

/* ---- asking ---- */

static void late_end(struct late *l, enum engine_err err)
{
	*l->at = l->next;
	if (l->next)
		l->next->at = l->at;
	l->reply(l->arg, err, l->message, l->rows);
	rows_free(l->rows);
	sd_event_source_disable_unref(l->source);
	free(l);
}

static int on_late(sd_event_source *s, uint64_t at_us, void *arg)
{
	struct late *l = arg;

	(void)s;
	(void)at_us;
	late_end(l, l->err);
	return 0;
}

__attribute__((format(printf, 2, 3))) static void note(struct engine *e, const char *fmt, ...)
{
	va_list ap;

	e->asked++;
	va_start(ap, fmt);
	vsnprintf(e->last, sizeof(e->last), fmt, ap);
	va_end(ap);
}

static void answer(struct engine *e, unsigned after_ms, enum engine_err err, const char *message,
	struct rows *rows, engine_reply_fn *reply, void *arg)
{
	struct late *l = calloc(1, sizeof(*l));

	if (!l)
		abort();
	*l = (struct late){
		.e = e, .reply = reply, .arg = arg, .err = err, .rows = rows, .next = e->late};
	snprintf(l->message, sizeof(l->message), "%s", message);
	l->at = &e->late;
	if (l->next)
		l->next->at = &l->next;
	e->late = l;
	if (sd_event_add_time_relative(
		    e->loop, &l->source, CLOCK_MONOTONIC, after_ms * 1000, 1, on_late, l) < 0)
		abort();
}

static void move(struct engine *e, int32_t id, enum job_state state, enum job_reason reason)
{
	unsigned i = index_of(e, id);

	if (i == e->count)
		return;
	e->job[i]->state = state;
	e->job[i]->reason = reason;
	e->listener.job_changed(e->listener.arg, id);
}

void engine_release(struct engine *e, int32_t id, const struct engine_release *r,
	const char *decided_by, engine_reply_fn *reply, void *arg)
{
	note(e, "release %d printer=%s at=%d here=%d printed=%d by=%s", id,
		r->printer ? r->printer : "-", r->at_printer, r->here, r->printed, decided_by);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_cancel(
	struct engine *e, int32_t id, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	note(e, "cancel %d by=%s", id, decided_by);
	move(e, id, JOB_CANCELED, JOB_R_CANCELED_BY_USER);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_delegate(struct engine *e, int32_t id, const char *const *names, unsigned count,
	const char *decided_by, engine_reply_fn *reply, void *arg)
{
	note(e, "delegate %d %u %s %s", id, count, count ? names[0] : "-", decided_by);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_print_again(struct engine *e, int32_t id, const char *printer, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	note(e, "print-again %d printer=%s by=%s", id, printer ? printer : "-", decided_by);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_act(struct engine *e, int32_t id, const char *key, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	enum engine_err err = ENGINE_OK;

	note(e, "act %d %s by=%s", id, key, decided_by);
	if (!strncmp(key, "fail:", 5))
		err = (enum engine_err)atoi(key + 5);
	else if (!strcmp(key, "cancel"))
		move(e, id, JOB_CANCELED, JOB_R_CANCELED_BY_USER);
	else if (!strncmp(key, "release:ipps:", 13))
		err = ENGINE_E_UNREACHABLE;
	else if (!strncmp(key, "release:", 8))
		move(e, id, JOB_CREATING, JOB_R_DELIVERING);
	else if (!strcmp(key, "printed"))
		move(e, id, JOB_COMPLETED, JOB_R_USER_REPORTED);
	answer(e, 0, err, "Attic \xff does not answer; choose another printer.", NULL, reply, arg);
}

static struct rows *some_rows(unsigned count)
{
	struct rows *r = rows_new();

	for (unsigned i = 0; r && i < count; i++) {
		rows_next(r);
		rows_string(r, "Uri", "ipp://hall.example/ipp/print");
		rows_bool(r, "Encrypted", false);
		rows_int(r, "Pages", i);
	}
	return r;
}

void engine_fallback_add(struct engine *e, const char *owner, const char *queue,
	const char *address, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	(void)decided_by;
	note(e, "fallback-add %s %s %s", owner, queue, address);
	answer(e, 0, ENGINE_OK, "", some_rows(1), reply, arg);
}

void engine_fallback_remove(struct engine *e, const char *owner, const char *queue,
	const char *address, const char *decided_by, engine_reply_fn *reply, void *arg)
{
	(void)decided_by;
	note(e, "fallback-remove %s %s %s", owner, queue, address);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_fallback_list(
	struct engine *e, const char *owner, const char *queue, engine_reply_fn *reply, void *arg)
{
	note(e, "fallback-list %s %s", owner, queue);
	answer(e, 0, ENGINE_OK, "", some_rows(2), reply, arg);
}

void engine_outage_start(struct engine *e, const char *queue, int64_t until_s, const char *message,
	const char *decided_by, engine_reply_fn *reply, void *arg)
{
	note(e, "outage-start %s %lld %s by=%s", queue, (long long)until_s, message, decided_by);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_outage_stop(struct engine *e, const char *queue, const char *decided_by,
	engine_reply_fn *reply, void *arg)
{
	note(e, "outage-stop %s by=%s", queue, decided_by);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_whoami(struct engine *e, const char *user, engine_reply_fn *reply, void *arg)
{
	AUTO(rows_freep) struct rows *rows = rows_new();

	(void)e;
	rows_next(rows);
	rows_string(rows, "User", user);
	reply(arg, ENGINE_OK, "", rows);
}

void engine_usage(struct engine *e, const char *owner, int64_t from_s, int64_t to_s,
	engine_reply_fn *reply, void *arg)
{
	note(e, "usage %s %lld %lld", owner ? owner : "everybody", (long long)from_s,
		(long long)to_s);
	answer(e, 0, ENGINE_OK, "", some_rows(3), reply, arg);
}

void engine_audit(struct engine *e, int32_t id, engine_reply_fn *reply, void *arg)
{
	note(e, "audit %d", id);
	answer(e, 0, ENGINE_OK, "", some_rows(1), reply, arg);
}

/* Late, so that tests can have calls under way. */
void engine_check(struct engine *e, engine_reply_fn *reply, void *arg)
{
	note(e, "check");
	answer(e, LATE_MS, ENGINE_OK, "", some_rows(2), reply, arg);
}

void engine_trust(struct engine *e, const char *uri, const char *decided_by, engine_reply_fn *reply,
	void *arg)
{
	note(e, "trust %s by=%s", uri, decided_by);
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

int32_t engine_public_idle_s(const struct engine *e)
{
	(void)e;
	return 0;
}

void engine_user_is_away(struct engine *e, uint32_t uid, const char *user)
{
	(void)e;
	(void)uid;
	(void)user;
}

void engine_reload(struct engine *e, engine_reply_fn *reply, void *arg)
{
	note(e, "reload");
	answer(e, 0, ENGINE_OK, "", NULL, reply, arg);
}

void engine_set_listener(struct engine *e, const struct engine_listener *l)
{
	e->listener = *l;
}

/* ---- the canned state ---- */

static void add_job(struct engine *e, int32_t id, const char *owner, enum job_state state,
	enum job_reason reason, const char *title)
{
	struct store_job *j = calloc(1, sizeof(*j));

	if (!j || e->count == JOBS_MAX)
		abort();
	*j = (struct store_job){.id = id,
		.state = state,
		.reason = reason,
		.pages = 3,
		.copies = 1,
		.octets = 1000,
		.file_octets = 1100,
		.stored_s = 1700000000,
		.since_s = 1700000000};
	snprintf(j->owner, sizeof(j->owner), "%s", owner);
	snprintf(j->title, sizeof(j->title), "%s", title);
	snprintf(j->queue, sizeof(j->queue), "office");
	snprintf(j->document_uuid, sizeof(j->document_uuid), "urn:uuid:%d", id);
	snprintf(j->reason_arg, sizeof(j->reason_arg), "Office");
	e->job[e->count++] = j;
}

static void add_queue(struct engine *e, const char *name)
{
	struct config_queue *q = &e->queue[e->config.queue_count++];

	*q = (struct config_queue){.on_outage = ON_OUTAGE_ASK, .fallback_count = 1};
	snprintf(q->name, sizeof(q->name), "%s", name);
	snprintf(q->upstream, sizeof(q->upstream), "ipps://print.example/printers/%s", name);
	snprintf(q->upstream_password, sizeof(q->upstream_password), "never-shown");
	snprintf(q->fallback[0], sizeof(q->fallback[0]), "ipp://hall.example/ipp/print");
}

static void notice(struct engine *e, int32_t id, const char *kind)
{
	struct engine_action action[ENGINE_ACTION_MAX];
	unsigned i = index_of(e, id);
	struct engine_notice n = {.job_id = id, .kind = kind, .action = action};

	if (i == e->count)
		return;
	n.owner = e->job[i]->owner;
	n.summary = "Office does not answer";
	n.body = "\"Report <b>2026</b> & more.pdf\" waits since 10:42. Where shall it be printed?";
	n.action_count = engine_job_actions(e, id, action);
	e->listener.notice(e->listener.arg, &n);
}

static void flood(struct engine *e, const char *user, int count)
{
	for (int i = 0; i < count; i++)
		add_job(e, 1000 + i, user, JOB_HELD, JOB_R_SERVER_LOST_ASK, "flood");
}

/* The commands about one job or queue. */
static void obey(struct engine *e, const char *verb, const char *what, const char *rest)
{
	int32_t id = atoi(what);

	if (!strcmp(verb, "change")) {
		e->listener.job_changed(e->listener.arg, id);
	} else if (!strcmp(verb, "add")) {
		add_job(e, id, rest, JOB_HELD, JOB_R_SERVER_LOST_ASK, "added");
		e->listener.job_changed(e->listener.arg, id);
	} else if (!strcmp(verb, "remove") && index_of(e, id) < e->count) {
		unsigned i = index_of(e, id);

		free(e->job[i]);
		e->job[i] = e->job[--e->count];
		e->listener.job_removed(e->listener.arg, id);
	} else if (!strcmp(verb, "notice")) {
		notice(e, id, "server-lost");
	} else if (!strcmp(verb, "news")) {
		notice(e, id, "printed-elsewhere");
	} else if (!strcmp(verb, "tell")) {
		struct engine_notice n = {.owner = what,
			.kind = "server-back",
			.summary = "Office is back",
			.body = rest};

		e->listener.notice(e->listener.arg, &n);
	} else if (!strcmp(verb, "queue")) {
		e->listener.queue_changed(e->listener.arg, what);
	} else if (!strcmp(verb, "drop-queue")) {
		e->config.queue_count--;
		e->listener.queue_changed(e->listener.arg, what);
	} else if (!strcmp(verb, "flood")) {
		flood(e, rest, id);
	}
}

static int on_command(sd_event_source *s, int fd, uint32_t revents, void *arg)
{
	struct engine *e = arg;
	char line[512] = "", verb[32] = "", what[128] = "", rest[256] = "";
	size_t n = 0;

	(void)s;
	(void)revents;
	while (n + 1 < sizeof(line) && read(fd, line + n, 1) == 1 && line[n] != '\n')
		n++;
	if (n == 0) {
		sd_event_exit(e->loop, 0);
		return 0;
	}
	sscanf(line, "%31s %127s %255[^\n]", verb, what, rest);
	if (!strcmp(verb, "can-ask"))
		printf("%s\n", e->listener.can_ask(e->listener.arg, what) ? "yes" : "no");
	else if (!strcmp(verb, "asked"))
		printf("%u\n", e->asked);
	else if (!strcmp(verb, "last"))
		printf("%s\n", e->last);
	else
		obey(e, verb, what, rest), puts("ok");
	return 0;
}

static int print_rows(void)
{
	for (const struct bus_method *m = bus_methods; m->name; m++)
		printf("%s %s %s %s\n", m->interface, m->name, *m->in ? m->in : "-",
			*m->out ? m->out : "-");
	return 0;
}

static int run(struct engine *e)
{
	struct bus *b = NULL;
	sigset_t mask;
	int r;

	sigemptyset(&mask);
	sigaddset(&mask, SIGTERM);
	sigprocmask(SIG_BLOCK, &mask, NULL);
	r = sd_event_add_signal(e->loop, NULL, SIGTERM, NULL, NULL);
	if (r >= 0)
		r = sd_event_add_io(e->loop, NULL, STDIN_FILENO, EPOLLIN, on_command, e);
	if (r >= 0)
		r = bus_new(e->loop, e, &b);
	if (r < 0)
		return r;
	puts("ready");
	r = sd_event_loop(e->loop);
	bus_free(b);
	while (e->late)
		late_end(e->late, ENGINE_E_INTERNAL);
	return r;
}

int main(int argc, char **argv)
{
	static struct engine e;
	int r;

	if (argc == 2 && !strcmp(argv[1], "--rows"))
		return print_rows();
	if (argc != 3)
		return 64;
	setvbuf(stdout, NULL, _IOLBF, 0);
	e.config.queue = e.queue;
	add_queue(&e, "hall_2");
	add_queue(&e, "office");
	add_queue(&e, "old");
	add_job(&e, 1, argv[1], JOB_HELD, JOB_R_SERVER_LOST_ASK,
		"Report\x1b[31m \xff\xfe caf\xc3\xa9.pdf");
	add_job(&e, 2, argv[1], JOB_COMPLETED, JOB_R_DEVICE_REPORTED, "done.pdf");
	add_job(&e, 3, argv[2], JOB_UNKNOWN, JOB_R_MAY_HAVE_PRINTED, "secret.pdf");
	add_job(&e, 5, argv[2], JOB_PENDING, JOB_R_STORED, "other.pdf");
	if (sd_event_default(&e.loop) < 0)
		return 1;
	r = run(&e);
	for (unsigned i = 0; i < e.count; i++)
		free(e.job[i]);
	sd_event_unref(e.loop);
	return r == -EEXIST ? 75 : r < 0 ? 1 : 0;
}
