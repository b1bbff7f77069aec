/* SPDX-License-Identifier: Apache-2.0 */
/* printers - what is known of each target (pin, name, does it count), and one probe of one of them. */
#include "engine-private.h"

#include <string.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/text.h"
#include "link.h"
#include "must.h"

struct printer *printer_of(struct engine *e, const char *uri)
{
	struct printer *p;

	for (p = e->printers; p; p = p->next)
		if (!strcmp(p->row.uri, uri))
			return p;
	p = must(calloc(1, sizeof(*p)));
	snprintf(p->row.uri, sizeof(p->row.uri), "%s", uri);
	p->next = e->printers;
	e->printers = p;
	return p;
}

/* FNV-1a: only a name for an object path. */
static uint32_t id_of(const char *uri)
{
	uint32_t h = 2166136261u;

	for (; *uri; uri++)
		h = (h ^ (uint8_t)*uri) * 16777619u;
	return h;
}

static bool is_configured(struct engine *e, const char *uri)
{
	for (size_t i = 0; i < e->config->queue_count; i++) {
		const struct config_queue *q = &e->config->queue[i];

		if (!strcmp(q->upstream, uri))
			return true;
		for (size_t k = 0; k < q->fallback_count; k++)
			if (!strcmp(q->fallback[k], uri))
				return true;
	}
	return false;
}

/* The pin that the administrator wrote for an upstream, NULL if none. It wins over the one met first. */
static const char *configured_pin(struct engine *e, const char *uri)
{
	for (size_t i = 0; i < e->config->queue_count; i++) {
		const struct config_queue *q = &e->config->queue[i];

		if (q->upstream_pin[0] && !strcmp(q->upstream, uri))
			return q->upstream_pin;
	}
	return NULL;
}

static void printer_view(struct engine *e, const struct printer *p, struct engine_printer *out)
{
	out->id = id_of(p->row.uri);
	out->uri = p->row.uri;
	out->name = p->row.name;
	out->pin = configured_pin(e, p->row.uri) ? configured_pin(e, p->row.uri) : p->row.pin;
	out->encrypted = strncmp(p->row.uri, "ipp:", 4) != 0;
	out->counts = p->row.counts;
	out->configured = is_configured(e, p->row.uri);
	out->seen_s = p->row.seen_s;
}

bool engine_printer_at(struct engine *e, unsigned index, struct engine_printer *out)
{
	struct printer *p = e->printers;

	while (p && index--)
		p = p->next;
	if (p)
		printer_view(e, p, out);
	return p;
}

bool engine_printer_find(struct engine *e, uint32_t id, struct engine_printer *out)
{
	for (struct printer *p = e->printers; p; p = p->next) {
		if (id_of(p->row.uri) != id)
			continue;
		printer_view(e, p, out);
		return true;
	}
	return false;
}

static int work_put(void *arg, struct store *s)
{
	return store_printer_put(s, arg);
}

static void put_done(void *arg, int rc)
{
	if (rc)
		log_event(LOG_LVL_ERROR, "event=printer-commit-failed error=%d", rc);
	free(arg);
}

void printer_commit(struct engine *e, struct printer *p)
{
	struct store_printer *copy = must(malloc(sizeof(*copy)));

	*copy = p->row;
	worker_post(e->storer, work_put, put_done, copy);
}

void printer_released(struct engine *e, const char *uri, const char *pin, const char *name)
{
	struct printer *p = printer_of(e, uri);
	bool other = (pin[0] && strcmp(p->row.pin, pin)) || (name[0] && strcmp(p->row.name, name));

	if (!other)
		return;
	if (pin[0])
		snprintf(p->row.pin, sizeof(p->row.pin), "%s", pin);
	if (name[0])
		snprintf(p->row.name, sizeof(p->row.name), "%s", name);
	p->row.seen_s = mono_utc_s();
	printer_commit(e, p);
}

void printer_address(
	struct engine *e, const char *uri, struct client_request *r, char *ipp_uri, size_t size)
{
	if (link_owns(e, uri)) { /* by its CA, and by our certificate */
		snprintf(ipp_uri, size, "%s", uri);
		r->uri = ipp_uri;
		r->identity = link_identity(e);
		r->repeatable = true;
		return;
	}
	if (!strncmp(uri, "cups:", 5)) {
		snprintf(ipp_uri, size, "ipp://localhost/printers/%s", uri + 5);
		r->socket_path = e->config->cups_socket;
	} else {
		snprintf(ipp_uri, size, "%s", uri);
		r->pin = configured_pin(e, uri);
		if (!r->pin)
			r->pin = printer_of(e, uri)->row.pin;
	}
	r->uri = ipp_uri;
	if (!r->pin || !r->pin[0])
		return;
	for (size_t i = 0; i < e->config->queue_count; i++) {
		const struct config_queue *q = &e->config->queue[i];

		if (q->upstream_user[0] && !strcmp(q->upstream, uri)) {
			r->user = q->upstream_user;
			r->password = q->upstream_password;
		}
	}
}

void printer_label(struct engine *e, const char *uri, char *out, size_t size)
{
	const struct printer *p = printer_of(e, uri);
	struct uri u;
	char name[600];

	if (uri_parse(uri, &u))
		snprintf(name, sizeof(name), "%s", uri);
	else if (u.kind == URI_CUPS)
		snprintf(name, sizeof(name), "%s", u.path);
	else if (p->row.name[0])
		snprintf(name, sizeof(name), "%s (%s)", p->row.name, u.host);
	else
		snprintf(name, sizeof(name), "%s", u.host);
	text_display(out, size, name);
}

