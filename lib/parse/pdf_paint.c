/* SPDX-License-Identifier: Apache-2.0 */
/* pdf_paint - what painting with a colour, a pattern, a shading or a form leaves on the page. */
#include "parse/pdf_run.h"
#include <math.h>
#include <string.h>

enum { GRID = 9, STEPS_1D = 65, MESH_MAX = 1 << 16 };

struct box box_through(const double m[6], struct box b)
{
	double x[4] = {b.x0, b.x1, b.x0, b.x1}, y[4] = {b.y0, b.y0, b.y1, b.y1};
	struct box out = {0};

	for (int i = 0; i < 4; i++) {
		double px = m[0] * x[i] + m[2] * y[i] + m[4], py = m[1] * x[i] + m[3] * y[i] + m[5];

		out.x0 = i && out.x0 < px ? out.x0 : px;
		out.x1 = i && out.x1 > px ? out.x1 : px;
		out.y0 = i && out.y0 < py ? out.y0 : py;
		out.y1 = i && out.y1 > py ? out.y1 : py;
	}
	return out;
}

void matrix_multiply(double out[6], const double a[6], const double b[6])
{
	double m[6] = {
		a[0] * b[0] + a[1] * b[2],
		a[0] * b[1] + a[1] * b[3],
		a[2] * b[0] + a[3] * b[2],
		a[2] * b[1] + a[3] * b[3],
		a[4] * b[0] + a[5] * b[2] + b[4],
		a[4] * b[1] + a[5] * b[3] + b[5],
	};

	memcpy(out, m, sizeof(m));
}

bool matrix_read(struct pdf *pdf, const struct obj *dict, const char *key, double m[6])
{
	static const double identity[6] = {1, 0, 0, 1, 0, 0};
	struct obj a = pdf_get(pdf, dict, key);

	if (pdf_numbers(pdf, &a, m, 6) == 6)
		return true;
	memcpy(m, identity, sizeof(identity));
	return false;
}

/* Not in sight only when certainly so: a comparison with what is no number says in sight. */
bool in_sight(const struct gstate *gs, struct box b)
{
	double w, h;

	b.x0 = b.x0 > gs->clip.x0 ? b.x0 : gs->clip.x0;
	b.y0 = b.y0 > gs->clip.y0 ? b.y0 : gs->clip.y0;
	b.x1 = b.x1 < gs->clip.x1 ? b.x1 : gs->clip.x1;
	b.y1 = b.y1 < gs->clip.y1 ? b.y1 : gs->clip.y1;
	w = b.x1 - b.x0;
	h = b.y1 - b.y0;
	return !(
		w < 0 || h < 0 || gs->clip.x1 - gs->clip.x0 <= 0 || gs->clip.y1 - gs->clip.y0 <= 0);
}

uint8_t *verdict_of(struct caches *c, uint32_t num)
{
	uint32_t i;

	if (2 * c->nverdicts >= c->verdict_room) {
		uint32_t old = c->verdict_room, room = old ? 2 * old : 256;
		__typeof__(c->verdicts) was = c->verdicts;

		c->verdicts = calloc(room, sizeof(*was));
		if (!c->verdicts) {
			c->verdicts = was;
			return NULL;
		}
		c->verdict_room = room;
		for (uint32_t k = 0; k < old; k++) {
			if (!was[k].num)
				continue;
			for (i = was[k].num * 2654435761u; c->verdicts[i & (room - 1)].num; i++)
				;
			c->verdicts[i & (room - 1)] = was[k];
		}
		free(was);
	}
	for (i = num * 2654435761u;; i++) {
		uint32_t at = i & (c->verdict_room - 1);

		if (c->verdicts[at].num == num)
			return &c->verdicts[at].bits;
		if (!c->verdicts[at].num) {
			c->verdicts[at].num = num;
			c->nverdicts++;
			return &c->verdicts[at].bits;
		}
	}
}

uint8_t verdict_bits(const struct verdict *v)
{
	return VERDICT_KNOWN | (v->colour ? VERDICT_COLOUR : 0) | (v->doubt ? VERDICT_DOUBT : 0) |
	       (v->faint ? VERDICT_FAINT : 0) | (v->decoded ? VERDICT_DECODED : 0) |
	       (v->marks ? VERDICT_MARKS : 0);
}

