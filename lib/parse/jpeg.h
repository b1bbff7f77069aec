/* SPDX-License-Identifier: Apache-2.0 */
/* jpeg - look at a JPEG's colours at the resolution of a 72 dpi page. */
#pragma once

#include "parse/cells.h"
#include "parse/pdf_cs.h"
#include "parse/stm.h"

enum jpeg_answer {
	JPEG_GRAY,
	JPEG_COLOUR,
	JPEG_BROKEN, /* nothing could be decoded, or not in a way we know */
	JPEG_NONE, /* no header: no renderer draws it either */
};

struct jpeg_look {
	const struct cs *cs; /* NULL: as the file says */
	const double *decode; /* NULL: none; else two numbers a component */
	bool no_transform; /* the document says: three components are RGB */
	double scale; /* picture elements per point */
	double tolerance; /* chroma 0..255 */
	const struct cells *shown; /* NULL: all of it */
	bool composite_colour;
	double top; /* receives the largest chroma that was seen */
	uint32_t width, height; /* receive the size */
	uint32_t dpi; /* receives the resolution, 0 when not said */
	int components; /* receives how many there are */
};

/** jpeg_look() - decode @in until a colour shows; @in is the caller's to close */
enum jpeg_answer jpeg_look(struct stm *in, struct jpeg_look *look);

/** jpeg_size() - read the header alone. Return: whether there is one. */
bool jpeg_size(struct stm *in, struct jpeg_look *look);
