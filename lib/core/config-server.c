/* SPDX-License-Identifier: Apache-2.0 */
/* config-server - the addresses of a server of our own, and of its queues; see config.h. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "core/config.h"
#include "core/uri.h"

const char *config_server_address(char *out, size_t size, const char *text)
{
	static const char form[] = "must be ipps://HOST or ipps://HOST:PORT, without a path";
	const char *host = text + 7, *colon;
	char bare[CONFIG_URI_MAX];
	struct uri u;
	size_t n;

	if (!strncmp(text, "ipp://", 6))
		return "must begin with ipps://: a server of our own is spoken to over TLS only";
	if (strncasecmp(text, "ipps://", 7) != 0 || strpbrk(host, "/?#"))
		return form;
	switch (uri_parse(text, &u)) {
	case 0:
		break;
	case URI_E_CREDENTIALS:
		return "must not have a user or password in it; this computer is known by its certificate";
	default:
		return form;
	}
	colon = strchr(strchr(host, ']') ? strchr(host, ']') : host, ':');
	*u.path = '\0';
	/* With its port always: without one, 631 would be meant elsewhere. */
	if (!colon)
		u.port = CONFIG_SERVER_PORT;
	if (u.port != 631)
		return uri_format(out, size, &u) ? "is too long" : NULL;
	if (uri_format(bare, sizeof(bare), &u))
		return "is too long";
	n = (size_t)snprintf(out, size, "%s:631", bare);
	return n >= size ? "is too long" : NULL;
}

int config_server_uri(struct config_queue *q, const char *address)
{
	static const char plain[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
	struct uri u;
	size_t used;

	if (uri_parse(address, &u))
		return -EINVAL;
	used = (size_t)snprintf(u.path, sizeof(u.path), "/ipp/print/");
	for (const char *p = q->server_queue; *p; p++) {
		if (used + 4 > sizeof(u.path))
			return -ENAMETOOLONG;
		used += (size_t)sprintf(
			u.path + used, strchr(plain, *p) ? "%c" : "%%%02X", (unsigned char)*p);
	}
	return uri_format(q->upstream, sizeof(q->upstream), &u);
}
