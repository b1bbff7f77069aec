/* SPDX-License-Identifier: Apache-2.0 */
/* setup-enrol - the talk with a server of our own: whose code it is, and the certificate it gives. Writes nothing. */
#include <cups/cups.h>
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/mono.h"
#include "base/text.h"
#include "core/uuid.h"
#include "core/wire.h"
#include "ipp/enrol.h"
#include "setup.h"

enum { CONNECT_MS = 5000, STALL_MS = 10000, TOTAL_MS = 30000, TRIES = 3, FILE_MAX = 64 * 1024 };

static void loop_freep(sd_event **loop)
{
	sd_event_unref(*loop);
}

void enrolled_fini(struct enrolled *e)
{
	free(e->ca_pem);
	free(e->cert_pem);
	free(e->server_pem);
	enrol_secret_free(e->key_pem);
	*e = (struct enrolled){0};
}

int enrol_read(const char *path, char **out)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	char *text;
	ssize_t n;

	if (fd < 0)
		return -errno;
	text = calloc(1, FILE_MAX);
	if (!text)
		return -ENOMEM;
	n = read(fd, text, FILE_MAX - 1);
	if (n < 0) {
		int rc = -errno;

		free(text);
		return rc;
	}
	*out = text;
	return 0;
}

/* One call, waited for. */
struct talk {
	bool done;
	/* client_chain() */
	const struct enrol_code *code;
	bool reached; /* a chain was shown */
	/* Register-Output-Device */
	struct enrolled *e;
	const char *uuid;
	const struct identity *known; /* NULL: by a code */
	enum client_fault fault;
	long http_status;
	ipp_status_t status;
	int rc; /* of enrol_take() */
	char why[400];
};

static int run(struct talk *t, int rc, sd_event *loop)
{
	while (rc >= 0 && !t->done)
		rc = sd_event_run(loop, UINT64_MAX);
	return rc < 0 ? rc : 0;
}

/* ---- whose code is it? ---- */

static void take_chain(void *arg, const struct client_chain *chain)
{
	struct talk *t = arg;
	const char *ca;

	t->done = true;
	t->fault = chain->fault;
	text_display(t->why, sizeof(t->why), chain->detail);
	if (chain->fault)
		return;
	t->reached = true;
	ca = enrol_find_ca(chain, t->code->ca);
	if (ca)
		t->e->ca_pem = strdup(ca);
	if (ca)
		t->e->server_pem = strdup(chain->pem[0]);
}

int enrol_find_server(struct setup *s, const struct config_server *addresses,
	const struct enrol_code *code, struct enrolled *e)
{
	char silence[512] = "", stranger[CONFIG_URI_MAX] = "";

	for (size_t i = 0; i < addresses->count; i++) {
		AUTO(loop_freep) sd_event *loop = NULL;
		AUTO(client_freep) struct client *client = NULL;
		struct talk t = {.code = code, .e = e};
		char uri[CONFIG_URI_MAX + 16];
		int rc = sd_event_new(&loop);

		snprintf(uri, sizeof(uri), "%s/ipp/system", addresses->address[i]);
		if (rc >= 0)
			rc = client_new(loop, &client);
		if (rc >= 0)
			rc = client_chain(client, uri, CONNECT_MS, take_chain, &t, NULL);
		rc = run(&t, rc, loop);
		if (rc)
			return cli_fail(s->c, CLI_FAILED,
				"%s could not be asked: %s. Nothing was changed.",
				addresses->address[i], strerror(-rc));
		if (e->ca_pem) {
			snprintf(e->address, sizeof(e->address), "%s", addresses->address[i]);
			return 0;
		}
		if (t.reached)
			snprintf(stranger, sizeof(stranger), "%s", addresses->address[i]);
		else
			snprintf(silence, sizeof(silence), "%s", t.why);
	}
	if (*stranger)
		return cli_fail(s->c, CLI_FAILED,
			"The server at %s is not the one that this code is from: its certificates are "
			"others. Nothing was sent to it, and nothing was changed. Look at the address, and "
			"that the code is of that very server.",
			stranger);
	return cli_fail(s->c, CLI_FAILED, "%s does not answer%s%s. Nothing was changed.",
		addresses->address[0], *silence ? ": " : "", silence);
}

