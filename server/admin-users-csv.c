/* SPDX-License-Identifier: Apache-2.0 */
/* admin-users-csv - `user list --csv` and `user import`: everybody in one file, all or nothing.
 *
 * A column that is there says how it shall be, one that is missing leaves it as it is: so the same file twice changes
 * nothing the second time. Hashes are worked out before the transaction, which is short. */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "admin-user.h"
#include "base/text.h"
#include "csv.h"

enum { FILE_MAX_OCTETS = 64 << 20, SHOWN_MAX = 100, PROGRESS = 1000, LIST_MAX = 64 };

enum column { NAME, FULL_NAME, GROUPS, ALIASES, EXPIRES, DISABLED, CARDS, VERIFIERS, COLUMNS };
static const char *const titles[COLUMNS] = {
	"name", "full_name", "groups", "aliases", "expires", "disabled", "cards", "verifiers"};

/* ---- list --csv ---- */

static void write_list(struct admin *a, const char *sql, const char *name, int *rc)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	char all[LIST_MAX * 256] = "";
	size_t used = 0;

	if (!*rc)
		*rc = sql_prepare(&a->app.sql, &stmt, sql, VALUES(V_TEXT(name)));
	while (!*rc && (*rc = sql_step(&a->app.sql, stmt)) == 1) {
		char one[512];

		sql_text(stmt, 0, one, sizeof(one));
		if (used + strlen(one) + 2 > sizeof(all)) {
			*rc = -E2BIG;
			return;
		}
		used += (size_t)snprintf(
			all + used, sizeof(all) - used, "%s%s", used ? ";" : "", one);
		*rc = 0;
	}
	putchar(',');
	csv_write(stdout, all);
}

static void write_row(struct admin *a, sqlite3_stmt *stmt, bool secrets, int *rc)
{
	char name[256], full_name[256], day[32] = "";
	time_t expires_s = (time_t)sqlite3_column_int64(stmt, 2);
	struct tm tm;

	sql_text(stmt, 0, name, sizeof(name));
	sql_text(stmt, 1, full_name, sizeof(full_name));
	if (expires_s && localtime_r(&expires_s, &tm))
		strftime(day, sizeof(day), "%Y-%m-%dT%H:%M", &tm);
	csv_write(stdout, name);
	putchar(',');
	csv_write(stdout, full_name);
	write_list(
		a, "SELECT group_name FROM account_member WHERE account = ?1 ORDER BY 1", name, rc);
	write_list(a, "SELECT name FROM account_alias WHERE account = ?1 ORDER BY 1", name, rc);
	printf(",%s,%s", day, sqlite3_column_int(stmt, 3) ? "yes" : "no");
	if (secrets)
		write_list(a,
			"SELECT '1:0:' || hash FROM account WHERE name = ?1 AND hash <> '' UNION ALL"
			" SELECT kind || ':' || idx || ':' || verifier FROM account_secret WHERE account = ?1",
			name, rc);
	fputs("\r\n", stdout);
}

int user_list_csv(struct admin *a, bool secrets)
{
	AUTO(sql_donep) sqlite3_stmt *stmt = NULL;
	int rc = sql_prepare(&a->app.sql, &stmt,
		"SELECT name, full_name, expires_s, disabled FROM account ORDER BY name", NULL);

	printf("name,full_name,groups,aliases,expires,disabled%s\r\n", secrets ? ",verifiers" : "");
	while (!rc && (rc = sql_step(&a->app.sql, stmt)) == 1) {
		rc = 0;
		write_row(a, stmt, secrets, &rc);
	}
	a->told = true;
	return rc ? admin_errno(a, "users", rc) : ADMIN_DONE;
}

/* ---- import: reading ---- */

struct row {
	int line;
	char *field[COLUMNS]; /* NULL: the file has no such column */
	char *hashed; /* the cards, as verifiers: ours */
	int64_t expires_s;
	bool disabled;
};

struct import {
	struct admin *a;
	const char *path;
	struct row *row;
	size_t count, size;
	int column[COLUMNS + 8]; /* which one the n-th field is */
	size_t columns;
	unsigned wrong;
	int64_t added, changed, same;
};

