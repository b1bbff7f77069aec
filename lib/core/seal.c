/* SPDX-License-Identifier: Apache-2.0 */
/* seal - see seal.h. */
#include "core/seal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
	VERSION = 1,
	SEALED_OCTETS = crypto_box_SEALBYTES + SEAL_KEY_OCTETS,
	ID_AT = 8,
	SEALED_AT = ID_AT + SEAL_KEY_ID_OCTETS,
	HEADER_AT = SEALED_AT + SEALED_OCTETS,
	RECORDS_AT = HEADER_AT + crypto_secretstream_xchacha20poly1305_HEADERBYTES,
	OVERHEAD = crypto_secretstream_xchacha20poly1305_ABYTES,
	RECORD_MAX = SEAL_CHUNK + OVERHEAD,
	TRAILER_OCTETS = 8 + crypto_hash_sha256_BYTES,
	TAG_MESSAGE = crypto_secretstream_xchacha20poly1305_TAG_MESSAGE,
	TAG_FINAL = crypto_secretstream_xchacha20poly1305_TAG_FINAL,
};
_Static_assert(SEALED_OCTETS == 80 && RECORDS_AT == 120, "the layout in seal.h");
_Static_assert(SEAL_META_MAX <= SEAL_CHUNK, "one buffer holds any record");
_Static_assert(SEAL_KEY_OCTETS == crypto_secretstream_xchacha20poly1305_KEYBYTES, "key");
_Static_assert(SEAL_PUBLIC_OCTETS == crypto_box_PUBLICKEYBYTES, "public key");
_Static_assert(SEAL_SECRET_OCTETS == crypto_box_SECRETKEYBYTES, "secret key");

static const uint8_t magic[8] = {'S', 'T', 'L', 'P', 'R', 'N', 'T', VERSION};
static const uint8_t public_magic[8] = {'S', 'T', 'L', 'P', 'U', 'B', 'K', VERSION};

static void put32(uint8_t *out, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		out[i] = (uint8_t)(value >> (24 - 8 * i));
}

static uint32_t get32(const uint8_t *in)
{
	return (uint32_t)in[0] << 24 | (uint32_t)in[1] << 16 | (uint32_t)in[2] << 8 | in[3];
}

static void put64(uint8_t *out, uint64_t value)
{
	put32(out, (uint32_t)(value >> 32));
	put32(out + 4, (uint32_t)value);
}

static uint64_t get64(const uint8_t *in)
{
	return (uint64_t)get32(in) << 32 | get32(in + 4);
}

/* ---- keys ---- */

void seal_key_wipe(struct seal_key *key)
{
	explicit_bzero(key, sizeof(*key));
}

void seal_pair_wipe(struct seal_pair *pair)
{
	explicit_bzero(pair, sizeof(*pair));
}

int seal_pair_new(struct seal_pair *pair)
{
	if (sodium_init() < 0 || crypto_box_keypair(pair->public_key, pair->secret_key))
		return -EIO;
	return 0;
}

void seal_key_id(const uint8_t public_key[SEAL_PUBLIC_OCTETS], uint8_t id[SEAL_KEY_ID_OCTETS])
{
	uint8_t hash[crypto_generichash_BYTES_MIN];

	crypto_generichash(hash, sizeof(hash), public_key, SEAL_PUBLIC_OCTETS, NULL, 0);
	memcpy(id, hash, SEAL_KEY_ID_OCTETS);
}

