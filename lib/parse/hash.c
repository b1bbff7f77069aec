/* SPDX-License-Identifier: Apache-2.0 */
/* hash - the digests and ciphers that PDF's standard security handler needs, and no more. */
#include "parse/hash.h"
#include <math.h>
#include <string.h>

/* The padded tail of a Merkle-Damgard message: what is left of @data, 0x80, zeros, the bit length. */
static size_t pad(const uint8_t *data, size_t len, size_t block, int big, uint8_t out[256])
{
	size_t rest = len % block, lenlen = block / 8;
	size_t total = rest + 1 + lenlen <= block ? block : 2 * block;
	uint64_t bits = (uint64_t)len * 8;

	memset(out, 0, total);
	if (rest)
		memcpy(out, data + len - rest, rest);
	out[rest] = 0x80;
	for (int i = 0; i < 8; i++)
		out[big ? total - 1 - (size_t)i : total - 8 + (size_t)i] =
			(uint8_t)(bits >> (8 * i));
	return total;
}

static uint32_t rol32(uint32_t v, int n)
{
	return v << n | v >> (32 - n);
}

static void md5_block(uint32_t h[4], const uint8_t *p)
{
	static const uint8_t turn[4][4] = {
		{7, 12, 17, 22}, {5, 9, 14, 20}, {4, 11, 16, 23}, {6, 10, 15, 21}};
	static uint32_t k[64];
	uint32_t a = h[0], b = h[1], c = h[2], d = h[3], w[16];

	for (int i = 0; !k[63] && i < 64; i++)
		k[i] = (uint32_t)(int64_t)(fabs(sin(i + 1)) * 4294967296.0);
	for (int i = 0; i < 16; i++)
		w[i] = p[4 * i] | p[4 * i + 1] << 8 | p[4 * i + 2] << 16 |
		       (uint32_t)p[4 * i + 3] << 24;
	for (int i = 0; i < 64; i++) {
		uint32_t f, t = d;
		int g;

		if (i < 16)
			f = (b & c) | (~b & d), g = i;
		else if (i < 32)
			f = (d & b) | (~d & c), g = (5 * i + 1) % 16;
		else if (i < 48)
			f = b ^ c ^ d, g = (3 * i + 5) % 16;
		else
			f = c ^ (b | ~d), g = 7 * i % 16;
		d = c;
		c = b;
		b += rol32(a + f + k[i] + w[g], turn[i / 16][i % 4]);
		a = t;
	}
	h[0] += a;
	h[1] += b;
	h[2] += c;
	h[3] += d;
}

void hash_md5(const void *data, size_t len, uint8_t out[16])
{
	uint32_t h[4] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476};
	const uint8_t *p = data;
	uint8_t tail[256];
	size_t n = pad(p, len, 64, 0, tail);

	for (size_t i = 0; i < len / 64; i++)
		md5_block(h, p + 64 * i);
	for (size_t i = 0; i < n; i += 64)
		md5_block(h, tail + i);
	for (int i = 0; i < 16; i++)
		out[i] = (uint8_t)(h[i / 4] >> (8 * (i % 4)));
}

