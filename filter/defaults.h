/* SPDX-License-Identifier: Apache-2.0 */
/* defaults - what the queue's administrator has set for jobs that do not ask, read from the queue's PPD. */
#pragma once

#include <cups/cups.h>

/** defaults_read() - options whose default in the PPD at @path is not the one that we ship
 * As shipped they mean "as the printer is set" and stay out of the ticket. So does the paper size: CUPS' own chain tells
 * a printer only the size that the job asked for. @options: as of cupsAddOption(), the caller frees them. Return: how many. */
int defaults_read(const char *path, cups_option_t **options);
