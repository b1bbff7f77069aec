/* SPDX-License-Identifier: Apache-2.0 */
/* login - see login.h. */
#include "auth/login.h"

#include <errno.h>

enum { VERSION = 1, HEAD = 4, FIELD_HEAD = 3 };
enum form { TEXT, BYTE, NUMBER, FIXED, SEALED };

#define AT(member) \
	offsetof(struct login_message, member), sizeof(((struct login_message *)0)->member)

/* A row for each LOGIN_HAS_, in that order; the tag on the wire is the row's number plus one. */
static const struct field {
	enum form form;
	size_t at, size;
} fields[LOGIN_FIELDS] = {
	[LOGIN_HAS_RESULT] = {BYTE, AT(result)},
	[LOGIN_HAS_USER] = {TEXT, AT(user)},
	[LOGIN_HAS_ACCOUNT] = {TEXT, AT(account)},
	[LOGIN_HAS_SECRET] = {TEXT, AT(secret)},
	[LOGIN_HAS_SERVICE] = {TEXT, AT(service)},
	[LOGIN_HAS_TTY] = {TEXT, AT(tty)},
	[LOGIN_HAS_RHOST] = {TEXT, AT(rhost)},
	[LOGIN_HAS_SESSION] = {TEXT, AT(session)},
	[LOGIN_HAS_PROOF] = {FIXED, AT(proof)},
	[LOGIN_HAS_UUID] = {FIXED, AT(uuid)},
	[LOGIN_HAS_UID] = {NUMBER, AT(uid)},
	[LOGIN_HAS_KIND] = {BYTE, AT(kind)},
	[LOGIN_HAS_TTL_S] = {NUMBER, AT(ttl_s)},
	[LOGIN_HAS_MIN_PIN] = {NUMBER, AT(min_pin)},
	[LOGIN_HAS_BUDGET_MS] = {NUMBER, AT(budget_ms)},
	[LOGIN_HAS_RETRY_S] = {NUMBER, AT(retry_s)},
	[LOGIN_HAS_VERIFIED] = {BYTE, AT(verified)},
	[LOGIN_HAS_SOURCE] = {BYTE, AT(source)},
	[LOGIN_HAS_SESSIONS] = {NUMBER, AT(sessions)},
	[LOGIN_HAS_SEALED] = {SEALED, AT(sealed)},
};

#define F(name) (1u << LOGIN_HAS_##name)
#define WHERE (F(SERVICE) | F(TTY) | F(RHOST))
#define ASKS (F(BUDGET_MS) | F(TTL_S) | F(MIN_PIN))

/* What a message of each type must and may carry; what is in neither makes it bad. */
static const struct {
	enum login_type type;
	uint32_t must, may;
} types[] = {
	{LOGIN_VERIFY, F(USER) | F(SECRET) | F(UID), WHERE | ASKS | F(KIND)},
	{LOGIN_ACCOUNT, F(USER) | F(UID), WHERE | ASKS},
	{LOGIN_OPEN, F(USER) | F(UID) | F(SESSION), WHERE | F(PROOF) | F(BUDGET_MS)},
	{LOGIN_CLOSE, F(UID) | F(SESSION), WHERE | F(USER) | F(BUDGET_MS)},
	{LOGIN_CHANGE, F(USER) | F(SECRET) | F(UID), WHERE | ASKS},
	{LOGIN_QUERY, F(UID), F(USER) | F(SESSION) | F(BUDGET_MS)},
	{LOGIN_SYNC, 0, F(BUDGET_MS)},
	{LOGIN_WIPE, 0, F(BUDGET_MS)},
	{LOGIN_END, F(UID), F(BUDGET_MS)},
	{LOGIN_PIN, F(SECRET) | F(KIND) | F(TTY), WHERE | ASKS},
	{LOGIN_ONLINE, F(ACCOUNT) | F(SEALED), WHERE | F(KIND) | F(BUDGET_MS)},
	{LOGIN_REPLY, F(RESULT),
		F(ACCOUNT) | F(UUID) | F(PROOF) | F(RETRY_S) | F(VERIFIED) | F(SOURCE) |
			F(SESSIONS) | F(KIND)},
};

void login_init(struct login_message *m, enum login_type type)
{
	memset(m, 0, sizeof(*m));
	m->type = type;
}

void login_wipe(struct login_message *m)
{
	explicit_bzero(m, sizeof(*m));
}

/* RFC 3629, and no control characters: a name or a secret that breaks this came from no keyboard. */
static bool is_text(const uint8_t *p, size_t count)
{
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};

	for (size_t i = 0; i < count;) {
		size_t n = p[i] < 0x80   ? 1
			   : p[i] < 0xc2 ? 0
			   : p[i] < 0xe0 ? 2
			   : p[i] < 0xf0 ? 3
					 : 4;
		uint32_t c = n == 1   ? p[i]
			     : n == 2 ? p[i] & 0x1f
			     : n == 3 ? p[i] & 0x0f
				      : p[i] & 0x07;

		if (n == 0 || p[i] > 0xf4 || n > count - i)
			return false;
		for (size_t k = 1; k < n; k++) {
			if ((p[i + k] & 0xc0) != 0x80)
				return false;
			c = c << 6 | (p[i + k] & 0x3f);
		}
		if (c < least[n] || c < ' ' || c == 0x7f || c > 0x10ffff ||
			(c >= 0xd800 && c <= 0xdfff))
			return false;
		i += n;
	}
	return true;
}

