/* SPDX-License-Identifier: Apache-2.0 */
/* policies - see policies.h. */
#include "policies.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/paths.h"
#include "core/identity.h"
#include "engine-private.h"
#include "link.h"
#include "must.h"
#include "online.h"
#include "pins.h"

#define FILE_NAME "policy"
#define SIGNATURE_HEADER "Stillprint-Signature"

enum { GET_MS = 15000 };

struct policies {
	struct engine *engine;
	struct site *site; /* NULL: none */
	char etag[128];
	struct client_call *call;
	bool again; /* asked for once more meanwhile */
};

/* The file: signature, then the document. */
struct keeping {
	size_t count;
	uint8_t octets[];
};

static int write_all(int fd, const uint8_t *octets, size_t count)
{
	while (count) {
		ssize_t n = write(fd, octets, count);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		octets += n;
		count -= (size_t)n;
	}
	return fsync(fd) ? -errno : 0;
}

static int work_keep(void *arg, struct store *s)
{
	struct keeping *k = arg;
	char path[512], temp[512];
	AUTO(auto_close) int fd = -1;
	int rc;

	(void)s;
	if (paths_join(path, sizeof(path), paths_state(), FILE_NAME) ||
		paths_join(temp, sizeof(temp), paths_state(), FILE_NAME ".new"))
		return -ENAMETOOLONG;
	fd = open(temp, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, k->octets, k->count);
	if (!rc && rename(temp, path))
		rc = -errno;
	if (rc)
		unlink(temp);
	return rc;
}

static void kept(void *arg, int rc)
{
	if (rc) /* fetched again after the next start */
		log_event(LOG_LVL_ERROR, "event=policy-not-kept error=%d", rc);
	free(arg);
}

static int read_site(const uint8_t *signature, const void *octets, size_t count, struct site **out)
{
	struct identity who;
	int rc = identity_load(paths_state(), &who);

	return rc ? rc : site_read(octets, count, signature, who.policy_key, out);
}

const struct site_queue *policies_queue(const struct engine *e, const struct config_queue *q)
{
	return q->stillprint && e->policies ? site_queue(e->policies->site, q->server_queue) : NULL;
}

static void use(struct policies *p, struct site *site)
{
	site_free(p->site);
	p->site = site;
	for (size_t i = 0; i < site->queue_count; i++)
		for (size_t k = 0; k < site->queue[i].fallback_count; k++)
			printer_of(p->engine, site->queue[i].fallback[k]);
	online_tell_keys(p->engine, site);
	log_event(LOG_LVL_INFO, "event=policy version=%lld queues=%zu", (long long)site->version,
		site->queue_count);
}

static bool signature_of(const struct client_got *got, uint8_t out[SITE_SIGNATURE_OCTETS])
{
	size_t count = 0;

	return !sodium_base642bin(out, SITE_SIGNATURE_OCTETS, got->header, strlen(got->header),
		       NULL, &count, NULL, sodium_base64_VARIANT_ORIGINAL) &&
	       count == SITE_SIGNATURE_OCTETS;
}

static void take(struct policies *p, const struct client_got *got)
{
	uint8_t signature[SITE_SIGNATURE_OCTETS];
	struct site *site = NULL;
	struct keeping *k;
	int rc = signature_of(got, signature) ? read_site(signature, got->octets, got->count, &site)
					      : SITE_E_SIGNATURE;

	if (rc) {
		log_event(LOG_LVL_ERROR, "event=policy-refused why=%s",
			rc == SITE_E_SIGNATURE ? "signature" : "content");
		return;
	}
	if (p->site && !strcmp(p->site->server_uuid, site->server_uuid) &&
		site->version < p->site->version) {
		log_event(LOG_LVL_ERROR, "event=policy-refused why=older have=%lld got=%lld",
			(long long)p->site->version, (long long)site->version);
		site_free(site);
		return;
	}
	snprintf(p->etag, sizeof(p->etag), "%s", got->etag);
	k = must(malloc(sizeof(*k) + sizeof(signature) + got->count));
	k->count = sizeof(signature) + got->count;
	memcpy(k->octets, signature, sizeof(signature));
	memcpy(k->octets + sizeof(signature), got->octets, got->count);
	worker_post(p->engine->filer, work_keep, kept, k);
	use(p, site);
	plan_kick(p->engine);
	/* Asked once more, it tells the server that we have it and its CAs. */
	if (pins_apply(p->engine, site))
		policies_fetch(p->engine);
}

static void got(void *arg, const struct client_got *answer)
{
	struct policies *p = arg;
	bool again = p->again;

	p->call = NULL;
	p->again = false;
	if (answer->fault == CLIENT_OK && answer->http_status == 200)
		take(p, answer);
	else if (answer->fault != CLIENT_OK)
		log_event(LOG_LVL_INFO, "event=policy-not-fetched fault=%s detail=%s",
			client_fault_name(answer->fault), log_quote(answer->detail));
	if (again)
		policies_fetch(p->engine);
}

void policies_fetch(struct engine *e)
{
	struct policies *p = e->policies;
	struct client_get g = {.header = SIGNATURE_HEADER, .total_ms = GET_MS};
	char uri[CONFIG_URI_MAX];

	if (!p || !link_is_enrolled(e))
		return;
	if (p->call) {
		p->again = true;
		return;
	}
	if (!link_resource_uri(e, "policy", uri, sizeof(uri)))
		return;
	g.uri = uri;
	g.identity = link_identity(e);
	g.if_none_match = p->etag[0] ? p->etag : NULL;
	if (client_get(e->client, &g, got, p, &p->call))
		log_event(LOG_LVL_ERROR, "event=policy-not-fetched why=request");
}

static void load(struct policies *p)
{
	char path[512];
	AUTO(auto_close) int fd = -1;
	AUTO(auto_free) uint8_t *octets = NULL;
	struct site *site = NULL;
	struct stat st;
	int rc;

	if (paths_join(path, sizeof(path), paths_state(), FILE_NAME))
		return;
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st) || !S_ISREG(st.st_mode) ||
		st.st_size <= SITE_SIGNATURE_OCTETS ||
		st.st_size > SITE_MAX_OCTETS + SITE_SIGNATURE_OCTETS)
		return;
	octets = must(malloc((size_t)st.st_size));
	if (read(fd, octets, (size_t)st.st_size) != st.st_size)
		return;
	rc = read_site(octets, octets + SITE_SIGNATURE_OCTETS,
		(size_t)st.st_size - SITE_SIGNATURE_OCTETS, &site);
	if (rc)
		log_event(LOG_LVL_WARNING, "event=policy-not-loaded error=%d", rc);
	else
		use(p, site);
}

void policies_start(struct engine *e)
{
	if (!e->policies) {
		e->policies = must(calloc(1, sizeof(*e->policies)));
		e->policies->engine = e;
	}
	site_free(e->policies->site);
	e->policies->site = NULL;
	e->policies->etag[0] = '\0';
	if (link_is_enrolled(e))
		load(e->policies);
}

void policies_free(struct engine *e)
{
	struct policies *p = e->policies;

	if (!p)
		return;
	if (p->call)
		client_cancel(p->call);
	site_free(p->site);
	e->policies = NULL;
	free(p);
}
