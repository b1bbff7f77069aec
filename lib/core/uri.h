/* SPDX-License-Identifier: Apache-2.0 */
/* uri - targets as users and administrators name them, normalised so that one printer has one name. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum uri_kind { URI_IPP = 1, URI_IPPS, URI_CUPS };
enum uri_err { URI_E_SYNTAX = 1, URI_E_SCHEME, URI_E_CREDENTIALS };

struct uri {
	enum uri_kind kind;
	char host[256]; /* name or address, IPv6 without brackets; "" for cups: */
	int port; /* if not given: 631, and for http: and https: their own 80 and 443 */
	char path[256]; /* "/ipp/print"; for cups: the queue's name */
};

/** uri_parse() - `ipp://host[:port]/path`, `ipps://…`, `cups:NAME`; http/https with /printers/ or /ipp are ipp/ipps
 * User and password in the URI are refused (URI_E_CREDENTIALS): they would end in logs and process lists.
 * Without a path it is /ipp/print; query and fragment are refused, as are names in other letters than punycode.
 * Host names and queue names are checked for length and characters. Return: 0 or a URI_E_. */
int uri_parse(const char *text, struct uri *out);
/* "ipp://host:port/path" in lower case host, default port left out; or "cups:NAME". 0 or -ENAMETOOLONG. */
int uri_format(char *out, size_t size, const struct uri *u);
/* True if CUPS takes @name for a queue, and it is fit to be shown, to be a file's name, and no option. */
bool uri_is_queue_name(const char *name);
