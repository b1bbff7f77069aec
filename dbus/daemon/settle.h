/* SPDX-License-Identifier: Apache-2.0 */
/* settle - the ledger goes to the server of our own: in batches, in order, each row acknowledged after the server's commit.
 *
 * What was acknowledged is in the store, so it may be killed at any point: what the server has twice it counts once. A
 * server that lost rows asks for them again; a conflict closes the ledger here and goes on in a new one. Rows that the
 * server has had for 30 days are forgotten. docs/wire.md, Accounting; docs/store.md, The ledger's chain. */
#pragma once

struct engine;
struct identity;

/* After engine->storer and ->client are there, and before the first kick; without a server it only waits. */
void settle_start(struct engine *e);
void settle_stop(struct engine *e); /* after the storer is gone, before the client is */
/* Before anything else that is stored: which enrolment the rows from now on are for. Those from before another one, or the
 * first, stay here unless @who says otherwise. */
void settle_belong(struct engine *e, const struct identity *who);
/* A row was committed: send it. Nothing happens while the server is away or wants to be left alone. */
void settle_kick(struct engine *e);
/* The server is there again, or another incarnation of it: ask what it has, and send the rest. */
void settle_resync(struct engine *e);
