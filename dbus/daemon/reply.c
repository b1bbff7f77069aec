/* SPDX-License-Identifier: Apache-2.0 */
/* reply - answers to requests, given from the loop. */
#include "engine-private.h"

#include "must.h"

struct later {
	struct timer timer;
	enum engine_err err;
	char message[512];
	engine_reply_fn *reply;
	void *arg;
};

static void later_due(void *arg)
{
	struct later *l = arg;

	l->reply(l->arg, l->err, l->message, NULL);
	free(l);
}

void reply_later(struct engine *e, engine_reply_fn *reply, void *arg, enum engine_err err,
	const char *message)
{
	struct later *l;

	if (!reply)
		return;
	l = must(calloc(1, sizeof(*l)));
	l->err = err;
	snprintf(l->message, sizeof(l->message), "%s", message ? message : "");
	l->reply = reply;
	l->arg = arg;
	timer_set(e, &l->timer, 0, later_due, l);
}
