/* SPDX-License-Identifier: Apache-2.0 */
/* stream - see stream.h. */
#include "core/stream.h"

#include <errno.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum {
	FRAME_TICKET = 'T',
	FRAME_DOCUMENT = 'D',
	FRAME_END = 'E',
	FRAME_OCTETS = 5,
	TRAILER_OCTETS = 8 + crypto_hash_sha256_BYTES,
};
static const uint8_t magic[6] = {'S', 'P', 'J', 'O', 'B', 1};

static void put(uint8_t *out, uint64_t value, int octets)
{
	for (int i = octets - 1; i >= 0; i--, value >>= 8)
		out[i] = (uint8_t)value;
}

static uint64_t get(const uint8_t *in, int octets)
{
	uint64_t value = 0;

	for (int i = 0; i < octets; i++)
		value = value << 8 | in[i];
	return value;
}

struct stream_writer {
	int fd;
	bool known; /* @sha256 is the document's */
	uint8_t sha256[STREAM_SHA256_OCTETS];
	crypto_hash_sha256_state digest;
	uint64_t octets;
};
_Static_assert(STREAM_SHA256_OCTETS == crypto_hash_sha256_BYTES, "digest");

static int write_all(int fd, const uint8_t *octets, size_t count)
{
	while (count) {
		ssize_t n = write(fd, octets, count);

		if (n < 0)
			return -errno;
		octets += n;
		count -= (size_t)n;
	}
	return 0;
}

static int write_frame(int fd, int type, const void *octets, size_t count)
{
	uint8_t head[FRAME_OCTETS] = {(uint8_t)type};
	int rc;

	put(head + 1, count, 4);
	rc = write_all(fd, head, sizeof(head));
	return rc ? rc : write_all(fd, octets, count);
}

int stream_writer_new(int fd, const void *ticket, size_t ticket_octets, struct stream_writer **out)
{
	AUTO(stream_writer_freep) struct stream_writer *w = NULL;
	int rc;

	if (ticket_octets > STREAM_TICKET_MAX)
		return -EMSGSIZE;
	if (sodium_init() < 0)
		return -EIO;
	w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->fd = fd;
	crypto_hash_sha256_init(&w->digest);
	rc = write_all(fd, magic, sizeof(magic));
	if (!rc)
		rc = write_frame(fd, FRAME_TICKET, ticket, ticket_octets);
	if (!rc)
		*out = STEAL(w);
	return rc;
}

void stream_writer_know(struct stream_writer *w, const unsigned char sha256[STREAM_SHA256_OCTETS])
{
	memcpy(w->sha256, sha256, sizeof(w->sha256));
	w->known = true;
}

int stream_writer_append(struct stream_writer *w, const void *octets, size_t count)
{
	const uint8_t *p = octets;
	int rc = 0;

	if (!w->known)
		crypto_hash_sha256_update(&w->digest, p, count);
	w->octets += count;
	while (!rc && count) {
		size_t n = count < STREAM_CHUNK ? count : STREAM_CHUNK;

		rc = write_frame(w->fd, FRAME_DOCUMENT, p, n);
		p += n;
		count -= n;
	}
	return rc;
}

int stream_writer_finish(struct stream_writer *w)
{
	uint8_t trailer[TRAILER_OCTETS];

	put(trailer, w->octets, 8);
	if (!w->known)
		crypto_hash_sha256_final(&w->digest, w->sha256);
	memcpy(trailer + 8, w->sha256, sizeof(w->sha256));
	return write_frame(w->fd, FRAME_END, trailer, sizeof(trailer));
}

void stream_writer_free(struct stream_writer *w)
{
	free(w);
}

struct stream_reader {
	int fd;
	crypto_hash_sha256_state digest;
	uint8_t sha256[STREAM_SHA256_OCTETS]; /* when @ended */
	uint64_t octets;
	bool ended;
	int broken; /* the error that ended reading, told again on every later call */
	size_t ticket_octets;
	uint8_t ticket[STREAM_TICKET_MAX];
	uint8_t chunk[STREAM_CHUNK];
};

