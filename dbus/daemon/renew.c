/* SPDX-License-Identifier: Apache-2.0 */
/* renew - see renew.h. */
#include "renew.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "core/identity.h"
#include "core/wire.h"
#include "engine-private.h"
#include "ipp/enrol.h"
#include "link.h"
#include "must.h"
#include "policies.h"

enum {
	FIRST_MS = 2000, /* the link comes first */
	HOUR_S = 3600,
	DAY_S = 86400,
	WARN_DAYS = 14,
	ASK_MS = 30000,
	PEM_MAX = 64 * 1024,
	SHORTEST_S = 5,
	SOON_MS = 8000, /* a server signs some thousand in this time */
};

struct renewal {
	struct engine *engine;
	struct timer tick;
	int64_t expires_s; /* 0: enrolled nowhere */
	int64_t next_s; /* not asked before, by the wall clock */
	int64_t warned_s;
	struct client_call *call;
	/* Of the call. */
	struct identity who;
	char *key_pem;
};

/* 0 … @below - 1: so that a thousand computers do not come in one minute. */
static int64_t jitter(int64_t below)
{
	uint32_t n = 0;

	if (getrandom(&n, sizeof(n), 0) != sizeof(n))
		n = (uint32_t)mono_ms();
	return (int64_t)n % below;
}

static void forget_call(struct renewal *r)
{
	enrol_secret_free(STEAL(r->key_pem));
	r->call = NULL;
}

int renew_read_ca(const char *path, char **out)
{
	AUTO(auto_close) int fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	AUTO(auto_free) char *text = must(calloc(1, PEM_MAX));
	ssize_t n = fd < 0 ? -1 : read(fd, text, PEM_MAX - 1);

	if (n < 0)
		return -errno;
	*out = STEAL(text);
	return 0;
}

/* ---- when ---- */

static void look(void *arg);

/* Every hour, and when it is time. */
static int64_t next_look_ms(const struct renewal *r, int64_t now_s)
{
	int64_t ms = (HOUR_S - 300 + jitter(600)) * 1000;
	int64_t due_s = r->who.expires_s - (r->who.expires_s - r->who.starts_s) / 3;

	if (r->next_s > due_s)
		due_s = r->next_s;
	return due_s >= now_s && (due_s - now_s + 1) * 1000 < ms ? (due_s - now_s + 1) * 1000 : ms;
}

/* ---- the answer ---- */

static void failed(struct renewal *r, bool reached, const char *why)
{
	int64_t now_s = mono_utc_s(), left_s = r->expires_s - now_s;
	/* Not so long that it ends meanwhile. */
	int64_t wait_s =
		reached && left_s > 4 * DAY_S ? DAY_S * 3 / 4 + jitter(DAY_S / 2) : HOUR_S - 60;

	if (left_s > 0 && wait_s > left_s / 4)
		wait_s = left_s / 4 + SHORTEST_S;
	r->next_s = now_s + wait_s;
	timer_set(r->engine, &r->tick, next_look_ms(r, now_s), look, r);
	log_event(LOG_LVL_WARNING, "event=renewal-failed reached=%d again_in_s=%lld why=%s",
		reached, (long long)wait_s, log_quote(why));
}

static void keep(struct renewal *r, ipp_t *reply)
{
	AUTO(auto_free) char *cert_pem = NULL;
	AUTO(auto_free) char *ca_pem = NULL;
	struct identity id = {0};
	char why[256] = "";
	int rc = renew_read_ca(r->who.ca_file, &ca_pem);

	if (!rc)
		rc = enrol_take(reply, r->who.uuid, r->key_pem, ca_pem, mono_utc_s(), &r->who, &id,
			&cert_pem, why, sizeof(why));
	if (!rc) {
		const struct identity_pem pem = {ca_pem, cert_pem, r->key_pem};

		rc = identity_write(paths_state(), &id, &pem, (uid_t)-1, (gid_t)-1);
	}
	if (rc) {
		failed(r, true, *why ? why : strerror(-rc));
		return;
	}
	r->who.starts_s = id.starts_s;
	r->who.expires_s = r->expires_s = id.expires_s;
	r->next_s = 0;
	timer_set(r->engine, &r->tick, next_look_ms(r, mono_utc_s()), look, r);
	log_event(LOG_LVL_INFO, "event=certificate-renewed days=%lld",
		(long long)identity_days_left(&id, mono_utc_s()));
	/* Shown at once: until then the server keeps the former one good. */
	policies_fetch(r->engine);
}