void verdict_add(struct run *r, uint8_t bits)
{
	r->v.colour |= (bits & VERDICT_COLOUR) != 0;
	r->v.doubt |= (bits & VERDICT_DOUBT) != 0;
	r->v.faint |= (bits & VERDICT_FAINT) != 0;
	r->v.decoded |= (bits & VERDICT_DECODED) != 0;
	r->v.marks |= (bits & VERDICT_MARKS) != 0;
}

void run_chroma(struct run *r, double chroma)
{
	double tolerance = r->pdf->limits->tolerance;

	if (chroma < 0)
		r->v.doubt = true;
	else if (chroma > tolerance)
		r->v.colour = true;
	else if (chroma > tolerance / 2)
		r->v.faint = true;
}

void paint_init(struct paint *p)
{
	*p = (struct paint){.cs = &cs_gray};
}

void gstate_reset(struct gstate *gs)
{
	paint_init(&gs->fill);
	paint_init(&gs->stroke);
	gs->fill_alpha = gs->stroke_alpha = gs->group_alpha = 1;
	gs->clip_cut = gs->flat = gs->blended = false;
	gs->blend = 0;
	gs->mask = gs->group_mask = NULL;
}

void paint_set(struct run *r, struct paint *p, const struct cs *cs, const double *v)
{
	double rgb[3];

	p->cs = cs;
	p->light = 1;
	p->pattern = (struct obj){.type = OBJ_NULL};
	p->chroma = cs->kind == CS_PATTERN ? 0 : cs_chroma(cs, v, r->pdf->limits->composite_colour);
	p->white = false;
	if (cs->kind == CS_PATTERN || !cs_rgb_of(cs, v, rgb))
		return;
	p->white = rgb[0] > 0.99 && rgb[1] > 0.99 && rgb[2] > 0.99;
	p->light = p->white ? 1 : 0.3 * rgb[0] + 0.59 * rgb[1] + 0.11 * rgb[2];
}

/* Runs @stream apart, so that what it is can be told of it alone. Return: its verdict. */
static uint8_t run_apart(struct run *r, const struct obj *stream, bool uncoloured)
{
	struct verdict before = r->v;
	struct gstate gs = r->gs;
	bool was_uncoloured = r->uncoloured, was_eager = r->eager;
	struct probe *probe = r->probe;
	struct box ground = r->ground;
	struct obj own = pdf_get(r->pdf, stream, "Resources"),
		   bbox = pdf_get(r->pdf, stream, "BBox");
	static const double identity[6] = {1, 0, 0, 1, 0, 0};
	double b[4];
	uint8_t bits;

	r->v = (struct verdict){.colour = false};
	memcpy(r->gs.ctm, identity, sizeof(identity));
	r->gs.clip = (struct box){-INFINITY, -INFINITY, INFINITY, INFINITY};
	if (pdf_numbers(r->pdf, &bbox, b, 4) == 4)
		r->gs.clip = (struct box){
			fmin(b[0], b[2]), fmin(b[1], b[3]), fmax(b[0], b[2]), fmax(b[1], b[3])};
	gstate_reset(&r->gs);
	ground_none(r);
	r->uncoloured = uncoloured;
	r->eager = true;
	r->probe = NULL;
	run_stream(r, stream, &own);
	bits = verdict_bits(&r->v);
	r->probe = probe;
	r->ground = ground;
	r->ground_spoiled = true;
	r->v = before;
	r->gs = gs;
	r->uncoloured = was_uncoloured;
	r->eager = was_eager;
	return bits;
}

static void paint_tiling(
	struct run *r, const struct paint *p, const struct obj *pattern, double alpha)
{
	struct obj type = pdf_get(r->pdf, pattern, "PaintType");
	uint32_t num = p->pattern.type == OBJ_REF ? p->pattern.u.num : 0;
	uint8_t *kept = num ? verdict_of(r->caches, num) : NULL, bits = kept ? *kept : 0;

