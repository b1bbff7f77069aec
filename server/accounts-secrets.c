/* SPDX-License-Identifier: Apache-2.0 */
/* accounts-secrets - PINs and cards: an index to find them by, a verifier to compare with. */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "accounts-private.h"
#include "base/mono.h"
#include "base/text.h"

enum { PIN_MIN = 6, DRAWS_MAX = 1000, CARD_MIN = 4, CARD_MAX = 64 };

int accounts_pin_digits(int64_t accounts)
{
	int digits = 4;

	for (int64_t n = 1; n < accounts; n *= 10)
		digits++;
	if (digits < PIN_MIN)
		digits = PIN_MIN;
	return digits < ACCOUNTS_PIN_MAX ? digits : ACCOUNTS_PIN_MAX;
}

/* The same step from each digit to the next: 000000, 123456, 987654, 246802. */
static bool is_run(const char *pin)
{
	int step = (pin[1] - pin[0] + 10) % 10;

	for (const char *p = pin; p[1]; p++)
		if ((p[1] - p[0] + 10) % 10 != step)
			return false;
	return true;
}

/* 121212, 123123, or 1212121. */
static bool is_repeated(const char *pin, size_t n)
{
	for (size_t period = 1; period <= n / 2; period++)
		if (!memcmp(pin, pin + period, n - period))
			return true;
	return false;
}

/* 112233. */
static bool is_paired(const char *pin, size_t n)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		if (pin[i] != pin[i + 1])
			return false;
	return true;
}

static bool has_few_digits(const char *pin)
{
	unsigned seen = 0;

	for (; *pin; pin++)
		seen |= 1U << (*pin - '0');
	return __builtin_popcount(seen) < 3;
}

bool accounts_pin_is_good(const char *pin, int digits)
{
	size_t n = strlen(pin);

	return n >= (size_t)digits && n >= 2 && n <= ACCOUNTS_PIN_MAX &&
	       strspn(pin, "0123456789") == n && !is_run(pin) && !is_repeated(pin, n) &&
	       !is_paired(pin, n) && !has_few_digits(pin);
}

static int digits_needed(struct sql *s, int *out)
{
	int64_t n = 0;
	int rc = sql_number(s, "SELECT count(*) FROM account", NULL, &n);

	*out = accounts_pin_digits(n);
	return rc < 0 ? rc : 0;
}

bool accounts_card_is_good(const char *card)
{
	size_t n = strlen(card);

	if (n < CARD_MIN || n > CARD_MAX)
		return false;
	for (; *card; card++)
		if (*card <= ' ' || *card > '~')
			return false;
	return true;
}

/* May @name have one more of @kind? 0, ACCOUNTS_E_NONE, ACCOUNTS_E_TOO_MANY, -errno. */
static int has_room(struct sql *s, enum hash_kind kind, const char *name)
{
	int64_t n = 0;
	int rc = accounts_exists(s, name);

	if (rc == 1)
		rc = sql_number(s,
			"SELECT count(*) FROM account_secret WHERE account = ?1 AND kind = ?2",
			VALUES(V_TEXT(name), V_NUM(kind)), &n);
	else if (rc == 0)
		return ACCOUNTS_E_NONE;
	if (rc < 0)
		return rc;
	return n >= (kind == HASH_PIN ? (int)ACCOUNT_PINS_MAX : (int)ACCOUNT_CARDS_MAX)
		       ? ACCOUNTS_E_TOO_MANY
		       : 0;
}

static int is_free(struct sql *s, enum hash_kind kind, uint32_t index)
{
	int64_t n;
	int rc = sql_number(s, "SELECT 1 FROM account_secret WHERE kind = ?1 AND idx = ?2",
		VALUES(V_NUM(kind), V_NUM(index)), &n);

	return rc < 0 ? rc : rc == 0;
}

/* The same secret has the same index; another one that has it too cannot be told from it by looking, and is refused. */
static int may_have(struct sql *s, enum hash_kind kind, const char *name, uint32_t index)
{
	int rc = has_room(s, kind, name);

	if (rc)
		return rc;
	rc = is_free(s, kind, index);
	return rc < 0 ? rc : rc ? 0 : ACCOUNTS_E_EXISTS;
}

static int insert(struct sql *s, enum hash_kind kind, const char *name, uint32_t index,
	const char *verifier, const char *label)
{
	return sql_run(s,
		"INSERT INTO account_secret (account, kind, idx, verifier, label, created_ms)"
		" VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
		VALUES(V_TEXT(name), V_NUM(kind), V_NUM(index), V_TEXT(verifier), V_TEXT(label),
			V_NUM(mono_utc_s() * 1000)));
}

