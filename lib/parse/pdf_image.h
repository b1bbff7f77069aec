/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_image - rows of samples: does any of them show a colour at 72 dpi? */
#pragma once

#include "parse/cells.h"
#include "parse/pdf_cs.h"
#include "parse/stm.h"

struct raw_image {
	const struct cs *cs;
	int64_t width, height;
	int bpc;
	const double *decode; /* NULL: as the space says */
	double scale; /* picture elements per point */
	double tolerance;
	bool composite_colour;
	const struct cells *shown; /* NULL: all of it */
	bool keyed; /* what lies within @key is not painted */
	double key[2 * FUNC_MAX];
};

/** raw_image_judge() - read rows from @in until one shows a colour. Return: verdict bits. */
uint8_t raw_image_judge(struct stm *in, const struct raw_image *img);