	if (!bits && r->depth < RUN_DEPTH) {
		bits = run_apart(r, pattern, pdf_int(&type, 1) == 2);
		/* The table may have moved; one that is being run is not known yet. */
		kept = num ? verdict_of(r->caches, num) : NULL;
		if (kept)
			*kept = bits;
	}
	if (pdf_int(&type, 1) == 2 && (bits & VERDICT_MARKS))
		run_chroma(r, p->chroma < 0 ? p->chroma : p->chroma * alpha);
	if ((bits & VERDICT_COLOUR) && alpha * 255 <= r->pdf->limits->tolerance)
		bits &= (uint8_t)~VERDICT_COLOUR;
	verdict_add(r, bits);
}

/* What a shading pattern shows beyond its ends. */
static void paint_background(struct run *r, const struct obj *shading, double alpha)
{
	struct obj bg = pdf_get(r->pdf, shading, "Background"),
		   space = pdf_get(r->pdf, shading, "ColorSpace");
	const struct cs *cs =
		bg.type == OBJ_ARRAY ? cs_load(r->pdf, &r->caches->cs, &space, NULL) : &cs_gray;
	double v[FUNC_MAX] = {0}, c;

	if (bg.type != OBJ_ARRAY || cs->kind == CS_UNKNOWN || cs->kind == CS_PATTERN)
		return;
	pdf_numbers(r->pdf, &bg, v, FUNC_MAX);
	c = cs_chroma(cs, v, r->pdf->limits->composite_colour);
	run_chroma(r, c < 0 ? c : c * alpha);
}

static void paint_pattern(struct run *r, const struct paint *p, double alpha)
{
	struct obj pattern = pdf_resolve(r->pdf, &p->pattern),
		   type = pdf_get(r->pdf, &pattern, "PatternType");
	struct obj shading = pdf_get(r->pdf, &pattern, "Shading");
	const struct obj *raw = pdf_raw(&pattern, "Shading");

	if (pdf_int(&type, 0) == 2 && !r->uncoloured)
		paint_background(r, &shading, alpha);
	if (pdf_int(&type, 0) == 2)
		paint_shading(r, &shading, raw && raw->type == OBJ_REF ? raw->u.num : 0, alpha);
	else if (pattern.type == OBJ_STREAM)
		paint_tiling(r, p, &pattern, alpha);
}

bool mark_hidden(struct run *r, double chroma, struct box where)
{
	if (!r->gs.flat && (chroma <= r->pdf->limits->tolerance || !state_hides(r, chroma, where)))
		return false;
	r->v.culled += !r->gs.flat;
	run_marks(r, -1);
	return true;
}

void paint_mark(struct run *r, const struct paint *p, double alpha, struct box where)
{
	bool pattern = p->pattern.type != OBJ_NULL && !r->uncoloured;

	alpha *= r->gs.group_alpha;
	alpha = alpha < 1 ? alpha : 1;
	if (!in_sight(&r->gs, where)) {
		r->v.culled += p->chroma != 0 || p->pattern.type != OBJ_NULL;
		return;
	}
	if (alpha <= 0 || p->cs->kind == CS_NONE)
		return;
	if (r->probe) {
		probe_mark(r, pattern || p->chroma < 0 ? 1 : p->light, alpha, where);
		return;
	}
	if ((pattern || p->chroma) &&
		mark_hidden(r, pattern ? 255 : fabs(p->chroma) * alpha, where))
		return;
	if (pattern)
		paint_pattern(r, p, alpha);
	run_marks(r, pattern ? -1 : p->white ? 1 : p->light);
	if (!pattern && p->chroma)
		run_chroma(r, p->chroma < 0 ? p->chroma : p->chroma * alpha);
	if (r->v.colour)
		cover_defer(r, where);
}

/* The largest chroma that @f gives over its domain, looked at on a grid. Negative: cannot be told. */
static double function_chroma(
	struct run *r, const struct cs *cs, const struct func *f, const double *domain)
{
	int m = func_inputs(f), n = m == 1 ? STEPS_1D : GRID * GRID;
	double top = 0, v[FUNC_MAX] = {0}, out[FUNC_MAX] = {0}, c;

