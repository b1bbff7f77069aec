/* SPDX-License-Identifier: Apache-2.0 */
/* jpx - look at a JPEG 2000 picture's colours: ISO/IEC 15444-1.
 *
 * One component that stands for gray is known from the head alone; anything else is decoded by
 * OpenJPEG, which is loaded when a document needs it, and not asked for otherwise. */
#pragma once

#include "parse/cells.h"
#include "parse/pdf_cs.h"
#include "parse/stm.h"

enum jpx_answer {
	JPX_GRAY,
	JPX_COLOUR,
	JPX_BROKEN, /* nothing could be decoded, or not in a way we know */
	JPX_NO_DECODER, /* it is not loaded, and may not be from here */
};

struct jpx_look {
	const struct cs *cs; /* NULL: as the file says */
	const double *decode; /* NULL: none; else two numbers a component */
	double scale; /* picture elements per point */
	double tolerance; /* chroma 0..255 */
	bool composite_colour;
	const struct cells *shown; /* NULL: all of it */
	double top; /* receives the largest chroma that was seen */
};

/** jpx_look() - decode @in; it is the caller's to close */
enum jpx_answer jpx_look(struct stm *in, struct jpx_look *look);

/** jpx_load() - load the decoder. Return: whether it is there. */
bool jpx_load(void);
/** jpx_forbid() - from now on nothing may be loaded in this process: it is about to be confined */
void jpx_forbid(void);
