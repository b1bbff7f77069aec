/* SPDX-License-Identifier: Apache-2.0 */
/* identity - what makes this computer a machine of a server of ours: certificate, key and CA, in STATE/identity.
 *
 * ca.pem, cert.pem (ours, then the CA's), key.pem, device (our UUID and the certificate's times), policy.pub (32 octets),
 * server (its UUID, its incarnation at enrolment). The folder is 0700 and each file 0600, of the daemon's user. It is
 * changed as a whole: a new folder is written and synced beside it, then takes its place, so that certificate and key
 * always fit together. What is in the PEM texts is not looked at here; docs/wire.md, Enrolment. */
#pragma once

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum identity_err { IDENTITY_E_NONE = 1 /* this computer is enrolled nowhere */ };

enum { IDENTITY_POLICY_KEY = 32 };

struct identity {
	char uuid[64]; /* of this computer, "urn:uuid:…" */
	int64_t starts_s, expires_s; /* of the certificate, Unix UTC */
	char server_uuid[64];
	int32_t incarnation; /* the server's, when it enrolled us */
	bool history; /* it gets the ledger's rows from before this enrolment, too */
	uint8_t policy_key[IDENTITY_POLICY_KEY]; /* Ed25519 */
	char ca_file[PATH_MAX], cert_file[PATH_MAX], key_file[PATH_MAX];
};

/* The octets of the three PEM files; the paths of struct identity are not looked at when writing. */
struct identity_pem {
	const char *ca, *cert, *key;
};

/** identity_load() - who are we? @state: paths_state()
 * Return: 0, IDENTITY_E_NONE, or -errno; -EINVAL: a file is missing, damaged, or open to others. */
int identity_load(const char *state, struct identity *out);

/** identity_write() - replace what is there, or begin
 * @owner, @group: of the files, -1: leave them ours; only root gives others
 * Safe against a crash at any point and against another process that does the same. Return: 0 or -errno. */
int identity_write(const char *state, const struct identity *id, const struct identity_pem *pem,
	uid_t owner, gid_t group);

/** identity_set_ca() - other CAs of the same server (PEM), in place; all else stays
 * The file's owner is the folder's. A crash leaves the old ones or the new. 0, IDENTITY_E_NONE, or -errno. */
int identity_set_ca(const char *state, const char *ca);

/* Leaves nothing; the key's octets are overwritten first. 0 (also when there was nothing) or -errno. */
int identity_wipe(const char *state);

/* Days until the certificate ends at @now_s, rounded down; negative when it has. */
int64_t identity_days_left(const struct identity *id, int64_t now_s);
/* In the last third of the certificate's life, or after it: docs/wire.md, Renewal. */
bool identity_is_due(const struct identity *id, int64_t now_s);
