/* SPDX-License-Identifier: Apache-2.0 */
/* device-probe - see device-probe.h. */
#include "device-probe.h"

#include <errno.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <systemd/sd-event.h>

#include "base/auto.h"
#include "core/wire.h"
#include "ipp/client.h"
#include "ipp/target.h"

struct question {
	struct device_probe *out;
	bool done;
};

static void loop_freep(sd_event **loop)
{
	sd_event_unref(*loop);
}

static void take(void *arg, const struct client_reply *reply)
{
	static const char lead[] = "sha256//";
	struct question *q = arg;
	size_t n = 0;

	q->done = true;
	q->out->answered = reply->fault == CLIENT_OK;
	snprintf(q->out->detail, sizeof(q->out->detail), "%s", reply->detail);
	if (!strncmp(reply->pin, lead, sizeof(lead) - 1))
		q->out->has_key = !sodium_base642bin(q->out->key, sizeof(q->out->key),
					  reply->pin + sizeof(lead) - 1,
					  strlen(reply->pin) - (sizeof(lead) - 1), NULL, &n, NULL,
					  sodium_base64_VARIANT_ORIGINAL) &&
				  n == sizeof(q->out->key);
}

int device_probe(const char *uri, struct device_probe *out)
{
	AUTO(loop_freep) sd_event *loop = NULL;
	AUTO(client_freep) struct client *client = NULL;
	AUTO(wire_deletep)
	ipp_t *request = target_request(IPP_OP_GET_PRINTER_ATTRIBUTES, uri, "stillprint-server");
	struct client_request r = {.uri = uri,
		.connect_ms = 5000,
		.stall_ms = 10000,
		.total_ms = 20000,
		.ipp = request};
	struct question q = {.out = out};
	int rc;

	*out = (struct device_probe){0};
	if (!request)
		return -ENOMEM;
	ippAddString(request, IPP_TAG_OPERATION, IPP_CONST_TAG(IPP_TAG_KEYWORD),
		"requested-attributes", NULL, "printer-state");
	rc = sd_event_new(&loop);
	if (rc >= 0)
		rc = client_new(loop, &client);
	if (rc >= 0)
		rc = client_send(client, &r, take, &q, NULL);
	while (rc >= 0 && !q.done)
		rc = sd_event_run(loop, UINT64_MAX);
	return rc < 0 ? rc : 0;
}