/* ---- probe ---- */

struct probe {
	struct engine *engine;
	struct client_call *call;
	probe_fn *done;
	void *arg;
	int32_t connect_ms, total_ms;
	bool again; /* second round, now that the pin is known: with the password */
	char uri[CONFIG_URI_MAX];
};

static int probe_send(struct probe *p);

/* First use: keep the key that the target showed. Return: true if a password can now be offered. */
static bool pin_first(struct probe *p, const struct client_reply *reply)
{
	struct printer *known = printer_of(p->engine, p->uri);
	struct client_request r = {0};
	char ipp_uri[CONFIG_URI_MAX];

	if (link_owns(p->engine, p->uri) || configured_pin(p->engine, p->uri) ||
		known->row.pin[0] || !reply->pin[0])
		return false;
	snprintf(known->row.pin, sizeof(known->row.pin), "%s", reply->pin);
	known->row.seen_s = mono_utc_s();
	printer_commit(p->engine, known);
	audit(p->engine, NULL, "pinned", "first-use", "", p->uri, true);
	log_event(LOG_LVL_INFO, "event=pinned target=%s pin=%s", log_quote(p->uri), known->row.pin);
	printer_address(p->engine, p->uri, &r, ipp_uri, sizeof(ipp_uri));
	return r.user != NULL;
}

static void probe_answered(void *arg, const struct client_reply *reply)
{
	struct probe *p = arg;
	struct target_info info = {0};
	enum target_health health = target_classify(reply);
	ipp_t *answer = reply->fault == CLIENT_OK ? reply->ipp : NULL;

	p->call = NULL;
	if (pin_first(p, reply) && health == TARGET_AUTH && !p->again) {
		p->again = true;
		if (!probe_send(p))
			return;
	}
	if (answer)
		target_read(answer, &info);
	if (health == TARGET_OK && info.name[0]) {
		struct printer *known = printer_of(p->engine, p->uri);

		if (strcmp(known->row.name, info.name) ||
			mono_utc_s() - known->row.seen_s > 24 * 3600) {
			known->row.seen_s = mono_utc_s();
			snprintf(known->row.name, sizeof(known->row.name), "%s", info.name);
			printer_commit(p->engine, known);
		}
	}
	log_event(LOG_LVL_DEBUG, "event=probed target=%s health=%s fault=%s detail=%s",
		log_quote(p->uri), target_health_name(health), client_fault_name(reply->fault),
		log_quote(reply->detail));
	p->done(p->arg, health, &info, answer, reply);
	free(p);
}

static int probe_send(struct probe *p)
{
	struct client_request r = {0};
	char uri[CONFIG_URI_MAX];
	int rc;

	printer_address(p->engine, p->uri, &r, uri, sizeof(uri));
	r.connect_ms = p->connect_ms;
	r.total_ms = p->total_ms;
	r.ipp = must(target_request(IPP_OP_GET_PRINTER_ATTRIBUTES, uri, NULL));
	ippAddStrings(r.ipp, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
		"requested-attributes", target_attribute_count, NULL, target_attributes);
	rc = client_send(p->engine->client, &r, probe_answered, p, &p->call);
	ippDelete(r.ipp);
	return rc;
}

struct probe *probe_start(struct engine *e, const char *uri, int32_t connect_ms, int32_t total_ms,
	probe_fn *done, void *arg)
{
	struct probe *p = must(calloc(1, sizeof(*p)));

	p->engine = e;
	p->done = done;
	p->arg = arg;
	p->connect_ms = connect_ms;
	p->total_ms = total_ms;
	snprintf(p->uri, sizeof(p->uri), "%s", uri);
	if (probe_send(p)) {
		free(p);
		return NULL;
	}
	return p;
}

void probe_cancel(struct probe *p)
{
	if (!p)
		return;
	if (p->call)
		client_cancel(p->call);
	free(p);
}

const char *target_objection(struct engine *e, const char *uri, enum target_health health,
	const struct target_info *info, const char *format, bool fallback, enum job_reason *reason)
{

	*reason = JOB_R_REFUSED;
	switch (health) {
	case TARGET_AUTH:
		*reason = JOB_R_AUTHENTICATION;
		return "it asks for a user and password";
	case TARGET_CERTIFICATE:
		*reason = JOB_R_CERTIFICATE;
		return "its certificate is not the one known";
	case TARGET_DEGRADED:
		return "it answers with errors";
	case TARGET_UNREACHABLE:
		return "it cannot be reached";
	case TARGET_OK:
	case TARGET_REFUSING:
		break;
	}
	if (info->stillprint) {
		*reason = JOB_R_LOOP;
		return "it leads back to a Stillprint queue";
	}
	if (health == TARGET_REFUSING)
		return "it is not accepting jobs";
	if (!info->pdf && !strcmp(format, "application/pdf") && strncmp(uri, "cups:", 5)) {
		*reason = JOB_R_FORMAT;
		return "it cannot print PDF";
	}
	if (!info->create_job)
		return "it does not take jobs in the way that is safe to repeat (Create-Job)";
	if (fallback && !strncmp(uri, "ipp:", 4) && e->config->fallback_require_tls) {
		*reason = JOB_R_TLS_REQUIRED;
		return "it offers no encryption, which the policy asks for";
	}
	return NULL;
}
