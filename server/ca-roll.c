/* SPDX-License-Identifier: Apache-2.0 */
/* ca-roll - the CAs themselves: the one that signs, the next one that is announced, and the former one that still counts.
 *
 * Each step is one rename, so that a crash leaves it undone or done; a step that was cut is done again. */
#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/mono.h"
#include "base/paths.h"
#include "ca-private.h"
#include "files.h"

enum { CA_LIFE_YEARS = 10 };

static const char active_file[] = "ca.pem", next_file[] = "ca-next.pem", old_file[] = "ca-old.pem";

/* A certificate for a CA of this name and key, signed by @issuer (NULL: by itself). */
static int make_crt(const char *name, gnutls_x509_privkey_t key, int64_t until_s,
	gnutls_x509_crt_t issuer, gnutls_x509_privkey_t issuer_key, gnutls_x509_crt_t *out)
{
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	int rc = ca_crt_new(name, mono_utc_s() - CLOCKS_DIFFER_S, until_s, &crt);

	if (rc)
		return rc;
	rc = gnutls_x509_crt_set_key(crt, key);
	if (!rc)
		rc = gnutls_x509_crt_set_basic_constraints(crt, 1, issuer ? 0 : 1);
	if (!rc)
		rc = gnutls_x509_crt_set_key_usage(
			crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN);
	if (!rc)
		rc = ca_set_key_id(crt, issuer ? issuer : crt);
	if (!rc)
		rc = gnutls_x509_crt_sign2(crt, issuer ? issuer : crt, issuer ? issuer_key : key,
			GNUTLS_DIG_SHA256, 0);
	if (!rc)
		*out = STEAL(crt);
	return ca_errno(rc);
}

static int make_ca(const char *state, const char *file)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(ca_secret_freep) char *pem = NULL;
	char name[64] = "Stillprint CA ";
	uint8_t word[4];
	int rc = ca_key_new(&key);

	randombytes_buf(word, sizeof(word));
	ca_hex(name + strlen(name), word, sizeof(word));
	if (!rc)
		rc = make_crt(name, key, mono_utc_s() + (int64_t)CA_LIFE_YEARS * YEAR_S, NULL, NULL,
			&crt);
	if (!rc)
		rc = ca_join_pem(crt, key, &pem);
	if (!rc)
		rc = files_write_new(state, file, pem, strlen(pem), 0600);
	return rc;
}

/* ---- reading ---- */

static void look(const char *state, struct stat seen[CA_FILES])
{
	const char *const file[CA_FILES] = {active_file, next_file, old_file};
	char path[4200];

	memset(seen, 0, sizeof(*seen) * CA_FILES);
	for (size_t i = 0; i < CA_FILES; i++)
		if (paths_join(path, sizeof(path), state, file[i]) || lstat(path, &seen[i]) < 0)
			memset(&seen[i], 0, sizeof(seen[i]));
}

bool ca_has_changed(const struct ca *ca)
{
	struct stat now[CA_FILES];

	look(ca->state, now);
	for (size_t i = 0; i < CA_FILES; i++)
		if (now[i].st_ino != ca->seen[i].st_ino ||
			now[i].st_mtim.tv_sec != ca->seen[i].st_mtim.tv_sec ||
			now[i].st_mtim.tv_nsec != ca->seen[i].st_mtim.tv_nsec)
			return true;
	return false;
}

static int read_active(struct ca *ca)
{
	int rc = ca_read_pair(ca->state, active_file, &ca->crt, &ca->key);

	if (rc == -ENOENT) {
		rc = make_ca(ca->state, active_file);
		if (!rc || rc == -EEXIST) /* somebody was faster: his it is */
			rc = ca_read_pair(ca->state, active_file, &ca->crt, &ca->key);
	}
	if (!rc)
		rc = ca_crt_text(ca->crt, &ca->pem);
	return rc ? rc : ca_crt_sha256(ca->crt, ca->sha256);
}

static int read_next(struct ca *ca)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	int rc = ca_read_pair(ca->state, next_file, &ca->next, &key);

	return rc == -ENOENT ? 0 : rc;
}