static int bad(struct import *m, int line, const char *why, const char *what)
{
	if (++m->wrong <= SHOWN_MAX)
		fprintf(stderr, "%s:%d: %s%s%s\n", admin_safe(m->path), line, why, what ? ": " : "",
			what ? admin_safe(what) : "");
	return 0;
}

static int read_header(struct import *m, char *const *field, size_t count)
{
	bool seen[COLUMNS] = {false};

	m->columns = count;
	for (size_t i = 0; i < count; i++) {
		int c = 0;

		while (c < COLUMNS && strcmp(field[i], titles[c]) != 0)
			c++;
		if (c == COLUMNS)
			return bad(m, 1,
				"there is no such column (name, full_name, groups, aliases, expires, disabled, cards, "
				"verifiers; commas between)",
				field[i]);
		if (seen[c])
			return bad(m, 1, "that column is there twice", field[i]);
		seen[c] = true;
		m->column[i] = c;
	}
	return seen[NAME] ? 0
			  : bad(m, 1, "the first line names the columns; name must be one", NULL);
}

/* Each word of a list, cut at ';' in a copy: 0, or what @fn returned. */
static int each(const char *list, int (*fn)(void *arg, const char *word), void *arg)
{
	AUTO(auto_free) char *copy = strdup(list);
	char *rest = copy, *word;
	int rc = copy ? 0 : -ENOMEM;

	while (!rc && (word = strsep(&rest, ";")))
		if (*word)
			rc = fn(arg, word);
	return rc;
}

static int is_name(void *arg, const char *word)
{
	(void)arg;
	return accounts_is_name(word) ? 0 : 1;
}

static bool read_verifier(const char *word, int *kind, uint32_t *index, const char **text)
{
	unsigned long n;
	char *end;

	if (*word < '1' || *word > '3' || word[1] != ':' || word[2] < '0' || word[2] > '9')
		return false;
	*kind = *word - '0';
	errno = 0;
	n = strtoul(word + 2, &end, 10);
	*index = (uint32_t)n;
	*text = end + 1;
	return !errno && n <= UINT32_MAX && (n == 0) == (*kind == HASH_PASSWORD) && *end == ':' &&
	       hash_is_verifier(*text);
}

static int is_verifier(void *arg, const char *word)
{
	uint32_t index;
	const char *text;
	int kind;

	(void)arg;
	return read_verifier(word, &kind, &index, &text) ? 0 : 1;
}

static int is_card(void *arg, const char *word)
{
	(void)arg;
	return !accounts_card_is_good(word);
}

static void check_row(struct import *m, struct row *r)
{
	char **f = r->field;

	if (!accounts_is_name(f[NAME]))
		bad(m, r->line, "that is no name", f[NAME]);
	if (f[FULL_NAME] && (!text_is_clean(f[FULL_NAME]) || strlen(f[FULL_NAME]) > 255))
		bad(m, r->line, "the full name is no clean UTF-8, or too long", NULL);
	if (f[GROUPS] && each(f[GROUPS], is_name, NULL))
		bad(m, r->line, "that is no list of groups (NAME;NAME)", f[GROUPS]);
	if (f[ALIASES] && each(f[ALIASES], is_name, NULL))
		bad(m, r->line, "that is no list of names (NAME;NAME)", f[ALIASES]);
	if (f[EXPIRES] && *f[EXPIRES] && (r->expires_s = admin_when(f[EXPIRES])) < 0)
		bad(m, r->line, "that is no day, such as 2026-12-31", f[EXPIRES]);
	if (f[DISABLED] && *f[DISABLED] && strcmp(f[DISABLED], "yes") != 0 &&
		strcmp(f[DISABLED], "no") != 0)
		bad(m, r->line, "disabled is yes or no", f[DISABLED]);
	r->disabled = f[DISABLED] && !strcmp(f[DISABLED], "yes");
	if (f[CARDS] && each(f[CARDS], is_card, NULL))
		bad(m, r->line, "a card has 4 to 64 characters without blanks", NULL);
	if (f[VERIFIERS] && each(f[VERIFIERS], is_verifier, NULL))
		bad(m, r->line,
			"that is no list of verifiers, as \"user list --csv --secrets\" writes it",
			NULL);
}