	if (m > 2 || func_outputs(f) < cs->n)
		return -1;
	for (int i = 0; i < n; i++) {
		double s = m == 1 ? (double)i / (STEPS_1D - 1) : (double)(i % GRID) / (GRID - 1);
		double t = (double)(i / GRID) / (GRID - 1);

		v[0] = domain[0] + s * (domain[1] - domain[0]);
		v[1] = domain[2] + t * (domain[3] - domain[2]);
		c = func_eval(f, v, out) ? cs_chroma(cs, out, r->pdf->limits->composite_colour)
					 : -1;
		if (c < 0)
			return -1;
		top = c > top ? c : top;
	}
	return top;
}

struct bits {
	struct stm *in;
	uint64_t have;
	int n;
	bool end;
};

static double take_bits(struct bits *b, int want)
{
	double v = 0;

	while (want > 0) {
		int now = want > 16 ? 16 : want;

		while (b->n < now) {
			int c = stm_get(b->in);

			b->end = b->end || c < 0;
			b->have = b->have << 8 | (uint64_t)(c < 0 ? 0 : c);
			b->n += 8;
		}
		b->n -= now;
		v = v * (1 << now) + (double)(b->have >> b->n & ((1u << now) - 1));
		want -= now;
	}
	return v;
}

/* Points and colours that follow flag @flag in a mesh of @type: ISO 32000-2 tables 82 to 86. */
static void mesh_shape(int type, int flag, int *points, int *colours)
{
	*points = type == 6 ? (flag ? 8 : 12) : type == 7 ? (flag ? 12 : 16) : 1;
	*colours = type >= 6 ? (flag ? 2 : 4) : 1;
}

/* The largest chroma of a mesh's corners; between them it is mixed from these. */
static double mesh_chroma(
	struct run *r, const struct obj *sh, const struct cs *cs, const struct func *f, int type)
{
	struct obj bc = pdf_get(r->pdf, sh, "BitsPerCoordinate"),
		   bb = pdf_get(r->pdf, sh, "BitsPerComponent");
	struct obj bf = pdf_get(r->pdf, sh, "BitsPerFlag"), decode = pdf_get(r->pdf, sh, "Decode");
	int64_t coord = pdf_int(&bc, 0), comp = pdf_int(&bb, 0),
		flags = type == 5 ? 0 : pdf_int(&bf, 0);
	int n = f ? 1 : cs->n, points, colours;
	double d[4 + 2 * FUNC_MAX] = {0}, top = 0;
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *in = pdf_stream_open(r->pdf, sh, &codec, NULL);
	struct bits b = {.in = in};

	if (!in || codec != CODEC_NONE || coord < 1 || coord > 32 || comp < 1 || comp > 16 ||
		flags < 0 || flags > 8 || n < 1 || n > FUNC_MAX ||
		pdf_numbers(r->pdf, &decode, d, 4 + 2 * FUNC_MAX) < (uint32_t)(4 + 2 * n))
		return -1;
	if (f) /* then what a corner holds is where in the function it lies */
		return func_inputs(f) == 1 ? function_chroma(r, cs, f, d + 4) : -1;
	for (int i = 0; i < MESH_MAX && top <= r->pdf->limits->tolerance; i++) {
		mesh_shape(type, (int)take_bits(&b, (int)flags) & 3, &points, &colours);
		for (int k = 0; k < 2 * points; k++)
			take_bits(&b, (int)coord);
		for (int k = 0; k < colours && !b.end; k++) {
			double v[FUNC_MAX] = {0}, c;

			for (int j = 0; j < n; j++)
				v[j] = d[4 + 2 * j] + take_bits(&b, (int)comp) *
							      (d[5 + 2 * j] - d[4 + 2 * j]) /
							      ((1 << comp) - 1);
			c = b.end ? 0 : cs_chroma(cs, v, r->pdf->limits->composite_colour);
			if (c < 0)
				return -1;
			top = c > top ? c : top;
		}
		if (b.end)
			break;
		b.n -= b.n % 8; /* each vertex or patch begins on an octet */
	}
	return top;
}

