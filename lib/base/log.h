/* SPDX-License-Identifier: Apache-2.0 */
/* log - one line per event on stderr: "job=42 event=claimed key=value"; the journal or a file takes it from there. */
#pragma once

enum log_level { LOG_LVL_ERROR, LOG_LVL_WARNING, LOG_LVL_INFO, LOG_LVL_DEBUG };

void log_set_level(enum log_level level); /* default: INFO */

/** log_event() - write one line, with a systemd priority prefix when stderr is the journal's
 * @fmt: the whole line in key=value form; values from outside go through log_quote(). Never titles, contents, secrets.
 * errno is kept. */
__attribute__((format(printf, 2, 3))) void log_event(enum log_level level, const char *fmt, ...);

/** log_quote() - @value with control characters, quotes and spaces escaped, at most 120 octets
 * Return: a pointer into one of eight static buffers used in turn (one thread only). */
const char *log_quote(const char *value);
