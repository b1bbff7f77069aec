/* SPDX-License-Identifier: Apache-2.0 */
/* record - see record.h. */
#include "core/record.h"

#include <cups/cups.h>
#include <errno.h>
#include <limits.h>
#include <sodium.h>
#include <string.h>
#include <time.h>

#include "core/vendor.h"

_Static_assert(RECORD_HASH == crypto_hash_sha256_BYTES, "SHA-256");

#define LAST_S INT64_C(253402300799) /* 9999-12-31T23:59:59Z */

/* ---- certainty ---- */

static const struct {
	const char *name;
	int worth;
} certainties[] = {
	[CERTAINTY_DEVICE] = {"device-reported", 5},
	[CERTAINTY_SERVER] = {"server-reported", 4},
	[CERTAINTY_USER] = {"user-reported", 3},
	[CERTAINTY_ESTIMATED] = {"estimated", 2},
	[CERTAINTY_UNKNOWN] = {"unknown", 1},
};

const char *record_certainty_name(enum record_certainty c)
{
	return (unsigned)c <= CERTAINTY_UNKNOWN ? certainties[c].name : NULL;
}

int record_certainty_worth(enum record_certainty c)
{
	return (unsigned)c <= CERTAINTY_UNKNOWN ? certainties[c].worth : 0;
}

enum record_certainty record_certainty_from_name(const char *name)
{
	for (int c = CERTAINTY_DEVICE; c <= CERTAINTY_UNKNOWN; c++)
		if (!strcmp(certainties[c].name, name))
			return (enum record_certainty)c;
	return 0;
}

/* ---- the chain: every field with its length, so that no two rows have the same octets ---- */

static void hash_octets(crypto_hash_sha256_state *h, const void *octets, size_t count)
{
	uint8_t length[4] = {(uint8_t)(count >> 24), (uint8_t)(count >> 16), (uint8_t)(count >> 8),
		(uint8_t)count};

	crypto_hash_sha256_update(h, length, sizeof(length));
	crypto_hash_sha256_update(h, octets, count);
}

static void hash_text(crypto_hash_sha256_state *h, const char *text)
{
	hash_octets(h, text ? text : "", text ? strlen(text) : 0);
}

static void hash_number(crypto_hash_sha256_state *h, int64_t number)
{
	uint8_t octets[8];

	for (int i = 0; i < 8; i++)
		octets[i] = (uint8_t)((uint64_t)number >> (56 - 8 * i));
	hash_octets(h, octets, sizeof(octets));
}

void record_base(const char *ledger_uuid, uint8_t out[RECORD_HASH])
{
	crypto_hash_sha256(out, (const unsigned char *)ledger_uuid, strlen(ledger_uuid));
}

void record_hash_person(const struct record *r, uint8_t out[RECORD_HASH])
{
	crypto_hash_sha256_state h;

	crypto_hash_sha256_init(&h);
	hash_octets(&h, r->salt, RECORD_HASH);
	hash_text(&h, r->owner);
	hash_text(&h, r->title);
	if (r->account[0]) {
		hash_text(&h, r->account);
		hash_number(&h, r->account_verified);
	}
	crypto_hash_sha256_final(&h, out);
}

void record_hash(const struct record *r, uint8_t out[RECORD_HASH])
{
	crypto_hash_sha256_state h;

	crypto_hash_sha256_init(&h);
	hash_octets(&h, r->previous, RECORD_HASH);
	hash_text(&h, "stillprint-ledger-1");
	hash_number(&h, r->sequence);
	hash_text(&h, r->record_uuid);
	hash_text(&h, r->document_uuid);
	hash_number(&h, r->attempt);
	hash_number(&h, r->copy);
	hash_number(&h, r->job_id);
	hash_text(&h, r->queue);
	hash_text(&h, r->target);
	hash_number(&h, r->diverted);
	hash_number(&h, r->not_at_server);
	hash_text(&h, job_state_name(r->state));
	hash_text(&h, record_certainty_name(r->certainty));
	hash_number(&h, r->impressions);
	hash_number(&h, r->sheets);
	hash_number(&h, r->copies);
	hash_number(&h, r->created_s);
	hash_number(&h, r->ended_s);
	hash_octets(&h, r->person_hash, RECORD_HASH);
	crypto_hash_sha256_final(&h, out);
}

bool record_fits(const struct record *r)
{
	uint8_t hash[RECORD_HASH];

	if (r->has_person) {
		record_hash_person(r, hash);
		if (memcmp(hash, r->person_hash, RECORD_HASH) != 0)
			return false;
	}
	record_hash(r, hash);
	return memcmp(hash, r->hash, RECORD_HASH) == 0;
}

