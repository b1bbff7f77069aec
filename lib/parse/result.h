/* SPDX-License-Identifier: Apache-2.0 */
/* result - how the readers of lib/parse fill a parse_result; not for callers outside. */
#pragma once

#include "parse/parse.h"

struct src;

/** result_new() - an empty result: nothing is known
 * Return: 0 or -ENOMEM. */
int result_new(struct parse_result **out);

/** result_set_count() - @count > 0 pages, each of unknown colour and size
 * Return: 0 or -ENOMEM. */
int result_set_count(struct parse_result *r, int32_t count);

/** result_add_page() - one page more, for readers that learn the count as they go
 * Return: 0, -ENOMEM, or -EOVERFLOW beyond @limits->pages. */
int result_add_page(
	struct parse_result *r, const struct parse_limits *limits, const struct parse_page *page);

/** result_clean_text() - a copy of UTF-8 text that is safe to show
 * Control characters become blanks, ill-formed octets are dropped, blanks at both ends go, at most
 * 255 octets stay.  Return: malloc()ed text, or NULL when nothing is left or memory is short. */
char *result_clean_text(const char *s, size_t len);

/** parse_document() - find out what @s is and read it, in this process
 * Return: 0, also for a document that is not understood; -ENOMEM. */
int parse_document(struct src *s, const struct parse_limits *limits, struct parse_result *r);
