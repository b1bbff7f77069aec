/* SPDX-License-Identifier: Apache-2.0 */
/* uri - see uri.h. */
#include "core/uri.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"

enum { TEXT_MAX = 511, NAME_MAX_OCTETS = 127, LABEL_MAX = 63, HOST_NAME_MAX_OCTETS = 253 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_alnum(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c + 'a' - 'A') : c;
}

static int hex_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c = lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* lpadmin(8): "any printable character except SPACE, TAB, /, #", and what its 2.4 refuses besides. */
bool uri_is_queue_name(const char *name)
{
	size_t n = strlen(name);

	if (n == 0 || n > NAME_MAX_OCTETS || name[0] == '-' || name[0] == '.')
		return false;
	return !strpbrk(name, " /\\?'\"#@") && text_is_clean(name);
}

/* RFC 3986 3.2.2, RFC 6874: "fe80::1%25eth0"; the zone is kept behind a plain '%'. */
static int take_ipv6(const char *text, size_t n, char *out, size_t size)
{
	char address[64], zone[16] = "";
	const char *percent = memchr(text, '%', n);
	size_t count = percent ? (size_t)(percent - text) : n, zone_count;
	struct in6_addr in6;

	if (count >= sizeof(address))
		return URI_E_SYNTAX;
	if (percent) {
		percent += n - count >= 3 && !strncmp(percent, "%25", 3) ? 3 : 1;
		zone_count = (size_t)(text + n - percent);
		if (zone_count == 0 || zone_count >= sizeof(zone))
			return URI_E_SYNTAX;
		for (size_t i = 0; i < zone_count; i++)
			if (!is_alnum(percent[i]) && !strchr("._-", percent[i]))
				return URI_E_SYNTAX;
		memcpy(zone, percent, zone_count);
		zone[zone_count] = '\0';
	}
	memcpy(address, text, count);
	address[count] = '\0';
	if (inet_pton(AF_INET6, address, &in6) != 1)
		return URI_E_SYNTAX;
	inet_ntop(AF_INET6, &in6, address, sizeof(address));
	snprintf(out, size, "%s%s%s", address, *zone ? "%" : "", zone);
	return 0;
}

static bool is_host_name(const char *host)
{
	const char *label = host;
	bool numeric = true;

	for (const char *p = host;; p++) {
		if (*p == '.' || *p == '\0') {
			if (p == label || p - label > LABEL_MAX || *label == '-' || p[-1] == '-')
				return false;
			if (*p == '\0')
				break;
			label = p + 1;
			numeric = true;
		} else if (!is_alnum(*p) && *p != '-' && *p != '_') {
			return false; /* other letters want their punycode form, so that nobody is fooled */
		} else if (!is_digit(*p)) {
			numeric = false;
		}
	}
	/* "10.1.2" or "1.2.3.999" would be resolved, to something else than it looks like. */
	return !numeric || inet_pton(AF_INET, host, &(struct in_addr){0}) == 1;
}

static int take_host_name(const char *text, size_t n, char *out, size_t size)
{
	if (n > 0 && text[n - 1] == '.')
		n--; /* the root of the name space */
	if (n == 0 || n > HOST_NAME_MAX_OCTETS || n >= size)
		return URI_E_SYNTAX;
	for (size_t i = 0; i < n; i++)
		out[i] = lower(text[i]);
	out[n] = '\0';
	return is_host_name(out) ? 0 : URI_E_SYNTAX;
}

static int take_port(const char *text, size_t n, int *port)
{
	int value = 0;

	if (n == 0 || n > 5)
		return URI_E_SYNTAX;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(text[i]))
			return URI_E_SYNTAX;
		value = value * 10 + (text[i] - '0');
	}
	if (value < 1 || value > 65535)
		return URI_E_SYNTAX;
	*port = value;
	return 0;
}

static int take_authority(const char *text, size_t n, struct uri *u)
{
	const char *end = text + n, *host_end;
	int rc;

	if (memchr(text, '@', n))
		return URI_E_CREDENTIALS;
	if (n > 0 && text[0] == '[') {
		host_end = memchr(text, ']', n);
		if (!host_end)
			return URI_E_SYNTAX;
		rc = take_ipv6(text + 1, (size_t)(host_end - text) - 1, u->host, sizeof(u->host));
		host_end++;
	} else {
		host_end = memchr(text, ':', n);
		if (!host_end)
			host_end = end;
		rc = take_host_name(text, (size_t)(host_end - text), u->host, sizeof(u->host));
	}
	if (rc || host_end == end)
		return rc;
	return *host_end == ':' ? take_port(host_end + 1, (size_t)(end - host_end) - 1, &u->port)
				: URI_E_SYNTAX;
}