/* SHA-256 takes the upper halves of SHA-512's constants. */
static const uint64_t sha_k[80] = {
	0x428a2f98d728ae22,
	0x7137449123ef65cd,
	0xb5c0fbcfec4d3b2f,
	0xe9b5dba58189dbbc,
	0x3956c25bf348b538,
	0x59f111f1b605d019,
	0x923f82a4af194f9b,
	0xab1c5ed5da6d8118,
	0xd807aa98a3030242,
	0x12835b0145706fbe,
	0x243185be4ee4b28c,
	0x550c7dc3d5ffb4e2,
	0x72be5d74f27b896f,
	0x80deb1fe3b1696b1,
	0x9bdc06a725c71235,
	0xc19bf174cf692694,
	0xe49b69c19ef14ad2,
	0xefbe4786384f25e3,
	0x0fc19dc68b8cd5b5,
	0x240ca1cc77ac9c65,
	0x2de92c6f592b0275,
	0x4a7484aa6ea6e483,
	0x5cb0a9dcbd41fbd4,
	0x76f988da831153b5,
	0x983e5152ee66dfab,
	0xa831c66d2db43210,
	0xb00327c898fb213f,
	0xbf597fc7beef0ee4,
	0xc6e00bf33da88fc2,
	0xd5a79147930aa725,
	0x06ca6351e003826f,
	0x142929670a0e6e70,
	0x27b70a8546d22ffc,
	0x2e1b21385c26c926,
	0x4d2c6dfc5ac42aed,
	0x53380d139d95b3df,
	0x650a73548baf63de,
	0x766a0abb3c77b2a8,
	0x81c2c92e47edaee6,
	0x92722c851482353b,
	0xa2bfe8a14cf10364,
	0xa81a664bbc423001,
	0xc24b8b70d0f89791,
	0xc76c51a30654be30,
	0xd192e819d6ef5218,
	0xd69906245565a910,
	0xf40e35855771202a,
	0x106aa07032bbd1b8,
	0x19a4c116b8d2d0c8,
	0x1e376c085141ab53,
	0x2748774cdf8eeb99,
	0x34b0bcb5e19b48a8,
	0x391c0cb3c5c95a63,
	0x4ed8aa4ae3418acb,
	0x5b9cca4f7763e373,
	0x682e6ff3d6b2b8a3,
	0x748f82ee5defb2fc,
	0x78a5636f43172f60,
	0x84c87814a1f0ab72,
	0x8cc702081a6439ec,
	0x90befffa23631e28,
	0xa4506cebde82bde9,
	0xbef9a3f7b2c67915,
	0xc67178f2e372532b,
	0xca273eceea26619c,
	0xd186b8c721c0c207,
	0xeada7dd6cde0eb1e,
	0xf57d4f7fee6ed178,
	0x06f067aa72176fba,
	0x0a637dc5a2c898a6,
	0x113f9804bef90dae,
	0x1b710b35131c471b,
	0x28db77f523047d84,
	0x32caab7b40c72493,
	0x3c9ebe0a15c9bebc,
	0x431d67c49c100d4c,
	0x4cc5d4becb3e42b6,
	0x597f299cfc657e2a,
	0x5fcb6fab3ad6faec,
	0x6c44198c4a475817,
};

static uint32_t ror32(uint32_t v, int n)
{
	return v >> n | v << (32 - n);
}

static uint64_t ror64(uint64_t v, int n)
{
	return v >> n | v << (64 - n);
}

static void sha256_block(uint32_t h[8], const uint8_t *p)
{
	uint32_t w[64], v[8];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | p[4 * i + 1] << 16 | p[4 * i + 2] << 8 |
		       p[4 * i + 3];
	for (int i = 16; i < 64; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (ror32(w[i - 15], 7) ^ ror32(w[i - 15], 18) ^ w[i - 15] >> 3) +
		       (ror32(w[i - 2], 17) ^ ror32(w[i - 2], 19) ^ w[i - 2] >> 10);
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 64; i++) {
		uint32_t s1 = ror32(v[4], 6) ^ ror32(v[4], 11) ^ ror32(v[4], 25);
		uint32_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) +
			      (uint32_t)(sha_k[i] >> 32) + w[i];
		uint32_t s0 = ror32(v[0], 2) ^ ror32(v[0], 13) ^ ror32(v[0], 22);
		uint32_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

void hash_sha256(const void *data, size_t len, uint8_t out[32])
{
	uint32_t h[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c,
		0x1f83d9ab, 0x5be0cd19};
	const uint8_t *p = data;
	uint8_t tail[256];
	size_t n = pad(p, len, 64, 1, tail);

	for (size_t i = 0; i < len / 64; i++)
		sha256_block(h, p + 64 * i);
	for (size_t i = 0; i < n; i += 64)
		sha256_block(h, tail + i);
	for (int i = 0; i < 32; i++)
		out[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}

static void sha512_block(uint64_t h[8], const uint8_t *p)
{
	uint64_t w[80], v[8];

	for (int i = 0; i < 16; i++) {
		w[i] = 0;
		for (int k = 0; k < 8; k++)
			w[i] = w[i] << 8 | p[8 * i + k];
	}
	for (int i = 16; i < 80; i++)
		w[i] = w[i - 16] + w[i - 7] +
		       (ror64(w[i - 15], 1) ^ ror64(w[i - 15], 8) ^ w[i - 15] >> 7) +
		       (ror64(w[i - 2], 19) ^ ror64(w[i - 2], 61) ^ w[i - 2] >> 6);
	memcpy(v, h, sizeof(v));
	for (int i = 0; i < 80; i++) {
		uint64_t s1 = ror64(v[4], 14) ^ ror64(v[4], 18) ^ ror64(v[4], 41);
		uint64_t t1 = v[7] + s1 + ((v[4] & v[5]) ^ (~v[4] & v[6])) + sha_k[i] + w[i];
		uint64_t s0 = ror64(v[0], 28) ^ ror64(v[0], 34) ^ ror64(v[0], 39);
		uint64_t t2 = s0 + ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));

		memmove(v + 1, v, 7 * sizeof(*v));
		v[4] += t1;
		v[0] = t1 + t2;
	}
	for (int i = 0; i < 8; i++)
		h[i] += v[i];
}