static int64_t limited(int64_t s)
{
	return s < 0 ? 0 : s > LAST_S ? LAST_S : s;
}

void record_limit_times(int64_t *created_s, int64_t *ended_s)
{
	*created_s = limited(*created_s);
	*ended_s = limited(*ended_s);
}

/* ---- the wire: one table for both ways ---- */

enum kind {
	KIND_TEXT, /* left out when empty */
	KIND_RAW, /* octets of a C string; left out when empty */
	KIND_OCTETS, /* RECORD_HASH of them */
	KIND_COUNT, /* -1 is left out */
	KIND_NUMBER, /* from 0 */
	KIND_SEQUENCE, /* int64_t, from 1 */
	KIND_BOOL,
	KIND_DATE,
	KIND_STATE,
	KIND_CERTAINTY,
};
enum need { MAY, MUST, PERSON /* only with the person */, HASHED /* only without */ };

static const struct field {
	const char *name;
	ipp_tag_t tag;
	enum kind kind;
	enum need need;
	size_t at, size;
} fields[] = {
#define FIELD(name, tag, kind, need, member) \
	{ \
		name, tag, kind, need, offsetof(struct record, member), \
			sizeof(((struct record *)0)->member) \
	}
	FIELD("job-uuid", IPP_TAG_URI, KIND_TEXT, MUST, document_uuid),
	FIELD(VENDOR_LEDGER_SEQUENCE, IPP_TAG_INTEGER, KIND_SEQUENCE, MUST, sequence),
	FIELD(VENDOR_RECORD_UUID, IPP_TAG_URI, KIND_TEXT, MUST, record_uuid),
	FIELD(VENDOR_PREVIOUS_HASH, IPP_TAG_STRING, KIND_OCTETS, MUST, previous),
	FIELD(VENDOR_RECORD_HASH, IPP_TAG_STRING, KIND_OCTETS, MUST, hash),
	FIELD(VENDOR_HOLDER_ATTEMPT, IPP_TAG_INTEGER, KIND_NUMBER, MUST, attempt),
	FIELD(VENDOR_COPY_ORDINAL, IPP_TAG_INTEGER, KIND_NUMBER, MUST, copy),
	FIELD(VENDOR_CLIENT_JOB_ID, IPP_TAG_INTEGER, KIND_NUMBER, MUST, job_id),
	FIELD(VENDOR_QUEUE_NAME, IPP_TAG_NAME, KIND_TEXT, MAY, queue),
	FIELD(VENDOR_TARGET_URI, IPP_TAG_URI, KIND_TEXT, MAY, target),
	FIELD(VENDOR_DIVERTED, IPP_TAG_BOOLEAN, KIND_BOOL, MUST, diverted),
	FIELD(VENDOR_NOT_AT_SERVER, IPP_TAG_BOOLEAN, KIND_BOOL, MUST, not_at_server),
	FIELD(VENDOR_FINAL_STATE, IPP_TAG_KEYWORD, KIND_STATE, MUST, state),
	FIELD(VENDOR_ACCOUNTING_CERTAINTY, IPP_TAG_KEYWORD, KIND_CERTAINTY, MUST, certainty),
	FIELD("job-impressions-completed", IPP_TAG_INTEGER, KIND_COUNT, MAY, impressions),
	FIELD("job-media-sheets-completed", IPP_TAG_INTEGER, KIND_COUNT, MAY, sheets),
	FIELD("copies", IPP_TAG_INTEGER, KIND_COUNT, MAY, copies),
	FIELD("date-time-at-creation", IPP_TAG_DATE, KIND_DATE, MUST, created_s),
	FIELD("date-time-at-completed", IPP_TAG_DATE, KIND_DATE, MUST, ended_s),
	FIELD(VENDOR_PERSON_HASH, IPP_TAG_STRING, KIND_OCTETS, HASHED, person_hash),
	FIELD(VENDOR_PERSON_SALT, IPP_TAG_STRING, KIND_OCTETS, PERSON, salt),
	FIELD(VENDOR_OWNER, IPP_TAG_STRING, KIND_RAW, MAY, owner),
	FIELD(VENDOR_TITLE, IPP_TAG_STRING, KIND_RAW, MAY, title),
	FIELD(VENDOR_ACCOUNT, IPP_TAG_STRING, KIND_RAW, MAY, account),
	FIELD(VENDOR_OWNER_VERIFIED, IPP_TAG_BOOLEAN, KIND_BOOL, MAY, account_verified),
#undef FIELD
};
enum { FIELDS = sizeof(fields) / sizeof(fields[0]) };
_Static_assert(FIELDS < 32, "one bit each");

