/* SPDX-License-Identifier: Apache-2.0 */
/* ticket - what a job asks of a printer, and what is known of its document: one IPP message, written by the filter, read
 * by the daemon. All attributes are in the job group, with standard names and syntaxes (PWG 5100.7, 5100.13, RFC 8011).
 *
 * Asked for, present only when the user or the queue's own defaults asked: copies (always there),
 * multiple-document-handling, sides, media (keyword, the PWG size name), media-col (media-size, media-size-name,
 * media-source, media-type), print-color-mode, print-quality, finishings, finishings-col, output-bin,
 * printer-resolution, print-content-optimize, print-rendering-intent, job-account-id, job-accounting-user-id,
 * job-password, job-password-encryption.
 * Known of the document: document-format, job-pages (integer, or unknown), VENDOR"page-size" (collections of x-dimension,
 * y-dimension in hundredths of a millimetre and VENDOR"pages"), VENDOR"color" (keyword: "color" if a
 * page has one, "monochrome" if all are known to be gray, else "unknown"), VENDOR"color-pages" and VENDOR"monochrome-pages" (integers; the rest of job-pages is unknown).
 *
 * Left out: what the conversion to application/vnd.cups-pdf has applied (number-up, page-ranges, page-set, borders,
 * booklet, mirror, orientation, scaling, order, labels), so that no target applies it again; and PPD names, which are
 * turned into IPP's. */
#pragma once

#include <cups/cups.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum ticket_err { TICKET_E_DAMAGED = 1 };
enum { TICKET_SIZE_MAX = 16 };

struct ticket_size {
	int32_t x, y; /* hundredths of a millimetre, as the page is read (rotation applied) */
	int32_t pages;
};

/* What is known of the document. */
struct ticket_pages {
	int32_t pages; /* -1: unknown */
	int32_t color_pages, gray_pages; /* known to be; the rest is unknown */
	int32_t size_count; /* distinct sizes, the most used ones if there are more */
	struct ticket_size size[TICKET_SIZE_MAX];
};

struct ticket_summary {
	int32_t pages; /* -1: unknown */
	int32_t copies; /* at least 1 */
	bool collated; /* false only if the user asked for uncollated copies */
	int32_t quality; /* 3 draft, 4 normal, 5 high; 0: not asked for */
	int32_t finishing_count;
	char sides
		[32]; /* "one-sided", "two-sided-long-edge", "two-sided-short-edge"; "" not asked for */
	char color_mode[32]; /* print-color-mode asked for, "" */
	char color[32]; /* what the document has: "color", "monochrome", "unknown" */
	char media[64]; /* PWG size name, "" */
	char source[64]; /* media-source, "" */
	char format[128]; /* document-format */
};

/** ticket_from_options() - the message for what CUPS hands a filter
 * @options: argv[5], parsed; @copies: argv[4]
 * @defaults: the queue's own defaults ("Duplex", "InputSlot", …), weaker than @options; may be NULL
 * Return: 0 or -ENOMEM. *@out is the caller's, ippDelete(). */
int ticket_from_options(int option_count, cups_option_t *options, int default_count,
	cups_option_t *defaults, int copies, ipp_t **out);
/* Adds what is known of the document. Return: 0 or -ENOMEM. */
int ticket_add_document(ipp_t *ticket, const char *format, const struct ticket_pages *pages);

/* Replaces copies, sides and print-color-mode by those of @changes ("copies=2 sides=one-sided"); nothing else is taken, and
 * nothing that is not of their syntax. Return: 0 or -ENOMEM. */
int ticket_change(ipp_t *ticket, const char *changes);

/* @out: heap memory, the caller frees it. Return: 0, -EMSGSIZE, -ENOMEM. */
int ticket_encode(ipp_t *ticket, void **out, size_t *octets);
/* Caps as in wire.h. Return: 0, TICKET_E_DAMAGED, or -ENOMEM. */
int ticket_decode(const void *octets, size_t count, ipp_t **out);

/* Never fails: what is missing or of another syntax counts as not asked for. @ticket may be NULL (raw file). */
void ticket_summarise(ipp_t *ticket, struct ticket_summary *out);
