/* SPDX-License-Identifier: Apache-2.0 */
/* record - a parse_result as bytes, for the pipe out of the sandbox. */
#pragma once

#include "parse/parse.h"

enum { RECORD_HEAD_OCTETS = 30 };

/** record_size() - how long the record is that begins with the @len octets at @p, by its head
 * Return: 0; -EBADMSG for what is none, or one of more pages than @limits allow, or fewer octets than a head. */
int record_size(const uint8_t *p, size_t len, const struct parse_limits *limits, size_t *size);

/** record_encode() - write @r as bytes
 * @out: receives malloc()ed memory of @len octets
 * Return: 0 or -ENOMEM. */
int record_encode(const struct parse_result *r, uint8_t **out, size_t *len);

/** record_decode() - read what a child wrote; nothing in it is believed unchecked
 * Return: 0, -EBADMSG for anything but one whole record of this version, or -ENOMEM. */
int record_decode(
	const uint8_t *p, size_t len, const struct parse_limits *limits, struct parse_result **out);
