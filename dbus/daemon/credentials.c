/* SPDX-License-Identifier: Apache-2.0 */
/* credentials - see credentials.h. */
#include "credentials.h"

#include <errno.h>
#include <inttypes.h>
#include <sodium.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "auth/file.h"
#include "auth/login-call.h"
#include "base/log.h"
#include "base/mono.h"
#include "base/paths.h"
#include "engine-private.h"
#include "link.h"
#include "must.h"

#define KEY_HEADER "Stillprint-Machine-Key: "
#define STATE_HEADER "Stillprint-Credentials"
#define REVOKED "revoked"

enum {
	KEY_OCTETS = 32,
	KEY_BASE64 = 48, /* with its end */
	TAG_MAX = 256,
	FILE_OCTETS_MAX = 64 << 20, /* auth/sync.h's */
	GET_MS = 60000,
	SYNC_MS =
		15000, /* a verifier that is just hashing for fifty logins answers late; the daemon's end waits for it */
	FIRST_S = 2, /* the link comes first */
	AGAIN_MIN_S = 5,
	AGAIN_MAX_S = 300,
	INTERVAL_S = 900,
	INTERVAL_MIN_S = 5,
	INTERVAL_MAX_S = 86400,
	LATE_INTERVALS = 3, /* not heard for so many: stale */
};

/* What the verifier has: STATE/auth/sync.tag, "ETAG UNTIL INTERVAL". It removes that when it begins anew. */
struct tag {
	char etag[64];
	int64_t until_s, interval_s;
};

struct credentials {
	struct engine *engine;
	struct worker *worker; /* waits for the verifier */
	struct timer tick;
	struct client_call *call;
	struct work *work; /* under way in the worker */
	bool again; /* asked for meanwhile */
	unsigned turn; /* of credentials_start(): answers of an earlier one do not count */
	unsigned failures;
	bool believes; /* the verifier knows whose files to believe */
	struct tag tag;
	int64_t heard_ms; /* mono_ms() when the server last said what is so; 0: not in this run */
	enum credentials_state state;
};

/* One piece of work, with its answer. */
struct work {
	struct engine *engine;
	unsigned turn;
	enum { WORK_LOOK, WORK_SYNC, WORK_WIPE } what;
	bool has_key; /* LOOK: a verifier has been here */
	bool believes; /* LOOK: it knows whose files to believe */
	bool has_more; /* LOOK and WIPE: it has something to forget */
	char key[KEY_BASE64];
	struct tag tag;
	size_t count;
	uint8_t *octets; /* SYNC */
};

static void look(void *arg);

/* ---- in the worker's thread ---- */

static int folder_of(char *out, size_t size)
{
	return paths_join(out, size, paths_state(), "auth");
}

static bool is_there(const char *folder, const char *name)
{
	char path[512];

	return !paths_join(path, sizeof(path), folder, name) && !access(path, F_OK);
}

static void read_tag(const char *folder, struct tag *tag)
{
	uint8_t *text = NULL;
	char line[TAG_MAX + 1] = "";
	size_t count = 0;

	*tag = (struct tag){.interval_s = INTERVAL_S};
	if (!file_read(folder, "sync.tag", TAG_MAX, &text, &count))
		memcpy(line, text, count);
	free(text);
	if (sscanf(line, "%63s %" SCNd64 " %" SCNd64, tag->etag, &tag->until_s, &tag->interval_s) !=
		3)
		*tag = (struct tag){.interval_s = INTERVAL_S};
}

/* What a verifier that began anew has not. */
static bool has_more(const char *folder)
{
	return is_there(folder, "policy.pub") || is_there(folder, "server-login.pub") ||
	       is_there(folder, "cache") || is_there(folder, "sync.tag");
}

static int work_look(struct work *w, const char *folder)
{
	uint8_t *key = NULL;
	size_t count = 0;
	int rc = file_read(folder, "machine.pub", KEY_OCTETS, &key, &count);

	w->has_key = !rc && count == KEY_OCTETS;
	w->believes = is_there(folder, "policy.pub");
	w->has_more = has_more(folder);
	if (w->has_key)
		sodium_bin2base64(
			w->key, sizeof(w->key), key, count, sodium_base64_VARIANT_ORIGINAL);
	free(key);
	read_tag(folder, &w->tag);
	return 0;
}

