/* SPDX-License-Identifier: Apache-2.0 */
/* finishings - what is done to the sheets of a copy, by its IPP number. */
#include "parse/finishings.h"
#include <stddef.h>
#include <string.h>

static const struct {
	int number;
	const char *name;
} all[] = {{3, "none"}, {4, "staple"}, {5, "punch"}, {6, "cover"}, {7, "bind"},
	{8, "saddle-stitch"}, {9, "edge-stitch"}, {10, "fold"}, {11, "trim"}, {12, "bale"},
	{13, "booklet-maker"}, {14, "jog-offset"}, {15, "coat"}, {16, "laminate"},
	{20, "staple-top-left"}, {21, "staple-bottom-left"}, {22, "staple-top-right"},
	{23, "staple-bottom-right"}, {24, "edge-stitch-left"}, {25, "edge-stitch-top"},
	{26, "edge-stitch-right"}, {27, "edge-stitch-bottom"}, {28, "staple-dual-left"},
	{29, "staple-dual-top"}, {30, "staple-dual-right"}, {31, "staple-dual-bottom"},
	{32, "staple-triple-left"}, {33, "staple-triple-top"}, {34, "staple-triple-right"},
	{35, "staple-triple-bottom"}, {50, "bind-left"}, {51, "bind-top"}, {52, "bind-right"},
	{53, "bind-bottom"}, {60, "trim-after-pages"}, {61, "trim-after-documents"},
	{62, "trim-after-copies"}, {63, "trim-after-job"}, {70, "punch-top-left"},
	{71, "punch-bottom-left"}, {72, "punch-top-right"}, {73, "punch-bottom-right"},
	{74, "punch-dual-left"}, {75, "punch-dual-top"}, {76, "punch-dual-right"},
	{77, "punch-dual-bottom"}, {78, "punch-triple-left"}, {79, "punch-triple-top"},
	{80, "punch-triple-right"}, {81, "punch-triple-bottom"}, {82, "punch-quad-left"},
	{83, "punch-quad-top"}, {84, "punch-quad-right"}, {85, "punch-quad-bottom"},
	{86, "punch-multiple-left"}, {87, "punch-multiple-top"}, {88, "punch-multiple-right"},
	{89, "punch-multiple-bottom"}, {90, "fold-accordion"}, {91, "fold-double-gate"},
	{92, "fold-gate"}, {93, "fold-half"}, {94, "fold-half-z"}, {95, "fold-left-gate"},
	{96, "fold-letter"}, {97, "fold-parallel"}, {98, "fold-poster"}, {99, "fold-right-gate"},
	{100, "fold-z"}, {101, "fold-engineering-z"}};

const char *finishing_name(int number)
{
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].number == number)
			return all[i].name;
	return NULL;
}

int finishing_number(const char *text, unsigned long len)
{
	int v = 0;

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (strlen(all[i].name) == len && !memcmp(all[i].name, text, len))
			return all[i].number;
	for (unsigned long i = 0; i < len; i++) {
		if (text[i] < '0' || text[i] > '9' || v > 6553)
			return 0;
		v = v * 10 + (text[i] - '0');
	}
	return v >= FINISHING_NONE && v <= 65535 ? v : 0;
}
