/* SPDX-License-Identifier: Apache-2.0 */
/* out - text for people: safe to show, in the terminal's own character set, wrapped to its width. */
#pragma once

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* Call once: takes the locale's character set. */
void out_init(void);

/** out_safe() - @text from outside, through text_display()
 * Return: one of eight static buffers used in turn, at most 1023 octets; NULL is "". */
const char *out_safe(const char *text);

/* UTF-8 to the locale's character set, what it lacks as '?'. Escape nothing: @text is safe already. */
void out_put(FILE *to, const char *text);
__attribute__((format(printf, 1, 2))) void out_say(const char *fmt, ...); /* to stdout */

/* Columns of the terminal: COLUMNS, else the window's; 0 when stdout is no terminal and COLUMNS is unset. */
int out_width(void);
/* Columns that UTF-8 @text takes. */
int out_columns(const char *text);
/** out_cut() - @text into @out in at most @columns, "…" where something is missing; a suffix stays when there is room */
void out_cut(char *out, size_t size, const char *text, int columns);
/** out_wrap() - @text at word ends, each line after @indent blanks, within out_width(); on one line when that is 0 */
void out_wrap(int indent, const char *text);
/* The same, with @label in the first line's indent. */
void out_wrap_label(const char *label, int indent, const char *text);

/* "10:42" today, "yesterday 10:42", "Fri 20 Nov 10:42" this year, else with the year; local. "" for 0. */
const char *out_when(int64_t at_s);
/* "3 min", "2 h", "5 days"; as out_safe() in static buffers. */
const char *out_span(int64_t seconds);
/* "1.4 MB". */
const char *out_octets(int64_t octets);
