/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_cover - colours that something gray and opaque is painted over later.
 *
 * The first few coloured marks of a page are kept as boxes, and the page runs on: what covers such a
 * box for certain takes it away.  A page with more of them, or one that goes on for long, is coloured
 * at once, as almost every page with a colour is. */
#include "parse/pdf_run.h"
#include <math.h>

enum { SHARP = 10 }; /* the miter limit that applies when none is set */

struct box box_cut(struct box a, struct box b)
{
	a.x0 = a.x0 > b.x0 ? a.x0 : b.x0;
	a.y0 = a.y0 > b.y0 ? a.y0 : b.y0;
	a.x1 = a.x1 < b.x1 ? a.x1 : b.x1;
	a.y1 = a.y1 < b.y1 ? a.y1 : b.y1;
	return a;
}

bool cover_opaque(const struct run *r)
{
	const struct gstate *gs = &r->gs;

	return !r->eager && !r->probe && !r->uncoloured && gs->fill_alpha >= 1 &&
	       gs->group_alpha >= 1 && !gs->blend && !gs->blended && !gs->mask && !gs->group_mask &&
	       !gs->clip_cut;
}

void cover_defer(struct run *r, struct box where)
{
	double w = 0;

	if (!r->v.colour)
		return;
	/* Text is not covered, as a rule, and there is a lot of it. */
	if (r->eager || r->in_text || r->settled || r->probe)
		return;
	if (r->sharp)
		w = r->gs.line_width * SHARP *
		    fmax(hypot(r->gs.ctm[0], r->gs.ctm[1]), hypot(r->gs.ctm[2], r->gs.ctm[3]));
	where = box_cut(
		(struct box){where.x0 - w, where.y0 - w, where.x1 + w, where.y1 + w}, r->gs.clip);
	for (int i = 0; i < r->npending; i++) {
		struct pending *p = &r->pending[i];

		if (where.x0 >= p->where.x0 && where.y0 >= p->where.y0 && where.x1 <= p->where.x1 &&
			where.y1 <= p->where.y1) {
			p->seq = ++r->seq;
			r->v.colour = false;
			return;
		}
	}
	if (r->npending == PENDING_MAX)
		return;
	r->pending[r->npending++] = (struct pending){where, ++r->seq};
	r->v.colour = false;
}

/* Whether an edge at @x lies between two pixels of a page drawn at 72 dpi, whichever side it is drawn from. */
static bool on_grid(double x, double from, double to)
{
	return fabs(x - from - round(x - from)) < 1e-3 && fabs(to - x - round(to - x)) < 1e-3;
}

/* Whether a cover whose low edge is at @edge leaves nothing of what begins at @x. Where both edges lie within
 * one pixel, a fringe of the colour stays. */
static bool covers_low(double edge, double x, double from, double to)
{
	return edge <= x - 1 || edge <= from ||
	       (edge <= x + 1e-3 && (on_grid(edge, from, to) || on_grid(x, from, to)));
}

static bool covers(const struct run *r, struct box over, struct box b)
{
	const struct box *p = &r->page;

	return covers_low(over.x0, b.x0, p->x0, p->x1) && covers_low(over.y0, b.y0, p->y0, p->y1) &&
	       covers_low(-over.x1, -b.x1, -p->x1, -p->x0) &&
	       covers_low(-over.y1, -b.y1, -p->y1, -p->y0);
}

bool cover_hits(const struct run *r, struct box where)
{
	for (int i = 0; i < r->npending; i++)
		if (covers(r, where, r->pending[i].where))
			return true;
	for (int i = 0; i < r->nwaiting; i++)
		if (covers(r, where, r->waiting[i].where))
			return true;
	return false;
}

void cover_with(struct run *r, struct box where, uint32_t seq)
{
	int n = 0;

	for (int i = 0; i < r->npending; i++) {
		struct pending *p = &r->pending[i];

		if (p->seq > seq || !covers(r, where, p->where))
			r->pending[n++] = *p;
	}
	r->npending = n;
	for (int i = 0; i < r->nwaiting; i++) {
		struct waiting_image *w = &r->waiting[i];

		if (w->seq < seq && covers(r, where, w->where))
			w->image.type = OBJ_NULL;
	}
}

bool cover_may_come(const struct run *r)
{
	for (int i = 0; i < r->npending; i++) {
		bool may = false;

		for (int k = 0; k < r->nwaiting && !may; k++)
			may = r->waiting[k].opaque && r->waiting[k].seq > r->pending[i].seq &&
			      covers(r, r->waiting[k].where, r->pending[i].where);
		if (!may)
			return false;
	}
	return true;
}

bool cover_among_images(const struct run *r)
{
	for (int i = 0; i < r->nwaiting; i++)
		for (int k = i + 1; k < r->nwaiting; k++)
			if (r->waiting[k].opaque &&
				covers(r, r->waiting[k].where, r->waiting[i].where))
				return true;
	return false;
}

bool cover_is_ground(const struct run *r, struct box where)
{
	const struct box *g = &r->ground;

	return (where.x1 - where.x0) * (where.y1 - where.y0) >= (g->x1 - g->x0) * (g->y1 - g->y0);
}

void cover_ground(struct run *r, double light, struct box where)
{
	if (!cover_is_ground(r, where))
		return;
	r->ground = where;
	r->ground_light = light;
	r->ground_spoiled = false;
}