/* Passwords may be in any character set: no NUL and no control characters is all that is asked of them. */
static bool is_secret(const uint8_t *p, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (p[i] < ' ' || p[i] == 0x7f)
			return false;
	return true;
}

static void store32(void *at, uint32_t value)
{
	memcpy(at, &value, sizeof(value));
}

static uint32_t load32(const void *at)
{
	uint32_t value;

	memcpy(&value, at, sizeof(value));
	return value;
}

int login_set_text(struct login_message *m, enum login_field f, const char *text)
{
	char *at = (char *)m + fields[f].at;
	size_t n = text ? strnlen(text, fields[f].size) : 0;

	m->has &= ~(1u << f);
	explicit_bzero(at, fields[f].size);
	if (n == 0)
		return 0;
	if (n >= fields[f].size)
		return -EMSGSIZE;
	memcpy(at, text, n);
	m->has |= 1u << f;
	return 0;
}

void login_set_number(struct login_message *m, enum login_field f, uint32_t value)
{
	uint8_t *at = (uint8_t *)m + fields[f].at;

	if (fields[f].form == BYTE)
		*at = (uint8_t)value;
	else
		store32(at, value);
	m->has |= 1u << f;
}

int login_set_octets(struct login_message *m, enum login_field f, const void *octets, size_t count)
{
	if (fields[f].form == SEALED ? count > fields[f].size : count != fields[f].size)
		return -EMSGSIZE;
	memcpy((uint8_t *)m + fields[f].at, octets, count);
	if (fields[f].form == SEALED)
		m->sealed_octets = (uint16_t)count;
	m->has |= 1u << f;
	return 0;
}

/* Which rules @type follows. Return: its row, or -1. */
static int row_of(enum login_type type)
{
	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (types[i].type == type)
			return (int)i;
	return -1;
}

static bool fields_fit(const struct login_message *m)
{
	int row = row_of(m->type);

	return row >= 0 && (m->has & types[row].must) == types[row].must &&
	       !(m->has & ~(types[row].must | types[row].may));
}

static size_t octets_of(const struct login_message *m, const struct field *f)
{
	switch (f->form) {
	case TEXT:
		return strlen((const char *)m + f->at);
	case BYTE:
		return 1;
	case NUMBER:
		return 4;
	case SEALED:
		return m->sealed_octets;
	default:
		return f->size;
	}
}

int login_encode(const struct login_message *m, uint8_t *out, size_t size)
{
	size_t at = HEAD;

	if (!fields_fit(m))
		return -EINVAL;
	if (size < HEAD)
		return -EMSGSIZE;
	memcpy(out, (uint8_t[]){'S', 'L', VERSION, (uint8_t)m->type}, HEAD);
	for (unsigned i = 0; i < LOGIN_FIELDS; i++) {
		const uint8_t *value = (const uint8_t *)m + fields[i].at;
		size_t n = octets_of(m, &fields[i]);

		if (!login_has(m, i))
			continue;
		if (size - at < FIELD_HEAD + n)
			return -EMSGSIZE;
		out[at++] = (uint8_t)(i + 1);
		out[at++] = (uint8_t)(n >> 8);
		out[at++] = (uint8_t)n;
		if (fields[i].form == NUMBER)
			for (unsigned k = 0; k < n; k++)
				out[at + k] = (uint8_t)(load32(value) >> (24 - 8 * k));
		else
			memcpy(out + at, value, n);
		at += n;
	}
	return (int)at;
}

static bool take(struct login_message *m, unsigned i, const uint8_t *p, size_t n)
{
	const struct field *f = &fields[i];
	uint8_t *to = (uint8_t *)m + f->at;

	if (login_has(m, i))
		return false;
	switch (f->form) {
	case TEXT:
		if (n == 0 || n >= f->size || !(i == LOGIN_HAS_SECRET ? is_secret : is_text)(p, n))
			return false;
		break;
	case BYTE:
	case FIXED:
		if (n != f->size)
			return false;
		break;
	case NUMBER:
		if (n != 4)
			return false;
		store32(to,
			(uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3]);
		break;
	case SEALED:
		if (n == 0 || n > f->size)
			return false;
		m->sealed_octets = (uint16_t)n;
		break;
	}
	if (f->form != NUMBER)
		memcpy(to, p, n);
	m->has |= 1u << i;
	return true;
}

int login_decode(const uint8_t *octets, size_t count, struct login_message *m)
{
	size_t at = HEAD;
	bool good = count >= HEAD && count <= LOGIN_OCTETS_MAX && octets[0] == 'S' &&
		    octets[1] == 'L' && octets[2] == VERSION;

	login_init(m, good ? octets[3] : 0);
	while (good && at < count) {
		size_t n;

		if (count - at < FIELD_HEAD) {
			good = false;
			break;
		}
		n = (size_t)octets[at + 1] << 8 | octets[at + 2];
		if (n > count - at - FIELD_HEAD)
			good = false;
		else if (octets[at] == 0)
			good = false;
		else if (octets[at] <= LOGIN_FIELDS)
			good = take(m, octets[at] - 1u, octets + at + FIELD_HEAD, n);
		at += FIELD_HEAD + n;
	}
	if (good && fields_fit(m))
		return 0;
	login_wipe(m);
	return -EBADMSG;
}
