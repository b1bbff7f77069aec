/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_run - run the operators of a page to learn its colour, without drawing it.
 *
 * What is tracked is what can make a coloured object invisible: the clip and the page as boxes,
 * transparency, text that paints nothing, layers that are off.  A page stops at its first certain
 * colour.  Pictures wait until all operators have run, since they are dear. */
#pragma once

#include "parse/pdf.h"
#include "parse/pdf_cs.h"
#include <string.h>

enum {
	RUN_DEPTH = 12,
	SAVED_MAX = 128,
	OPERANDS = 40,
	STRING_KEPT = 2048,
	WAITING_MAX = 64,
	PENDING_MAX = 4,
	PENDING_OPS = 100, /* run behind a colour that may be hidden yet */
	CORNERS = 5,
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
	double light; /* luminosity 0..1 */
	bool white;
	struct obj pattern; /* OBJ_NULL if none; may be a reference */
};

/* What a blend mode does to a ground that has no colour: ISO 32000-2 11.3.5. */
enum blend_bit {
	BLEND_MODE = 1, /* it is not Normal */
	BLEND_WHITE = 2, /* white stays white */
	BLEND_BLACK = 4, /* black stays black */
	BLEND_GRAY = 8, /* gray stays gray */
};

/* A soft mask: ISO 32000-2 11.6.5. Run only when a colour is painted through it. */
struct mask {
	struct mask *outer; /* of the group around; NULL: none */
	struct obj dict;
	double ctm[6]; /* in force when it was set */
	bool known;
	struct box lit; /* nothing shows outside of it */
	double top; /* the most that shows, 0..1 */
};

struct gstate {
	double ctm[6];
	struct box clip; /* in the page's user space */
	bool clip_cut; /* the clip is less than its box */
	bool flat; /* in a group whose space has no colours */
	bool blended; /* in a group that is not just laid onto what is below it */
	bool squeezed; /* horizontal scaling is 0: text shows nothing */
	uint8_t blend; /* blend_bit set */
	struct mask *mask; /* NULL: none */
	struct mask *group_mask; /* of the group around, which SMask None leaves */
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
	struct box where; /* what of it is in sight */
	bool opaque; /* and nothing below shows through */
	uint32_t seq;
};

/* A colour that was painted, and that something gray may still hide. */
struct pending {
	struct box where;
	uint32_t seq;
};

/* What a soft mask's group lets through. */
struct probe {
	bool alpha; /* by its opacity, not by its luminosity */
	struct box lit;
	double top;
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
	double corners[CORNERS][2]; /* its first points */
	int npoints, nrects;
	bool curved;
	bool sharp; /* what is stroked now may stick out of its box */
	struct box clip_text; /* of the text that is to clip */
	bool text_clips;
	/* what may hide a colour */
	struct box page; /* in its user space */
	struct box ground; /* the largest box that something gray and opaque was painted onto */
	double ground_light;
	bool ground_spoiled; /* by something that is not as light */
	struct mask *last_mask; /* that was set on the page */
	struct probe *probe; /* in a soft mask's group, else NULL */
	struct pending pending[PENDING_MAX];
	int npending;
	uint32_t seq, pending_ops;
	double text[6], line[6]; /* text and line matrix */
	bool settled; /* the page's own content has been run */
	bool in_text; /* text is being shown */
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
	bool defaults_read;
	const struct cs
		*defaults[3]; /* what stands for DeviceGray, RGB, CMYK here; NULL: they do */
};

/* An operator as a number. */
#define OP1(a) ((uint32_t)(a))
#define OP2(a, b) ((uint32_t)(a) << 8 | (uint32_t)(b))
#define OP3(a, b, c) ((uint32_t)(a) << 16 | (uint32_t)(b) << 8 | (uint32_t)(c))

