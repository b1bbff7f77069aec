/* SPDX-License-Identifier: Apache-2.0 */
/* fake-bus - a stand-in for stillprintd on the bus, for the tests of the command line: fixed jobs, recorded calls.
 *
 * usage: fake-bus LOG    Each call that changes something is a line in LOG: "Method argument argument...".
 * FAKE_HOSTILE=1 gives every text the bytes that a title must not do harm with. */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <systemd/sd-bus.h>
#include <time.h>

static FILE *record;
static int64_t now_s;

#define HOSTILE \
	"\x1b[31mred\xe2\x80\xae" \
	"fdp.exe\r\n\x07 \xe5\x8d\xb0\xe5\x88\xb7 <b>$(id)</b>.pdf"

static const char *text(const char *plain)
{
	return getenv("FAKE_HOSTILE") ? HOSTILE : plain;
}

struct job {
	uint32_t id;
	const char *title, *queue, *state, *reason, *sentence, *next, *target;
	int pages;
	int64_t age_s;
};

static const struct job jobs[] = {
	{11, "Quarterly report 2026 for the board, third and final version after review.pdf",
		"Office", "completed", "server-reported",
		"Printed at 10:02, reported by the server print.example.org", "",
		"ipps://print.example.org/printers/Office", 42, 90000},
	{12, "Invoice 2026-11.pdf", "Office", "held", "server-lost",
		"Held: server lost at 10:42, waiting for you to choose a printer",
		"Print at a fallback printer: stillprint release JOB; give it up: stillprint cancel JOB",
		"", 3, 240},
	{13,
		"Brief an die Stra\xc3\x9f"
		"e",
		"Color-A3", "unknown", "may-have-printed",
		"May have printed at 10:44 on ipp://10.1.2.3/ipp/print",
		"Look at the printer: it printed: stillprint release JOB --printed; print again: stillprint "
		"print-again JOB",
		"ipp://10.1.2.3/ipp/print", -1, 100},
};
enum { JOBS = sizeof(jobs) / sizeof(jobs[0]) };

static int entry(sd_bus_message *m, const char *name, const char *type, ...)
{
	va_list ap;
	int r;

	va_start(ap, type);
	r = sd_bus_message_open_container(m, 'e', "sv");
	if (r >= 0)
		r = sd_bus_message_append(m, "s", name);
	if (r >= 0)
		r = sd_bus_message_open_container(m, 'v', type);
	if (r >= 0)
		r = sd_bus_message_appendv(m, type, ap);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	if (r >= 0)
		r = sd_bus_message_close_container(m);
	va_end(ap);
	return r;
}

static int put_job(sd_bus_message *m, const struct job *j)
{
	sd_bus_message_open_container(m, 'a', "{sv}");
	entry(m, "Id", "u", j->id);
	entry(m, "Uuid", "s", "00000000-0000-0000-0000-00000000000b");
	entry(m, "Queue", "s", j->queue);
	entry(m, "Owner", "s", text("anna"));
	entry(m, "OwnerVerified", "b", j->id != 13);
	entry(m, "Account", "s", "");
	entry(m, "Identity", "s", "claimed");
	entry(m, "IdentityWhy", "s", "no-verifier");
	entry(m, "IdentitySentence", "s", "No login service of Stillprint runs on this computer");
	entry(m, "Title", "s", text(j->title));
	entry(m, "State", "s", j->state);
	entry(m, "Reason", "s", j->reason);
	entry(m, "Sentence", "s", text(j->sentence));
	entry(m, "Next", "s", j->next);
	entry(m, "Since", "x", now_s - j->age_s + 60);
	entry(m, "Stored", "x", now_s - j->age_s);
	entry(m, "Ended", "x", j->id == 11 ? now_s - j->age_s + 90 : (int64_t)0);
	entry(m, "Pages", "i", j->pages);
	entry(m, "Copies", "i", 2);
	entry(m, "Octets", "t", (uint64_t)1432000);
	entry(m, "Target", "s", j->target);
	entry(m, "Encrypted", "b", !strncmp(j->target, "ipps", 4));
	entry(m, "RemoteId", "i", *j->target ? 55 : 0);
	entry(m, "Attempt", "u", *j->target ? 2u : 0u);
	entry(m, "Impressions", "i", j->id == 11 ? 42 : -1);
	entry(m, "Dropped", "s", j->id == 11 ? "finishings" : "");
	entry(m, "Actions", "a(ss)", 1, "cancel", text("Cancel"));
	return sd_bus_message_close_container(m);
}