static double shading_chroma(struct run *r, const struct obj *sh)
{
	struct obj space = pdf_get(r->pdf, sh, "ColorSpace"),
		   type = pdf_get(r->pdf, sh, "ShadingType");
	struct obj fn = pdf_get(r->pdf, sh, "Function"), domain = pdf_get(r->pdf, sh, "Domain");
	const struct cs *cs = cs_load(r->pdf, &r->caches->cs, &space, NULL);
	struct func *f = NULL;
	double d[4] = {0, 1, 0, 1};

	if (cs->never_colour)
		return 0;
	if (cs->kind == CS_UNKNOWN || cs->kind == CS_PATTERN)
		return -1;
	if (fn.type != OBJ_NULL) {
		f = func_load(r->pdf, &fn);
		if (!f)
			return -1;
	}
	pdf_numbers(r->pdf, &domain, d, 4);
	if (pdf_int(&type, 0) >= 4)
		return mesh_chroma(r, sh, cs, f, (int)pdf_int(&type, 0));
	return f ? function_chroma(r, cs, f, d) : -1;
}

void paint_shading(struct run *r, const struct obj *shading, uint32_t num, double alpha)
{
	uint8_t *kept = num && alpha >= 1 ? verdict_of(r->caches, num) : NULL;
	struct verdict before = r->v;
	uint8_t found;

	if (shading->type != OBJ_DICT && shading->type != OBJ_STREAM)
		return;
	if (kept && *kept) {
		verdict_add(r, *kept);
		return;
	}
	r->v = (struct verdict){.marks = true};
	if (!r->uncoloured) {
		double c = shading_chroma(r, shading);

		run_chroma(r, c < 0 ? c : c * alpha);
		kept = num && alpha >= 1 ? verdict_of(r->caches, num) : NULL;
		if (kept)
			*kept = verdict_bits(&r->v);
	}
	found = verdict_bits(&r->v);
	r->v = before;
	verdict_add(r, found);
}

void run_stream(struct run *r, const struct obj *stream, const struct obj *resources)
{
	enum pdf_codec codec;
	AUTO(stm_closep) struct stm *in = NULL;

	if (r->depth >= RUN_DEPTH) {
		r->pdf->budget.spent = true;
		r->v.doubt = true;
		return;
	}
	r->depth++;
	in = pdf_stream_open(r->pdf, stream, &codec, NULL);
	if (in && codec == CODEC_NONE) {
		run_content(r, in, resources);
		if (r->pdf->budget.out_of_time || (in->bad && r->pdf->budget.spent))
			r->v.doubt = true;
	}
	r->depth--;
}

static bool is_gray(const struct run *r, const struct paint *p)
{
	return p->pattern.type == OBJ_NULL && p->chroma >= 0 &&
	       p->chroma <= r->pdf->limits->tolerance;
}

void form_enter(struct run *r, const struct obj *form)
{
	struct obj bbox = pdf_get(r->pdf, form, "BBox");
	double m[6], b[4];
	struct box clip;

	matrix_read(r->pdf, form, "Matrix", m);
	matrix_multiply(r->gs.ctm, m, r->gs.ctm);
	if (pdf_numbers(r->pdf, &bbox, b, 4) != 4)
		return;
	clip = box_through(r->gs.ctm, (struct box){fmin(b[0], b[2]), fmin(b[1], b[3]),
					      fmax(b[0], b[2]), fmax(b[1], b[3])});
	path_clip(r, clip,
		!((r->gs.ctm[1] == 0 && r->gs.ctm[2] == 0) ||
			(r->gs.ctm[0] == 0 && r->gs.ctm[3] == 0)));
}

