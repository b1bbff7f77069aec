/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_annot - annotations that show on the page: ISO 32000-2 12.5. */
#include "parse/pdf_run.h"
#include <math.h>
#include <string.h>

enum { F_HIDDEN = 1 << 1, F_PRINT = 1 << 2, F_NOVIEW = 1 << 5, ANNOTS_MAX = 20000 };

/* The appearance that is in force. @raw receives it unresolved. */
static struct obj appearance(struct run *r, const struct obj *annot, const struct obj **raw)
{
	struct obj ap = pdf_get(r->pdf, annot, "AP"), n, state = pdf_get(r->pdf, annot, "AS");

	*raw = pdf_raw(&ap, "N");
	n = pdf_resolve(r->pdf, *raw);
	if (n.type != OBJ_DICT)
		return n;
	*raw = state.type == OBJ_NAME ? pdf_raw(&n, state.u.s) : NULL;
	return pdf_resolve(r->pdf, *raw);
}

static bool read_rect(struct run *r, const struct obj *dict, const char *key, struct box *b)
{
	struct obj a = pdf_get(r->pdf, dict, key);
	double v[4];

	if (pdf_numbers(r->pdf, &a, v, 4) != 4)
		return false;
	*b = (struct box){fmin(v[0], v[2]), fmin(v[1], v[3]), fmax(v[0], v[2]), fmax(v[1], v[3])};
	return true;
}

/* 12.5.5: the appearance's box, through its Matrix, is fitted into the annotation's Rect. */
static bool place(struct run *r, const struct obj *form, struct box rect)
{
	struct box b;
	double m[6], sx, sy;

	if (!read_rect(r, form, "BBox", &b))
		return false;
	matrix_read(r->pdf, form, "Matrix", m);
	b = box_through(m, b);
	if (b.x1 - b.x0 <= 0 || b.y1 - b.y0 <= 0 || rect.x1 - rect.x0 <= 0 ||
		rect.y1 - rect.y0 <= 0)
		return false;
	sx = (rect.x1 - rect.x0) / (b.x1 - b.x0);
	sy = (rect.y1 - rect.y0) / (b.y1 - b.y0);
	matrix_multiply(r->gs.ctm,
		(double[6]){sx, 0, 0, sy, rect.x0 - b.x0 * sx, rect.y0 - b.y0 * sy}, r->gs.ctm);
	return true;
}

static void mark_array(struct run *r, const struct obj *color, double alpha, struct box where)
{
	static const struct cs *const spaces[] = {NULL, &cs_gray, NULL, &cs_rgb, &cs_cmyk};
	struct paint p;
	double v[4];

	if (color->type != OBJ_ARRAY || color->len > 4 || !spaces[color->len])
		return;
	pdf_numbers(r->pdf, color, v, 4);
	paint_init(&p);
	paint_set(r, &p, spaces[color->len], v);
	paint_mark(r, &p, alpha, where);
}

/* The text of a field or note, in the colour that its DA sets. */
static void mark_text(struct run *r, const struct obj *da, struct box where)
{
	struct gstate gs = r->gs;
	struct stm *in;

	if (da->type != OBJ_STRING || !(in = stm_new_mem(da->u.s, da->len, &r->pdf->budget)))
		return;
	paint_init(&r->gs.fill);
	run_content(r, in, &(struct obj){.type = OBJ_NULL});
	paint_mark(r, &r->gs.fill, 1, where);
	r->gs = gs;
	stm_close(in);
}

/* A field's entry, from the field above it where it has none itself. */
static struct obj field_get(struct run *r, const struct obj *annot, const char *key)
{
	struct obj at = *annot, o = {.type = OBJ_NULL};

	for (int i = 0; i < 8 && at.type == OBJ_DICT; i++) {
		o = pdf_get(r->pdf, &at, key);
		if (o.type != OBJ_NULL)
			return o;
		at = pdf_get(r->pdf, &at, "Parent");
	}
	return o;
}

static void run_bare_widget(struct run *r, const struct obj *annot, struct box rect)
{
	struct obj mk = pdf_get(r->pdf, annot, "MK"), bg = pdf_get(r->pdf, &mk, "BG");
	struct obj value = field_get(r, annot, "V"), da = field_get(r, annot, "DA"), root, form;

	mark_array(r, &bg, 1, rect);
	if (value.type != OBJ_STRING || !value.len)
		return;
	if (da.type == OBJ_NULL) {
		root = pdf_get(r->pdf, &r->pdf->trailer, "Root");
		form = pdf_get(r->pdf, &root, "AcroForm");
		da = pdf_get(r->pdf, &form, "DA");
	}
	mark_text(r, &da, rect);
}

/* Renderers make up an appearance for some kinds that have none, out of C, IC, MK and DA. These are the
 * kinds for which the three that we compare with agree. */
static void run_bare(struct run *r, const struct obj *annot, struct box rect)
{
	static const char *const drawn[] = {"Highlight", "Underline", "StrikeOut", "Squiggly",
		"Square", "Circle", "Line", "Ink", "Polygon", "PolyLine", "FreeText"};
	struct obj subtype = pdf_get(r->pdf, annot, "Subtype"),
		   alpha = pdf_get(r->pdf, annot, "CA"), o;

	if (pdf_name_is(&subtype, "Widget")) {
		run_bare_widget(r, annot, rect);
		return;
	}
	for (size_t i = 0; i < sizeof(drawn) / sizeof(drawn[0]); i++) {
		if (!pdf_name_is(&subtype, drawn[i]))
			continue;
		o = pdf_get(r->pdf, annot, "C");
		mark_array(r, &o, pdf_number(&alpha, 1), rect);
		o = pdf_get(r->pdf, annot, "IC");
		mark_array(r, &o, pdf_number(&alpha, 1), rect);
		o = pdf_get(r->pdf, annot, "DA");
		mark_text(r, &o, rect);
	}
}

static bool is_shown(struct run *r, const struct obj *annot)
{
	struct obj flags = pdf_get(r->pdf, annot, "F"), subtype = pdf_get(r->pdf, annot, "Subtype");
	int64_t f = pdf_int(&flags, 0);
	const struct obj *oc = pdf_raw(annot, "OC");

	if ((f & F_HIDDEN) || pdf_name_is(&subtype, "Popup"))
		return false;
	if (r->pdf->limits->printed_annotations ? !(f & F_PRINT) : (f & F_NOVIEW) != 0)
		return false;
	return !oc || !layer_is_off(r, oc);
}

static void run_annotation(struct run *r, const struct obj *annot)
{
	struct gstate gs = r->gs;
	const struct obj *raw;
	struct obj form;
	struct box rect;

	if (annot->type != OBJ_DICT || !is_shown(r, annot))
		return;
	if (!read_rect(r, annot, "Rect", &rect))
		return;
	form = appearance(r, annot, &raw);
	if (form.type == OBJ_STREAM && place(r, &form, rect))
		run_form(r, &form, raw, &(struct obj){.type = OBJ_NULL});
	else if (!pdf_raw(annot, "AP") && rect.x1 > rect.x0 && rect.y1 > rect.y0)
		run_bare(r, annot, rect);
	r->gs = gs;
}

void run_annotations(struct run *r, const struct obj *page)
{
	struct obj annots = pdf_get(r->pdf, page, "Annots");

	for (uint32_t i = 0;
		annots.type == OBJ_ARRAY && i < annots.len && i < ANNOTS_MAX && !r->v.colour; i++) {
		struct obj annot = pdf_at(r->pdf, &annots, i);

		run_annotation(r, &annot);
	}
}