/* All of @count or an error; a write may stop short on a full disk. @done: how far it came. */
static int write_all(int fd, const uint8_t *octets, size_t count, size_t *done)
{
	while (*done < count) {
		ssize_t n = write(fd, octets + *done, count - *done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		*done += (size_t)n;
	}
	return 0;
}

/* Exactly @count octets at @at. Return: 0, SEAL_E_DAMAGED if the file ends before, or -errno. */
static int read_all(int fd, uint8_t *buf, size_t count, off_t at)
{
	for (size_t done = 0; done < count;) {
		ssize_t n = pread(fd, buf + done, count - done, at + (off_t)done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return SEAL_E_DAMAGED;
		done += (size_t)n;
	}
	return 0;
}

static int check_magic(const uint8_t found[8], const uint8_t wanted[8])
{
	if (memcmp(found, wanted, 7) != 0)
		return SEAL_E_DAMAGED;
	return found[7] == wanted[7] ? 0 : SEAL_E_VERSION;
}

int seal_public_write(const char *path, const uint8_t public_key[SEAL_PUBLIC_OCTETS])
{
	uint8_t file[sizeof(public_magic) + SEAL_PUBLIC_OCTETS];
	char temp[PATH_MAX];
	AUTO(auto_close) int fd = -1;
	size_t done = 0;
	int rc;

	if (snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= (int)sizeof(temp))
		return -ENAMETOOLONG;
	memcpy(file, public_magic, sizeof(public_magic));
	memcpy(file + sizeof(public_magic), public_key, SEAL_PUBLIC_OCTETS);

	fd = mkostemp(temp, O_CLOEXEC);
	if (fd < 0)
		return -errno;
	rc = write_all(fd, file, sizeof(file), &done);
	if (!rc && (fchmod(fd, 0644) || fsync(fd) || rename(temp, path)))
		rc = -errno;
	if (rc)
		unlink(temp);
	return rc;
}

int seal_public_read(const char *path, uint8_t public_key[SEAL_PUBLIC_OCTETS])
{
	uint8_t file[sizeof(public_magic) + SEAL_PUBLIC_OCTETS + 1];
	AUTO(auto_close) int fd = -1;
	struct stat st;
	int rc;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st))
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size != (off_t)sizeof(file) - 1)
		return SEAL_E_DAMAGED;
	rc = read_all(fd, file, sizeof(file) - 1, 0);
	if (!rc)
		rc = check_magic(file, public_magic);
	if (!rc)
		memcpy(public_key, file + sizeof(public_magic), SEAL_PUBLIC_OCTETS);
	return rc;
}

/* ---- writing ---- */

struct seal_writer {
	int fd;
	seal_trouble_fn *trouble;
	void *trouble_arg;
	crypto_secretstream_xchacha20poly1305_state state;
	crypto_hash_sha256_state digest;
	bool spared; /* the caller knows it */
	uint64_t octets;
	size_t filled; /* of @chunk */
	uint8_t chunk[SEAL_CHUNK];
	uint8_t record[4 + RECORD_MAX];
};

static int write_or_wait(struct seal_writer *w, const uint8_t *octets, size_t count)
{
	size_t done = 0;
	int rc;

	do {
		rc = write_all(w->fd, octets, count, &done);
		if (rc && w->trouble)
			rc = w->trouble(w->trouble_arg, rc);
	} while (!rc && done < count);
	return rc;
}

/* @bind: octets that the record stands for without containing them (the file's header), may be NULL. */
static int write_record(struct seal_writer *w, const void *octets, size_t count,
	const uint8_t *bind, size_t bind_octets, int tag)
{
	if (crypto_secretstream_xchacha20poly1305_push(&w->state, w->record + 4, NULL, octets,
		    count, bind, bind_octets, (unsigned char)tag))
		return -EIO;
	put32(w->record, (uint32_t)(count + OVERHEAD));
	return write_or_wait(w, w->record, 4 + count + OVERHEAD);
}

int seal_writer_new(int fd, const uint8_t public_key[SEAL_PUBLIC_OCTETS], const void *envelope,
	size_t envelope_octets, const void *ticket, size_t ticket_octets, struct seal_writer **out)
{
	AUTO(seal_writer_freep) struct seal_writer *w = NULL;
	uint8_t head[RECORDS_AT];
	struct seal_key key;
	int rc;

	if (envelope_octets > SEAL_META_MAX || ticket_octets > SEAL_META_MAX)
		return -EMSGSIZE;
	if (sodium_init() < 0)
		return -EIO;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fd = fd;
	crypto_hash_sha256_init(&w->digest);

	memcpy(head, magic, sizeof(magic));
	seal_key_id(public_key, head + ID_AT);
	crypto_secretstream_xchacha20poly1305_keygen(key.octets);
	rc = crypto_box_seal(head + SEALED_AT, key.octets, sizeof(key.octets), public_key) ||
			     crypto_secretstream_xchacha20poly1305_init_push(
				     &w->state, head + HEADER_AT, key.octets)
		     ? -EIO
		     : 0;
	seal_key_wipe(&key);
	if (!rc)
		rc = write_or_wait(w, head, sizeof(head));
	/* The first record vouches for version and key id too; the sealed key is left out, it gets wiped. */
	if (!rc)
		rc = write_record(w, envelope, envelope_octets, head, SEALED_AT, TAG_MESSAGE);
	if (!rc)
		rc = write_record(w, ticket, ticket_octets, NULL, 0, TAG_MESSAGE);
	if (!rc)
		*out = STEAL(w);
	return rc;
}

void seal_writer_on_trouble(struct seal_writer *w, seal_trouble_fn *fn, void *arg)
{
	w->trouble = fn;
	w->trouble_arg = arg;
}

