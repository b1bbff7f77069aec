/* SPDX-License-Identifier: Apache-2.0 */
/* defaults - see defaults.h. No ppd*() functions: CUPS 3 has none, and the PPD is ours. */
#include "defaults.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *keyword, *shipped;
} keywords[] = {
	{"Duplex", "None"},
	{"ColorModel", "RGB"},
	{"InputSlot", "Auto"},
	{"MediaType", "Auto"},
	{"OutputBin", "Auto"},
	{"cupsPrintQuality", "Normal"},
	{"StapleLocation", "None"},
	{"PunchMedia", "None"},
	{"FoldType", "None"},
	{"Collate", "True"},
};

int defaults_read(const char *path, cups_option_t **options)
{
	FILE *f = path ? fopen(path, "re") : NULL;
	char line[512], keyword[64], value[128];
	int count = 0;

	while (f && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "*Default%63[A-Za-z]: %127[^ \t\r\n/]", keyword, value) != 2)
			continue;
		for (size_t i = 0; i < sizeof(keywords) / sizeof(keywords[0]); i++)
			if (!strcmp(keyword, keywords[i].keyword) &&
				strcmp(value, keywords[i].shipped) != 0)
				count = cupsAddOption(keyword, value, count, options);
	}
	if (f)
		fclose(f);
	return count;
}