static int add_row(struct import *m, int line, char *const *field, size_t count)
{
	struct row *r;

	if (count != m->columns)
		return bad(m, line, "there are more or fewer fields than columns", NULL);
	if (m->count == m->size) {
		size_t size = m->size ? m->size * 2 : 256;
		void *more = reallocarray(m->row, size, sizeof(*m->row));

		if (!more)
			return -ENOMEM;
		m->row = more;
		m->size = size;
	}
	r = &m->row[m->count++];
	*r = (struct row){.line = line};
	for (size_t i = 0; i < count; i++)
		r->field[m->column[i]] = field[i];
	check_row(m, r);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	int order = strcmp(x->field[NAME], y->field[NAME]);

	return order ? order : x->line - y->line;
}

static int read_rows(struct import *m, char *octets, size_t count)
{
	char *field[COLUMNS];
	struct csv c;
	size_t n = 0;
	int got, rc = 0;

	csv_init(&c, octets, count);
	got = csv_next(&c, field, COLUMNS, &n);
	if (got <= 0)
		return bad(m, 1, got ? c.why : "the file is empty", NULL);
	rc = read_header(m, field, n);
	while (!rc && m->columns && !m->wrong && (got = csv_next(&c, field, COLUMNS, &n)) != 0) {
		rc = got < 0 ? bad(m, c.line, c.why, NULL) : add_row(m, c.line, field, n);
		if (m->wrong) /* go on: every bad line is told */
			while (!rc && (got = csv_next(&c, field, COLUMNS, &n)) != 0)
				rc = got < 0 ? bad(m, c.line, c.why, NULL)
					     : add_row(m, c.line, field, n);
	}
	if (rc || m->wrong)
		return rc;
	qsort(m->row, m->count, sizeof(*m->row), by_name);
	for (size_t i = 1; i < m->count; i++)
		if (!strcmp(m->row[i].field[NAME], m->row[i - 1].field[NAME]))
			bad(m, m->row[i].line, "that name is there twice", m->row[i].field[NAME]);
	return 0;
}

/* ---- import: cards ---- */

struct hashing {
	struct import *m;
	struct row *r;
	const struct hash_pepper *pepper;
	int64_t made;
};

/* What he has already costs no hash. */
static int hash_card(void *arg, const char *card)
{
	struct hashing *h = arg;
	uint32_t index = hash_index(h->pepper, HASH_CARD, card);
	char verifier[HASH_TEXT_MAX + 1], *more = NULL;
	const char *had = h->r->hashed ? h->r->hashed : "";
	int64_t n;
	int rc = sql_number(&h->m->a->app.sql,
		"SELECT 1 FROM account_secret WHERE account = ?1 AND kind = 3 AND idx = ?2",
		VALUES(V_TEXT(h->r->field[NAME]), V_NUM(index)), &n);

	if (rc)
		return rc < 0 ? rc : 0;
	rc = hash_make(h->pepper, HASH_CARD, card, 5, verifier);
	if (!rc && asprintf(&more, "%s;3:%u:%s", had, (unsigned)index, verifier) < 0)
		rc = -ENOMEM;
	if (rc)
		return rc;
	free(h->r->hashed);
	h->r->hashed = more;
	if (++h->made % 100 == 0)
		fprintf(stderr, "%lld cards\n", (long long)h->made);
	return 0;
}

static int hash_cards(struct import *m, const struct hash_pepper *pepper)
{
	struct hashing h = {m, NULL, pepper, 0};
	int rc = 0;

	for (size_t i = 0; i < m->count && !rc; i++) {
		h.r = &m->row[i];
		rc = h.r->field[CARDS] ? each(h.r->field[CARDS], hash_card, &h) : 0;
	}
	return rc;
}

/* ---- import: writing ---- */

struct one {
	struct import *m;
	struct row *r;
	bool changed;
};

/* A change that answered with 0 was one; EXISTS is none where it was so already. */
static int did(struct one *o, int rc)
{
	o->changed |= rc == 0;
	return rc;
}

static bool holds(struct one *o, const char *sql, const char *word)
{
	int64_t n;

	return sql_number(&o->m->a->app.sql, sql, VALUES(V_TEXT(o->r->field[NAME]), V_TEXT(word)),
		       &n) == 1;
}