/* RFC 2579 DateAndTime, in UTC. libcups' own way back reads it in local time. */
static bool date_put(int64_t s, ipp_uchar_t out[11])
{
	time_t at = (time_t)s;
	struct tm tm;

	if (s < 0 || s > LAST_S || !gmtime_r(&at, &tm))
		return false;
	out[0] = (ipp_uchar_t)((tm.tm_year + 1900) >> 8);
	out[1] = (ipp_uchar_t)(tm.tm_year + 1900);
	out[2] = (ipp_uchar_t)(tm.tm_mon + 1);
	out[3] = (ipp_uchar_t)tm.tm_mday;
	out[4] = (ipp_uchar_t)tm.tm_hour;
	out[5] = (ipp_uchar_t)tm.tm_min;
	out[6] = (ipp_uchar_t)tm.tm_sec;
	out[7] = 0;
	out[8] = '+';
	out[9] = out[10] = 0;
	return true;
}

static bool date_take(const ipp_uchar_t *d, int64_t *out)
{
	struct tm tm = {.tm_year = (d[0] << 8 | d[1]) - 1900,
		.tm_mon = d[2] - 1,
		.tm_mday = d[3],
		.tm_hour = d[4],
		.tm_min = d[5],
		.tm_sec = d[6]};
	int64_t offset = d[9] * 3600 + d[10] * 60;

	if (d[2] < 1 || d[2] > 12 || d[3] < 1 || d[3] > 31 || d[4] > 23 || d[5] > 59 || d[6] > 60 ||
		d[9] > 14 || d[10] > 59 || (d[8] != '+' && d[8] != '-'))
		return false;
	*out = (int64_t)timegm(&tm) - (d[8] == '+' ? offset : -offset);
	return *out >= 0 && *out <= LAST_S;
}

static int write_octets(ipp_t *ipp, const struct field *f, const void *octets, size_t count)
{
	if (count == 0)
		return 0;
	return ippAddOctetString(ipp, IPP_TAG_JOB, f->name, octets, (int)count) ? 0 : -ENOMEM;
}

static int write_text(ipp_t *ipp, const struct field *f, const char *text)
{
	if (!text)
		return RECORD_E_BAD;
	if (!*text)
		return 0;
	return ippAddString(ipp, IPP_TAG_JOB, f->tag, f->name, NULL, text) ? 0 : -ENOMEM;
}

static int write_number(ipp_t *ipp, const struct field *f, int64_t number)
{
	if (number < 0 || number > INT32_MAX)
		return RECORD_E_BAD;
	return ippAddInteger(ipp, IPP_TAG_JOB, f->tag, f->name, (int)number) ? 0 : -ENOMEM;
}

static int write_field(ipp_t *ipp, const struct field *f, const struct record *r)
{
	const void *at = (const char *)r + f->at;
	ipp_uchar_t date[11];
	int32_t number;

	switch (f->kind) {
	case KIND_TEXT:
		return write_text(ipp, f, at);
	case KIND_RAW:
		return r->has_person ? write_octets(ipp, f, at, strlen(at)) : 0;
	case KIND_OCTETS:
		return write_octets(ipp, f, at, RECORD_HASH);
	case KIND_COUNT:
	case KIND_NUMBER:
		memcpy(&number, at, sizeof(number));
		return number == -1 && f->kind == KIND_COUNT ? 0 : write_number(ipp, f, number);
	case KIND_SEQUENCE:
		return r->sequence < 1 ? RECORD_E_BAD : write_number(ipp, f, r->sequence);
	case KIND_BOOL:
		return ippAddBoolean(ipp, IPP_TAG_JOB, f->name, *(const bool *)at) ? 0 : -ENOMEM;
	case KIND_DATE:
		if (!date_put(*(const int64_t *)at, date))
			return RECORD_E_BAD;
		return ippAddDate(ipp, IPP_TAG_JOB, f->name, date) ? 0 : -ENOMEM;
	case KIND_STATE:
		return write_text(ipp, f, job_state_name(r->state));
	case KIND_CERTAINTY:
		return write_text(ipp, f, record_certainty_name(r->certainty));
	}
	return RECORD_E_BAD;
}

int record_write(ipp_t *ipp, const struct record *r)
{
	int rc = ippAddSeparator(ipp) ? 0 : -ENOMEM;

	for (int i = 0; i < FIELDS && !rc; i++) {
		if (fields[i].need != (r->has_person ? HASHED : PERSON))
			rc = write_field(ipp, &fields[i], r);
	}
	return rc;
}