/* pdf_content.c */
void run_content(struct run *r, struct stm *in, const struct obj *resources);
/* The last @n numbers before the operator; absent ones read as 0. */
static inline const double *content_operands(struct content *c, int n)
{
	if (c->nnum >= n)
		return c->num + c->nnum - n;
	memset(c->num + c->nnum, 0, (size_t)(n - c->nnum) * sizeof(*c->num));
	return c->num;
}
/* What @name is among the resources; @raw receives it unresolved unless it is NULL. */
struct obj content_resource(struct run *r, const struct content *c, const char *kind,
	const char *name, const struct obj **raw);

/* pdf_path.c: @op is the operator, its octets in the order in which they are written */
void path_op(struct run *r, struct content *c, uint32_t op);
void path_clip(struct run *r, struct box b, bool cut);

/* pdf_state.c */
void op_gs(struct run *r, const struct content *c);
/** state_hides() - whether mask or blend mode let nothing coloured show of @chroma at @where */
bool state_hides(struct run *r, double chroma, struct box where);
/** probe_mark() - something of that much light and opacity lies at @where of a mask's group */
void probe_mark(struct run *r, double light, double alpha, struct box where);

/* pdf_cover.c */
struct box box_cut(struct box a, struct box b);
/** cover_defer() - the colour that was just found is at @where: keep it apart if it may still be hidden */
void cover_defer(struct run *r, struct box where);
/** cover_hits() - whether cover_with() would hide something */
bool cover_hits(const struct run *r, struct box where);
/** cover_with() - something gray and opaque is painted onto all of @where */
void cover_with(struct run *r, struct box where, uint32_t seq);
/** cover_opaque() - whether what is filled now hides what is below */
bool cover_opaque(const struct run *r);
/** cover_may_come() - whether each colour that was kept apart lies under a picture that is not judged yet */
bool cover_may_come(const struct run *r);
/** cover_among_images() - whether a picture that waits lies under a later one, all of it */
bool cover_among_images(const struct run *r);
/** cover_is_ground() - whether a box is at least as large as what cover_ground() holds */
bool cover_is_ground(const struct run *r, struct box where);
/** cover_ground() - something gray and opaque of that luminosity is painted onto all of @where */
void cover_ground(struct run *r, double light, struct box where);
static inline void ground_none(struct run *r)
{
	r->ground = (struct box){0, 0, -1, -1e-9};
}

/* pdf_paint.c */
struct box box_through(const double m[6], struct box b);
void matrix_multiply(double out[6], const double a[6], const double b[6]); /* a first, then b */
bool matrix_read(struct pdf *pdf, const struct obj *dict, const char *key, double m[6]);
void paint_init(struct paint *p);
void paint_set(struct run *r, struct paint *p, const struct cs *cs, const double *v);
/** paint_mark() - @p is put onto @where, a box in the page's user space */
void paint_mark(struct run *r, const struct paint *p, double alpha, struct box where);
/** mark_hidden() - whether nothing coloured shows of a mark of @chroma at @where; if so, the mark is noted */
bool mark_hidden(struct run *r, double chroma, struct box where);
/** run_marks() - something of that luminosity is put onto the page, in sight; negative: of several */
static inline void run_marks(struct run *r, double light)
{
	r->ground_spoiled |= light != r->ground_light;
	r->v.marks |= light < 1;
}
/** run_chroma() - something of @chroma is put onto the page, in sight */
void run_chroma(struct run *r, double chroma);
void gstate_reset(struct gstate *gs); /* all but the matrix and the clip as a page begins */
/* Clips to BBox and goes into the form's own space. */
void form_enter(struct run *r, const struct obj *form);
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
/** image_in_space() - @image as if @space were its ColorSpace; as it is without memory */
struct obj image_in_space(struct run *r, const struct obj *image, const struct obj *space);
void images_finish(struct run *r); /* decode those that wait, until one shows colour */

/* pdf_layer.c */
bool layer_is_off(struct run *r, const struct obj *oc);

/* pdf_annot.c */
void run_annotations(struct run *r, const struct obj *page);
