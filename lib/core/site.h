/* SPDX-License-Identifier: Apache-2.0 */
/* site - the policy that a server of our own gives its workstations: fallback printers, what an outage means, limits.
 *
 * A JSON document, signed by the server's policy key (Ed25519 over its octets): docs/wire.md. It is kept on disk as it came,
 * so that it counts while the server is away, and so that a stolen TLS key cannot name printers. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "core/config.h"

enum {
	SITE_MAX_OCTETS = 1 << 20,
	SITE_SIGNATURE_OCTETS = 64,
	SITE_KEY_OCTETS = 32,
	SITE_CA_MAX = 4,
	SITE_CA_OCTETS = 8192,
};
enum site_err { SITE_E_SIGNATURE = 1, SITE_E_DAMAGED };

struct site_queue {
	char name[128]; /* the server's name for it */
	char fallback[CONFIG_FALLBACK_MAX]
		     [CONFIG_URI_MAX]; /* normalised; unusable ones are left out */
	size_t fallback_count;
	enum config_on_outage on_outage; /* DEFAULT: not said */
};

struct site {
	bool has_login_key;
	uint8_t login_key
		[SITE_KEY_OCTETS]; /* X25519: what passwords are sealed to (auth/online.h) */
	int64_t version;
	char server_uuid[64];
	struct site_queue *queue;
	size_t queue_count;
	char *cas; /* the CAs of the server that count, PEM, the one that signs first; NULL: not said */
};

/** site_read() - check the signature, then read
 * @signature: SITE_SIGNATURE_OCTETS; @key: the server's, from enrolment
 * Return: 0, SITE_E_SIGNATURE (not believed), SITE_E_DAMAGED (signed, and not understood), or -ENOMEM. */
int site_read(const void *octets, size_t count, const uint8_t *signature, const uint8_t *key,
	struct site **out);
void site_free(struct site *site); /* NULL is fine */
AUTO_DEFINE(struct site *, site_free)
const struct site_queue *site_queue(
	const struct site *site, const char *name); /* or NULL; @site too */