static void sha512(uint64_t h[8], const void *data, size_t len, uint8_t *out, size_t outlen)
{
	const uint8_t *p = data;
	uint8_t tail[256];
	size_t n = pad(p, len, 128, 1, tail);

	for (size_t i = 0; i < len / 128; i++)
		sha512_block(h, p + 128 * i);
	for (size_t i = 0; i < n; i += 128)
		sha512_block(h, tail + i);
	for (size_t i = 0; i < outlen; i++)
		out[i] = (uint8_t)(h[i / 8] >> (56 - 8 * (i % 8)));
}

void hash_sha384(const void *data, size_t len, uint8_t out[48])
{
	uint64_t h[8] = {0xcbbb9d5dc1059ed8, 0x629a292a367cd507, 0x9159015a3070dd17,
		0x152fecd8f70e5939, 0x67332667ffc00b31, 0x8eb44a8768581511, 0xdb0c2e0d64f98fa7,
		0x47b5481dbefa4fa4};

	sha512(h, data, len, out, 48);
}

void hash_sha512(const void *data, size_t len, uint8_t out[64])
{
	uint64_t h[8] = {0x6a09e667f3bcc908, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
		0xa54ff53a5f1d36f1, 0x510e527fade682d1, 0x9b05688c2b3e6c1f, 0x1f83d9abfb41bd6b,
		0x5be0cd19137e2179};

	sha512(h, data, len, out, 64);
}

void rc4_init(struct rc4 *c, const uint8_t *key, size_t len)
{
	uint8_t j = 0;

	c->i = c->j = 0;
	for (int i = 0; i < 256; i++)
		c->s[i] = (uint8_t)i;
	for (int i = 0; i < 256 && len; i++) {
		uint8_t t = c->s[i];

		j = (uint8_t)(j + t + key[(size_t)i % len]);
		c->s[i] = c->s[j];
		c->s[j] = t;
	}
}

void rc4_apply(struct rc4 *c, const uint8_t *in, uint8_t *out, size_t len)
{
	for (size_t k = 0; k < len; k++) {
		uint8_t t = c->s[++c->i];

		c->j = (uint8_t)(c->j + t);
		c->s[c->i] = c->s[c->j];
		c->s[c->j] = t;
		out[k] = in[k] ^ c->s[(uint8_t)(c->s[c->i] + t)];
	}
}

static uint8_t sbox[256], inverse[256];
static uint8_t times[4][256]; /* by 9, 11, 13, 14 in GF(2^8) */
static uint32_t mixed[256]; /* what MixColumns makes of an octet in row 0 */

static uint8_t gf_mul(unsigned int a, unsigned int b)
{
	unsigned int r = 0;

	for (; b; b >>= 1, a = a << 1 ^ (a & 0x80 ? 0x11b : 0))
		if (b & 1)
			r ^= a;
	return (uint8_t)r;
}

