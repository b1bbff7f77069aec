/* SPDX-License-Identifier: Apache-2.0 */
/* drawing - a separate program that draws pages into a pipe, and the pictures that come out of it.
 *
 * The program is not ours and not trusted: it has the document as its standard input, a pipe, little
 * memory and time, no network, no new privilege, no file to write to, no shell between; its output is
 * pictures of which only the pixels are looked at. */
#pragma once

#include "parse/parse.h"
#include <stddef.h>
#include <sys/types.h>

struct drawing {
	int fd; /* what the program writes */
	pid_t pid;
	int64_t end_ms; /* of drawing_now_ms() */
	uint8_t buf[16384];
	size_t at, len;
};

struct drawn {
	int width, height, chroma; /* picture elements; the largest chroma */
};

int64_t drawing_now_ms(void);

/** drawing_start() - run @program with @argv
 * @fd: the document; its offset is not moved. @from: where the program begins to read it
 * @end_ms: when it is given up
 * Return: 0 or -errno. */
int drawing_start(struct drawing *d, const char *program, char *const argv[], int fd, uint64_t from,
	const struct parse_limits *limits, int64_t end_ms);

/** drawing_next() - the next picture: PPM of eight bits
 * @enough: a chroma from which on the rest of it need not be looked at, and is not read: for the last picture.
 *          256: all of it is.
 * Return: 1; 0 at the end; -EBADMSG for anything else, or a picture that did not come whole in time. */
int drawing_next(struct drawing *d, int enough, struct drawn *out);

/** drawing_stop() - end the program. Return: whether it had ended by itself, well, before its time was up. */
bool drawing_stop(struct drawing *d);