/* Cross certificate, then the former CA. */
static int read_old(struct ca *ca)
{
	AUTO(auto_free) char *text = NULL;
	gnutls_x509_crt_t list[2] = {NULL, NULL};
	unsigned n = 2;
	size_t count = 0;
	int rc = files_read(ca->state, old_file, FILE_MAX, &text, &count);
	gnutls_datum_t d = {(unsigned char *)text, (unsigned)count};

	if (rc)
		return rc == -ENOENT ? 0 : rc;
	if (gnutls_x509_crt_list_import(list, &n, &d, GNUTLS_X509_FMT_PEM, 0) != 2) {
		for (unsigned i = 0; i < 2; i++)
			gnutls_x509_crt_deinit(list[i]);
		return -EUCLEAN;
	}
	/* A crash before the next one took its place: nothing has happened yet. */
	if (gnutls_x509_crt_equals(list[1], ca->crt)) {
		gnutls_x509_crt_deinit(list[0]);
		gnutls_x509_crt_deinit(list[1]);
		return 0;
	}
	ca->cross = list[0];
	ca->old = list[1];
	ca->old_pem = STEAL(text);
	return 0;
}

static int join_trust(struct ca *ca)
{
	AUTO(auto_free) char *next = NULL;
	AUTO(auto_free) char *old = NULL;
	int rc = ca->next ? ca_crt_text(ca->next, &next) : 0;

	if (!rc && ca->old)
		rc = ca_crt_text(ca->old, &old);
	if (!rc &&
		asprintf(&ca->trust_pem, "%s%s%s", ca->pem, next ? next : "", old ? old : "") < 0)
		rc = -ENOMEM;
	return rc;
}

int ca_open(const char *state, struct ca **out)
{
	AUTO(ca_freep) struct ca *ca = calloc(1, sizeof(*ca));
	int rc;

	if (!ca)
		return -ENOMEM;
	if (sodium_init() < 0)
		return -EIO;
	ca->state = strdup(state);
	if (!ca->state)
		return -ENOMEM;
	look(state, ca->seen); /* before reading: what changes meanwhile is read again */
	rc = read_active(ca);
	if (!rc)
		rc = read_next(ca);
	if (!rc)
		rc = read_old(ca);
	if (!rc)
		rc = join_trust(ca);
	/* For people and their tools (curl --cacert); nothing of ours reads it. */
	if (!rc && files_write_new(state, "ca.crt", ca->pem, strlen(ca->pem), 0644) == -ENOSPC)
		rc = -ENOSPC;
	if (!rc && !ca->seen[0].st_ino)
		look(state, ca->seen);
	if (!rc)
		*out = STEAL(ca);
	return rc;
}

void ca_free(struct ca *ca)
{
	if (!ca)
		return;
	gnutls_x509_privkey_deinit(ca->key);
	gnutls_x509_crt_deinit(ca->crt);
	gnutls_x509_crt_deinit(ca->next);
	gnutls_x509_crt_deinit(ca->old);
	gnutls_x509_crt_deinit(ca->cross);
	free(ca->pem);
	free(ca->old_pem);
	free(ca->trust_pem);
	free(ca->state);
	free(ca);
}

const char *ca_trust_pem(const struct ca *ca)
{
	return ca->trust_pem;
}

const char *ca_issuer_pem(const struct ca *ca)
{
	return ca->old_pem ? ca->old_pem : ca->pem;
}

int ca_code_sha256(const struct ca *ca, uint8_t out[32])
{
	return ca_crt_sha256(ca->cross ? ca->cross : ca->crt, out);
}

/* ---- telling ---- */

static int known(gnutls_x509_crt_t crt, enum ca_role role, struct ca_known *out)
{
	uint8_t digest[32];
	int rc = ca_crt_sha256(crt, digest);

	if (!rc)
		rc = ca_crt_text(crt, &out->pem);
	if (rc)
		return rc;
	out->role = role;
	out->expires_s = gnutls_x509_crt_get_expiration_time(crt);
	ca_hex(out->sha256, digest, sizeof(digest));
	return 0;
}

