/* SPDX-License-Identifier: Apache-2.0 */
/* planes - rows of printer rasters: unpack them, and see whether a pixel of them has a colour.
 *
 * What the two printer languages have in common: HP, PCL 5 Technical Reference, "Raster Graphics", and
 * PCL XL Feature Reference, "CompressMode". */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PLANES = 8, PLANE_MAX = 64 << 10 };

enum planes_packing {
	PLANES_PLAIN = 0,
	PLANES_RUNS = 1, /* count less one, octet */
	PLANES_PACKBITS = 2, /* TIFF */
	PLANES_DELTA = 3, /* changes to the row before */
};

enum planes_pixels {
	PLANES_BY_INDEX, /* each plane is a bit of a palette index */
	PIXELS_BY_INDEX, /* indices of @bits each, one after the other */
	PLANES_OF_COLOUR, /* a plane a bit of red, green, blue */
	PIXELS_OF_COLOUR, /* red, green, blue of @bits each, one after the other */
};

struct planes {
	enum planes_pixels pixels;
	int bits; /* of an index or a primary: 1, 2, 4 or 8 */
	int n; /* planes to a row; 0: the rows follow each other in one block of data */
	uint8_t tolerance;
	bool coloured[256]; /* palette entries that are */
	size_t width; /* pixels, 0: as many as there are */
	size_t len[PLANES]; /* octets of each plane that are in use */
	uint8_t *row[PLANES]; /* PLANE_MAX each; allocated by planes_init() */
};

bool planes_init(struct planes *p);
void planes_fini(struct planes *p);
/** planes_clear() - all rows read as 0, as at the start of a picture */
void planes_clear(struct planes *p);
/** planes_unpack() - make @len octets at @data the row of plane @i
 * Return: octets that were used, which is less when the row was full. */
size_t planes_unpack(
	struct planes *p, int i, enum planes_packing how, const uint8_t *data, size_t len);
/** planes_show_colour() - whether a pixel of the row has a colour */
bool planes_show_colour(const struct planes *p);