static int add(struct sql *s, const struct hash_pepper *p, enum hash_kind kind, const char *name,
	const char *secret, const char *label, int64_t *id)
{
	char verifier[HASH_TEXT_MAX + 1];
	uint32_t index = hash_index(p, kind, secret);
	int rc = may_have(s, kind, name, index);

	if (!rc)
		rc = hash_make(p, kind, secret, ACCOUNTS_COST, verifier);
	if (!rc)
		rc = insert(s, kind, name, index, verifier, label);
	if (!rc && id)
		*id = sqlite3_last_insert_rowid(s->db);
	return rc;
}

static int take_password(struct sql *s, const char *name, const char *verifier, bool *changed)
{
	int rc = sql_change(s, "UPDATE account SET hash = ?2 WHERE name = ?1 AND hash <> ?2",
		VALUES(V_TEXT(name), V_TEXT(verifier)));

	*changed |= rc == 0;
	return rc < 0 ? rc : 0;
}

int accounts_take_verifier(struct sql *s, const char *name, enum hash_kind kind, uint32_t index,
	const char *verifier, bool *changed)
{
	int64_t n;
	int rc;

	if (kind == HASH_PASSWORD)
		return take_password(s, name, verifier, changed);
	rc = sql_number(s,
		"SELECT 1 FROM account_secret WHERE account = ?1 AND kind = ?2 AND idx = ?3",
		VALUES(V_TEXT(name), V_NUM(kind), V_NUM(index)), &n);
	if (rc)
		return rc < 0 ? rc : 0;
	rc = may_have(s, kind, name, index);
	if (!rc)
		rc = insert(s, kind, name, index, verifier, "");
	*changed |= rc == 0;
	return rc;
}

int accounts_secret_add(struct sql *s, const struct hash_pepper *p, enum hash_kind kind,
	const char *name, const char *secret, const char *label, int64_t *id)
{
	int digits = 0, rc = sql_enter(s);

	if (rc)
		return rc;
	if (kind == HASH_CARD) {
		rc = accounts_card_is_good(secret) && text_is_clean(label) && strlen(label) <= 64
			     ? 0
			     : -EINVAL;
	} else {
		rc = digits_needed(s, &digits);
		if (!rc && !accounts_pin_is_good(secret, digits))
			rc = ACCOUNTS_E_WEAK;
	}
	if (!rc)
		rc = add(s, p, kind, name, secret, label, id);
	return sql_leave(s, rc);
}

static void draw(char *out, int digits)
{
	for (int i = 0; i < digits; i++)
		out[i] = (char)('0' + randombytes_uniform(10));
	out[digits] = '\0';
}

/* One that is good and that nobody has. */
static int draw_free(struct sql *s, const struct hash_pepper *p, int digits, char *out)
{
	for (int i = 0; i < DRAWS_MAX; i++) {
		int rc;

		draw(out, digits);
		if (!accounts_pin_is_good(out, digits))
			continue;
		rc = is_free(s, HASH_PIN, hash_index(p, HASH_PIN, out));
		if (rc)
			return rc < 0 ? rc : 0;
	}
	return -ENOSPC;
}

int accounts_pin_make(struct sql *s, const struct hash_pepper *p, const char *name, int digits,
	char out[ACCOUNTS_PIN_MAX + 1])
{
	int needed = 0, rc = sql_enter(s);

	if (rc)
		return rc;
	rc = digits_needed(s, &needed);
	if (!rc && digits && (digits < needed || digits > ACCOUNTS_PIN_MAX))
		rc = ACCOUNTS_E_WEAK;
	if (!rc)
		rc = has_room(s, HASH_PIN, name);
	if (!rc)
		rc = draw_free(s, p, digits ? digits : needed, out);
	if (!rc)
		rc = add(s, p, HASH_PIN, name, out, "", NULL);
	return sql_leave(s, rc);
}

int accounts_secret_remove(struct sql *s, enum hash_kind kind, const char *name, int64_t id)
{
	int rc = sql_change(s,
		"DELETE FROM account_secret WHERE account = ?1 AND kind = ?2 AND (?3 = 0 OR id = ?3)",
		VALUES(V_TEXT(name), V_NUM(kind), V_NUM(id)));

	s->erased++;
	return rc == 1 ? ACCOUNTS_E_NONE : rc;
}
