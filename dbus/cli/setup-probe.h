/* SPDX-License-Identifier: Apache-2.0 */
/* setup-probe - what is behind a URI, asked from this computer: does it answer, is it ours, which login does it want? */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "ipp/target.h"

struct probe {
	char uri[512]; /* normalised */
	bool answered; /* an IPP answer came: info is filled in */
	enum target_health health;
	enum client_fault fault;
	bool encrypted;
	char pin[64]; /* of its certificate, "" without TLS */
	struct target_info info;
	bool wants_login; /* 401, or IPP not-authenticated, for looking or for printing */
	bool login_refused; /* the user and password given were not taken */
	bool other_pin; /* not the certificate that was expected: no password was sent */
	bool denied; /* 403, or IPP forbidden or not-authorized */
	char scheme[64]; /* of the login wanted: "Basic", "Negotiate"…; "" if it told none */
	ipp_status_t status; /* of the last answer */
	char detail[256]; /* what is wrong, for people; "" if nothing */
};

/** probe_uri() - Get-Printer-Attributes, then Validate-Job, at normalised ipp: or ipps: @uri
 * @pin: the certificate that it must show to be sent a password; "" or NULL: any, from then on that one
 * @user, @password: sent only over TLS, and only after the same certificate was met once without them; may be NULL
 * Return: 0 (look into @out), or -errno when nothing could be asked. */
int probe_uri(const char *uri, const char *user, const char *password, const char *pin,
	struct probe *out);
/* Get-Printer-Attributes at a queue of the server of our own, as the machine that we are. As probe_uri(); nothing is
 * asked of any other peer: another certificate is a fault, and detail says which. */
int probe_server(const char *uri, const struct client_identity *identity, struct probe *out);
/* "reachable, PDF, encrypted", or what is wrong. */
void probe_words(const struct probe *p, char *out, size_t size);