static const struct job *job_at(const char *path)
{
	for (size_t i = 0; i < JOBS; i++)
		if (!strncmp(path, "/org/stillprint/jobs/", 21) &&
			(uint32_t)atoi(path + 21) == jobs[i].id)
			return &jobs[i];
	return NULL;
}

/* The arguments of a call that changes something, one line in the log. */
static void note(sd_bus_message *m)
{
	const char *s;
	char type;
	int b;
	int64_t x;

	fprintf(record, "%s", sd_bus_message_get_member(m));
	if (strstr(sd_bus_message_get_path(m), "/jobs/"))
		fprintf(record, " %s", sd_bus_message_get_path(m) + 21);
	while (sd_bus_message_peek_type(m, &type, NULL) > 0) {
		if (type == 'a' || type == 'e' || type == 'v') {
			const char *contents;

			sd_bus_message_peek_type(m, &type, &contents);
			if (sd_bus_message_enter_container(m, type, contents) < 0)
				break;
		} else if (type == 's' && sd_bus_message_read(m, "s", &s) > 0) {
			fprintf(record, " '%s'", s);
		} else if (type == 'b' && sd_bus_message_read(m, "b", &b) > 0) {
			fprintf(record, " %s", b ? "true" : "false");
		} else if (type == 'x' && sd_bus_message_read(m, "x", &x) > 0) {
			fprintf(record, " %lld", (long long)x);
		} else {
			break;
		}
		while (sd_bus_message_at_end(m, false) > 0 && sd_bus_message_exit_container(m) >= 0)
			;
	}
	fprintf(record, "\n");
	fflush(record);
}

static int refuse(sd_bus_message *m, const char *name, const char *message)
{
	return sd_bus_reply_method_errorf(m, name, "%s", message);
}

/* ---- the manager ---- */

static int on_status(sd_bus_message *m, void *data, sd_bus_error *e)
{
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "{sv}");
	entry(r, "Version", "s", "0.1.0");
	entry(r, "RunId", "s", "run-1");
	entry(r, "Started", "x", now_s - 5000);
	entry(r, "Online", "b", 1);
	entry(r, "SpoolOctets", "x", (int64_t)1432000);
	entry(r, "SpoolMax", "x", (int64_t)5000000000);
	entry(r, "Waiting", "x", (int64_t)1);
	entry(r, "Unknown", "x", (int64_t)1);
	entry(r, "Delivering", "x", (int64_t)0);
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

static int on_whoami(sd_bus_message *m, void *data, sd_bus_error *e)
{
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "{sv}");
	entry(r, "User", "s", "anna");
	entry(r, "Account", "s", text("anna@example.org"));
	entry(r, "Identity", "s", "verified");
	entry(r, "Why", "s", "verified");
	entry(r, "Sentence", "s", "Logged in");
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

static int on_jobs(sd_bus_message *m, void *data, sd_bus_error *e)
{
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	note(m);
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "a{sv}");
	for (size_t i = getenv("FAKE_EMPTY") ? JOBS : 0; i < JOBS; i++)
		put_job(r, &jobs[i]);
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

static int on_usage(sd_bus_message *m, void *data, sd_bus_error *e)
{
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	note(m);
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "a{sv}");
	for (int i = 0; i < 3; i++) {
		sd_bus_message_open_container(r, 'a', "{sv}");
		entry(r, "Ended", "x", now_s - 3600 * i);
		entry(r, "Job", "x", (int64_t)(11 + i));
		entry(r, "Owner", "s", text("anna"));
		entry(r, "Title", "s", text(i == 1 ? "=cmd|'/C calc'!A0" : jobs[i].title));
		entry(r, "Queue", "s", "Office");
		entry(r, "Target", "s",
			i ? "ipp://10.1.2.3/ipp/print"
			  : "ipps://print.example.org/printers/Office");
		entry(r, "State", "s", "completed");
		entry(r, "Certainty", "s", i ? "device-reported" : "server-reported");
		entry(r, "Impressions", "x", i == 2 ? (int64_t)-1 : (int64_t)42);
		entry(r, "Sheets", "x", (int64_t)21);
		entry(r, "Copies", "x", (int64_t)1);
		entry(r, "NotAccountedAtServer", "b", i > 0);
		entry(r, "Diverted", "b", i > 0);
		entry(r, "Sequence", "x", (int64_t)(i + 1));
		entry(r, "Acknowledged", "b", i == 0 && getenv("FAKE_SERVER") != NULL);
		entry(r, "LocalOnly", "b", i == 2 && getenv("FAKE_SERVER") != NULL);
		sd_bus_message_close_container(r);
	}
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