int ca_list(const struct ca *ca, struct ca_known out[CA_MAX])
{
	const gnutls_x509_crt_t crt[CA_MAX] = {ca->crt, ca->next, ca->old};
	int n = 0;

	memset(out, 0, sizeof(*out) * CA_MAX);
	for (int i = 0; i < CA_MAX; i++) {
		int rc = crt[i] ? known(crt[i], (enum ca_role)i, &out[n]) : 0;

		if (rc) {
			ca_list_fini(out);
			return rc;
		}
		n += crt[i] != NULL;
	}
	return n;
}

void ca_list_fini(struct ca_known list[CA_MAX])
{
	for (int i = 0; i < CA_MAX; i++)
		free(STEAL(list[i].pem));
}

/* ---- the steps ---- */

int ca_roll_new(struct ca *ca)
{
	int rc;

	if (ca->next || ca->old)
		return CA_E_ROLLING;
	rc = make_ca(ca->state, next_file);
	return rc == -EEXIST ? CA_E_ROLLING : rc;
}

static int drop(const struct ca *ca, const char *file)
{
	char path[4200];
	int rc = paths_join(path, sizeof(path), ca->state, file);

	if (rc)
		return rc;
	if (unlink(path) < 0)
		return errno == ENOENT ? CA_E_NONE : -errno;
	return files_sync_folder(ca->state);
}

int ca_roll_discard(struct ca *ca)
{
	return drop(ca, next_file);
}

int ca_roll_retire(struct ca *ca)
{
	return ca->old ? drop(ca, old_file) : CA_E_NONE;
}

/* The next one's key, as the present one vouches for it. */
static int make_cross(struct ca *ca, gnutls_x509_crt_t next, gnutls_x509_privkey_t next_key,
	gnutls_x509_crt_t *cross)
{
	int64_t end_s = ca_expires_s(ca), next_s = gnutls_x509_crt_get_expiration_time(next);
	char name[128];
	size_t size = sizeof(name);
	int rc =
		gnutls_x509_crt_get_dn_by_oid(next, GNUTLS_OID_X520_COMMON_NAME, 0, 0, name, &size);

	if (rc)
		return ca_errno(rc);
	return make_crt(name, next_key, end_s < next_s ? end_s : next_s, ca->crt, ca->key, cross);
}

/* That one, then the present one. No key of either. */
static int write_both(struct ca *ca, gnutls_x509_crt_t cross)
{
	AUTO(auto_free) char *cross_pem = NULL;
	AUTO(auto_free) char *both = NULL;
	int rc = ca_crt_text(cross, &cross_pem);

	if (!rc && asprintf(&both, "%s%s", cross_pem, ca->pem) < 0)
		rc = -ENOMEM;
	return rc ? rc : files_write(ca->state, old_file, both, strlen(both), 0600);
}

static int write_old(struct ca *ca, gnutls_x509_crt_t next, gnutls_x509_privkey_t next_key)
{
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t cross = NULL;
	int rc = make_cross(ca, next, next_key, &cross);

	return rc ? rc : write_both(ca, cross);
}

int ca_roll_activate(struct ca *ca)
{
	AUTO(gnutls_x509_privkey_deinitp) gnutls_x509_privkey_t key = NULL;
	AUTO(gnutls_x509_crt_deinitp) gnutls_x509_crt_t crt = NULL;
	AUTO(auto_free) char *pem = NULL;
	char from[4200], to[4200];
	int rc = ca_read_pair(ca->state, next_file, &crt, &key);

	if (rc)
		return rc == -ENOENT ? CA_E_NONE : rc;
	rc = ca_crt_text(crt, &pem);
	if (!rc)
		rc = write_old(ca, crt, key);
	if (!rc)
		rc = paths_join(from, sizeof(from), ca->state, next_file);
	if (!rc)
		rc = paths_join(to, sizeof(to), ca->state, active_file);
	/* From here on it is the one that signs, and the former one's key is gone. */
	if (!rc && rename(from, to) < 0)
		rc = -errno;
	if (!rc)
		rc = files_sync_folder(ca->state);
	return rc ? rc : files_write(ca->state, "ca.crt", pem, strlen(pem), 0644);
}
