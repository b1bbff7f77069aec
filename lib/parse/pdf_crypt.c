/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_crypt - the standard security handler with the empty user password: ISO 32000-2 7.6. */
#include "parse/hash.h"
#include "parse/pdf.h"
#include <errno.h>
#include <string.h>

static const uint8_t padding[32] = {0x28, 0xbf, 0x4e, 0x5e, 0x4e, 0x75, 0x8a, 0x41, 0x64, 0x00,
	0x4e, 0x56, 0xff, 0xfa, 0x01, 0x08, 0x2e, 0x2e, 0x00, 0xb6, 0xd0, 0x68, 0x3e, 0x80, 0x2f,
	0x0c, 0xa9, 0xfe, 0x64, 0x53, 0x69, 0x7a};

struct handler {
	int v, r;
	size_t key_len;
	struct obj o, u, ue, id;
	uint32_t p;
	bool encrypt_metadata;
};

/* Algorithm 2: the file key of revisions 2 to 4. */
static void old_key(const struct handler *h, uint8_t key[32])
{
	uint8_t buf[32 + 32 + 4 + 256 + 4], digest[16];
	size_t n = 64, id = h->id.type == OBJ_STRING ? h->id.len : 0;

	memcpy(buf, padding, 32);
	memcpy(buf + 32, h->o.u.s, 32);
	for (int i = 0; i < 4; i++)
		buf[n++] = (uint8_t)(h->p >> (8 * i));
	id = id < 256 ? id : 256;
	if (id)
		memcpy(buf + n, h->id.u.s, id);
	n += id;
	if (h->r >= 4 && !h->encrypt_metadata) {
		memset(buf + n, 0xff, 4);
		n += 4;
	}
	hash_md5(buf, n, digest);
	for (int i = 0; h->r >= 3 && i < 50; i++)
		hash_md5(digest, h->key_len, digest);
	memcpy(key, digest, 16);
}

/* Algorithms 4 to 6: does the empty password open it? */
static bool old_key_fits(const struct handler *h, const uint8_t *key)
{
	uint8_t buf[32 + 256], out[32];
	struct rc4 c;
	size_t id = h->id.type == OBJ_STRING ? h->id.len : 0;

	memcpy(buf, padding, 32);
	if (h->r == 2) {
		rc4_init(&c, key, h->key_len);
		rc4_apply(&c, buf, out, 32);
		return !memcmp(out, h->u.u.s, 32);
	}
	id = id < 256 ? id : 256;
	if (id)
		memcpy(buf + 32, h->id.u.s, id);
	hash_md5(buf, 32 + id, out);
	for (int i = 0; i < 20; i++) {
		uint8_t k[32];

		for (size_t n = 0; n < h->key_len; n++)
			k[n] = key[n] ^ (uint8_t)i;
		rc4_init(&c, k, h->key_len);
		rc4_apply(&c, out, out, 16);
	}
	return !memcmp(out, h->u.u.s, 16);
}

/* Algorithm 2.B with an empty password: @salt has 8 octets. */
static void hash_r6(const uint8_t *salt, uint8_t out[32])
{
	uint8_t k[64], k1[64 * 64];
	size_t len = 32;

	hash_sha256(salt, 8, k);
	for (int round = 0, last = 0; round < 64 || last > round - 32; round++) {
		struct aes c;
		uint8_t iv[16];
		unsigned int mod = 0;

		for (int i = 0; i < 64; i++)
			memcpy(k1 + (size_t)i * len, k, len);
		aes_init(&c, k, 16);
		memcpy(iv, k + 16, 16);
		for (size_t i = 0; i < 64 * len; i += 16) {
			for (int b = 0; b < 16; b++)
				iv[b] ^= k1[i + (size_t)b];
			aes_encrypt(&c, iv, iv);
			memcpy(k1 + i, iv, 16);
		}
		for (int i = 0; i < 16; i++)
			mod += k1[i];
		last = k1[64 * len - 1];
		if (mod % 3 == 0)
			hash_sha256(k1, 64 * len, k);
		else if (mod % 3 == 1)
			hash_sha384(k1, 64 * len, k);
		else
			hash_sha512(k1, 64 * len, k);
		len = mod % 3 == 0 ? 32 : mod % 3 == 1 ? 48 : 64;
	}
	memcpy(out, k, 32);
}

static void new_hash(const struct handler *h, const uint8_t *salt, uint8_t out[32])
{
	if (h->r == 5)
		hash_sha256(salt, 8, out);
	else
		hash_r6(salt, out);
}

