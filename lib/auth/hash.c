/* SPDX-License-Identifier: Apache-2.0 */
/* hash - see hash.h. */
#include "auth/hash.h"

#include <crypt.h>
#include <errno.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAC_OCTETS = crypto_auth_hmacsha256_BYTES, HEX_OCTETS = 2 * MAC_OCTETS + 1 };
_Static_assert(HASH_PEPPER_OCTETS == crypto_auth_hmacsha256_KEYBYTES, "a pepper is a key");

/* @use tells index, verifier and names apart: the stored index gives nothing of what yescrypt works on. */
static void mac(const struct hash_pepper *p, const char *use, int kind, const char *text,
	uint8_t out[MAC_OCTETS])
{
	crypto_auth_hmacsha256_state state;
	uint8_t k = (uint8_t)kind;

	crypto_auth_hmacsha256_init(&state, p->octets, sizeof(p->octets));
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)use, strlen(use) + 1);
	crypto_auth_hmacsha256_update(&state, &k, 1);
	crypto_auth_hmacsha256_update(&state, (const uint8_t *)text, strlen(text));
	crypto_auth_hmacsha256_final(&state, out);
	explicit_bzero(&state, sizeof(state));
}

uint32_t hash_index(const struct hash_pepper *p, enum hash_kind kind, const char *secret)
{
	uint8_t m[MAC_OCTETS];
	uint32_t index;

	mac(p, "index", kind, secret, m);
	index = (uint32_t)m[0] << 24 | (uint32_t)m[1] << 16 | (uint32_t)m[2] << 8 | m[3];
	explicit_bzero(m, sizeof(m));
	return index ? index : 1;
}

void hash_name(const struct hash_pepper *p, const char *use, const char *name, uint8_t out[16])
{
	uint8_t m[MAC_OCTETS];

	mac(p, use, 0, name, m);
	memcpy(out, m, 16);
}

/* crypt(3) over the HMAC of @secret. Return: false when @setting is no good. */
static bool run(const struct hash_pepper *p, enum hash_kind kind, const char *secret,
	const char *setting, char out[HASH_TEXT_MAX + 1])
{
	uint8_t m[MAC_OCTETS];
	char hex[HEX_OCTETS];
	const char *made = NULL;
	void *scratch = NULL;
	int size = 0;

	mac(p, "verifier", kind, secret, m);
	sodium_bin2hex(hex, sizeof(hex), m, sizeof(m));
	made = crypt_ra(hex, setting, &scratch, &size);
	if (made && made[0] != '*' && strlen(made) <= HASH_TEXT_MAX)
		strcpy(out, made);
	else
		made = NULL;
	explicit_bzero(hex, sizeof(hex));
	explicit_bzero(m, sizeof(m));
	if (scratch)
		explicit_bzero(scratch, (size_t)size);
	free(scratch);
	return made != NULL;
}

static int salt(int cost, char out[CRYPT_GENSALT_OUTPUT_SIZE])
{
	if (cost < HASH_COST_MIN || cost > HASH_COST_MAX)
		return -EINVAL;
	return crypt_gensalt_rn("$y$", (unsigned long)cost, NULL, 0, out, CRYPT_GENSALT_OUTPUT_SIZE)
		       ? 0
		       : -errno;
}

int hash_make(const struct hash_pepper *p, enum hash_kind kind, const char *secret, int cost,
	char out[HASH_TEXT_MAX + 1])
{
	char setting[CRYPT_GENSALT_OUTPUT_SIZE];
	int rc = salt(cost, setting);

	if (!rc && !run(p, kind, secret, setting, out))
		rc = -ENOMEM;
	return rc;
}

bool hash_is_verifier(const char *text)
{
	static const char digits[] =
		"./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz$";
	size_t n = strlen(text);

	/* "$y$j" N r "$": N from '7' to 'F' is what costs 1 to 11 give, r is 5 (8 blocks) or T (32). */
	return n > 8 && n <= HASH_TEXT_MAX && !strncmp(text, "$y$j", 4) &&
	       strchr("789ABCDEF", text[4]) && strchr("5T", text[5]) && text[6] == '$' &&
	       strspn(text, digits) == n && strchr(text + 7, '$');
}

bool hash_matches(
	const struct hash_pepper *p, enum hash_kind kind, const char *secret, const char *verifier)
{
	static const char none[] = "$y$j9T$0000000000000000000000$";
	char again[HASH_TEXT_MAX + 1] = "";
	bool good = hash_is_verifier(verifier), matches = false;

	if (run(p, kind, secret, good ? verifier : none, again) && good)
		matches = strlen(again) == strlen(verifier) &&
			  sodium_memcmp(again, verifier, strlen(again)) == 0;
	explicit_bzero(again, sizeof(again));
	return matches;
}

static double ms_now(void)
{
	struct timespec ts;

	/* The thread's own CPU time: a busy machine at set-up must not lower the cost for ever. */
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

int hash_choose_cost(double limit_ms, double *took_ms)
{
	static const struct hash_pepper pepper;
	char out[HASH_TEXT_MAX + 1];
	double best_took = 0;
	int best = 5;

	for (int cost = 5; cost <= HASH_COST_MAX; cost++) {
		double began = ms_now(), took;

		if (hash_make(&pepper, HASH_PIN, "000000", cost, out))
			break;
		took = ms_now() - began;
		if (cost == 5 || took <= limit_ms) {
			best = cost;
			best_took = took;
		}
		if (2 * took > limit_ms)
			break; /* the next one doubles: do not even try it */
	}
	if (took_ms)
		*took_ms = best_took;
	return best;
}
