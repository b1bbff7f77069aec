/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_state - the graphics state parameters that may hide a colour: ISO 32000-2 8.4.5, 11.3.5, 11.6.5.
 *
 * A soft mask is run like a page of which only two things are kept: the box outside of which nothing of
 * it lets anything through, and the most that it lets through anywhere. */
#include "parse/pdf_run.h"
#include <math.h>
#include <string.h>

enum { STEPS = 17 };

static const struct box everywhere = {-INFINITY, -INFINITY, INFINITY, INFINITY};
static const struct box nowhere = {INFINITY, INFINITY, -INFINITY, -INFINITY};

static uint8_t blend_of(struct run *r, const struct obj *o)
{
	static const struct {
		const char *name;
		uint8_t what;
	} modes[] = {{"Multiply", BLEND_BLACK}, {"Screen", BLEND_WHITE},
		{"Overlay", BLEND_WHITE | BLEND_BLACK}, {"Darken", BLEND_BLACK},
		{"Lighten", BLEND_WHITE}, {"ColorDodge", BLEND_WHITE | BLEND_BLACK},
		{"ColorBurn", BLEND_BLACK}, {"HardLight", 0},
		{"SoftLight", BLEND_WHITE | BLEND_BLACK}, {"Difference", 0}, {"Exclusion", 0},
		{"Hue", BLEND_GRAY}, {"Saturation", BLEND_GRAY},
		{"Color", BLEND_WHITE | BLEND_BLACK}, {"Luminosity", BLEND_GRAY}};
	struct obj first = o->type == OBJ_ARRAY ? pdf_at(r->pdf, o, 0) : *o;

	for (size_t i = 0; i < sizeof(modes) / sizeof(modes[0]); i++)
		if (pdf_name_is(&first, modes[i].name))
			return BLEND_MODE | modes[i].what;
	return 0;
}

/* The same mask is set again and again, as a rule: what was found of it stays known. */
static bool is_last_mask(const struct run *r, const struct obj *dict)
{
	const struct mask *m = r->last_mask;

	return m && m->dict.u.items == dict->u.items && m->outer == r->gs.group_mask &&
	       !memcmp(m->ctm, r->gs.ctm, sizeof(m->ctm));
}

static void set_mask(struct run *r, const struct obj *dict)
{
	struct mask *m;

	r->gs.mask = NULL;
	if (dict->type != OBJ_DICT)
		return;
	m = is_last_mask(r, dict) ? r->last_mask : arena_alloc(&r->pdf->arena, sizeof(*m));
	if (m && m != r->last_mask) {
		*m = (struct mask){.outer = r->gs.group_mask, .dict = *dict};
		memcpy(m->ctm, r->gs.ctm, sizeof(m->ctm));
		r->last_mask = m;
	}
	r->gs.mask = m;
}

void op_gs(struct run *r, const struct content *c)
{
	struct obj gs = content_resource(r, c, "ExtGState", c->name[1], NULL), o;

	o = pdf_get(r->pdf, &gs, "ca");
	r->gs.fill_alpha = pdf_number(&o, r->gs.fill_alpha);
	o = pdf_get(r->pdf, &gs, "CA");
	r->gs.stroke_alpha = pdf_number(&o, r->gs.stroke_alpha);
	o = pdf_get(r->pdf, &gs, "LW");
	r->gs.line_width = pdf_number(&o, r->gs.line_width);
	o = pdf_get(r->pdf, &gs, "BM");
	if (o.type != OBJ_NULL)
		r->gs.blend = blend_of(r, &o);
	o = pdf_get(r->pdf, &gs, "SMask");
	if (o.type != OBJ_NULL)
		set_mask(r, &o);
	o = pdf_get(r->pdf, &gs, "Font");
	if (o.type == OBJ_ARRAY && o.len == 2) {
		struct obj size = pdf_at(r->pdf, &o, 1);

		r->gs.font = o.u.items[0];
		r->gs.font_size = pdf_number(&size, 0);
	}
}

void probe_mark(struct run *r, double light, double alpha, struct box where)
{
	struct probe *p = r->probe;
	double top = fmin(1, alpha) * (p->alpha ? 1 : light);

	where = box_cut(where, r->gs.clip);
	if (!(top > 0) || where.x1 < where.x0 || where.y1 < where.y0)
		return;
	p->top = fmax(p->top, top);
	p->lit = (struct box){fmin(p->lit.x0, where.x0), fmin(p->lit.y0, where.y0),
		fmax(p->lit.x1, where.x1), fmax(p->lit.y1, where.y1)};
}

