/* SPDX-License-Identifier: Apache-2.0 */
/* online - carries logins to the server of our own: the verifier asks over run/online.sock, sealed, and gets the server's
 * answer, or AWAY at once while the server is. Nothing here can read a secret (auth/online.h). */
#pragma once

struct engine;
struct site;

/* After the configuration was read: listens if there is a server of our own, else no longer. */
void online_set(struct engine *e);
void online_stop(struct engine *e);
/* For the verifier: what it seals to, and whose sync files it believes; kept in state/auth. */
void online_tell_keys(struct engine *e, const struct site *site);
