/* SPDX-License-Identifier: Apache-2.0 */
/* printers - queues, devices and maintenance as the tables have them; the IPP operations on them are printers*.c's own.
 *
 * Nothing here is kept between two calls: the subcommands write the same tables from other processes. */
#pragma once

#include <cups/ipp.h>
#include <stdbool.h>
#include <stdint.h>

#include "core/sql.h"

struct app;

struct printers_queue {
	int64_t id;
	char name[128];
	char uuid[64]; /* urn:uuid:… */
	char info[256];
	char device[64]; /* UUID of the default device, "" if there is none */
	char on_outage[16]; /* fallback, ask, hold, never */
	bool held; /* its jobs wait for their release */
	bool accepting;
	bool require_verified; /* no jobs of owners that are only claimed */
};

struct printers_device {
	char uuid[64];
	char name[256];
	char uri[512];
	uint8_t certificate[32]; /* SHA-256 of its SPKI */
	bool has_certificate;
	int32_t state; /* IPP printer-state as last heard of, 0: never */
};

enum printers_maintenance {
	MAINTENANCE_OFF = 0,
	MAINTENANCE_ON = 1, /* no new jobs; those under way end */
	MAINTENANCE_PLANNED = 2, /* it begins later: all goes on, and who waits is told */
};

/* By name, as in "/ipp/print/NAME": 0, 1: there is none, -errno. */
int printers_queue(struct sql *s, const char *name, struct printers_queue *out);
/* The queue of a target path: 0, 1: the path names none, -errno. */
int printers_queue_of(struct sql *s, const char *path, struct printers_queue *out);
/* By UUID or by name: 0, 1: there is none, -errno. */
int printers_device(struct sql *s, const char *uuid_or_name, struct printers_device *out);
/* In SQL: does the queue of id @queue offer the device of UUID @device? Both are expressions. */
#define PRINTERS_OFFERED(queue, device) \
	"(NOT EXISTS (SELECT 1 FROM queue_device WHERE queue_id = " queue ") OR " device \
	" IN (SELECT device FROM queue_device WHERE queue_id = " queue \
	" UNION SELECT coalesce(device, '') FROM queue WHERE id = " queue "))"
/* May its jobs be released to the device of this UUID? 1, 0, -errno. */
int printers_offers(struct sql *s, const struct printers_queue *q, const char *device);
/* The names of what it offers, ", " between them, then " …" if not all fit; "" if none is left. 0 or -errno. */
int printers_offered_names(struct sql *s, const struct printers_queue *q, char *out, size_t size);
/** printers_accepting() - may a new job be registered at @q now?
 * @why: receives what status-message tells (the administrator's own text). 0: yes, 1: no (0x0506), -errno. */
int printers_accepting(struct sql *s, const struct printers_queue *q, char *why, size_t size);
/* Maintenance as the administrator set it; @message and @until_s may be NULL. An enum printers_maintenance, or -errno. */
int printers_maintenance(struct sql *s, char *message, size_t size, int64_t *until_s);

/* When it begins or began, Unix UTC; 0: there is none. */
int64_t printers_maintenance_from(struct sql *s);
/* What people are told of it; for a planned one, when it begins, too. */
void printers_maintenance_words(struct sql *s, char *out, size_t size);

/* In a group, each second: tells what the subcommands changed (events), renews the policy. */
void printers_tick(struct app *app);
/* Get-Printer-Attributes: can the database commit, and has its disk room? In the group; 0 or -errno: 0x0502. */
int printers_probe(struct app *app);
/* After each commit: the probe's verdict. */
void printers_after(struct app *app, bool committed);

/* Test and admin: is @state's disk good for a commit? 0 or -errno. */
int printers_disk(const char *state);
