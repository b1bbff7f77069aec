/* SPDX-License-Identifier: Apache-2.0 */
/* ticket-change - what a user changed at the server, put into his ticket (ticket.h); apart, since the filter does without. */
#include <cups/cups.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "core/ticket.h"

static int replace(ipp_t *ticket, const char *name, const char *value)
{
	ipp_attribute_t *old = ippFindAttribute(ticket, name, IPP_TAG_ZERO), *new;
	char *end;
	long number = strtol(value, &end, 10);

	if (!strcmp(name, "copies") ? *end || number < 1 || number > 9999
				    : !*value || strlen(value) > 31)
		return 0;
	if (old)
		ippDeleteAttribute(ticket, old);
	new = !strcmp(name, "copies")
		      ? ippAddInteger(ticket, IPP_TAG_JOB, IPP_TAG_INTEGER, name, (int)number)
		      : ippAddString(ticket, IPP_TAG_JOB, IPP_TAG_KEYWORD, name, NULL, value);
	return new ? 0 : -ENOMEM;
}

int ticket_change(ipp_t *ticket, const char *changes)
{
	static const char *const names[] = {"copies", "sides", "print-color-mode"};
	cups_option_t *options = NULL;
	int count = cupsParseOptions(changes, 0, &options), rc = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]) && !rc; i++) {
		const char *value = cupsGetOption(names[i], count, options);

		if (value)
			rc = replace(ticket, names[i], value);
	}
	cupsFreeOptions(count, options);
	return rc;
}