size_t record_octets(const struct record *r)
{
	enum { LONGEST_WORD = 32, DATE = 11, NUMBER = 4 };
	size_t sum = 1;

	for (int i = 0; i < FIELDS; i++) {
		const struct field *f = &fields[i];

		/* What is empty is left out. */
		if ((f->kind == KIND_TEXT || f->kind == KIND_RAW) && !*((const char *)r + f->at))
			continue;
		sum += 5 + strlen(f->name);
		if (f->kind == KIND_TEXT || f->kind == KIND_RAW)
			sum += strlen((const char *)r + f->at);
		else if (f->kind == KIND_OCTETS)
			sum += RECORD_HASH;
		else if (f->kind == KIND_STATE || f->kind == KIND_CERTAINTY)
			sum += LONGEST_WORD;
		else
			sum += f->kind == KIND_DATE ? DATE : NUMBER;
	}
	return sum;
}

static bool read_octets(const struct field *f, ipp_attribute_t *a, char *at)
{
	int count = 0;
	const void *octets = ippGetOctetString(a, 0, &count);

	if (f->kind == KIND_OCTETS && (!octets || count != RECORD_HASH))
		return false;
	if (f->kind == KIND_RAW && (count < 0 || (size_t)count >= f->size ||
					   (octets && memchr(octets, 0, (size_t)count))))
		return false;
	if (octets)
		memcpy(at, octets, (size_t)count);
	return true;
}

static bool read_number(const struct field *f, ipp_attribute_t *a, char *at)
{
	int32_t number = ippGetInteger(a, 0);

	if (number < (f->kind == KIND_SEQUENCE))
		return false;
	if (f->kind == KIND_SEQUENCE)
		*(int64_t *)at = number;
	else
		memcpy(at, &number, sizeof(number));
	return true;
}

static bool read_text(const struct field *f, ipp_attribute_t *a, struct record *r)
{
	const char *text = ippGetString(a, 0, NULL);
	size_t length = text ? strlen(text) : 0;

	if (f->kind == KIND_STATE)
		return text && (r->state = job_state_from_name(text));
	if (f->kind == KIND_CERTAINTY)
		return text && (r->certainty = record_certainty_from_name(text));
	if (length == 0 || length >= f->size)
		return false;
	memcpy((char *)r + f->at, text, length + 1);
	return true;
}

static bool read_field(const struct field *f, ipp_attribute_t *a, struct record *r)
{
	char *at = (char *)r + f->at;
	ipp_tag_t tag = ippGetValueTag(a);

	if ((tag != f->tag && !(f->tag == IPP_TAG_NAME && tag == IPP_TAG_NAMELANG)) ||
		ippGetCount(a) != 1)
		return false;
	switch (f->kind) {
	case KIND_RAW:
	case KIND_OCTETS:
		return read_octets(f, a, at);
	case KIND_COUNT:
	case KIND_NUMBER:
	case KIND_SEQUENCE:
		return read_number(f, a, at);
	case KIND_BOOL:
		*(bool *)at = ippGetBoolean(a, 0);
		return true;
	case KIND_DATE:
		return date_take(ippGetDate(a, 0), (int64_t *)at);
	default:
		return read_text(f, a, r);
	}
}

/* Everything that must be there is, and the person wholly or not at all. */
static bool is_whole(uint32_t seen, struct record *r)
{
	bool hashed = false, raw = false;

	for (int i = 0; i < FIELDS; i++) {
		bool here = seen >> i & 1;

		if (fields[i].need == MUST && !here)
			return false;
		if (fields[i].need == PERSON)
			r->has_person = here;
		hashed |= fields[i].need == HASHED && here;
		raw |= fields[i].kind == KIND_RAW && here;
	}
	if (r->account_verified && !r->account[0])
		return false;
	if (!r->has_person)
		return hashed && !raw;
	if (!hashed)
		record_hash_person(r, r->person_hash);
	return true;
}

static int read_group(ipp_t *ipp, ipp_attribute_t *a, struct record *out)
{
	uint32_t seen = 0;
	bool bad = false;

	for (; a && ippGetName(a) && ippGetGroupTag(a) == IPP_TAG_JOB; a = ippNextAttribute(ipp)) {
		for (int i = 0; i < FIELDS; i++) {
			if (strcmp(fields[i].name, ippGetName(a)) != 0)
				continue;
			bad |= seen >> i & 1 || !read_field(&fields[i], a, out);
			seen |= 1u << i;
		}
	}
	return bad || !is_whole(seen, out) ? RECORD_E_BAD : 0;
}

int record_read(ipp_t *ipp, bool first, struct record *out)
{
	ipp_attribute_t *a = first ? ippFirstAttribute(ipp) : ippNextAttribute(ipp);

	memset(out, 0, sizeof(*out));
	out->impressions = out->sheets = out->copies = -1;
	while (a && (!ippGetName(a) || ippGetGroupTag(a) != IPP_TAG_JOB))
		a = ippNextAttribute(ipp);
	return a ? read_group(ipp, a, out) : RECORD_E_END;
}