void seal_writer_spare_digest(struct seal_writer *w)
{
	w->spared = true;
}

static int flush_chunk(struct seal_writer *w)
{
	size_t count = w->filled;

	if (!count)
		return 0;
	w->filled = 0;
	if (!w->spared)
		crypto_hash_sha256_update(&w->digest, w->chunk, count);
	w->octets += count;
	return write_record(w, w->chunk, count, NULL, 0, TAG_MESSAGE);
}

int seal_writer_append(struct seal_writer *w, const void *octets, size_t count)
{
	const uint8_t *p = octets;
	int rc = 0;

	while (!rc && count) {
		size_t n = SEAL_CHUNK - w->filled < count ? SEAL_CHUNK - w->filled : count;

		memcpy(w->chunk + w->filled, p, n);
		w->filled += n;
		p += n;
		count -= n;
		if (w->filled == SEAL_CHUNK)
			rc = flush_chunk(w);
	}
	return rc;
}

int seal_writer_finish(struct seal_writer *w, const uint8_t *sha256)
{
	uint8_t trailer[TRAILER_OCTETS];
	int rc = w->spared != (sha256 != NULL) ? -EINVAL : flush_chunk(w);

	if (rc)
		return rc;
	put64(trailer, w->octets);
	if (sha256)
		memcpy(trailer + 8, sha256, crypto_hash_sha256_BYTES);
	else
		crypto_hash_sha256_final(&w->digest, trailer + 8);
	return write_record(w, trailer, sizeof(trailer), NULL, 0, TAG_FINAL);
}

void seal_writer_free(struct seal_writer *w)
{
	if (!w)
		return;
	explicit_bzero(w, sizeof(*w));
	free(w);
}

/* ---- reading ---- */

int seal_read_key_id(int fd, uint8_t id[SEAL_KEY_ID_OCTETS])
{
	uint8_t head[SEALED_AT];
	int rc = read_all(fd, head, sizeof(magic), 0);

	if (!rc)
		rc = check_magic(head, magic);
	if (!rc)
		rc = read_all(fd, head, sizeof(head), 0);
	if (!rc)
		memcpy(id, head + ID_AT, SEAL_KEY_ID_OCTETS);
	return rc;
}

int seal_open_key(int fd, const struct seal_pair *pair, struct seal_key *out)
{
	uint8_t id[SEAL_KEY_ID_OCTETS], ours[SEAL_KEY_ID_OCTETS], sealed[SEALED_OCTETS];
	struct seal_key key;
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	rc = seal_read_key_id(fd, id);
	if (rc)
		return rc;
	seal_key_id(pair->public_key, ours);
	if (memcmp(id, ours, sizeof(id)) != 0)
		return SEAL_E_KEY;
	rc = read_all(fd, sealed, sizeof(sealed), SEALED_AT);
	if (!rc && crypto_box_seal_open(
			   key.octets, sealed, sizeof(sealed), pair->public_key, pair->secret_key))
		rc = SEAL_E_DAMAGED;
	if (!rc)
		*out = key;
	seal_key_wipe(&key);
	return rc;
}

int seal_wipe_key(int fd)
{
	static const uint8_t zero[SEALED_OCTETS];
	ssize_t n = pwrite(fd, zero, sizeof(zero), SEALED_AT);

	if (n != (ssize_t)sizeof(zero))
		return n < 0 ? -errno : -EIO;
	return fsync(fd) ? -errno : 0;
}

struct seal_reader {
	int fd;
	off_t at;
	crypto_secretstream_xchacha20poly1305_state state;
	crypto_hash_sha256_state digest;
	uint64_t octets;
	uint8_t sha256[crypto_hash_sha256_BYTES];
	bool ended;
	int broken; /* the error that ended reading, told again on every later call */
	uint8_t *envelope, *ticket;
	size_t envelope_octets, ticket_octets;
	size_t chunk_octets, chunk_at;
	uint8_t chunk[SEAL_CHUNK];
	uint8_t record[RECORD_MAX];
};

/* The next record, opened into r->chunk. */
static int read_record(struct seal_reader *r, const uint8_t *bind, size_t bind_octets,
	size_t *count, unsigned char *tag)
{
	unsigned long long opened = 0;
	uint8_t length[4];
	uint32_t n;
	int rc;

	rc = read_all(r->fd, length, sizeof(length), r->at);
	if (rc)
		return rc;
	n = get32(length);
	if (n < OVERHEAD || n > RECORD_MAX)
		return SEAL_E_DAMAGED;
	rc = read_all(r->fd, r->record, n, r->at + 4);
	if (rc)
		return rc;
	if (crypto_secretstream_xchacha20poly1305_pull(
		    &r->state, r->chunk, &opened, tag, r->record, n, bind, bind_octets))
		return SEAL_E_DAMAGED;
	r->at += 4 + (off_t)n;
	*count = (size_t)opened;
	return 0;
}

