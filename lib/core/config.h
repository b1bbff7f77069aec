/* SPDX-License-Identifier: Apache-2.0 */
/* config - stillprint.conf of a workstation as typed values: queues, upstreams, fallbacks, limits, our server. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum config_on_outage {
	ON_OUTAGE_DEFAULT = 0,
	ON_OUTAGE_FALLBACK,
	ON_OUTAGE_ASK,
	ON_OUTAGE_HOLD,
	ON_OUTAGE_NEVER
};
enum config_release { RELEASE_DIRECT = 0, RELEASE_HELD };

enum {
	CONFIG_FALLBACK_MAX = 16,
	CONFIG_QUEUE_MAX = 256,
	CONFIG_URI_MAX = 512,
	CONFIG_ADDRESS_MAX = 8,
	CONFIG_SERVER_PORT = 8631, /* of stillprint-server, if an address names none */
};

/* Bits of fallback-sources; order of trial is the order here. */
enum config_source {
	SOURCE_POLICY =
		1, /* named for the queue by the administrator, confirmed as the same device behind the server */
	SOURCE_ADMIN = 2, /* `fallback =` lines of the queue */
	SOURCE_RECENT = 4, /* printers that this user used before */
	SOURCE_USER = 8, /* printers that this user named; only by the user's own act for a job */
};

/* [server]: where the server of our own is reached; add "/ipp/system" or "/ipp/print/QUEUE". */
struct config_server {
	char address[CONFIG_ADDRESS_MAX]
		    [CONFIG_URI_MAX]; /* "ipps://host:port", in order of trial */
	size_t count; /* 0: there is no such server */
};

struct config_queue {
	char name[128]; /* CUPS queue */
	char upstream[CONFIG_URI_MAX]; /* ipp:, ipps:; of the first address if stillprint */
	bool stillprint; /* `upstream = stillprint` or `stillprint:NAME`: a queue of [server] */
	char server_queue[128]; /* its name there; "" if not stillprint */
	char upstream_user
		[128]; /* "" = no login; the password is in secrets/NAME beside the configuration */
	char upstream_password[256]; /* read from there; wiped by config_free() */
	char upstream_pin
		[64]; /* "sha256//…": the only key the upstream may show; "" = the one met first */
	enum config_on_outage
		on_outage; /* never DEFAULT after config_load(): fallback if one is named, else ask */
	enum config_release release; /* default direct; held if stillprint */
	char fallback[CONFIG_FALLBACK_MAX][CONFIG_URI_MAX]; /* in order: ipp:, ipps:, cups:NAME */
	size_t fallback_count;
	bool private; /* `private = yes`: a document is erased as soon as it was handed over, whatever comes of it */
	bool accept_raw; /* `accept-raw = yes`: files that no filter looked at */
	bool accept_foreign_hosts; /* jobs from other computers */
	bool require_verified; /* `require-verified = yes`: jobs of owners who are not verified wait (core/who.h) */
};

struct config {
	struct config_server server;
	struct config_queue *queue; /* array, sorted by name */
	size_t queue_count;
	unsigned fallback_sources; /* bits; default policy, admin, recent, user */
	bool fallback_require_tls; /* default no */
	bool users_may_add; /* `users-may-add-fallbacks`, default yes */
	bool public_workstation; /* jobs and identity end with the session; default no */
	int32_t public_idle_s; /* … or after so long without a key or a mouse, default 15 min */
	bool job_name_suffix; /* default yes: "[#1a2b3c4d]" after the title, to know our job again */
	int64_t spool_max_octets; /* default 0: the smaller of 10 % of the file system and 5 GB */
	int32_t held_max_s; /* retention of waiting jobs, default 72 h */
	int32_t unknown_max_s; /* default 7 days */
	int32_t ask_agent_ms; /* nobody to ask within, default 10 s */
	int32_t ask_answer_s; /* no answer within, default 600 s */
	int32_t probe_idle_s; /* probe of an upstream while nothing waits, default 60 s */
	int32_t probe_lost_s; /* probe of a lost upstream, default 5 s */
	char cups_socket[108]; /* cupsd's local socket, default /run/cups/cups.sock */
};

/* "ipps://HOST[:PORT]" as "ipps://host:port" in @out. NULL, or why it is no address of a server (static text). */
const char *config_server_address(char *out, size_t size, const char *text);

/* @q->upstream = queue @q->server_queue at @address, one of [server]'s. 0 or -ENAMETOOLONG. */
int config_server_uri(struct config_queue *q, const char *address);

/** config_load() - read @path (and drop-ins, and secrets/ beside it)
 * @complain: one line per fault, "file:line: why". Return: 0, -EINVAL after complaints, or -errno. */
int config_load(const char *path, void (*complain)(void *arg, const char *message), void *arg,
	struct config **out);
void config_free(struct config *c); /* wipes passwords; NULL is fine */
AUTO_DEFINE(struct config *, config_free)
const struct config_queue *config_queue(
	const struct config *c, const char *name); /* NULL if there is none */
/* The password's file for @queue, beside @path. */
int config_secret_path(char *out, size_t size, const char *path, const char *queue);

const char *config_on_outage_name(enum config_on_outage o); /* "fallback", "ask", "hold", "never" */
const char *config_release_name(enum config_release r); /* "direct", "held" */
