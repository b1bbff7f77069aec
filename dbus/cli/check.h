/* SPDX-License-Identifier: Apache-2.0 */
/* check - one run of `stillprint check`: findings, and who makes them (check-*.c). */
#pragma once

#include "cli.h"
#include "core/config.h"
#include "json.h"
#include "setup-queue.h"

enum finding { FINDING_OK, FINDING_WARNING, FINDING_WRONG };

struct check {
	struct cli *c;
	struct config *config; /* NULL: it cannot be read */
	http_t *http; /* NULL: cupsd does not answer */
	bool harden;
	bool daemon; /* it answers */
	bool incomplete; /* something only root can see */
	bool wrong;
	int64_t certificate_until_s; /* as the daemon tells it; 0: none */
	char credentials[16]; /* the same: for logins without the server; "": nothing */
	int64_t credentials_until_s;
	struct json_object *rows;
};

/** check_add() - one finding: prints it, or keeps it for the JSON
 * @advice: what to do, "" if nothing. Return: its row, for more fields; borrowed. */
__attribute__((format(printf, 5, 6))) struct json_object *check_add(struct check *k, enum finding f,
	const char *what, const char *advice, const char *fmt, ...);

void check_queues(struct check *k); /* the CUPS queues against the configuration */
void check_files(struct check *k); /* programs, folders, disk */
void check_server(struct check *k); /* enrolled, and how long the certificate lasts */
void check_copies(struct check *k); /* how long cupsd keeps its own; with harden, no more */
