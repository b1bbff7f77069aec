/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_cs - colour spaces, and what a colour in one looks like: ISO 32000-2 8.6. */
#pragma once

#include "parse/pdf.h"
#include "parse/pdf_func.h"

enum cs_kind {
	CS_GRAY, /* DeviceGray, CalGray, ICCBased of one component */
	CS_RGB,
	CS_CMYK,
	CS_LAB,
	CS_INDEXED,
	CS_TINT, /* Separation, DeviceN */
	CS_NONE, /* a Separation that paints nothing */
	CS_PATTERN,
	CS_UNKNOWN,
};

struct cs {
	enum cs_kind kind;
	int n; /* components; 0 for a plain Pattern */
	const struct cs *base; /* of Indexed, of a tint, under an uncoloured pattern */
	const struct func *tint;
	double range[4]; /* Lab */
	double white[3];
	const uint8_t *palette; /* Indexed: (high + 1) * base->n octets */
	int high;
	bool never_colour; /* whatever the components are */
};

/** A cache of colour spaces by object; emptied with the arena. */
struct cs_cache {
	struct {
		uint32_t num;
		const struct cs *cs;
	} slots[64];
};

extern const struct cs cs_gray, cs_rgb, cs_cmyk, cs_pattern;

/** cs_load() - the colour space that @o is, names being looked up in @resources
 * Return: never NULL; CS_UNKNOWN when it cannot be understood. */
const struct cs *cs_load(
	struct pdf *pdf, struct cs_cache *cache, const struct obj *o, const struct obj *resources);

/** cs_rgb_of() - what @v looks like, each 0..1
 * Return: false when that cannot be told. */
bool cs_rgb_of(const struct cs *cs, const double *v, double rgb[3]);

/** cs_chroma() - largest less smallest of R, G, B, 0..255; negative when it cannot be told */
double cs_chroma(const struct cs *cs, const double *v, bool composite_colour);

/** cs_initial() - the colour that selecting @cs sets. */
void cs_initial(const struct cs *cs, double *v);
/** cs_decode() - the default Decode range of component @i. */
void cs_decode(const struct cs *cs, int i, int bpc, double range[2]);