static int tell_verifier(enum login_type type)
{
	struct login_message ask, reply;
	char path[512];
	int rc = paths_join(path, sizeof(path), paths_run(), "login.sock");

	if (rc)
		return rc;
	login_init(&ask, type);
	login_set_number(&ask, LOGIN_HAS_BUDGET_MS, SYNC_MS);
	rc = login_call(path, geteuid(), login_call_now_ms() + SYNC_MS, &ask, &reply);
	if (rc)
		return rc == -ENOENT ? -ECONNREFUSED : rc;
	return reply.result == LOGIN_OK ? 0 : reply.result == LOGIN_AWAY ? -EAGAIN : -EKEYREJECTED;
}

static int work_sync(struct work *w, const char *folder)
{
	char line[TAG_MAX];
	int n = snprintf(line, sizeof(line), "%s %" PRId64 " %" PRId64 "\n", w->tag.etag,
		w->tag.until_s, w->tag.interval_s);
	int rc = file_replace(folder, "sync.in", w->octets, w->count);

	if (!rc)
		rc = tell_verifier(LOGIN_SYNC);
	return rc ? rc : file_replace(folder, "sync.tag", line, (size_t)n);
}

/* Twice does no harm, but a verifier that has nothing to forget is left in peace. */
static int work_wipe(struct work *w, const char *folder)
{
	w->has_more = has_more(folder);
	return w->has_more ? tell_verifier(LOGIN_WIPE) : 0;
}

static int run_work(void *arg, struct store *s)
{
	struct work *w = arg;
	char folder[512];
	int rc = folder_of(folder, sizeof(folder));

	(void)s;
	if (rc)
		return rc;
	return w->what == WORK_LOOK   ? work_look(w, folder)
	       : w->what == WORK_SYNC ? work_sync(w, folder)
				      : work_wipe(w, folder);
}

/* ---- when next ---- */

static int64_t spread(int64_t seconds)
{
	uint32_t chance = 0;

	if (getrandom(&chance, sizeof(chance), GRND_NONBLOCK) != sizeof(chance))
		chance = (uint32_t)mono_ms();
	return seconds * 1000 - seconds * 100 +
	       chance % (seconds * 100 + 1); /* nine tenths to all of it */
}

static void next_after(struct credentials *c, int64_t seconds)
{
	timer_set(c->engine, &c->tick, spread(seconds), look, c);
}

static void try_again(struct credentials *c)
{
	int64_t s = AGAIN_MIN_S << (c->failures < 6 ? c->failures : 6);
	int64_t most = c->tag.interval_s > AGAIN_MAX_S ? AGAIN_MAX_S : c->tag.interval_s;

	c->failures++;
	next_after(c, s < most ? s : most);
}

static void become(struct credentials *c, enum credentials_state state)
{
	if (state == c->state)
		return;
	log_event(state > CREDENTIALS_OK ? LOG_LVL_WARNING : LOG_LVL_INFO,
		"event=credentials state=%s", credentials_state_name(state));
	c->state = state;
}

/* ---- on the loop ---- */

static void work_free(struct work *w)
{
	free(w->octets);
	free(w);
}

static void worked(void *arg, int rc);

static void post(struct credentials *c, struct work *w)
{
	w->engine = c->engine;
	w->turn = c->turn;
	c->work = w;
	worker_post(c->worker, run_work, worked, w);
}

static struct work *work_of(int what)
{
	struct work *w = must(calloc(1, sizeof(*w)));

	w->what = what;
	return w;
}

static void forget_all(struct credentials *c)
{
	if (c->state != CREDENTIALS_REVOKED)
		log_event(LOG_LVL_ERROR,
			"event=deregistered advice=\"the server revoked this computer: enrol again with a new code, "
			"stillprint setup --server\"");
	become(c, CREDENTIALS_REVOKED);
	post(c, work_of(WORK_WIPE));
}