static int join(void *arg, const char *group)
{
	struct one *o = arg;
	struct sql *s = &o->m->a->app.sql;
	int rc;

	if (holds(o, "SELECT 1 FROM account_member WHERE account = ?1 AND group_name = ?2", group))
		return 0;
	rc = accounts_group_add(s, group);
	if (rc && rc != ACCOUNTS_E_EXISTS)
		return rc;
	return did(o, accounts_member_add(s, o->r->field[NAME], group));
}

static int take_alias(void *arg, const char *alias)
{
	struct one *o = arg;
	int rc;

	if (holds(o, "SELECT 1 FROM account_alias WHERE account = ?1 AND name = ?2", alias))
		return 0;
	rc = did(o, accounts_alias_add(&o->m->a->app.sql, o->r->field[NAME], alias));
	if (rc == ACCOUNTS_E_EXISTS)
		return bad(o->m, o->r->line, "that name is somebody's already", alias);
	return rc;
}

/* Takes away what the list does not name. @sql: a statement that does, with ?1 the account, ?2 ";A;B;". */
static int leave_others(struct one *o, const char *sql, const char *list)
{
	AUTO(auto_free) char *wrapped = NULL;
	int rc;

	if (asprintf(&wrapped, ";%s;", list) < 0)
		return -ENOMEM;
	rc = sql_change(&o->m->a->app.sql, sql, VALUES(V_TEXT(o->r->field[NAME]), V_TEXT(wrapped)));
	o->changed |= rc == 0;
	return rc < 0 ? rc : 0;
}

static int take_verifier(void *arg, const char *word)
{
	struct one *o = arg;
	uint32_t index;
	const char *text;
	int kind, rc;

	if (!read_verifier(word, &kind, &index, &text))
		return -EINVAL;
	rc = accounts_take_verifier(&o->m->a->app.sql, o->r->field[NAME], (enum hash_kind)kind,
		index, text, &o->changed);
	if (rc == ACCOUNTS_E_EXISTS)
		return bad(
			o->m, o->r->line, "a PIN or card in this line is somebody's already", NULL);
	if (rc == ACCOUNTS_E_TOO_MANY)
		return bad(o->m, o->r->line, "there would be more than three PINs or cards", NULL);
	return rc;
}

static int set_states(struct one *o)
{
	struct sql *s = &o->m->a->app.sql;
	char **f = o->r->field;
	int rc = 0;

	if (f[FULL_NAME] &&
		!holds(o, "SELECT 1 FROM account WHERE name = ?1 AND full_name = ?2", f[FULL_NAME]))
		rc = did(o, accounts_set_full_name(s, f[NAME], f[FULL_NAME]));
	if (!rc && f[DISABLED] &&
		!holds(o,
			"SELECT 1 FROM account WHERE name = ?1 AND disabled = CAST(?2 AS INTEGER)",
			o->r->disabled ? "1" : "0"))
		rc = did(o, accounts_disable(s, f[NAME], o->r->disabled));
	if (!rc && f[EXPIRES]) {
		char text[32];

		snprintf(text, sizeof(text), "%lld", (long long)o->r->expires_s);
		if (!holds(o,
			    "SELECT 1 FROM account WHERE name = ?1 AND expires_s = CAST(?2 AS INTEGER)",
			    text))
			rc = did(o, accounts_expire(s, f[NAME], o->r->expires_s));
	}
	return rc;
}

static int set_lists(struct one *o)
{
	char **f = o->r->field;
	int rc = 0;

	if (f[GROUPS])
		rc = leave_others(o,
			"DELETE FROM account_member WHERE account = ?1 AND instr(?2, ';' || group_name || ';') = 0",
			f[GROUPS]);
	if (!rc && f[GROUPS])
		rc = each(f[GROUPS], join, o);
	if (!rc && f[ALIASES])
		rc = leave_others(o,
			"DELETE FROM account_alias WHERE account = ?1 AND instr(?2, ';' || name || ';') = 0",
			f[ALIASES]);
	if (!rc && f[ALIASES])
		rc = each(f[ALIASES], take_alias, o);
	if (!rc && f[VERIFIERS])
		rc = each(f[VERIFIERS], take_verifier, o);
	return rc ? rc : o->r->hashed ? each(o->r->hashed, take_verifier, o) : 0;
}