static int on_check(sd_bus_message *m, void *data, sd_bus_error *e)
{
	const char *queue = getenv("FAKE_QUEUE") ? getenv("FAKE_QUEUE") : "Office";
	bool bad = getenv("FAKE_BAD") != NULL;
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "a{sv}");
	for (int i = 0; i < 2; i++) {
		sd_bus_message_open_container(r, 'a', "{sv}");
		entry(r, "Queue", "s", queue);
		entry(r, "Role", "s", i ? "fallback" : "upstream");
		entry(r, "Uri", "s",
			i ? "ipp://10.1.2.3/ipp/print"
			  : "ipps://print.example.org/printers/Office");
		entry(r, "Ok", "b", !(bad && i));
		entry(r, "Verdict", "s", bad && i ? "unreachable" : "ok");
		entry(r, "Encrypted", "b", !i);
		entry(r, "Pdf", "b", 1);
		entry(r, "Detail", "s", bad && i ? text("connection refused") : "");
		sd_bus_message_close_container(r);
	}
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

static int on_fallback_add(sd_bus_message *m, void *data, sd_bus_error *e)
{
	const char *queue, *address;
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	if (sd_bus_message_read(m, "ss", &queue, &address) < 0)
		return -EINVAL;
	if (strstr(address, "dead"))
		return refuse(m, "org.stillprint.Error.Unreachable",
			"dead.example.org does not answer: is it on?");
	if (strstr(address, "forbidden"))
		return refuse(m, "org.stillprint.Error.Policy",
			"The administrator allows no printers of users.");
	sd_bus_message_rewind(m, true);
	note(m);
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "{sv}");
	entry(r, "Uri", "s", "ipps://10.1.2.3/ipp/print");
	entry(r, "Name", "s", text("MFP second floor"));
	entry(r, "Encrypted", "b", 1);
	entry(r, "Pdf", "b", 1);
	entry(r, "Reachable", "b", 1);
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

static int on_fallback_list(sd_bus_message *m, void *data, sd_bus_error *e)
{
	static const char *const source[] = {"policy", "admin", "recent", "user"};
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "a{sv}");
	for (int i = 0; i < 4 && !getenv("FAKE_EMPTY"); i++) {
		sd_bus_message_open_container(r, 'a', "{sv}");
		entry(r, "Uri", "s",
			i == 1 ? "cups:Label" : "ipps://mfp-2.floor-3.example.org/ipp/print");
		entry(r, "Queue", "s", i < 2 ? "Office" : "");
		entry(r, "Source", "s", source[i]);
		entry(r, "Encrypted", "b", i != 1);
		sd_bus_message_close_container(r);
	}
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL);
}

/* Calls that give nothing back. */
static int on_plain(sd_bus_message *m, void *data, sd_bus_error *e)
{
	(void)data, (void)e;
	note(m);
	if (getenv("FAKE_DENY"))
		return refuse(
			m, "org.freedesktop.DBus.Error.AccessDenied", "Only root may do this.");
	return sd_bus_reply_method_return(m, "");
}

