/* SPDX-License-Identifier: Apache-2.0 */
/* address - what users type as a printer, and the printers they named or used. */
#include "engine-private.h"

#include <errno.h>
#include <string.h>

#include "base/log.h"
#include "must.h"

/* ---- named and used ---- */

static struct store_user_printer *user_printer_find(
	struct engine *e, const char *owner, const char *queue, const char *uri)
{
	for (size_t i = 0; i < e->user_printer_count; i++) {
		struct store_user_printer *p = &e->user_printer[i];

		if (!strcmp(p->owner, owner) && !strcmp(p->queue, queue) && !strcmp(p->uri, uri))
			return p;
	}
	return NULL;
}

static int work_put(void *arg, struct store *s)
{
	return store_user_printer_put(s, arg);
}

static int work_remove(void *arg, struct store *s)
{
	const struct store_user_printer *p = arg;

	return store_user_printer_remove(s, p->owner, p->queue, p->uri);
}

static void committed(void *arg, int rc)
{
	if (rc)
		log_event(LOG_LVL_WARNING, "event=user-printer-commit-failed error=%d", rc);
	free(arg);
}

void user_printer_put(struct engine *e, const struct store_user_printer *p)
{
	struct store_user_printer *known = user_printer_find(e, p->owner, p->queue, p->uri), *copy;

	if (!known) {
		e->user_printer =
			must(reallocarray(e->user_printer, e->user_printer_count + 1, sizeof(*p)));
		known = &e->user_printer[e->user_printer_count++];
		*known = *p;
	} else {
		known->named |= p->named;
		if (p->used_s > known->used_s)
			known->used_s = p->used_s;
	}
	copy = must(malloc(sizeof(*copy)));
	*copy = *known;
	worker_post(e->storer, work_put, committed, copy);
}

void user_printer_remove(struct engine *e, const char *owner, const char *queue, const char *uri)
{
	struct store_user_printer *known = user_printer_find(e, owner, queue, uri), *copy;

	if (!known)
		return;
	copy = must(malloc(sizeof(*copy)));
	*copy = *known;
	*known = e->user_printer[--e->user_printer_count];
	worker_post(e->storer, work_remove, committed, copy);
}

/* ---- typed ---- */

struct search {
	struct engine *engine;
	address_fn *done;
	void *arg;
	char uri[2][CONFIG_URI_MAX];
	unsigned count, at;
};

static void search_next(struct search *s);

static void search_probed(void *arg, enum target_health health, const struct target_info *info,
	ipp_t *answer, const struct client_reply *reply)
{
	struct search *s = arg;

	(void)answer;
	(void)reply;
	if (health == TARGET_UNREACHABLE && s->at + 1 < s->count) {
		s->at++;
		search_next(s);
		return;
	}
	s->done(s->arg, s->uri[s->at], health, info);
	free(s);
}

static void search_next(struct search *s)
{
	struct target_info none = {0};

	if (probe_start(s->engine, s->uri[s->at], 3000, 5000, search_probed, s))
		return;
	s->done(s->arg, s->uri[s->at], TARGET_UNREACHABLE, &none);
	free(s);
}

static int bare_host(struct search *s, const char *text)
{
	static const char *const schemes[] = {"ipps", "ipp"};
	bool v6 = strchr(text, ':') && text[0] != '[' && strchr(strchr(text, ':') + 1, ':');

	for (unsigned i = 0; i < 2; i++) {
		char uri[CONFIG_URI_MAX];
		struct uri u;

		snprintf(uri, sizeof(uri), v6 ? "%s://[%s]/ipp/print" : "%s://%s/ipp/print",
			schemes[i], text);
		if (uri_parse(uri, &u) || uri_format(s->uri[i], CONFIG_URI_MAX, &u))
			return -EINVAL;
		s->count++;
	}
	return 0;
}

int address_find(struct engine *e, const char *text, address_fn *done, void *arg)
{
	struct search *s = must(calloc(1, sizeof(*s)));
	struct uri u;

	s->engine = e;
	s->done = done;
	s->arg = arg;
	if (strstr(text, "://") || !strncmp(text, "cups:", 5)) {
		if (!uri_parse(text, &u) && !uri_format(s->uri[0], CONFIG_URI_MAX, &u))
			s->count = 1;
	} else {
		(void)bare_host(s, text);
	}
	if (!s->count) {
		free(s);
		return -EINVAL;
	}
	search_next(s);
	return 0;
}
