/* SPDX-License-Identifier: Apache-2.0 */
/* text - text from outside (titles, names, printers' messages) made safe to show. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/** text_display() - copy @in to @out as valid UTF-8 that cannot mislead a terminal or a dialog
 * Bytes that are not UTF-8 (RFC 3629), control characters (C0, C1, DEL) and bidirectional or invisible format
 * characters become U+FFFD or a space; a text longer than @size - 1 octets is cut at a character, with "…" before a
 * suffix (the last 16 octets' worth of characters), so that "….pdf" stays readable.
 * @in may be NULL, which gives "". @size must be at least 32. @out is always terminated. */
void text_display(char *out, size_t size, const char *in);

/* True if text_display() would change nothing in @in: fit to be a name. */
bool text_is_clean(const char *in);