/* "interval=900 until=1800000000" */
static void take_state(struct tag *tag, const char *header)
{
	int64_t interval, until;

	if (sscanf(header, "interval=%" SCNd64 " until=%" SCNd64, &interval, &until) != 2)
		return;
	tag->interval_s = interval < INTERVAL_MIN_S   ? INTERVAL_MIN_S
			  : interval > INTERVAL_MAX_S ? INTERVAL_MAX_S
						      : interval;
	tag->until_s = until;
}

static void take_file(struct credentials *c, const struct client_got *got)
{
	struct work *w = work_of(WORK_SYNC);

	w->tag = c->tag;
	take_state(&w->tag, got->header);
	snprintf(w->tag.etag, sizeof(w->tag.etag), "%.*s", (int)strcspn(got->etag, " \t"),
		got->etag);
	w->count = got->count;
	w->octets = must(malloc(got->count));
	memcpy(w->octets, got->octets, got->count);
	post(c, w);
}

static void got(void *arg, const struct client_got *answer)
{
	struct credentials *c = arg;
	bool said = answer->fault == CLIENT_OK;

	c->call = NULL;
	/* Only this word, of our own server by its CA and name, makes us forget: no other refusal, no silence, no stranger. */
	if (answer->fault == CLIENT_AUTH && answer->http_status == 403 &&
		!strcmp(answer->header, REVOKED)) {
		forget_all(c);
		return;
	}
	if (said)
		c->heard_ms = mono_ms();
	if (said && answer->http_status == 200 && answer->count && c->believes) {
		take_file(c, answer);
		return;
	}
	if (said && answer->http_status == 304) {
		take_state(&c->tag, answer->header);
		c->failures = 0;
		become(c, CREDENTIALS_OK);
		next_after(c, c->tag.interval_s);
	} else if (said) {
		become(c,
			CREDENTIALS_NONE); /* enrolled before there was a verifier: stillprint setup brings the key */
		next_after(c, INTERVAL_S);
	} else {
		log_event(LOG_LVL_INFO,
			"event=credentials-not-fetched fault=%s status=%ld detail=%s",
			client_fault_name(answer->fault), answer->http_status,
			log_quote(answer->detail));
		try_again(c);
	}
	if (c->again)
		credentials_fetch(c->engine);
}

static void ask(struct credentials *c, const char *key)
{
	char uri[CONFIG_URI_MAX], field[sizeof(KEY_HEADER) + KEY_BASE64];
	struct client_get g = {.uri = uri,
		.identity = link_identity(c->engine),
		.if_none_match = c->tag.etag[0] ? c->tag.etag : NULL,
		.header = STATE_HEADER,
		.field = field,
		.octets_max = FILE_OCTETS_MAX,
		.total_ms = GET_MS};

	snprintf(field, sizeof(field), KEY_HEADER "%s", key);
	if (!g.identity || !link_resource_uri(c->engine, "credentials", uri, sizeof(uri)) ||
		client_get(c->engine->client, &g, got, c, &c->call))
		try_again(c);
}

static void looked(struct credentials *c, const struct work *w)
{
	if (!w->has_key || !w->has_more) {
		/* A revoked computer has none of it any more, and must not look as if that had never been. */
		if (c->state != CREDENTIALS_REVOKED)
			become(c, CREDENTIALS_NONE);
		next_after(c, INTERVAL_S);
		return;
	}
	if (c->state == CREDENTIALS_NONE)
		become(c, CREDENTIALS_WAITING);
	c->tag = w->tag;
	c->believes = w->believes;
	ask(c, w->key);
}

