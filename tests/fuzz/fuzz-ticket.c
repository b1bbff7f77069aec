/* SPDX-License-Identifier: Apache-2.0 */
/* fuzz-ticket - any octets at all as a ticket, or, after an 'o', as the options that a ticket is made of.
 *
 * What we write ourselves must be read again as the same. What libcups reads it may write as something else (a
 * member without a value is nothing it can write): there only memory and time count. */
#include "base/auto.h"
#include "core/ticket.h"
#include "core/wire.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_come_back(ipp_t *ticket)
{
	AUTO(auto_free) void *octets = NULL;
	AUTO(auto_free) void *again = NULL;
	AUTO(wire_deletep) ipp_t *copy = NULL;
	struct ticket_summary before, after;
	size_t count = 0, again_count = 0;

	if (ticket_encode(ticket, &octets, &count) || ticket_decode(octets, count, &copy))
		abort();
	memset(&before, 0, sizeof(before));
	memset(&after, 0, sizeof(after));
	ticket_summarise(ticket, &before);
	ticket_summarise(copy, &after);
	if (memcmp(&before, &after, sizeof(before)) != 0)
		abort();
	if (ticket_encode(copy, &again, &again_count) || again_count != count ||
		memcmp(octets, again, count) != 0)
		abort();
}

static void must_end(ipp_t *ticket)
{
	AUTO(auto_free) void *octets = NULL;
	AUTO(wire_deletep) ipp_t *copy = NULL;
	struct ticket_summary summary;
	size_t count = 0;

	ticket_summarise(ticket, &summary);
	if (summary.copies < 1 || summary.pages < -1)
		abort();
	if (!ticket_encode(ticket, &octets, &count) && ticket_decode(octets, count, &copy) < 0)
		abort();
}

static void try_options(const uint8_t *data, size_t size)
{
	AUTO(auto_free) char *text = malloc(size + 1);
	AUTO(wire_deletep) ipp_t *ticket = NULL;
	struct ticket_pages pages = {.pages = 2, .color_pages = 1, .gray_pages = 1};
	cups_option_t *options = NULL;
	int count;

	if (!text)
		return;
	memcpy(text, data, size);
	text[size] = '\0';
	count = cupsParseOptions(text, 0, &options);
	if (ticket_from_options(count, options, 0, NULL, size ? data[0] : 1, &ticket))
		abort();
	cupsFreeOptions(count, options);
	pages.size[pages.size_count++] = (struct ticket_size){21000, 29700, 2};
	if (ticket_add_document(ticket, "application/pdf", &pages))
		abort();
	must_come_back(ticket);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	AUTO(wire_deletep) ipp_t *ticket = NULL;

	if (size && data[0] == 'o')
		try_options(data + 1, size - 1);
	else if (!ticket_decode(data, size, &ticket))
		must_end(ticket);
	return 0;
}
