/* SPDX-License-Identifier: Apache-2.0 */
/* parse - what a document costs: its pages, their colour and their size.
 *
 * The document is hostile input: it is read in a forked child that has no files, no rights and
 * little memory, and all that comes back is one bounds-checked record.  A document that cannot be
 * understood is not an error: its result says unknown, and the job prints on.
 * Not here: what the user asked for (totals.h), and how a format is read (the pdf_, ps_, pcl_,
 * raster_ and picture_ files). */
#pragma once

#include "base/auto.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum parse_colour {
	PARSE_COLOUR_UNKNOWN,
	PARSE_COLOUR_GRAY,
	PARSE_COLOUR_COLOUR,
};

enum parse_how {
	PARSE_HOW_UNKNOWN, /* the colour is not known, or the file says it without a proof */
	PARSE_HOW_PARSED, /* from the drawing operators alone */
	PARSE_HOW_DECODED, /* pictures were decoded for it */
	PARSE_HOW_RENDERED, /* the page was drawn */
};

enum parse_format {
	PARSE_FORMAT_UNKNOWN,
	PARSE_FORMAT_PDF,
	PARSE_FORMAT_POSTSCRIPT,
	PARSE_FORMAT_PCL,
	PARSE_FORMAT_PCLXL,
	PARSE_FORMAT_PWG,
	PARSE_FORMAT_CUPS,
	PARSE_FORMAT_URF,
	PARSE_FORMAT_JPEG,
	PARSE_FORMAT_PNG,
};

struct parse_page {
	double width_pt; /* as printed: CropBox, Rotate and UserUnit applied; 0 = not known */
	double height_pt; /* the same */
	enum parse_colour colour;
	enum parse_how how;
	bool blank; /* certainly nothing but white */
	bool faint; /* gray by the tolerance, yet not quite: chroma between half of it and all of it */
};

#define PARSE_COUNT_UNKNOWN (-1)

enum parse_flag {
	PARSE_F_DAMAGED = 1 << 0, /* read by repair: treat the figures with care */
	PARSE_F_ENCRYPTED = 1 << 1, /* opened with the empty user password */
	PARSE_F_PASSWORD = 1 << 2, /* needs a password that we lack */
	PARSE_F_LIMIT = 1 << 3, /* a limit of struct parse_limits was met */
	PARSE_F_DIED = 1 << 4, /* the reading child crashed, was killed or ran out of time */
	PARSE_F_JPX = 1 << 6, /* JPEG 2000 pictures are not judged: OpenJPEG is not installed */
	PARSE_F_JOB = 1 << 5, /* copies or duplex below are what the document itself asks for */
};

struct parse_result {
	enum parse_format format;
	unsigned int flags; /* PARSE_F_ bits */
	int32_t count; /* > 0, or PARSE_COUNT_UNKNOWN; never 0 */
	struct parse_page *pages; /* @count of them, NULL when the count is unknown */
	int32_t copies; /* with PARSE_F_JOB: 0 = not said */
	int32_t duplex; /* with PARSE_F_JOB: 0 not said, 1 one-sided, 2 long edge, 3 short edge */
	char *title; /* UTF-8 without control characters, at most 255 octets, or NULL */
	char *producer; /* the same */
};

/** struct parse_limits - what reading one document may cost, and what counts as colour
 * Set by parse_limits_init(); a caller changes single values after that. */
struct parse_limits {
	uint64_t memory_octets; /* address space of the child: 512 MiB */
	uint64_t stream_octets; /* decoded from one stream: 256 MiB */
	uint64_t job_octets; /* decoded from all streams: 4 GiB */
	uint32_t cpu_s; /* 30; what is known by then stands, the rest is unknown */
	uint32_t wall_ms; /* 60000, after which the child is killed */
	uint32_t pages; /* 1000000; more are reported as unknown */
	uint32_t objects; /* 8000000 */
	uint8_t tolerance; /* chroma (largest less smallest of R, G, B; 0..255) above which a colour is one: 24 */
	bool composite_colour; /* CMYK with C = M = Y > 0 is colour: toner is used; default false, as eyes see it */
	bool printed_annotations; /* only annotations with the Print flag count; default false: as shown on a
				   * screen. pdftopdf has drawn the printing ones into the page already. */
	bool count_only; /* pages and sizes; each colour stays unknown */
	/* The program that draws pages of unknown colour, as pdftoppm does: an absolute path; NULL, the default:
	 * none is allowed. At most so many pages of a document, and so long for all of them together. */
	const char *renderer;
	uint32_t render_pages; /* 20 */
	uint32_t render_ms; /* 10000 */
	/* The program that runs PostScript, as gs does: an absolute path; NULL, the default: none is allowed. It draws
	 * the document as a whole, within render_ms; its pages then are those that it drew. */
	const char *interpreter;
	bool no_sandbox; /* for debugging and fuzzing alone: read in this process */
};

void parse_limits_init(struct parse_limits *limits);

/** parse_sandboxed() - read the document in @fd and say what it costs
 * @fd: a regular file open for reading, best an unlinked one; its offset is neither used nor moved
 * @limits: NULL for the defaults
 * @out: receives the result; parse_result_free() it
 * Forks: call it from a process with one thread, or from one whose other threads hold no lock of
 * the C library.  SIGCHLD may be ignored or handled by the caller as it likes.
 * Return: 0, also when nothing was understood (count unknown); -errno when @fd cannot be read or
 * no child could be made.  The caller prints on in every case. */
int parse_sandboxed(int fd, const struct parse_limits *limits, struct parse_result **out);

/** parse_begin() - the same, while the caller does something else, and for several documents
 * One child reads them in turn; after one that died, was odd or took long another child goes on. So a
 * document that takes over its reader could lie about those after it, never about those before: what must
 * not mix does not belong into one run.
 * @fds: as in parse_sandboxed(), borrowed until parse_end(); the array itself is copied
 * Return: 0 or -errno. */
struct parse_run;
int parse_begin(
	const int fds[], size_t count, const struct parse_limits *limits, struct parse_run **out);

/** parse_next() - wait for the next document's result, in the order of @fds
 * Return: as parse_sandboxed(); -EINVAL after the last. */
int parse_next(struct parse_run *run, struct parse_result **out);
void parse_end(struct parse_run *run); /* ends what still reads; NULL is fine */
AUTO_DEFINE(struct parse_run *, parse_end)

void parse_result_free(struct parse_result *r); /* NULL is fine */
AUTO_DEFINE(struct parse_result *, parse_result_free)

const char *parse_colour_name(enum parse_colour colour); /* "gray", "colour", "unknown" */
const char *parse_how_name(enum parse_how how); /* "parsed", "decoded", "rendered", "unknown" */
const char *parse_format_mime(
	enum parse_format format); /* "application/pdf", ... or "application/octet-stream" */