static int read_meta(struct seal_reader *r, const uint8_t *bind, size_t bind_octets, uint8_t **out,
	size_t *octets)
{
	unsigned char tag = 0;
	int rc = read_record(r, bind, bind_octets, octets, &tag);

	if (rc)
		return rc;
	if (tag != TAG_MESSAGE || *octets > SEAL_META_MAX)
		return SEAL_E_DAMAGED;
	*out = malloc(*octets + 1);
	if (!*out)
		return -ENOMEM;
	memcpy(*out, r->chunk, *octets);
	(*out)[*octets] = '\0';
	return 0;
}

int seal_reader_new(int fd, const struct seal_key *key, struct seal_reader **out)
{
	AUTO(seal_reader_freep) struct seal_reader *r = NULL;
	uint8_t head[SEALED_AT], header[RECORDS_AT - HEADER_AT];
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	rc = read_all(fd, head, sizeof(magic), 0);
	if (!rc)
		rc = check_magic(head, magic);
	if (!rc)
		rc = read_all(fd, head, sizeof(head), 0);
	if (!rc)
		rc = read_all(fd, header, sizeof(header), HEADER_AT);
	if (rc)
		return rc;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->fd = fd;
	r->at = RECORDS_AT;
	crypto_hash_sha256_init(&r->digest);
	if (crypto_secretstream_xchacha20poly1305_init_pull(&r->state, header, key->octets))
		return SEAL_E_DAMAGED;
	rc = read_meta(r, head, sizeof(head), &r->envelope, &r->envelope_octets);
	if (!rc)
		rc = read_meta(r, NULL, 0, &r->ticket, &r->ticket_octets);
	if (!rc)
		*out = STEAL(r);
	return rc;
}

const void *seal_reader_get_envelope(const struct seal_reader *r, size_t *octets)
{
	*octets = r->envelope_octets;
	return r->envelope;
}

const void *seal_reader_get_ticket(const struct seal_reader *r, size_t *octets)
{
	*octets = r->ticket_octets;
	return r->ticket;
}

static int check_trailer(struct seal_reader *r, size_t count)
{
	uint8_t beyond;
	int rc;

	if (count != TRAILER_OCTETS)
		return SEAL_E_DAMAGED;
	crypto_hash_sha256_final(&r->digest, r->sha256);
	if (get64(r->chunk) != r->octets || memcmp(r->chunk + 8, r->sha256, sizeof(r->sha256)) != 0)
		return SEAL_E_DAMAGED;
	rc = read_all(r->fd, &beyond, 1, r->at);
	if (rc != SEAL_E_DAMAGED)
		return rc ? rc : SEAL_E_DAMAGED; /* something follows the end */
	r->ended = true;
	return 0;
}

static int next_chunk(struct seal_reader *r)
{
	unsigned char tag = 0;
	size_t count = 0;
	int rc = read_record(r, NULL, 0, &count, &tag);

	if (rc)
		return rc;
	if (tag == TAG_FINAL)
		return check_trailer(r, count);
	if (tag != TAG_MESSAGE || !count)
		return SEAL_E_DAMAGED;
	crypto_hash_sha256_update(&r->digest, r->chunk, count);
	r->octets += count;
	r->chunk_octets = count;
	r->chunk_at = 0;
	return 0;
}

int seal_reader_read(struct seal_reader *r, void *buf, size_t size, size_t *got)
{
	size_t n;

	if (r->broken)
		return r->broken;
	if (r->chunk_at == r->chunk_octets && !r->ended) {
		r->broken = next_chunk(r);
		if (r->broken)
			return r->broken;
	}
	n = r->ended ? 0 : r->chunk_octets - r->chunk_at;
	if (n > size)
		n = size;
	memcpy(buf, r->chunk + r->chunk_at, n);
	r->chunk_at += n;
	*got = n;
	return 0;
}

uint64_t seal_reader_get_octets(const struct seal_reader *r)
{
	return r->octets;
}

const uint8_t *seal_reader_get_sha256(const struct seal_reader *r)
{
	return r->sha256;
}

void seal_reader_free(struct seal_reader *r)
{
	if (!r)
		return;
	free(r->envelope);
	free(r->ticket);
	explicit_bzero(r, sizeof(*r));
	free(r);
}
