/* SPDX-License-Identifier: Apache-2.0 */
/* bind - see bind.h. */
#include "auth/bind.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "auth/file.h"
#include "auth/octets.h"
#include "base/paths.h"

enum { FILE_MAX = 8 << 20 };

static const char magic[8] = {'S', 'T', 'L', 'P', 'S', 'E', 'S', 1};

struct bind {
	char *folder, *logind;
	uint8_t boot_id[16];
	struct binding *one; /* in the order of their opening */
	size_t count;
};

static int save(const struct bind *b)
{
	struct octets_out o = {0};
	int rc;

	octets_put(&o, magic, sizeof(magic));
	octets_put(&o, b->boot_id, sizeof(b->boot_id));
	octets_put_number(&o, b->count, 4);
	for (size_t i = 0; i < b->count; i++) {
		const struct binding *s = &b->one[i];

		octets_put_number(&o, s->uid, 4);
		octets_put_text(&o, s->session);
		octets_put_text(&o, s->account);
		octets_put_text(&o, s->service);
		octets_put(&o, s->uuid, sizeof(s->uuid));
		octets_put_number(&o, (uint64_t)s->verified | (uint64_t)s->in_logind << 1, 1);
		octets_put_number(&o, (uint64_t)s->since_s, 8);
		octets_put_number(&o, s->opens, 4);
	}
	rc = o.bad ? -ENOMEM : file_replace_volatile(b->folder, "sessions", o.octets, o.count);
	octets_out_fini(&o);
	return rc;
}

static void load(struct bind *b, const uint8_t *octets, size_t count)
{
	struct octets_in in = {octets, octets + count, false};
	const uint8_t *head = octets_get(&in, sizeof(magic)), *boot = octets_get(&in, 16);
	uint64_t n = octets_get_number(&in, 4);

	if (!head || !boot || memcmp(head, magic, sizeof(magic)) != 0 || n > BIND_MAX ||
		memcmp(boot, b->boot_id, sizeof(b->boot_id)) != 0)
		return;
	for (uint64_t i = 0; i < n && !in.bad; i++) {
		struct binding *s = &b->one[i];
		uint8_t flags;

		s->uid = (uint32_t)octets_get_number(&in, 4);
		octets_get_text(&in, s->session, sizeof(s->session));
		octets_get_text(&in, s->account, sizeof(s->account));
		octets_get_text(&in, s->service, sizeof(s->service));
		octets_get_into(&in, s->uuid, sizeof(s->uuid));
		flags = (uint8_t)octets_get_number(&in, 1);
		s->verified = flags & 1;
		s->in_logind = flags & 2;
		s->since_s = (int64_t)octets_get_number(&in, 8);
		s->opens = (uint32_t)octets_get_number(&in, 4);
	}
	b->count = in.bad ? 0 : n;
}

int bind_new(const char *folder, const char *logind, const uint8_t *boot_id, struct bind **out)
{
	AUTO(bind_freep) struct bind *b = calloc(1, sizeof(*b));
	uint8_t *octets = NULL;
	size_t count = 0;
	int rc;

	if (!b)
		return -ENOMEM;
	memcpy(b->boot_id, boot_id, sizeof(b->boot_id));
	b->folder = strdup(folder);
	b->logind = logind ? strdup(logind) : NULL;
	b->one = calloc(BIND_MAX, sizeof(*b->one));
	if (!b->folder || !b->one || (logind && !b->logind))
		return -ENOMEM;
	rc = file_read(folder, "sessions", FILE_MAX, &octets, &count);
	if (rc < 0 && rc != -ENOENT)
		return rc;
	if (!rc)
		load(b, octets, count);
	free(octets);
	*out = STEAL(b);
	return 0;
}

void bind_free(struct bind *b)
{
	if (!b)
		return;
	free(b->folder);
	free(b->logind);
	free(b->one);
	free(b);
}

/* @session comes from a login program: only what can be a file's name there is looked for. */
static bool logind_has(const struct bind *b, const char *session)
{
	char path[PATH_MAX];

	return b->logind && session[0] && session[0] != '.' && !strchr(session, '/') &&
	       !paths_join(path, sizeof(path), b->logind, session) && access(path, F_OK) == 0;
}

static void remove_at(struct bind *b, size_t at)
{
	b->count--;
	memmove(&b->one[at], &b->one[at + 1], (b->count - at) * sizeof(b->one[0]));
}

/* Let go of what logind has ended. True if there was any. */
static bool sweep(struct bind *b)
{
	size_t before = b->count;

	for (size_t i = b->count; i > 0; i--)
		if (b->one[i - 1].in_logind && !logind_has(b, b->one[i - 1].session))
			remove_at(b, i - 1);
	return b->count != before;
}

static size_t of_uid(const struct bind *b, uint32_t uid)
{
	size_t n = 0;

	for (size_t i = 0; i < b->count; i++)
		n += b->one[i].uid == uid;
	return n;
}

int bind_open(struct bind *b, const struct binding *one)
{
	sweep(b);
	for (size_t i = 0; i < b->count; i++) {
		struct binding *s = &b->one[i];

		if (s->uid != one->uid || strcmp(s->session, one->session) != 0 ||
			strcmp(s->account, one->account) != 0)
			continue;
		s->opens++;
		s->verified |= one->verified;
		if (one->verified)
			memcpy(s->uuid, one->uuid, sizeof(s->uuid));
		return save(b);
	}
	if (b->count == BIND_MAX || of_uid(b, one->uid) >= BIND_PER_UID_MAX)
		return BIND_E_FULL;
	b->one[b->count] = *one;
	b->one[b->count].opens = 1;
	b->one[b->count].in_logind = logind_has(b, one->session);
	b->count++;
	return save(b);
}

int bind_close(struct bind *b, uint32_t uid, const char *session)
{
	bool found = false;

	sweep(b);
	/* The newest first: who opened last closes first. */
	for (size_t i = b->count; !found && i > 0; i--) {
		struct binding *s = &b->one[i - 1];

		found = s->uid == uid && !strcmp(s->session, session);
		if (found && --s->opens == 0)
			remove_at(b, i - 1);
	}
	if (!found)
		return BIND_E_NONE;
	return save(b);
}

int bind_end(struct bind *b, uint32_t uid)
{
	int n = 0, rc;

	for (size_t i = b->count; i > 0; i--)
		if (b->one[i - 1].uid == uid) {
			remove_at(b, i - 1);
			n++;
		}
	rc = n ? save(b) : 0;
	return rc ? rc : n;
}

int bind_query(struct bind *b, uint32_t uid, const char *session, struct bind_answer *out)
{
	const struct binding *newest = NULL;
	bool verified = false, same = true;

	if (sweep(b))
		save(b); /* at the worst the next sweep finds it again */
	memset(out, 0, sizeof(*out));
	for (size_t i = 0; i < b->count; i++) {
		const struct binding *s = &b->one[i];

		if (s->uid != uid)
			continue;
		out->sessions++;
		if (session && strcmp(session, s->session) != 0)
			continue;
		if (newest && strcmp(newest->account, s->account) != 0)
			same = false;
		verified |= s->verified;
		newest = s;
	}
	if (!newest)
		return BIND_E_NONE;
	for (size_t i = 0; i < b->count; i++) /* of one account, the uuid that was verified */
		if (b->one[i].uid == uid && b->one[i].verified &&
			!strcmp(b->one[i].account, newest->account))
			memcpy(out->uuid, b->one[i].uuid, sizeof(out->uuid));
	memcpy(out->account, newest->account, sizeof(out->account));
	out->verified = verified && same;
	return 0;
}
