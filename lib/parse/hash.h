/* SPDX-License-Identifier: Apache-2.0 */
/* hash - the digests and ciphers that PDF's standard security handler needs, and no more.
 *
 * They open documents that anyone may open (the password is empty): nothing here guards a secret,
 * so nothing here is hardened against timing.  MD5: RFC 1321. SHA-2: FIPS 180-4. AES: FIPS 197. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void hash_md5(const void *data, size_t len, uint8_t out[16]);
void hash_sha256(const void *data, size_t len, uint8_t out[32]);
void hash_sha384(const void *data, size_t len, uint8_t out[48]);
void hash_sha512(const void *data, size_t len, uint8_t out[64]);

struct rc4 {
	uint8_t s[256], i, j;
};
void rc4_init(struct rc4 *c, const uint8_t *key, size_t len);
void rc4_apply(struct rc4 *c, const uint8_t *in, uint8_t *out, size_t len);

struct aes {
	uint32_t rounds;
	uint8_t key[15][16];
};
void aes_init(struct aes *c, const uint8_t *key, size_t len); /* 16 or 32 octets */
void aes_encrypt(const struct aes *c, const uint8_t in[16], uint8_t out[16]);
void aes_decrypt(const struct aes *c, const uint8_t in[16], uint8_t out[16]);
