/* SPDX-License-Identifier: Apache-2.0 */
/* incoming - the way into the spool: a sealed file in incoming/, complete, synced and named, or not there at all.
 *
 * Waits for room on the disk and for the daemon's key, in polls of 5 s for up to 30 minutes in all
 * (STILLPRINT_POLL_MS and STILLPRINT_WAIT_S shorten that for tests). */
#pragma once

#include <signal.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"
#include "core/envelope.h"

enum incoming_err {
	INCOMING_E_CANCELED =
		1, /* *canceled was set before the file was in place; nothing is stored */
	INCOMING_E_LATE, /* waited as long as allowed */
};

enum incoming_wait {
	INCOMING_GOES_ON,
	INCOMING_FULL, /* no room on the disk */
	INCOMING_MISSING, /* no folder, or no key: the daemon never ran here */
};

struct incoming_caller {
	const volatile sig_atomic_t *canceled; /* set by the caller's handler of SIGTERM */
	void (*waiting)(enum incoming_wait reason); /* called when the reason changes */
};

struct incoming;
/** incoming_begin() - a temp file with envelope and ticket, once the spool can take it
 * @caller: borrowed until incoming_free(). Return: 0, INCOMING_E_, or -errno. */
int incoming_begin(const struct incoming_caller *caller, const struct envelope *e,
	const void *ticket, size_t ticket_octets, struct incoming **out);
/* The caller proves the document's SHA-256 by himself, and hands it over at the end. Before the first append. */
void incoming_spare_digest(struct incoming *in);
/* Waits while the disk is full; meanwhile nothing that was appended is lost. Same errors. */
int incoming_append(struct incoming *in, const void *octets, size_t count);
/** incoming_commit() - trailer, fsync, rename to "<realtime ns, 20 digits>-<uuid>.job", fsync of the folder, and a
 * datagram with that name to the daemon's intake.sock; a daemon that is away finds the file when it starts. @sha256: the
 * document's, if it was spared here, else NULL. Same errors. */
int incoming_commit(struct incoming *in, const struct envelope *e, const uint8_t *sha256);
void incoming_free(struct incoming *in); /* removes what was not committed; NULL is fine */
AUTO_DEFINE(struct incoming *, incoming_free)