/* What lies around the group: black unless BC says else. */
static double backdrop(struct run *r, const struct obj *dict, const struct obj *group)
{
	struct obj bc = pdf_get(r->pdf, dict, "BC"), g = pdf_get(r->pdf, group, "Group");
	struct obj space = pdf_get(r->pdf, &g, "CS");
	const struct cs *cs;
	double v[FUNC_MAX] = {0}, rgb[3];

	if (bc.type != OBJ_ARRAY)
		return 0;
	cs = cs_load(r->pdf, &r->caches->cs, &space, NULL);
	if (cs->kind == CS_UNKNOWN)
		cs = bc.len == 1 ? &cs_gray : bc.len == 4 ? &cs_cmyk : &cs_rgb;
	if (pdf_numbers(r->pdf, &bc, v, FUNC_MAX) < (uint32_t)cs->n || !cs_rgb_of(cs, v, rgb))
		return 1;
	return 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2];
}

static void run_group(struct run *r, const struct mask *m, const struct obj *group, struct probe *p)
{
	struct verdict before = r->v;
	struct gstate gs = r->gs;
	struct probe *outer = r->probe;
	bool uncoloured = r->uncoloured;
	struct obj own = pdf_get(r->pdf, group, "Resources");

	r->v = (struct verdict){.colour = false};
	gstate_reset(&r->gs);
	memcpy(r->gs.ctm, m->ctm, sizeof(m->ctm));
	r->gs.clip = everywhere;
	r->uncoloured = false;
	r->probe = p;
	form_enter(r, group);
	run_stream(r, group, &own);
	if (r->v.doubt) {
		p->lit = everywhere;
		p->top = 1;
	}
	r->probe = outer;
	r->uncoloured = uncoloured;
	r->gs = gs;
	r->v = before;
}

/* The transfer function of a mask: what it makes of nothing, and of all that there is. */
static void transfer(struct run *r, const struct obj *tr, struct mask *m, double outside)
{
	struct func *f = func_load(r->pdf, tr);
	double top = 0, out[FUNC_MAX] = {0};

	for (int i = 0; f && i < STEPS; i++) {
		double v[FUNC_MAX] = {m->top * i / (STEPS - 1)};

		if (func_inputs(f) != 1 || !func_eval(f, v, out))
			f = NULL;
		top = fmax(top, out[0]);
	}
	if (!f || !func_eval(f, (double[FUNC_MAX]){outside}, out) || out[0] > 0)
		m->lit = everywhere;
	m->top = f ? top : 1;
}

static void look(struct run *r, struct mask *m)
{
	struct obj group = pdf_get(r->pdf, &m->dict, "G"), kind = pdf_get(r->pdf, &m->dict, "S");
	struct obj tr = pdf_get(r->pdf, &m->dict, "TR");
	struct probe p = {.alpha = pdf_name_is(&kind, "Alpha"), .lit = nowhere};
	double outside;

	/* All of it shows while it is run, and if it cannot be. */
	m->known = true;
	m->lit = everywhere;
	m->top = 1;
	if (group.type != OBJ_STREAM || r->depth >= RUN_DEPTH)
		return;
	outside = p.alpha ? 0 : backdrop(r, &m->dict, &group);
	run_group(r, m, &group, &p);
	m->lit = outside > 0 ? everywhere : p.lit;
	m->top = fmax(p.top, outside);
	if (tr.type == OBJ_DICT || tr.type == OBJ_STREAM)
		transfer(r, &tr, m, outside);
}

/* A mode other than Normal shows the colour itself where nothing was painted before: a page begins as nothing. */
static bool blend_hides(const struct run *r, struct box b)
{
	const struct box *g = &r->ground;

	if (b.x0 < g->x0 || b.y0 < g->y0 || b.x1 > g->x1 || b.y1 > g->y1)
		return false;
	if (r->gs.blend & BLEND_GRAY)
		return true;
	return !r->ground_spoiled && (((r->gs.blend & BLEND_WHITE) && r->ground_light >= 1) ||
					     ((r->gs.blend & BLEND_BLACK) && r->ground_light <= 0));
}

bool state_hides(struct run *r, double chroma, struct box where)
{
	struct gstate *gs = &r->gs;
	struct box b = box_cut(where, gs->clip);

	if (gs->blend && blend_hides(r, b))
		return true;
	if (r->probe || r->eager)
		return false;
	for (struct mask *m = gs->mask ? gs->mask : gs->group_mask; m; m = m->outer) {
		if (!m->known)
			look(r, m);
		if (r->pdf->budget.out_of_time) { /* then nothing is known of it */
			r->v.doubt = true;
			return true;
		}
		b = box_cut(b, m->lit);
		chroma *= m->top;
		if (b.x1 <= b.x0 || b.y1 <= b.y0 || chroma <= r->pdf->limits->tolerance)
			return true;
	}
	return false;
}