static void aes_tables(void)
{
	static const uint8_t factor[4] = {9, 11, 13, 14};
	uint8_t p = 1, q = 1;

	/* p runs through all powers of 3, q through their inverses. */
	do {
		p = gf_mul(p, 3);
		q = gf_mul(q, 0xf6);
		sbox[p] = (uint8_t)(0x63 ^ q ^ (q << 1 | q >> 7) ^ (q << 2 | q >> 6) ^
				    (q << 3 | q >> 5) ^ (q << 4 | q >> 4));
	} while (p != 1);
	sbox[0] = 0x63;
	for (int i = 0; i < 256; i++)
		inverse[sbox[i]] = (uint8_t)i;
	for (int i = 0; i < 256; i++)
		mixed[i] = gf_mul(sbox[i], 2) | (uint32_t)sbox[i] << 8 | (uint32_t)sbox[i] << 16 |
			   (uint32_t)gf_mul(sbox[i], 3) << 24;
	for (int f = 0; f < 4; f++)
		for (unsigned int i = 0; i < 256; i++)
			times[f][i] = gf_mul(i, factor[f]);
}

void aes_init(struct aes *c, const uint8_t *key, size_t len)
{
	uint8_t *w = c->key[0], round = 1;

	if (!sbox[0])
		aes_tables();
	c->rounds = len == 32 ? 14 : 10;
	memcpy(w, key, len);
	for (size_t i = len; i < 16 * (c->rounds + 1); i += 4) {
		uint8_t t[4];

		memcpy(t, w + i - 4, 4);
		if (i % len == 0) {
			uint8_t first = t[0];

			t[0] = sbox[t[1]] ^ round;
			t[1] = sbox[t[2]];
			t[2] = sbox[t[3]];
			t[3] = sbox[first];
			round = gf_mul(round, 2);
		} else if (len == 32 && i % len == 16) {
			for (int k = 0; k < 4; k++)
				t[k] = sbox[t[k]];
		}
		for (int k = 0; k < 4; k++)
			w[i + (size_t)k] = w[i + (size_t)k - len] ^ t[k];
	}
}

static void add_key(uint8_t s[16], const uint8_t key[16])
{
	for (int i = 0; i < 16; i++)
		s[i] ^= key[i];
}

/* SubBytes, ShiftRows and MixColumns of one column, whose octets come out lowest first. */
static uint32_t mix_column(const uint8_t s[16], int col)
{
	uint32_t w = 0;

	for (int row = 3; row >= 0; row--)
		w = rol32(w, 8) ^ mixed[s[(col + 5 * row) % 16]];
	return w;
}

void aes_encrypt(const struct aes *c, const uint8_t in[16], uint8_t out[16])
{
	uint8_t s[16], t[16];

	memcpy(s, in, 16);
	add_key(s, c->key[0]);
	for (uint32_t r = 1; r < c->rounds; r++) {
		for (int col = 0; col < 16; col += 4) {
			uint32_t w = mix_column(s, col);

			for (int k = 0; k < 4; k++)
				t[col + k] = (uint8_t)(w >> (8 * k)) ^ c->key[r][col + k];
		}
		memcpy(s, t, 16);
	}
	for (int i = 0; i < 16; i++)
		t[i] = sbox[s[(i + 4 * (i % 4)) % 16]];
	add_key(t, c->key[c->rounds]);
	memcpy(out, t, 16);
}

void aes_decrypt(const struct aes *c, const uint8_t in[16], uint8_t out[16])
{
	uint8_t s[16], t[16];

	memcpy(s, in, 16);
	add_key(s, c->key[c->rounds]);
	for (uint32_t r = c->rounds; r-- > 0;) {
		for (int i = 0; i < 16; i++)
			t[(i + 4 * (i % 4)) % 16] = inverse[s[i]];
		add_key(t, c->key[r]);
		for (int i = 0; i < 16 && r; i += 4)
			for (int k = 0; k < 4; k++)
				s[i + k] = times[3][t[i + k]] ^ times[1][t[i + (k + 1) % 4]] ^
					   times[2][t[i + (k + 2) % 4]] ^
					   times[0][t[i + (k + 3) % 4]];
	}
	memcpy(out, t, 16);
}
