/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_path - paths as boxes: what they paint, and what they cut away: ISO 32000-2 8.5. */
#include "parse/pdf_run.h"
#include <math.h>

static void add_point(struct run *r, double x, double y)
{
	struct box *b = &r->path;

	if (!r->has_path) {
		*b = (struct box){x, y, x, y};
		r->has_path = true;
		return;
	}
	b->x0 = x < b->x0 ? x : b->x0;
	b->y0 = y < b->y0 ? y : b->y0;
	b->x1 = x > b->x1 ? x : b->x1;
	b->y1 = y > b->y1 ? y : b->y1;
}

static void add_corner(struct run *r, struct content *c)
{
	const double *v = content_operands(c, 2);

	if (r->npoints < CORNERS) {
		r->corners[r->npoints][0] = v[0];
		r->corners[r->npoints][1] = v[1];
	}
	r->npoints++;
	add_point(r, v[0], v[1]);
}

static void add_curve(struct run *r, struct content *c, int n)
{
	const double *v = content_operands(c, 2 * n);

	r->curved = true;
	for (int i = 0; i < n; i++)
		add_point(r, v[2 * i], v[2 * i + 1]);
}

static void op_re(struct run *r, struct content *c)
{
	const double *v = content_operands(c, 4);

	r->nrects++;
	add_point(r, v[0], v[1]);
	add_point(r, v[0] + v[2], v[1] + v[3]);
}

/* Whether the path is all of its box, and the box has no slant on the page. */
static bool is_rectangle(const struct run *r)
{
	const double *m = r->gs.ctm;
	int n = r->npoints;

	if (r->curved || !((m[1] == 0 && m[2] == 0) || (m[0] == 0 && m[3] == 0)))
		return false;
	if (r->nrects)
		return r->nrects == 1 && !n;
	if (n != 4 && n != 5)
		return false;
	for (int i = 0; i < 4; i++) {
		const double *p = r->corners[i], *q = r->corners[(i + 1) % 4];

		/* Each side runs along one axis, and along the other one than the side before it. */
		if ((p[0] == q[0]) == (p[1] == q[1]) ||
			(p[0] == q[0]) != (i % 2 ? r->corners[1][0] == r->corners[2][0]
						 : r->corners[0][0] == r->corners[1][0]))
			return false;
	}
	return n == 4 ||
	       (r->corners[4][0] == r->corners[0][0] && r->corners[4][1] == r->corners[0][1]);
}

void path_clip(struct run *r, struct box b, bool cut)
{
	r->gs.clip = box_cut(b, r->gs.clip);
	r->gs.clip_cut = r->gs.clip_cut || cut;
}

enum { FILL = 1, STROKE = 2 };

static void fill(struct run *r, struct box b)
{
	struct gstate *gs = &r->gs;
	const struct paint *p = &gs->fill;

	if (!(b.x1 > b.x0 || b.y1 > b.y0))
		return;
	paint_mark(r, p, gs->fill_alpha, b);
	if (!r->npending && !r->nwaiting && !cover_is_ground(r, b))
		return;
	if (p->chroma < 0 || p->chroma > r->pdf->limits->tolerance / 2.0 ||
		p->pattern.type != OBJ_NULL || p->cs->kind == CS_NONE || !is_rectangle(r) ||
		!cover_opaque(r))
		return;
	b = box_cut(b, gs->clip);
	cover_ground(r, p->light, b);
	cover_with(r, b, ++r->seq);
}

static void stroke(struct run *r)
{
	double w = r->gs.line_width / 2;
	struct box wide = {r->path.x0 - w, r->path.y0 - w, r->path.x1 + w, r->path.y1 + w};

	/* Where lines join, a point may stick out: it must not be taken for hidden. */
	r->sharp = r->npoints > 2 || r->curved;
	paint_mark(r, &r->gs.stroke, r->gs.stroke_alpha, box_through(r->gs.ctm, wide));
	r->sharp = false;
}

static void end_path(struct run *r, int how)
{
	struct box b = box_through(r->gs.ctm, r->path);

	if (r->has_path && (how & FILL))
		fill(r, b);
	if (r->has_path && (how & STROKE))
		stroke(r);
	/* Without any path most renderers leave the clip as it is. */
	if (r->clip_next && r->has_path)
		path_clip(r, b, !is_rectangle(r));
	r->has_path = r->clip_next = r->curved = false;
	r->npoints = r->nrects = 0;
}

void path_op(struct run *r, struct content *c, uint32_t op)
{
	switch (op) {
	case OP1('m'):
	case OP1('l'):
		add_corner(r, c);
		break;
	case OP1('c'):
		add_curve(r, c, 3);
		break;
	case OP1('v'):
	case OP1('y'):
		add_curve(r, c, 2);
		break;
	case OP2('r', 'e'):
		op_re(r, c);
		break;
	case OP1('W'):
	case OP2('W', '*'):
		r->clip_next = true;
		break;
	case OP1('n'):
		end_path(r, 0);
		break;
	case OP1('f'):
	case OP1('F'):
	case OP2('f', '*'):
		end_path(r, FILL);
		break;
	case OP1('S'):
	case OP1('s'):
		end_path(r, STROKE);
		break;
	case OP1('B'):
	case OP1('b'):
	case OP2('B', '*'):
	case OP2('b', '*'):
		end_path(r, FILL | STROKE);
		break;
	}
}