static void answered(void *arg, const struct client_reply *reply)
{
	struct renewal *r = arg;
	ipp_attribute_t *a =
		reply->ipp ? ippFindAttribute(reply->ipp, "status-message", IPP_TAG_TEXT) : NULL;

	if (reply->fault != CLIENT_OK)
		failed(r, false, reply->detail);
	else if (reply->status > IPP_STATUS_OK_CONFLICTING)
		failed(r, true, a ? ippGetString(a, 0, NULL) : ippErrorString(reply->status));
	else
		keep(r, reply->ipp);
	forget_call(r);
}

/* ---- asking ---- */

static const char *own_name(void)
{
	static char name[64];
	struct passwd pw, *found = NULL;
	char room[4096];

	if (getpwuid_r(geteuid(), &pw, room, sizeof(room), &found) || !found)
		return "stillprint";
	snprintf(name, sizeof(name), "%s", found->pw_name);
	return name;
}

static void ask(struct renewal *r)
{
	AUTO(enrol_secret_freep) char *csr = NULL;
	char uri[CONFIG_URI_MAX + 16], address[CONFIG_URI_MAX + 16], host[256] = "";
	int rc;

	if (!link_system_uri(r->engine, uri, sizeof(uri)))
		return;
	snprintf(address, sizeof(address), "%.*s", (int)(strlen(uri) - strlen("/ipp/system")), uri);
	gethostname(host, sizeof(host) - 1);
	rc = enrol_key_new(&r->key_pem);
	if (!rc)
		rc = enrol_request_new(r->key_pem, r->who.uuid, &csr);
	if (!rc)
		rc = link_send(r->engine, uri,
			must(enrol_request(address, own_name(), r->who.uuid, host, csr)), ASK_MS,
			answered, r, &r->call);
	if (rc) {
		failed(r, false, strerror(-rc));
		forget_call(r);
	}
}

static void warn(struct renewal *r, int64_t now_s)
{
	int64_t days = identity_days_left(&r->who, now_s);

	if (days >= WARN_DAYS || now_s - r->warned_s < DAY_S - HOUR_S)
		return;
	r->warned_s = now_s;
	log_event(days < 2 ? LOG_LVL_ERROR : LOG_LVL_WARNING,
		"event=certificate-ends days=%lld advice=\"stillprint setup --renew, or enrol again\"",
		(long long)days);
}

/* Signed by a CA that another one has followed. */
static bool is_of_old_ca(const struct renewal *r)
{
	AUTO(auto_free) char *ca = NULL;
	AUTO(auto_free) char *cert = NULL;

	return !renew_read_ca(r->who.ca_file, &ca) && !renew_read_ca(r->who.cert_file, &cert) &&
	       !enrol_is_signed_by(cert, ca);
}

static void look(void *arg)
{
	struct renewal *r = arg;
	int64_t now_s = mono_utc_s();
	int rc = identity_load(paths_state(), &r->who);

	timer_set(r->engine, &r->tick, next_look_ms(r, now_s), look, r);
	r->expires_s = rc ? 0 : r->who.expires_s;
	if (rc < 0)
		log_event(LOG_LVL_ERROR, "event=identity-unusable error=%s",
			log_quote(strerror(-rc)));
	if (rc || !link_is_enrolled(r->engine))
		return;
	warn(r, now_s);
	/* A clock that was put back must not make it wait for ever. */
	if (r->next_s > now_s + 2 * DAY_S)
		r->next_s = now_s;
	if (now_s >= r->next_s && !r->call && (identity_is_due(&r->who, now_s) || is_of_old_ca(r)))
		ask(r);
}

void renew_soon(struct engine *e)
{
	struct renewal *r = e->renewal;

	if (!r)
		return;
	r->next_s = 0;
	timer_set(e, &r->tick, jitter(SOON_MS), look, r);
}

void renew_start(struct engine *e)
{
	struct renewal *r = e->renewal;
	struct identity id;

	if (!r) {
		r = e->renewal = must(calloc(1, sizeof(*r)));
		r->engine = e;
	}
	r->expires_s = identity_load(paths_state(), &id) == 0 ? id.expires_s : 0;
	r->next_s = 0;
	timer_set(e, &r->tick, FIRST_MS, look, r);
}

void renew_free(struct engine *e)
{
	struct renewal *r = STEAL(e->renewal);

	if (!r)
		return;
	timer_stop(&r->tick);
	if (r->call)
		client_cancel(r->call);
	forget_call(r);
	free(r);
}

int64_t renew_expires_s(const struct engine *e)
{
	return e->renewal ? e->renewal->expires_s : 0;
}
