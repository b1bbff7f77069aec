/* SPDX-License-Identifier: Apache-2.0 */
/* seal - a job's file in the spool: an envelope, a ticket and a document, encrypted from the first octet.
 *
 * Layout (version 1, integers big-endian):
 *   magic "STLPRNT" + version octet | key id (8) | sealed key (crypto_box_seal of the 32-octet job key, 80)
 *   | secretstream header (24) | records: length (4) + ciphertext (libsodium crypto_secretstream_xchacha20poly1305).
 * Records in order: envelope (IPP message, who and what CUPS says), ticket (IPP message; may be empty for raw files),
 * document chunks of at most SEAL_CHUNK octets, trailer (octets (8) + SHA-256 (32), tag FINAL).
 * The backend writes it knowing only the public key; the daemon takes the key over into its store and wipes the sealed
 * copy in the file (seal_wipe_key), so that erasing the row erases the document. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum {
	SEAL_KEY_OCTETS = 32,
	SEAL_PUBLIC_OCTETS = 32,
	SEAL_SECRET_OCTETS = 32,
	SEAL_KEY_ID_OCTETS = 8,
	SEAL_CHUNK = 65536,
	SEAL_META_MAX = 65536, /* an envelope or a ticket is no larger */
};

enum seal_err {
	SEAL_E_DAMAGED = 1, /* not ours, cut, or changed: never print it */
	SEAL_E_VERSION, /* a version that this program does not know */
	SEAL_E_KEY, /* sealed to another key than the one offered */
};

struct seal_key { /* wiped by seal_key_wipe() */
	uint8_t octets[SEAL_KEY_OCTETS];
};
void seal_key_wipe(struct seal_key *key);

/* An intake key pair: @secret stays with the daemon, @public lies in the spool for the backend. */
struct seal_pair {
	uint8_t public_key[SEAL_PUBLIC_OCTETS];
	uint8_t secret_key[SEAL_SECRET_OCTETS];
};
int seal_pair_new(struct seal_pair *pair); /* 0, or -EIO if libsodium has no randomness */
void seal_pair_wipe(struct seal_pair *pair);
/* The id written into files: the first octets of BLAKE2b(public). */
void seal_key_id(const uint8_t public_key[SEAL_PUBLIC_OCTETS], uint8_t id[SEAL_KEY_ID_OCTETS]);

/* The public key as a file ("spool/intake.pub", 0644): magic, version, 32 octets. -ENOENT: none there yet. */
int seal_public_write(const char *path, const uint8_t public_key[SEAL_PUBLIC_OCTETS]);
int seal_public_read(const char *path, uint8_t public_key[SEAL_PUBLIC_OCTETS]);

struct seal_writer;
/** seal_writer_new() - begin a sealed file at descriptor @fd (borrowed, positioned at 0)
 * Return: 0, or -errno of the write. */
int seal_writer_new(int fd, const uint8_t public_key[SEAL_PUBLIC_OCTETS], const void *envelope,
	size_t envelope_octets, const void *ticket, size_t ticket_octets, struct seal_writer **out);
/** seal_trouble_fn - asked when a write failed with @error (-ENOSPC, …): 0 to try the same octets again, else
 * what append or finish is to return. What was appended is kept meanwhile; nothing is written twice or left out. */
typedef int seal_trouble_fn(void *arg, int error);
void seal_writer_on_trouble(struct seal_writer *w, seal_trouble_fn *fn, void *arg);
/* The caller will know the document's SHA-256 at the end: none is worked out here. Before the first append. */
void seal_writer_spare_digest(struct seal_writer *w);
int seal_writer_append(struct seal_writer *w, const void *octets, size_t count);
/* Writes the last chunk and the trailer. @sha256: the document's if it was spared, else NULL. Does not fsync. */
int seal_writer_finish(struct seal_writer *w, const uint8_t *sha256);
void seal_writer_free(struct seal_writer *w); /* wipes; NULL is fine */
AUTO_DEFINE(struct seal_writer *, seal_writer_free)

/** seal_open_key() - the job key of the file at @fd, by the intake key pair whose id the file names
 * Return: 0, SEAL_E_DAMAGED, SEAL_E_VERSION, SEAL_E_KEY, or -errno. */
int seal_open_key(int fd, const struct seal_pair *pair, struct seal_key *out);
/* The key id that the file names, to find the pair. Same errors. */
int seal_read_key_id(int fd, uint8_t id[SEAL_KEY_ID_OCTETS]);
/* Overwrites the sealed key in the file and syncs it. @fd must be writable. */
int seal_wipe_key(int fd);

struct seal_reader;
/** seal_reader_new() - open the file at @fd (borrowed; read by pread, so several readers may share it)
 * Reads and checks envelope and ticket, which the reader owns until it is freed.
 * Return: 0, SEAL_E_DAMAGED, SEAL_E_VERSION, or -errno. */
int seal_reader_new(int fd, const struct seal_key *key, struct seal_reader **out);
const void *seal_reader_get_envelope(const struct seal_reader *r, size_t *octets);
const void *seal_reader_get_ticket(const struct seal_reader *r, size_t *octets);
/** seal_reader_read() - the next document octets, in order
 * @got: at most @size; 0 at the end, and only if the trailer proved length and digest of all that was read
 * Return: 0, SEAL_E_DAMAGED, or -errno. */
int seal_reader_read(struct seal_reader *r, void *buf, size_t size, size_t *got);
/* Valid after the end was read: the document's length and SHA-256. */
uint64_t seal_reader_get_octets(const struct seal_reader *r);
const uint8_t *seal_reader_get_sha256(const struct seal_reader *r);
void seal_reader_free(struct seal_reader *r);
AUTO_DEFINE(struct seal_reader *, seal_reader_free)