static const sd_bus_vtable manager[] = {SD_BUS_VTABLE_START(0),
	SD_BUS_METHOD("Status", "", "a{sv}", on_status, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("WhoAmI", "", "a{sv}", on_whoami, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Jobs", "a{sv}", "aa{sv}", on_jobs, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Usage", "a{sv}", "aa{sv}", on_usage, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Check", "", "aa{sv}", on_check, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("FallbackAdd", "ss", "a{sv}", on_fallback_add, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("FallbackRemove", "ss", "", on_plain, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("FallbackList", "s", "aa{sv}", on_fallback_list, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("OutageStart", "sxs", "", on_plain, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("OutageStop", "s", "", on_plain, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Trust", "s", "", on_plain, SD_BUS_VTABLE_UNPRIVILEGED),
	SD_BUS_METHOD("Reload", "", "", on_plain, SD_BUS_VTABLE_UNPRIVILEGED), SD_BUS_VTABLE_END};

/* ---- what has no vtable: jobs, queues ---- */

static int on_why(sd_bus_message *m, const struct job *j)
{
	return sd_bus_reply_method_return(m, "sss", j->reason, text(j->sentence), j->next);
}

static int on_job(sd_bus_message *m, void *data, sd_bus_error *e)
{
	const struct job *j = job_at(sd_bus_message_get_path(m));
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	if (!j)
		return 0;
	if (sd_bus_message_is_method_call(m, "org.freedesktop.DBus.Properties", "GetAll")) {
		sd_bus_message_new_method_return(m, &r);
		put_job(r, j);
		return sd_bus_send(NULL, r, NULL) < 0 ? -EIO : 1;
	}
	if (sd_bus_message_is_method_call(m, NULL, "Why"))
		return on_why(m, j) < 0 ? -EIO : 1;
	if (j->id == 11)
		return refuse(m, "org.stillprint.Error.State", "The job is over.") < 0 ? -EIO : 1;
	note(m);
	return sd_bus_reply_method_return(m, "") < 0 ? -EIO : 1;
}

static void put_queue(sd_bus_message *r, const char *path, const char *name, bool lost)
{
	sd_bus_message_open_container(r, 'e', "oa{sa{sv}}");
	sd_bus_message_append(r, "o", path);
	sd_bus_message_open_container(r, 'a', "{sa{sv}}");
	sd_bus_message_open_container(r, 'e', "sa{sv}");
	sd_bus_message_append(r, "s", "org.stillprint.Queue1");
	sd_bus_message_open_container(r, 'a', "{sv}");
	entry(r, "Name", "s", name);
	entry(r, "Upstream", "s",
		"ipps://print-server-1.branch-office.example.org/printers/Office");
	entry(r, "OnOutage", "s", "ask");
	entry(r, "Release", "s", "direct");
	entry(r, "Health", "s", lost ? "lost" : "ok");
	entry(r, "HealthSince", "x", now_s - 600);
	entry(r, "HealthDetail", "s", lost ? text("Connection refused by every address") : "");
	entry(r, "Outage", "b", !lost);
	entry(r, "OutageUntil", "x", lost ? (int64_t)0 : now_s + 3600);
	entry(r, "OutageMessage", "s", lost ? "" : text("New server is installed"));
	entry(r, "Waiting", "u", lost ? 2u : 0u);
	for (int i = 0; i < 4; i++)
		sd_bus_message_close_container(r);
}

static int on_objects(sd_bus_message *m, void *data, sd_bus_error *e)
{
	sd_bus_message *r = NULL;

	(void)data, (void)e;
	if (!sd_bus_message_is_method_call(
		    m, "org.freedesktop.DBus.ObjectManager", "GetManagedObjects"))
		return 0;
	sd_bus_message_new_method_return(m, &r);
	sd_bus_message_open_container(r, 'a', "{oa{sa{sv}}}");
	if (!getenv("FAKE_EMPTY")) {
		put_queue(r, "/org/stillprint/queues/Office", "Office", true);
		put_queue(r, "/org/stillprint/queues/Color_2dA3", "Color-A3", false);
	}
	sd_bus_message_close_container(r);
	return sd_bus_send(NULL, r, NULL) < 0 ? -EIO : 1;
}

int main(int argc, char **argv)
{
	sd_bus *bus = NULL;
	int r;

	record = fopen(argc > 1 ? argv[1] : "/dev/null", "a");
	now_s = time(NULL);
	r = record ? sd_bus_open_system(&bus) : -errno;
	if (r >= 0)
		r = sd_bus_add_object_vtable(
			bus, NULL, "/org/stillprint", "org.stillprint.Manager1", manager, NULL);
	if (r >= 0)
		r = sd_bus_add_object(bus, NULL, "/org/stillprint", on_objects, NULL);
	if (r >= 0)
		r = sd_bus_add_fallback(bus, NULL, "/org/stillprint/jobs", on_job, NULL);
	if (r >= 0)
		r = sd_bus_request_name(bus, "org.stillprint", 0);
	while (r >= 0) {
		r = sd_bus_process(bus, NULL);
		if (r == 0)
			r = sd_bus_wait(bus, UINT64_MAX);
	}
	fprintf(stderr, "fake-bus: %s\n", strerror(-r));
	return 1;
}