static void synced(struct credentials *c, const struct work *w, int rc)
{
	if (!rc) {
		log_event(LOG_LVL_INFO, "event=credentials-synced tag=%s octets=%zu",
			log_quote(w->tag.etag), w->count);
		c->tag = w->tag;
		c->failures = 0;
		become(c, CREDENTIALS_OK);
		next_after(c, c->tag.interval_s);
		return;
	}
	log_event(LOG_LVL_ERROR, "event=credentials-not-taken tag=%s error=%s",
		log_quote(w->tag.etag), log_quote(strerror(-rc)));
	become(c, rc == -EKEYREJECTED ? CREDENTIALS_REFUSED : CREDENTIALS_NO_VERIFIER);
	try_again(c);
}

static void wiped(struct credentials *c, const struct work *w, int rc)
{
	if (rc)
		log_event(LOG_LVL_ERROR, "event=credentials-not-wiped error=%s",
			log_quote(strerror(-rc)));
	else if (w->has_more)
		log_event(LOG_LVL_WARNING, "event=credentials-wiped");
	if (!rc)
		c->tag = (struct tag){.interval_s = INTERVAL_S};
	next_after(c, rc ? AGAIN_MIN_S : INTERVAL_S);
}

static void worked(void *arg, int rc)
{
	struct work *w = arg;
	struct credentials *c = w->engine->credentials;
	bool again;

	if (c && c->work == w)
		c->work = NULL;
	if (c && w->turn == c->turn) {
		again = c->again;
		if (w->what == WORK_LOOK)
			looked(c, w);
		else if (w->what == WORK_SYNC)
			synced(c, w, rc);
		else
			wiped(c, w, rc);
		if (again && !c->call && !c->work)
			credentials_fetch(c->engine);
	}
	work_free(w);
}

static void look(void *arg)
{
	struct credentials *c = arg;

	timer_stop(&c->tick);
	c->again = false;
	post(c, work_of(WORK_LOOK));
}

void credentials_fetch(struct engine *e)
{
	struct credentials *c = e->credentials;

	if (!c || !link_is_enrolled(e))
		return;
	if (c->call || c->work) {
		c->again = true;
		return;
	}
	look(c);
}

/* ---- life ---- */

void credentials_start(struct engine *e)
{
	struct credentials *c = e->credentials;

	if (!c) {
		c = e->credentials = must(calloc(1, sizeof(*c)));
		c->engine = e;
		c->tag.interval_s = INTERVAL_S;
		if (worker_new(e->loop, NULL, &c->worker)) {
			log_event(LOG_LVL_ERROR, "event=credentials-off why=no-thread");
			e->credentials = NULL;
			free(c);
			return;
		}
	}
	timer_stop(&c->tick);
	if (c->call)
		client_cancel(c->call);
	c->call = NULL;
	c->work = NULL; /* what it says does not count any more */
	c->again = false;
	c->turn++;
	c->failures = 0;
	c->state = link_is_enrolled(e) ? CREDENTIALS_WAITING : CREDENTIALS_NONE;
	if (link_is_enrolled(e))
		next_after(c, FIRST_S);
}

void credentials_free(struct engine *e)
{
	struct credentials *c = STEAL(e->credentials);

	if (!c)
		return;
	timer_stop(&c->tick);
	if (c->call)
		client_cancel(c->call);
	worker_free(c->worker);
	if (c->work)
		work_free(c->work);
	free(c);
}

/* ---- told ---- */

const char *credentials_state_name(enum credentials_state state)
{
	static const char *const names[] = {
		"none", "waiting", "ok", "stale", "refused", "no-verifier", "revoked"};

	return names[state];
}

enum credentials_state credentials_get_state(const struct engine *e, int64_t *until_s)
{
	const struct credentials *c = e->credentials;
	int64_t late_ms;

	if (until_s)
		*until_s = c ? c->tag.until_s : 0;
	if (!c)
		return CREDENTIALS_NONE;
	if (c->state == CREDENTIALS_WAITING && c->tag.until_s && c->tag.until_s <= mono_utc_s())
		return CREDENTIALS_STALE;
	late_ms = c->tag.interval_s * 1000 * LATE_INTERVALS;
	if (c->state == CREDENTIALS_OK &&
		(c->tag.until_s <= mono_utc_s() || mono_ms() - c->heard_ms > late_ms))
		return CREDENTIALS_STALE;
	return c->state;
}