/* Algorithm 2.A: the file key of revisions 5 and 6. */
static bool new_key(const struct handler *h, uint8_t key[32])
{
	const uint8_t *u = (const uint8_t *)h->u.u.s, *ue = (const uint8_t *)h->ue.u.s;
	uint8_t hash[32];
	struct aes c;

	if (h->u.type != OBJ_STRING || h->u.len < 48 || h->ue.type != OBJ_STRING || h->ue.len < 32)
		return false;
	new_hash(h, u + 32, hash);
	if (memcmp(hash, u, 32))
		return false;
	new_hash(h, u + 40, hash);
	aes_init(&c, hash, 32);
	aes_decrypt(&c, ue, key);
	aes_decrypt(&c, ue + 16, key + 16);
	for (int i = 0; i < 16; i++)
		key[16 + i] ^= ue[i];
	return true;
}

static struct pdf_cipher named_cipher(struct pdf *pdf, const struct obj *dict, const char *which)
{
	struct obj name = pdf_get(pdf, dict, which), cf = pdf_get(pdf, dict, "CF"), filter, cfm;
	struct pdf_cipher none = {CIPHER_NONE};

	if (name.type != OBJ_NAME || pdf_name_is(&name, "Identity"))
		return none;
	filter = pdf_get(pdf, &cf, name.u.s);
	cfm = pdf_get(pdf, &filter, "CFM");
	if (pdf_name_is(&cfm, "V2"))
		return (struct pdf_cipher){CIPHER_RC4};
	if (pdf_name_is(&cfm, "AESV2"))
		return (struct pdf_cipher){CIPHER_AES128};
	return pdf_name_is(&cfm, "AESV3") ? (struct pdf_cipher){CIPHER_AES256} : none;
}

static void read_handler(struct pdf *pdf, const struct obj *dict, struct handler *h)
{
	struct obj o, ids = pdf_get(pdf, &pdf->trailer, "ID");
	int64_t bits;

	o = pdf_get(pdf, dict, "V");
	h->v = (int)pdf_int(&o, 0);
	o = pdf_get(pdf, dict, "R");
	h->r = (int)pdf_int(&o, 0);
	o = pdf_get(pdf, dict, "Length");
	bits = pdf_int(&o, 40);
	h->key_len = h->v == 1                   ? 5
		     : h->v == 4                 ? 16
		     : bits >= 40 && bits <= 128 ? (size_t)bits / 8
						 : 5;
	o = pdf_get(pdf, dict, "P");
	h->p = (uint32_t)pdf_int(&o, 0);
	o = pdf_get(pdf, dict, "EncryptMetadata");
	h->encrypt_metadata = o.type != OBJ_BOOL || o.u.b;
	h->o = pdf_get(pdf, dict, "O");
	h->u = pdf_get(pdf, dict, "U");
	h->ue = pdf_get(pdf, dict, "UE");
	h->id = pdf_at(pdf, &ids, 0);
}

/* Whether this is encryption that we know, with every string long enough to be compared. */
static bool known(struct pdf *pdf, const struct obj *dict, const struct handler *h)
{
	struct obj filter = pdf_get(pdf, dict, "Filter");

	if (!pdf_name_is(&filter, "Standard") || h->o.type != OBJ_STRING || h->u.type != OBJ_STRING)
		return false;
	return h->o.len >= 32 && h->u.len >= 32 && h->r >= 2 && h->r <= 6 && h->v >= 1 &&
	       h->v <= 5 && h->v != 3;
}

int pdf_crypt_open(struct pdf *pdf)
{
	const struct obj *raw = pdf_raw(&pdf->trailer, "Encrypt");
	struct obj dict = pdf_get(pdf, &pdf->trailer, "Encrypt");
	struct pdf_crypt *c = &pdf->crypt;
	struct handler h = {0};
	bool fits;

	if (c->on || dict.type != OBJ_DICT)
		return 0;
	read_handler(pdf, &dict, &h);
	pdf->password = true;
	if (!known(pdf, &dict, &h))
		return -EACCES;
	if (h.r >= 5) {
		fits = new_key(&h, c->key);
	} else {
		old_key(&h, c->key);
		fits = old_key_fits(&h, c->key);
	}
	if (!fits)
		return -EACCES;
	pdf->password = false;
	c->on = true;
	c->key_len = h.r >= 5 ? 32 : h.key_len;
	c->self = raw->type == OBJ_REF ? raw->u.num : 0;
	c->streams = c->strings = (struct pdf_cipher){CIPHER_RC4};
	if (h.v >= 4) {
		c->streams = named_cipher(pdf, &dict, "StmF");
		c->strings = named_cipher(pdf, &dict, "StrF");
	}
	/* Strings read before this moment were not decrypted. */
	if (pdf->nslots)
		memset(pdf->slots, 0, pdf->nslots * sizeof(*pdf->slots));
	pdf->slots_used = 0;
	return 0;
}

