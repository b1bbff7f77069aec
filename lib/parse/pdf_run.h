/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_run - run the operators of a page to learn its colour, without drawing it.
 *
 * What is tracked is what can make a coloured object invisible: the clip and the page as boxes,
 * transparency, text that paints nothing, layers that are off.  A page stops at its first certain
 * colour.  Pictures wait until all operators have run, since they are dear. */
#pragma once

#include "parse/pdf.h"
#include "parse/pdf_cs.h"

enum {
	RUN_DEPTH = 12,
	SAVED_MAX = 128,
	OPERANDS = 40,
	STRING_KEPT = 2048,
	WAITING_MAX = 64,
	JUMP = 2000
};

/* What an object was found to be, kept for the whole document. */
enum verdict_bit {
	VERDICT_KNOWN = 1,
	VERDICT_COLOUR = 2,
	VERDICT_DOUBT = 4,
	VERDICT_FAINT = 8,
	VERDICT_DECODED = 16,
	VERDICT_MARKS = 32,
	VERDICT_BUSY = 64, /* being found out */
};

struct font;

struct caches {
	struct cs_cache cs;
	struct {
		uint32_t num;
		uint8_t bits;
	} * verdicts; /* a hash by object; an object is one thing only */
	uint32_t nverdicts, verdict_room;
	struct font **fonts; /* a hash by object */
	uint32_t nfonts, font_room;
	struct obj oc_off, oc_on; /* layers: ISO 32000-2 8.11 */
	bool oc_base_off, oc_read;
};

struct box {
	double x0, y0, x1, y1;
};

struct paint {
	const struct cs *cs;
	double chroma; /* 0..255, negative when it cannot be told */
	bool white;
	struct obj pattern; /* OBJ_NULL if none; may be a reference */
};

struct gstate {
	double ctm[6];
	struct box clip; /* in the page's user space */
	struct paint fill, stroke;
	double fill_alpha, stroke_alpha, line_width;
	double group_alpha; /* of the transparency groups around, together */
	int text_mode;
	double font_size, leading;
	struct obj font; /* a reference, mostly */
};

/* What was found so far. */
struct verdict {
	bool colour, faint, doubt, marks, decoded;
	uint32_t culled; /* coloured things that were out of sight */
};

struct waiting_image {
	struct obj image;
	double scale; /* picture elements per point */
};

struct run {
	struct pdf *pdf;
	struct caches *caches;
	struct gstate gs;
	struct gstate *saved; /* SAVED_MAX of them */
	int nsaved, lost; /* lost: q beyond that, which are only counted */
	struct verdict v;
	int depth;
	bool uncoloured; /* in a glyph or pattern that has no colour of its own */
	bool glyph; /* of a Type 3 font */
	bool eager; /* pictures are decoded at once: in what is cached */
	/* the path */
	struct box path;
	bool has_path, clip_next;
	double text[6], line[6]; /* text and line matrix */
	bool text_moved; /* shown since it was set: x is not known any more */
	struct waiting_image waiting[WAITING_MAX];
	int nwaiting;
};

/* The operands before an operator, and where names are looked up. */
struct content {
	struct stm *in;
	const struct obj *resources;
	int base; /* q below this are not ours */
	double num[OPERANDS];
	int nnum;
	char name[2][128]; /* the last but one, and the last */
	int nnames;
	uint8_t str[STRING_KEPT];
	size_t nstr;
	bool str_more, in_array;
	bool jumps; /* an adjustment between strings of more than JUMP thousandths */
	int marked, hidden; /* depth of marked content; where it was hidden, 0 if not */
};

/* pdf_content.c */
void run_content(struct run *r, struct stm *in, const struct obj *resources);

/* pdf_paint.c */
struct box box_through(const double m[6], struct box b);
void matrix_multiply(double out[6], const double a[6], const double b[6]); /* a first, then b */
bool matrix_read(struct pdf *pdf, const struct obj *dict, const char *key, double m[6]);
void paint_init(struct paint *p);
void paint_set(struct run *r, struct paint *p, const struct cs *cs, const double *v);
/** paint_mark() - @p is put onto @where, a box in the page's user space */
void paint_mark(struct run *r, const struct paint *p, double alpha, struct box where);
/** run_chroma() - something of @chroma is put onto the page, in sight */
void run_chroma(struct run *r, double chroma);
void run_form(
	struct run *r, const struct obj *form, const struct obj *ref, const struct obj *resources);
void run_stream(struct run *r, const struct obj *stream, const struct obj *resources);
void paint_shading(struct run *r, const struct obj *shading, uint32_t num, double alpha);
uint8_t *verdict_of(struct caches *c, uint32_t num); /* NULL without memory */
uint8_t verdict_bits(const struct verdict *v);
void verdict_add(struct run *r, uint8_t bits);
bool in_sight(const struct gstate *gs, struct box b);

/* pdf_text.c */
void text_show(struct run *r, struct content *c);
void fonts_fini(struct caches *c);

/* pdf_image.c */
void image_paint(
	struct run *r, const struct obj *image, const struct obj *ref, const struct obj *resources);
void image_inline(struct run *r, struct content *c);
void images_finish(struct run *r); /* decode those that wait, until one shows colour */

/* pdf_layer.c */
bool layer_is_off(struct run *r, const struct obj *oc);

/* pdf_annot.c */
void run_annotations(struct run *r, const struct obj *page);