/* ---- the certificate ---- */

static void take_reply(void *arg, const struct client_reply *reply)
{
	struct talk *t = arg;
	ipp_attribute_t *a =
		reply->ipp ? ippFindAttribute(reply->ipp, "status-message", IPP_TAG_TEXT) : NULL;

	t->done = true;
	t->fault = reply->fault;
	t->http_status = reply->http_status;
	t->status = reply->status;
	text_display(t->why, sizeof(t->why), a ? ippGetString(a, 0, NULL) : reply->detail);
	if (reply->fault == CLIENT_OK && reply->status <= IPP_STATUS_OK_CONFLICTING)
		t->rc = enrol_take(reply->ipp, t->uuid, t->e->key_pem, t->e->ca_pem, mono_utc_s(),
			t->known, &t->e->id, &t->e->cert_pem, t->why, sizeof(t->why));
}

static int send_once(
	struct talk *t, const char *address, const struct client_request *common, ipp_t *request)
{
	AUTO(loop_freep) sd_event *loop = NULL;
	AUTO(client_freep) struct client *client = NULL;
	struct client_request r = *common;
	char uri[CONFIG_URI_MAX + 16];
	int rc = sd_event_new(&loop);

	snprintf(uri, sizeof(uri), "%s/ipp/system", address);
	r.uri = uri;
	r.ipp = request;
	r.connect_ms = CONNECT_MS;
	r.stall_ms = STALL_MS;
	r.total_ms = TOTAL_MS;
	t->done = false;
	if (rc >= 0)
		rc = client_new(loop, &client);
	if (rc >= 0)
		rc = client_send(client, &r, take_reply, t, NULL);
	return run(t, rc, loop);
}

/* The same key and code again is no second enrolment: a reply that was lost is asked for again. */
static int ask_at(struct talk *t, const char *address, const struct client_request *common)
{
	char host[256] = "";
	AUTO(enrol_secret_freep) char *csr = NULL;
	int rc = enrol_request_new(t->e->key_pem, t->uuid, &csr);

	gethostname(host, sizeof(host) - 1);
	for (int i = 0; !rc && i < TRIES; i++) {
		AUTO(wire_deletep)
		ipp_t *request = enrol_request(address, cupsUser(), t->uuid, host, csr);

		rc = request ? send_once(t, address, common, request) : -ENOMEM;
		if (t->fault != CLIENT_CUT && t->fault != CLIENT_SILENT)
			break;
	}
	return rc;
}

/* The HTTP 401 of a wrong code brings no words of the server's. */
static int refuse_code(struct setup *s, const struct talk *t)
{
	return cli_fail(s->c, CLI_FAILED,
		"%s does not take this code: it is wrong, was used before, or its time is over. Ask for "
		"another (\"stillprint-server enrol\" on the server). Nothing was changed.",
		t->e->address);
}

static int judge(struct setup *s, const struct talk *t, bool by_code)
{
	const char *address = t->e->address;

	if (t->e->cert_pem)
		return 0;
	if (t->fault == CLIENT_AUTH || t->status == IPP_STATUS_ERROR_NOT_AUTHENTICATED)
		return by_code ? refuse_code(s, t)
			       : cli_fail(s->c, CLI_FAILED,
					 "%s does not know this computer's certificate. Enrol "
					 "again, with a new code: stillprint setup --server.",
					 address);
	if (t->fault == CLIENT_PIN)
		return cli_fail(s->c, CLI_FAILED,
			"%s: %s. Nothing was sent to it, and nothing was changed. Its certificate names "
			"the host names and addresses that it was set up with: use one of them.",
			address, t->why);
	if (t->fault)
		return cli_fail(s->c, CLI_FAILED,
			"%s does not answer as a server of ours: %s. "
			"Nothing was changed.",
			address, t->why);
	if (t->rc)
		return cli_fail(s->c, CLI_FAILED, "%s answered, but %s. Nothing was changed.",
			address, *t->why ? t->why : strerror(-t->rc));
	return cli_fail(s->c, CLI_FAILED, "%s refuses: %s Nothing was changed.", address,
		*t->why ? t->why : ippErrorString(t->status));
}

