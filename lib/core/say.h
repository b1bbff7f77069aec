/* SPDX-License-Identifier: Apache-2.0 */
/* say - CUPS' stderr protocol for filters and backends (filter(7)): one line, one write(2), never longer than cupsd's
 * buffer, so that the lines of several processes on one pipe stay whole. */
#pragma once

enum { SAY_LINE_MAX = 2046 };

/** say() - "PREFIX: text"; prefixes are ERROR, WARNING, INFO, DEBUG, STATE, PAGE
 * Control octets in the text become '?'; a text that is too long is cut. No titles, no contents, no secrets. */
__attribute__((format(printf, 2, 3))) void say(const char *prefix, const char *fmt, ...);