/* Algorithm 1: the key of one object. Return: its length. */
static size_t object_key(const struct pdf_crypt *c, struct pdf_cipher how, uint32_t num,
	uint32_t gen, uint8_t key[32])
{
	uint8_t buf[32 + 9], digest[16];
	size_t n = c->key_len;

	memcpy(buf, c->key, n);
	if (how.kind == CIPHER_AES256) {
		memcpy(key, c->key, 32);
		return 32;
	}
	for (int i = 0; i < 3; i++)
		buf[n++] = (uint8_t)(num >> (8 * i));
	for (int i = 0; i < 2; i++)
		buf[n++] = (uint8_t)(gen >> (8 * i));
	if (how.kind == CIPHER_AES128) {
		memcpy(buf + n, "sAlT", 4);
		n += 4;
	}
	hash_md5(buf, n, digest);
	memcpy(key, digest, 16);
	n = c->key_len + 5;
	return n < 16 ? n : 16;
}

static size_t aes_string(const uint8_t *key, size_t key_len, uint8_t *p, size_t len)
{
	uint8_t iv[16], next[16];
	size_t n = 0;
	struct aes c;

	if (len < 32)
		return 0;
	aes_init(&c, key, key_len);
	memcpy(iv, p, 16);
	for (size_t i = 16; i + 16 <= len; i += 16, n += 16) {
		memcpy(next, p + i, 16);
		aes_decrypt(&c, next, p + n);
		for (int b = 0; b < 16; b++)
			p[n + (size_t)b] ^= iv[b];
		memcpy(iv, next, 16);
	}
	return p[n - 1] >= 1 && p[n - 1] <= 16 ? n - p[n - 1] : n;
}

size_t pdf_crypt_string(const struct pdf *pdf, uint32_t num, uint32_t gen, uint8_t *p, size_t len)
{
	struct pdf_cipher how = pdf->crypt.strings;
	uint8_t key[32];
	size_t n;
	struct rc4 c;

	if (how.kind == CIPHER_NONE || !len)
		return len;
	n = object_key(&pdf->crypt, how, num, gen, key);
	if (how.kind != CIPHER_RC4)
		return aes_string(key, n, p, len);
	rc4_init(&c, key, n);
	rc4_apply(&c, p, p, len);
	return len;
}

enum { CIPHER_CHUNK = 4096 };

struct cipher_stm {
	struct stm s;
	bool is_aes, started, ended;
	struct rc4 rc4;
	struct aes aes;
	uint8_t iv[16];
	uint8_t in[CIPHER_CHUNK], out[CIPHER_CHUNK];
};

static size_t aes_chunk(struct cipher_stm *c, size_t n)
{
	for (size_t i = 0; i < n; i += 16) {
		aes_decrypt(&c->aes, c->in + i, c->out + i);
		for (int b = 0; b < 16; b++)
			c->out[i + (size_t)b] ^= c->iv[b];
		memcpy(c->iv, c->in + i, 16);
	}
	/* The last block says how much of it is padding. */
	if (c->ended && n && c->out[n - 1] >= 1 && c->out[n - 1] <= 16)
		n -= c->out[n - 1];
	return n;
}

static bool cipher_fill(struct stm *s)
{
	struct cipher_stm *c = (struct cipher_stm *)s;
	size_t n;

	if (c->ended || (c->is_aes && !c->started && stm_read(s->below, c->iv, 16) != 16))
		return false;
	c->started = true;
	n = stm_read(s->below, c->in, sizeof(c->in));
	c->ended = n < sizeof(c->in) || stm_peek(s->below) < 0;
	if (c->is_aes)
		n = aes_chunk(c, n & ~(size_t)15);
	else
		rc4_apply(&c->rc4, c->in, c->out, n);
	s->p = c->out;
	s->end = c->out + n;
	return n > 0;
}

static void cipher_close(struct stm *s)
{
	free(s);
}

struct stm *pdf_crypt_stream(struct pdf *pdf, uint32_t num, uint32_t gen, struct stm *below)
{
	struct pdf_cipher how = pdf->crypt.streams;
	struct cipher_stm *c;
	uint8_t key[32];
	size_t n;

	if (how.kind == CIPHER_NONE)
		return below;
	c = calloc(1, sizeof(*c));
	if (!c) {
		stm_close(below);
		return NULL;
	}
	c->s = (struct stm){.fill = cipher_fill,
		.close = cipher_close,
		.below = below,
		.budget = below->budget};
	c->is_aes = how.kind != CIPHER_RC4;
	n = object_key(&pdf->crypt, how, num, gen, key);
	if (c->is_aes)
		aes_init(&c->aes, key, n);
	else
		rc4_init(&c->rc4, key, n);
	return &c->s;
}
