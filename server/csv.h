/* SPDX-License-Identifier: Apache-2.0 */
/* csv - comma-separated values (RFC 4180), read in place and written. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct csv {
	char *at, *end; /* what is still to be read: *end must be writable, and becomes 0 */
	int line; /* of the record that csv_next() gave, from 1 */
	int lines; /* read so far */
	const char *why; /* what is wrong with it */
};

/* @octets: the whole file, changed while it is read; one octet more must be there. A UTF-8 BOM is skipped. */
void csv_init(struct csv *c, char *octets, size_t count);
/** csv_next() - the fields of the next record, within the octets; empty lines are none
 * Return: 1, 0: no more, -1: c->why is wrong with the record at c->line; it was skipped. */
int csv_next(struct csv *c, char **field, size_t max, size_t *count);

/* One field, in quotes where it has to be. */
void csv_write(FILE *to, const char *text);