static int write_one(struct import *m, struct row *r, const struct hash_pepper *pepper)
{
	struct admin *a = m->a;
	struct one o = {m, r, false};
	bool fresh = false;
	int rc = accounts_add(&a->app.sql, pepper, r->field[NAME],
		r->field[FULL_NAME] ? r->field[FULL_NAME] : "", NULL);

	if (rc == ACCOUNTS_E_EXISTS &&
		!holds(&o, "SELECT 1 FROM account WHERE name = ?1 AND ?2 = ''", ""))
		return bad(m, r->line, "that name is another account's alias", r->field[NAME]);
	fresh = rc == 0;
	rc = rc == ACCOUNTS_E_EXISTS ? 0 : rc;
	if (!rc)
		rc = set_states(&o);
	if (!rc)
		rc = set_lists(&o);
	if (!rc && (fresh || o.changed))
		rc = admin_audit_about(
			a, fresh ? "user-added" : "user-changed", r->field[NAME], "imported");
	m->added += fresh;
	m->changed += !fresh && o.changed;
	m->same += !fresh && !o.changed;
	return rc;
}

static int write_all(struct import *m, bool dry_run)
{
	struct hash_pepper pepper;
	int rc = user_pepper(m->a, &pepper);

	if (rc)
		return rc;
	rc = hash_cards(m, &pepper);
	if (!rc)
		rc = admin_begin(m->a);
	for (size_t i = 0; i < m->count && !rc; i++) {
		rc = write_one(m, &m->row[i], &pepper);
		if ((i + 1) % PROGRESS == 0)
			fprintf(stderr, "%zu of %zu\n", i + 1, m->count);
	}
	explicit_bzero(&pepper, sizeof(pepper));
	if (rc || m->wrong || dry_run) {
		sql_rollback(&m->a->app.sql);
		return rc ? admin_errno(m->a, m->path, rc > 0 ? -EINVAL : rc) : 0;
	}
	rc = admin_end(m->a, 0);
	return rc ? admin_errno(m->a, "users", rc) : 0;
}

/* ---- import ---- */

static int read_file(int fd, char **out, size_t *count)
{
	struct stat st;
	size_t n = 0;
	ssize_t got = 1;

	if (fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > FILE_MAX_OCTETS)
		return S_ISREG(st.st_mode) ? -EFBIG : -EINVAL;
	*out = malloc((size_t)st.st_size + 1);
	if (!*out)
		return -ENOMEM;
	while (n < (size_t)st.st_size && (got = read(fd, *out + n, (size_t)st.st_size - n)) > 0)
		n += (size_t)got;
	*count = n;
	return got < 0 ? -errno : 0;
}

static int told(struct import *m, bool dry_run)
{
	struct json_object *answer;

	if (m->wrong)
		return admin_fail(m->a, ADMIN_FAILED,
			"%u lines of %s are wrong; nothing was changed. Mend them and run it again",
			m->wrong, m->path);
	admin_say(m->a, "%lld users added, %lld changed, %lld as they were.%s\n",
		(long long)m->added, (long long)m->changed, (long long)m->same,
		dry_run ? " Nothing was changed (--dry-run)." : "");
	answer = json_object_new_object();
	admin_set_number(answer, "added", m->added);
	admin_set_number(answer, "changed", m->changed);
	admin_set_number(answer, "unchanged", m->same);
	admin_set_flag(answer, "dry_run", dry_run);
	admin_answer(m->a, answer);
	return ADMIN_DONE;
}

int user_import(struct admin *a, const struct user_options *o, const char *path, int fd)
{
	struct import m = {.a = a, .path = path};
	char *octets = NULL;
	size_t count = 0;
	int rc = read_file(fd, &octets, &count);

	if (!rc)
		rc = read_rows(&m, octets, count);
	if (rc)
		rc = admin_errno(a, path, rc);
	else if (!m.wrong)
		rc = write_all(&m, o->dry_run);
	if (octets)
		explicit_bzero(octets, count); /* cards are in it */
	free(octets);
	for (size_t i = 0; i < m.count; i++)
		free(m.row[i].hashed);
	free(m.row);
	return rc ? rc : told(&m, o->dry_run);
}
