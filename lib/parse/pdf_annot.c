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
	form = appearance(r, annot, &raw);
	if (form.type == OBJ_STREAM && read_rect(r, annot, "Rect", &rect) && place(r, &form, rect))
		run_form(r, &form, raw, &(struct obj){.type = OBJ_NULL});
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
