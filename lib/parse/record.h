/* SPDX-License-Identifier: Apache-2.0 */
/* record - a parse_result as bytes, for the pipe out of the sandbox. */
#pragma once

#include "parse/parse.h"

/** record_max() - the most octets that a record of @limits can have */
size_t record_max(const struct parse_limits *limits);

/** record_encode() - write @r as bytes
 * @out: receives malloc()ed memory of @len octets
 * Return: 0 or -ENOMEM. */
int record_encode(const struct parse_result *r, uint8_t **out, size_t *len);

/** record_decode() - read what a child wrote; nothing in it is believed unchecked
 * Return: 0, -EBADMSG for anything but one whole record of this version, or -ENOMEM. */
int record_decode(
	const uint8_t *p, size_t len, const struct parse_limits *limits, struct parse_result **out);