/* A transparency group is painted apart and then laid onto the page as one thing: ISO 32000-2 11.6.6. */
static void enter_group(struct run *r, const struct obj *group)
{
	struct gstate *gs = &r->gs;
	struct obj space = pdf_get(r->pdf, group, "CS"), isolated = pdf_get(r->pdf, group, "I");
	struct obj knockout = pdf_get(r->pdf, group, "K");

	gs->group_alpha *= gs->fill_alpha < 1 ? gs->fill_alpha : 1;
	gs->fill_alpha = gs->stroke_alpha = 1;
	gs->flat = gs->flat || (gs->blend && state_hides(r, 255, gs->clip));
	gs->group_mask = gs->mask ? gs->mask : gs->group_mask;
	gs->mask = NULL;
	gs->blended = gs->blended || gs->blend || (knockout.type == OBJ_BOOL && knockout.u.b);
	gs->blend = 0;
	if (isolated.type != OBJ_BOOL || !isolated.u.b)
		return;
	/* It begins as nothing, and its space is its own. */
	ground_none(r);
	if (space.type != OBJ_NULL && cs_load(r->pdf, &r->caches->cs, &space, NULL)->never_colour)
		gs->flat = true;
}

/* What was found of a form is good for all its uses, unless something around it or out of it may change that. */
static bool may_keep(const struct run *r)
{
	const struct gstate *gs = &r->gs;

	return gs->group_alpha >= 1 && is_gray(r, &gs->fill) && is_gray(r, &gs->stroke) &&
	       gs->fill_alpha >= 1 && gs->stroke_alpha >= 1 && !r->uncoloured && !r->probe &&
	       !gs->flat && !gs->blend && !gs->mask && !gs->group_mask;
}

/* The verdict on what was painted since @seq: colours that were kept apart count, pictures that wait spoil it. */
static uint8_t form_bits(const struct run *r, uint32_t seq, bool *whole)
{
	uint8_t bits = verdict_bits(&r->v);

	*whole = true;
	for (int i = 0; i < r->npending; i++)
		if (r->pending[i].seq > seq)
			bits |= VERDICT_COLOUR;
	for (int i = 0; i < r->nwaiting; i++)
		if (r->waiting[i].seq > seq && r->waiting[i].image.type != OBJ_NULL)
			*whole = false;
	return bits;
}

/* A form that was run before: what it was found to be is painted onto its box. */
static void use_form(struct run *r, const struct obj *form, uint8_t bits)
{
	struct gstate gs = r->gs;

	verdict_add(r, bits);
	form_enter(r, form);
	if (bits & VERDICT_MARKS)
		run_marks(r, -1);
	if (r->v.colour)
		cover_defer(r, r->gs.clip);
	r->gs = gs;
}

void run_form(
	struct run *r, const struct obj *form, const struct obj *ref, const struct obj *resources)
{
	uint32_t num = ref->type == OBJ_REF ? ref->u.num : 0;
	bool keep = num && may_keep(r), whole;
	uint8_t *kept = num ? verdict_of(r->caches, num) : NULL;
	struct obj own = pdf_get(r->pdf, form, "Resources"), group;
	struct verdict before = r->v;
	struct gstate gs = r->gs;
	struct box ground = r->ground;
	uint32_t seq = r->seq;
	uint8_t found;

	if (kept && (*kept & VERDICT_BUSY))
		return; /* a form within itself */
	if (keep && kept && (*kept & VERDICT_KNOWN) && in_sight(&gs, gs.clip) &&
		((*kept & VERDICT_COLOUR) || !r->npending)) {
		use_form(r, form, *kept);
		return;
	}
	if (kept)
		*kept |= VERDICT_BUSY;
	r->v = (struct verdict){.colour = false};
	form_enter(r, form);
	group = pdf_get(r->pdf, form, "Group");
	if (group.type == OBJ_DICT)
		enter_group(r, &group);
	if (in_sight(&r->gs, r->gs.clip))
		run_stream(r, form, own.type == OBJ_DICT ? &own : resources);
	else
		r->v.culled++;
	/* What was out of sight here may be in sight elsewhere; pictures that wait are not judged yet. */
	found = form_bits(r, seq, &whole);
	kept = num ? verdict_of(r->caches, num) : NULL;
	if (kept)
		*kept = keep && !r->v.culled && whole ? found : *kept & (uint8_t)~VERDICT_BUSY;
	found = verdict_bits(&r->v);
	before.culled += r->v.culled;
	r->v = before;
	r->gs = gs;
	r->ground = ground;
	r->ground_spoiled |= (found & VERDICT_MARKS) != 0;
	verdict_add(r, found);
}