/* One "%41" at @text: decoded if it need not be escaped (RFC 3986 6.2.2), else with large letters. */
static int take_escape(const char *text, char *out, size_t *used)
{
	int high = hex_value(text[1]), low = high < 0 ? -1 : hex_value(text[2]),
	    c = high * 16 + low;

	if (low < 0 || c < ' ' || c == 0x7f)
		return URI_E_SYNTAX;
	if (c < 0x80 && (is_alnum((char)c) || strchr("-._~", c)))
		out[(*used)++] = (char)c;
	else
		*used += (size_t)sprintf(out + *used, "%%%02X", c);
	return 0;
}

static int take_path(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text; text++) {
		if (used + 4 >= size)
			return URI_E_SYNTAX;
		if (*text == '%') {
			if (take_escape(text, out, &used))
				return URI_E_SYNTAX;
			text += 2;
		} else if (*text == '/' && used > 0 && out[used - 1] == '/') {
			continue; /* "//" names what "/" names */
		} else if (is_alnum(*text) || strchr("/-._~!$&'()*+,;=:@", *text)) {
			out[used++] = *text;
		} else {
			return URI_E_SYNTAX; /* query and fragment are no part of a printer's name */
		}
	}
	while (used > 0 && out[used - 1] == '/')
		used--;
	out[used] = '\0';
	for (const char *p = strstr(out, "/."); p; p = strstr(p + 1, "/."))
		if (p[2] == '\0' || p[2] == '/' || (p[2] == '.' && (p[3] == '\0' || p[3] == '/')))
			return URI_E_SYNTAX; /* "." and ".." lead to something else than they show */
	if (used == 0)
		snprintf(out, size,
			"/ipp/print"); /* PWG 5100.14, 4.2: where a printer's default is */
	return 0;
}

static bool begins(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	return !strncmp(path, folder, n) && (path[n] == '/' || path[n] == '\0');
}

static int take_hierarchy(const char *text, bool web, struct uri *u)
{
	const char *slash;
	int rc;

	if (strncmp(text, "//", 2) != 0)
		return URI_E_SYNTAX;
	text += 2;
	slash = text + strcspn(text, "/?#");
	rc = take_authority(text, (size_t)(slash - text), u);
	if (rc)
		return rc;
	/* A web page is no printer; what CUPS and printers call http: only if its path says so. */
	if (web && !begins(slash, "/printers") && !begins(slash, "/classes") &&
		!begins(slash, "/ipp"))
		return URI_E_SCHEME;
	return take_path(slash, u->path, sizeof(u->path));
}

int uri_parse(const char *text, struct uri *out)
{
	static const struct {
		const char *name;
		enum uri_kind kind;
		int port;
		bool web;
	} scheme[] = {
		{"ipp:", URI_IPP, 631, false},
		{"ipps:", URI_IPPS, 631, false},
		{"http:", URI_IPP, 80, true},
		{"https:", URI_IPPS, 443, true},
	};
	struct uri u = {0};
	int rc;

	if (!text || strlen(text) > TEXT_MAX)
		return URI_E_SYNTAX;
	if (!strncasecmp(text, "cups:", 5)) {
		u.kind = URI_CUPS;
		if (!uri_is_queue_name(text + 5))
			return URI_E_SYNTAX;
		snprintf(u.path, sizeof(u.path), "%s", text + 5);
		*out = u;
		return 0;
	}
	for (size_t i = 0; i < sizeof(scheme) / sizeof(scheme[0]); i++) {
		size_t n = strlen(scheme[i].name);

		if (strncasecmp(text, scheme[i].name, n) != 0)
			continue;
		u.kind = scheme[i].kind;
		u.port = scheme[i].port;
		rc = take_hierarchy(text + n, scheme[i].web, &u);
		if (!rc)
			*out = u;
		return rc;
	}
	return strstr(text, "://") ? URI_E_SCHEME : URI_E_SYNTAX;
}

int uri_format(char *out, size_t size, const struct uri *u)
{
	const char *zone = strchr(u->host, '%');
	bool ipv6 = strchr(u->host, ':') != NULL;
	char host[sizeof(u->host) + 8], port[16] = "";
	int n;

	if (u->kind == URI_CUPS) {
		n = snprintf(out, size, "cups:%s", u->path);
		return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
	}
	if (ipv6 && zone)
		snprintf(host, sizeof(host), "[%.*s%%25%s]", (int)(zone - u->host), u->host,
			zone + 1);
	else
		snprintf(host, sizeof(host), ipv6 ? "[%s]" : "%s", u->host);
	if (u->port != 631)
		snprintf(port, sizeof(port), ":%d", u->port);
	n = snprintf(out, size, "%s://%s%s%s", u->kind == URI_IPPS ? "ipps" : "ipp", host, port,
		u->path);
	return n < 0 || (size_t)n >= size ? -ENAMETOOLONG : 0;
}