/* Exactly @count octets. Return: 0, STREAM_E_CUT, or -errno. */
static int read_all(int fd, uint8_t *buf, size_t count)
{
	while (count) {
		ssize_t n = read(fd, buf, count);

		if (n < 0)
			return -errno;
		if (n == 0)
			return STREAM_E_CUT;
		buf += n;
		count -= (size_t)n;
	}
	return 0;
}

int stream_reader_new(int fd, struct stream_reader **out)
{
	AUTO(stream_reader_freep) struct stream_reader *r = NULL;
	uint8_t found[sizeof(magic)], head[FRAME_OCTETS];
	int rc;

	if (sodium_init() < 0)
		return -EIO;
	rc = read_all(fd, found, sizeof(found));
	if (rc)
		return rc;
	if (memcmp(found, magic, sizeof(magic) - 1) != 0)
		return STREAM_E_DAMAGED;
	if (found[sizeof(magic) - 1] != magic[sizeof(magic) - 1])
		return STREAM_E_VERSION;
	rc = read_all(fd, head, sizeof(head));
	if (rc)
		return rc;
	if (head[0] != FRAME_TICKET || get(head + 1, 4) > STREAM_TICKET_MAX)
		return STREAM_E_DAMAGED;
	r = calloc(1, sizeof(*r));
	if (!r)
		return -ENOMEM;
	r->fd = fd;
	r->ticket_octets = get(head + 1, 4);
	crypto_hash_sha256_init(&r->digest);
	rc = read_all(fd, r->ticket, r->ticket_octets);
	if (!rc)
		*out = STEAL(r);
	return rc;
}

const void *stream_reader_get_ticket(const struct stream_reader *r, size_t *octets)
{
	*octets = r->ticket_octets;
	return r->ticket;
}

/* The trailer, whose frame header was read: it must prove what came, and be the last thing in the pipe. */
static int read_trailer(struct stream_reader *r)
{
	uint8_t trailer[TRAILER_OCTETS], beyond;
	ssize_t n;
	int rc;

	rc = read_all(r->fd, trailer, sizeof(trailer));
	if (rc)
		return rc;
	crypto_hash_sha256_final(&r->digest, r->sha256);
	if (get(trailer, 8) != r->octets || memcmp(trailer + 8, r->sha256, sizeof(r->sha256)) != 0)
		return STREAM_E_DAMAGED;
	n = read(r->fd, &beyond, 1);
	if (n < 0)
		return -errno;
	r->ended = n == 0;
	return n ? STREAM_E_DAMAGED : 0;
}

static int read_frame(struct stream_reader *r, size_t *got)
{
	uint8_t head[FRAME_OCTETS];
	uint64_t count;
	int rc;

	rc = read_all(r->fd, head, sizeof(head));
	if (rc)
		return rc;
	count = get(head + 1, 4);
	*got = 0;
	if (head[0] == FRAME_END && count == TRAILER_OCTETS)
		return read_trailer(r);
	if (head[0] != FRAME_DOCUMENT || !count || count > STREAM_CHUNK)
		return STREAM_E_DAMAGED;
	rc = read_all(r->fd, r->chunk, count);
	if (rc)
		return rc;
	crypto_hash_sha256_update(&r->digest, r->chunk, count);
	r->octets += count;
	*got = count;
	return 0;
}

int stream_reader_read(struct stream_reader *r, const void **octets, size_t *got)
{
	*octets = r->chunk;
	*got = 0;
	if (!r->broken && !r->ended)
		r->broken = read_frame(r, got);
	return r->broken;
}

const unsigned char *stream_reader_get_sha256(const struct stream_reader *r)
{
	return r->ended ? r->sha256 : NULL;
}

void stream_reader_free(struct stream_reader *r)
{
	free(r);
}
