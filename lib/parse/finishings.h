/* SPDX-License-Identifier: Apache-2.0 */
/* finishings - what is done to the sheets of a copy, by its IPP number: PWG 5100.1 section 5.2, RFC 8011 5.2.6. */
#pragma once

enum { FINISHING_NONE = 3 };

/** finishing_name() - "staple", "punch-dual-left", ...; NULL for a number without a name here */
const char *finishing_name(int number);

/** finishing_number() - of @len octets at @text: a name, or a number. Return: it, or 0. */
int finishing_number(const char *text, unsigned long len);
