/* SPDX-License-Identifier: Apache-2.0 */
/* setup-queue - the CUPS side of setup: queues of the local cupsd, made, read, put back, removed, through libcups. */
#pragma once

#include <cups/cups.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/auto.h"

/* cupsd then believes a user's name only with proof; it is in the stock cupsd.conf. */
#define QUEUE_OP_POLICY "authenticated"

enum queue_err {
	QUEUE_E_NONE = 1,
	/* no such queue */ QUEUE_E_POLICY,
	/* cupsd lacks the policy */
};

struct queue_state {
	char name[128];
	char device_uri[1024], make_model[256], info[256], location[256];
	char error_policy[64], op_policy[64];
	bool shared, accepting, is_class, temporary;
	bool has_policy; /* cupsd knows QUEUE_OP_POLICY */
	int state;
};
/* What a Stillprint queue must look like. */
struct queue_wish {
	const char *name;
	const char *ppd; /* file; NULL: leave the PPD alone */
	bool plain_policy; /* without QUEUE_OP_POLICY */
	bool open; /* take jobs and print them */
	const char *info; /* NULL: leave it alone */
};

static inline void queue_closep(http_t **http)
{
	if (*http)
		httpClose(*http);
}

/* CUPS_SERVER if that is set, else @socket. NULL: cupsd does not answer. */
http_t *queue_open(const char *socket);
/* What cupsd said to the last request; safe to show. */
const char *queue_why(void);

/* 0, QUEUE_E_NONE, or -EIO (queue_why()). */
int queue_get(http_t *http, const char *name, struct queue_state *out);
/* Everything cupsd tells of it: printer attributes, for keeping. NULL: queue_why(). */
ipp_t *queue_attributes(http_t *http, const char *name);
/* Its PPD as cupsd has it: 0 (written to @fd), QUEUE_E_NONE (it has none), or -EIO. */
int queue_ppd(http_t *http, const char *name, int fd);

bool queue_is_ours(const struct queue_state *q);
/* Ours, and in every point as @wish wants it. */
bool queue_fits(http_t *http, const struct queue_state *q, const struct queue_wish *wish);
/* Makes or changes it. 0, QUEUE_E_POLICY, or -EIO. */
int queue_put(http_t *http, const struct queue_wish *wish);
/* Sends a CUPS-Add-Modify-Printer @request (given up), with @ppd or NULL. 0 or -EIO. */
int queue_modify(http_t *http, ipp_t *request, const char *ppd);
ipp_t *queue_request(ipp_op_t op, const char *name);
/* cupsd changes this only while the queue's device is not another server's queue. 0 or -EIO. */
int queue_set_shared(http_t *http, const char *name, bool shared);
int queue_delete(http_t *http, const char *name);
int queue_set_default(http_t *http, const char *name);
/* Resume-/Pause-Printer and CUPS-Accept-/Reject-Jobs. */
int queue_set_running(http_t *http, const char *name, bool running, bool accepting);
/* True if the queue, or a member of the class, leads to a Stillprint queue. */
bool queue_leads_back(http_t *http, const char *name);
/* The PPD of a Stillprint queue: STILLPRINT_PPD, else the built-in path. */
const char *queue_ppd_path(void);
