/* SPDX-License-Identifier: Apache-2.0 */
/* stream - application/vnd.stillprint-job: what the filter writes to the backend through CUPS' pipe.
 *
 * Layout (version 1, integers big-endian): magic "SPJOB" + version octet, then frames: type (1), length (4), octets.
 *   'T' ticket: one IPP message, first, once · 'D' document octets, at most STREAM_CHUNK · 'E' trailer: octets (8),
 *   SHA-256 (32) of the document, last. Without a valid trailer there is no job: a filter killed in mid-stream looks
 *   like a plain end of file. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/auto.h"

enum { STREAM_CHUNK = 65536, STREAM_TICKET_MAX = 65536 };
enum stream_err { STREAM_E_DAMAGED = 1, STREAM_E_VERSION, STREAM_E_CUT };

struct stream_writer;
/* Writes magic and ticket to @fd (borrowed). 0 or -errno. */
int stream_writer_new(int fd, const void *ticket, size_t ticket_octets, struct stream_writer **out);
/* @sha256 is the document's, known beforehand: the writer makes none of its own. Call it before the first append. A
 * reader finds out when it is another's. */
enum { STREAM_SHA256_OCTETS = 32 };
void stream_writer_know(struct stream_writer *w, const unsigned char sha256[STREAM_SHA256_OCTETS]);
int stream_writer_append(struct stream_writer *w, const void *octets, size_t count);
int stream_writer_finish(struct stream_writer *w); /* the trailer */
void stream_writer_free(struct stream_writer *w);
AUTO_DEFINE(struct stream_writer *, stream_writer_free)

struct stream_reader;
/** stream_reader_new() - read magic and ticket from @fd (a pipe; borrowed)
 * Return: 0, STREAM_E_DAMAGED, STREAM_E_VERSION, STREAM_E_CUT (ended early), or -errno (-EINTR when a signal came). */
int stream_reader_new(int fd, struct stream_reader **out);
const void *stream_reader_get_ticket(const struct stream_reader *r, size_t *octets);
/** stream_reader_read() - the next document octets
 * @got: 0 at the end, only after the trailer proved length and digest and nothing follows it. Errors as above. */
int stream_reader_read(struct stream_reader *r, const void **octets, size_t *got);
/* The document's SHA-256, once the end was reached; NULL before. */
const unsigned char *stream_reader_get_sha256(const struct stream_reader *r);
void stream_reader_free(struct stream_reader *r);
AUTO_DEFINE(struct stream_reader *, stream_reader_free)
