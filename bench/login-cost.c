/* SPDX-License-Identifier: Apache-2.0 */
/* login-cost - how long a login without the server takes, for accounts that are known and that are not, among 10,000.
 * usage: login-cost [TRIES]
 * Wrong secrets for both, in random order, and right ones. Prints median and 95th percentile of wall and CPU time, and how well
 * one could tell known from unknown by a single wrong try: 0.5 is a coin. docs/identity.md has what was seen. */
#include <time.h>

#include "../tests/auth.h"

enum { ACCOUNTS = 10000, TRIES = 200, COST = 5, KINDS = 3, T0 = 1800000000 };
enum kind { KNOWN, UNKNOWN, RIGHT };
static const char *const names[KINDS] = {"known, wrong", "unknown", "known, right"};

struct series {
	double *wall_ms, *cpu_ms;
	size_t count;
};

static double clock_ms(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (double)ts.tv_sec * 1e3 + (double)ts.tv_nsec / 1e6;
}

static struct cache *filled(const char *folder, const struct keys *k, const char *pin)
{
	static const struct hash_pepper site = {{42}};
	const struct attempts_rule never = {1 << 20, 1, 1 << 21, 1};
	struct cache_options o = {.folder = folder,
		.keys = k,
		.cost = COST,
		.parallel = 1,
		.accounts_max = 0,
		.ttl_s = 86400,
		.account_rule = never,
		.terminal_rule = never};
	struct account *a = calloc(ACCOUNTS, sizeof(*a));
	uint8_t public[SYNC_POLICY_PUBLIC], secret[SYNC_POLICY_SECRET], *file = NULL;
	struct sync_head head = {1, 1, T0, T0 + 86400};
	struct cache_now now = auth_now(T0, 100, 'a');
	char text[HASH_TEXT_MAX + 1];
	enum cache_found found;
	struct cache *c = NULL;
	size_t octets = 0;

	crypto_sign_keypair(public, secret);
	if (!a || hash_make(&site, HASH_PIN, pin, COST, text))
		abort();
	for (size_t i = 0; i < ACCOUNTS; i++) {
		snprintf(a[i].name, sizeof(a[i].name), "user%zu", i);
		a[i].count = 1;
		a[i].verifier[0] = (struct verifier){.kind = HASH_PIN,
			.source = ACCOUNT_FROM_SYNC,
			.index = hash_index(&site, HASH_PIN, pin),
			.expires_s = T0 + 86400};
		strcpy(a[i].verifier[0].text, text);
	}
	if (sync_write(&head, &site, a, ACCOUNTS, k->public_key, secret, &file, &octets) ||
		cache_open(&o, &c, &found) ||
		cache_apply(c, file, octets, public, &now, &(size_t){0}))
		abort();
	free(file);
	free(a);
	return c;
}

static void try_once(struct cache *c, enum kind kind, const char *pin, struct series *s)
{
	char account[32], terminal[32], secret[32];
	uint32_t n = randombytes_uniform(ACCOUNTS);
	struct cache_ask ask = {.account = account, .secret = secret, .terminal = terminal};
	struct cache_answer answer;
	double wall, cpu;

	snprintf(account, sizeof(account), kind == UNKNOWN ? "none%u" : "user%u", n);
	snprintf(terminal, sizeof(terminal), "tty%u", n % 50);
	snprintf(secret, sizeof(secret), kind == RIGHT ? "%s" : "9%.8s", pin);
	ask.now = auth_now(T0 + 5, 105, 'a');
	ask.deadline_ms = mono_ms() + 60000;
	wall = clock_ms(CLOCK_MONOTONIC);
	cpu = clock_ms(CLOCK_PROCESS_CPUTIME_ID);
	if (cache_verify(c, &ask, &answer) ||
		answer.result != (kind == RIGHT ? CACHE_OK : CACHE_WRONG))
		abort();
	s->cpu_ms[s->count] = clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
	s->wall_ms[s->count++] = clock_ms(CLOCK_MONOTONIC) - wall;
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

static double rank_of(double *v, size_t count, double part)
{
	qsort(v, count, sizeof(*v), by_size);
	return v[(size_t)((double)(count - 1) * part)];
}

/* How often a value of @a is larger than one of @b: Mann and Whitney's U, scaled. */
static double larger(const double *a, const double *b, size_t count)
{
	double n = 0;

	for (size_t i = 0; i < count; i++)
		for (size_t k = 0; k < count; k++)
			n += a[i] > b[k] ? 1 : a[i] == b[k] ? 0.5 : 0;
	return n / ((double)count * (double)count);
}

int main(int argc, char **argv)
{
	size_t tries = argc > 1 ? strtoul(argv[1], NULL, 10) : TRIES;
	char *folder = auth_folder();
	static const char pin[] = "7351928461";
	struct keys *k = NULL;
	struct series s[KINDS];
	struct cache *c;

	if (keys_load(folder, &k) || tries < 2)
		return 1;
	c = filled(folder, k, pin);
	for (int i = 0; i < KINDS; i++)
		s[i] = (struct series){
			calloc(tries, sizeof(double)), calloc(tries, sizeof(double)), 0};
	for (size_t left = KINDS * tries; left;) {
		uint32_t kind = randombytes_uniform(KINDS);

		if (s[kind].count == tries)
			continue;
		try_once(c, (enum kind)kind, pin, &s[kind]);
		left--;
	}
	for (int i = 0; i < KINDS; i++)
		printf("%-13s wall %.2f ms median, %.2f ms p95; CPU %.2f ms median, %.2f ms p95\n",
			names[i], rank_of(s[i].wall_ms, tries, 0.5),
			rank_of(s[i].wall_ms, tries, 0.95), rank_of(s[i].cpu_ms, tries, 0.5),
			rank_of(s[i].cpu_ms, tries, 0.95));
	printf("known slower than unknown: %.3f by wall, %.3f by CPU (%zu tries each)\n",
		larger(s[KNOWN].wall_ms, s[UNKNOWN].wall_ms, tries),
		larger(s[KNOWN].cpu_ms, s[UNKNOWN].cpu_ms, tries), tries);
	cache_free(c);
	keys_free(k);
	auth_done();
	for (int i = 0; i < KINDS; i++) {
		free(s[i].wall_ms);
		free(s[i].cpu_ms);
	}
	free(folder);
	return 0;
}