/* libcurl wants a file; what was not written can not be left behind. */
static int memory_file(const char *text, char *path, size_t size)
{
	AUTO(auto_close) int fd = memfd_create("stillprint-ca", MFD_CLOEXEC);
	size_t n = strlen(text);

	if (fd < 0)
		return -errno;
	if (write(fd, text, n) != (ssize_t)n)
		return -EIO;
	snprintf(path, size, "/proc/self/fd/%d", fd);
	return STEAL_FD(fd);
}

/* The code tells that it is the one whose CA that is; so what its certificate names is right, also by another CA. */
static bool is_same_server(const struct identity *known, const struct enrolled *e)
{
	AUTO(auto_free) char *ca = NULL;

	return (enrol_read(known->ca_file, &ca) == 0 && enrol_has_certificate(ca, e->ca_pem)) ||
	       (e->server_pem && enrol_names_uuid(e->server_pem, known->server_uuid));
}

/* As the same machine, if it is the same server: it knows our key, and which jobs are ours. */
static int choose_key(const struct identity *known, struct enrolled *e, char uuid[UUID_SIZE])
{
	if (known && is_same_server(known, e) && enrol_read(known->key_file, &e->key_pem) == 0) {
		snprintf(uuid, UUID_SIZE, "%s", known->uuid);
		return 0;
	}
	if (sodium_init() < 0)
		return -EIO;
	uuid_make(uuid);
	return enrol_key_new(&e->key_pem);
}

int enrol_read_code(struct setup *s, struct enrol_code *code)
{
	char why[160], line[160] = "";
	const char *text = s->code_option;
	int rc;

	if (!strcmp(text, "-")) {
		if (section_read_password("-", line, sizeof(line)) != 0)
			return cli_fail(s->c, CLI_FAILED, "No code on standard input");
		text = line;
	}
	rc = enrol_code_parse(text, code, why, sizeof(why));
	explicit_bzero(line, sizeof(line));
	/* It is ours to write, and who lists processes from now on does not see it. */
	explicit_bzero((char *)s->code_option, strlen(s->code_option));
	return rc ? cli_usage(s->c, "--code: %s", why) : 0;
}

int enrol_by_code(struct setup *s, const struct enrol_code *code, const struct identity *known,
	struct enrolled *e)
{
	char uuid[UUID_SIZE], ca[64];
	struct talk t = {.e = e, .uuid = uuid};
	struct client_identity id = {.ca_file = ca};
	const struct client_request r = {
		.identity = &id, .user = "enrol", .password = code->digits};
	AUTO(auto_close) int fd = memory_file(e->ca_pem, ca, sizeof(ca));
	int rc = fd < 0 ? fd : choose_key(known, e, uuid);

	if (!rc)
		rc = ask_at(&t, e->address, &r);
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "%s could not be asked: %s. Nothing was changed.",
			e->address, strerror(-rc));
	return judge(s, &t, true);
}

int enrol_by_certificate(struct setup *s, const struct config_server *addresses,
	const struct identity *known, struct enrolled *e)
{
	const struct client_identity id = {
		known->ca_file, known->cert_file, known->key_file, known->server_uuid};
	const struct client_request r = {.identity = &id};
	struct talk t = {.e = e, .uuid = known->uuid, .known = known};
	int rc = enrol_read(known->ca_file, &e->ca_pem);

	if (!rc)
		rc = enrol_key_new(&e->key_pem);
	for (size_t i = 0; !rc && i < addresses->count; i++) {
		snprintf(e->address, sizeof(e->address), "%s", addresses->address[i]);
		rc = ask_at(&t, e->address, &r);
		if (!rc && t.fault == CLIENT_OK)
			break;
	}
	if (rc)
		return cli_fail(s->c, CLI_FAILED, "No new certificate: %s. The present one stays.",
			strerror(-rc));
	return judge(s, &t, false);
}
